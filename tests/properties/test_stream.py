"""The stream's state machine gives the rows of the batch job, whatever the order in which messages arrive."""

from __future__ import annotations

import copy
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import Flow
from schemas.vocabulary import DEADLINE_DAYS
from tests.properties.test_increments import Memory
from tests.strategies import CALENDAR, DAY, events, examples
from transforms.columns import to_table
from transforms.event import Event
from transforms.resolve import Node
from transforms.stream_codec import decode_item, encode_item
from transforms.stream_flows import (
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
from transforms.stream_nodes import (
    HOPS,
    Ask,
    Claim,
    Home,
    ToFlow,
    Wait,
    decode_home,
    decode_relay,
    encode_node,
    joins,
    leaves,
    route,
)
from transforms.stream_revision import Life, Revision

LIFE = Life({flow: days * DAY for flow, days in DEADLINE_DAYS.items()}, calendar=CALENDAR)
NOW = 2_000_000_000_000_000

any_flow = pytest.mark.parametrize(
    "flows", [(Flow.ORDER,), (Flow.INBOUND,), (Flow.STOW,), tuple(Flow)], ids=["order", "inbound", "stow", "mixed"]
)


@dataclass
class Machine:
    """A runner of the state machine that delivers messages in any order, and all state as bytes."""

    rng: random.Random
    now: int = NOW
    pending: list[tuple[Any, ...]] = field(default_factory=list)
    relays: dict[tuple[int, Node], bytes] = field(default_factory=dict)
    homes: dict[Node, bytes] = field(default_factory=dict)
    waiting: dict[Node, list[Event]] = field(default_factory=dict)
    flows: dict[tuple[str, str], tuple[bytes, list[bytes]]] = field(default_factory=dict)
    closed: dict[tuple[str, str], bytes] = field(default_factory=dict)
    newest: dict[tuple[str, str], Revision] = field(default_factory=dict)

    def feed(self, event: Event) -> None:
        for message in route(copy.deepcopy(event)):
            match message:
                case ToFlow():
                    self.pending.append(("flow", message.flow, message.key, encode_item(message.item)))
                case Claim():
                    self.pending.append(("relay", 0, message.node, "claim", message.told))
                case Ask():
                    self.pending += [("relay", k, message.node, "ask", message.asker) for k in range(HOPS)]
                case Wait():
                    self.pending.append(("home", message.node, "wait", message.event))
                    self.pending.append(("relay", 0, message.node, "watch", None))

    def step(self) -> None:
        where = self.rng.randrange(len(self.pending))
        self.pending[where], self.pending[-1] = self.pending[-1], self.pending[where]
        kind, *rest = self.pending.pop()
        getattr(self, f"_{kind}")(*rest)

    def _relay(self, hops: int, node: Node, what: str, told: Any) -> None:
        state = decode_relay(self.relays.get((hops, node)))
        onward = state.watch() if what == "watch" else state.claim(told) if what == "claim" else state.ask(told)
        self.relays[hops, node] = encode_node(state)
        for target, claim in onward:
            if target is None:
                self.pending.append(("home", node, "claim", (hops, claim)))
                continue
            self.pending.append(("home", tuple(target), "claim", (hops + 1, claim)))
            if hops + 1 < HOPS:
                self.pending.append(("relay", hops + 1, tuple(target), "claim", claim))

    def _home(self, node: Node, what: str, told: Any) -> None:
        state = decode_home(self.homes.get(node))
        if what == "wait":
            self.waiting.setdefault(node, []).append(told)
            if state.best is not None:
                self._send(joins(told, state.best))
        else:
            self._move(node, state, state.claim(*told))
        self.homes[node] = encode_node(state)

    def _move(self, node: Node, state: Home, move: Any) -> None:
        if move is None:
            return
        before, after = move
        for event in self.waiting.get(node, ()):
            if before is not None:
                self._send(leaves(event, before, after))
            self._send(joins(event, after))

    def give_up(self) -> None:
        for node in list(self.waiting):
            state = decode_home(self.homes.get(node))
            self._move(node, state, state.give_up(node))
            self.homes[node] = encode_node(state)

    def settle(self) -> None:
        """Deliver everything, and let the waiting events give up."""
        self.give_up()
        while self.pending:
            self.step()
            if not self.pending:
                self.give_up()

    def _send(self, message: tuple[str, str, Any]) -> None:
        flow, key, item = message
        self.pending.append(("flow", flow, key, encode_item(item)))

    def _flow(self, flow: str, key: str, raw: bytes) -> None:
        packed, items = self.flows.get((flow, key), (encode_meta(Meta()), []))
        meta = decode_meta(packed)
        if ((flow, key) not in self.flows or meta.phase is Phase.TOMBSTONE) and (flow, key) in self.closed:
            revision, known = unpack_closed(self.closed[flow, key])
            read_back(meta, known, revision)
            items = [*items, *known]
        if arrive(meta, len(raw), self.now, LIFE, joins=decode_item(raw).event is not None):
            items = [*items, raw]
        self.flows[flow, key] = encode_meta(meta), items

    def _apply(self, key: tuple[str, str], meta: Meta, items: list[bytes], change: Any) -> None:
        if change.revision is not None:
            assert change.revision.revision > self.newest.get(key, change.revision._replace(revision=0)).revision
            self.newest[key] = change.revision
        if change.closed is not None:
            self.closed[key] = pack_closed(meta, change.closed)
        if change.items is not None:
            items = [encode_item(i) for i in change.items]
        if change.gone:
            del self.flows[key]
        else:
            self.flows[key] = encode_meta(meta), items

    def flush(self, as_of: int) -> None:
        for key, (packed, items) in list(self.flows.items()):
            meta = decode_meta(packed)
            if meta.dirty_at is not None:
                change = flush(*key, meta, map(decode_item, items), LIFE, self.now, as_of)
                self._apply(key, meta, items, change)

    def wake(self, as_of: int, until: Phase | None) -> None:
        """Let time pass until every flow is closed, a tombstone, or (None) gone."""
        for key in list(self.flows):
            while key in self.flows:
                packed, items = self.flows[key]
                meta = decode_meta(packed)
                if meta.phase is until:
                    break
                assert meta.wake_at is not None
                self.now = max(self.now, meta.wake_at)
                self._apply(key, meta, items, wake(*key, meta, map(decode_item, items), LIFE, self.now, as_of))

    def facts(self) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = {}
        for revision in self.newest.values():
            for relation, rows in revision.rows.items():
                cells = to_table(relation, rows).to_pylist()
                found.setdefault(relation, Counter()).update(repr(sorted(r.items())) for r in cells)
        return found


def batch(given: list[Event]) -> tuple[dict[str, Counter[str]], int]:
    memory = Memory(100_000 * DAY)
    memory.run(given)
    return memory.facts(), memory.newest


@any_flow
@examples(40)
@given(data=st.data())
def test_any_order_of_messages_gives_the_rows_of_the_batch_job(flows: tuple[Flow, ...], data: st.DataObject):
    given = data.draw(events(*flows))
    seed = data.draw(st.integers(0, 1 << 16))
    expected, as_of = batch(given)
    machine = Machine(random.Random(seed))
    for event in data.draw(st.permutations(given)):
        machine.feed(event)
        for _ in range(machine.rng.randrange(6)):
            if machine.pending:
                machine.step()
        if machine.rng.random() < 0.2:
            machine.give_up()
        if machine.rng.random() < 0.2:
            machine.flush(as_of)
    machine.settle()
    machine.flush(as_of)
    assert machine.facts() == expected


@any_flow
@examples(20)
@given(data=st.data())
def test_flows_that_close_and_come_back_have_the_rows_of_the_batch_job(flows: tuple[Flow, ...], data: st.DataObject):
    given = data.draw(events(*flows))
    until = data.draw(st.sampled_from([Phase.CLOSED, Phase.TOMBSTONE, None]))
    expected, as_of = batch(given)
    machine = Machine(random.Random(0))
    for event in data.draw(st.permutations(given)):
        machine.feed(event)
        machine.settle()
        machine.flush(as_of)
        machine.wake(as_of, until)
    assert machine.facts() == expected
    if until is None:
        assert machine.flows == {}


@any_flow
@examples(10)
@given(data=st.data())
def test_deliveries_that_come_twice_change_no_row(flows: tuple[Flow, ...], data: st.DataObject):
    given = data.draw(events(*flows))
    expected, as_of = batch(given)
    machine = Machine(random.Random(1))
    for event in [*given, *data.draw(st.permutations(given))]:
        machine.feed(event)
    machine.settle()
    machine.flush(as_of)
    assert machine.facts() == expected
