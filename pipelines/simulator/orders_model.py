"""What is drawn of one order: its entities, their moments, and the stretches of time between the moments.

Everything else follows from these objects: the events are their moments, the truth is read off their stretches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Moment:
    """One thing that happens to one entity, and thus one event.

    Attributes:
        name: public event name.
        at: the time of the event as a reader of the payload gets it.
        recorded: when the platform recorded it; the horizon looks at this.
        basis: what `at` rests on: exact, snapshot, recorded.
        version: version of the entity, None for shapes without one.
        status: status shown by the snapshot, None for shapes without one.
        detail: state of the entity that the payload shows.
        seen: whether it was recorded inside the data.
    """

    __slots__ = ("at", "basis", "detail", "name", "recorded", "seen", "status", "version")

    def __init__(
        self, name: str, at: int, recorded: int, basis: str, version: int | None, status: str | None, detail: Any
    ) -> None:
        self.name = name
        self.at = at
        self.recorded = recorded
        self.basis = basis
        self.version = version
        self.status = status
        self.detail = detail
        self.seen = True


class Span:
    """A stretch of time of one entity, from one moment to another; `reset` is the moment that discards it."""

    __slots__ = ("end", "kind", "reset", "stage", "start")

    def __init__(self, stage: str, kind: str, start: Moment) -> None:
        self.stage = stage
        self.kind = kind
        self.start = start
        self.end: Moment | None = None
        self.reset: Moment | None = None


class Line(NamedTuple):
    """One line of an order, plan or job."""

    id: str
    article: dict[str, Any]
    quantity: int
    order_line: str


@dataclass(slots=True, eq=False)
class Entity:
    """An entity of an order: its moments in order of time, its stretches, and the constant part of its payload."""

    kind: str
    id: str
    facility: str | None = None
    moments: list[Moment] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    version: int = 0
    base: dict[str, Any] | None = None
    seen: list[Moment] = field(default_factory=list)
    by_name: dict[str, list[Moment]] = field(default_factory=dict)

    def turn(self, stage: str, kind: str, moment: Moment) -> None:
        """End the running stretch at a moment and begin another one there."""
        self.stop(moment)
        self.spans.append(Span(stage, kind, moment))

    def stop(self, moment: Moment) -> None:
        """End the running stretch, if there is one."""
        if self.spans and self.spans[-1].end is None:
            self.spans[-1].end = moment

    def cut(self, limit: int) -> None:
        """Undo what lies after an instant; stretches that lasted then are open again."""
        if self.moments and self.moments[-1].at > limit:
            self.moments = [m for m in self.moments if m.at <= limit]
            versions = [m.version for m in self.moments if m.version is not None]
            self.version = max(versions, default=0)
        if self.spans:
            self.spans = [s for s in self.spans if s.start.at <= limit]
            for span in self.spans:
                if span.end is not None and span.end.at > limit:
                    span.end = None
                if span.reset is not None and span.reset.at > limit:
                    span.reset = None

    def happened(self, name: str) -> bool:
        """Say whether an event of that name was drawn."""
        return any(m.name == name for m in self.moments)

    def observe(self, first: int, horizon: int) -> None:
        """Keep apart the moments that were recorded inside the data."""
        seen = self.seen = []
        by_name: dict[str, list[Moment]] = {}
        for moment in self.moments:
            if first <= moment.recorded <= horizon:
                seen.append(moment)
                if moment.name in by_name:
                    by_name[moment.name].append(moment)
                else:
                    by_name[moment.name] = [moment]
            else:
                moment.seen = False
        self.by_name = by_name

    def first(self, name: str) -> Moment | None:
        """Give the first seen moment of that name."""
        found = self.by_name.get(name)
        return found[0] if found else None

    def last(self, name: str) -> Moment | None:
        """Give the last seen moment of that name."""
        found = self.by_name.get(name)
        return found[-1] if found else None


@dataclass(slots=True, eq=False)
class Plan(Entity):
    """A routing plan: its lines, where it comes from, what it is split into or replaced by."""

    lines: list[Line] = field(default_factory=list)
    parent: Plan | None = None
    replaces_plan: Plan | None = None
    replaces_job: PickJob | None = None
    names_job: bool = True
    reason: str | None = None
    run_type: str = "DEFAULT"
    transfer: str | None = None


@dataclass(slots=True, eq=False)
class PickJob(Entity):
    """A pick job; its moments include those of its lines."""

    plan: Plan | None = None
    lines: list[Line] = field(default_factory=list)
    channel: str = "SHIPPING"
    operative: str | None = None
    target: int = 0
    resolvable: bool = True
    with_process: bool = True
    release: str | None = None
    user: dict[str, Any] | None = None


@dataclass(slots=True, eq=False)
class PackJob(Entity):
    """A pack job of a pick job."""

    job: PickJob | None = None


@dataclass(slots=True, eq=False)
class Container(Entity):
    """A packing container of a pack job."""

    pack: PackJob | None = None


@dataclass(slots=True, eq=False)
class Shipment(Entity):
    """A shipment of a pick job."""

    job: PickJob | None = None
    target: int = 0
    with_process: bool = True


@dataclass(slots=True, eq=False)
class Parcel(Entity):
    """A parcel of a shipment; `stamps` holds the carrier's times by tracking moment."""

    shipment: Shipment | None = None
    carrier: str = ""
    tracking_number: str = ""


@dataclass(slots=True, eq=False)
class Handover(Entity):
    """A hand-over job of a pick job, for one parcel or for all of it."""

    job: PickJob | None = None
    parcel: Parcel | None = None
    target: int = 0
    with_process: bool = True
    with_job: bool = True


@dataclass(slots=True, eq=False)
class Service(Entity):
    """A service job of a pick job's share of the order."""

    job: PickJob | None = None


class Reserved(NamedTuple):
    """One item of a bulk of reservations; `processes` are those it names, `flows` those it belongs to."""

    id: str
    facility: str
    line: Line
    processes: tuple[str, ...]
    flows: tuple[str | None, ...]
    plan: str


@dataclass(slots=True, eq=False)
class Reservations(Entity):
    """Reservations that are made and released in bulk: the moments are those of the bulk."""

    items: list[Reserved] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Order(Entity):
    """An order with all that hangs on it; `process` is the key of the flow."""

    process: str = ""
    tenant_order_id: str = ""
    channel: str = "SHIPPING"
    ordered_at: int = 0
    target: int = 0
    lines: list[Line] = field(default_factory=list)
    sloppy: bool = False
    skewed: bool = False
    plans: list[Plan] = field(default_factory=list)
    jobs: list[PickJob] = field(default_factory=list)
    packs: list[PackJob] = field(default_factory=list)
    containers: list[Container] = field(default_factory=list)
    shipments: list[Shipment] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)
    handovers: list[Handover] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    reservations: list[Reservations] = field(default_factory=list)
    foreign: list[Reservations] = field(default_factory=list)
    expiries: list[Entity] = field(default_factory=list)
    processes: list[Entity] = field(default_factory=list)
    returns: list[Entity] = field(default_factory=list)
    papers: Any = None

    def entities(self) -> Iterator[Entity]:
        """Give all entities whose events this order sends."""
        yield self
        yield from self.plans
        yield from self.jobs
        yield from self.packs
        yield from self.containers
        yield from self.shipments
        yield from self.parcels
        yield from self.handovers
        yield from self.services
        yield from self.reservations
        yield from self.expiries
        yield from self.processes
        yield from self.returns
