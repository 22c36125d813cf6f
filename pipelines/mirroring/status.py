"""What `flowfacts mirror` tells: a bar on a terminal, and what became of it all."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from pipelines.mirroring.expiry import Expiring
from pipelines.mirroring.objects import Problem, shown

_MOST_LINES = 20


@dataclass(slots=True)
class Report:
    """What became of a mirror.

    Attributes:
        source, to, dry_run: what was asked for.
        days: day folders at the source, within the range.
        objects: objects in them that can be mirrored.
        ignored: objects that are no export files: outside day folders, hidden, or the empty mark of a folder.
        copied, copied_bytes: objects that were copied, and their size; with a dry run those that would be.
        fetched_bytes: bytes that came from the source.
        resumed_bytes: bytes of the copies that an interrupted run had left.
        skipped: objects that were there already; `digested` those of them whose checksum had to be computed.
        replaced: objects that were replaced while they were copied, and were copied as they are now.
        gone: objects that the source deleted between the listing and their turn.
        refused: objects whose names can't be used.
        failed: objects that could not be copied.
        not_tried: objects whose turn did not come, because the run ended before.
        seconds: duration, without the listing.
        next_to_expire: first day folder that the source deletes.
        expiring: day folders that are not wholly mirrored and will soon be deleted.
        problem: why the run ended early.
    """

    source: str
    to: str
    dry_run: bool
    days: int = 0
    objects: int = 0
    ignored: int = 0
    copied: int = 0
    copied_bytes: int = 0
    fetched_bytes: int = 0
    resumed_bytes: int = 0
    skipped: int = 0
    digested: int = 0
    replaced: int = 0
    gone: list[str] = field(default_factory=list)
    refused: list[Problem] = field(default_factory=list)
    failed: list[Problem] = field(default_factory=list)
    not_tried: int = 0
    seconds: float = 0.0
    next_to_expire: Expiring | None = None
    expiring: list[Expiring] = field(default_factory=list)
    problem: str | None = None

    @property
    def exit_code(self) -> int:
        """Give 0 when everything is mirrored, else 1."""
        return 1 if self.refused or self.failed or self.problem else 0


class Bar(Protocol):
    """Shows progress."""

    def add(self, stored: int) -> None:
        """Tell of bytes that have come."""

    def done(self, stored: int, copied: int) -> None:
        """Tell of an object of `stored` bytes that is done, `copied` of which have been told of."""


class _NoBar:
    """Shows nothing."""

    def add(self, stored: int) -> None:
        pass

    def done(self, stored: int, copied: int) -> None:
        pass


class _RichBar:
    """Shows a bar on standard error; rich has a lock of its own."""

    def __init__(self, progress: Any, task: Any) -> None:
        self._progress, self._task, self._files = progress, task, 0

    def add(self, stored: int) -> None:
        self._progress.advance(self._task, stored)

    def done(self, stored: int, copied: int) -> None:
        self._files += 1
        self._progress.update(self._task, advance=stored - copied, files=self._files)


@contextmanager
def bar(show: bool, objects: int, stored: int) -> Iterator[Bar]:
    """Show progress against a total of objects and stored bytes, or nothing."""
    if not show:
        yield _NoBar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("[bold]mirroring"),
        BarColumn(),
        TextColumn("{task.fields[files]}/{task.fields[all]} files"),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        yield _RichBar(progress, progress.add_task("", total=max(stored, 1), files=0, all=objects))


def as_json(report: Report) -> str:
    """Give everything as one JSON object."""
    rate = report.fetched_bytes / report.seconds if report.seconds else 0.0
    told = {**asdict(report), "bytes_per_second": round(rate), "exit_code": report.exit_code}
    return json.dumps({**told, "seconds": round(report.seconds, 3)}, indent=1)


def as_text(report: Report) -> str:
    """Give the summary in words."""
    verb = "to copy" if report.dry_run else "copied"
    rate = report.fetched_bytes / report.seconds / 1e6 if report.seconds else 0.0
    lines = [
        f"{report.source} -> {report.to}{' (dry run, nothing was changed)' if report.dry_run else ''}",
        f"  {report.days:,} days, {report.objects:,} objects; {report.copied:,} {verb} "
        f"({report.copied_bytes / 1e6:,.1f} MB), {report.skipped:,} there already",
    ]
    if not report.dry_run:
        resumed = f" ({report.resumed_bytes / 1e6:,.1f} MB were left by an earlier run)" if report.resumed_bytes else ""
        lines.append(
            f"  {report.fetched_bytes / 1e6:,.1f} MB fetched in {report.seconds:,.1f} s, {rate:,.1f} MB/s{resumed}"
        )
    counts = {
        "replaced while they were copied": report.replaced,
        "deleted at the source before their turn": len(report.gone),
        "ignored (no export files)": report.ignored,
        "refused": len(report.refused),
        "failed": len(report.failed),
        "not tried": report.not_tried,
    }
    if any(counts.values()):
        lines.append("  " + ", ".join(f"{n:,} {what}" for what, n in counts.items() if n))
    if report.next_to_expire is not None:
        next_one = report.next_to_expire
        lines.append(f"  next folder that the source deletes: {next_one.day} on {next_one.deleted_on}")
    return "\n".join(lines)


def as_errors(report: Report) -> list[str]:
    """Give what needs a look: a line for each, no more than some dozens."""
    lines = [f"refused {p}" for p in report.refused[:_MOST_LINES]]
    lines += [f"failed {p}" for p in report.failed[:_MOST_LINES]]
    lines += [f"gone {shown(name)}: the source has deleted it meanwhile" for name in report.gone[:_MOST_LINES]]
    left = Counter(refused=len(report.refused), failed=len(report.failed), gone=len(report.gone))
    lines += [f"... and {n - _MOST_LINES:,} more {what}" for what, n in left.items() if n > _MOST_LINES]
    for e in report.expiring:
        when = f"in {e.days_left} days, on {e.deleted_on}" if e.days_left > 0 else f"any moment (since {e.deleted_on})"
        lines.append(
            f"about to be lost: {e.missing:,} objects of {e.day} are not mirrored; the source deletes it {when}"
        )
    if report.problem is not None:
        lines.append(f"ended early: {report.problem}; what was copied stays, run again to go on")
    return lines
