"""Metrics of the stream: Beam's, and the same in this process, for Beam's local runner loses most of its own.

`here` gives what this process has counted, which is everything only where all runs in one process; what other runners
count, Beam gathers.
"""

from __future__ import annotations

import threading

from apache_beam.metrics import Metrics

METRICS = "flowfacts.stream"
"""Namespace of the metrics."""

_lock = threading.Lock()
_counts: dict[str, int] = {}
_spreads: dict[str, tuple[int, int, int]] = {}


def reset() -> None:
    """Begin to count from nothing in this process."""
    with _lock:
        _counts.clear()
        _spreads.clear()


def here() -> tuple[dict[str, int], dict[str, tuple[int, int, int]]]:
    """Give the counters, and count, sum and maximum of the distributions, of this process."""
    with _lock:
        return dict(_counts), dict(_spreads)


def count(name: str, amount: int = 1) -> None:
    """Count something."""
    Metrics.counter(METRICS, name).inc(amount)
    with _lock:
        _counts[name] = _counts.get(name, 0) + amount


def spread(name: str, value: int) -> None:
    """Note a value of a distribution."""
    Metrics.distribution(METRICS, name).update(value)
    with _lock:
        number, total, most = _spreads.get(name, (0, 0, 0))
        _spreads[name] = (number + 1, total + value, max(most, value))
