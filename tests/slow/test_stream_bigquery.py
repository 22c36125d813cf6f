"""Live tables and the views over both halves, against a BigQuery emulator: row by row what the files say."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from pipelines.bigquery.apply import apply
from pipelines.bigquery.load import load
from pipelines.live.bigquery import INSERT_ALL, STORAGE_EMULATOR, WAYS, LiveTables
from pipelines.live.reader import newest_rows
from pipelines.live.store import prepare as prepare_files
from pipelines.live.store import publish
from pipelines.live.tables import Batch, revised
from pipelines.simulator.publish import lines_of, messages
from schemas.tables import BY_NAME
from tests.emulators.bigquery import rows
from tests.emulators.fault_proxy import proxy
from tests.emulators.pubsub import OWN
from tests.emulators.pubsub import running as running_pubsub
from tests.integration.bigquery_data import batch, simulated
from tests.live import combined
from tests.properties.test_stream import Machine
from transforms.decode import Decoder
from transforms.event import Rejection
from transforms.stream_revision import encode_revision
from transforms.update import RELATIONS


def live_elements(export) -> list[bytes]:
    """Give the revisions of a stream that has read every plain line of an export, in a random order."""
    machine, decoder = Machine(random.Random(1)), Decoder()
    for number, line in enumerate(lines_of(export)):
        found = decoder.line(line, f"sub:{number}")
        for event in () if isinstance(found, Rejection) else found:
            machine.feed(event)
    machine.settle()
    machine.flush(1_780_531_199_999_999)
    return [revised(encode_revision(r)) for r in machine.newest.values()]


def in_views(target) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    for relation in (*RELATIONS, "flow_event"):
        names = ", ".join(c.name for c in BY_NAME[relation].columns if (relation, c.name) != ("flow_event", "source"))
        found[relation] = rows(target, f"SELECT {names} FROM `{target.table(relation)}`")
    return found


def as_text(found: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[str]]:
    return {relation: sorted(map(_text, given)) for relation, given in found.items()}


def _text(row: tuple[Any, ...]) -> str:
    return repr([v.isoformat() if hasattr(v, "isoformat") else list(v) if isinstance(v, list) else v for v in row])


@pytest.mark.parametrize("way", WAYS)
def test_the_views_show_both_halves_as_the_files_do(server, target, tmp_path, monkeypatch, way):
    monkeypatch.setenv(STORAGE_EMULATOR, server.grpc)
    export = simulated(tmp_path)
    settled, live = tmp_path / "settled", tmp_path / "live"
    batch(export, settled, "--to", "2026-06-02")
    load(str(settled), target)
    publication = Batch()
    for element in live_elements(export):
        publication.add(element)
    tables = publication.tables("run-1")
    prepare_files(str(live), 1)
    publish(str(live), 0, 1, tables)
    sink = LiveTables(target.name, way, target)
    assert sink.write(tables) == []
    wanted = as_text(combined(live, settled))
    assert len(wanted["order_flow"]) > 60
    assert as_text(in_views(target)) == wanted
    assert sink.write(tables) == []  # as a bundle that is delivered again
    assert as_text(in_views(target)) == wanted
    batch(export, settled)
    load(str(settled), target)
    assert as_text(in_views(target)) == as_text(combined(live, settled))


@dataclass
class Picky:
    """A client that refuses rows of one flow, as BigQuery does: none of a request, with the good ones as stopped."""

    bad: str
    inserted: list[tuple[str, str]] = field(default_factory=list)

    def insert_rows_json(self, table: str, some: list[dict[str, Any]], **_: Any) -> list[dict[str, Any]]:
        refused = [i for i, r in enumerate(some) if r["live_key"] == self.bad and "stow_flow" in table]
        if not refused:
            self.inserted += [(table.rsplit(".", 1)[-1], r["live_key"]) for r in some]
            return []
        return [
            {"index": i, "errors": [{"reason": "invalid" if i in refused else "stopped", "location": "units"}]}
            for i in range(len(some))
        ]


def test_of_a_refused_revision_nothing_becomes_visible(server):
    from tests.unit.pipelines.test_live_store import CREATED, revision, told

    publication = Batch()
    for element in told(revision(1, CREATED, key="S1"), revision(1, CREATED, key="S2")):
        publication.add(element)
    target = server.target()
    target.client = client = Picky("S1")
    assert LiveTables(target.name, INSERT_ALL, target).write(publication.tables("run-1")) == [
        ("S1", "stow_flow: invalid units")
    ]
    assert ("flow_revision_live", "S2") in client.inserted
    assert ("flow_revision_live", "S1") not in client.inserted
    assert ("stow_flow_live", "S2") in client.inserted


def test_a_job_inserts_what_it_publishes(server, tmp_path):
    target = server.target()
    apply(target)
    export = simulated(tmp_path)
    with running_pubsub(OWN, tmp_path) as emulator:
        topic, subscription = emulator.create()
        emulator.publish(topic, [body for _, body in messages(export)])
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", "stream", "--subscription", subscription, "--output",
             str(tmp_path / "live"), "--bigquery", target.name, "--flush-seconds", "0.5", "--patience-seconds", "0.5",
             "--publish-seconds", "0.5", "--as-of", "2026-06-03T00:00:00Z", "--idle-exit", "1.5", "--quiet"],
            env={**emulator.environment(), "BIGQUERY_EMULATOR_HOST": server.url, STORAGE_EMULATOR: server.grpc},
            capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    live = newest_rows(str(tmp_path / "live"))
    assert live["order_flow"].num_rows > 60
    shown = rows(target, f"SELECT flow_id, outcome FROM `{target.table('order_flow')}`")
    columns = (live["order_flow"].column(n).to_pylist() for n in ("flow_id", "outcome"))
    assert sorted(shown) == sorted(zip(*columns, strict=True))
    assert {r: len(found) for r, found in in_views(target).items()} == {r: t.num_rows for r, t in live.items()}


def streamed(server, emulator, subscription, folder, dataset, *options, url=None):
    """Run the job over what was published until it is idle or fails."""
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "stream", "--subscription", subscription, "--output", str(folder),
         "--bigquery", dataset, "--flush-seconds", "0.5", "--patience-seconds", "0.5", "--publish-seconds", "0.5",
         "--as-of", "2026-06-03T00:00:00Z", "--idle-exit", "12", "--json", *options],
        env={**emulator.environment(), "BIGQUERY_EMULATOR_HOST": url or server.url, STORAGE_EMULATOR: server.grpc},
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip


def test_what_bigquery_does_not_take_ends_the_job_and_the_next_start_makes_up_for_it(server, target, tmp_path):
    with running_pubsub(OWN, tmp_path) as emulator, proxy(server.url, stall=1.0) as between:
        topic, subscription = emulator.create()
        emulator.publish(topic, [body for _, body in messages(simulated(tmp_path))][:400])
        folder = tmp_path / "live"
        target.client.delete_table(target.table("order_leg_live"))
        done = streamed(server, emulator, subscription, folder, target.name)
        assert done.returncode == 1
        assert (
            f"{target.table('order_leg_live')} is not there; what has come is kept and not acknowledged" in done.stderr
        )
        assert f"flowfacts bigquery apply --dataset {target.name}" in done.stderr
        apply(target)
        emulator.expire_leases()
        between.watch(lambda number, method, path: "403" if "insertAll" in path else None)
        words = ("--bigquery-insert", "insert-all")
        done = streamed(server, emulator, subscription, folder, target.name, *words, url=between.url)
        assert done.returncode == 1, (done.stdout[-500:], between.seen)
        assert "the roles that are needed are in schemas/docs/bigquery.md" in done.stderr
        emulator.expire_leases()
        done = streamed(server, emulator, subscription, folder, target.name)
        assert done.returncode == 0, done.stderr
    live = newest_rows(str(folder))
    assert live["order_leg"].num_rows > 5
    assert {r: len(found) for r, found in in_views(target).items()} == {r: t.num_rows for r, t in live.items()}


def test_a_dataset_without_live_tables_is_refused_at_once(server, tmp_path):
    target = server.target()
    with running_pubsub(OWN, tmp_path) as emulator:
        _, subscription = emulator.create()
        done = streamed(server, emulator, subscription, tmp_path / "live", target.name)
    assert done.returncode == 1
    assert f"run flowfacts bigquery apply --dataset {target.name}" in done.stderr
