"""What a reader finds in an output: the state that its manifest names, and the state that its DuckDB file holds."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from pipelines.datasets import Part, parts_of
from schemas.tables import TABLES, Table

MANIFEST = "manifest.json"
WAREHOUSE = "warehouse.duckdb"
LOCK = ".flowfacts.lock"

Content = dict[str, tuple[int, str | None]]
"""Number of rows and hash of all of them, by relation."""


def _content(con: duckdb.DuckDBPyConnection, source: Callable[[Table], str | None]) -> Content:
    con.execute("SET TimeZone = 'UTC'")
    found: Content = {}
    for table in TABLES:
        place = source(table)
        if place is None:
            found[table.name] = (0, None)
            continue
        columns = ", ".join(f'"{c.name}"' for c in table.columns)
        # A sum, for the rows have no order; the hash covers every column.
        ((rows, digest),) = con.execute(
            f"SELECT count(*), sum(hash(row({columns}))::HUGEINT)::VARCHAR FROM {place}"
        ).fetchall()
        found[table.name] = (rows, digest)
    return found


def content_of_warehouse(file: Path) -> Content:
    """Tell what a DuckDB file holds."""
    with duckdb.connect(str(file), read_only=True) as con:
        return _content(con, lambda table: f'"{table.name}"')


def content_of_parts(out: Path, manifest: dict[str, Any]) -> Content:
    """Tell what the parts of a manifest hold."""

    def source(table: Table) -> str | None:
        paths = [str(out / p.path) for p in parts_of(manifest) if p.relation == table.name]
        return f"read_parquet({paths})" if paths else None

    with duckdb.connect() as con:
        return _content(con, source)


def name_of(content: Content) -> str:
    """Give a short name that only equal contents share."""
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=8).hexdigest()


def problem_of(out: Path, part: Part) -> str | None:
    """Say what is wrong with a part, None when it is as its manifest tells.

    Raises:
        FileNotFoundError: there is none.
    """
    data = (out / part.path).read_bytes()
    if len(data) != part.bytes:
        return f"{part.path} has {len(data)} bytes, the manifest tells {part.bytes}"
    if hashlib.blake2b(data, digest_size=16).hexdigest() != part.digest:
        return f"{part.path} has another digest than the manifest tells"
    rows = pq.ParquetFile(io.BytesIO(data)).metadata.num_rows
    return None if rows == part.rows else f"{part.path} has {rows} rows, the manifest tells {part.rows}"


def broken_parts(out: Path, manifest: dict[str, Any]) -> list[str]:
    """List what is wrong with the parts that a manifest names."""
    found: list[str] = []
    for part in parts_of(manifest):
        try:
            problem = problem_of(out, part)
        except FileNotFoundError:
            problem = f"{part.path} is missing, the manifest names it"
        if problem is not None:
            found.append(problem)
    return found


def manifest_of(out: Path) -> dict[str, Any] | None:
    """Read the manifest, None when there is none."""
    try:
        manifest: dict[str, Any] = json.loads((out / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    return manifest


def named_files(out: Path) -> set[str]:
    """List the files that an output may have: what the manifest names, raw dead letters, and the known ones."""
    manifest = manifest_of(out)
    named = {MANIFEST, WAREHOUSE, LOCK}
    if manifest is None:
        return named
    parts = parts_of(manifest)
    for part in parts:
        if part.relation == "dead_letter":
            named.update(pq.read_table(out / part.path, columns=["raw_path"]).column(0).to_pylist())
    return named | {p.path for p in parts}


def files_in(out: Path) -> set[str]:
    """List every file of an output, relative to it."""
    return {p.relative_to(out).as_posix() for p in out.rglob("*") if not p.is_dir()}


def leftovers(out: Path) -> list[str]:
    """List the files that nothing names."""
    return sorted(files_in(out) - named_files(out))


def faults(out: Path) -> list[str]:
    """List what is wrong with an output after a run that came to its end."""
    manifest = manifest_of(out)
    if manifest is None:
        return ["there is no manifest"]
    found = broken_parts(out, manifest)
    if found:
        return found
    wanted, held = content_of_parts(out, manifest), content_of_warehouse(out / WAREHOUSE)
    stale = [n for n in wanted if held[n] != wanted[n]]
    if stale:
        found.append(f"the DuckDB file does not hold what the manifest's parts do: {', '.join(stale)}")
    unnamed = leftovers(out)
    if unnamed:
        found.append(f"{len(unnamed)} files are left over that nothing names, like {unnamed[0]}")
    return found
