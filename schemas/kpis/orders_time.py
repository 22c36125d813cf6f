"""How long orders take. Data, no logic."""

from __future__ import annotations

from schemas.kpis.kpi import Better, Example, Measures

_ORDERS = Measures("order_flow")
_RECEIVED = (
    "CASE WHEN channel = 'COLLECT' THEN last_handed_over_at WHEN delivered_at >= last_handed_over_at THEN delivered_at "
    "WHEN delivered_at < last_handed_over_at THEN last_handed_over_at END"
)

ORDERS_TIME = (
    _ORDERS.duration(
        "internal_order_cycle_time",
        "Internal order cycle time",
        "How long does an order take from its arrival on the platform until its last part is handed over?",
        "order_cycle_seconds",
        "Orders that are not fulfilled, or whose creation is unknown, are excluded.",
        Example(
            (
                {"outcome": "fulfilled", "order_cycle_seconds": 3600.0},
                {"outcome": "fulfilled", "order_cycle_seconds": 7200.0},
                {"outcome": "fulfilled", "order_cycle_seconds": 14400.0},
                {"outcome": "open"},
            ),
            "(3600 + 7200 + 14400) / 3",
            8400,
            25200,
            3,
            excluded=1,
            p50=7200,
        ),
        standard="WERC: Internal Order Cycle Time",
    ),
    _ORDERS.duration(
        "total_order_cycle_time",
        "Total order cycle time",
        "How long does a consumer wait, from placing the order until all of it is in their hands?",
        "",
        "Excluded: orders without the shop's order date; shipped ones of which a delivery was not reported.",
        Example(
            (
                {
                    "outcome": "fulfilled",
                    "channel": "SHIPPING",
                    "order_date_at": "2026-06-01T08:00:00Z",
                    "last_handed_over_at": "2026-06-01T16:00:00Z",
                    "delivered_at": "2026-06-02T08:00:00Z",
                },
                {
                    "outcome": "fulfilled",
                    "channel": "COLLECT",
                    "order_date_at": "2026-06-01T08:00:00Z",
                    "last_handed_over_at": "2026-06-01T10:00:00Z",
                },
                {
                    "outcome": "fulfilled",
                    "channel": "SHIPPING",
                    "order_date_at": "2026-06-01T08:00:00Z",
                    "last_handed_over_at": "2026-06-01T16:00:00Z",
                },
                {
                    "outcome": "fulfilled",
                    "channel": "MIXED",
                    "order_date_at": "2026-06-01T08:00:00Z",
                    "last_handed_over_at": "2026-06-03T08:00:00Z",
                    "delivered_at": "2026-06-02T08:00:00Z",
                },
            ),
            "(24 * 3600 + 2 * 3600 + 48 * 3600) / 3",
            88800,
            266400,
            3,
            excluded=1,
            p50=86400,
        ),
        seconds=f"IF(outcome = 'fulfilled', TIMESTAMP_DIFF({_RECEIVED}, order_date_at, MICROSECOND) / 1000000, NULL)",
        start="order_date_at",
        stop="delivered_at, for collection last_handed_over_at; the later of both for MIXED",
        standard="WERC: Total Order Cycle Time; SCOR RS.1.1: Order Fulfillment Cycle Time",
    ),
    _ORDERS.duration(
        "order_lead_time",
        "Order lead time to hand-over",
        "How long from the shop taking the order until its last part is handed over?",
        "order_lead_seconds",
        "Orders that are not fulfilled, or without the shop's order date, are excluded.",
        Example(
            (
                {"outcome": "fulfilled", "order_lead_seconds": 4000.0},
                {"outcome": "fulfilled", "order_lead_seconds": 8000.0},
                {"outcome": "cancelled"},
            ),
            "(4000 + 8000) / 2",
            6000,
            12000,
            2,
            excluded=1,
            p50=4000,
        ),
    ),
    _ORDERS.duration(
        "order_intake_lag",
        "Order intake lag",
        "How long do orders lie in the shop before they reach the platform?",
        "order_intake_lag_seconds",
        "Orders without the shop's order date are excluded. Two clocks: a negative lag counts as it is.",
        Example(
            ({"order_intake_lag_seconds": 30.0}, {"order_intake_lag_seconds": -10.0}, {}),
            "(30 + -10) / 2",
            10,
            20,
            2,
            excluded=1,
            p50=-10,
        ),
    ),
    _ORDERS.duration(
        "order_lock_wait",
        "Order lock wait",
        "How long do orders that came locked wait to be unlocked?",
        "lock_wait_seconds",
        "The question is about orders that came locked; those that are locked still are excluded.",
        Example(
            (
                {"deviations": ("locked",), "lock_wait_seconds": 600.0},
                {"deviations": ("locked",)},
                {"deviations": ()},
            ),
            "600 / 1",
            600,
            600,
            1,
            excluded=1,
            p50=600,
        ),
        population="'locked' IN UNNEST(deviations)",
    ),
    _ORDERS.duration(
        "order_routing_time",
        "Order routing time",
        "How long until an order has its first facility?",
        "order_to_route_seconds",
        "Orders that were never routed, or whose creation is unknown, are excluded. A lock counts.",
        Example(
            ({"order_to_route_seconds": 2.0}, {"order_to_route_seconds": 4.0}, {}),
            "(2 + 4) / 2",
            3,
            6,
            2,
            excluded=1,
            p50=2,
        ),
    ),
    _ORDERS.duration(
        "reroute_delay",
        "Reroute delay",
        "How much time does an order lose from a job being given up until its successor exists?",
        "reroute_delay_seconds",
        "The question is about orders that were rerouted; a job without a successor yet adds nothing.",
        Example(
            (
                {"deviations": ("reroute",), "reroute_delay_seconds": 120.0},
                {"deviations": ("reroute",), "reroute_delay_seconds": 360.0},
                {"deviations": (), "reroute_delay_seconds": 0.0},
            ),
            "(120 + 360) / 2",
            240,
            480,
            2,
            p50=120,
        ),
        population="'reroute' IN UNNEST(deviations)",
        start="each pick job given up (PICK_JOB_ABORTED, PICK_JOB_REROUTED)",
        stop="the creation of its successor",
    ),
    _ORDERS.duration(
        "time_to_cancel",
        "Time to cancel",
        "How long after their creation are orders cancelled?",
        "cancel_after_seconds",
        "The question is about orders with a cancel event; those whose creation is unknown are excluded.",
        Example(
            (
                {"cancel_reason": "cancelled", "cancel_after_seconds": 60.0},
                {"cancel_reason": "expired", "cancel_after_seconds": 180.0},
                {"cancel_reason": "cancelled"},
                {},
            ),
            "(60 + 180) / 2",
            120,
            240,
            2,
            excluded=1,
            p50=60,
        ),
        population="cancel_reason IS NOT NULL",
        better=Better.NEITHER,
    ),
    _ORDERS.duration(
        "order_lateness",
        "Order lateness",
        "How far from their target are orders handed over, or ready for collection?",
        "lateness_seconds",
        "Orders without a target, and those not that far yet, are excluded. Early is negative, and counts as it is.",
        Example(
            ({"lateness_seconds": 900.0}, {"lateness_seconds": -300.0}, {"lateness_seconds": 0.0}, {}),
            "(900 + -300 + 0) / 3",
            200,
            600,
            3,
            excluded=1,
            p50=0,
        ),
    ),
)
"""Measures of the time that orders take."""
