"""Clocks of the order simulator: how instants are written, when events are recorded, when people work."""

from __future__ import annotations

import random
from collections.abc import Callable

from pipelines.simulator.model import US
from pipelines.simulator.orders_model import Entity, Moment

SECOND = US
MINUTE = 60 * US
HOUR = 3600 * US
DAY = 24 * HOUR

BASIS: dict[str, str] = {
    "ORDER_CREATED": "exact",
    "ROUTING_PLAN_ROUTED": "exact",
    "ROUTING_PLAN_WAITING": "exact",
    "ROUTING_PLAN_NOT_ROUTABLE": "exact",
    "ROUTING_PLAN_FALLBACK": "exact",
    "ROUTING_PLAN_CANCELLED": "exact",
    "ROUTING_PLAN_REROUTEPLAN_CREATED": "exact",
    "PICK_JOB_CREATED": "exact",
    "PICK_JOB_PICK_LINE_PICKED": "exact",
    "UPCOMING_TIME_TRIGGERED_REROUTE": "recorded",
    "PACK_JOB_CREATED": "exact",
    "PACKING_TARGET_CONTAINER_CREATED_EVENT": "exact",
    "SHIPMENT_CREATED": "exact",
    "PARCEL_CARRIER_CREATED": "exact",
    "HANDOVERJOB_CREATED": "exact",
    "SERVICE_JOB_CREATED": "exact",
    "INVENTORY_RESERVATIONS_CREATED": "exact",
    "INVENTORY_RESERVATIONS_DELETED": "recorded",
    "EXPIRY_ENTITY_CREATED": "exact",
    "ITEM_RETURN_JOB_CREATED": "exact",
}
"""What an event's time rests on when its payload is complete; names that are not here: snapshot."""

_SLOPPY_KINDS = frozenset(("ORDER", "ROUTING_PLAN", "PICK_JOB", "PACK_JOB", "SHIPMENT", "PARCEL", "HANDOVER_JOB"))
"""Entities whose payloads may lack their times (the schemas require them elsewhere)."""

_LESSER = {
    "ROUTING_PLAN_ROUTED": "snapshot",
    "ROUTING_PLAN_WAITING": "snapshot",
    "ROUTING_PLAN_NOT_ROUTABLE": "snapshot",
    "ROUTING_PLAN_FALLBACK": "snapshot",
    "ROUTING_PLAN_CANCELLED": "snapshot",
    "ORDER_MODIFIED": "exact",
}
"""What an event's time rests on when the first of its paths is missing but the second is there."""

_ALWAYS_DATED = frozenset(
    ("PICK_JOB_PICKING_FINISHED", "PICKING_PICK_JOB_COMPLETE", "PARCEL_TRACK_AND_TRACE_STATUS_UPDATED")
)

_HMS = [f"T{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in range(86400)]
_DATES: dict[int, str] = {}


def date_text(day: int) -> str:
    """Give YYYY-MM-DD for a day since the epoch (Howard Hinnant's civil_from_days)."""
    text = _DATES.get(day)
    if text is None:
        shifted = day + 719468
        era, doe = divmod(shifted, 146097)
        yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
        doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
        mp = (5 * doy + 2) // 153
        month = mp + 3 if mp < 10 else mp - 9
        year = yoe + era * 400 + (1 if month <= 2 else 0)
        text = _DATES[day] = f"{year:04}-{month:02}-{doy - (153 * mp + 2) // 5 + 1:02}"
    return text


Writer = Callable[[int], str]


def _writer(digits: int, suffix: str, shift: int) -> Writer:
    """Make a function that writes an instant with so many digits, in the given offset."""

    def write(instant: int) -> str:
        seconds, micros = divmod(instant + shift, US)
        day, second = divmod(seconds, 86400)
        if digits == 3 and micros % 1000 == 0:
            return f"{date_text(day)}{_HMS[second]}.{micros // 1000:03d}{suffix}"
        # A time that was recorded, not typed, has all its digits whatever the style.
        if digits == 0 and micros == 0:
            return f"{date_text(day)}{_HMS[second]}{suffix}"
        if digits == 1 and micros % 100_000 == 0:
            return f"{date_text(day)}{_HMS[second]}.{micros // 100_000}{suffix}"
        # Digits beyond microseconds mean nothing: a reader cuts them.
        beyond = "987"[: digits - 6] if digits > 6 else ""
        return f"{date_text(day)}{_HMS[second]}.{micros:06d}{beyond}{suffix}"

    return write


_STYLES: tuple[tuple[float, int, Writer], ...] = (
    (0.86, 1000, _writer(3, "Z", 0)),
    (0.89, 1, _writer(6, "Z", 0)),
    (0.905, 1, _writer(9, "Z", 0)),
    (0.92, 1, _writer(7, "Z", 0)),
    (0.935, US, _writer(0, "Z", 0)),
    (0.95, 100_000, _writer(1, "Z", 0)),
    (0.965, 1000, _writer(3, "+00:00", 0)),
    (0.985, 1000, _writer(3, "+02:00", 2 * HOUR)),
    (1.01, 1, _writer(6, "-05:30", -(5 * HOUR + 30 * MINUTE))),
)


class Clock:
    """Times of one order: their grain, how they are written, and how late its events are recorded."""

    __slots__ = ("random", "sloppy", "text", "unit")

    def __init__(self, rng: random.Random, *, sloppy: bool) -> None:
        self.random = rng.random
        self.sloppy = sloppy
        pick = rng.random()
        self.unit, self.text = next((unit, text) for share, unit, text in _STYLES if pick < share)

    def grain(self, instant: int) -> int:
        """Cut an instant to what the payload can say."""
        return instant - instant % self.unit

    def between(self, low: float, high: float) -> int:
        """Draw a length between two numbers of seconds."""
        return int((low + self.random() * (high - low)) * US)

    def wait(self, mean: float, most: float) -> int:
        """Draw a skewed length in seconds: often short, seldom long."""
        draw = self.random()
        return int((0.05 * mean + min(most, mean * 3 * draw * draw)) * US)

    def mark(
        self,
        entity: Entity,
        name: str,
        instant: int,
        status: str | None,
        detail: object = None,
        *,
        versioned: bool = True,
    ) -> Moment:
        """Let something happen to an entity, and say when it is recorded.

        Moments of one entity must lie a second apart: then they are recorded in their order, whatever the delay.
        """
        at = instant - instant % self.unit
        recorded = at + 50_000 + int(self.random() * 850_000)
        basis = BASIS.get(name, "snapshot")
        if self.sloppy and entity.kind in _SLOPPY_KINDS and self.random() < 0.12 and name not in _ALWAYS_DATED:
            # Without history a plan event still has its snapshot time.
            basis = _LESSER.get(name, "recorded") if self.random() < 0.5 else "recorded"
        if basis == "recorded":
            at = recorded
        version = None
        if versioned:
            version = entity.version = entity.version + (1 if entity.version == 0 or self.random() < 0.8 else 2)
        moment = Moment(name, at, recorded, basis, version, status, detail)
        entity.moments.append(moment)
        return moment


def working_time(clock: Clock, opens: int, closes: int, instant: int) -> int:
    """Move an instant into the opening hours, a little after the door opens."""
    day, rest = divmod(instant, DAY)
    if rest < opens * HOUR:
        return day * DAY + opens * HOUR + clock.between(30, 2400)
    if rest >= closes * HOUR:
        return (day + 1) * DAY + opens * HOUR + clock.between(30, 2400)
    return instant
