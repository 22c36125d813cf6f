"""Inbound: suppliers, receipts, from the dock to the stock. Data, no logic."""

from __future__ import annotations

from schemas.kpis.kpi import Better, Example, Kpi, Measures

_FLOWS = Measures("inbound_flow")
_RECEIPTS = Measures("inbound_receipt")
_AT = "2026-06-01T12:00:00Z"


def _plain(of: Measures, key: str, name: str, question: str, column: str, nulls: str, standard: str = "") -> Kpi:
    example = Example(({column: 600.0}, {column: 1800.0}, {}), "(600 + 1800) / 2", 1200, 2400, 2, excluded=1, p50=600)
    return of.duration(key, name, question, column, nulls, example, standard=standard)


INBOUND = (
    _plain(
        _RECEIPTS,
        "dock_to_stock_cycle_time",
        "Dock-to-stock cycle time",
        "How long from the arrival of goods until they are booked into stock?",
        "dock_to_stock_seconds",
        "Receipts that are not received yet, or without a time of arrival (typed in by hand), are excluded.",
        "WERC: Dock-to-Stock Cycle Time",
    ),
    _plain(
        _RECEIPTS,
        "receipt_queue_time",
        "Receipt queue time",
        "How long do arrived goods wait until their receipt is opened?",
        "arrival_to_receipt_seconds",
        "Receipts without a time of arrival or creation are excluded; a negative time counts as it is.",
    ),
    _plain(
        _RECEIPTS,
        "receipt_time",
        "Receipt time",
        "How long is a receipt worked on?",
        "receipt_duration_seconds",
        "Receipts that are not received yet, or whose start is unknown, are excluded.",
        "WERC: Receiving Time",
    ),
    _plain(
        _FLOWS,
        "purchase_order_cycle_time",
        "Purchase order cycle time",
        "How long from placing a purchase order until it is complete?",
        "inbound_complete_seconds",
        "Processes that are not finished, or without a purchase order, are excluded.",
        "SCOR RS.2.1: Source Cycle Time",
    ),
    _plain(
        _FLOWS,
        "supplier_lead_time",
        "Supplier lead time",
        "How long from placing a purchase order until its first receipt?",
        "po_to_first_receipt_seconds",
        "Processes without a receipt or without a purchase order are excluded.",
    ),
    _FLOWS.duration(
        "supplier_delay",
        "Supplier delay",
        "How far from the requested date do the first goods arrive?",
        "supplier_delay_seconds",
        "Excluded: processes without a requested point in time, or without an arrival. Early counts as negative.",
        Example(
            ({"supplier_delay_seconds": 7200.0}, {"supplier_delay_seconds": -3600.0}, {}),
            "(7200 + -3600) / 2",
            1800,
            3600,
            2,
            excluded=1,
            p50=-3600,
        ),
    ),
    _FLOWS.share(
        "supplier_on_time",
        "Supplier on time",
        "What share of deliveries arrives by the date that was requested last?",
        "supplier_delay_seconds <= 0",
        "Processes without a requested point in time, or without an arrival, are excluded.",
        Example(
            ({"supplier_delay_seconds": -1.0}, {"supplier_delay_seconds": 0.0}, {"supplier_delay_seconds": 1.0}, {}),
            "2 / 3",
            2 / 3,
            2,
            3,
            excluded=1,
        ),
        judged="supplier_delay_seconds IS NOT NULL",
        standard="WERC: On-time Supplier Deliveries; SCOR RL.3: Orders Received On Time",
        column="supplier_delay_seconds",
    ),
    _FLOWS.share(
        "supplier_in_full",
        "Supplier in full",
        "What share of ended purchase orders brought every requested unit?",
        "accepted_units + rejected_units >= requested_units",
        "Ended processes without a purchase order are excluded.",
        Example(
            (
                {"outcome": "fulfilled", "requested_units": 10.0, "accepted_units": 9.0, "rejected_units": 1.0},
                {"outcome": "fulfilled", "requested_units": 10.0, "accepted_units": 8.0, "rejected_units": 1.0},
                {"outcome": "fulfilled", "accepted_units": 8.0, "rejected_units": 0.0},
                {"outcome": "open", "requested_units": 10.0, "accepted_units": 0.0, "rejected_units": 0.0},
            ),
            "1 / 2",
            0.5,
            1,
            2,
            excluded=1,
        ),
        population="outcome <> 'open'",
        judged="requested_units IS NOT NULL AND accepted_units IS NOT NULL AND rejected_units IS NOT NULL",
        standard="WERC: Supplier Orders Received with the correct quantity",
    ),
    _FLOWS.rate(
        "rejection_rate",
        "Rejection rate of goods",
        "What share of the received units was rejected?",
        "rejected_units",
        "accepted_units + rejected_units",
        "ratio",
        "Processes of which nothing was received are excluded.",
        Example(
            (
                {"accepted_units": 95.0, "rejected_units": 5.0},
                {"accepted_units": 100.0, "rejected_units": 0.0},
                {"accepted_units": 0.0, "rejected_units": 0.0},
            ),
            "(5 + 0) / (95 + 5 + 100 + 0)",
            0.025,
            5,
            200,
            excluded=1,
        ),
        judged="accepted_units + rejected_units > 0",
        better=Better.LOWER,
    ),
    _RECEIPTS.share(
        "receiving_accuracy",
        "Receipts without rejection",
        "What share of receipts was accepted whole?",
        "rejected_units = 0",
        "Receipts that are not received yet are outside the question; those whose units are unknown are excluded.",
        Example(
            (
                {"delivery_received_at": _AT, "rejected_units": 0.0},
                {"delivery_received_at": _AT, "rejected_units": 0.0},
                {"delivery_received_at": _AT, "rejected_units": 2.0},
                {"delivery_received_at": _AT},
                {"rejected_units": 0.0},
            ),
            "2 / 3",
            2 / 3,
            2,
            3,
            excluded=1,
        ),
        population="delivery_received_at IS NOT NULL",
        judged="rejected_units IS NOT NULL",
        standard="WERC: Supplier Orders Received Damage Free",
    ),
    _FLOWS.duration(
        "inbound_hold_time",
        "Inbound hold time",
        "How long are held deliveries on hold?",
        "on_hold_seconds",
        "The question is about processes that were held; a hold that lasts is not in the sum yet.",
        Example(
            (
                {"on_hold_count": 1, "on_hold_seconds": 3600.0},
                {"on_hold_count": 2, "on_hold_seconds": 1800.0},
                {"on_hold_count": 0, "on_hold_seconds": 0.0},
            ),
            "(3600 + 1800) / 2",
            2700,
            5400,
            2,
            p50=1800,
        ),
        population="on_hold_count > 0",
        start="each INBOUND_DELIVERY_ON_HOLD",
        stop="the next INBOUND_DELIVERY_RELEASED",
    ),
    _FLOWS.share(
        "partial_delivery_rate",
        "Partial delivery rate",
        "What share of inbound processes came in parts?",
        "'partial_delivery' IN UNNEST(deviations)",
        "Processes without a receipt are excluded.",
        Example(
            (
                {"deviations": ("partial_delivery",), "receipt_count": 2},
                {"deviations": (), "receipt_count": 1},
                {"deviations": (), "receipt_count": 0},
            ),
            "1 / 2",
            0.5,
            1,
            2,
            excluded=1,
        ),
        judged="receipt_count > 0",
        better=Better.LOWER,
    ),
)
"""Measures of inbound processes and receipts."""
