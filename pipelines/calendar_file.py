"""Reads the calendar of the facilities from YAML, strictly: what is not understood is an error that names its place.

default:                       # every facility that no group names; left out, they are always open
time_zone: Europe/Berlin
open: always
calendars:
stores:
facilities: [store-1, store-2]
time_zone: Europe/Berlin
open:
monday-friday: 09:00-20:00
saturday: [10:00-13:00, 14:00-18:00]   # a day that is not named is closed
holidays:
2026-12-24: {name: Christmas Eve, open: 09:00-14:00}
2026-12-25: Christmas
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Hashable, Mapping
from datetime import date, datetime
from itertools import pairwise
from typing import Any, NoReturn

import yaml

from pipelines.datasets import read_bytes
from pipelines.options import OptionError
from pipelines.storage_errors import StorageError
from transforms.calendar import Calendar, Hours, Span, SpecialDay, zone_of

DEFAULT = "default"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPAN = re.compile(r"(\d{2}):(\d{2})\s*-\s*(\d{2}):(\d{2})", re.ASCII)
_RANGE = "hours like 09:00-20:00, a list of them, or closed"


def read_calendar(path: str) -> Calendar:
    """Read a calendar.

    Args:
        path: file, on any Beam file system.

    Raises:
        OptionError: it can't be read, or holds something that is not understood.
    """
    try:
        raw = read_bytes(path)
    except (StorageError, FileNotFoundError, IsADirectoryError) as err:
        raise OptionError(f"--calendar {path} can't be read: {err}; expected a YAML file") from err
    return parse_calendar(raw, path)


def parse_calendar(raw: bytes | str, path: str) -> Calendar:
    """Read a calendar from the bytes of a file; `path` is for the messages.

    Raises:
        OptionError: it holds something that is not understood.
    """
    try:
        found = yaml.load(raw, _Loader)
    except (yaml.YAMLError, ValueError) as err:
        raise OptionError(f"--calendar {path} is no YAML: {_where(err)}") from err
    return _Reader(path).calendar(found)


class _Loader(yaml.SafeLoader):
    """Reads YAML as text and mappings; a key that comes twice is an error, not the last one."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(None, None, "a key that is no text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key} comes twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _where(err: Exception) -> str:
    mark = getattr(err, "problem_mark", None)
    what = getattr(err, "problem", None) or str(err).splitlines()[0]
    return f"line {mark.line + 1}, column {mark.column + 1}: {what}" if mark is not None else what


class _Reader:
    """Turns what YAML gives into a calendar."""

    def __init__(self, path: str) -> None:
        self.path = path

    def calendar(self, found: Any) -> Calendar:
        top = self._mapping("the file", found, ("default", "calendars"))
        if not top:
            self._refuse("the file", found, "calendars or default")
        groups = []
        owner: dict[str, str] = {}
        named = top.get("calendars", {})
        if not isinstance(named, dict):
            self._refuse("calendars", named, "a group for each kind of hours")
        for name, value in named.items():
            place = f"calendars.{name}"
            if not isinstance(name, str) or not name.strip() or name == DEFAULT:
                self._refuse("calendars", name, "a name in letters, other than default")
            hours = self._hours(place, name, value, facilities=True)
            for facility in hours.facilities:
                if facility in owner:
                    self._refuse(f"{place}.facilities", facility, f"one that is not in {owner[facility]} already")
                owner[facility] = place
            groups.append(hours)
        others = None
        if "default" in top:
            others = self._hours("default", DEFAULT, top["default"], facilities=False)
        return Calendar(tuple(sorted(groups, key=lambda h: h.name)), others)

    def _hours(self, place: str, name: str, value: Any, *, facilities: bool) -> Hours:
        known = ("facilities", "time_zone", "open", "holidays") if facilities else ("time_zone", "open", "holidays")
        found = self._mapping(place, value, known)
        zone = found.get("time_zone")
        if not isinstance(zone, str):
            self._refuse(f"{place}.time_zone", zone, "the name of a time zone, like Europe/Berlin")
        try:
            zone_of(zone)
        except KeyError:
            self._refuse(f"{place}.time_zone", zone, "the name of a time zone, like Europe/Berlin")
        members: list[str] = []
        if facilities:
            given = found.get("facilities")
            if not isinstance(given, list) or not given:
                self._refuse(f"{place}.facilities", given, "a list of facilities")
            for i, facility in enumerate(given):
                if not isinstance(facility, str) or not facility.strip():
                    self._refuse(f"{place}.facilities[{i}]", facility, "the reference of a facility, as text")
                if facility in members:
                    self._refuse(f"{place}.facilities[{i}]", facility, "each facility once")
                members.append(facility)
        week = self._week(f"{place}.open", found.get("open", "always"))
        special = self._special(f"{place}.holidays", found.get("holidays", {}))
        return Hours(name, zone, week, special, tuple(sorted(members)))

    def _week(self, place: str, value: Any) -> tuple[tuple[Span, ...], ...] | None:
        if value == "always":
            return None
        if not isinstance(value, dict) or not value:
            self._refuse(place, value, "always, or hours for days like monday-friday: 09:00-20:00")
        week: dict[int, tuple[Span, ...]] = {}
        for key, hours in value.items():
            for day in self._days(place, key):
                if day in week:
                    self._refuse(f"{place}.{key}", _DAYS[day], "each day once")
                week[day] = self._spans(f"{place}.{key}", hours)
        if not any(week.values()):
            self._refuse(place, value, "hours on one day at least")
        return tuple(week.get(i, ()) for i in range(7))

    def _days(self, place: str, key: Any) -> list[int]:
        found: list[int] = []
        for part in str(key).lower().split(","):
            ends = [self._day(place, key, word.strip()) for word in part.split("-")]
            if len(ends) > 2 or ends[0] > ends[-1]:
                self._refuse(place, key, "days in their order, like monday-friday")
            found += range(ends[0], ends[-1] + 1)
        return found

    def _day(self, place: str, key: Any, word: str) -> int:
        for i, name in enumerate(_DAYS):
            if word in (name, name[:3]):
                return i
        self._refuse(place, key, f"a day like monday or mon, a range or a list of them{_hint(word, _DAYS)}")

    def _spans(self, place: str, value: Any) -> tuple[Span, ...]:
        if value == "closed":
            return ()
        texts = value if isinstance(value, list) and value else [value]
        spans: list[Span] = []
        for text in texts:
            match = _SPAN.fullmatch(text.strip()) if isinstance(text, str) else None
            if match is None:
                self._refuse(place, text, _RANGE)
            start, end = (int(match[n]) * 60 + int(match[n + 1]) for n in (1, 3))
            if start >= 1440 or end > 1440 or int(match[2]) > 59 or int(match[4]) > 59:
                self._refuse(place, text, "times from 00:00 to 24:00")
            if start == end:
                self._refuse(place, text, "two times that differ; 00:00-24:00 is the whole day")
            spans.append((start, end if end > start else end + 1440))
        spans.sort()
        for (_, before), (start, _) in pairwise(spans):
            if start < before:
                self._refuse(place, value, "hours that do not overlap")
        return tuple(spans)

    def _special(self, place: str, value: Any) -> tuple[SpecialDay, ...]:
        if not isinstance(value, dict):
            self._refuse(place, value, "days like 2026-12-25: Christmas")
        found: dict[str, SpecialDay] = {}
        for key, about in value.items():
            day = self._date(place, key)
            here = f"{place}.{day}"
            if isinstance(about, dict):
                given = self._mapping(here, about, ("name", "open"))
                name, hours = given.get("name"), self._spans(f"{here}.open", given.get("open", "closed"))
            else:
                name, hours = about, ()
            if not isinstance(name, str) or not name.strip():
                self._refuse(here, about, "its name, or {name: Christmas Eve, open: 09:00-14:00}")
            if day in found:
                self._refuse(place, day, "each day once")
            found[day] = SpecialDay(day, name, hours)
        return tuple(found[day] for day in sorted(found))

    def _date(self, place: str, key: Any) -> str:
        if isinstance(key, date) and not isinstance(key, datetime):
            return key.isoformat()
        try:
            if isinstance(key, str) and date.fromisoformat(key).isoformat() == key:
                return key
        except ValueError:
            pass
        self._refuse(place, key, "a day like 2026-12-25")

    def _mapping(self, place: str, value: Any, known: Collection[str]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._refuse(place, value, f"keys of {', '.join(known)}")
        for key in value:
            if key not in known:
                inside = "" if place == "the file" else f" in {place}"
                raise OptionError(
                    f"--calendar {self.path}: unknown key {key!r}{inside}, expected {', '.join(known)}"
                    f"{_hint(str(key), known)}"
                )
        return value

    def _refuse(self, place: str, value: Any, expected: str) -> NoReturn:
        shown = "missing" if value is None else f"{value!r:.100}"
        raise OptionError(f"--calendar {self.path}: {place} is {shown}, expected {expected}")


def _hint(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""
