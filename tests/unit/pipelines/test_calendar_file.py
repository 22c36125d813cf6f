"""The calendar's file: what it may say, and how it is told what is wrong."""

from __future__ import annotations

import pytest

from pipelines.calendar_file import parse_calendar, read_calendar
from pipelines.cli import main
from pipelines.options import OptionError
from transforms.calendar import Calendar, Hours, SpecialDay

WHOLE = """
default:
  time_zone: Europe/Berlin
calendars:
  stores:
    facilities: [store-2, store-1]
    time_zone: Europe/Berlin
    open:
      monday-wed: 09:00-20:00
      Thu, fri: [14:00-18:00, 09:00-13:00]
      saturday: 22:00-06:00
      sunday: closed
    holidays:
      2026-12-24: {name: Christmas Eve, open: 09:00-14:00}
      "2026-12-25": Christmas
  depot:
    facilities: ["4711"]
    time_zone: America/New_York
    open: always
"""


def test_everything_that_it_may_say():
    day, split, night = ((540, 1200),), ((540, 780), (840, 1080)), ((1320, 1800),)
    assert parse_calendar(WHOLE, "c.yaml") == Calendar(
        (
            Hours("depot", "America/New_York", None, (), ("4711",)),
            Hours(
                "stores", "Europe/Berlin", (day, day, day, split, split, night, ()),
                (SpecialDay("2026-12-24", "Christmas Eve", ((540, 840),)), SpecialDay("2026-12-25", "Christmas")),
                ("store-1", "store-2"),
            ),
        ),
        Hours("default", "Europe/Berlin"),
    )  # fmt: skip


def test_the_order_in_a_file_says_nothing():
    other = """
calendars:
  depot: {open: always, time_zone: America/New_York, facilities: ["4711"]}
  stores:
    time_zone: Europe/Berlin
    holidays: {2026-12-25: Christmas, 2026-12-24: {open: 09:00-14:00, name: Christmas Eve}}
    open: {sat: 22:00-06:00, thursday-friday: [09:00-13:00, 14:00-18:00], mon-wed: 09:00-20:00}
    facilities: [store-1, store-2]
default: {time_zone: Europe/Berlin, open: always}
"""
    assert parse_calendar(other, "c.yaml") == parse_calendar(WHOLE, "c.yaml")


GROUP = "calendars: {s: {facilities: [a], time_zone: Etc/UTC, %s}}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is missing, expected keys of default, calendars"),
        ("[]", "the file is [], expected keys of default, calendars"),
        ("{}", "the file is {}, expected calendars or default"),
        ("calendar: {}", "unknown key 'calendar', expected default, calendars; did you mean calendars?"),
        ("calendars: []", "calendars is [], expected a group for each kind of hours"),
        ("calendars: {default: {}}", "calendars is 'default', expected a name in letters, other than default"),
        ("calendars: {5: {}}", "calendars is 5, expected a name"),
        ("calendars: {s: }", "calendars.s is missing, expected keys of facilities, time_zone, open, holidays"),
        ("calendars: {s: {facilities: [a]}}", "calendars.s.time_zone is missing, expected the name of a time zone"),
        ("default: {time_zone: Berlin}", "default.time_zone is 'Berlin', expected the name of a time zone"),
        ("default: {time_zone: 2}", "default.time_zone is 2, expected the name of a time zone"),
        ("default: {time_zone: Etc/UTC, facilities: [a]}", "unknown key 'facilities' in default"),
        ("calendars: {s: {time_zone: Etc/UTC}}", "calendars.s.facilities is missing, expected a list of facilities"),
        ("calendars: {s: {facilities: [], time_zone: Etc/UTC}}", "facilities is [], expected a list of facilities"),
        ("calendars: {s: {facilities: [5], time_zone: Etc/UTC}}", "facilities[0] is 5, expected the reference of a"),
        ("calendars: {s: {facilities: [a, a], time_zone: Etc/UTC}}", "[1] is 'a', expected each facility once"),
        (
            "calendars: {s: {facilities: [a], time_zone: Etc/UTC}, t: {facilities: [a], time_zone: Etc/UTC}}",
            "calendars.t.facilities is 'a', expected one that is not in calendars.s already",
        ),
        (GROUP % "opens: always", "'opens' in calendars.s, expected facilities, time_zone, open, holidays; did"),
        (GROUP % "open: never", "calendars.s.open is 'never', expected always, or hours for days"),
        (GROUP % "open: {}", "calendars.s.open is {}, expected always"),
        (GROUP % "open: {sunday: closed}", "expected hours on one day at least"),
        (GROUP % "open: {mondy: closed}", "'mondy', expected a day like monday or mon, a range or a list of them; did"),
        (GROUP % "open: {fri-mon: 09:00-10:00}", "is 'fri-mon', expected days in their order"),
        (GROUP % "open: {mon-tue-wed: 09:00-10:00}", "expected days in their order"),
        (GROUP % "open: {mon-wed: 09:00-10:00, tue: closed}", "s.open.tue is 'tuesday', expected each day once"),
        (GROUP % "open: {mon: 9-17}", "calendars.s.open.mon is '9-17', expected hours like 09:00-20:00"),
        (GROUP % "open: {mon: 9:00}", "calendars.s.open.mon is 540, expected hours like 09:00-20:00"),
        (GROUP % "open: {mon: 09:00-17:60}", "is '09:00-17:60', expected times from 00:00 to 24:00"),
        (GROUP % "open: {mon: 24:00-25:00}", "expected times from 00:00 to 24:00"),
        (GROUP % "open: {mon: 09:00-09:00}", "expected two times that differ; 00:00-24:00 is the whole day"),
        (GROUP % "open: {mon: [09:00-12:00, 11:00-13:00]}", "expected hours that do not overlap"),
        (GROUP % "open: {mon: []}", "calendars.s.open.mon is [], expected hours like"),
        (GROUP % "holidays: [2026-12-25]", "calendars.s.holidays is [datetime.date(2026, 12, 25)], expected days like"),
        (GROUP % "holidays: {christmas: closed}", "holidays is 'christmas', expected a day like 2026-12-25"),
        (GROUP % "holidays: {2026-12-25: }", "holidays.2026-12-25 is missing, expected its name"),
        (GROUP % "holidays: {2026-12-25: {open: 09:00-10:00}}", "expected its name, or {name: Christmas Eve"),
        (GROUP % 'holidays: {2026-12-25: x, "2026-12-25": y}', "expected each day once"),
        ("a: 1\na: 2", "is no YAML: line 2, column 1: the key a comes twice"),
        ("a: [1", "is no YAML: line 1, column 6"),
        ("? [a]\n: 1", "is no YAML: line 1, column 3: a key that is no text"),
        ("a: 2026-13-45", "is no YAML: month must be in 1..12"),
        ("!!python/object/apply:os.system [true]", "is no YAML: line 1, column 1: could not determine a constructor"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(text, told):
    with pytest.raises(OptionError) as err:
        parse_calendar(text, "hours.yaml")
    assert str(err.value).startswith("--calendar hours.yaml")
    assert told in str(err.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(OptionError, match="can't be read"):
        read_calendar(str(tmp_path / "none.yaml"))


@pytest.mark.parametrize("command", ["batch", "stream"])
def test_the_command_says_what_is_wrong_before_it_does_anything(tmp_path, capsys, command):
    (tmp_path / "c.yaml").write_text("default: {time_zone: Berlin}")
    source = {"batch": ["--input", str(tmp_path)], "stream": ["--subscription", "projects/p/subscriptions/s"]}[command]
    code = main([command, *source, "--output", str(tmp_path / "out"), "--calendar", str(tmp_path / "c.yaml")])
    assert code == 2
    assert "default.time_zone is 'Berlin'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
