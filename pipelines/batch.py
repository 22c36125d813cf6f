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

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines import summary, warehouse
from pipelines.datasets import is_local
from pipelines.due import Due, find_due
from pipelines.exports import discover
from pipelines.lock import only_run
from pipelines.options import BatchOptions
from pipelines.publishing import Published, settings_of, tidy
from pipelines.running import INCOMPLETE_INPUT, OK, RunResult, Task, perform
from pipelines.state import EVENT_LOG, OPEN
from transforms.clock import to_text
from transforms.event_log import STATE_VERSION


def run(options: BatchOptions, *, now: datetime | None = None) -> RunResult:
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
            return RunResult(OK, plan_of(options, published, due, why))
        if not due.files and why is None and published.manifest is not None:
            return _nothing(options, published, due)
        return perform(Task(options, published, due, why), started)


def _rebuild_reason(options: BatchOptions, published: Published, due: Due) -> str | None:
    """Say why the run must begin from the event log, None when it can go on from the state."""
    manifest = published.manifest
    if manifest is None:
        return None
    if manifest["state_version"] != STATE_VERSION:
        return f"the state has the format {manifest['state_version']}, this version needs {STATE_VERSION}"
    if manifest["settings"] != settings_of(options):
        return "the deadlines, the calendar or --settle-days are not those of the runs before"
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


def _nothing(options: BatchOptions, published: Published, due: Due) -> RunResult:
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
        if not warehouse.is_current(options.output, manifest):  # the run before was killed once it had published
            file = warehouse.build(options.output, manifest)
        result |= {"warehouse": str(file), "facts": summary.summarise(file)}
    tidy(options.output.rstrip("/"), published, manifest)
    return RunResult(INCOMPLETE_INPUT if problems else OK, result)
