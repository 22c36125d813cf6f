"""Stow jobs: drawn as a run of phases (queue, working, paused, waiting, closed), then told as events and as truth."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipelines.simulator.drawing import (
    DAY,
    HOUR,
    QUIET,
    SKEW,
    Happening,
    Window,
    event_columns,
    instant_text,
    interval,
    lag,
    later,
    seconds,
    variant,
)
from pipelines.simulator.model import US, Emission, Row, Story, TruthEvent
from pipelines.simulator.world import Facility, World

_STATUS = {
    "STOW_JOB_COMMENCED": "IN_PROGRESS",
    "STOW_JOB_PAUSED": "PAUSED",
    "STOW_JOB_OPENED": "OPEN",
    "STOW_JOB_LINE_ITEMS_STOWED": "IN_PROGRESS",
    "STOW_JOB_CLOSED": "CLOSED",
    "STOW_JOB_CANCELED": "CANCELED",
}
_DEADLINE = 14 * DAY


@dataclass(slots=True)
class _Phase:
    """A stretch of one kind between two moments.

    Attributes:
        kind: working, paused or waiting.
        signs: moments that report its start, the first and its repetitions.
        end: moment that ends it; None when the job never leaves it.
        after: moments of which the data must show one, or nothing tells that `signs` began this phase: stowing only
            resumes a job that is known to be paused, and OPENED only reopens one that is known to be closed.
    """

    kind: str
    signs: list[Happening]
    end: Happening | None = None
    after: tuple[Happening, ...] = ()

    def begins(self, window: Window) -> int | None:
        """Give the start as far as the data shows it."""
        if self.after and not any(window.sees(m) for m in self.after):
            return None
        return next((m.at for m in self.signs if window.sees(m)), None)


@dataclass(slots=True)
class _Target:
    """Where a part of a line goes; `done` is the moment it was stowed."""

    kind: str
    quantity: int
    done: Happening | None = None


@dataclass(slots=True)
class _Job:
    id: str
    place: Facility
    born: str
    priority: int | None
    target: int | None
    lines: list[list[_Target]]
    moments: list[tuple[Happening, str]] = field(default_factory=list)
    phases: list[_Phase] = field(default_factory=list)
    reopened: list[_Phase] = field(default_factory=list)
    given_back: list[_Phase] = field(default_factory=list)
    gaps: list[tuple[Happening, Happening]] = field(default_factory=list)


class _Drawing:
    """Draws the moments of one job one after another."""

    def __init__(self, rng: random.Random, job: _Job, at: int) -> None:
        self.rng, self.job, self.now = rng, job, at
        self.phase: _Phase | None = None

    def happen(self, name: str, status: str) -> Happening:
        """Let something happen now."""
        rng = self.rng
        recorded = self.now + lag(rng)
        undated = rng.random() < 0.01 and name != "STOW_JOB_CREATED"
        # Not near midnight, where the data may begin or end: the moments around it must be seen alike.
        skewed = rng.random() < 0.002 and 2 * HOUR < self.now % DAY < 22 * HOUR
        moment = Happening(name, recorded if undated else self.now, recorded, "recorded" if undated else "snapshot")
        if name == "STOW_JOB_CREATED":
            moment.basis = "exact"
        elif skewed and not undated:
            moment.recorded = self.now - 7 * 60 * US  # the platform's clock is behind
        self.job.moments.append((moment, status))
        return moment

    def enter(self, kind: str, moment: Happening, after: tuple[Happening, ...] = ()) -> _Phase:
        """End the running phase and begin the next; the same kind goes on."""
        if self.phase is not None:
            if self.phase.kind == kind:
                return self.phase
            self.phase.end = moment
        self.phase = _Phase(kind, [moment], after=after)
        self.job.phases.append(self.phase)
        return self.phase

    def wait(self, low: float, high: float) -> None:
        """Let time pass, in minutes."""
        self.now = max(later(self.rng, self.now, low, high), self.now + 1_000_000)

    def commence(self) -> None:
        self.enter("working", self.happen("STOW_JOB_COMMENCED", "IN_PROGRESS"))

    def stow(self, target: _Target) -> None:
        """Stow one part; a sign of life that ends a pause."""
        moment = self.happen("STOW_JOB_LINE_ITEMS_STOWED", "IN_PROGRESS")
        target.done = moment
        if self.phase is not None and self.phase.kind == "paused":
            self.enter("working", moment, tuple(self.phase.signs))

    def pause(self) -> None:
        """Pause, in one of ten cases reported twice, and resume in one of the three ways."""
        phase = self.enter("paused", self.happen("STOW_JOB_PAUSED", "PAUSED"))
        if self.rng.random() < 0.1:
            self.wait(0.2, 2)
            phase.signs.append(self.happen("STOW_JOB_PAUSED", "PAUSED"))
        self.wait(2, 45)
        way = self.rng.random()
        if way < 0.3:
            return  # the next line stowed ends the pause
        if way < 0.45:
            back = self.happen("STOW_JOB_OPENED", "OPEN")
            self.job.given_back.append(self.enter("waiting", back, tuple(phase.signs)))
            self.wait(5, 90)
        self.commence()

    def end(self, name: str) -> Happening:
        moment = self.happen(name, _STATUS[name])
        if self.phase is not None:
            self.phase.end, self.phase = moment, None
        return moment


def _draw(rng: random.Random, world: World, at: int) -> _Job:
    """Draw one job."""
    born = rng.choices(("OPEN", "IN_PROGRESS", "CLOSED", "CANCELED"), (92, 4, 2, 2))[0]
    lines = [
        [
            _Target(rng.choices(("LOCATION", "STOCK", "DISCARD"), (80, 14, 6))[0], rng.randrange(1, 60))
            for _ in range(rng.choices((1, 2), (85, 15))[0])
        ]
        for _ in range(rng.choices((1, 2, 3, 5), (45, 30, 15, 10))[0])
    ]
    job = _Job(
        world.uuid(rng),
        rng.choice(world.facilities),
        born,
        rng.choice((1, 5, 10, 50, None)),
        at + rng.randrange(1, 12) * 3600 * US if rng.random() < 0.8 else None,
        lines,
    )
    d = _Drawing(rng, job, at)
    created = d.happen("STOW_JOB_CREATED", born)
    if born in ("CLOSED", "CANCELED"):
        for line in lines:
            for target in line:
                target.done = created if born == "CLOSED" else None
        return job
    if born == "IN_PROGRESS":
        d.enter("working", created)
    else:
        d.wait(2, 240)
        fate = rng.random()
        if fate < 0.03:
            d.end("STOW_JOB_CANCELED")
            return job
        if fate < 0.04:
            return job  # nobody ever takes it
        d.commence()
    for line in lines:
        for target in line:
            d.wait(1, 14)
            if rng.random() < 0.12:
                d.pause()
                d.wait(0.5, 6)
            d.stow(target)
    d.wait(0.1, 3)
    if rng.random() < 0.02:
        return job  # forgotten: never closed
    closed = d.end("STOW_JOB_CANCELED" if rng.random() < 0.03 else "STOW_JOB_CLOSED")
    if rng.random() < 0.04:
        d.wait(3, 200)
        again = d.happen("STOW_JOB_OPENED", "OPEN")
        job.reopened.append(d.enter("waiting", again, (closed,)))
        if closed.name == "STOW_JOB_CLOSED":
            job.gaps.append((closed, again))
        d.wait(2, 60)
        if rng.random() < 0.9:
            d.commence()
            d.wait(1, 20)
            d.end("STOW_JOB_CLOSED")
    return job


def _payload(job: _Job, index: int, status: str, extra: dict[str, Any], users: list[dict[str, str]]) -> dict[str, Any]:
    """Make the snapshot of the job at one of its moments."""
    moment = job.moments[index][0]
    done_before = {id(m) for m, _ in job.moments[: index + 1]}
    created = job.moments[0][0]
    payload: dict[str, Any] = {
        "id": job.id,
        "facilityRef": job.place.id,
        "shortId": "STOW-7",
        "created": instant_text(created.at),
        "version": index + 1,
        "status": status,
        "stowLineItems": [
            {
                "id": f"{job.id[:24]}{i:012x}",
                "article": {"tenantArticleId": f"{4711 + i}", "title": "Rubber Duck"},
                "takeFrom": {
                    "type": "UNREGISTERED" if i == 3 else "LOCATION",
                    "quantity": sum(t.quantity for t in line),
                    "storageLocationRef": job.place.id,
                },
                "stowTo": [_stow_to(job, t, i * 8 + j, done_before) for j, t in enumerate(line)],
            }
            for i, line in enumerate(job.lines)
        ],
        "assignedUsers": users,
        "customAttributes": extra,
    }
    if moment.basis != "recorded":
        payload["lastModified"] = instant_text(moment.at)
    if job.priority is not None:
        payload["priority"] = job.priority
    if job.target is not None:
        payload["targetTime"] = instant_text(job.target)
    return payload


def _stow_to(job: _Job, target: _Target, number: int, done: set[int]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": f"{job.id[:23]}{number:013x}",
        "type": target.kind,
        "quantity": target.quantity,
        "storageLocationRef": job.place.id,
    }
    if target.done is not None and id(target.done) in done:
        entry["stowed"] = {"stowedAt": instant_text(target.done.at), "stowedQuantity": target.quantity}
    return entry


def _truth(job: _Job, emissions: list[Emission], window: Window) -> dict[str, list[Row]]:
    """Read the rows of the contract off the drawn phases, as far as the data shows them."""
    row = event_columns(emissions, job.id)
    seen = [(m, s) for m, s in job.moments if window.sees(m)]
    seen.sort(key=lambda pair: pair[0].at)
    created = window.at(job.moments[0][0])
    names = [(m.name, m.at) for m, _ in seen]
    started = min((at for name, at in names if name == "STOW_JOB_COMMENCED"), default=None)
    if created is not None and job.born == "IN_PROGRESS":
        started = created
    closes = [at for name, at in names if name == "STOW_JOB_CLOSED"]
    cancels = [at for name, at in names if name == "STOW_JOB_CANCELED"]
    if created is not None and job.born == "CLOSED":
        closes.insert(0, created)
    if created is not None and job.born == "CANCELED":
        cancels.insert(0, created)
    closed, cancelled = (max(closes) if closes else None), (min(cancels) if cancels else None)
    ends = [(at, "fulfilled") for at in closes] + [(at, "cancelled") for at in cancels]
    ends += [(at, "open") for name, at in names if name == "STOW_JOB_OPENED"]
    last = max(ends, default=(0, "open"))
    outcome, finished = last[1], (last[0] if last[1] != "open" else None)
    if outcome == "open" and window.as_of >= row["last_event_at"] + _DEADLINE:
        outcome = "incomplete"
    phases = [(p.kind, start, window.at(p.end)) for p in job.phases if (start := p.begins(window)) is not None]
    reopened = sum(1 for p in job.reopened if p.begins(window) is not None)
    pauses = [(a, b) for kind, a, b in phases if kind == "paused" and b is not None]
    touched = any(
        n in ("STOW_JOB_COMMENCED", "STOW_JOB_PAUSED", "STOW_JOB_LINE_ITEMS_STOWED", "STOW_JOB_CLOSED")
        for n, _ in names
    )
    touched = touched or (created is not None and job.born in ("IN_PROGRESS", "CLOSED"))
    net = None
    if started is not None and closed is not None:
        idle = sum(
            b - a for kind, a, b in phases if kind != "working" and b is not None and started <= a and b <= closed
        )
        gaps = sum(
            b.at - a.at for a, b in job.gaps
            if window.sees(a) and window.sees(b) and started <= a.at and b.at <= closed
        )  # fmt: skip
        net = (closed - started - idle - gaps) / US
    if seen:
        newest = max(m.at for m, _ in seen)
        done = {id(m) for m, _ in job.moments if m.at <= newest}
    stowed = sum(
        t.quantity for line in job.lines for t in line if t.kind != "DISCARD" and t.done and id(t.done) in done
    )
    discarded = sum(
        t.quantity for line in job.lines for t in line if t.kind == "DISCARD" and t.done and id(t.done) in done
    )
    deviations = {
        "pause": any(n == "STOW_JOB_PAUSED" for n, _ in names),
        "reopened": reopened > 0,
        "cancelled": any(n == "STOW_JOB_CANCELED" for n, _ in names),
        "discarded": discarded > 0,
        "given_back": any(p.begins(window) is not None for p in job.given_back),
    }
    found = sorted(name for name, there in deviations.items() if there)
    row |= {
        "outcome": outcome,
        "started_at": created if created is not None else row["first_event_at"],
        "finished_at": finished,
        "variant": variant(("stow_created", created), ("stow_started", started), ("stow_finished", closed)),
        "deviations": found,
        "conforms": None if outcome == "open" else outcome == "fulfilled" and not found,
        "status": seen[-1][1],
        "priority": None if job.priority is None else float(job.priority),
        "target_at": job.target,
        "stow_created_at": created,
        "stow_started_at": started,
        "stow_finished_at": closed,
        "stow_cancelled_at": cancelled,
        "stow_wait_seconds": seconds(created, started),
        "stow_duration_gross_seconds": seconds(started, closed),
        "stow_pause_seconds": sum(b - a for a, b in pauses) / US if touched else None,
        "stow_duration_net_seconds": net,
        "stow_total_seconds": seconds(created, closed),
        "stow_lateness_seconds": seconds(job.target, closed),
        "pause_count": sum(1 for kind, _, _ in phases if kind == "paused"),
        "reopen_count": reopened,
        "line_count": len(job.lines),
        "planned_units": float(sum(t.quantity for line in job.lines for t in line)),
        "stowed_units": float(stowed),
        "discarded_units": float(discarded),
    }
    marked = {row[c] for c in ("stow_created_at", "stow_started_at", "stow_finished_at", "stow_cancelled_at")}
    flags = {
        "missing_start": created is None,
        "clock_skew": any(m.at - m.recorded > SKEW for m, _ in seen),
        "recorded_time": any(
            m.basis == "recorded"
            and m.at in marked
            and m.name in ("STOW_JOB_COMMENCED", "STOW_JOB_CLOSED", "STOW_JOB_CANCELED")
            for m, _ in seen
        ),
        "event_after_close": finished is not None and row["last_event_at"] > finished + QUIET,
        "negative_interval": any(
            (row[c] or 0) < 0
            for c in (
                "stow_wait_seconds",
                "stow_duration_gross_seconds",
                "stow_duration_net_seconds",
                "stow_total_seconds",
            )
        ),
    }
    row["quality_flags"] = sorted(name for name, there in flags.items() if there)
    end_of_queue = min([p[1] for p in phases] + closes + cancels, default=None)
    place = job.place.id
    intervals = interval(
        "stow", job.id, "STOW_JOB", job.id, place, "stow_queue", "waiting", created, end_of_queue, outcome, finished
    )
    for kind, start, end in phases:
        intervals += interval("stow", job.id, "STOW_JOB", job.id, place, "stow", kind, start, end, outcome, finished)
    return {"stow_flow": [row], "flow_interval": intervals}


def stow_stories(
    rng: random.Random, world: World, day_start: int, count: int, horizon: int, as_of: int
) -> Iterator[Story]:
    """Draw the stow jobs of one day.

    Args:
        rng: source of chance.
        world: where it happens.
        day_start: start of the day, in microseconds.
        count: number of jobs.
        horizon: what is recorded later does not happen.
        as_of: instant of the facts.
    """
    window = Window(world, horizon, as_of)
    for _ in range(count):
        job = _draw(rng, world, day_start + world.daily_minutes(rng))
        users, extra = [world.user(rng)], world.custom_attributes(rng, 1500)
        emissions = []
        for index, (moment, status) in enumerate(job.moments):
            event_id = world.uuid(rng)
            if not window.sees(moment):
                continue
            truth = TruthEvent(
                event_id, "stow", job.id, "STOW_JOB", job.id, index + 1, moment.at, moment.basis, job.place.id, status
            )
            payload = _payload(job, index, status, extra, users)
            emissions.append(Emission(moment.name, event_id, moment.recorded, payload, [truth]))
        if emissions:
            yield Story(emissions, _truth(job, emissions, window))
