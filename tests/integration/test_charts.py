"""Charts for other tools: every query runs, and the vendor's charts show the drawn truth."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import duckdb
import pytest
import yaml

from pipelines import superset
from pipelines.dialect import to_duckdb
from schemas.bi_pages import tools_page, vendor_page
from schemas.charts import CHARTS, VENDOR_CHARTS

ROOT = Path(__file__).parents[2]
BY_KEY = {c.key: c for c in CHARTS}


@pytest.fixture(scope="module")
def warehouse(facts):
    # The time zone of the machine must not matter.
    with duckdb.connect(str(facts / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'America/Los_Angeles'")
        yield con


@pytest.fixture(scope="module")
def truth(facts):
    """Give the drawn rows of a relation."""

    def rows(relation):
        with duckdb.connect() as con:
            con.execute("SET TimeZone = 'UTC'")
            table = con.sql(f"FROM read_parquet('{facts.parent}/tenant/truth/{relation}.parquet')").to_arrow_table()
        return table.to_pylist()

    return rows


def ask(warehouse, key):
    """Give the rows of a chart as dicts."""
    answer = warehouse.execute(to_duckdb(BY_KEY[key].sql))
    names = [d[0] for d in answer.description]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def by(rows, *keys, value="orders"):
    return {tuple(r[k] for k in keys): r[value] for r in rows}


@pytest.mark.parametrize("key", BY_KEY)
def test_every_query_gives_the_columns_that_its_chart_draws(warehouse, key):
    chart, rows = BY_KEY[key], ask(warehouse, key)
    assert rows
    drawn = {chart.x, *chart.values, *([chart.series] if chart.series else [])}
    assert drawn <= rows[0].keys()
    # One row a place on the chart, so that no tool has to aggregate.
    places = [(r.get("flow"), r[chart.x], r[chart.series] if chart.series else None) for r in rows]
    assert len(set(places)) == len(places)


def test_incoming_and_finished_orders(warehouse, truth):
    orders = truth("order_flow")
    assert by(ask(warehouse, "incoming_orders"), "day", "channel") == Counter(
        (o["started_at"].date(), o["channel"]) for o in orders
    )
    assert by(ask(warehouse, "finished_orders"), "day", "channel") == Counter(
        (o["finished_at"].date(), o["channel"]) for o in orders if o["outcome"] == "fulfilled"
    )


def test_quantiles_of_the_time_to_finish(warehouse, truth):
    taken = {}
    for o in truth("order_flow"):
        if o["outcome"] == "fulfilled" and o["order_cycle_seconds"] is not None:
            taken.setdefault(o["finished_at"].date(), []).append(o["order_cycle_seconds"] / 3600)
    shown = {r["day"]: r for r in ask(warehouse, "time_to_finish")}
    assert shown.keys() == taken.keys()
    for day, values in taken.items():
        values.sort()
        for percent in (50, 90, 95):
            assert shown[day][f"p{percent}_hours"] == pytest.approx(values[(len(values) - 1) * percent // 100])
        assert shown[day]["orders"] == len(values)


def test_status_lines_and_cancellations(warehouse, truth):
    orders = truth("order_flow")
    assert by(ask(warehouse, "status_by_creation_date"), "day", "outcome") == Counter(
        (o["started_at"].date(), o["outcome"]) for o in orders
    )
    assert by(ask(warehouse, "lines_per_order"), "lines") == Counter(
        (min(o["line_count"], 10),) for o in orders if o["line_count"] is not None
    )
    assert by(ask(warehouse, "cancellations_by_origin"), "day", "origin") == Counter(
        (o["order_cancelled_at"].date(), o["cancel_reason"]) for o in orders if o["order_cancelled_at"] is not None
    )


def test_jobs(warehouse, truth):
    legs = truth("order_leg")
    assert by(ask(warehouse, "incoming_jobs"), "day", "facility_ref", value="jobs") == Counter(
        (x["pick_created_at"].date(), x["facility_ref"]) for x in legs if x["pick_created_at"] is not None
    )
    assert by(ask(warehouse, "completed_jobs"), "day", "facility_ref", value="jobs") == Counter(
        (x["pick_finished_at"].date(), x["facility_ref"]) for x in legs if x["outcome"] in ("picked", "short_picked")
    )


def test_deliveries_receipts_and_quantities(warehouse, truth):
    flows = truth("inbound_flow")
    expected = [f for f in flows if f["last_requested_at"] is not None]
    shown = ask(warehouse, "expected_deliveries")
    assert by(shown, "day", value="deliveries") == Counter((f["last_requested_at"].date(),) for f in expected)
    assert sum(r["outstanding"] for r in shown) == sum(
        f["first_delivery_received_at"] is None and f["outcome"] == "open" for f in expected
    )
    received = [f for f in flows if f["last_delivery_received_at"] is not None]
    kinds = Counter(
        (f["last_delivery_received_at"].date(),
         "partial" if f["outcome"] != "fulfilled"
         else "complete_in_parts" if "partial_delivery" in f["deviations"] else "complete_at_once")
        for f in received
    )  # fmt: skip
    names = ("partial", "complete_in_parts", "complete_at_once")
    assert {
        (r["day"], n): r[n] for r in ask(warehouse, "receipts_complete_and_partial") for n in names if r[n]
    } == kinds
    rejected, missing = Counter(), Counter()
    for f in received:
        if f["requested_units"] is not None:
            day = f["last_delivery_received_at"].date()
            rejected[day] += f["rejected_units"]
            gap = f["requested_units"] - f["accepted_units"] - f["rejected_units"]
            missing[day] += max(0, gap) if f["outcome"] == "fulfilled" else 0
    shown = {r["day"]: r for r in ask(warehouse, "rejected_and_missing")}
    assert {d: r["rejected"] for d, r in shown.items()} == pytest.approx(dict(rejected))
    assert {d: r["missing"] for d, r in shown.items()} == pytest.approx(dict(missing))
    assert sum(rejected.values()) > 0


def test_charts_of_the_split_add_up(warehouse):
    ((hours,),) = warehouse.execute("SELECT sum(order_seconds) / 3600 FROM order_split").fetchall()
    parts = ("working", "waiting", "paused", "blocked", "site_closed")
    assert sum(r[p] for r in ask(warehouse, "time_in_five_parts") for p in parts) == pytest.approx(hours)
    assert sum(r["working"] + r["idle"] + r["site_closed"] for r in ask(warehouse, "time_by_stage")) == pytest.approx(
        hours
    )


def test_the_pages_have_every_query_and_every_chart_of_the_vendor():
    vendor, tools = vendor_page(), tools_page()
    for chart in CHARTS:
        assert chart.sql.replace("`", "") in vendor
        named = re.findall(r"`(\w+)`", chart.sql)
        assert named
        assert all(f"`PROJECT.DATASET.{name}`" in tools for name in named)
    wanted = (
        "Incoming orders", "Finished orders", "Quantiles of time to finish per date", "Status by creation date",
        "Lines per order", "Cancellations by origin", "Completed jobs", "Incoming jobs", "Expected deliveries",
        "Complete and partial receipts", "Rejected and missing quantities",
    )  # fmt: skip
    assert sorted(c.vendor for c in VENDOR_CHARTS) == sorted(wanted)


# -- the Superset bundle; `make superset` imports it into a real one -------------------------------------------------


def test_the_bundle_in_the_tree_is_current():
    assert superset.stale(superset.FOLDER, superset.outputs()) == []


@pytest.mark.parametrize("engine", ["duckdb", "bigquery"])
def test_a_bundle_hangs_together(engine):
    files = {p: yaml.safe_load(t) for p, t in superset.outputs().items() if p.startswith(f"{engine}/")}
    kinds = {
        k: [f for p, f in files.items() if f"/{k}/" in p] for k in ("databases", "datasets", "charts", "dashboards")
    }
    (database,), (dashboard,) = kinds["databases"], kinds["dashboards"]
    assert files[f"{engine}/metadata.yaml"]["type"] == "Dashboard"
    assert not database["allow_dml"]
    assert {d["database_uuid"] for d in kinds["datasets"]} == {database["uuid"]}
    assert {c["dataset_uuid"] for c in kinds["charts"]} == {d["uuid"] for d in kinds["datasets"]}
    placed = [p["meta"]["uuid"] for p in dashboard["position"].values() if isinstance(p, dict) and p["type"] == "CHART"]
    assert sorted(placed) == sorted(c["uuid"] for c in kinds["charts"])
    assert len(set(placed)) == len(CHARTS)
    for chart in kinds["charts"]:
        (dataset,) = [d for d in kinds["datasets"] if d["uuid"] == chart["dataset_uuid"]]
        names = {c["column_name"] for c in dataset["columns"]}
        used = {chart["params"]["x_axis"], *chart["params"]["groupby"]}
        used |= {m["column"]["column_name"] for m in chart["params"]["metrics"]}
        assert used <= names


def test_the_queries_of_the_duckdb_bundle_run_as_they_are(warehouse):
    """They are asked by Superset with nothing of ours in between, in whatever time zone."""
    for path, text in superset.outputs().items():
        if path.startswith("duckdb/datasets/"):
            dataset = yaml.safe_load(text)
            answer = warehouse.execute(dataset["sql"])
            assert {c["column_name"] for c in dataset["columns"]} <= {d[0] for d in answer.description}
            assert answer.fetchall()


def test_the_pages_say_nothing_of_this_machine():
    assert not re.search(r"/(home|root|work|tmp)/", json.dumps(superset.outputs()) + vendor_page() + tools_page())
