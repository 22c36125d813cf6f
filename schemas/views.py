"""The views of the warehouse, in BigQuery's SQL.

A table is named in backquotes and without a dataset (`flow_interval`); `qualified` puts the dataset before it. There
are two kinds:

- The relations of the contract, as the BigQuery dataset shows them: written by `schemas.halves`.
- The views of `schemas/sql/*.sql`, written by hand over the relations, and those that the catalogue of measures gives
  (`schemas.kpis`). They are part of every warehouse; the embedded one has them in DuckDB's words (`pipelines.dialect`).
  A file begins with a comment: what the view shows, and then a line `column TYPE: meaning [unit]` for each of its
  columns, in their order.

Whether a filter on a day column reads only its days depends on that column reaching the view as it is: every view of
facts hands one on.

May import the standard library, pyarrow and `schemas`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from schemas.dataset import Kind, labels
from schemas.derive import bigquery_schema
from schemas.halves import relation_query
from schemas.kpis.sql import daily_view, definition_view, histogram_view, percentiles_view
from schemas.milestones import milestones_view
from schemas.tables import TABLES, Table

FOLDER = Path(__file__).parent / "sql"

DERIVED: Mapping[str, str] = {
    "kpi_daily": daily_view(),
    "kpi_definition": definition_view(),
    "kpi_histogram": histogram_view(),
    "kpi_histogram_hourly": histogram_view(hourly=True),
    "kpi_percentiles": percentiles_view(),
    "milestones_hourly": milestones_view(),
}
"""Views that the catalogues of measures and of events give, by name."""

_NAMED = re.compile(r"`(\w+)`")
_COLUMN = re.compile(r"(\w+) (STRING|INT64|FLOAT64|BOOL|TIMESTAMP|DATE): (.+)")


@dataclass(frozen=True, slots=True)
class View:
    """A view of the warehouse.

    Attributes:
        name: its name.
        description: what it shows.
        fields: its columns as BigQuery's JSON: name, type, mode and description with the unit.
        query: BigQuery SQL, with tables named in backquotes and without a dataset.
        relation: whether it is a relation of the contract.
    """

    name: str
    description: str
    fields: tuple[Mapping[str, str], ...]
    query: str
    relation: bool = False

    def resource(self, dataset: str) -> dict[str, Any]:
        """Give what BigQuery must say of it in a dataset, in the words of its `Table` resource."""
        return {
            "tableId": self.name,
            "type": "VIEW",
            "description": self.description,
            "labels": dict(labels(Kind.VIEW, self.name)),
            "schema": {"fields": [dict(field) for field in self.fields]},
            "view": {"query": qualified(self.query, dataset), "useLegacySql": False},
        }


def qualified(query: str, dataset: str) -> str:
    """Put `dataset` before every table that a query names."""
    return _NAMED.sub(lambda m: f"`{dataset}.{m[1]}`", query)


def relation_views() -> list[View]:
    """List the views of the BigQuery dataset that are the relations of the contract."""
    return [_relation_view(table) for table in TABLES]


def _relation_view(table: Table) -> View:
    # A view's columns are NULLABLE for BigQuery, whatever lies beneath.
    fields = tuple({**f, "mode": f["mode"].replace("REQUIRED", "NULLABLE")} for f in bigquery_schema(table))
    about = f"{table.grain[:1].upper()}{table.grain[1:]}."
    if table.day_column:
        about += f" Filter by {table.day_column} to read only those days."
    return View(table.name, about, fields, relation_query(table), relation=True)


@cache
def written_views() -> tuple[View, ...]:
    """List the views over the relations, those that another reads before it: the ones written by hand come first."""
    by_hand = {file.stem: file.read_text(encoding="utf-8") for file in sorted(FOLDER.glob("*.sql"))}
    return tuple(read_view(name, text) for name, text in {**by_hand, **DERIVED}.items())


def read_view(name: str, text: str) -> View:
    """Read a view and what its first comment says.

    Raises:
        ValueError: the description, the columns or the query is missing.
    """
    lines = text.splitlines()
    about: list[str] = []
    fields: list[Mapping[str, str]] = []
    at = 0
    while at < len(lines) and lines[at].startswith("--"):
        line = lines[at].removeprefix("--").strip()
        at += 1
        found = _COLUMN.fullmatch(line)
        if found:
            fields.append({"name": found[1], "type": found[2], "mode": "NULLABLE", "description": found[3]})
        elif line:
            about.append(line)
    query = "\n".join(lines[at:]).strip()
    if not about or not fields or not query:
        raise ValueError(f"the view {name} has no description, columns or query; expected a comment and then a SELECT")
    return View(name, " ".join(about), tuple(fields), query + "\n")


def views() -> list[View]:
    """List all views of the BigQuery dataset, those that another reads before it."""
    return [*relation_views(), *written_views()]


def views_section() -> str:
    """Write the part of the data dictionary that explains the written views, in Markdown."""
    parts = [
        "# Views",
        "",
        "Written in `schemas/sql/` and by the catalogues, over the relations; the same in every warehouse.",
        "",
    ]
    for view in written_views():
        parts += [f"## {view.name}", "", view.description, "", "| column | type | meaning |", "| --- | --- | --- |"]
        parts += [f"| `{f['name']}` | {f['type']} | {f['description']} |" for f in view.fields]
        parts.append("")
    return "\n".join(parts)
