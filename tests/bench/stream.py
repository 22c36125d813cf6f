"""What the stream costs on the local runner: events a second, from publishing to a readable fact, bytes of state.

python -m tests.bench.stream [--orders 300] [--flush-seconds 2 5]

A simulated day goes over gRPC through the project's Pub/Sub server into `flowfacts stream` as a process. Throughput:
all messages lie there before the job starts. Latency: messages are published one by one at a steady pace; a fact is
readable when a manifest names the part with its revision, which is looked at every 50 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.cli import main as flowfacts
from pipelines.live.store import live_parts
from pipelines.simulator.publish import messages
from pipelines.state import read_table
from tests.emulators.pubsub import OWN, Emulator, running

PACE = 20.0
"""Messages a second of the latency run: far below what the runner takes, so that nothing queues."""


@contextmanager
def _job(emulator: Emulator, subscription: str, live: Path, flush: float) -> Iterator[Any]:
    words = [
        sys.executable, "-m", "pipelines.cli", "stream", "--subscription", subscription, "--output", str(live),
        "--json", "--flush-seconds", str(flush), "--patience-seconds", "1", "--publish-seconds", "1",
        "--status-every", "0.5",
    ]  # fmt: skip
    process = subprocess.Popen(words, env=emulator.environment(), stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def throughput(emulator: Emulator, bodies: Sequence[bytes], live: Path) -> dict[str, Any]:
    """Give the rate at which everything that lies there is taken in, and the state of the open flows."""
    topic, subscription = emulator.create(ack_deadline_seconds=600)
    emulator.publish(topic, bodies)
    with _job(emulator, subscription, live, 30.0) as process:
        first: tuple[float, float, int] | None = None
        for counts in map(json.loads, process.stdout):
            met = counts.get("messages_accepted", 0) + counts.get("dead_letters", 0)
            now = (time.monotonic(), _cpu_seconds(process.pid), met)
            if first is None and met:
                first = now
            if met == len(bodies) and counts.get("revisions", 0) >= counts["open_flows"] > 0:
                break
        assert first is not None
        seconds, cpu = now[0] - first[0], now[1] - first[1]
    size = counts["state_bytes"]
    return {
        "messages": len(bodies), "messages_per_second": round((met - first[2]) / seconds),
        "messages_per_core_second": round((met - first[2]) / cpu), "open_flows": counts["open_flows"],
        "state_bytes_mean": size["mean"], "state_bytes_max": size["max"],
    }  # fmt: skip


def latency(emulator: Emulator, bodies: Sequence[bytes], live: Path, flush: float) -> dict[str, Any]:
    """Give the times from publishing a message to the first readable revision of its flow after that."""
    topic, subscription = emulator.create(ack_deadline_seconds=600)
    sent: dict[str, float] = {}
    seen: dict[str, float] = {}
    stop = threading.Event()

    def watch() -> None:
        known: set[str] = set()
        while not stop.wait(0.05):
            for part in live_parts(str(live)).get("flow_event", ()):
                if part.path not in known:
                    known.add(part.path)
                    now = time.time()
                    for event in read_table(str(live), part, ["event_id"]).column(0).to_pylist():
                        seen.setdefault(event, now)

    with _job(emulator, subscription, live, flush) as process:
        assert next(iter(process.stdout))  # it runs
        watcher = threading.Thread(target=watch)
        watcher.start()
        for body in bodies:
            try:
                key = json.loads(body)["eventId"]
            except (ValueError, KeyError, TypeError):
                continue
            emulator.publish(topic, [body])
            sent.setdefault(key, time.time())
            time.sleep(1 / PACE)
        until = time.monotonic() + 120  # duplicates and dead letters are never seen
        while len(seen) < 0.95 * len(sent) and time.monotonic() < until:
            time.sleep(0.2)
        stop.set()
        watcher.join()
        process.send_signal(signal.SIGTERM)
    took = sorted(seen[k] - at for k, at in sent.items() if k in seen)
    cut = statistics.quantiles(took, n=100)
    return {"flush_seconds": flush, "messages": len(took), "p50": round(cut[49], 2), "p99": round(cut[98], 2)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the measurements and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=150)
    parser.add_argument("--flush-seconds", type=float, nargs="+", default=[2.0, 5.0])
    parser.add_argument("--events", type=int, default=400, help="messages of each latency run")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder, running(OWN, Path(folder)) as emulator:
        tenant = ["--output", f"{folder}/tenant", "--days", "1", "--orders-per-day", str(args.orders), "--seed", "5"]
        assert flowfacts(["simulate", *tenant, "--workers", "1", "--json"]) == 0
        bodies = [body for _, body in messages(Path(folder) / "tenant" / "export")]
        print(json.dumps(throughput(emulator, bodies, Path(folder) / "rate")), flush=True)
        for n, flush in enumerate(args.flush_seconds):
            print(json.dumps(latency(emulator, bodies[: args.events], Path(folder) / f"late{n}", flush)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
