"""Stages and bottlenecks: where the time of all flows goes, stage by stage."""

from __future__ import annotations

from typing import Any

from pipelines.dashboard import charts, words
from pipelines.dashboard.charts import Series
from pipelines.dashboard.filters import Filters
from pipelines.dashboard.histogram import bucket_sql, percentiles
from pipelines.dashboard.model import Choice, Column, Kind, Page, Panel, Table, Tile
from pipelines.dashboard.pages.common import BOUND, KINDS, SHARES, THREE, by_group, lines_of_days, share
from pipelines.doors import Door
from schemas.histogram import percentile_sql
from schemas.vocabulary import Stage

FLOWS = ("order", "inbound", "stow")
STAGES = tuple(s.value for s in Stage)

# Channel and outcome are those of the order, so that only orders have them.
_OF_ORDERS = "SELECT flow_id FROM order_flow WHERE first_event_at < @until AND last_event_at >= @since AND "
_HOURS = """
SELECT stage, kind, COUNT(*) AS stretches, SUM(seconds) / 3600 AS hours
FROM {stretches} AND seconds IS NOT NULL GROUP BY stage, kind
"""
# One pass for hours and lengths.
_LENGTHS = """
SELECT stage, kind, {bucket} AS bucket, COUNT(*) AS n, SUM(seconds) / 3600 AS hours
FROM {stretches} AND seconds IS NOT NULL GROUP BY stage, kind, bucket
"""
_ONE = """
WITH lengths AS (
  SELECT DATE(started_at) AS day, facility_ref, {bucket} AS bucket
  FROM {stretches} AND stage = @stage AND seconds IS NOT NULL
), counts AS (
  SELECT 'day' AS of_a, day, CAST(NULL AS STRING) AS facility_ref, bucket, COUNT(*) AS n
  FROM lengths GROUP BY day, bucket
  UNION ALL
  SELECT 'facility', CAST(NULL AS DATE), facility_ref, bucket, COUNT(*) FROM lengths GROUP BY facility_ref, bucket
)
{percentiles}
"""


def _stretches(door: Door, f: Filters, flow: str) -> str:
    """Write relation and condition of the stretches of a flow."""
    chosen = " AND ".join(f"{n} = @{n}" for n, v in (("channel", f.channel), ("outcome", f.outcome)) if v)
    where = f"{f.where(flow=False)} AND flow = @flow"
    if flow != "order" or not chosen:
        return f"flow_interval WHERE {where}"
    if door.stretches:
        return f"{door.stretches} WHERE {where} AND {chosen}"
    return f"flow_interval WHERE {where} AND flow_id IN ({_OF_ORDERS}{chosen})"


def _bound(f: Filters, flow: str) -> dict[str, Any]:
    """Give its parameters."""
    return {**f.bound(flow=flow == "order"), "flow": flow}


def where_time_goes(door: Door, f: Filters, flow: str) -> Panel:
    """Make the panel with the hours of each stage and kind."""
    return _hours(f, flow, door.ask(_HOURS.format(stretches=_stretches(door, f, flow)), **_bound(f, flow)))


def _hours(f: Filters, flow: str, rows: list[dict[str, Any]]) -> Panel:
    sums: dict[str, float] = {}
    for r in rows:
        sums[r["stage"]] = sums.get(r["stage"], 0) + r["hours"]
    order = sorted(sums, key=lambda s: -sums[s])
    of = {(r["stage"], r["kind"]): r for r in rows}
    series = [Series(k, c, [of[s, k]["hours"] if (s, k) in of else 0 for s in order]) for k, c in KINDS]
    everything = sum(sums.values())
    table = Table(
        "hours",
        [
            Column("stage", "Stage", Kind.NAME),
            Column("kind", "Kind"),
            Column("stretches", "Stretches", Kind.COUNT),
            Column("hours", "Hours", Kind.COUNT),
            Column("share", "Share of all time", Kind.RATIO),
        ],
        [{**r, "share": share(r["hours"], everything)} for r in sorted(rows, key=lambda r: -r["hours"])],
    )
    links = [f"/stages?{f.address(flow=flow, stage=s)}" for s in order]
    chart = charts.bars(
        "Hours by stage and kind", [s.replace("_", " ") for s in order], series, tell=words.axis_hours, links=links
    )
    note = "hours of all ended stretches together, by stage and kind; several entities of a flow run at once"
    return Panel("hours", "Where the time goes", note, chart if order else None, table)


def build(door: Door, f: Filters) -> Page:
    """Make the page."""
    flow = f.others.get("flow", "order")
    asked = _LENGTHS.format(stretches=_stretches(door, f, flow), bucket=bucket_sql("seconds"))
    found = door.ask(asked, **_bound(f, flow))
    lengths, sums = by_group(found, "stage"), dict[tuple[str, str], dict[str, Any]]()
    for r in found:
        held = sums.setdefault(
            (r["stage"], r["kind"]), {"stage": r["stage"], "kind": r["kind"], "stretches": 0, "hours": 0.0}
        )
        held["stretches"] += r["n"]
        held["hours"] += r["hours"]
    hours = _hours(f, flow, list(sums.values()))
    table = hours.table
    assert table is not None
    rows = []
    for (stage,), counts in lengths.items():
        mine = [r for r in table.rows if r["stage"] == stage]
        rows.append(
            {
                "stage": stage,
                "stretches": sum(r["stretches"] for r in mine),
                "hours": sum(r["hours"] for r in mine),
                "idle": share(sum(r["hours"] for r in mine if r["kind"] != "working"), sum(r["hours"] for r in mine)),
                **dict(zip(("p50", "p90", "p95", "p99"), percentiles(counts, SHARES), strict=True)),
            }
        )
    rows.sort(key=lambda r: -r["hours"])
    there = [r["stage"] for r in rows]
    stage = f.others.get("stage", "")
    stage = stage if stage in there else (there[0] if there else "")
    page = Page("Each stretch of time that an entity spent in one stage, by the day on which it began.", empty=not rows)
    page.choices = [
        Choice("flow", "Flow", [(x, x) for x in FLOWS], flow),
        Choice("stage", "Stage", [(x, x.replace("_", " ")) for x in there], stage),
    ]
    if not rows:
        return page
    worst = max(rows, key=lambda r: r["hours"] * (r["idle"] or 0))
    page.tiles = [
        Tile("hours", "Hours in all stages", words.count(sum(r["hours"] for r in rows)), "ended stretches"),
        Tile(
            "idle",
            "Not worked on",
            words.ratio(share(sum(r["hours"] * (r["idle"] or 0) for r in rows), sum(r["hours"] for r in rows))),
            "waiting, paused or blocked",
        ),
        Tile(
            "bottleneck",
            "Longest queue",
            worst["stage"].replace("_", " "),
            f"{words.count(worst['hours'] * (worst['idle'] or 0))} h not worked on, "
            f"median {words.seconds(worst['p50'])}",
            "The stage with the most hours that were not worked on",
        ),
    ]
    columns = [
        Column("stage", "Stage", Kind.NAME),
        Column("stretches", "Stretches", Kind.COUNT),
        Column("hours", "Hours", Kind.COUNT),
        Column("idle", "Not worked on", Kind.RATIO, "Waiting, paused or blocked"),
        *(Column(p, p, Kind.SECONDS, BOUND) for p in ("p50", "p90", "p95", "p99")),
    ]
    page.panels = [
        hours,
        Panel("stages", "Stages", "lengths of ended stretches. " + BOUND, table=Table("stages", columns, rows)),
        *_one_stage(door, f, flow, stage),
    ]
    return page


def _one_stage(door: Door, f: Filters, flow: str, stage: str) -> list[Panel]:
    """Make the panels of the stage that was chosen."""
    asked = percentile_sql("counts", ("of_a", "day", "facility_ref"), count="n", total="stretches", shares=(50, 90, 99))
    question = _ONE.format(stretches=_stretches(door, f, flow), bucket=bucket_sql("seconds"), percentiles=asked)
    rows = door.ask(question, **_bound(f, flow), stage=stage)
    days, name = f.days(), stage.replace("_", " ")
    series = lines_of_days(days, [r for r in rows if r["of_a"] == "day"], THREE)
    places = [{**r, "facility_ref": r["facility_ref"] or "none"} for r in rows if r["of_a"] == "facility"]
    places.sort(key=lambda r: (-r["p90"], r["facility_ref"]))
    columns = [
        Column("facility_ref", "Facility", Kind.PLACE),
        Column("stretches", "Stretches", Kind.COUNT),
        *(Column(p, p, Kind.SECONDS) for p in ("p50", "p90", "p99")),
    ]
    labels = [words.day(d) for d in days]
    return [
        Panel(
            "stage_days",
            f"Stage {name} by day",
            "length of a stretch. " + BOUND,
            charts.lines(f"Length of stage {name} by day", labels, series, tell=words.axis_seconds, full=True),
            Table(
                "stage_days",
                [Column("day", "Day (UTC)", Kind.DAY), *(Column(s.name, s.name, Kind.SECONDS) for s in series)],
                [{"day": d, **{s.name: s.values[i] for s in series}} for i, d in enumerate(days)],
            ),
        ),
        Panel(
            "stage_places",
            f"Stage {name} by facility",
            "the slowest first",
            table=Table("stage_places", columns, places),
        ),
    ]
