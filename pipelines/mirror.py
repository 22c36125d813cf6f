"""Copies the day folders of a vendor's export bucket to one's own storage, before the vendor deletes them.

The order of things is the guarantee: an object is fetched at one generation, its size and checksum are compared with
what the bucket says of it, it is made durable, and only then it gets its name. What has its name is whole; whatever
dies in between leaves a hidden part that the next run goes on with.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from google.auth.exceptions import GoogleAuthError

from pipelines.mirroring.copying import Copied, Copier, UnreachableError
from pipelines.mirroring.destination import Destination, Found, Stop
from pipelines.mirroring.errors import (
    DeniedError,
    DestinationError,
    MirrorError,
    ObjectError,
    SourceGoneError,
    StoppedError,
    words,
)
from pipelines.mirroring.expiry import expiry
from pipelines.mirroring.keys import source_credentials
from pipelines.mirroring.objects import Problem, SourceObject, shown, sort_objects
from pipelines.mirroring.opening import open_destination
from pipelines.mirroring.options import MirrorOptions, is_day
from pipelines.mirroring.source import CALL_ERRORS, Source
from pipelines.mirroring.status import Bar, Report, bar

_SAVE_SECONDS: Final = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of one object: at most one of the attributes is set, none for one that is to be copied."""

    copied: Copied | None = None
    there: Found | None = None
    gone: bool = False
    failed: ObjectError | None = None
    not_tried: bool = False


def run(options: MirrorOptions, *, show: bool = False) -> Report:
    """Mirror by `options`.

    Args:
        options: what is asked for.
        show: show progress on standard error.

    Raises:
        MirrorError: it can't begin.
        LockedError: another run works on the destination.
    """
    options.check()
    source = Source(options, source_credentials(options))
    listed = list(source.list())
    with ExitStack() as held:
        if not options.dry_run:
            held.enter_context(_lock(options))
        stop = Stop()
        destination = open_destination(options, stop)
        found = sort_objects(listed, destination.known)
        if not found.accepted and not found.refused and not (options.from_day or options.to_day):
            raise MirrorError(
                f"there are no day folders YYYY-MM-DD in {options.source} ({found.ignored:,} other objects); check the "
                "prefix"
            )
        report = Report(str(options.source), options.to, options.dry_run, ignored=found.ignored, refused=found.refused)
        report.objects = len(found.accepted)
        missing = Counter(p.name[:10] for p in found.refused if is_day(p.name[:10]))
        missing.update({obj.day: 0 for obj in found.accepted})
        report.days = len(missing)
        if not options.dry_run:
            destination.prepare(found.accepted)
        held.enter_context(_interrupted_by_sigterm())
        began = time.monotonic()
        with bar(show, report.objects, sum(obj.size for obj in found.accepted)) as shown_bar:
            _Mirror(options, source, destination, stop, shown_bar, report, missing).work(found.accepted)
        report.seconds = time.monotonic() - began
    report.gone.sort()
    report.failed.sort(key=lambda p: p.name)
    days = expiry(missing, datetime.now(UTC).date(), options.keep_days)
    report.next_to_expire = days[0] if days else None
    report.expiring = [d for d in days if d.missing and d.days_left <= options.warn_days]
    return report


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end a run as SIGINT does, so that the lock of a bucket does not outlive it."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


@contextmanager
def _lock(options: MirrorOptions) -> Iterator[None]:
    """Hold the lock of the destination; the batch job does not mind its file, which is hidden."""
    from pipelines.lock import only_run

    with ExitStack() as held:
        try:
            held.enter_context(only_run(options.to.rstrip("/") or "/"))
        except (*CALL_ERRORS, GoogleAuthError) as err:
            raise MirrorError(
                f"--to {options.to} can't be locked ({words(err)}); check the name and the rights"
            ) from None
        except OSError as err:  # a project that can't be told is one, too
            raise MirrorError(f"--to {options.to} can't be used: {err}") from None
        yield


class _Mirror:
    """Brings objects to a destination in some threads, and counts in the one that called."""

    def __init__(
        self,
        options: MirrorOptions,
        source: Source,
        destination: Destination,
        stop: Stop,
        shown_bar: Bar,
        report: Report,
        missing: Counter[str],
    ) -> None:
        self._options, self._destination, self._stop, self._bar = options, destination, stop, shown_bar
        self._report, self._missing = report, missing
        self._copier = Copier(source, destination, stop, options.give_up, self._arrived)
        self._lock = threading.Lock()
        self._read = False
        self._unreachable = self._denied = 0

    def work(self, objects: list[SourceObject]) -> None:
        """Bring the objects over, the oldest days first, for they are the first to be deleted.

        Raises:
            MirrorError: there is no permission to read any of them.
        """
        saved = time.monotonic()
        pool = ThreadPoolExecutor(self._options.workers, thread_name_prefix="mirror")
        try:
            tasks = {pool.submit(self._bring, obj): obj for obj in objects}
            for task in as_completed(tasks):
                self._count(tasks[task], task.result())
                if time.monotonic() - saved >= _SAVE_SECONDS and not self._options.dry_run:
                    self._destination.save()
                    saved = time.monotonic()
        except DestinationError as err:
            self._end(str(err))
        finally:
            self._stop.set()
            pool.shutdown(cancel_futures=True)
            if not self._options.dry_run:
                try:
                    self._destination.save()
                except DestinationError as err:
                    self._end(str(err))

        if self._denied and not self._read and not self._report.skipped:
            raise MirrorError(
                f"no permission to read the objects of {self._options.source}: the account of the key needs "
                "storage.objects.get on it (role roles/storage.objectViewer)"
            )

    def _bring(self, obj: SourceObject) -> _Done:
        """Bring one object over; in a thread of the pool."""
        try:
            self._stop.check()
            there = self._destination.find(obj)
            if there in (Found.SAME, Found.DIGESTED):
                return _Done(there=there)
            if self._options.dry_run:
                return _Done()
            copied = self._copier.copy(obj)
            self._unreachable = 0
            return _Done(copied=copied)
        except SourceGoneError:
            return _Done(gone=True)
        except StoppedError:
            return _Done(not_tried=True)
        except DestinationError as err:
            self._end(str(err))
            return _Done(not_tried=True)
        except UnreachableError as err:
            self._unreachable += 1
            if self._unreachable >= self._options.workers:  # not one object, then, but the way to all of them
                self._end(f"{self._options.source} {str(err).removeprefix('it ')}")
            return _Done(failed=err)
        except DeniedError as err:
            self._denied += 1
            if not self._read and self._denied >= self._options.workers:
                self._end(f"{self._options.source}: {err}")
            return _Done(failed=err)
        except ObjectError as err:
            return _Done(failed=err)

    def _end(self, why: str) -> None:
        self._report.problem = self._report.problem or why
        self._stop.set()

    def _arrived(self, count: int) -> None:
        self._bar.add(count)
        with self._lock:
            self._read = True
            self._report.fetched_bytes += count

    def _count(self, obj: SourceObject, done: _Done) -> None:
        report = self._report
        if done.there is not None:
            report.skipped += 1
            report.digested += done.there is Found.DIGESTED
        elif done.gone:
            report.gone.append(obj.name)
        elif done.failed is not None:
            report.failed.append(Problem(obj.name, str(done.failed)))
            self._missing[obj.day] += 1
        elif done.not_tried:
            report.not_tried += 1
            self._missing[obj.day] += 1
        elif done.copied is not None:
            report.copied += 1
            report.copied_bytes += done.copied.obj.size
            report.resumed_bytes += done.copied.resumed
            report.replaced += done.copied.replaced
            _log.info("copied %s, %s bytes", shown(obj.name), done.copied.obj.size)
        else:
            report.copied += 1
            report.copied_bytes += obj.size
            self._missing[obj.day] += 1
        self._bar.done(obj.size, 0 if done.copied is None else obj.size - done.copied.resumed)
