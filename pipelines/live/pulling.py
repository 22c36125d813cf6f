"""Pub/Sub for engines that have no reader of their own for Python: an unbounded splittable DoFn.

Beam's Python `ReadFromPubSub` runs on Dataflow, which replaces it, and on the local runner. Elsewhere Beam's way is the
Java reader, by an expansion service; it needs Java where the job is submitted and a Java worker (usually a container)
beside every Python one. `PullMessages` needs neither. A reader pulls for a moment, emits, and hands the rest of its
endless restriction back, so that bundles stay short and the engine can commit them. What is acknowledged, and when, is
told by `pipelines.live.held`.
"""

from __future__ import annotations

import functools
import logging
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.io.watermark_estimators import WalltimeWatermarkEstimator
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Duration, Timestamp

from pipelines.landing.subscription import connect
from pipelines.live.held import LEASE_SECONDS, Held
from pipelines.live.receipts import Receipts

TEND_SECONDS = 1.0
_WALL_TIME = WalltimeWatermarkEstimator.default_provider()
_IDLE = 0.2
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader reads.

    Attributes:
        subscription: `projects/P/subscriptions/S`.
        output: output folder, whose receipts say what is durable.
        shards: shards of the sink.
        lease: seconds for which a message is leased at a time.
    """

    subscription: str
    output: str
    shards: int
    lease: int = LEASE_SECONDS


@functools.cache
def _held(reading: Reading, number: int) -> Held:
    """Give what a reader of this process holds, with the thread that tends it."""
    held = Held(connect(), reading.subscription, Receipts(reading.output, reading.shards), reading.lease)

    def tend() -> None:
        while True:
            time.sleep(TEND_SECONDS)
            try:
                held.tend()
            except Exception as err:  # noqa: BLE001 - leases that end are delivered again; storage or Pub/Sub may come back
                _log.warning("%s: %s: %s", reading.subscription, type(err).__name__, err)

    threading.Thread(target=tend, name=f"tend-{number}", daemon=True).start()
    return held


_locked = threading.Lock()


class _Turns(OffsetRestrictionTracker):
    """Counts the turns of a reader; ends never, and is only ever parted between this turn and the next."""

    def try_split(self, fraction_of_remainder: float) -> Any:
        """Part at the next turn, or not at all: two parts would be one reader twice."""
        return super().try_split(0) if fraction_of_remainder == 0 else None

    def is_bounded(self) -> bool:
        """Say that there is no end."""
        return False


class _Endless(RestrictionProvider):
    def initial_restriction(self, element: int) -> OffsetRange:
        return OffsetRange(0, sys.maxsize)

    def create_tracker(self, restriction: OffsetRange) -> _Turns:
        return _Turns(restriction)

    def restriction_size(self, element: int, restriction: OffsetRange) -> int:
        return 1


class _Pull(beam.DoFn):
    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    @beam.DoFn.unbounded_per_element()
    def process(
        self,
        number: int,
        finalizer: Any = beam.DoFn.BundleFinalizerParam,  # first: Beam passes it by position, those below by name
        turns: Any = beam.DoFn.RestrictionParam(_Endless()),  # noqa: B008 - Beam takes its parameters as defaults
        watermark: Any = beam.DoFn.WatermarkEstimatorParam(_WALL_TIME),  # noqa: B008
    ) -> Iterator[Any]:
        if not turns.try_claim(turns.current_restriction().start):
            return
        with _locked:
            held = _held(self.reading, number)
        messages = held.pull()
        # Also without new ones: what was committed before needs a later commit.
        finalizer.register(held.committing([m.message_id for m in messages]))
        for message in messages:
            at = Timestamp.from_utc_datetime(message.publish_time)
            yield TimestampedValue(PubsubMessage._from_message(message), at)
        turns.defer_remainder(Duration(0 if messages else _IDLE))


@dataclass
class PullMessages(beam.PTransform):
    """Read a subscription as `ReadFromPubSub(with_attributes=True)` does.

    Attributes:
        reading: what is read.
        readers: how many read at once.
    """

    reading: Reading
    readers: int = 1

    def __post_init__(self) -> None:
        """Let Beam label the step."""
        super().__init__()

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection[PubsubMessage]:
        """Compose the steps."""
        return (
            begin
            | "ListReaders" >> beam.Create(range(self.readers), reshuffle=False)
            | "SpreadReaders" >> beam.Reshuffle()
            | "PullMessages" >> beam.ParDo(_Pull(self.reading)).with_output_types(PubsubMessage)
        )
