"""Overview: what came, what became of it, how long it took, and where the time went."""

from __future__ import annotations

from typing import Any

from pipelines.dashboard import charts, words
from pipelines.dashboard.filters import Filters
from pipelines.dashboard.histogram import bucket_sql, percentiles
from pipelines.dashboard.model import Column, Kind, Page, Panel, Table, Tile
from pipelines.dashboard.pages import split
from pipelines.dashboard.pages.common import (
    BOUND,
    OUTCOMES,
    SHARES,
    THREE,
    by_group,
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

_ORDERS = """
SELECT DATE(started_at) AS day, facility_ref, outcome, COUNT(*) AS orders, COUNT(on_time) AS judged,
  COUNTIF(on_time) AS on_time, COUNTIF(conforms) AS conforming, COUNTIF(ARRAY_LENGTH(quality_flags) > 0) AS flagged
FROM order_flow WHERE {where} GROUP BY day, facility_ref, outcome
"""
# By day and by facility, not by both at once: that would be half a million rows for a year.
_CYCLE = """
SELECT facility_ref, {bucket} AS bucket, COUNT(*) AS n
FROM order_flow WHERE {where} AND order_cycle_seconds IS NOT NULL GROUP BY facility_ref, bucket
"""
_CYCLE_DAYS = """
WITH counts AS (
  SELECT DATE(started_at) AS day, {bucket} AS bucket, COUNT(*) AS n
  FROM order_flow WHERE {where} AND order_cycle_seconds IS NOT NULL GROUP BY day, bucket
)
{percentiles}
"""


def build(door: Door, f: Filters) -> Page:
    """Make the page."""
    where, bound, days = f.where(), f.bound(), f.days()
    rows = door.ask(_ORDERS.format(where=where), **bound)
    cycle = door.ask(_CYCLE.format(where=where, bucket=bucket_sql("order_cycle_seconds")), **bound)
    orders, judged = total(rows, "orders"), total(rows, "judged")
    of = {name: total((r for r in rows if r["outcome"] == name), "orders") for name, _ in OUTCOMES}
    p50, p90, p95, p99 = percentiles(((r["bucket"], r["n"]) for r in cycle), SHARES)
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
            words.seconds(p50),
            f"p90 {words.seconds(p90)}, p95 {words.seconds(p95)}, p99 {words.seconds(p99)}",
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
    incoming = over_days(days, rows, "outcome", "orders", OUTCOMES)
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
        split.stage_panel(split.by_stage(door, f)),
        _facilities(rows, by_group(cycle, "facility_ref")),
    ]
    return page


def cycle_panel(door: Door, f: Filters) -> Panel:
    """Make the panel with the percentiles of the cycle time by day."""
    asked = percentile_sql("counts", ("day",), count="n", shares=(50, 90, 99))
    question = _CYCLE_DAYS.format(where=f.where(), bucket=bucket_sql("order_cycle_seconds"), percentiles=asked)
    days = f.days()
    lines = lines_of_days(days, door.ask(question, **f.bound()), THREE)
    return Panel(
        "cycle",
        "Internal order cycle time",
        "order created to last hand-over, fulfilled orders, by the day on which they began. " + BOUND,
        charts.lines("Internal order cycle time by day", [words.day(d) for d in days], lines, tell=words.axis_seconds),
        day_table("cycle", days, lines, Kind.SECONDS),
        wide=False,
    )


def _facilities(rows: Rows, cycle: dict[tuple[Any, ...], list[tuple[int, int]]]) -> Panel:
    found = []
    for facility in sorted({r["facility_ref"] for r in rows}, key=lambda x: (x is None, x)):
        mine = [r for r in rows if r["facility_ref"] == facility]
        orders, judged = total(mine, "orders"), total(mine, "judged")
        p50, p90 = percentiles(cycle.get((facility,), ()), (0.5, 0.9))
        found.append(
            {
                "facility_ref": facility or "several or none yet",
                "orders": orders,
                "fulfilled": total((r for r in mine if r["outcome"] == "fulfilled"), "orders"),
                "open": total((r for r in mine if r["outcome"] == "open"), "orders"),
                "on_time": share(total(mine, "on_time"), judged),
                "p50": p50,
                "p90": p90,
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
