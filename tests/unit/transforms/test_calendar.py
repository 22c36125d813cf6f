"""Opening hours as instants, worked out by hand and by asking the wall clock of every minute."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import examples
from transforms.calendar import ALWAYS_OPEN, DAY, Calendar, Hours, Site, SpecialDay, sites_of, zone_of

HOUR = 3_600_000_000
MINUTE = 60_000_000
NINE_TO_SIX = ((540, 1080),)
SHOP = Hours("shop", "Europe/Berlin", (NINE_TO_SIX,) * 6 + ((),))


def at(text: str) -> int:
    """Give an instant from a time in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def closures(hours: Hours, start: str, end: str) -> list[tuple[str, str]]:
    found = Site(hours).closures(at(start), at(end))
    return [(f"{_utc(c.started_at):%d %H:%M}", f"{_utc(c.ended_at):%d %H:%M}") for c in found]


def _utc(instant: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)


def test_nights_and_the_free_day():
    # Berlin is two hours ahead in summer: open from 07:00 to 16:00 UTC, but not on Sunday the 14th.
    assert closures(SHOP, "2026-06-12 12:00", "2026-06-15 12:00") == [
        ("12 16:00", "13 07:00"), ("13 16:00", "15 07:00"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-06-12 08:00", "2026-06-12 15:00", 0),
        ("2026-06-12 15:00", "2026-06-12 16:00", 0),  # to the very end
        ("2026-06-12 16:00", "2026-06-12 17:00", 1),
        ("2026-06-12 17:00", "2026-06-12 17:00", 0),
        ("2026-06-12 17:00", "2026-06-12 16:00", 0),
        ("2026-06-12 06:00", "2026-06-13 17:00", 1 + 15 + 1),
        ("2026-06-08 00:00", "2026-06-15 00:00", 7 * 24 - 6 * 9),
    ],
)
def test_closed_time(start, end, hours):
    assert Site(SHOP).closed(at(start), at(end)) == hours * HOUR


def test_closed_to_the_microsecond():
    closing = at("2026-06-12 16:00")
    assert Site(SHOP).closed(closing - 7, closing + 3) == 3
    opening = at("2026-06-13 07:00")
    assert Site(SHOP).closed(opening - 5, opening + 9) == 5


def test_the_week_in_which_the_clock_skips_an_hour_has_an_hour_less_of_night():
    # Sunday 29 March 2026, 02:00 to 03:00 in Berlin; the shop is shut from Saturday 18:00 to Monday 09:00.
    assert Site(SHOP).closed(at("2026-03-27 23:00"), at("2026-03-29 22:00")) == (9 + 6 + 23) * HOUR
    assert closures(SHOP, "2026-03-28 12:00", "2026-03-30 12:00") == [("28 17:00", "30 07:00")]


def test_the_week_in_which_an_hour_comes_twice_has_an_hour_more_of_night():
    assert closures(SHOP, "2026-10-24 12:00", "2026-10-26 12:00") == [("24 16:00", "26 08:00")]
    assert Site(SHOP).closed(at("2026-10-24 16:00"), at("2026-10-26 08:00")) == 40 * HOUR


@pytest.mark.parametrize(
    ("span", "open_in_utc"),
    [
        ((0, 1440), ("28 23:00", "29 22:00")),  # the whole day, which has 23 hours
        ((120, 180), None),  # exactly the hour that is skipped
        ((150, 180), None),  # begins in it, and ends where it begins
        ((150, 240), ("29 01:30", "29 02:00")),  # 02:30 counts as 03:30
        ((60, 150), ("29 00:00", "29 01:30")),  # until 02:30, which counts as 03:30
    ],
)
def test_hours_within_the_skipped_hour(span, open_in_utc):
    hours = Hours("x", "Europe/Berlin", ((),) * 6 + ((span,),))
    shut = Site(hours).closures(at("2026-03-28 12:00"), at("2026-03-30 12:00"))
    found = [(f"{_utc(a.ended_at):%d %H:%M}", f"{_utc(b.started_at):%d %H:%M}") for a, b in itertools.pairwise(shut)]
    assert found == ([] if open_in_utc is None else [open_in_utc])


@pytest.mark.parametrize(
    ("span", "open_in_utc"),
    [
        ((0, 1440), ("24 22:00", "25 23:00")),  # 25 hours
        ((120, 180), ("25 00:00", "25 02:00")),  # 02:00 the first time, 03:00 comes once
        ((150, 240), ("25 00:30", "25 03:00")),
        ((60, 150), ("24 23:00", "25 00:30")),  # until 02:30 the first time
    ],
)
def test_hours_within_the_hour_that_comes_twice(span, open_in_utc):
    hours = Hours("x", "Europe/Berlin", ((),) * 6 + ((span,),))
    shut = Site(hours).closures(at("2026-10-24 12:00"), at("2026-10-26 12:00"))
    found = [(f"{_utc(a.ended_at):%d %H:%M}", f"{_utc(b.started_at):%d %H:%M}") for a, b in itertools.pairwise(shut)]
    assert found == [open_in_utc]


def test_a_night_shift_belongs_to_the_day_on_which_it_begins():
    night = Hours("n", "Etc/UTC", (((1320, 1800),),) * 7, (SpecialDay("2026-06-13", "holiday"),))
    assert closures(night, "2026-06-12 12:00", "2026-06-14 23:00") == [
        ("12 06:00", "12 22:00"), ("13 06:00", "14 22:00"),
    ]  # fmt: skip


def test_hours_that_lie_in_the_night_shift_of_the_day_before_end_nothing():
    hours = Hours("o", "Etc/UTC", (((1320, 1800),), ((180, 240),), (), (), (), (), ()))
    assert closures(hours, "2026-06-15 23:00", "2026-06-16 23:00") == [("16 06:00", "22 22:00")]


def test_hours_that_meet_at_midnight_are_one():
    hours = Hours("m", "Etc/UTC", (((1200, 1440),), ((0, 240),), (), (), (), (), ()))
    assert closures(hours, "2026-06-15 00:00", "2026-06-16 12:00") == [
        ("09 04:00", "15 20:00"),
        ("16 04:00", "22 20:00"),
    ]


def test_special_days_and_what_they_are_called():
    hours = Hours(
        "s", "Europe/Berlin", (NINE_TO_SIX,) * 7,
        (SpecialDay("2026-12-24", "Eve", ((540, 780),)), SpecialDay("2026-12-25", "Christmas"),
         SpecialDay("2026-12-26", "Boxing Day")),
    )  # fmt: skip
    found = Site(hours).closures(at("2026-12-23 12:00"), at("2026-12-27 12:00"))
    assert [(f"{_utc(c.started_at):%d %H}", f"{_utc(c.ended_at):%d %H}", c.reason) for c in found] == [
        ("23 17", "24 08", None), ("24 12", "27 08", "Christmas, Boxing Day"),
    ]  # fmt: skip


def test_always_open_but_on_holidays():
    hours = Hours("h", "Etc/UTC", None, (SpecialDay("2026-01-01", "New Year"),))
    assert closures(hours, "2025-12-01 00:00", "2026-02-01 00:00") == [("01 00:00", "02 00:00")]
    assert Site(hours).closed(at("2025-01-01 00:00"), at("2027-01-01 00:00")) == DAY


def test_far_from_our_time_everything_is_open():
    site = Site(SHOP)
    assert site.closed(-(10**16), at("1999-12-01 00:00")) == 0
    assert site.closed(at("2101-02-01 00:00"), 10**17) == 0
    assert site.closed(-(10**16), at("2000-01-02 00:00")) > 0
    # What was asked before changes no answer.
    assert site.closed(at("2026-06-08 00:00"), at("2026-06-15 00:00")) == (7 * 24 - 6 * 9) * HOUR


def test_which_site_a_facility_is():
    calendar = Calendar((Hours("a", "Europe/Berlin", (NINE_TO_SIX,) * 7, (), ("F1",)),), Hours("d", "Etc/UTC"))
    sites = sites_of(calendar)
    assert sites.at("F1").name == "a"
    assert sites.at("F2") is None  # of the others, which are always open
    assert sites.at(None) is None
    assert sites_of(ALWAYS_OPEN).at("F1") is None


def test_a_calendar_survives_json():
    calendar = Calendar((SHOP,), Hours("d", "Etc/UTC", None, (SpecialDay("2026-01-01", "x"),)))
    assert Calendar.of(calendar.plain()) == calendar
    assert calendar.plain() == json.loads(json.dumps(calendar.plain()))  # what a manifest gives back is the same
    assert hash(Calendar.of(calendar.plain())) == hash(calendar)
    assert ALWAYS_OPEN.plain() is None
    assert Calendar.of(None) == ALWAYS_OPEN


@pytest.mark.parametrize(
    "name", ["Europe/Nowhere", "", "/etc/passwd", "../zoneinfo/Europe/Berlin", "__init__.py", "Europe", "tzdata.zi"]
)
def test_a_zone_that_is_none(name):
    with pytest.raises(KeyError):
        zone_of(name)


_spans = st.lists(st.integers(0, 47), min_size=0, max_size=4, unique=True).map(
    lambda xs: tuple((a * 30, b * 30) for a, b in zip(sorted(xs)[::2], sorted(xs)[1::2], strict=False))
)


@examples(60)
@given(
    week=st.lists(_spans, min_size=7, max_size=7),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Etc/UTC"]),
    day=st.sampled_from(["2026-03-27", "2026-10-23", "2026-03-06", "2026-10-30", "2026-04-03", "2026-10-02"]),
    begin=st.integers(0, 1500),
    length=st.integers(0, 4000),
)
def test_every_minute_by_the_wall_clock(week, zone, day, begin, length):
    """The clock of every minute says whether the site is open; hours that touch a change are cases of their own."""
    changes = (60, 181)  # the wall-clock minutes between which these zones change
    week = [tuple(s for s in spans if s[1] <= changes[0] or s[0] >= changes[1]) for spans in week]
    site = Site(Hours("w", zone, tuple(week)))
    start = at(f"{day} 00:00") + begin * MINUTE
    place, shut = ZoneInfo(zone), 0
    for n in range(length):
        wall = _utc(start + n * MINUTE).astimezone(place)
        minute = wall.hour * 60 + wall.minute
        shut += not any(a <= minute < b for a, b in week[wall.weekday()])
    assert site.closed(start, start + length * MINUTE) == shut * MINUTE
    told = site.closures(start, start + length * MINUTE)
    cut = sum(min(c.ended_at, start + length * MINUTE) - max(c.started_at, start) for c in told)
    assert cut == shut * MINUTE


def test_dates_are_of_the_local_calendar():
    """In Auckland it is tomorrow already."""
    hours = Hours("nz", "Pacific/Auckland", (NINE_TO_SIX,) * 7, (SpecialDay("2026-06-13", "matariki"),))
    assert date(2026, 6, 13).weekday() == 5
    assert closures(hours, "2026-06-12 10:00", "2026-06-13 22:00") == [("12 06:00", "13 21:00")]
