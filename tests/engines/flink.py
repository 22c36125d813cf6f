"""A Flink cluster of processes on this machine: a job manager, task managers, Beam's job server, and SDK workers.

All of Java is started from one folder of jars, which `make flink` fetches; FLINK_LIB names another.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from tests.emulators.pubsub import free_port
from tests.engines.jobs import children, used

START_SECONDS = 120.0
LIB = Path(os.environ.get("FLINK_LIB", "build/engines/flink/lib"))

TASK_MANAGERS = 2

_OPENED = (
    "lang", "lang.invoke", "lang.reflect", "io", "net", "nio", "text", "time", "util", "util.concurrent",
    "util.concurrent.atomic", "util.concurrent.locks",
)  # fmt: skip
"""Packages of Java 17 into which Flink 1.16, made for Java 11, reaches; as Flink 1.18 lists them for itself."""

_JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_JOB_SERVER = "org.apache.beam.runners.flink.FlinkJobServerDriver"

# Two slots each, evenly used: a job of two slots is on both task managers, and fits on the one that is left.
_CONFIG = """\
jobmanager.rpc.address: localhost
jobmanager.bind-host: localhost
jobmanager.rpc.port: {rpc}
rest.address: localhost
rest.bind-address: localhost
rest.port: {rest}
taskmanager.host: localhost
taskmanager.bind-host: localhost
taskmanager.numberOfTaskSlots: 2
cluster.evenly-spread-out-slots: true
taskmanager.cpu.cores: 2.0
taskmanager.memory.framework.heap.size: 128m
taskmanager.memory.framework.off-heap.size: 128m
taskmanager.memory.task.heap.size: 256m
taskmanager.memory.task.off-heap.size: 0
taskmanager.memory.network.min: 192m
taskmanager.memory.network.max: 192m
taskmanager.memory.managed.size: 192m
taskmanager.memory.jvm-metaspace.size: 256m
taskmanager.memory.jvm-overhead.min: 192m
taskmanager.memory.jvm-overhead.max: 192m
heartbeat.interval: 2000
heartbeat.timeout: 20000
restart-strategy: fixed-delay
restart-strategy.fixed-delay.attempts: 10
restart-strategy.fixed-delay.delay: 1 s
state.backend: hashmap
state.checkpoints.dir: {checkpoints}
classloader.resolve-order: parent-first
io.tmp.dirs: {scratch}
"""


@dataclass
class Cluster:
    """What runs, and where."""

    folder: Path
    rest: int
    environment: Mapping[str, str]
    options: tuple[str, ...]
    managers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def ask(self, path: str, method: str = "GET") -> Any:
        """Ask the job manager over its REST interface."""
        request = urllib.request.Request(f"http://localhost:{self.rest}{path}", method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def running(self) -> list[str]:
        """List the jobs that have not ended."""
        ended = {"FINISHED", "CANCELED", "FAILED"}
        return [job["id"] for job in self.ask("/jobs")["jobs"] if job["status"] not in ended]

    def begun(self) -> str:
        """Wait for the one job that runs; gives its id."""
        waited(lambda: len(self.running()) == 1, "the job has not begun")
        (job,) = self.running()
        return job

    def restarted(self, job: str) -> bool:
        """Tell whether steps of a job, also of one that has ended, were begun again after a failure."""
        return bool(self.ask(f"/jobs/{job}")["timestamps"]["RESTARTING"])

    def checkpoints(self, job: str) -> dict[str, int]:
        """Count the checkpoints of a job by their state."""
        return dict(self.ask(f"/jobs/{job}/checkpoints")["counts"])

    def cancel(self) -> None:
        """Cancel every job, and wait for their ends."""
        for job in self.running():
            self.ask(f"/jobs/{job}?mode=cancel", "PATCH")
        waited(lambda: not self.running(), "the jobs have not ended")

    def workers(self) -> list[int]:
        """List the processes of SDK workers of the task managers alive."""
        return [worker for m in self.managers if m.poll() is None for worker in children(m.pid)]

    def busy(self) -> float:
        """Tell the seconds of a processor that the busiest worker has used."""
        return max((used(worker) for worker in self.workers()), default=0.0)

    def start_manager(self) -> None:
        """Start one more task manager, and wait until the cluster has it."""
        name = f"task-{len(self.managers)}"
        words = ["--configDir", str(self.folder), f"-Dtaskmanager.resource-id={name}"]
        manager = _java(self.folder, name, _TASK_MANAGER, *words, environment=self.environment)
        self.managers.append(manager)
        waited(lambda: name in self.registered(), f"the task manager has not registered ({name}.log)", manager)

    def replace_dead(self) -> None:
        """Start a task manager for each that is gone."""
        while sum(m.poll() is None for m in self.managers) < TASK_MANAGERS:
            self.start_manager()

    def registered(self) -> list[str]:
        """List the task managers that the job manager knows."""
        return [manager["id"] for manager in self.ask("/taskmanagers")["taskmanagers"]]

    def kill_manager(self) -> None:
        """Kill the task manager whose worker has worked most."""
        alive = [m for m in self.managers if m.poll() is None]
        victim = max(alive, key=lambda m: max((used(worker) for worker in children(m.pid)), default=0.0))
        victim.kill()
        victim.wait()


def waited(what: Callable[[], bool], complaint: str, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until something holds, while a process lives."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and (process is None or process.poll() is None):
        try:
            if what():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise TimeoutError(complaint)


def _java(
    folder: Path, name: str, main: str, *words: str, environment: Mapping[str, str] = os.environ
) -> subprocess.Popen[bytes]:
    opened = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in _OPENED]
    opened.append("--add-exports=java.base/sun.net.util=ALL-UNNAMED")
    command = ["java", "-Xmx512m", "-XX:+UseSerialGC", *opened, f"-Djava.io.tmpdir={folder}",
               "-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
               "-cp", f"{LIB.resolve()}/*", main, *words]  # fmt: skip
    with (folder / f"{name}.log").open("ab") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


def _worker_command(folder: Path) -> str:
    """Write what a task manager calls to start a worker; gives the configuration of Beam that names it."""
    command = folder / "worker"
    command.write_text(f'#!/bin/sh\ncd "{Path.cwd()}" && exec "{sys.executable}" -m tests.engines.sdk_worker "$@"\n')
    command.chmod(0o755)
    return json.dumps({"command": str(command)})


def _ended(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.kill()
        process.wait()


@contextmanager
def cluster(folder: Path, environment: Mapping[str, str] = os.environ) -> Iterator[Cluster]:
    """Start a cluster, with its logs, checkpoints and scratch files in `folder`."""
    if not any(LIB.glob("beam-runners-flink-*.jar")):
        raise FileNotFoundError(
            f"{LIB} has no jar of Beam's Flink runner: make flink fetches it; or name a folder in FLINK_LIB"
        )
    if shutil.which("java") is None:
        raise FileNotFoundError("no java found; Flink needs 17")
    rpc, rest, jobs, artifacts = (free_port() for _ in range(4))
    (folder / "flink-conf.yaml").write_text(
        _CONFIG.format(rpc=rpc, rest=rest, checkpoints=(folder / "checkpoints").as_uri(), scratch=folder)
    )
    options = (
        "--runner", "PortableRunner", "--job_endpoint", f"localhost:{jobs}",
        "--environment_type", "PROCESS", "--environment_config", _worker_command(folder),
        "--parallelism", str(TASK_MANAGERS), "--environment_cache_millis", "60000",
    )  # fmt: skip
    found = Cluster(folder, rest, environment, options)
    manager = _java(folder, "job-manager", _JOB_MANAGER, "--configDir", str(folder))
    services = [manager]
    try:
        waited(lambda: found.registered() == [], "the job manager does not answer (job-manager.log)", manager)
        services.append(_java(
            folder, "job-server", _JOB_SERVER, f"--flink-master=localhost:{rest}", f"--flink-conf-dir={folder}",
            f"--job-port={jobs}", f"--artifact-port={artifacts}", "--expansion-port=0",
            f"--artifacts-dir={folder / 'staged'}",
        ))  # fmt: skip
        found.replace_dead()
        with grpc.insecure_channel(f"localhost:{jobs}") as channel:
            grpc.channel_ready_future(channel).result(timeout=START_SECONDS)
        yield found
    finally:
        for worker in found.workers():
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        _ended([*found.managers, *reversed(services)])
