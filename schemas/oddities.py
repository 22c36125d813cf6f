"""What each deviation and quality flag means, and which events show it. Data, no logic."""

from __future__ import annotations

DEVIATIONS_TOLD: dict[str, tuple[str, tuple[str, ...]]] = {
    "locked": ("created locked; nothing happens before it is unlocked", ("ORDER_CREATED", "ORDER_UNLOCKED")),
    "modified": ("changed after it was created", ("ORDER_MODIFIED",)),
    "waiting": ("routing had to wait", ("ROUTING_PLAN_WAITING",)),
    "not_routable": ("no facility could take it at first", ("ROUTING_PLAN_NOT_ROUTABLE",)),
    "fallback": ("routed by the fallback rule", ("ROUTING_PLAN_FALLBACK",)),
    "split": ("split over several routing plans", ("ROUTING_PLAN_SPLITTED",)),
    "reroute": ("a job was given up and routed again", ("ROUTING_PLAN_REROUTEPLAN_CREATED", "PICK_JOB_REROUTED")),
    "release_wait": ("a pick job was held back before its release", ("PICK_JOB_CREATED", "PICK_JOB_OPENED")),
    "pause": ("work was paused", ("PICK_JOB_PICKING_PAUSED", "STOW_JOB_PAUSED")),
    "reset": ("picking was begun anew; the work before it is discarded", ("PICK_JOB_RESET",)),
    "short_pick": ("a line was picked short", ("PICK_JOB_PICKING_FINISHED",)),
    "zero_pick": ("a job ended with nothing picked", ("PICK_JOB_ABORTED",)),
    "abort": ("a pick job was aborted", ("PICK_JOB_ABORTED",)),
    "label_failed": ("a label request failed", ("PARCEL_CARRIER_FAILED",)),
    "reverted": ("a hand-over was taken back", ("HANDOVERJOB_REVERTED",)),
    "refused": ("the consumer refused units", ("HANDOVERJOB_HANDED_OVER", "HANDOVERJOB_CANCELED")),
    "cancelled": (
        "cancelled",
        ("ORDER_CANCELLED", "ORDER_FORCE_CANCELLED", "ORDER_CANCELLED_BY_EXPIRY", "STOW_JOB_CANCELED"),
    ),
    "expired": ("cancelled because it expired", ("ORDER_CANCELLED_BY_EXPIRY", "EXPIRY_ENTITY_EXPIRED")),
    "on_hold": ("the delivery was put on hold", ("INBOUND_DELIVERY_ON_HOLD", "INBOUND_DELIVERY_RELEASED")),
    "partial_delivery": ("delivered in parts", ("INBOUND_DELIVERY_RECEIVED",)),
    "date_changed": ("the requested date was changed", ("INBOUND_PROCESS_PURCHASE_ORDER_REQUESTED_DATE_CHANGED",)),
    "lines_changed": ("the requested lines were changed", ("INBOUND_PROCESS_PURCHASE_ORDER_LINE_ITEMS_CHANGED",)),
    "rejected_goods": ("goods were rejected", ("INBOUND_DELIVERY_RECEIVED", "INBOUND_PROCESS_RECEIPT_CREATED")),
    "over_delivery": ("goods came after every line was reached", ("INBOUND_DELIVERY_FINISHED",)),
    "blind_receipt": ("received without a purchase order", ("INBOUND_PROCESS_RECEIPT_CREATED",)),
    "purchase_order_cancelled": (
        "the purchase order was cancelled or deleted",
        ("INBOUND_PROCESS_PURCHASE_ORDER_CANCELED", "INBOUND_PROCESS_PURCHASE_ORDER_DELETED"),
    ),
    "reopened": ("opened again after its end", ("STOW_JOB_OPENED",)),
    "discarded": ("units were booked out", ()),
    "given_back": ("given back after a pause, for somebody else to go on", ("STOW_JOB_OPENED",)),
}
"""By deviation: what happened, and the events that may show it."""

FLAGS_TOLD: dict[str, str] = {
    "negative_interval": "a duration is negative: its two ends come from clocks that disagree, or out of order",
    "missing_start": "the event that creates the entity is not known; durations from it are NULL",
    "recorded_time": "a milestone rests on the time of recording, for its event carries no time of its own",
    "clock_skew": "an event lies more than 5 minutes after it was recorded: a clock is wrong",
    "event_after_close": "work went on more than a day after the end",
    "oversized": "more than 10,000 events",
    "unresolved_reference": "the process of the pick job could not be found",
    "stuck": "every job has ended, nothing was handed over and nothing waits",
}
"""By quality flag: what is odd about the data."""
