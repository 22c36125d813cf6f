"""Work in progress and its age, as of any past instant."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from pipelines.dashboard import charts, words
from pipelines.dashboard.charts import Series
from pipelines.dashboard.filters import Filters
from pipelines.dashboard.model import Choice, Column, Kind, Page, Panel, Slider, Table, Tile
from pipelines.dashboard.pages.common import KINDS
from pipelines.dashboard.pages.stages import FLOWS
from pipelines.doors import Door, Rows

_NEWEST = "SELECT MAX(as_of) AS as_of FROM pipeline_run"
# The rule of the contract: in a stage at T when started_at <= T and (ended_at is null or ended_at > T).
_THERE = "{facility}flow = @flow AND started_at <= @at AND (ended_at IS NULL OR ended_at > @at)"
_AGES = """
SELECT stage, kind, age, COUNT(*) AS entities, MIN(started_at) AS oldest FROM (
  SELECT stage, kind, started_at, CASE
    WHEN TIMESTAMP_DIFF(@at, started_at, SECOND) < 900 THEN 0
    WHEN TIMESTAMP_DIFF(@at, started_at, SECOND) < 3600 THEN 1
    WHEN TIMESTAMP_DIFF(@at, started_at, SECOND) < 14400 THEN 2
    WHEN TIMESTAMP_DIFF(@at, started_at, SECOND) < 86400 THEN 3
    WHEN TIMESTAMP_DIFF(@at, started_at, SECOND) < 259200 THEN 4 ELSE 5 END AS age
  FROM flow_interval WHERE {there}
) GROUP BY stage, kind, age
"""
_OLDEST = """
SELECT flow, flow_id, entity, entity_id, facility_ref, stage, kind, started_at FROM flow_interval WHERE {there}
ORDER BY started_at, entity_id LIMIT 25
"""
_ALL = _OLDEST.replace(" LIMIT 25", "")
# What came and went by the hour since 1970; the running difference is the work in progress at the end of an hour.
_MOVES = """
SELECT hour, kind, SUM(n) AS n FROM (
  SELECT hour, kind, COUNT(*) AS n FROM (
    SELECT DIV(UNIX_MICROS(GREATEST(started_at, @since)), 3600000000) AS hour, kind
    FROM flow_interval WHERE {facility}flow = @flow AND started_at < @until AND (ended_at IS NULL OR ended_at >= @since)
  ) GROUP BY hour, kind
  UNION ALL
  SELECT DIV(UNIX_MICROS(ended_at), 3600000000) AS hour, kind, -COUNT(*) AS n
  FROM flow_interval WHERE {facility}flow = @flow AND started_at < @until AND ended_at >= @since AND ended_at < @until
  GROUP BY hour, kind
) GROUP BY hour, kind
"""
AGES = ("under 15 min", "under 1 h", "under 4 h", "under 1 d", "under 3 d", "3 d and more")
_HOUR = timedelta(hours=1)
_POSITIONS = 1000
"""More positions than this and the slider takes longer steps than hours."""


def _positions(f: Filters, newest: datetime | None) -> list[datetime]:
    """List the instants of the slider: hours of the days up to the instant of the facts, and that instant."""
    at, end = datetime.combine(f.first, time.min, UTC) + _HOUR, datetime.combine(f.last, time.min, UTC) + 24 * _HOUR
    last = min(end, newest) if newest is not None else end
    step = _HOUR * max(1, -(-24 * len(f.days()) // _POSITIONS))
    found = []
    while at < last:
        found.append(at)
        at += step
    return [*found, last]


def _chosen(f: Filters, positions: list[datetime]) -> int:
    try:
        wanted = datetime.fromisoformat(f.others.get("at", ""))
        wanted = wanted.replace(tzinfo=UTC) if wanted.tzinfo is None else wanted
    except ValueError:
        return len(positions) - 1
    return min(range(len(positions)), key=lambda i: abs(positions[i] - wanted))


def build(door: Door, f: Filters) -> Page:
    """Make the page."""
    flow = f.others.get("flow", "order")
    newest = door.ask(_NEWEST)[0]["as_of"]
    positions = _positions(f, newest)
    chosen = _chosen(f, positions)
    at = positions[chosen]
    facility = f.where(flow=False).split(" AND ", 2)[2] + " AND " if f.facility else ""
    bound = {k: v for k, v in f.bound(flow=False).items() if k == "facility"}
    there = _THERE.format(facility=facility)
    rows = door.ask(_AGES.format(there=there), **bound, flow=flow, at=at)
    page = Page("Where every entity was at one instant; move the slider to any hour of the days.", empty=False)
    page.choices = [Choice("flow", "Flow", [(x, x) for x in FLOWS], flow)]
    page.slider = Slider("at", "As of", positions, chosen)
    count = sum(r["entities"] for r in rows)
    oldest = min((r["oldest"] for r in rows), default=None)
    idle = sum(r["entities"] for r in rows if r["kind"] != "working")
    page.tiles = [
        Tile(
            "wip",
            "In progress",
            words.count(count),
            "entities in a stage",
            "started at or before the instant, and not ended at it",
        ),
        Tile("idle", "Not worked on", words.count(idle), "waiting, paused or blocked"),
        Tile(
            "old", "Older than a day", words.count(sum(r["entities"] for r in rows if r["age"] >= 4)), "in their stage"
        ),
        Tile("oldest", "Oldest", words.seconds((at - oldest).total_seconds() if oldest else None), "in its stage"),
    ]
    page.panels = [_ages(rows), _hours(door, f, flow, facility, bound, newest)]
    shown = door.ask(_OLDEST.format(there=there), **bound, flow=flow, at=at)
    columns = [
        Column("flow_id", "Flow", Kind.FLOW),
        Column("entity", "Entity", Kind.NAME),
        Column("stage", "Stage", Kind.NAME),
        Column("kind", "Kind"),
        Column("facility_ref", "Facility", Kind.PLACE),
        Column("started_at", "Since", Kind.INSTANT),
        Column("age", "Age", Kind.SECONDS),
    ]
    page.panels.append(
        Panel(
            "oldest",
            "Oldest in their stage",
            "the download has all that were in progress",
            table=Table(
                "oldest",
                columns,
                [{**r, "age": (at - r["started_at"]).total_seconds()} for r in shown],
                _ALL.format(there=there),
                {**bound, "flow": flow, "at": at},
            ),
        )
    )
    return page


def _ages(rows: Rows) -> Panel:
    sums: dict[str, list[int]] = {}
    for r in rows:
        sums.setdefault(r["stage"], [0] * len(AGES))[r["age"]] += r["entities"]
    order = sorted(sums, key=lambda s: -sum(sums[s]))
    series = [
        Series(name, i, [sums[s][n] for s in order])
        for n, (name, i) in enumerate(zip(AGES, (8, 9, 10, 11, 1, 4), strict=True))
    ]
    table = Table(
        "ages",
        [Column("stage", "Stage", Kind.NAME), *(Column(str(n), name, Kind.COUNT) for n, name in enumerate(AGES))],
        [{"stage": s, **{str(n): v for n, v in enumerate(sums[s])}} for s in order],
    )
    chart = charts.bars("Entities by stage and age", [s.replace("_", " ") for s in order], series) if order else None
    return Panel("ages", "Age by stage", "how long the entities had been in their stage", chart, table)


def _hours(door: Door, f: Filters, flow: str, facility: str, bound: dict[str, Any], newest: datetime | None) -> Panel:
    days = f.bound(facility=False, flow=False)
    rows = door.ask(_MOVES.format(facility=facility), **bound, **days, flow=flow)
    moves = {(r["hour"], r["kind"]): r["n"] for r in rows}
    since = days["since"]
    assert isinstance(since, datetime)
    hours = [since + _HOUR * i for i in range(24 * len(f.days()))]
    hours = [h for h in hours if newest is None or h <= newest]
    every = max(1, len(hours) // 168)
    running, first = {kind: 0 for kind, _ in KINDS}, int(since.timestamp()) // 3600
    values: dict[str, list[float]] = {kind: [] for kind, _ in KINDS}
    for i in range(len(hours)):
        for kind in running:
            running[kind] += moves.get((first + i, kind), 0)
            if i % every == every - 1:
                values[kind].append(running[kind])
    kept = hours[every - 1 :: every]
    labels = [f"{h + _HOUR:%b} {(h + _HOUR).day} {h + _HOUR:%H:%M}" for h in kept]
    series = [Series(kind, colour, values[kind]) for kind, colour in KINDS]
    table = Table(
        "hours",
        [
            Column("at", "At the end of the hour (UTC)"),
            *(Column(kind, kind.capitalize(), Kind.COUNT) for kind, _ in KINDS),
        ],
        [{"at": label, **{s.name: s.values[i] for s in series}} for i, label in enumerate(labels)],
    )
    chart = charts.columns("Work in progress over time, by kind", labels, series, full=True)
    note = f"at the end of every {'hour' if every == 1 else f'{every} hours'}, by kind"
    return Panel("hours", "Work in progress over time", note, chart, table)
