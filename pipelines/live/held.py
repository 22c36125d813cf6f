"""Messages that a reader on an engine has pulled: leased until they may be acknowledged.

A message may be acknowledged when the engine would not lose it any more, in two senses:

* its bundle is committed. Beam calls a bundle's finalizer then, but Flink calls it for every bundle that has ended when
  a checkpoint *completes*, also for those that ended after the checkpoint had been *taken* and are not in it. So a
  bundle counts as committed when the finalizer of another bundle of the same reader fires that began after its own had
  fired: that is a later checkpoint, which has both. (Checkpoints must not overlap, which is Flink's default.)
* its events are in the event log (`pipelines.live.receipts`). What an engine without durable state (Prism) has
  committed is gone when it is killed; the log is what a new job begins from.

A message whose worker has died is acknowledged by nobody and delivered again when its lease ends, which changes no
fact.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from google.api_core import exceptions

PULL_MESSAGES = 500
PULL_SECONDS = 1.0
LEASE_SECONDS = 60
MOST_HELD = 20_000
KEEP_SECONDS = 600.0
"""A message that is neither committed nor durable after so long is no longer leased: its bundle may be lost."""

_CALL = 500
_NOTHING = (exceptions.DeadlineExceeded, exceptions.ServiceUnavailable, exceptions.Aborted)
_log = logging.getLogger(__name__)


class Durable(Protocol):
    """Tells which messages have become durable."""

    def new(self) -> Iterable[str]:
        """Give the ids since the last call."""


@dataclass(slots=True)
class _Message:
    ack_id: str
    pulled_at: float
    leased_at: float
    committed: bool = False
    durable: bool = False


class Held:
    """What one reader has pulled and not acknowledged. Used by bundles, finalizers, and a thread that tends it."""

    def __init__(self, client: Any, subscription: str, durable: Durable, lease: int = LEASE_SECONDS) -> None:
        """Read a subscription; `durable` tells what is in the event log."""
        self._client, self._subscription, self._durable, self._lease = client, subscription, durable, lease
        self._lock = threading.Lock()
        self._messages: dict[str, _Message] = {}
        self._commits = 0
        self._once: deque[tuple[int, Sequence[str]]] = deque()

    def __len__(self) -> int:
        """Count the messages."""
        return len(self._messages)

    def pull(self) -> list[Any]:
        """Pull messages and lease them; none when too many are held or nothing comes."""
        if len(self._messages) >= MOST_HELD:
            return []
        try:
            answer = self._client.pull(
                subscription=self._subscription, max_messages=PULL_MESSAGES, timeout=PULL_SECONDS, retry=None
            )
        except _NOTHING:
            return []
        received = list(answer.received_messages)
        now = time.monotonic()
        with self._lock:
            self._messages.update((r.message.message_id, _Message(r.ack_id, now, now)) for r in received)
        self._extend([r.ack_id for r in received])
        return [r.message for r in received]

    def committing(self, message_ids: Sequence[str]) -> Callable[[], None]:
        """Give the finalizer of the bundle that emits these messages."""
        began = self._commits

        def finalized() -> None:
            with self._lock:
                self._commits += 1
                self._once.append((self._commits, message_ids))
                while self._once and self._once[0][0] <= began:
                    for message_id in self._once.popleft()[1]:
                        if message_id in self._messages:
                            self._messages[message_id].committed = True

        return finalized

    def tend(self) -> None:
        """Acknowledge what may be, and extend the leases that are half over."""
        now = time.monotonic()
        durable = set(self._durable.new()) if self._messages else set()
        with self._lock:
            for message_id in durable & self._messages.keys():
                self._messages[message_id].durable = True
            done = {i: m for i, m in self._messages.items() if m.committed and m.durable}
            lost = [i for i, m in self._messages.items() if now - m.pulled_at > KEEP_SECONDS and i not in done]
            for message_id in (*done, *lost):
                del self._messages[message_id]
            old = [m for m in self._messages.values() if now - m.leased_at > self._lease / 2]
            for message in old:
                message.leased_at = now
        if lost:
            _log.warning("%d messages were not committed in %g s; they are delivered again", len(lost), KEEP_SECONDS)
        for ack_ids in _chunks([m.ack_id for m in done.values()]):
            self._client.acknowledge(subscription=self._subscription, ack_ids=ack_ids)
        self._extend([m.ack_id for m in old])

    def _extend(self, ack_ids: list[str]) -> None:
        for chunk in _chunks(ack_ids):
            self._client.modify_ack_deadline(
                subscription=self._subscription, ack_ids=chunk, ack_deadline_seconds=self._lease
            )


def _chunks(ack_ids: list[str]) -> Iterable[list[str]]:
    return (ack_ids[start : start + _CALL] for start in range(0, len(ack_ids), _CALL))
