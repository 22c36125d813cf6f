"""What may become of a call to Pub/Sub: its errors by what is to be done about them, and the counts of it all."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from google.api_core import exceptions as api
from google.auth.exceptions import GoogleAuthError

TRANSIENT = (
    api.Aborted, api.Cancelled, api.DeadlineExceeded, api.GatewayTimeout, api.InternalServerError,
    api.ResourceExhausted, api.ServiceUnavailable, api.TooManyRequests, api.Unknown, GoogleAuthError, ValueError,
)  # fmt: skip
"""Errors that pass. The library raises a ValueError for an answer whose code and details contradict each other."""

CALL_ERRORS = (api.GoogleAPICallError, GoogleAuthError, ValueError)
"""What a call may raise."""

_log = logging.getLogger(__name__)


class PubSubError(Exception):
    """Pub/Sub can't be used any more; the message says why, and what to do about it.

    Attributes:
        refused: it answers, and says no.
    """

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


@dataclass(slots=True)
class Calls:
    """What became of the calls: counts, and the last error in words."""

    received: int = 0
    acknowledged: int = 0
    ack_failures: int = 0
    given_back: int = 0
    lease_failures: int = 0
    pull_errors: int = 0
    last_error: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, **counts: int) -> None:
        """Count."""
        with self.lock:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)

    def failed(self, what: str, err: BaseException) -> None:
        """Remember an error."""
        self.last_error = f"{what}: {first_line(err)}"
        _log.info("%s", self.last_error)


def sort_failures(ack_ids: Sequence[str], err: Exception) -> tuple[list[str], int]:
    """Say which messages of a failed acknowledgement may be tried again, and how many are lost to redelivery.

    An exactly-once subscription names in the error the messages that failed; all others are acknowledged.
    """
    told = getattr(err, "metadata", None) or {}
    named = [i for i in ack_ids if i in told]
    if named:
        again = [i for i in named if told[i].startswith("TRANSIENT")]
        return again, len(named) - len(again)
    if isinstance(err, TRANSIENT):
        return list(ack_ids), 0
    return [], len(ack_ids)


def explain(err: Exception, name: str) -> str:
    """Say in words why a pull from a subscription is refused, and what helps."""
    project, short = name.split("/")[1], name.split("/")[3]
    if isinstance(err, api.NotFound):
        return (
            f"{name} does not exist; make it with gcloud pubsub subscriptions create {short} --project {project} "
            "--topic TOPIC"
        )
    if isinstance(err, (api.Forbidden, api.Unauthorized)):
        return f"no permission to pull from {name} ({first_line(err)}); it takes the role roles/pubsub.subscriber on it"
    return f"Pub/Sub refuses to pull from {name}: {first_line(err)}"


def first_line(err: BaseException) -> str:
    """Give the first line of an error."""
    words = str(err).strip() or type(err).__name__
    return words.splitlines()[0][:300]
