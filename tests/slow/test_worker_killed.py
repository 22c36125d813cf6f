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


def processor_seconds(process: int) -> float | None:
    """Tell what a process has used of a processor; nothing of one that is gone or is only the shell around another."""
    try:
        name, _, rest = Path(f"/proc/{process}/stat").read_text().partition("(")[2].rpartition(")")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = rest.split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if "python" in name else None


def worker_of(driver: int, busy: float) -> int:
    """Wait for a worker of a run that has used so many seconds of a processor."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = subprocess.run(
            ["pgrep", "-g", str(os.getpgid(driver)), "-f", "python.*sdk_worker_main"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        for process in map(int, found.stdout.split()):
            used = processor_seconds(process)
            if used is not None and used >= busy:
                return process
        time.sleep(0.05)
    raise TimeoutError(f"no worker process used {busy} s of a processor")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tenant")
    simulate(Plan(folder / "t", 4, 3000, 5, "none", "2026-06-01", 1))
    return folder / "t" / "export"


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "out"
    assert batch(source, out) == 0
    return facts(out)


# Its imports take some two seconds; this input takes every worker several more.
@pytest.mark.parametrize("busy", [0.0, 4.0], ids=["while-it-starts", "while-it-works"])
def test_a_killed_worker_is_told_and_the_next_run_is_whole(source, whole, tmp_path: Path, busy: float) -> None:
    out = tmp_path / "out"
    in_the_background = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]  # where Ctrl-C is ignored
    with subprocess.Popen(
        [*in_the_background, *job_command(source, out, *PROCESSES)],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as job:  # fmt: skip
        try:
            os.kill(worker_of(job.pid, busy), signal.SIGKILL)
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
