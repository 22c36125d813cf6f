"""The catalogue of measures: it is whole, its names are fit, and every example comes out in the embedded warehouse."""

from __future__ import annotations

import re

import pytest
import sqlglot
from sqlglot import exp

from schemas.kpis import BY_KEY, DIMENSIONS, KPIS, Better, Form
from schemas.kpis.page import kpis_page
from schemas.tables import BY_NAME
from schemas.views import written_views
from tests.kpi_cases import FOUND, example_tables, in_memory, wanted, whole_row

COLUMNS = {t.name: {c.name for c in t.columns} for t in BY_NAME.values()} | {
    v.name: {f["name"] for f in v.fields} for v in written_views()
}
KPI = pytest.mark.parametrize("kpi", KPIS, ids=lambda k: k.key)

# What the contract's issue asks for by name.
PROMISED = {
    "total_order_cycle_time", "internal_order_cycle_time", "dock_to_stock_cycle_time", "on_time_shipments",
    "on_time_ready_to_ship", "lines_picked_per_hour", "order_fill_rate", "line_fill_rate", "unit_fill_rate",
    "perfect_order", "order_lead_time", "order_intake_lag", "order_backlog", "order_rework_rate", "label_success_rate",
    "put_away_time", "supplier_on_time", "receiving_accuracy", "rejection_rate", "cancellation_rate",
    "cancellation_rate_cancelled", "cancellation_rate_force_cancelled", "cancellation_rate_expired", "job_touch_time",
    "order_flow_efficiency",
}  # fmt: skip


@pytest.fixture(scope="module")
def warehouse():
    with in_memory(example_tables()) as con:
        yield con


@pytest.fixture(scope="module")
def found(warehouse):
    rows = warehouse.execute(FOUND.format(daily="kpi_daily", definition="kpi_definition")).fetchall()
    return {kpi: values for kpi, *values in rows}


def test_what_was_promised_is_there():
    assert BY_KEY.keys() >= PROMISED


def test_keys_and_names_are_unique():
    for names in ([k.key for k in KPIS], [k.name.lower() for k in KPIS], [k.question for k in KPIS]):
        assert len(names) == len(set(names))


@KPI
def test_a_measure_is_whole(kpi):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", kpi.key)
    assert kpi.question.endswith("?")
    assert kpi.nulls.endswith(".")
    assert kpi.unit
    assert kpi.version >= 1
    assert kpi.relation in DIMENSIONS
    assert (kpi.denominator == "") == (kpi.form is Form.COUNT)
    assert isinstance(kpi.better, Better)
    if kpi.form is Form.DURATION:
        assert kpi.start
        assert kpi.stop
        assert kpi.unit == "s"
        assert kpi.example.p50 is not None


@KPI
def test_a_cycle_time_says_of_what(kpi):
    for text in (kpi.key.replace("_", " "), kpi.name.lower()):
        assert "cycle time" not in text or re.search(r"(order|stock|away) cycle time", text)
        assert text not in ("cycle time", "lead time", "throughput")


@KPI
def test_every_column_exists(kpi):
    for text in (kpi.numerator, kpi.denominator or "1", kpi.judged, kpi.population, DIMENSIONS[kpi.relation].odd):
        names = {c.name for c in sqlglot.parse_one(text, read="bigquery").find_all(exp.Column)}
        assert names <= COLUMNS[kpi.relation], kpi.key
    assert "facility_ref" in COLUMNS[kpi.relation]


@KPI
def test_the_ends_are_columns_or_told(kpi):
    for end in (kpi.start, kpi.stop):
        for name in re.findall(r"\w+_at\b", end):
            assert name in COLUMNS[kpi.relation] | COLUMNS["order_leg"]


@KPI
def test_the_arithmetic_of_the_example_gives_its_value(kpi):
    assert re.fullmatch(r"[\d\s()+*/.-]+", kpi.example.arithmetic)
    assert eval(kpi.example.arithmetic) == pytest.approx(kpi.example.value, rel=1e-12)
    if kpi.example.denominator is not None:
        assert kpi.scale * kpi.example.numerator / kpi.example.denominator == pytest.approx(kpi.example.value)


@KPI
def test_the_example_comes_out(kpi, found):
    assert found[kpi.key] == pytest.approx(list(wanted(kpi)))


def test_the_definitions_are_those_of_the_catalogue(warehouse):
    rows = warehouse.execute(
        "SELECT kpi, name, standard, question, unit, scale, version FROM kpi_definition"
    ).fetchall()
    assert sorted(rows) == sorted(
        (k.key, k.name, k.standard or None, k.question, k.unit, k.scale, k.version) for k in KPIS
    )


def test_odd_rows_count_and_are_counted():
    order = BY_NAME["order_flow"]
    rows = [
        {"order_cycle_seconds": 10.0, "outcome": "fulfilled"},
        {"order_cycle_seconds": -4.0, "outcome": "fulfilled", "quality_flags": ("negative_interval",)},
        {"outcome": "open", "quality_flags": ("missing_start",)},
    ]
    table = (
        example_tables()["order_flow"]
        .slice(0, 0)
        .from_pylist(
            [whole_row(order, "somewhere", n, r) for n, r in enumerate(rows)],
            schema=example_tables()["order_flow"].schema,
        )
    )
    with in_memory({"order_flow": table}) as con:
        asked = "SELECT value, counted, excluded, flagged, flagged_share, day_closed FROM kpi_daily WHERE kpi = ?"
        assert con.execute(asked, ["internal_order_cycle_time"]).fetchall() == [(3.0, 2, 1, 1, 0.5, None)]


def test_a_day_says_whether_it_is_closed():
    books = [("2026-06-01", True), ("2026-06-02", False)]
    order = BY_NAME["order_flow"]
    rows = [whole_row(order, "x", n, {"started_at": f"2026-06-0{n}T10:00:00Z"}) for n in (1, 2, 3)]
    table = example_tables()["order_flow"].slice(0, 0).from_pylist(rows, schema=example_tables()["order_flow"].schema)
    with in_memory({"order_flow": table}) as con:
        con.executemany("INSERT INTO flowfacts.day_book_moving (day, closed) VALUES (?, ?)", books)
        asked = "SELECT day_closed, value FROM kpi_daily WHERE kpi = 'orders_received' ORDER BY day"
        assert con.execute(asked).fetchall() == [(True, 1.0), (False, 1.0), (None, 1.0)]


def test_the_backlog_of_each_day():
    order = BY_NAME["order_flow"]
    # From the first microsecond of a day to the last of another; one that lasts; one that begins and ends at midnight.
    spans = [
        ("2026-06-01T00:00:00Z", "2026-06-02T23:59:59.999999Z"),
        ("2026-06-02T12:00:00Z", None),
        ("2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z"),
        ("2026-06-03T09:00:00Z", "2026-06-03T10:00:00Z"),
    ]
    rows = [whole_row(order, "x", n, {"started_at": a, "finished_at": b}) for n, (a, b) in enumerate(spans)]
    tables = example_tables()
    orders = tables["order_flow"].slice(0, 0).from_pylist(rows, schema=tables["order_flow"].schema)
    with in_memory({"order_flow": orders, "pipeline_run": tables["pipeline_run"]}) as con:
        found = con.execute("SELECT day::VARCHAR, backlog, age_seconds_max FROM backlog_daily ORDER BY day").fetchall()
    hour = 3600.0
    assert found == [
        ("2026-06-01", 1, 24 * hour),
        ("2026-06-02", 2, 24 * hour),
        ("2026-06-03", 1, 36 * hour),
        ("2026-06-04", 1, 60 * hour),
    ]


def test_the_page_has_every_measure():
    page = kpis_page()
    for kpi in KPIS:
        assert f"### {kpi.key}\n" in page
        assert kpi.question in page
