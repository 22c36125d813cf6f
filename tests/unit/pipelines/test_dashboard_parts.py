"""Parts of the dashboard that need no warehouse: percentiles, filters, charts."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from pipelines.dashboard import charts, words
from pipelines.dashboard.charts import Series
from pipelines.dashboard.filters import Choices, read
from pipelines.dashboard.histogram import percentiles

THERE = Choices(date(2026, 6, 1), date(2026, 7, 31), ("f1", "f2"))


def test_percentiles_of_nothing_are_unknown():
    assert percentiles([], (0.5, 0.9)) == [None, None]


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, date(2026, 7, 4), date(2026, 7, 31)),
        ({"from": "2026-06-10", "to": "2026-06-12"}, date(2026, 6, 10), date(2026, 6, 12)),
        ({"from": "2026-06-12", "to": "2026-06-10"}, date(2026, 6, 10), date(2026, 6, 12)),
        ({"from": "0001-01-01", "to": "9999-12-31"}, date(2026, 6, 1), date(2026, 7, 31)),
        ({"to": "2026-06-03"}, date(2026, 6, 1), date(2026, 6, 3)),
    ],
)
def test_days_stay_within_what_there_is(query, first, last):
    f = read(query, THERE, {})
    assert (f.first, f.last) == (first, last)


def test_what_is_not_understood_is_left_out_and_told():
    f = read(
        {"from": "2026-6-1", "facility": "' OR 1=1 --", "outcome": "open", "stage": "x"}, THERE, {"stage": ("pick",)}
    )
    assert sorted(f.refused) == ["facility", "from", "stage"]
    assert f.facility == ""
    assert f.outcome == "open"
    assert "'" not in f.where()


def test_an_address_brings_the_same_filters_back():
    f = read({"from": "2026-06-10", "facility": "f2", "channel": "COLLECT", "at": "x y&z"}, THERE, {"at": None})
    from urllib.parse import parse_qsl

    assert read(dict(parse_qsl(f.address())), THERE, {"at": None}) == f


def test_charts_escape_what_they_show():
    for chart in (
        charts.columns("<t>", ["<a>"], [Series("<s>", 0, [1]), Series("&", 1, [2])]),
        charts.lines("<t>", ["<a>"], [Series("<s>", 0, [1])], tell=charts.number),
        charts.bars("<t>", ["<a>"], [Series("<s>", 0, [1])], links=['/x?"><script>']),
    ):
        assert not re.search(r"<(a|s|t|script)>", str(chart))


def test_a_column_is_as_tall_as_its_value():
    chart = str(charts.columns("t", ["a", "b"], [Series("s", 0, [2, 4])]))
    small, tall = [float(h) for h in re.findall(r'class="c0" [^>]*height="([\d.]+)"', chart)[:2]]
    assert tall == pytest.approx(2 * small, abs=0.2)


def test_of_points_that_overlap_some_have_a_dot_and_the_line_has_all():
    values = [None if 100 < i < 110 or 111 <= i < 120 else 1 + i % 7 for i in range(365)]
    series = [Series("s", 0, values)]
    chart = str(charts.lines("t", [f"d{i}" for i in range(365)], series, tell=charts.number))
    there = 2 * sum(v is not None for v in values)  # drawn for a wide window and for a narrow one
    lines = "".join(re.findall(r'class="line s0" d="([^"]*)"', chart))
    assert len(re.findall(r"[ML][\d.]+ [\d.]+", lines)) == there
    assert there / 5 < chart.count("<circle") < there * 2 / 3
    assert chart.count("<title>d110\n") == 2, "a point without neighbours has no line, only its dot"


def test_an_unknown_value_breaks_a_line():
    chart = str(charts.lines("t", ["a", "b", "c", "d"], [Series("s", 0, [1, None, 2, 3])], tell=charts.number))
    (path, _) = re.findall(r'class="line s0" d="([^"]*)"', chart)
    assert path.count("M") == 2
    assert path.count("L") == 1


def test_instants_are_local_with_utc_beside_them():
    zone = ZoneInfo("Europe/Berlin")
    winter = words.instant(datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), zone)
    summer = words.instant(datetime(2026, 3, 29, 1, 0, 0, 5, tzinfo=UTC), zone)
    assert ">2026-03-29 01:59:59<" in winter
    assert ">2026-03-29 03:00:00<" in summer
    assert 'title="2026-03-29 01:00:00.000005 UTC"' in summer
