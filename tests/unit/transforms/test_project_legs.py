"""Pick jobs, parcels and what hangs on them, by hand; see `test_project_order`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.transforms.build import assert_columns, ev, facts
from tests.unit.transforms.order_events import B, O, P, W, created, finish, handed, pick, ready, routed, start
from transforms.event import Event

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
