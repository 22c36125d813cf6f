"""Compare the newest live revisions of an output with the facts of a batch run over the same messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from pipelines.live.handover import combined_query, halves
from pipelines.live.reader import newest_rows
from schemas.tables import BY_NAME
from transforms.update import RELATIONS

# A landed message has a file and a line, a streamed one a subscription and a message id.
LEFT_OUT = {"flow_event": ("source",)}


def wrong_rows(live: Path, batch: Path) -> dict[str, list[Any]]:
    """List, by relation, the rows that only one side has; the first word says which."""
    found: dict[str, list[Any]] = {}
    tables = newest_rows(str(live))
    with duckdb.connect(str(batch / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        for relation in (*RELATIONS, "flow_event"):
            columns = _columns(relation)
            con.register("live", tables[relation])
            for side, one, other in (("live", "live", relation), ("batch", relation, "live")):
                rows = con.execute(f"SELECT {columns} FROM {one} EXCEPT ALL SELECT {columns} FROM {other}").fetchall()
                if rows:
                    found.setdefault(relation, []).extend((side, *row) for row in rows)
    return found


def row_count(live: Path, relation: str) -> int:
    """Count the newest live rows of a relation."""
    rows: int = newest_rows(str(live))[relation].num_rows
    return rows


def combined(live: Path, settled: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Give the rows of both halves as one, sorted."""
    with halves(str(live), str(settled)) as con:
        return {
            relation: _sorted(con, f"SELECT {_columns(relation)} FROM ({combined_query(relation)})")
            for relation in (*RELATIONS, "flow_event")
        }


def settled_rows(settled: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Give the rows of the batch job, sorted."""
    with duckdb.connect(str(settled / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return {r: _sorted(con, f"SELECT {_columns(r)} FROM {r}") for r in (*RELATIONS, "flow_event")}


def _columns(relation: str) -> str:
    return ", ".join(c.name for c in BY_NAME[relation].columns if c.name not in LEFT_OUT.get(relation, ()))


def _sorted(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return con.execute(f"{query} ORDER BY ALL").fetchall()
