"""Rulings 32 and 33 by hand: `follow` over verbs in seconds."""

from __future__ import annotations

import pytest

from schemas.vocabulary import StageKind
from transforms.sessions import Verb, Work, follow

START, ACTIVITY, PAUSE, OPEN = Verb.START, Verb.ACTIVITY, Verb.PAUSE, Verb.OPEN
FINISH, END, RESET, REOPEN = Verb.FINISH, Verb.END, Verb.RESET, Verb.REOPEN
W, P, O = StageKind.WORKING, StageKind.PAUSED, StageKind.WAITING  # noqa: E741


def run(*verbs: tuple[int, Verb]) -> Work:
    return follow(verbs)


def stretches(work: Work) -> list[tuple[int, int | None, StageKind]]:
    return [(s.start, s.end, s.kind) for s in work.stretches]


@pytest.mark.parametrize(
    ("verbs", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([(0, START)], [(0, None, W)], id="started"),
        pytest.param([(0, START), (9, FINISH)], [(0, 9, W)], id="started and finished"),
        pytest.param([(0, START), (4, START), (9, FINISH)], [(0, 9, W)], id="commenced while working"),
        pytest.param([(0, START), (3, ACTIVITY), (9, FINISH)], [(0, 9, W)], id="activity while working"),
        pytest.param([(0, START), (9, END)], [(0, 9, W)], id="aborted"),
        pytest.param([(0, ACTIVITY), (9, FINISH)], [], id="a line alone is no start"),
        pytest.param([(0, FINISH)], [], id="finished alone"),
        pytest.param([(0, OPEN), (5, START), (9, FINISH)], [(5, 9, W)], id="opened before the start"),
        pytest.param([(0, START), (3, PAUSE)], [(0, 3, W), (3, None, P)], id="pause still open"),
        pytest.param(
            [(0, START), (3, PAUSE), (5, START), (9, FINISH)], [(0, 3, W), (3, 5, P), (5, 9, W)], id="ends by commenced"
        ),
        pytest.param(
            [(0, START), (3, PAUSE), (5, ACTIVITY), (9, FINISH)], [(0, 3, W), (3, 5, P), (5, 9, W)], id="ends by a line"
        ),
        pytest.param([(0, START), (3, PAUSE), (9, FINISH)], [(0, 3, W), (3, 9, P)], id="ends by finished"),
        pytest.param([(0, START), (3, PAUSE), (9, END)], [(0, 3, W), (3, 9, P)], id="ends by an end"),
        pytest.param(
            [(0, START), (3, PAUSE), (5, OPEN), (7, START), (9, FINISH)],
            [(0, 3, W), (3, 5, P), (5, 7, O), (7, 9, W)],
            id="ends by opened, then waits until commenced",
        ),
        pytest.param(
            [(0, START), (5, OPEN), (6, ACTIVITY), (7, START), (9, FINISH)],
            [(0, 5, W), (5, 7, O), (7, 9, W)],
            id="a line does not end the waiting",
        ),
        pytest.param(
            [(0, START), (3, PAUSE), (4, PAUSE), (6, START)],
            [(0, 3, W), (3, 6, P), (6, None, W)],
            id="paused twice is one pause",
        ),
        pytest.param([(3, PAUSE), (5, START), (9, FINISH)], [(3, 5, P), (5, 9, W)], id="work began before the data"),
        pytest.param(
            [(0, START), (9, FINISH), (12, REOPEN), (15, START), (20, FINISH)],
            [(0, 9, W), (12, 15, O), (15, 20, W)],
            id="reopened after the end",
        ),
        pytest.param(
            [(0, START), (9, FINISH), (12, REOPEN), (12, START), (20, FINISH)],
            [(0, 9, W), (12, 12, O), (12, 20, W)],
            id="reopened and commenced at once",
        ),
        pytest.param([(0, START), (9, FINISH), (12, REOPEN)], [(0, 9, W), (12, None, O)], id="reopened and left"),
    ],
)
def test_stretches(verbs: list[tuple[int, Verb]], expected: list[tuple[int, int | None, StageKind]]):
    assert stretches(follow(verbs)) == expected


@pytest.mark.parametrize(
    ("verbs", "count"),
    [
        pytest.param([(0, START), (3, PAUSE), (4, PAUSE)], 1, id="repeated state (ruling 4)"),
        pytest.param([(0, START), (3, PAUSE), (4, ACTIVITY), (5, PAUSE)], 2, id="activity between"),
        pytest.param([(0, START), (3, PAUSE), (4, START), (5, PAUSE)], 2, id="commenced between"),
        pytest.param([(0, START), (3, PAUSE), (4, RESET), (5, START), (6, PAUSE)], 2, id="before a reset too (32)"),
        pytest.param([(0, START), (9, FINISH)], 0, id="none"),
    ],
)
def test_pause_count(verbs: list[tuple[int, Verb]], count: int):
    assert follow(verbs).pause_count == count


def test_reset_discards_work_and_opens_a_queue():
    work = run((0, START), (2, PAUSE), (4, RESET), (10, START), (12, PAUSE), (13, START), (20, FINISH))
    assert (work.first_start, work.start, work.finish) == (0, 10, 20)
    assert stretches(work) == [(10, 12, W), (12, 13, P), (13, 20, W)]
    assert [(s.start, s.end, s.kind) for s in work.discarded] == [(0, 2, W), (2, 4, P)]
    assert work.queues == [(4, 10)]
    assert (work.pause_count, work.pauses_since_reset, work.reset_count) == (2, 1, 1)
    assert work.seconds(P) == 1


def test_reset_after_finish_takes_the_finish_back():
    work = run((0, START), (9, FINISH), (12, RESET))
    assert (work.first_start, work.start, work.finish) == (0, None, None)
    assert (work.stretches, work.queues) == ([], [(12, None)])


@pytest.mark.parametrize(
    ("verbs", "queues"),
    [
        pytest.param([(4, RESET), (6, RESET), (10, START)], [(4, 10)], id="two resets, one queue"),
        pytest.param([(4, RESET), (10, END)], [(4, 10)], id="ends with the job"),
        pytest.param([(4, RESET), (7, PAUSE), (10, START)], [(4, 7)], id="a pause shows that work has begun"),
        pytest.param([(4, RESET)], [(4, None)], id="open"),
    ],
)
def test_queue_after_reset(verbs: list[tuple[int, Verb]], queues: list[tuple[int, int | None]]):
    assert follow(verbs).queues == queues


def test_last_finish_counts():
    assert run((0, START), (5, FINISH), (7, START), (9, FINISH)).finish == 9


@pytest.mark.parametrize(
    ("verb", "touched"), [(START, True), (ACTIVITY, True), (PAUSE, True), (FINISH, True), (OPEN, False), (END, False)]
)
def test_what_shows_that_a_job_was_started(verb: Verb, touched: bool):
    assert run((0, verb)).touched is touched


def test_open_pause_is_not_in_the_sum():
    work = run((0, START), (1, PAUSE), (3, START), (5, PAUSE))
    assert work.seconds(P) == 2


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        pytest.param(0, 40, 12, id="pause and waiting"),
        pytest.param(15, 40, 7, id="a pause before the start is no part"),
        pytest.param(0, 22, 9, id="cut at the end"),
        pytest.param(0, 10, 0, id="before both"),
    ],
)
def test_idle_time_is_what_lies_inside(start: int, end: int, seconds: int):
    """Paused 10 to 15, given back 18 to 25, working else."""
    work = run((0, START), (10, PAUSE), (15, START), (18, OPEN), (25, START), (40, FINISH))
    assert work.idle(start, end) == seconds
