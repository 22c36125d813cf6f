"""A worker process that is killed, as by the kernel when memory is short: the run fails at once and says what to do."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from pipelines.simulator.run import Plan, simulate
from tests.runs import batch, differences, facts
from tests.soak.kills import PROCESSES, job_command


def worker_of(driver: int) -> int:
    """Wait for a worker of a run: the shell's child that Python works in."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = subprocess.run(
            ["pgrep", "-g", str(os.getpgid(driver)), "-f", "python.*sdk_worker_main"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if found.stdout.strip():
            return int(found.stdout.split()[-1])
        time.sleep(0.05)
    raise TimeoutError("no worker process was started")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tenant")
    simulate(Plan(folder / "t", 4, 1500, 5, "none", "2026-06-01", 1))
    return folder / "t" / "export"


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "out"
    assert batch(source, out) == 0
    return facts(out)


@pytest.mark.parametrize("after", [0.0, 5.0], ids=["while-it-starts", "while-it-works"])
def test_a_killed_worker_is_told_and_the_next_run_is_whole(source, whole, tmp_path: Path, after: float) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(
        job_command(source, out, *PROCESSES), stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as job:
        try:
            worker = worker_of(job.pid)
            time.sleep(after)
            os.kill(worker, signal.SIGKILL)
            _, told = job.communicate(timeout=60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(job.pid, signal.SIGKILL)
    assert job.returncode == 1, told
    assert "a worker process has ended early" in told
    assert "--workers 1" in told
    assert not (out / "manifest.json").exists()
    assert batch(source, out) == 0
    assert not differences(facts(out), whole)
