"""The batch job on a Flink cluster: the facts of the local runner, also when a task manager is killed in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.pubsub import OWN, Emulator, running
from tests.engines.flink import Cluster, cluster, waited
from tests.engines.jobs import CUT, ended, on
from tests.runs import batch, days, differences, facts


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(OWN, tmp_path_factory.mktemp("pubsub")) as found:
        yield found


@pytest.fixture(scope="module")
def started(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("flink"), emulator.environment()) as found:
        yield found


@pytest.fixture
def flink(started: Cluster) -> Iterator[Cluster]:
    yield started
    started.cancel()


def test_batch_gives_the_facts_of_the_local_runner(flink: Cluster, source: Path, direct: dict, tmp_path: Path):
    assert ended(on(flink.options, source, tmp_path / "out"))[0] == CUT
    assert differences(facts(tmp_path / "out"), direct) == []


def test_batch_goes_on_when_a_task_manager_is_killed(flink: Cluster, source: Path, direct: dict, tmp_path: Path):
    out = tmp_path / "out"
    first = days(source)[0]
    assert batch(source, out, "--to", first) == 0
    process = on(flink.options, source, out)
    waited(lambda: len(flink.running()) == 1, "the job has not begun")
    (job,) = flink.running()
    waited(lambda: flink.busy() > 3.0, "no worker is at work")  # its imports take some two
    flink.kill_manager()
    code, err = ended(process)
    assert code == CUT, err
    assert flink.restarted(job)
    assert differences(facts(out), direct) == []
    flink.start_manager()
