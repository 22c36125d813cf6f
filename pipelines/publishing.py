"""What an output has published, and how a run is checked and made the published state."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from pipelines import books, datasets
from pipelines.calendar_books import calendar_parts
from pipelines.datasets import FORMAT_VERSION, Part, parts_of, write_manifest
from pipelines.due import Due, close_days
from pipelines.exports import InputFile, discover
from pipelines.options import BatchOptions, OptionError, RunOutcome
from pipelines.state import EVENT_LOG, INTERNAL, OPEN
from pipelines.version import VERSION
from schemas.tables import BOOK_TABLES
from transforms.clock import parse_time, to_text
from transforms.erasure import Erased
from transforms.event_log import STATE_VERSION

_log = logging.getLogger(__name__)
_BOOK_NAMES = frozenset(t.name for t in BOOK_TABLES)


@dataclass(slots=True)
class Published:
    """What is published in an output before a run.

    Attributes:
        manifest: the manifest, None when there is none.
        parts: its parts.
        files: rows of `input_file` by path.
    """

    manifest: dict[str, Any] | None
    parts: list[Part] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    @staticmethod
    def read(output: str) -> Published:
        """Read it.

        Raises:
            OptionError: another version has written it.
        """
        manifest = datasets.read_manifest(output)
        version = 0 if manifest is None else manifest.get("format_version", 0)
        if version > FORMAT_VERSION:
            raise OptionError(
                f"{output} was written by a later version of flowfacts (format {version}, this one knows up to "
                f"{FORMAT_VERSION}); use that version, or another --output"
            )
        if manifest is None:
            return Published(None)
        if version < FORMAT_VERSION:
            raise OptionError(
                f"{output} was written by an earlier version of flowfacts (format {version}, this one needs "
                f"{FORMAT_VERSION}), which kept no event log to go on from; compute the facts of the raw files in "
                "another --output"
            )
        parts = parts_of(manifest)
        return Published(manifest, parts, {r["path"]: r for r in books.book_rows(output, parts, "input_file")})

    @property
    def newest(self) -> int | None:
        """Newest recorded time."""
        return None if self.manifest is None else parse_time(self.manifest["newest"])

    @property
    def as_of(self) -> int | None:
        """Instant of the published facts."""
        return None if self.manifest is None else parse_time(self.manifest["as_of"])

    @property
    def erased(self) -> tuple[Erased, ...]:
        """What was erased."""
        return msgspec.convert((self.manifest or {}).get("erased", []), tuple[Erased, ...])


def settings_of(options: BatchOptions) -> dict[str, Any]:
    """Give the settings on which the state depends."""
    return {
        "deadlines": options.deadlines,
        "settle_days": options.settle_days,
        "calendar": options.calendar.plain(),
    }


class Ledger:
    """Checks the books of a run and publishes it."""

    def __init__(
        self, options: BatchOptions, published: Published, due: Due, outcome: RunOutcome, *, rebuilt: bool
    ) -> None:
        self.options, self.published, self.due, self.outcome = options, published, due, outcome
        self.rebuilt = rebuilt
        self.output = options.output.rstrip("/")
        self.went: Counter[str] = Counter()
        self.parts = self._visible()
        before = (published.manifest or {}).get("totals", {}) if not rebuilt else {}
        self.counts = {n: before.get(n, 0) + outcome.counts[n] for n in books.TOTALS}

    def _visible(self) -> list[Part]:
        """List the parts that this run makes visible, without the books that are written whole."""
        old = [p for p in self.published.parts if p.relation not in _BOOK_NAMES or p.relation == "dead_letter"]
        if self.rebuilt:
            kept = [p for p in old if p.relation in (EVENT_LOG, "dead_letter") and p.path not in self.outcome.gone]
            for part, left, went in books.without_files(self.output, kept, self.due.again):
                kept.remove(part)
                self.went[part.relation] += went
                if left is not None:
                    kept.append(left)
        else:
            kept = [p for p in old if p.tier != OPEN and p.path not in self.outcome.gone]
        return sorted({p.path: p for p in (*kept, *self.outcome.parts)}.values(), key=lambda p: p.path)

    def lost(self) -> str:
        """Say what was lost on the way between two steps."""
        return "; ".join(f"{e}: {s} sent, {r} received" for e, (s, r) in self.outcome.lost.items()) or "(not known)"

    def balanced(self) -> bool:
        """Check both equations of ruling 8, and that they speak of what was really read and written.

        The equations alone would hold when a file, or a written part, is lost together with its counts.
        """
        counts, outcome = self.outcome.counts, self.outcome
        letters = sum(p.rows for p in self.due.dead)  # a replay reads them instead of lines
        before, now = _rows(self.published.parts), _rows(self.parts)
        written = _rows(outcome.parts)
        written.subtract(_rows(p for p in self.published.parts if p.path in outcome.gone))
        logged = before[EVENT_LOG] - self.went[EVENT_LOG] if self.rebuilt else 0
        equations = (
            not outcome.lost,
            counts["lines_read"] == counts["lines_accepted"] + counts["dead_letters"],
            counts["events_accepted"] == sum(counts[n] for n in books.TOTALS) + counts["duplicates"],
            sorted(f["path"] for f in outcome.files) == sorted(f.name for f in self.due.files),
            sum(f["lines"] for f in outcome.files) + letters == counts["lines_read"],
            written["dead_letter"] == counts["dead_letters"] - letters,
            written[EVENT_LOG] + logged == counts["events_accepted"],
            now["flow_event"] == sum(self.counts.values()),
            min(self.counts.values()) >= 0,
        )
        if not all(equations):
            _log.error(
                "the books do not balance: %s, lost on the way %s, counts %s, written %s",
                equations, outcome.lost, counts, written,
            )  # fmt: skip
        return all(equations)

    def _open_days(self, files: Iterable[Mapping[str, Any]]) -> dict[str, str | None]:
        """Say of each day why it is open, None of the closed ones; without an input as it was."""
        if not self.options.input:
            return {
                r["day"]: None if r["closed"] else r["open_because"]
                for r in books.book_rows(self.output, self.published.parts, "day_book")
            }
        return close_days(discover(self.options.input), files, datetime.now(UTC), self.options.quiet_hours)

    def publish(self, row: dict[str, Any]) -> dict[str, Any]:
        """Write the books and the manifest, and give the manifest."""
        output, published = self.output, self.published
        files = {**published.files, **{f["path"]: {**f, "run_id": row["run_id"]} for f in self.outcome.files}}
        # A repeat of a file that had changed by the time it was read is a repeat of nothing: it stays due.
        for path in [p for p, f in files.items() if _outlived(f, files)]:
            del files[path]
        for f in self.due.touched:
            files[f.name] = {**files[f.name], "modified_at": f.modified}
        runs = books.book_rows(output, published.parts, "pipeline_run")
        answers = self._open_days(files.values())
        dead = books.dead_by_day(output, self.parts)
        last = {r["day"]: r["run_id"] for r in books.book_rows(output, published.parts, "day_book")}
        last |= {f["day"]: row["run_id"] for f in self.outcome.files if f["day"] is not None}
        parts = [
            *self.parts,
            books.write_book(output, "input_file", files.values(), lambda r: r["path"]),
            books.write_book(output, "pipeline_run", [*runs, row], lambda r: r["run_id"]),
            books.write_book(
                output, "day_book", books.day_rows(files.values(), answers, dead, last), lambda r: r["day"]
            ),
            *calendar_parts(output, self.options, self.outcome.as_of),
        ]
        seconds = (row["finished_at"] - row["started_at"]) / 1_000_000
        content = {
            "state_version": STATE_VERSION,
            "settings": settings_of(self.options),
            "newest": None if self.outcome.newest is None else to_text(self.outcome.newest),
            "as_of": None if self.outcome.as_of is None else to_text(self.outcome.as_of),
            "totals": books.totals_of(self.parts, files.values(), self.counts),
            "bytes_per_second": round(self.due.stored / max(seconds, 1)) or None,
            "merged": self.outcome.merged,
            "erased": msgspec.to_builtins(published.erased),
            "run": readable(row),
        }
        write_manifest(output, content, parts, INTERNAL)
        manifest = datasets.read_manifest(output)
        assert manifest is not None
        return manifest


def _outlived(file: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]]) -> bool:
    first = files.get(file["repeat_of"] or "")
    return first is not None and file["digest"] is not None and first["digest"] != file["digest"]


def _rows(parts: Iterable[Part]) -> Counter[str]:
    rows = Counter[str]()
    for part in parts:
        rows[part.relation] += part.rows
    return rows


def run_row(
    run_id: str,
    started: datetime,
    files: list[InputFile],
    outcome: RunOutcome,
    balanced: bool,
    mode: str,
) -> dict[str, Any]:
    """Make the `pipeline_run` row (ruling 8)."""
    days = sorted({f.day for f in files if f.day is not None})
    return {
        "run_id": run_id,
        "mode": mode,
        "first_day": days[0] if days else None,
        "last_day": days[-1] if days else None,
        "started_at": books.micros(started),
        "finished_at": books.micros(datetime.now(UTC)),
        "code_version": VERSION,
        "as_of": outcome.as_of,
        "files_read": sum(1 for f in outcome.files if f["repeat_of"] is None),
        "files_repeated": sum(1 for f in outcome.files if f["repeat_of"] is not None),
        "files_incomplete": sum(1 for f in outcome.files if not f["complete"]),
        **outcome.counts,
        "balanced": balanced,
    }


def tidy(output: str, published: Published, manifest: dict[str, Any]) -> None:
    """Remove the files that nothing names any more, now that the manifest is published."""
    named = books.dead_letter_files(output, parts_of(manifest))
    datasets.clean(output, published.manifest, manifest, named)


def delete_unpublished(output: str, published: Published, parts: list[Part]) -> None:
    """Delete what this run has written, but not a part that is published with the same content."""
    named = {p.path for p in published.parts}
    datasets.delete_files([f"{output}/{p.path}" for p in parts if p.path not in named])


def readable(value: Any) -> Any:
    """Turn the instants of a result into text, for JSON and for people."""
    if isinstance(value, Mapping):
        return {k: to_text(v) if k in _INSTANTS and isinstance(v, int) else readable(v) for k, v in value.items()}
    if isinstance(value, list):
        return [readable(v) for v in value]
    return value


_INSTANTS = frozenset({"started_at", "finished_at", "as_of", "modified_at"})
