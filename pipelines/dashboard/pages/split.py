"""Time and slack: every order's time in five parts that add up, and which stage uses up the time to the target."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from pipelines.dashboard import charts, words
from pipelines.dashboard.charts import Series
from pipelines.dashboard.filters import Filters
from pipelines.dashboard.model import Column, Kind, Page, Panel, Table, Tile
from pipelines.dashboard.pages.common import KINDS, meaning, over_days, share, total
from pipelines.doors import Door, Rows
from schemas.vocabulary import SPLIT_STAGES

PARTS = (*KINDS, ("site_closed", 7))
"""The five parts with their colours."""
_NAMES = tuple(name for name, _ in PARTS)
_DRAWN = 12
_EPOCH = date(1970, 1, 1)
LEFT = ("late", "under 1 h", "under 4 h", "under 1 d", "1 d and more")

_HOURS = {**{name: f"{name}_seconds" for name in _NAMES}, "used": "slack_used_seconds", "late": "slack_late_seconds"}
_SUMS = ", ".join(f"SUM({name}) / 3600 AS {name}" for name in _HOURS)
_GROUPS = {"stage": "STRING", "day_number": "INT64", "facility_ref": "STRING"}
"""What the sums are grouped by; days since 1970, for a date by time zone would cost more than all the sums."""
_DAY = "DIV(UNIX_MICROS(started_at), 86400000000)"


def _summed(names: Iterable[str]) -> str:
    """Write the sums of `split` by each of some groups, one after the other."""
    each = (
        f"SELECT '{name}' AS by_a, "
        + ", ".join(n if n == name else f"CAST(NULL AS {kind}) AS {n}" for n, kind in _GROUPS.items())
        + f", {_SUMS} FROM split GROUP BY {name}"
        for name in names
    )
    return "\nUNION ALL ".join(each)


_SPLIT = f"""
WITH split AS (
  SELECT stage, {_DAY} AS day_number, facility_ref, {", ".join(f"{told} AS {name}" for name, told in _HOURS.items())}
  FROM {{rows}} AND {{where}}
)
{{sums}}
"""
# An order that has ended is counted in the relation; an open one up to the instant of the facts, by the view.
_ENDED, _OPEN = "order_time_split WHERE outcome <> 'open'", "order_slack WHERE outcome = 'open'"
_RUNNING = "{where} AND in_stage AND target_at IS NOT NULL AND slack_until_at = until_at"
_BY_LEFT = f"""
SELECT stage, CASE WHEN slack_left_seconds < 0 THEN 0 WHEN slack_left_seconds < 3600 THEN 1
    WHEN slack_left_seconds < 14400 THEN 2 WHEN slack_left_seconds < 86400 THEN 3 ELSE 4 END AS remaining,
  COUNT(*) AS orders
FROM order_slack WHERE {_RUNNING} GROUP BY stage, remaining
"""
_LIST = f"""
SELECT flow_id, facility_ref, channel, stage, started_at, target_at, slack_seconds, slack_left_seconds
FROM order_slack WHERE {_RUNNING} ORDER BY slack_left_seconds, flow_id LIMIT 25
"""
_ALL = _LIST.replace(" LIMIT 25", "")


def split_rows(door: Door, f: Filters, *names: str) -> dict[str, Rows]:
    """Ask for the hours of each part and of the slack, by `stage`, `day_number` (since 1970) or `facility_ref`.

    One look at the rows is for all the groups that are named.
    """
    found: dict[tuple[str, Any], dict[str, Any]] = {}
    for rows in (_ENDED, _OPEN):
        for r in door.ask(_SPLIT.format(rows=rows, where=f.where(), sums=_summed(names)), **f.bound()):
            name = r["by_a"]
            row = found.setdefault((name, r[name]), {name: r[name], **dict.fromkeys(_HOURS)})
            for key in _HOURS:
                if r[key] is not None:
                    row[key] = (row[key] or 0) + r[key]
    return {name: [row for (by_a, _), row in found.items() if by_a == name] for name in names}


def by_stage(rows: Rows) -> Rows:
    """Sort the rows of the stages as the flow goes."""
    return sorted(rows, key=lambda r: SPLIT_STAGES.index(r["stage"]))


def _hours(row: dict[str, float | None]) -> float:
    return sum(row[name] or 0 for name in _NAMES)


def _folded(rows: Rows, keys: tuple[str, ...]) -> Rows:
    """Give the first rows, and the sum of the others as one: a picture of few bars, the table has them all."""
    rest = rows[_DRAWN:]
    if len(rest) < 2:
        return rows
    return [*rows[:_DRAWN], {"stage": f"{len(rest)} other stages", **{k: total(rest, k) for k in keys}}]


def stage_panel(rows: Rows) -> Panel:
    """Make the panel with the five parts of each stage."""
    everything = sum(_hours(r) for r in rows)
    shown = [r for r in sorted(rows, key=lambda r: -_hours(r)) if _hours(r) > 0]
    table = Table(
        "split",
        [
            Column("stage", "Stage", Kind.NAME, "after a stage: nothing lasts since; intake: before the first"),
            *(
                Column(name, f"{name.replace('_', ' ').capitalize()} (h)", Kind.COUNT,
                       meaning("order_time_split", f"{name}_seconds"))
                for name in _NAMES
            ),
            Column("hours", "Hours", Kind.COUNT),
            Column("share", "Share of all time", Kind.RATIO),
        ],
        [{**r, "hours": _hours(r), "share": share(_hours(r), everything)} for r in shown],
    )  # fmt: skip
    drawn = _folded(shown, _NAMES)
    series = [Series(name, colour, [r[name] or 0 for r in drawn]) for name, colour in PARTS]
    names = [r["stage"].replace("_", " ") for r in drawn]
    chart = charts.bars("Hours of the orders by stage and part", names, series, tell=words.axis_hours)
    note = (
        "hours of the orders' time, each instant once: working before paused before blocked before waiting; closed "
        "hours by the calendar of the facilities; open orders up to the instant of the facts"
    )
    return Panel("split", "Where the orders' time goes", note, chart if shown else None, table)


def build(door: Door, f: Filters) -> Page:
    """Make the page."""
    found = split_rows(door, f, *_GROUPS)
    rows = by_stage(found["stage"])
    page = Page("Every order's time in five parts that add up to it, by the day on which it began.", empty=not rows)
    if not rows:
        return page
    hours = sum(_hours(r) for r in rows)
    of = {name: share(total(rows, name), hours) for name in _NAMES}
    left = door.ask(_BY_LEFT.format(where=f.where()), **f.bound())
    late, soon = (sum(r["orders"] for r in left if r["remaining"] in which) for which in ((0,), (1, 2)))
    closures = door.ask("SELECT COUNT(*) AS n FROM calendar_closure")[0]["n"]
    page.tiles = [
        Tile("hours", "Time of the orders", words.axis_hours(hours), "from start to end, or until now"),
        *(
            Tile(name, name.replace("_", " ").capitalize(), words.ratio(of[name]), note,
                 meaning("order_time_split", f"{name}_seconds"))
            for name, note in (
                ("working", "of the time"), ("waiting", "the site open"), ("paused", "the site open"),
                ("blocked", "the site open"),
                ("site_closed", "by the calendar" if closures else "no calendar: always open"),
            )
        ),
        Tile("late", "Open and late", words.count(late), "past their target", "Open orders whose slack is used up"),
        Tile("soon", "Due within 4 h", words.count(soon), "open orders", "Open orders with less than 4 hours of slack"),
    ]  # fmt: skip
    page.panels = [
        stage_panel(rows),
        _days(f, found["day_number"]),
        _facilities(found["facility_ref"]),
        _slack(rows),
        _left(left),
        _list(door, f),
    ]
    return page


def _days(f: Filters, rows: Rows) -> Panel:
    days = f.days()
    flat = [
        {"day": _EPOCH + timedelta(days=r["day_number"]), "part": name, "hours": r[name]}
        for r in rows
        for name in _NAMES
    ]
    series = over_days(days, flat, "part", "hours", PARTS)
    table = Table(
        "days",
        [
            Column("day", "Day (UTC)", Kind.DAY),
            *(Column(s.name, f"{s.name.replace('_', ' ').capitalize()} (h)", Kind.COUNT) for s in series),
        ],
        [{"day": d, **{s.name: s.values[i] for s in series}} for i, d in enumerate(days)],
    )
    chart = charts.columns(
        "Hours of the orders by day and part", [words.day(d) for d in days], series, tell=words.axis_hours
    )
    return Panel("days", "By day", "hours of the orders that began on the day", chart, table, wide=False)


def _facilities(rows: Rows) -> Panel:
    rows = sorted((r for r in rows if _hours(r) > 0), key=_hours, reverse=True)
    shown = [
        {
            "facility_ref": r["facility_ref"] or "several or none yet",
            "hours": _hours(r),
            **{name: share(r[name] or 0, _hours(r)) for name in _NAMES},
        }
        for r in rows
    ]
    columns = [
        Column("facility_ref", "Facility", Kind.PLACE),
        Column("hours", "Hours", Kind.COUNT),
        *(Column(name, name.replace("_", " ").capitalize(), Kind.RATIO) for name in _NAMES),
    ]
    note = "shares of the orders' time"
    return Panel("places", "By facility", note, table=Table("places", columns, shown), wide=False)


def _slack(rows: Rows) -> Panel:
    shown = [r for r in rows if r["used"] or r["late"]]
    used, late = total(shown, "used"), total(shown, "late")
    shown.sort(key=lambda r: -((r["used"] or 0) + (r["late"] or 0)))
    table = Table(
        "slack",
        [
            Column("stage", "Stage", Kind.NAME),
            Column("used", "Slack used (h)", Kind.COUNT, meaning("order_time_split", "slack_used_seconds")),
            Column("used_share", "Share", Kind.RATIO),
            Column("late", "After the target (h)", Kind.COUNT, meaning("order_time_split", "slack_late_seconds")),
            Column("late_share", "Share", Kind.RATIO),
        ],
        [{**r, "used_share": share(r["used"] or 0, used), "late_share": share(r["late"] or 0, late)} for r in shown],
    )
    drawn = _folded(shown, ("used", "late"))
    series = [Series(n, c, [r[k] or 0 for r in drawn]) for n, k, c in (("slack used", "used", 3), ("late", "late", 4))]
    names = [r["stage"].replace("_", " ") for r in drawn]
    chart = charts.bars("Slack used by stage", names, series, tell=words.axis_hours) if shown else None
    note = "the time from start to target, and the time after it, by the stage that took it; orders with a target"
    return Panel("slack", "Which stage uses up the slack", note, chart, table)


def _left(rows: Rows) -> Panel:
    stages = sorted({r["stage"] for r in rows}, key=SPLIT_STAGES.index)
    of = {(r["stage"], r["remaining"]): r["orders"] for r in rows}
    series = [
        Series(name, colour, [of.get((s, n), 0) for s in stages])
        for n, (name, colour) in enumerate(zip(LEFT, (4, 1, 10, 9, 8), strict=True))
    ]
    table = Table(
        "left",
        [
            Column("stage", "In stage", Kind.NAME),
            *(Column(str(n), name.capitalize(), Kind.COUNT) for n, name in enumerate(LEFT)),
        ],
        [{"stage": s, **{str(n): of.get((s, n), 0) for n in range(len(LEFT))}} for s in stages],
    )
    names = [s.replace("_", " ") for s in stages]
    chart = charts.bars("Open orders by stage and slack left", names, series) if stages else None
    return Panel("left", "Slack left of the open orders", "by the stage that they are in", chart, table)


def _list(door: Door, f: Filters) -> Panel:
    columns = [
        Column("flow_id", "Flow", Kind.FLOW),
        Column("facility_ref", "Facility", Kind.PLACE),
        Column("channel", "Channel"),
        Column("stage", "In stage", Kind.NAME),
        Column("started_at", "Began", Kind.INSTANT),
        Column("target_at", "Target", Kind.INSTANT),
        Column("slack_left_seconds", "Slack left", Kind.SECONDS, "Negative is late"),
    ]
    question = _ALL.format(where=f.where())
    table = Table("due", columns, door.ask(_LIST.format(where=f.where()), **f.bound()), question, f.bound())
    note = "open orders with the least slack; the download has all of them"
    return Panel("due", "Due first", note, table=table)
