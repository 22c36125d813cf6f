"""Run by run gives what all at once gives, whatever the split: on sets of events that no platform would send, too."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import Flow
from schemas.vocabulary import DEADLINE_DAYS
from tests.strategies import CALENDAR, DAY, events, examples
from tests.unit.transforms.build import ev
from transforms.blocks import NODE, Arrived, Outbox, open_blocks, resolve_bucket
from transforms.calendar import sites_of
from transforms.event import Event, decode_block
from transforms.event_log import events_in, log_tables, outside_hashes
from transforms.identity import distinct
from transforms.links import Link
from transforms.project import Balance
from transforms.resolve import ROUNDS, Node
from transforms.rows import Settings
from transforms.update import Group, id_sets, is_pending, rows_of, update_bucket

DEADLINES = {flow: days * DAY for flow, days in DEADLINE_DAYS.items()}
SITES = sites_of(CALENDAR)
FOREVER = 100_000 * DAY

quick = examples(20)
any_flow = pytest.mark.parametrize(
    "flows", [(Flow.ORDER,), (Flow.INBOUND,), (Flow.STOW,), tuple(Flow)], ids=["order", "inbound", "stow", "mixed"]
)


@dataclass
class Memory:
    """A state without files: what `pipelines.state` reads, and what the pipeline does with an update."""

    settle_after: int
    state: pa.Table | None = None
    rows: dict[str, pa.Table] = field(default_factory=dict)
    groups: dict[Group, dict[str, pa.Table]] = field(default_factory=dict)
    log: list[tuple[Group, pa.Table]] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    balance: Balance = field(default_factory=Balance)
    newest: int = 0
    runs: int = 0
    conflicts: int = 0

    # -- what earlier runs know -------------------------------------------------------------------------------

    def find(self, asked: Iterable[Node], claimed: Iterable[Node]) -> list[Link]:
        nodes, others = set(asked), set(claimed)
        return [
            n for n in self.links if (n.kind, n.entity_id) in nodes or (n.asked and (n.kind, n.entity_id) in others)
        ]

    def open_flows(self) -> pa.Table | None:
        return self.state

    def open_rows(self, relation: str) -> pa.Table | None:
        return self.rows.get(relation)

    def settled(self, key_hashes: Collection[int]) -> Iterable[tuple[Group, pa.Table]]:
        wanted = pa.array(sorted(key_hashes), pa.int64())
        for group, tables in self.groups.items():
            if "flow_state" in tables:
                found = tables["flow_state"].filter(pc.is_in(tables["flow_state"].column("key_hash"), value_set=wanted))
                if found.num_rows:
                    yield group, found

    def outside(self, id_hashes: Collection[int], same_hashes: Collection[int]) -> Iterable[tuple[Group, list[Event]]]:
        for group, table in self.log:
            found = [
                e
                for e in events_in(table)
                if e.flow == "none"
                and (outside_hashes(e)[0] in set(id_hashes) or outside_hashes(e)[1] in set(same_hashes))
            ]
            if found:
                yield group, found

    # -- a run ------------------------------------------------------------------------------------------------

    def settings(self, as_of: int) -> Settings:
        return Settings(as_of, DEADLINES, self.settle_after, FOREVER, self.newest, SITES)

    def run(self, deliveries: list[Event]) -> None:
        blocks: list[bytes] = []
        nodes: list[bytes] = []
        pending = kept = 0
        again = Outbox(1, known=True)
        if self.state is not None:
            for row in self.state.to_pylist():
                if is_pending(row["key"], 0, self.settings(0)):
                    waiting = decode_block(row["deliveries"])
                    pending, kept = pending + row["event_count"], kept + len(waiting)
                    for event in waiting:
                        event.flow_id = None
                        again.add(event)
        fresh = Outbox(1)
        for event in deliveries:
            fresh.add(copy.deepcopy(event))
        as_of = max([self.newest, *(e.recorded_at for e in deliveries)])
        for outbox in (again, fresh):
            blocks += [b for _, b in outbox.blocks()]
            nodes += [b for _, b in outbox.node_blocks()]
        for turn in range(ROUNDS):
            found = resolve_bucket(nodes, 1, first=turn == 0, last=turn == ROUNDS - 1, known=self)
            blocks += [b for _, b in found.settled]
            nodes = [b for _, b in found.onward]
            self.links += found.links
            self.conflicts += len(found.conflicts)
            assert all(b.startswith(NODE) for b in nodes)
        arrived = open_blocks(blocks)
        assert len(arrived.named) + len(arrived.found) == len(deliveries)
        self._apply(arrived, as_of, len(deliveries), pending, kept)
        self.newest = as_of

    def _apply(self, arrived: Arrived, as_of: int, count: int, pending: int, kept: int) -> None:
        group = Group(f"r{self.runs}", 0, 1)
        self.runs += 1
        update = update_bucket(arrived, self, self.settings(as_of))
        total = Balance()
        total.add(update.balance)
        total.unresolved -= pending
        total.duplicates -= kept - pending
        assert total.folded + total.outside + total.unresolved + total.duplicates == count
        self.balance.add(total)
        for left, keys in update.returned.items():
            ids: dict[str, set[str]] = {}
            for flow, key in keys:
                ids.setdefault(flow, set()).add(key)
            for relation, table in self.groups[left].items():
                if relation != "outside":
                    mask = rows_of(table, relation, id_sets(ids))
                    self.groups[left][relation] = table.filter(pc.invert(mask))
        for left, places in update.withdrawn.items():
            rows = self.groups[left]["outside"]
            stays = [(r["event_id"], r["source"]) not in places for r in rows.to_pylist()]
            self.groups[left]["outside"] = rows.filter(pa.array(stays, pa.bool_()))
        self.rows, self.state = update.open, update.state
        self.groups[group] = dict(update.settled)
        if update.settled_state is not None:
            self.groups[group]["flow_state"] = update.settled_state
        if update.outside is not None:
            self.groups[group]["outside"] = update.outside
        self.log += [(group, table) for _, table in log_tables(arrived.named, arrived.found)]

    def facts(self) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = {}
        for tables in (self.rows, *self.groups.values()):
            for relation, table in tables.items():
                if relation != "flow_state":
                    name = "flow_event" if relation == "outside" else relation
                    found.setdefault(name, Counter()).update(repr(sorted(r.items())) for r in table.to_pylist())
        return {relation: rows for relation, rows in found.items() if rows}


def split(data: st.DataObject, given: list[Event]) -> list[list[Event]]:
    """Draw runs: any delivery can come in any of them."""
    runs = data.draw(st.integers(2, 4))
    places = data.draw(st.lists(st.integers(0, runs - 1), min_size=len(given), max_size=len(given)))
    return [[e for e, p in zip(given, places, strict=True) if p == run] for run in range(runs)]


@any_flow
@quick
@given(data=st.data())
def test_run_by_run_is_all_at_once(flows: tuple[Flow, ...], data: st.DataObject):
    given = data.draw(events(*flows))
    settle_after = data.draw(st.sampled_from([0, DAY, FOREVER]))
    once, stepwise = Memory(FOREVER), Memory(settle_after)
    once.run(given)
    for part in split(data, given):
        stepwise.run(part)
    if stepwise.conflicts:  # the pipeline begins from the event log then
        return
    assert stepwise.facts() == once.facts()
    assert stepwise.balance == once.balance


@any_flow
@quick
@given(data=st.data())
def test_the_log_holds_every_delivery_as_it_came(flows: tuple[Flow, ...], data: st.DataObject):
    given = data.draw(events(*flows))
    memory = Memory(0)
    for part in split(data, given):
        memory.run(part)
    logged = [e for _, table in memory.log for e in events_in(table)]
    assert sorted(map(_text, logged)) == sorted(map(_text, given))


@quick
@given(data=st.data())
def test_what_is_kept_of_deliveries_stands_for_all_of_them(data: st.DataObject):
    given = data.draw(events(Flow.ORDER))
    first, second = split(data, given)[:2]
    kept, aliases, _ = distinct(first)
    assert distinct([*kept, *aliases, *second]).events == distinct([*first, *second]).events


def _text(event: Event) -> Any:
    return repr(event)


# -- by hand: what drawn examples meet too seldom -------------------------------------------------------------


def stepwise(*runs: list[Event], settle_after: int = FOREVER) -> Memory:
    memory = Memory(settle_after)
    for run in runs:
        memory.run(run)
    return memory


def at_once(*runs: list[Event]) -> Memory:
    return stepwise([e for run in runs for e in run])


@pytest.mark.parametrize("settle_after", [0, FOREVER])
def test_a_repeat_is_known_by_the_id_of_an_earlier_repeat(settle_after: int):
    """`b` repeats `a` under an id of its own; what comes with that id later repeats both."""
    a = ev("ORDER_CREATED", 1, version=1, event_id="a")
    b = ev("ORDER_CREATED", 1, version=1, event_id="b", recorded=2)
    later = ev("ORDER_CREATED", 5, version=2, event_id="b", recorded=9)
    done = stepwise([a, b], [later], settle_after=settle_after)
    assert done.facts() == at_once([a, b], [later]).facts()
    assert (done.balance.folded, done.balance.duplicates) == (1, 2)


def test_a_deadline_passes_though_nothing_comes_for_the_flow():
    created = ev("ORDER_CREATED", 0)
    much_later = ev("FACILITY_CREATED", 40 * 86_400, "F9", flow=None)
    done = stepwise([created], [much_later])
    assert {r["outcome"] for r in done.rows["order_flow"].to_pylist()} == {"incomplete"}
    assert done.facts() == at_once([created], [much_later]).facts()


@pytest.mark.parametrize("settle_after", [0, FOREVER])
def test_a_job_finds_its_order_in_a_later_run(settle_after: int):
    job = ev("PICK_JOB_CREATED", 5, flow=None)
    line = ev("PICK_JOB_PICK_LINE_PICKED", 9, flow=None, pick_job_ref="J1", picked=1)
    order = ev("PICK_JOB_PICKING_COMMENCED", 20)
    done = stepwise([line], [job], [order], settle_after=settle_after)
    assert (done.balance.unresolved, done.balance.folded) == (0, 3)
    assert done.facts() == at_once([line], [job], [order]).facts()


def test_an_entity_that_changes_its_flow_is_noticed():
    """The line got its flow from the job; then the job itself says another one, and it is the one that counts."""
    line = ev("PICK_JOB_PICK_LINE_PICKED", 9, flow=None, pick_job_ref="J1", picked=1)
    named = ev("SHIPMENT_CREATED", 5, flow="P2", pick_job_ref="J1")
    job = ev("PICK_JOB_CREATED", 5, flow="P1")
    assert stepwise([line, named]).conflicts == 0
    assert stepwise([line, named], [job]).conflicts == 1


@pytest.mark.parametrize("settle_after", [0, FOREVER])
def test_a_line_finds_its_order_in_an_earlier_run(settle_after: int):
    """The pack job was found through the pick job; its closing, which names nothing, is found through the pack job."""
    job = ev("PICK_JOB_CREATED", 5)
    pack = ev("PACK_JOB_CREATED", 30, flow=None, pick_job_ref="J1")
    line = ev("PICK_JOB_PICK_LINE_PICKED", 9, flow=None, pick_job_ref="J1", picked=1)
    packed = ev("PACK_JOB_CLOSED", 50, flow=None)
    done = stepwise([job], [pack], [line], [packed], settle_after=settle_after)
    assert (done.balance.unresolved, done.balance.folded) == (0, 4)
    assert done.facts() == at_once([job], [pack], [line], [packed]).facts()
