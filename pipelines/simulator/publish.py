"""Publishes a simulated export to a Pub/Sub topic, as the platform sends its events: repeats, broken ones and all."""

from __future__ import annotations

import gzip
import json
import os
import random
import time
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

_BATCH, _BATCH_BYTES = 400, 4 << 20


class _Line(msgspec.Struct):
    eventName: str
    created: str
    payload: msgspec.Raw
    id: str = ""
    pickJobRef: str | None = None


_line = msgspec.json.Decoder(_Line)
_encode = msgspec.json.Encoder().encode


def lines_of(export: Path) -> Iterator[bytes]:
    """Give the lines of an export, those of cut files as far as they go."""
    for file in sorted(export.rglob("*.ndjson*")):
        data = file.read_bytes()
        if file.suffix == ".gz" and data:
            try:
                data = gzip.decompress(data)
            except (EOFError, OSError, zlib.error):
                continue  # a cut file repeats what another file has
        yield from (text for text in data.splitlines() if text.strip())


def message_of(line: bytes) -> tuple[float, bytes]:
    """Give the recorded time (seconds since the epoch) and the message of a line; a broken line stays as it is."""
    try:
        found = _line.decode(line)
        at = datetime.fromisoformat(found.created).timestamp()
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return 0.0, line
    payload = bytes(found.payload)
    try:
        inner = json.loads(payload)
    except ValueError:
        return at, line
    if isinstance(inner, dict) and "payload" in inner and ("event" in inner or "eventId" in inner):
        return at, payload
    body = {"event": found.eventName, "eventId": found.id, "payload": found.payload}
    if found.pickJobRef:
        body["pickJobRef"] = found.pickJobRef
    return at, _encode(body)


def messages(export: Path, shuffle: int | None = None) -> list[tuple[float, bytes]]:
    """Give `(seconds after the first, body)` of an export in order of recorded time; shuffled with a seed."""
    found = [message_of(line) for line in lines_of(export)]
    first = min((at for at, _ in found if at), default=0.0)
    placed = sorted(((max(at - first, 0.0), body) for at, body in found), key=lambda m: m[0])
    if shuffle is not None:
        bodies = [body for _, body in placed]
        random.Random(shuffle).shuffle(bodies)
        placed = [(at, body) for (at, _), body in zip(placed, bodies, strict=True)]
    return placed


def publish(topic: str, placed: Iterable[tuple[float, bytes]], speed: float | None, tell: Any = None) -> int:
    """Publish messages; gives their number.

    Args:
        topic: `projects/P/topics/T`.
        placed: `(seconds, body)` in order.
        speed: how many times faster than recorded; None for as fast as it goes.
        tell: called with the number so far, after every batch.
    """
    client = _publisher()
    began = time.monotonic()
    count = size = 0
    batch: list[bytes] = []

    def send() -> None:
        nonlocal batch, size, count
        if batch:
            client.publish(topic=topic, messages=[{"data": body} for body in batch])
            count += len(batch)
            if tell is not None:
                tell(count)
        batch, size = [], 0

    for at, body in placed:
        if speed is not None:
            wait = began + at / speed - time.monotonic()
            if wait > 0.05:
                send()
                time.sleep(max(0.0, began + at / speed - time.monotonic()))
        if len(batch) >= _BATCH or size + len(body) > _BATCH_BYTES:
            send()
        batch.append(body)
        size += len(body)
    send()
    return count


def _publisher() -> Any:
    from google.pubsub_v1 import PublisherClient

    host = os.environ.get("PUBSUB_EMULATOR_HOST")
    if not host:
        return PublisherClient()
    import grpc  # type: ignore[import-untyped]
    from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

    return PublisherClient(transport=PublisherGrpcTransport(channel=grpc.insecure_channel(host)))
