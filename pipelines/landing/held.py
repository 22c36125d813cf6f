"""What has been received and is not yet acknowledged: its leases, and how much more may come."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

FIRST_LEASE: Final = 10.0
"""Seconds that a message is surely ours after it came: the shortest deadline that a subscription can have."""


@dataclass(slots=True)
class _Lease:
    """A message that is ours for a while: its size, when it came, and until when it is leased."""

    size: int
    since: float
    until: float


class Held:
    """Unacknowledged messages; thread-safe. Times are those of `time.monotonic`.

    The limits are kept by asking for room before a pull: messages exactly, bytes up to what the pulls under way bring.
    """

    def __init__(self, max_messages: int, max_bytes: float) -> None:
        """Hold at most so much."""
        self._max_messages, self._max_bytes = max_messages, max_bytes
        self._change = threading.Condition()
        self._leases: dict[str, _Lease] = {}
        self._bytes = self._asked = 0

    def ask(self, count: int, wait: float) -> int:
        """Get room for at most `count` messages; 0 when there is none within `wait` seconds."""
        with self._change:
            self._change.wait_for(self._has_room, wait)
            if not self._has_room():
                return 0
            room = min(count, self._max_messages - len(self._leases) - self._asked)
            self._asked += room
            return room

    def _has_room(self) -> bool:
        return len(self._leases) + self._asked < self._max_messages and self._bytes < self._max_bytes

    def arrived(self, room: int, messages: Iterable[tuple[str, int]]) -> None:
        """Hold the messages `(ack id, size)` that a pull has brought, in exchange for the room it had."""
        now = time.monotonic()
        with self._change:
            self._asked -= room
            for ack_id, size in messages:
                self._leases[ack_id] = _Lease(size, now, now + FIRST_LEASE)
                self._bytes += size
            self._change.notify_all()

    def release(self, ack_ids: Iterable[str]) -> None:
        """Let go of messages."""
        with self._change:
            for ack_id in ack_ids:
                lease = self._leases.pop(ack_id, None)
                if lease is not None:
                    self._bytes -= lease.size
            self._change.notify_all()

    def due(self, before: float) -> list[str]:
        """List the messages whose lease ends before a time."""
        with self._change:
            return [ack_id for ack_id, lease in self._leases.items() if lease.until < before]

    def extended(self, ack_ids: Iterable[str], until: float) -> None:
        """Note that messages are leased until a time."""
        with self._change:
            for ack_id in ack_ids:
                lease = self._leases.get(ack_id)
                if lease is not None:
                    lease.until = until

    def still(self, ack_ids: Sequence[str]) -> list[str]:
        """Give those of the messages that are still held."""
        with self._change:
            return [ack_id for ack_id in ack_ids if ack_id in self._leases]

    def all(self) -> list[str]:
        """List everything that is held."""
        with self._change:
            return list(self._leases)

    def fullness(self) -> float:
        """Give how full it is, from 0 to 1 or a little more."""
        with self._change:
            return max(len(self._leases) / self._max_messages, self._bytes / self._max_bytes)

    def summary(self) -> tuple[int, int, float]:
        """Give how many messages and bytes are held, and the seconds since the oldest of them came."""
        with self._change:
            oldest = next(iter(self._leases.values()), None)
            return len(self._leases), self._bytes, time.monotonic() - oldest.since if oldest else 0.0
