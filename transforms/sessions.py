"""Stretches of work of one job: started, paused, given back, reset, ended.

A job's events become a run of half-open stretches, each of one kind. The rules are rulings 32 and 33: a pause ends
at the next sign of life, a job that is opened again waits until it is commenced, a reset discards what came before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from schemas.vocabulary import StageKind


class Verb(IntEnum):
    """What an event says of a job's work."""

    START = 0
    ACTIVITY = 1
    PAUSE = 2
    OPEN = 3
    FINISH = 4
    END = 5
    RESET = 6
    REOPEN = 7


@dataclass(slots=True)
class Stretch:
    """A half-open stretch of time of one kind; `end` is None while it lasts."""

    start: int
    end: int | None
    kind: StageKind


@dataclass(slots=True)
class Work:
    """What the events of one job say of its work.

    Attributes:
        first_start: first start at all.
        start: first start after the last reset.
        finish: last finish after the last reset.
        stretches: work since the last reset.
        discarded: work before it.
        queues: starts of the queues opened by resets, each with its end.
        pause_count: pauses, also before a reset; a pause repeated without a sign of life is one.
        reset_count: resets.
        touched: something shows that the job had been started, be it before the data.
    """

    first_start: int | None = None
    start: int | None = None
    finish: int | None = None
    stretches: list[Stretch] = field(default_factory=list)
    discarded: list[Stretch] = field(default_factory=list)
    queues: list[tuple[int, int | None]] = field(default_factory=list)
    pause_count: int = 0
    pauses_since_reset: int = 0
    reset_count: int = 0
    touched: bool = False

    def seconds(self, kind: StageKind) -> int:
        """Sum the closed stretches of one kind since the last reset, in microseconds."""
        return sum(s.end - s.start for s in self.stretches if s.kind is kind and s.end is not None)

    def idle(self, start: int, end: int) -> int:
        """Sum the pauses and the waiting between two instants, in microseconds; a pause before `start` is no part."""
        return sum(
            min(s.end, end) - s.start
            for s in self.stretches
            if s.kind is not WORKING and s.end is not None and start <= s.start < end
        )


WORKING, PAUSED, WAITING = StageKind.WORKING, StageKind.PAUSED, StageKind.WAITING


def follow(verbs: Iterable[tuple[int, Verb]]) -> Work:
    """Follow the verbs of one job in their order.

    Args:
        verbs: `(microseconds, verb)` in the order of ruling 7.
    """
    work = Work()
    kind: StageKind | None = None  # the running stretch
    since = 0
    queue: int | None = None  # a queue opened by a reset

    def close(at: int) -> None:
        if kind is not None:
            work.stretches.append(Stretch(since, at, kind))

    for at, verb in verbs:
        if verb is Verb.START:
            work.touched = True
            if work.first_start is None:
                work.first_start = at
            if work.start is None:
                work.start = at
            if queue is not None:
                work.queues.append((queue, at))
                queue = None
            if kind is not WORKING:
                close(at)
                kind, since = WORKING, at
        elif verb is Verb.ACTIVITY:
            work.touched = True
            if kind is PAUSED:
                close(at)
                kind, since = WORKING, at
        elif verb is Verb.PAUSE:
            work.touched = True
            if queue is not None:
                work.queues.append((queue, at))
                queue = None
            if kind is not PAUSED:
                close(at)
                kind, since = PAUSED, at
                work.pause_count += 1
                work.pauses_since_reset += 1
        elif verb is Verb.OPEN:
            if kind is WORKING or kind is PAUSED:
                close(at)
                kind, since = WAITING, at
        elif verb is Verb.REOPEN:
            close(at)
            kind, since = WAITING, at
        elif verb is Verb.RESET:
            close(at)
            kind = None
            work.reset_count += 1
            work.discarded += work.stretches
            work.stretches = []
            work.start = work.finish = None
            work.pauses_since_reset = 0
            if queue is None:
                queue = at
        else:
            close(at)
            kind = None
            if queue is not None:
                work.queues.append((queue, at))
                queue = None
            if verb is Verb.FINISH:
                work.touched = True
                work.finish = at
    if kind is not None:
        work.stretches.append(Stretch(since, None, kind))
    if queue is not None:
        work.queues.append((queue, None))
    return work
