"""How an output stands: its days, what is not read yet, and what asks for attention."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pipelines import books
from pipelines.due import close_days, find_due
from pipelines.exports import InputFile, discover, strays
from pipelines.publishing import Published
from pipelines.upkeep import published_in
from transforms.clock import to_text

SOURCE_DAYS = 90
"""Days after which the platform deletes an export."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From when something asks for attention.

    Attributes:
        source_days: days that the source keeps a folder.
        warn_days: days before that from which an unread folder is urgent.
        lag_hours: hours after its end within which a day should have been read.
        dead_rate: share of a day's lines that may be dead letters.
        quiet_hours: a last day folder is complete when nothing in it has changed for so long.
    """

    source_days: float = SOURCE_DAYS
    warn_days: float = 14
    lag_hours: float = 36
    dead_rate: float = 0.01
    quiet_hours: float = 6


@dataclass(slots=True)
class Day:
    """How one day folder stands.

    Attributes:
        day: `YYYY-MM-DD`.
        closed: everything of it is read and whole, and no more is expected.
        because: why it is not.
        files, unread: files that were read, and files of the input that are due.
        cut: files that were read and are cut short.
        lines, dead_letters: of the files that were read.
        lag_hours: from the end of the day to the run that read the last of it; to now while something is unread.
        days_left: until the source deletes what is not read; None when all is.
        attention: what is wrong with it.
    """

    day: str
    closed: bool
    because: str | None
    files: int
    unread: int
    cut: int
    lines: int
    dead_letters: int
    lag_hours: float | None
    days_left: float | None
    attention: str | None = None


def status_of(output: str, source: str | None, limits: Limits, now: datetime) -> dict[str, Any]:
    """Tell how an output stands.

    Args:
        output: output folder of the batch job.
        source: its input, to see what is not read; None to look at the books alone.
        limits: from when something asks for attention.
        now: the time.

    Raises:
        OptionError: nothing is published there.
        NoInputError: the input has no file.
    """
    published = published_in(output)
    manifest = published.manifest or {}
    listing = discover(source) if source is not None else []
    rows = {r["day"]: r for r in books.book_rows(output, published.parts, "day_book")}
    runs = {r["run_id"]: r for r in books.book_rows(output, published.parts, "pipeline_run")}
    days = _days(published, listing, rows, runs, limits, now)
    attention = [f"{d.day}: {d.attention}" for d in days if d.attention]
    elsewhere = strays(source, listing, output.rstrip("/")) if source is not None else {}
    attention += [
        f"{folder}: {n} files are never read, for they do not lie in a folder YYYY-MM-DD of the input; move them"
        for folder, n in elsewhere.items()
    ]
    last = max(runs.values(), key=lambda r: r["finished_at"], default=None)
    return {
        "output": output,
        "contract_version": manifest.get("contract_version"),
        "as_of": manifest.get("as_of"),
        "newest": manifest.get("newest"),
        "last_run": last
        and {"run_id": last["run_id"], "mode": last["mode"], "finished_at": to_text(last["finished_at"])},
        "runs": len(runs),
        "totals": manifest.get("totals"),
        "days": [asdict(d) for d in days],
        "never_read": elsewhere,
        "attention": attention,
    }


def _days(
    published: Published,
    listing: list[InputFile],
    rows: dict[str, Any],
    runs: dict[str, Any],
    limits: Limits,
    now: datetime,
) -> list[Day]:
    due: dict[str, int] = {}
    for f in find_due(listing, published.files).files:
        if f.day is not None:
            due[f.day] = due.get(f.day, 0) + 1
    answers = {d: None if r["closed"] else r["open_because"] for d, r in rows.items()}
    if listing:
        answers |= close_days(listing, published.files.values(), now, limits.quiet_hours)
    found = []
    for day in sorted(answers.keys() | due.keys()):
        row = rows.get(day, {})
        unread = due.get(day, 0)
        because = answers.get(day)
        if unread and because is None:
            because = f"{unread} files changed since they were read"
        read_at = runs.get(row.get("run_id"), {}).get("finished_at")
        entry = Day(
            day=day,
            closed=because is None,
            because=because,
            files=row.get("files", 0),
            unread=unread,
            cut=row.get("files_incomplete", 0),
            lines=row.get("lines", 0),
            dead_letters=row.get("dead_letters", 0),
            lag_hours=_lag(day, None if unread else read_at, now),
            days_left=_days_left(day, limits, now) if unread else None,
        )
        entry.attention = _attention(entry, row, limits)
        found.append(entry)
    return found


def _end_of(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day) + timedelta(days=1), datetime.min.time(), UTC)


def _lag(day: str, read_at: int | None, now: datetime) -> float:
    then = now if read_at is None else datetime.fromtimestamp(read_at / 1_000_000, UTC)
    return round((then - _end_of(day)).total_seconds() / 3600, 2)


def _days_left(day: str, limits: Limits, now: datetime) -> float:
    return round((_end_of(day) + timedelta(days=limits.source_days) - now).total_seconds() / 86400, 2)


def _attention(day: Day, row: dict[str, Any], limits: Limits) -> str | None:
    if day.days_left is not None and day.days_left <= 0:
        return f"{day.unread} files are not read, and the source deletes them now"
    if day.days_left is not None and day.days_left <= limits.warn_days:
        return f"{day.unread} files are not read, and the source deletes them in {day.days_left:.1f} days"
    if day.unread and day.lag_hours is not None and day.lag_hours > limits.lag_hours:
        return f"{day.unread} files are not read {day.lag_hours:.0f} h after the end of the day"
    if row.get("files_incomplete"):
        return day.because or "a file is cut short"
    if day.lines and day.dead_letters / day.lines > limits.dead_rate:
        return f"{day.dead_letters} of {day.lines} lines are dead letters"
    return None
