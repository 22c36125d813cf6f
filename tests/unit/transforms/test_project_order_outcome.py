"""What becomes of an order, by hand; see `test_project_order`."""

from __future__ import annotations

import pytest

from tests.unit.transforms.build import DAY, assert_columns, ev, facts
from tests.unit.transforms.order_events import O, W, created, finish, handed, happy, pick, ready, routed, start
from transforms.event import Event

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
