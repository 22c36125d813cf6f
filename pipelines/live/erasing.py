"""Erasure in the live half: its tables, its dead letters, and what the stream must replace in what arrives later.

The stream must not run meanwhile: its memory holds the identifiers. A restart begins from the event log, which has
the pseudonyms then.

    OUTPUT/live/erased.json     what was erased, as the manifest of the settled half tells it
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.io.filesystems import FileSystems

from pipelines.datasets import Part, delete_files, read_bytes, read_manifest, write_bytes
from pipelines.live.store import FOLDER, Manifest, live_parts, read_shard, shards_of, write_shard
from pipelines.live.store import write as write_live
from pipelines.live.tables import CLOSED_FLOW, EVENT_LOG, RAW
from pipelines.scrubbing import columns_with, files_under, scrub_lines, scrub_table
from pipelines.state import read_table
from pipelines.subject import order_rows
from transforms.erasure import Erased, replace_identifiers
from transforms.event import Event
from transforms.event_log import events_in
from transforms.stream_codec import decode_item
from transforms.stream_flows import Meta, pack_closed, unpack_closed


def _erased_path(output: str) -> str:
    return f"{output.rstrip('/')}/{FOLDER}/erased.json"


def read_erased(output: str) -> tuple[Erased, ...]:
    """Read what was erased in a live half."""
    path = _erased_path(output)
    if not FileSystems.exists(path):
        return ()
    return msgspec.convert(json.loads(read_bytes(path)), tuple[Erased, ...])


def erased_of(settled: str) -> tuple[Erased, ...]:
    """Read what was erased in a settled half, so that what comes late for its flows does not bring it back."""
    manifest = read_manifest(settled)
    return msgspec.convert((manifest or {}).get("erased", []), tuple[Erased, ...])


def write_erased(output: str, erased: Iterable[Erased]) -> None:
    """Note what was erased, before it is replaced in the tables."""
    write_bytes(_erased_path(output), json.dumps(msgspec.to_builtins(list(erased)), indent=1).encode())


class Live:
    """The half that the stream has published (`pipelines.subject.Half`)."""

    def __init__(self, output: str) -> None:
        """Look below `output`."""
        self._output, self._parts = output, live_parts(output)

    def orders(self) -> Iterator[dict[str, Any]]:
        """Give what the orders are called, in any revision."""
        return order_rows(self._output, self._parts.get("order_flow", ()))

    def events(self, flows: Collection[str]) -> Iterator[tuple[Event, str]]:
        """Give the events of some flows: those that are logged, and those that a closed flow had from elsewhere."""
        wanted = pa.array(sorted(flows), pa.string())
        flow_of: dict[tuple[str, str], str] = {}
        for part in self._parts.get("flow_event", ()):
            rows = read_table(self._output, part, ["event_id", "source", "flow_id"])
            found = rows.filter(pc.is_in(rows.column("flow_id"), value_set=wanted)).to_pylist()
            flow_of |= {(r["event_id"], r["source"]): r["flow_id"] for r in found}
        for part in self._parts.get(EVENT_LOG, ()):
            for event in events_in(read_table(self._output, part)):
                flow = event.flow_id if event.flow_id in flows else flow_of.get((event.event_id, event.source))
                if flow is not None:
                    yield event, flow
        for part in self._parts.get(CLOSED_FLOW, ()):
            rows = read_table(self._output, part, ["live_key", "packed"])
            for row in rows.filter(pc.is_in(rows.column("live_key"), value_set=wanted)).to_pylist():
                items = map(decode_item, unpack_closed(row["packed"])[1])
                yield from ((item.event, row["live_key"]) for item in items if item.event is not None)


def scrub_live(output: str, pseudonyms: Mapping[str, str], needles: Iterable[str]) -> tuple[int, int]:
    """Replace identifiers in every table of the live half, and empty the raw dead letters that speak of the order.

    Args:
        output: output folder.
        pseudonyms: pseudonym by identifier.
        needles: what raw bytes of the order are known by.

    Returns:
        How many tables were written again, and how many dead letters were emptied.
    """
    wanted = sorted(needles)
    shards = shards_of(output) or 0
    written = emptied = 0
    named: set[str] = set()
    for shard in range(shards):
        manifest = read_shard(output, shard, shards)
        tables, letters = _scrub_shard(output, shard, manifest, pseudonyms, wanted)
        written, emptied = written + tables, emptied + letters
        if tables:
            manifest.generation += 1
            manifest.gone = []
            write_shard(output, shard, shards, manifest)
        named |= {p.path for p in manifest.parts}
    # What nobody names may hold identifiers, too: merged parts, and what a killed job had written.
    base = f"{output.rstrip('/')}/{FOLDER}"
    left = [p for n, p in files_under(base) if n.endswith((".parquet", ".partial")) and f"{FOLDER}/{n}" not in named]
    delete_files(left)
    return written, emptied


def _scrub_shard(
    output: str, shard: int, manifest: Manifest, pseudonyms: Mapping[str, str], needles: list[str]
) -> tuple[int, int]:
    """Write the parts of a shard again that hold something, and name them instead of the old ones."""
    emptied = 0
    moved: dict[str, str] = {}
    kept: list[Part] = []
    written = 0
    for part in sorted(manifest.parts, key=lambda p: p.relation != RAW):  # dead letters name the files of their bytes
        table = read_table(output, part)
        if part.relation == RAW:
            fresh, letters = _without_raw(table, needles)
            emptied += letters
        elif part.relation == CLOSED_FLOW:
            fresh = _scrub_closed(table, pseudonyms)
        else:
            fresh = scrub_table(table, pseudonyms) if pseudonyms else None
        if part.relation == "dead_letter" and moved:
            fresh = _renamed(table if fresh is None else fresh, moved) or fresh
        if fresh is None:
            kept.append(part)
            continue
        left = write_live(output, part.relation, shard, fresh)
        if part.relation == RAW:
            moved[part.path] = left.path
        kept.append(left)
        written += 1
    manifest.parts = kept
    return written, emptied


def _without_raw(table: pa.Table, needles: list[str]) -> tuple[pa.Table | None, int]:
    raw = table.column("raw").to_pylist()
    left = [b"" if value and scrub_lines(value, needles)[1] else value for value in raw]
    count = sum(a != b for a, b in zip(raw, left, strict=True))
    if not count:
        return None, 0
    at = table.schema.get_field_index("raw")
    return table.set_column(at, table.schema.field(at), pa.array(left, pa.binary())), count


def _renamed(table: pa.Table, moved: Mapping[str, str]) -> pa.Table | None:
    paths = table.column("raw_path").to_pylist()
    if not moved.keys() & set(paths):
        return None
    at = table.schema.get_field_index("raw_path")
    return table.set_column(at, table.schema.field(at), pa.array([moved.get(p, p) for p in paths], pa.string()))


def _scrub_closed(table: pa.Table, pseudonyms: Mapping[str, str]) -> pa.Table | None:
    if not columns_with(table, pseudonyms):
        return None
    fresh: list[bytes] = []
    for packed in table.column("packed").to_pylist():
        revision, items = unpack_closed(packed)
        found = [decode_item(item) for item in items]
        hit = replace_identifiers([i.event for i in found if i.event is not None], pseudonyms)
        fresh.append(pack_closed(Meta(revision=revision), found) if hit else packed)
    at = table.schema.get_field_index("packed")
    return table.set_column(at, table.schema.field(at), pa.array(fresh, pa.binary()))
