"""Rows of orders by hand. Times are seconds; the number of the ruling that fixes a value stands beside it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.transforms.build import DAY, assert_columns, ev, facts
from tests.unit.transforms.order_events import B, O, W, created, finish, handed, happy, pick, ready, routed, start
from transforms.event import Event


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
