"""Jobs with an id of our choice: finding one, waiting for its end, and asking a question."""

from __future__ import annotations

import time
import uuid
from typing import Any

from google.api_core import exceptions

from pipelines.bigquery.client import Target

PASSING = frozenset(
    {"backendError", "internalError", "jobBackendError", "jobInternalError", "rateLimitExceeded",
     "jobRateLimitExceeded", "tableUnavailable", "stopped", "timeout", "notFound"}
)  # fmt: skip
"""Reasons of a failed job that another job may not meet; `notFound`: another load has cleaned a staging table up."""

_FIRST_SECONDS, _MOST_SECONDS = 0.1, 5.0


def find_job(target: Target, job_id: str) -> Any:
    """Find a job by its id, None when there is none."""
    try:
        return target.call(
            f"look at the job {job_id}",
            lambda: target.client.get_job(job_id, location=target.location, retry=None, timeout=target.seconds),
        )
    except exceptions.NotFound:
        return None


def wait(target: Target, job: Any) -> dict[str, Any] | None:
    """Wait for the end of a job; give its error, None when it went well."""
    pause = _FIRST_SECONDS
    while job.state != "DONE":
        time.sleep(pause)
        pause = min(pause * 1.5, _MOST_SECONDS)
        target.call(f"look at the job {job.job_id}", lambda: job.reload(retry=None, timeout=target.seconds))
    error: dict[str, Any] | None = job.error_result
    return error


def ask(target: Target, what: str, sql: str) -> list[tuple[Any, ...]]:
    """Ask for rows; a question has a new job id whenever it is asked.

    Args:
        target: the dataset.
        what: what it is, for messages: a verb and the thing.
        sql: the question.

    Raises:
        exceptions.NotFound: a table is not there.
        BigQueryError: it can't be answered.
    """

    def once() -> list[tuple[Any, ...]]:
        job = target.client.query(
            sql, job_id=f"flowfacts_query_{uuid.uuid4().hex}", retry=None, job_retry=None, timeout=target.seconds
        )
        return [tuple(row.values()) for row in job.result(retry=None, job_retry=None, timeout=target.seconds)]

    return target.call(what, once)
