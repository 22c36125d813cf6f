"""Lengths of time counted by bucket, so that percentiles stay right at any roll-up.

Buckets grow by a factor: lengths from FACTOR^n up to FACTOR^(n+1) seconds share one, and are told by their geometric
mean. So a percentile that is read from the counts is off by at most ERROR of its exact value, whatever was added up
before. The number of a bucket grows with the length; zero is bucket 0, and negative lengths (an early hand-over, clocks
that disagree) lie below it as the positive ones lie above.

The p-th percentile is the smallest length that a share p of the lengths does not exceed.

May import the standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

FACTOR = 1.02
ERROR = math.sqrt(FACTOR) - 1
"""Just under one percent."""
ZERO = 1000
"""Number of the bucket that begins at one second: far enough from 0 for a microsecond (bucket 302)."""
LEAST = 1e-8
"""Lengths below this many seconds are none: the times have microseconds."""


def bucket(seconds: float) -> int:
    """Give the bucket of a length."""
    if abs(seconds) <= LEAST:
        return 0
    number = math.floor(math.log(abs(seconds)) / math.log(FACTOR)) + ZERO
    return number if seconds > 0 else -number


def length(number: int) -> float:
    """Give the length by which a bucket is told."""
    if number == 0:
        return 0.0
    return math.copysign(FACTOR ** (abs(number) - ZERO + 0.5), number)


def bucket_sql(seconds: str) -> str:
    """Write the bucket of a length, in BigQuery's SQL; NULL where that is NULL."""
    number = f"CAST(FLOOR(LN(ABS({seconds})) / LN({FACTOR})) AS INT64) + {ZERO}"
    return f"CASE WHEN ABS({seconds}) <= {LEAST:.8f} THEN 0 WHEN {seconds} > 0 THEN {number} ELSE -({number}) END"


def length_sql(number: str = "bucket") -> str:
    """Write the length by which a bucket is told, in BigQuery's SQL."""
    power = f"POW({FACTOR}, ABS({number}) - {ZERO - 0.5})"
    return f"CASE WHEN {number} > 0 THEN {power} WHEN {number} < 0 THEN -{power} ELSE 0 END"


def percentiles(counts: Iterable[tuple[int, int]], shares: Sequence[float]) -> list[float | None]:
    """Give percentiles in seconds.

    Args:
        counts: bucket and count; a bucket may come more than once.
        shares: of each percentile, like 0.9.
    """
    merged: dict[int, int] = {}
    for number, count in counts:
        merged[number] = merged.get(number, 0) + count
    total = sum(merged.values())
    if not total:
        return [None] * len(shares)
    found: list[float | None] = []
    for share in shares:
        wanted, seen = max(1, math.ceil(share * total - 1e-9)), 0
        for number in sorted(merged):
            seen += merged[number]
            if seen >= wanted:
                found.append(length(number))
                break
    return found


def percentile_sql(
    source: str,
    keys: Sequence[str],
    *,
    count: str,
    total: str = "n",
    shares: Sequence[int] = (50, 90, 95, 99),
    where: str = "",
) -> str:
    """Write the question for percentiles of a histogram, in BigQuery's SQL.

    Args:
        source: view with a column `bucket` and one of counts.
        keys: columns to group by; every other dimension is added up.
        count: the column of counts.
        total: the name of their sum.
        shares: percentiles.
        where: condition on the rows.
    """
    names = ", ".join(keys)
    by = f"PARTITION BY {names} " if keys else ""
    condition = f"\n    WHERE {where}" if where else ""
    told = ",\n".join(f"  MIN(IF(100 * upto >= {p} * total, {length_sql()}, NULL)) AS p{p}" for p in shares)
    shown = f"{names}, " if keys else ""
    grouped = f"\nGROUP BY {names}" if keys else ""
    return f"""SELECT {shown}MAX(total) AS {total},
{told}
FROM (
  SELECT {shown}bucket, SUM(n) OVER ({by}ORDER BY bucket) AS upto, SUM(n) OVER ({by.rstrip()}) AS total
  FROM (
    SELECT {shown}bucket, SUM({count}) AS n FROM {source}{condition}
    GROUP BY {shown}bucket
  ) AS counts
) AS ranks{grouped}
"""
