"""Both jobs on a Flink cluster: the facts of the local runner, also when a task manager is killed in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.pubsub import Emulator
from tests.engines.flink import Cluster, cluster, waited
from tests.engines.jobs import CUT, FAST, begun, ended, nothing_left, on, same, until
from tests.runs import batch, days, differences, facts
from tests.wire import Wire, bodies


@pytest.fixture(scope="module")
def started(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("flink"), emulator.environment()) as found:
        yield found


@pytest.fixture
def flink(started: Cluster) -> Iterator[Cluster]:
    yield started
    started.cancel()
    started.replace_dead()


def test_batch_gives_the_facts_of_the_local_runner(flink: Cluster, source: Path, direct: dict, tmp_path: Path):
    assert ended(on(flink.options, source, tmp_path / "out"))[0] == CUT
    assert differences(facts(tmp_path / "out"), direct) == []


def test_batch_goes_on_when_a_task_manager_is_killed(flink: Cluster, source: Path, direct: dict, tmp_path: Path):
    out = tmp_path / "out"
    first = days(source)[0]
    assert batch(source, out, "--to", first) == 0
    process = on(flink.options, source, out)
    job = flink.begun()
    waited(lambda: flink.busy() > 3.0, "no worker is at work")  # its imports take some two
    flink.kill_manager()
    code, err = ended(process)
    assert code == CUT, err
    assert flink.restarted(job)
    assert differences(facts(out), direct) == []


def test_the_stream_has_the_facts_of_the_batch_job_and_acknowledges_all(flink: Cluster, wire: Wire, export: Path):
    # Checkpoints so soon meet the bundles that start the readers: see STREAM_OPTIONS of pipelines.job_server.
    often = ("--checkpointing_interval", "1000")
    wire.publish(bodies(export, shuffle=1))
    settled = wire.batch()
    with wire.streaming(*FAST, *flink.options, *often) as job:
        until(lambda: same(wire, settled), job)
        until(lambda: nothing_left(wire), job)
    assert not flink.restarted(flink.begun())


def test_the_stream_goes_on_when_a_task_manager_is_killed(flink: Cluster, wire: Wire, export: Path):
    every = bodies(export, shuffle=2)
    wire.publish(every[: len(every) // 2])
    with wire.streaming(*FAST, *flink.options) as process:
        job = flink.begun()
        until(lambda: begun(wire) and flink.checkpoints(job)["completed"] > 0, process)
        wire.publish(every[len(every) // 2 :])
        settled = wire.batch()
        flink.kill_manager()
        until(lambda: flink.restarted(job), process)
        wire.emulator.expire_leases()  # what the dead worker held would come back by itself after a minute
        until(lambda: same(wire, settled), process)
        until(lambda: nothing_left(wire), process)
