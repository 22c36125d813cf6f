"""What the tests of `flowfacts land` share: the command as a process, messages for it, and what it has landed."""

from __future__ import annotations

import collections
import contextlib
import json
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from google.pubsub_v1.types import PubsubMessage

from pipelines.cli import main
from pipelines.exports import LineReader, discover, mark_repeats
from tests.emulators.pubsub import Emulator
from transforms.clock import parse_time
from transforms.decode import public_name

ROOT = Path(__file__).resolve().parents[1]
DAY = "2026-06-17"


class Landing:
    """A running `flowfacts land`, and what it has told."""

    def __init__(self, emulator: Emulator, subscription: str, to: Path | str, *options: str, **more: Any) -> None:
        self.told: list[dict[str, Any]] = []
        command = [
            sys.executable, "-W", "error", "-m", "pipelines.cli", "land", "--subscription", subscription,
            "--to", str(to), "--json", "--status-every", "0.2", *options,
        ]  # fmt: skip
        if "limit" in more:  # in blocks of 512 bytes, the largest file that the process may write
            command = ["sh", "-c", f'ulimit -f {more["limit"]}; exec "$0" "$@"', *command]
        environment = emulator.environment() | more.get("environment", {})
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def wait_for(self, wanted: Any) -> dict[str, Any]:
        """Read what it tells until something fits."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told.append(json.loads(line))
            if wanted(self.told[-1]):
                return self.told[-1]
        raise AssertionError(f"it has ended without it: {self.told[-3:]}, {self.end(signal.SIGCONT)}")

    def end(self, number: int | None = None, timeout: float = 30) -> tuple[int, str]:
        """Wait for the end, after a signal if one is given; gives the exit code and standard error."""
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=timeout)
        self.told += [json.loads(line) for line in out.splitlines()]
        return self.process.returncode, err

    @property
    def last(self) -> dict[str, Any]:
        return [t for t in self.told if t["event"] in ("status", "stopped")][-1]

    @property
    def files(self) -> list[dict[str, Any]]:
        return [t for t in self.told if t["event"] == "file"]


def export_lines(folder: Path) -> list[dict[str, Any]]:
    """Read the events of an export in the order of their recorded times; broken lines and cut files are no traffic."""
    found = []
    for file in mark_repeats(discover(str(folder))):
        reader = LineReader(file)
        lines = [line for _, chunk in reader for line in chunk] if file.repeat_of is None else []
        if lines and reader.report.complete:
            for line in lines:
                with contextlib.suppress(ValueError):
                    value = json.loads(line)
                    if isinstance(value, dict) and {"id", "eventName", "payload", "created"} <= value.keys():
                        found.append(value)
    return sorted((x for x in found if parse_time(x["created"]) is not None), key=lambda x: parse_time(x["created"]))


def as_message(line: dict[str, Any], indent: int | None = None) -> PubsubMessage:
    """Turn an export line into the message that the platform sends for it."""
    payload, event_id, ref = line["payload"], line["id"], line.get("pickJobRef")
    if isinstance(payload, dict) and "payload" in payload and ("event" in payload or "eventId" in payload):
        event_id, ref = payload.get("eventId") or event_id, payload.get("pickJobRef", ref)
        payload = payload["payload"]
    body = {"event": public_name(line["eventName"]), "eventId": event_id, "payload": payload}
    if ref is not None:
        body["pickJobRef"] = ref
    micros = parse_time(line["created"])
    at = Timestamp(seconds=micros // 1_000_000, nanos=micros % 1_000_000 * 1000)
    return PubsubMessage(data=json.dumps(body, indent=indent).encode(), publish_time=at)


def landed_lines(folder: Path) -> list[bytes]:
    lines = []
    for file in discover(str(folder)):
        reader = LineReader(file)
        lines += [line for _, chunk in reader for line in chunk]
        assert reader.report.complete
    return lines


def message_ids(folder: Path) -> collections.Counter[str]:
    return collections.Counter(
        json.JSONDecoder().raw_decode(line.decode(errors="replace"))[0]["messageId"] for line in landed_lines(folder)
    )


def hidden(folder: Path) -> list[Path]:
    return [p for p in folder.rglob(".*") if p.is_file()]


def events(count: int, size: int = 100) -> list[PubsubMessage]:
    """Make messages of as many orders."""
    return [
        PubsubMessage(
            data=json.dumps(
                {
                    "event": "ORDER_CREATED",
                    "eventId": f"e{i}",
                    "payload": {
                        "id": f"o{i}", "processId": f"p{i}", "version": 1, "created": "2026-06-17T08:00:00Z",
                        "filling": random.Random(i).randbytes(size // 2).hex(),
                    },
                }
            ).encode(),
            publish_time=Timestamp(seconds=1_781_683_204, nanos=i),
        )
        for i in range(count)
    ]  # fmt: skip


def batch(source: Path, output: Path, *options: str) -> int:
    return main(["batch", "--input", str(source), "--output", str(output), "--quiet", "--buckets", "2", *options])


def shuffled(messages: list[PubsubMessage]) -> list[PubsubMessage]:
    """Disorder them as a topic does."""
    found = list(messages)
    random.Random(1).shuffle(found)
    return found
