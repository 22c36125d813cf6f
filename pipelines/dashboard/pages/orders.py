"""Orders: how they came and went, how late, what went otherwise, and which took longest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from markupsafe import Markup

from pipelines.dashboard import charts, words
from pipelines.dashboard.charts import Series
from pipelines.dashboard.filters import Filters
from pipelines.dashboard.histogram import bucket_sql, percentiles
from pipelines.dashboard.model import Column, Kind, Page, Panel, Table, Tile
from pipelines.dashboard.pages import overview
from pipelines.dashboard.pages.common import by_group, day_table, measured, over_days, share, total
from pipelines.doors import Door, Rows
from schemas.oddities import DEVIATIONS_TOLD

_DAYS = """
SELECT DATE(started_at) AS day, COUNT(*) AS orders, COUNTIF(on_time) AS on_time, COUNTIF(NOT on_time) AS late,
  SUM(ordered_units) AS ordered, SUM(picked_units) AS picked, SUM(line_count) AS lines,
  COUNTIF(outcome = 'fulfilled' AND fill_rate IS NOT NULL) AS filled,
  COUNTIF(outcome = 'fulfilled' AND fill_rate >= 1) AS in_full,
  COUNTIF(outcome = 'fulfilled' AND fill_rate IS NOT NULL AND on_time IS NOT NULL) AS whole,
  COUNTIF(outcome = 'fulfilled' AND on_time AND fill_rate >= 1 AND conforms) AS perfect
FROM order_flow WHERE {where} GROUP BY day
"""
_FINISHED = """
SELECT DATE(finished_at) AS day, outcome, COUNT(*) AS orders FROM order_flow
WHERE {where} AND finished_at IS NOT NULL GROUP BY day, outcome
"""
_LINES = """
SELECT LEAST(line_count, 10) AS lines, COUNT(*) AS orders FROM order_flow
WHERE {where} AND line_count IS NOT NULL GROUP BY lines ORDER BY lines
"""
_DEVIATIONS = """
SELECT deviation, COUNT(*) AS orders FROM order_flow, UNNEST(deviations) AS deviation WHERE {where}
GROUP BY deviation ORDER BY orders DESC, deviation
"""
_CANCELLED = """
SELECT DATE(started_at) AS day, cancel_reason, COUNT(*) AS orders FROM order_flow
WHERE {where} AND cancel_reason IS NOT NULL GROUP BY day, cancel_reason
"""
_VARIANTS = """
SELECT variant, COUNT(*) AS orders, AVG(order_cycle_seconds) AS cycle, COUNTIF(on_time) AS on_time,
  COUNT(on_time) AS judged
FROM order_flow WHERE {where} GROUP BY variant ORDER BY orders DESC, variant LIMIT 12
"""
_CYCLE = """
SELECT channel, {bucket} AS bucket, COUNT(*) AS n FROM order_flow
WHERE {where} AND order_cycle_seconds IS NOT NULL GROUP BY channel, bucket
"""
_JOBS = """
SELECT DATE(pick_created_at) AS day, outcome, COUNT(*) AS jobs FROM order_leg WHERE {where} GROUP BY day, outcome
"""
_LIST = """
SELECT tenant_order_id, flow_id, outcome, channel, facility_ref, started_at, finished_at, order_cycle_seconds,
  lateness_seconds, leg_count, deviations, quality_flags
FROM order_flow WHERE {where} ORDER BY {order}
"""
_SLOWEST = "order_cycle_seconds IS NULL, order_cycle_seconds DESC, flow_id"
_SHOWN = 25
_LEGS = (
    ("picked", 0), ("short_picked", 2), ("zero_picked", 5), ("open", 3), ("aborted", 4), ("rerouted", 1),
    ("cancelled", 7), ("incomplete", 6),
)  # fmt: skip
_REASONS = (("cancelled", 1), ("force_cancelled", 4), ("expired", 5))


def build(door: Door, f: Filters) -> Page:
    """Make the page."""
    where, bound, days = f.where(), f.bound(), f.days()

    def ask(sql: str, at: str = "started_at") -> Rows:
        return door.ask(
            sql.format(where=f.where(at) if at != "started_at" else where, bucket=bucket_sql("order_cycle_seconds")),
            **bound,
        )

    rows = ask(_DAYS)
    cycle = by_group(ask(_CYCLE), "channel")
    orders, judged = total(rows, "orders"), total(rows, "on_time") + total(rows, "late")
    p50, p90 = percentiles((b for counts in cycle.values() for b in counts), (0.5, 0.9))
    page = Page("Every order that began in the days, and the longest of them one by one.", empty=not rows)
    page.tiles = [
        measured("orders", "orders_received", words.count(orders), f"{words.count(total(rows, 'lines'))} lines"),
        measured(
            "on_time",
            "on_time_orders",
            words.ratio(share(total(rows, "on_time"), judged)),
            f"of {words.count(judged)} judged",
        ),
        Tile("late", "Late", words.count(total(rows, "late")), "against the target"),
        measured(
            "in_full",
            "order_fill_rate",
            words.ratio(share(total(rows, "in_full"), total(rows, "filled"))),
            f"of {words.count(total(rows, 'filled'))} fulfilled",
        ),
        measured(
            "perfect",
            "perfect_order",
            words.ratio(share(total(rows, "perfect"), total(rows, "whole"))),
            "on time, in full, no deviation",
        ),
        measured("cycle_p50", "internal_order_cycle_time", words.seconds(p50), f"p90 {words.seconds(p90)}"),
    ]
    labels = [words.day(d) for d in days]
    came = Series("incoming", 2, [_of(rows, d, "orders") for d in days])
    done = ask(_FINISHED, "finished_at")
    gone = over_days(days, done, "outcome", "orders", (("fulfilled", 0), ("cancelled", 1)))
    punctual = [
        Series("on time", 0, [_of(rows, d, "on_time") for d in days]),
        Series("late", 4, [_of(rows, d, "late") for d in days]),
    ]
    reasons = over_days(days, ask(_CANCELLED), "cancel_reason", "orders", _REASONS)
    jobs_of = Filters(f.first, f.last, f.facility)  # the outcome of a job is not that of its order
    bound_jobs = jobs_of.bound()
    jobs = over_days(
        days, door.ask(_JOBS.format(where=jobs_of.where("pick_created_at")), **bound_jobs), "outcome", "jobs", _LEGS
    )
    lines = ask(_LINES)
    deviations = ask(_DEVIATIONS)
    page.panels = [
        _panel(
            "flow",
            "Incoming and finished",
            "each by its own day",
            charts.lines(
                "Incoming and finished orders by day", labels, [came, *gone], tell=charts.number, seconds=False
            ),
            [came, *gone],
            days,
        ),
        _panel(
            "punctual",
            "On time and late",
            "by the day on which they began",
            charts.columns("Orders on time and late by day", labels, punctual),
            punctual,
            days,
        ),
        _panel(
            "cancelled",
            "Cancellations by origin",
            "by the day on which the order began",
            charts.columns("Cancellations by origin and day", labels, reasons),
            reasons,
            days,
        ),
        _panel(
            "jobs",
            "Pick jobs by outcome",
            "by the day on which they were created, of every channel and outcome of an order",
            charts.columns("Pick jobs by day and outcome", labels, jobs),
            jobs,
            days,
        ),
        Panel(
            "lines",
            "Lines per order",
            "",
            charts.columns(
                "Orders by number of lines",
                [f"{r['lines']:.0f}" + ("+" if r["lines"] >= 10 else "") for r in lines],
                [Series("orders", 0, [r["orders"] for r in lines])],
            ),
            Table(
                "lines",
                [Column("lines", "Lines (10: 10 or more)", Kind.COUNT), Column("orders", "Orders", Kind.COUNT)],
                lines,
            ),
            wide=False,
        ),
        overview.cycle_panel(door, f),
        Panel(
            "deviations",
            "What went otherwise",
            "deviations from the happy path; an order may have several",
            charts.bars(
                "Orders by deviation",
                [r["deviation"].replace("_", " ") for r in deviations],
                [Series("orders", 1, [r["orders"] for r in deviations])],
            )
            if deviations
            else None,
            Table(
                "deviations",
                [
                    Column("deviation", "Deviation", Kind.NAME),
                    Column("orders", "Orders", Kind.COUNT),
                    Column("share", "Of all", Kind.RATIO),
                    Column("told", "Meaning"),
                ],
                [
                    {**r, "share": share(r["orders"], orders), "told": DEVIATIONS_TOLD.get(r["deviation"], ("",))[0]}
                    for r in deviations
                ],
            ),
        ),
        Panel(
            "variants",
            "Commonest paths",
            "milestones in order of time",
            table=Table(
                "variants",
                [
                    Column("variant", "Path"),
                    Column("orders", "Orders", Kind.COUNT),
                    Column("share", "Of all", Kind.RATIO),
                    Column("cycle", "Cycle, mean", Kind.SECONDS),
                    Column("punctual", "On time", Kind.RATIO),
                ],
                [
                    {
                        **r,
                        "variant": (r["variant"] or "").replace(
                            ">", " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
                        ),
                        "share": share(r["orders"], orders),
                        "punctual": share(r["on_time"], r["judged"]),
                    }
                    for r in ask(_VARIANTS)
                ],
            ),
        ),
        Panel(
            "list",
            "Longest orders",
            f"the {_SHOWN} with the longest cycle; the download has all orders of the filters",
            table=Table(
                "list",
                _LIST_COLUMNS,
                door.ask(_LIST.format(where=where, order=_SLOWEST) + f" LIMIT {_SHOWN}", **bound),
                _LIST.format(where=where, order="started_at, flow_id"),
                bound,
            ),
        ),
    ]
    return page


_LIST_COLUMNS = (
    Column("tenant_order_id", "Order", Kind.FLOW),
    Column("outcome", "Outcome"),
    Column("channel", "Channel"),
    Column("facility_ref", "Facility", Kind.PLACE),
    Column("started_at", "Began", Kind.INSTANT),
    Column("finished_at", "Finished", Kind.INSTANT),
    Column("order_cycle_seconds", "Cycle", Kind.SECONDS),
    Column("lateness_seconds", "Late by", Kind.SECONDS, "Negative is early"),
    Column("leg_count", "Legs", Kind.COUNT),
    Column("deviations", "Deviations", Kind.LIST),
    Column("quality_flags", "Odd data", Kind.LIST),
)


def _of(rows: Rows, day: object, key: str) -> float:
    return total((r for r in rows if r["day"] == day), key)


def _panel(key: str, title: str, note: str, chart: Markup, series: Sequence[Series], days: Sequence[date]) -> Panel:
    return Panel(key, title, note, chart, day_table(key, days, series, Kind.COUNT), wide=False)
