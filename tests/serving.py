"""The dashboard as a process, for tests: started on a free port, stopped at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.cli import main
from pipelines.simulator.run import Plan, simulate


def demo(folder: Path, *, days: int = 3, orders: int = 40) -> Path:
    """Make the output of a simulated tenant with faults."""
    simulate(Plan(folder / "tenant", days, orders, 5, "heavy", "2026-06-01", 1))
    words = ["batch", "--input", str(folder / "tenant" / "export"), "--output", str(folder / "facts"), "--quiet"]
    assert main([*words, "--workers", "1", "--calendar", str(folder / "tenant" / "calendar.yaml")]) in (0, 3)
    return folder / "facts"


@contextmanager
def dashboard(*words: str, environment: dict[str, str] | None = None) -> Iterator[str]:
    """Serve a dashboard while the context lasts; gives its address."""
    command = [sys.executable, "-m", "pipelines.cli", "dashboard", "--port", "0", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert "http://" in line, process.stderr.read() if process.stderr else ""
            yield line.split("http://")[1].split()[0].join(("http://", ""))
        finally:
            process.send_signal(signal.SIGINT)
            try:
                _, errors = process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                _, errors = process.communicate()
    assert "Traceback" not in errors, errors
