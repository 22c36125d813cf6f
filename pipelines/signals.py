"""Writes the lines that `--log` asks for: one line of JSON for a log collector, with the fields of `schemas.signals`.

`time`, `severity` and `message` are where Cloud Logging and its kin look for them; the rest stands below `flowfacts`. A
command leaves its values in `args.signal`; `pipelines.cli` prints the line when the exit code is known, also when the
command has failed. Jobs that go on print lines of their own.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pipelines.version import VERSION
from schemas.signals import COMMON, NAMESPACE, SIGNALS

_ENDINGS: Final[dict[int, tuple[str, str]]] = {
    0: ("INFO", "done"),
    1: ("ERROR", "failed"),
    2: ("ERROR", "bad arguments, or nothing to read"),
    3: ("WARNING", "done, but something asks for attention"),
    4: ("CRITICAL", "the books do not balance; nothing was published"),
    5: ("NOTICE", "another run is at work; nothing was changed"),
    130: ("NOTICE", "interrupted"),
}
"""Severity and words by exit code."""


def add_log(parser: argparse.ArgumentParser) -> None:
    """Declare the option."""
    parser.add_argument(
        "--log", action="store_true", help="print one line of JSON for a log collector, with severity, whatever happens"
    )


def line(command: str, values: Mapping[str, Any], *, code: int | None = None, problem: str | None = None) -> str:
    """Write a line.

    Args:
        command: the command.
        values: its fields; None leaves one out.
        code: exit code; None while the command goes on.
        problem: what went wrong, in words that name no data.

    Raises:
        KeyError: a field is not declared.
    """
    known = {f.name: f for f in (*COMMON, *SIGNALS.get(command, ()))}
    for name in values:
        if name not in known:
            raise KeyError(f"{name} is no field of the line of {command}")
    severity, words = ("INFO", "at work") if code is None else _ENDINGS.get(code, ("ERROR", f"exit code {code}"))
    fields = {"signal": command, "version": VERSION, **({} if code is None else {"exit_code": code}), **values}
    told = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "severity": severity,
        "message": f"flowfacts {command}: {problem or words}",
        NAMESPACE: {n: v for n, v in fields.items() if v is not None},
    }
    return json.dumps(told, ensure_ascii=False)


def of_batch(result: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of a batch run."""
    run, nothing = result.get("run"), bool(result.get("nothing_due"))
    if run is None:  # a dry run
        return {}
    if nothing:  # the run is the one before, which was told
        return {"nothing_due": True, "run_id": run["run_id"], "files_read": 0, "lines_read": 0}
    seconds = datetime.fromisoformat(run["finished_at"]) - datetime.fromisoformat(run["started_at"])
    return {
        "run_id": run["run_id"],
        "mode": run["mode"],
        "nothing_due": False,
        "balanced": run["balanced"],
        "files_read": run["files_read"],
        "files_incomplete": len(result.get("problems", ())),
        "lines_read": run["lines_read"],
        "dead_letters": run["dead_letters"],
        "dead_letter_rate": run["dead_letters"] / run["lines_read"] if run["lines_read"] else None,
        "events_accepted": run["events_accepted"],
        "seconds": round(seconds.total_seconds(), 1),
    }


def of_status(found: Mapping[str, Any], lag_hours: float, now: datetime) -> dict[str, Any]:
    """Give the fields of a look at an output."""
    days = found["days"]
    read, unread = sum(d["files"] for d in days), sum(d["unread"] for d in days)
    left = [d["days_left"] for d in days if d["days_left"] is not None]
    return {
        "days": len(days),
        "days_open": sum(not d["closed"] for d in days),
        "days_late": sum(bool(d["unread"]) and (d["lag_hours"] or 0) > lag_hours for d in days),
        "days_cut": sum(d["cut"] > 0 for d in days),
        "files_unread": unread,
        "completeness": read / (read + unread) if read + unread else None,
        "days_left": min(left, default=None),
        "facts_age_hours": _hours(found["newest"], now),
        "hours_since_run": _hours((found["last_run"] or {}).get("finished_at"), now),
        "attention": len(found["attention"]),
    }


def _hours(then: str | None, now: datetime) -> float | None:
    return None if then is None else round((now - datetime.fromisoformat(then)).total_seconds() / 3600, 2)


def of_mirror(report: Any) -> dict[str, Any]:
    """Give the fields of a mirror's report."""
    return {
        "copied": report.copied,
        "copied_bytes": report.copied_bytes,
        "not_mirrored": len(report.refused) + len(report.failed) + report.not_tried,
        "expiring_days": len(report.expiring),
        "days_left": min((float(e.days_left) for e in report.expiring), default=None),
        "seconds": round(report.seconds, 1),
    }


def of_landing(state: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of a landing's status."""
    return {f.name: state[f.name] for f in SIGNALS["land"]}


def of_stream(counts: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of a stream's counts; a job that was submitted elsewhere counts there."""
    if "job" in counts:
        return {}
    named = {f.name: counts.get(f.name, 0) for f in SIGNALS["stream"] if not f.name.endswith("_seconds")}
    for name in ("event_age", "flush_lag"):
        mean = counts.get(f"{name}_ms", {}).get("mean")
        named[f"{name}_seconds"] = None if mean is None else mean / 1000
    return named
