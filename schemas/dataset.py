"""The layout of the BigQuery dataset, derived from the declaration of the relations.

For a relation of the contract the dataset has

- `<relation>_settled`: rows that stay, until the Parquet part that they came in is replaced. Every relation has it.
- `<relation>_open`: rows that every run replaces. Only the facts have it.
- `<relation>_live`: revisions that the stream writes (`schemas.live`). Only the facts have it.
- `<relation>`: a view over all of them (`schemas.halves`), with the relation's columns and nothing else.

Every row names the part that it came in (`part_id`), so that a load replaces what has changed and nothing else. The
`flowfacts_*` tables say which parts are in the dataset, and which run they are of. Staging tables come and go with a
load and are not declared.

A stored table is partitioned by the day (UTC) of the relation's `day_column` and clustered as it declares; the views
hand both on as they are, so that a filter on a view reads only its days. NULL is a partition of its own.

May import the standard library, pyarrow and `schemas`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from schemas.derive import bigquery_schema
from schemas.live import INDEX_DAYS, INDEX_OPEN, INDEX_SETTLED, LIVE_DAYS, live_tables
from schemas.tables import BOOK_TABLES, CONTRACT_VERSION, TABLES, Column, Table, Type

MANAGED_BY = ("managed_by", "flowfacts")
"""The label by which a table or view is known to be ours."""

STAGING = "flowfacts_staging_"
"""What the names of staging tables begin with."""


class Kind(StrEnum):
    """What a table of the dataset is for; also its label."""

    OPEN = "open"
    SETTLED = "settled"
    LIVE = "live"
    BOOK = "book"
    VIEW = "view"


PART_ID = Column(
    "part_id", Type.INT64, "Part of the load that the row came in; technical, see flowfacts_part", key=True
)

STATE = Table(
    "flowfacts_state",
    "one row: what the dataset holds; every load changes it, so that of two loads at once one is refused",
    (
        Column("generation", Type.INT64, "Number of loads that have changed the dataset", "count", key=True),
        Column("run_id", Type.STRING, "Run whose facts the dataset holds; NULL before the first load"),
        Column("as_of", Type.TIMESTAMP, "Instant the facts are a function of", "UTC"),
        Column("loaded_at", Type.TIMESTAMP, "End of the load", "UTC"),
    ),
)

PART = Table(
    "flowfacts_part",
    "one row per Parquet part whose rows are in the dataset",
    (
        Column("part_id", Type.INT64, "Number of the part, as in the rows", key=True),
        Column("stored_in", Type.STRING, "Table that has its rows", key=True),
        Column("path", Type.STRING, "Path of the part in the output, which names its content", key=True),
        Column("row_count", Type.INT64, "Rows of the part", "count", key=True),
        Column("first_at", Type.TIMESTAMP, "Earliest time of the partitioning column", "UTC"),
        Column("last_at", Type.TIMESTAMP, "Latest time of the partitioning column", "UTC"),
        Column("undated_count", Type.INT64, "Rows without a time in the partitioning column", "count", key=True),
        Column("generation", Type.INT64, "Load that brought it", "count", key=True),
    ),
)

LOAD = Table(
    "flowfacts_load",
    "one row per load that changed the dataset",
    (
        Column("generation", Type.INT64, "Number of the load", "count", key=True),
        Column("run_id", Type.STRING, "Run whose facts were loaded", key=True),
        Column("loaded_at", Type.TIMESTAMP, "End of the load", "UTC"),
        Column("parts_added", Type.INT64, "Parts that came", "count"),
        Column("parts_removed", Type.INT64, "Parts that went", "count"),
        Column("rows_added", Type.INT64, "Rows that came", "count"),
        Column("rows_removed", Type.INT64, "Rows that went", "count"),
        Column("code_version", Type.STRING, "Version of flowfacts that loaded"),
    ),
)


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table of the dataset.

    Attributes:
        table: its columns, under its name in the dataset.
        relation: the relation whose rows it holds; its own name for a book of the dataset.
        kind: what it is for.
        description: what the dataset says of it.
        expires_days: days that a partition is kept; None for ever.
    """

    table: Table
    relation: str
    kind: Kind
    description: str
    expires_days: int | None = None

    @property
    def name(self) -> str:
        """Give its name in the dataset."""
        return self.table.name

    @property
    def day_column(self) -> str | None:
        """Give the column whose day is the partition."""
        return self.table.day_column

    def resource(self) -> dict[str, Any]:
        """Give what BigQuery must say of it, in the words of its `Table` resource."""
        made: dict[str, Any] = {
            "tableId": self.name,
            "type": "TABLE",
            "description": self.description,
            "labels": dict(labels(self.kind, self.relation)),
            "schema": {"fields": bigquery_schema(self.table)},
        }
        if self.table.day_column:
            made["timePartitioning"] = {"type": "DAY", "field": self.table.day_column}
            if self.expires_days is not None:
                made["timePartitioning"]["expirationMs"] = str(self.expires_days * 86_400_000)
        if self.table.cluster_by:
            made["clustering"] = {"fields": list(self.table.cluster_by)}
        return made


def labels(kind: Kind, relation: str) -> Mapping[str, str]:
    """Give the labels of a table or view: whose it is, what it holds, and for which contract."""
    return {
        MANAGED_BY[0]: MANAGED_BY[1],
        "contract_version": str(CONTRACT_VERSION),
        "kind": kind.value,
        "relation": relation,
    }


def stored_name(relation: str, kind: Kind) -> str:
    """Name the table that has rows of a relation."""
    return f"{relation}_{kind.value}"


def kinds_of(relation: str) -> tuple[Kind, ...]:
    """List the tables that a relation is kept in."""
    return (Kind.SETTLED,) if relation in _BOOKS else (Kind.OPEN, Kind.SETTLED)


_BOOKS = frozenset(table.name for table in BOOK_TABLES)

_ABOUT = {
    Kind.OPEN: "Rows of {0} that the next run may replace: {1}. Read the view {0}.",
    Kind.SETTLED: "Rows of {0} that stay: {1}. Read the view {0}.",
}


def stored_tables() -> list[StoredTable]:
    """List the tables of the dataset."""
    made = [StoredTable(t, t.name, Kind.BOOK, f"{t.grain[:1].upper()}{t.grain[1:]}.") for t in (STATE, PART, LOAD)]
    for table in TABLES:
        for kind in kinds_of(table.name):
            stored = replace(table, name=stored_name(table.name, kind), columns=(PART_ID, *table.columns))
            about = _ABOUT[kind].format(table.name, table.grain)
            made.append(StoredTable(stored, table.name, kind, about))
    for live in live_tables():
        relation = live.name.removesuffix("_live")
        about = f"Live rows, written by the stream and kept for {LIVE_DAYS} days: {live.grain}."
        made.append(StoredTable(live, relation, Kind.LIVE, about, LIVE_DAYS))
    for kind in (Kind.OPEN, Kind.SETTLED):
        index = index_of(kind)
        days = INDEX_DAYS if index.day_column else None
        made.append(StoredTable(index, index.name, Kind.BOOK, f"{index.grain[:1].upper()}{index.grain[1:]}.", days))
    return made


def index_of(kind: Kind) -> Table:
    """Give the index of the open or of the settled tables, with the part of each row."""
    index = INDEX_OPEN if kind is Kind.OPEN else INDEX_SETTLED
    return replace(index, columns=(PART_ID, *index.columns))
