"""The Superset bundle in a real Superset: it imports, twice as once, and every chart shows what the warehouse has."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest

from pipelines.superset import bundle, metric
from schemas.charts import CHARTS
from tests.browser.chromium import launched
from tests.serving import demo
from tests.superset.server import PASSWORD, USER, pack, running


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    return demo(tmp_path_factory.mktemp("facts"), days=4, orders=60)


@pytest.fixture(scope="module")
def files(facts):
    found = bundle("duckdb")
    found["databases/flowfacts.yaml"]["sqlalchemy_uri"] = f"duckdb:///{facts}/warehouse.duckdb"
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("superset")
    packed = pack(files, folder / "flowfacts.zip")
    with running(folder) as made:
        for _ in range(2):
            made.command("import-dashboards", "--path", str(packed), "--username", USER)
        yield made


@pytest.fixture(scope="module")
def charts(server):
    """Give what Superset knows of the charts, by title."""
    found = server.call("/api/v1/chart/?q=(page_size:100)")["result"]
    return {c["slice_name"]: c for c in found}


def test_importing_again_replaces(server, charts):
    assert sorted(charts) == sorted(c.title for c in CHARTS)
    assert server.call("/api/v1/chart/?q=(page_size:100)")["count"] == len(CHARTS)
    assert server.call("/api/v1/dashboard/")["count"] == 1
    assert server.call("/api/v1/dataset/")["count"] == len(CHARTS)
    assert server.call("/api/v1/database/")["count"] == 1


def test_the_dashboard_has_every_chart(server):
    (dashboard,) = server.call("/api/v1/dashboard/")["result"]
    there = server.call(f"/api/v1/dashboard/{dashboard['id']}/charts")["result"]
    assert sorted(c["slice_name"] for c in there) == sorted(c.title for c in CHARTS)


@pytest.mark.parametrize("chart", CHARTS, ids=lambda c: c.key)
def test_a_chart_shows_what_the_warehouse_has(server, charts, facts, files, chart):
    columns = [chart.x, *([chart.series] if chart.series else [])]
    query = {"columns": columns, "metrics": [metric(v) for v in chart.values], "row_limit": 10_000, "orderby": []}
    source = {"id": charts[chart.title]["datasource_id"], "type": "table"}
    (answer,) = server.call("/api/v1/chart/data", {"datasource": source, "queries": [query]})["result"]
    assert answer["status"] == "success"
    shown = {
        tuple(_plain(r[c]) for c in columns): [r[v.replace("_", " ")] for v in chart.values] for r in answer["data"]
    }
    sql = files[f"datasets/flowfacts/{chart.key}.yaml"]["sql"]
    names = ", ".join(columns)
    with duckdb.connect(str(facts / "warehouse.duckdb"), read_only=True) as con:
        sums = ", ".join(f"sum({v})::DOUBLE" for v in chart.values)
        rows = con.execute(f"SELECT {names}, {sums} FROM ({sql}) GROUP BY ALL").fetchall()
    expected = {tuple(_plain(x) for x in r[: len(columns)]): list(r[len(columns) :]) for r in rows}
    assert shown.keys() == expected.keys()
    for key, values in expected.items():
        assert [x or 0 for x in shown[key]] == pytest.approx([x or 0 for x in values])


def _plain(value):
    """Superset gives days as milliseconds."""
    if isinstance(value, (int, float)) and value > 10**11:
        return datetime.fromtimestamp(value / 1000, UTC).date().isoformat()
    return value if value is None else str(value).removesuffix(".0").removesuffix(" 00:00:00")


def test_the_warehouse_can_not_be_written_through_it(server):
    (database,) = server.call("/api/v1/database/")["result"]
    assert database["allow_dml"] is False


def test_every_chart_is_drawn_in_a_browser(server, tmp_path):
    with launched() as browser:
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        page.set_default_timeout(240_000)  # its scripts are large, and a machine may be busy
        page.goto(f"{server.url}/login/")
        page.locator("input[name=username], #username").first.fill(USER)
        page.locator("input[name=password], #password").first.fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login" not in url)  # loaded, so that it does not end what is asked for next
        page.goto(f"{server.url}/superset/dashboard/flowfacts-duckdb/?standalone=1")
        page.wait_for_selector("[data-test=slice-header], .chart-slice")
        for _ in range(2 * len(CHARTS)):  # a chart is drawn when it comes into sight
            page.mouse.wheel(0, 600)
            page.wait_for_timeout(300)
        page.wait_for_function(f"document.querySelectorAll('.chart-slice canvas').length >= {len(CHARTS)}")
        page.screenshot(path=str(tmp_path / "dashboard.png"), full_page=True)
        assert page.get_by_text("Unexpected error").count() == 0
        assert page.get_by_text("No results were returned").count() == 0
