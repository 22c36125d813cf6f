"""How many orders come, end and wait. Data, no logic."""

from __future__ import annotations

from schemas.kpis.kpi import Better, Example, Kpi, Measures

_ORDERS = Measures("order_flow")
_ORIGINS = Example(
    (
        {"outcome": "cancelled", "cancel_reason": "cancelled"},
        {"outcome": "cancelled", "cancel_reason": "force_cancelled"},
        {"outcome": "cancelled", "cancel_reason": "expired"},
        {"outcome": "fulfilled", "cancel_reason": "cancelled"},
        {"outcome": "open"},
    ),
    "1 / 5",
    0.2,
    1,
    5,
)


def _cancelled(origin: str, name: str, question: str) -> Kpi:
    return _ORDERS.share(
        f"cancellation_rate_{origin}",
        name,
        question,
        f"outcome = 'cancelled' AND cancel_reason = '{origin}'",
        "None: every order is judged, an open one as not cancelled. The first cancel event is the origin.",
        _ORIGINS,
        better=Better.LOWER,
    )


ORDERS_VOLUME = (
    _ORDERS.count(
        "orders_received",
        "Orders received",
        "How many orders came?",
        "1",
        "count",
        "None: every order counts on the day of its first milestone.",
        Example(({}, {}, {}), "1 + 1 + 1", 3, 3, None),
    ),
    _ORDERS.count(
        "orders_fulfilled",
        "Orders fulfilled, by day of arrival",
        "How many of the orders of a day are fulfilled by now?",
        "1",
        "count",
        "Orders that are not fulfilled are outside the question.",
        Example(({"outcome": "fulfilled"}, {"outcome": "open"}), "1", 1, 1, None),
        population="outcome = 'fulfilled'",
        better=Better.HIGHER,
    ),
    Measures("backlog_daily", "flow = 'order'").count(
        "order_backlog",
        "Order backlog",
        "How many orders had begun and not ended at the end of the day?",
        "backlog",
        "count",
        "None. Orders whose deadline passed stay in and make the row flagged. A stock: days don't add up.",
        Example(
            (
                {"started_at": "2026-06-01T08:00:00Z", "finished_at": "2026-06-02T00:00:00Z"},
                {"started_at": "2026-06-01T09:00:00Z"},
                {"started_at": "2026-06-01T10:00:00Z", "finished_at": "2026-06-01T23:59:59.999999Z"},
                {"started_at": "2026-05-30T08:00:00Z", "finished_at": "2026-06-01T07:00:00Z"},
                {"started_at": "2026-05-30T08:00:00Z", "finished_at": "2026-06-05T07:00:00Z"},
            ),
            "1 + 1 + 1",
            3,
            3,
            None,
            relation="order_flow",
        ),
        better=Better.LOWER,
        standard="WERC: Backlogged Orders, as a number",
        sums_over_days=False,
    ),
    _ORDERS.rate(
        "lines_per_order",
        "Lines per order",
        "How many lines has an order?",
        "line_count",
        "1",
        "lines/order",
        "Orders whose lines are unknown are excluded.",
        Example(({"line_count": 1}, {"line_count": 4}, {}), "(1 + 4) / 2", 2.5, 5, 2, excluded=1),
        judged="line_count IS NOT NULL",
        better=Better.NEITHER,
    ),
    _ORDERS.rate(
        "units_per_order",
        "Units per order",
        "How many units has an order?",
        "ordered_units",
        "1",
        "units/order",
        "Orders whose units are unknown are excluded.",
        Example(({"ordered_units": 3}, {"ordered_units": 4}, {}), "(3 + 4) / 2", 3.5, 7, 2, excluded=1),
        judged="ordered_units IS NOT NULL",
        better=Better.NEITHER,
    ),
    _ORDERS.rate(
        "jobs_per_order",
        "Pick jobs per order",
        "Over how many pick jobs is an order spread?",
        "leg_count",
        "1",
        "jobs/order",
        "Orders without a pick job yet are excluded.",
        Example(({"leg_count": 1}, {"leg_count": 2}, {"leg_count": 0}), "(1 + 2) / 2", 1.5, 3, 2, excluded=1),
        judged="leg_count > 0",
        better=Better.LOWER,
    ),
    _ORDERS.share(
        "cancellation_rate",
        "Cancellation rate",
        "What share of orders ends cancelled?",
        "outcome = 'cancelled'",
        "None: every order is judged, an open one as not cancelled.",
        Example(
            (
                {"outcome": "cancelled", "cancel_reason": "expired"},
                {"outcome": "fulfilled", "cancel_reason": "cancelled"},
                {"outcome": "open"},
                {"outcome": "fulfilled"},
            ),
            "1 / 4",
            0.25,
            1,
            4,
        ),
        better=Better.LOWER,
    ),
    _cancelled("cancelled", "Cancellation rate, on request", "What share of orders is cancelled by a plain request?"),
    _cancelled("force_cancelled", "Cancellation rate, forced", "What share of orders is cancelled by force?"),
    _cancelled("expired", "Cancellation rate, expired", "What share of orders is cancelled because it expired?"),
    _ORDERS.share(
        "lost_order_rate",
        "Lost order rate",
        "What share of orders never ended: the deadline passed without hand-over or cancellation?",
        "outcome = 'incomplete'",
        "None: every order is judged.",
        Example(({"outcome": "incomplete"}, {"outcome": "fulfilled"}, {"outcome": "open"}), "1 / 3", 1 / 3, 1, 3),
        better=Better.LOWER,
    ),
)
"""Measures of how many orders there are."""
