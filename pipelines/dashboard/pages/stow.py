"""Stow: jobs, how long they wait and take, and how late they are."""

from __future__ import annotations

from pipelines.dashboard import charts, words
from pipelines.dashboard.filters import Filters
from pipelines.dashboard.histogram import bucket_sql, percentiles
from pipelines.dashboard.model import Column, Kind, Page, Panel, Table, Tile
from pipelines.dashboard.pages import stages
from pipelines.dashboard.pages.common import (
    BOUND,
    OUTCOMES,
    day_table,
    measured,
    over_days,
    percentile_lines,
    share,
    total,
)
from pipelines.doors import Door

_DAYS = """
SELECT DATE(started_at) AS day, outcome, COUNT(*) AS jobs, SUM(planned_units) AS planned, SUM(stowed_units) AS stowed,
  SUM(discarded_units) AS discarded, COUNTIF(stow_lateness_seconds <= 0) AS on_time,
  COUNT(stow_lateness_seconds) AS judged,
  SUM(IF(stow_duration_net_seconds > 0, stowed_units, NULL)) AS rated_units,
  SUM(IF(stow_duration_net_seconds > 0 AND stowed_units IS NOT NULL, stow_duration_net_seconds, NULL)) AS rated_seconds
FROM stow_flow WHERE {where} GROUP BY day, outcome
"""
_LENGTHS = """
SELECT DATE(started_at) AS day, measure, bucket, COUNT(*) AS n FROM (
  SELECT started_at, 'wait' AS measure, {wait} AS bucket FROM stow_flow WHERE {where} AND stow_wait_seconds IS NOT NULL
  UNION ALL
  SELECT started_at, 'net' AS measure, {net} AS bucket FROM stow_flow
  WHERE {where} AND stow_duration_net_seconds IS NOT NULL
) GROUP BY day, measure, bucket
"""
_LIST = """
SELECT flow_id, outcome, status, facility_ref, priority, started_at, target_at, stow_started_at, stow_finished_at,
  stow_wait_seconds, stow_duration_net_seconds, stow_lateness_seconds, planned_units, stowed_units, deviations
FROM stow_flow WHERE {where} ORDER BY outcome <> 'open', started_at, flow_id
"""
_SHOWN = 25


def build(door: Door, f: Filters) -> Page:
    """Make the page."""
    where, bound, days = f.where(), f.bound(), f.days()
    rows = door.ask(_DAYS.format(where=where), **bound)
    lengths = door.ask(
        _LENGTHS.format(where=where, wait=bucket_sql("stow_wait_seconds"), net=bucket_sql("stow_duration_net_seconds")),
        **bound,
    )
    of = {m: [r for r in lengths if r["measure"] == m] for m in ("wait", "net")}
    points = {m: percentiles(((r["bucket"], r["n"]) for r in of[m]), (0.5, 0.9)) for m in of}
    jobs, pace = total(rows, "jobs"), share(total(rows, "rated_units"), total(rows, "rated_seconds"))
    page = Page("Stow jobs by the day on which they were created.", empty=not rows)
    page.tiles = [
        Tile(
            "jobs",
            "Stow jobs",
            words.count(jobs),
            f"{words.count(total((r for r in rows if r['outcome'] == 'open'), 'jobs'))} open",
        ),
        measured(
            "wait_p50",
            "stow_queue_time",
            words.seconds(points["wait"][0]),
            f"p90 {words.seconds(points['wait'][1])}",
        ),
        measured("net_p50", "net_stow_time", words.seconds(points["net"][0]), f"p90 {words.seconds(points['net'][1])}"),
        measured(
            "on_time",
            "stow_on_time",
            words.ratio(share(total(rows, "on_time"), total(rows, "judged"))),
            f"of {words.count(total(rows, 'judged'))} with a target",
        ),
        measured("pace", "units_stowed_per_hour", words.count(None if pace is None else 3600 * pace), "of net work"),
        Tile("discarded", "Booked out", words.count(total(rows, "discarded")), "units"),
    ]
    labels = [words.day(d) for d in days]
    outcome = over_days(days, rows, "outcome", "jobs", OUTCOMES)
    lines = [
        *percentile_lines(days, of["wait"], (("wait, median", 0.5, 1), ("wait, p90", 0.9, 4))),
        *percentile_lines(days, of["net"], (("net work, median", 0.5, 0),)),
    ]

    page.panels = [
        Panel(
            "jobs",
            "Stow jobs by outcome",
            "",
            charts.columns("Stow jobs by day and outcome", labels, outcome),
            day_table("jobs", days, outcome, Kind.COUNT),
            wide=False,
        ),
        Panel(
            "lengths",
            "Wait and net work",
            BOUND,
            charts.lines("Wait and net work by day", labels, lines, tell=words.axis_seconds),
            day_table("lengths", days, lines, Kind.SECONDS),
            wide=False,
        ),
        stages.where_time_goes(door, f, "stow"),
        Panel(
            "list",
            "Jobs",
            f"open ones first, the oldest {_SHOWN}; the download has all of the filters",
            table=Table(
                "list",
                _COLUMNS,
                door.ask(_LIST.format(where=where) + f" LIMIT {_SHOWN}", **bound),
                _LIST.format(where=where),
                bound,
            ),
        ),
    ]
    return page


_COLUMNS = (
    Column("flow_id", "Job", Kind.FLOW),
    Column("outcome", "Outcome"),
    Column("status", "Status"),
    Column("facility_ref", "Facility", Kind.PLACE),
    Column("started_at", "Created", Kind.INSTANT),
    Column("target_at", "Target", Kind.INSTANT),
    Column("stow_wait_seconds", "Wait", Kind.SECONDS),
    Column("stow_duration_net_seconds", "Net work", Kind.SECONDS),
    Column("stow_lateness_seconds", "Late by", Kind.SECONDS),
    Column("planned_units", "Planned", Kind.COUNT),
    Column("stowed_units", "Stowed", Kind.COUNT),
    Column("deviations", "Deviations", Kind.LIST),
)
