"""Faults between every two calls of a load: the dataset shows the run before or the run after, and ends exact.

The output is written by hand and small, so that every call of a load can be met by every fault.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from pipelines.bigquery import apply as applying
from pipelines.bigquery import stage as staging
from pipelines.bigquery.apply import apply, plan
from pipelines.bigquery.client import BigQueryError
from pipelines.bigquery.load import load
from pipelines.bigquery.plan import declared
from pipelines.datasets import write_manifest, write_part
from schemas.derive import arrow_schema
from schemas.tables import BY_NAME, TABLES
from tests.emulators.bigquery import rows
from tests.emulators.fault_proxy import DROPPED, DROPPED_AFTER, FAULTS, STALLED_AFTER, proxy

START = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def faulty(server):
    with proxy(server.url, stall=1.0) as made:
        yield made


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    return published(tmp_path_factory.mktemp("before"), 1, {"open": "bc", "old": "a", "dead": "xy"})


@pytest.fixture(scope="module")
def after(tmp_path_factory):
    # b settles, c and d are open; a comes back, so that its part is written again with a later event
    return published(tmp_path_factory.mktemp("after"), 2, {"open": "cd", "old": "aA", "new": "b", "dead": "xy"})


def at(hours):
    return START + timedelta(hours=hours)


def table_of(relation, made):
    """Make rows of a relation; what they lack is NULL."""
    return pa.Table.from_pylist(made, schema=arrow_schema(BY_NAME[relation]))


def published(folder, run, flows):
    """Publish flows as the batch job would: open and settled parts, a dead letter a part, the runs."""

    def flow(name, n):
        return {
            "flow_id": name, "outcome": "open", "started_at": at(30 * n) if name != "c" else None,
            "event_count": run, "deviations": ["split", name], "quality_flags": [], "revision": run,
        }  # fmt: skip

    parts = []
    for tier, stem in (("open", "open"), ("settled", "old"), ("settled", "new")):
        for n, name in enumerate(flows.get(stem, "")):
            table = table_of("order_flow", [flow(name, n)])
            parts.append(write_part(str(folder), "order_flow", f"{stem}-{n}", table, tier=tier, run=f"r{run}"))
    for name in flows["dead"]:
        row = {"reason": "bad_json", "source": f"f:{name}", "run_id": "r1", "recorded_at": at(1), "raw_index": 0}
        parts.append(write_part(str(folder), "dead_letter", name, table_of("dead_letter", [row]), tier="books"))
    runs = [{"run_id": f"r{n}", "mode": "batch", "started_at": at(n), "balanced": True} for n in range(1, run + 1)]
    parts.append(write_part(str(folder), "pipeline_run", "books", table_of("pipeline_run", runs), tier="books"))
    write_manifest(str(folder), {"run": {"run_id": f"r{run}"}, "as_of": None}, parts, ())
    return str(folder)


WANTED = {
    1: {"order_flow": [("a", 1), ("b", 1), ("c", 1)], "pipeline_run": [("r1", None)]},
    2: {"order_flow": [("A", 2), ("a", 2), ("b", 2), ("c", 2), ("d", 2)], "pipeline_run": [("r1", None), ("r2", None)]},
}


def shown(server, target):
    """What readers see, asked past the proxy."""
    past = server.target(target.dataset)
    flows = rows(past, f"SELECT flow_id, event_count FROM `{past.table('order_flow')}`")
    runs = rows(past, f"SELECT run_id, events_folded FROM `{past.table('pipeline_run')}`")
    letters = rows(past, f"SELECT source FROM `{past.table('dead_letter')}`")
    assert sorted(letters) == [("f:x",), ("f:y",)]
    return {"order_flow": sorted(flows), "pipeline_run": sorted(runs)}


def loaded_before(server, faulty, before, **options):
    """Give a dataset with the run before, reached through the proxy; it has the tables that are needed here."""
    past = server.target()
    with pytest.MonkeyPatch.context() as patch:
        needed = ("order_flow", "dead_letter", "pipeline_run", "flow_revision", "flowfacts")
        some = [w for w in declared(past.name) if w["tableId"].startswith(needed)]
        patch.setattr(applying, "declared", lambda dataset: some)
        apply(past)
    load(before, past)
    return server.target(past.dataset, url=faulty.url, **options)


def check_end(server, target, after):
    assert shown(server, target) == WANTED[2]
    past = server.target(target.dataset)
    state = rows(past, f"SELECT generation, run_id FROM `{past.table('flowfacts_state')}`")
    assert state == [(2, "r2")]
    assert rows(past, f"SELECT COUNT(*) FROM `{past.table('flowfacts_load')}`") == [(2,)]
    parts = rows(past, f"SELECT COUNT(*), COUNT(DISTINCT part_id) FROM `{past.table('flowfacts_part')}`")
    assert parts == [(8, 8)]
    assert not load(after, past)["changed"]


@pytest.fixture(scope="module")
def calls(server, faulty, before, after):
    """Count the calls of a load one at a time; they come in the same order each time."""
    patch = pytest.MonkeyPatch()
    patch.setattr(staging, "_AT_ONCE", 1)
    faulty.watch(lambda number, method, path: None)
    target = loaded_before(server, faulty, before)
    load(after, target)
    check_end(server, target, after)
    yield list(faulty.seen)
    patch.undo()


def test_the_dataset_shows_what_was_published(server, faulty, before, calls):
    faulty.watch(lambda number, method, path: None)
    assert shown(server, loaded_before(server, faulty, before)) == WANTED[1]
    assert 15 < len(calls) < 60


def test_a_load_that_dies_after_any_call_leaves_one_run_visible_and_the_next_load_ends_it(
    server, faulty, before, after, calls
):
    died = 0
    for last in range(len(calls)):
        target = loaded_before(server, faulty, before, attempts=1)
        # The server acts on the last call and the client does not hear of it; nothing comes through any more.
        faulty.watch(
            lambda number, method, path, last=last: (
                None if number < last else DROPPED_AFTER if number == last else DROPPED
            )
        )
        try:
            load(after, target)
        except BigQueryError:
            died += 1
        faulty.watch(lambda number, method, path: None)
        assert shown(server, target) in (WANTED[1], WANTED[2]), calls[last]
        load(after, target)
        check_end(server, target, after)
    assert died >= len(calls) - 10, "all but the calls that clean up end a load"


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("offset", [0, 2])
def test_a_fault_at_every_fifth_call_is_survived(server, faulty, before, after, calls, kind, offset):
    target = loaded_before(server, faulty, before, seconds=0.8 if kind == STALLED_AFTER else 20)
    meets = (offset + FAULTS.index(kind)) % 5  # another fifth of the calls for each kind: together all of them
    faulty.watch(lambda number, method, path: kind if number % 5 == meets else None)
    load(after, target)
    assert faulty.faults >= len(calls) // 5
    check_end(server, target, after)


@pytest.mark.parametrize("kind", [k for k in FAULTS if k != STALLED_AFTER])
def test_every_call_fails_twice_at_first(server, faulty, before, after, calls, kind):
    target = loaded_before(server, faulty, before)
    met = {}

    def twice(number, method, path):
        about = (method, path.split("?")[0].rsplit("flowfacts_query_", 1)[0])
        met[about] = met.get(about, 0) + 1
        return kind if met[about] <= 2 else None

    faulty.watch(twice)
    done = load(after, target)
    assert done["retries"] >= 8
    check_end(server, target, after)


@pytest.mark.parametrize("seed", range(8))
def test_many_faults_of_all_kinds_with_three_loads_at_once(server, faulty, before, after, calls, seed):
    from concurrent.futures import ThreadPoolExecutor

    target = loaded_before(server, faulty, before)
    dice = random.Random(seed)
    kinds = [k for k in FAULTS if k != STALLED_AFTER]
    faulty.watch(lambda number, method, path: dice.choice(kinds) if dice.random() < 0.2 else None)

    def go(_):
        return load(after, server.target(target.dataset, url=faulty.url, attempts=30))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(go, range(3)))
    assert faulty.faults > 5
    faulty.watch(lambda number, method, path: None)
    check_end(server, target, after)


def test_apply_survives_faults_at_every_call(server, faulty):
    target = server.target(url=faulty.url)
    met = set()

    def once(number, method, path):
        about = (method, path.split("?")[0])
        fault = None if about in met else FAULTS[len(met) % len(FAULTS)]
        met.add(about)
        return None if fault == STALLED_AFTER else fault

    faulty.watch(once)
    apply(target)
    assert faulty.faults > 40
    faulty.watch(lambda number, method, path: None)
    assert plan(target) == []
    assert rows(target, f"SELECT COUNT(*) FROM `{target.name}.flowfacts_state`") == [(1,)]
    for table in TABLES:
        assert rows(target, f"SELECT COUNT(*) FROM `{target.table(table.name)}`") == [(0,)]


def test_what_can_not_pass_is_told_at_once(server, faulty, before):
    target = loaded_before(server, faulty, before)
    past = server.target(target.dataset)
    table = past.client.get_table(past.table("order_flow_settled"))
    past.client.delete_table(table)
    faulty.watch(lambda number, method, path: None)
    with pytest.raises(BigQueryError) as caught:
        load(published_again(before), target)
    text = str(caught.value)
    assert "order_flow_settled" in text
    assert "flowfacts_commit_" in text
    assert "readers see what they saw before" in text
    assert target.retries == 0


def published_again(before):
    import shutil
    from pathlib import Path

    copy = Path(before).with_name("again")
    shutil.copytree(before, copy)
    return published(copy, 2, {"open": "c", "old": "az", "dead": "xy"})
