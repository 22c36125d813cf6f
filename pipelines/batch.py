"""The batch job: whatever is due in the input, published as facts.

    flowfacts batch --input DIR_OR_GS --output DIR_OR_GS

A run reads the files that the books do not hold, brings the flows that they touch up to date, and writes parts; then
the books are checked; then the manifest makes all of it the published state, and the DuckDB file is built from it. A
run that does not balance, or that is killed, changes nothing that readers see.

Most runs are increments on the state of the run before. A run begins from the event log instead, with the same
result, when an increment can't be exact: lines that are in the books must be taken back (a file has changed), the
settings or the format of the state are others, an entity turns out to belong to another flow than an earlier run
knew.
"""

from __future__ import annotations

import logging
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines import books, datasets, summary, warehouse
from pipelines.compaction import Merges, plan_merges
from pipelines.datasets import FORMAT_VERSION, Part, is_local, parts_of, write_manifest
from pipelines.due import Due, close_days, find_due
from pipelines.exports import InputFile, discover
from pipelines.lock import only_run
from pipelines.options import BatchOptions, OptionError, RunOutcome
from pipelines.progress import ProgressView
from pipelines.read_stage import ReadSettings
from pipelines.state import EVENT_LOG, INTERNAL, OPEN, State
from pipelines.timing_facts import Job, bucket_count, run_pipeline
from pipelines.version import VERSION
from pipelines.write_stage import Keeping
from schemas.tables import BOOK_TABLES
from schemas.vocabulary import SEARCH_DAYS
from transforms.clock import parse_time, to_text
from transforms.event_log import STATE_VERSION

OK, FAILED, BAD_ARGUMENTS, INCOMPLETE_INPUT, UNBALANCED, LOCKED = 0, 1, 2, 3, 4, 5
"""Exit codes."""

_log = logging.getLogger(__name__)
_BOOK_NAMES = frozenset(t.name for t in BOOK_TABLES)


@dataclass(slots=True)
class BatchResult:
    """What a run gives: its exit code and everything its summary shows."""

    exit_code: int
    result: dict[str, Any]


@dataclass(slots=True)
class Published:
    """What is published in an output before a run.

    Attributes:
        manifest: the manifest, None when there is none of this format.
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
            OptionError: a later version has written it.
        """
        manifest = datasets.read_manifest(output)
        version = 0 if manifest is None else manifest.get("format_version", 0)
        if version > FORMAT_VERSION:
            raise OptionError(
                f"{output} was written by a later version of flowfacts (format {version}, this one knows up to "
                f"{FORMAT_VERSION}); use that version, or another --output"
            )
        if manifest is None or version < FORMAT_VERSION:  # an old one has no event log to go on from
            return Published(None)
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


def run(options: BatchOptions, *, now: datetime | None = None) -> BatchResult:
    """Run the batch job.

    Args:
        options: what is asked for.
        now: the time, for the closing of days.

    Raises:
        OptionError: an argument can't be used.
        NoInputError: there is nothing to read.
        LockedError: another run works on the output.
    """
    options.check()
    started = now or datetime.now(UTC)
    listing = discover(options.input, options.first_day, options.last_day)
    guard: AbstractContextManager[None] = nullcontext() if options.dry_run else only_run(options.output.rstrip("/"))
    with guard:
        published = Published.read(options.output)
        due = find_due(listing, published.files, accept_truncated=options.accept_truncated, again=options.again)
        why = _rebuild_reason(options, published, due)
        if options.dry_run:
            return BatchResult(OK, plan_of(options, published, due, why))
        if not due.files and why is None and published.manifest is not None:
            return _nothing(options, published, due)
        return _run(options, published, due, why, started)


def _rebuild_reason(options: BatchOptions, published: Published, due: Due) -> str | None:
    """Say why the run must begin from the event log, None when it can go on from the state."""
    manifest = published.manifest
    if manifest is None:
        return None
    if manifest["state_version"] != STATE_VERSION:
        return f"the state has the format {manifest['state_version']}, this version needs {STATE_VERSION}"
    if manifest["settings"] != _settings(options):
        return "the deadlines or --settle-days are not those of the runs before"
    after = options.as_of if options.as_of is not None else published.newest
    if published.as_of is not None and after is not None and after < published.as_of and (due.files or options.as_of):
        return f"the facts are told of {to_text(after)}, which is before those published"
    if options.as_of is not None and options.as_of != published.as_of:
        return f"the facts are told of {to_text(options.as_of)}"
    if due.again:
        first = min(due.again)
        return f"{first} was read before and is read again" + (
            f", and {len(due.again) - 1} more" if len(due.again) > 1 else ""
        )
    return None


def _settings(options: BatchOptions) -> dict[str, Any]:
    return {"deadlines": options.deadlines, "settle_days": options.settle_days}


def plan_of(options: BatchOptions, published: Published, due: Due, why: str | None) -> dict[str, Any]:
    """Tell what a run would do."""
    log = sum(p.rows for p in published.parts if p.relation == EVENT_LOG) if why else 0
    rate = (published.manifest or {}).get("bytes_per_second")
    return {
        "dry_run": True,
        "output": options.output.rstrip("/"),
        "days": due.days,
        "files": sum(f.repeat_of is None for f in due.files),
        "repeats": sum(f.repeat_of is not None for f in due.files),
        "bytes": due.stored,
        "still_cut": [r["path"] for r in due.cut],
        "open_flows": sum(p.rows for p in published.parts if p.relation == "flow_state" and p.tier == OPEN),
        "from_event_log": why,
        "events_from_log": log,
        "estimated_seconds": None if not rate else round(due.stored / rate + log / 40_000 + 4, 1),
    }


def _nothing(options: BatchOptions, published: Published, due: Due) -> BatchResult:
    manifest = published.manifest
    assert manifest is not None
    problems = [{"path": r["path"], "problem": "still cut short"} for r in due.cut]
    result: dict[str, Any] = {
        "run": manifest["run"],
        "problems": problems,
        "output": options.output.rstrip("/"),
        "nothing_due": True,
        "totals": manifest["totals"],
    }
    if is_local(options.output):
        file = Path(options.output) / warehouse.FILE
        if not file.exists():
            file = warehouse.build(options.output, manifest)
        result |= {"warehouse": str(file), "facts": summary.summarise(file)}
    return BatchResult(INCOMPLETE_INPUT if problems else OK, result)


def _run(options: BatchOptions, published: Published, due: Due, why: str | None, started: datetime) -> BatchResult:
    output = options.output.rstrip("/")
    run_id = f"{started:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    outcome = _go(options, published, due, why, run_id)
    if outcome.conflicts and why is None:
        _delete(output, published, outcome.parts)
        why = f"{outcome.conflicts} entities belong to another flow than earlier runs knew"
        outcome = _go(options, published, due, why, run_id)
    ledger = _Ledger(options, published, due, outcome, rebuilt=why is not None)
    row = run_row(run_id, started, due.files, outcome, ledger.balanced(), "batch" if why is None else "rebuild")
    problems = [f for f in outcome.files if not f["complete"]]
    problems += [{"path": r["path"], "problem": "still cut short"} for r in due.cut]
    result: dict[str, Any] = {"run": row, "problems": problems, "output": output, "from_event_log": why}
    if not row["balanced"]:
        _delete(output, published, outcome.parts)
        return BatchResult(UNBALANCED, _readable(result))
    manifest = ledger.publish(row)
    result["totals"] = manifest["totals"]
    if is_local(output):
        built = warehouse.build(output, manifest)
        result |= {"warehouse": str(built), "facts": summary.summarise(built)}
    datasets.clean(output, published.manifest, manifest)
    return BatchResult(INCOMPLETE_INPUT if problems else OK, _readable(result))


def _go(options: BatchOptions, published: Published, due: Due, why: str | None, run_id: str) -> RunOutcome:
    output = options.output.rstrip("/")
    log = tuple(p for p in published.parts if p.relation == EVENT_LOG)
    work = due.stored
    # Compact events are some ten times smaller than the stored input that they come from.
    # Open flows are mostly copied.
    held = 10 * sum(p.bytes for p in log) if why else sum(p.bytes for p in published.parts if p.tier == OPEN) // 4
    buckets = 1 << ((options.buckets or bucket_count(work + held)) - 1).bit_length()
    arguments = options.beam_arguments(work + held)
    state = None
    if why is None and published.manifest is not None:
        named: dict[str, list[Part]] = {}
        for part in published.parts:
            named.setdefault(part.relation, []).append(part)
        state = State(output, buckets, named)

    def go(progress_dir: str | None) -> RunOutcome:
        read = ReadSettings(output, run_id, buckets, options.max_line_bytes, options.accept_truncated, progress_dir)
        job = Job(
            files=due.files,
            read=read,
            keeping=Keeping(
                {k: v * 1_000_000 for k, v in options.deadlines.items()},
                round(options.settle_days * 86_400_000_000),
                SEARCH_DAYS * 86_400_000_000,
                published.newest or 0,
            ),
            as_of=options.as_of,
            newest=published.newest if state is not None else None,
            state=state,
            log=log if why is not None else (),
            without=due.again if why is not None else frozenset(),
            merges=plan_merges(published.parts) if state is not None else Merges(),
        )
        return run_pipeline(job, beam_options=arguments, runner=options.runner)

    if not options.progress:
        return go(None)
    fresh = sum(f.repeat_of is None for f in due.files)
    with (
        tempfile.TemporaryDirectory(prefix="flowfacts-") as folder,
        ProgressView(Path(folder), fresh, work),
    ):
        return go(folder)


class _Ledger:
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
            kept = [p for p in old if p.relation in (EVENT_LOG, "dead_letter")]
            for part, left, went in books.without_files(self.output, kept, self.due.again):
                kept.remove(part)
                self.went[part.relation] += went
                if left is not None:
                    kept.append(left)
        else:
            kept = [p for p in old if p.tier != OPEN and p.path not in self.outcome.gone]
        return sorted({p.path: p for p in (*kept, *self.outcome.parts)}.values(), key=lambda p: p.path)

    def balanced(self) -> bool:
        """Check both equations of ruling 8, and that they speak of what was really read and written.

        The equations alone would hold when a file, or a written part, is lost together with its counts.
        """
        counts, outcome = self.outcome.counts, self.outcome
        before, now = _rows(self.published.parts), _rows(self.parts)
        written = _rows(outcome.parts)
        written.subtract(_rows(p for p in self.published.parts if p.path in outcome.gone))
        logged = before[EVENT_LOG] - self.went[EVENT_LOG] if self.rebuilt else 0
        equations = (
            counts["lines_read"] == counts["lines_accepted"] + counts["dead_letters"],
            counts["events_accepted"] == sum(counts[n] for n in books.TOTALS) + counts["duplicates"],
            sorted(f["path"] for f in outcome.files) == sorted(f.name for f in self.due.files),
            sum(f["lines"] for f in outcome.files) == counts["lines_read"],
            written["dead_letter"] == counts["dead_letters"],
            written[EVENT_LOG] + logged == counts["events_accepted"],
            now["flow_event"] == sum(self.counts.values()),
            min(self.counts.values()) >= 0,
        )
        if not all(equations):
            _log.error("the books do not balance: %s, counts %s, written %s", equations, counts, written)
        return all(equations)

    def publish(self, row: dict[str, Any]) -> dict[str, Any]:
        """Write the books and the manifest, and give the manifest."""
        output, published = self.output, self.published
        files = {**published.files, **{f["path"]: {**f, "run_id": row["run_id"]} for f in self.outcome.files}}
        for f in self.due.touched:
            files[f.name] = {**files[f.name], "modified_at": f.modified}
        runs = books.book_rows(output, published.parts, "pipeline_run")
        everywhere = discover(self.options.input)
        answers = close_days(everywhere, files.values(), datetime.now(UTC), self.options.quiet_hours)
        dead = books.dead_by_day(output, self.parts)
        parts = [
            *self.parts,
            books.write_book(output, "input_file", files.values(), lambda r: r["path"]),
            books.write_book(output, "pipeline_run", [*runs, row], lambda r: r["run_id"]),
            books.write_book(output, "day_book", books.day_rows(files.values(), answers, dead), lambda r: r["day"]),
        ]
        seconds = (row["finished_at"] - row["started_at"]) / 1_000_000
        content = {
            "state_version": STATE_VERSION,
            "settings": _settings(self.options),
            "newest": None if self.outcome.newest is None else to_text(self.outcome.newest),
            "as_of": None if self.outcome.as_of is None else to_text(self.outcome.as_of),
            "totals": books.totals_of(self.parts, files.values(), self.counts),
            "bytes_per_second": round(self.due.stored / max(seconds, 1)) or None,
            "merged": self.outcome.merged,
            "run": _readable(row),
        }
        write_manifest(output, content, parts, INTERNAL)
        manifest = datasets.read_manifest(output)
        assert manifest is not None
        return manifest


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


def _delete(output: str, published: Published, parts: list[Part]) -> None:
    """Delete what this run has written, but not a part that is published with the same content."""
    named = {p.path for p in published.parts}
    datasets.delete_files([f"{output}/{p.path}" for p in parts if p.path not in named])


def _readable(value: Any) -> Any:
    """Turn the instants of a result into text, for JSON and for people."""
    if isinstance(value, Mapping):
        return {k: to_text(v) if k in _INSTANTS and isinstance(v, int) else _readable(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_readable(v) for v in value]
    return value


_INSTANTS = frozenset({"started_at", "finished_at", "as_of", "modified_at"})
