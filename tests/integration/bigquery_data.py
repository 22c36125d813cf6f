"""Simulated outputs for the tests of the BigQuery load, and comparisons of warehouses cell by cell."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb

from pipelines.cli import main
from pipelines.simulator.run import Plan, simulate
from schemas.tables import TABLES
from tests.emulators.bigquery import rows

DAYS = 3


def simulated(folder: Path) -> Path:
    """Simulate a small tenant with faults; gives its export."""
    simulate(Plan(folder / "tenant", DAYS, 25, 4, "heavy", "2026-06-01", 1))
    return folder / "tenant" / "export"


def batch(export: Path, output: Path, *options: str) -> None:
    """Run the batch job."""
    words = ["batch", "--input", str(export), "--output", str(output), "--quiet", "--workers", "1", *options]
    assert main(words) in (0, 3)


def outputs(folder: Path) -> list[Path]:
    """Make one output after each of three runs: a day, another with settled flows, everything again by --again."""
    export = simulated(folder)
    made = [folder / f"run{n}" for n in range(3)]
    batch(export, made[0], "--to", "2026-06-01", "--settle-days", "0.2")
    shutil.copytree(made[0], made[1])
    batch(export, made[1], "--settle-days", "0.2")  # overlaps with the first
    shutil.copytree(made[1], made[2])
    batch(export, made[2], "--from", "2026-06-02", "--to", "2026-06-02", "--settle-days", "0.2", "--again")
    return made


def in_duckdb(output: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Read every relation of the embedded warehouse, sorted."""
    with duckdb.connect(str(output / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return {t.name: _sorted(con.execute(f"SELECT {_columns(t)} FROM {t.name}").fetchall()) for t in TABLES}


def in_bigquery(target: Any) -> dict[str, list[tuple[Any, ...]]]:
    """Read every relation of a dataset through its views, sorted."""
    return {t.name: _sorted(rows(target, f"SELECT {_columns(t)} FROM `{target.table(t.name)}`")) for t in TABLES}


def _columns(table: Any) -> str:
    return ", ".join(c.name for c in table.columns)


def _sorted(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(found, key=lambda row: [(v is not None, str(v)) for v in row])
