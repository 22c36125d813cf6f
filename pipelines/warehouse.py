"""The embedded warehouse: `warehouse.duckdb` with every relation of the contract by its name."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import duckdb

from schemas.derive import duckdb_ddl
from schemas.tables import TABLES, Table

FILE = "warehouse.duckdb"


def build(output: str, manifest: dict[str, Any]) -> Path:
    """Build the warehouse of a published state beside the old one and put it in its place in one step.

    Args:
        output: local output folder.
        manifest: the published state.
    """
    folder = Path(output)
    target, fresh = folder / FILE, folder / f".{FILE}.building"
    for leftover in (fresh, _log_of(fresh)):
        leftover.unlink(missing_ok=True)
    shutil.rmtree(fresh.with_name(fresh.name + ".tmp"), ignore_errors=True)  # where DuckDB spills
    with duckdb.connect(str(fresh)) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET preserve_insertion_order = false")
        for table in TABLES:
            con.execute(duckdb_ddl(table))
            parts = [_literal(str(folder / p["path"])) for p in manifest["relations"].get(table.name, [])]
            if parts:
                _load(con, table, parts)
        con.execute("CHECKPOINT")
    # The log of a writer that crashed belongs to the file that goes; DuckDB would refuse to open the new one with it.
    _log_of(target).unlink(missing_ok=True)
    os.replace(fresh, target)
    return target


def _log_of(file: Path) -> Path:
    return file.with_name(file.name + ".wal")


def _literal(path: str) -> str:
    """Write a path so that DuckDB does not take it for a pattern."""
    return re.sub(r"([\[*?])", r"[\1]", path)


def _load(con: duckdb.DuckDBPyConnection, table: Table, parts: list[str]) -> None:
    columns = ", ".join(f'"{c.name}"' for c in table.columns)
    con.execute(f'INSERT INTO "{table.name}" SELECT {columns} FROM read_parquet(?)', [parts])
