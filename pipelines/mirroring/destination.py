"""What a destination offers, local or in a bucket."""

from __future__ import annotations

import threading
from collections.abc import Collection
from enum import Enum
from typing import Protocol

from pipelines.mirroring.errors import StoppedError
from pipelines.mirroring.objects import SourceObject


class Found(Enum):
    """How an object stands at the destination."""

    SAME = "there, as the ledger has it"
    DIGESTED = "there, by its checksum"
    OTHER = "there with other bytes"
    MISSING = "not there"


class Partial(Protocol):
    """A copy under way; everything but `close` raises DestinationError when the destination can't be written to."""

    @property
    def size(self) -> int:
        """Bytes that it has."""

    def write(self, data: bytes) -> int:
        """Take more bytes; raises StoppedError when the run is to end."""

    def seek(self, position: int) -> int:
        """Begin again: drop all bytes. The client library asks for it, always with 0."""

    def digest(self) -> str:
        """Give the CRC32C of its bytes, in base64."""

    def publish(self) -> str:
        """Make it durable, then visible, and give the CRC32C that the destination has of it.

        When that is not the object's, nothing is visible.
        """

    def discard(self) -> None:
        """Leave nothing behind."""

    def close(self) -> None:
        """Let go of it; what has come stays for the next run where the destination can keep it."""


class Destination(Protocol):
    """A folder that objects are mirrored to; its methods but `prepare` are called by many threads."""

    def known(self, name: str) -> bool:
        """Say whether an object was mirrored before."""

    def prepare(self, wanted: Collection[SourceObject]) -> None:
        """Make sure that it can be written to, and remove copies under way that nobody goes on with.

        Raises:
            MirrorError: it can't be used.
        """

    def find(self, obj: SourceObject) -> Found:
        """Say whether an object is there; raises DestinationError."""

    def open(self, obj: SourceObject) -> Partial:
        """Begin a copy, or go on with one that was interrupted; raises DestinationError."""

    def save(self) -> None:
        """Remember what is there; raises DestinationError."""


class Stop:
    """Whether the run is to end; set once, by whoever has a reason."""

    def __init__(self) -> None:
        """Begin unset."""
        self._event = threading.Event()

    def set(self) -> None:
        """Ask all threads to end soon."""
        self._event.set()

    def is_set(self) -> bool:
        """Say whether the run is to end."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise StoppedError when the run is to end."""
        if self._event.is_set():
            raise StoppedError

    def wait(self, seconds: float) -> None:
        """Wait; raises StoppedError as soon as the run is to end."""
        if self._event.wait(seconds):
            raise StoppedError
