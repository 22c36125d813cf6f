"""Pages about charts in other tools, from `schemas.charts`: the vendor's side by side with ours, and how to connect."""

from __future__ import annotations

from schemas.charts import CHARTS, OWN_CHARTS, VENDOR_CHARTS, Chart
from schemas.views import qualified

_SOURCE = "<!-- generated from schemas/charts.py by `make docs` -->"
_PAGES = {
    "overview": "Overview", "orders": "Orders", "time": "Time and slack", "stages": "Stages and bottlenecks",
    "wip": "Work in progress", "inbound": "Inbound", "stow": "Stow", "quality": "Quality and books",
}  # fmt: skip


def vendor_page() -> str:
    """Write the page that puts the vendor's charts beside ours, in Markdown."""
    parts = [
        _SOURCE,
        "",
        "# The vendor's charts, and those it can't draw",
        "",
        "Every chart of the platform's own analytics can be drawn over the facts. Each of them with the SQL behind it,",
        "the page of `flowfacts dashboard` that has it, and how ours differs. A test runs every query on a simulated",
        "tenant and compares it with the drawn truth. Days are UTC days.",
        "",
        "| the vendor's chart | ours | page of the dashboard |",
        "| --- | --- | --- |",
        *(f"| {c.vendor} | [{c.title}](#{_anchor(c)}) | {_PAGES[c.page]} |" for c in VENDOR_CHARTS),
        "",
        "What the vendor's analytics can't draw, for it counts entities by their last status and date:",
        "",
        "| chart | it answers | page of the dashboard |",
        "| --- | --- | --- |",
        *(f"| [{c.title}](#{_anchor(c)}) | {c.asks} | {_PAGES[c.page]} |" for c in OWN_CHARTS),
        "",
        "In Looker Studio, Grafana, Metabase or Superset: [other tools](bi_tools.md).",
        "",
        "# Both can draw",
        "",
    ]
    for chart in VENDOR_CHARTS:
        parts += [*_told(chart), "", f"The vendor's: *{chart.vendor}*. {chart.note}".rstrip(), "", *_sql(chart), ""]
    parts += ["# Only here", ""]
    for chart in OWN_CHARTS:
        parts += [*_told(chart), "", chart.note, "", *_sql(chart), ""]
    return "\n".join(parts)


def _told(chart: Chart) -> list[str]:
    shape = {"bar": "bars", "line": "lines", "table": "a table"}[chart.kind]
    series = f", by `{chart.series}`" if chart.series else ""
    values = ", ".join(f"`{v}`" for v in chart.values)
    return [f"## {chart.title}", "", f"{chart.asks} Drawn as {shape}: {values} over `{chart.x}`{series}."]


def _sql(chart: Chart, dataset: str = "") -> list[str]:
    return ["```sql", qualified(chart.sql, dataset) if dataset else chart.sql.replace("`", ""), "```"]


def _anchor(chart: Chart) -> str:
    return "".join(c for c in chart.title.lower().replace(" ", "-") if c.isalnum() or c == "-")


_TOOLS = """\
# Looker Studio, Grafana, Metabase, Superset

The relations and views of a warehouse are plain tables: any tool that speaks to BigQuery (or DuckDB) can draw
them. Point it at the dataset of `flowfacts bigquery load`, give it a reader's role only ([BigQuery](bigquery.md)),
and paste a query from below. Every query is run by a test; put your `PROJECT.DATASET` in. All times in the tables
are UTC.

Rules that keep figures right, whatever the tool:

* Percentiles can't be averaged. Take the quantile queries as they are, or the histograms of `kpi_daily`.
* A NULL is *not known*, not zero; show the flagged share ([Odd data](#odd-data)) beside what you conclude.
* Filter by `day` or the day column of a relation (`started_at`, `pick_created_at`, …): a dataset then reads those
  days only.
* The newest days are open: `day_book` says which are closed.

## Looker Studio

1. *Create > Data source > BigQuery > Custom query*, choose the project that pays, paste a query. The connector
   runs with the viewer's or the owner's rights: choose the owner's to show reports to people without a role on the
   dataset.
2. For the date control of the report tick *Enable date range parameters* and put them into the query before its
   GROUP BY:

   ```sql
   WHERE started_at >= PARSE_TIMESTAMP('%Y%m%d', @DS_START_DATE)
     AND started_at < TIMESTAMP_ADD(PARSE_TIMESTAMP('%Y%m%d', @DS_END_DATE), INTERVAL 1 DAY)
   ```
3. Type of `day`: Date. Default aggregation of `orders`, `jobs`, hours: Sum; of quantiles: none (Max on one row is
   the row).

## Grafana

1. Install the data source *Google BigQuery* (plugin `grafana-bigquery-datasource`), with a service account that has
   `roles/bigquery.jobUser` on the project and `roles/bigquery.dataViewer` on the dataset.
2. New panel, *Code*, format *Time series* for queries with `day`, else *Table*. Grafana wants a time, not a date,
   and its own range: select `TIMESTAMP(day) AS time` around the query, and filter on the column:

   ```sql
   SELECT TIMESTAMP(day) AS time, channel AS metric, orders
   FROM (SELECT DATE(started_at) AS day, channel, COUNT(*) AS orders
         FROM `PROJECT.DATASET.order_flow` WHERE $__timeFilter(started_at) GROUP BY day, channel)
   ORDER BY time
   ```
3. An alert on late work: *Open orders by slack left*, condition `late > 0`.

## Metabase

1. *Admin > Databases > Add*: BigQuery with the key of a reader's service account, dataset filter on your dataset.
   For the embedded warehouse the community driver for DuckDB opens `warehouse.duckdb` (tick *read only*; times are
   UTC: set *Report timezone* to UTC).
2. *New > SQL query*, paste. A date filter of the dashboard becomes a field filter: `WHERE {{days}}` with `days`
   mapped to `order_flow.started_at`.
3. Metabase bins dates by itself; keep *day* as it comes.

## Superset

The directory `deploy/superset` has an importable dashboard with all charts of this page, once for DuckDB and once
for BigQuery, made from the same declaration:

```
cd deploy/superset
sed -i 's|duckdb:////facts/warehouse.duckdb|duckdb:////path/to/warehouse.duckdb|' duckdb/databases/flowfacts.yaml
zip -r flowfacts.zip duckdb
superset import-dashboards --path flowfacts.zip --username admin      # or Dashboards > Import
```

Drivers: `pip install duckdb-engine` (DuckDB, URI `duckdb:////path/warehouse.duckdb`, opened read-only) or
`sqlalchemy-bigquery` (BigQuery, URI `bigquery://PROJECT/DATASET`, which makes DATASET the default of all queries).
A warehouse file is replaced by every run; the connection of the bundle opens it anew for each query. `make
superset` imports the bundle into a real Superset and asks every chart.
"""


def tools_page() -> str:
    """Write the page about other tools, in Markdown."""
    told = (
        "For BigQuery. `flowfacts query --output facts` runs them on the embedded warehouse, `--duckdb-sql` shows them",
        "in DuckDB's words.",
    )
    parts = [_SOURCE, "", _TOOLS, "## The queries", "", *told, ""]
    for chart in CHARTS:
        parts += [f"### {chart.title}", "", chart.asks, "", *_sql(chart, "PROJECT.DATASET"), ""]
    return "\n".join(parts)
