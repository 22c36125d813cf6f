"""One flow in the stream: what it was told, the revision of its facts, and when its state shrinks. No Beam, no clock.

A flow's items are a set: deliveries join it, and deliveries that the search gave to a surer flow leave it. For each
delivery the surest item counts (`transforms.stream_codec.Value`), so the order in which items arrive changes nothing,
and neither does an item that comes twice. What remains is reduced and projected as the batch job does it.

    open ── quiet after an outcome, or after the deadline ──> closed ── grace ──> tombstone ──> nothing
     ^──────────────────── something arrives, state read back ─────────────────────┘

Times are microseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import msgspec

from schemas.tables import BY_NAME
from schemas.vocabulary import QUIET_SECONDS, SEARCH_DAYS, Outcome
from transforms.columns import event_cells, row_cells, sort_rows
from transforms.event import Event
from transforms.identity import distinct
from transforms.project import project_flow
from transforms.resolve import UNRESOLVED, settle
from transforms.rows import SECOND, Rows, Settings
from transforms.stream_codec import Item, Place, StateVersionError, decode_item, encode_item
from transforms.update import FLOW_RELATION, RELATIONS, deadlines_of

DAY = 86_400 * SECOND
STATE_VERSION = 1


class Phase(IntEnum):
    """Where a flow stands in the life of its state."""

    OPEN = 0
    CLOSED = 1
    TOMBSTONE = 2


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
    """

    deadlines: dict[str, int]
    flush_after: int = 30 * SECOND
    quiet: int = QUIET_SECONDS * SECOND
    search_for: int = SEARCH_DAYS * DAY
    grace: int = 3_600 * SECOND
    tombstone_for: int = 30 * DAY
    max_items: int = 20_000


class Meta(msgspec.Struct, array_like=True, gc=False):
    """What is kept of a flow besides its items.

    Attributes:
        version: of this record.
        phase: where its state stands.
        revision: newest revision that was given out, 0 for none.
        items, bytes: how much is kept.
        overflow: deliveries that did not fit.
        dirty_at: first change since the last revision; None without one.
        touched_at: last arrival.
        wake_at: when something is to be done without an arrival.
        shown_until: instant until which the newest revision holds without an arrival: the flow's deadline.
    """

    version: int = STATE_VERSION
    phase: Phase = Phase.OPEN
    revision: int = 0
    items: int = 0
    bytes: int = 0
    overflow: int = 0
    dirty_at: int | None = None
    touched_at: int = 0
    wake_at: int | None = None
    shown_until: int | None = None


class Revision(NamedTuple):
    """All rows of one flow at one instant; they replace those of every smaller revision, as a set.

    Attributes:
        flow: order, inbound, stow or none.
        key: flow id, or a gathering key.
        revision: grows with every revision of a flow; microseconds of its making, made unique.
        as_of: instant of the facts.
        outcome: of the flow; None where it has none.
        event_count: distinct events; 0 when the flow has gone.
        duplicates: deliveries that are no event of their own.
        overflow: deliveries that did not fit.
        bytes: size of what is kept of the flow.
        waited: microseconds from the first change to this revision.
        rows: cells by relation, in the contract's column order; `flow_event` among them.
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
    settings = Settings(as_of, life.deadlines)
    found = Rows()
    outcome: str | None = None
    due: int | None = None
    if flow != "none":
        project_flow(key, reduced.events, settings, found)
        if not key.startswith(UNRESOLVED):
            outcome = getattr(found, FLOW_RELATION[flow])[-1]["outcome"]
            last = max(e.recorded_at for e in reduced.events)
            due = deadlines_of(flow, outcome, reduced.events, last, settings)[0]
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
    if relation == "flow_interval":
        return [tuple(row) for row in rows]
    return [row_cells(relation, row) for row in sort_rows(BY_NAME[relation], rows)]


class Change(NamedTuple):
    """What is to be done with a flow after something has happened to it.

    Attributes:
        revision: facts to give out.
        items: items to keep in the place of those that are kept; None to leave them as they are.
        closed: items of a flow that has closed, to be kept outside the state.
        gone: nothing is left; all state of the flow can be cleared.
    """

    revision: Revision | None = None
    items: list[Item] | None = None
    closed: list[Item] | None = None
    gone: bool = False


def arrive(meta: Meta, size: int, now: int, life: Life, *, joins: bool) -> bool:
    """Note that an item has arrived; says whether there is room for it.

    Args:
        meta: of the flow, changed in place; its events must be in the state (`read_back` when they are not).
        size: of the encoded item, in bytes.
        now: the time.
        life: how long things last.
        joins: whether a delivery joins; that one leaves is always noted.
    """
    meta.phase = Phase.OPEN
    meta.touched_at = now
    if meta.dirty_at is None:
        meta.dirty_at = now
    if joins and meta.items >= life.max_items:
        meta.overflow += 1
        return False
    meta.items += 1
    meta.bytes += size
    return True


def read_back(meta: Meta, known: list[bytes], revision: int) -> None:
    """Note that items of a closed flow were read back into the state."""
    meta.items += len(known)
    meta.bytes += sum(map(len, known))
    meta.revision = max(meta.revision, revision)


def flush(flow: str, key: str, meta: Meta, items: Iterable[Item], life: Life, now: int, as_of: int) -> Change:
    """Give out a revision, and decide when the flow wakes without an arrival.

    Args:
        flow: of the key.
        key: flow id, or a gathering key.
        meta: of the flow, changed in place.
        items: all that are kept.
        life: how long things last.
        now: the time.
        as_of: instant of the facts.
    """
    meta.revision = max(meta.revision + 1, now)
    waited = max(0, now - meta.dirty_at) if meta.dirty_at is not None else 0
    meta.dirty_at = None
    revision, kept, due = project(flow, key, items, life, as_of, meta.revision, meta.overflow)
    meta.shown_until = due if due is not None and due > now else None
    if revision.outcome == Outcome.OPEN and meta.shown_until is not None:
        meta.wake_at = meta.shown_until
    else:
        meta.wake_at = max(meta.touched_at, now) + (life.search_for if key.startswith(UNRESOLVED) else life.quiet)
    changed = len(kept) != meta.items
    if changed:
        meta.items, meta.bytes = len(kept), sum(len(encode_item(i)) for i in kept)
    return Change(revision._replace(bytes=meta.bytes, waited=waited), kept if changed else None)


def wake(flow: str, key: str, meta: Meta, items: Iterable[Item], life: Life, now: int, as_of: int) -> Change:
    """Do what is due without an arrival; arguments as for `flush`. `meta.wake_at` says when to come again."""
    if meta.wake_at is None or now < meta.wake_at:
        return Change()
    if meta.phase is Phase.OPEN:
        if meta.shown_until is not None:
            return flush(flow, key, meta, items, life, now, as_of)
        if meta.dirty_at is not None:  # a revision is under way, and decides anew
            return Change()
        meta.phase, meta.wake_at = Phase.CLOSED, now + life.grace
        _, kept = remaining(items, flow, key)
        return Change(closed=kept)
    if meta.phase is Phase.CLOSED:
        meta.phase, meta.wake_at = Phase.TOMBSTONE, now + life.tombstone_for
        meta.items = meta.bytes = 0
        return Change(items=[])
    return Change(gone=True)


_encode = msgspec.msgpack.Encoder().encode
_meta = msgspec.msgpack.Decoder(Meta)
_closed = msgspec.msgpack.Decoder(tuple[int, int, list[bytes]])


def encode_meta(meta: Meta) -> bytes:
    """Encode what is kept besides the items."""
    return _encode(meta)


def decode_meta(raw: bytes) -> Meta:
    """Decode what `encode_meta` made.

    Raises:
        StateVersionError: another version has written it.
    """
    found = _meta.decode(raw)
    if found.version != STATE_VERSION:
        raise StateVersionError(f"state of a flow has the version {found.version}, expected {STATE_VERSION}")
    return found


def pack_closed(meta: Meta, items: Iterable[Item]) -> bytes:
    """Encode a closed flow, to be kept outside the state."""
    return _encode((STATE_VERSION, meta.revision, [encode_item(i) for i in items]))


def unpack_closed(raw: bytes) -> tuple[int, list[bytes]]:
    """Give the newest revision and the encoded items of a closed flow.

    Raises:
        StateVersionError: another version has written it.
    """
    version, revision, items = _closed.decode(raw)
    if version != STATE_VERSION:
        raise StateVersionError(f"a closed flow has the version {version}, expected {STATE_VERSION}")
    for item in items:
        decode_item(item)
    return revision, items


_revision = msgspec.msgpack.Decoder(
    tuple[str, str, int, int, str | None, int, int, int, int, int, dict[str, list[Any]]]
)


def encode_revision(revision: Revision) -> bytes:
    """Encode a revision for a shuffle or a sink's buffer."""
    return _encode(tuple(revision))


def decode_revision(raw: bytes | memoryview) -> Revision:
    """Decode what `encode_revision` made; rows are lists of cells."""
    return Revision(*_revision.decode(raw))
