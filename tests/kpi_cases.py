"""The worked examples of the catalogue of measures as rows of the contract, to be put into a warehouse.

All examples live in one warehouse side by side: the facility of an example's rows is the key of its measure.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.warehouse import _ddl
from schemas.derive import arrow_schema
from schemas.kpis import KPIS, Kpi
from schemas.tables import BY_NAME, Table, Type

DAY = "2026-06-01"
AS_OF = "2026-06-05T00:00:00Z"


def example_tables() -> dict[str, pa.Table]:
    """Give the rows of all examples by relation."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for kpi in KPIS:
        relation = kpi.example.relation or kpi.relation
        for n, row in enumerate(kpi.example.rows):
            rows.setdefault(relation, []).append(whole_row(BY_NAME[relation], kpi.key, n, dict(row)))
    run = {c.name: None for c in BY_NAME["pipeline_run"].columns} | {"run_id": "example", "as_of": at(AS_OF)}
    rows["pipeline_run"] = [run | {"started_at": at(AS_OF)}]
    return {name: pa.Table.from_pylist(found, schema=arrow_schema(BY_NAME[name])) for name, found in rows.items()}


def whole_row(table: Table, facility: str, number: int, given: dict[str, Any]) -> dict[str, Any]:
    """Fill a row: what is not given is NULL, but for the keys, the day and the facility."""
    row: dict[str, Any] = {}
    for c in table.columns:
        value = given.pop(c.name, None)
        if c.type is Type.STRINGS:
            value = list(value or ())
        elif c.type is Type.TIMESTAMP and value is not None:
            value = at(value)
        row[c.name] = value
    assert not given, f"{sorted(given)} are no columns of {table.name}"
    for c in table.columns:
        if c.key or c.name == "flow_id":
            row[c.name] = f"{facility}-{number}"
    if table.day_column and row[table.day_column] is None:
        row[table.day_column] = at(f"{DAY}T08:00:00Z")
    row["facility_ref"] = facility
    return row


def at(text: str) -> datetime:
    """Read an instant."""
    return datetime.fromisoformat(text)


def in_memory(tables: dict[str, pa.Table]) -> duckdb.DuckDBPyConnection:
    """Make an embedded warehouse with these rows."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'America/New_York'")  # no answer may hang on the zone of the session
    con.execute(_ddl())
    for name, rows in tables.items():
        con.register("incoming", rows)
        names = ", ".join(f'"{c}"' for c in rows.column_names)
        con.execute(f'INSERT INTO flowfacts."{name}_moving" ({names}) SELECT {names} FROM incoming')
        con.unregister("incoming")
    return con


def wanted(kpi: Kpi) -> tuple[float, float, float | None, int]:
    """Give value, numerator, denominator and excluded rows of an example."""
    e = kpi.example
    return e.value, e.numerator, e.denominator, e.excluded


FOUND = (
    "SELECT d.kpi, CASE WHEN SUM(denominator) IS NULL THEN SUM(numerator) ELSE MAX(scale) * SUM(numerator) / "
    "SUM(denominator) END AS value, SUM(numerator) AS numerator, SUM(denominator) AS denominator, "
    "SUM(excluded) AS excluded FROM {daily} AS d JOIN {definition} AS m ON m.kpi = d.kpi "
    f"WHERE day = DATE '{DAY}' AND facility_ref = d.kpi GROUP BY d.kpi"
)
"""The question for the examples' measures, over all channels; the same text in both dialects."""
