"""Facts of one stow job: `stow_flow` and its intervals (rulings 40 and 41)."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.vocabulary import STOW_MILESTONES, Outcome, Stage, StageKind
from transforms.event import Event
from transforms.rows import (
    SECOND,
    IntervalSink,
    Row,
    Rows,
    Settings,
    columns_by_event,
    first,
    flow_flags,
    is_overdue,
    newest,
    newest_facility,
    newest_status,
    only,
    order_key,
    rests_on_recorded,
    span,
    variant,
)
from transforms.sessions import PAUSED, Verb, follow

_VERBS = {
    "STOW_JOB_COMMENCED": Verb.START,
    "STOW_JOB_LINE_ITEMS_STOWED": Verb.ACTIVITY,
    "STOW_JOB_PAUSED": Verb.PAUSE,
    "STOW_JOB_CLOSED": Verb.FINISH,
    "STOW_JOB_CANCELED": Verb.END,
}
_ENDS = {"STOW_JOB_CLOSED": "CLOSED", "STOW_JOB_CANCELED": "CANCELED"}
_BORN_ENDED = ("CLOSED", "CANCELED")
_SOURCES = {
    "stow_created_at": frozenset({"STOW_JOB_CREATED"}),
    "stow_started_at": frozenset({"STOW_JOB_COMMENCED", "STOW_JOB_CREATED"}),
    "stow_finished_at": frozenset({"STOW_JOB_CLOSED", "STOW_JOB_CREATED"}),
    "stow_cancelled_at": frozenset({"STOW_JOB_CANCELED", "STOW_JOB_CREATED"}),
}
_COLUMNS = columns_by_event(_SOURCES)
_DURATIONS = (
    "stow_wait_seconds", "stow_duration_gross_seconds", "stow_pause_seconds", "stow_duration_net_seconds",
    "stow_total_seconds",
)  # fmt: skip


class _Stow:
    """One stow job: its ends, its reopenings and its work."""

    def __init__(self, events: list[Event]) -> None:
        self.created_at: int | None = None
        self.closed_at: int | None = None
        self.cancelled_at: int | None = None
        self.state: str | None = None
        self.state_at: int | None = None
        self.reopen_count = 0
        self.given_back = False
        self.verbs: list[tuple[int, Verb]] = []
        self.gaps: list[tuple[int, int]] = []  # closed to opened
        paused = False
        for e in events:
            name, at = e.name, e.event_at
            ended = self.state in _BORN_ENDED
            if name == "STOW_JOB_CREATED":
                if self.created_at is not None:
                    continue
                self.created_at = at
                if e.status == "IN_PROGRESS":
                    self.verbs.append((at, Verb.START))
                elif e.status in _BORN_ENDED:
                    self._end(at, e.status)
                    self.verbs.append((at, Verb.FINISH if e.status == "CLOSED" else Verb.END))
                continue
            if name in _ENDS:
                self._end(at, _ENDS[name])
                paused = False
            elif name == "STOW_JOB_OPENED":
                if ended:
                    self.reopen_count += 1
                    self.verbs.append((at, Verb.REOPEN))
                    if self.state_at is not None and self.state == "CLOSED":
                        self.gaps.append((self.state_at, at))
                else:
                    self.verbs.append((at, Verb.OPEN))
                    self.given_back = self.given_back or paused
                self.state, self.state_at = "OPEN", at
                paused = False
                continue
            elif name == "STOW_JOB_PAUSED":
                paused = True
            else:
                paused = False
            verb = _VERBS.get(name)
            if verb is not None:
                self.verbs.append((at, verb))

    def _end(self, at: int, state: str) -> None:
        if state == "CLOSED":
            self.closed_at = at
        elif self.cancelled_at is None:
            self.cancelled_at = at
        self.state, self.state_at = state, at


def project_stow(flow_id: str, events: Iterable[Event], settings: Settings, rows: Rows) -> None:
    """Add the facts of one stow job to `rows`.

    Args:
        flow_id: stow job id.
        events: the distinct events of the job, in any order.
        settings: instant and deadlines.
        rows: where the facts go.
    """
    ordered = sorted(events, key=order_key)
    stow = _Stow(ordered)
    work = follow(stow.verbs)
    created, started, closed = stow.created_at, work.first_start, stow.closed_at
    overdue = is_overdue(ordered[-1].event_at, "stow", settings)
    outcome, finished = Outcome.INCOMPLETE if overdue else Outcome.OPEN, None
    if stow.state == "CLOSED":
        outcome, finished = Outcome.FULFILLED, closed
    elif stow.state == "CANCELED":
        outcome, finished = Outcome.CANCELLED, stow.state_at
    paused = work.seconds(PAUSED) if work.touched else None
    gross = span(started, closed)
    net = None
    if started is not None and closed is not None:
        gaps = sum(end - max(start, started) for start, end in stow.gaps if started < end <= closed)
        net = (closed - started - work.idle(started, closed) - gaps) / SECOND
    target = newest(ordered, "target")
    targets = newest(ordered, "targets")
    deviations = set()
    if work.pause_count:
        deviations.add("pause")
    if stow.reopen_count:
        deviations.add("reopened")
    if any(e.name == "STOW_JOB_CANCELED" for e in ordered):
        deviations.add("cancelled")
    if stow.given_back:
        deviations.add("given_back")
    stowed, discarded, planned = _units(targets)
    if (discarded or 0) > 0:
        deviations.add("discarded")
    facilities = {e.facility for e in ordered if e.facility is not None}
    milestones = {"stow_created": created, "stow_started": started, "stow_finished": closed}
    row: Row = {
        "flow_id": flow_id,
        "outcome": outcome.value,
        "started_at": created if created is not None else ordered[0].event_at,
        "finished_at": finished,
        "first_event_at": ordered[0].event_at,
        "last_event_at": ordered[-1].event_at,
        "event_count": len(ordered),
        "facility_ref": only(facilities),
        "facility_count": len(facilities),
        "variant": variant((m, milestones[m]) for m in STOW_MILESTONES),
        "deviations": sorted(deviations),
        "conforms": None if outcome is Outcome.OPEN else outcome is Outcome.FULFILLED and not deviations,
        "revision": len(ordered),
        "status": newest_status(ordered),
        "priority": _float(newest(ordered, "priority")),
        "target_at": target,
        "stow_created_at": created,
        "stow_started_at": started,
        "stow_finished_at": closed,
        "stow_cancelled_at": stow.cancelled_at,
        "stow_wait_seconds": span(created, started),
        "stow_duration_gross_seconds": gross,
        "stow_pause_seconds": None if paused is None else paused / SECOND,
        "stow_duration_net_seconds": net,
        "stow_total_seconds": span(created, closed),
        "stow_lateness_seconds": span(target, closed),
        "pause_count": work.pause_count,
        "reopen_count": stow.reopen_count,
        "line_count": newest(ordered, "line_count"),
        "planned_units": planned,
        "stowed_units": stowed,
        "discarded_units": discarded,
    }
    flags = flow_flags(ordered, ordered, finished, row, _DURATIONS)
    if created is None:
        flags.add("missing_start")
    if rests_on_recorded(ordered, row, _COLUMNS):
        flags.add("recorded_time")
    row["quality_flags"] = sorted(flags)
    rows.stow_flow.append(row)
    sink = IntervalSink("stow", flow_id, outcome, finished, rows.flow_interval)
    place = newest_facility(ordered)
    ends = [at for at, verb in stow.verbs if verb in (Verb.FINISH, Verb.END)]
    begin = first((started, work.stretches[0].start if work.stretches else None, ends[0] if ends else None))
    sink.add("STOW_JOB", flow_id, place, Stage.STOW_QUEUE, StageKind.WAITING, created, begin)
    for s in work.stretches:
        sink.add("STOW_JOB", flow_id, place, Stage.STOW, s.kind, s.start, s.end)


def _units(
    targets: list[tuple[str | None, float | None, float | None]] | None,
) -> tuple[float | None, float | None, float | None]:
    """Give stowed, discarded and planned units of the newest snapshot; unknown when a planned amount is."""
    if targets is None:
        return None, None, None
    stowed = sum((s or 0.0) for kind, _, s in targets if kind in ("LOCATION", "STOCK"))
    discarded = sum((s or 0.0) for kind, _, s in targets if kind == "DISCARD")
    planned = None if any(q is None for _, q, _ in targets) else sum(q or 0.0 for _, q, _ in targets)
    return float(stowed), float(discarded), None if planned is None else float(planned)


def _float(value: float | int | None) -> float | None:
    return None if value is None else float(value)
