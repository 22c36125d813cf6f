"""Properties of the facts: any order, any duplication and any split of the deliveries give the same rows."""

from __future__ import annotations

import copy
import random
import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import Flow
from schemas.tables import ORDER_TIME_SPLIT
from schemas.vocabulary import DEADLINE_DAYS, DEVIATIONS, QUALITY_FLAGS, SPLIT_KINDS, SPLIT_STAGES
from tests.strategies import CALENDAR, DAY, START, events, examples
from transforms.blocks import Block, Outbox, open_blocks, resolve_bucket
from transforms.calendar import sites_of
from transforms.columns import to_table
from transforms.event import Event, decode_block, encode_block
from transforms.project import Balance, project_all
from transforms.resolve import ROUNDS
from transforms.rows import Settings
from transforms.update import RELATIONS, update_bucket

Facts = dict[str, list[str]]
SPLIT_COLUMNS = [c.name for c in ORDER_TIME_SPLIT.columns]

AS_OF = st.sampled_from([START, START + 20 * DAY, START + 35 * DAY, START + 200 * DAY])
DEADLINES = {flow: days * DAY for flow, days in DEADLINE_DAYS.items()}
SITES = sites_of(CALENDAR)

quick = examples(30)
any_flow = pytest.mark.parametrize(
    "flows", [(Flow.ORDER,), (Flow.INBOUND,), (Flow.STOW,), tuple(Flow)], ids=["order", "inbound", "stow", "mixed"]
)


def rows_of(tables: Iterable[tuple[str, Any]]) -> Facts:
    """Give the rows of Arrow tables as comparable text, whatever table they came in."""
    found: dict[str, list[str]] = defaultdict(list)
    for relation, table in tables:
        found[relation] += map(repr, table.to_pylist())
    return {relation: sorted(rows) for relation, rows in found.items() if rows}


def in_memory(given: list[Event], as_of: int) -> tuple[Facts, Balance]:
    rows, kept, balance = project_all(given, Settings(as_of, DEADLINES, sites=SITES))
    tables = [(relation, to_table(relation, getattr(rows, relation))) for relation in RELATIONS]
    return rows_of([*tables, ("flow_event", to_table("flow_event", kept))]), balance


def through_blocks(files: list[list[Event]], as_of: int, buckets: int, chance: random.Random) -> tuple[Facts, Balance]:
    """Take events through the pipeline's stages, every group in an order of its own."""
    flows: dict[int, list[bytes]] = defaultdict(list)
    nodes: dict[int, list[bytes]] = defaultdict(list)

    def send(where: dict[int, list[bytes]], blocks: Iterable[Block]) -> None:
        for bucket, block in blocks:
            where[bucket].append(block)

    for file in files:
        outbox = Outbox(buckets)
        for event in file:
            outbox.add(event)
        send(flows, outbox.blocks())
        send(nodes, outbox.node_blocks())
    for turn in range(ROUNDS):
        following: dict[int, list[bytes]] = defaultdict(list)
        for blocks in nodes.values():
            chance.shuffle(blocks)
            settled, onward, _, _ = resolve_bucket(blocks, buckets, last=turn == ROUNDS - 1)
            send(flows, settled)
            send(following, onward)
        nodes = following
    tables: list[tuple[str, Any]] = []
    balance = Balance()
    for blocks in flows.values():
        chance.shuffle(blocks)
        update = update_bucket(open_blocks(blocks), None, Settings(as_of, DEADLINES, sites=SITES))
        tables += [*update.open.items(), *update.settled.items()]
        if update.outside is not None:
            tables.append(("flow_event", update.outside))
        balance.add(update.balance)
    return rows_of(tables), balance


@any_flow
@quick
@given(data=st.data())
def test_any_order_gives_the_same_facts(flows: tuple[Flow, ...], data: st.DataObject):
    given, as_of = data.draw(events(*flows)), data.draw(AS_OF)
    shuffled = data.draw(st.permutations(given))
    assert in_memory(shuffled, as_of) == in_memory(given, as_of)


@any_flow
@quick
@given(data=st.data())
def test_any_split_into_files_and_buckets_gives_the_same_facts(flows: tuple[Flow, ...], data: st.DataObject):
    given, as_of = data.draw(events(*flows)), data.draw(AS_OF)
    files: list[list[Event]] = [[] for _ in range(data.draw(st.integers(1, 4)))]
    for event in given:
        files[data.draw(st.integers(0, len(files) - 1))].append(event)
    chance = random.Random(data.draw(st.integers(0, 99)))
    expected = in_memory(given, as_of)
    assert through_blocks(files, as_of, data.draw(st.integers(1, 5)), chance) == expected


@any_flow
@quick
@given(data=st.data())
def test_any_duplication_changes_only_the_duplicate_counter(flows: tuple[Flow, ...], data: st.DataObject):
    given, as_of = data.draw(events(*flows)), data.draw(AS_OF)
    facts, balance = in_memory(given, as_of)
    again: list[Event] = []
    for number in data.draw(st.lists(st.integers(0, len(given) - 1), max_size=8)):
        event = copy.copy(given[number])
        event.recorded_at = max(e.recorded_at for e in given) + 1 + len(again)
        event.source = f"later.ndjson:{len(again)}"
        if event.basis == "recorded":
            event.event_at = event.recorded_at
        if event.entity_id is not None and (event.version is not None or event.basis != "recorded"):
            event.event_id = data.draw(st.sampled_from([event.event_id, f"fresh-{len(again)}"]))
        again.append(event)
    repeated, counted = in_memory([*again, *given], as_of)
    assert repeated == facts
    assert counted.duplicates == balance.duplicates + len(again)


@any_flow
@quick
@given(data=st.data())
def test_where_deliveries_came_from_changes_no_fact(flows: tuple[Flow, ...], data: st.DataObject):
    """A file and a subscription number the same deliveries in other orders; twins have one id and one recorded time."""
    given, as_of = data.draw(events(*flows)), data.draw(AS_OF)
    for event in data.draw(st.lists(st.sampled_from(given), max_size=6)):
        twin = copy.copy(event)
        twin.facility, twin.status = data.draw(st.sampled_from(["F1", "F2", None])), data.draw(st.sampled_from("AB"))
        given.append(twin)
    elsewhere = [copy.copy(event) for event in given]
    for event, number in zip(elsewhere, data.draw(st.permutations(range(len(given)))), strict=True):
        event.source = f"subscription:{number}"
    for number, event in enumerate(given):
        event.source = f"day.ndjson:{number}"
    (one, counted), (other, recounted) = (in_memory(found, as_of) for found in (given, elsewhere))
    for facts in (one, other):
        facts["flow_event"] = sorted(re.sub("'source': '[^']*'", "", row) for row in facts["flow_event"])
    assert one == other
    assert counted == recounted


@any_flow
@quick
@given(data=st.data())
def test_balance_adds_up(flows: tuple[Flow, ...], data: st.DataObject):
    """Ruling 8."""
    given = data.draw(events(*flows))
    _, kept, balance = project_all(given, Settings(START, DEADLINES))
    assert balance.folded + balance.outside + balance.unresolved + balance.duplicates == len(given)
    assert len(kept) == balance.folded + balance.outside + balance.unresolved
    assert sum(1 for e in kept if e.flow == "none") == balance.outside
    assert sum(1 for e in kept if e.flow != "none" and e.flow_id is None) == balance.unresolved


@any_flow
@quick
@given(data=st.data())
def test_intervals_lie_in_their_flow_and_never_overlap(flows: tuple[Flow, ...], data: st.DataObject):
    rows, _, _ = project_all(data.draw(events(*flows)), Settings(data.draw(AS_OF), DEADLINES, sites=SITES))
    bounds = {
        (flow, row["flow_id"]): (row["first_event_at"], row["last_event_at"], row)
        for flow, relation in (("order", rows.order_flow), ("inbound", rows.inbound_flow), ("stow", rows.stow_flow))
        for row in relation
    }
    entities: dict[Any, list[tuple[int, int | None]]] = defaultdict(list)
    for flow, flow_id, entity, entity_id, _, _, _, start, end, seconds in rows.flow_interval:
        assert (seconds is None) is (end is None)
        if end is not None:
            assert end > start
            assert seconds == (end - start) / 1_000_000
        if flow_id is not None:
            first, last, row = bounds[flow, flow_id]
            assert first <= start
            assert end is None or end <= last
            assert end is not None or row["finished_at"] is None
            if row["outcome"] == "cancelled":
                assert end <= row["finished_at"]
        entities[flow, flow_id, entity, entity_id].append((start, end))
    for stretches in entities.values():
        stretches.sort(key=lambda s: s[0])
        for (_, end), (start, _) in pairwise(stretches):
            assert end is not None
            assert end <= start


@any_flow
@quick
@given(data=st.data())
def test_the_parts_of_an_order_add_up_to_its_time(flows: tuple[Flow, ...], data: st.DataObject):
    rows, _, _ = project_all(data.draw(events(*flows)), Settings(data.draw(AS_OF), DEADLINES, sites=SITES))
    parts: dict[str, list[Any]] = defaultdict(list)
    for cells in rows.order_time_split:
        parts[cells[0]].append(dict(zip(SPLIT_COLUMNS, cells, strict=True)))
    assert parts.keys() == {row["flow_id"] for row in rows.order_flow}
    for row in rows.order_flow:
        own = parts[row["flow_id"]]
        (counted_to,) = {p["counted_to_at"] for p in own}
        assert {p["stage"] for p in own} <= set(SPLIT_STAGES)
        assert len({p["stage"] for p in own}) == len(own)
        micros = [round(p[f"{kind}_seconds"] * 1_000_000) for p in own for kind in SPLIT_KINDS]
        assert min(micros) >= 0
        assert sum(micros) == counted_to - row["started_at"]
        going_on = [p["goes_on_as"] for p in own if p["goes_on_as"] is not None]
        assert len(going_on) == (row["outcome"] == "open")
        if row["finished_at"] is not None:
            assert counted_to == max(row["started_at"], row["finished_at"])
        elif row["outcome"] == "open":
            assert counted_to == row["last_event_at"]
        if row["target_at"] is not None:
            (stop,) = {counted_to if p["slack_until_at"] is None else p["slack_until_at"] for p in own}
            stop = max(row["started_at"], stop)
            used = sum(round(p["slack_used_seconds"] * 1_000_000) for p in own)
            late = sum(round(p["slack_late_seconds"] * 1_000_000) for p in own)
            assert used + late == stop - row["started_at"]
            assert late == max(0, stop - max(row["target_at"], row["started_at"]))


_LEG_SPANS = {
    "route_to_pick_created_seconds": ("routed_at", "pick_created_at"),
    "pick_duration_gross_seconds": ("pick_started_at", "pick_finished_at"),
    "pick_duration_net_seconds": ("pick_started_at", "pick_finished_at"),
    "pick_to_pack_seconds": ("pick_finished_at", "pack_created_at"),
    "pick_to_pack_start_seconds": ("pick_finished_at", "pack_started_at"),
    "pack_queue_seconds": ("pack_created_at", "pack_started_at"),
    "pack_duration_seconds": ("pack_started_at", "pack_finished_at"),
    "pack_total_seconds": ("pack_created_at", "pack_finished_at"),
    "handover_wait_seconds": ("handover_created_at", "handed_over_at"),
    "ready_lateness_seconds": ("target_at", "handover_created_at"),
    "handover_lateness_seconds": ("target_at", "handed_over_at"),
}
_SPANS = {
    "order_flow": {
        "order_intake_lag_seconds": ("order_date_at", "order_created_at"),
        "order_to_route_seconds": ("order_created_at", "first_routed_at"),
        "cancel_after_seconds": ("order_created_at", "order_cancelled_at"),
    },
    "order_leg": _LEG_SPANS,
    "inbound_flow": {
        "po_to_first_receipt_seconds": ("purchase_order_created_at", "first_receipt_created_at"),
        "supplier_delay_seconds": ("last_requested_at", "first_arrival_at"),
        "inbound_complete_seconds": ("purchase_order_created_at", "inbound_finished_at"),
        "delivery_span_seconds": ("first_delivery_received_at", "inbound_finished_at"),
    },
    "inbound_receipt": {
        "arrival_to_receipt_seconds": ("arrival_at", "receipt_created_at"),
        "receipt_duration_seconds": ("receipt_started_at", "delivery_received_at"),
        "dock_to_stock_seconds": ("arrival_at", "delivery_received_at"),
    },
    "stow_flow": {
        "stow_wait_seconds": ("stow_created_at", "stow_started_at"),
        "stow_duration_gross_seconds": ("stow_started_at", "stow_finished_at"),
        "stow_duration_net_seconds": ("stow_started_at", "stow_finished_at"),
        "stow_total_seconds": ("stow_created_at", "stow_finished_at"),
        "stow_lateness_seconds": ("target_at", "stow_finished_at"),
    },
}
_DERIVED = {"pick_duration_net_seconds", "stow_duration_net_seconds"}


@any_flow
@quick
@given(data=st.data())
def test_measures_are_null_exactly_when_an_end_is_unknown(flows: tuple[Flow, ...], data: st.DataObject):
    rows, _, _ = project_all(data.draw(events(*flows)), Settings(data.draw(AS_OF), DEADLINES, sites=SITES))
    for relation, spans in _SPANS.items():
        for row in getattr(rows, relation):
            for name, (start, end) in spans.items():
                known = row[start] is not None and row[end] is not None
                assert (row[name] is not None) is known, (relation, name)
                if name in _DERIVED and known and row[start] <= row[end]:
                    assert 0 <= row[name] <= (row[end] - row[start]) / 1_000_000, (relation, name)
                if known and name not in _DERIVED:
                    assert row[name] == (row[end] - row[start]) / 1_000_000, (relation, name)


@any_flow
@quick
@given(data=st.data())
def test_words_are_of_the_closed_vocabularies(flows: tuple[Flow, ...], data: st.DataObject):
    """Rulings 13 to 17 and 26, whatever has happened."""
    rows, kept, _ = project_all(data.draw(events(*flows)), Settings(data.draw(AS_OF), DEADLINES, sites=SITES))
    members: dict[tuple[str, str | None], list[Event]] = defaultdict(list)
    for event in kept:
        members[event.flow, event.flow_id].append(event)
    for flow, relation in (("order", rows.order_flow), ("inbound", rows.inbound_flow), ("stow", rows.stow_flow)):
        for row in relation:
            own = members[flow, row["flow_id"]]
            assert row["outcome"] in ("open", "fulfilled", "cancelled", "incomplete")
            assert set(row["deviations"]) <= set(DEVIATIONS[flow])
            assert set(row["quality_flags"]) <= set(QUALITY_FLAGS)
            for words in (row["deviations"], row["quality_flags"]):
                assert words == sorted(set(words))
            assert row["revision"] == row["event_count"] == len(own)
            assert row["first_event_at"] == min(e.event_at for e in own)
            assert row["last_event_at"] == max(e.event_at for e in own)
            assert (row["finished_at"] is None) is (row["outcome"] in ("open", "incomplete"))
            expected = {"open": None, "fulfilled": not row["deviations"]}.get(row["outcome"], False)
            assert row["conforms"] is expected
            assert (row["facility_ref"] is None) is (row["facility_count"] != 1)
            if row["variant"] is not None:
                names = row["variant"].split(">")
                assert len(names) == len(set(names))


@quick
@given(given=events())
def test_events_survive_their_encoding(given: list[Event]):
    assert decode_block(encode_block(given)) == given
