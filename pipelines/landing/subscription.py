"""A subscription that is pulled from, leased and acknowledged in the open.

The streaming subscriber of the client library is not used: on an ordinary subscription it reports every
acknowledgement as a success, whatever became of it, and once its stream is closed it drops those that are still to
come. A pull, a lease and an acknowledgement of our own can each be waited for, retried and counted, and messages can be
acknowledged after the last pull.
"""

from __future__ import annotations

import logging
import math
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import grpc  # type: ignore[import-untyped]
from google.api_core import exceptions as api
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import pubsub_v1
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from pipelines.landing.calls import CALL_ERRORS, TRANSIENT, Calls, PubSubError, explain, first_line, sort_failures
from pipelines.landing.held import Held
from pipelines.landing.lines import Message

LEASE: Final = 60
"""Seconds for which messages are leased at a time; so long after a crash they come again."""

PULL_SECONDS: Final = 4.0
"""Longest wait of one pull; a stop waits for it."""

INBOX_BYTES: Final = 32 << 20
"""Bytes that may wait to be written, apart from the pulls under way."""

_PULLS = 3
_BATCH, _BATCH_BYTES, _GROWTH = 1000, 8 << 20, 4
_CAUTIOUS = 16
_CHUNK = 1000
_TICK = 2.0
_RENEW_AT = LEASE * 0.4
_CONNECT_SECONDS = 20.0
_CALL_SECONDS = 15.0
_MAX_WAIT = 15.0
_ACK_PATIENCE, _LAST_ACK_PATIENCE = 30.0, 5.0

_log = logging.getLogger(__name__)


class Delivery(NamedTuple):
    """A message and what acknowledges it."""

    ack_id: str
    message: Message


class Subscription:
    """Pulls messages in threads of its own and leases them until they are acknowledged or given back.

    Attributes:
        held: what is neither acknowledged nor given back.
        calls: what became of the calls.
        problem: why nothing can be pulled any more.
        answered: a pull has worked.
        failing: the last pull has not.
        quiet_since: since when the subscription has had nothing for us; None while it has, or does not answer.
    """

    def __init__(self, name: str, held: Held) -> None:
        """Connect to a subscription `projects/P/subscriptions/S`.

        Raises:
            PubSubError: there are no credentials.
        """
        self.held, self.calls = held, Calls()
        self.problem: PubSubError | None = None
        self.answered = self.failing = False
        self.quiet_since: float | None = None
        self._name = name
        self._stopping = threading.Event()
        self._paused_until = 0.0
        self._patient_until = self._hurry_until = math.inf
        self._backlog = threading.Event()
        self._inbox: queue.SimpleQueue[list[Delivery]] = queue.SimpleQueue()
        self._inbox_bytes = 0
        self._lock = threading.Lock()
        self._batch = _CAUTIOUS
        self._last_arrival = 0.0
        try:
            self._client = connect()
        except DefaultCredentialsError as err:
            raise PubSubError(
                "no credentials for Pub/Sub: run gcloud auth application-default login, or run as a service account",
                refused=True,
            ) from err
        self._pulls = [self._thread(lambda n=n: self._keep_pulling(n == 0), f"pull-{n}") for n in range(_PULLS)]  # type: ignore[misc]
        self._done = threading.Event()
        self._leaser = self._thread(self._keep_leasing, "lease")

    def _thread(self, work: Callable[[], None], name: str) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except PubSubError as err:
                self.problem = self.problem or err
            except Exception as err:  # noqa: BLE001 the main thread reports it; a thread that dies unseen would hang us
                _log.info("thread %s", name, exc_info=True)
                self.problem = self.problem or PubSubError(f"{name}: {type(err).__name__}: {first_line(err)}")

        return threading.Thread(target=run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to pull, unless there is a hurry to end before there is a connection.

        Raises:
            PubSubError: Pub/Sub can't be reached.
        """
        ready = grpc.channel_ready_future(self._client.transport.grpc_channel)
        until = time.monotonic() + _CONNECT_SECONDS
        while True:
            try:
                ready.result(timeout=0.5)
                break
            except grpc.FutureTimeoutError:
                if self._hurry_until < math.inf:
                    return
                if time.monotonic() >= until:
                    host = self._client.transport.host
                    raise PubSubError(f"Pub/Sub does not answer at {host} within {_CONNECT_SECONDS:g} s") from None
        for thread in (*self._pulls, self._leaser):
            thread.start()

    def take(self, wait: float) -> list[Delivery]:
        """Take what has come, within `wait` seconds."""
        try:
            found = self._inbox.get(timeout=wait)
        except queue.Empty:
            return []
        with self._lock:
            self._inbox_bytes -= sum(len(d.message.data) for d in found)
        return found

    def acknowledge(self, ack_ids: Sequence[str]) -> int:
        """Acknowledge messages, and let go of them whatever comes of it.

        Calls that fail for the moment are tried again for a while, a short one after `hurry`.

        Returns:
            How many were acknowledged; the others are delivered again.
        """
        self._patient_until = time.monotonic() + _ACK_PATIENCE
        failed = 0
        for start in range(0, len(ack_ids), _CHUNK):
            chunk = ack_ids[start : start + _CHUNK]
            lost = self._acknowledge(chunk)
            failed += lost
            self.held.release(chunk)
            if lost and self._patience() <= 0:  # the next ones would fare no better, and each would take its time
                failed += len(ack_ids[start + _CHUNK :])
                break
        self.held.release(ack_ids)
        self.calls.add(acknowledged=len(ack_ids) - failed, ack_failures=failed)
        return len(ack_ids) - failed

    def _acknowledge(self, ack_ids: Sequence[str]) -> int:
        todo, failed, wait = list(ack_ids), 0, 0.25
        while todo:
            timeout = min(_CALL_SECONDS, max(1.0, self._patience()))
            try:
                self._client.acknowledge(subscription=self._name, ack_ids=todo, retry=None, timeout=timeout)
                return failed
            except CALL_ERRORS as err:
                self.calls.failed("acknowledge", err)
                again, lost = sort_failures(todo, err)
                failed += lost
                if not again or not self._wait_for_another_try(wait):
                    return failed + len(again)
                todo, wait = again, min(wait * 2, _MAX_WAIT)
        return failed

    def _wait_for_another_try(self, seconds: float) -> bool:
        """Wait, in steps that notice when there is a hurry; says whether there is time left for a try."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._patience() < left:
                self._patient_until = 0.0
                return False
            time.sleep(min(left, 0.2))
        return True

    def _patience(self) -> float:
        """Give the seconds for which an acknowledgement may still be tried."""
        return min(self._patient_until, self._hurry_until) - time.monotonic()

    def hurry(self) -> None:
        """Try acknowledgements for a short while only from now on; safe in a signal handler, for it takes no lock."""
        self._hurry_until = min(self._hurry_until, time.monotonic() + _LAST_ACK_PATIENCE)

    def give_back(self, ack_ids: Sequence[str]) -> None:
        """Let messages be delivered again at once, here or elsewhere; when that fails, at the end of their lease."""
        self.held.release(ack_ids)
        self.calls.add(given_back=len(ack_ids))
        for start in range(0, len(ack_ids), _CHUNK):
            if not self._set_deadline(ack_ids[start : start + _CHUNK], 0):
                return

    def pause(self, seconds: float) -> None:
        """Pull nothing for a while."""
        self._paused_until = time.monotonic() + seconds

    def stop_pulling(self) -> None:
        """Begin no further pull; what those under way bring is given back."""
        self._stopping.set()

    def close(self) -> None:
        """Give back what is still held and hang up."""
        self._stopping.set()
        for thread in self._pulls:
            if thread.is_alive():
                thread.join(timeout=PULL_SECONDS + _CALL_SECONDS)
        self._done.set()
        if self._leaser.is_alive():
            self._leaser.join(timeout=_CALL_SECONDS)
        self.give_back(self.held.all())
        self._client.close()

    def _keep_pulling(self, first: bool) -> None:
        wait = 0.25
        while not self._stopping.is_set():
            if not first and not self._backlog.wait(0.25):
                continue  # one waits for messages; the others help while there are more than one brings
            if time.monotonic() < self._paused_until or self._inbox_bytes >= INBOX_BYTES:
                self._stopping.wait(0.02)
                continue
            room = self.held.ask(self._batch, 0.25)
            if not room:
                continue
            began = time.monotonic()
            try:
                found = self._pull(room)
            except CALL_ERRORS as err:
                self.held.arrived(room, ())
                if not isinstance(err, TRANSIENT):
                    raise PubSubError(explain(err, self._name), refused=True) from err
                self.calls.add(pull_errors=1)
                self.calls.failed("pull", err)
                self.quiet_since, self.failing = None, True
                self._stopping.wait(wait)
                wait = min(wait * 2, _MAX_WAIT)
                continue
            wait, self.answered, self.failing = 0.25, True, False
            self._arrived(room, found, began)

    def _pull(self, room: int) -> list[Delivery]:
        try:
            response = self._client.pull(subscription=self._name, max_messages=room, retry=None, timeout=PULL_SECONDS)
        except api.DeadlineExceeded:
            # How an empty subscription answers, and a full one whose answer is too large for the line: ask for less.
            self._batch = 1 if self._batch <= _CAUTIOUS else _CAUTIOUS
            return []
        # The plain protobuf message: the wrapper around it costs more than all that is done with it.
        received: Any = type(response).pb(response).received_messages
        found = []
        for r in received:
            m = r.message
            at = m.publish_time.seconds * 1_000_000_000 + m.publish_time.nanos
            message = Message(m.data, m.message_id, at, dict(m.attributes), m.ordering_key, r.delivery_attempt)
            found.append(Delivery(r.ack_id, message))
        return found

    def _arrived(self, room: int, found: list[Delivery], began: float) -> None:
        sizes = [len(d.message.data) for d in found]
        self.held.arrived(room, zip((d.ack_id for d in found), sizes, strict=True))
        if not found:
            self._backlog.clear()
            self.quiet_since = max(self.quiet_since or began, self._last_arrival)
            return
        self.quiet_since, self._last_arrival = None, time.monotonic()
        if self._stopping.is_set():
            self.give_back([d.ack_id for d in found])
            return
        self._batch = max(1, min(room * _GROWTH, _BATCH, _BATCH_BYTES // max(1, *sizes)))
        self._backlog.set()
        with self._lock:
            self._inbox_bytes += sum(sizes)
        self.calls.add(received=len(found))
        self._inbox.put(found)

    def _keep_leasing(self) -> None:
        while not self._done.wait(_TICK):
            due = self.held.due(time.monotonic() + _RENEW_AT)
            for start in range(0, len(due), _CHUNK):
                chunk = self.held.still(due[start : start + _CHUNK])
                if chunk:
                    until = time.monotonic() + LEASE
                    if self._set_deadline(chunk, LEASE):
                        self.held.extended(chunk, until)

    def _set_deadline(self, ack_ids: Sequence[str], seconds: int) -> bool:
        """Set how long messages are ours from now on; a failure is counted and otherwise left to the next turn."""
        try:
            self._client.modify_ack_deadline(
                subscription=self._name, ack_ids=ack_ids, ack_deadline_seconds=seconds, retry=None,
                timeout=_CALL_SECONDS,
            )  # fmt: skip
        except CALL_ERRORS as err:
            lost = self.held.still(ack_ids) if seconds else ack_ids
            if not lost:  # acknowledged meanwhile
                return False
            told = getattr(err, "metadata", None) or {}
            self.calls.add(lease_failures=sum(i in told for i in lost) if told else len(lost))
            self.calls.failed("lease" if seconds else "give back", err)
            return bool(told)  # an exactly-once subscription names those that failed; the others are leased
        return True


_CHANNEL = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_metadata_size", 4 << 20),
    ("grpc.keepalive_time_ms", 30_000),
]
"""What the library gives its channel to the service, but not the one to an emulator: 4 MB are no limit for answers."""


def connect() -> Any:
    """Make a client, to an emulator where the environment names one."""
    host = os.environ.get("PUBSUB_EMULATOR_HOST")
    if not host:
        return pubsub_v1.SubscriberClient()
    channel = grpc.insecure_channel(host, options=_CHANNEL)
    return pubsub_v1.SubscriberClient(transport=SubscriberGrpcTransport(host=host, channel=channel))
