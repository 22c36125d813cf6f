"""A figure with the name of a measure is that measure, by the catalogue's own formula over the contract."""

from __future__ import annotations

import math

import duckdb
import pytest

from pipelines.dashboard import words
from pipelines.dashboard.filters import choices, read
from pipelines.dashboard.pages import PAGES
from pipelines.dashboard.pages.common import BOUND
from pipelines.doors import EmbeddedDoor
from schemas.histogram import bucket, length
from schemas.kpis import BY_KEY, Form

# Hand list: the figures that have a standard name, by page.
MEASURED = {
    ("overview", "orders"): "orders_received",
    ("overview", "fulfilled"): "orders_fulfilled",
    ("overview", "on_time"): "on_time_orders",
    ("overview", "cycle_p50"): "internal_order_cycle_time",
    ("overview", "conforming"): "first_pass_yield",
    ("orders", "orders"): "orders_received",
    ("orders", "on_time"): "on_time_orders",
    ("orders", "in_full"): "order_fill_rate",
    ("orders", "perfect"): "perfect_order",
    ("orders", "cycle_p50"): "internal_order_cycle_time",
    ("inbound", "dock_p50"): "dock_to_stock_cycle_time",
    ("inbound", "rejected"): "rejection_rate",
    ("inbound", "punctual"): "supplier_on_time",
    ("stow", "wait_p50"): "stow_queue_time",
    ("stow", "net_p50"): "net_stow_time",
    ("stow", "on_time"): "stow_on_time",
    ("stow", "pace"): "units_stowed_per_hour",
    ("carriers", "first_time"): "label_success_rate",
    ("carriers", "label_p50"): "label_request_time",
    ("carriers", "transit_p50"): "transit_time",
    ("carriers", "delivered"): "delivery_report_rate",
}


@pytest.fixture(scope="module")
def shown(facts):
    """Give the figures of all pages over all days, by page and key."""
    door = EmbeddedDoor(str(facts))
    there = choices(door)
    pages = {p.path: p.build(door, read({"from": "2026-06-01", "to": "2026-12-31"}, there, p.known)) for p in PAGES}
    door.close()
    return {(path, tile.key): tile for path, page in pages.items() for tile in page.tiles}


@pytest.fixture(scope="module")
def warehouse(facts):
    with duckdb.connect(str(facts / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        yield con


def test_the_figures_with_a_standard_name_are_the_catalogues(shown):
    assert {place: tile.kpi for place, tile in shown.items() if tile.kpi} == MEASURED
    for place, kpi in MEASURED.items():
        assert shown[place].label.removesuffix(", median") == BY_KEY[kpi].name
        assert shown[place].meaning.startswith(BY_KEY[kpi].question)


@pytest.mark.parametrize(("place", "kpi"), [(p, k) for p, k in MEASURED.items() if BY_KEY[k].form is not Form.DURATION])
def test_a_figure_is_its_measure(shown, warehouse, place, kpi):
    ((parts, whole),) = warehouse.execute(
        "SELECT sum(numerator), sum(denominator) FROM kpi_daily WHERE kpi = ? AND day >= DATE '2026-06-01'", [kpi]
    ).fetchall()
    assert parts > 0
    if BY_KEY[kpi].form is Form.COUNT:
        assert shown[place].value == words.count(parts)
        return
    assert whole > 0
    value = BY_KEY[kpi].scale * parts / whole
    assert shown[place].value == (words.ratio(value) if BY_KEY[kpi].unit == "ratio" else words.count(value))


@pytest.mark.parametrize(("place", "kpi"), [(p, k) for p, k in MEASURED.items() if BY_KEY[k].form is Form.DURATION])
def test_a_median_is_that_of_its_measure(shown, warehouse, place, kpi):
    """The smallest length that half of the rows do not exceed, told by its bucket."""
    column, relation = BY_KEY[kpi].numerator, BY_KEY[kpi].relation
    lengths = sorted(x for (x,) in warehouse.execute(f"SELECT {column} FROM {relation}").fetchall() if x is not None)
    assert len(lengths) >= 5
    assert shown[place].value == words.seconds(length(bucket(lengths[math.ceil(len(lengths) / 2) - 1])))
    assert shown[place].meaning.endswith(BOUND)
