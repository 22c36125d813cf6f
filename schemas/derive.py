"""Derive every other form of a table from its declaration: Arrow, DuckDB, BigQuery, and the data dictionary.

The only place where any of them is built. A mapper raises `UnsupportedTableError` for what its target cannot hold
rather than writing something near it: a column that silently changes its type is found by a reader, months later.

May import the standard library, pyarrow and `schemas`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from schemas.tables import BOOK_TABLES, CONTRACT_VERSION, FACT_TABLES, Column, Table, Type

_ARROW: Mapping[Type, pa.DataType] = {
    Type.STRING: pa.string(),
    Type.INT64: pa.int64(),
    Type.FLOAT64: pa.float64(),
    Type.BOOL: pa.bool_(),
    Type.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    # The child is named as Parquet names it, or a schema that was read back would differ from the declared one.
    Type.STRINGS: pa.list_(pa.field("element", pa.string())),
}

_DUCKDB: Mapping[Type, str] = {
    Type.STRING: "VARCHAR",
    Type.INT64: "BIGINT",
    Type.FLOAT64: "DOUBLE",
    Type.BOOL: "BOOLEAN",
    Type.TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
    Type.STRINGS: "VARCHAR[]",
}

# Type and the mode of a column that is no key. BigQuery has no nullable array: NULL and empty are one there.
_BIGQUERY: Mapping[Type, tuple[str, str]] = {
    Type.STRING: ("STRING", "NULLABLE"),
    Type.INT64: ("INT64", "NULLABLE"),
    Type.FLOAT64: ("FLOAT64", "NULLABLE"),
    Type.BOOL: ("BOOL", "NULLABLE"),
    Type.TIMESTAMP: ("TIMESTAMP", "NULLABLE"),
    Type.STRINGS: ("STRING", "REPEATED"),
}

_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]*")
# BigQuery's limits for a column (its documentation, "Specifying a schema").
_BIGQUERY_NAME_LENGTH = 300
_BIGQUERY_DESCRIPTION_LENGTH = 1024


class UnsupportedTableError(ValueError):
    """A declaration that a target cannot hold as it stands."""


def arrow_schema(table: Table) -> pa.Schema:
    """Build the Arrow schema; keys are not nullable, fields carry `description` and `unit` as metadata.

    Raises:
        UnsupportedTableError: A name or a type has no Arrow form.
    """
    _check_names(table, "Arrow")
    fields = [_arrow_field(table, column) for column in table.columns]
    about = {"table": table.name, "grain": table.grain, "contract_version": str(CONTRACT_VERSION)}
    return pa.schema(fields, metadata=about)


def _arrow_field(table: Table, column: Column) -> pa.Field:
    about = {"description": column.description}
    if column.unit:
        about["unit"] = column.unit
    data_type = _mapped(_ARROW, table, column, "Arrow")
    return pa.field(column.name, data_type, nullable=not column.key, metadata=about)


def duckdb_ddl(table: Table) -> str:
    """Write the statements that create the table in DuckDB and comment it and its columns.

    Raises:
        UnsupportedTableError: A name or a type has no DuckDB form.
    """
    return f"CREATE TABLE {_quoted(table.name)} (\n{duckdb_columns(table)}\n);\n{duckdb_comments(table)}"


def duckdb_columns(table: Table) -> str:
    """Write the definitions of a table's columns in DuckDB.

    Keys are NOT NULL but no PRIMARY KEY: the index would cost more than the load, and the writer already gives one
    row per key.

    Raises:
        UnsupportedTableError: A name or a type has no DuckDB form.
    """
    _check_names(table, "DuckDB")
    return ",\n".join(
        f"  {_quoted(column.name)} {_mapped(_DUCKDB, table, column, 'DuckDB')}{' NOT NULL' if column.key else ''}"
        for column in table.columns
    )


def duckdb_comments(table: Table, kind: str = "TABLE") -> str:
    """Write the statements that comment a table (or a view of its name) and its columns in DuckDB."""
    name = _quoted(table.name)
    comments = [f"COMMENT ON {kind} {name} IS {_literal(table.grain)};"]
    comments += [
        f"COMMENT ON COLUMN {name}.{_quoted(column.name)} IS {_literal(_described(column))};"
        for column in table.columns
    ]
    return "\n".join([*comments, ""])


def bigquery_schema(table: Table) -> list[dict[str, str]]:
    """Build the schema as BigQuery's JSON: name, type, mode and description with the unit.

    Raises:
        UnsupportedTableError: A name, a type, a key or a description is one that BigQuery refuses.
    """
    _check_names(table, "BigQuery")
    return [_bigquery_field(table, column) for column in table.columns]


def _bigquery_field(table: Table, column: Column) -> dict[str, str]:
    data_type, mode = _mapped(_BIGQUERY, table, column, "BigQuery")
    if column.key:
        if mode == "REPEATED":
            raise UnsupportedTableError(f"BigQuery: {table.name}.{column.name} is a list, a key must be one value")
        mode = "REQUIRED"
    if len(column.name) > _BIGQUERY_NAME_LENGTH:
        raise UnsupportedTableError(
            f"BigQuery: the name {column.name!r} in {table.name} has {len(column.name)} characters,"
            f" expected at most {_BIGQUERY_NAME_LENGTH}"
        )
    description = _described(column)
    if len(description) > _BIGQUERY_DESCRIPTION_LENGTH:
        raise UnsupportedTableError(
            f"BigQuery: the description of {table.name}.{column.name} has {len(description)} characters,"
            f" expected at most {_BIGQUERY_DESCRIPTION_LENGTH}"
        )
    return {"name": column.name, "type": data_type, "mode": mode, "description": description}


def data_dictionary() -> str:
    """Write the page that explains every relation and column, in Markdown."""
    parts = [
        "# Data dictionary",
        "",
        "Generated from `schemas/tables.py` by `make docs`; edit that file, not this one.",
        "",
        f"Contract version {CONTRACT_VERSION}. BigQuery, the DuckDB file and the Parquet datasets show the same names,"
        " types and values. A measure is NULL when one of its ends is unknown, and is never guessed. A key is never"
        " NULL, and one row per key is visible.",
        "",
        "| type | Parquet (Arrow) | DuckDB | BigQuery |",
        "| --- | --- | --- | --- |",
        *(_type_line(kind) for kind in Type),
        "",
        *_contents("Facts", FACT_TABLES),
        *_contents("Books", BOOK_TABLES),
    ]
    for table in FACT_TABLES + BOOK_TABLES:
        parts += _section(table)
    return "\n".join(parts)


def _type_line(kind: Type) -> str:
    data_type, mode = _BIGQUERY[kind]
    bigquery = f"ARRAY of {data_type}" if mode == "REPEATED" else data_type
    arrow = re.sub(r"<\w+: (\w+)>", r"<\1>", str(_ARROW[kind]))
    return _line(kind.value, arrow, _DUCKDB[kind], bigquery)


def _contents(title: str, tables: Iterable[Table]) -> list[str]:
    return [f"{title}:", "", *(f"- [{t.name}](#{t.name}): {t.grain}" for t in tables), ""]


def _section(table: Table) -> list[str]:
    facts = [f"{table.grain[:1].upper()}{table.grain[1:]}."]
    if table.day_column:
        facts.append(f"Partitioned by the day of `{table.day_column}`.")
    if table.cluster_by:
        facts.append(f"Clustered by {_names(table.cluster_by)}.")
    if table.sort_by:
        facts.append(f"Sorted by {_names(table.sort_by)}.")
    return [
        f"## {table.name}",
        "",
        " ".join(facts),
        "",
        "| column | type | unit | meaning |",
        "| --- | --- | --- | --- |",
        *(
            _line(f"`{c.name}`", c.type.value, c.unit, f"{'Key. ' if c.key else ''}{c.description}")
            for c in table.columns
        ),
        "",
    ]


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _described(column: Column) -> str:
    return f"{column.description} [{column.unit}]" if column.unit else column.description


def _mapped(types: Mapping[Type, Any], table: Table, column: Column, target: str) -> Any:
    try:
        return types[column.type]
    except KeyError as err:
        raise UnsupportedTableError(
            f"{target}: {table.name}.{column.name} is {column.type!r}, expected one of {', '.join(types)}"
        ) from err


def _check_names(table: Table, target: str) -> None:
    """Refuse names that could not be the same in every target.

    Lower case throughout, for DuckDB and BigQuery compare names without case and Arrow with it; no leading
    underscore, for BigQuery keeps several such prefixes to itself.
    """
    if not table.columns:
        raise UnsupportedTableError(f"{target}: {table.name} has no columns")
    for name in (table.name, *(column.name for column in table.columns)):
        if not _PLAIN_NAME.fullmatch(name):
            raise UnsupportedTableError(
                f"{target}: the name {name!r} in {table.name}, expected a lower case letter, then also digits and _"
            )
    seen: set[str] = set()
    for column in table.columns:
        if column.name in seen:
            raise UnsupportedTableError(f"{target}: {table.name} has two columns {column.name!r}")
        seen.add(column.name)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
