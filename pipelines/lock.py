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


@contextlib.contextmanager
def _lease(output: str) -> Iterator[None]:
    from google.api_core.exceptions import NotFound, PreconditionFailed
    from google.cloud import storage

    bucket, _, prefix = output.removeprefix("gs://").partition("/")
    blob = storage.Client().bucket(bucket).blob(f"{prefix.rstrip('/')}/{FILE}" if prefix else FILE)

    def put(generation: int) -> None:
        blob.upload_from_string(json.dumps({**_who(), "until": time.time() + LEASE}), if_generation_match=generation)

    def take() -> None:
        try:
            put(0)
        except PreconditionFailed:
            try:
                holder = json.loads(blob.download_as_bytes())
                blob.reload()
            except NotFound:
                put(0)
                return
            if holder.get("until", 0) > time.time():
                raise _refuse(output, holder) from None
            put(blob.generation)

    try:
        take()
    except PreconditionFailed:
        raise _refuse(output, {}) from None
    done = threading.Event()

    def renew() -> None:
        while not done.wait(RENEW):
            try:
                put(blob.generation)
            except Exception as err:  # noqa: BLE001 the next turn tries again, until the lease is over
                _log.warning("could not renew the lock of %s: %s", output, err)

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        with contextlib.suppress(NotFound, PreconditionFailed):
            blob.delete(if_generation_match=blob.generation)
