"""A local folder as destination.

A copy under way is `.NAME.GENERATION.partial` beside its target. It outlives its process, so that the next run goes on
where it ended; the generation in its name tells whether it still can. The lock of the destination sees to it that no
other process writes to it.
"""

from __future__ import annotations

import contextlib
import os
import re
from base64 import b64encode
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

import google_crc32c

from pipelines.mirroring import erased
from pipelines.mirroring.destination import Found, Partial, Stop
from pipelines.mirroring.errors import DestinationError, MirrorError
from pipelines.mirroring.ledger import Entry, Ledger
from pipelines.mirroring.objects import IN_DAY, SourceObject
from pipelines.mirroring.options import MirrorOptions

_PARTIAL: Final = re.compile(r"^\.(.+)\.(\d+)\.partial$", re.ASCII | re.DOTALL)
_BLOCK: Final = 1 << 20


@contextmanager
def _told(folder: str) -> Iterator[None]:
    """Tell an error of the operating system as one of the destination."""
    try:
        yield
    except OSError as err:
        raise DestinationError(f"{folder} can't be written to: {err}") from err


def _sync(folder: str) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Folder:
    """A local folder and its ledger."""

    def __init__(self, options: MirrorOptions, stop: Stop) -> None:
        """Look at the folder, which need not be there yet.

        Raises:
            MirrorError: it is a mirror of another source.
        """
        self._root = options.to.rstrip("/") or "/"
        self._options, self._stop = options, stop
        self._ledger = Ledger(self._root, str(options.source))
        try:
            with open(f"{self._root}/{erased.FILE}", "rb") as file:
                self._erased = erased.read(file.read())
        except FileNotFoundError:
            self._erased = {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
            raise MirrorError(
                f"{self._root}/{erased.FILE} can't be read ({type(err).__name__}); bring it back from a copy, for "
                "without it lines that were erased would be copied again"
            ) from None

    def known(self, name: str) -> bool:
        """Say whether an object was mirrored before."""
        return self._ledger.get(name) is not None

    def prepare(self, wanted: Collection[SourceObject]) -> None:
        """Remove copies under way that nobody goes on with, and forget what the source has not any more.

        Raises:
            MirrorError: the folder can't be used.
        """
        names = {obj.name for obj in wanted}
        useful = {self._partial(obj) for obj in wanted}
        within = self._options.within
        try:
            for day in os.listdir(self._root):
                if IN_DAY.match(f"{day}/") and within(day):
                    self._remove_partials(f"{self._root}/{day}", useful)
        except OSError as err:
            raise MirrorError(f"--to {self._root} can't be used: {err}") from err
        self._ledger.keep(lambda name: name in names or not within(name[:10]))

    def _remove_partials(self, folder: str, useful: Collection[str]) -> None:
        for inner, _, files in os.walk(folder):
            for file in files:
                if _PARTIAL.match(file) and (path := f"{inner}/{file}") not in useful:
                    os.unlink(path)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _partial(self, obj: SourceObject) -> str:
        folder, _, name = self._path(obj.name).rpartition("/")
        return f"{folder}/.{name}.{obj.generation}.partial"

    def find(self, obj: SourceObject) -> Found:
        """Say whether an object is there: by the ledger, and where that does not know, by its checksum."""
        path = self._path(obj.name)
        with _told(self._root):
            try:
                about = os.stat(path)
            except FileNotFoundError:
                return Found.MISSING
            if self._erased.get(obj.name, ())[:2] == (obj.size, obj.crc32c):
                return Found.SAME
            if about.st_size != obj.size:
                return Found.OTHER
            seen = Entry(obj.generation, obj.size, obj.crc32c, about.st_mtime_ns)
            known = self._ledger.get(obj.name)
            if known is not None and known[1:] == seen[1:] and not self._options.verify:
                self._ledger.put(obj.name, seen)
                return Found.SAME
            with open(path, "rb") as file:
                checksum = google_crc32c.Checksum()
                while block := file.read(_BLOCK):
                    self._stop.check()
                    checksum.update(block)
            if _text(checksum) != obj.crc32c:
                return Found.OTHER
            self._ledger.put(obj.name, seen)
        return Found.DIGESTED

    def open(self, obj: SourceObject) -> Partial:
        """Begin a copy, or go on with one that was interrupted."""
        path = self._path(obj.name)
        folder = path.rpartition("/")[0]
        with _told(self._root):
            if not os.path.isdir(folder):
                os.makedirs(folder, exist_ok=True)
                while folder != self._root:
                    folder = folder.rpartition("/")[0] or "/"
                    _sync(folder)
            return _File(self, obj, self._partial(obj), path, self._stop)

    def save(self) -> None:
        """Write the ledger."""
        with _told(self._root):
            self._ledger.save()

    def published(self, obj: SourceObject, mtime_ns: int) -> None:
        """Remember a file that was just made."""
        self._ledger.put(obj.name, Entry(obj.generation, obj.size, obj.crc32c, mtime_ns))


def _text(checksum: google_crc32c.Checksum) -> str:
    return b64encode(checksum.digest()).decode()


class _File:
    """A file under way."""

    def __init__(self, folder: Folder, obj: SourceObject, partial: str, path: str, stop: Stop) -> None:
        """Go on behind the bytes that are there; raises OSError."""
        self._folder, self._obj, self._partial, self._path, self._stop = folder, obj, partial, path, stop
        self._handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        self._checksum = google_crc32c.Checksum()
        self.size = 0
        try:
            while block := os.read(self._handle, _BLOCK):
                self._checksum.update(block)
                self.size += len(block)
        except OSError:
            self.close()
            raise

    def write(self, data: bytes) -> int:
        """Take more bytes."""
        self._stop.check()
        rest = memoryview(data)
        with _told(self._path):
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        self._checksum.update(data)
        self.size += len(data)
        return len(data)

    def seek(self, position: int) -> int:
        """Begin again."""
        assert position == 0
        with _told(self._path):
            os.ftruncate(self._handle, 0)
            os.lseek(self._handle, 0, os.SEEK_SET)
        self._checksum, self.size = google_crc32c.Checksum(), 0
        return 0

    def digest(self) -> str:
        """Give the CRC32C of the bytes."""
        return _text(self._checksum)

    def publish(self) -> str:
        """Force the file to disk, rename it, force the name to disk."""
        with _told(self._path):
            os.fsync(self._handle)
            os.rename(self._partial, self._path)
            _sync(self._path.rpartition("/")[0])
            self._folder.published(self._obj, os.fstat(self._handle).st_mtime_ns)
        return self.digest()

    def discard(self) -> None:
        """Remove the file."""
        with _told(self._path), contextlib.suppress(FileNotFoundError):
            os.unlink(self._partial)

    def close(self) -> None:
        """Close the file, which stays."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)
