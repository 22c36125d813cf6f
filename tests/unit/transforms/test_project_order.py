"""Orders by hand. Times are seconds; the number of the ruling that fixes a value stands beside it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.transforms.build import DAY, assert_columns, ev, facts, lines
from transforms.event import Event

W, P, O, B = "working", "paused", "waiting", "blocked"  # noqa: E741


def created(at: float = 0, **more: Any) -> Event:
    base = {"status": "OPEN", "line_count": 2, "units": 3, "ships": True, "target": 500, "order_date": -4}
    return ev("ORDER_CREATED", at, **(base | more))


def routed(at: float = 10, plan: str = "R1", **more: Any) -> Event:
    return ev("ROUTING_PLAN_ROUTED", at, plan, order_ref="O1", **more)


def pick(word: str, at: float, job: str = "J1", *amounts: tuple[int | None, int | None], **more: Any) -> Event:
    base = {"plan_ref": f"R{job[1:]}", "channel": "SHIPPING"}
    if amounts:
        base["lines"] = lines(*amounts)  # type: ignore[assignment]
    return ev(f"PICK_JOB_{word}", at, job, **(base | more))


def start(at: float, job: str = "J1") -> Event:
    return pick("PICKING_COMMENCED", at, job)


def finish(at: float, job: str = "J1", *amounts: tuple[int | None, int | None]) -> Event:
    return pick("PICKING_FINISHED", at, job, *(amounts or ((2, 2), (1, 1))), status="CLOSED")


def ready(at: float, job: str = "V1", leg: str = "J1", **more: Any) -> Event:
    return ev("HANDOVERJOB_CREATED", at, job, **({"pick_job_ref": leg, "target": 500} | more))


def handed(at: float, job: str = "V1", leg: str = "J1", **more: Any) -> Event:
    return ev("HANDOVERJOB_HANDED_OVER", at, job, pick_job_ref=leg, **more)


def happy() -> list[Event]:
    """Order, plan, pick job, pack job, parcel, hand-over; nothing goes wrong."""
    return [
        created(),
        routed(10),
        ev("INVENTORY_RESERVATIONS_CREATED", 11, order_refs=["O1"]),
        pick("CREATED", 20, "J1", (2, 0), (1, 0), status="OPEN", operative_ref="W1"),
        ev("SHIPMENT_CREATED", 21, pick_job_ref="J1", parcel_refs=["X1"], target=450),
        start(50),
        ev("PICK_JOB_PICK_LINE_PICKED", 55, pick_job_ref="J1", quantity=2, picked=2),
        finish(90),
        ev("PACK_JOB_CREATED", 95, pick_job_ref="J1"),
        ev("PACK_JOB_UPDATED", 100, status="IN_PROGRESS", pick_job_ref="J1"),
        ev("PARCEL_CARRIER_CREATED", 110, shipment_ref="H1", carrier_ref="DHL"),
        ev("PARCEL_CARRIER_REQUESTED", 111, shipment_ref="H1"),
        ev("PARCEL_CARRIER_ACKNOWLEDGED", 115, shipment_ref="H1"),
        ev("PACK_JOB_CLOSED", 130, pick_job_ref="J1"),
        ready(131, parcel_ref="X1"),
        handed(400),
    ]


def test_happy_path():
    found = facts(happy())
    assert_columns(
        found.order,
        flow_id="P1",
        outcome="fulfilled",
        started_at=0,
        finished_at=400,
        first_event_at=0,
        last_event_at=400,
        event_count=16,
        revision=16,
        facility_ref="F1",
        facility_count=1,
        variant="order_created>routed>stock_reserved>pick_created>shipment_created>pick_started>pick_finished>"
        "pack_created>pack_started>parcel_created>label_requested>label_received>pack_finished>handover_created>handed_over",
        deviations=[],
        conforms=True,
        quality_flags=[],
        order_id="O1",
        channel="SHIPPING",
        order_status="OPEN",
        cancel_reason=None,
        order_date_at=-4,
        target_at=500,
        first_reserved_at=11,
        first_pick_started_at=50,
        last_pick_finished_at=90,
        order_intake_lag_seconds=4.0,
        lock_wait_seconds=None,
        order_to_route_seconds=10.0,
        order_cycle_seconds=400.0,
        order_lead_seconds=404.0,
        cancel_after_seconds=None,
        reroute_delay_seconds=0.0,
        on_time=True,
        lateness_seconds=-100.0,
        leg_count=1,
        routing_plan_count=1,
        split_count=0,
        reroute_count=0,
        reset_count=0,
        pause_count=0,
        parcel_count=1,
        label_failure_count=0,
        handover_job_count=1,
        line_count=2,
        short_line_count=0,
        ordered_units=3,
        picked_units=3,
        fill_rate=1.0,
        delivered_at=None,
    )
    assert_columns(
        found.leg(),
        routing_plan_id="R1",
        operative_process_ref="W1",
        channel="SHIPPING",
        outcome="picked",
        routed_at=10,
        route_to_pick_created_seconds=10.0,
        pick_queue_seconds=30.0,
        pick_duration_gross_seconds=40.0,
        pick_pause_seconds=0.0,
        pick_duration_net_seconds=40.0,
        pick_to_pack_seconds=5.0,
        pick_to_pack_start_seconds=10.0,
        pack_queue_seconds=5.0,
        pack_duration_seconds=30.0,
        pack_total_seconds=35.0,
        handover_prepare_seconds=1.0,
        handover_wait_seconds=269.0,
        pack_to_handover_seconds=270.0,
        ready_lateness_seconds=-369.0,
        handover_lateness_seconds=-100.0,
        line_count=2,
        short_line_count=0,
        ordered_units=3,
        picked_units=3,
        quality_flags=[],
    )
    assert_columns(
        found.parcel(),
        leg_id="J1",
        shipment_id="H1",
        carrier_ref="DHL",
        label_request_seconds=4.0,
        transit_seconds=None,
    )
    assert found.stretches("ROUTING_PLAN") == [("route", W, 0, 10)]
    assert found.stretches("PICK_JOB") == [("pick_queue", O, 20, 50), ("pick", W, 50, 90)]
    assert found.stretches("PACK_JOB") == [("pack_queue", O, 95, 100), ("pack", W, 100, 130)]
    assert found.stretches("PARCEL") == [("label", O, 110, 111), ("label", W, 111, 115)]
    assert found.stretches("HANDOVER_JOB") == [("handover_wait", O, 131, 400)]


# -- outcome (13 to 16, 43, 48) -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "outcome", "stuck"),
    [
        pytest.param([created()], "open", False, id="created"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10)], "open", False, id="not handed over"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11)], "fulfilled", False,
                     id="43: the pick job proves the route"),
        pytest.param([created(), pick("CREATED", 5, plan_ref=None), finish(9), ready(10), handed(11)], "fulfilled",
                     False, id="43: a later snapshot names the plan"),
        pytest.param([created(), pick("CREATED", 5), start(6), ready(10), handed(11)], "open", False, id="job at work"),
        pytest.param([created(), ev("ROUTING_PLAN_WAITING", 3), pick("CREATED", 5), finish(9), ready(10), handed(11)],
                     "fulfilled", False, id="43: also a plan that waited before"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11), ev("ROUTING_PLAN_WAITING", 12)],
                     "open", False, id="43: not one that waits since"),
        pytest.param([created(), pick("CREATED", 5), finish(9)], "open", True, id="48: nothing left to do"),
        pytest.param([created(), pick("CREATED", 5), pick("ABORTED", 9)], "open", True, id="16: no cancel event"),
        pytest.param([created(), routed(), pick("CREATED", 5), pick("ABORTED", 9), routed(10, "R2")], "open", False,
                     id="48: a routed plan has no job yet"),
        pytest.param([created(), pick("CREATED", 5), pick("REROUTED", 9),
                      ev("ROUTING_PLAN_REROUTEPLAN_CREATED", 10, "R2", rerouted_plan_ref="R1")], "open", False,
                     id="48: an announced plan has no job yet"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11), routed(12, "R2")], "open", False,
                     id="13: a later plan opens it again"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11),
                      ev("ROUTING_PLAN_NOT_ROUTABLE", 12, "R2")], "open", False, id="a plan is not routable"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11),
                      ev("ROUTING_PLAN_NOT_ROUTABLE", 12, "R2"), ev("ROUTING_PLAN_CANCELLED", 13, "R2")], "fulfilled",
                     False, id="its plan is cancelled"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11),
                      ev("ROUTING_PLAN_WAITING", 12, "R2", status="OBSOLETE")], "fulfilled", False,
                     id="its plan was replaced in silence"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11), pick("CREATED", 6, "J2"),
                      finish(9, "J2")], "open", False, id="the second leg has no hand-over job"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11), pick("CREATED", 6, "J2"),
                      pick("REROUTED", 9, "J2")], "fulfilled", False, id="43: given-up legs need none"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11), ready(12, "V2")], "open", False,
                     id="second hand-over job waits"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11), ready(12, "V2"),
                      ev("HANDOVERJOB_CANCELED", 13, "V2")], "fulfilled", False, id="second hand-over job cancelled"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11),
                      ev("PACK_JOB_CREATED", 9, pick_job_ref="J1")], "open", False, id="pack job not ended"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11), ev("SERVICE_JOB_CREATED", 9)],
                     "open", False, id="service job not ended"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11),
                      ev("SERVICE_JOB_CREATED", 9, status="OBSOLETE")], "fulfilled", False, id="service job obsolete"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11), ev("HANDOVERJOB_REVERTED", 12)],
                     "open", False, id="29: taken back"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11), ev("HANDOVERJOB_REVERTED", 12),
                      handed(20)], "fulfilled", False, id="29: and given once more"),
        pytest.param([created(), ev("ROUTING_PLAN_SPLITTED", 3, "R9", child_plan_ref="R1"), routed(4),
                      pick("CREATED", 5), finish(9), ready(10), handed(11)], "fulfilled",
                     False, id="split plan without a job of its own"),
        pytest.param([created(), ev("ROUTING_PLAN_SPLITTED", 3, "R9", child_plan_ref="R1"), routed(4),
                      pick("CREATED", 5), finish(9), ready(10), handed(11),
                      ev("ROUTING_PLAN_WAITING", 7, "R9")], "open", False, id="48: split plan that waits since"),
        pytest.param([created(), ev("ROUTING_PLAN_WAITING", 2, "R9"), ev("ROUTING_PLAN_SPLITTED", 3, "R9",
                      child_plan_ref="R1"), routed(4), pick("CREATED", 5), finish(9), ready(10), handed(11)],
                     "fulfilled", False, id="split plan that waited before"),
        pytest.param([created(), ev("ORDER_CANCELLED", 9)], "cancelled", False, id="14: cancelled"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11), ev("ORDER_CANCELLED", 12)],
                     "fulfilled", False, id="14: cancelled after the hand-over"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11), ready(12, "V2"),
                      ev("ORDER_CANCELLED", 13)], "open", False, id="14: cancelled, handed over, a job is left"),
        pytest.param([created(), pick("CREATED", 5), finish(9), ready(10), handed(11), ev("HANDOVERJOB_REVERTED", 12),
                      ev("ORDER_CANCELLED", 13)], "cancelled", False, id="14: cancelled, taken back"),
    ],
)  # fmt: skip
def test_outcome(events: list[Event], outcome: str, stuck: bool):
    found = facts(events).order
    assert found["outcome"] == outcome
    assert ("stuck" in found["quality_flags"]) is stuck


def test_finished_at_of_each_outcome():
    """13 and 14."""
    one = [created(), pick("CREATED", 5), finish(9), ready(10), handed(11)]
    assert facts(one).order["finished_at"] == 11
    assert facts([created(), ev("ORDER_CANCELLED", 9), ev("ORDER_FORCE_CANCELLED", 12)]).order["finished_at"] == 9
    assert facts([created()]).order["finished_at"] is None
    both = [*one, pick("CREATED", 6, "J2"), finish(9, "J2"), ready(10, "V2", "J2"), handed(30, "V2", "J2")]
    assert facts(both).order["finished_at"] == 30


@pytest.mark.parametrize(
    ("events", "as_of", "outcome"),
    [
        pytest.param([created()], 30 * DAY - 1, "open", id="a second before the deadline"),
        pytest.param([created()], 30 * DAY, "incomplete", id="exactly at it"),
        pytest.param([created(), start(DAY)], 30 * DAY, "open", id="after the last working event"),
        pytest.param(
            [created(), ev("PARCEL_TRACK_AND_TRACE_STATUS_UPDATED", DAY)],
            30 * DAY,
            "incomplete",
            id="tracking is no work",
        ),
        pytest.param([created(), ev("PROCESS_DELETED", DAY)], 30 * DAY, "incomplete", id="47: nor is deletion"),
        pytest.param([created(), ev("ORDER_CANCELLED", 9)], 99 * DAY, "cancelled", id="cancelled stays"),
        pytest.param(
            [created(), pick("CREATED", 5), finish(9), ready(10), handed(11)], 99 * DAY, "fulfilled", id="stays"
        ),
        pytest.param([created(), pick("CREATED", 5), pick("ABORTED", 9)], 99 * DAY, "incomplete", id="16"),
    ],
)
def test_deadline(events: list[Event], as_of: float, outcome: str):
    """15 and 16."""
    found = facts(events, as_of=as_of).order
    assert found["outcome"] == outcome
    assert "stuck" not in found["quality_flags"]
    if outcome == "incomplete":
        assert_columns(found, finished_at=None, conforms=False)


def test_intervals_of_an_incomplete_order_stay_open():
    """50."""
    found = facts([created(), routed(), pick("CREATED", 20), start(50)], as_of=40 * DAY)
    assert found.leg()["outcome"] == "incomplete"
    assert found.stretches("PICK_JOB") == [("pick_queue", O, 20, 50), ("pick", W, 50, None)]


def test_intervals_end_with_a_cancelled_order():
    """50."""
    found = facts(
        [created(), routed(), pick("CREATED", 20), start(50), ev("ORDER_CANCELLED", 60), finish(70), ready(80)]
    )
    assert found.stretches("PICK_JOB") == [("pick_queue", O, 20, 50), ("pick", W, 50, 60)]
    assert found.stretches("HANDOVER_JOB") == []


def test_open_intervals_end_with_a_fulfilled_order():
    found = facts([*happy(), ev("PARCEL_CARRIER_CREATED", 200, "X2"), ev("PARCEL_CARRIER_CREATED", 900, "X3")])
    assert found.stretches("PARCEL", "X2") == [("label", O, 200, 400)]
    assert found.stretches("PARCEL", "X3") == []
    late = facts([*happy(), ev("PARCEL_CARRIER_REQUESTED", 900, "X3"), ev("PARCEL_CARRIER_ACKNOWLEDGED", 905, "X3")])
    assert late.stretches("PARCEL", "X3") == [("label", W, 900, 905)]


# -- deviations (17, 44) --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "words"),
    [
        pytest.param([created(status="LOCKED")], ["locked"], id="locked"),
        pytest.param([ev("ORDER_MODIFIED", 5)], ["modified"], id="modified"),
        pytest.param([ev("ROUTING_PLAN_WAITING", 5)], ["waiting"], id="waiting"),
        pytest.param([ev("ROUTING_PLAN_NOT_ROUTABLE", 5)], ["not_routable"], id="not routable"),
        pytest.param([ev("ROUTING_PLAN_FALLBACK", 5)], ["fallback"], id="fallback"),
        pytest.param([ev("ROUTING_PLAN_SPLITTED", 5)], ["split"], id="split"),
        pytest.param([ev("ROUTING_PLAN_REROUTEPLAN_CREATED", 5)], ["reroute"], id="reroute plan"),
        pytest.param([pick("REROUTED", 5)], ["reroute"], id="rerouted"),
        pytest.param([pick("CREATED", 5, status="WAITING_FOR_INPUT")], ["release_wait"], id="waits for input"),
        pytest.param([pick("CREATED", 5, sub_status="WAITING_FOR_RELEASE_TIME")], ["release_wait"], id="for release"),
        pytest.param([pick("CREATED", 5), pick("OPENED", 6)], [], id="opened alone is none"),
        pytest.param([pick("PICKING_PAUSED", 5)], ["pause"], id="pause"),
        pytest.param([ev("PACK_JOB_UPDATED", 5, status="PAUSED")], ["pause"], id="pause of packing"),
        pytest.param([pick("RESET", 5)], ["reset"], id="reset"),
        pytest.param([finish(5, "J1", (2, 1))], ["short_pick"], id="short pick"),
        pytest.param(
            [finish(5, "J1", (2, 1)), pick("REROUTED", 6)], ["reroute", "short_pick"], id="44: short and rerouted"
        ),
        pytest.param([start(5), pick("ABORTED", 6, "J1", (2, 0))], ["zero_pick"], id="zero pick"),
        pytest.param([pick("ABORTED", 6, "J1", (2, 0))], ["abort"], id="abort before the start"),
        pytest.param([start(5), pick("ABORTED", 6, "J1", (2, 1))], ["abort"], id="abort with goods"),
        pytest.param(
            [start(5), pick("ABORTED", 6), ev("ROUTING_PLAN_REROUTEPLAN_CREATED", 7)], ["reroute", "zero_pick"], id="44"
        ),
        pytest.param([ev("PARCEL_CARRIER_FAILED", 5)], ["label_failed"], id="label"),
        pytest.param([ev("HANDOVERJOB_REVERTED", 5)], ["reverted"], id="reverted"),
        pytest.param([handed(5, refused_units=1)], ["refused"], id="refused"),
        pytest.param([handed(5, refused_units=0)], [], id="nothing refused"),
        pytest.param([ev("HANDOVERJOB_CANCELED", 5, cancel_reason="CONSUMER_REJECTS")], ["refused"], id="rejected"),
        pytest.param([ev("HANDOVERJOB_CANCELED", 5, cancel_reason="CONSUMER_NO_SHOW")], [], id="no show"),
        pytest.param([ev("ORDER_CANCELLED", 5)], ["cancelled"], id="cancelled"),
        pytest.param([ev("ORDER_FORCE_CANCELLED", 5)], ["cancelled"], id="force cancelled"),
        pytest.param([ev("ORDER_CANCELLED_BY_EXPIRY", 5)], ["cancelled", "expired"], id="44: both words"),
        pytest.param([ev("EXPIRY_ENTITY_EXPIRED", 5)], ["expired"], id="expired"),
        pytest.param([ev("EXPIRY_ENTITY_CREATED", 5, expiry_time=9)], [], id="44: planned is not happened"),
        pytest.param([ev("UPCOMING_TIME_TRIGGERED_REROUTE", 5)], [], id="a warning is none"),
        pytest.param([ev("SERVICE_JOB_CREATED", 5), ev("PARCEL_CARRIER_CREATED", 5, "X2")], [], id="services, parcels"),
        pytest.param(
            [pick("RESET", 5), pick("RESET", 6), ev("ORDER_MODIFIED", 1)], ["modified", "reset"], id="once, sorted"
        ),
    ],
)
def test_deviations(events: list[Event], words: list[str]):
    assert facts([created(-5), *events] if events[0].name != "ORDER_CREATED" else events).order["deviations"] == words


def test_conforms():
    """17."""
    assert facts(happy()).order["conforms"] is True
    assert facts([*happy(), ev("ORDER_MODIFIED", 5)]).order["conforms"] is False
    assert facts(happy()[:-1]).order["conforms"] is None
    assert facts([created(), ev("ORDER_CANCELLED", 9)]).order["conforms"] is False


# -- counts and sums (18, 19, 23, 45) -------------------------------------------------------------------------


def test_counts_are_of_entities_that_sent_an_event():
    """18."""
    found = facts(
        [
            created(),
            ev("ROUTING_PLAN_SPLITTED", 5, "R1", child_plan_ref="R2"),
            ev("ROUTING_PLAN_SPLITTED", 6, "R1", child_plan_ref="R3"),
            ev("ROUTING_PLAN_REROUTEPLAN_CREATED", 7, "R4", rerouted_pick_job_ref="J9"),
            ev("PICK_JOB_PICK_LINE_PICKED", 8, pick_job_ref="J2", quantity=1, picked=1),
            pick("RESET", 8),
            pick("RESET", 9),
            pick("PICKING_PAUSED", 10),
            ev("PARCEL_CARRIER_FAILED", 11, "X1"),
            ev("PARCEL_CARRIER_FAILED", 12, "X1"),
            ev("PARCEL_CARRIER_FAILED", 13, "X2"),
            ev("SHIPMENT_CREATED", 14, parcel_refs=["X7"]),
            ready(15),
        ]
    )
    assert_columns(
        found.order,
        leg_count=2,
        routing_plan_count=2,
        split_count=1,
        reroute_count=1,
        reset_count=2,
        pause_count=1,
        parcel_count=2,
        label_failure_count=3,
        handover_job_count=1,
    )
    assert {r["leg_id"] for r in found.relations["order_leg"]} == {"J1", "J2"}


def test_sums_are_null_before_their_stage():
    """19, 23 and 45."""
    before = facts([created(), pick("CREATED", 5, "J1", (2, 0))])
    assert_columns(before.leg(), pick_pause_seconds=None, picked_units=None, short_line_count=None, ordered_units=2)
    assert_columns(before.order, picked_units=None, short_line_count=None, fill_rate=None, reroute_delay_seconds=0.0)
    started = facts([created(), pick("CREATED", 5, "J1", (2, 0)), start(9)])
    assert_columns(started.leg(), pick_pause_seconds=0.0, picked_units=0, short_line_count=None)


def test_units_of_a_line_are_those_of_the_newest_event_that_shows_it():
    """45."""
    events = [
        created(),
        pick("CREATED", 5, "J1", (2, 0), (1, 0)),
        start(6),
        ev("PICK_JOB_PICK_LINE_PICKED", 7, "L1", pick_job_ref="J1", quantity=2, picked=2),
    ]
    assert facts(events).leg()["picked_units"] == 2
    assert facts([*events, finish(9, "J1", (2, 1), (1, 1))]).leg()["picked_units"] == 2
    late = ev("PICK_JOB_PICK_LINE_PICKED", 10, "L1", pick_job_ref="J1", quantity=2, picked=2)
    assert_columns(facts([*events, finish(9, "J1", (2, 1), (1, 1)), late]).leg(), picked_units=3, short_line_count=0)


def test_legs_that_were_given_up_do_not_count_as_picked():
    """23."""
    found = facts(
        [
            created(),
            pick("CREATED", 5, "J1", (3, 0)),
            start(6),
            finish(8, "J1", (3, 1)),
            pick("REROUTED", 9),
            pick("CREATED", 10, "J2", (3, 0)),
            start(11, "J2"),
            finish(12, "J2", (3, 2)),
            ready(13, "V1", "J2"),
            handed(14, "V1", "J2"),
        ]
    )
    assert_columns(found.leg("J1"), outcome="rerouted", picked_units=1)
    assert_columns(
        found.order, outcome="fulfilled", picked_units=2, short_line_count=1, ordered_units=3, fill_rate=2 / 3
    )


def test_fractions_are_no_units():
    """The column is of whole pieces; nothing is guessed."""
    assert facts([created(units=2.5)]).order["ordered_units"] is None
    assert facts([created(units=2.0)]).order["ordered_units"] == 2
    assert facts([created(units=1e300)]).order["ordered_units"] is None


def test_lines_are_those_of_the_newest_snapshot_of_the_order():
    """23."""
    found = facts([created(), ev("ORDER_MODIFIED", 5, line_count=4, units=9), ev("ORDER_UNLOCKED", 6)])
    assert_columns(found.order, line_count=4, ordered_units=9)


REROUTED = [created(), pick("CREATED", 5), start(6)]


@pytest.mark.parametrize(
    ("events", "seconds"),
    [
        pytest.param([], 0.0, id="no case"),
        pytest.param([pick("REROUTED", 10)], 0.0, id="open case"),
        pytest.param([pick("REROUTED", 10), pick("CREATED", 25, "J2")], 15.0, id="next pick job"),
        pytest.param([pick("ABORTED", 10), pick("REROUTED", 12), pick("CREATED", 25, "J2")], 15.0, id="the first"),
        pytest.param(
            [pick("REROUTED", 10), pick("CREATED", 25, "J2"), pick("CREATED", 31, "J3"),
             ev("ROUTING_PLAN_REROUTEPLAN_CREATED", 11, "R3", rerouted_pick_job_ref="J1")],
            21.0, id="of the plan that names it"),
        pytest.param(
            [pick("REROUTED", 10), pick("CREATED", 25, "J2"),
             ev("ROUTING_PLAN_REROUTEPLAN_CREATED", 11, "R3", rerouted_pick_job_ref="J1")],
            0.0, id="whose job is not made yet"),
        pytest.param(
            [pick("REROUTED", 10), pick("CREATED", 25, "J2"), pick("REROUTED", 30, "J2"), pick("CREATED", 37, "J3")],
            22.0, id="sum of two"),
    ],
)  # fmt: skip
def test_reroute_delay(events: list[Event], seconds: float):
    """19."""
    assert facts([*REROUTED, *events]).order["reroute_delay_seconds"] == seconds


# -- single columns (20 to 28, 46, 47) ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "flags"),
    [
        pytest.param([created(order_date=5)], [], id="20: intake lag"),
        pytest.param([created(), ready(9, target=99)], [], id="20: lateness"),
        pytest.param([created(), routed(-5)], ["negative_interval"], id="routed before it was created"),
        pytest.param([created(recorded=-300)], [], id="28: five minutes early"),
        pytest.param([created(recorded=-301)], ["clock_skew"], id="28: more than that"),
        pytest.param([created(basis="recorded")], ["recorded_time"], id="28: a milestone"),
        pytest.param(
            [created(), ev("UPCOMING_TIME_TRIGGERED_REROUTE", 9, basis="recorded")],
            [],
            id="47: no milestone rests on it",
        ),
        pytest.param([routed()], ["missing_start"], id="26"),
        pytest.param([created(), ev("ORDER_CANCELLED", 5), start(DAY + 5)], [], id="28: quiet time exactly"),
        pytest.param([created(), ev("ORDER_CANCELLED", 5), start(DAY + 6)], ["event_after_close"], id="28: longer"),
        pytest.param(
            [created(), ev("ORDER_CANCELLED", 5), ev("PROCESS_ANONYMIZED", 30 * DAY)], [], id="28: no working event"
        ),
    ],
)
def test_quality_flags(events: list[Event], flags: list[str]):
    assert facts(events).order["quality_flags"] == flags


def test_flags_of_a_leg():
    """47."""
    found = facts([start(5), finish(4)]).leg()
    assert found["quality_flags"] == ["missing_start", "negative_interval"]
    skewed = facts([created(), pick("CREATED", 900, recorded=5), ready(901, recorded=901)])
    assert skewed.leg()["quality_flags"] == ["clock_skew"]
    by_handover = facts([created(), pick("CREATED", 5), ready(900, recorded=5)])
    assert by_handover.leg()["quality_flags"] == []
    assert by_handover.order["quality_flags"] == ["clock_skew"]


def test_oversized():
    """28."""
    many = [created(), *(ev("UPCOMING_TIME_TRIGGERED_REROUTE", i) for i in range(10_000))]
    assert "oversized" in facts(many).order["quality_flags"]
    assert "oversized" not in facts(many[:-1]).order["quality_flags"]


def test_locked_order():
    """21; routing is measured from the creation, locked or not."""
    found = facts([created(status="LOCKED"), routed(10), ev("ORDER_UNLOCKED", 60, status="OPEN")])
    assert_columns(found.order, lock_wait_seconds=60.0, order_to_route_seconds=10.0, order_unlocked_at=60)
    assert found.stretches("ORDER") == [("lock", B, 0, 60)]
    assert found.order["variant"] == "order_created>routed>order_unlocked"
    assert facts([created(), ev("ORDER_UNLOCKED", 60)]).order["lock_wait_seconds"] is None


@pytest.mark.parametrize(
    ("channels", "given", "expected"),
    [
        (["SHIPPING"], {}, "SHIPPING"),
        (["COLLECT", "COLLECT"], {}, "COLLECT"),
        (["SHIPPING", "COLLECT"], {}, "MIXED"),
        ([], {"ships": True, "collects": None}, "SHIPPING"),
        ([], {"ships": None, "collects": 1}, "COLLECT"),
        ([], {"ships": True, "collects": 1}, "MIXED"),
        ([], {"ships": None, "collects": 0}, None),
        (["COLLECT"], {"ships": True}, "COLLECT"),
    ],
)
def test_channel(channels: list[str], given: dict[str, Any], expected: str | None):
    """24: over the legs, else the preference of the order."""
    jobs = [pick("CREATED", 5, f"J{i}", channel=c) for i, c in enumerate(channels, 1)]
    assert facts([created(**given), *jobs]).order["channel"] == expected


@pytest.mark.parametrize(
    ("channel", "events", "late"),
    [
        pytest.param("SHIPPING", [ready(510)], None, id="22: shipping, not fulfilled"),
        pytest.param("SHIPPING", [ready(400), handed(510)], 10.0, id="22: shipping, last hand-over"),
        pytest.param("SHIPPING", [ready(400), handed(500)], 0.0, id="22: exactly on time"),
        pytest.param("COLLECT", [], None, id="22: collect, no hand-over job"),
        pytest.param("COLLECT", [ready(480)], -20.0, id="22: collect, first hand-over job"),
        pytest.param("COLLECT", [ready(480), handed(900)], -20.0, id="22: collect, however late it is fetched"),
        pytest.param("COLLECT", [ready(480, target=None), handed(900)], -20.0, id="46: target of the order"),
    ],
)
def test_lateness(channel: str, events: list[Event], late: float | None):
    done = [created(), pick("CREATED", 5, channel=channel), ev("PICK_JOB_PICKING_FINISHED", 9, channel=channel)]
    found = facts([*done, *events]).order
    assert_columns(found, lateness_seconds=late, on_time=None if late is None else late <= 0)


def test_target_ignores_dropped_jobs_unless_there_are_no_others():
    """25."""
    dropped = [ready(5, target=100), ev("HANDOVERJOB_CANCELED", 6)]
    assert facts([created(), *dropped]).order["target_at"] == 100
    assert facts([created(), *dropped, ready(7, "V2", target=300)]).order["target_at"] == 300
    obsolete = ready(8, "V3", target=50, status="OBSOLETE")
    assert facts([created(), obsolete, ready(7, "V2", target=300)]).order["target_at"] == 300


def test_target_of_hand_over_before_shipment_before_order():
    events = [created(), pick("CREATED", 5, target=700)]
    assert facts(events).order["target_at"] == 500
    assert facts(events).leg()["target_at"] == 700
    events += [ev("SHIPMENT_CREATED", 6, pick_job_ref="J1", target=600)]
    assert facts(events).order["target_at"] == facts(events).leg()["target_at"] == 600
    events += [ready(7, target=650)]
    assert facts(events).order["target_at"] == facts(events).leg()["target_at"] == 650


def test_order_known_by_others_only():
    """26 and 46."""
    found = facts(
        [ev("ROUTING_PLAN_ROUTED", 10, order_ref="O7", tenant_order_id="T7", order_date=-60, target=400, line_count=3,
            units=5)]
    )  # fmt: skip
    assert_columns(
        found.order,
        order_id="O7",
        tenant_order_id="T7",
        order_date_at=-60,
        target_at=400,
        line_count=3,
        ordered_units=5,
        started_at=10,
        order_created_at=None,
        order_cycle_seconds=None,
        order_intake_lag_seconds=None,
        quality_flags=["missing_start"],
    )


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([ev("ORDER_CANCELLED", 5)], "cancelled"),
        ([ev("ORDER_FORCE_CANCELLED", 5)], "force_cancelled"),
        ([ev("ORDER_CANCELLED_BY_EXPIRY", 5)], "expired"),
        ([ev("ORDER_CANCELLED", 6), ev("ORDER_FORCE_CANCELLED", 5)], "force_cancelled"),
    ],
)
def test_cancel_reason_is_the_kind_of_the_first(events: list[Event], reason: str):
    """25."""
    assert_columns(
        facts([created(), *events]).order, cancel_reason=reason, cancel_after_seconds=5.0, order_cancelled_at=5
    )


def test_process_events():
    """26."""
    found = facts([created(), ev("PROCESS_ANONYMIZED", 50), ev("PROCESS_DELETED", 90)])
    assert_columns(found.order, anonymized_at=50, deleted_at=90, last_event_at=90, event_count=3)


def test_facilities_are_those_of_the_legs():
    """24."""
    found = facts([created(facility="F9"), pick("CREATED", 5, facility="F1"), pick("CREATED", 6, "J2", facility="F2")])
    assert_columns(found.order, facility_ref=None, facility_count=2)
    assert_columns(facts([created(facility="F9")]).order, facility_ref=None, facility_count=0)


def test_variant_lists_equal_times_in_the_order_of_the_tables():
    """27; no milestone twice, cancellation among them."""
    found = facts([ev("ORDER_CANCELLED", 5), pick("CREATED", 5), routed(5), created(5), pick("CREATED", 6, "J2")])
    assert found.order["variant"] == "order_created>routed>pick_created>order_cancelled"


def test_variant_takes_the_first_hand_over_that_counts():
    """49."""
    found = facts([created(), handed(5), ev("HANDOVERJOB_REVERTED", 6), ready(7), handed(9)])
    assert found.order["variant"] == "order_created>handover_created>handed_over"
    assert_columns(found.order, first_handed_over_at=9, last_handed_over_at=9)


# -- legs (30 to 34) ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        pytest.param([pick("CREATED", 1)], "open", id="open"),
        pytest.param([start(2), finish(9)], "picked", id="picked"),
        pytest.param([start(2), finish(9, "J1", (2, 1))], "short_picked", id="short"),
        pytest.param([start(2), pick("ABORTED", 9, "J1", (2, 0))], "zero_picked", id="zero"),
        pytest.param([pick("ABORTED", 9, "J1", (2, 0))], "aborted", id="aborted before the start"),
        pytest.param([start(2), pick("ABORTED", 9, "J1", (2, 1))], "aborted", id="aborted with goods"),
        pytest.param([start(2), finish(9), pick("REROUTED", 10)], "rerouted", id="rerouted, whatever was picked"),
        pytest.param([pick("CANCELED", 5), pick("REROUTED", 4)], "rerouted", id="rerouted before cancelled"),
        pytest.param([start(2), pick("ABORTED", 4), pick("CANCELED", 5)], "cancelled", id="cancelled before aborted"),
        pytest.param([start(2), pick("ABORTED", 4), pick("CREATED", 5, "J2")], "zero_picked", id="44: replaced stays"),
        pytest.param([start(2), ev("ORDER_CANCELLED", 5)], "cancelled", id="open in a cancelled order"),
        pytest.param([start(2), finish(4), ev("ORDER_CANCELLED", 5)], "picked", id="done in a cancelled order"),
        pytest.param([start(2), pick("ABORTED", 4), pick("RESET", 5)], "open", id="reset after an abort"),
        pytest.param([start(2), finish(4), pick("RESET", 5)], "open", id="reset after the finish"),
    ],
)
def test_leg_outcome(events: list[Event], outcome: str):
    """30."""
    assert facts([created(), *events]).leg()["outcome"] == outcome


def test_queue_of_a_job_that_was_opened_later():
    """32."""
    job = [created(), pick("CREATED", 20, sub_status="WAITING_FOR_RELEASE_TIME"), pick("OPENED", 40), start(100)]
    found = facts(job)
    assert_columns(found.leg(), pick_opened_at=40, pick_queue_seconds=60.0)
    assert found.stretches("PICK_JOB") == [("release", B, 20, 40), ("pick_queue", O, 40, 100), ("pick", W, 100, None)]
    early = facts([created(), pick("OPENED", 10), pick("CREATED", 20), start(100)])
    assert early.leg()["pick_queue_seconds"] == 80.0
    assert early.stretches("PICK_JOB")[0] == ("pick_queue", O, 20, 100)
    late = facts([created(), pick("CREATED", 20), start(100), pick("OPENED", 150)])
    assert late.leg()["pick_queue_seconds"] == 80.0


def test_unreleased_job_does_not_queue():
    found = facts([created(), pick("CREATED", 20, status="WAITING_FOR_INPUT")])
    assert found.stretches("PICK_JOB") == [("release", B, 20, None)]


def test_pauses_and_waiting():
    """33: gross 100, paused 20, given back 10."""
    found = facts(
        [
            created(),
            pick("CREATED", 0.5),
            start(100),
            pick("PICKING_PAUSED", 110),
            pick("PICKING_PAUSED", 115),
            start(120),
            pick("PICKING_PAUSED", 150),
            pick("OPENED", 160),
            start(170),
            finish(200),
        ]
    )
    assert_columns(
        found.leg(),
        pick_duration_gross_seconds=100.0,
        pick_pause_seconds=20.0,
        pick_duration_net_seconds=70.0,
        pause_count=2,
        pick_opened_at=160,
        pick_queue_seconds=99.5,
    )
    assert found.stretches("PICK_JOB")[1:] == [
        ("pick", W, 100, 110),
        ("pick", P, 110, 120),
        ("pick", W, 120, 150),
        ("pick", P, 150, 160),
        ("pick", O, 160, 170),
        ("pick", W, 170, 200),
    ]


def test_reset_discards_what_was_picked_before():
    """32 and 50."""
    found = facts(
        [
            created(),
            pick("CREATED", 20),
            start(50),
            pick("PICKING_PAUSED", 60),
            pick("RESET", 70),
            start(90),
            pick("PICKING_PAUSED", 95),
            start(100),
            finish(120),
        ]
    )
    assert_columns(
        found.leg(),
        pick_first_started_at=50,
        pick_started_at=90,
        pick_queue_seconds=30.0,
        pick_duration_gross_seconds=30.0,
        pick_pause_seconds=5.0,
        pick_duration_net_seconds=25.0,
        pause_count=2,
        reset_count=1,
    )
    assert found.order["first_pick_started_at"] == 50  # 49
    assert found.stretches("PICK_JOB") == [
        ("pick_queue", O, 20, 50),
        ("pick_discarded", W, 50, 60),
        ("pick_discarded", P, 60, 70),
        ("pick_queue", O, 70, 90),
        ("pick", W, 90, 95),
        ("pick", P, 95, 100),
        ("pick", W, 100, 120),
    ]


def test_pause_whose_work_began_before_the_data():
    """49."""
    found = facts([pick("PICKING_PAUSED", 60), start(70), finish(100)]).leg()
    assert_columns(found, pick_started_at=70, pick_duration_gross_seconds=30.0)
    # The pause lies before the first start that is known: it is in the sum and not in the net duration.
    assert_columns(found, pick_pause_seconds=10.0, pick_duration_net_seconds=30.0)


def test_intervals_end_with_their_leg():
    """50: everything of a leg that was given up."""
    found = facts(
        [
            created(),
            pick("CREATED", 20, operative_ref="W1"),
            start(30),
            finish(40),
            ev("PACK_JOB_CREATED", 41, pick_job_ref="J1"),
            ev("SERVICE_JOB_CREATED", 42, operative_ref="W1"),
            ev("SHIPMENT_CREATED", 42, pick_job_ref="J1"),
            ev("PARCEL_CARRIER_CREATED", 43, shipment_ref="H1"),
            ready(44),
            pick("REROUTED", 50),
            ev("PACK_JOB_UPDATED", 60, status="IN_PROGRESS", pick_job_ref="J1"),
        ]
    )
    assert found.stretches("PACK_JOB") == [("pack_queue", O, 41, 50)]
    assert found.stretches("SERVICE_JOB") == [("service", W, 42, 50)]
    assert found.stretches("PARCEL") == [("label", O, 43, 50)]
    assert found.stretches("HANDOVER_JOB") == [("handover_wait", O, 44, 50)]


def test_packing():
    """34."""
    found = facts(
        [
            created(),
            pick("CREATED", 1),
            start(2),
            finish(10),
            ev("PACK_JOB_CREATED", 20, "K1", pick_job_ref="J1"),
            ev("PACK_JOB_CREATED", 22, "K2", pick_job_ref="J1"),
            ev("PACK_JOB_UPDATED", 30, "K2", status="IN_PROGRESS", pick_job_ref="J1"),
            ev("PACK_JOB_UPDATED", 35, "K2", status="PAUSED", pick_job_ref="J1"),
            ev("PACK_JOB_UPDATED", 36, "K2", status="PAUSED", pick_job_ref="J1"),
            ev("PACK_JOB_UPDATED", 40, "K2", status="IN_PROGRESS", pick_job_ref="J1"),
            ev("PACK_JOB_CLOSED", 50, "K2", pick_job_ref="J1"),
            ev("PACK_JOB_CLOSED", 60, "K1", pick_job_ref="J1"),
            ready(65),
            handed(90),
        ]
    )
    assert_columns(
        found.leg(),
        pack_created_at=20,
        pack_started_at=30,
        pack_finished_at=60,
        pick_to_pack_seconds=10.0,
        pick_to_pack_start_seconds=20.0,
        pack_queue_seconds=10.0,
        pack_duration_seconds=30.0,
        pack_total_seconds=40.0,
        pack_pause_count=1,
        handover_prepare_seconds=5.0,
        pack_to_handover_seconds=30.0,
        handover_wait_seconds=25.0,
    )
    assert found.stretches("PACK_JOB", "K2") == [
        ("pack_queue", O, 22, 30),
        ("pack", W, 30, 35),
        ("pack", P, 35, 40),
        ("pack", W, 40, 50),
    ]
    assert found.stretches("PACK_JOB", "K1") == [("pack_queue", O, 20, 60)]


def test_packing_needs_a_start_to_have_a_duration():
    """34."""
    found = facts(
        [
            created(),
            finish(10),
            ev("PACK_JOB_CREATED", 20, pick_job_ref="J1"),
            ev("PACK_JOB_CLOSED", 50, pick_job_ref="J1"),
        ]
    )
    assert_columns(found.leg(), pack_duration_seconds=None, pack_total_seconds=30.0, pack_queue_seconds=None)


def test_open_pack_job_leaves_the_hand_over_without_a_start():
    """34: the picking stands in only when the leg has no pack job."""
    found = facts([created(), finish(10), ev("PACK_JOB_CREATED", 20, pick_job_ref="J1"), ready(25), handed(40)]).leg()
    assert_columns(found, handover_prepare_seconds=None, pack_to_handover_seconds=None, handover_wait_seconds=15.0)


def test_without_packing_the_hand_over_follows_the_picking():
    """34."""
    found = facts([created(), pick("CREATED", 1), finish(10), ready(15), handed(40)]).leg()
    assert_columns(found, handover_prepare_seconds=5.0, pack_to_handover_seconds=30.0, pick_to_pack_seconds=None)


@pytest.mark.parametrize(
    "links",
    [
        pytest.param([ready(5, pick_job_ref="J1")], id="by the pick job"),
        pytest.param([ready(5, leg=None, shipment_ref="H1")], id="by the shipment"),  # type: ignore[arg-type]
        pytest.param([ready(5, leg=None, old_shipment_ref="H1")], id="by the deprecated shipment"),  # type: ignore[arg-type]
        pytest.param([ready(5, leg=None, parcel_ref="X1")], id="by the parcel's shipment"),  # type: ignore[arg-type]
        pytest.param([ready(5, leg=None, operative_ref="W1")], id="by the share"),  # type: ignore[arg-type]
    ],
)
def test_leg_of_a_hand_over_job(links: list[Event]):
    known = [
        created(),
        pick("CREATED", 1, operative_ref="W1"),
        pick("CREATED", 1, "J2", operative_ref="W2"),
        ev("SHIPMENT_CREATED", 2, pick_job_ref="J1"),
        ev("PARCEL_CARRIER_CREATED", 3, shipment_ref="H1"),
    ]
    found = facts([*known, *links])
    assert found.leg("J1")["handover_created_at"] == 5
    assert found.leg("J2")["handover_created_at"] is None


def test_route_of_a_leg():
    """31: first ROUTED or FALLBACK of its plan."""
    events = [created(), ev("ROUTING_PLAN_FALLBACK", 8, "R1"), routed(9, "R1"), pick("CREATED", 20)]
    assert_columns(facts(events).leg(), routed_at=8, route_to_pick_created_seconds=12.0)
    by_plan = [created(), routed(9, "R1", pick_job_ref="J1"), pick("CREATED", 20, plan_ref=None)]
    assert_columns(facts(by_plan).leg(), routed_at=9, routing_plan_id="R1")
    assert_columns(facts(by_plan).order, first_routed_at=9, last_routed_at=9)


def test_routing_intervals():
    events = [
        created(),
        ev("ROUTING_PLAN_WAITING", 5, "R1"),
        ev("ROUTING_PLAN_NOT_ROUTABLE", 20, "R1"),
        ev("ROUTING_PLAN_FALLBACK", 30, "R1"),
        ev("ROUTING_PLAN_SPLITTED", 40, "R1", child_plan_ref="R2"),
        ev("ROUTING_PLAN_ROUTED", 44, "R2", parent_plan_ref="R1"),
        ev("ROUTING_PLAN_REROUTEPLAN_CREATED", 60, "R3", rerouted_plan_ref="R1"),
    ]
    found = facts(events)
    assert found.stretches("ROUTING_PLAN", "R1") == [
        ("route", W, 0, 5),
        ("route_wait", O, 5, 20),
        ("not_routable", B, 20, 30),
    ]
    assert found.stretches("ROUTING_PLAN", "R2") == [("route", W, 40, 44)]
    assert found.stretches("ROUTING_PLAN", "R3") == [("route", W, 60, None)]


# -- parcels (24, 35) -----------------------------------------------------------------------------------------


def label(word: str, at: float, parcel: str = "X1", **more: Any) -> Event:
    return ev(f"PARCEL_CARRIER_{word}", at, parcel, **({"shipment_ref": "H1"} | more))


def tracked(at: float, parcel: str = "X1", status: str = "delivered", stamp: float | None = None) -> Event:
    return ev("PARCEL_TRACK_AND_TRACE_STATUS_UPDATED", at, parcel, tracking_status=status, tracking_stamp=stamp)


@pytest.mark.parametrize(
    ("events", "seconds", "received", "failures"),
    [
        pytest.param([label("REQUESTED", 10)], None, None, 0, id="not answered"),
        pytest.param([label("REQUESTED", 10), label("ACKNOWLEDGED", 13)], 3.0, 13, 0, id="received"),
        pytest.param([label("REQUESTED", 10), label("FAILED", 15)], 5.0, None, 1, id="failed"),
        pytest.param(
            [label("REQUESTED", 10), label("FAILED", 15), label("REQUESTED", 20), label("ACKNOWLEDGED", 22)],
            2.0, 22, 1, id="last attempt"),
        pytest.param(
            [label("REQUESTED", 10), label("FAILED", 15), label("REQUESTED", 20)], 5.0, None, 1,
            id="last answered attempt"),
        pytest.param([label("ACKNOWLEDGED", 13)], None, 13, 0, id="answer without request"),
    ],
)  # fmt: skip
def test_label_request(events: list[Event], seconds: float | None, received: float | None, failures: int):
    """35."""
    found = facts([created(), label("CREATED", 9), *events]).parcel()
    assert_columns(found, label_request_seconds=seconds, label_received_at=received, label_failure_count=failures)


def test_label_intervals():
    events = [label("CREATED", 9), label("REQUESTED", 10), label("FAILED", 15), label("REQUESTED", 20)]
    assert facts([created(), *events, label("ACKNOWLEDGED", 22)]).stretches("PARCEL") == [
        ("label", O, 9, 10),
        ("label", W, 10, 15),
        ("label", B, 15, 20),
        ("label", W, 20, 22),
    ]


def test_delivery():
    """24: the carrier's stamp, else the event's time; of the order only when all parcels have one."""
    one = [created(), label("CREATED", 9), tracked(50, status="transit", stamp=49), tracked(100, stamp=90)]
    assert facts(one).parcel()["delivered_at"] == facts(one).order["delivered_at"] == 90
    assert facts([*one, tracked(120, stamp=110)]).parcel()["delivered_at"] == 90
    two = [*one, label("CREATED", 10, "X2")]
    assert facts(two).order["delivered_at"] is None
    assert facts([*two, tracked(130, "X2")]).order["delivered_at"] == 130


def test_transit():
    """35: from the hand-over of the job that names the parcel, else the leg's last."""
    base = [
        created(),
        pick("CREATED", 1),
        ev("SHIPMENT_CREATED", 2, pick_job_ref="J1"),
        label("CREATED", 9, "X1"),
        label("CREATED", 9, "X2"),
        ready(10, "V1", parcel_ref="X1"),
        handed(20, "V1", parcel_ref="X1"),
        ready(10, "V2"),
        handed(30, "V2"),
        tracked(100, "X1"),
        tracked(100, "X2"),
    ]
    found = facts(base)
    assert_columns(found.parcel("X1"), leg_id="J1", transit_seconds=80.0)
    assert_columns(found.parcel("X2"), leg_id="J1", transit_seconds=70.0)


def test_hand_over_taken_back():
    """29."""
    found = facts([created(), finish(5), ready(10), handed(20), ev("HANDOVERJOB_REVERTED", 25), handed(60)])
    assert_columns(found.leg(), handed_over_at=60, handover_wait_seconds=50.0)
    assert found.stretches("HANDOVER_JOB") == [("handover_wait", O, 10, 20), ("handover_wait", O, 25, 60)]
    back = facts([created(), finish(5), ready(10), handed(20), ev("HANDOVERJOB_REVERTED", 25)])
    assert_columns(back.leg(), handed_over_at=None, handover_wait_seconds=None)
    assert back.order["last_handed_over_at"] is None


def test_repeated_state_is_no_new_state():
    """49: of repeated hand-overs the first counts."""
    assert facts([created(), finish(5), ready(10), handed(20), handed(60)]).order["last_handed_over_at"] == 20


def test_jobs_of_other_kinds_in_a_picking_outcome_are_no_legs():
    outcome = {"shape": 0, "order_ref": "O1"}
    found = facts(
        [
            created(),
            ev("PICKING_PICK_JOB_COMPLETE", 5, "J1", job_type="PICK_JOB", **outcome),
            ev("PICKING_PICK_JOB_COMPLETE", 5, "J2", job_type="PICK_RUN", **outcome),
        ]
    )
    assert [r["leg_id"] for r in found.relations["order_leg"]] == ["J1"]
