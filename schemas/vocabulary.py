"""Closed vocabularies of the facts: stages, milestones, deviations, reasons, flags. Data, no logic."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a line is a dead letter (rulings 9 and 10)."""

    MISSING_KEY = "missing_key"
    INVALID_UTF8 = "invalid_utf8"
    INVALID_JSON = "invalid_json"
    LINE_TOO_LONG = "line_too_long"
    INVALID_TIME = "invalid_time"
    INVALID_SHAPE = "invalid_shape"
    MISSING_ENTITY_ID = "missing_entity_id"
    TRUNCATED_FILE = "truncated_file"
    SINK_REFUSED = "sink_refused"


class Outcome(StrEnum):
    """How a flow ended, or that it did not."""

    OPEN = "open"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    INCOMPLETE = "incomplete"


class LegOutcome(StrEnum):
    """How a pick job ended, or that it did not (ruling 30)."""

    OPEN = "open"
    PICKED = "picked"
    SHORT_PICKED = "short_picked"
    ZERO_PICKED = "zero_picked"
    ABORTED = "aborted"
    REROUTED = "rerouted"
    CANCELLED = "cancelled"
    INCOMPLETE = "incomplete"


class Stage(StrEnum):
    """Where the time of an entity goes."""

    LOCK = "lock"
    ROUTE = "route"
    ROUTE_WAIT = "route_wait"
    NOT_ROUTABLE = "not_routable"
    RELEASE = "release"
    PICK_QUEUE = "pick_queue"
    PICK = "pick"
    PICK_DISCARDED = "pick_discarded"
    PACK_QUEUE = "pack_queue"
    PACK = "pack"
    LABEL = "label"
    SERVICE = "service"
    HANDOVER_WAIT = "handover_wait"
    RECEIPT_QUEUE = "receipt_queue"
    RECEIPT = "receipt"
    HOLD = "hold"
    STOW_QUEUE = "stow_queue"
    STOW = "stow"


class StageKind(StrEnum):
    """What happens in a stretch of time."""

    WAITING = "waiting"
    WORKING = "working"
    PAUSED = "paused"
    BLOCKED = "blocked"


ORDER_STAGES = (
    Stage.LOCK, Stage.ROUTE, Stage.ROUTE_WAIT, Stage.NOT_ROUTABLE, Stage.RELEASE, Stage.PICK_QUEUE,
    Stage.PICK_DISCARDED, Stage.PICK, Stage.PACK_QUEUE, Stage.PACK, Stage.LABEL, Stage.SERVICE, Stage.HANDOVER_WAIT,
)  # fmt: skip
"""Stages of an order from the least to the most far."""

INTAKE = "intake"
"""Where the time of an order goes before its first stage begins."""


def after(stage: str) -> str:
    """Name where the time of an order goes when a stage has ended and no other has begun."""
    return f"after_{stage}"


SPLIT_STAGES = (INTAKE, *(name for stage in ORDER_STAGES for name in (stage.value, after(stage))))
"""Stages of the split of an order's time, from the least to the most far."""

SPLIT_KINDS = ("waiting", "working", "paused", "blocked", "site_closed")
"""The five parts of an order's time."""


ORDER_MILESTONES = (
    "order_created", "order_unlocked", "routed", "stock_reserved", "pick_created", "shipment_created", "pick_started",
    "pick_finished", "pack_created", "pack_started", "parcel_created", "label_requested", "label_received",
    "pack_finished", "handover_created", "handed_over", "order_cancelled",
)  # fmt: skip
"""Milestones of an order in the order in which equal times are listed (ruling 27)."""

INBOUND_MILESTONES = (
    "purchase_order_created", "receipt_created", "receipt_started", "delivery_received", "inbound_finished",
)  # fmt: skip
STOW_MILESTONES = ("stow_created", "stow_started", "stow_finished")

DEVIATIONS: dict[str, tuple[str, ...]] = {
    "order": (
        "locked", "modified", "waiting", "not_routable", "fallback", "split", "reroute", "release_wait", "pause",
        "reset", "short_pick", "zero_pick", "abort", "label_failed", "reverted", "refused", "cancelled", "expired",
    ),
    "inbound": (
        "on_hold", "partial_delivery", "date_changed", "lines_changed", "rejected_goods", "over_delivery",
        "blind_receipt", "purchase_order_cancelled",
    ),
    "stow": ("pause", "reopened", "cancelled", "discarded", "given_back"),
}  # fmt: skip
"""How each flow can leave the happy path (ruling 17)."""

QUALITY_FLAGS = (
    "negative_interval", "missing_start", "recorded_time", "clock_skew", "event_after_close", "oversized",
    "unresolved_reference", "stuck",
)  # fmt: skip

DEADLINE_DAYS = {"order": 30, "inbound": 90, "stow": 14}
"""Days after the last working event after which an open flow is incomplete (ruling 15)."""

QUIET_SECONDS = 24 * 3600
"""How long after its end a working event is odd: `event_after_close` (ruling 28)."""

CLOCK_SKEW_SECONDS = 5 * 60
"""How far an event may lie after its recorded time before it is `clock_skew` (ruling 28)."""

OVERSIZED_EVENTS = 10_000
"""More events than this and a flow is `oversized` (ruling 28)."""

SETTLE_DAYS = 3
"""Days after its newest event for which a flow with an outcome stays among the open ones. No fact depends on it: a flow
that returns later is opened again, and its group is written again; each day more costs the rows of a day's flows in
every run. In a simulated month, 0.2 flows a day return after seven days, 1 after three, 50 after two."""

SEARCH_DAYS = 90
"""Days for which events whose flow is unknown are searched again: as long as the source keeps what they refer to."""
