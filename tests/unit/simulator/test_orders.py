"""Simulated orders: one order worked out by hand, and what holds for every drawn one."""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict

import msgspec
import pytest

from pipelines.simulator.model import US, Story
from pipelines.simulator.orders import order_stories
from pipelines.simulator.orders_model import Handover, Line, Moment, Order, PackJob, Parcel, PickJob, Plan, Shipment
from pipelines.simulator.orders_picking import Picked, Shelf
from pipelines.simulator.orders_shipping import HandoverState, ParcelState
from pipelines.simulator.orders_truth import OrderTruth
from pipelines.simulator.world import World
from schemas.tables import BY_NAME
from schemas.vocabulary import DEVIATIONS, ORDER_MILESTONES, QUALITY_FLAGS, Stage, StageKind

DAY = 86_400 * US
START = 20_621 * DAY
LINE = Line("line", {"tenantArticleId": "4711", "title": "Rubber Duck"}, 2, "line")


def draw(seed: int, count: int = 400, days: float = 6) -> list[Story]:
    horizon = START + int(days * DAY)
    return list(order_stories(random.Random(seed), World(1, START), START, count, horizon, horizon))


@pytest.fixture(scope="module", params=[0.5, 6.0], ids=["cut in the first day", "after a week"])
def stories(request):
    return draw(3, days=request.param)


def mark(entity, second: float, name: str, status: str | None = None, detail: object = None) -> Moment:
    at = START + int(second * US)
    moment = Moment(name, at, at + 100_000, "exact", len(entity.moments) + 1, status, detail)
    entity.moments.append(moment)
    return moment


def happy_order() -> Order:
    """A shipped order with one pause: created at 0 s, handed over at 1000 s against a target of 900 s."""
    order = Order("ORDER", "o", process="p", tenant_order_id="R1", lines=[LINE])
    order.ordered_at, order.target = START - 5 * US, START + 900 * US
    created = mark(order, 0, "ORDER_CREATED", "OPEN", (LINE,))
    plan = Plan("ROUTING_PLAN", "r", "f", lines=[LINE])
    plan.turn("route", "working", created)
    plan.stop(mark(plan, 4, "ROUTING_PLAN_ROUTED", "ROUTED"))
    job = PickJob("PICK_JOB", "j", "f", plan=plan, lines=[LINE], operative="op", target=order.target)
    empty, full = (Picked(0, None, "OPEN"),), (Picked(2, START + 190 * US, "CLOSED"),)
    mark(job, 10, "PICK_JOB_CREATED", "OPEN", Shelf(empty))
    job.turn("pick", "working", mark(job, 100, "PICK_JOB_PICKING_COMMENCED", "IN_PROGRESS", Shelf(empty)))
    job.turn("pick", "paused", mark(job, 130, "PICK_JOB_PICKING_PAUSED", "PAUSED", Shelf(empty)))
    job.turn("pick", "working", mark(job, 190, "PICK_JOB_PICK_LINE_PICKED", "CLOSED", Shelf(full, None, 0)))
    job.stop(mark(job, 200, "PICK_JOB_PICKING_FINISHED", "CLOSED", Shelf(full)))
    pack = PackJob("PACK_JOB", "k", "f", job=job)
    pack.turn("pack_queue", "waiting", mark(pack, 201, "PACK_JOB_CREATED", "OPEN"))
    pack.turn("pack", "working", mark(pack, 300, "PACK_JOB_UPDATED", "IN_PROGRESS"))
    pack.stop(mark(pack, 420, "PACK_JOB_CLOSED", "CLOSED"))
    shipment = Shipment("SHIPMENT", "s", "f", job=job, target=order.target)
    mark(shipment, 11, "SHIPMENT_CREATED", "INITIAL")
    parcel = Parcel("PARCEL", "x", "f", shipment=shipment, carrier="c")
    parcel.turn("label", "waiting", mark(parcel, 310, "PARCEL_CARRIER_CREATED", "OPEN", ParcelState()))
    parcel.turn("label", "working", mark(parcel, 312, "PARCEL_CARRIER_REQUESTED", "PROCESSING", ParcelState()))
    parcel.stop(mark(parcel, 320, "PARCEL_CARRIER_ACKNOWLEDGED", "DONE", ParcelState("done")))
    tracked = ParcelState("done", "delivered", START + 5000 * US)
    mark(parcel, 5600, "PARCEL_TRACK_AND_TRACE_STATUS_UPDATED", "DONE", tracked)
    handover = Handover("HANDOVER_JOB", "h", "f", job=job, parcel=parcel, target=order.target)
    handover.turn("handover_wait", "waiting", mark(handover, 422, "HANDOVERJOB_CREATED", "OPEN", HandoverState()))
    handover.stop(mark(handover, 1000, "HANDOVERJOB_HANDED_OVER", "HANDED_OVER", HandoverState(True)))
    order.plans, order.jobs, order.packs = [plan], [job], [pack]
    order.shipments, order.parcels, order.handovers = [shipment], [parcel], [handover]
    return order


def truth(order: Order, first: int, horizon: int) -> OrderTruth:
    for entity in order.entities():
        entity.observe(first, horizon)
    return OrderTruth(order, horizon)


def test_an_order_worked_out_by_hand():
    rows = truth(happy_order(), START, START + DAY).rows()
    (flow,), (leg,), (parcel,) = rows["order_flow"], rows["order_leg"], rows["order_parcel"]
    assert (flow["outcome"], flow["finished_at"], flow["event_count"]) == ("fulfilled", START + 1000 * US, 17)
    assert (flow["deviations"], flow["conforms"], flow["quality_flags"]) == (["pause"], False, [])
    assert flow["variant"].split(">") == [
        "order_created", "routed", "pick_created", "shipment_created", "pick_started", "pick_finished",
        "pack_created", "pack_started", "parcel_created", "label_requested", "label_received", "pack_finished",
        "handover_created", "handed_over",
    ]  # fmt: skip
    assert (flow["order_cycle_seconds"], flow["order_lead_seconds"]) == (1000.0, 1005.0)
    assert (flow["lateness_seconds"], flow["on_time"], flow["fill_rate"]) == (100.0, False, 1.0)
    assert (leg["outcome"], leg["pick_queue_seconds"], leg["route_to_pick_created_seconds"]) == ("picked", 90.0, 6.0)
    assert (leg["pick_duration_gross_seconds"], leg["pick_pause_seconds"]) == (100.0, 60.0)
    assert (leg["pick_duration_net_seconds"], leg["pause_count"]) == (40.0, 1)
    assert (leg["pick_to_pack_seconds"], leg["pack_duration_seconds"], leg["pack_total_seconds"]) == (1.0, 120.0, 219.0)
    assert (leg["handover_prepare_seconds"], leg["pack_to_handover_seconds"]) == (2.0, 580.0)
    assert (parcel["label_request_seconds"], parcel["transit_seconds"]) == (8.0, 4000.0)
    stretches = Counter((r["stage"], r["kind"], r["seconds"]) for r in rows["flow_interval"])
    assert stretches == Counter({
        ("route", "working", 4.0): 1, ("pick_queue", "waiting", 90.0): 1, ("pick", "working", 30.0): 1,
        ("pick", "paused", 60.0): 1, ("pick", "working", 10.0): 1, ("pack_queue", "waiting", 99.0): 1,
        ("pack", "working", 120.0): 1, ("label", "waiting", 2.0): 1, ("label", "working", 8.0): 1,
        ("handover_wait", "waiting", 578.0): 1,
    })  # fmt: skip


def test_what_is_recorded_after_the_horizon_has_not_happened():
    rows = truth(happy_order(), START, START + 150 * US).rows()
    (flow,), (leg,) = rows["order_flow"], rows["order_leg"]
    assert (flow["outcome"], flow["conforms"], leg["outcome"], rows["order_parcel"]) == ("open", None, "open", [])
    assert (leg["pick_pause_seconds"], leg["pick_duration_gross_seconds"], leg["pause_count"]) == (0.0, None, 1)
    assert [(r["stage"], r["kind"]) for r in rows["flow_interval"] if r["ended_at"] is None] == [("pick", "paused")]


def test_what_was_recorded_before_the_data_is_unknown():
    (flow,) = truth(happy_order(), START + 2 * US, START + DAY).rows()["order_flow"]
    assert (flow["order_created_at"], flow["started_at"]) == (None, START + 4 * US)
    assert (flow["quality_flags"], flow["order_cycle_seconds"]) == (["missing_start"], None)
    assert (flow["order_id"], flow["line_count"], flow["ordered_units"]) == ("o", 1, 2)


def test_the_same_seed_gives_the_same_stories():
    assert draw(7, 60) == draw(7, 60)
    assert draw(7, 60) != draw(8, 60)


def test_stretches_of_one_entity_do_not_overlap(stories):
    by_entity = defaultdict(list)
    for story in stories:
        for row in story.rows.get("flow_interval", ()):
            by_entity[row["entity"], row["entity_id"]].append(row)
    assert by_entity
    for rows in by_entity.values():
        rows.sort(key=lambda r: r["started_at"])
        for before, after in itertools.pairwise(rows):
            assert before["ended_at"] is not None
            assert before["ended_at"] <= after["started_at"]


def test_working_stretches_add_up_to_the_net_duration(stories):
    for story in stories:
        worked, paused = Counter(), Counter()
        for row in story.rows.get("flow_interval", ()):
            if row["stage"] == "pick" and row["seconds"] is not None:
                (worked if row["kind"] == "working" else paused)[row["entity_id"], row["kind"]] += row["seconds"]
        for leg in story.rows.get("order_leg", ()):
            if leg["pick_duration_net_seconds"] is not None and leg["outcome"] in ("picked", "short_picked"):
                assert worked[leg["leg_id"], "working"] == pytest.approx(leg["pick_duration_net_seconds"])
                assert paused[leg["leg_id"], "paused"] == pytest.approx(leg["pick_pause_seconds"])


def test_rows_have_the_columns_and_words_of_the_contract(stories):
    for story in stories:
        for relation, rows in story.rows.items():
            for row in rows:
                assert set(row) <= set(BY_NAME[relation].index())
        for flow in story.rows.get("order_flow", ()):
            assert set(flow["deviations"]) <= set(DEVIATIONS["order"])
            assert set((flow["variant"] or "order_created").split(">")) <= set(ORDER_MILESTONES)
            assert set(flow["quality_flags"]) <= set(QUALITY_FLAGS)
        for row in story.rows.get("flow_interval", ()):
            assert row["stage"] in list(Stage)
            assert row["kind"] in list(StageKind)


def test_counts_agree_with_the_events_that_are_sent(stories):
    sent = Counter(t.flow_id for s in stories for e in s.emissions for t in e.truth if t.flow == "order" and t.resolved)
    told = {r["flow_id"]: r["event_count"] for s in stories for r in s.rows.get("order_flow", ())}
    assert told == sent


def test_versions_grow_and_ids_are_unique(stories):
    versions = defaultdict(list)
    ids = [t.event_id for s in stories for e in s.emissions for t in e.truth]
    for story in stories:
        for emission in story.emissions:
            for event in emission.truth:
                if event.entity_version is not None and event.entity != "RESERVATION":
                    repeated = emission.name == "PICKING_PICK_JOB_COMPLETE"  # the finish once more, same version
                    versions[event.entity, event.entity_id, repeated].append((event.event_at, event.entity_version))
    assert len(ids) == len(set(ids))
    for found in versions.values():
        numbers = [version for _, version in sorted(found)]
        assert numbers == sorted(set(numbers))


def test_payloads_are_of_full_size():
    sizes = [len(msgspec.json.encode(e.payload)) for s in draw(5, 200) for e in s.emissions]
    assert 3_000 < sum(sizes) / len(sizes) < 5_000
