"""Copies one object: whole and as its source says it is, or not at all."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Final, Protocol, TypeVar, cast

from google.api_core.retry import exponential_sleep_generator

from pipelines.mirroring.destination import Destination, Partial, Stop
from pipelines.mirroring.errors import ObjectError, PassingError, ReplacedError, SourceGoneError
from pipelines.mirroring.objects import SourceObject, shown

TRIES: Final = 3
"""How often an object is fetched whole when its checksum is wrong."""

_MOST_REPLACED: Final = 10
_FIRST_WAIT, _MOST_WAIT, _GROWTH = 1.0, 60.0, 2.0  # those of google.api_core.retry

_T = TypeVar("_T")

_log = logging.getLogger(__name__)


class Reader(Protocol):
    """What copying needs of a source."""

    def look(self, name: str) -> SourceObject:
        """Look up an object as it is now."""

    def read(self, obj: SourceObject, start: int, sink: IO[bytes]) -> None:
        """Read the stored bytes of an object from `start` on."""


class UnreachableError(ObjectError):
    """An object can't be read for a reason that usually passes, but has not for long."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy.

    Attributes:
        obj: the object as it was copied; a newer one than was asked for when it was replaced meanwhile.
        resumed: bytes that an earlier run had left.
        replaced: it was replaced meanwhile.
    """

    obj: SourceObject
    resumed: int
    replaced: bool


class Copier:
    """Copies objects; may be used by many threads."""

    def __init__(
        self, source: Reader, destination: Destination, stop: Stop, give_up: float, arrived: Callable[[int], None]
    ) -> None:
        """Copy from `source` to `destination`.

        Args:
            source: where objects are read.
            destination: where they are put.
            stop: ends all copies.
            give_up: seconds without a byte after which an object is given up.
            arrived: called with the number of bytes whenever some have come.
        """
        self._source, self._destination, self._stop = source, destination, stop
        self._give_up, self._arrived = give_up, arrived

    def copy(self, obj: SourceObject) -> Copied:
        """Copy an object.

        Raises:
            SourceGoneError: it is not there any more.
            ObjectError: it can't be read, or its bytes are never those of its checksum.
            DestinationError: it can't be written.
            StoppedError: the run is to end; what has come stays.
        """
        replaced = 0
        while True:
            partial = self._destination.open(obj)
            try:
                resumed = self._copy_generation(obj, partial)
                return Copied(obj, resumed, replaced > 0)
            except SourceGoneError:
                partial.discard()
                raise
            except ReplacedError:
                partial.discard()
            finally:
                partial.close()
            replaced += 1
            if replaced > _MOST_REPLACED:
                raise ObjectError(f"it was replaced {replaced} times while it was copied")
            obj = self._retrying(obj.name, lambda name=obj.name: self._source.look(name))  # type: ignore[misc]
            _log.info("%s was replaced, taking generation %s", shown(obj.name), obj.generation)

    def _copy_generation(self, obj: SourceObject, partial: Partial) -> int:
        """Fetch what is missing, check the whole and publish it; gives the bytes that were there before."""
        if partial.size > obj.size:
            partial.seek(0)
        resumed = partial.size
        found = ""
        for attempt in range(1, TRIES + 1):
            self._retrying(obj.name, lambda: self._fill(obj, partial), lambda: partial.size)
            found = partial.digest()
            if partial.size == obj.size and found == obj.crc32c:
                found = partial.publish()
                if found == obj.crc32c:
                    return resumed
            _log.info("%s: checksum %s, expected %s (try %s)", shown(obj.name), found, obj.crc32c, attempt)
            resumed = 0
            partial.seek(0)
        partial.discard()
        raise ObjectError(f"wrong bytes {TRIES} times: CRC32C is {found}, expected {obj.crc32c}")

    def _fill(self, obj: SourceObject, partial: Partial) -> None:
        if partial.size < obj.size:
            self._source.read(obj, partial.size, cast(IO[bytes], _Counted(partial, obj.size, self._arrived)))
            if partial.size < obj.size:  # an answer that ends early without an error
                raise PassingError("the answer was cut short")

    def _retrying(self, name: str, call: Callable[[], _T], size: Callable[[], int] = lambda: 0) -> _T:
        """Try until it works, or until nothing has come for `give_up` seconds."""
        waits: Iterator[float] = _waits()
        since, before = time.monotonic(), size()
        while True:
            try:
                return call()
            except PassingError as err:
                now = size()
                if now > before:
                    since, before, waits = time.monotonic(), now, _waits()
                wait = next(waits)
                if time.monotonic() + wait - since > self._give_up:
                    raise UnreachableError(f"it can't be read for {self._give_up:g} s ({err})") from None
                _log.info("%s: %s after %s bytes, trying again in %.1f s", shown(name), err, now, wait)
                self._stop.wait(wait)


def _waits() -> Iterator[float]:
    waits: Iterator[float] = exponential_sleep_generator(_FIRST_WAIT, _MOST_WAIT, _GROWTH)
    return waits


class _Counted:
    """Passes bytes on to a copy under way, and counts them; no more than the object has."""

    def __init__(self, partial: Partial, size: int, arrived: Callable[[int], None]) -> None:
        self._partial, self._size, self._arrived = partial, size, arrived

    def write(self, data: bytes) -> int:
        # An answer with more bytes than the object has is wrong anyway; it must not fill the disk.
        self._partial.write(data[: self._size + 1 - self._partial.size])
        self._arrived(len(data))
        return len(data)

    def seek(self, position: int) -> int:
        return self._partial.seek(position)
