"""The stream's Parquet sink: buffers what comes for some seconds and publishes it as a few files at once."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol
from zlib import crc32

import apache_beam as beam
import pyarrow as pa
from apache_beam.coders import BytesCoder, VarIntCoder
from apache_beam.pvalue import PCollection
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

from pipelines.datasets import Part
from pipelines.live import local
from pipelines.live.letters import forget, old_letters
from pipelines.live.pruning import LOOKED_UP_SECONDS, others_of, prune_shard
from pipelines.live.receipts import write_receipt
from pipelines.live.store import Manifest, publish
from pipelines.live.tables import Batch
from pipelines.storage_errors import StorageError
from transforms.ptransforms_messages import Clock, system_clock
from transforms.ptransforms_metrics import count
from transforms.rows import SECOND

_log = logging.getLogger(__name__)

FULL_BYTES = 32 << 20
"""Buffered bytes at which is published without waiting."""

LOOK_EVERY = 3600 * SECOND
"""Microseconds between two searches for raw bytes whose retention is over; one reads all rows of dead letters."""

PRUNE_EVERY = 6 * 3600 * SECOND
"""Microseconds between two looks for what the settled half has; one reads all that is old enough."""


class Writer(Protocol):
    """Where publications go besides the files; travels to the workers."""

    def write(self, tables: dict[str, pa.Table]) -> list[tuple[str, str]]:
        """Write what a publication shows, again after a failure; gives `(flow key, why)` of refused revisions."""


@beam.typehints.with_input_types(tuple[int, bytes])
class _Publish(beam.DoFn):
    BUFFER = BagStateSpec("buffer", BytesCoder())
    HELD = ReadModifyWriteStateSpec("held", VarIntCoder())
    DUE = TimerSpec("due", TimeDomain.REAL_TIME)

    def __init__(
        self,
        output: str,
        shards: int,
        run_id: str,
        every: int,
        writer: Writer | None,
        clock: Clock,
        receipts: bool,
        letters_for: int | None,
        settled: str | None = None,
        live_for: int | None = None,
    ) -> None:
        self.output, self.shards, self.run_id, self.every, self.clock = output, shards, run_id, every, clock
        self.writer, self.receipts, self.letters_for = writer, receipts, letters_for
        self.settled, self.live_for = settled, live_for
        self.looked_at: dict[int, int] = {}  # when each shard was last searched for old letters, by this worker
        self.pruned_at: dict[int, int] = {}  # and for what the settled half has; a job prunes before it begins

    def process(
        self,
        element: tuple[int, bytes],
        buffer: Any = beam.DoFn.StateParam(BUFFER),  # noqa: B008 - Beam takes state and timers as defaults
        held: Any = beam.DoFn.StateParam(HELD),  # noqa: B008
        due: Any = beam.DoFn.TimerParam(DUE),  # noqa: B008
    ) -> Iterator[int]:
        shard, raw = element
        size = held.read() or 0
        if size == 0:
            due.set(Timestamp(micros=self.clock() + self.every))
        buffer.add(raw)
        size += len(raw)
        if size >= FULL_BYTES:
            yield self._publish(shard, buffer)
            size = 0
        held.write(size)

    @on_timer(DUE)
    def publish_due(
        self,
        shard: int = beam.DoFn.KeyParam,
        buffer: Any = beam.DoFn.StateParam(BUFFER),  # noqa: B008
        held: Any = beam.DoFn.StateParam(HELD),  # noqa: B008
    ) -> Iterator[int]:
        if held.read():
            yield self._publish(shard, buffer)
            held.write(0)

    def _publish(self, shard: int, buffer: Any) -> int:
        batch = Batch()
        for raw in buffer.read():
            batch.add(raw)
        before = len(batch.dead)
        tables = batch.tables(self.run_id)
        if self.writer is not None:
            refused = self.writer.write(tables)
            if refused:
                batch.refuse(refused)
                tables = batch.tables(self.run_id)
        durable = batch.messages()
        receipt = functools.partial(write_receipt, self.output, shard, self.shards, message_ids=durable)
        manifest = publish(
            self.output,
            shard,
            self.shards,
            tables,
            before=receipt if self.receipts else None,
            tidy=functools.partial(self._tidy, shard),
        )
        count("sink_refused", len(batch.dead) - before)
        buffer.clear()
        local.durable(durable)
        return manifest.generation

    def _tidy(self, shard: int, manifest: Manifest) -> list[Part]:
        self._prune(shard, manifest)
        return self._forget_letters(shard, manifest)

    def _prune(self, shard: int, manifest: Manifest) -> None:
        now = self.clock()
        last = self.pruned_at.setdefault(shard, now)
        if self.settled is None or self.live_for is None or now - last < PRUNE_EVERY:
            return
        try:
            others = others_of(self.output, shard, self.shards)
            looked_up = now - LOOKED_UP_SECONDS * SECOND
            told = prune_shard(
                self.output, shard, manifest, others, self.settled, self.live_for, now, apply=True,
                published_before=looked_up,
            )  # fmt: skip
        except StorageError as err:  # a batch run or another shard has just replaced what was to be read
            _log.warning("nothing was pruned: %s", err)
            return
        if told.why_not is None:
            self.pruned_at[shard] = now
        _log.info("pruned: %s", told)

    def _forget_letters(self, shard: int, manifest: Manifest) -> list[Part]:
        now = self.clock()
        last = self.looked_at.get(shard)
        if self.letters_for is None or (last is not None and now - last < LOOK_EVERY):
            return []
        self.looked_at[shard] = now
        old = old_letters(self.output, manifest, now - self.letters_for)
        if old:
            forget(self.output, shard, manifest, old)
        return old


@dataclass
class PublishLive(beam.PTransform):
    """Publish elements (`pipelines.live.tables`) under an output. Out: numbers of the publications.

    Attributes:
        output: output folder.
        run_id: id of the job, for the dead letters.
        shards: how many files are written at once; each has a manifest of its own.
        every: microseconds from the first element to the publication.
        writer: where revisions go besides the files; what it refuses becomes a dead letter.
        clock: the time.
        receipts: write receipts, for a source in another process (`pipelines.live.receipts`).
        letters_for: microseconds for which raw bytes of dead letters are kept; None for ever.
        settled: output of the batch job; what it has for certain is dropped here. None to keep everything.
        live_for: microseconds for which everything is kept.
    """

    output: str
    run_id: str
    shards: int = 1
    every: int = 5 * SECOND
    writer: Writer | None = None
    clock: Clock = system_clock
    receipts: bool = False
    letters_for: int | None = None
    settled: str | None = None
    live_for: int | None = None

    def __post_init__(self) -> None:
        """Let Beam label the step."""
        super().__init__()

    def expand(self, elements: PCollection[bytes]) -> PCollection[int]:
        """Compose the steps."""
        shards = self.shards
        return (
            elements
            | "SpreadShards" >> beam.Map(lambda e: (crc32(e) % shards, e)).with_output_types(tuple[int, bytes])
            | "PublishParts"
            >> beam.ParDo(
                _Publish(
                    self.output.rstrip("/"),
                    shards,
                    self.run_id,
                    self.every,
                    self.writer,
                    self.clock,
                    self.receipts,
                    self.letters_for,
                    self.settled,
                    self.live_for,
                )
            )
        )
