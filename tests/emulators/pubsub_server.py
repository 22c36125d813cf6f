"""A small Pub/Sub in memory, for tests: a gRPC server on the message classes of google-cloud-pubsub.

    python tests/emulators/pubsub_server.py --port 0

prints `listening on 127.0.0.1:PORT`; set PUBSUB_EMULATOR_HOST to that. It has topics and subscriptions (create, get,
list, delete), Publish, Pull, Acknowledge, ModifyAckDeadline and StreamingPull, deadlines that expire, delivery attempts
where a dead-letter policy asks for them, and the errors of exactly-once delivery. It has no ordering, no filters, no
seek, no dead-letter topic and no disk.

What the real service does not have, to bring about in a test what is rare:

  --keep-publish-time      a publish time that the publisher has set stays
  --acknowledge-delay S    acknowledgements take effect after S seconds, and not at all if the caller has gone
  --pull-wait S            longest wait of an empty Pull
  SIGUSR1                  every lease is over at once, as if its deadline had passed
"""

from __future__ import annotations

import argparse
import collections
import heapq
import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.iam.v1 import iam_policy_pb2
from google.protobuf import any_pb2, empty_pb2
from google.pubsub_v1 import types
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

_STREAM_BATCH = 500
_MAX_MESSAGE = 64 << 20
_MAX_ANSWER = 10 << 20


def _pb(cls: Any) -> Any:
    """Give the plain protobuf class behind a class of the client library."""
    return cls.pb()


@dataclass(slots=True)
class _Leased:
    until: float
    message: Any
    attempt: int


@dataclass(slots=True)
class _Subscription:
    """The messages of one subscription: waiting, or leased until a deadline."""

    settings: Any
    ack_ids: Iterator[int]
    waiting: collections.deque[tuple[Any, int]] = field(default_factory=collections.deque)
    leased: dict[str, _Leased] = field(default_factory=dict)
    deadlines: list[tuple[float, str]] = field(default_factory=list)
    change: threading.Condition = field(default_factory=threading.Condition)
    deleted: bool = False
    kept: list[Any] = field(default_factory=list)

    def put(self, messages: Sequence[Any]) -> None:
        with self.change:
            if self.settings.retain_acked_messages:
                self.kept.extend(messages)
            self.waiting.extend((m, 1) for m in messages)
            self.change.notify_all()

    def take(self, count: int, wait: float, alive: Callable[[], bool], deadline: float | None = None) -> list[Any]:
        """Lease up to `count` messages, once there is one, within `wait` seconds."""
        until = time.monotonic() + wait
        with self.change:
            while True:
                self._expire()
                left = until - time.monotonic()
                if self.waiting or self.deleted or left <= 0 or not alive():
                    break
                next_deadline = self.deadlines[0][0] - time.monotonic() if self.deadlines else left
                self.change.wait(max(0.001, min(left, next_deadline, 0.25)))
            if not alive():  # what is leased to a caller that has gone is away until its deadline
                return []
            ends = time.monotonic() + (deadline or self.settings.ack_deadline_seconds)
            taken: list[Any] = []
            size = 0
            while self.waiting and len(taken) < count and size < _MAX_ANSWER:
                message, attempt = self.waiting.popleft()
                size += len(message.data)
                ack_id = f"ack-{next(self.ack_ids)}"
                self._lease(ack_id, _Leased(ends, message, attempt))
                counted = attempt if self.settings.HasField("dead_letter_policy") else 0
                taken.append(_pb(types.ReceivedMessage)(ack_id=ack_id, message=message, delivery_attempt=counted))
            return taken

    def acknowledge(self, ack_ids: Sequence[str]) -> list[str]:
        """Drop messages; gives the ids that were not leased."""
        with self.change:
            self._expire()
            return [a for a in ack_ids if self.leased.pop(a, None) is None]

    def modify(self, ack_ids: Sequence[str], seconds: Sequence[int]) -> list[str]:
        """Set deadlines anew, 0 for an end at once; gives the ids that were not leased."""
        unknown = []
        with self.change:
            self._expire()
            for ack_id, s in zip(ack_ids, seconds, strict=True):
                lease = self.leased.get(ack_id)
                if lease is None:
                    unknown.append(ack_id)
                else:
                    lease.until = time.monotonic() + s
                    self._lease(ack_id, lease)
            self._expire()
            self.change.notify_all()
        return unknown

    def expire_all(self) -> None:
        with self.change:
            for ack_id, lease in self.leased.items():
                lease.until = 0.0
                heapq.heappush(self.deadlines, (0.0, ack_id))
            self._expire()
            self.change.notify_all()

    def seek(self, at: Any) -> None:
        """Deliver everything again that was published since, acknowledged or not."""
        since = (at.seconds, at.nanos)
        with self.change:
            self.leased.clear()
            self.waiting = collections.deque(
                (m, 1) for m in self.kept if (m.publish_time.seconds, m.publish_time.nanos) >= since
            )
            self.change.notify_all()

    def _lease(self, ack_id: str, lease: _Leased) -> None:
        self.leased[ack_id] = lease
        heapq.heappush(self.deadlines, (lease.until, ack_id))

    def _expire(self) -> None:
        now = time.monotonic()
        while self.deadlines and self.deadlines[0][0] <= now:
            _, ack_id = heapq.heappop(self.deadlines)
            lease = self.leased.get(ack_id)
            if lease is not None and lease.until <= now:
                del self.leased[ack_id]
                self.waiting.append((lease.message, lease.attempt + 1))


class Broker:
    """The two services; a method a call."""

    def __init__(
        self, pull_wait: float = 1.0, acknowledge_delay: float = 0.0, *, keep_publish_time: bool = False
    ) -> None:
        self._pull_wait, self._delay, self._keep = pull_wait, acknowledge_delay, keep_publish_time
        self.granted: set[str] | None = None
        """Permissions that the caller has; None for all."""
        self._lock = threading.Lock()
        self._message_ids, self._ack_ids = itertools.count(1), itertools.count(1)
        self._topics: dict[str, Any] = {}
        self._subscriptions: dict[str, _Subscription] = {}

    def expire_all(self) -> None:
        """End every lease."""
        for subscription in list(self._subscriptions.values()):
            subscription.expire_all()

    # Publisher

    def CreateTopic(self, request: Any, context: Any) -> Any:  # noqa: N802 calls are named as on the wire
        with self._lock:
            if request.name in self._topics:
                context.abort(grpc.StatusCode.ALREADY_EXISTS, f"Topic already exists: {request.name}")
            self._topics[request.name] = request
        return request

    def GetTopic(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._topic(request.topic, context)

    def ListTopics(self, request: Any, context: Any) -> Any:  # noqa: N802
        found = [t for name, t in self._topics.items() if name.startswith(f"{request.project}/")]
        return _pb(types.ListTopicsResponse)(topics=found)

    def DeleteTopic(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._topic(request.topic, context)
        with self._lock:
            del self._topics[request.topic]
        return empty_pb2.Empty()

    def Publish(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._topic(request.topic, context)
        with self._lock:
            for message in request.messages:
                message.message_id = str(next(self._message_ids))
                if not (self._keep and message.HasField("publish_time")):
                    message.publish_time.GetCurrentTime()
            for subscription in self._subscriptions.values():
                if subscription.settings.topic == request.topic:
                    subscription.put(request.messages)
        return _pb(types.PublishResponse)(message_ids=[m.message_id for m in request.messages])

    # Subscriber

    def CreateSubscription(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._topic(request.topic, context)
        with self._lock:
            if request.name in self._subscriptions:
                context.abort(grpc.StatusCode.ALREADY_EXISTS, f"Subscription already exists: {request.name}")
            request.ack_deadline_seconds = request.ack_deadline_seconds or 10
            self._subscriptions[request.name] = _Subscription(request, self._ack_ids)
        return request

    def GetSubscription(self, request: Any, context: Any) -> Any:  # noqa: N802
        if self.granted is not None and "pubsub.subscriptions.get" not in self.granted:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "User not authorized to perform this action.")
        return self._subscription(request.subscription, context).settings

    def ListSubscriptions(self, request: Any, context: Any) -> Any:  # noqa: N802
        found = [s.settings for n, s in self._subscriptions.items() if n.startswith(f"{request.project}/")]
        return _pb(types.ListSubscriptionsResponse)(subscriptions=found)

    def DeleteSubscription(self, request: Any, context: Any) -> Any:  # noqa: N802
        subscription = self._subscription(request.subscription, context)
        with self._lock:
            del self._subscriptions[request.subscription]
        with subscription.change:
            subscription.deleted = True
            subscription.change.notify_all()
        return empty_pb2.Empty()

    def Pull(self, request: Any, context: Any) -> Any:  # noqa: N802
        subscription = self._subscription(request.subscription, context)
        left = (
            context.time_remaining()
        )  # answer before the caller gives up: what is on its way then is leased for nothing
        wait = (
            0.0 if request.return_immediately else min(self._pull_wait, self._pull_wait if left is None else left / 2)
        )
        taken = subscription.take(request.max_messages, wait, context.is_active)
        return _pb(types.PullResponse)(received_messages=taken)

    def Acknowledge(self, request: Any, context: Any) -> Any:  # noqa: N802
        subscription = self._subscription(request.subscription, context)
        until = time.monotonic() + self._delay
        while time.monotonic() < until:
            if not context.is_active():
                return empty_pb2.Empty()
            time.sleep(0.02)
        self._tell_failures(subscription, subscription.acknowledge(request.ack_ids), context)
        return empty_pb2.Empty()

    def Seek(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._subscription(request.subscription, context).seek(request.time)
        return _pb(types.SeekResponse)()

    def ModifyAckDeadline(self, request: Any, context: Any) -> Any:  # noqa: N802
        subscription = self._subscription(request.subscription, context)
        seconds = [request.ack_deadline_seconds] * len(request.ack_ids)
        self._tell_failures(subscription, subscription.modify(request.ack_ids, seconds), context)
        return empty_pb2.Empty()

    def StreamingPull(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:  # noqa: N802
        first = next(requests)
        subscription = self._subscription(first.subscription, context)
        deadline = first.stream_ack_deadline_seconds or subscription.settings.ack_deadline_seconds

        def read() -> None:
            try:
                for request in itertools.chain([first], requests):
                    subscription.acknowledge(request.ack_ids)
                    subscription.modify(request.modify_deadline_ack_ids, request.modify_deadline_seconds)
            except grpc.RpcError:  # the caller hung up
                pass

        threading.Thread(target=read, daemon=True).start()
        properties = _pb(types.StreamingPullResponse.SubscriptionProperties)(
            exactly_once_delivery_enabled=subscription.settings.enable_exactly_once_delivery
        )
        while context.is_active() and not subscription.deleted:
            taken = subscription.take(_STREAM_BATCH, 0.5, context.is_active, deadline)
            if taken:
                yield _pb(types.StreamingPullResponse)(received_messages=taken, subscription_properties=properties)
        if subscription.deleted:
            context.abort(grpc.StatusCode.NOT_FOUND, "Subscription was deleted")

    @staticmethod
    def _tell_failures(subscription: _Subscription, unknown: list[str], context: Any) -> None:
        """Fail for ids that are not leased, as exactly-once delivery does; otherwise that is no error."""
        if not unknown or not subscription.settings.enable_exactly_once_delivery:
            return
        detail = any_pb2.Any()
        detail.Pack(
            error_details_pb2.ErrorInfo(
                reason="EXACTLY_ONCE_ACKID_FAILURE",
                domain="pubsub.googleapis.com",
                metadata=dict.fromkeys(unknown, "PERMANENT_FAILURE_INVALID_ACK_ID"),
            )
        )
        status = status_pb2.Status(
            code=code_pb2.FAILED_PRECONDITION, message="Some acknowledgement ids are invalid", details=[detail]
        )
        context.abort_with_status(rpc_status.to_status(status))

    def TestIamPermissions(self, request: Any, context: Any) -> Any:  # noqa: N802
        held = [p for p in request.permissions if self.granted is None or p in self.granted]
        return iam_policy_pb2.TestIamPermissionsResponse(permissions=held)

    def _topic(self, name: str, context: Any) -> Any:
        found = self._topics.get(name)
        if found is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Topic not found: {name}")
        return found

    def _subscription(self, name: str, context: Any) -> _Subscription:
        found = self._subscriptions.get(name)
        if found is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Subscription does not exist: {name}")
        assert found is not None
        return found


_EMPTY = empty_pb2.Empty
_SERVICES: dict[str, dict[str, tuple[Any, Any]]] = {
    "Publisher": {
        "CreateTopic": (types.Topic, types.Topic),
        "GetTopic": (types.GetTopicRequest, types.Topic),
        "ListTopics": (types.ListTopicsRequest, types.ListTopicsResponse),
        "DeleteTopic": (types.DeleteTopicRequest, _EMPTY),
        "Publish": (types.PublishRequest, types.PublishResponse),
    },
    "Subscriber": {
        "CreateSubscription": (types.Subscription, types.Subscription),
        "GetSubscription": (types.GetSubscriptionRequest, types.Subscription),
        "ListSubscriptions": (types.ListSubscriptionsRequest, types.ListSubscriptionsResponse),
        "DeleteSubscription": (types.DeleteSubscriptionRequest, _EMPTY),
        "Pull": (types.PullRequest, types.PullResponse),
        "Acknowledge": (types.AcknowledgeRequest, _EMPTY),
        "ModifyAckDeadline": (types.ModifyAckDeadlineRequest, _EMPTY),
        "Seek": (types.SeekRequest, types.SeekResponse),
        "StreamingPull": (types.StreamingPullRequest, types.StreamingPullResponse),
    },
}


def serve(broker: Broker, port: int = 0) -> tuple[Any, int]:
    """Start a server on the loopback interface; gives it and its port."""
    server = grpc.server(
        futures.ThreadPoolExecutor(32),
        options=[("grpc.max_receive_message_length", _MAX_MESSAGE), ("grpc.max_send_message_length", _MAX_MESSAGE)],
    )
    ask, told = iam_policy_pb2.TestIamPermissionsRequest, iam_policy_pb2.TestIamPermissionsResponse
    test = grpc.unary_unary_rpc_method_handler(broker.TestIamPermissions, ask.FromString, told.SerializeToString)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("google.iam.v1.IAMPolicy", {"TestIamPermissions": test}),)
    )
    for service, calls in _SERVICES.items():
        handlers = {}
        for name, (request, response) in calls.items():
            make = (
                grpc.stream_stream_rpc_method_handler
                if name == "StreamingPull"
                else grpc.unary_unary_rpc_method_handler
            )
            answer = response if response is _EMPTY else _pb(response)
            handlers[name] = make(getattr(broker, name), _pb(request).FromString, answer.SerializeToString)
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(f"google.pubsub.v1.{service}", handlers),)
        )
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server, port


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pull-wait", type=float, default=1.0)
    parser.add_argument("--acknowledge-delay", type=float, default=0.0)
    parser.add_argument("--keep-publish-time", action="store_true")
    args = parser.parse_args()
    broker = Broker(args.pull_wait, args.acknowledge_delay, keep_publish_time=args.keep_publish_time)
    server, port = serve(broker, args.port)
    signal.signal(signal.SIGUSR1, lambda *_: broker.expire_all())
    signal.signal(signal.SIGTERM, lambda *_: server.stop(0))
    print(f"listening on 127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
