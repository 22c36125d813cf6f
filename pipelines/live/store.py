"""Parts and manifest of the live half: content-named Parquet files that a manifest makes visible.

    OUTPUT/live/manifest-00-of-01.json     one for each shard of the sink, which alone writes it
    OUTPUT/live/<dataset>/<digest>.parquet

Writing the same rows twice gives the same file, or rows that agree in everything with rows that are there, of which a
reader takes one. Nothing is found by listing a folder. Small files are merged, and rows of revisions that a newer one
has replaced are left out then; merged files stay for a while, for readers that still hold the older manifest.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
from apache_beam.io.filesystems import FileSystems

from pipelines.datasets import Part, delete_files, read_bytes, write_bytes, write_part
from pipelines.live.tables import CLOSED_FLOW, EVENT_LOG, FLOW_REVISION, KEYS, RAW
from pipelines.state import read_table

FOLDER = "live"
FORMAT_VERSION = 1

MERGE_AT = 24
"""Number of small files of a dataset from which they are merged."""

SMALL_BYTES = 8 << 20
KEEP_GONE_SECONDS = 900.0
_KEY_NAMES = [name for name, _ in KEYS]


class LiveFormatError(Exception):
    """The live half can't be read or written; the message says why."""


@dataclass(slots=True)
class Manifest:
    """What one shard has published.

    Attributes:
        generation: number of publications.
        parts: visible parts.
        gone: parts that were merged into others, with the time (seconds since the epoch).
    """

    generation: int = 0
    parts: list[Part] = field(default_factory=list)
    gone: list[tuple[str, float]] = field(default_factory=list)


def manifest_path(output: str, shard: int, shards: int) -> str:
    """Give the path of a shard's manifest."""
    return f"{output.rstrip('/')}/{FOLDER}/manifest-{shard:02d}-of-{shards:02d}.json"


def read_shard(output: str, shard: int, shards: int) -> Manifest:
    """Read what a shard has published; empty before its first publication.

    Raises:
        LiveFormatError: another version has written it.
    """
    path = manifest_path(output, shard, shards)
    if not FileSystems.exists(path):
        return Manifest()
    told = json.loads(read_bytes(path))
    if told["format_version"] != FORMAT_VERSION:
        raise LiveFormatError(f"{path} has the format {told['format_version']}, expected {FORMAT_VERSION}")
    return Manifest(told["generation"], [Part(**p) for p in told["parts"]], [(p, t) for p, t in told["gone"]])


def shards_of(output: str) -> int | None:
    """Give the number of shards of an output; None when there is no live half."""
    path = f"{output.rstrip('/')}/{FOLDER}/{FOLDER}.json"
    return int(json.loads(read_bytes(path))["shards"]) if FileSystems.exists(path) else None


def prepare(output: str, shards: int) -> None:
    """Note the number of shards before the first publication.

    Raises:
        LiveFormatError: the output has a live half with another number of shards.
    """
    known = shards_of(output)
    if known is not None and known != shards:
        raise LiveFormatError(f"{output}/{FOLDER} has {known} shards, expected {shards}; name that number")
    if known is None:
        path = f"{output.rstrip('/')}/{FOLDER}/{FOLDER}.json"
        write_bytes(path, json.dumps({"format_version": FORMAT_VERSION, "shards": shards}).encode())


def live_parts(output: str) -> dict[str, list[Part]]:
    """List the visible parts of all shards by dataset."""
    found: dict[str, list[Part]] = {}
    shards = shards_of(output) or 0
    for shard in range(shards):
        for part in read_shard(output, shard, shards).parts:
            found.setdefault(part.relation, []).append(part)
    return found


def publish(
    output: str,
    shard: int,
    shards: int,
    tables: dict[str, pa.Table],
    *,
    merge_at: int = MERGE_AT,
    before: Callable[[int], None] | None = None,
    tidy: Callable[[Manifest], list[Part]] | None = None,
) -> Manifest:
    """Write tables as parts and make them visible together; also merges what has become many small files.

    Only one caller at a time may publish a shard, which the key of the sink's state gives. `before` is called with the
    number of the publication when its parts are written and not yet visible. `tidy` may take parts out of the manifest;
    those that it gives are deleted once nobody can see them.
    """
    manifest = read_shard(output, shard, shards)
    known = {p.path for p in manifest.parts}
    raw_path: str | None = None
    for dataset in sorted(tables, key=lambda name: name != RAW):  # the raw bytes first: dead letters name their file
        table = tables[dataset]
        if dataset == "dead_letter" and raw_path is not None:
            at = table.schema.get_field_index("raw_path")
            table = table.set_column(at, table.schema.field(at), pa.array([raw_path] * table.num_rows, pa.string()))
        part = write(output, dataset, shard, table)
        raw_path = part.path if dataset == RAW else raw_path
        if part.path not in known:
            manifest.parts.append(part)
    _merge(output, shard, manifest, merge_at)
    expired = tidy(manifest) if tidy is not None else []
    manifest.generation += 1
    late = time.time() - KEEP_GONE_SECONDS
    dropped = [p for p, t in manifest.gone if t < late]
    manifest.gone = [(p, t) for p, t in manifest.gone if t >= late]
    if before is not None:
        before(manifest.generation)
    write_shard(output, shard, shards, manifest)
    delete_files([f"{output.rstrip('/')}/{p}" for p in (*dropped, *(p.path for p in expired))])
    return manifest


def write_shard(output: str, shard: int, shards: int, manifest: Manifest) -> None:
    """Make what a manifest names visible."""
    told: dict[str, Any] = {"format_version": FORMAT_VERSION, **asdict(manifest)}
    write_bytes(manifest_path(output, shard, shards), json.dumps(told).encode())


def mark_pruned(output: str, settled: str, until: str) -> None:
    """Note, before anything is dropped, on whose word: readers must look there from now on.

    Args:
        output: output folder.
        settled: output of the batch job.
        until: newest day that counts as closed.
    """
    before = pruned(output)
    until = max(until, before["until"]) if before is not None else until
    told = {"format_version": FORMAT_VERSION, "settled": settled, "until": until}
    if before != told:
        write_bytes(_pruned_path(output), json.dumps(told).encode())


def pruned(output: str) -> dict[str, Any] | None:
    """Give what `mark_pruned` has noted; None where nothing was ever dropped."""
    path = _pruned_path(output)
    found: dict[str, Any] | None = json.loads(read_bytes(path)) if FileSystems.exists(path) else None
    return found


def _pruned_path(output: str) -> str:
    return f"{output.rstrip('/')}/{FOLDER}/pruned.json"


def write(output: str, dataset: str, shard: int, table: pa.Table) -> Part:
    """Write a part; a manifest must name it to make it visible."""
    return write_part(output, dataset, f"s{shard:02d}", table, folder=FOLDER, bucket=shard)


def _merge(output: str, shard: int, manifest: Manifest, merge_at: int) -> None:
    """Merge the small parts of every dataset that has many."""
    by_dataset: dict[str, list[Part]] = {}
    for part in manifest.parts:
        if part.bytes < SMALL_BYTES:
            by_dataset.setdefault(part.relation, []).append(part)
    newest: pa.Table | None = None
    for dataset, parts in sorted(by_dataset.items()):
        if len(parts) < merge_at or dataset == RAW:  # dead letters name the file of their raw bytes
            continue
        table = pa.concat_tables([read_table(output, p) for p in parts])
        if dataset == CLOSED_FLOW:
            table = current(table, newest_of([table]))
        elif dataset not in (EVENT_LOG, "dead_letter"):
            if newest is None:
                indexes = [p for p in manifest.parts if p.relation == FLOW_REVISION]
                newest = newest_of([read_table(output, p, _KEY_NAMES) for p in indexes])
            table = current(table, newest)
        paths = {p.path for p in parts}
        manifest.parts = [p for p in manifest.parts if p.path not in paths]
        merged = []
        if table.num_rows:
            merged = [write(output, dataset, shard, table)]
        manifest.parts += merged
        manifest.gone += [(p, time.time()) for p in sorted(paths - {m.path for m in merged})]


def newest_of(tables: list[pa.Table]) -> pa.Table:
    """Give the newest revision of every flow, from tables with the columns of `KEYS`."""
    rows = pa.concat_tables([t.select(_KEY_NAMES) for t in tables])
    found = rows.group_by(_KEY_NAMES[:2]).aggregate([("live_revision", "max")])
    return found.select([*_KEY_NAMES[:2], "live_revision_max"]).rename_columns(_KEY_NAMES)


def current(table: pa.Table, newest: pa.Table) -> pa.Table:
    """Give the rows of the newest revisions, each once."""
    wanted = set(zip(*(newest.column(n).to_pylist() for n in _KEY_NAMES), strict=True))
    names = [*_KEY_NAMES, "live_row"] if "live_row" in table.column_names else _KEY_NAMES
    seen: set[tuple[Any, ...]] = set()
    mask = []
    for row in zip(*(table.column(n).to_pylist() for n in names), strict=True):
        stays = row[:3] in wanted and row not in seen
        seen.add(row)
        mask.append(stays)
    return table if all(mask) else table.filter(pa.array(mask, pa.bool_()))
