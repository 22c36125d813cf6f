"""The Pub/Sub servers of the tests behave alike, and as the client library expects."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from tests.emulators.pubsub import OWN, PROJECT, Emulator, kinds, running


@pytest.fixture(params=kinds(), scope="module")
def emulator(request, tmp_path_factory) -> Iterator[Emulator]:
    with running(request.param, tmp_path_factory.mktemp("server")) as found:
        yield found


def test_pull_acknowledge_and_give_back(emulator):
    topic, subscription = emulator.create()
    ids = emulator.publish(topic, [b"one", b"two", b"three"])
    first = emulator.pull(subscription)
    assert [m.message.message_id for m in first] == ids
    assert [m.message.data for m in first] == [b"one", b"two", b"three"]
    assert all(abs(m.message.publish_time.timestamp() - time.time()) < 60 for m in first)
    assert emulator.pull(subscription) == []
    ack_ids = [m.ack_id for m in first]
    emulator.subscriber.acknowledge(subscription=subscription, ack_ids=ack_ids[:1])
    emulator.subscriber.modify_ack_deadline(subscription=subscription, ack_ids=ack_ids[1:], ack_deadline_seconds=0)
    again = emulator.pull(subscription)
    assert sorted(m.message.message_id for m in again) == sorted(ids[1:])


def test_two_subscriptions_get_a_message_each(emulator):
    topic, one = emulator.create()
    two = f"{one}-too"
    emulator.subscriber.create_subscription(request={"name": two, "topic": topic})
    emulator.publish(topic, [b"x"])
    assert [len(emulator.pull(s)) for s in (one, two)] == [1, 1]


def test_what_is_not_there(emulator):
    with pytest.raises(exceptions.NotFound):
        emulator.subscriber.pull(subscription=f"{PROJECT}/subscriptions/nothing", max_messages=1)
    with pytest.raises(exceptions.NotFound):
        emulator.publish(f"{PROJECT}/topics/nothing", [b"x"])
    topic, subscription = emulator.create()
    with pytest.raises(exceptions.AlreadyExists):
        emulator.publisher.create_topic(request={"name": topic})
    with pytest.raises(exceptions.AlreadyExists):
        emulator.subscriber.create_subscription(request={"name": subscription, "topic": topic})
    emulator.subscriber.delete_subscription(subscription=subscription)
    with pytest.raises(exceptions.NotFound):
        emulator.subscriber.get_subscription(subscription=subscription)


def test_streaming_pull_of_the_client_library(emulator):
    topic, subscription = emulator.create()
    ids = emulator.publish(topic, [b"%d" % i for i in range(500)])
    channel = grpc.insecure_channel(emulator.host)
    seen: list[str] = []
    refused: list[str] = []
    complete = threading.Event()

    def take(message: Any) -> None:
        if not refused:
            refused.append(message.message_id)
            message.nack()
            return
        seen.append(message.message_id)
        message.ack()
        if len(set(seen)) == len(ids):
            complete.set()

    with channel, pubsub_v1.SubscriberClient(transport=SubscriberGrpcTransport(channel=channel)) as client:
        scheduler = pubsub_v1.subscriber.scheduler.ThreadScheduler()
        stream = client.subscribe(subscription, take, scheduler=scheduler, await_callbacks_on_shutdown=True)
        assert complete.wait(20)
        stream.cancel()
        stream.result(timeout=20)
    assert set(seen) == set(ids)
    assert refused[0] in seen


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Iterator[Emulator]:
    with running(OWN, tmp_path_factory.mktemp("own"), "--pull-wait", "0.1") as found:
        yield found


def test_deadlines_end(own):
    topic, subscription = own.create(ack_deadline_seconds=1)
    own.publish(topic, [b"x"])
    (first,) = own.pull(subscription)
    assert own.pull(subscription) == []
    time.sleep(1)
    (second,) = own.pull(subscription)
    assert second.message.message_id == first.message.message_id
    assert second.ack_id != first.ack_id
    own.subscriber.acknowledge(subscription=subscription, ack_ids=[first.ack_id])  # too late, and no error
    own.subscriber.modify_ack_deadline(subscription=subscription, ack_ids=[second.ack_id], ack_deadline_seconds=60)
    time.sleep(1)
    assert own.pull(subscription) == []


def test_deliveries_are_counted_where_that_is_asked_for(own):
    topic, subscription = own.create()
    other, counted = own.create(dead_letter_policy={"dead_letter_topic": topic, "max_delivery_attempts": 5})
    for where, wanted in ((subscription, [0, 0]), (counted, [1, 2])):
        own.publish(topic if where == subscription else other, [b"x"])
        found = []
        for _ in range(2):
            found += [m.delivery_attempt for m in own.pull(where)]
            own.expire_leases()
        assert found == wanted


def test_exactly_once_tells_which_acknowledgement_failed(own):
    topic, subscription = own.create(enable_exactly_once_delivery=True)
    own.publish(topic, [b"x", b"y"])
    good, bad = (m.ack_id for m in own.pull(subscription))
    own.subscriber.acknowledge(subscription=subscription, ack_ids=[bad])
    with pytest.raises(exceptions.GoogleAPICallError) as refused:
        own.subscriber.acknowledge(subscription=subscription, ack_ids=[good, bad], retry=None)
    assert dict(refused.value.metadata) == {bad: "PERMANENT_FAILURE_INVALID_ACK_ID"}
    own.expire_leases()
    assert own.pull(subscription) == []
