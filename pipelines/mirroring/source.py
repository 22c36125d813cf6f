"""The source bucket: what is in it, and the stored bytes of its objects.

Every error of the client library is told apart here and nowhere else. The text of an answer is never passed on: it
names the account of the key.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO, Any, Final

from google.api_core import exceptions as api
from google.auth.exceptions import GoogleAuthError, InvalidOperation, RefreshError, TransportError
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY
from requests import RequestException
from urllib3.exceptions import HTTPError

from pipelines.mirroring.errors import (
    DeniedError,
    MirrorError,
    ObjectError,
    PassingError,
    ReplacedError,
    SourceGoneError,
    words,
)
from pipelines.mirroring.objects import SourceObject
from pipelines.mirroring.options import MirrorOptions

CALL_ERRORS: Final = (api.GoogleAPIError, GoogleAuthError, RequestException, HTTPError, InvalidResponse)
"""What a call of the client library may raise; a ConnectionError of its own is an OSError as well."""

_FIELDS: Final = "items(name,generation,size,crc32c),nextPageToken"
_TIMEOUT: Final = (15, 60)
_DENIED: Final = (api.Forbidden, api.Unauthorized, InvalidOperation)
"""Refusals; the last one is how anonymous credentials take an answer that asks for others."""


class Source:
    """A folder in a bucket, read with the credentials of its key."""

    def __init__(self, options: MirrorOptions, credentials: Any | None) -> None:
        """Connect; makes no call yet.

        Raises:
            MirrorError: there are no credentials.
        """
        self._place, self._options = options.source, options
        self._retry = DEFAULT_RETRY.with_timeout(options.give_up)
        # The library would look up the bucket itself, for traces that nobody takes; the key may not, and each refusal
        # would stand in the vendor's log.
        os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
        try:
            # No project is asked for: a key that may read one bucket needs none.
            self._client = storage.Client(project=None, credentials=credentials)
        except GoogleAuthError as err:
            raise MirrorError(
                "no credentials for the source: give --key FILE, --key-secret NAME or --key-env NAME, or run gcloud "
                f"auth application-default login ({words(err)})"
            ) from None
        self._bucket = self._client.bucket(self._place.bucket)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def list(self) -> Iterator[SourceObject]:
        """List the objects in the range of days that is asked for; without one, all objects.

        Raises:
            MirrorError: the bucket can't be listed.
        """
        options, prefix = self._options, self._place.prefix
        bounds = {}
        if options.from_day:
            bounds["start_offset"] = f"{prefix}{options.from_day}/"
        if options.to_day:
            bounds["end_offset"] = f"{prefix}{options.to_day}0"  # 0 is what follows on the slash
        try:
            blobs = self._client.list_blobs(
                self._bucket, prefix=prefix or None, fields=_FIELDS, retry=self._retry, timeout=_TIMEOUT, **bounds
            )
            for blob in blobs:
                name = blob.name[len(prefix) :]
                if not bounds or options.within(name[:10]):
                    yield _describe(blob, name)
        except (*CALL_ERRORS, ConnectionError) as err:
            raise MirrorError(self._why_not_listed(err)) from None

    def look(self, name: str) -> SourceObject:
        """Look up an object as it is now.

        Raises:
            SourceGoneError, DeniedError, ObjectError, PassingError: as for `read`.
        """
        try:
            blob = self._bucket.get_blob(self._place.prefix + name, retry=None, timeout=_TIMEOUT)
        except (*CALL_ERRORS, ConnectionError) as err:
            raise self._sorted_out(err) from None
        if blob is None:
            raise SourceGoneError
        return _describe(blob, name)

    def read(self, obj: SourceObject, start: int, sink: IO[bytes]) -> None:
        """Read the stored bytes of an object from `start` on, as they are stored, into `sink`; one try.

        Raises:
            SourceGoneError: it is not there any more.
            ReplacedError: it has another generation by now.
            DeniedError: there is no permission.
            PassingError: it did not work for now; `sink` has what came.
            ObjectError: it does not work.
        """
        blob = self._bucket.blob(self._place.prefix + obj.name)
        try:
            blob.download_to_file(
                sink, start=start or None, raw_download=True, checksum=None, retry=None, timeout=_TIMEOUT,
                if_generation_match=obj.generation,
            )  # fmt: skip
        except (*CALL_ERRORS, DataCorruption, ConnectionError) as err:
            raise self._sorted_out(err) from None

    def _sorted_out(self, err: Exception) -> Exception:
        if isinstance(err, api.NotFound):
            return SourceGoneError()
        if isinstance(err, api.PreconditionFailed):
            return ReplacedError()
        if isinstance(err, _DENIED):
            return DeniedError(f"no permission to read it ({words(err)}); it takes storage.objects.get")
        if isinstance(err, RefreshError) and not err.retryable:
            return DeniedError("the key was not accepted (revoked, expired, or the clock of this machine is wrong)")
        if isinstance(err, (TransportError, RefreshError, ConnectionError, RequestException, HTTPError)):
            return PassingError(words(err))
        if DEFAULT_RETRY._predicate(err):
            return PassingError(words(err))
        return ObjectError(f"the source refuses to give it ({words(err)})")

    def _why_not_listed(self, err: Exception) -> str:
        while isinstance(err, api.RetryError) and isinstance(err.cause, Exception):
            err = err.cause
        bucket = f"gs://{self._place.bucket}"
        if isinstance(err, api.NotFound):
            return f"there is no bucket {bucket}; check its name"
        if isinstance(err, _DENIED):
            return (
                f"no permission to list {bucket} ({words(err)}); the account of the key needs storage.objects.list and "
                "storage.objects.get on it (role roles/storage.objectViewer)"
            )
        if isinstance(err, RefreshError) and not err.retryable:
            return "the key was not accepted (revoked, expired, or the clock of this machine is wrong)"
        if isinstance(err, (GoogleAuthError, ConnectionError, RequestException, HTTPError)):
            return f"Cloud Storage can't be reached to list {bucket} ({words(err)}); check network and proxy"
        return f"{bucket} can't be listed ({words(err)})"


def _describe(blob: Any, name: str) -> SourceObject:
    return SourceObject(name, int(blob.generation), int(blob.size or 0), blob.crc32c or "")
