"""Compare the newest live revisions of an output with the facts of a batch run over the same messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from pipelines.live.reader import newest_rows
from schemas.tables import BY_NAME
from transforms.columns import to_table
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
            names = [c.name for c in BY_NAME[relation].columns if c.name not in LEFT_OUT.get(relation, ())]
            columns = ", ".join(names)
            ours = tables.get(relation, to_table(relation, []))
            con.register("live", ours)
            for side, one, other in (("live", "live", relation), ("batch", relation, "live")):
                rows = con.execute(f"SELECT {columns} FROM {one} EXCEPT ALL SELECT {columns} FROM {other}").fetchall()
                if rows:
                    found.setdefault(relation, []).extend((side, *row) for row in rows)
    return found


def row_count(live: Path, relation: str) -> int:
    """Count the newest live rows of a relation."""
    table = newest_rows(str(live)).get(relation)
    return 0 if table is None else table.num_rows
