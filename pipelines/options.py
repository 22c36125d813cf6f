"""What a batch run is asked for, and what it gives; checked before any graph exists."""

from __future__ import annotations

import argparse
import difflib
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from pipelines.job_server import endpoint_of, options_of
from schemas.vocabulary import DEADLINE_DAYS, SETTLE_DAYS
from transforms.clock import parse_time

if TYPE_CHECKING:
    from pipelines.datasets import Part
    from transforms.calendar import Calendar

DEFAULT_MAX_LINE_BYTES = 16 << 20
PARALLEL_FROM_BYTES = 24 << 20
"""Stored input bytes from which two local worker processes pay for their start of some two seconds."""

MAX_DEADLINE_DAYS = 36_500

QUIET_HOURS = 6
"""Hours without a change after which the last day folder counts as complete; the export is written hourly at most."""


def _always_open() -> Calendar:
    """Give the calendar of those who have none; loaded when asked for, since every command imports this module."""
    from transforms.calendar import ALWAYS_OPEN

    return ALWAYS_OPEN


class OptionError(Exception):
    """An argument can't be used; the message says which, its value, and what was expected."""


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """One batch run.

    Attributes:
        input: folder of day folders (or of files), on any Beam file system.
        output: folder for the datasets, on any Beam file system.
        first_day, last_day: range of day folders, both included; None for all.
        as_of: instant of the facts in microseconds; None for the newest recorded time of the input.
        accept_truncated: take the whole lines of cut files.
        max_line_bytes: longer lines are dead letters.
        buckets: number of buckets; None to choose by the size of the input.
        deadlines: seconds by flow.
        runner: name of a Beam runner.
        workers: local worker processes; None for the number of processors.
        beam_options: standard Beam options, passed through.
        progress: show progress on a terminal.
        again: read files again that were read before.
        quiet_hours: a last day folder is complete when nothing in it has changed for so long.
        settle_days: how long after its newest event a flow with an outcome stays open.
        dry_run: only tell what would be done.
        calendar: when the facilities are open.
    """

    input: str
    output: str
    first_day: str | None = None
    last_day: str | None = None
    as_of: int | None = None
    accept_truncated: bool = False
    max_line_bytes: int = DEFAULT_MAX_LINE_BYTES
    buckets: int | None = None
    deadlines: dict[str, int] = field(default_factory=lambda: {k: v * 86400 for k, v in DEADLINE_DAYS.items()})
    runner: str = "FnApiRunner"
    workers: int | None = None
    beam_options: tuple[str, ...] = ()
    progress: bool = False
    again: bool = False
    quiet_hours: float = QUIET_HOURS
    settle_days: float = SETTLE_DAYS
    dry_run: bool = False
    calendar: Calendar = field(default_factory=_always_open)

    def check(self) -> None:
        """Check what can be checked without looking at the input.

        Raises:
            OptionError: an argument can't be used.
        """
        for name, day in (("--from", self.first_day), ("--to", self.last_day)):
            if day is not None:
                check_day(name, day)
        if self.first_day and self.last_day and self.first_day > self.last_day:
            raise OptionError(f"--from {self.first_day} lies after --to {self.last_day}, expected a range of days")
        for flow, seconds in self.deadlines.items():
            if not 0 < seconds <= MAX_DEADLINE_DAYS * 86400:
                raise OptionError(
                    f"--deadline-{flow}-days is {seconds / 86400:g}, expected a positive number of days, at most "
                    f"{MAX_DEADLINE_DAYS:,}"
                )
        if self.buckets is not None and self.buckets < 1:
            raise OptionError(f"--buckets is {self.buckets}, expected at least 1")
        if self.workers is not None and self.workers < 1:
            raise OptionError(f"--workers is {self.workers}, expected at least 1")
        for name, number in (("--quiet-hours", self.quiet_hours), ("--settle-days", self.settle_days)):
            if not 0 <= number <= MAX_DEADLINE_DAYS:
                raise OptionError(f"{name} is {number:g}, expected a number from 0 to {MAX_DEADLINE_DAYS:,}")
        if self.max_line_bytes < 1024:
            raise OptionError(f"--max-line-bytes is {self.max_line_bytes}, expected at least 1024")
        self._check_folders()

    def _check_folders(self) -> None:
        for name, folder in (("--input", self.input), ("--output", self.output)):
            if not folder.strip():  # an unset variable of a script; the empty path would become the root folder
                raise OptionError(f"{name} is empty, expected a folder")
        if _place(self.output) == _place(self.input):
            raise OptionError(f"--output is the input folder {self.input}, expected another folder")
        if "://" not in self.output and os.path.exists(self.output) and not os.path.isdir(self.output):
            raise OptionError(f"--output {self.output} is a file, expected a folder; it is made when it is missing")
        if "://" not in self.output and "?" in self.output:
            raise OptionError(f"--output is {self.output!r}, expected a path without ?, which DuckDB can't open")

    @property
    def runs_here(self) -> bool:
        """Tell whether the workers are on this machine; others can't tell their progress in a folder of it."""
        return self.runner in ("FnApiRunner", "DirectRunner")

    def beam_arguments(self, stored_bytes: int, *, alone: bool = False) -> list[str]:
        """Give the Beam options for an input of this size: local workers only where they pay and nobody chose.

        Args:
            stored_bytes: size of the input.
            alone: no local workers at all, whatever was chosen.
        """
        given = [o for o in self.beam_options if not (alone and o.startswith(_LOCAL_WORKERS))]
        if alone:
            return given
        workers = self.workers or os.cpu_count() or 1
        chosen = any(o.startswith(_LOCAL_WORKERS) for o in given)
        if self.runs_here and not chosen and workers > 1 and stored_bytes >= PARALLEL_FROM_BYTES:
            given += ["--direct_running_mode=multi_processing", f"--direct_num_workers={workers}"]
        return given


_LOCAL_WORKERS = ("--direct_running_mode", "--direct_num_workers")


def _place(folder: str) -> str:
    return folder.rstrip("/") if "://" in folder else os.path.realpath(folder)


def check_day(name: str, value: str) -> None:
    """Check a day given on the command line.

    Raises:
        OptionError: it is none.
    """
    try:
        plain = date.fromisoformat(value).isoformat() == value  # it also reads 20260617 and 2026-W25-3
    except ValueError:
        plain = False
    if not plain:
        raise OptionError(f"{name} is {value!r}, expected a day like 2026-06-17")


def parse_deadline(name: str, days: float) -> int:
    """Turn the days of a deadline into seconds.

    Raises:
        OptionError: it is no number.
    """
    if not math.isfinite(days):
        raise OptionError(f"{name} is {days}, expected a positive number of days, at most {MAX_DEADLINE_DAYS:,}")
    return round(days * 86400)


def parse_instant(name: str, value: str | None) -> int | None:
    """Read an instant given on the command line.

    Raises:
        OptionError: it is no RFC 3339 time.
    """
    if value is None:
        return None
    instant = parse_time(value)
    if instant is None:
        raise OptionError(f"{name} is {value!r}, expected a time like 2026-06-24T00:00:00Z")
    return instant


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What the graph gives back.

    Attributes:
        counts: of the books.
        as_of: instant of the facts.
        parts: what was written.
        files: a row per input file.
        newest: newest recorded time known.
        gone: paths of published parts that written ones replace.
        merged: paths of parts that hold the same rows as several before, and of those.
        conflicts: entities that an earlier run gave to another flow than everything known now would.
        lost: edges of the graph where another number of elements arrived than was sent.
        by_workers: whether local worker processes computed it.
    """

    counts: dict[str, int]
    as_of: int | None
    parts: list[Part]
    files: list[dict[str, Any]] = field(default_factory=list)
    newest: int | None = None
    gone: frozenset[str] = frozenset()
    merged: dict[str, list[str]] = field(default_factory=dict)
    conflicts: int = 0
    lost: dict[str, tuple[int, int]] = field(default_factory=dict)
    by_workers: bool = False


def check_beam_options(given: list[str], ours: Iterable[str] = ()) -> None:
    """Check that Beam knows the options that are passed through.

    Args:
        given: options that are not ours.
        ours: names of our own options, for a hint when one is misspelt.

    Raises:
        OptionError: it does not.
    """
    from apache_beam.options.pipeline_options import PipelineOptions

    known = {o.split("=")[0] for o in given if _is_option(o)}
    parser = _SilentParser(allow_abbrev=False)
    for cls in PipelineOptions.__subclasses__():
        cls._add_argparse_args(parser)
    names = {s for action in parser._actions for s in action.option_strings}
    unknown = sorted(known - names)
    server = endpoint_of(given) if unknown else None
    if server is not None:
        try:
            names |= options_of(server)
        except ConnectionError as err:
            raise OptionError(
                f"unknown option {unknown[0]}, unless the engine has it; expected a job server that answers at "
                f"--job_endpoint {err}"
            ) from err
        unknown = sorted(known - names)
    stray = [o for i, o in enumerate(given) if not _is_option(o) and (i == 0 or "=" in given[i - 1])]
    if unknown or stray:
        first = (unknown or stray)[0]
        near = difflib.get_close_matches(first, [*ours, *sorted(names)], n=1)
        hint = f"did you mean {near[0]}?" if near else "see --help"
        raise OptionError(f"unknown option {first}, expected an option of flowfacts batch or of Beam; {hint}")


def _is_option(word: str) -> bool:
    return word.startswith("-") and not word[1:2].isdigit()  # -1 is a value


def check_runner(name: str) -> None:
    """Check that Beam has a runner of this name; none is started.

    Raises:
        OptionError: it has not.
    """
    from apache_beam.runners.runner import create_runner

    try:
        create_runner(name)
    except (ValueError, ImportError, AttributeError) as err:
        raise OptionError(
            f"--runner is {name!r}, expected a Beam runner that is installed, like FnApiRunner or DataflowRunner"
        ) from err


class _SilentParser(argparse.ArgumentParser):
    """Collects Beam's options; two of its classes declare the same one."""

    def add_argument(self, *args: Any, **kwargs: Any) -> Any:
        """Add an option unless it is there already."""
        try:
            return super().add_argument(*args, **kwargs)
        except argparse.ArgumentError:
            return None
