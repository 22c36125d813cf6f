"""A filter on the day reaches the rows in the embedded warehouse: other days are dropped where they are read."""

from __future__ import annotations

import pytest

from schemas.tables import FACT_TABLES
from schemas.views import written_views
from tests.kpi_cases import DAY, example_tables, in_memory
from tests.plans import scans

ROWS = {f"{t.name}_{kind}" for t in FACT_TABLES for kind in ("moving", "staying")}
# Read whole, a few columns of each row: DuckDB leaves the filter above an UNNEST, a FULL JOIN, a UNION of relations.
WHOLE = {"completeness_daily", "deviations_daily", "funnel_daily", "quality_daily", "variants_daily"}
OF_EVENTS = {"milestones_hourly"}  # the examples have none, and a table without rows is not read
# Look something up by flow, besides: closures of open orders, the channel, the backlog.
BESIDES = {
    "kpi_daily": "order_leg", "order_slack": "order_time_split", "order_split": "order_time_split",
    "stage_histogram": "flow_interval", "stage_histogram_hourly": "flow_interval",
}  # fmt: skip
READ = [v.name for v in written_views() if "Filter by day to read only those days." in v.description]


@pytest.fixture(scope="module")
def warehouse():
    with in_memory(example_tables()) as con:
        yield con


@pytest.mark.parametrize("view", [v for v in READ if v not in WHOLE | OF_EVENTS])
def test_a_days_question_drops_other_days_where_they_are_read(warehouse, view):
    told = [*scans(warehouse, f"SELECT * FROM {view} WHERE day = DATE '{DAY}'")]
    met = [(name, filtered) for name, filtered in told if name in ROWS]
    if view in BESIDES:
        wanted = {f"{BESIDES[view]}_{kind}" for kind in ("moving", "staying")}
        assert {name for name, filtered in met if DAY in filtered} >= wanted
    else:
        assert met
        assert [name for name, filtered in met if DAY not in filtered] == []
