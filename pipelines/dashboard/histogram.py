"""Percentiles from counts by bucket, so that they stay right at any roll-up.

Buckets grow by a factor: bucket b holds lengths from FACTOR^b up to FACTOR^(b+1) seconds, and stands for their
geometric mean; so a percentile is off by at most ERROR of its value. Lengths up to zero are in one bucket of their own
and count as 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

FACTOR = 1.02
ERROR = math.sqrt(FACTOR) - 1
"""About one percent."""
NOTHING = -1_000_000
"""Bucket of the lengths that are zero or negative."""


def bucket_sql(column: str) -> str:
    """Write the bucket of a column of seconds, in BigQuery's SQL; the column is a name of the contract."""
    return f"IF({column} > 0, CAST(FLOOR(LN({column}) / LN({FACTOR})) AS INT64), {NOTHING})"


def percentiles(counts: Iterable[tuple[int, int]], shares: tuple[float, ...]) -> list[float | None]:
    """Give percentiles in seconds.

    Args:
        counts: bucket and count; a bucket may come more than once.
        shares: of each percentile, like 0.9.
    """
    merged: dict[int, int] = {}
    for bucket, count in counts:
        merged[bucket] = merged.get(bucket, 0) + count
    total = sum(merged.values())
    if not total:
        return [None] * len(shares)
    found: list[float | None] = []
    for share in shares:
        wanted, seen = max(1, math.ceil(share * total - 1e-9)), 0
        for bucket in sorted(merged):
            seen += merged[bucket]
            if seen >= wanted:
                found.append(0.0 if bucket == NOTHING else float(FACTOR ** (bucket + 0.5)))
                break
    return found
