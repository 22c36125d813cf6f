"""The calendar of a run as relations: who keeps which hours, and when the groups are closed."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from pipelines import books
from pipelines.datasets import Part
from pipelines.options import BatchOptions
from schemas.tables import BY_NAME
from transforms.calendar import DAY, OTHERS, Calendar, Site

BACK_DAYS, AHEAD_DAYS = 400, 60
"""Days before and after the instant of the facts of which the closures are told; more back when the deadline of orders
is longer, for an open order is counted on from its newest event, which is no older than that."""


def calendar_parts(output: str, options: BatchOptions, as_of: int | None) -> list[Part]:
    """Write `facility_calendar` and `calendar_closure`; a relation without rows has no part."""
    calendar = options.calendar
    back = max(BACK_DAYS * DAY, options.deadlines["order"] * 1_000_000 + DAY)
    closures = [] if as_of is None else closure_rows(calendar, as_of - back, as_of + AHEAD_DAYS * DAY)
    found = {"facility_calendar": facility_rows(calendar), "calendar_closure": closures}
    return [
        books.write_book(output, name, rows, itemgetter(*BY_NAME[name].sort_by)) for name, rows in found.items() if rows
    ]


def facility_rows(calendar: Calendar) -> list[dict[str, Any]]:
    """Make the rows of `facility_calendar`."""
    return [
        {"facility_ref": f, "calendar": h.name, "time_zone": h.time_zone, "always_open": Site(h).always}
        for h in calendar.all_hours()
        for f in ((OTHERS,) if h is calendar.others else h.facilities)
    ]


def closure_rows(calendar: Calendar, start: int, end: int) -> list[dict[str, Any]]:
    """Make the rows of `calendar_closure` that reach into `[start, end)`."""
    return [
        {"calendar": h.name, "started_at": c.started_at, "ended_at": c.ended_at, "reason": c.reason}
        for h in calendar.all_hours()
        for c in Site(h).closures(start, end)
    ]
