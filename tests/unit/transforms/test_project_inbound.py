"""Inbound processes by hand (rulings 36 to 39, and those that hold for every flow). Times are seconds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.transforms.build import DAY, assert_columns, ev, facts
from transforms.event import Event

W, O, B = "working", "waiting", "blocked"  # noqa: E741


def po(word: str, at: float, **more: Any) -> Event:
    base = {"requested_date_type": "TIME_POINT", "requested_date": 1000, "requested_line_count": 2,
            "requested_units": 140, "tenant_inbound_process_id": "T1"}  # fmt: skip
    return ev(f"INBOUND_PROCESS_PURCHASE_ORDER_{word}", at, **(base | more))


def receipt(word: str, at: float, key: str = "Q1", **more: Any) -> Event:
    base = {"receipt_id": key, "inbound_status": "OPEN"}
    return ev(f"INBOUND_PROCESS_RECEIPT_{word}", at, key, **(base | more))


def received(at: float, key: str = "Q1", accepted: float | None = 10, rejected: float | None = 0, **more: Any) -> Event:
    base = {"receipt_id": key, "receipt_status": "FINISHED", "line_count": 1, "accepted_units": accepted,
            "rejected_units": rejected, "inbound_status": "OPEN", "purchase_order_id": "U1"}  # fmt: skip
    return ev("INBOUND_DELIVERY_RECEIVED", at, **(base | more))


def finished(at: float, **more: Any) -> Event:
    return ev("INBOUND_DELIVERY_FINISHED", at, **({"inbound_status": "CLOSED", "purchase_order_id": "U1"} | more))


def hold(at: float, **more: Any) -> Event:
    return ev("INBOUND_DELIVERY_ON_HOLD", at, **({"inbound_status": "ON_HOLD"} | more))


def released(at: float) -> Event:
    return ev("INBOUND_DELIVERY_RELEASED", at, inbound_status="OPEN")


def happy() -> list[Event]:
    return [
        po("CREATED", 0),
        receipt("CREATED", 1100, receipt_status="OPEN", arrival=1090),
        receipt("STARTED", 1200, receipt_status="IN_PROGRESS", arrival=1090),
        received(1300, arrival=1090),
        finished(1310),
    ]


def test_happy_path():
    found = facts(happy())
    assert_columns(
        found.inbound,
        flow_id="B1",
        outcome="fulfilled",
        started_at=0,
        finished_at=1310,
        first_event_at=0,
        last_event_at=1310,
        event_count=5,
        revision=5,
        facility_ref="F1",
        facility_count=1,
        variant="purchase_order_created>receipt_created>receipt_started>delivery_received>inbound_finished",
        deviations=[],
        conforms=True,
        quality_flags=[],
        purchase_order_id="U1",
        tenant_inbound_process_id="T1",
        status="CLOSED",
        purchase_order_cancelled_at=None,
        first_requested_at=1000,
        last_requested_at=1000,
        first_arrival_at=1090,
        last_arrival_at=1090,
        po_to_first_receipt_seconds=1100.0,
        supplier_delay_seconds=90.0,
        on_hold_seconds=0.0,
        inbound_complete_seconds=1310.0,
        delivery_span_seconds=10.0,
        receipt_count=1,
        on_hold_count=0,
        requested_date_change_count=0,
        requested_line_count=2,
        requested_units=140.0,
        accepted_units=10.0,
        rejected_units=0.0,
        rejection_rate=0.0,
    )
    assert_columns(
        found.receipt(),
        flow_id="B1",
        status="FINISHED",
        arrival_at=1090,
        arrival_to_receipt_seconds=10.0,
        receipt_duration_seconds=100.0,
        dock_to_stock_seconds=210.0,
        line_count=1,
        accepted_units=10.0,
        rejected_units=0.0,
    )
    assert found.stretches("RECEIPT") == [("receipt_queue", O, 1100, 1200), ("receipt", W, 1200, 1300)]


NO_ORDER: dict[str, Any] = {"purchase_order_id": None}


@pytest.mark.parametrize(
    ("events", "outcome", "end"),
    [
        pytest.param([po("CREATED", 0)], "open", None, id="ordered"),
        pytest.param([po("CREATED", 0), received(9)], "open", None, id="received, more may come"),
        pytest.param([po("CREATED", 0), finished(9)], "fulfilled", 9, id="finished"),
        pytest.param([finished(9), finished(12)], "fulfilled", 9, id="finished twice"),
        pytest.param([po("CREATED", 0), po("CANCELED", 5)], "cancelled", 5, id="cancelled"),
        pytest.param([po("CREATED", 0), po("DELETED", 5)], "cancelled", 5, id="deleted"),
        pytest.param([po("DELETED", 5), po("CANCELED", 7)], "cancelled", 5, id="first of the two"),
        pytest.param([po("CREATED", 0), receipt("CREATED", 3), po("CANCELED", 5)], "open", None, id="open receipt"),
        pytest.param([po("CREATED", 0), receipt("CREATED", 3), received(4), po("CANCELED", 5)], "fulfilled", 5,
                     id="received, then cancelled"),
        pytest.param([po("CREATED", 0), receipt("CREATED", 3), po("CANCELED", 5), received(8)], "fulfilled", 8,
                     id="cancelled, then received"),
        pytest.param([receipt("CREATED", 3), received(8, **NO_ORDER)], "fulfilled", 8, id="without order"),
        pytest.param([receipt("CREATED", 3), received(8, **NO_ORDER), receipt("CREATED", 9, "Q2")], "open", None,
                     id="without order, a receipt is open"),
        pytest.param([received(8)], "open", None, id="the order is known by name only"),
        pytest.param([po("CREATED", 0), finished(9), receipt("CREATED", 12)], "fulfilled", 9, id="37: late receipt"),
    ],
)  # fmt: skip
def test_outcome(events: list[Event], outcome: str, end: float | None):
    """36 and 37."""
    assert_columns(facts(events).inbound, outcome=outcome, finished_at=end)


@pytest.mark.parametrize(("days", "outcome"), [(90 - 1 / DAY, "open"), (90, "incomplete")])
def test_deadline(days: float, outcome: str):
    """15."""
    assert facts([po("CREATED", 0)], as_of=days * DAY).inbound["outcome"] == outcome


@pytest.mark.parametrize(
    ("events", "words"),
    [
        pytest.param([hold(5)], ["on_hold"], id="hold"),
        pytest.param([received(5), received(6, "Q2")], ["partial_delivery"], id="two receipts received"),
        pytest.param([receipt("CREATED", 5), receipt("CREATED", 6, "Q2")], [], id="two receipts made"),
        pytest.param(
            [receipt("CREATED", 5, inbound_status="PARTIAL_DELIVERY")], ["partial_delivery"], id="status seen"
        ),
        pytest.param([po("REQUESTED_DATE_CHANGED", 5)], ["date_changed"], id="date"),
        pytest.param([po("LINE_ITEMS_CHANGED", 5)], ["lines_changed"], id="lines"),
        pytest.param([received(5, rejected=2)], ["rejected_goods"], id="rejected"),
        pytest.param([finished(5), receipt("CREATED", 6)], ["over_delivery"], id="made after the finish"),
        pytest.param(
            [receipt("CREATED", 4), finished(5), received(6)], ["over_delivery"], id="received after the finish"
        ),
        pytest.param([received(5), finished(5)], [], id="together with the finish"),
        pytest.param([po("CANCELED", 5)], ["purchase_order_cancelled"], id="cancelled"),
        pytest.param([po("DELETED", 5)], ["purchase_order_cancelled"], id="deleted"),
    ],
)
def test_deviations(events: list[Event], words: list[str]):
    """17."""
    assert facts([po("CREATED", 0), *events]).inbound["deviations"] == words


def test_blind_receipt():
    """17."""
    found = facts([receipt("CREATED", 5), received(9, **NO_ORDER)]).inbound
    assert_columns(
        found,
        deviations=["blind_receipt"],
        started_at=5,
        requested_units=None,
        requested_line_count=None,
        conforms=False,
    )
    assert found["quality_flags"] == []


def test_requested_dates_by_version():
    """38: whatever the order of the times."""
    found = facts(
        [
            po("REQUESTED_DATE_CHANGED", 50, version=3, requested_date=3000),
            po("REQUESTED_DATE_CHANGED", 90, version=2, requested_date=2000),
            po("CREATED", 0, version=1, requested_date=1000),
        ]
    )
    assert_columns(found.inbound, first_requested_at=1000, last_requested_at=3000, requested_date_change_count=2)


def test_as_soon_as_possible_is_no_date():
    """38."""
    found = facts([po("CREATED", 0, requested_date_type="ASAP"), receipt("CREATED", 9, arrival=8)])
    assert_columns(found.inbound, first_requested_at=None, last_requested_at=None, supplier_delay_seconds=None)


def test_holds():
    """4 and 19: two ON_HOLD without a release between them are one; an open one is not in the sum."""
    found = facts([po("CREATED", 0), hold(10), hold(15), released(30), released(35), hold(50, facility="F2")])
    assert_columns(found.inbound, on_hold_count=2, on_hold_seconds=20.0, status="ON_HOLD", facility_count=2)
    assert found.stretches("INBOUND_PROCESS") == [("hold", B, 10, 30), ("hold", B, 50, None)]
    assert facts([po("CREATED", 0), released(5)]).inbound["on_hold_count"] == 0


def test_receipt_that_was_born_later():
    """39."""
    started = facts([receipt("CREATED", 5, receipt_status="IN_PROGRESS"), received(9)])
    assert_columns(started.receipt(), receipt_started_at=5, receipt_duration_seconds=4.0)
    assert started.stretches("RECEIPT") == [("receipt", W, 5, 9)]
    done = facts([receipt("CREATED", 5, receipt_status="FINISHED")])
    assert_columns(done.receipt(), delivery_received_at=5, receipt_started_at=None, receipt_duration_seconds=None)
    assert done.inbound["variant"] == "receipt_created>delivery_received"  # 49
    corrected = facts([receipt("CREATED", 5, receipt_status="FINISHED"), received(9), received(12)])
    assert corrected.receipt()["delivery_received_at"] == 9


def test_receipt_that_is_first_seen_later():
    """39 and 47."""
    found = facts([po("CREATED", 0), received(9)])
    assert_columns(found.receipt(), receipt_created_at=None, delivery_received_at=9)
    assert found.inbound["quality_flags"] == ["missing_start"]
    listed = facts([po("CREATED", 0), finished(9, receipts=[("Q7", "FINISHED", None, 1, 4, 1)])])
    assert_columns(listed.receipt("Q7"), status="FINISHED", accepted_units=4.0, rejected_units=1.0)
    assert listed.inbound["receipt_count"] == 1


def test_repeated_start_and_receipt_are_those_of_the_first():
    """49."""
    found = facts([receipt("CREATED", 1), receipt("STARTED", 5), receipt("STARTED", 7), received(9), received(11)])
    assert_columns(found.receipt(), receipt_started_at=5, delivery_received_at=9)


def test_units():
    """38: of a receipt the newest snapshot; of the flow the sum over received receipts, 0 when there is none."""
    none = facts([po("CREATED", 0), receipt("CREATED", 5, line_count=1, accepted_units=7, rejected_units=0)]).inbound
    assert_columns(none, accepted_units=0.0, rejected_units=0.0, rejection_rate=None)
    two = facts(
        [
            po("CREATED", 0),
            receipt("CREATED", 5, line_count=1, accepted_units=99, rejected_units=99),
            received(9, "Q1", 58, 2),
            received(12, "Q2", 84, 0),
            receipt("CREATED", 13, "Q3", line_count=1, accepted_units=5, rejected_units=5),
        ]
    ).inbound
    assert_columns(two, accepted_units=142.0, rejected_units=2.0, rejection_rate=2 / 144, receipt_count=3)
    unknown = facts([po("CREATED", 0), received(9, "Q1", None, 2), received(12, "Q2")]).inbound
    assert_columns(unknown, accepted_units=None, rejected_units=2.0, rejection_rate=None)
    empty = facts([po("CREATED", 0), received(9, "Q1", 0, 0)]).inbound
    assert_columns(empty, accepted_units=0.0, rejection_rate=None)


def test_arrivals():
    """38: `receivedDate` of the newest snapshot of each receipt."""
    found = facts(
        [
            po("CREATED", 0),
            receipt("CREATED", 20, arrival=10),
            receipt("LINE_ITEM_CHANGED", 25, arrival=12),
            receipt("CREATED", 60, "Q2", arrival=70),
        ]
    )
    assert_columns(found.receipt(), arrival_at=12, arrival_to_receipt_seconds=8.0)
    assert_columns(found.receipt("Q2"), arrival_to_receipt_seconds=-10.0)
    assert_columns(found.inbound, first_arrival_at=12, last_arrival_at=70, quality_flags=[])  # 20


@pytest.mark.parametrize(
    ("events", "flags"),
    [
        pytest.param([po("CREATED", 50), receipt("CREATED", 40)], ["negative_interval"], id="receipt before the order"),
        pytest.param([hold(5)], ["missing_start"], id="nothing created"),
        pytest.param([po("LINE_ITEMS_CHANGED", 5)], ["missing_start"], id="order first seen later"),
        pytest.param([po("CREATED", 0), receipt("CREATED", 5, basis="recorded")], ["recorded_time"], id="milestone"),
        pytest.param([po("CREATED", 0), hold(5, basis="recorded")], [], id="47: no milestone"),
        pytest.param([po("CREATED", 0, recorded=-301)], ["clock_skew"], id="clock"),
        pytest.param([po("CREATED", 0), finished(5), hold(5 + DAY)], [], id="quiet time exactly"),
        pytest.param([po("CREATED", 0), finished(5), hold(6 + DAY)], ["event_after_close"], id="longer"),
    ],
)
def test_quality_flags(events: list[Event], flags: list[str]):
    """20, 28 and 47."""
    assert facts(events).inbound["quality_flags"] == flags


def test_intervals_end_with_a_cancelled_process():
    found = facts([po("CREATED", 0), hold(5), po("CANCELED", 9)])
    assert found.stretches("INBOUND_PROCESS") == [("hold", B, 5, 9)]
