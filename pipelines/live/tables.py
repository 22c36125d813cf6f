"""What the stream's sink writes: revisions, closed flows, logged events and dead letters as Arrow tables.

Every row of a relation has four columns more than the contract names: which flow it is of, the revision, and its place
among the rows of that revision. The rows of a flow are replaced as a set: only those of its newest revision count, and
`flow_revision`, with a row for every revision, says which that is (a revision without rows takes a flow away).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pyarrow as pa

from schemas.derive import arrow_schema
from schemas.tables import BY_NAME
from schemas.vocabulary import Reason
from transforms.columns import to_table
from transforms.event import Event, Rejection, decode_block
from transforms.event_log import LOG_SCHEMA, log_tables
from transforms.links import hash64
from transforms.stream_flows import unpack_closed
from transforms.stream_revision import Revision, decode_revision

REVISION, LOGGED, SHUT, DEAD, NOTHING = b"R", b"L", b"C", b"D", b"N"
"""First byte of an element for the sink."""

FLOW_REVISION, CLOSED_FLOW, EVENT_LOG, RAW = "flow_revision", "closed_flow", "event_log", "dead_letter_raw"

KEYS = [("live_flow", pa.string()), ("live_key", pa.string()), ("live_revision", pa.int64())]

REVISION_SCHEMA = pa.schema(
    [
        *KEYS,
        ("as_of", pa.timestamp("us", "UTC")),
        ("outcome", pa.string()),
        ("event_count", pa.int64()),
        ("duplicates", pa.int64()),
        ("overflow", pa.int64()),
    ]
)
CLOSED_SCHEMA = pa.schema([("key_hash", pa.int64()), *KEYS, ("packed", pa.binary())])
RAW_SCHEMA = pa.schema([("source", pa.string()), ("raw", pa.binary())])

_dead = msgspec.msgpack.Decoder(tuple[str, str, str, int | None, bytes])
_closed = msgspec.msgpack.Decoder(tuple[str, str, bytes])
_encode = msgspec.msgpack.Encoder().encode


def logged(block: bytes) -> bytes:
    """Make the element of a block of events."""
    return LOGGED + block


def revised(revision: bytes) -> bytes:
    """Make the element of an encoded revision."""
    return REVISION + revision


def shut(flow: str, key: str, packed: bytes) -> bytes:
    """Make the element of a closed flow."""
    return SHUT + _encode((flow, key, packed))


def dead(rejection: Rejection, raw: bytes) -> bytes:
    """Make the element of a rejected message."""
    return DEAD + _encode((rejection.reason, rejection.detail, rejection.source, rejection.recorded_at, raw))


def live_schema(relation: str) -> pa.Schema:
    """Give the schema of a live relation."""
    technical = [pa.field(name, kind) for name, kind in (*KEYS, ("live_row", pa.int32()))]
    return pa.schema([*technical, *arrow_schema(BY_NAME[relation])])


def nothing(message_id: str) -> bytes:
    """Make the element of a message without an event."""
    return NOTHING + message_id.encode()


@dataclass(slots=True)
class Batch:
    """Elements of one publication, sorted by what they are."""

    revisions: list[Revision] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    closed: list[tuple[str, str, bytes]] = field(default_factory=list)
    dead: list[tuple[str, str, str, int | None, bytes]] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)

    def messages(self) -> set[str]:
        """Give the ids of the messages whose events are in the batch, so that they are durable once it is."""
        sources = {e.source for e in self.events} | {d[2] for d in self.dead}
        return {s.rsplit(":", 1)[-1] for s in sources} | set(self.empty)

    def add(self, element: bytes) -> None:
        """Take one element."""
        tag, body = element[:1], memoryview(element)[1:]
        if tag == REVISION:
            self.revisions.append(decode_revision(body))
        elif tag == LOGGED:
            self.events += decode_block(body)
        elif tag == SHUT:
            self.closed.append(_closed.decode(body))
        elif tag == NOTHING:
            self.empty.append(bytes(body).decode())
        else:
            self.dead.append(_dead.decode(body))

    def tables(self, run_id: str) -> dict[str, pa.Table]:
        """Build the tables; a revision that does not fit its relation becomes a dead letter, the others go on."""
        newest: dict[tuple[str, str], Revision] = {}
        for revision in self.revisions:  # of several revisions of one flow, only the newest would ever be read
            known = newest.get((revision.flow, revision.key))
            if known is None or revision.revision > known.revision:
                newest[revision.flow, revision.key] = revision
        try:
            found = _revision_tables(newest.values())
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            found = _revision_tables(self._fitting(newest.values()))
        for _, table in log_tables([e for e in self.events if _named(e)], [e for e in self.events if not _named(e)]):
            found[EVENT_LOG] = pa.concat_tables([found[EVENT_LOG], table]) if EVENT_LOG in found else table
        if self.closed:
            found[CLOSED_FLOW] = _columns(
                CLOSED_SCHEMA, [(hash64(f, k), f, k, unpack_closed(p)[0], p) for f, k, p in self.closed]
            )
        if self.dead:
            rows = [
                {"reason": reason, "detail": detail, "source": source, "recorded_at": at, "run_id": run_id,
                 "raw_path": None, "raw_index": i}
                for i, (reason, detail, source, at, _) in enumerate(self.dead)
            ]  # fmt: skip
            found[RAW] = _columns(RAW_SCHEMA, [(d[2], d[4]) for d in self.dead])
            found["dead_letter"] = to_table("dead_letter", rows)
        return found

    def refuse(self, refused: Iterable[tuple[str, str]]) -> None:
        """Note revisions that a further sink has refused, as `(flow key, why)`."""
        self.dead += [(Reason.SINK_REFUSED, why, key, None, b"") for key, why in refused]

    def _fitting(self, revisions: Iterable[Revision]) -> list[Revision]:
        fitting = []
        for revision in revisions:
            try:
                _revision_tables([revision])
            except (pa.ArrowException, TypeError, ValueError, OverflowError) as err:
                detail = f"a row of the {revision.flow} flow does not fit its relation: {type(err).__name__}"
                letter = (Reason.SINK_REFUSED.value, detail, revision.key, None, b"")
                if letter not in self.dead:  # tables are built again when another sink has refused something
                    self.dead.append(letter)
                continue
            fitting.append(revision)
        return fitting


def _named(event: Event) -> bool:
    return event.flow_id is not None or event.flow == "none"


def _columns(schema: pa.Schema, rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True)
    arrays = [
        pa.array(c, pa.int64()).cast(f.type) if pa.types.is_timestamp(f.type) else pa.array(c, f.type)
        for c, f in zip(columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _revision_tables(revisions: Iterable[Revision]) -> dict[str, pa.Table]:
    cells: dict[str, list[tuple[Any, ...]]] = {}
    places: dict[str, list[tuple[str, str, int, int]]] = {}
    index: list[tuple[Any, ...]] = []
    for r in revisions:
        index.append((r.flow, r.key, r.revision, r.as_of, r.outcome, r.event_count, r.duplicates, r.overflow))
        for relation, rows in r.rows.items():
            cells.setdefault(relation, []).extend(tuple(row) for row in rows)
            places.setdefault(relation, []).extend((r.flow, r.key, r.revision, i) for i in range(len(rows)))
    found = {FLOW_REVISION: _columns(REVISION_SCHEMA, index)} if index else {}
    for relation, rows in cells.items():
        schema = live_schema(relation)
        technical = [pa.array(c, f.type) for c, f in zip(zip(*places[relation], strict=True), schema, strict=False)]
        found[relation] = pa.Table.from_arrays([*technical, *to_table(relation, rows).columns], schema=schema)
    return found


def schema_of(relation: str) -> pa.Schema:
    """Give the schema of any dataset of the live half."""
    own = {FLOW_REVISION: REVISION_SCHEMA, CLOSED_FLOW: CLOSED_SCHEMA, EVENT_LOG: LOG_SCHEMA, RAW: RAW_SCHEMA}
    if relation in own:
        return own[relation]
    return arrow_schema(BY_NAME[relation]) if relation == "dead_letter" else live_schema(relation)
