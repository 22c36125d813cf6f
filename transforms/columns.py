"""Rows of the facts to Arrow tables in the contract's schema, built column by column."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, itemgetter
from typing import Any

import pyarrow as pa

from schemas.derive import arrow_schema
from schemas.tables import BY_NAME, Table, Type
from transforms.event import Event

event_cells = attrgetter(
    "event_id", "name", "flow", "flow_id", "entity", "entity_id", "version", "event_at", "basis", "recorded_at",
    "facility", "status", "source",
)  # fmt: skip
"""Cells of the `flow_event` row of an event, in the contract's column order."""

_CHUNK = 500
_GETTERS = {name: itemgetter(*(c.name for c in table.columns)) for name, table in BY_NAME.items()}
_SCHEMAS: dict[str, pa.Schema] = {name: arrow_schema(table) for name, table in BY_NAME.items()}


def row_cells(relation: str, row: dict[str, Any]) -> tuple[Any, ...]:
    """Give the cells of a dict row in the contract's column order."""
    cells: tuple[Any, ...] = _GETTERS[relation](row)
    return cells


def to_table(relation: str, rows: Sequence[Any]) -> pa.Table:
    """Build the Arrow table of a relation.

    Args:
        relation: name of the relation.
        rows: dicts by column name, tuples in the contract's column order, or (for `flow_event`) events; times in
            microseconds.

    Raises:
        KeyError: a dict lacks a column of the contract.
        pyarrow.ArrowInvalid: a value does not fit its column.
    """
    table, schema = BY_NAME[relation], _SCHEMAS[relation]
    columns = _transpose(rows, _GETTERS[relation], len(table.columns))
    return pa.Table.from_arrays(
        [_array(values, c.type, schema.field(c.name).type) for values, c in zip(columns, table.columns, strict=True)],
        schema=schema,
    )


def _transpose(rows: Sequence[Any], getter: Any, width: int) -> list[list[Any]]:
    """Turn rows into columns, some hundred rows at a time so that they stay in the processor's cache."""
    columns: list[list[Any]] = [[] for _ in range(width)]
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        first = chunk[0]
        if isinstance(first, dict):
            chunk = [getter(row) for row in chunk]
        elif isinstance(first, Event):
            chunk = [event_cells(event) for event in chunk]
        for column, values in zip(columns, zip(*chunk, strict=True), strict=True):
            column.extend(values)
    return columns


def _array(values: Any, logical: Type, target: pa.DataType) -> pa.Array:
    if logical is Type.TIMESTAMP:  # integers are microseconds already; the cast is free
        return pa.array(values, pa.int64()).cast(target)
    return pa.array(values, target)


def sort_rows(table: Table, rows: list[Any]) -> list[Any]:
    """Sort dict rows by the relation's sort columns, NULL first; rows of one key are in one bucket."""
    names = table.sort_by
    return sorted(rows, key=lambda row: tuple((row[n] is not None, row[n]) for n in names))
