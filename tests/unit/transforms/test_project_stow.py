"""Stow jobs by hand (rulings 40 and 41, and those that hold for every flow). Times are seconds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.transforms.build import DAY, assert_columns, ev, facts
from transforms.event import Event

W, P, O = "working", "paused", "waiting"  # noqa: E741


def stow(word: str, at: float, **more: Any) -> Event:
    return ev(f"STOW_JOB_{word}", at, **more)


def made(at: float = 0, status: str = "OPEN", **more: Any) -> Event:
    return stow("CREATED", at, status=status, **more)


def test_happy_path():
    targets = [("LOCATION", 5, 5), ("STOCK", 2.5, 2), ("DISCARD", 1, None)]
    found = facts(
        [
            made(priority=3, target=90, line_count=2),
            stow("COMMENCED", 40, status="IN_PROGRESS"),
            stow("LINE_ITEMS_STOWED", 60, status="IN_PROGRESS"),
            stow("CLOSED", 100, status="CLOSED", line_count=2, targets=targets),
        ]
    )
    assert_columns(
        found.stow,
        flow_id="S1",
        outcome="fulfilled",
        started_at=0,
        finished_at=100,
        first_event_at=0,
        last_event_at=100,
        event_count=4,
        revision=4,
        facility_ref="F1",
        facility_count=1,
        variant="stow_created>stow_started>stow_finished",
        deviations=[],
        conforms=True,
        quality_flags=[],
        status="CLOSED",
        priority=3.0,
        target_at=90,
        stow_cancelled_at=None,
        stow_wait_seconds=40.0,
        stow_duration_gross_seconds=60.0,
        stow_pause_seconds=0.0,
        stow_duration_net_seconds=60.0,
        stow_total_seconds=100.0,
        stow_lateness_seconds=10.0,
        pause_count=0,
        reopen_count=0,
        line_count=2,
        planned_units=8.5,
        stowed_units=7.0,
        discarded_units=0.0,
    )
    assert found.stretches("STOW_JOB") == [("stow_queue", O, 0, 40), ("stow", W, 40, 100)]


@pytest.mark.parametrize(
    ("events", "outcome", "end"),
    [
        pytest.param([made()], "open", None, id="made"),
        pytest.param([made(), stow("CLOSED", 9)], "fulfilled", 9, id="closed"),
        pytest.param([made(), stow("CLOSED", 9), stow("CLOSED", 12)], "fulfilled", 12, id="last close"),
        pytest.param([made(), stow("CANCELED", 9)], "cancelled", 9, id="cancelled"),
        pytest.param([made(), stow("CLOSED", 9), stow("OPENED", 12)], "open", None, id="reopened"),
        pytest.param([made(), stow("CANCELED", 9), stow("OPENED", 12), stow("CLOSED", 15)], "fulfilled", 15,
                     id="cancelled, reopened, closed"),
        pytest.param([made(), stow("CLOSED", 9), stow("CANCELED", 12)], "cancelled", 12, id="closed, cancelled"),
        pytest.param([made(status="CLOSED")], "fulfilled", 0, id="born closed"),
        pytest.param([made(status="CANCELED")], "cancelled", 0, id="born cancelled"),
        pytest.param([made(status="IN_PROGRESS")], "open", None, id="born at work"),
    ],
)  # fmt: skip
def test_outcome(events: list[Event], outcome: str, end: float | None):
    """40."""
    assert_columns(facts(events).stow, outcome=outcome, finished_at=end)


@pytest.mark.parametrize(("days", "outcome"), [(14 - 1 / DAY, "open"), (14, "incomplete")])
def test_deadline(days: float, outcome: str):
    """15."""
    found = facts([made()], as_of=days * DAY)
    assert found.stow["outcome"] == outcome
    assert found.stretches("STOW_JOB") == [("stow_queue", O, 0, None)]


def test_born_at_work():
    """40 and 49."""
    found = facts([made(status="IN_PROGRESS"), stow("CLOSED", 30)])
    assert_columns(
        found.stow, stow_started_at=0, stow_wait_seconds=0.0, stow_duration_gross_seconds=30.0,
        variant="stow_created>stow_started>stow_finished",
    )  # fmt: skip
    assert found.stretches("STOW_JOB") == [("stow", W, 0, 30)]


def test_born_ended():
    """40."""
    found = facts([made(5, status="CLOSED")])
    assert_columns(
        found.stow, stow_finished_at=5, stow_started_at=None, stow_duration_gross_seconds=None, stow_pause_seconds=0.0,
        stow_total_seconds=0.0, variant="stow_created>stow_finished",
    )  # fmt: skip
    assert found.stretches("STOW_JOB") == []
    assert_columns(facts([made(5, status="CANCELED")]).stow, stow_cancelled_at=5, deviations=[], conforms=False)


def test_pauses_and_what_was_given_back():
    """40: gross 100; paused 10 + 5, given back 20."""
    found = facts(
        [
            made(),
            stow("COMMENCED", 100),
            stow("PAUSED", 110),
            stow("LINE_ITEMS_STOWED", 120),
            stow("PAUSED", 140),
            stow("OPENED", 145),
            stow("COMMENCED", 165),
            stow("CLOSED", 200),
        ]
    )
    assert_columns(
        found.stow,
        stow_duration_gross_seconds=100.0,
        stow_pause_seconds=15.0,
        stow_duration_net_seconds=65.0,
        pause_count=2,
        reopen_count=0,
        deviations=["given_back", "pause"],
    )
    assert found.stretches("STOW_JOB")[1:] == [
        ("stow", W, 100, 110),
        ("stow", P, 110, 120),
        ("stow", W, 120, 140),
        ("stow", P, 140, 145),
        ("stow", O, 145, 165),
        ("stow", W, 165, 200),
    ]


def test_reopened_job():
    """40: gross 110, minus closed to opened 30, minus opened to commenced 20."""
    events = [made(), stow("COMMENCED", 10), stow("CLOSED", 50), stow("OPENED", 80), stow("COMMENCED", 100)]
    found = facts([*events, stow("CLOSED", 120)])
    assert_columns(
        found.stow,
        stow_finished_at=120,
        stow_duration_gross_seconds=110.0,
        stow_duration_net_seconds=60.0,
        reopen_count=1,
        deviations=["reopened"],
    )
    assert found.stretches("STOW_JOB") == [
        ("stow_queue", O, 0, 10),
        ("stow", W, 10, 50),
        ("stow", O, 80, 100),
        ("stow", W, 100, 120),
    ]
    # Not closed again: what came after the last close is not part of it.
    assert_columns(facts(events).stow, stow_duration_gross_seconds=40.0, stow_duration_net_seconds=40.0, outcome="open")
    assert facts(events[:4]).stow["stow_duration_net_seconds"] == 40.0


def test_reopened_and_commenced_at_the_same_time():
    found = facts([made(), stow("COMMENCED", 10), stow("CLOSED", 50), stow("OPENED", 80, version=1),
                   stow("COMMENCED", 80, version=2), stow("CLOSED", 120)])  # fmt: skip
    assert found.stretches("STOW_JOB")[1:] == [("stow", W, 10, 50), ("stow", W, 80, 120)]
    assert found.stow["stow_duration_net_seconds"] == 80.0


def test_reopened_and_not_taken_up():
    found = facts([made(), stow("COMMENCED", 10), stow("CANCELED", 50), stow("OPENED", 80)])
    assert_columns(
        found.stow, outcome="open", reopen_count=1, deviations=["cancelled", "reopened"], stow_cancelled_at=50
    )
    assert found.stretches("STOW_JOB")[-1] == ("stow", O, 80, None)


@pytest.mark.parametrize(
    ("events", "words"),
    [
        pytest.param([stow("PAUSED", 5)], ["pause"], id="pause"),
        pytest.param([stow("PAUSED", 5), stow("OPENED", 6)], ["given_back", "pause"], id="given back"),
        pytest.param([stow("OPENED", 6)], [], id="opened at once"),
        pytest.param([stow("COMMENCED", 5), stow("OPENED", 6)], [], id="opened without a pause"),
        pytest.param([stow("PAUSED", 5), stow("COMMENCED", 6), stow("OPENED", 7)], ["pause"], id="the pause was over"),
        pytest.param([stow("CLOSED", 5), stow("OPENED", 6)], ["reopened"], id="reopened"),
        pytest.param([stow("CANCELED", 5)], ["cancelled"], id="44: cancelled"),
        pytest.param([stow("CLOSED", 5, targets=[("DISCARD", 2, 1)])], ["discarded"], id="discarded"),
        pytest.param([stow("CLOSED", 5, targets=[("DISCARD", 2, None)])], [], id="44: planned only"),
    ],
)
def test_deviations(events: list[Event], words: list[str]):
    """17 and 44."""
    assert facts([made(), *events]).stow["deviations"] == words


@pytest.mark.parametrize(
    ("targets", "stowed", "discarded", "planned"),
    [
        pytest.param(None, None, None, None, id="never seen"),
        pytest.param([], 0.0, 0.0, 0.0, id="none"),
        pytest.param([("LOCATION", 5, None)], 0.0, 0.0, 5.0, id="nothing stowed"),
        pytest.param([("LOCATION", 5, 4), ("STOCK", 3, 3), ("DISCARD", 2, 1)], 7.0, 1.0, 10.0, id="41: by kind"),
        pytest.param([("ELSEWHERE", 5, 4)], 0.0, 0.0, 5.0, id="other kind"),
        pytest.param([("LOCATION", None, 4), ("LOCATION", 1, 1)], 5.0, 0.0, None, id="plan unknown"),
    ],
)
def test_units(targets: Any, stowed: float | None, discarded: float | None, planned: float | None):
    """41."""
    found = facts([made(), stow("COMMENCED", 5, targets=targets)]).stow
    assert_columns(found, stowed_units=stowed, discarded_units=discarded, planned_units=planned)


def test_snapshot_values_are_the_newest():
    found = facts(
        [made(priority=1, target=50, line_count=1), stow("COMMENCED", 5, priority=2.5), stow("PAUSED", 9, target=70)]
    )
    assert_columns(found.stow, priority=2.5, target_at=70, line_count=1)


@pytest.mark.parametrize(
    ("events", "flags"),
    [
        pytest.param([stow("COMMENCED", 5)], ["missing_start"], id="26"),
        pytest.param([made(9), stow("COMMENCED", 5)], ["negative_interval"], id="commenced before it was made"),
        pytest.param([made(target=50), stow("CLOSED", 5)], [], id="20: early is not negative"),
        pytest.param([made(), stow("COMMENCED", 5, basis="recorded")], ["recorded_time"], id="28: milestone"),
        pytest.param([made(), stow("PAUSED", 5, basis="recorded")], [], id="47: no milestone"),
        pytest.param([made(recorded=-301)], ["clock_skew"], id="28: clock"),
        pytest.param([made(), stow("CLOSED", 5), stow("LINE_ITEMS_STOWED", 5 + DAY)], [], id="28: quiet time exactly"),
        pytest.param(
            [made(), stow("CLOSED", 5), stow("LINE_ITEMS_STOWED", 6 + DAY)], ["event_after_close"], id="28: longer"
        ),
    ],
)
def test_quality_flags(events: list[Event], flags: list[str]):
    assert facts(events).stow["quality_flags"] == flags


def test_started_at_without_creation():
    """26."""
    assert_columns(facts([stow("COMMENCED", 5), stow("CLOSED", 9)]).stow, started_at=5, stow_total_seconds=None)
