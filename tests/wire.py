"""What the tests of the stream as a process share: a topic, the job, and the batch job over the same messages."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.cli import main
from pipelines.simulator.publish import messages
from tests.emulators.pubsub import PROJECT, Emulator

AS_OF = "2026-06-02T00:00:00Z"
FAST = ("--flush-seconds", "0.5", "--patience-seconds", "0.5", "--publish-seconds", "0.5", "--status-every", "0.2")
PATIENCE = 120


@dataclass
class Wire:
    """A topic with a subscription for the stream and one for the landed files that the batch job reads."""

    emulator: Emulator
    folder: Path
    topic: str
    subscription: str
    landing: str
    as_of: str = AS_OF

    @property
    def live(self) -> Path:
        return self.folder / "live"

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "pipelines.cli", *words]

    def publish(self, bodies: list[bytes]) -> None:
        self.emulator.publish(self.topic, bodies)

    @contextmanager
    def streaming(self, *options: str) -> Iterator[subprocess.Popen[str]]:
        command = self.command(
            "stream", "--subscription", self.subscription, "--output", str(self.live), "--as-of", self.as_of,
            "--json",
            *FAST, *options,
        )  # fmt: skip
        process = subprocess.Popen(
            command, env=self.emulator.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def stream(self, *options: str) -> dict[str, Any]:
        """Run the job until it is idle; gives its last counts."""
        with self.streaming("--idle-exit", "1.5", *options) as process:
            out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
        return json.loads(out.splitlines()[-1])

    def batch(self) -> Path:
        """Land what was published and compute its facts at once."""
        landed = subprocess.run(
            self.command("land", "--subscription", self.landing, "--to", str(self.folder / "landed"), "--idle-exit",
                         "1.5", "--quiet"),
            env=self.emulator.environment(), capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert landed.returncode == 0, landed.stderr
        out = self.folder / "batch"
        words = ["--input", str(self.folder / "landed"), "--output", str(out), "--as-of", self.as_of]
        assert main(["batch", *words, "--quiet", "--workers", "1"]) == 0
        return out


def wired(emulator: Emulator, tmp_path: Path, **settings: Any) -> Wire:
    topic, subscription = emulator.create(**settings)
    landing = f"{PROJECT}/subscriptions/{subscription.rsplit('/', 1)[-1]}-landing"
    emulator.subscriber.create_subscription(
        request={"name": landing, "topic": topic, "ack_deadline_seconds": 600},
    )
    return Wire(emulator, tmp_path, topic, subscription, landing)


def heavy_day(folder: Path) -> Path:
    """Simulate a small day of heavy faults; gives its export."""
    words = ["--output", str(folder), "--days", "1", "--orders-per-day", "60", "--seed", "3", "--faults", "heavy"]
    assert main(["simulate", *words, "--workers", "1"]) == 0
    return folder / "export"


def bodies(export: Path, shuffle: int | None = None) -> list[bytes]:
    return [body for _, body in messages(export, shuffle)]
