"""Lands the messages of a Pub/Sub subscription as export files, and acknowledges them when the files are durable.

The order of things is the guarantee: a message is written, its file is ended with its trailer, forced to disk (or
uploaded whole), renamed, the folder is forced to disk, and only then the message is acknowledged. Whatever dies
between two of these steps leaves a message that is delivered again. At worst it is landed twice, and the batch job
takes two deliveries of one event for one.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from pipelines.landing.calls import PubSubError
from pipelines.landing.files import LandedFile, Names, Target, open_target
from pipelines.landing.held import Held
from pipelines.landing.lines import LineMaker, day_of
from pipelines.landing.options import LandError, LandOptions
from pipelines.landing.status import Counts, Teller
from pipelines.landing.subscription import Delivery, Subscription

FINE, FAILED, REFUSED = 0, 1, 2
"""Exit codes."""

_TURN = 0.2
_MAX_OPEN_DAYS = 8
_NEARLY_FULL = 0.8
_FIRST_PAUSE, _MAX_PAUSE = 0.5, 15.0
_TRIAL_AGE = 1.0


class Lander:
    """Writes what a subscription brings. `run` is for the main thread; `stop` may be called by a signal handler."""

    def __init__(self, options: LandOptions, subscription: Subscription, target: Target, teller: Teller) -> None:
        """Land by `options`."""
        self._options, self._subscription, self._target, self._teller = options, subscription, target, teller
        self._names, self._lines, self._counts = Names(), LineMaker(), Counts()
        self._open: dict[str, LandedFile] = {}
        self._stopped_by: str | None = None
        self._failing_since: float | None = None
        self._gave_up = False
        self._pause, self._resume_at = _FIRST_PAUSE, 0.0

    def stop(self, why: str) -> None:
        """Ask for the end; safe in a signal handler, for it takes no lock."""
        self._stopped_by = self._stopped_by or why
        self._subscription.hurry()

    def run(self, leftovers: int = 0) -> int:
        """Land until it is told to stop, is idle for long enough, or can't go on; gives the exit code."""
        self._counts.leftovers = leftovers
        why = None
        try:
            self._subscription.start()
            while why is None:
                self._turn()
                why = self._reason_to_end()
            self._subscription.stop_pulling()
            self._drain()
        except PubSubError as err:
            self._subscription.problem = err
        finally:
            for file in self._open.values():
                file.discard()
            self._subscription.close()
        return self._end(why or "failed")

    def _turn(self) -> None:
        """Write what has come, close what is full or old, tell how things are."""
        self._write_all(self._subscription.take(_TURN))
        now = time.monotonic()
        age = self._options.max_file_age
        if self._failing_since is not None:  # to know soon whether writing works again
            age = min(age, _TRIAL_AGE)
        for file in list(self._open.values()):
            if now - file.opened >= age:
                self._close(file, "age")
        if self._subscription.held.fullness() >= _NEARLY_FULL:
            self._close_all("unacked")
        if self._teller.due():
            self._teller.status("status", self.state())

    def _reason_to_end(self) -> str | None:
        if self._stopped_by is not None:
            return self._stopped_by
        if self._subscription.problem is not None:
            return "failed"
        if self._gave_up:
            return "write failure"
        quiet, limit = self._subscription.quiet_since, self._options.idle_exit
        if limit is not None and quiet is not None and time.monotonic() - quiet >= limit:
            return "idle"
        return None

    def _drain(self) -> None:
        """Write what was pulled before the end, unless writing fails anyway, and close all files."""
        while rest := self._subscription.take(0):
            self._write_all(rest)
        self._close_all("stop")

    def _write_all(self, deliveries: list[Delivery]) -> None:
        """Write messages; once one can't be written, the rest goes back, and so do all until the pause is over."""
        written = 0
        if time.monotonic() >= self._resume_at:
            for delivery in deliveries:
                if not self._write(delivery):
                    break
                written += 1
        rest = self._subscription.held.still([d.ack_id for d in deliveries[written:]])
        if rest:
            self._subscription.give_back(rest)

    def _write(self, delivery: Delivery) -> bool:
        ack_id, message = delivery
        day = day_of(message.published_at)
        file = self._open.get(day)
        if file is None:
            if len(self._open) >= _MAX_OPEN_DAYS:
                self._close(next(iter(self._open.values())), "days")
            try:
                file = LandedFile(self._target.create(day, self._names.next()), day, time.monotonic())
            except OSError as err:
                self._failed([ack_id], err)
                return False
            self._open[day] = file
        try:
            file.add(self._lines.line(message), ack_id)
        except OSError as err:
            self._lose(file, err)
            return False
        if file.bytes >= self._options.max_file_bytes:
            return self._close(file, "size")
        return True

    def _close_all(self, why: str) -> None:
        for file in list(self._open.values()):
            self._close(file, why)

    def _close(self, file: LandedFile, why: str) -> bool:
        """Publish a file, and then, not before, acknowledge what is in it."""
        try:
            path = file.publish()
        except OSError as err:
            self._lose(file, err)
            return False
        del self._open[file.day]
        self._failing_since, self._pause = None, _FIRST_PAUSE
        count = self._counts
        count.landed += len(file.ack_ids)
        count.files += 1
        count.bytes += file.bytes
        count.stored_bytes += file.stored
        self._subscription.acknowledge(file.ack_ids)
        self._teller.file(path, len(file.ack_ids), file.bytes, file.stored, why)
        return True

    def _lose(self, file: LandedFile, err: OSError) -> None:
        """Give up a file: nothing of it is acknowledged, nothing of it stays."""
        del self._open[file.day]
        file.discard()
        self._failed(file.ack_ids, err)

    def _failed(self, ack_ids: list[str], err: OSError) -> None:
        """Give messages back, and pull no more for a while that grows with every failure in a row."""
        now = time.monotonic()
        self._counts.write_failures += 1
        first = self._failing_since is None
        since = self._failing_since = now if self._failing_since is None else self._failing_since
        left = self._options.give_up - (now - since)
        self._gave_up = left <= 0
        self._resume_at = now + self._pause
        self._subscription.pause(self._pause)
        self._subscription.calls.failed("write", err)
        self._subscription.give_back(ack_ids)
        if (first or self._pause >= _MAX_PAUSE) and not self._gave_up:
            self._teller.error(
                f"can't write to {self._options.to}: {err}; {len(ack_ids):,} messages given back, trying again for "
                f"{left:.0f} s"
            )
        self._pause = min(self._pause * 2, _MAX_PAUSE)

    def _end(self, why: str) -> int:
        problem = self._subscription.problem
        if problem is not None:
            self._teller.error(str(problem))
        if self._failing_since is not None:
            self._teller.error(
                f"can't write to {self._options.to} ({self._subscription.calls.last_error}); what is not acknowledged "
                "is delivered again"
            )
        self._teller.end(why, self.state())
        if problem is not None and problem.refused and not self._subscription.answered:
            return REFUSED
        return FINE if problem is None and self._failing_since is None else FAILED

    def state(self) -> dict[str, Any]:
        """Give what a status tells."""
        messages, size, oldest = self._subscription.held.summary()
        calls = self._subscription.calls
        self._counts.rejected = self._lines.rejected
        return {
            "subscription": self._options.subscription,
            "to": self._options.to,
            "healthy": self._failing_since is None
            and not self._subscription.failing
            and not self._subscription.problem,
            "received": calls.received,
            **asdict(self._counts),
            "acknowledged": calls.acknowledged,
            "ack_failures": calls.ack_failures,
            "given_back": calls.given_back,
            "open_files": len(self._open),
            "unacked_messages": messages,
            "unacked_bytes": size,
            "oldest_unacked_seconds": round(oldest, 1),
            "pull_errors": calls.pull_errors,
            "lease_failures": calls.lease_failures,
            "last_error": calls.last_error,
        }


@contextmanager
def _stopped_by_signals(lander: Lander) -> Iterator[None]:
    """Let SIGTERM and SIGINT ask for the end; a second one ends the process at once, which loses nothing."""

    def ask(number: int, _: object) -> None:
        signal.signal(number, before[number] or signal.SIG_DFL)
        lander.stop(signal.Signals(number).name)

    before = {int(number): signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def run(options: LandOptions) -> int:
    """Land by `options` until a signal, idleness or a failure ends it.

    Returns:
        The exit code.

    Raises:
        LandError: it can't begin.
    """
    options.check()
    target = open_target(options.to)
    try:
        leftovers = target.prepare()
    except OSError as err:
        raise LandError(f"--to {options.to} can't be written to: {err}") from err
    held = Held(options.max_unacked_messages, options.max_unacked_bytes)
    try:
        subscription = Subscription(options.subscription, held)
    except PubSubError as err:
        raise LandError(str(err)) from err
    lander = Lander(options, subscription, target, Teller(options.mode, options.status_every))
    with _stopped_by_signals(lander):
        return lander.run(leftovers)
