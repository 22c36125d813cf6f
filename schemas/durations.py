"""Where each duration of the facts comes from: its two ends, and the rule. Data, no logic.

An end is a column of the same row; where a rule chooses between columns, they stand in the order in which it looks, and
`conditions` say in words when. A column is dated by events of the names in `MOMENTS`, or holds a field of a payload.
The projections in `transforms/` compute the facts; a test holds both to each other.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Duration:
    """A duration column.

    Attributes:
        relation: the relation that has it.
        column: its name.
        start, stop: columns of the same row, of which the rule takes the first that fits; empty for a sum of parts.
        rule: the rule in words.
        parts: stage and kind of the intervals that it sums, or takes away; empty when it is a plain span.
    """

    relation: str
    column: str
    start: tuple[str, ...]
    stop: tuple[str, ...]
    rule: str
    parts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """What dates a column: events by name, or a field of a payload in words."""

    events: tuple[str, ...]
    payload: str = ""


def _events(*names: str) -> Moment:
    return Moment(names)


_ROUTED = _events("ROUTING_PLAN_ROUTED", "ROUTING_PLAN_FALLBACK")
_RECEIVED = _events("INBOUND_DELIVERY_RECEIVED", "INBOUND_PROCESS_RECEIPT_CREATED")
_ARRIVAL = Moment((), "receivedDate of the receipt, as somebody typed it in")
_REQUESTED = Moment((), "requestedDate of the purchase order, TIME_POINT only")
_TARGET = Moment((), "target time of the hand-over job, else the shipment, else the order")

MOMENTS: dict[str, dict[str, Moment]] = {
    "order_flow": {
        "order_date_at": Moment((), "orderDate of the order, by the clock of the shop"),
        "target_at": _TARGET,
        "order_created_at": _events("ORDER_CREATED"),
        "order_unlocked_at": _events("ORDER_UNLOCKED"),
        "order_cancelled_at": _events("ORDER_CANCELLED", "ORDER_FORCE_CANCELLED", "ORDER_CANCELLED_BY_EXPIRY"),
        "first_routed_at": _ROUTED,
        "last_routed_at": _ROUTED,
        "first_reserved_at": _events("INVENTORY_RESERVATIONS_CREATED"),
        "first_pick_created_at": _events("PICK_JOB_CREATED"),
        "first_pick_started_at": _events("PICK_JOB_PICKING_COMMENCED"),
        "last_pick_finished_at": _events("PICK_JOB_PICKING_FINISHED"),
        "first_pack_created_at": _events("PACK_JOB_CREATED"),
        "last_pack_finished_at": _events("PACK_JOB_CLOSED"),
        "first_label_requested_at": _events("PARCEL_CARRIER_REQUESTED"),
        "last_label_received_at": _events("PARCEL_CARRIER_ACKNOWLEDGED"),
        "first_handover_created_at": _events("HANDOVERJOB_CREATED"),
        "last_handover_created_at": _events("HANDOVERJOB_CREATED"),
        "first_handed_over_at": _events("HANDOVERJOB_HANDED_OVER"),
        "last_handed_over_at": _events("HANDOVERJOB_HANDED_OVER"),
        "delivered_at": Moment(
            ("PARCEL_TRACK_AND_TRACE_STATUS_UPDATED",), "the carrier's stamp of the delivery, else the event's time"
        ),
        "anonymized_at": _events("PROCESS_ANONYMIZED"),
        "deleted_at": _events("PROCESS_DELETED"),
    },
    "order_leg": {
        "routed_at": _ROUTED,
        "pick_created_at": _events("PICK_JOB_CREATED"),
        "pick_opened_at": _events("PICK_JOB_OPENED"),
        "pick_first_started_at": _events("PICK_JOB_PICKING_COMMENCED"),
        "pick_started_at": _events("PICK_JOB_PICKING_COMMENCED"),
        "pick_finished_at": _events("PICK_JOB_PICKING_FINISHED"),
        "pack_created_at": _events("PACK_JOB_CREATED"),
        "pack_started_at": _events("PACK_JOB_UPDATED"),
        "pack_finished_at": _events("PACK_JOB_CLOSED"),
        "handover_created_at": _events("HANDOVERJOB_CREATED"),
        "handed_over_at": _events("HANDOVERJOB_HANDED_OVER"),
        "target_at": Moment((), "target time of the hand-over job, else the shipment, else the pick job"),
    },
    "order_parcel": {
        "parcel_created_at": _events("PARCEL_CARRIER_CREATED"),
        "label_requested_at": _events("PARCEL_CARRIER_REQUESTED"),
        "label_received_at": _events("PARCEL_CARRIER_ACKNOWLEDGED"),
        "delivered_at": Moment(
            ("PARCEL_TRACK_AND_TRACE_STATUS_UPDATED",), "the carrier's stamp of the delivery, else the event's time"
        ),
    },
    "inbound_flow": {
        "purchase_order_created_at": _events("INBOUND_PROCESS_PURCHASE_ORDER_CREATED"),
        "purchase_order_cancelled_at": _events(
            "INBOUND_PROCESS_PURCHASE_ORDER_CANCELED", "INBOUND_PROCESS_PURCHASE_ORDER_DELETED"
        ),
        "first_requested_at": _REQUESTED,
        "last_requested_at": _REQUESTED,
        "first_arrival_at": _ARRIVAL,
        "last_arrival_at": _ARRIVAL,
        "first_receipt_created_at": _events("INBOUND_PROCESS_RECEIPT_CREATED"),
        "first_delivery_received_at": _RECEIVED,
        "last_delivery_received_at": _RECEIVED,
        "inbound_finished_at": _events("INBOUND_DELIVERY_FINISHED"),
    },
    "inbound_receipt": {
        "arrival_at": _ARRIVAL,
        "receipt_created_at": _events("INBOUND_PROCESS_RECEIPT_CREATED"),
        "receipt_started_at": _events("INBOUND_PROCESS_RECEIPT_STARTED", "INBOUND_PROCESS_RECEIPT_CREATED"),
        "delivery_received_at": _RECEIVED,
    },
    "stow_flow": {
        "target_at": Moment((), "targetTime of the stow job"),
        "stow_created_at": _events("STOW_JOB_CREATED"),
        "stow_started_at": _events("STOW_JOB_COMMENCED", "STOW_JOB_CREATED"),
        "stow_finished_at": _events("STOW_JOB_CLOSED", "STOW_JOB_CREATED"),
        "stow_cancelled_at": _events("STOW_JOB_CANCELED", "STOW_JOB_CREATED"),
    },
}
"""What dates each column, by relation."""


def _span(relation: str, column: str, start: str | tuple[str, ...], stop: str | tuple[str, ...], rule: str) -> Duration:
    starts = (start,) if isinstance(start, str) else start
    stops = (stop,) if isinstance(stop, str) else stop
    return Duration(relation, column, starts, stops, rule)


_FULFILLED = "; only for fulfilled orders"

DURATIONS: tuple[Duration, ...] = (
    _span(
        "order_flow",
        "order_cycle_seconds",
        "order_created_at",
        "last_handed_over_at",
        "order created to the last hand-over that counts" + _FULFILLED,
    ),
    _span(
        "order_flow",
        "order_lead_seconds",
        "order_date_at",
        "last_handed_over_at",
        "order taken by the shop to the last hand-over that counts" + _FULFILLED,
    ),
    _span(
        "order_flow",
        "order_intake_lag_seconds",
        "order_date_at",
        "order_created_at",
        "order taken by the shop to order created; two clocks, may be negative",
    ),
    _span(
        "order_flow",
        "lock_wait_seconds",
        "order_created_at",
        "order_unlocked_at",
        "order created to unlocked; only for orders that were created locked",
    ),
    _span(
        "order_flow",
        "order_to_route_seconds",
        "order_created_at",
        "first_routed_at",
        "order created to the first routing",
    ),
    _span(
        "order_flow",
        "cancel_after_seconds",
        "order_created_at",
        "order_cancelled_at",
        "order created to its first cancel event",
    ),
    Duration(
        "order_flow",
        "reroute_delay_seconds",
        (),
        (),
        "sum over the pick jobs that were given up: given up to the creation of the successor",
    ),
    _span(
        "order_flow",
        "lateness_seconds",
        "target_at",
        ("last_handed_over_at", "first_handover_created_at"),
        "target to the last hand-over (SHIPPING and MIXED, fulfilled), or to ready (COLLECT); positive is late",
    ),
    _span("order_leg", "route_to_pick_created_seconds", "routed_at", "pick_created_at", "routed to pick job created"),
    _span(
        "order_leg",
        "pick_queue_seconds",
        ("pick_opened_at", "pick_created_at"),
        "pick_first_started_at",
        "pick job opened, when that is later than created, else created, to the first start",
    ),
    _span(
        "order_leg",
        "pick_duration_gross_seconds",
        "pick_started_at",
        "pick_finished_at",
        "first start after the last reset to the end of picking",
    ),
    Duration(
        "order_leg",
        "pick_pause_seconds",
        (),
        (),
        "sum of the closed pauses after the last reset",
        (("pick", "paused"),),
    ),
    Duration(
        "order_leg",
        "pick_duration_net_seconds",
        ("pick_started_at",),
        ("pick_finished_at",),
        "gross, minus pauses, minus waiting after the job was given back",
        (("pick", "paused"), ("pick", "waiting")),
    ),
    _span(
        "order_leg",
        "pick_to_pack_seconds",
        "pick_finished_at",
        "pack_created_at",
        "picking finished to pack job created",
    ),
    _span(
        "order_leg",
        "pick_to_pack_start_seconds",
        "pick_finished_at",
        "pack_started_at",
        "picking finished to packing started",
    ),
    _span("order_leg", "pack_queue_seconds", "pack_created_at", "pack_started_at", "pack job created to started"),
    _span("order_leg", "pack_duration_seconds", "pack_started_at", "pack_finished_at", "packing started to closed"),
    _span("order_leg", "pack_total_seconds", "pack_created_at", "pack_finished_at", "pack job created to closed"),
    _span(
        "order_leg",
        "handover_prepare_seconds",
        ("pack_finished_at", "pick_finished_at"),
        "handover_created_at",
        "packing finished, or picking where there is no packing, to hand-over job created",
    ),
    _span(
        "order_leg",
        "handover_wait_seconds",
        "handover_created_at",
        "handed_over_at",
        "first hand-over job created to the last hand-over that counts",
    ),
    _span(
        "order_leg",
        "pack_to_handover_seconds",
        ("pack_finished_at", "pick_finished_at"),
        "handed_over_at",
        "packing finished, or picking where there is no packing, to the last hand-over that counts",
    ),
    _span(
        "order_leg", "ready_lateness_seconds", "target_at", "handover_created_at", "target to ready; positive is late"
    ),
    _span(
        "order_leg",
        "handover_lateness_seconds",
        "target_at",
        "handed_over_at",
        "target to handed over; positive is late",
    ),
    Duration("order_parcel", "label_request_seconds", (), (), "label request to answer, of the last answered attempt"),
    Duration(
        "order_parcel",
        "transit_seconds",
        (),
        ("delivered_at",),
        "hand-over of the parcel, else of its leg, to the delivery",
    ),
    _span(
        "inbound_flow",
        "inbound_complete_seconds",
        "purchase_order_created_at",
        "inbound_finished_at",
        "purchase order created to inbound finished",
    ),
    _span(
        "inbound_flow",
        "po_to_first_receipt_seconds",
        "purchase_order_created_at",
        "first_receipt_created_at",
        "purchase order created to the first receipt created",
    ),
    _span(
        "inbound_flow",
        "supplier_delay_seconds",
        "last_requested_at",
        "first_arrival_at",
        "last requested date to the first arrival; may be negative",
    ),
    Duration(
        "inbound_flow",
        "on_hold_seconds",
        (),
        (),
        "sum of the closed holds: each ON_HOLD to the next RELEASED",
        (("hold", "blocked"),),
    ),
    _span(
        "inbound_flow",
        "delivery_span_seconds",
        "first_delivery_received_at",
        "inbound_finished_at",
        "first delivery received to inbound finished",
    ),
    _span(
        "inbound_receipt",
        "arrival_to_receipt_seconds",
        "arrival_at",
        "receipt_created_at",
        "arrival to receipt created; may be negative",
    ),
    _span(
        "inbound_receipt",
        "receipt_duration_seconds",
        "receipt_started_at",
        "delivery_received_at",
        "receipt started to received",
    ),
    _span(
        "inbound_receipt",
        "dock_to_stock_seconds",
        "arrival_at",
        "delivery_received_at",
        "arrival to received, when the stock is booked",
    ),
    _span(
        "stow_flow", "stow_total_seconds", "stow_created_at", "stow_finished_at", "stow job created to its last close"
    ),
    _span(
        "stow_flow", "stow_wait_seconds", "stow_created_at", "stow_started_at", "stow job created to its first start"
    ),
    _span(
        "stow_flow", "stow_duration_gross_seconds", "stow_started_at", "stow_finished_at", "first start to last close"
    ),
    Duration("stow_flow", "stow_pause_seconds", (), (), "sum of the closed pauses", (("stow", "paused"),)),
    Duration(
        "stow_flow",
        "stow_duration_net_seconds",
        ("stow_started_at",),
        ("stow_finished_at",),
        "gross, minus pauses, minus closed-to-opened and opened-to-commenced",
        (("stow", "paused"), ("stow", "waiting")),
    ),
    _span(
        "stow_flow",
        "stow_lateness_seconds",
        "target_at",
        "stow_finished_at",
        "target to the last close; positive is late",
    ),
)
"""Every duration of the facts, the telling ones of each relation first."""
