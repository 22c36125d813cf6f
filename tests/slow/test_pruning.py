"""The live half drops what is settled, and no fact changes: heavy faults, late events, flows that return, restarts."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.live.pruning import DAY, Told, prune
from pipelines.live.reader import logged_events, logged_parts
from pipelines.live.store import pruned as pruned_on
from pipelines.simulator.publish import lines_of
from pipelines.simulator.run import Plan, simulate
from schemas.tables import BY_NAME
from tests import wire_fixtures
from tests.live import combined, settled_rows
from tests.live_machine import LiveMachine
from tests.runs import batch, days
from tests.wire import PATIENCE, Wire, bodies
from transforms.clock import parse_time
from transforms.decode import Decoder
from transforms.event import Event, Rejection
from transforms.stream_flows import Phase

AS_OF = "2026-07-20T00:00:00Z"
INSTANT = parse_time(AS_OF) or 0
START = parse_time("2026-06-01T00:00:00Z") or 0
NUMBER = 6
KEPT_DAYS = 1


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tenant") / "t"
    simulate(Plan(folder, NUMBER, 14, 23, "heavy", "2026-06-01", 1))
    for cut in (folder / "export").rglob("cut-*"):  # it would keep its day open
        cut.unlink()
    return folder / "export"


@pytest.fixture(scope="module")
def settled(export: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Give the output of the batch job as it is after each day; the first one has nothing."""
    folder = tmp_path_factory.mktemp("settled")
    found = [folder / "none"]
    for i, day in enumerate(days(export)):
        out = folder / f"after-{i + 1}"
        if i:
            shutil.copytree(found[-1], out)
        assert batch(export, out, "--to", day, "--as-of", AS_OF, "--settle-days", "0.5") == 0
        found.append(out)
    return found


@pytest.fixture(scope="module")
def arriving(export: Path) -> list[list[Event]]:
    """Give the events of each day folder as a subscription brings them."""
    decoder = Decoder()
    found: list[list[Event]] = []
    for day in days(export):
        given: list[Event] = []
        for i, line in enumerate(lines_of(export / day)):
            events = decoder.line(line, f"sub:{day}-{i}")
            given += [] if isinstance(events, Rejection) else events
        found.append(given)
    return found


def facts(rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Leave out the recorded times, in which the halves may differ: a repeat was perhaps recorded before the first."""
    at = _EVENT_COLUMNS.index("recorded_at")
    return {**rows, "flow_event": sorted(r[:at] + r[at + 1 :] for r in rows["flow_event"])}


_EVENT_COLUMNS = [c.name for c in BY_NAME["flow_event"].columns if c.name != "source"]


def pruned(output: Path, settled: Path, day: int) -> Told:
    """Prune as on the morning after some days; the facts of both halves stay as they were."""
    before = combined(output, settled) if settled.exists() else None
    told = prune(str(output), str(settled), KEPT_DAYS * DAY, START + day * DAY, apply=True)
    if before is not None:
        assert combined(output, settled) == before
    return told


@pytest.mark.parametrize(
    ("until", "restarts", "shards"),
    [
        (Phase.CLOSED, False, 1),
        (Phase.TOMBSTONE, False, 3),
        (None, False, 1),
        (Phase.TOMBSTONE, True, 1),
        (None, True, 3),
    ],
)
def test_no_fact_changes_day_after_day(settled, arriving, tmp_path, until, restarts, shards):
    """Late events of the simulated days come for flows of which nothing is left, in the running job or a new one."""
    job = LiveMachine(random.Random(1), START, output=str(tmp_path), shards=shards, settled=str(settled[0]))
    dropped = Told()
    for i in range(NUMBER):
        job.now = START + (i + 1) * DAY
        job.look_at(settled[i])  # the settled half is a day behind
        job.take(arriving[i], INSTANT)
        job.rest(INSTANT, until)
        if i:
            assert facts(combined(tmp_path, settled[i])) == facts(settled_rows(settled[i + 1]))
        dropped.add(pruned(tmp_path, settled[i], i + 1))
        if restarts:
            job = job.restart(INSTANT, job.now)
        if i:
            assert facts(combined(tmp_path, settled[i])) == facts(settled_rows(settled[i + 1]))
    assert job.lost == []
    assert dropped.events > len(arriving[0]) + len(arriving[1])
    assert dropped.flows > 30
    assert dropped.closed > 30


@pytest.mark.parametrize("restarts", [False, True])
def test_events_that_come_long_after_the_prune_change_what_they_would_have_changed(
    settled, arriving, tmp_path, restarts
):
    """Every third event of the first days comes when all the others have left the live half."""
    late = [e for day in arriving[:3] for e in day[::3]]
    job = LiveMachine(random.Random(1), START, output=str(tmp_path), settled=str(settled[0]))
    for day in arriving[:3]:
        job.take([e for n, e in enumerate(day) if n % 3], INSTANT)
    job.rest(INSTANT, Phase.TOMBSTONE)
    dropped = pruned(tmp_path, settled[3], 40)
    assert dropped.stays.keys() <= {"it has no flow yet, and is still searched"}
    job.now = START + 40 * DAY
    job.look_at(settled[3])
    if restarts:
        job = job.restart(INSTANT, job.now)
    job.take(late, INSTANT)
    assert facts(combined(tmp_path, settled[3])) == facts(settled_rows(settled[3]))
    job.take(arriving[3], INSTANT)
    assert facts(combined(tmp_path, settled[3])) == facts(settled_rows(settled[4]))
    assert job.lost == []


def test_a_settled_half_that_is_behind_drops_nothing_that_it_does_not_have(settled, arriving, tmp_path):
    job = LiveMachine(random.Random(1), START, output=str(tmp_path), settled=str(settled[0]))
    for given in arriving:
        job.take(given, INSTANT)
    job.rest(INSTANT, Phase.TOMBSTONE)
    told = pruned(tmp_path, settled[2], 4_000)
    left = {e.event_id for block in logged_events(str(tmp_path)) for e in block}
    with duckdb.connect(str(settled[2] / "warehouse.duckdb"), read_only=True) as con:
        known = {i for (i,) in con.execute("SELECT event_id FROM flow_event").fetchall()}
    ahead = {e.event_id for given in arriving[2:] for e in given} - known
    assert told.events > 400
    assert ahead - left == set() or _repeats(ahead - left, arriving)
    assert facts(combined(tmp_path, settled[2])) == facts(settled_rows(settled[NUMBER]))
    job.look_at(settled[2])
    fresh = job.restart(INSTANT, START + 4_000 * DAY)
    assert facts(combined(tmp_path, settled[2])) == facts(settled_rows(settled[NUMBER]))
    fresh.look_at(settled[NUMBER])
    assert facts(combined(tmp_path, settled[NUMBER])) == facts(settled_rows(settled[NUMBER]))


def _repeats(ids: set[str], arriving: list[list[Event]]) -> bool:
    """Say whether all events of some ids repeat others of the first two days, under another id."""
    first = {(e.name, e.entity_id, e.version) for given in arriving[:2] for e in given if e.version is not None}
    every = [e for given in arriving for e in given if e.event_id in ids]
    return all((e.name, e.entity_id, e.version) in first for e in every)


heavy = wire_fixtures.export


def _land(wire: Wire, day: str | None = None) -> Path:
    """Land what was published, as if on an earlier day, and compute its facts."""
    out = wire.batch()
    if day is not None:
        today = max((wire.folder / "landed").glob("20*"))
        today.rename(wire.folder / "landed" / day)
        shutil.rmtree(out)
    return out


def test_a_job_over_the_wire_drops_what_is_settled_and_reads_it_back(wire: Wire, heavy: Path):
    every = bodies(heavy, shuffle=5)
    wire.publish(every[::2])
    first = wire.stream("--quiet-seconds", "1", "--idle-exit", "4")
    assert first["flows_closed"] > 20
    logged = _log_rows(wire.live)
    _land(wire, "2026-06-01")
    wire.publish(every[1::4])  # a later day folder, which closes the one before
    settled = _land(wire)
    words = ["--settled", str(settled), "--live-days", "0"]
    second = wire.stream(*words)
    assert second["flows_read_back"] > 20
    assert pruned_on(str(wire.live)) == {"format_version": 1, "settled": str(settled), "until": "2026-06-01"}
    assert _log_rows(wire.live) < logged  # although half as many have come again
    assert facts(combined(wire.live, settled)) == facts(settled_rows(settled))
    wire.publish(every[3::4])
    third = wire.stream(*words)
    assert third["flows_read_back"] > 20
    shown = combined(wire.live, settled)
    settled = _land(wire)
    assert facts(shown) == facts(settled_rows(settled))
    assert facts(combined(wire.live, settled)) == facts(settled_rows(settled))
    with wire.streaming() as process:  # without the settled half nobody knows what was there
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert f"has dropped events that are in {settled}, and {wire.live} has no state" in err


def _log_rows(live: Path) -> int:
    return sum(p.rows for p in logged_parts(str(live)))
