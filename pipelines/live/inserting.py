"""Rows into a table by the plain insert path (`insertAll`): JSON over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa

from pipelines.bigquery.client import Target

_ROWS, _BYTES = 500, 4 << 20
"""Most rows and about most bytes of a request; BigQuery takes 10 MB."""


class Inserts:
    """Puts rows by `insertAll`."""

    def __init__(self, target: Target) -> None:
        """Put into a dataset."""
        self._target = target

    def put(self, table: str, rows: pa.Table) -> dict[int, str]:
        """Put rows; see `pipelines.live.bigquery.Way`."""
        refused: dict[int, str] = {}
        given = rows.to_pylist()
        size = max(1, min(_ROWS, _BYTES * len(given) // max(1, rows.nbytes)))
        for start in range(0, len(given), size):
            places = list(range(start, min(start + size, len(given))))
            refused |= self._insert(table, {p: _json(given[p]) for p in places})
        return refused

    def _insert(self, table: str, rows: dict[int, dict[str, Any]]) -> dict[int, str]:
        target, places = self._target, list(rows)
        ids = ["/".join(str(r.get(n, "")) for n in ("live_flow", "live_key", "live_revision", "live_row"))
               for r in rows.values()]  # fmt: skip

        def insert() -> Any:
            return target.client.insert_rows_json(
                target.table(table), list(rows.values()), row_ids=ids, retry=None, timeout=target.seconds
            )

        errors = target.call(f"insert into {target.table(table)}", insert)
        if not errors:
            return {}
        # BigQuery takes none of a request with a bad row and marks the good ones as stopped: they go again alone.
        refused = {places[e["index"]]: why for e in errors if (why := _reason(e["errors"])) is not None}
        good = {p: row for p, row in rows.items() if p not in refused}
        if good and refused:
            refused |= self._insert(table, good)
        return refused


def _reason(errors: list[dict[str, str]]) -> str | None:
    """Give why a row was refused; None when it was only stopped with others."""
    for error in errors:
        if error.get("reason") != "stopped":
            return f"{error.get('reason')} {error.get('location', '')}".strip()
    return None


def _json(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items() if v is not None}
