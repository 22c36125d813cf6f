"""Compare a warehouse with the simulator's drawn truth, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from schemas.tables import BY_NAME, FACT_TABLES

KEYS = {
    "order_flow": "flow_id",
    "order_leg": "leg_id",
    "order_parcel": "parcel_id",
    "inbound_flow": "flow_id",
    "inbound_receipt": "receipt_id",
    "stow_flow": "flow_id",
    "flow_event": "event_id",
}
# What follows from the truth and a calendar; `tests/split_truth.py` works it out.
BY_BRUTE_FORCE = {"order_time_split"}
# Where a line stands is decided by the writer of the files, after the truth is drawn.
NOT_DRAWN = {"flow_event": {"source"}}


@dataclass(frozen=True)
class Difference:
    """One wrong cell, or a row that is missing or too much."""

    relation: str
    key: str
    column: str
    truth: object
    found: object


def compare(truth: Path, warehouse: Path, limit: int = 50) -> list[Difference]:
    """List the differences between the truth and a warehouse, at most `limit` a column."""
    found: list[Difference] = []
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        for table in FACT_TABLES:
            name = table.name
            if name in BY_BRUTE_FORCE:
                continue
            file = truth / f"{name}.parquet"
            con.execute(f"CREATE OR REPLACE TEMP VIEW truth AS SELECT * FROM read_parquet('{file}')")
            if name in KEYS:
                found += _by_key(con, name, KEYS[name], limit)
            else:
                found += _as_multiset(con, name, limit)
    return found


def _by_key(con: duckdb.DuckDBPyConnection, name: str, key: str, limit: int) -> list[Difference]:
    found = []
    for side, other, label in (("truth", name, "missing"), (name, "truth", "too much")):
        rows = con.execute(
            f"SELECT {key} FROM {side} WHERE {key} NOT IN (SELECT {key} FROM {other}) LIMIT {limit}"
        ).fetchall()
        found += [Difference(name, r[0], "*", label, None) for r in rows]
    doubles = con.execute(f"SELECT {key} FROM {name} GROUP BY 1 HAVING count(*) > 1 LIMIT {limit}").fetchall()
    found += [Difference(name, r[0], "*", "one row", "several") for r in doubles]
    columns = [c.name for c in BY_NAME[name].columns if c.name != key and c.name not in NOT_DRAWN.get(name, ())]
    for column in columns:
        rows = con.execute(
            f"SELECT t.{key}, t.{column}, f.{column} FROM truth t JOIN {name} f USING ({key}) "
            f"WHERE t.{column} IS DISTINCT FROM f.{column} ORDER BY 1 LIMIT {limit}"
        ).fetchall()
        found += [Difference(name, r[0], column, r[1], r[2]) for r in rows]
    return found


def _as_multiset(con: duckdb.DuckDBPyConnection, name: str, limit: int) -> list[Difference]:
    columns = ", ".join(c.name for c in BY_NAME[name].columns)
    found = []
    for side, other, label in (("truth", name, "missing"), (name, "truth", "too much")):
        rows = con.execute(
            f"SELECT {columns} FROM {side} EXCEPT ALL SELECT {columns} FROM {other} ORDER BY ALL LIMIT {limit}"
        ).fetchall()
        found += [Difference(name, str(r[1]), "*", label, r) for r in rows]
    return found
