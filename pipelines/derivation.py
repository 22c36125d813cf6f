"""What is told of one flow, and how its durations are taken back to their events.

`pipelines.explain` reads the rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pipelines.doors import Rows
from pipelines.summary import humane
from schemas.durations import DURATIONS, MOMENTS, Duration
from schemas.oddities import DEVIATIONS_TOLD, FLAGS_TOLD
from schemas.tables import BY_NAME

FLOWS = {"order": "order_flow", "inbound": "inbound_flow", "stow": "stow_flow"}
NUMBERS = {
    "order": ("tenant_order_id", "order_id", "flow_id"),
    "inbound": ("tenant_inbound_process_id", "purchase_order_id", "flow_id"),
    "stow": ("flow_id",),
}
"""Columns that people know a flow by, the best known first."""
_ENTITY_OF = {"order_leg": "leg_id", "order_parcel": "parcel_id", "stow_flow": "flow_id"}
_MICROSECOND = timedelta(microseconds=1)


@dataclass(slots=True)
class End:
    """One end of a duration.

    Attributes:
        column: column that holds the instant, "" for an end that no column has.
        at: the instant; None while it is not known.
        events: positions of its events in the list of events.
        payload: the field of a payload that it is, in words; "" when it is dated by events.
    """

    column: str
    at: datetime | None
    events: list[int] = field(default_factory=list)
    payload: str = ""


@dataclass(slots=True)
class Told:
    """A duration and where it comes from.

    Attributes:
        relation, key, column: the cell.
        seconds: its value; None is unknown.
        meaning: what the data dictionary says.
        rule: how it is computed.
        start, stop: its ends.
        parts: the stretches that it sums, or that it takes away, in seconds.
        checked: the ends and the parts give exactly the value.
        because: why it is NULL.
    """

    relation: str
    key: str
    column: str
    seconds: float | None
    meaning: str
    rule: str
    start: End | None = None
    stop: End | None = None
    parts: list[tuple[End, End, float]] = field(default_factory=list)
    checked: bool = False
    because: str = ""


@dataclass(slots=True)
class Odd:
    """Something odd: its kind (deviation, quality, event), where, what it means, and the events that show it."""

    kind: str
    name: str
    where: str
    meaning: str
    events: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Derivation:
    """Everything that is told of one flow.

    `events` is in order of time, and positions in it name an event; `ledger` has what each stage took of an order's
    time and slack, as the flow goes.
    """

    flow: str
    row: dict[str, Any]
    parts: dict[str, Rows]
    events: Rows
    intervals: Rows
    as_of: datetime | None
    durations: list[Told] = field(default_factory=list)
    odd: list[Odd] = field(default_factory=list)
    ledger: Rows = field(default_factory=list)

    @property
    def number(self) -> str:
        """Give the number that people know the flow by."""
        return str(next(v for v in (self.row.get(c) for c in NUMBERS[self.flow]) if v))


def _span(start: datetime, stop: datetime) -> float:
    return ((stop - start) // _MICROSECOND) / 1_000_000


class Deriver:
    """Fills in what is computed from the rows of one flow."""

    def __init__(self, told: Derivation) -> None:
        self.told = told
        self.by_time: dict[datetime, list[int]] = {}
        for n, e in enumerate(told.events):
            self.by_time.setdefault(e["event_at"], []).append(n)

    def run(self) -> None:
        """Derive."""
        told = self.told
        rows = {FLOWS[told.flow]: [told.row], **told.parts}
        for relation, members in rows.items():
            key = next(c.name for c in BY_NAME[relation].columns if c.key)
            for row in members:
                for duration in DURATIONS:
                    if duration.relation == relation:
                        told.durations.append(self._duration(duration, row, row[key]))
        for interval in told.intervals:
            interval["start_events"] = self._at(interval["started_at"], interval["entity_id"])
            interval["end_events"] = self._at(interval["ended_at"], interval["entity_id"])
        self._oddities(rows)

    # -- ends -------------------------------------------------------------------------------------------------

    def _at(self, at: datetime | None, entity_id: str | None, names: Iterable[str] = ()) -> list[int]:
        """Find the events of an instant: those of the entity, else any; of the given names only, if any are given."""
        if at is None:
            return []
        wanted = frozenset(names)
        there = [n for n in self.by_time.get(at, ()) if not wanted or self.told.events[n]["event_name"] in wanted]
        own = [n for n in there if self.told.events[n]["entity_id"] == entity_id]
        return own or there

    def _end(self, relation: str, row: dict[str, Any], column: str) -> End:
        moment = MOMENTS[relation][column]
        at = row[column]
        events = self._at(at, row.get(_ENTITY_OF.get(relation, "")), moment.events) if moment.events else []
        return End(column, at, events, "" if events else moment.payload)

    def _duration(self, duration: Duration, row: dict[str, Any], key: str) -> Told:
        relation, column = duration.relation, duration.column
        meaning = next(c.description for c in BY_NAME[relation].columns if c.name == column)
        told = Told(relation, key, column, row[column], meaning, duration.rule)
        if column == "reroute_delay_seconds":
            self._reroutes(told)
        elif column == "label_request_seconds":
            self._label(told, key)
        elif column == "transit_seconds":
            self._transit(told, row)
        elif not duration.start:
            self._sum(told, duration, row, key)
        else:
            self._between(told, duration, row, key)
        return told

    def _between(self, told: Told, duration: Duration, row: dict[str, Any], key: str) -> None:
        """Find the pair of ends that gives the value; what is taken away are parts."""
        relation = duration.relation
        chosen: tuple[str, str] | None = None
        for start in duration.start:
            for stop in duration.stop:
                if row[start] is None or row[stop] is None:
                    continue
                parts = self._stretches(duration, key, row[start], row[stop])
                if duration.column == "stow_duration_net_seconds":
                    parts += self._reopenings(row[stop])
                exact = told.seconds is not None and _same(
                    told.seconds, _span(row[start], row[stop]) - sum(p[2] for p in parts)
                )
                if exact:
                    told.checked, told.parts, chosen = True, parts, (start, stop)
                    break
            if chosen:
                break
        start, stop = chosen or (duration.start[-1], duration.stop[0])
        told.start, told.stop = self._end(relation, row, start), self._end(relation, row, stop)
        if told.seconds is None:
            told.because = _because(duration, row)

    def _stretches(
        self, duration: Duration, key: str, since: datetime | None, until: datetime | None
    ) -> list[tuple[End, End, float]]:
        """Give the closed stretches of an entity that a rule sums or takes away."""
        found = []
        for i in self.told.intervals:
            if i["entity_id"] != key or (i["stage"], i["kind"]) not in duration.parts or i["ended_at"] is None:
                continue
            if since is not None and not since <= i["started_at"] < (until or i["ended_at"]):
                continue
            stop = i["ended_at"] if until is None else min(i["ended_at"], until)
            found.append(
                (
                    End("started_at", i["started_at"], self._at(i["started_at"], key)),
                    End("ended_at", stop, self._at(stop, key)),
                    _span(i["started_at"], stop),
                )
            )
        return found

    def _reopenings(self, until: datetime) -> list[tuple[End, End, float]]:
        """Pair each close of a stow job with the opening that took it back."""
        found, closed = [], None
        for n, e in enumerate(self.told.events):
            if e["event_name"] == "STOW_JOB_CLOSED":
                closed = n
            elif e["event_name"] == "STOW_JOB_OPENED" and closed is not None:
                if e["event_at"] <= until:
                    found.append(self._pair(closed, n))
                closed = None
        return found

    def _sum(self, told: Told, duration: Duration, row: dict[str, Any], key: str) -> None:
        if told.seconds is None:
            told.because = "nothing shows that the work was started"
            return
        if told.column == "on_hold_seconds":
            self._holds(told)
        else:
            told.parts = self._stretches(duration, key, None, None)
            if not _same(told.seconds, sum(p[2] for p in told.parts)):
                told.parts = [self._uncut(p, key) for p in told.parts]
        told.checked = _same(told.seconds, sum(p[2] for p in told.parts))
        if not told.checked:
            told.parts = []
        if told.parts:
            told.start, told.stop = told.parts[0][0], told.parts[-1][1]

    def _uncut(self, part: tuple[End, End, float], key: str) -> tuple[End, End, float]:
        """Give a stretch up to the entity's own next event: intervals end with their flow, a pause does not."""
        start, stop, _ = part
        events = self.told.events
        if start.at is None or any(events[n]["entity_id"] == key for n in stop.events):
            return part
        for n, e in enumerate(events):
            if e["entity_id"] == key and e["event_at"] > start.at:
                return start, End("ended_at", e["event_at"], [n]), _span(start.at, e["event_at"])
        return part

    def _holds(self, told: Told) -> None:
        held: int | None = None
        for n, e in enumerate(self.told.events):
            if e["event_name"] == "INBOUND_DELIVERY_ON_HOLD" and held is None:
                held = n
            elif e["event_name"] == "INBOUND_DELIVERY_RELEASED" and held is not None:
                told.parts.append(self._pair(held, n))
                held = None

    def _pair(self, start: int, stop: int) -> tuple[End, End, float]:
        a, b = self.told.events[start]["event_at"], self.told.events[stop]["event_at"]
        return End("", a, [start]), End("", b, [stop]), _span(a, b)

    def _reroutes(self, told: Told) -> None:
        """Pair each given-up job with its successor; which job succeeds which is told by plans that no relation has."""
        events = self.told.events
        if not told.seconds:
            told.checked = told.seconds == 0.0
            return
        created = [n for n, e in enumerate(events) if e["event_name"] == "PICK_JOB_CREATED"]
        first: dict[str, int] = {}
        for n, e in enumerate(events):
            if e["event_name"] in ("PICK_JOB_ABORTED", "PICK_JOB_REROUTED"):
                first.setdefault(e["entity_id"], n)
        for job, n in first.items():
            later = [
                c for c in created if events[c]["entity_id"] != job and events[c]["event_at"] >= events[n]["event_at"]
            ]
            if later:
                told.parts.append(self._pair(n, later[0]))
        told.checked = _same(told.seconds, sum(p[2] for p in told.parts))
        if not told.checked:
            told.parts = []
        elif told.parts:
            told.start, told.stop = told.parts[0][0], told.parts[-1][1]

    def _label(self, told: Told, parcel: str) -> None:
        asked: int | None = None
        answered: tuple[int, int] | None = None
        for n, e in enumerate(self.told.events):
            if e["entity_id"] != parcel:
                continue
            if e["event_name"] == "PARCEL_CARRIER_REQUESTED" and asked is None:
                asked = n
            elif e["event_name"] in ("PARCEL_CARRIER_ACKNOWLEDGED", "PARCEL_CARRIER_FAILED") and asked is not None:
                answered, asked = (asked, n), None
        if answered is None:
            told.because = "no label request of the parcel was answered" if told.seconds is None else ""
            return
        told.start, told.stop, seconds = self._pair(*answered)
        told.checked = told.seconds is not None and _same(told.seconds, seconds)

    def _transit(self, told: Told, row: dict[str, Any]) -> None:
        told.stop = self._end("order_parcel", row, "delivered_at")
        if told.seconds is None or told.stop.at is None:
            told.because = "delivered_at is not known" if told.stop.at is None else "no hand-over that counts is known"
            return
        at = told.stop.at - timedelta(microseconds=round(told.seconds * 1e6))
        events = self._at(at, None, ("HANDOVERJOB_HANDED_OVER",))
        told.start = End("handed_over_at", at, events)
        told.checked = bool(events)

    # -- what is odd ------------------------------------------------------------------------------------------

    def _oddities(self, rows: dict[str, Rows]) -> None:
        told = self.told
        for name in told.row["deviations"] or ():
            meaning, names = DEVIATIONS_TOLD.get(name, (name, ()))
            events = [n for n, e in enumerate(told.events) if e["event_name"] in names]
            told.odd.append(Odd("deviation", name, FLOWS[told.flow], meaning, events))
        for relation, members in rows.items():
            key = next(c.name for c in BY_NAME[relation].columns if c.key)
            for row in members:
                for name in row.get("quality_flags") or ():
                    where = relation if relation == FLOWS[told.flow] else f"{relation} {row[key]}"
                    told.odd.append(Odd("quality", name, where, FLAGS_TOLD.get(name, name), self._evidence(name)))
        end = told.row["finished_at"]
        after = [n for n, e in enumerate(told.events) if end is not None and e["event_at"] > end]
        if after:
            last = _span(end, told.events[after[-1]]["event_at"])
            told.odd.append(
                Odd("event", "after_the_end", FLOWS[told.flow], f"up to {humane(last)} after the end", after)
            )

    def _evidence(self, flag: str) -> list[int]:
        events = self.told.events
        if flag == "recorded_time":
            return [n for n, e in enumerate(events) if e["time_basis"] == "recorded"]
        if flag == "clock_skew":
            late = timedelta(minutes=5)
            return [n for n, e in enumerate(events) if e["recorded_at"] and e["event_at"] > e["recorded_at"] + late]
        return []


def _same(one: float, other: float) -> bool:
    """Say whether two durations are the same to the microsecond."""
    return abs(one - other) < 5e-7 + 1e-12 * abs(one)


def _because(duration: Duration, row: dict[str, Any]) -> str:
    """Say why a span is NULL."""
    column, outcome = duration.column, row.get("outcome")
    if column in ("order_cycle_seconds", "order_lead_seconds") and outcome != "fulfilled":
        return f"the order is {outcome}; it is told of fulfilled orders only"
    if column == "lock_wait_seconds" and row["order_unlocked_at"] is None:
        return "the order was not created locked, or is not unlocked yet"
    if column == "lateness_seconds" and row["target_at"] is not None and outcome != "fulfilled":
        return f"nothing to hold against the target yet: channel {row['channel']}, the order is {outcome}"
    missing = []
    for columns in (duration.start, duration.stop):
        if all(row[c] is None for c in columns):
            moment = MOMENTS[duration.relation][columns[-1]]
            by = " or ".join(moment.events) or moment.payload
            missing.append(f"{' and '.join(columns)} not known (no {by})")
    return "; ".join(missing) or "its conditions do not hold: " + duration.rule
