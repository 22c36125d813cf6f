"""When the sites are open: weekly hours, holidays, time zones and clock changes, as instants.

A calendar is data (`Calendar`, from a file that `pipelines.calendar_file` reads); what it means in microseconds is
worked out here. Time zones come from the package `tzdata`, never from the machine: facts are the same everywhere.

Hours belong to the local day on which they begin: a night shift that begins before a holiday ends as usual. A time that
the wall clock skips counts as so much later; one that comes twice counts as the first.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

FIRST_YEAR, LAST_YEAR = 2000, 2100
"""Outside of these years every site is open; events there come from broken clocks."""

OTHERS = "*"
"""Stands for every facility that the calendar does not name."""

DAY = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Span = tuple[int, int]
"""Opening hours within a day: minutes after midnight by the wall clock; above 1440 they end on the next day."""


class SpecialDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A day with hours of its own: a holiday, when there are none.

    Attributes:
        day: YYYY-MM-DD.
        name: why.
        hours: when the site is open.
    """

    day: str
    name: str
    hours: tuple[Span, ...] = ()


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hours of a group of facilities.

    Attributes:
        name: of the group.
        time_zone: IANA name.
        week: hours from Monday to Sunday; None is always open.
        special: days with hours of their own, each day once.
        facilities: who keeps them.
    """

    name: str
    time_zone: str
    week: tuple[tuple[Span, ...], ...] | None = None
    special: tuple[SpecialDay, ...] = ()
    facilities: tuple[str, ...] = ()


class Calendar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hours of all facilities.

    Attributes:
        groups: hours by group; a facility is in one of them at most.
        others: the hours of every other facility; None is always open, with no time zone known.
    """

    groups: tuple[Hours, ...] = ()
    others: Hours | None = None

    @staticmethod
    def of(plain: Any) -> Calendar:
        """Make a calendar from what `plain` gave; None is none."""
        return ALWAYS_OPEN if plain is None else msgspec.convert(plain, Calendar)

    def plain(self) -> Any:
        """Give it as JSON values, None when every site is always open and nothing else is said."""
        return None if self == ALWAYS_OPEN else msgspec.json.decode(msgspec.json.encode(self))

    def all_hours(self) -> tuple[Hours, ...]:
        """List all hours, those of the other facilities last."""
        return (*self.groups, self.others) if self.others is not None else self.groups


ALWAYS_OPEN = Calendar()


@dataclass(frozen=True, slots=True)
class Closure:
    """A stretch in which a site is closed; `ended_at` is exclusive, `reason` names a holiday that lies in it."""

    started_at: int
    ended_at: int
    reason: str | None


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """Give a time zone of the package `tzdata`.

    Raises:
        KeyError: there is none of this name.
    """
    parts = name.split("/")
    if not all(p and p.replace("_", "").replace("-", "").replace("+", "").isalnum() for p in parts):
        raise KeyError(name)
    file = resources.files("tzdata.zoneinfo").joinpath(*parts)
    if not file.is_file():
        raise KeyError(name)
    try:
        with file.open("rb") as data:
            return ZoneInfo.from_file(data, key=name)
    except ValueError as err:  # a file of the package that is no zone
        raise KeyError(name) from err


class Site:
    """The hours of one group as instants."""

    def __init__(self, hours: Hours) -> None:
        self.name, self.hours = hours.name, hours
        self.always = hours.week is None and not any(s.hours != ((0, 1440),) for s in hours.special)
        self.zone = zone_of(hours.time_zone)
        self._special = {date.fromisoformat(s.day): s for s in hours.special}
        # Closures in order, their ends, and the closed time before each; for the years in `_years`.
        self._closures: list[Closure] = []
        self._starts: list[int] = []
        self._before: list[int] = []
        self._years: tuple[int, int] | None = None

    def closed(self, start: int, end: int) -> int:
        """Give for how long the site is closed in `[start, end)`, in microseconds."""
        if self.always or end <= start:
            return 0
        self._cover(start, end)
        return self._closed_before(end) - self._closed_before(start)

    def closures(self, start: int, end: int) -> list[Closure]:
        """List the closures that reach into `[start, end)`, in order and whole."""
        if self.always or end <= start:
            return []
        self._cover(start, end)
        first = max(0, bisect_right(self._starts, start) - 1)
        return [c for c in self._closures[first : bisect_right(self._starts, end - 1)] if c.ended_at > start]

    def _closed_before(self, at: int) -> int:
        i = bisect_right(self._starts, at) - 1
        return 0 if i < 0 else self._before[i] + min(at, self._closures[i].ended_at) - self._starts[i]

    def _cover(self, start: int, end: int) -> None:
        """Work out the years around `[start, end)`, unless they are."""
        wanted = (max(FIRST_YEAR, _year(start) - 1), min(LAST_YEAR, _year(end) + 1))
        if self._years is not None:
            if self._years[0] <= wanted[0] and wanted[1] <= self._years[1]:
                return
            wanted = (min(self._years[0], wanted[0]), max(self._years[1], wanted[1]))
        self._years = wanted
        self._closures = self._between(*wanted)
        self._starts = [c.started_at for c in self._closures]
        total, self._before = 0, []
        for c in self._closures:
            self._before.append(total)
            total += c.ended_at - c.started_at

    def _between(self, first: int, last: int) -> list[Closure]:
        """List the closures from the first to the last year."""
        if first > last:
            return []
        # One day more before, for hours that reach over midnight; what lies outside of the years counts as open.
        begin, stop = self._instant(date(first, 1, 1), 0), self._instant(date(last, 12, 31), 1440)
        found: list[Closure] = []
        free = begin
        for opens, closes in sorted(self._open(date(first, 1, 1) - timedelta(days=1), date(last, 12, 31))):
            if opens > free:
                found.append(Closure(free, opens, self._reason(free, opens)))
            free = max(free, closes)
        if free < stop:
            found.append(Closure(free, stop, self._reason(free, stop)))
        return found

    def _open(self, first: date, last: date) -> list[Span]:
        found: list[Span] = []
        day = first
        while day <= last:
            for opens, closes in self._spans(day):
                start, end = self._instant(day, opens), self._instant(day, closes)
                if start < end:  # hours that the clock skips are none
                    found.append((start, end))
            day += timedelta(days=1)
        return found

    def _spans(self, day: date) -> tuple[Span, ...]:
        special = self._special.get(day)
        if special is not None:
            return special.hours
        return ((0, 1440),) if self.hours.week is None else self.hours.week[day.weekday()]

    def _instant(self, day: date, minutes: int) -> int:
        days, rest = divmod(minutes, 1440)
        day += timedelta(days=days)
        wall = datetime(day.year, day.month, day.day, rest // 60, rest % 60, tzinfo=self.zone)
        return (wall.astimezone(UTC) - _EPOCH) // _MICROSECOND

    def _reason(self, start: int, end: int) -> str | None:
        """Name the holidays that a closure touches."""
        if not self._special:
            return None
        day, last = self._day_of(start), self._day_of(end - 1)
        names: list[str] = []
        while day <= last:
            special = self._special.get(day)
            if special is not None and not special.hours:
                names.append(special.name)
            day += timedelta(days=1)
        return ", ".join(dict.fromkeys(names)) or None

    def _day_of(self, at: int) -> date:
        return (_EPOCH + timedelta(microseconds=at)).astimezone(self.zone).date()


def _year(at: int) -> int:
    """Give the year of an instant, near enough for a range that is a year wider on both sides."""
    return 1970 + at // (365 * DAY + DAY // 4)


@dataclass(slots=True)
class Sites:
    """The sites of a calendar, by facility.

    Attributes:
        calendar: the calendar.
    """

    calendar: Calendar
    _by_facility: dict[str, Site] = field(init=False)
    _others: Site | None = field(init=False)

    def __post_init__(self) -> None:
        groups = {h.name: Site(h) for h in self.calendar.groups}
        self._by_facility = {f: groups[h.name] for h in self.calendar.groups for f in h.facilities}
        self._others = None if self.calendar.others is None else Site(self.calendar.others)

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker gets the calendar; time zones can't be sent, and what is worked out need not be.
        return sites_of, (self.calendar,)

    def at(self, facility: str | None) -> Site | None:
        """Give the site of a facility, None when it is never closed; no facility is no site that could be."""
        if facility is None:
            return None
        site = self._by_facility.get(facility, self._others)
        return None if site is None or site.always else site


@lru_cache(maxsize=8)
def sites_of(calendar: Calendar) -> Sites:
    """Give the sites of a calendar; they are worked out once in a process."""
    return Sites(calendar)
