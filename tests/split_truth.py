"""The split of every simulated order's time, by brute force from the drawn truth and by the wall clock.

Shares nothing with the code that it tests but the names of the stages: every half hour and every end of a stretch cuts
the time, and each piece is looked at by itself.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from schemas.vocabulary import ORDER_STAGES, SPLIT_KINDS

HALF_HOUR = 1_800_000_000
_RANK = ("working", "paused", "blocked", "waiting")
_BERLIN = ZoneInfo("Europe/Berlin")


def is_open(instant: int) -> bool:
    """Say whether the sites of `tests/golden/calendar.yaml` are open."""
    wall = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)).astimezone(_BERLIN)
    day, minute = wall.weekday(), wall.hour * 60 + wall.minute
    if day == 5 and minute >= 22 * 60:
        return True
    if day == 6 and minute < 6 * 60:  # the night of Saturday
        return True
    if wall.date().isoformat() == "2026-06-04":
        return False
    if wall.date().isoformat() == "2026-06-05":
        return 600 <= minute < 840
    return day < 5 and (480 <= minute < 750 or 810 <= minute < 1140)


def expected(truth: Path, as_of: int) -> dict[str, dict[str, list[int]]]:
    """Give, by order and stage, microseconds of each part, of the slack used, and late."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    orders = con.execute(
        "SELECT flow_id, outcome, epoch_us(started_at), epoch_us(finished_at), epoch_us(target_at), channel, "
        f"epoch_us(first_handover_created_at) FROM read_parquet('{truth}/order_flow.parquet')"
    ).fetchall()
    stretches: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for flow_id, *rest in con.execute(
        "SELECT flow_id, epoch_us(started_at), epoch_us(ended_at), stage, kind, facility_ref FROM "
        f"read_parquet('{truth}/flow_interval.parquet') WHERE flow = 'order' AND flow_id IS NOT NULL"
    ).fetchall():
        stretches[flow_id].append(tuple(rest))
    found = {}
    for flow_id, outcome, start, finish, target, channel, ready in orders:
        if outcome == "incomplete":
            continue
        end = as_of if finish is None else finish
        stop = min(end, ready) if channel == "COLLECT" and ready is not None else end
        own = [(a, end if b is None else min(b, end), *rest) for a, b, *rest in stretches[flow_id]]
        found[flow_id] = _order(start, end, [x for x in own if x[1] > x[0]], target, stop)
    return found


def _order(start: int, end: int, own: list[Any], target: int | None, stop: int) -> dict[str, list[int]]:
    cuts = {start, end, *(x for a, b, *_ in own for x in (a, b)), stop, target or start}
    cuts |= set(range(start // HALF_HOUR * HALF_HOUR, end, HALF_HOUR))
    points = sorted(c for c in cuts if start <= c <= end)
    found: dict[str, list[int]] = {}
    for a, b in itertools.pairwise(points):
        lasting = [x for x in own if x[0] <= a < x[1]]
        ended = [x for x in own if start < x[1] <= a]
        if lasting:
            stage, kind, place = min(lasting, key=lambda x: (_RANK.index(x[3]), ORDER_STAGES.index(x[2]), x[4] or ""))[
                2:
            ]
        elif ended:
            last = max(ended, key=lambda x: (x[1], ORDER_STAGES.index(x[2]), x[4] or ""))
            stage, kind, place = f"after_{last[2]}", "waiting", last[4]
        else:
            stage, kind, place = "intake", "waiting", None
        if kind != "working" and place is not None and not is_open(a):
            kind = "site_closed"
        parts = found.setdefault(stage, [0] * 7)
        parts[SPLIT_KINDS.index(kind)] += b - a
        if target is not None and b <= stop:
            parts[5 if b <= target else 6] += b - a
    return found


def told(warehouse: Path) -> dict[str, dict[str, list[int]]]:
    """Give the same as the warehouse's ledger has it; stages that took no time are left out."""
    columns = ", ".join(
        f"round(coalesce({c}_seconds, 0) * 1e6)::BIGINT" for c in (*SPLIT_KINDS, "slack_used", "slack_late")
    )
    found: dict[str, dict[str, list[int]]] = defaultdict(dict)
    with duckdb.connect(str(warehouse), read_only=True) as con:
        rows = con.execute(
            f"SELECT flow_id, stage, {columns} FROM order_slack WHERE outcome <> 'incomplete'"
        ).fetchall()
    for flow_id, stage, *parts in rows:
        found[flow_id]
        if any(parts):
            found[flow_id][stage] = parts
    return dict(found)
