"""The batch job and the stream on Prism: the facts of the local runner, also when what computes them is killed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.jobs import CUT, FAST, begun, ended, nothing_left, on, same, until
from tests.engines.prism import Service, serving
from tests.runs import batch, days, differences, facts, files_of
from tests.wire import Wire, bodies


@pytest.fixture
def prism(tmp_path: Path) -> Iterator[Service]:
    with serving(tmp_path) as service:
        yield service


def test_batch_gives_the_facts_of_the_local_runner(prism: Service, source: Path, direct: dict, tmp_path: Path):
    assert ended(on(prism.options, source, tmp_path / "out"))[0] == CUT
    assert differences(facts(tmp_path / "out"), direct) == []


def test_batch_goes_on_from_the_state_of_the_local_runner(prism: Service, source: Path, direct: dict, tmp_path: Path):
    first = days(source)[0]
    assert batch(source, tmp_path / "out", "--to", first) == 0
    assert ended(on(prism.options, source, tmp_path / "out"))[0] == CUT
    assert differences(facts(tmp_path / "out"), direct) == []


@pytest.mark.parametrize("victim", ["worker", "engine"])
def test_batch_with_a_kill_in_the_middle_changes_nothing_and_is_made_good(
    victim: str, source: Path, direct: dict, tmp_path: Path
):
    out = tmp_path / "out"
    first = days(source)[0]
    assert batch(source, out, "--to", first) == 0
    before = files_of(out)
    with serving(tmp_path) as service:
        process = on(service.options, source, out)
        while not service.workers():
            time.sleep(0.02)
        if victim == "worker":
            service.kill_worker(busy=3.0)  # its imports take some two
        else:
            time.sleep(3.0)
            service.kill()
        code, err = ended(process)
    assert code == 1
    assert "flowfacts batch: failed: " in err
    assert before.items() <= files_of(out).items()
    with serving(tmp_path) as service:
        assert ended(on(service.options, source, out))[0] == CUT
    assert differences(facts(out), direct) == []


def test_the_stream_has_the_facts_of_the_batch_job_and_acknowledges_all(wire: Wire, export: Path):
    wire.publish(bodies(export, shuffle=1))
    settled = wire.batch()
    with serving(wire.folder, wire.emulator.environment()) as service, wire.streaming(*FAST, *service.options) as job:
        until(lambda: same(wire, settled), job)
        until(lambda: nothing_left(wire), job)


@pytest.mark.parametrize("victim", ["worker", "engine"])
def test_the_stream_loses_nothing_when_it_is_killed(victim: str, wire: Wire, export: Path):
    every = bodies(export, shuffle=2)
    wire.publish(every[: len(every) // 2])
    with serving(wire.folder, wire.emulator.environment()) as service, wire.streaming(*FAST, *service.options) as job:
        until(lambda: begun(wire), job)
        wire.publish(every[len(every) // 2 :])
        time.sleep(1.0)
        service.kill() if victim == "engine" else service.kill_worker()
        code, err = ended(job)
    assert code == 1
    assert "flowfacts stream: failed: " in err
    settled = wire.batch()
    wire.emulator.expire_leases()
    with serving(wire.folder, wire.emulator.environment()) as service, wire.streaming(*FAST, *service.options) as job:
        until(lambda: same(wire, settled), job)
