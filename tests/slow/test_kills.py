"""The job killed at a few points of its run; `python -m tests.soak.kills` does it as often as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.kills import Soak


@pytest.mark.parametrize(
    ("seed", "moments", "processes"),
    [(3, ("part", "manifest", "deleting"), 0.0), (9, ("part",), 1.0)],
    ids=["one-process", "workers-left-behind"],
)
def test_kills_lose_nothing(tmp_path: Path, seed: int, moments: tuple[str, ...], processes: float) -> None:
    kills = len(moments)
    soak = Soak(
        tmp_path, seed, kills, days=2, orders=6, moments=moments, processes=processes, whole=1 - processes, heal=1.0
    )
    report = soak.run()
    assert report.problems == []
    assert report.kills == kills
    assert report.reads["warehouses"] > 0
    assert report.workers_left == processes
