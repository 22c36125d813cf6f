"""Words of the event catalogue: flows, models, facts, time paths, event types, and the codes the facts use.

A *model* says which fields of a payload are ever decoded; everything else, personal data above all, is skipped
unread. An *event type* names a model, a flow and the paths that date it. The entries are data in
`schemas.models` and `schemas.event_types`; the closed vocabularies are in `schemas.vocabulary`.

Paths are dotted and relative to the entity in the payload (to one item of a bulk list); `[]` means each element,
and a facility path through a list means the first element. Source of the entries: the platform's OpenAPI
specification of 2026-08-21 and its event list of July 2026.

May import the standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Flow(StrEnum):
    """What an event belongs to."""

    ORDER = "order"
    INBOUND = "inbound"
    STOW = "stow"
    NONE = "none"


class Quality(StrEnum):
    """What a time in a payload is worth; only `EXACT` and `SNAPSHOT` can be the time of an event."""

    EXACT = "exact"
    SNAPSHOT = "snapshot"
    BUSINESS = "business"
    WEAK = "weak"


class Kind(StrEnum):
    """How a fact is decoded: a scalar, or an aggregate over a list that keeps nothing else of it."""

    TEXT = "text"
    INT = "int"
    NUMBER = "number"
    TIME = "time"
    PRESENT = "present"
    VARIANT_TIME = "variant_time"
    COUNT = "count"
    SUM = "sum"
    TEXTS = "texts"
    RECORDS = "records"


@dataclass(frozen=True, slots=True)
class Fact:
    """One decoded fact: its name, its path, its kind; `ref` names the entity kind that a reference leads to.

    One that `identifies` is an identifier of the tenant's, which leads to a person in the tenant's own systems: an
    erasure replaces it.
    """

    name: str
    path: str
    kind: Kind = Kind.TEXT
    ref: str | None = None
    fields: tuple[Fact, ...] = ()
    identifies: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """Which fields of one payload shape are decoded.

    Attributes:
        name: name of the shape.
        entity: kind of the entity.
        id: path of the entity id; an empty path is the payload itself.
        version: path of the version that orders the snapshots, if there is one.
        key: path of the flow id, if the shape carries it; a list means one event per value.
        facility: path of the facility.
        status: path of the status, and `statuses` its known values (empty: open).
        facts: what else is decoded.
        items: list to split, one event per element; `"[]"` when the payload itself is the list.
        shape: `object`, `string` (the payload is the id) or `any` (nothing is decoded).
        stands_alone: without key and without any reference it is outside the flows (ruling 5).
    """

    name: str
    entity: str
    id: str | None = "id"
    version: str | None = "version"
    key: str | None = None
    facility: str | None = None
    status: str | None = None
    statuses: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    items: str | None = None
    shape: str = "object"
    stands_alone: bool = False

    def references(self) -> tuple[Fact, ...]:
        """Give the facts that lead to other entities, in the order in which they are asked for the flow."""
        return tuple(f for f in self.facts if f.ref)


@dataclass(frozen=True, slots=True)
class TimePath:
    """A path that dates an event; of a list the newest element, restricted to `status` where given."""

    quality: Quality
    path: str
    status: str | None = None


@dataclass(frozen=True, slots=True)
class EventType:
    """One public event.

    Attributes:
        name: public spelling.
        flow: what it belongs to.
        model: shape of its payload.
        times: paths that may date it, in the order in which they are tried.
        milestone: name of the milestone in the flow pages.
        aliases: legacy and attested other spellings.
        expected: statuses the snapshot should show; a later one is no error.
        terminal: `flow` or `entity` when the event can end one.
        working: False for book-keeping, which keeps no flow open (rulings 15 and 47).
        alternatives: other shapes, each told by a field that only it has.
    """

    name: str
    flow: Flow
    model: Model
    times: tuple[TimePath, ...] = ()
    milestone: str | None = None
    aliases: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    terminal: str | None = None
    working: bool = True
    alternatives: tuple[tuple[str, Model], ...] = ()


def text(name: str, path: str, ref: str | None = None) -> Fact:
    """Declare a string."""
    return Fact(name, path, Kind.TEXT, ref)


def identifier(name: str, path: str) -> Fact:
    """Declare an identifier of the tenant's."""
    return Fact(name, path, identifies=True)


def texts(name: str, path: str, ref: str | None = None) -> Fact:
    """Declare a list of strings."""
    return Fact(name, path, Kind.TEXTS, ref)


def integer(name: str, path: str) -> Fact:
    """Declare an integer."""
    return Fact(name, path, Kind.INT)


def number(name: str, path: str) -> Fact:
    """Declare a number."""
    return Fact(name, path, Kind.NUMBER)


def time(name: str, path: str) -> Fact:
    """Declare a timestamp."""
    return Fact(name, path, Kind.TIME)


def present(name: str, path: str) -> Fact:
    """Declare that only the presence of an object counts."""
    return Fact(name, path, Kind.PRESENT)


def variant_time(name: str, path: str) -> Fact:
    """Declare a timestamp inside a field that may also be a plain string."""
    return Fact(name, path, Kind.VARIANT_TIME)


def count(name: str, path: str) -> Fact:
    """Declare the length of a list."""
    return Fact(name, path, Kind.COUNT)


def total(name: str, path: str) -> Fact:
    """Declare the sum of a number over a list; unknown when one element is."""
    return Fact(name, path, Kind.SUM)


def records(name: str, path: str, *fields: Fact) -> Fact:
    """Declare a list of small records."""
    return Fact(name, path, Kind.RECORDS, fields=fields)


def exact(path: str) -> TimePath:
    """Declare the time of the very thing the event reports; `history[STATUS].created` looks at one status only."""
    if "[" in path and "[]" not in path:
        head, _, tail = path.partition("[")
        status, _, rest = tail.partition("]")
        return TimePath(Quality.EXACT, f"{head}[]{rest}", status)
    return TimePath(Quality.EXACT, path)


def snapshot(path: str) -> TimePath:
    """Declare the time of the last change of the entity when the payload was made."""
    return TimePath(Quality.SNAPSHOT, path)


def business(path: str) -> TimePath:
    """Declare a time set by people or other systems."""
    return TimePath(Quality.BUSINESS, path)


def weak(path: str) -> TimePath:
    """Declare a time that is only a bound."""
    return TimePath(Quality.WEAK, path)
