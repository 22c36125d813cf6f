"""Starts bqemulator as a process of its own, from an environment of its own that `deploy/bqemulator.lock` pins.

`make` builds the environment in `build/bqemulator`; when it is missing or stale, the first test builds it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from pipelines.bigquery.client import Target
from tests.emulators.environments import environment
from tests.emulators.processes import wait_for

NAME = "bqemulator"
PROJECT = "demo-project"

_SERVER = Path(__file__).with_name("bigquery_server.py")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Emulator:
    """A running emulator.

    Attributes:
        url: its address.
        grpc: address of its Storage API.
        bucket_root: folder that it serves gs:// from.
    """

    url: str
    grpc: str
    bucket_root: Path
    _clients: list[Any] = field(default_factory=list)

    def target(self, dataset: str | None = None, url: str | None = None, **options: Any) -> Target:
        """Give a dataset of a name of its own, with short pauses between attempts."""
        client = bigquery.Client(
            project=PROJECT, credentials=AnonymousCredentials(),
            client_options=ClientOptions(api_endpoint=url or self.url),
        )  # fmt: skip
        self._clients.append(client)
        name = dataset or f"facts_{uuid.uuid4().hex[:8]}"
        return Target(PROJECT, name, client, **{"pause": 0.02, "seconds": 20, **options})

    def close(self) -> None:
        """Close the clients."""
        for client in self._clients:
            client.close()


def rows(target: Target, sql: str, seconds: float = 60) -> list[tuple[Any, ...]]:
    """Ask the emulator, without anything of ours in between."""
    job = target.client.query(sql, retry=None, job_retry=None, timeout=seconds)
    return [tuple(row.values()) for row in job.result(retry=None, timeout=seconds)]


@contextmanager
def running(folder: Path) -> Iterator[Emulator]:
    """Run an emulator with empty storage; its log and its bucket are in `folder`."""
    python = environment(NAME)
    rest, grpc, bucket = free_port(), free_port(), folder / "gcs"
    bucket.mkdir()
    command = [str(python), str(_SERVER), "start", "--rest-port", str(rest), "--grpc-port", str(grpc), "--ephemeral"]
    log = folder / "log"
    # The emulator's own words go to a file: a pipe that nobody reads would stop it when it is full.
    with log.open("wb") as words:
        process = subprocess.Popen(
            [*command, "--log-level", "error"], cwd=folder, stdout=words, stderr=words,
            env={**os.environ, "BQEMU_GCS_LOCAL_ROOT": str(bucket)},
        )  # fmt: skip
    emulator = Emulator(f"http://127.0.0.1:{rest}", f"127.0.0.1:{grpc}", bucket)
    try:
        wait_for(f"{emulator.url}/healthz", process, log)
        yield emulator
    finally:
        emulator.close()
        process.terminate()
        process.wait(timeout=20)


if __name__ == "__main__":
    environment(NAME)
