"""What the tests of run after run share: a tenant, how to run the job, and everything that it has published."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.cli import main
from pipelines.datasets import read_manifest
from schemas.tables import TABLES

OF_A_RUN = {
    "dead_letter": ("run_id", "raw_path", "raw_index"),
    "input_file": ("run_id", "modified_at"),
    "day_book": ("run_id",),
}
"""Columns that tell of a run, not of the data."""


_OTHER_ORDERS = """
SELECT count(*) FROM flowfacts.stretch AS s LEFT JOIN order_flow AS o ON s.flow = 'order' AND o.flow_id = s.flow_id
WHERE s.channel IS DISTINCT FROM o.channel OR s.outcome IS DISTINCT FROM o.outcome
"""


def batch(source, out, *options):
    """Run the job in this process, and give its exit code."""
    return main(["batch", "--input", str(source), "--output", str(out), "--quiet", "--workers", "1", *options])


def facts(out):
    """Give every row of every relation but the history of runs, and the totals."""
    found = {"totals": read_manifest(str(out))["totals"]}
    with duckdb.connect(str(Path(out) / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        for table in TABLES:
            if table.name != "pipeline_run":
                left_out = OF_A_RUN.get(table.name, ())
                columns = ", ".join(c.name for c in table.columns if c.name not in left_out)
                found[table.name] = con.execute(f"SELECT {columns} FROM {table.name} ORDER BY ALL").fetchall()
        ((wrong,),) = con.execute(_OTHER_ORDERS).fetchall()
        assert wrong == 0, "stretches with channel or outcome that are not those of the order"
    return found


def modes(out):
    """Give the kinds of the runs in their order."""
    with duckdb.connect(str(Path(out) / "warehouse.duckdb"), read_only=True) as con:
        return [m for (m,) in con.execute("SELECT mode FROM pipeline_run ORDER BY started_at").fetchall()]


def days(tenant):
    """Give the day folders of an export."""
    return sorted(f.name for f in tenant.iterdir())


def differences(one, other):
    """Give the relations in which two outputs differ."""
    return [name for name in one if one[name] != other[name]]


def files_of(out):
    """Give every file of an output but its lock, and what it holds."""
    there = (p for p in Path(out).rglob("*") if p.is_file() and p.name != ".flowfacts.lock")
    return {p.relative_to(out).as_posix(): hash(p.read_bytes()) for p in there}
