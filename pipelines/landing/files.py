"""Files that appear whole or not at all, and only when they are durable.

On a local folder a file is written under a hidden name in its day folder and held by a lock of the operating system,
which ends with its process however that dies: a hidden file that nobody holds is a leftover. In a bucket a file is
gathered in a nameless temporary file and uploaded in one object, which a bucket shows when it is complete.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Any, Final, Protocol

from isal import isal_zlib

_SUFFIX: Final = ".ndjson.gz"
_PARTIAL: Final = re.compile(r"^\.\d{8}T\d{12}Z-[0-9a-f]{8}-\d{6}\.ndjson\.gz\.partial$")
_DAY: Final = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_LEVEL: Final = 2
_BLOCK: Final = 256 << 10
_GZIP: Final = 31


class Sink(Protocol):
    """Where the bytes of one file go."""

    def write(self, data: bytes) -> None:
        """Take more bytes; raises OSError."""

    def publish(self) -> str:
        """Make the file durable, then visible, and give its path; raises OSError, and then it is not to be seen."""

    def discard(self) -> None:
        """Leave nothing behind; raises nothing."""


class Target(Protocol):
    """A folder that files are landed in."""

    def create(self, day: str, name: str) -> Sink:
        """Begin a file in a day folder; raises OSError."""

    def prepare(self) -> int:
        """Make sure that it can be written to, remove what dead processes have left, and tell how many files that was.

        Raises:
            OSError: it can't be written to.
        """


class LandedFile:
    """A gzip file that is being written.

    Attributes:
        day: its day folder.
        opened: when it was begun, on the clock of the caller.
        ack_ids: what to acknowledge once it is durable.
        bytes: its size before compression.
        stored: its size so far, as stored.
    """

    def __init__(self, sink: Sink, day: str, opened: float) -> None:
        """Write to `sink`."""
        self.day, self.opened = day, opened
        self.ack_ids: list[str] = []
        self.bytes = self.stored = 0
        self._sink = sink
        self._gzip = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)
        self._waiting: list[bytes] = []
        self._held = 0

    def add(self, line: bytes, ack_id: str) -> None:
        """Take a line.

        Raises:
            OSError: it can't be written; the file is of no use any more.
        """
        self.ack_ids.append(ack_id)
        self._waiting.append(line)
        self._held += len(line)
        self.bytes += len(line)
        if self._held >= _BLOCK:
            self._write(self._gzip.compress(b"".join(self._waiting)))
            self._waiting.clear()
            self._held = 0

    def publish(self) -> str:
        """End the file, make it durable and visible, and give its path.

        Raises:
            OSError: that did not work; `discard` it.
        """
        self._write(self._gzip.compress(b"".join(self._waiting)) + self._gzip.flush())
        self._waiting.clear()
        return self._sink.publish()

    def discard(self) -> None:
        """Leave nothing behind."""
        self._sink.discard()

    def _write(self, data: bytes) -> None:
        if data:
            self._sink.write(data)
            self.stored += len(data)


class Names:
    """Names that are unique to a process and sort by the time at which their files were begun."""

    def __init__(self) -> None:
        """Draw what tells this process from others."""
        self._process, self._number = uuid.uuid4().hex[:8], 0

    def next(self) -> str:
        """Give the next name, without what it ends in."""
        self._number += 1
        return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z-{self._process}-{self._number:06d}"


def open_target(folder: str) -> Target:
    """Give the target of a folder, local or in a bucket; looks at nothing yet."""
    return _Bucket(folder) if folder.startswith("gs://") else _Folder(folder)


def _sync(folder: str) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _Folder:
    """A local folder."""

    def __init__(self, folder: str) -> None:
        self._root = folder.rstrip("/") or "/"

    def prepare(self) -> int:
        os.makedirs(self._root, exist_ok=True)
        with tempfile.TemporaryFile(dir=self._root) as probe:
            probe.write(b"\0")
        return sum(_remove_if_dead(path) for path in self._partials())

    def create(self, day: str, name: str) -> Sink:
        folder = f"{self._root}/{day}"
        if not os.path.isdir(folder):
            os.makedirs(folder, exist_ok=True)
            _sync(self._root)
        return _LocalSink(folder, name)

    def _partials(self) -> Iterator[str]:
        for day in os.listdir(self._root):
            folder = f"{self._root}/{day}"
            if _DAY.match(day) and os.path.isdir(folder):
                yield from (f"{folder}/{name}" for name in os.listdir(folder) if _PARTIAL.match(name))


def _remove_if_dead(path: str) -> bool:
    """Remove a partial file unless a process holds it; its messages were never acknowledged and come again."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
    except OSError:  # held, gone, or on a file system without locks: not ours to judge
        return False
    return True


class _LocalSink:
    """A hidden file in its day folder, locked while its process lives, and renamed when it is durable."""

    def __init__(self, folder: str, name: str) -> None:
        self._folder = folder
        self._path, self._partial = f"{folder}/{name}{_SUFFIX}", f"{folder}/.{name}{_SUFFIX}.partial"
        self._handle = self._open()
        while os.fstat(self._handle).st_nlink == 0:  # taken for a leftover between its making and its lock
            os.close(self._handle)
            self._handle = self._open()

    def _open(self) -> int:
        handle = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        with contextlib.suppress(OSError):  # a file system without locks: then nobody removes leftovers, either
            fcntl.flock(handle, fcntl.LOCK_EX)
        return handle

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._handle, rest) :]

    def publish(self) -> str:
        os.fsync(self._handle)
        os.rename(self._partial, self._path)
        try:
            _sync(self._folder)
        except OSError:
            self._partial = self._path  # its name may not last: take it back
            raise
        handle, self._handle = self._handle, -1
        os.close(handle)
        return self._path

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self._partial)
        handle, self._handle = self._handle, -1
        if handle >= 0:
            with contextlib.suppress(OSError):
                os.close(handle)


class _Bucket:
    """A folder in Cloud Storage."""

    def __init__(self, folder: str) -> None:
        self._bucket, _, prefix = folder.removeprefix("gs://").partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._client: Any = None

    def prepare(self) -> int:
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import storage

        try:
            self._client = storage.Client()
        except (GoogleAuthError, OSError) as err:  # a project that can't be told is an OSError
            raise OSError(f"no credentials for Cloud Storage: {err}") from err
        return 0

    def create(self, day: str, name: str) -> Sink:
        return _BucketSink(self._client.bucket(self._bucket).blob(f"{self._prefix}{day}/{name}{_SUFFIX}"))


class _BucketSink:
    """A temporary file without a name, uploaded as one object that must not exist yet."""

    def __init__(self, blob: Any) -> None:
        self._blob = blob
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 closed by publish and by discard

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def publish(self) -> str:
        from google.api_core.exceptions import GoogleAPIError, PreconditionFailed
        from google.auth.exceptions import GoogleAuthError
        from google.cloud.storage.exceptions import DataCorruption
        from requests import RequestException

        path = f"gs://{self._blob.bucket.name}/{self._blob.name}"
        size = self._file.tell()
        try:
            self._blob.upload_from_file(
                self._file, rewind=True, size=size, content_type="application/gzip", if_generation_match=0
            )
        except PreconditionFailed as err:
            # Nobody else has the name: an earlier try of this upload has arrived, and its answer was lost.
            if not self._is_there(size):
                raise OSError(f"{path} is there already, and is another one") from err
        except (GoogleAPIError, GoogleAuthError, RequestException, DataCorruption) as err:
            if isinstance(err, DataCorruption):  # the object is there, with other bytes than those that were sent
                with contextlib.suppress(GoogleAPIError):
                    self._blob.delete()
            raise OSError(f"{path} could not be uploaded: {str(err).splitlines()[0] if str(err) else err!r}") from err
        self._file.close()
        return path

    def _is_there(self, size: int) -> bool:
        from google.api_core.exceptions import GoogleAPIError

        try:
            self._blob.reload()
        except GoogleAPIError:
            return False
        return bool(self._blob.size == size)

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
