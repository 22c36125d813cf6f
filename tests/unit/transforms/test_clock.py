from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from transforms.clock import parse_time, to_datetime, to_text

SECOND = 1_000_000
BASE = 1_781_687_702 * SECOND  # 2026-06-17T09:15:02Z, by `date -d ... +%s`


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-06-17T09:15:02Z", BASE, id="no digits"),
        pytest.param("2026-06-17T09:15:02.1Z", BASE + 100_000, id="1 digit"),
        pytest.param("2026-06-17T09:15:02.12Z", BASE + 120_000, id="2 digits"),
        pytest.param("2026-06-17T09:15:02.123Z", BASE + 123_000, id="3 digits"),
        pytest.param("2026-06-17T09:15:02.1234Z", BASE + 123_400, id="4 digits"),
        pytest.param("2026-06-17T09:15:02.12345Z", BASE + 123_450, id="5 digits"),
        pytest.param("2026-06-17T09:15:02.123456Z", BASE + 123_456, id="6 digits"),
        pytest.param("2026-06-17T09:15:02.1234567Z", BASE + 123_456, id="7 digits"),
        pytest.param("2026-06-17T09:15:02.12345678Z", BASE + 123_456, id="8 digits"),
        pytest.param("2026-06-17T09:15:02.123456789Z", BASE + 123_456, id="9 digits"),
        pytest.param("2026-06-17T09:15:02.999999999Z", BASE + 999_999, id="cut, not rounded"),
        pytest.param("2026-06-17T09:15:02.000000999Z", BASE, id="cut to nothing"),
        pytest.param("1969-12-31T23:59:59.999999Z", -1, id="before the epoch"),
        pytest.param("1969-12-31T23:59:59.9999999Z", -1, id="cut before the epoch"),
        pytest.param("1970-01-01T00:00:00Z", 0, id="the epoch"),
    ],
)
def test_fraction(text: str, expected: int):
    assert parse_time(text) == expected
    assert parse_time(text) == expected, "the second answer comes from the cache"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-06-17T09:15:02+00:00", BASE, id="zero"),
        pytest.param("2026-06-17T09:15:02-00:00", BASE, id="unknown local offset"),
        pytest.param("2026-06-17T11:15:02+02:00", BASE, id="east"),
        pytest.param("2026-06-17T05:45:02-03:30", BASE, id="west, half an hour"),
        pytest.param("2026-06-18T09:14:02+23:59", BASE, id="the largest"),
        pytest.param("2026-06-17T11:15:02.123456789+02:00", BASE + 123_456, id="with nine digits"),
        pytest.param("2026-06-17T09:15:02", BASE, id="none is UTC"),
        pytest.param("2026-06-17T09:15:02.5", BASE + 500_000, id="none is UTC, with digits"),
        pytest.param("2026-06-17t09:15:02z", BASE, id="lower case"),
        pytest.param("2026-06-17 09:15:02Z", BASE, id="space for T"),
        pytest.param("2024-02-29T00:00:00Z", 1_709_164_800 * SECOND, id="29 February"),
        pytest.param("0001-01-01T00:00:00Z", -62_135_596_800 * SECOND, id="first"),
        pytest.param("9999-12-31T23:59:59.999999Z", 253_402_300_800 * SECOND - 1, id="last"),
    ],
)
def test_offset(text: str, expected: int):
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("now", id="word"),
        pytest.param("1781687702", id="seconds"),
        pytest.param("1781687702000000000000", id="digits as long as a time"),
        pytest.param("2026-06-17", id="bare date"),
        pytest.param("2026-06-17T09:15Z", id="no seconds"),
        pytest.param("20260617T091502.000000Z", id="basic format"),
        pytest.param("2026-W25-3T09:15:02Z", id="week date"),
        pytest.param("2026-168T09:15:02.00Z", id="ordinal date"),
        pytest.param("2026-06-17T09:15:60Z", id="leap second"),
        pytest.param("2026-06-17T24:00:00Z", id="hour 24"),
        pytest.param("2026-02-29T00:00:00Z", id="29 February of a common year"),
        pytest.param("2026-13-01T00:00:00Z", id="month 13"),
        pytest.param("2026-00-01T00:00:00Z", id="month 0"),
        pytest.param("2026-06-17T09:15:02+24:00", id="offset of a day"),
        pytest.param("2026-06-17T09:15:02,5Z", id="comma"),
        pytest.param("2026-06-17T09:15:02ZZ", id="two zones"),
        pytest.param("2026-06-17T09:15:02z+01:00", id="two offsets"),
        pytest.param(" 2026-06-17T09:15:02Z", id="space in front"),
        pytest.param("2026-06-17T09:15:02Z\n", id="line end behind"),
        pytest.param("2026-06-17_09:15:02Z", id="underscore for T"),
        pytest.param("2026/06/17T09:15:02Z", id="slashes"),
        pytest.param("\uff12\uff10\uff12\uff16-06-17T09:15:02Z", id="wide digits"),
        pytest.param("\u0662\u0660\u0662\u0666-06-17T09:15:02Z", id="arabic digits"),
        pytest.param("2026-06-17T09:15:0\u00b2Z", id="superscript"),
        pytest.param("-026-06-17T09:15:02Z", id="sign"),
        pytest.param("0000-06-17T09:15:02Z", id="year 0"),
        pytest.param("0001-01-01T00:00:00+14:00", id="before the first year"),
        pytest.param("9999-12-31T23:59:59-14:00", id="after the last year"),
        pytest.param("2026-06-17T09:15:02." + "1" * 5000 + "Z", id="endless digits"),
    ],
)
def test_what_is_no_time_gives_none(text: str):
    assert parse_time(text) is None
    assert parse_time(text) is None, "the second answer comes from the cache"


def test_no_text_gives_none():
    assert parse_time(None) is None


def test_cache_may_overflow():
    for i in range(60_000):
        text = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=i)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert parse_time(text) == (1_767_225_600 + i) * SECOND


@pytest.mark.parametrize("value", [0, -1, BASE, BASE + 1, -62_135_596_800 * SECOND, 253_402_300_800 * SECOND - 1])
def test_text_of_an_instant_is_read_back(value: int):
    assert parse_time(to_text(value)) == value
    assert to_datetime(value).tzinfo is UTC


def test_text_of_an_instant_is_utc_with_z():
    assert to_text(BASE) == "2026-06-17T09:15:02Z"
    assert to_text(BASE + 5) == "2026-06-17T09:15:02.000005Z"
