"""The books of an output: what earlier runs have read, and what a run adds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.datasets import Part, write_part
from pipelines.state import BOOKS, EVENT_LOG, read_table, write_share
from transforms.columns import to_table

TOTALS = ("events_folded", "events_outside_flows", "events_unresolved")
"""Counts that a manifest adds up over its runs."""


def book_rows(output: str, parts: Iterable[Part], relation: str) -> list[dict[str, Any]]:
    """Read the rows of a book; times are microseconds."""
    rows: list[dict[str, Any]] = []
    for part in parts:
        if part.relation == relation:
            table = read_table(output, part)
            columns = {
                n: (c.cast(pa.int64()) if pa.types.is_timestamp(c.type) else c).to_pylist()
                for n, c in zip(table.column_names, table.columns, strict=True)
            }
            rows += (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
    return rows


def write_book(output: str, relation: str, rows: Iterable[Mapping[str, Any]], key: Callable[[Any], Any]) -> Part:
    """Write all rows of a book as one part."""
    return write_part(output, relation, "books", to_table(relation, sorted(rows, key=key)), tier=BOOKS)


def without_files(output: str, parts: Iterable[Part], names: Collection[str]) -> list[tuple[Part, Part | None, int]]:
    """Write parts whose rows tell their source again without the rows of some files.

    Returns:
        For each part that had such rows: the part, what is left of it, and how many rows went.
    """
    found: list[tuple[Part, Part | None, int]] = []
    if not names:
        return found
    wanted = pa.array(sorted(names), pa.string())
    for part in parts:
        table = read_table(output, part)
        files = pc.replace_substring_regex(table.column("source"), r":[^:]*$", "")
        stays = table.filter(pc.invert(pc.is_in(files, value_set=wanted)))
        went = table.num_rows - stays.num_rows
        if not went:
            continue
        left = None
        if stays.num_rows:
            left = write_share(output, part, stays)
        found.append((part, left, went))
    return found


def totals_of(parts: Iterable[Part], files: Iterable[Mapping[str, Any]], folded: Mapping[str, int]) -> dict[str, int]:
    """Add up what the published state holds; the same whatever runs have led to it.

    Args:
        parts: visible parts.
        files: rows of `input_file`.
        folded: the counts of `TOTALS`.
    """
    rows = Counter[str]()
    for part in parts:
        rows[part.relation] += part.rows
    lines = sum(f["lines"] for f in files)
    distinct = sum(folded[n] for n in TOTALS)
    return {
        "lines_read": lines,
        "lines_accepted": lines - rows["dead_letter"],
        "dead_letters": rows["dead_letter"],
        "events_accepted": rows[EVENT_LOG],
        **{n: folded[n] for n in TOTALS},
        "duplicates": rows[EVENT_LOG] - distinct,
    }


def day_rows(
    files: Iterable[Mapping[str, Any]],
    answers: Mapping[str, str | None],
    dead: Mapping[str, int],
    last: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Make the rows of `day_book`.

    Args:
        files: rows of `input_file`.
        answers: why a day is open, None for a closed one.
        dead: dead letters by day.
        last: the last run that read a file of each day.
    """
    by_day: dict[str, list[Mapping[str, Any]]] = {day: [] for day in answers}
    for f in files:
        if f["day"] is not None:
            by_day.setdefault(f["day"], []).append(f)
    return [
        {
            "day": day,
            "closed": answers.get(day) is None,
            "open_because": answers.get(day),
            "files": sum(r["repeat_of"] is None for r in rows),
            "files_repeated": sum(r["repeat_of"] is not None for r in rows),
            "files_incomplete": sum(not r["complete"] for r in rows),
            "lines": sum(r["lines"] for r in rows),
            "dead_letters": dead.get(day, 0),
            "bytes": sum(r["bytes"] for r in rows),
            "run_id": last.get(day),
        }
        for day, rows in sorted(by_day.items())
    ]


def dead_by_day(output: str, parts: Iterable[Part]) -> dict[str, int]:
    """Count dead letters by day folder."""
    found = Counter[str]()
    for part in parts:
        if part.relation == "dead_letter":
            for source in read_table(output, part, ["source"]).column(0).to_pylist():
                if source[10:11] == "/":
                    found[source[:10]] += 1
    return found


def dead_letter_files(output: str, parts: Iterable[Part]) -> set[str]:
    """List the raw files that dead letters name, relative to the output."""
    found: set[str] = set()
    for part in parts:
        if part.relation == "dead_letter":
            found.update(p for p in read_table(output, part, ["raw_path"]).column(0).unique().to_pylist() if p)
    return found


def micros(moment: datetime) -> int:
    """Give microseconds since the epoch."""
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
