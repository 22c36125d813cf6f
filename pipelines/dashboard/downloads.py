"""Tables as CSV: written whole before the first byte leaves, so that a slow reader holds no question open."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import IO, Any

from pipelines.dashboard.model import Column, Kind, Table

_IN_MEMORY = 4 << 20
_PIECE = 1 << 16


def write_csv(table: Table, rows: Iterator[Mapping[str, Any]]) -> IO[str]:
    """Write the columns of a table; times are RFC 3339 in UTC, lengths in seconds.

    Returns:
        A file at its beginning, on the disk when it is longer than 4 MiB; it is gone when it is closed.
    """
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", newline="")  # noqa: SIM115 - closed by `drained`
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([_unit(c) for c in table.columns])
    for row in rows:
        writer.writerow([_cell(row.get(c.key)) for c in table.columns])
    file.seek(0)
    return file


def drained(file: IO[str]) -> Iterator[str]:
    """Give a file piece by piece, and close it."""
    with file:
        while piece := file.read(_PIECE):
            yield piece


def _unit(column: Column) -> str:
    return (
        f"{column.key}_seconds" if column.kind is Kind.SECONDS and not column.key.endswith("_seconds") else column.key
    )


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value))
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value  # what a spreadsheet would take for a formula
    return value
