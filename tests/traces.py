"""Where a word stands in the files of a folder, read in a way of its own: not by the code that erases it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq


def texts(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Give every file of a folder with all that is written in it, whatever its format packs."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            packed = b"".join(v for c in table.columns for v in c.to_pylist() if isinstance(v, bytes))
            yield path, str(table.drop_columns([]).to_pydict()).encode() + packed + data
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as con:
                views = con.execute("SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal").fetchall()
                rows = (con.execute(f'SELECT * FROM "{schema}"."{name}"').fetchall() for schema, name in views)
                yield path, "".join(map(str, rows)).encode() + data
        elif path.suffix == ".gz" and data:
            yield path, gzip.decompress(data)
        else:
            yield path, data


def places(folder: Path, word: str) -> list[str]:
    """List the files in which a word stands."""
    return [path.relative_to(folder).as_posix() for path, text in texts(folder) if word.encode() in text]
