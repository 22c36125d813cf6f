"""How values are written: counts, lengths of time, shares, instants in local time with UTC beside them."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from pipelines.summary import humane

UNKNOWN = "\N{EN DASH}"


def count(value: float | None) -> str:
    """Write a count."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def ratio(value: float | None) -> str:
    """Write a share in percent."""
    if value is None:
        return UNKNOWN
    return f"{100 * value:.2f} %" if 0 < abs(value) < 0.01 else f"{100 * value:.1f} %"


def seconds(value: float | None) -> str:
    """Write a length of time."""
    return UNKNOWN if value is None else humane(value)


def short(identifier: str | None) -> str:
    """Write an id as short as people compare it."""
    return UNKNOWN if identifier is None else identifier[:8]


def day(value: date) -> str:
    """Write a day below a chart."""
    return f"{value:%b} {value.day}"


def axis_seconds(value: float) -> str:
    """Write a length of time on an axis, with no more digits than it needs."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if value >= 2 * size:
            return f"{value / size:g} {unit}" if value % size == 0 else f"{value / size:.1f} {unit}"
    return f"{value:g} s"


def axis_hours(value: float) -> str:
    """Write hours as the sum of many stretches."""
    return f"{value:,.0f} h"


def instant(at: datetime | None, zone: ZoneInfo) -> Markup:
    """Write an instant in local time, UTC when pointed at."""
    if at is None:
        return Markup(UNKNOWN)
    local = at.astimezone(zone)
    utc = f"{at:%Y-%m-%d %H:%M:%S}" + (f".{at.microsecond:06d}".rstrip("0") if at.microsecond else "")
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        escape(at.isoformat()), utc, f"{local:%Y-%m-%d %H:%M:%S}"
    )
