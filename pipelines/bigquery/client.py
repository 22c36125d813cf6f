"""Calls to BigQuery: connecting, back-off on what is transient, and words for what is not.

The client's own retries are switched off: it repeats some calls and not others, and would hide how often. Every call
here is safe to repeat, because what it makes has a name: a table, or a job with an id of our choice.
"""

from __future__ import annotations

import logging
import os
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import google.auth
import requests
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth import exceptions as auth_exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from pipelines.options import OptionError

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

EMULATOR = "BIGQUERY_EMULATOR_HOST"
"""Variable with the address of an emulator, as Google's client knows it."""

CALL_SECONDS = 60
UPLOAD_SECONDS = 1800

_TRANSIENT_REASONS = frozenset(
    {"backendError", "internalError", "jobBackendError", "jobInternalError", "rateLimitExceeded",
     "jobRateLimitExceeded", "tableUnavailable", "timeout"}
)  # fmt: skip
_TRANSIENT = (
    exceptions.TooManyRequests, exceptions.ServerError, exceptions.RetryError,
    requests.exceptions.ConnectionError, requests.exceptions.Timeout, requests.exceptions.ChunkedEncodingError,
    auth_exceptions.TransportError, ConnectionError, TimeoutError,
)  # fmt: skip

_SIGN_IN = ": run gcloud auth application-default login, or run as a service account"
_PROJECT = r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]"
_DATASET = re.compile(rf"({_PROJECT})\.(\w{{1,1024}})", re.ASCII)


class BigQueryError(Exception):
    """BigQuery refuses something for good; the message says what, where, and what to do."""


@dataclass(slots=True)
class Target:
    """A dataset, and how to reach it.

    Attributes:
        project, dataset: its name.
        client: Google's client.
        attempts: how often a call is tried.
        pause: seconds before the second attempt; each further one waits up to twice as long, at most a minute.
        seconds: time that a call may take.
        location: where the dataset is; outside the US and the EU a job is only found with it. None until it was asked.
        retries: how many attempts have failed so far.
    """

    project: str
    dataset: str
    client: Any
    attempts: int = 8
    pause: float = 1.0
    seconds: float = CALL_SECONDS
    location: str | None = None
    retries: int = 0

    @property
    def name(self) -> str:
        """Give the name of the dataset, with its project."""
        return f"{self.project}.{self.dataset}"

    def table(self, name: str) -> str:
        """Give the whole name of a table."""
        return f"{self.name}.{name}"

    def call(self, what: str, do: Callable[[], _T]) -> _T:
        """Do something that is safe to repeat, again while it fails for a moment.

        Args:
            what: what it is, for messages: a verb and the thing.
            do: the call.

        Raises:
            BigQueryError: it can't be done, or not for long; Google's exception is its cause.
            exceptions.NotFound, exceptions.Conflict, exceptions.PreconditionFailed: as BigQuery says.
        """
        for attempt in range(1, self.attempts + 1):
            try:
                return do()
            except (exceptions.NotFound, exceptions.Conflict, exceptions.PreconditionFailed):
                raise
            except Exception as err:
                if not is_transient(err):
                    if isinstance(err, (exceptions.GoogleAPICallError, auth_exceptions.GoogleAuthError)):
                        raise BigQueryError(f"could not {what}: {told(err)}{_advice(err)}") from err
                    raise
                self.retries += 1
                if attempt == self.attempts:
                    raise BigQueryError(
                        f"could not {what}: tried {attempt} times, last: {told(err)}; nothing is half done, run it "
                        "again when BigQuery can be reached"
                    ) from err
                _log.warning("%s: attempt %d failed: %s", what, attempt, told(err))
                time.sleep(min(60.0, self.pause * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0))
        raise AssertionError("unreachable")


def is_transient(err: BaseException) -> bool:
    """Say whether a failure may pass by itself."""
    if isinstance(err, _TRANSIENT):
        return not isinstance(err, exceptions.MethodNotImplemented)
    reasons = {e.get("reason") for e in getattr(err, "errors", None) or () if isinstance(e, dict)}
    return isinstance(err, exceptions.GoogleAPICallError) and bool(reasons & _TRANSIENT_REASONS)


def told(err: BaseException) -> str:
    """Tell an error in a line."""
    text = getattr(err, "message", None) or str(err) or type(err).__name__
    return " ".join(str(text).split())[:400]


def _advice(err: BaseException) -> str:
    if isinstance(err, exceptions.Forbidden):
        return "; the roles that are needed are in schemas/docs/bigquery.md"
    if isinstance(err, (exceptions.Unauthorized, auth_exceptions.GoogleAuthError)):
        return _SIGN_IN
    return ""


def parse_dataset(option: str, value: str) -> tuple[str, str]:
    """Split the name of a dataset into project and dataset.

    Raises:
        OptionError: it is no name of a dataset.
    """
    found = _DATASET.fullmatch(value)
    if found is None:
        raise OptionError(f"{option} is {value!r}, expected PROJECT.DATASET, like my-project.flowfacts")
    return found[1], found[2]


def connect(option: str, value: str) -> Target:
    """Make a client for a dataset; nothing is asked of BigQuery yet.

    Args:
        option: option that named the dataset, for messages.
        value: PROJECT.DATASET.

    Raises:
        OptionError: the name is none, or there are no credentials.
    """
    project, dataset = parse_dataset(option, value)
    emulator = os.environ.get(EMULATOR)
    if emulator:
        options = ClientOptions(api_endpoint=emulator if "://" in emulator else f"http://{emulator}")
        client = bigquery.Client(project=project, credentials=AnonymousCredentials(), client_options=options)
        return Target(project, dataset, client)
    try:
        credentials, _ = google.auth.default()
    except auth_exceptions.DefaultCredentialsError as err:
        raise OptionError(f"{option} {value} needs credentials{_SIGN_IN}") from err
    return Target(project, dataset, bigquery.Client(project=project, credentials=credentials))
