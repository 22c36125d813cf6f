"""One run on an output: the graph, the check of its books, and its publication."""

from __future__ import annotations

import logging
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines import summary, warehouse
from pipelines.compaction import FANIN, Merges, plan_merges
from pipelines.datasets import Part, is_local, parts_of
from pipelines.due import Due
from pipelines.options import BatchOptions, RunOutcome
from pipelines.progress import ProgressView
from pipelines.publishing import Ledger, Published, delete_unpublished, readable, run_row, tidy
from pipelines.read_stage import ReadSettings
from pipelines.state import EVENT_LOG, OPEN, State
from pipelines.timing_facts import Job, bucket_count, run_pipeline
from pipelines.write_stage import Keeping
from schemas.vocabulary import SEARCH_DAYS

_log = logging.getLogger(__name__)

OK, FAILED, BAD_ARGUMENTS, INCOMPLETE_INPUT, UNBALANCED, LOCKED = 0, 1, 2, 3, 4, 5
"""Exit codes."""


@dataclass(slots=True)
class RunResult:
    """What a run gives: its exit code and everything its summary shows."""

    exit_code: int
    result: dict[str, Any]


@dataclass(slots=True)
class Task:
    """What a run has to do.

    Attributes:
        options: what is asked for.
        published: the state before.
        due: files and dead letters to be read.
        why: why it begins from the event log; None to go on from the state.
        mode: name of the kind of run, for the books.
        fanin: how many small parts of one size are written as one.
        review: looks at the result of the run before it is published; says whether it is to be.
    """

    options: BatchOptions
    published: Published
    due: Due
    why: str | None
    mode: str = "batch"
    fanin: int = FANIN
    review: Callable[[Ledger], bool] | None = None

    @property
    def output(self) -> str:
        """Give the output folder."""
        return self.options.output.rstrip("/")


def perform(task: Task, started: datetime) -> RunResult:
    """Do a run; the caller holds the lock of the output."""
    output, published, due = task.output, task.published, task.due
    run_id = f"{started:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    outcome, ledger = _attempt(task, run_id)
    again = None
    if not ledger.balanced() and outcome.by_workers:
        # Seen with Beam's local worker processes on a starved machine, never in one process: elements vanish between
        # two steps without an error. One process has no wire to lose them on.
        again = f"computed again in one process, for the local workers lost elements: {ledger.lost()}"
        _log.warning(again)
        delete_unpublished(output, published, outcome.parts)
        outcome, ledger = _attempt(task, run_id, alone=True)
    mode = "rebuild" if task.mode == "batch" and task.why is not None else task.mode
    row = run_row(run_id, started, due.files, outcome, ledger.balanced(), mode)
    problems = [f for f in outcome.files if not f["complete"]]
    problems += [{"path": r["path"], "problem": "still cut short"} for r in due.cut]
    result: dict[str, Any] = {"run": row, "problems": problems, "output": output, "from_event_log": task.why}
    if again is not None:
        result["again"] = again
    if not row["balanced"]:
        delete_unpublished(output, published, outcome.parts)
        return RunResult(UNBALANCED, readable(result))
    if task.review is not None and not task.review(ledger):
        delete_unpublished(output, published, outcome.parts)
        return RunResult(OK, readable(result))
    manifest = ledger.publish(row)
    result |= {"totals": manifest["totals"], "parts": len(parts_of(manifest))}
    if is_local(output):
        built = warehouse.build(output, manifest)
        result |= {"warehouse": str(built), "facts": summary.summarise(built)}
    tidy(output, published, manifest)
    return RunResult(INCOMPLETE_INPUT if problems else OK, readable(result))


def _attempt(task: Task, run_id: str, *, alone: bool = False) -> tuple[RunOutcome, Ledger]:
    """Compute, from the event log if the state turns out to be wrong, and make up the books."""
    outcome = _compute(task, run_id, alone=alone)
    if outcome.conflicts and task.why is None:
        delete_unpublished(task.output, task.published, outcome.parts)
        task.why = f"{outcome.conflicts} entities belong to another flow than earlier runs knew"
        outcome = _compute(task, run_id, alone=alone)
    return outcome, Ledger(task.options, task.published, task.due, outcome, rebuilt=task.why is not None)


def _compute(task: Task, run_id: str, *, alone: bool) -> RunOutcome:
    """Run the graph."""
    options, published, due, why = task.options, task.published, task.due, task.why
    output = options.output.rstrip("/")
    log = tuple(p for p in published.parts if p.relation == EVENT_LOG)
    work = due.stored
    # Compact events are some ten times smaller than the stored input that they come from.
    # Open flows are mostly copied.
    held = 10 * sum(p.bytes for p in log) if why else sum(p.bytes for p in published.parts if p.tier == OPEN) // 4
    buckets = 1 << ((options.buckets or bucket_count(work + held)) - 1).bit_length()
    arguments = options.beam_arguments(work + held, alone=alone)
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
                published.erased,
                options.calendar,
            ),
            as_of=options.as_of,
            newest=published.newest if state is not None else None,
            state=state,
            log=log if why is not None else (),
            without=due.again if why is not None else frozenset(),
            # What is decoded again is written anew anyway.
            merges=plan_merges((p for p in published.parts if p not in due.dead), task.fanin) if state else Merges(),
            dead=due.dead,
        )
        outcome = run_pipeline(job, beam_options=arguments, runner=options.runner)
        return replace(outcome, by_workers="--direct_running_mode=multi_processing" in arguments)

    if not (options.progress and options.runs_here):
        return go(None)
    fresh = sum(f.repeat_of is None for f in due.files)
    with (
        tempfile.TemporaryDirectory(prefix="flowfacts-") as folder,
        ProgressView(Path(folder), fresh, work),
    ):
        return go(folder)
