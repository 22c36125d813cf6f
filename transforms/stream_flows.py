"""One flow in the stream: what it was told, the revision of its facts, and when its state shrinks. No Beam, no clock.

What a flow was told is a set (`transforms.stream_revision`); here is when its facts are given out and what is kept.

    open ── quiet after an outcome, or after the deadline ──> closed ── grace ──> tombstone ──> nothing
     ^──────────────────── something arrives, state read back ─────────────────────┘

Times are microseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

import msgspec

from schemas.vocabulary import Outcome
from transforms.resolve import UNRESOLVED
from transforms.stream_codec import Item, StateVersionError, decode_item, encode_item
from transforms.stream_revision import Life, Revision, project, remaining

STATE_VERSION = 1


class Phase(IntEnum):
    """Where a flow stands in the life of its state."""

    OPEN = 0
    CLOSED = 1
    TOMBSTONE = 2


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
        duplicates: repeated deliveries so far.
        retained: how many of them are among the items that are kept.
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
    duplicates: int = 0
    retained: int = 0


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
    repeated = max(0, revision.duplicates - meta.retained)
    meta.duplicates += repeated
    meta.retained = max(0, sum(i.event is not None for i in kept) - revision.event_count)
    changed = len(kept) != meta.items
    if changed:
        meta.items, meta.bytes = len(kept), sum(len(encode_item(i)) for i in kept)
    told = revision._replace(bytes=meta.bytes, waited=waited, duplicates=meta.duplicates, repeated=repeated)
    return Change(told, kept if changed else None)


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
