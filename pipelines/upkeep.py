"""What the commands share that work on a published output without an input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.due import Due
from pipelines.lock import only_run
from pipelines.options import BatchOptions, OptionError
from pipelines.publishing import Ledger, Published
from pipelines.running import RunResult, Task, perform
from pipelines.state import EVENT_LOG
from schemas.tables import FACT_TABLES
from schemas.vocabulary import DEADLINE_DAYS, SETTLE_DAYS
from transforms.calendar import Calendar
from transforms.event_log import STATE_VERSION


@dataclass(frozen=True, slots=True)
class Upkeep:
    """How a command works on an output.

    Attributes:
        output: output folder of the batch job.
        runner: name of a Beam runner.
        workers: local worker processes; None for the number of processors.
        beam_options: standard Beam options, passed through.
        progress: show progress on a terminal.
    """

    output: str
    runner: str = "FnApiRunner"
    workers: int | None = None
    beam_options: tuple[str, ...] = ()
    progress: bool = False


def published_in(output: str) -> Published:
    """Read what is published.

    Raises:
        OptionError: nothing is, or a later version has written it.
    """
    published = Published.read(output)
    if published.manifest is None:
        raise OptionError(f"nothing is published in {output}, expected the output folder of flowfacts batch")
    return published


@contextmanager
def holding(output: str) -> Iterator[Published]:
    """Hold the lock of an output that has something published.

    Raises:
        OptionError: nothing is published there.
        LockedError: another run works on it.
    """
    published_in(output)  # before a lock makes the folder
    with only_run(output.rstrip("/")):
        yield published_in(output)


def options_of(upkeep: Upkeep, published: Published) -> BatchOptions:
    """Give the options with which the published facts were computed, so that nothing but the task changes them."""
    manifest = published.manifest or {}
    settings = manifest.get("settings", {})
    told_of = published.as_of if published.as_of != published.newest else None
    return BatchOptions(
        input="",
        output=upkeep.output,
        as_of=told_of,
        deadlines=settings.get("deadlines", {k: v * 86400 for k, v in DEADLINE_DAYS.items()}),
        settle_days=settings.get("settle_days", SETTLE_DAYS),
        calendar=Calendar.of(settings.get("calendar")),
        runner=upkeep.runner,
        workers=upkeep.workers,
        beam_options=upkeep.beam_options,
        progress=upkeep.progress,
    )


def why_outdated(published: Published) -> str | None:
    """Say why the state can't be gone on from."""
    version = (published.manifest or {})["state_version"]
    if version != STATE_VERSION:
        return f"the state has the format {version}, this version needs {STATE_VERSION}"
    return None


def replay(upkeep: Upkeep) -> RunResult:
    """Decode the dead letters again; those that decode now become events, the others stay.

    Raises:
        OptionError: nothing is published there.
        LockedError: another run works on the output.
    """
    with holding(upkeep.output) as published:
        dead = tuple(p for p in published.parts if p.relation == "dead_letter")
        task = Task(options_of(upkeep, published), published, Due(dead=dead), why_outdated(published), "replay")
        return perform(task, datetime.now(UTC))


def compact(upkeep: Upkeep) -> RunResult:
    """Write all small parts of a size together, not only when many have gathered.

    Raises:
        OptionError: nothing is published there.
        LockedError: another run works on the output.
    """
    with holding(upkeep.output) as published:
        task = Task(options_of(upkeep, published), published, Due(), why_outdated(published), "compact", fanin=2)
        before = len(published.parts)
        done = perform(task, datetime.now(UTC))
        done.result["parts_before"] = before
        return done


def rebuild(upkeep: Upkeep, since: str | None, *, apply: bool) -> RunResult:
    """Compute all facts again from the event log, and tell how they differ from those that are published.

    Args:
        upkeep: where and how.
        since: tell only of flows with an event recorded on this day or later.
        apply: publish the result.

    Raises:
        OptionError: nothing is published there.
        LockedError: another run works on the output.
    """
    from pipelines.difference import Difference, compare_parts, is_whole

    with holding(upkeep.output) as published:
        found: list[Difference] = []
        # Looked at first: a part that is computed again has the name of the one that somebody has deleted.
        facts = {t.name for t in FACT_TABLES}
        before = [p for p in published.parts if p.relation in facts and is_whole(upkeep.output, p)]

        def review(ledger: Ledger) -> bool:
            found.extend(compare_parts(upkeep.output, before, ledger.parts, since))
            return apply and not any(d.before for d in found)

        task = Task(options_of(upkeep, published), published, Due(), "asked for", "rebuild", review=review)
        done = perform(task, datetime.now(UTC))
        logged = sum(p.rows for p in published.parts if p.relation == EVENT_LOG)
        refused = apply and any(d.before for d in found)
        done.result |= {
            "events_from_log": logged,
            "differences": [d.told() for d in found],
            "applied": done.exit_code == 0 and apply and not refused,
            "refused": refused,
        }
        return done
