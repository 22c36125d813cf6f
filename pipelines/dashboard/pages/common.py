"""What the pages share: series over days, percentiles by group, and the colours of outcomes and kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from pipelines.dashboard.charts import Series
from pipelines.dashboard.histogram import percentiles
from pipelines.dashboard.model import Column, Kind, Table, Tile
from schemas.kpis import BY_KEY, Form
from schemas.tables import BY_NAME as RELATIONS

OUTCOMES = (("fulfilled", 0), ("open", 3), ("cancelled", 1), ("incomplete", 4))
"""Outcomes with their colours, from the bottom of a stack to its top."""
KINDS = (("working", 0), ("waiting", 1), ("paused", 5), ("blocked", 4))
"""Kinds of stretches with their colours."""
SHARES = (0.5, 0.9, 0.95, 0.99)
THREE = (("median", "p50", 0), ("p90", "p90", 1), ("p99", "p99", 4))
"""Percentiles over days: name, column, colour."""
BOUND = "Percentiles are within 1 % of the exact value."


def over_days(
    days: Sequence[date], rows: Iterable[Mapping[str, Any]], group: str, value: str, named: Sequence[tuple[str, int]]
) -> list[Series]:
    """Make a series a group over all days; a day without rows counts 0."""
    found: dict[tuple[Any, date], float] = {}
    for r in rows:
        key = r[group], r["day"]
        found[key] = found.get(key, 0) + (r[value] or 0)
    return [Series(name, colour, [found.get((name, d), 0) for d in days]) for name, colour in named]


def percentile_lines(
    days: Sequence[date], rows: Iterable[Mapping[str, Any]], named: Sequence[tuple[str, float, int]]
) -> list[Series]:
    """Make a series a percentile over all days, from rows (day, bucket, n); unknown on days without any."""
    by_day: dict[date, list[tuple[int, int]]] = {}
    for r in rows:
        by_day.setdefault(r["day"], []).append((r["bucket"], r["n"]))
    shares = tuple(share for _, share, _ in named)
    each = [percentiles(by_day.get(d, ()), shares) for d in days]
    return [Series(name, colour, [values[i] for values in each]) for i, (name, _, colour) in enumerate(named)]


def lines_of_days(
    days: Sequence[date], rows: Iterable[Mapping[str, Any]], named: Sequence[tuple[str, str, int]]
) -> list[Series]:
    """Make a series a column over all days, from a row a day; unknown on days without one."""
    on = {r["day"]: r for r in rows}
    return [Series(name, colour, [on[d][column] if d in on else None for d in days]) for name, column, colour in named]


def by_group(rows: Iterable[Mapping[str, Any]], *keys: str) -> dict[tuple[Any, ...], list[tuple[int, int]]]:
    """Gather the buckets of rows by the values of some columns."""
    found: dict[tuple[Any, ...], list[tuple[int, int]]] = {}
    for r in rows:
        found.setdefault(tuple(r[k] for k in keys), []).append((r["bucket"], r["n"]))
    return found


def meaning(relation: str, column: str) -> str:
    """Give what the data dictionary says of a column."""
    return next(c.description for c in RELATIONS[relation].columns if c.name == column)


def measured(key: str, kpi: str, value: str, note: str = "") -> Tile:
    """Make the figure of a measure; its name and what it means are the catalogue's. Of a duration it is the median."""
    found = BY_KEY[kpi]
    told = f"{found.question} {found.nulls}"
    if found.form is Form.DURATION:
        return Tile(key, f"{found.name}, median", value, note, f"{told} {BOUND}", kpi)
    return Tile(key, found.name, value, note, told, kpi)


def total(rows: Iterable[Mapping[str, Any]], key: str) -> float:
    """Sum a column."""
    return sum(r[key] or 0 for r in rows)


def share(part: float, whole: float) -> float | None:
    """Give a share; unknown of nothing."""
    return part / whole if whole else None


def day_table(key: str, days: Sequence[date], series: Sequence[Series], kind: Kind) -> Table:
    """Make the table of a chart over days: a row a day, a column a series."""
    columns = [Column("day", "Day (UTC)", Kind.DAY), *(Column(s.name, s.name.capitalize(), kind) for s in series)]
    return Table(key, columns, [{"day": d, **{s.name: s.values[i] for s in series}} for i, d in enumerate(days)])
