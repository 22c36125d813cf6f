"""The stream's BigQuery sink: revisions as rows of append-only live tables, by the plain insert path.

A publication may be inserted again after a failure; the views take each row once. The index of revisions goes last and
only for revisions whose rows are all in, so that no half of a flow is ever shown: of a revision that is refused, the
one before stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

import pyarrow as pa
from google.api_core import exceptions
from google.cloud import bigquery

from pipelines.bigquery.client import Target, connect
from pipelines.live.tables import FLOW_REVISION
from schemas.live import live_name, live_tables, now_views, table_resource, view_resource
from schemas.tables import FACT_TABLES

_ROWS = 500
_OPTION = "--bigquery"

Refused = tuple[str, str]
"""`(flow key, what BigQuery said)`."""


def prepare(target: Target) -> None:
    """Make the live tables and the views over both halves that are missing; the dataset must be applied."""
    resources = [table_resource(t) for t in live_tables()] + [view_resource(t, target.name) for t in now_views()]
    for resource in resources:
        told = {**resource, "tableReference": _reference(target, resource["tableId"])}
        table = bigquery.Table.from_api_repr(told)
        make = partial(target.client.create_table, table, exists_ok=True, retry=None, timeout=target.seconds)
        target.call(f"make {resource['tableId']}", make)


def _reference(target: Target, name: str) -> dict[str, str]:
    return {"projectId": target.project, "datasetId": target.dataset, "tableId": name}


class LiveTables:
    """Inserts publications into a dataset; travels to the workers by its name."""

    def __init__(self, dataset: str, target: Target | None = None) -> None:
        """Insert into PROJECT.DATASET."""
        self.dataset, self._target = dataset, target

    def __reduce__(self) -> tuple[type[LiveTables], tuple[str]]:
        """Travel without the client."""
        return LiveTables, (self.dataset,)

    def write(self, tables: dict[str, pa.Table]) -> list[Refused]:
        """Insert what a publication shows; gives the revisions that were refused.

        Raises:
            BigQueryError: it can't be done at all.
        """
        if self._target is None:
            self._target = connect(_OPTION, self.dataset)
        refused: dict[tuple[str, str, int], str] = {}
        for name in (*(t.name for t in FACT_TABLES), FLOW_REVISION):
            if name not in tables:
                continue
            rows = [r for r in map(_json, tables[name].to_pylist()) if _revision(r) not in refused]
            for start in range(0, len(rows), _ROWS):
                for row, why in self._insert(live_name(name), rows[start : start + _ROWS]):
                    refused.setdefault(_revision(row), f"{name}: {why}")
        return [(key, why) for (_, key, _), why in sorted(refused.items())]

    def _insert(self, table: str, rows: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
        """Insert rows; gives those that were refused, each with the reason. The rest is inserted."""
        target = self._target
        assert target is not None

        def insert(some: list[dict[str, Any]]) -> Any:
            ids = ["/".join(map(str, (*_revision(r), r.get("live_row", "")))) for r in some]
            return target.client.insert_rows_json(
                target.table(table), some, row_ids=ids, retry=None, timeout=target.seconds
            )

        try:
            errors = target.call(f"insert into {table}", lambda: insert(rows))
        except exceptions.NotFound:
            raise LookupError(
                f"{target.table(table)} is not there; expected the tables of flowfacts bigquery apply and of the stream"
            ) from None
        if not errors:
            return
        told = {e["index"]: _reason(e["errors"]) for e in errors}
        # BigQuery takes none of a request with a bad row and marks the good ones as stopped: they go again alone.
        bad = {i: why for i, why in told.items() if why is not None}
        yield from ((rows[i], why) for i, why in bad.items())
        good = [row for i, row in enumerate(rows) if i not in bad]
        if good and bad:
            yield from self._insert(table, good)


def _reason(errors: list[dict[str, str]]) -> str | None:
    """Give why a row was refused; None when it was only stopped with others."""
    for error in errors:
        if error.get("reason") != "stopped":
            return f"{error.get('reason')} {error.get('location', '')}".strip()
    return None


def _revision(row: dict[str, Any]) -> tuple[str, str, int]:
    return row["live_flow"], row["live_key"], row["live_revision"]


def _json(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items() if v is not None}
