"""The report: the pages of the dashboard for a range of days in one file that needs nothing else, for mail."""

from __future__ import annotations

import os
import re
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from markupsafe import Markup

from pipelines.dashboard.filters import DEFAULT_DAYS, Filters, choices
from pipelines.dashboard.model import Page
from pipelines.dashboard.pages import BY_PATH
from pipelines.dashboard.templating import HERE, templates
from pipelines.dashboard.zones import read_zones
from pipelines.doors import Door
from pipelines.options import OptionError

_PARTS = ("overview", "orders", "time", "inbound", "stow", "carriers", "quality")
_LINK = re.compile(r'<a href="/[^"]*">(.*?)</a>', re.DOTALL)
_TWICE = {"orders": ("orders", "on_time", "cycle_p50")}
"""Figures of a part that an earlier one has shown."""


def write(
    door: Door,
    to: Path,
    zone: ZoneInfo | None,
    *,
    first: date | None = None,
    last: date | None = None,
    facility: str = "",
) -> int:
    """Write the report, in one step.

    Args:
        door: the warehouse.
        to: the file.
        zone: one time zone for all facilities; None for those of the calendar.
        first: first day; four weeks before the last by default.
        last: last day, included; the last that there is by default.
        facility: only this one; "" is all.

    Returns:
        The bytes written.

    Raises:
        OptionError: there is nothing to report, or no such facility.
        DoorError: the warehouse does not answer.
    """
    there = choices(door)
    if there.empty:
        raise OptionError("the warehouse is empty; nothing was written")
    if facility and facility not in there.facilities:
        raise OptionError(f"--facility is {facility!r}, expected one of {', '.join(there.facilities[:20])}")
    end = last or there.last
    start = first or max(there.first, end - timedelta(days=DEFAULT_DAYS - 1))
    if start > end or end < there.first or start > there.last:
        raise OptionError(f"no days from {start} to {end}: the warehouse has {there.first} to {there.last}")
    filters = Filters(max(start, there.first), min(end, there.last), facility)
    pages: list[tuple[str, Page]] = []
    for path in _PARTS:
        page = BY_PATH[path].build(door, filters)
        page.tiles = [t for t in page.tiles if t.key not in _TWICE.get(path, ())]
        pages.append((BY_PATH[path].title, page))
    (newest,) = door.ask("SELECT MAX(as_of) AS as_of FROM pipeline_run")
    style = Markup((HERE / "static" / "style.css").read_text(encoding="utf-8"))
    html = (
        templates()
        .get_template("report.html")
        .render(
            zones=read_zones(door, zone),
            f=filters,
            pages=pages,
            warehouse=door.name,
            as_of=newest["as_of"],
            style=style,
        )
    )
    html = _LINK.sub(r"\1", html)  # a link to a page of the dashboard leads nowhere from a file
    fresh = to.with_name(f".{to.name}.writing")
    try:
        fresh.write_text(html, encoding="utf-8")
        os.replace(fresh, to)
    finally:
        fresh.unlink(missing_ok=True)
    return len(html.encode())
