"""Entities of the order flow: what the events of each pick job, pack job, parcel and so on say, before any row.

Each class takes the events of one entity in the order of ruling 7 and answers questions about it. Nothing here
looks at another entity; `transforms.project_order` puts them together.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.vocabulary import LegOutcome, StageKind
from transforms.event import Event
from transforms.rows import newest_status
from transforms.sessions import Verb, Work, follow

_PICK_VERBS = {
    "PICK_JOB_PICKING_COMMENCED": Verb.START,
    "PICK_JOB_PICK_LINE_PICKED": Verb.ACTIVITY,
    "PICK_JOB_PICKING_PAUSED": Verb.PAUSE,
    "PICK_JOB_OPENED": Verb.OPEN,
    "PICK_JOB_PICKING_FINISHED": Verb.FINISH,
    "PICK_JOB_ABORTED": Verb.END,
    "PICK_JOB_CANCELED": Verb.END,
    "PICK_JOB_REROUTED": Verb.END,
    "PICK_JOB_RESET": Verb.RESET,
}
_SILENT_PICK_ENDS = frozenset({"REJECTED", "RESTOWED", "EXPIRED", "OBSOLETE"})
GIVEN_UP = frozenset({LegOutcome.REROUTED, LegOutcome.CANCELLED, LegOutcome.ZERO_PICKED, LegOutcome.ABORTED})


@dataclass(slots=True)
class PickJob:
    """One pick job with its picked lines."""

    id: str
    events: list[Event] = field(default_factory=list)
    work: Work = field(default_factory=Work)
    created_at: int | None = None
    opened_at: int | None = None
    released: bool = True
    aborted_at: int | None = None
    first_aborted_at: int | None = None
    cancelled_at: int | None = None
    rerouted_at: int | None = None
    lines: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)
    snapshot: bool = False
    line_count: int | None = None
    ordered: int | None = None

    def read(self) -> None:
        """Read the events, which are complete and in order."""
        verbs: list[tuple[int, Verb]] = []
        for e in self.events:
            name, at = e.name, e.event_at
            verb = _PICK_VERBS.get(name)
            if verb is not None:
                verbs.append((at, verb))
            if name == "PICK_JOB_PICK_LINE_PICKED" and e.entity == "PICK_LINE":
                self.lines[e.entity_id or ""] = (e.facts.quantity, e.facts.picked)
                continue
            if name == "PICK_JOB_CREATED":
                if self.created_at is None:
                    self.created_at = at
                    self.released = e.status != "WAITING_FOR_INPUT" and e.facts.sub_status != "WAITING_FOR_RELEASE_TIME"
            elif name == "PICK_JOB_OPENED":
                if self.opened_at is None:
                    self.opened_at = at
            elif name == "PICK_JOB_ABORTED":
                self.aborted_at = at
                if self.first_aborted_at is None:
                    self.first_aborted_at = at
            elif name == "PICK_JOB_RESET":
                self.aborted_at = None
            elif name == "PICK_JOB_CANCELED":
                if self.cancelled_at is None:
                    self.cancelled_at = at
            elif name == "PICK_JOB_REROUTED" and self.rerouted_at is None:
                self.rerouted_at = at
            lines = getattr(e.facts, "lines", None)
            if lines is not None:
                self.snapshot = True
                self.lines = {x[0] or f"#{i}": (x[1], x[2]) for i, x in enumerate(lines)}
                self.line_count = len(lines)
                self.ordered = _sum([x[1] for x in lines])
        self.work = follow(verbs)

    @property
    def picked(self) -> int | None:
        """Units picked, by the newest event of each line; None before the job was started (ruling 45)."""
        return _sum([picked for _, picked in self.lines.values()]) if self.work.touched else None

    @property
    def short_lines(self) -> int | None:
        """Lines picked short, once picking has finished."""
        if self.work.finish is None:
            return None
        return sum(1 for wanted, got in self.lines.values() if wanted is not None and got is not None and got < wanted)

    @property
    def given_up_at(self) -> int | None:
        """First of aborted and rerouted (ruling 19)."""
        return min((t for t in (self.first_aborted_at, self.rerouted_at) if t is not None), default=None)

    def outcome(self, *, order_cancelled: bool, overdue: bool) -> LegOutcome:
        """Give the outcome in the precedence of ruling 30."""
        if self.rerouted_at is not None:
            return LegOutcome.REROUTED
        if self.cancelled_at is not None:
            return LegOutcome.CANCELLED
        if self.aborted_at is not None:
            nothing = not sum(picked or 0 for _, picked in self.lines.values())
            return LegOutcome.ZERO_PICKED if self.work.touched and nothing else LegOutcome.ABORTED
        if self.work.finish is not None:
            return LegOutcome.SHORT_PICKED if self.short_lines else LegOutcome.PICKED
        if order_cancelled:
            return LegOutcome.CANCELLED
        return LegOutcome.INCOMPLETE if overdue else LegOutcome.OPEN

    def leg_end(self, outcome: LegOutcome) -> int | None:
        """Give when the leg was given up by an event of its own; everything of it ends there."""
        match outcome:
            case LegOutcome.REROUTED:
                return self.rerouted_at
            case LegOutcome.CANCELLED:
                return self.cancelled_at
            case LegOutcome.ZERO_PICKED | LegOutcome.ABORTED:
                return self.aborted_at
            case _:
                return None

    @property
    def ended_silently(self) -> bool:
        """Whether the newest snapshot shows an end that no event announces."""
        return newest_status(self.events) in _SILENT_PICK_ENDS


def _sum(values: list[int | None]) -> int | None:
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


@dataclass(slots=True)
class PackJob:
    """One pack job; its start and its pauses show only in the status of updates."""

    id: str
    events: list[Event] = field(default_factory=list)
    work: Work = field(default_factory=Work)
    created_at: int | None = None
    closed_at: int | None = None
    cancelled_at: int | None = None

    def read(self) -> None:
        """Read the events, which are complete and in order."""
        verbs: list[tuple[int, Verb]] = []
        for e in self.events:
            if e.name == "PACK_JOB_CREATED":
                if self.created_at is None:
                    self.created_at = e.event_at
            elif e.name == "PACK_JOB_UPDATED":
                verb = {"IN_PROGRESS": Verb.START, "PAUSED": Verb.PAUSE, "OPEN": Verb.OPEN, "CLOSED": Verb.END}.get(
                    e.status or ""
                )
                if verb is not None:
                    verbs.append((e.event_at, verb))
            elif e.name == "PACK_JOB_CLOSED":
                self.closed_at = e.event_at
                verbs.append((e.event_at, Verb.FINISH))
            elif e.name == "PACK_JOB_CANCELED":
                self.cancelled_at = e.event_at
                verbs.append((e.event_at, Verb.END))
        self.work = follow(verbs)

    @property
    def ended(self) -> bool:
        """Whether the job is closed or cancelled, or silently obsolete."""
        return self.closed_at is not None or self.cancelled_at is not None or newest_status(self.events) == "OBSOLETE"

    @property
    def end_at(self) -> int | None:
        """When it was closed or cancelled, whichever came first."""
        return min((t for t in (self.closed_at, self.cancelled_at) if t is not None), default=None)


@dataclass(slots=True)
class Parcel:
    """One parcel: its label attempts and its delivery."""

    id: str
    events: list[Event] = field(default_factory=list)
    created_at: int | None = None
    requested_at: int | None = None
    received_at: int | None = None
    first_received_at: int | None = None
    delivered_at: int | None = None
    failures: int = 0
    attempt_seconds: tuple[int, int] | None = None
    stretches: list[tuple[int, int | None, StageKind]] = field(default_factory=list)

    def read(self) -> None:
        """Read the events, which are complete and in order."""
        kind: StageKind | None = None
        since = 0
        attempt: int | None = None

        def turn(at: int, following: StageKind | None) -> None:
            nonlocal kind, since
            if kind is following:
                return
            if kind is not None:
                self.stretches.append((since, at, kind))
            kind, since = following, at

        for e in self.events:
            name, at = e.name, e.event_at
            if name == "PARCEL_CARRIER_CREATED":
                if self.created_at is None:
                    self.created_at = at
                    if self.requested_at is None and self.received_at is None and not self.failures:
                        turn(at, StageKind.WAITING)
            elif name == "PARCEL_CARRIER_REQUESTED":
                if self.requested_at is None:
                    self.requested_at = at
                if attempt is None:
                    attempt = at
                turn(at, StageKind.WORKING)
            elif name == "PARCEL_CARRIER_ACKNOWLEDGED":
                self.received_at = at
                if self.first_received_at is None:
                    self.first_received_at = at
                if attempt is not None:
                    self.attempt_seconds, attempt = (attempt, at), None
                turn(at, None)
            elif name == "PARCEL_CARRIER_FAILED":
                self.failures += 1
                if attempt is not None:
                    self.attempt_seconds, attempt = (attempt, at), None
                turn(at, StageKind.BLOCKED)
            elif (
                name == "PARCEL_TRACK_AND_TRACE_STATUS_UPDATED"
                and self.delivered_at is None
                and e.facts.tracking_status == "delivered"
            ):
                stamp = e.facts.tracking_stamp
                self.delivered_at = at if stamp is None else stamp
        if kind is not None:
            self.stretches.append((since, None, kind))


@dataclass(slots=True)
class HandoverJob:
    """One hand-over job; a hand-over counts unless it is taken back (ruling 29)."""

    id: str
    events: list[Event] = field(default_factory=list)
    created_at: int | None = None
    handed_over_at: int | None = None
    cancelled: bool = False
    reverted: bool = False
    refused: bool = False
    waits: list[tuple[int, int | None]] = field(default_factory=list)

    def read(self) -> None:
        """Read the events, which are complete and in order."""
        since: int | None = None
        for e in self.events:
            name, at = e.name, e.event_at
            if name == "HANDOVERJOB_CREATED":
                if self.created_at is None:
                    self.created_at = at
                    if self.handed_over_at is None and not self.cancelled:
                        since = at
            elif name == "HANDOVERJOB_HANDED_OVER":
                if self.handed_over_at is None:
                    self.handed_over_at = at
                if since is not None:
                    self.waits.append((since, at))
                    since = None
            elif name == "HANDOVERJOB_REVERTED":
                self.handed_over_at = None
                self.reverted = True
                if since is None:
                    since = at
            elif name == "HANDOVERJOB_CANCELED":
                self.cancelled = True
                if since is not None:
                    self.waits.append((since, at))
                    since = None
            if (e.facts.refused_units or 0) > 0 or e.facts.cancel_reason == "CONSUMER_REJECTS":
                self.refused = True
        if since is not None:
            self.waits.append((since, None))

    @property
    def dropped(self) -> bool:
        """Whether the job is cancelled or obsolete."""
        return self.cancelled or newest_status(self.events) == "OBSOLETE"

    @property
    def ended(self) -> bool:
        """Whether the job is handed over, cancelled or obsolete."""
        return self.handed_over_at is not None or self.dropped


_REPLACED = frozenset({"REROUTED", "OBSOLETE", "REDUNDANT_REROUTE", "FAILED", "FAILED_REROUTE"})
_WORDS = {
    "ROUTING_PLAN_WAITING": "waiting",
    "ROUTING_PLAN_NOT_ROUTABLE": "not_routable",
    "ROUTING_PLAN_ROUTED": "routed",
    "ROUTING_PLAN_FALLBACK": "routed",
    "ROUTING_PLAN_CANCELLED": "cancelled",
}


@dataclass(slots=True)
class RoutingPlan:
    """One routing plan: its verdicts and what it says of other plans."""

    id: str
    events: list[Event] = field(default_factory=list)
    verdicts: list[tuple[int, str]] = field(default_factory=list)
    routed_at: int | None = None
    last_routed_at: int | None = None
    announced_at: int | None = None
    split_at: int | None = None
    cancelled: bool = False

    def read(self) -> None:
        """Read the events, which are complete and in order."""
        for e in self.events:
            word = _WORDS.get(e.name)
            if word is not None:
                self.verdicts.append((e.event_at, word))
                if word == "routed":
                    if self.routed_at is None:
                        self.routed_at = e.event_at
                    self.last_routed_at = e.event_at
                elif word == "cancelled":
                    self.cancelled = True
            elif e.name == "ROUTING_PLAN_REROUTEPLAN_CREATED":
                if self.announced_at is None:
                    self.announced_at = e.event_at
            elif e.name == "ROUTING_PLAN_SPLITTED" and self.split_at is None:
                self.split_at = e.event_at

    @property
    def replaced(self) -> bool:
        """Whether the newest snapshot shows that another plan took over, or that the plan ended in silence."""
        return newest_status(self.events) in _REPLACED
