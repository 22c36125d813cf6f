"""A settled half by hand: what the stream looks up in the output of the batch job, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.books import day_rows, write_book
from pipelines.datasets import write_manifest, write_part
from pipelines.live.settled import Key
from pipelines.state import FLOW_STATE, INTERNAL, NODE_LINKS, OPEN, OUTSIDE_INDEX, SETTLED, UNRESOLVED_STATE
from transforms.event import Event, encode_block
from transforms.event_log import STATE_VERSION, index_table
from transforms.identity import distinct
from transforms.links import Link, hash64, link_table
from transforms.resolve import UNRESOLVED, settle
from transforms.update import STATE_SCHEMA


def exported(event: Event, day: str, number: int = 0) -> Event:
    """Give an event as the export of a day has it."""
    made = copy.copy(event)
    made.source = f"{day}/part-0.ndjson.gz:{number}"
    return made


def write_settled(
    output: Path,
    days: Mapping[str, bool],
    flows: Mapping[Key, list[Event]],
    links: Iterable[Link] = (),
    outside: Iterable[Event] = (),
    *,
    version: str = STATE_VERSION,
    finished_at: str = "2026-06-01T00:00:00Z",
) -> None:
    """Write it.

    Args:
        output: folder.
        days: day folders, and whether they are closed.
        flows: deliveries by flow; a gathering key for those without one.
        links: which flow entities belong to.
        outside: deliveries outside the flows.
        version: of the state.
        finished_at: when the run that wrote it has ended.
    """
    rows: dict[str, list[tuple[Any, ...]]] = {FLOW_STATE: [], UNRESOLVED_STATE: []}
    for (flow, key), given in flows.items():
        deliveries = [settle(copy.copy(e), key) for e in given]
        kept = encode_block(deliveries)
        times = [e.recorded_at for e in deliveries]
        name = UNRESOLVED_STATE if key.startswith(UNRESOLVED) else FLOW_STATE
        count = len(distinct(deliveries).events)
        rows[name].append((hash64(flow, key), flow, key, None, count, min(times), max(times), None, None, kept))
    base = str(output)
    parts = [
        write_part(base, name, "s", _state(found), folder="state", tier=OPEN if name == UNRESOLVED_STATE else SETTLED)
        for name, found in rows.items()
        if found
    ]
    parts.append(write_part(base, NODE_LINKS, "s", link_table(links), folder="state"))
    parts.append(write_part(base, OUTSIDE_INDEX, "s", index_table(list(outside)), folder="state"))
    answers = {day: None if closed else "it is the last one" for day, closed in days.items()}
    book = day_rows([], answers, {}, dict.fromkeys(days, "run-1"))
    parts.append(write_book(base, "day_book", book, lambda r: r["day"]))
    write_manifest(base, {"state_version": version, "run": {"finished_at": finished_at}}, parts, INTERNAL)


def _state(rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    arrays = [
        pa.array(c, pa.int64()).cast(f.type) if pa.types.is_timestamp(f.type) else pa.array(c, f.type)
        for c, f in zip(columns, STATE_SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=STATE_SCHEMA)
