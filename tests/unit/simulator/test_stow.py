"""Simulated stow jobs: one worked out by hand, and what the beginning of the data hides of it."""

from __future__ import annotations

import random

import pytest

from pipelines.simulator.drawing import Happening, Window
from pipelines.simulator.model import US, Emission, TruthEvent
from pipelines.simulator.stow import _Drawing, _Job, _Target, _truth, stow_stories
from pipelines.simulator.world import Facility, World

DAY = 86_400 * US
START = 20_621 * DAY


class Script(_Drawing):
    """Lets things happen at given seconds instead of drawn ones."""

    def at(self, second: int) -> Script:
        self.now = START + second * US
        return self

    def happen(self, name: str, status: str) -> Happening:
        moment = Happening(name, self.now, self.now, "exact" if name.endswith("CREATED") else "snapshot")
        self.job.moments.append((moment, status))
        return moment


def job_by_hand() -> _Job:
    """Commenced at 100 s, paused 200 to 300 s (told twice), closed at 400 s, open again from 500 s to 700 s."""
    goods = [_Target("LOCATION", 5), _Target("DISCARD", 2)]
    job = _Job("s", Facility("f", "Store", "Köln", 6, 18), "OPEN", 10, START + 650 * US, [goods])
    d = Script(random.Random(1), job, START)
    d.happen("STOW_JOB_CREATED", "OPEN")
    d.at(100).commence()
    phase = d.enter("paused", d.at(200).happen("STOW_JOB_PAUSED", "PAUSED"))
    phase.signs.append(d.at(210).happen("STOW_JOB_PAUSED", "PAUSED"))
    d.at(300).stow(goods[0])
    closed = d.at(400).end("STOW_JOB_CLOSED")
    again = d.at(500).happen("STOW_JOB_OPENED", "OPEN")
    job.reopened.append(d.enter("waiting", again, (closed,)))
    job.gaps.append((closed, again))
    d.at(600).commence()
    d.at(650).stow(goods[1])
    d.at(700).end("STOW_JOB_CLOSED")
    return job


def rows_of(first: int, horizon: int = 10_000):
    job, window = job_by_hand(), Window(World(1, START + first * US), START + horizon * US, START + horizon * US)
    emissions = [
        Emission(m.name, m.name, m.recorded, None,
                 [TruthEvent("e", "stow", "s", "STOW_JOB", "s", None, m.at, m.basis, "f", status)])
        for m, status in job.moments if window.sees(m)
    ]  # fmt: skip
    rows = _truth(job, emissions, window)
    spans = [
        (r["stage"], r["kind"], (r["started_at"] - START) // US, r["ended_at"] and (r["ended_at"] - START) // US)
        for r in rows["flow_interval"]
    ]
    return rows["stow_flow"][0], sorted(spans, key=lambda s: s[2])


def test_a_job_worked_out_by_hand():
    row, spans = rows_of(0)
    assert (row["outcome"], row["finished_at"]) == ("fulfilled", START + 700 * US)
    assert row["deviations"] == ["discarded", "pause", "reopened"]
    assert row["variant"] == "stow_created>stow_started>stow_finished"
    assert row["quality_flags"] == []
    assert (row["stow_duration_gross_seconds"], row["stow_pause_seconds"]) == (600.0, 100.0)
    assert row["stow_duration_net_seconds"] == 600.0 - 100 - 100 - 100  # pause, closed to opened, opened to commenced
    assert (row["stow_wait_seconds"], row["stow_total_seconds"], row["stow_lateness_seconds"]) == (100.0, 700.0, 50.0)
    assert (row["pause_count"], row["reopen_count"]) == (1, 1)
    assert (row["planned_units"], row["stowed_units"], row["discarded_units"]) == (7.0, 5.0, 2.0)
    assert spans == [
        ("stow_queue", "waiting", 0, 100), ("stow", "working", 100, 200), ("stow", "paused", 200, 300),
        ("stow", "working", 300, 400), ("stow", "waiting", 500, 600), ("stow", "working", 600, 700),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "pauses", "reopened", "first_span"),
    [
        (150, 1, 1, ("stow", "paused", 200, 300)),
        (205, 1, 1, ("stow", "paused", 210, 300)),  # the repetition is the first that the data shows of the pause
        (250, 0, 1, ("stow", "waiting", 500, 600)),  # nothing tells that stowing was a resume
        (450, 0, 0, ("stow", "working", 600, 700)),  # nothing tells that the job had been closed
    ],
)
def test_what_began_before_the_data_is_unknown(first, pauses, reopened, first_span):
    row, spans = rows_of(first)
    assert (row["pause_count"], row["reopen_count"]) == (pauses, reopened)
    assert spans[0] == first_span
    assert "missing_start" in row["quality_flags"]
    assert ("reopened" in row["deviations"]) == bool(reopened)


def test_what_is_recorded_after_the_horizon_has_not_happened():
    row, spans = rows_of(0, 250)
    assert (row["outcome"], row["status"], row["conforms"]) == ("open", "PAUSED", None)
    assert spans[-1] == ("stow", "paused", 200, None)


def test_the_same_seed_gives_the_same_stories():
    def draw():
        return list(stow_stories(random.Random(7), World(1, START), START, 300, START + DAY, START + DAY))

    assert draw() == draw()
