"""Pub/Sub for Beam's local runner: nothing is acknowledged before its events are in the event log.

The local runner's own reader pulls ten messages at a time, waits half a minute for them and acknowledges at once, so
that a killed process loses what it had pulled. `Reader` takes its place: it pulls more at a time without a long wait,
extends the leases, and acknowledges a message when the sink has published its event, which is what a restart begins
from. A message that was never acknowledged is delivered again; delivered twice, it changes no fact.

This works because everything runs in one process. Other runners have readers of their own that acknowledge after a
commit, and none of this is used there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

from apache_beam.io.gcp.pubsub import PubsubMessage
from apache_beam.runners.direct import transform_evaluator
from apache_beam.utils.timestamp import Timestamp
from google.api_core import exceptions

PULL_MESSAGES = 500
PULL_SECONDS = 1.0
LEASE_SECONDS = 120
_CALL = 500
_MOST_UNACKED = 20_000


class Reader:
    """The messages that were pulled and are not yet durable. Used by the runner's thread and by the main thread.

    Attributes:
        asked: whether the subscription was asked at all; before that nobody can say that nothing comes.
    """

    def __init__(self, client: Any, subscription: str) -> None:
        """Read a subscription."""
        self._client, self._subscription = client, subscription
        self._lock = threading.Lock()
        self._leased: dict[str, tuple[str, float]] = {}
        self._stopped = False
        self.asked = False

    def stop(self) -> None:
        """Pull no more."""
        self._stopped = True

    @property
    def unacknowledged(self) -> int:
        """Number of messages that were pulled and are not durable."""
        return len(self._leased)

    def pull(self) -> list[tuple[Any, Any]]:
        """Give new messages with their publish times."""
        if self._stopped or len(self._leased) >= _MOST_UNACKED:
            time.sleep(0.02)  # the runner asks again at once
            return []
        try:
            answer = self._client.pull(
                subscription=self._subscription, max_messages=PULL_MESSAGES, timeout=PULL_SECONDS, retry=None
            )
        except (exceptions.DeadlineExceeded, exceptions.ServiceUnavailable, exceptions.Aborted):
            return []
        finally:
            self.asked = True
        received = answer.received_messages
        if received:
            self._extend([r.ack_id for r in received])
        now = time.monotonic()
        with self._lock:
            self._leased.update((r.message.message_id, (r.ack_id, now)) for r in received)
        return [
            (Timestamp.from_utc_datetime(r.message.publish_time), PubsubMessage._from_message(r.message))
            for r in received
        ]

    def durable(self, message_ids: Iterable[str]) -> None:
        """Acknowledge messages whose events are in the log."""
        with self._lock:
            found = [self._leased.pop(m)[0] for m in message_ids if m in self._leased]
        for start in range(0, len(found), _CALL):
            self._client.acknowledge(subscription=self._subscription, ack_ids=found[start : start + _CALL])

    def keep(self) -> None:
        """Extend the leases that are half over; called every few seconds."""
        now = time.monotonic()
        with self._lock:
            old = {m: a for m, (a, since) in self._leased.items() if now - since > LEASE_SECONDS / 2}
            self._leased.update((m, (a, now)) for m, a in old.items())
        self._extend(list(old.values()))

    def _extend(self, ack_ids: list[str]) -> None:
        for start in range(0, len(ack_ids), _CALL):
            self._client.modify_ack_deadline(
                subscription=self._subscription,
                ack_ids=ack_ids[start : start + _CALL],
                ack_deadline_seconds=LEASE_SECONDS,
            )


_reader: Reader | None = None


def install(reader: Reader | None) -> None:
    """Let the local runner of this process read with `reader`; None for its own way."""
    global _reader
    _reader = reader
    transform_evaluator._PubSubReadEvaluator._read_from_pubsub = _read if reader is not None else _original


def durable(message_ids: Iterable[str]) -> None:
    """Tell the reader of this process, if there is one, that messages are durable."""
    if _reader is not None:
        _reader.durable(message_ids)


def _read(evaluator: Any, timestamp_attribute: str | None) -> list[tuple[Any, Any]]:
    assert _reader is not None
    return _reader.pull()


_original = transform_evaluator._PubSubReadEvaluator._read_from_pubsub
