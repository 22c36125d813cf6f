"""A branch for each constant: the same answer, and only what is asked for is read and computed."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.dialect import to_duckdb
from schemas.kpis import BY_KEY, KPIS
from schemas.views import DERIVED, read_view
from tests.kpi_cases import DAY, example_tables, in_memory
from tests.plans import nodes, scans

FIRST_OF = {kpi.relation: kpi.key for kpi in reversed(KPIS)}
BOOKS = {"day_book_moving", "day_book_staying"}


@pytest.fixture(scope="module")
def warehouse():
    with in_memory(example_tables()) as con:
        yield con


def read(con, query):
    return [name for name, _ in scans(con, query)]


def sums(con, query):
    found = [n["extra_info"].get("Aggregates", ()) for n, _ in nodes(con, query) if "GROUP_BY" in n["name"]]
    return sum(1 if isinstance(told, str) else len(told) for told in found)


@pytest.mark.parametrize("relation", FIRST_OF)
def test_a_measure_reads_its_own_relation(warehouse, relation):
    for asked in (f"kpi = '{FIRST_OF[relation]}'", f"kpi IN ('{FIRST_OF[relation]}') AND day = DATE '{DAY}'"):
        found = set(read(warehouse, f"SELECT * FROM kpi_daily WHERE {asked}"))
        assert found - BOOKS == set(read(warehouse, f"SELECT * FROM {relation}")) - BOOKS != set()


def test_a_measure_computes_its_own_sums(warehouse):
    one, two, none, every = (
        sums(warehouse, f"SELECT * FROM kpi_daily WHERE {asked}")
        for asked in (
            "kpi = 'internal_order_cycle_time'", "kpi IN ('internal_order_cycle_time', 'order_lead_time')",
            "kpi = 'no_such'", "TRUE",
        )
    )  # fmt: skip
    assert one == 4  # rows, those with a time, odd ones of these, seconds
    assert (two, none) == (7, 0)
    assert every > 2 * len(KPIS)


def test_all_measures_are_one_pass_over_each_relation(warehouse):
    found = read(warehouse, "SELECT * FROM kpi_daily")
    for relation in FIRST_OF.keys() - {"backlog_daily", "order_flow", "inbound_flow", "stow_flow"}:
        assert found.count(f"{relation}_moving") == 1
    backlog = read(warehouse, "SELECT * FROM backlog_daily")
    assert found.count("order_flow_moving") == 1 + backlog.count("order_flow_moving")


def test_a_day_is_filtered_where_it_is_read(warehouse):
    for more in ("", " AND kpi = 'internal_order_cycle_time'", " AND kpi LIKE 'order%'"):
        told = [*scans(warehouse, f"SELECT * FROM kpi_daily WHERE day = DATE '{DAY}'{more}")]
        rows = {name: filtered for name, filtered in told if name.startswith(("order_leg", "flow_interval"))}
        assert len(rows) == {"": 4, " AND kpi LIKE 'order%'": 2}.get(more, 0)
        assert [name for name, filtered in rows.items() if DAY not in filtered] == []


def test_the_measures_are_those_of_the_plain_text(warehouse):
    view = read_view("kpi_daily", DERIVED["kpi_daily"])
    plain, branched = (
        warehouse.execute(to_duckdb(view.query, branches=branches)).fetchall() for branches in (False, True)
    )
    assert {row[1] for row in plain} == BY_KEY.keys()
    assert sorted(branched, key=str) == sorted(plain, key=str)


ROWS = "(SELECT 1 AS x, 10 AS y UNION ALL SELECT 2, NULL) AS rows_"
BRANCHED = [
    "SELECT x, k, CASE k WHEN 'a' THEN x WHEN 'b' THEN y ELSE -1 END AS v FROM {rows} "
    "CROSS JOIN UNNEST(['a', 'b', 'c']) AS k",
    "SELECT CASE k WHEN 'a' THEN x END AS v, k AS name FROM {rows} CROSS JOIN UNNEST(['a', 'b']) AS k",
    "SELECT 1 + CASE k WHEN 'b' THEN CASE k WHEN 'b' THEN y END ELSE x END AS v, CONCAT(k, '!') AS told "
    "FROM {rows} CROSS JOIN UNNEST(['a', 'b']) AS k",
    "SELECT x * n AS v FROM {rows} CROSS JOIN UNNEST([1, 2]) AS n",
    "SELECT k, SUM(x) AS v FROM (SELECT k, x FROM {rows} CROSS JOIN UNNEST(['a', 'b']) AS k) AS inner_ GROUP BY k",
    "SELECT x, k FROM {rows} CROSS JOIN UNNEST(['a']) AS k UNION ALL SELECT 5, 'z'",
]
KEPT = [
    "SELECT COUNT(*) AS v, MIN(k) AS k FROM {rows} CROSS JOIN UNNEST(['a', 'b']) AS k",
    "SELECT x, COUNT(k) AS v FROM {rows} CROSS JOIN UNNEST(['a', 'b']) AS k GROUP BY x",
    "SELECT DISTINCT x FROM {rows} CROSS JOIN UNNEST(['a', 'b']) AS k",
    "SELECT x, k FROM {rows} CROSS JOIN UNNEST(['a', 'b']) AS k ORDER BY x, k LIMIT 1",
    "SELECT x, ROW_NUMBER() OVER (ORDER BY x, k) AS v FROM {rows} CROSS JOIN UNNEST(['a', 'b']) AS k",
    "SELECT x, k FROM {rows} CROSS JOIN UNNEST(['a', 'b']) AS k WHERE x = 1",
    "SELECT x, k FROM {rows} CROSS JOIN UNNEST(SPLIT('a,b', ',')) AS k",
]


@pytest.mark.parametrize("query", BRANCHED + KEPT)
def test_the_answer_is_the_same(query):
    text = query.format(rows=ROWS)
    plain, branched = to_duckdb(text), to_duckdb(text, branches=True)
    assert ("UNNEST" in branched.upper()) == (query in KEPT)
    with duckdb.connect() as con:
        found, wanted = con.sql(branched), con.sql(plain)
        assert found.columns == wanted.columns
        assert sorted(found.fetchall(), key=str) == sorted(wanted.fetchall(), key=str) != []
