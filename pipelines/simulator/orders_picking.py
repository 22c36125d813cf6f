"""Draws picking: the life of a pick job from its creation to its end, with pauses, resets and short lines."""

from __future__ import annotations

from typing import Any, NamedTuple

from pipelines.simulator.orders_model import Moment, PickJob, Span
from pipelines.simulator.orders_times import MINUTE, SECOND, Clock

CREATED = "PICK_JOB_CREATED"
OPENED = "PICK_JOB_OPENED"
COMMENCED = "PICK_JOB_PICKING_COMMENCED"
PAUSED = "PICK_JOB_PICKING_PAUSED"
LINE_PICKED = "PICK_JOB_PICK_LINE_PICKED"
FINISHED = "PICK_JOB_PICKING_FINISHED"
COMPLETE = "PICKING_PICK_JOB_COMPLETE"
ABORTED = "PICK_JOB_ABORTED"
CANCELED = "PICK_JOB_CANCELED"
REROUTED = "PICK_JOB_REROUTED"
RESET = "PICK_JOB_RESET"
WARNING = "UPCOMING_TIME_TRIGGERED_REROUTE"

ENDS = (FINISHED, ABORTED, CANCELED, REROUTED)


class Picked(NamedTuple):
    """State of one line: units in the tote, when the payload says they were picked, and the line's status."""

    units: int
    at: int | None
    status: str


class Shelf(NamedTuple):
    """Detail of a pick job's moment: the state of every line, the sub-status, and the line that was just picked."""

    lines: tuple[Picked, ...]
    sub_status: str | None = None
    line: int | None = None
    working: bool = False


NOTHING = Picked(0, None, "OPEN")


def untouched(job: PickJob) -> tuple[Picked, ...]:
    """Give the state in which no line was picked."""
    return (NOTHING,) * len(job.lines)


def state(job: PickJob) -> tuple[Picked, ...]:
    """Give the newest state of the lines."""
    for moment in reversed(job.moments):
        if moment.detail is not None:
            lines: tuple[Picked, ...] = moment.detail.lines
            return lines
    return untouched(job)


class Picker:
    """Draws the work on one pick job, one round after the other."""

    def __init__(self, clock: Clock, job: PickJob) -> None:
        self.clock = clock
        self.job = job
        self.lines: list[Picked] = list(untouched(job))

    def _mark(self, name: str, instant: int, status: str, sub_status: str | None = None) -> Moment:
        return self.clock.mark(self.job, name, instant, status, Shelf(tuple(self.lines), sub_status, None, True))

    def _pick(self, index: int, instant: int, units: int, status: str = "CLOSED") -> Moment:
        """Pick units of one line, which sends an event of the line and not of the job."""
        clock, job = self.clock, self.job
        moment = clock.mark(job, LINE_PICKED, instant, status, None, versioned=False)
        self.lines[index] = Picked(units, moment.at if moment.basis == "exact" else None, status)
        moment.detail = Shelf(tuple(self.lines), None, index, True)
        if job.spans[-1].kind == "paused":
            job.turn("pick", "working", moment)
        return moment

    def _pause(self, instant: int, *, give_back: bool) -> int:
        """Pause the work; give the time at which it goes on."""
        clock, job, r = self.clock, self.job, self.clock.random
        job.turn("pick", "paused", self._mark(PAUSED, instant, "PAUSED"))
        instant += clock.between(20, 900)
        if r() < 0.1:
            # A repeated state is not a new pause.
            self._mark(PAUSED, instant, "PAUSED")
            instant += clock.between(20, 300)
        if give_back:
            job.turn("pick", "waiting", self._mark(OPENED, instant, "OPEN"))
            instant += clock.between(30, 2400)
        elif r() < 0.35:
            return instant  # goes on by picking the next line
        job.turn("pick", "working", self._mark(COMMENCED, instant, "IN_PROGRESS"))
        return instant + clock.between(3, 30)

    def round(self, instant: int, *, want: str, pauses: int, give_back: bool, stop_after: int | None = None) -> int:
        """Work through the lines; give the time at which the round could end.

        Args:
            instant: start of the work.
            want: how the lines go: full, short, zero.
            pauses: how many pauses to make.
            give_back: whether the job is given back (opened) and taken up again.
            stop_after: number of lines after which the round is left.
        """
        clock, job, r = self.clock, self.job, self.clock.random
        started = self._mark(COMMENCED, instant, "IN_PROGRESS")
        job.turn("pick", "working", started)
        instant += clock.between(5, 60)
        count = len(job.lines)
        short = int(r() * count)
        if want == "short" and sum(line.quantity for line in job.lines) == 1:
            want = "full"  # a job finished with nothing picked does not exist: that is an abort
        if stop_after is None:
            stop_after = count
        if give_back:
            pauses = max(pauses, 1)
        for index, line in enumerate(job.lines[:stop_after]):
            left = stop_after - index
            if pauses and r() < pauses / left:
                pauses -= 1
                instant = self._pause(instant, give_back=give_back) + clock.between(2, 20)
                give_back = False
            if want == "zero":
                units = 0
            elif want == "short" and index == short:
                units = max(int(r() * line.quantity), 1 if count == 1 else 0)
            else:
                units = line.quantity
                if units > 1 and r() < 0.1:
                    self._pick(index, instant, 1, "IN_PROGRESS")
                    instant += clock.between(5, 60)
            self._pick(index, instant, units)
            instant += clock.between(5, 90)
            if r() < 0.01:
                # A job that is taken up while it is worked on changes nothing.
                self._mark(COMMENCED, instant, "IN_PROGRESS")
                instant += clock.between(2, 20)
        if pauses and r() < 0.5:
            # The pause after the last line ends with the finish, or before it.
            job.turn("pick", "paused", self._mark(PAUSED, instant, "PAUSED"))
            instant += clock.between(20, 900)
        return instant

    def finish(self, instant: int, *, sub_status: str | None) -> Moment:
        """Finish picking."""
        clock, job = self.clock, self.job
        moment = self._mark(FINISHED, instant, "CLOSED" if clock.random() < 0.85 else "PICKED", sub_status)
        if clock.sloppy and clock.random() < 0.15:
            self._date_by_lines(moment)
        job.stop(moment)
        return moment

    def _date_by_lines(self, moment: Moment) -> None:
        """Leave out lastModified: then the newest pickedAt dates the end, or the recorded time if no line has one."""
        stamps = [picked.at for picked in self.lines if picked.at is not None]
        newest = self.job.moments[-2]
        if not stamps and newest.at < moment.recorded:
            moment.basis, moment.at = "recorded", moment.recorded
        elif stamps and newest.at == max(stamps) and newest.name == LINE_PICKED:
            # Only where this is also the last thing that happened, so that the end stays the end.
            moment.basis, moment.at = "exact", newest.at

    def reset(self, instant: int) -> int:
        """Start over: what was done so far is thrown away; give the time of the next start."""
        clock, job = self.clock, self.job
        self.lines = list(untouched(job))
        moment = clock.mark(job, RESET, instant, "OPEN", Shelf(tuple(self.lines)))
        job.stop(moment)
        for span in job.spans:
            if span.stage == "pick" and span.reset is None:
                span.reset = moment
        job.spans.append(Span("pick_queue", "waiting", moment))
        return moment.at + clock.between(20, 1800)

    def abort(self, instant: int, sub_status: str | None) -> Moment:
        """Abort the job."""
        lines = tuple(self.lines)
        working = any(m.name == COMMENCED for m in self.job.moments)
        moment = self.clock.mark(self.job, ABORTED, instant, "ABORTED", Shelf(lines, sub_status, None, working))
        self.job.stop(moment)
        return moment


def end_early(clock: Clock, job: PickJob, name: str, instant: int, status: str, sub_status: str | None) -> Moment:
    """End a pick job by something that comes from outside: a cancel or a reroute."""
    working = any(m.name == COMMENCED for m in job.moments)
    moment = clock.mark(job, name, instant, status, Shelf(state(job), sub_status, None, working))
    job.stop(moment)
    return moment


def pick(clock: Clock, job: PickJob, start: int, want: str, options: Any) -> Moment:
    """Draw all the work on a pick job; give the moment that ends it (finished, or aborted with nothing picked)."""
    picker = Picker(clock, job)
    r = clock.random
    if options.reset == "middle":
        done = max(1, int(r() * (len(job.lines) + 1)))
        at = picker.round(start, want="full", pauses=int(r() < 0.4), give_back=False, stop_after=done)
        start = picker.reset(at + clock.between(2, 120))
    elif options.reset == "after":
        at = picker.round(start, want="full", pauses=0, give_back=False)
        picker.finish(at, sub_status=None)
        start = picker.reset(at + clock.between(20, 600))
    instant = picker.round(start, want=want, pauses=options.pauses, give_back=options.give_back)
    if want == "zero":
        return picker.abort(instant + SECOND, "ZERO_PICKED")
    short = any(p.units < line.quantity for p, line in zip(picker.lines, job.lines, strict=True))
    finished = picker.finish(instant, sub_status="SHORT_PICKED" if short else None)
    if options.complete == "job":
        # The same snapshot once more under another name: same version, same time, unless it sends the outcome.
        again = clock.mark(job, COMPLETE, finished.at, finished.status, finished.detail, versioned=False)
        again.version = finished.version
        if finished.basis != "snapshot":
            job.moments.pop()
    elif options.complete == "outcome":
        outcome = clock.mark(job, COMPLETE, finished.at + SECOND, None, None, versioned=False)
        outcome.at, outcome.basis = outcome.recorded, "recorded"
    return finished


def abort_partial(clock: Clock, job: PickJob, start: int, options: Any) -> Moment:
    """Draw a job that is started, then aborted with some lines picked."""
    picker = Picker(clock, job)
    done = max(1, len(job.lines) - 1)
    instant = picker.round(start, want="full", pauses=options.pauses, give_back=False, stop_after=done)
    return picker.abort(instant + clock.between(2, 600), None)


def warn(clock: Clock, job: PickJob, reroute: int) -> None:
    """Warn of a reroute by time; the warning has no time of its own and is no change of the job."""
    instant = reroute - clock.between(600, 3600)
    created = job.moments[0].at
    if instant > created + MINUTE:
        moment = clock.mark(job, WARNING, instant, None, None, versioned=False)
        job.moments.sort(key=lambda m: m.at)
        moment.detail = None
