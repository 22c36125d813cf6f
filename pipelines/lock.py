"""One run at a time on an output: the second says so and leaves.

On a local output the operating system holds the lock, so that it ends with its holder, however that dies. In a
bucket it is a small object with a lease: made only where there is none, renewed while the run goes on, and taken over
when it has not been renewed for `LEASE` seconds.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pipelines.storage_errors import writing


def is_local(path: str) -> bool:
    """Say whether a path is on the local file system; not taken from `datasets`, which loads Beam."""
    return "://" not in path


FILE = ".flowfacts.lock"
LEASE = 180.0
RENEW = 30.0

_log = logging.getLogger(__name__)


class LockedError(Exception):
    """Another run works on the output; the message says which."""


@contextlib.contextmanager
def only_run(output: str) -> Iterator[None]:
    """Hold the lock of an output.

    Raises:
        LockedError: another run holds it.
    """
    if is_local(output):
        with _local(output):
            yield
    elif output.startswith("gs://"):
        with _lease(output):
            yield
    else:
        _log.warning("no lock on %s: make sure that only one run works on it at a time", output)
        yield


def _who() -> dict[str, Any]:
    return {"host": socket.gethostname(), "pid": os.getpid(), "since": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}


def _refuse(output: str, holder: dict[str, Any]) -> LockedError:
    told = ", ".join(f"{k} {holder[k]}" for k in ("host", "pid", "since") if k in holder)
    return LockedError(
        f"another run works on {output} ({told or 'it does not say which'}); this one has changed nothing"
    )


@contextlib.contextmanager
def _local(output: str) -> Iterator[None]:
    with writing(f"{output}/{FILE}"):
        os.makedirs(output, exist_ok=True)
        lock = open(f"{output}/{FILE}", "a+", encoding="utf-8")  # noqa: SIM115 closed below
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            with contextlib.suppress(ValueError):
                raise _refuse(output, json.loads(file.read() or "{}")) from None
            raise _refuse(output, {}) from None
        file.truncate(0)
        file.write(json.dumps(_who()))
        file.flush()
        yield
        file.truncate(0)


class _Lease:
    """The lock of an output in a bucket, while it is held: an object that is renewed."""

    def __init__(self, output: str) -> None:
        from google.cloud import storage

        bucket, _, prefix = output.removeprefix("gs://").partition("/")
        self._output = output
        self._blob = storage.Client().bucket(bucket).blob(f"{prefix.rstrip('/')}/{FILE}" if prefix else FILE)
        self._one_at_a_time = threading.Lock()

    def _put(self, generation: int) -> None:
        told = json.dumps({**_who(), "until": time.time() + LEASE})
        self._blob.upload_from_string(told, if_generation_match=generation)

    def take(self) -> None:
        """Make the object, or take it over when it was not renewed.

        Raises:
            LockedError: another run holds it.
        """
        from google.api_core.exceptions import NotFound, PreconditionFailed

        try:
            try:
                self._put(0)
            except PreconditionFailed:
                try:
                    holder = json.loads(self._blob.download_as_bytes())
                    self._blob.reload()
                except NotFound:
                    self._put(0)
                    return
                if holder.get("until", 0) > time.time():
                    raise _refuse(self._output, holder) from None
                self._put(self._blob.generation)
        except PreconditionFailed:
            raise _refuse(self._output, {}) from None

    def renew(self) -> None:
        """Renew it.

        Raises:
            LockedError: another run has taken it over.
        """
        from google.api_core.exceptions import NotFound, PreconditionFailed

        with self._one_at_a_time:
            try:
                self._put(self._blob.generation)
            except (NotFound, PreconditionFailed):
                raise LockedError(
                    f"the lock of {self._output} is lost: it was not renewed for {LEASE:g} s, as when a machine stands "
                    "still, and another run has taken it; this one has published nothing"
                ) from None

    def keep(self, done: threading.Event) -> None:
        """Renew it until the run is done."""
        while not done.wait(RENEW):
            try:
                self.renew()
            except LockedError as err:
                _log.warning("%s", err)
                return
            except Exception as err:  # noqa: BLE001 the next turn tries again, until the lease is over
                _log.warning("could not renew the lock of %s: %s", self._output, err)

    def release(self) -> None:
        """Delete the object, unless another run has it."""
        from google.api_core.exceptions import NotFound, PreconditionFailed

        with contextlib.suppress(NotFound, PreconditionFailed):
            self._blob.delete(if_generation_match=self._blob.generation)


_held: dict[str, _Lease] = {}


def make_sure(output: str) -> None:
    """Make sure, just before something is published, that the lock is still held.

    The operating system sees to it for a local output; a lease in a bucket may have ended while the machine stood
    still. It is renewed here, so that there is time enough to publish.

    Raises:
        LockedError: another run has it.
    """
    lease = _held.get(output.rstrip("/"))
    if lease is not None:
        lease.renew()


@contextlib.contextmanager
def _lease(output: str) -> Iterator[None]:
    lease = _Lease(output)
    lease.take()
    done = threading.Event()
    thread = threading.Thread(target=lease.keep, args=(done,), daemon=True)
    thread.start()
    _held[output] = lease
    try:
        yield
    finally:
        _held.pop(output, None)
        done.set()
        thread.join()
        lease.release()
