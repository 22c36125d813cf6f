"""Prism, Beam's runner in Go, as a service: a job server that is a process, and SDK workers in processes of their own.

The binary is what `make engines` builds; PRISM names another.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from tests.emulators.pubsub import free_port
from tests.engines.jobs import children, used

START_SECONDS = 60.0
BINARY = Path(os.environ.get("PRISM", "build/engines/prism"))


@dataclass
class Service:
    """A job server, and a pool that starts a worker process for every job."""

    server: subprocess.Popen[bytes]
    pool: subprocess.Popen[bytes]
    options: tuple[str, ...]

    def workers(self) -> list[int]:
        """List the worker processes."""
        return children(self.pool.pid)

    def kill_worker(self, busy: float = 0.0) -> None:
        """Kill a worker as soon as it has used so many seconds of a processor."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            for process in self.workers():
                if used(process) >= busy:
                    os.kill(process, signal.SIGKILL)
                    return
            time.sleep(0.02)
        raise TimeoutError(f"no worker used {busy} s of a processor in {START_SECONDS} s")

    def kill(self) -> None:
        """Kill everything at once, as when the machine is lost."""
        for process in (*self.workers(), self.server.pid, self.pool.pid):
            os.kill(process, signal.SIGKILL)


@contextmanager
def serving(folder: Path, environment: Mapping[str, str] = os.environ) -> Iterator[Service]:
    """Start Prism and a worker pool, with their logs in `folder`."""
    if not BINARY.is_file():
        raise FileNotFoundError(f"{BINARY} is not there: make engines builds it with go; or name one in PRISM")
    jobs, workers = free_port(), free_port()
    # The pool starts `python`, whichever comes first.
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    with (folder / "prism.log").open("ab") as log:
        server = subprocess.Popen(
            [BINARY.resolve(), "-job_port", str(jobs), "-serve_http=false", "-log_kind", "text"], stdout=log, stderr=log
        )
    with (folder / "pool.log").open("ab") as log:
        pool = subprocess.Popen(
            [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", "--service_port", str(workers)],
            env={**environment, "PATH": path}, stdout=log, stderr=log,
        )  # fmt: skip
    service = Service(
        server, pool,
        ("--runner", "PortableRunner", "--job_endpoint", f"localhost:{jobs}", "--environment_type", "EXTERNAL",
         "--environment_config", f"localhost:{workers}"),
    )  # fmt: skip
    try:
        for port in (jobs, workers):
            with grpc.insecure_channel(f"localhost:{port}") as channel:
                grpc.channel_ready_future(channel).result(timeout=START_SECONDS)
        yield service
    finally:
        for process in service.workers():
            os.kill(process, signal.SIGKILL)
        for child in (server, pool):
            child.kill()
            child.wait()
