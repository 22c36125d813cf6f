"""Facts of many flows: dispatch to the flow's projection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from transforms.event import Event
from transforms.identity import distinct
from transforms.project_inbound import project_inbound
from transforms.project_order import project_order
from transforms.project_stow import project_stow
from transforms.resolve import UNRESOLVED, settle
from transforms.rows import Rows, Settings


@dataclass(slots=True)
class Balance:
    """Where the events of some flows ended; the four add up to the events that went in (ruling 8)."""

    folded: int = 0
    outside: int = 0
    unresolved: int = 0
    duplicates: int = 0

    def add(self, other: Balance) -> None:
        """Add another balance to this one."""
        self.folded += other.folded
        self.outside += other.outside
        self.unresolved += other.unresolved
        self.duplicates += other.duplicates

    def count(self, key: str | None, events: int, repeats: int) -> None:
        """Count the events and repeats of one gathering key, None outside the flows."""
        if key is None:
            self.outside += events
        elif key.startswith(UNRESOLVED):
            self.unresolved += events
        else:
            self.folded += events
        self.duplicates += repeats


def gathering_key(event: Event) -> str:
    """Give the key under which deliveries of an event outside the flows meet their repeats."""
    return f"{event.entity}:{event.entity_id}" if event.entity_id is not None else event.event_id


def project_flow(key: str, events: list[Event], settings: Settings, rows: Rows) -> None:
    """Add the facts of one flow.

    Args:
        key: flow id, or a gathering key (`transforms.resolve`) for events whose flow is unknown.
        events: its distinct events.
        settings: instant and deadlines.
        rows: where the facts go.
    """
    flow = events[0].flow
    if key.startswith(UNRESOLVED):
        jobs = [e for e in events if e.flow == "order"]
        if any(e.entity == "PICK_JOB" for e in jobs):
            project_order(None, jobs, settings, rows)
    elif flow == "order":
        project_order(key, events, settings, rows)
    elif flow == "inbound":
        project_inbound(key, events, settings, rows)
    else:
        project_stow(key, events, settings, rows)


def project_all(events: Iterable[Event], settings: Settings) -> tuple[Rows, list[Event], Balance]:
    """Project any events in memory, resolution included: the pipeline without a runner."""
    from transforms.resolve import resolve

    every = list(events)
    rows, balance = Rows(), Balance()
    kept: list[Event] = []
    flows: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for key, event in resolve(every):
        flows[event.flow, key].append(settle(event, key))
    for (_, key), members in flows.items():
        found = distinct(members)
        project_flow(key, found.events, settings, rows)
        kept += found.events
        balance.count(key, len(found.events), found.repeats)
    outside: dict[str, list[Event]] = defaultdict(list)
    for event in every:
        if event.flow == "none":
            outside[gathering_key(event)].append(event)
    for members in outside.values():
        found = distinct(members)
        kept += found.events
        balance.count(None, len(found.events), found.repeats)
    return rows, kept, balance
