"""What the stream costs on each engine that is here: events a second, and a second of one core of all its processes.

python -m tests.bench.engines [--orders 400] [--engines local prism flink]

All messages of a simulated day lie in the project's Pub/Sub server before the job starts; what is measured is from the
first event in the event log to the last, by the rows of the published parts. The processor time is that of the command,
its workers, and the engine's own processes. `make engines` and `make flink` fetch the engines; one that is not here is
told and left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.cli import main as flowfacts
from pipelines.live.reader import logged_parts
from pipelines.simulator.publish import messages
from tests.emulators.pubsub import OWN, Emulator, running
from tests.engines.flink import cluster
from tests.engines.jobs import children, used
from tests.engines.prism import serving

STILL = 20.0
"""Seconds without a new event after which all have come."""


@contextmanager
def _engine(name: str, folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    folder.mkdir()
    if name == "prism":
        with serving(folder, environment) as service:
            yield service.options
    elif name == "flink":
        with cluster(folder, environment) as found:
            yield found.options
    else:
        yield ()


def _family(process: int) -> list[int]:
    """List the processes below one."""
    found = children(process)
    return [*found, *(below for child in found for below in _family(child))]


class _Cores:
    """Processor time of the processes that were started since it was made, also of those that have ended meanwhile."""

    def __init__(self, root: int) -> None:
        self.root, self.others, self.seen = root, set(_family(root)), dict[int, float]()

    def seconds(self) -> float:
        for process in set(_family(self.root)) - self.others:
            self.seen[process] = max(self.seen.get(process, 0.0), used(process))
        return sum(self.seen.values())


def rate(name: str, emulator: Emulator, bodies: Sequence[bytes], folder: Path, root: int) -> dict[str, Any]:
    """Give the rate at which an engine takes in what lies there."""
    topic, subscription = emulator.create(ack_deadline_seconds=600)
    emulator.publish(topic, bodies)
    cores, live = _Cores(root), folder / "live"
    with _engine(name, folder, emulator.environment()) as options:
        words = ["--subscription", subscription, "--output", str(live), "--quiet", "--publish-seconds", "1", *options]
        job = subprocess.Popen([sys.executable, "-m", "pipelines.cli", "stream", *words], env=emulator.environment())
        try:
            first = last = (time.monotonic(), 0.0, 0)
            while not last[2] or time.monotonic() - last[0] < STILL:
                if job.poll() is not None:
                    raise RuntimeError(f"{name}: the job ended with {job.returncode}")
                time.sleep(0.25)
                rows, spent = sum(p.rows for p in logged_parts(str(live))), cores.seconds()
                if rows > last[2]:
                    last = (time.monotonic(), spent, rows)
                    first = first if first[2] else last
        finally:
            job.kill()
            job.wait()
    seconds, spent, events = (b - a for a, b in zip(first, last, strict=True))
    return {
        "engine": name, "events": last[2], "measured": events, "seconds": round(seconds, 1),
        "cpu_seconds": round(spent, 1), "events_per_second": round(events / seconds),
        "events_per_core_second": round(events / spent),
    }  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run the measurements and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=400)
    parser.add_argument(
        "--engines", nargs="+", default=["local", "prism", "flink"], choices=("local", "prism", "flink")
    )
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        tenant = [
            "--output",
            str(folder / "tenant"),
            "--days",
            "1",
            "--orders-per-day",
            str(args.orders),
            "--seed",
            "5",
        ]
        assert flowfacts(["simulate", *tenant, "--workers", "1", "--json"]) == 0
        bodies = [body for _, body in messages(folder / "tenant" / "export")]
        (folder / "pubsub").mkdir()
        with running(OWN, folder / "pubsub") as emulator:
            for name in args.engines:
                try:
                    print(json.dumps(rate(name, emulator, bodies, folder / name, os.getpid())), flush=True)
                except FileNotFoundError as err:
                    print(f"{name} is left out: {err}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
