"""Loads the published facts of an output into a dataset: staged first, then one transaction for everything.

    plan    what the dataset holds (one query) against what the manifest names
    stage   load jobs for the parts that come; readers see nothing of it
    commit  one transaction: rows that go, rows that come, the books, the generation
    again   until there is nothing to change, which is also how a success is known whose answer was lost

A load knows no state of its own: killed anywhere, at once with another one, or told twice, the next one finds what is
there and goes on.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from apache_beam.io.filesystem import BeamIOError
from google.api_core import exceptions

from pipelines import books
from pipelines.bigquery.apply import find_dataset
from pipelines.bigquery.client import BigQueryError, Target
from pipelines.bigquery.jobs import PASSING, ask, find_job, wait
from pipelines.bigquery.parts import Held, Step, compare, units
from pipelines.bigquery.script import MOVED, TooLongError, commit_script
from pipelines.bigquery.stage import GoneError, plain_bytes, remove_staging, span, stage
from pipelines.datasets import is_local, parts_of, read_manifest
from pipelines.exports import NoInputError
from pipelines.version import VERSION
from schemas.dataset import LOAD, PART, STAGING, STATE

_log = logging.getLogger(__name__)

_ROUNDS = 12
_MOST_JOBS = 1000
_CONFLICTS = (MOVED, "concurrent update", "is aborted due to")
"""What a transaction fails with that another one was in the way of."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a dataset holds.

    Attributes:
        generation: number of loads that have changed it.
        run: run whose facts it holds, None before the first.
        parts: parts whose rows it has.
    """

    generation: int
    run: str | None
    parts: tuple[Held, ...]


def load(output: str, target: Target, *, replace: bool = False, dry_run: bool = False) -> dict[str, Any]:
    """Make the dataset hold the published facts of an output.

    Args:
        output: output folder of `flowfacts batch`.
        target: the dataset.
        replace: take out whatever it holds, also the facts of another output.
        dry_run: only tell what would be done.

    Returns:
        What was done: `run`, `changed`, `rows_added`, `rows_removed`, `parts_added`, `parts_removed`, `jobs`,
        `staged_bytes`, `retries`, `generation`, `rows` by relation.

    Raises:
        NoInputError: nothing is published in the output.
        BigQueryError: it can't be done; readers see what they saw before.
    """
    output = output.rstrip("/")
    total: Counter[str] = Counter()
    staged: dict[str, Any] = {}
    used: set[str] = set()
    if not find_dataset(target):
        raise BigQueryError(f"{target.name} is not there: run flowfacts bigquery apply --dataset {target.name}")
    for turn in range(_ROUNDS):
        manifest = read_manifest(output)
        if manifest is None:
            raise NoInputError(f"{output} has no manifest.json, expected the output of flowfacts batch")
        parts = parts_of(manifest)
        holding = read_holding(target)
        run = manifest["run"]
        try:
            if not replace and _is_newer(target, holding, run["run_id"], output, parts):
                return _result(target, manifest, holding, total, note="the dataset holds a later run of this output")
        except (FileNotFoundError, BeamIOError):
            continue  # another run was published since
        step = compare(holding.parts, parts, manifest.get("merged", {}), replace=replace)
        # The books of a run are parts as well, so that no run comes without a step.
        if not step:
            remove_staging(target, staged.values())
            return _result(target, manifest, holding, total)
        chosen = units(step, local=is_local(output))
        if dry_run:
            return _planned(target, manifest, output, step, chosen)
        try:
            spans = {p.path: span(output, p) for fresh in step.fresh.values() for p in fresh}
            staged |= {u.staging: u for u in chosen}
            stage(target, output, chosen, holding.generation)
        except GoneError as err:  # another run was published since: its manifest names what is there
            _log.info("planning again: %s", err)
            continue
        about = {"run_id": run["run_id"], "as_of": manifest["as_of"], "code_version": VERSION}
        try:
            script = commit_script(target.name, holding.generation, step, chosen, spans, about)
        except TooLongError as err:
            raise BigQueryError(f"could not load {target.name}: {err}") from err
        if _commit(target, holding.generation, script, used):
            replace = False
            fresh = sum(map(len, step.fresh.values()))
            total.update(
                rows_added=step.rows_added, rows_removed=step.rows_removed, parts_added=fresh,
                parts_removed=len(step.gone), jobs=len(chosen) + 1, changed=1,
            )  # fmt: skip
        else:
            time.sleep(min(30.0, target.pause * 2**turn) * random.uniform(0.5, 1.0))
    raise BigQueryError(
        f"could not load {target.name}: other loads were faster {_ROUNDS} times; readers see what one of them has "
        "loaded; let one load run at a time"
    )


def read_holding(target: Target) -> Holding:
    """Read what a dataset holds, in one query and so of one instant.

    Raises:
        BigQueryError: the dataset is not as declared.
    """
    names = [f.name for f in PART.columns if f.name != "generation"]
    sql = (
        f"SELECT s.generation, s.run_id, {', '.join(f'p.{n}' for n in names)} FROM `{target.table(STATE.name)}` AS s"
        f" LEFT JOIN `{target.table(PART.name)}` AS p ON TRUE"
    )
    try:
        rows = ask(target, f"read what {target.name} holds", sql)
    except exceptions.NotFound as err:
        raise BigQueryError(
            f"{target.name} is not set up: run flowfacts bigquery apply --dataset {target.name}"
        ) from err
    if len({row[0] for row in rows}) != 1:
        raise BigQueryError(
            f"{target.table(STATE.name)} has {len(rows)} rows, expected one; drop the table, run flowfacts bigquery "
            "apply and load with --replace"
        )
    return Holding(rows[0][0], rows[0][1], tuple(Held(*row[2:]) for row in rows if row[2] is not None))


def _is_newer(target: Target, holding: Holding, run: str, output: str, parts: Collection[Any]) -> bool:
    """Say whether the dataset holds a later run of the output.

    Raises:
        BigQueryError: it holds the facts of another output.
    """
    if holding.run in (None, run):
        return False
    if any(row["run_id"] == holding.run for row in books.book_rows(output, parts, "pipeline_run")):
        return False  # the output goes on from what the dataset holds
    known = ask(
        target, f"read the loads of {target.name}",
        f"SELECT COUNT(*) FROM `{target.table(LOAD.name)}` WHERE run_id = '{run}'",
    )  # fmt: skip
    if known[0][0]:
        return True
    raise BigQueryError(
        f"{target.name} holds the run {holding.run}, which {output} does not know: it is of another output, or of this "
        "one before it was begun anew; load into another dataset, or with --replace to take out what is there"
    )


def _commit(target: Target, generation: int, script: str, used: set[str]) -> bool:
    """Run the transaction; says whether it went well. Whether it changed anything, the next plan sees.

    Args:
        target: the dataset.
        generation: what it is at.
        script: the transaction.
        used: ids of the jobs that this load has met; one is added.

    Raises:
        BigQueryError: it fails for good.
    """
    digest = blake2b(script.encode(), digest_size=8).hexdigest()
    for number in range(_MOST_JOBS):
        job_id = f"flowfacts_commit_{target.dataset}_{generation}_{digest}_{number}"
        if job_id in used:
            continue
        used.add(job_id)
        job = find_job(target, job_id)
        if job is None or wait(target, job) is None:  # the cause of one that failed before may be gone
            break
    if job is None:
        try:
            job = target.call(
                f"change {target.name}",
                lambda: target.client.query(
                    script,
                    job_id=job_id,
                    location=target.location,
                    retry=None,
                    job_retry=None,
                    timeout=target.seconds,
                ),
            )
        except exceptions.Conflict:  # begun by another load, or by an attempt whose answer was lost
            job = find_job(target, job_id)
    error = {"reason": "stopped"} if job is None else wait(target, job)
    if error is None:
        return True
    words = " ".join(str(error.get("message")).split())[:400]
    # A staging table that is gone: another load has been here. Any other table is missed for good.
    passing = error.get("reason") in PASSING and (error["reason"] != "notFound" or STAGING in words)
    if passing or any(text in words for text in _CONFLICTS):
        _log.info("planning again: %s", words)
        return False
    raise BigQueryError(
        f"the transaction {target.project}:{job_id} of {target.name} failed, readers see what they saw before: "
        f"{error.get('reason')}: {words}; run flowfacts bigquery plan for a table that was changed by hand, and load "
        "again"
    )


def _result(
    target: Target, manifest: dict[str, Any], holding: Holding, total: Counter[str], **more: Any
) -> dict[str, Any]:
    rows: Counter[str] = Counter()
    for part in holding.parts:
        rows[part.stored_in.rsplit("_", 1)[0]] += part.row_count
    counts = ("rows_added", "rows_removed", "parts_added", "parts_removed", "jobs")
    return {
        "dataset": target.name,
        "run": manifest["run"]["run_id"],
        "changed": bool(total["changed"]),
        "generation": holding.generation,
        **{name: total[name] for name in counts},
        "retries": target.retries,
        "rows": dict(sorted(rows.items())),
        **more,
    }


def _planned(target: Target, manifest: dict[str, Any], output: str, step: Step, chosen: list[Any]) -> dict[str, Any]:
    fresh = [p for parts in step.fresh.values() for p in parts]
    return {
        "dataset": target.name,
        "run": manifest["run"]["run_id"],
        "dry_run": True,
        "rows_added": step.rows_added,
        "rows_removed": step.rows_removed,
        "parts_added": len(fresh),
        "parts_removed": len(step.gone),
        "jobs": len(chosen) + 1,
        "upload_bytes": sum(p.bytes for p in fresh),
        "staged_bytes": sum(plain_bytes(output, p) for p in fresh),
    }


def tell(done: dict[str, Any]) -> str:
    """Tell a result to people."""
    if done.get("dry_run"):
        return (
            f"{done['dataset']}: {done['parts_added']} parts with {done['rows_added']:,} rows would come "
            f"({done['upload_bytes'] / 1e6:,.1f} MB in files, free to load), {done['parts_removed']} with "
            f"{done['rows_removed']:,} rows would go\njobs       {done['jobs']}: {done['jobs'] - 1} load jobs, and one "
            f"transaction that reads about {done['staged_bytes'] / 1e6:,.1f} MB\nnothing was changed"
        )
    if done.get("note"):
        return f"{done['dataset']}: nothing was changed, {done['note']}"
    if not done["changed"]:
        return f"{done['dataset']} holds run {done['run']} already; nothing was changed"
    return (
        f"{done['dataset']} holds run {done['run']}: {done['rows_added']:,} rows came, {done['rows_removed']:,} went, "
        f"{done['jobs']} jobs"
    )
