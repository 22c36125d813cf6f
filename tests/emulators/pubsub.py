"""Starts a Pub/Sub emulator as a process of its own: Google's, where there is one, and the project's small server.

Google's is a jar that comes with the Google Cloud CLI (component or package `pubsub-emulator`) and needs java. It is
looked for in PUBSUB_EMULATOR_JAR, beside `gcloud`, and where that is usually installed.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.api_core import exceptions
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from google.pubsub_v1.types import PubsubMessage

GOOGLE, OWN = "google", "own"
PROJECT = "projects/test-project"

_SERVER = Path(__file__).with_name("pubsub_server.py")
_SDKS = (
    "/usr/lib/google-cloud-sdk", "/usr/share/google-cloud-sdk", "/opt/google-cloud-sdk", "/usr/local/google-cloud-sdk",
    "/opt/homebrew/share/google-cloud-sdk", "/usr/local/share/google-cloud-sdk", "/snap/google-cloud-cli/current",
    "~/google-cloud-sdk",
)  # fmt: skip
_START_SECONDS = 60
_BATCH, _BATCH_BYTES = 500, 4 << 20
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_metadata_size", 4 << 20)]


def google_jar() -> Path | None:
    """Find Google's emulator; None without it or without java."""
    if shutil.which("java") is None:
        return None
    named = os.environ.get("PUBSUB_EMULATOR_JAR")
    if named:
        if not Path(named).is_file():
            raise FileNotFoundError(f"PUBSUB_EMULATOR_JAR is {named}, where there is no file")
        return Path(named)
    gcloud = shutil.which("gcloud")
    beside = [Path(gcloud).resolve().parent.parent] if gcloud else []
    for sdk in (*beside, *(Path(s).expanduser() for s in _SDKS)):
        found = sorted((sdk / "platform" / "pubsub-emulator" / "lib").glob("cloud-pubsub-emulator-*-all.jar"))
        if found:
            return found[-1]
    return None


def kinds() -> list[str]:
    """List the emulators that there are."""
    return [OWN, GOOGLE] if google_jar() else [OWN]


@dataclass
class Emulator:
    """A running emulator, and clients to look at it with.

    Attributes:
        kind: which one it is.
        host: what PUBSUB_EMULATOR_HOST must be.
    """

    kind: str
    host: str
    process: subprocess.Popen[bytes]
    publisher: Any
    subscriber: Any
    _number: int = 0

    def environment(self) -> dict[str, str]:
        """Give the environment of a process that is to use it."""
        return {**os.environ, "PUBSUB_EMULATOR_HOST": self.host}

    def create(self, **settings: Any) -> tuple[str, str]:
        """Make a new topic and a subscription to it."""
        self._number += 1
        topic, subscription = f"{PROJECT}/topics/t-{self._number}", f"{PROJECT}/subscriptions/s-{self._number}"
        self.publisher.create_topic(request={"name": topic})
        self.subscriber.create_subscription(
            request={"name": subscription, "topic": topic, "ack_deadline_seconds": 10, **settings}
        )
        return topic, subscription

    def publish(self, topic: str, messages: Sequence[PubsubMessage | bytes]) -> list[str]:
        """Publish messages, or bodies, in batches; gives their ids."""
        ids: list[str] = []
        batch: list[PubsubMessage] = []
        size = 0
        for message in (PubsubMessage(data=m) if isinstance(m, bytes) else m for m in messages):
            if batch and (len(batch) >= _BATCH or size > _BATCH_BYTES):
                ids += self.publisher.publish(topic=topic, messages=batch).message_ids
                batch, size = [], 0
            batch.append(message)
            size += len(message.data)
        if batch:
            ids += self.publisher.publish(topic=topic, messages=batch).message_ids
        return ids

    def pull(self, subscription: str, wait: float = 2.0) -> list[Any]:
        """Pull what there is, up to 1,000 messages."""
        try:
            return list(
                self.subscriber.pull(
                    subscription=subscription, max_messages=1000, timeout=wait, retry=None
                ).received_messages
            )
        except exceptions.DeadlineExceeded:
            return []

    def expire_leases(self) -> None:
        """End all leases at once (own server only)."""
        assert self.kind == OWN, "only the own server can do that"
        time.sleep(0.15)  # so that it knows of callers that were killed, and leases nothing to them
        self.process.send_signal(signal.SIGUSR1)
        time.sleep(0.15)


@contextmanager
def running(kind: str, folder: Path, *options: str) -> Iterator[Emulator]:
    """Start an emulator with its log in `folder`; `options` are for the own server."""
    if kind == GOOGLE:
        jar = google_jar()
        assert jar is not None, "there is no emulator of Google here"
        port = free_port()
        command = ["java", "-Xmx512m", "-jar", str(jar), "--host=127.0.0.1", f"--port={port}", *options]
    else:
        port = free_port()
        command = [sys.executable, str(_SERVER), "--port", str(port), *options]
    # To a file: a pipe that nobody reads would stop it when it is full.
    with (folder / f"{kind}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    host = f"127.0.0.1:{port}"
    channel = grpc.insecure_channel(host, options=_UNLIMITED)
    try:
        _wait_for(channel, process, folder / f"{kind}.log")
        yield Emulator(
            kind, host, process,
            PublisherClient(transport=PublisherGrpcTransport(channel=channel)),
            SubscriberClient(transport=SubscriberGrpcTransport(channel=channel)),
        )  # fmt: skip
    finally:
        channel.close()
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(channel: Any, process: subprocess.Popen[bytes], log: Path) -> None:
    ready = grpc.channel_ready_future(channel)
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        try:
            ready.result(timeout=0.2)
            return
        except grpc.FutureTimeoutError:
            if process.poll() is not None:
                break
    raise RuntimeError(f"the emulator does not answer: {log.read_text(errors='replace')[-2000:]}")
