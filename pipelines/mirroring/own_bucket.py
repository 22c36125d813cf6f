"""A bucket of one's own as destination, written with the credentials of the environment.

The key of the source can't write here, and these credentials need not read there, so no service copies for us: an
object is gathered in a nameless temporary file, checked, and uploaded in one object, which a bucket shows when it is
complete. The bucket keeps size and checksum of every object, so that it is its own ledger.
"""

from __future__ import annotations

import contextlib
import tempfile
from base64 import b64encode
from collections.abc import Collection
from typing import IO, Any, Final

import google_crc32c
from google.api_core import exceptions as api
from google.auth.exceptions import GoogleAuthError
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY

from pipelines.mirroring import erased
from pipelines.mirroring.destination import Found, Partial, Stop
from pipelines.mirroring.errors import DestinationError, MirrorError, words
from pipelines.mirroring.objects import SourceObject
from pipelines.mirroring.options import MirrorOptions, Place
from pipelines.mirroring.source import CALL_ERRORS

_FIELDS: Final = "items(name,generation,size,crc32c),nextPageToken"
_TIMEOUT: Final = (15, 60)


class OwnBucket:
    """A folder in a bucket, as it was when the run began."""

    def __init__(self, options: MirrorOptions, place: Place, stop: Stop) -> None:
        """List what is there.

        Raises:
            MirrorError: there are no credentials, or the bucket can't be listed.
        """
        self._place, self._stop = place, stop
        self._retry = DEFAULT_RETRY.with_timeout(options.give_up)
        bounds = {}
        if options.from_day:
            bounds["start_offset"] = f"{place.prefix}{options.from_day}/"
        if options.to_day:
            bounds["end_offset"] = f"{place.prefix}{options.to_day}0"
        try:
            self._client = storage.Client(project=None)
            self._there = {
                blob.name[len(place.prefix) :]: (int(blob.generation), int(blob.size or 0), blob.crc32c)
                for blob in self._client.list_blobs(
                    place.bucket, prefix=place.prefix or None, fields=_FIELDS, retry=self._retry, timeout=_TIMEOUT,
                    **bounds,
                )
            }  # fmt: skip
            self._erased = erased.read(self._notes())
        except (*CALL_ERRORS, ConnectionError) as err:
            raise MirrorError(f"--to {place} can't be used: {_explain(err, place)}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as err:
            raise MirrorError(
                f"{place}/{erased.FILE} can't be read ({type(err).__name__}); bring it back from a copy, for without "
                "it lines that were erased would be copied again"
            ) from None

    def _notes(self) -> bytes | None:
        blob = self._client.bucket(self._place.bucket).blob(self._place.prefix + erased.FILE)
        try:
            found: bytes = blob.download_as_bytes(retry=self._retry, timeout=_TIMEOUT)
        except api.NotFound:
            return None
        return found

    def known(self, name: str) -> bool:
        """Say whether an object was mirrored before."""
        return name in self._there

    def prepare(self, wanted: Collection[SourceObject]) -> None:
        """Do nothing: copies under way have no names here."""

    def find(self, obj: SourceObject) -> Found:
        """Say whether an object is there, by what the bucket knows of it."""
        there = self._there.get(obj.name)
        if there is None:
            return Found.MISSING
        seen = (obj.size, obj.crc32c)
        return Found.SAME if seen in (there[1:], self._erased.get(obj.name, ())[:2]) else Found.OTHER

    def open(self, obj: SourceObject) -> Partial:
        """Begin a copy."""
        blob = self._client.bucket(self._place.bucket).blob(self._place.prefix + obj.name)
        generation = self._there.get(obj.name, (0, 0, ""))[0]
        return _Upload(blob, obj, generation, self._place, self._retry, self._stop)

    def save(self) -> None:
        """Do nothing: the bucket remembers."""


def _explain(err: BaseException, place: Place) -> str:
    """Say in words why the bucket does not take part, and what helps."""
    while isinstance(err, api.RetryError) and err.cause is not None:
        err = err.cause
    if isinstance(err, api.NotFound):
        return f"there is no bucket {place.bucket}"
    if isinstance(err, (api.Forbidden, api.Unauthorized)):
        return (
            f"no permission ({words(err)}); the credentials of the environment (not the key) need "
            "storage.objects.list, get, create and delete on it (role roles/storage.objectUser)"
        )
    if isinstance(err, GoogleAuthError):
        return (
            f"the credentials of the environment can't be used ({words(err)}); run gcloud auth application-default "
            "login, or run as a service account"
        )
    return words(err)


class _Upload:
    """A temporary file without a name, uploaded as one object over the generation that was found there."""

    def __init__(self, blob: Any, obj: SourceObject, generation: int, place: Place, retry: Any, stop: Stop) -> None:
        self._blob, self._obj, self._generation, self._place = blob, obj, generation, place
        self._retry, self._stop = retry, stop
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 closed by close
        except OSError as err:
            raise DestinationError(f"the temporary folder can't be written to: {err}") from err
        self._checksum = google_crc32c.Checksum()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Take more bytes."""
        self._stop.check()
        try:
            self._file.write(data)
        except OSError as err:
            raise DestinationError(f"the temporary folder can't be written to: {err}") from err
        self._checksum.update(data)
        self.size += len(data)
        return len(data)

    def seek(self, position: int) -> int:
        """Begin again."""
        assert position == 0
        self._file.seek(0)
        self._file.truncate()
        self._checksum, self.size = google_crc32c.Checksum(), 0
        return 0

    def digest(self) -> str:
        """Give the CRC32C of the bytes."""
        return b64encode(self._checksum.digest()).decode()

    def publish(self) -> str:
        """Upload, and give the checksum that the bucket has of it.

        The object is told with its checksum, so that Cloud Storage itself refuses other bytes; should they be there all
        the same, they are taken away again.
        """
        blob = self._blob
        blob.crc32c = self._obj.crc32c
        try:
            blob.upload_from_file(
                self._file, rewind=True, size=self.size, content_type="application/octet-stream", checksum="crc32c",
                if_generation_match=self._generation, retry=self._retry, timeout=_TIMEOUT,
            )  # fmt: skip
        except api.PreconditionFailed as err:
            # The lock is ours: an earlier try of this upload has arrived, and its answer was lost.
            if self._as_stored() != self._obj.crc32c:
                raise DestinationError(f"{self._place}/{self._obj.name} was changed by somebody else") from err
        except api.BadRequest:
            return "refused by the bucket"
        except (*CALL_ERRORS, DataCorruption, OSError) as err:
            raise DestinationError(f"{self._place} can't be written to: {_explain(err, self._place)}") from err
        found: str = blob.crc32c
        if found != self._obj.crc32c:
            with contextlib.suppress(*CALL_ERRORS, ConnectionError):
                blob.delete(if_generation_match=blob.generation)
            self._generation = 0
        return found

    def _as_stored(self) -> str | None:
        try:
            self._blob.reload(timeout=_TIMEOUT)
        except (*CALL_ERRORS, ConnectionError):
            return None
        found: str = self._blob.crc32c
        return found

    def discard(self) -> None:
        """Let go of it."""
        self.close()

    def close(self) -> None:
        """Let go of it: what has no name ends with its file."""
        with contextlib.suppress(OSError):
            self._file.close()
