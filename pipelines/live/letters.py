"""Retention of the raw bytes of the stream's dead letters.

Each publication with dead letters has a file of their bytes, which their rows name. The file goes as a whole when the
newest of its messages is too old; the rows stay, and name no file any more. The sink does so while it publishes, since
it alone may write its manifest; `flowfacts expire` does it where no stream is at work.
"""

from __future__ import annotations

import time

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.datasets import Part, delete_files
from pipelines.live.store import Manifest, read_shard, shards_of, write, write_shard
from pipelines.live.tables import RAW
from pipelines.state import read_table


def old_letters(output: str, manifest: Manifest, before: int) -> list[Part]:
    """List the files of raw bytes of which every message came before an instant, in microseconds."""
    raw = [p for p in manifest.parts if p.relation == RAW]
    if not raw:
        return []
    newest: dict[str, int] = {}
    for part in manifest.parts:
        if part.relation == "dead_letter":
            table = read_table(output, part, ["raw_path", "recorded_at"])
            times = table.column("recorded_at").cast(pa.int64()).to_pylist()
            for path, at in zip(table.column("raw_path").to_pylist(), times, strict=True):
                if path is not None and at is not None:
                    newest[path] = max(newest.get(path, at), at)
    # One without any time has only rows that the sink refused, and those have no bytes.
    return [p for p in raw if newest.get(p.path, 0) < before]


def forget(output: str, shard: int, manifest: Manifest, old: list[Part]) -> None:
    """Take files of raw bytes out of a manifest, and out of the rows that name them; the caller writes it."""
    paths = {p.path for p in old}
    kept = [p for p in manifest.parts if p.path not in paths]
    for i, part in enumerate(kept):
        if part.relation != "dead_letter":
            continue
        table = read_table(output, part)
        gone = pc.is_in(table.column("raw_path"), value_set=pa.array(sorted(paths), pa.string()))
        if not pc.any(gone).as_py():
            continue
        for name in ("raw_path", "raw_index"):
            at = table.schema.get_field_index(name)
            kind = table.schema.field(at)
            table = table.set_column(at, kind, pc.if_else(gone, pa.scalar(None, kind.type), table.column(at)))
        kept[i] = write(output, "dead_letter", shard, table)
        manifest.gone.append((part.path, time.time()))
    manifest.parts = kept


def expire_letters(output: str, before: int, *, apply: bool) -> tuple[int, int]:
    """Drop the old raw bytes of a live half that no stream works on; gives files and bytes, and changes nothing else.

    Args:
        output: output folder.
        before: instant, in microseconds.
        apply: delete; only count otherwise.
    """
    shards = shards_of(output) or 0
    files = size = 0
    for shard in range(shards):
        manifest = read_shard(output, shard, shards)
        old = old_letters(output, manifest, before)
        files, size = files + len(old), size + sum(p.bytes for p in old)
        if old and apply:
            forget(output, shard, manifest, old)
            manifest.generation += 1
            write_shard(output, shard, shards, manifest)
            delete_files([f"{output.rstrip('/')}/{p.path}" for p in old])
    return files, size
