"""What the tests on engines share: jobs as processes that an engine of its own computes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.live import wrong_rows
from tests.wire import Wire

CUT = 3
"""Exit code: a file of the tenant with heavy faults is cut short."""

PATIENCE = 300
"""Seconds; a busy machine takes a minute to start a command, an engine and a worker."""

FAST = ("--flush-seconds", "0.5", "--patience-seconds", "0.5", "--publish-seconds", "1")


def children(process: int) -> list[int]:
    """List the processes that a process has started."""
    found = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True, check=False)
    return [int(process) for process in found.stdout.split()]


def used(process: int) -> float:
    """Tell the seconds of a processor that a process has used; 0 for one that is gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def on(engine: Sequence[str], source: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    """Start the batch job on an engine, which its options name."""
    words = ["--input", str(source), "--output", str(out), "--quiet", "--buckets", "4", *engine, *options]
    return subprocess.Popen([sys.executable, "-m", "pipelines.cli", "batch", *words], stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end of a job; gives its exit code and what it said."""
    _, err = process.communicate(timeout=PATIENCE)
    return process.returncode, err


def until(what: Callable[[], bool], job: subprocess.Popen[str]) -> None:
    """Wait for something while a job runs."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert job.poll() is None, job.communicate()[1]
        if what():
            return
        time.sleep(0.5)
    raise TimeoutError


def begun(wire: Wire) -> bool:
    """Tell whether the stream has published facts."""
    return (wire.live / "live" / "manifest-00-of-01.json").exists()


def same(wire: Wire, settled: Path) -> bool:
    """Tell whether the newest revisions of the stream are the facts of the batch job."""
    return begun(wire) and wrong_rows(wire.live, settled) == {}


def nothing_left(wire: Wire) -> bool:
    """Tell whether all is acknowledged; what is not is delivered again, here or to the job."""
    time.sleep(4.0)
    wire.emulator.expire_leases()
    return wire.emulator.pull(wire.subscription, wait=0.5) == []
