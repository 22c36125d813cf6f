"""The files of an object-centric event log: JSON, and the relational form of the standard in SQLite."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from pipelines import ocel
from pipelines.doors import Door

FORMS = {".json": "json", ".jsonocel": "json", ".sqlite": "sqlite", ".db": "sqlite"}
"""Form of a file by the end of its name."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    events: int
    objects: int


def export(door: Door, to: Path, form: str) -> Written:
    """Write an event log; the file is there whole or not at all.

    Args:
        door: the warehouse.
        to: the file.
        form: json or sqlite.

    Raises:
        DoorError: the warehouse does not answer.
        OSError: the file can't be written.
    """
    fresh = to.with_name(f".{to.name}.writing")
    fresh.unlink(missing_ok=True)
    try:
        if form == "json":
            with fresh.open("w", encoding="utf-8") as file:
                written = _json(door, file)
        else:
            written = _sqlite(door, fresh)
        os.replace(fresh, to)
    finally:
        fresh.unlink(missing_ok=True)
    return written


def _json(door: Door, file: TextIO) -> Written:
    attributes = [{"name": n, "type": t} for n, t in ocel.EVENT_ATTRIBUTES]
    kinds = [{"name": name, "attributes": attributes} for name in ocel.event_types(door)]
    objects = [
        {"name": n, "attributes": [{"name": a, "type": t} for a, t in cs]} for n, cs in ocel.object_types(door).items()
    ]
    file.write(f'{{"eventTypes": {json.dumps(kinds)},\n"objectTypes": {json.dumps(objects)},\n"events": [\n')
    events = _items(file, ocel.events(door))
    file.write('],\n"objects": [\n')
    count = _items(file, ocel.objects(door))
    file.write("]}\n")
    return Written(events, count)


def _items(file: TextIO, items: Iterable[dict[str, Any]]) -> int:
    count = 0
    for count, item in enumerate(items, 1):
        file.write(("" if count == 1 else ",\n") + json.dumps(item, ensure_ascii=False, allow_nan=False))
    return count


_SQL_TYPES = {"string": "TEXT", "time": "TIMESTAMP", "float": "REAL", "integer": "INTEGER", "boolean": "BOOLEAN"}
_BATCH = 10_000
_TABLES = """
CREATE TABLE event_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
CREATE TABLE object_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
CREATE TABLE event (ocel_id TEXT PRIMARY KEY, ocel_type TEXT REFERENCES event_map_type (ocel_type));
CREATE TABLE object (ocel_id TEXT PRIMARY KEY, ocel_type TEXT REFERENCES object_map_type (ocel_type));
CREATE TABLE event_object (
  ocel_event_id TEXT REFERENCES event (ocel_id), ocel_object_id TEXT REFERENCES object (ocel_id), ocel_qualifier TEXT,
  PRIMARY KEY (ocel_event_id, ocel_object_id, ocel_qualifier));
CREATE TABLE object_object (
  ocel_source_id TEXT REFERENCES object (ocel_id), ocel_target_id TEXT REFERENCES object (ocel_id), ocel_qualifier TEXT,
  PRIMARY KEY (ocel_source_id, ocel_target_id, ocel_qualifier));
"""


def _sqlite(door: Door, file: Path) -> Written:
    event_types, object_types = ocel.event_types(door), ocel.object_types(door)
    with closing(sqlite3.connect(file)) as con:
        con.execute("PRAGMA journal_mode = OFF")
        con.execute("PRAGMA synchronous = OFF")
        con.executescript(_TABLES)
        for kind, names, fixed in (
            ("event", dict.fromkeys(event_types, ocel.EVENT_ATTRIBUTES), "ocel_time TIMESTAMP"),
            ("object", object_types, "ocel_time TIMESTAMP, ocel_changed_field TEXT"),
        ):
            con.executemany(f"INSERT INTO {kind}_map_type VALUES (?, ?)", [(n, n) for n in names])
            for name, attributes in names.items():
                columns = "".join(f', "{a}" {_SQL_TYPES[t]}' for a, t in attributes)
                con.execute(
                    f'CREATE TABLE "{kind}_{_plain(name)}" (ocel_id TEXT PRIMARY KEY REFERENCES {kind} (ocel_id), '
                    f"{fixed}{columns})"
                )
        events = _fill(con, "event", ocel.events(door), dict.fromkeys(event_types, ocel.EVENT_ATTRIBUTES))
        objects = _fill(con, "object", ocel.objects(door), object_types)
        con.commit()
    return Written(events, objects)


def _plain(name: str) -> str:
    """Check that a type is a plain name before it becomes the name of a table: unknown events are named by others."""
    return name.replace('"', '""')


def _fill(
    con: sqlite3.Connection, kind: str, items: Iterator[dict[str, Any]], types: dict[str, tuple[tuple[str, str], ...]]
) -> int:
    count = 0
    while batch := list(islice(items, _BATCH)):
        count += len(batch)
        con.executemany(f"INSERT INTO {kind} VALUES (?, ?)", [(i["id"], i["type"]) for i in batch])
        link = "event_object" if kind == "event" else "object_object"
        con.executemany(
            f"INSERT OR IGNORE INTO {link} VALUES (?, ?, ?)",
            [(i["id"], r["objectId"], r["qualifier"]) for i in batch for r in i.get("relationships", ())],
        )
        by_type: dict[str, list[list[Any]]] = {}
        for i in batch:
            values = {a["name"]: a["value"] for a in i.get("attributes", ())}
            fixed = [i["id"], i["time"]] if kind == "event" else [i["id"], ocel.EPOCH, None]
            by_type.setdefault(i["type"], []).append([*fixed, *(values.get(a) for a, _ in types[i["type"]])])
        for name, rows in by_type.items():
            marks = ", ".join("?" * len(rows[0]))
            con.executemany(f'INSERT INTO "{kind}_{_plain(name)}" VALUES ({marks})', rows)
    return count
