"""Events that do not name their flow: chains of references, conflicts, and what is gathered without one.

Every case goes through `resolve` in memory and through the blocks of the pipeline, in several orders.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from itertools import permutations

import pytest

from tests.unit.transforms.build import assert_columns, ev, facts
from transforms.blocks import Block, Outbox, open_blocks, resolve_bucket
from transforms.event import Event
from transforms.resolve import ROUNDS, UNRESOLVED, resolve

Found = dict[str, str]


def in_memory(events: Iterable[Event]) -> Found:
    return {event.event_id: key for key, event in resolve(events)}


def through_blocks(files: list[list[Event]], buckets: int) -> Found:
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
            settled, onward, _, _ = resolve_bucket(blocks, buckets, last=turn == ROUNDS - 1)
            send(flows, settled)
            send(following, onward)
        nodes = following
    assert not nodes, "the last round has nobody to tell anything, and the books would miss what it sends"
    found: Found = {}
    for blocks in flows.values():
        for (_, key), members in open_blocks(blocks).flows.items():
            for event in members:
                assert event.flow_id == (None if key.startswith(UNRESOLVED) else key)
                found[event.event_id] = key
    return found


def keys(*events: Event) -> Found:
    """Resolve in every way, which must agree; give the keys of the entities whose events named no flow."""
    expected = in_memory(events)
    chance = random.Random(7)
    orders = list(permutations(events)) if len(events) <= 4 else [chance.sample(events, len(events)) for _ in range(12)]
    for order in orders:
        assert in_memory(order) == expected
        for buckets in (1, 3, 8):
            assert through_blocks([list(order)], buckets) == expected
            assert through_blocks([[e] for e in order], buckets) == expected
    return {e.entity_id or "": expected[e.event_id] for e in events if e.flow_id is None}


ORDER = ev("ORDER_CREATED", 0)
PICK = ev("PICK_JOB_CREATED", 1, flow=None, order_ref="O1")
SHIPMENT = ev("SHIPMENT_CREATED", 2, flow=None, pick_job_ref="J1")
PARCEL = ev("PARCEL_CARRIER_CREATED", 3, flow=None, shipment_ref="H1")
HANDOVER = ev("HANDOVERJOB_CREATED", 4, flow=None, parcel_ref="X1")
CHAIN = [ORDER, PICK, SHIPMENT, PARCEL, HANDOVER]


@pytest.mark.parametrize("length", range(2, 6))
def test_chains_of_every_length(length: int):
    """The longest of the catalogue is hand-over job, parcel, shipment, pick job, order."""
    members = CHAIN[:length]
    assert keys(*members) == {e.entity_id: "P1" for e in members[1:]}


def test_chain_with_a_silent_link_stays_open():
    """The parcel sent nothing, so nobody knows what it hangs on: the hand-over job alone stays without a flow."""
    assert keys(ORDER, PICK, SHIPMENT, HANDOVER) == {"J1": "P1", "H1": "P1", "V1": f"{UNRESOLVED}HANDOVER_JOB:V1"}


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(ev("PICK_JOB_PICK_LINE_PICKED", 5, flow=None, pick_job_ref="J1"), id="picked line"),
        pytest.param(ev("PACKING_TARGET_CONTAINER_CREATED_EVENT", 5, flow=None, pack_job_ref="K1"), id="container"),
        pytest.param(
            ev("PACKING_TARGET_CONTAINER_CREATED_EVENT", 5, flow=None, pack_job_ref="K9", parcel_refs=["X1"]),
            id="container by its parcel",
        ),
        pytest.param(ev("INVENTORY_RESERVATIONS_CREATED", 5, flow=None, order_refs=["O1"]), id="reservation, order"),
        pytest.param(ev("INVENTORY_RESERVATIONS_CREATED", 5, flow=None, plan_refs=["R1"]), id="reservation, plan (5)"),
        pytest.param(ev("HANDOVERJOB_CREATED", 5, flow=None, pick_job_ref="J1"), id="hand-over, pick job"),
        pytest.param(ev("HANDOVERJOB_CREATED", 5, flow=None, old_shipment_ref="H1"), id="hand-over, deprecated field"),
        pytest.param(ev("PICK_JOB_CREATED", 5, "J9", flow=None, plan_ref="R1"), id="pick job, plan"),
        pytest.param(ev("PACK_JOB_CREATED", 5, "K9", flow=None, order_ref="O1"), id="pack job, order"),
        pytest.param(ev("SHIPMENT_UPDATED", 5, flow=None), id="another event of the shipment itself"),
        pytest.param(ev("EXPIRY_ENTITY_UPDATED", 5, flow=None), id="another event of the expiry entity itself"),
        pytest.param(ev("ROUTING_PLAN_WAITING", 5, "R2", flow=None, parent_plan_ref="R1"), id="plan, its parent"),
        pytest.param(ev("ROUTING_PLAN_WAITING", 5, "R2", flow=None), id="plan named by another (late link)"),
    ],
)
def test_one_reference_is_enough(event: Event):
    known = [
        ORDER,
        ev("ROUTING_PLAN_ROUTED", 1, pick_job_ref="J1", child_plan_ref="R2"),
        ev("PACK_JOB_CREATED", 2),
        ev("SHIPMENT_CREATED", 3),
        ev("PARCEL_CARRIER_CREATED", 4),
        ev("EXPIRY_ENTITY_CREATED", 4),
    ]
    assert keys(event, *known) == {event.entity_id: "P1"}


@pytest.mark.parametrize(
    ("late", "known"),
    [
        pytest.param(
            ev("INBOUND_PROCESS_PURCHASE_ORDER_CANCELED", 5, flow=None),
            ev("INBOUND_PROCESS_PURCHASE_ORDER_CREATED", 0),
            id="purchase order",
        ),
        pytest.param(
            ev("INBOUND_PROCESS_RECEIPT_STARTED", 5, flow=None), ev("INBOUND_PROCESS_RECEIPT_CREATED", 0), id="receipt"
        ),
    ],
)
def test_inbound_entities_are_known_by_their_own_events(late: Event, known: Event):
    assert keys(late, known) == {late.entity_id: "B1"}


def test_process_names_all_of_its_jobs():
    process = ev("PROCESS_ANONYMIZED", 9, pick_job_refs=["J1"], handover_job_refs=["V1"])
    assert keys(process, SHIPMENT, ev("PICK_JOB_OPENED", 1, flow=None), ev("HANDOVERJOB_CREATED", 4, flow=None)) == {
        "J1": "P1",
        "H1": "P1",
        "V1": "P1",
    }


def test_unresolved_pick_job_gathers_what_hangs_on_it():
    """Ruling 11: one leg, not four."""
    line = ev("PICK_JOB_PICK_LINE_PICKED", 2, flow=None, pick_job_ref="J1")
    key = f"{UNRESOLVED}PICK_JOB:J1"
    assert keys(PICK, line, SHIPMENT, PARCEL, HANDOVER) == dict.fromkeys(("J1", "L1", "H1", "X1", "V1"), key)


def test_two_unresolved_pick_jobs_stay_apart():
    other = ev("PICK_JOB_CREATED", 1, "J2", flow=None, plan_ref="R1")
    plan = ev("ROUTING_PLAN_ROUTED", 1, flow=None, pick_job_ref="J1")
    assert keys(PICK, other, plan) == {
        "J1": f"{UNRESOLVED}PICK_JOB:J1",
        "J2": f"{UNRESOLVED}PICK_JOB:J2",
        "R1": f"{UNRESOLVED}PICK_JOB:J1",
    }


def test_events_with_nothing_to_go_by_are_unresolved():
    bare = ev("SHIPMENT_CREATED", 2, flow=None)
    reservation = ev("INVENTORY_RESERVATIONS_CREATED", 3, flow=None)
    assert keys(bare, reservation) == {"H1": f"{UNRESOLVED}SHIPMENT:H1", "A1": f"{UNRESOLVED}RESERVATION:A1"}
    found = facts([bare, reservation])
    assert found.balance.unresolved == 2
    assert not any(found.relations.values())
    assert [(e.flow, e.flow_id) for e in found.events] == [("order", None)] * 2


def test_circles_end():
    one = ev("ROUTING_PLAN_WAITING", 1, "R1", flow=None, parent_plan_ref="R2")
    two = ev("ROUTING_PLAN_WAITING", 1, "R2", flow=None, parent_plan_ref="R1")
    assert keys(one, two) == {"R1": f"{UNRESOLVED}ROUTING_PLAN:R1", "R2": f"{UNRESOLVED}ROUTING_PLAN:R2"}
    assert keys(one, two, ev("ROUTING_PLAN_ROUTED", 2, "R1")) == {"R1": "P1", "R2": "P1"}


@pytest.mark.parametrize(
    ("one", "other", "winner"),
    [
        pytest.param(
            ev("ROUTING_PLAN_ROUTED", 1, flow="P2", pick_job_ref="J1"),
            ev("ROUTING_PLAN_ROUTED", 1, "R2", flow="P1", pick_job_ref="J1"),
            "P1",
            id="two that name it: the smaller",
        ),
        pytest.param(
            ev("ROUTING_PLAN_ROUTED", 1, flow="P1", pick_job_ref="J1"),
            ev("PICK_JOB_OPENED", 1, flow="P2"),
            "P2",
            id="its own event before one that names it",
        ),
        pytest.param(
            ev("PICK_JOB_OPENED", 1, flow="P2"),
            ev("PICK_JOB_RESET", 1, flow="P1"),
            "P1",
            id="two of its own: the smaller",
        ),
    ],
)
def test_conflicts_have_one_winner(one: Event, other: Event, winner: str):
    assert keys(ev("PICK_JOB_CREATED", 0, flow=None), one, other) == {"J1": winner}


def test_events_outside_the_flows_are_left_out():
    outside = ev("FACILITY_CREATED", 0, "F1", flow=None)
    assert in_memory([outside]) == {}
    (block,) = _blocks(outside)
    arrived = open_blocks([block[1]])
    assert (arrived.flows, [e.event_id for e in arrived.outside["FACILITY:F1"]]) == ({}, [outside.event_id])


def _blocks(event: Event) -> list[Block]:
    outbox = Outbox(3)
    outbox.add(event)
    assert outbox.newest == event.recorded_at
    return list(outbox.blocks())


def test_unresolved_pick_job_is_a_leg_without_flow():
    """Ruling 11."""
    found = facts([PICK, ev("PICK_JOB_PICKING_COMMENCED", 11, flow=None), SHIPMENT])
    assert_columns(
        found.leg(), flow_id=None, quality_flags=["unresolved_reference"], outcome="open", pick_queue_seconds=10.0
    )
    assert found.relations["order_flow"] == []
    assert found.balance.unresolved == 3
    assert {(i[0], i[1], i[2]) for i in found.intervals} == {("order", None, "PICK_JOB")}
