"""A day's question to a view reads that day: DuckDB's planner is asked, for every view that hands a day on."""

from __future__ import annotations

import pytest

from schemas.views import written_views
from tests.kpi_cases import example_tables, in_memory
from tests.plans import scans

DAY = "2026-06-02"
BY_DAY = [v.name for v in written_views() if any((f["name"], f["type"]) == ("day", "DATE") for f in v.fields)]

STOCKS = {"backlog_daily", "wip_daily"}
"""What was open at the end of a day began on any day before."""

AFTER_A_LIST = {"deviations_daily", "funnel_daily", "quality_daily"}
"""DuckDB moves no filter below UNNEST: these are read whole there, two or three columns of them. BigQuery moves it."""

BOOKS = {"day_book", "pipeline_run", "calendar_closure"}

BESIDE = {
    "stage_histogram": {"order_flow"},  # for the channel: the order of a stretch began on any day before
    "stage_histogram_hourly": {"order_flow"},
    "kpi_daily": {"order_flow", "inbound_flow", "stow_flow"},  # for the backlog, a stock; test_branches has the others
}


@pytest.fixture(scope="module")
def warehouse():
    with in_memory(example_tables()) as con:
        yield con


def unfiltered(con, view):
    """Name the relations of which a day's question reads rows of other days."""
    query = f"SELECT * FROM {view} WHERE day = DATE '{DAY}'"
    return {
        name.removesuffix("_moving").removesuffix("_staying") for name, told in scans(con, query) if DAY not in told
    }


@pytest.mark.parametrize("view", [v for v in BY_DAY if v not in STOCKS | AFTER_A_LIST])
def test_a_days_question_reads_that_day(warehouse, view):
    assert unfiltered(warehouse, view) - BOOKS == BESIDE.get(view, set())


@pytest.mark.parametrize("view", sorted(STOCKS | AFTER_A_LIST))
def test_the_others_are_known(warehouse, view):
    assert view in BY_DAY
    assert unfiltered(warehouse, view) - BOOKS != set()
