"""Small helpers of the inbound and stow stories: drawn moments, what of them is seen, and how times are written."""

from __future__ import annotations

import random
from dataclasses import dataclass

from pipelines.simulator.model import US, Emission, Row
from pipelines.simulator.orders_times import date_text
from pipelines.simulator.world import World

MINUTE, HOUR, DAY = 60 * US, 3600 * US, 86400 * US
SKEW = 5 * MINUTE
QUIET = 24 * HOUR


@dataclass(slots=True)
class Happening:
    """One drawn moment: public event name, event time, recorded time, what the time rests on."""

    name: str
    at: int
    recorded: int
    basis: str


class Window:
    """The part of time that the export covers: what is recorded outside of it did not happen for the data."""

    def __init__(self, world: World, horizon: int, as_of: int) -> None:
        """Take the beginning from the world; `horizon` is the end, `as_of` the instant of the facts."""
        self.start, self.end, self.as_of = world.data_start, horizon, as_of

    def sees(self, moment: Happening | None) -> bool:
        """Say whether a moment is in the data."""
        return moment is not None and self.start <= moment.recorded <= self.end

    def at(self, moment: Happening | None) -> int | None:
        """Give the time of a moment when it is in the data."""
        return moment.at if moment is not None and self.start <= moment.recorded <= self.end else None


def instant_text(at: int) -> str:
    """Write an instant as RFC 3339 with microseconds, UTC."""
    seconds, micros = divmod(at, US)
    day, rest = divmod(seconds, 86400)
    return f"{date_text(day)}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}.{micros:06}Z"


def lag(rng: random.Random) -> int:
    """Draw how long after an event it is recorded."""
    return rng.randrange(50_000, 900_000)


def seconds(start: int | None, end: int | None) -> float | None:
    """Give the seconds between two instants."""
    return None if start is None or end is None else (end - start) / US


def later(rng: random.Random, at: int, low: float, high: float) -> int:
    """Give an instant some minutes later, drawn between `low` and `high`."""
    return at + int(rng.uniform(low, high) * MINUTE)


def interval(
    flow: str, flow_id: str, entity: str, entity_id: str, facility: str | None, stage: str, kind: str,
    start: int | None, end: int | None, outcome: str, finished: int | None,
) -> list[Row]:  # fmt: skip
    """Give the interval row of a stretch, ended as the flow's outcome says; none when it has no length."""
    if start is None:
        return []
    if finished is not None and (end is None or (outcome == "cancelled" and end > finished)):
        end = finished
    if end is not None and end <= start:
        return []
    return [
        {
            "flow": flow, "flow_id": flow_id, "entity": entity, "entity_id": entity_id, "facility_ref": facility,
            "stage": stage, "kind": kind, "started_at": start, "ended_at": end, "seconds": seconds(start, end),
        }
    ]  # fmt: skip


def event_columns(emissions: list[Emission], flow_id: str) -> Row:
    """Give the columns of a flow that follow from the number and the times of its events alone."""
    own = [t for e in emissions for t in e.truth if t.flow_id == flow_id]
    places = {t.facility_ref for t in own if t.facility_ref is not None}
    return {
        "flow_id": flow_id,
        "first_event_at": min(t.event_at for t in own),
        "last_event_at": max(t.event_at for t in own),
        "event_count": len(own),
        "revision": len(own),
        "facility_ref": next(iter(places)) if len(places) == 1 else None,
        "facility_count": len(places),
    }


def variant(*milestones: tuple[str, int | None]) -> str | None:
    """Join milestone names in order of time; equal times keep the given order."""
    known = sorted(((at, i, name) for i, (name, at) in enumerate(milestones) if at is not None))
    return ">".join(name for _, _, name in known) or None
