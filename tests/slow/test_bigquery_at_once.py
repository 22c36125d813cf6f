"""Loads into BigQuery at once, while somebody reads, and again and again: as if there had been one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines.bigquery.apply import apply
from pipelines.bigquery.client import BigQueryError
from pipelines.bigquery.load import load
from tests.emulators.bigquery import rows
from tests.integration.bigquery_data import in_bigquery, in_duckdb


def test_two_loads_at_once_are_like_one(server, target, made):
    for output in made:
        with ThreadPoolExecutor(3) as pool:
            done = list(pool.map(lambda _, o=output: load(str(o), server.target(target.dataset)), range(3)))
        assert any(d["changed"] for d in done)
        assert in_bigquery(target) == in_duckdb(output)
    assert rows(target, f"SELECT generation FROM `{target.name}.flowfacts_state`") == [(3,)]
    assert rows(target, f"SELECT COUNT(*) FROM `{target.name}.flowfacts_load`") == [(3,)]


def test_readers_see_one_run_or_the_next(server, target, made):
    load(str(made[0]), target)
    counts = [{n: len(found) for n, found in in_duckdb(o).items()} for o in made]
    seen, stop = set(), threading.Event()
    names = ("order_flow", "flow_event", "flow_interval", "pipeline_run")
    sql = " UNION ALL ".join(f"SELECT '{n}', COUNT(*) FROM `{target.table(n)}`" for n in names)

    def read():
        mine = server.target(target.dataset)
        while not stop.is_set():
            seen.add(tuple(sorted(rows(mine, sql))))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for output in made[1:]:
            load(str(output), target)
    finally:
        stop.set()
        reader.join()
    allowed = {tuple(sorted((n, c[n]) for n in names)) for c in counts}
    assert seen <= allowed


def test_a_table_that_was_dropped_comes_back_by_replace(target, made):
    load(str(made[1]), target)
    target.client.delete_table(target.table("order_leg_settled"))
    with pytest.raises(BigQueryError, match="run flowfacts bigquery plan"):
        load(str(made[2]), target)
    apply(target)
    load(str(made[2]), target)  # the same transaction as before: its failure then says nothing now
    for _ in range(3):
        assert load(str(made[2]), target, replace=True)["changed"], "a part comes back as often as it is told"
        assert in_bigquery(target) == in_duckdb(made[2])
