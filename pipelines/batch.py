"""The batch job: files of a range of days in, published facts out.

    flowfacts batch --input DIR_OR_GS --output DIR_OR_GS

A run reads, projects and writes parts; then the books are checked; then the manifest makes the run the published
state, and the DuckDB file is built from it. A run that does not balance, or that is killed, changes nothing that
readers see.
"""

from __future__ import annotations

import logging
import tempfile
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines import datasets, summary, warehouse
from pipelines.datasets import Part, is_local, write_manifest, write_part
from pipelines.exports import InputFile, discover
from pipelines.options import BatchOptions, RunOutcome
from pipelines.progress import ProgressView
from pipelines.timing_facts import run_pipeline
from pipelines.version import VERSION
from transforms.clock import to_text
from transforms.columns import to_table

OK, FAILED, BAD_ARGUMENTS, INCOMPLETE_INPUT, UNBALANCED = 0, 1, 2, 3, 4
"""Exit codes."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class BatchResult:
    """What a run gives: its exit code and everything its summary shows."""

    exit_code: int
    result: dict[str, Any]


def run(options: BatchOptions) -> BatchResult:
    """Run the batch job.

    Raises:
        OptionError: an argument can't be used.
        NoInputError: there is nothing to read.
    """
    options.check()
    started = datetime.now(UTC)
    files = discover(options.input, options.first_day, options.last_day)
    run_id = f"{started:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    outcome = _read_and_project(options, files, run_id)
    row = run_row(run_id, started, files, outcome)
    problems = [f for f in outcome.files if not f["complete"]]
    result: dict[str, Any] = {"run": row, "problems": problems, "output": options.output.rstrip("/")}
    if not row["balanced"]:
        _delete(options.output, outcome.parts)
        return BatchResult(UNBALANCED, _readable(result))
    parts = outcome.parts + _books(options.output, run_id, row, outcome)
    before = datasets.read_manifest(options.output)
    write_manifest(options.output, _readable(row), parts)
    manifest = datasets.read_manifest(options.output)
    assert manifest is not None
    if is_local(options.output):
        built = warehouse.build(options.output, manifest)
        result |= {"warehouse": str(built), "facts": summary.summarise(built)}
    datasets.clean(options.output, before, manifest)
    return BatchResult(INCOMPLETE_INPUT if problems else OK, _readable(result))


def _read_and_project(options: BatchOptions, files: list[InputFile], run_id: str) -> RunOutcome:
    stored = sum(f.size for f in files if f.repeat_of is None)
    arguments = options.beam_arguments(stored)

    def go(progress_dir: str | None) -> RunOutcome:
        return run_pipeline(
            files,
            output=options.output.rstrip("/"),
            run_id=run_id,
            as_of=options.as_of,
            deadlines=options.deadlines,
            max_line_bytes=options.max_line_bytes,
            accept_truncated=options.accept_truncated,
            buckets=options.buckets,
            beam_options=arguments,
            runner=options.runner,
            progress_dir=progress_dir,
        )

    if not options.progress:
        return go(None)
    with tempfile.TemporaryDirectory(prefix="flowfacts-") as folder:
        fresh = [f for f in files if f.repeat_of is None]
        with ProgressView(Path(folder), len(fresh), stored):
            return go(folder)


def run_row(run_id: str, started: datetime, files: list[InputFile], outcome: RunOutcome) -> dict[str, Any]:
    """Make the `pipeline_run` row and check the balance (ruling 8)."""
    counts = outcome.counts
    days = sorted({f.day for f in files if f.day is not None})
    return {
        "run_id": run_id,
        "mode": "batch",
        "first_day": days[0] if days else None,
        "last_day": days[-1] if days else None,
        "started_at": _micros(started),
        "finished_at": _micros(datetime.now(UTC)),
        "code_version": VERSION,
        "as_of": outcome.as_of,
        "files_read": sum(1 for f in outcome.files if f["repeat_of"] is None),
        "files_repeated": sum(1 for f in outcome.files if f["repeat_of"] is not None),
        "files_incomplete": sum(1 for f in outcome.files if not f["complete"]),
        **counts,
        "balanced": balances(files, outcome),
    }


def balances(files: list[InputFile], outcome: RunOutcome) -> bool:
    """Check the books: both equations of ruling 8, and that they speak of what was really read and written.

    The equations alone would hold when a file, or a written part, is lost together with its counts.
    """
    counts = outcome.counts
    distinct = sum(counts[n] for n in ("events_folded", "events_outside_flows", "events_unresolved"))
    rows = Counter[str]()
    for part in outcome.parts:
        rows[part.relation] += part.rows
    return (
        counts["lines_read"] == counts["lines_accepted"] + counts["dead_letters"]
        and counts["events_accepted"] == distinct + counts["duplicates"]
        and sorted(f["path"] for f in outcome.files) == sorted(f.name for f in files)
        and sum(f["lines"] for f in outcome.files) == counts["lines_read"]
        and rows["dead_letter"] == counts["dead_letters"]
        and rows["flow_event"] == distinct
    )


def _books(output: str, run_id: str, row: dict[str, Any], outcome: RunOutcome) -> list[Part]:
    files = [{**f, "run_id": run_id} for f in outcome.files]
    return [
        write_part(output, "input_file", "books", to_table("input_file", files)),
        write_part(output, "pipeline_run", "books", to_table("pipeline_run", [row])),
    ]


def _delete(output: str, parts: list[Part]) -> None:
    """Delete what this run has written, but not a part that is published with the same content."""
    published = datasets.read_manifest(output)
    named = datasets.paths_of(published) if published else set()
    datasets.delete_files([f"{output.rstrip('/')}/{p.path}" for p in parts if p.path not in named])


def _micros(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)


def _readable(value: Any) -> Any:
    """Turn the instants of a result into text, for JSON and for people."""
    if isinstance(value, dict):
        return {k: to_text(v) if k in _INSTANTS and isinstance(v, int) else _readable(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_readable(v) for v in value]
    return value


_INSTANTS = frozenset({"started_at", "finished_at", "as_of"})
