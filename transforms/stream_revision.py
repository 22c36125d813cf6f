"""One flow's revision: from what the flow was told to the rows of its facts, as the batch job makes them, without Beam.

For each delivery the surest item counts (`transforms.stream_codec.Value`), so the order in which items arrive changes
nothing, and neither does an item that comes twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from schemas.tables import BY_NAME
from schemas.vocabulary import QUIET_SECONDS, SEARCH_DAYS
from transforms.calendar import ALWAYS_OPEN, Calendar, sites_of
from transforms.columns import event_cells, row_cells, sort_rows
from transforms.event import Event
from transforms.identity import distinct
from transforms.project import project_flow
from transforms.resolve import UNRESOLVED, settle
from transforms.rows import SECOND, TUPLES, Rows, Settings
from transforms.stream_codec import SETTLED, Item, Place
from transforms.update import FLOW_RELATION, RELATIONS, deadlines_of

DAY = 86_400 * SECOND


@dataclass(frozen=True, slots=True)
class Life:
    """How long things last, in microseconds, and how large they may be.

    Attributes:
        deadlines: by flow name (ruling 15).
        flush_after: from the first change to the revision that shows it.
        quiet: without an arrival, after the outcome or the deadline, until the flow closes.
        search_for: the same for what is unresolved.
        grace: from closing until the events leave the state; a sink must have written them by then.
        tombstone_for: from then until nothing is left.
        max_items: deliveries a flow may keep; more are counted and left out of its live facts.
        calendar: when the facilities are open.
    """

    deadlines: dict[str, int]
    flush_after: int = 30 * SECOND
    quiet: int = QUIET_SECONDS * SECOND
    search_for: int = SEARCH_DAYS * DAY
    grace: int = 3_600 * SECOND
    tombstone_for: int = 30 * DAY
    max_items: int = 20_000
    calendar: Calendar = ALWAYS_OPEN


class Revision(NamedTuple):
    """All rows of one flow at one instant; they replace those of every smaller revision, as a set.

    Attributes:
        flow: order, inbound, stow or none.
        key: flow id, or a gathering key.
        revision: grows with every revision of a flow; microseconds of its making, made unique.
        as_of: instant of the facts.
        outcome: of the flow; None where it has none.
        event_count: distinct events; 0 when the flow has gone.
        duplicates: deliveries so far that are no event of their own.
        overflow: deliveries that did not fit.
        bytes: size of what is kept of the flow.
        waited: microseconds from the first change to this revision.
        rows: cells by relation, in the contract's column order; `flow_event` among them.
        repeated: duplicates that have come since the revision before.
    """

    flow: str
    key: str
    revision: int
    as_of: int
    outcome: str | None
    event_count: int
    duplicates: int
    overflow: int
    bytes: int
    waited: int
    rows: dict[str, list[tuple[Any, ...]]]
    repeated: int = 0


def remaining(items: Iterable[Item], flow: str, key: str) -> tuple[list[Event], list[Item]]:
    """Give the deliveries that are in the flow, and the items that say so (one for each delivery).

    Args:
        items: what the flow was told, in any order and any number of times.
        flow: name of the flow; deliveries outside the flows (none) have no flow id.
        key: flow id, or a gathering key.
    """
    best: dict[Place, Item] = {}
    for item in items:
        place = item.place or (item.event.event_id, item.event.source)  # type: ignore[union-attr]
        known = best.get(place)
        if known is None or _surer(item, known):
            best[place] = item
    kept = list(best.values())
    left = {i.place[0] for i in kept if i.place is not None}
    if left:  # the settled half has other deliveries of the same events, and will find so, too
        kept = [i for i in kept if i.value != SETTLED or i.event is None or i.event.event_id not in left]
    key = UNRESOLVED if flow == "none" else key
    return [settle(i.event, key) for i in kept if i.event is not None], kept


def _surer(item: Item, known: Item) -> bool:
    if item.value is None or known.value is None:
        return item.value is None and known.value is not None
    return item.value < known.value


def project(
    flow: str, key: str, items: Iterable[Item], life: Life, as_of: int, revision: int, overflow: int = 0
) -> tuple[Revision, list[Item], int | None]:
    """Project a flow.

    Returns:
        Its revision; the items that must be kept; and when its deadline passes, None without one.
    """
    deliveries, kept = remaining(items, flow, key)
    if not deliveries:
        return Revision(flow, key, revision, as_of, None, 0, 0, overflow, 0, 0, {}), kept, None
    reduced = distinct(deliveries)
    if reduced.repeats and all(i.value is None for i in kept):
        # Nothing can leave this flow, so a repeat will never have to stand for an event that has left.
        needed = {id(e) for e in (*reduced.events, *reduced.aliases)}
        kept = [i for i in kept if id(i.event) in needed]
    settings = Settings(as_of, life.deadlines, sites=sites_of(life.calendar))
    found = Rows()
    outcome: str | None = None
    due: int | None = None
    if flow != "none":
        project_flow(key, reduced.events, settings, found)
        if not key.startswith(UNRESOLVED):
            outcome = getattr(found, FLOW_RELATION[flow])[-1]["outcome"]
            last = max(e.recorded_at for e in reduced.events)
            due = deadlines_of(flow, outcome, reduced.events, last, settings)[0]
        if overflow and not key.startswith(UNRESOLVED):
            row = getattr(found, FLOW_RELATION[flow])[-1]
            row["quality_flags"] = sorted({*row["quality_flags"], "oversized"})
    rows = {name: _cells(name, getattr(found, name)) for name in RELATIONS}
    rows["flow_event"] = [event_cells(e) for e in reduced.events]
    return (
        Revision(
            flow, key, revision, as_of, outcome, len(reduced.events), len(deliveries) - len(reduced.events), overflow,
            0, 0,
            {name: cells for name, cells in rows.items() if cells},
        ),
        kept,
        due,
    )  # fmt: skip


def _cells(relation: str, rows: list[Any]) -> list[tuple[Any, ...]]:
    if relation in TUPLES:
        return [tuple(row) for row in rows]
    return [row_cells(relation, row) for row in sort_rows(BY_NAME[relation], rows)]


class _Packed(msgspec.Struct, array_like=True, gc=False):
    """A revision as it is encoded: what a later version adds stands at the end and has a default."""

    flow: str
    key: str
    revision: int
    as_of: int
    outcome: str | None
    event_count: int
    duplicates: int
    overflow: int
    bytes: int
    waited: int
    rows: dict[str, list[Any]]
    repeated: int = 0


_encode = msgspec.msgpack.Encoder().encode
_revision = msgspec.msgpack.Decoder(_Packed)


def encode_revision(revision: Revision) -> bytes:
    """Encode a revision for a shuffle or a sink's buffer."""
    return _encode(tuple(revision))


def decode_revision(raw: bytes | memoryview) -> Revision:
    """Decode what `encode_revision` of this or an earlier version made; rows are lists of cells."""
    found = _revision.decode(raw)
    return Revision(*(getattr(found, name) for name in Revision._fields))
