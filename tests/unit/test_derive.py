"""What is derived from the declaration: created, written and read back by the targets themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.cloud.bigquery import SchemaField

from schemas import generate
from schemas.derive import UnsupportedTableError, arrow_schema, bigquery_schema, data_dictionary, duckdb_ddl
from schemas.tables import ORDER_FLOW, TABLES, Column, Table, Type

# Written out by hand from ruling 42 and the contract's conventions; not read from the code.
DUCKDB = {
    "STRING": "VARCHAR",
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "BOOL": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "STRINGS": "VARCHAR[]",
}
ARROW = {
    "STRING": "string",
    "INT64": "int64",
    "FLOAT64": "double",
    "BOOL": "bool",
    "TIMESTAMP": "timestamp[us, tz=UTC]",
    "STRINGS": "list<",
}
BIGQUERY = {
    "STRING": "STRING",
    "INT64": "INT64",
    "FLOAT64": "FLOAT64",
    "BOOL": "BOOL",
    "TIMESTAMP": "TIMESTAMP",
    "STRINGS": "STRING",
}

EVERY_TYPE = Table(
    "every_type",
    "one row per odd value; it's a test",
    (
        Column("id", Type.STRING, "Key", key=True),
        *(Column(f"a_{kind.value.lower()}", kind, f"It's a {kind.value} | of sorts", "s") for kind in Type),
    ),
)
# Names that are reserved words somewhere must survive quoting.
RESERVED = Table(
    "order", "one row per word", tuple(Column(n, Type.STRING, n) for n in ("select", "from", "end", "all"))
)

all_tables = pytest.mark.parametrize("table", [*TABLES, EVERY_TYPE, RESERVED], ids=lambda table: table.name)

MOMENT = datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {
        "id": "full",
        "a_string": "ä'\"\u2028|",
        "a_int64": -(2**63),
        "a_float64": 0.1,
        "a_bool": False,
        "a_timestamp": MOMENT,
        "a_strings": ["b", "a"],
    },
    {"id": "empty", "a_strings": []},
    {"id": "unknown"},
]


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        # A reader's session zone must not change a value.
        connection.execute("SET TimeZone = 'Asia/Kathmandu'")
        yield connection


def _types(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[str, str]]:
    return [(name, kind) for name, kind, *_ in connection.execute(f"DESCRIBE {query}").fetchall()]


@all_tables
def test_duckdb_creates_the_declared_types(connection: duckdb.DuckDBPyConnection, table: Table):
    connection.execute(duckdb_ddl(table))
    assert _types(connection, f'"{table.name}"') == [(c.name, DUCKDB[c.type]) for c in table.columns]


@all_tables
def test_duckdb_keeps_the_comments(connection: duckdb.DuckDBPyConnection, table: Table):
    connection.execute(duckdb_ddl(table))
    found = connection.execute("SELECT column_name, comment, is_nullable FROM duckdb_columns() WHERE NOT internal")
    assert found.fetchall() == [
        (c.name, f"{c.description} [{c.unit}]" if c.unit else c.description, not c.key) for c in table.columns
    ]
    tables = connection.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall()
    assert tables == [(table.name, table.grain)]


@all_tables
def test_arrow_has_the_declared_types_and_metadata(table: Table):
    schema = arrow_schema(table)
    assert schema.names == [column.name for column in table.columns]
    for field, column in zip(schema, table.columns, strict=True):
        assert str(field.type).startswith(ARROW[column.type]), column.name
        assert field.nullable is not column.key
        assert field.metadata[b"description"].decode() == column.description
        assert field.metadata.get(b"unit", b"").decode() == column.unit
    assert schema.metadata[b"table"].decode() == table.name
    assert schema.metadata[b"grain"].decode() == table.grain


def test_arrow_strings_is_a_list_of_string():
    assert arrow_schema(EVERY_TYPE).field("a_strings").type == pa.list_(pa.string())


@all_tables
def test_parquet_and_the_ddl_are_of_one_type(connection: duckdb.DuckDBPyConnection, table: Table, tmp_path: Path):
    file = tmp_path / "part.parquet"
    pq.write_table(arrow_schema(table).empty_table(), file)
    connection.execute(duckdb_ddl(table))
    assert _types(connection, f"SELECT * FROM '{file}'") == _types(connection, f'"{table.name}"')
    assert pq.read_schema(file).equals(arrow_schema(table), check_metadata=True)


def test_values_survive_parquet_and_duckdb(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    schema = arrow_schema(EVERY_TYPE)
    written = pa.Table.from_pylist(ROWS, schema=schema)
    file = tmp_path / "part.parquet"
    pq.write_table(written, file)
    assert pq.read_table(file).equals(written)

    connection.execute(duckdb_ddl(EVERY_TYPE))
    connection.execute(f"INSERT INTO every_type BY NAME SELECT * FROM '{file}'")
    connection.execute("SET TimeZone = 'UTC'")
    back = connection.sql("SELECT * FROM every_type").to_arrow_table().cast(schema)
    assert back.equals(written)


def test_duckdb_refuses_a_key_without_value(connection: duckdb.DuckDBPyConnection):
    connection.execute(duckdb_ddl(EVERY_TYPE))
    with pytest.raises(duckdb.ConstraintException, match="NOT NULL"):
        connection.execute("INSERT INTO every_type (a_int64) VALUES (1)")


@all_tables
def test_bigquery_has_the_declared_types_and_modes(table: Table):
    fields = bigquery_schema(table)
    assert [field["name"] for field in fields] == [column.name for column in table.columns]
    for field, column in zip(fields, table.columns, strict=True):
        assert field.keys() == {"name", "type", "mode", "description"}
        assert field["type"] == BIGQUERY[column.type]
        expected = "REQUIRED" if column.key else "REPEATED" if column.type is Type.STRINGS else "NULLABLE"
        assert field["mode"] == expected, column.name
        assert column.description in field["description"]
        assert field["description"].endswith(f"[{column.unit}]" if column.unit else column.description)


@all_tables
def test_bigquery_client_reads_the_schema_unchanged(table: Table):
    fields = bigquery_schema(table)
    assert [SchemaField.from_api_repr(field).to_api_repr() for field in json.loads(json.dumps(fields))] == fields


_UNKNOWN = cast(Type, "GEOGRAPHY")


@pytest.mark.parametrize(
    ("column", "mappers"),
    [
        pytest.param(Column("Upper", Type.STRING, "x"), "arrow duckdb bigquery", id="upper_case"),
        pytest.param(Column("_table_suffix", Type.STRING, "x"), "arrow duckdb bigquery", id="reserved_prefix"),
        pytest.param(Column("a b", Type.STRING, "x"), "arrow duckdb bigquery", id="space"),
        pytest.param(Column('a"', Type.STRING, "x"), "arrow duckdb bigquery", id="quote"),
        pytest.param(Column("naïve", Type.STRING, "x"), "arrow duckdb bigquery", id="not_ascii"),
        pytest.param(Column("", Type.STRING, "x"), "arrow duckdb bigquery", id="empty"),
        pytest.param(Column("flow_id", Type.STRING, "x"), "arrow duckdb bigquery", id="twice"),
        pytest.param(Column("place", _UNKNOWN, "x"), "arrow duckdb bigquery", id="unknown_type"),
        pytest.param(Column("x" * 300, Type.STRING, "x"), "", id="longest_name"),
        pytest.param(Column("x" * 301, Type.STRING, "x"), "bigquery", id="long_name"),
        pytest.param(Column("x", Type.STRING, "x" * 1024), "", id="longest_description"),
        pytest.param(Column("x", Type.STRING, "x" * 1021, "s"), "bigquery", id="long_description"),
        pytest.param(Column("x", Type.STRINGS, "x", key=True), "bigquery", id="list_as_key"),
    ],
)
def test_mappers_refuse_what_their_target_cannot_hold(column: Column, mappers: str):
    table = replace(ORDER_FLOW, columns=(*ORDER_FLOW.columns, column))
    for name, mapper in {"arrow": arrow_schema, "duckdb": duckdb_ddl, "bigquery": bigquery_schema}.items():
        if name in mappers.split():
            with pytest.raises(UnsupportedTableError, match="order_flow"):
                mapper(table)
        else:
            mapper(table)


def test_mappers_refuse_a_table_without_columns():
    for mapper in (arrow_schema, duckdb_ddl, bigquery_schema):
        with pytest.raises(UnsupportedTableError, match="no columns"):
            mapper(Table("bare", "nothing", ()))


def test_dictionary_names_every_column_under_its_table():
    sections = data_dictionary().split("\n## ")[1:]
    assert [section.split("\n", 1)[0] for section in sections] == [table.name for table in TABLES]
    for section, table in zip(sections, TABLES, strict=True):
        rows = [line for line in section.splitlines() if line.startswith("| `")]
        assert [row.split("`")[1] for row in rows] == [column.name for column in table.columns]
        # Four cells, whatever a description holds.
        assert {row.replace("\\|", "").count("|") for row in rows} == {5}


def test_generated_files_are_current(capsys: pytest.CaptureFixture[str]):
    assert generate.main(["--check"]) == 0, f"run `make docs`: {capsys.readouterr().err}"


def test_generate_writes_changed_files_only_and_removes_left_over_ones(tmp_path: Path):
    files = generate.outputs()
    assert generate.write(tmp_path, files) == sorted(files)
    assert generate.stale(tmp_path, files) == []

    (tmp_path / "deploy/bigquery/gone.json").write_text("[]", encoding="utf-8")
    (tmp_path / "deploy/bigquery/by_hand.sql").write_text("select 1", encoding="utf-8")
    page = tmp_path / "schemas/docs/data_dictionary.md"
    page.write_bytes(page.read_bytes().replace(b"\n", b"\r\n"))
    expected = ["deploy/bigquery/gone.json", "schemas/docs/data_dictionary.md"]
    assert generate.stale(tmp_path, files) == expected
    assert generate.write(tmp_path, files) == expected
    assert generate.stale(tmp_path, files) == []
    assert (tmp_path / "deploy/bigquery/by_hand.sql").exists()


def test_check_names_stale_files_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(generate, "_ROOT", tmp_path)
    assert generate.main(["--check"]) == 1
    assert "stale: deploy/bigquery/order_flow.json" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["pyproject.toml"]
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


def test_generate_refuses_a_folder_that_is_no_source_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(generate, "_ROOT", tmp_path)
    with pytest.raises(SystemExit, match="2"):
        generate.main([])
