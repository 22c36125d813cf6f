"""What a job tells the outside about itself, and what is measured and alarmed from it. Data, no logic.

A job that is given `--log` prints lines of JSON for a log collector. Their fields are declared here, and so are the
metrics that are counted from such lines and the alerts on these metrics; Terraform reads both from
`deploy/terraform/modules/monitoring/signals.json`, which `schemas.generate` writes. So an alert can't wait for a field
that no job prints. All fields are numbers, times, flags or closed words: no line can hold personal data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

NAMESPACE: Final = "flowfacts"
"""The key of a log line below which the fields stand."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a line: its JSON type, its unit (of UCUM, as metrics name it) and what it says."""

    name: str
    type: type
    unit: str
    description: str


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on a field: an operator, and a value or, in braces, the name of a limit that the operator sets."""

    field: str
    operator: str
    value: bool | int | float | str


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of log lines: how many there are with some property, or how a field is distributed.

    Attributes:
        name: its name, without the prefix.
        signals: commands whose lines count.
        tests: conditions on the fields, all of which must hold.
        value: field whose values are gathered; None to count lines.
        description: what it is.
    """

    name: str
    signals: tuple[str, ...]
    tests: tuple[Test, ...] = ()
    value: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert on a counter of lines.

    Attributes:
        name: its name.
        metric: the counter.
        severity: CRITICAL when somebody should be woken.
        title: what a person reads first.
        remedy: what that person does.
        absent_seconds: raised when no line has come for so long; None to raise it when one has come.
    """

    name: str
    metric: str
    severity: str
    title: str
    remedy: str
    absent_seconds: int | None = None


COMMON: Final = (
    Field("signal", str, "1", "the command"),
    Field("version", str, "1", "version of flowfacts"),
    Field("exit_code", int, "1", "exit code; not in the lines of a job that goes on"),
)

SIGNALS: Final[dict[str, tuple[Field, ...]]] = {
    "mirror": (
        Field("copied", int, "1", "objects copied"),
        Field("copied_bytes", int, "By", "their size"),
        Field("not_mirrored", int, "1", "objects that were refused, failed or not tried"),
        Field("expiring_days", int, "1", "day folders that are not mirrored and will soon be deleted at the source"),
        Field("days_left", float, "d", "days until the source deletes the first of them"),
        Field("seconds", float, "s", "duration"),
    ),
    "land": (
        Field("healthy", bool, "1", "messages come and files can be written"),
        Field("received", int, "1", "messages received since the start"),
        Field("landed", int, "1", "messages in published files since the start"),
        Field("rejected", int, "1", "those of them that will be dead letters"),
        Field("oldest_unacked_seconds", float, "s", "age of the oldest message that is held"),
        Field("write_failures", int, "1", "files that could not be written"),
    ),
    "batch": (
        Field("run_id", str, "1", "id of the run"),
        Field("mode", str, "1", "batch, or rebuild when it began from the event log"),
        Field("nothing_due", bool, "1", "there was nothing to read"),
        Field("balanced", bool, "1", "the books balance"),
        Field("files_read", int, "1", "files read"),
        Field("files_incomplete", int, "1", "files that are cut short"),
        Field("lines_read", int, "1", "lines read"),
        Field("dead_letters", int, "1", "lines rejected"),
        Field("dead_letter_rate", float, "1", "share of the lines that was rejected"),
        Field("events_accepted", int, "1", "events"),
        Field("seconds", float, "s", "duration of the run"),
    ),
    "status": (
        Field("days", int, "1", "day folders known"),
        Field("days_open", int, "1", "those that are not closed"),
        Field("days_late", int, "1", "those with files that are due for longer than --lag"),
        Field("days_cut", int, "1", "those with a file that is cut short"),
        Field("files_unread", int, "1", "files that are due"),
        Field("completeness", float, "1", "share of the files known that is read"),
        Field("days_left", float, "d", "days until the source deletes the first folder that is not read"),
        Field("facts_age_hours", float, "h", "age of the newest recorded event in the facts"),
        Field("hours_since_run", float, "h", "since the last run that published"),
        Field("attention", int, "1", "days that ask for attention"),
    ),
    "stream": (
        Field("messages_accepted", int, "1", "messages decoded since the start"),
        Field("dead_letters", int, "1", "deliveries that could not be decoded"),
        Field("sink_refused", int, "1", "rows that a sink did not take"),
        Field("open_flows", int, "1", "flows that can still change"),
        Field("revisions", int, "1", "revisions published"),
        Field("unacknowledged", int, "1", "messages that are not acknowledged yet"),
        Field("event_age_seconds", float, "s", "mean time from publishing to decoding"),
        Field("flush_lag_seconds", float, "s", "mean delay of a revision behind its timer"),
    ),
}
"""The fields by command; the other commands tell `COMMON` alone."""

LIMITS: Final[dict[str, tuple[float, str]]] = {
    "freshness_hours": (36, "hours that the newest event in the facts may be old"),
    "dead_letter_rate": (0.01, "share of a run's lines that may be dead letters"),
    "warn_days": (14, "days before the source deletes what is not mirrored or read"),
    "backlog_seconds": (600, "age of the oldest message that waits in the subscription or in a landing"),
    "completeness": (0.999, "share of the files known that must be read"),
}
"""The limits of the alerts by name: their defaults, and what they are. A Terraform variable each."""

METRICS: Final = (
    Metric("jobs_failed", ("mirror", "batch", "status", "land", "stream"), (Test("exit_code", "in", "1 2"),),
           description="jobs that ended with 1 (failed) or 2 (bad arguments)"),
    Metric("batch_unbalanced", ("batch",), (Test("balanced", "=", False),),
           description="runs whose books do not balance; they published nothing"),
    Metric("batch_dead", ("batch",), (Test("dead_letter_rate", ">", "{dead_letter_rate}"),),
           description="runs with too many dead letters"),
    Metric("days_late", ("status",), (Test("days_late", ">", 0),),
           description="looks that found files due for too long"),
    Metric("days_cut", ("status",), (Test("days_cut", ">", 0),), description="looks that found a cut file"),
    Metric("files_missing", ("status",), (Test("completeness", "<", "{completeness}"),),
           description="looks that found too many unread files"),
    Metric("facts_stale", ("status",), (Test("facts_age_hours", ">", "{freshness_hours}"),),
           description="looks that found old facts"),
    Metric("source_deletes", ("mirror", "status"), (Test("days_left", "<=", "{warn_days}"),),
           description="looks that found folders which the source will soon delete"),
    Metric("landing_stuck", ("land",), (Test("oldest_unacked_seconds", ">", "{backlog_seconds}"),),
           description="landings that hold messages for too long"),
    Metric("stream_refused", ("stream",), (Test("sink_refused", ">", 0),),
           description="lines of a stream with rows that a sink did not take"),
    Metric("status_seen", ("status",), description="looks at the output"),
    Metric("facts_age_hours", ("status",), value="facts_age_hours", description="age of the facts"),
    Metric("completeness", ("status",), value="completeness", description="share of the files that is read"),
    Metric("days_left", ("mirror", "status"), value="days_left", description="days until the source deletes"),
    Metric("dead_letter_rate", ("batch",), value="dead_letter_rate", description="dead letters of a run"),
    Metric("batch_seconds", ("batch",), value="seconds", description="duration of the runs"),
    Metric("events_accepted", ("batch",), value="events_accepted", description="events of the runs"),
)  # fmt: skip

ALERTS: Final = (
    Alert("batch_unbalanced", "batch_unbalanced", "CRITICAL", "The books of a run do not balance",
          "Nothing was published and the facts are those of the run before. It is a fault of flowfacts, or of the "
          "runner that has lost elements: keep the log of the run, run it again with --workers 1, report it."),
    Alert("source_deletes", "source_deletes", "CRITICAL", "The source soon deletes what is not read",
          "Look at the mirror job first: its key, its permission, its last error. Then run it by hand; `flowfacts "
          "mirror --dry-run` tells what is missing. What the source has deleted cannot be had again."),
    Alert("status_absent", "status_seen", "CRITICAL", "Nobody looks at the facts any more",
          "No line of `flowfacts status` came: the schedule is paused, the job can't start, or it fails before it "
          "tells. All other alerts are blind until it runs.", absent_seconds=3 * 3600),
    Alert("facts_stale", "facts_stale", "ERROR", "The facts are old",
          "No newer event has been published. Look at the mirror (or the landing), then at the batch job: each tells "
          "why it has nothing or has failed."),
    Alert("days_late", "days_late", "ERROR", "A day is not read in time",
          "`flowfacts status` names the day and the files. Run the batch job by hand; exit code 5 says that another "
          "run is at work."),
    Alert("files_missing", "files_missing", "WARNING", "Files are not read",
          "As for a day that is not read in time; a back-fill raises it until it is done."),
    Alert("days_cut", "days_cut", "WARNING", "A file is cut short",
          "Its lines are left out and its day stays open. Wait for the source to send it again, or mirror it again "
          "(--verify). `batch --accept-truncated` takes its whole lines."),
    Alert("dead_letter_rate", "batch_dead", "WARNING", "Too many dead letters",
          "`flowfacts query` on dead_letter tells the reasons. A new shape of an event needs a new version; then "
          "`flowfacts replay` decodes the letters again."),
    Alert("jobs_failed", "jobs_failed", "ERROR", "A job fails",
          "The line says which and why. 1 may pass by itself and is tried again by the schedule; 2 needs a person."),
    Alert("landing_stuck", "landing_stuck", "ERROR", "A landing holds messages for too long",
          "It can't write or can't acknowledge; its errors say why. No message is lost: what is not acknowledged comes "
          "again."),
    Alert("stream_refused", "stream_refused", "WARNING", "A sink refuses rows of the stream",
          "They are dead letters with the reason sink_refused; usually a column is missing: `bigquery plan`."),
)  # fmt: skip


def log_filter(metric: Metric) -> str:
    """Write the filter of a metric in the language of Cloud Logging; limits stay in braces."""
    base = f"jsonPayload.{NAMESPACE}"
    names = " OR ".join(f'"{s}"' for s in metric.signals)
    clauses = [f"{base}.signal=({names})" if len(metric.signals) > 1 else f"{base}.signal={names}"]
    for test in metric.tests:
        if test.operator == "in":
            clauses.append(f"{base}.{test.field}=({' OR '.join(str(test.value).split())})")
        else:
            value = str(test.value).lower() if isinstance(test.value, bool) else str(test.value)
            clauses.append(f"{base}.{test.field}{test.operator}{value}")
    if metric.value is not None:
        clauses.append(f"{base}.{metric.value}:*")
    return " AND ".join(clauses)


def resources() -> dict[str, object]:
    """Give limits, metrics and alerts as Terraform reads them."""
    units = {f.name: f.unit for fields in SIGNALS.values() for f in fields}
    return {
        "limits": {name: default for name, (default, _) in LIMITS.items()},
        "metrics": {
            m.name: {
                "description": m.description,
                # In pieces: Terraform has no way to set several names in one text.
                "filter": [p for p in re.split(r"(\{\w+\})", log_filter(m)) if p],
                "extractor": None if m.value is None else f"EXTRACT(jsonPayload.{NAMESPACE}.{m.value})",
                "unit": "1" if m.value is None else units[m.value],
            }
            for m in METRICS
        },
        "alerts": {
            a.name: {
                "metric": a.metric,
                "severity": a.severity,
                "title": a.title,
                "remedy": a.remedy,
                "absent_seconds": a.absent_seconds,
            }
            for a in ALERTS
        },
    }
