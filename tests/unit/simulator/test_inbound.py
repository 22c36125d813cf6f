"""Simulated inbound processes: one worked out by hand, holds, bulks, and what the edges of the data hide."""

from __future__ import annotations

import itertools
import random

from pipelines.simulator.drawing import Happening, Window
from pipelines.simulator.inbound import inbound_stories
from pipelines.simulator.inbound_draw import Hold, Process, PurchaseOrder, Receipt, Told
from pipelines.simulator.inbound_truth import truth_rows
from pipelines.simulator.model import US, Emission, TruthEvent
from pipelines.simulator.world import Facility, World

DAY = 86_400 * US
START = 20_621 * DAY
PLACE = Facility("f", "Store", "Köln", 6, 18)
ORDER = PurchaseOrder((60, 20), START + 30_000 * US, "TIME_POINT")


def moment(second: int, name: str, basis: str = "recorded") -> Happening:
    return Happening(name, START + second * US, START + second * US, basis)


def process_by_hand() -> Process:
    """A purchase order at 0 s, a hold from 100 s to 400 s reported twice, one receipt from 1000 s to 2000 s."""
    process = Process("p", "po", "PO-1", PLACE)
    process.order_created = moment(0, "INBOUND_PROCESS_PURCHASE_ORDER_CREATED", "exact")
    held = [moment(100, "INBOUND_DELIVERY_ON_HOLD"), moment(160, "INBOUND_DELIVERY_ON_HOLD")]
    released = moment(400, "INBOUND_DELIVERY_RELEASED")
    process.holds = [Hold(held, released)]
    receipt = Receipt("r", START + 900 * US, [(58, 2), (20, 0)])
    receipt.created = moment(1000, "INBOUND_PROCESS_RECEIPT_CREATED")
    receipt.started = moment(1200, "INBOUND_PROCESS_RECEIPT_STARTED")
    receipt.received = moment(2000, "INBOUND_DELIVERY_RECEIVED")
    process.finished = moment(2005, "INBOUND_DELIVERY_FINISHED")
    process.receipts = [receipt]
    process.told = [
        Told(process.order_created, "OPEN", ORDER),
        *(Told(m, "ON_HOLD", ORDER, None, True) for m in held),
        Told(released, "OPEN", ORDER),
        *(Told(m, "OPEN", ORDER, receipt) for m in (receipt.created, receipt.started)),
        Told(receipt.received, "CLOSED", ORDER, receipt),
        Told(process.finished, "CLOSED", ORDER),
    ]
    return process


def rows_of(process: Process, first: int, horizon: int):
    world = World(1, START + first * US)
    window = Window(world, START + horizon * US, START + horizon * US)
    told = [t for t in process.told if window.sees(t.moment)]
    emissions = [
        Emission(t.moment.name, str(i), t.moment.recorded, None, [event(process, t, str(i))])
        for i, t in enumerate(told)
    ]
    return truth_rows(process, emissions, window)


def event(process: Process, told: Told, name: str) -> TruthEvent:
    return TruthEvent(
        name, "inbound", process.id, None, None, None, told.moment.at, told.moment.basis, PLACE.id, told.status
    )


def test_a_process_worked_out_by_hand():
    found = rows_of(process_by_hand(), 0, 10_000)
    (flow,), (receipt,) = found["inbound_flow"], found["inbound_receipt"]
    assert (flow["outcome"], flow["finished_at"]) == ("fulfilled", START + 2005 * US)
    assert flow["variant"] == (
        "purchase_order_created>receipt_created>receipt_started>delivery_received>inbound_finished"
    )
    assert flow["deviations"] == ["on_hold", "rejected_goods"]
    assert flow["conforms"] is False
    assert flow["quality_flags"] == ["recorded_time"]
    assert (flow["on_hold_count"], flow["on_hold_seconds"]) == (1, 300.0)
    assert (flow["requested_line_count"], flow["requested_units"]) == (2, 80.0)
    assert (flow["accepted_units"], flow["rejected_units"], flow["rejection_rate"]) == (78.0, 2.0, 2 / 80)
    assert (flow["po_to_first_receipt_seconds"], flow["inbound_complete_seconds"]) == (1000.0, 2005.0)
    assert (flow["supplier_delay_seconds"], flow["delivery_span_seconds"]) == (-29_100.0, 5.0)
    assert receipt["status"] == "FINISHED"
    assert (receipt["arrival_to_receipt_seconds"], receipt["receipt_duration_seconds"]) == (100.0, 800.0)
    assert receipt["dock_to_stock_seconds"] == 1100.0
    spans = [(r["stage"], r["started_at"] - START, r["ended_at"] - START) for r in found["flow_interval"]]
    assert sorted(spans) == [
        ("hold", 100 * US, 400 * US), ("receipt", 1200 * US, 2000 * US), ("receipt_queue", 1000 * US, 1200 * US),
    ]  # fmt: skip


def test_a_hold_begins_with_the_first_report_of_it_in_the_data():
    (flow,) = rows_of(process_by_hand(), 150, 10_000)["inbound_flow"]
    assert (flow["on_hold_count"], flow["on_hold_seconds"]) == (1, 240.0)
    assert "missing_start" in flow["quality_flags"]


def test_a_release_alone_is_no_hold():
    (flow,) = rows_of(process_by_hand(), 200, 10_000)["inbound_flow"]
    assert (flow["on_hold_count"], flow["on_hold_seconds"]) == (0, 0.0)
    assert "on_hold" not in flow["deviations"]


def test_what_is_recorded_after_the_horizon_has_not_happened():
    found = rows_of(process_by_hand(), 0, 1500)
    (flow,), (receipt,) = found["inbound_flow"], found["inbound_receipt"]
    assert (flow["outcome"], flow["conforms"], flow["accepted_units"]) == ("open", None, 0.0)
    assert (receipt["status"], receipt["delivery_received_at"]) == ("IN_PROGRESS", None)


def draw(seed: int):
    return list(inbound_stories(random.Random(seed), World(1, START), START, 1500, START + 6 * DAY, START + 6 * DAY))


def test_holds_do_not_overlap_and_count_as_they_are_told():
    for story in draw(5):
        (flow,) = story.rows["inbound_flow"]
        holds = sorted((r["started_at"], r["ended_at"]) for r in story.rows["flow_interval"] if r["stage"] == "hold")
        assert all(end is not None and end <= later[0] for (_, end), later in itertools.pairwise(holds))
        assert len(holds) <= flow["on_hold_count"]


def test_one_bulk_can_name_several_processes():
    stories = draw(6)
    bulks = [e for s in stories for e in s.emissions if len(e.truth) > 1]
    assert bulks
    for bulk in bulks:
        items = [(i["inboundProcessRef"], f"{bulk.event_id}#{i['receipt']['id']}") for i in bulk.payload["items"]]
        assert [(t.flow_id, t.event_id) for t in bulk.truth] == items
    told = [t for s in stories for e in s.emissions for t in e.truth]
    counts = {r["flow_id"]: r["event_count"] for s in stories for r in s.rows["inbound_flow"]}
    assert counts == {flow: sum(1 for t in told if t.flow_id == flow) for flow in counts}


def test_the_same_seed_gives_the_same_stories():
    assert draw(7) == draw(7)
