"""Where the time of a whole order went: every instant counts once, for one stage and in one of five ways.

The stretches of an order's entities overlap (`transforms.order_intervals`), for parts of it are worked on side by side.
Here each instant from the start of the order to its end is given to one of them:

1. What is worked on goes first, then what is paused, what is blocked, what waits. Somebody works: the order moves.
2. Of several alike, the stage that is the least far; then the smallest facility. The laggard holds the order up.
3. Where nothing lasts, the order waits after the stage that ended last (`after_pick`), or for the first one (`intake`).
4. Unless it is worked on, the time in which that facility is closed is the site's: `site_closed`.

So the parts add up to the time of the order to the microsecond. An order that is open has its parts up to its newest
event, and with them how it goes on from there: no event, no change. Nothing here depends on the instant of the facts,
so that the rows of an order stay as they are until something happens.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemas.vocabulary import INTAKE, ORDER_STAGES, Outcome, after
from transforms.calendar import Sites
from transforms.rows import SECOND, Row

_RANK = {"working": 0, "paused": 1, "blocked": 2, "waiting": 3}
_KINDS = ("working", "paused", "blocked", "waiting")
_STAGE = {name: i for i, name in enumerate(ORDER_STAGES)}

_Key = tuple[int, int, str]
"""Rank of the kind, place of the stage, facility; the smallest has the instant."""

_Held = tuple[str, str, str]
"""Stage, kind and facility ("" for none) that an instant belongs to."""


def add(
    flow: Row, given_up_at: int | None, intervals: Iterable[tuple[Any, ...]], sites: Sites, rows: list[tuple[Any, ...]]
) -> None:
    """Add the rows of one order, one a stage, in the order of their names.

    Args:
        flow: row of the order.
        given_up_at: when the deadline of an incomplete order passed.
        intervals: the stretches of its entities, as rows of `flow_interval`.
        sites: when the facilities are open.
        rows: where the rows go, as tuples in the contract's column order.
    """
    start: int = flow["started_at"]
    over = given_up_at if flow["outcome"] == Outcome.INCOMPLETE else flow["finished_at"]
    end: int = flow["last_event_at"] if over is None else over
    stop = over
    if flow["channel"] == "COLLECT" and flow["first_handover_created_at"] is not None:
        # The target of a collection is that it is ready.
        stop = flow["first_handover_created_at"] if over is None else min(over, flow["first_handover_created_at"])
    ledger = _Ledger(sites, flow["target_at"], stop)
    held = _walk(start, max(start, end), intervals, ledger)
    if over is None or not ledger.parts:  # the stage that has just begun, and an order that took no time
        ledger.part(held[0])
    shared = (flow["facility_ref"], flow["channel"], flow["outcome"], start, flow["target_at"], over, stop)
    for stage in sorted(ledger.parts):
        waiting, working, paused, blocked, closed, used, late = ledger.parts[stage]
        slack = (None, None) if flow["target_at"] is None else (used / SECOND, late / SECOND)
        goes_on: tuple[Any, ...] = (None, None)
        if over is None and stage == held[0]:
            site = None if held[1] == "working" else sites.at(held[2] or None)
            goes_on = (held[1], None if site is None else site.name)
        seconds = (waiting / SECOND, working / SECOND, paused / SECOND, blocked / SECOND, closed / SECOND)
        rows.append((flow["flow_id"], stage, *shared, *seconds, *slack, max(start, end), *goes_on))


class _Ledger:
    """Adds up the parts of each stage, in microseconds."""

    def __init__(self, sites: Sites, target: int | None, stop: int | None) -> None:
        self.sites, self.target, self.stop = sites, target, stop
        self.parts: dict[str, list[int]] = {}

    def part(self, stage: str) -> list[int]:
        """Give waiting, working, paused, blocked, site closed, slack used, and time after the target of a stage."""
        found = self.parts.get(stage)
        if found is None:
            found = self.parts[stage] = [0] * 7
        return found

    def add(self, held: _Held, start: int, end: int) -> None:
        """Give a stretch to what holds it."""
        stage, kind, facility = held
        part = self.part(stage)
        closed = 0
        if kind != "working":
            site = self.sites.at(facility or None)
            closed = 0 if site is None else site.closed(start, end)
        part[_PLACE[kind]] += end - start - closed
        part[4] += closed
        if self.target is not None:
            counted = end if self.stop is None else min(end, self.stop)
            if counted > start:
                used = min(counted, max(start, self.target)) - start
                part[5] += used
                part[6] += counted - start - used


_PLACE = {"waiting": 0, "working": 1, "paused": 2, "blocked": 3}


def _walk(start: int, end: int, intervals: Iterable[tuple[Any, ...]], ledger: _Ledger) -> _Held:
    """Go through `[start, end)` and give every stretch to what holds it; give what holds from `end` on."""
    turns: list[tuple[int, int, _Key]] = []
    for row in intervals:
        begin, until = max(start, row[7]), row[8]
        if until is not None and until <= begin:
            continue
        key = (_RANK[row[6]], _STAGE[row[5]], row[4] or "")
        turns.append((begin, 1, key))
        if until is not None:
            turns.append((until, 0, key))
    turns.sort()
    lasting: dict[_Key, int] = {}
    ended: tuple[int, str] | None = None  # stage that ended last, the furthest of several, and its facility
    ended_at = held_since = start
    for at, begins, key in turns:
        if at > end:
            break
        if at > held_since:
            ledger.add(_held(lasting, ended), held_since, at)
            held_since = at
        if begins:
            lasting[key] = lasting.get(key, 0) + 1
        else:
            if ended is None or at > ended_at or key[1:] > ended:
                ended, ended_at = key[1:], at
            if lasting[key] == 1:
                del lasting[key]
            else:
                lasting[key] -= 1
    held = _held(lasting, ended)
    if end > held_since:
        ledger.add(held, held_since, end)
    return held


def _held(lasting: dict[_Key, int], ended: tuple[int, str] | None) -> _Held:
    """Say what holds an instant."""
    if lasting:
        rank, stage, facility = min(lasting)
        return ORDER_STAGES[stage], _KINDS[rank], facility
    if ended is not None:
        return after(ORDER_STAGES[ended[0]]), "waiting", ended[1]
    return INTAKE, "waiting", ""
