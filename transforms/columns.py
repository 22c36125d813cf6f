"""Rows of the facts to Arrow tables in the contract's schema, built column by column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from schemas.derive import arrow_schema
from schemas.tables import BY_NAME, Table, Type

_SCHEMAS: dict[str, pa.Schema] = {name: arrow_schema(table) for name, table in BY_NAME.items()}


def to_table(relation: str, rows: Sequence[Any]) -> pa.Table:
    """Build the Arrow table of a relation.

    Args:
        relation: name of the relation.
        rows: dicts by column name, or tuples in the contract's column order; times in microseconds.

    Raises:
        KeyError: a dict lacks a column of the contract.
        pyarrow.ArrowInvalid: a value does not fit its column.
    """
    table, schema = BY_NAME[relation], _SCHEMAS[relation]
    columns: Sequence[Any]
    if rows and isinstance(rows[0], dict):
        columns = [[row[c.name] for row in rows] for c in table.columns]
    elif rows:
        columns = list(zip(*rows, strict=True))
    else:
        columns = [[] for _ in table.columns]
    return pa.Table.from_arrays(
        [_array(values, c.type, schema.field(c.name).type) for values, c in zip(columns, table.columns, strict=True)],
        schema=schema,
    )


def _array(values: Any, logical: Type, target: pa.DataType) -> pa.Array:
    if logical is Type.TIMESTAMP:  # integers are microseconds already; the cast is free
        return pa.array(values, pa.int64()).cast(target)
    return pa.array(values, target)


def sort_rows(table: Table, rows: list[Any]) -> list[Any]:
    """Sort dict rows by the relation's sort columns, NULL first; rows of one key are in one bucket."""
    names = table.sort_by
    return sorted(rows, key=lambda row: tuple((row[n] is not None, row[n]) for n in names))
