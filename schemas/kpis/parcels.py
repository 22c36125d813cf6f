"""Parcels: labels and transit. Data, no logic."""

from __future__ import annotations

from schemas.kpis.kpi import Better, Example, Measures

_PARCELS = Measures("order_parcel")
_ASKED = Measures("order_parcel", "label_requested_at IS NOT NULL")
_AT = "2026-06-01T10:00:00Z"

PARCELS = (
    _ASKED.duration(
        "label_request_time",
        "Label request time",
        "How long does a carrier take to answer a label request?",
        "label_request_seconds",
        "Parcels without an answer are excluded; of several attempts the last answered one counts.",
        Example(
            (
                {"label_requested_at": _AT, "label_request_seconds": 2.0},
                {"label_requested_at": _AT, "label_request_seconds": 8.0},
                {"label_requested_at": _AT},
                {},
            ),
            "(2 + 8) / 2",
            5,
            10,
            2,
            excluded=1,
            p50=2,
        ),
        start="label_requested_at, of the last answered attempt",
        stop="label_received_at, or the failure",
    ),
    _ASKED.share(
        "label_success_rate",
        "First-time label success",
        "What share of parcels got its label without a failed request?",
        "label_failure_count = 0 AND label_received_at IS NOT NULL",
        "Parcels that have neither a label nor a failure yet are excluded.",
        Example(
            (
                {"label_requested_at": _AT, "label_received_at": _AT, "label_failure_count": 0},
                {"label_requested_at": _AT, "label_received_at": _AT, "label_failure_count": 1},
                {"label_requested_at": _AT, "label_failure_count": 2},
                {"label_requested_at": _AT, "label_failure_count": 0},
                {"label_failure_count": 0},
            ),
            "1 / 3",
            1 / 3,
            1,
            3,
            excluded=1,
        ),
        judged="label_received_at IS NOT NULL OR label_failure_count > 0",
    ),
    _ASKED.rate(
        "label_failures_per_parcel",
        "Label failures per parcel",
        "How many label requests fail for a parcel?",
        "label_failure_count",
        "1",
        "failures/parcel",
        "None: every parcel with a request is judged.",
        Example(
            (
                {"label_requested_at": _AT, "label_failure_count": 3},
                {"label_requested_at": _AT, "label_failure_count": 0},
            ),
            "(3 + 0) / 2",
            1.5,
            3,
            2,
        ),
        judged="label_failure_count IS NOT NULL",
        better=Better.LOWER,
    ),
    _PARCELS.duration(
        "transit_time",
        "Transit time",
        "How long is a parcel under way, from the hand-over to the delivery?",
        "transit_seconds",
        "Parcels that no carrier reported as delivered are excluded.",
        Example(
            ({"transit_seconds": 86400.0}, {"transit_seconds": 172800.0}, {}),
            "(86400 + 172800) / 2",
            129600,
            259200,
            2,
            excluded=1,
            p50=86400,
        ),
        start="handed_over_at, of the parcel's job, else of its leg",
        stop="delivered_at",
        standard="SCOR RS.2.4: part of Delivery Cycle Time",
    ),
    _PARCELS.share(
        "delivery_report_rate",
        "Delivery report rate",
        "For what share of parcels has a carrier reported the delivery?",
        "delivered_at IS NOT NULL",
        "None: every parcel is judged.",
        Example(({"delivered_at": _AT}, {}, {}, {}), "1 / 4", 0.25, 1, 4),
    ),
)
"""Measures of parcels, by carrier."""
