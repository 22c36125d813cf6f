"""Percentiles from counts by bucket are within their bound, in Python and in SQL, however the counts were added up."""

from __future__ import annotations

import math

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dialect import to_duckdb
from schemas.histogram import ERROR, FACTOR, bucket, bucket_sql, length, length_sql, percentile_sql, percentiles

SHARES = (50, 90, 95, 99)
# What there is: microseconds, up to some years, early and late; few different ones, so that ranks are shared, too.
MICROSECONDS = st.one_of(
    st.integers(-(10**14), 10**14), st.integers(-5, 5), st.sampled_from([0, 1, 10**6, 86_400 * 10**6])
)
SECONDS = MICROSECONDS.map(lambda n: n / 1_000_000)
LISTS = st.lists(SECONDS, min_size=1, max_size=200)


def exact(lengths, share):
    """Give the smallest length that `share` percent of all do not exceed, in whole numbers."""
    return sorted(lengths)[-(-share * len(lengths) // 100) - 1]


def near(found, wanted):
    return abs(found - wanted) <= abs(wanted) * (ERROR + 1e-12)


def test_the_bound_is_what_the_docs_say():
    assert 0.0099 < ERROR < 0.01


@given(LISTS, st.sampled_from(SHARES))
def test_a_percentile_is_within_its_bound(lengths, share):
    (found,) = percentiles([(bucket(x), 1) for x in lengths], (share / 100,))
    assert near(found, exact(lengths, share))


@given(st.lists(SECONDS, max_size=100), st.lists(st.integers(0, 3), min_size=100, max_size=100))
def test_percentiles_do_not_depend_on_how_the_counts_were_cut(lengths, where):
    whole = percentiles([(bucket(x), 1) for x in lengths], (0.5, 0.99))
    parts: list[dict[int, int]] = [{} for _ in range(4)]
    for x, part in zip(lengths, where, strict=False):
        parts[part][bucket(x)] = parts[part].get(bucket(x), 0) + 1
    assert percentiles([pair for part in reversed(parts) for pair in part.items()], (0.5, 0.99)) == whole


@given(SECONDS, SECONDS)
def test_buckets_keep_the_order_and_the_sign(one, other):
    if one <= other:
        assert bucket(one) <= bucket(other)
    assert math.copysign(1, bucket(one) or 0) == math.copysign(1, one or 0)
    assert near(length(bucket(one)), one)


@pytest.mark.parametrize(
    ("seconds", "number"),
    [(0.0, 0), (1.0, 1000), (1.0199, 1000), (1.0201, 1001), (-1.0, -1000), (0.000001, 302), (-0.000001, -302)],
)
def test_buckets_by_hand(seconds, number):
    assert bucket(seconds) == number


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as found:
        found.execute("CREATE TABLE lengths (place VARCHAR, seconds DOUBLE)")
        yield found


COUNTED = f"(SELECT place, {bucket_sql('seconds')} AS bucket, COUNT(*) AS n FROM lengths GROUP BY place, bucket) AS h"
BY_PLACE = to_duckdb(percentile_sql(COUNTED, ("place",), count="n"))
OF_ALL = to_duckdb(percentile_sql(COUNTED, (), count="n"))
BUCKETS = to_duckdb(
    f"SELECT seconds, {bucket_sql('seconds')} AS b, {length_sql(bucket_sql('seconds'))} AS l FROM lengths"
)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("ab"), SECONDS), min_size=1, max_size=200))
def test_sql_gives_percentiles_within_the_bound_at_any_roll_up(con, rows):
    con.execute("DELETE FROM lengths")
    con.execute(
        "INSERT INTO lengths SELECT unnest($places), unnest($seconds)",
        {"places": [p for p, _ in rows], "seconds": [s for _, s in rows]},
    )
    for seconds, number, told in con.execute(BUCKETS).fetchall():
        # Where a length lies exactly at the edge of two buckets, engines may differ by a rounding.
        assert number == bucket(seconds) or abs(math.log(abs(seconds)) / math.log(FACTOR) % 1 - 0.5) > 0.5 - 1e-6
        assert near(told, seconds)
    for place, n, *found in [("", *con.execute(OF_ALL).fetchone()), *con.execute(BY_PLACE).fetchall()]:
        lengths = [s for p, s in rows if place in ("", p)]
        assert n == len(lengths)
        for value, share in zip(found, SHARES, strict=True):
            assert near(value, exact(lengths, share)), (place, share)
