"""Retention: raw bytes of dead letters, raw copies of the export, and what the live half need not keep."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from pipelines import books, datasets, warehouse
from pipelines.books import dead_letter_files
from pipelines.datasets import Part, delete_files, is_local
from pipelines.due import find_due
from pipelines.erase import republish
from pipelines.exports import discover
from pipelines.live.letters import expire_letters
from pipelines.live.pruning import prune
from pipelines.live.store import FOLDER, shards_of
from pipelines.lock import LockedError, only_run
from pipelines.publishing import Published, tidy
from pipelines.scrubbing import files_under
from pipelines.state import BOOKS
from pipelines.upkeep import holding
from schemas.live import LIVE_DAYS
from transforms.columns import to_table
from transforms.rows import SECOND


@dataclass(frozen=True, slots=True)
class Retention:
    """How long raw bytes, and what both halves have, are kept, in days.

    Attributes:
        dead_letter_days: raw bytes of dead letters, from the run that met them.
        raw_days: day folders of raw copies, from the end of the day.
        live_days: what the settled half has, too, in the live half.
    """

    dead_letter_days: float
    raw_days: float
    live_days: float = LIVE_DAYS


def expire(
    output: str, raw: Sequence[str], retention: Retention, now: datetime, *, apply: bool, settled: str | None = None
) -> dict[str, Any]:
    """Delete raw bytes that are older than their retention; only tell of them unless `apply`.

    A day folder goes only when it is closed in the books and nothing of it is due.

    Args:
        output: output folder of the batch job.
        raw: folders with raw copies of the export.
        retention: how long what is kept.
        now: the time.
        apply: delete.
        settled: output of the batch job whose word counts for the live half; None for the same.

    Raises:
        OptionError: nothing is published there, or raw copies are named and no books tell what of them was read.
        NoInputError: a folder of raw copies has no file.
        LockedError: another run works on the output.
    """
    output = output.rstrip("/")
    live = shards_of(output) is not None
    if not live or raw or Published.read(output).manifest is not None:
        told = _expire_settled(output, raw, retention, now, apply=apply)
    else:
        told = {
            "output": output, "applied": apply, "dead_letter_files": 0, "dead_letter_bytes": 0, "raw_days": {},
            "raw_files": 0, "kept_days": {},
        }  # fmt: skip
    return told | (_expire_live(output, settled or output, retention, now, apply=apply) if live else {})


def _expire_live(output: str, settled: str, retention: Retention, now: datetime, *, apply: bool) -> dict[str, Any]:
    """Drop old dead letters and what is settled of a live half, unless a stream is at work there, which does so."""
    at = int(now.timestamp() * SECOND)
    before = int((now.timestamp() - retention.dead_letter_days * 86400) * SECOND)
    try:
        with only_run(f"{output}/{FOLDER}"):
            files, size = expire_letters(output, before, apply=apply)
            pruned = prune(output, settled, round(retention.live_days * 86400) * SECOND, at, apply=apply)
    except LockedError:
        return {"live_at_work": True}
    return {
        "live_at_work": False,
        "live_dead_letter_files": files,
        "live_dead_letter_bytes": size,
        "live_pruned": asdict(pruned),
    }


def _expire_settled(
    output: str, raw: Iterable[str], retention: Retention, now: datetime, *, apply: bool
) -> dict[str, Any]:
    with holding(output) as published:
        letters = _old_letters(output, published, retention, now)
        folders, kept = _old_folders(raw, published, output, retention, now)
        if apply:
            # First nothing names the bytes any more, then they go: a kill in between leaves bytes that the next turn
            # finds, not names that lead nowhere.
            if letters:
                manifest = _forget(output, published, {name for name, _ in letters}, now)
                if is_local(output):
                    warehouse.build(output, manifest)
                tidy(output, published, manifest)
            delete_files([f"{output}/{name}" for name, _ in letters])
            delete_files([path for files in folders.values() for path, _ in files])
        return {
            "output": output,
            "applied": apply,
            "dead_letter_files": len(letters),
            "dead_letter_bytes": sum(size for _, size in letters),
            "raw_days": {day: sum(size for _, size in files) for day, files in sorted(folders.items())},
            "raw_files": sum(len(files) for files in folders.values()),
            "kept_days": kept,
        }


def _old_letters(output: str, published: Published, retention: Retention, now: datetime) -> list[tuple[str, int]]:
    """List raw files of dead letters: those of old runs."""
    found = []
    for name, path in files_under(f"{output}/dead_letters"):
        run = name.split("/")[0]
        if name.endswith(".raw") and _age(run[:8], now) > retention.dead_letter_days:
            found.append((f"dead_letters/{name}", len(datasets.read_bytes(path))))
    return found


def _age(day: str, now: datetime) -> float:
    """Give the days since the end of a day, `YYYYMMDD` or `YYYY-MM-DD`."""
    end = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    return (now - end).total_seconds() / 86400 - 1


def _old_folders(
    raw: Iterable[str], published: Published, output: str, retention: Retention, now: datetime
) -> tuple[dict[str, list[tuple[str, int]]], dict[str, str]]:
    """List the files of old days by day, and the old days that stay, with the reason."""
    closed = {r["day"] for r in books.book_rows(output, published.parts, "day_book") if r["closed"]}
    gone: dict[str, list[tuple[str, int]]] = {}
    kept: dict[str, str] = {}
    for folder in raw:
        listing = discover(folder)
        due = {f.day for f in find_due(listing, published.files).files}
        for f in listing:
            if f.day is None or _age(f.day, now) <= retention.raw_days:
                continue
            if f.day in due:
                kept[f.day] = "not everything of it was read"
            elif f.day not in closed:
                kept[f.day] = "it is not closed in the books"
            else:
                gone.setdefault(f.day, []).append((f.path, f.size))
    return gone, kept


def _forget(output: str, published: Published, names: set[str], now: datetime) -> dict[str, Any]:
    """Publish the dead letters without the names of raw files that go."""
    parts: list[Part] = []
    run_id = f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    for part in published.parts:
        if part.relation != "dead_letter" or not names & dead_letter_files(output, [part]):
            parts.append(part)
            continue
        rows = books.book_rows(output, [part], "dead_letter")
        left = [{**r, "raw_path": None, "raw_index": None} if r["raw_path"] in names else r for r in rows]
        table = to_table("dead_letter", left)
        parts.append(datasets.write_part(output, "dead_letter", "left", table, tier=BOOKS, run=part.run))
    return republish(output, published, parts, published.files, run_id, now, "expire", list(published.erased))
