"""The batch job and the stream on Prism: the facts of the local runner, also when what computes them is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.simulator.run import Plan, simulate
from tests.emulators.pubsub import OWN, Emulator, running
from tests.engines.prism import Service, serving
from tests.live import wrong_rows
from tests.runs import batch, days, differences, facts, files_of
from tests.wire import Wire, bodies, heavy_day, wired

CUT = 3
"""Exit code: a file of the tenant with heavy faults is cut short."""

PATIENCE = 300
"""Seconds; a busy machine takes a minute to start a command, an engine and a worker."""

FAST = ("--flush-seconds", "0.5", "--patience-seconds", "0.5", "--publish-seconds", "1")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tenant")
    simulate(Plan(folder / "t", 2, 1000, 5, "heavy", "2026-06-01", 1))
    return folder / "t" / "export"


@pytest.fixture(scope="module")
def direct(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    out = tmp_path_factory.mktemp("direct") / "out"
    assert batch(source, out) == CUT
    return facts(out)


@pytest.fixture
def prism(tmp_path: Path) -> Iterator[Service]:
    with serving(tmp_path) as service:
        yield service


def on(service: Service, source: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    words = ["--input", str(source), "--output", str(out), "--quiet", "--buckets", "4", *service.options, *options]
    return subprocess.Popen([sys.executable, "-m", "pipelines.cli", "batch", *words], stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=PATIENCE)
    return process.returncode, err


def test_batch_gives_the_facts_of_the_local_runner(prism: Service, source: Path, direct: dict, tmp_path: Path):
    assert ended(on(prism, source, tmp_path / "out"))[0] == CUT
    assert differences(facts(tmp_path / "out"), direct) == []


def test_batch_goes_on_from_the_state_of_the_local_runner(prism: Service, source: Path, direct: dict, tmp_path: Path):
    first = days(source)[0]
    assert batch(source, tmp_path / "out", "--to", first) == 0
    assert ended(on(prism, source, tmp_path / "out"))[0] == CUT
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
        process = on(service, source, out)
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
        assert ended(on(service, source, out))[0] == CUT
    assert differences(facts(out), direct) == []


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(OWN, tmp_path_factory.mktemp("pubsub")) as found:
        yield found


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return heavy_day(tmp_path_factory.mktemp("day"))


@pytest.fixture
def wire(emulator: Emulator, tmp_path: Path) -> Wire:
    return wired(emulator, tmp_path)


def until(what: Callable[[], bool], job: subprocess.Popen[str]) -> None:
    """Wait for something while a job runs."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert job.poll() is None, job.communicate()[1]
        if what():
            return
        time.sleep(0.5)
    raise TimeoutError


def same(wire: Wire, settled: Path) -> bool:
    return (wire.live / "live" / "manifest-00-of-01.json").exists() and wrong_rows(wire.live, settled) == {}


def nothing_left(wire: Wire) -> bool:
    """Tell whether all is acknowledged; what is not is delivered again, here or to the job."""
    time.sleep(4.0)
    wire.emulator.expire_leases()
    return wire.emulator.pull(wire.subscription, wait=0.5) == []


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
        until((wire.live / "live" / "manifest-00-of-01.json").exists, job)
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
