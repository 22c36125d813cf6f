"""Beam transform of the stream's search: events to items of flows, in any order of arrival."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import apache_beam as beam
import msgspec
from apache_beam.coders import BytesCoder
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

from transforms.event import Event, decode_block
from transforms.ptransforms_messages import Clock, Keyed, join_key, split_key, system_clock, time_of
from transforms.ptransforms_metrics import count
from transforms.resolve import UNRESOLVED, Node
from transforms.rows import SECOND
from transforms.stream_codec import Item, Value, decode_item, encode_item
from transforms.stream_nodes import (
    HOPS,
    Ask,
    Claim,
    Home,
    ToFlow,
    Told,
    Wait,
    decode_home,
    decode_relay,
    encode_node,
    joins,
    leaves,
    route,
)  # fmt: skip
from transforms.stream_revision import DAY

FLOWS, CLAIMS, ASKS, WAITS, HOMES, ONWARD = "flows", "claims", "asks", "waits", "homes", "onward"

_encode = msgspec.msgpack.Encoder().encode
_claim = msgspec.msgpack.Decoder(tuple[int, int, str])
_ask = msgspec.msgpack.Decoder(tuple[str, str])


class _Route(beam.DoFn):
    """Sends what events tell to whom it concerns; what was told a moment ago is not told again."""

    _MOST = 200_000
    _AGAIN_AFTER = 3_600.0

    def setup(self) -> None:
        self.told: set[bytes] = set()
        self.since = time.monotonic()

    def start_bundle(self) -> None:
        # Only what a whole bundle has told counts: a bundle that fails is delivered again to another instance.
        self.telling: set[bytes] = set()
        if len(self.told) > self._MOST or time.monotonic() - self.since > self._AGAIN_AFTER:
            self.told, self.since = set(), time.monotonic()

    def finish_bundle(self) -> None:
        self.told |= self.telling

    def _new(self, tag: str, key: str, message: bytes) -> Iterator[TaggedOutput]:
        what = f"{tag}{key}".encode() + message
        if what not in self.told and what not in self.telling:
            self.telling.add(what)
            yield TaggedOutput(tag, (key, message))

    def process(self, block: bytes) -> Iterator[Any]:
        for event in decode_block(block):
            for message in route(event):
                match message:
                    case ToFlow():
                        yield join_key(message.flow, message.key), encode_item(message.item)
                    case Claim():
                        yield from self._new(CLAIMS, join_key(*message.node), b"c" + _encode((0, *message.told)))
                    case Ask():
                        yield from self._new(ASKS, join_key(*message.node), b"a" + _encode(message.asker))
                    case Wait():
                        item = encode_item(Item(None, message.event))
                        yield TaggedOutput(WAITS, (join_key(*message.node), b"w" + item))
                        yield from self._new(CLAIMS, join_key(*message.node), b"w")


class NodeLookup(Protocol):
    """Which flow entities belong to, from before the stream; travels to the workers."""

    def find(self, node: Node) -> list[Told]:
        """Give the claims `(rank, flow id)` on an entity."""


@beam.typehints.with_input_types(tuple[str, bytes])
class _Relay(beam.DoFn):
    """One entity at one distance (`transforms.stream_nodes.Relay`)."""

    STATE = ReadModifyWriteStateSpec("relay", BytesCoder())
    EXPIRY = TimerSpec("expiry", TimeDomain.REAL_TIME)

    def __init__(self, hops: int, keep_for: int, links: NodeLookup | None, clock: Clock) -> None:
        self.hops, self.keep_for, self.links, self.clock = hops, keep_for, links, clock

    def process(
        self, element: Keyed, state: Any = beam.DoFn.StateParam(STATE), expiry: Any = beam.DoFn.TimerParam(EXPIRY)
    ) -> Iterator[Any]:
        key, message = element
        relay, now = decode_relay(state.read()), self.clock()
        if not relay.touched_at:
            expiry.set(Timestamp(micros=now + self.keep_for))
        relay.touched_at = now
        kind, body = message[:1], message[1:]
        if self.links is not None and kind != b"c" and not (relay.watched or relay.askers):
            for told_before in self.links.find(split_key(key)):  # the first who wants to know
                relay.claim(told_before)
        if kind == b"c":
            _, rank, told = _claim.decode(body)
            onward = relay.claim((rank, told))
        elif kind == b"a":
            onward = relay.ask(_ask.decode(body))
        else:
            onward = relay.watch()
        state.write(encode_node(relay))
        yield from self._tell(key, onward)

    def _tell(self, key: str, onward: list[tuple[Node | None, Told]]) -> Iterator[TaggedOutput]:
        for node, told in onward:
            if node is None:
                yield TaggedOutput(HOMES, (key, b"c" + _encode((self.hops, *told))))
                continue
            claim = join_key(*node), b"c" + _encode((self.hops + 1, *told))
            yield TaggedOutput(HOMES, claim)
            if self.hops + 1 < HOPS:
                yield TaggedOutput(ONWARD, claim)

    @on_timer(EXPIRY)
    def expire(
        self,
        fired: Any = beam.DoFn.TimestampParam,
        state: Any = beam.DoFn.StateParam(STATE),
        expiry: Any = beam.DoFn.TimerParam(EXPIRY),
    ) -> None:
        until = decode_relay(state.read()).touched_at + self.keep_for
        if until <= time_of(self.clock, fired):
            state.clear()
        else:
            expiry.set(Timestamp(micros=until))


Shown = Mapping[str, Sequence[str]]


@beam.typehints.with_input_types(tuple[str, bytes])
class _Home(beam.DoFn):
    """An entity at which events wait (`transforms.stream_nodes.Home`)."""

    STATE = ReadModifyWriteStateSpec("home", BytesCoder())
    EVENTS = BagStateSpec("waiting", BytesCoder())
    PATIENCE = TimerSpec("patience", TimeDomain.REAL_TIME)
    EXPIRY = TimerSpec("expiry", TimeDomain.REAL_TIME)

    def __init__(self, patience: int, keep_for: int, clock: Clock, most: int, shown: Shown) -> None:
        self.patience, self.keep_for, self.clock, self.most, self.shown = patience, keep_for, clock, most, shown

    def process(
        self,
        element: Keyed,
        state: Any = beam.DoFn.StateParam(STATE),
        waiting: Any = beam.DoFn.StateParam(EVENTS),
        patience: Any = beam.DoFn.TimerParam(PATIENCE),
        expiry: Any = beam.DoFn.TimerParam(EXPIRY),
    ) -> Iterator[Keyed]:
        _, message = element
        home, now = decode_home(state.read()), self.clock()
        if not home.touched_at:
            expiry.set(Timestamp(micros=now + self.keep_for))
        home.touched_at = now
        if message[:1] == b"w":
            # One too many stays in the flow that is known now; it is in the event log, and the batch job has it.
            if home.waiting < self.most:
                home.waiting += 1
                waiting.add(message[1:])
            else:
                count("waiting_over_cap")
            if home.best is None:
                patience.set(Timestamp(micros=now + self.patience))
            else:
                event = decode_item(message[1:]).event
                assert event is not None
                count("events_unresolved", int(_open(home.best)))
                yield from self._join(event, home.best)
        else:
            hops, rank, told = _claim.decode(message[1:])
            yield from self._move(home.claim(hops, (rank, told)), waiting)
        state.write(encode_node(home))

    def _move(self, move: Any, waiting: Any) -> Iterator[Keyed]:
        if move is None:
            return
        before, after = move
        for raw in waiting.read():
            event = decode_item(raw).event
            assert event is not None
            count("events_unresolved", int(_open(after)) - int(before is not None and _open(before)))
            if before is not None:
                count("moves")
                yield self._send(leaves(event, before, after))
            yield from self._join(event, after)

    def _join(self, event: Event, value: Value) -> Iterator[Keyed]:
        for key in self.shown.get(event.event_id, ()):
            if key != value[3]:
                yield self._send(leaves(event, (2, 0, 0, key), value))
        yield self._send(joins(event, value))

    @staticmethod
    def _send(message: tuple[str, str, Item]) -> Keyed:
        flow, key, item = message
        return join_key(flow, key), encode_item(item)

    @on_timer(PATIENCE)
    def give_up(
        self,
        key: str = beam.DoFn.KeyParam,
        state: Any = beam.DoFn.StateParam(STATE),
        waiting: Any = beam.DoFn.StateParam(EVENTS),
    ) -> Iterator[Keyed]:
        home: Home = decode_home(state.read())
        yield from self._move(home.give_up(split_key(key)), waiting)
        state.write(encode_node(home))

    @on_timer(EXPIRY)
    def expire(
        self,
        fired: Any = beam.DoFn.TimestampParam,
        state: Any = beam.DoFn.StateParam(STATE),
        waiting: Any = beam.DoFn.StateParam(EVENTS),
        expiry: Any = beam.DoFn.TimerParam(EXPIRY),
    ) -> None:
        until = decode_home(state.read()).touched_at + self.keep_for
        if until <= time_of(self.clock, fired):
            state.clear()
            waiting.clear()
        else:
            expiry.set(Timestamp(micros=until))


def _open(value: Value) -> bool:
    """Say whether a value is a gathering key, so that its events are shown as unresolved."""
    return value[3].startswith(UNRESOLVED)


class ResolveStream(beam.PTransform):
    """Find the flow of every event, also of those that do not name it, in any order of arrival.

    In: PCollection of encoded blocks of events. Out: PCollection of `(flow key, encoded item)` for `LiveFlows`. An
    event that waits for its flow longer than `patience` is shown as unresolved until it is found; when a surer claim
    arrives later, the event leaves its flow and joins the other.
    """

    def __init__(
        self,
        patience: int = 5 * SECOND,
        keep_for: int = 90 * DAY,
        clock: Clock = system_clock,
        links: NodeLookup | None = None,
        max_waiting: int = 20_000,
        shown: Shown | None = None,
    ) -> None:
        """Set, in microseconds, the patience and how long an entity is kept after it was last heard of.

        Args:
            patience: how long an event waits for its flow before it is shown as unresolved.
            keep_for: how long an entity is kept after it was last heard of.
            clock: the time.
            links: which flow entities belong to, from before the stream.
            max_waiting: events that may wait at one entity; more are counted.
            shown: gathering keys under which earlier jobs show events as unresolved, by event id. An event that finds
                its flow at once leaves them, too: nothing else would take their rows away.
        """
        super().__init__()
        self.max_waiting, self.shown = max_waiting, shown or {}
        self.patience, self.keep_for, self.clock, self.links = patience, keep_for, clock, links

    def expand(self, events: PCollection[bytes]) -> PCollection[Keyed]:
        """Compose the steps."""
        # Types for all outputs: a key whose type Beam must guess is encoded by a coder of Beam's own making.
        route = beam.ParDo(_Route()).with_output_types(Keyed, **dict.fromkeys((CLAIMS, ASKS, WAITS), Keyed))
        out = events | "RouteEvents" >> route.with_outputs(CLAIMS, ASKS, WAITS, main=FLOWS)
        claims, homes = out[CLAIMS], [out[WAITS]]
        for hops in range(HOPS):
            relay = beam.ParDo(_Relay(hops, self.keep_for, None if hops else self.links, self.clock))
            relay = relay.with_output_types(Keyed, **dict.fromkeys((ONWARD, HOMES), Keyed))
            told = (
                (claims, out[ASKS])
                | f"MergeHop{hops}" >> beam.Flatten()
                | f"RelayHop{hops}" >> relay.with_outputs(ONWARD, HOMES, main=FLOWS)
            )
            claims = told[ONWARD]
            homes.append(told[HOMES])
        found = (
            homes
            | "MergeHomes" >> beam.Flatten()
            | "SettleEvents"
            >> beam.ParDo(
                _Home(self.patience, self.keep_for, self.clock, self.max_waiting, self.shown)
            ).with_output_types(Keyed)
        )
        return (out[FLOWS], found) | "MergeItems" >> beam.Flatten()
