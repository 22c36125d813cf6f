"""Filters on the day reach every table with rows: as DuckDB's planner tells of the views of the dataset.

BigQuery reads the partitions (and, of the live tables, the blocks) that a filter on the table itself leaves; its
emulator tells no bytes. A filter that a planner can't bring down to the table would make a day's question read the
whole history.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
import sqlglot

from schemas.dataset import stored_tables
from schemas.halves import relation_query
from schemas.live import INDEX_DAYS, LIVE_DAYS
from schemas.tables import FACT_TABLES, Type
from schemas.views import views
from tests.plans import scans

TYPES = {
    Type.STRING: "VARCHAR", Type.INT64: "BIGINT", Type.FLOAT64: "DOUBLE", Type.BOOL: "BOOLEAN",
    Type.TIMESTAMP: "TIMESTAMPTZ", Type.STRINGS: "VARCHAR[]",
}  # fmt: skip
VALUES = {
    Type.STRING: "'x' || n", Type.INT64: "n", Type.FLOAT64: "n", Type.BOOL: "n > 2", Type.STRINGS: "['x']",
    Type.TIMESTAMP: "TIMESTAMPTZ '2026-05-30 12:00:00+00' + n * INTERVAL 1 DAY",
}  # fmt: skip
ROWS = {table.name: table.day_column for table in FACT_TABLES}
STORED = {s.name: s.relation for s in stored_tables() if s.relation in ROWS}


@pytest.fixture(scope="module")
def planner() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute("CREATE MACRO farm_fingerprint(x) AS CAST(hash(x) >> 1 AS BIGINT)")
        con.execute("CREATE MACRO unix_micros(x) AS epoch_us(x)")
        for stored in stored_tables():
            columns = ", ".join(f'"{c.name}" {TYPES[c.type]}' for c in stored.table.columns)
            con.execute(f"CREATE TABLE {stored.name} ({columns})")
            # Rows before, on and after the day, so that no statistics answer in the place of a filter.
            values = ", ".join(VALUES[c.type] for c in stored.table.columns)
            con.execute(f"INSERT INTO {stored.name} SELECT {values} FROM range(5) AS r(n)")
        for view in views():
            con.execute(f"CREATE VIEW {view.name} AS {translated(view.query)}")
        yield con


def translated(query: str) -> str:
    (text,) = sqlglot.transpile(query, read="bigquery", write="duckdb")
    return text


@pytest.mark.parametrize("table", FACT_TABLES, ids=lambda t: t.name)
def test_a_days_question_filters_every_table_with_rows(planner, table):
    day = f"{table.day_column} >= '2026-06-01' AND {table.day_column} < '2026-06-02'"
    met = dict(scans(planner, f"SELECT * FROM {table.name} WHERE {day} AND flow_id IS NOT NULL"))
    rows = {name: filtered for name, filtered in met.items() if name in STORED}
    assert set(rows) == {f"{table.name}_{kind}" for kind in ("open", "settled", "live")}
    assert [name for name, filtered in rows.items() if str(table.day_column) not in filtered] == []


def test_a_filter_that_a_window_holds_back_is_found_out(planner):
    inner = "SELECT *, row_number() OVER (PARTITION BY flow_id) AS n FROM order_flow_settled"
    told = dict(scans(planner, f"SELECT * FROM ({inner}) WHERE started_at >= '2026-06-01' AND n = 1"))
    assert "started_at" not in told["order_flow_settled"]


def test_what_is_read_besides_rows_expires(planner):
    expires = {s.name: s.expires_days for s in stored_tables()}
    besides = set()
    for table in FACT_TABLES:
        besides |= {name for name, _ in scans(planner, f"SELECT * FROM {table.name}") if name not in STORED}
    assert besides == {"flow_revision_live", "flowfacts_index_open", "flowfacts_index_settled"}
    assert (expires["flow_revision_live"], expires["flowfacts_index_settled"]) == (LIVE_DAYS, INDEX_DAYS)
    assert LIVE_DAYS < INDEX_DAYS


def test_the_views_are_those_of_the_declaration():
    made = {view.name: view.query for view in views() if view.relation}
    assert {table.name: relation_query(table) for table in FACT_TABLES}.items() <= made.items()
