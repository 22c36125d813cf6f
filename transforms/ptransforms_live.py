"""Beam transform of the stream's flows: items to revisions of facts, with what closes, shrinks and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

from transforms.ptransforms_messages import Clock, Keyed, split_key, system_clock, time_of
from transforms.ptransforms_metrics import count, spread
from transforms.resolve import UNRESOLVED
from transforms.stream_codec import decode_item, encode_item
from transforms.stream_flows import (
    Change,
    Meta,
    Phase,
    arrive,
    decode_meta,
    encode_meta,
    flush,
    pack_closed,
    read_back,
    unpack_closed,
    wake,
)
from transforms.stream_revision import Life, decode_revision, encode_revision

REVISIONS, CLOSED = "revisions", "closed"


class FlowLookup(Protocol):
    """Where closed flows are kept outside the state; travels to the workers."""

    def find(self, flow: str, key: str) -> bytes | None:
        """Give a closed flow as `transforms.stream_flows.pack_closed` made it, the newest; None when there is none."""


class LostFlowError(Exception):
    """A closed flow was not found where it should be kept; facts without its events would be wrong."""


@beam.typehints.with_input_types(tuple[str, bytes])
class _LiveFlow(beam.DoFn):
    """One flow (`transforms.stream_flows`)."""

    META = ReadModifyWriteStateSpec("meta", BytesCoder())
    ITEMS = BagStateSpec("items", BytesCoder())
    FLUSH = TimerSpec("flush", TimeDomain.REAL_TIME)
    WAKE = TimerSpec("wake", TimeDomain.REAL_TIME)

    def __init__(self, life: Life, lookup: FlowLookup | None, as_of: int | None, clock: Clock) -> None:
        self.life, self.lookup, self.as_of, self.clock = life, lookup, as_of, clock

    def process(
        self,
        element: Keyed,
        state: Any = beam.DoFn.StateParam(META),
        items: Any = beam.DoFn.StateParam(ITEMS),
        flush_timer: Any = beam.DoFn.TimerParam(FLUSH),
    ) -> None:
        key, raw = element
        packed, now = state.read(), self.clock()
        meta = Meta() if packed is None else decode_meta(packed)
        if packed is None or meta.phase is Phase.TOMBSTONE:
            self._read_back(split_key(key), meta, items, known=packed is not None)
        if packed is None or meta.phase is not Phase.OPEN:
            count("flows_opened")
        if meta.dirty_at is None:
            flush_timer.set(Timestamp(micros=now + self.life.flush_after))
        # A delivery that leaves is always noted; telling the two apart takes no more than the item's own bytes.
        if arrive(meta, len(raw), now, self.life, joins=meta.items < self.life.max_items or _joins(raw)):
            items.add(raw)
        else:
            count("items_over_cap")
        state.write(encode_meta(meta))

    def _read_back(self, flow_key: tuple[str, str], meta: Meta, items: Any, *, known: bool) -> None:
        packed = self.lookup.find(*flow_key) if self.lookup is not None else None
        if packed is not None:
            revision, kept = unpack_closed(packed)
            for raw in kept:
                items.add(raw)
            read_back(meta, kept, revision)
            count("flows_read_back", int(bool(kept)))
        elif known:
            raise LostFlowError(
                f"the {flow_key[0]} flow {flow_key[1]} is closed and an event has arrived for it, but its events are "
                "not where closed flows are kept; expected them there since it closed"
            )

    @on_timer(FLUSH)
    def flush(
        self,
        key: str = beam.DoFn.KeyParam,
        fired: Any = beam.DoFn.TimestampParam,
        state: Any = beam.DoFn.StateParam(META),
        items: Any = beam.DoFn.StateParam(ITEMS),
        wake_timer: Any = beam.DoFn.TimerParam(WAKE),
    ) -> Iterator[Any]:
        meta, now = decode_meta(state.read()), time_of(self.clock, fired)
        if meta.dirty_at is None:
            return
        known = [decode_item(raw) for raw in items.read()]
        change = flush(*split_key(key), meta, known, self.life, now, self._instant(now))
        yield from self._apply(key, meta, change, state, items, wake_timer)

    @on_timer(WAKE)
    def wake(
        self,
        key: str = beam.DoFn.KeyParam,
        fired: Any = beam.DoFn.TimestampParam,
        state: Any = beam.DoFn.StateParam(META),
        items: Any = beam.DoFn.StateParam(ITEMS),
        wake_timer: Any = beam.DoFn.TimerParam(WAKE),
    ) -> Iterator[Any]:
        packed = state.read()
        if packed is None:
            return
        meta, now = decode_meta(packed), time_of(self.clock, fired)
        known = [decode_item(raw) for raw in items.read()]
        change = wake(*split_key(key), meta, known, self.life, now, self._instant(now))
        yield from self._apply(key, meta, change, state, items, wake_timer)

    def _apply(self, key: str, meta: Meta, change: Change, state: Any, items: Any, wake_timer: Any) -> Iterator[Any]:
        if change.gone:
            state.clear()
            items.clear()
            return
        if change.revision is not None:
            yield encode_revision(change.revision)
        if change.closed is not None:
            yield TaggedOutput(CLOSED, (key, pack_closed(meta, change.closed)))
        if change.items is not None:
            items.clear()
            for item in change.items:
                items.add(encode_item(item))
        state.write(encode_meta(meta))
        if meta.wake_at is not None:
            wake_timer.set(Timestamp(micros=meta.wake_at))

    def _instant(self, now: int) -> int:
        return now if self.as_of is None else self.as_of


def _joins(raw: bytes) -> bool:
    return decode_item(raw).event is not None


class _Count(beam.DoFn):
    """Counts what timers have given out; in a step of its own, for the local runner counts nothing in a timer."""

    def process(self, element: Any) -> Iterator[Any]:
        if isinstance(element, bytes):
            revision = decode_revision(element)
            count("revisions")
            count("duplicates", revision.repeated)
            spread("flow_duplicates", revision.duplicates)
            spread("flush_lag_ms", revision.waited // 1000)
            spread("state_bytes", revision.bytes)
            if revision.key.startswith(UNRESOLVED) and revision.event_count:
                count("revisions_unresolved")
        else:
            count("flows_closed")
        yield element


class Live(NamedTuple):
    """What the flows give: encoded revisions; and `(flow key, packed flow)` of those that have closed."""

    revisions: PCollection[bytes]
    closed: PCollection[Keyed]


@dataclass
class LiveFlows(beam.PTransform):
    """Keep the events of every open flow, and give out a revision of its facts soon after each change.

    In: PCollection of `(flow key, encoded item)`. Out: `Live`.

    Attributes:
        life: how long things last.
        lookup: where closed flows are read back from.
        as_of: instant of the facts in microseconds; None for the time of each revision.
        clock: the time.
    """

    life: Life
    lookup: FlowLookup | None = None
    as_of: int | None = None
    clock: Clock = system_clock

    def __post_init__(self) -> None:
        """Let Beam label the step."""
        super().__init__()

    def expand(self, items: PCollection[Keyed]) -> Live:
        """Compose the step."""
        out = items | "KeepFlows" >> beam.ParDo(_LiveFlow(self.life, self.lookup, self.as_of, self.clock)).with_outputs(
            CLOSED, main=REVISIONS
        )
        return Live(
            out[REVISIONS] | "CountRevisions" >> beam.ParDo(_Count()),
            out[CLOSED] | "CountClosed" >> beam.ParDo(_Count()),
        )
