"""Work in progress as of any instant: a replay of the events up to it, a count in Python and the views say the same."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from datetime import UTC, datetime, time, timedelta

import duckdb
import pytest

from pipelines.simulator.run import Plan, simulate
from schemas.vocabulary import DEADLINE_DAYS, Stage, StageKind
from transforms.decode import Decoder
from transforms.event import Event
from transforms.project import project_all
from transforms.rows import Settings

SECOND = 1_000_000
DEADLINES = {flow: days * 86_400 * SECOND for flow, days in DEADLINE_DAYS.items()}
FLOW, FLOW_ID, ENTITY, ENTITY_ID, PLACE, STAGE, KIND, START, END = range(9)


def decoded(export):
    """Read all events of an export that is whole."""
    decoder, found = Decoder(), []
    for file in sorted(export.rglob("*.ndjson.gz")):
        for n, line in enumerate(gzip.decompress(file.read_bytes()).splitlines(), 1):
            events = decoder.line(line, f"{file.name}:{n}") if line.strip() else []
            found += events if isinstance(events, list) else []
    assert len(found) > 500
    return found


def there(intervals, at):
    """List what is in a stage at an instant, by the rule of the contract."""
    return [r for r in intervals if r[START] <= at and (r[END] is None or r[END] > at)]


LATER = {
    # Picking that is reset later was picking all the same.
    (Stage.PICK_DISCARDED, StageKind.WORKING): (Stage.PICK, StageKind.WORKING),
    (Stage.PICK_DISCARDED, StageKind.PAUSED): (Stage.PICK, StageKind.PAUSED),
    (Stage.PICK_DISCARDED, StageKind.WAITING): (Stage.PICK, StageKind.WAITING),
    # That a job was held back shows when it is opened, where its creation did not say so.
    (Stage.RELEASE, StageKind.BLOCKED): (Stage.PICK_QUEUE, StageKind.WAITING),
}
"""What a stretch is called once more is known, and before; the docs tell of both."""


def of(row):
    """Give who is there since when, and in what."""
    doing = LATER.get((row[STAGE], row[KIND]), (row[STAGE], row[KIND]))
    return row[FLOW], row[FLOW_ID], row[ENTITY], row[ENTITY_ID], doing, row[START]


@pytest.mark.parametrize("seed", [7, 8])
def test_the_facts_of_today_tell_the_past_as_a_replay_up_to_it_does(tmp_path, seed):
    simulate(Plan(tmp_path, 3, 30, seed, "none", "2026-06-01", 1))
    events: list[Event] = decoded(tmp_path / "export")
    first, last = min(e.event_at for e in events), max(e.event_at for e in events)
    today = project_all(events, Settings(last, DEADLINES))[0].flow_interval
    chance, seen = random.Random(seed), 0
    for at in sorted(chance.randint(first, last) for _ in range(25)):
        known = project_all([e for e in events if e.event_at <= at], Settings(at, DEADLINES))[0].flow_interval
        then, now = there(known, at), there(today, at)
        assert Counter(map(of, then)) == Counter(map(of, now))
        places = {of(r): r[PLACE] for r in now}
        # A place may come to be known later; one that was known stays.
        assert all(r[PLACE] in (None, places[of(r)]) for r in then)
        seen += len(then)
    assert seen > 200


@pytest.fixture(scope="module")
def warehouse(facts):
    with duckdb.connect(str(facts / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'America/New_York'")  # no answer may hang on the zone of the session
        yield con


@pytest.fixture(scope="module")
def intervals(warehouse):
    return warehouse.execute(
        "SELECT flow, facility_ref, stage, kind, started_at, ended_at FROM flow_interval"
    ).fetchall()


def held(intervals, at):
    """Give the ages of those in each stage at an instant."""
    found = {}
    for *key, start, end in intervals:
        if start <= at and (end is None or end > at):
            found.setdefault(tuple(key), []).append((at - start) / timedelta(seconds=1))
    return found


def test_the_end_of_each_day(warehouse, intervals):
    ((as_of,),) = warehouse.execute("SELECT max(as_of) FROM pipeline_run").fetchall()
    first = min(start for *_, start, _ in intervals).astimezone(UTC).date()
    days = [first + timedelta(days=n) for n in range((as_of.astimezone(UTC).date() - first).days)]
    rows = warehouse.execute(
        "SELECT day, flow, facility_ref, stage, kind, entities, older_1h, older_1d, older_3d, age_seconds_sum, "
        "age_seconds_max FROM wip_daily"
    ).fetchall()
    found = {(r[0], *r[1:5]): r[5:] for r in rows}
    assert len(found) == len(rows)
    wanted = {}
    for day in days:
        midnight = datetime.combine(day + timedelta(days=1), time.min, UTC)
        for key, ages in held(intervals, midnight - timedelta(microseconds=1)).items():
            # The view tells the age at midnight, a microsecond later.
            ages = [a + 1e-6 for a in ages]
            older = [sum(1 for a in ages if a > limit) for limit in (3600, 86_400, 259_200)]
            wanted[day, *key] = (len(ages), *older, pytest.approx(sum(ages)), pytest.approx(max(ages)))
    assert len(days) >= 2
    assert found == wanted


def test_every_hour_from_what_came_and_went(warehouse, intervals):
    rows = warehouse.execute(
        "SELECT hour, day, sum(entered - left_stage) FROM wip_moves WHERE flow = 'order' GROUP BY ALL ORDER BY hour"
    ).fetchall()
    running, orders = 0, [r for r in intervals if r[0] == "order"]
    assert len(rows) > 40
    for hour, day, more in rows:
        running += more
        assert hour.astimezone(UTC).date() == day
        end = hour + timedelta(hours=1) - timedelta(microseconds=1)
        assert running == sum(len(ages) for ages in held(orders, end).values())


def test_a_backlog_is_what_had_begun_and_not_ended(warehouse):
    flows = {}
    for flow in ("order", "inbound", "stow"):
        channel = "channel" if flow == "order" else "NULL"
        flows[flow] = warehouse.execute(
            f"SELECT facility_ref, {channel}, started_at, finished_at, outcome FROM {flow}_flow"
        ).fetchall()
    rows = warehouse.execute(
        "SELECT day, flow, facility_ref, channel, backlog, incomplete, age_seconds_sum FROM backlog_daily"
    ).fetchall()
    assert {"order", "inbound"} <= {r[1] for r in rows} <= set(flows)
    for day, flow, place, channel, backlog, incomplete, ages in rows:
        midnight = datetime.combine(day + timedelta(days=1), time.min, UTC)
        mine = [
            r for r in flows[flow]
            if r[:2] == (place, channel) and r[2] < midnight and (r[3] is None or r[3] >= midnight)
        ]  # fmt: skip
        assert backlog == len(mine)
        assert incomplete == sum(1 for r in mine if r[4] == "incomplete")
        assert ages == pytest.approx(sum((midnight - r[2]).total_seconds() for r in mine))
    days = {r[0] for r in rows}
    for day in days:
        midnight = datetime.combine(day + timedelta(days=1), time.min, UTC)
        everyone = sum(
            1 for mine in flows.values() for r in mine if r[2] < midnight and (r[3] is None or r[3] >= midnight)
        )
        assert everyone == sum(r[4] for r in rows if r[0] == day)
