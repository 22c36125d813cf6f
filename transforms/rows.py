"""What a projection gives: rows of every fact table, and the helpers that all flows share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.vocabulary import (
    CLOCK_SKEW_SECONDS,
    OVERSIZED_EVENTS,
    QUIET_SECONDS,
    SEARCH_DAYS,
    SETTLE_DAYS,
    Outcome,
    Stage,
    StageKind,
)
from transforms.calendar import ALWAYS_OPEN, Sites, sites_of
from transforms.event import Event

SECOND = 1_000_000
"""Microseconds in a second."""

Row = dict[str, Any]


TUPLES = frozenset({"flow_interval", "order_time_split"})
"""Relations with many small rows, which are tuples and come in their order."""


@dataclass(slots=True)
class Rows:
    """Rows by relation. Those of `TUPLES` are tuples in the contract's column order, the others are dicts."""

    order_flow: list[Row] = field(default_factory=list)
    order_leg: list[Row] = field(default_factory=list)
    order_parcel: list[Row] = field(default_factory=list)
    order_time_split: list[tuple[Any, ...]] = field(default_factory=list)
    inbound_flow: list[Row] = field(default_factory=list)
    inbound_receipt: list[Row] = field(default_factory=list)
    stow_flow: list[Row] = field(default_factory=list)
    flow_interval: list[tuple[Any, ...]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Settings:
    """What facts depend on besides the events: the instant they are told of, the deadlines per flow, the calendar.

    The others decide what a run keeps at hand for the next one; no fact depends on them.

    Attributes:
        as_of: microseconds since the epoch.
        deadlines: microseconds by flow name (ruling 15).
        settle_after: how long after its newest event a flow with an outcome stays open, in microseconds.
        search_for: how long unresolved events are searched again, in microseconds.
        search_from: instant from which that is counted; the newest recorded time of the run before.
        sites: when the facilities are open.
    """

    as_of: int
    deadlines: dict[str, int]
    settle_after: int = SETTLE_DAYS * 86_400_000_000
    search_for: int = SEARCH_DAYS * 86_400_000_000
    search_from: int = 0
    sites: Sites = field(default_factory=lambda: sites_of(ALWAYS_OPEN))


def span(start: int | None, end: int | None) -> float | None:
    """Give the seconds from `start` to `end`, NULL when one of them is unknown; may be negative."""
    return None if start is None or end is None else (end - start) / SECOND


def first(values: Iterable[int | None]) -> int | None:
    """Give the smallest known value."""
    best: int | None = None
    for value in values:  # a plain loop: most of these lists have one element
        if value is not None and (best is None or value < best):
            best = value
    return best


def last(values: Iterable[int | None]) -> int | None:
    """Give the largest known value."""
    best: int | None = None
    for value in values:
        if value is not None and (best is None or value > best):
            best = value
    return best


def newest(events: Sequence[Event], fact: str) -> Any:
    """Give the newest known value of a fact over events in their order; shapes without the fact are passed over."""
    for event in reversed(events):
        value = getattr(event.facts, fact, None)
        if value is not None:
            return value
    return None


def newest_facility(events: Sequence[Event]) -> str | None:
    """Give the newest facility that events in their order name."""
    for event in reversed(events):
        if event.facility is not None:
            return event.facility
    return None


def newest_status(events: Sequence[Event]) -> str | None:
    """Give the newest status that events in their order show."""
    for event in reversed(events):
        if event.status is not None:
            return event.status
    return None


def order_key(event: Event) -> tuple[int, int, str]:
    """Order events by event time, then version, then event id (ruling 7)."""
    return event.event_at, event.version or 0, event.event_id


def only(values: set[str]) -> str | None:
    """Give the one member of a set, None when there are more or none."""
    return next(iter(values)) if len(values) == 1 else None


def variant(milestones: Iterable[tuple[str, int | None]]) -> str | None:
    """Join the names of the known milestones in order of time; equal times keep the given order (ruling 27)."""
    known = [(at, i, name) for i, (name, at) in enumerate(milestones) if at is not None]
    known.sort()
    return ">".join(name for _, _, name in known) or None


def is_overdue(last_working: int | None, flow: str, settings: Settings) -> bool:
    """Say whether an open flow has passed its deadline."""
    return last_working is not None and settings.as_of >= last_working + settings.deadlines[flow]


def flow_flags(
    events: Sequence[Event], working: Sequence[Event], finished_at: int | None, row: Row, durations: Iterable[str]
) -> set[str]:
    """Give the quality flags that every flow row can carry (ruling 28)."""
    flags: set[str] = set()
    if has_skew(events):
        flags.add("clock_skew")
    if len(events) > OVERSIZED_EVENTS:
        flags.add("oversized")
    if finished_at is not None and working and working[-1].event_at > finished_at + QUIET_SECONDS * SECOND:
        flags.add("event_after_close")
    if is_negative(row, durations):
        flags.add("negative_interval")
    return flags


def has_skew(events: Iterable[Event]) -> bool:
    """Say whether an event lies more than five minutes after its recorded time."""
    limit = CLOCK_SKEW_SECONDS * SECOND
    for event in events:  # noqa: SIM110 (a plain loop costs half as much, and every event of every flow passes it)
        if event.event_at - event.recorded_at > limit:
            return True
    return False


def is_negative(row: Row, durations: Iterable[str]) -> bool:
    """Say whether one of the durations of a row is negative."""
    for name in durations:
        value = row[name]
        if value is not None and value < 0:
            return True
    return False


def columns_by_event(sources: dict[str, frozenset[str]]) -> dict[str, tuple[str, ...]]:
    """Turn the event names that can set each `*_at` column into the columns that each event name can set."""
    names = sorted(set().union(*sources.values()))
    return {name: tuple(column for column, setters in sources.items() if name in setters) for name in names}


def rests_on_recorded(events: Iterable[Event], row: Row, columns: dict[str, tuple[str, ...]]) -> bool:
    """Say whether a milestone of the row rests on a recorded time (rulings 28 and 47).

    Args:
        events: events of the row.
        row: the row.
        columns: for each event name the `*_at` columns that it can set.
    """
    for event in events:
        if event.basis == "recorded":
            for column in columns.get(event.name, ()):
                if row[column] == event.event_at:
                    return True
    return False


@dataclass(slots=True)
class IntervalSink:
    """Collects the intervals of one flow and ends them as its outcome says (ruling 50).

    Attributes:
        flow, flow_id: of every interval.
        outcome: of the flow.
        finished_at: of the flow; where a cancelled flow's intervals end, and a fulfilled one's open intervals.
        rows: where the intervals go, as tuples in the contract's column order.
    """

    flow: str
    flow_id: str | None
    outcome: Outcome
    finished_at: int | None
    rows: list[tuple[Any, ...]]

    def add(
        self,
        entity: str,
        entity_id: str | None,
        facility: str | None,
        stage: Stage,
        kind: StageKind,
        start: int | None,
        end: int | None,
        leg_end: int | None = None,
    ) -> None:
        """Add one stretch; nothing is stored when it has no length.

        Args:
            entity: kind of the entity.
            entity_id: which one.
            facility: facility of the entity.
            stage: stage.
            kind: what happens.
            start: start; None when it is unknown.
            end: end; None while it lasts.
            leg_end: when the leg of the entity was given up; nothing of it lasts longer.
        """
        if start is None:
            return
        if leg_end is not None and (end is None or end > leg_end):
            end = leg_end
        if self.finished_at is not None and (
            end is None or (self.outcome is Outcome.CANCELLED and end > self.finished_at)
        ):
            end = self.finished_at
        if end is not None and end <= start:
            return
        seconds = None if end is None else (end - start) / SECOND
        self.rows.append((self.flow, self.flow_id, entity, entity_id, facility, stage, kind, start, end, seconds))
