"""Overview: what came, what became of it, how long it took, and where the time went."""

from __future__ import annotations

from typing import Any

from pipelines.dashboard import charts, words
from pipelines.dashboard.filters import Filters
from pipelines.dashboard.histogram import bucket_sql
from pipelines.dashboard.model import Column, Kind, Page, Panel, Table, Tile
from pipelines.dashboard.pages import split
from pipelines.dashboard.pages.common import (
    BOUND,
    OUTCOMES,
    THREE,
    day_table,
    lines_of_days,
    meaning,
    measured,
    over_days,
    share,
    total,
)
from pipelines.doors import Door, Rows
from schemas.histogram import percentile_sql

# Day by day and place by place, not both at once: that would be fifteen thousand rows for a year.
_ORDERS = """
WITH sums AS (
  SELECT DATE(started_at) AS day, facility_ref, outcome, COUNT(*) AS orders, COUNT(on_time) AS judged,
    COUNTIF(on_time) AS on_time, COUNTIF(conforms) AS conforming, COUNTIF(ARRAY_LENGTH(quality_flags) > 0) AS flagged
  FROM order_flow WHERE {where} GROUP BY day, facility_ref, outcome
)
SELECT 'day' AS of_a, day, CAST(NULL AS STRING) AS facility_ref, outcome, {sums} FROM sums GROUP BY day, outcome
UNION ALL
SELECT 'facility', CAST(NULL AS DATE), facility_ref, outcome, {sums} FROM sums GROUP BY facility_ref, outcome
"""
_SUMS = ", ".join(f"SUM({name}) AS {name}" for name in ("orders", "judged", "on_time", "conforming", "flagged"))
_CYCLE = """
WITH cycles AS (
  SELECT DATE(started_at) AS day, facility_ref, {bucket} AS bucket
  FROM order_flow WHERE {where} AND order_cycle_seconds IS NOT NULL
), by_day AS (
  SELECT day, bucket, COUNT(*) AS n FROM cycles GROUP BY day, bucket
), counts AS (
  SELECT 'day' AS of_a, day, CAST(NULL AS STRING) AS facility_ref, bucket, n FROM by_day
  UNION ALL
  SELECT 'all', CAST(NULL AS DATE), CAST(NULL AS STRING), bucket, SUM(n) FROM by_day GROUP BY bucket
  UNION ALL
  SELECT 'facility', CAST(NULL AS DATE), facility_ref, bucket, COUNT(*) FROM cycles GROUP BY facility_ref, bucket
)
{percentiles}
"""


def build(door: Door, f: Filters) -> Page:
    """Make the page."""
    days = f.days()
    found = door.ask(_ORDERS.format(where=f.where(), sums=_SUMS), **f.bound())
    rows, by_day = ([r for r in found if r["of_a"] == a] for a in ("facility", "day"))
    orders, judged = total(rows, "orders"), total(rows, "judged")
    of = {name: total((r for r in rows if r["outcome"] == name), "orders") for name, _ in OUTCOMES}
    whole = next(iter(_cycles(door, f, "all")), dict.fromkeys(("p50", "p90", "p95", "p99")))
    page = Page("Orders by the day on which they began. Pick a day range, a facility, a channel or an outcome above.")
    page.empty = not rows
    page.tiles = [
        measured("orders", "orders_received", words.count(orders), f"{words.count(of['open'])} open"),
        measured(
            "fulfilled", "orders_fulfilled", words.count(of["fulfilled"]), words.ratio(share(of["fulfilled"], orders))
        ),
        Tile("cancelled", "Cancelled", words.count(of["cancelled"]), words.ratio(share(of["cancelled"], orders))),
        measured(
            "on_time",
            "on_time_orders",
            words.ratio(share(total(rows, "on_time"), judged)),
            f"of {words.count(judged)} judged",
        ),
        measured(
            "cycle_p50",
            "internal_order_cycle_time",
            words.seconds(whole["p50"]),
            ", ".join(f"{p} {words.seconds(whole[p])}" for p in ("p90", "p95", "p99")),
        ),
        measured(
            "conforming",
            "first_pass_yield",
            words.ratio(share(total(rows, "conforming"), of["fulfilled"])),
            "of the fulfilled",
        ),
        Tile(
            "flagged",
            "Odd data",
            words.ratio(share(total(rows, "flagged"), orders)),
            "orders with a quality flag",
            meaning("order_flow", "quality_flags"),
        ),
    ]
    labels = [words.day(d) for d in days]
    incoming = over_days(days, by_day, "outcome", "orders", OUTCOMES)
    page.panels = [
        Panel(
            "incoming",
            "Orders by day and outcome",
            "by the day on which they began",
            charts.columns("Orders by day and outcome", labels, incoming),
            Table(
                "incoming",
                [
                    Column("day", "Day (UTC)", Kind.DAY),
                    *(Column(name, name.capitalize(), Kind.COUNT) for name, _ in OUTCOMES),
                ],
                [{"day": d, **{s.name: s.values[i] for s in incoming}} for i, d in enumerate(days)],
            ),
            wide=False,
        ),
        cycle_panel(door, f),
        split.stage_panel(split.by_stage(split.split_rows(door, f, "stage")["stage"])),
        _facilities(rows, {r["facility_ref"]: r for r in _cycles(door, f, "facility")}),
    ]
    return page


def _cycles(door: Door, f: Filters, of_a: str) -> Rows:
    """Ask for percentiles of the cycle time: of `all`, of each `day` or each `facility`; one question for the three."""
    asked = percentile_sql("counts", ("of_a", "day", "facility_ref"), count="n", shares=(50, 90, 95, 99))
    question = _CYCLE.format(where=f.where(), bucket=bucket_sql("order_cycle_seconds"), percentiles=asked)
    return [r for r in door.ask(question, **f.bound()) if r["of_a"] == of_a]


def cycle_panel(door: Door, f: Filters) -> Panel:
    """Make the panel with the percentiles of the cycle time by day."""
    days = f.days()
    lines = lines_of_days(days, _cycles(door, f, "day"), THREE)
    return Panel(
        "cycle",
        "Internal order cycle time",
        "order created to last hand-over, fulfilled orders, by the day on which they began. " + BOUND,
        charts.lines("Internal order cycle time by day", [words.day(d) for d in days], lines, tell=words.axis_seconds),
        day_table("cycle", days, lines, Kind.SECONDS),
        wide=False,
    )


def _facilities(rows: Rows, cycle: dict[str | None, dict[str, Any]]) -> Panel:
    found = []
    for facility in sorted({r["facility_ref"] for r in rows}, key=lambda x: (x is None, x)):
        mine = [r for r in rows if r["facility_ref"] == facility]
        orders, judged = total(mine, "orders"), total(mine, "judged")
        lengths = cycle.get(facility, {})
        found.append(
            {
                "facility_ref": facility or "several or none yet",
                "orders": orders,
                "fulfilled": total((r for r in mine if r["outcome"] == "fulfilled"), "orders"),
                "open": total((r for r in mine if r["outcome"] == "open"), "orders"),
                "on_time": share(total(mine, "on_time"), judged),
                "p50": lengths.get("p50"),
                "p90": lengths.get("p90"),
                "flagged": share(total(mine, "flagged"), orders),
            }
        )
    found.sort(key=lambda r: float(r["orders"] or 0), reverse=True)
    columns = [
        Column("facility_ref", "Facility", Kind.PLACE),
        Column("orders", "Orders", Kind.COUNT),
        Column("fulfilled", "Fulfilled", Kind.COUNT),
        Column("open", "Open", Kind.COUNT),
        Column("on_time", "On time", Kind.RATIO, meaning("order_flow", "on_time")),
        Column("p50", "Cycle, median", Kind.SECONDS, meaning("order_flow", "order_cycle_seconds")),
        Column("p90", "Cycle, p90", Kind.SECONDS),
        Column("flagged", "Odd data", Kind.RATIO, "Orders with a quality flag"),
    ]
    return Panel("facilities", "Facilities", table=Table("facilities", columns, found))
