"""What there is to do: which files of the input were never read, have changed, or are still cut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pipelines.datasets import Part
from pipelines.exports import InputFile, digest_of, mark_repeats

Books = Mapping[str, Mapping[str, Any]]
"""Rows of `input_file` by path."""


@dataclass(frozen=True, slots=True)
class Due:
    """What a run has to do.

    Attributes:
        files: to be read, repeats included.
        again: names of files among them (or repeats now) whose lines the books hold already; their former lines are
            taken back, which an increment can't do, so that the run begins from the event log.
        cut: rows of files that were cut when they were read and have not changed since.
        touched: rows of files that are the same, but were modified since.
        dead: parts of dead letters to be decoded again.
    """

    files: list[InputFile] = field(default_factory=list)
    again: frozenset[str] = frozenset()
    cut: list[Mapping[str, Any]] = field(default_factory=list)
    touched: list[InputFile] = field(default_factory=list)
    dead: tuple[Part, ...] = ()

    @property
    def days(self) -> list[str]:
        """Days of the files."""
        return sorted({f.day for f in self.files if f.day is not None})

    @property
    def stored(self) -> int:
        """Bytes to be read."""
        return sum(f.size for f in self.files if f.repeat_of is None)


def find_due(listing: list[InputFile], books: Books, *, accept_truncated: bool = False, again: bool = False) -> Due:
    """Compare the input with the books.

    Args:
        listing: files of the input, in their order.
        books: rows of `input_file` by path.
        accept_truncated: cut files are read again, to take their whole lines.
        again: read files that have not changed, too.
    """
    fresh: list[InputFile] = []
    retaken: set[str] = set()
    cut: list[Mapping[str, Any]] = []
    touched: list[InputFile] = []
    for f in listing:
        row = books.get(f.name)
        if row is None:
            fresh.append(f)
            continue
        same = row["bytes"] == f.size and row["modified_at"] == f.modified
        if not same and row["bytes"] == f.size and row["complete"]:
            f = replace(f, digest=digest_of(f.path))
            same = f.digest == row["digest"]
            if same and not again:
                touched.append(f)
        refused = not row["complete"] and row["lines"] == 0 and row["repeat_of"] is None
        if same and refused and not accept_truncated and not again:
            cut.append(row)
        elif not same or again or refused:
            fresh.append(f)
            if not refused:
                retaken.add(f.name)
    fresh, retaken = _with_twins(listing, fresh, retaken, books)
    known: dict[int, dict[str, str]] = {}
    names = {f.name for f in fresh}
    for name, row in books.items():
        if name not in names and row["repeat_of"] is None and row["digest"] and row["lines"]:
            known.setdefault(row["bytes"], {})[row["digest"]] = name
    return Due(mark_repeats(fresh, known), frozenset(retaken), cut, touched)


def _with_twins(
    listing: list[InputFile], fresh: list[InputFile], retaken: set[str], books: Books
) -> tuple[list[InputFile], set[str]]:
    """Add the files whose place as first or repeat changes: of equal files, the first in order counts."""
    present = {f.name: f for f in listing}
    chosen = {f.name for f in fresh}
    added: set[str] = set()
    for name, row in books.items():  # repeats of a file that is read again
        if row["repeat_of"] in retaken and name in present:
            added.add(name)
    firsts: dict[int, list[str]] = {}
    for name, row in books.items():
        if row["repeat_of"] is None and name in present and row["lines"]:
            firsts.setdefault(row["bytes"], []).append(name)
    for f in fresh:
        for name in firsts.get(f.size, ()):
            twin = present[name]
            if name not in chosen and _order(f) < _order(twin):
                digest = f.digest or digest_of(f.path)
                if digest == books[name]["digest"]:
                    added.add(name)
    again = retaken | {n for n in added if books[n]["repeat_of"] is None}
    everything = sorted(chosen | added, key=lambda n: _order(present[n]))
    by_name = {f.name: f for f in fresh}
    return [by_name.get(n, present[n]) for n in everything], again


def _order(file: InputFile) -> tuple[str, str]:
    return file.day or "", file.name


def close_days(
    listing: Iterable[InputFile], files: Iterable[Mapping[str, Any]], now: datetime, quiet_hours: float
) -> dict[str, str | None]:
    """Say of each day whether it is complete: None, or why it is not.

    A day is complete when all of its files are read and whole, and either a later day folder exists or nothing in its
    folder has changed for `quiet_hours`. A day that is not in the input any more stays as its files were.

    Args:
        listing: files of the input.
        files: rows of `input_file`.
        now: the time.
        quiet_hours: see above.
    """
    present: dict[str, list[InputFile]] = {}
    for f in listing:
        if f.day is not None:
            present.setdefault(f.day, []).append(f)
    rows = {r["path"]: r for r in files}
    last = max(present, default="")
    answers: dict[str, str | None] = {}
    for day in sorted(present.keys() | {r["day"] for r in rows.values() if r["day"] is not None}):
        here = present.get(day, [])
        unread = [f.name for f in here if f.name not in rows]
        cut = [p for p, r in rows.items() if r["day"] == day and not r["complete"]]
        newest = max((f.modified for f in here if f.modified is not None), default=None)
        if unread:
            answers[day] = f"{len(unread)} of {len(here)} files not read yet"
        elif cut:
            answers[day] = f"{cut[0]} is cut short" + (f", and {len(cut) - 1} more" if len(cut) > 1 else "")
        elif day == last and newest is not None and _hours(now, newest) < quiet_hours:
            answers[day] = f"last day folder, changed within {quiet_hours:g} h; more files may come"
        else:
            answers[day] = None
    return answers


def _hours(now: datetime, micros: int) -> float:
    return (now - datetime.fromtimestamp(micros / 1_000_000, UTC)).total_seconds() / 3600
