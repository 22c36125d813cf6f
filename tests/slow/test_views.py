"""The written views: the same answer in BigQuery's words and in DuckDB's, and answers that were worked out by hand."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.dialect import DialectError, to_duckdb
from schemas.views import DERIVED, qualified, read_view, written_views
from tests.emulators.bigquery import rows

# Both engines are compared in tests/slow: the emulator takes half a minute for a question to these.
SLOW = {"kpi_daily", "kpi_histogram", "kpi_histogram_hourly", "kpi_percentiles"}
DAILY = tuple(v for v in written_views() if v.fields[0]["name"] == "day")
VIEWS = tuple(v for v in DAILY if v.name not in SLOW)


@pytest.fixture
def warehouse(output):
    with duckdb.connect(str(output / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'America/New_York'")  # no answer may hang on the zone of the session
        yield con


def in_utc(value):
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def near(one, other):
    """Sums of floats depend on the order of the rows, in either engine."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-6)
    return type(one) is type(other) and one == other


def check_same(found, wanted):
    key = lambda row: tuple("" if v is None else str(v) for v in row if not isinstance(v, float))  # noqa: E731
    found, wanted = (sorted([tuple(map(in_utc, r)) for r in rs], key=key) for rs in (found, wanted))
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert all(map(near, one, other)), (one, other)


def test_there_are_views_to_test():
    assert {v.name for v in VIEWS} >= {
        "daily_orders",
        "stage_durations",
        "work_in_progress",
        "on_time",
        "facility_legs",
    }


@pytest.mark.parametrize("view", VIEWS, ids=lambda v: v.name)
def test_a_view_has_the_same_answer_in_both(dataset, warehouse, view):
    wanted = rows(dataset, f"SELECT * FROM `{dataset.table(view.name)}`")
    assert len(wanted) >= 2  # the tenant is small: some boards have a row a day
    check_same(warehouse.execute(f"SELECT * FROM {view.name}").fetchall(), wanted)


@pytest.mark.parametrize("view", VIEWS, ids=lambda v: v.name)
def test_a_view_can_be_asked_for_a_day(dataset, warehouse, view):
    ((day,),) = warehouse.execute(f"SELECT max(day) FROM {view.name}").fetchall()
    asked = f"SELECT * FROM {{}} WHERE day = DATE '{day}'"
    wanted = rows(dataset, asked.format(f"`{dataset.table(view.name)}`"))
    check_same(warehouse.execute(asked.format(view.name)).fetchall(), wanted)
    assert {row[0] for row in wanted} == {day}


@pytest.mark.parametrize("view", VIEWS, ids=lambda v: v.name)
def test_a_view_has_the_columns_types_and_words_that_it_declares(dataset, warehouse, view):
    types = {"STRING": "VARCHAR", "INT64": "BIGINT", "FLOAT64": "DOUBLE", "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
             "BOOL": "BOOLEAN"}  # fmt: skip
    found = warehouse.execute(
        "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index",
        [view.name],
    ).fetchall()
    assert found == [(f["name"], types.get(f["type"], f["type"]), f["description"]) for f in view.fields]
    query = dataset.client.query(qualified(view.query, dataset.name)).result()
    legacy = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
    declared = [(f["name"], f["type"]) for f in view.fields]
    assert [(f.name, legacy.get(f.field_type, f.field_type)) for f in query.schema] == declared


def test_daily_orders_counts_every_order_once(warehouse):
    orders = warehouse.execute("SELECT started_at, outcome, deviations, picked_units FROM order_flow").fetchall()
    wanted, units = Counter(), Counter()
    for started, outcome, deviations, picked in orders:
        day = started.astimezone(UTC).date()
        wanted[day, outcome] += 1
        wanted[day, "orders"] += 1
        wanted[day, "split"] += "split" in deviations
        units[day] += picked or 0
    names = ("orders", "fulfilled", "cancelled", "open", "incomplete", "split")
    sums = ", ".join(f"sum({n})" for n in (*names, "picked_units"))
    found = warehouse.execute(f"SELECT day, {sums} FROM daily_orders GROUP BY day").fetchall()
    assert len(found) >= 3
    for day, *values in found:
        assert values[:-1] == [wanted[day, n] for n in names]
        assert (values[-1] or 0) == units[day]


def test_percentiles_are_lengths_that_there_are(warehouse):
    lengths = {}
    for started, stage, kind, facility, seconds in warehouse.execute(
        "SELECT started_at, stage, kind, facility_ref, seconds FROM flow_interval WHERE flow = 'order'"
    ).fetchall():
        if seconds is not None:
            lengths.setdefault((started.astimezone(UTC).date(), stage, kind, facility), []).append(seconds)
    found = warehouse.execute(
        "SELECT day, stage, kind, facility_ref, stretches, seconds_p50, seconds_p90, seconds_max FROM stage_durations "
        "WHERE flow = 'order' AND stretches > 0"
    ).fetchall()
    assert len(found) == len(lengths)
    for day, stage, kind, facility, count, p50, p90, most in found:
        ranked = sorted(lengths[day, stage, kind, facility])
        assert count == len(ranked)
        assert (p50, p90, most) == (
            ranked[math.ceil(0.5 * count) - 1], ranked[math.ceil(0.9 * count) - 1], ranked[-1],
        )  # fmt: skip


def test_work_in_progress_is_what_lasts_at_the_instant_of_the_facts(warehouse):
    ((as_of,),) = warehouse.execute("SELECT max(as_of) FROM pipeline_run").fetchall()
    lasting = warehouse.execute("SELECT started_at FROM flow_interval WHERE ended_at IS NULL").fetchall()
    lasting = [started for (started,) in lasting if started <= as_of]
    ((entities, oldest, age),) = warehouse.execute(
        "SELECT sum(entities), min(oldest_started_at), max(age_seconds_max) FROM work_in_progress"
    ).fetchall()
    assert entities == len(lasting) > 0
    assert oldest == min(lasting)
    assert age == pytest.approx((as_of - min(lasting)) / timedelta(seconds=1))


# By hand, from BigQuery's documentation: what a translation gets wrong when it goes word by word.
BY_HAND = [
    ("TIMESTAMP_DIFF(TIMESTAMP '2026-06-01 10:00:05+00', TIMESTAMP '2026-06-01 09:00:06+00', HOUR)", 0),
    ("TIMESTAMP_DIFF(TIMESTAMP '2026-06-01 09:00:06+00', TIMESTAMP '2026-06-01 10:00:05+00', HOUR)", 0),
    ("TIMESTAMP_DIFF(TIMESTAMP '2026-06-02 09:00:00+00', TIMESTAMP '2026-06-01 10:00:00+00', DAY)", 0),
    ("TIMESTAMP_DIFF(TIMESTAMP '2026-06-01 09:00:00+00', TIMESTAMP '2026-06-03 10:00:00+00', DAY)", -2),
    ("TIMESTAMP_DIFF(TIMESTAMP '2026-06-01 00:00:01.5+00', TIMESTAMP '2026-06-01 00:00:00.6+00', SECOND)", 0),
    ("TIMESTAMP_DIFF(TIMESTAMP '2026-06-01 00:00:01.5+00', TIMESTAMP '2026-06-01 00:00:00+00', MICROSECOND)", 1500000),
    ("DATE(TIMESTAMP '2026-06-01 23:30:00+00')", date(2026, 6, 1)),
    ("DATE(TIMESTAMP '2026-06-01 23:59:59.999999+00')", date(2026, 6, 1)),
    ("DATE(TIMESTAMP '1969-12-31 23:59:59.999999+00')", date(1969, 12, 31)),
    ("DATE(CAST(NULL AS TIMESTAMP))", None),
    ("DATE(TIMESTAMP '2026-06-01 23:30:00+00', 'Europe/Berlin')", date(2026, 6, 2)),
    ("TIMESTAMP_TRUNC(TIMESTAMP '2026-06-01 23:59:59.999999+00', HOUR)", datetime(2026, 6, 1, 23, tzinfo=UTC)),
    ("TIMESTAMP_TRUNC(TIMESTAMP '1969-12-31 23:30:00+00', HOUR)", datetime(1969, 12, 31, 23, tzinfo=UTC)),
    ("DATE_TRUNC(DATE '2026-06-03', WEEK(MONDAY))", date(2026, 6, 1)),
    ("DATE_TRUNC(DATE '2026-06-03', WEEK)", date(2026, 5, 31)),
    ("DATE_TRUNC(DATE '2026-05-31', WEEK)", date(2026, 5, 31)),
    ("TIMESTAMP_TRUNC(TIMESTAMP '2026-06-01 23:30:00+00', DAY)", datetime(2026, 6, 1, tzinfo=UTC)),
    ("TIMESTAMP_TRUNC(TIMESTAMP '2026-06-01 23:30:00+00', DAY, 'Europe/Berlin')", datetime(2026, 6, 1, 22, tzinfo=UTC)),
    ("TIMESTAMP_TRUNC(TIMESTAMP '2026-06-03 23:30:00+00', WEEK)", datetime(2026, 5, 31, tzinfo=UTC)),
    ("TIMESTAMP_TRUNC(TIMESTAMP '2026-06-03 23:30:00+00', WEEK(MONDAY))", datetime(2026, 6, 1, tzinfo=UTC)),
    ("TIMESTAMP_TRUNC(TIMESTAMP '2026-06-03 23:30:00+00', ISOWEEK)", datetime(2026, 6, 1, tzinfo=UTC)),
    ("EXTRACT(DAYOFWEEK FROM DATE '2026-05-31')", 1),
    ("EXTRACT(DAYOFWEEK FROM DATE '2026-06-06')", 7),
    (
        "TIMESTAMP_DIFF(TIMESTAMP_TRUNC(TIMESTAMP '2026-06-01 23:30:00+00', DAY), TIMESTAMP '2026-06-01 01:00:00+00', "
        "HOUR)",
        -1,
    ),
    ("(SELECT COUNTIF(x) FROM UNNEST([CAST(NULL AS BOOL)]) AS x)", 0),
    ("(SELECT COUNTIF(x > 1) FROM UNNEST([1, 2, 3]) AS x)", 2),
    ("SAFE_DIVIDE(1, 0)", None),
    ("SAFE_DIVIDE(1, 2)", 0.5),
    ("7 / 2", 3.5),
    ("DIV(-7, 2)", -3),
    ("MOD(-7, 2)", -1),
    ("CONCAT('a', NULL)", None),
    ("[10, 20, 30][SAFE_OFFSET(0)]", 10),
    ("[10, 20, 30][SAFE_OFFSET(3)]", None),
    ("ARRAY_LENGTH(['a', 'b'])", 2),
    ("'b' IN UNNEST(['a', 'b'])", True),
    ("COALESCE(NULL, 3)", 3),
    ("ROUND(2.5)", 3.0),
    ("CAST(2.5 AS INT64)", 3),
    ("SUBSTR('abcdef', -2)", "ef"),
    ("REGEXP_CONTAINS('abc', r'^b')", False),
    ("FORMAT_DATE('%Y-%m', DATE '2026-06-03')", "2026-06"),
]


@pytest.mark.parametrize(("expression", "wanted"), BY_HAND)
def test_an_expression_means_in_duckdb_what_it_means_in_bigquery(expression, wanted):
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'America/New_York'")
        ((found,),) = con.execute(to_duckdb(f"SELECT {expression} AS x")).fetchall()
    assert in_utc(found) == wanted
    assert isinstance(found, bool) == isinstance(wanted, bool)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT APPROX_QUANTILES(seconds, 100) FROM flow_interval", "APPROX_QUANTILES gives other quantiles"),
        ("SELECT TIMESTAMP_TRUNC(started_at, WEEK(TUESDAY)) FROM flow_interval", r"WEEK\(TUESDAY\)"),
        ("DELETE FROM order_flow WHERE TRUE", "expected one SELECT"),
        ("SELECT 1; SELECT 2", "expected one SELECT"),
        ("SELECT FROM WHERE", "not BigQuery's SQL"),
    ],
)
def test_what_can_not_be_said_is_refused_by_name(query, says):
    with pytest.raises(DialectError, match=says):
        to_duckdb(query)


def test_a_view_without_words_is_refused():
    with pytest.raises(ValueError, match="has no description, columns or query"):
        read_view("v", "SELECT 1 AS x")


def test_every_written_view_hands_a_day_on():
    assert {v.name for v in written_views()} - {v.name for v in DAILY} == {"kpi_definition"}  # has no facts
    for view in DAILY:
        read, seen = (
            "Filter by day to read only those days." in view.description,
            "Filter by day to see" in view.description,
        )
        assert read != seen
        # What is there on a day may have begun long before.
        assert seen == (view.name in {"backlog_daily", "wip_daily", "wip_moves", "expected_deliveries"})


def test_every_file_is_a_view():
    files = {f.stem for f in Path(__file__).parents[2].joinpath("schemas", "sql").glob("*.sql")}
    assert files | DERIVED.keys() == {v.name for v in written_views()}
