"""The event log: every accepted delivery as a row of a compact table, from which all facts can be computed again.

A row is the row of `flow_event` and what a projection needs besides: the facts of the event, whether it names its
flow itself, and, outside the flows, the hashes under which a repeat is found. The facts are encoded by position;
the names of the positions are in the metadata of the table, so that a log written by another version can be read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from schemas.catalogue import Fact, Kind
from schemas.derive import arrow_schema
from schemas.tables import BY_NAME, TABLES
from transforms.clock import to_datetime
from transforms.columns import to_table
from transforms.event import FACTS, MODELS, Event, Facts, encoder, field_order
from transforms.identity import identity
from transforms.links import hash64

_LAYOUT_KEY = b"flowfacts.facts"


def _names(facts: tuple[Fact, ...]) -> list[Any]:
    return [[f.name, [g.name for g in f.fields]] if f.kind is Kind.RECORDS else f.name for f in facts]


LAYOUT: dict[str, list[Any]] = {name: _names(field_order(model.facts)) for name, model in sorted(MODELS.items())}
"""Names of the encoded facts by model; a list of records carries the names of its fields."""

_LAYOUT_TEXT = json.dumps(LAYOUT, separators=(",", ":")).encode()

_SCHEMAS = ",".join(f"{t.name}:{c.name}:{c.type}" for t in TABLES for c in t.columns)

STATE_VERSION = f"3-{hash64(_LAYOUT_TEXT.decode(), ','.join(Event.__struct_fields__), _SCHEMAS) & 0xFFFFFFFF:08x}"
"""Version of the state: of encoded events, and of the relations whose rows it copies; a state of another version is
made again from the event log."""

LOG_SCHEMA = pa.schema(
    [
        *arrow_schema(BY_NAME["flow_event"]),
        pa.field("named", pa.bool_()),
        pa.field("facts", pa.binary()),
        pa.field("id_hash", pa.int64()),
        pa.field("same_hash", pa.int64()),
    ],
    metadata={_LAYOUT_KEY: _LAYOUT_TEXT},
)
"""`named`: the event names its flow itself; `id_hash`, `same_hash`: of events outside the flows."""

_COLUMNS = {
    "name": "event_name", "version": "entity_version", "basis": "time_basis", "facility": "facility_ref",
}  # fmt: skip
_FIELDS = [_COLUMNS.get(f, f) for f in Event.__struct_fields__ if f != "facts"]
"""Columns of `flow_event` that an event is made of, in the order of its fields; where the names differ, by hand."""


class LogLayoutError(Exception):
    """A log can't be read; the message says what it holds that is not known."""


def day_of(event: Event) -> str:
    """Give the day under which a delivery is logged: its day folder, else the UTC day of its recorded time."""
    source = event.source
    if source[4:5] == "-" and source[10:11] == "/" and source[:4].isdigit():
        return source[:10]
    return to_datetime(event.recorded_at).date().isoformat()


def outside_hashes(event: Event) -> tuple[int, int]:
    """Give the hashes of an event outside the flows: of its envelope id, and of what repeats of it share."""
    same = identity(event)
    return hash64(event.event_id), hash64(encoder.encode(same).hex())


INDEX_SCHEMA = pa.schema(
    [("id_hash", pa.int64()), ("same_hash", pa.int64()), ("place_hash", pa.int64()), ("day", pa.string())]
)
"""Where the log has the deliveries outside the flows: their hashes, that of their place, and their day in the log."""


def place_hash(event: Event) -> int:
    """Give the hash of a delivery: its envelope id and its source."""
    return hash64(event.event_id, event.source)


def index_table(events: Sequence[Event]) -> pa.Table:
    """Build the index of some deliveries outside the flows."""
    rows = [(*outside_hashes(e), place_hash(e), day_of(e)) for e in events]
    columns: list[Any] = list(zip(*rows, strict=True)) if rows else [[] for _ in INDEX_SCHEMA]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, INDEX_SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=INDEX_SCHEMA)


def log_tables(named: Sequence[Event], found: Sequence[Event]) -> list[tuple[str, pa.Table]]:
    """Build the log of some deliveries, by day, each sorted by flow so that it compresses well.

    Args:
        named: deliveries that name their flow or are outside the flows.
        found: deliveries whose flow was searched.
    """
    by_day: dict[str, tuple[list[Event], list[bool]]] = {}
    for events, names in ((named, True), (found, False)):
        day = ""
        group: tuple[list[Event], list[bool]] = ([], [])
        prefix = "\0"
        for event in events:
            if not event.source.startswith(prefix):  # deliveries of one file stand together
                day = day_of(event)
                prefix = event.source[:11] if event.source.startswith(f"{day}/") else "\0"
                group = by_day.setdefault(day, ([], []))
            group[0].append(event)
            group[1].append(names)
    return [(day, _log_table(*by_day[day])) for day in sorted(by_day)]


def _log_table(events: list[Event], named: list[bool]) -> pa.Table:
    ids: list[int | None] = []
    sames: list[int | None] = []
    for event in events:
        first, second = outside_hashes(event) if event.flow == "none" else (None, None)
        ids.append(first)
        sames.append(second)
    encode = encoder.encode
    columns = [
        *to_table("flow_event", events).columns,
        pa.array(named, pa.bool_()),
        pa.array([None if e.facts is None else encode(e.facts) for e in events], pa.binary()),
        pa.array(ids, pa.int64()),
        pa.array(sames, pa.int64()),
    ]
    table = pa.Table.from_arrays(columns, schema=LOG_SCHEMA)
    return table.sort_by([("flow", "ascending"), ("flow_id", "ascending"), ("recorded_at", "ascending")])


_decoder = msgspec.msgpack.Decoder(Facts)
_plain = msgspec.msgpack.Decoder(list[Any])


def events_in(table: pa.Table) -> list[Event]:
    """Read deliveries from rows of the log; those that do not name their flow have none.

    Raises:
        LogLayoutError: the log holds facts of a model that this version does not know.
    """
    layout = json.loads((table.schema.metadata or {}).get(_LAYOUT_KEY, b"{}"))
    decode = _decoder.decode if layout == LAYOUT else facts_translator(layout)
    columns = [_values(table, name) for name in _FIELDS]
    named, facts = table.column("named").to_pylist(), table.column("facts").to_pylist()
    found: list[Event] = []
    for values, own, raw in zip(zip(*columns, strict=True), named, facts, strict=True):
        fields: list[Any] = [*values, None if raw is None else decode(raw)]
        event = Event(*fields)
        if not own:
            event.flow_id = None
        found.append(event)
    return found


def _values(table: pa.Table, name: str) -> list[Any]:
    """Give the values of a column, times as microseconds; a column that an older log lacks is unknown."""
    if name not in table.column_names:
        return [None] * table.num_rows
    column = table.column(name)
    values: list[Any] = (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
    return values


def scrub_facts(raw: bytes, replace: Callable[[Any], Any]) -> bytes:
    """Replace values in encoded facts, whatever version wrote them."""
    tag, *values = _plain.decode(raw)
    return encoder.encode([tag, *(replace(v) for v in values)])


def facts_translator(layout: dict[str, list[Any]]) -> Any:
    """Make a decoder for facts that another version has encoded: by name, what is missing is unknown."""

    def decode(raw: bytes) -> Any:
        tag, *values = _plain.decode(raw)
        if tag not in layout or tag not in FACTS:
            raise LogLayoutError(
                f"the event log holds facts of the model {tag!r}, which this version does not know; expected one of "
                f"{', '.join(sorted(FACTS))}; use the version that wrote it, or read the raw files again"
            )
        given = dict(zip((n if isinstance(n, str) else n[0] for n in layout[tag]), values, strict=False))
        inner = {n[0]: n[1] for n in layout[tag] if not isinstance(n, str)}
        ordered: list[Any] = [tag]
        for name in LAYOUT[tag]:
            if isinstance(name, str):
                ordered.append(given.get(name))
                continue
            records = given.get(name[0])
            fields = inner.get(name[0], [])
            ordered.append(
                None
                if records is None
                else [[dict(zip(fields, r, strict=False)).get(field) for field in name[1]] for r in records]
            )
        return msgspec.convert(ordered, Facts)

    return decode
