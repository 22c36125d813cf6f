"""Beam transform of the stream's first step, messages to events; and what all steps of the stream share.

Everything is keyed by entity or flow, in the global window, with timers in processing time: nothing waits for a
watermark, and nothing is dropped for being late. Each transform is labelled and can be used in a pipeline of one's own:

    decoded = messages | DecodeMessages("projects/p/subscriptions/s")
    items = decoded.events | ResolveStream(patience=5_000_000)
    live = items | LiveFlows(Life(deadlines))

The rules are in `transforms.stream_nodes` and `transforms.stream_flows`, without Beam; the `ptransforms_*` only deliver
the messages, keep the bytes and set the timers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput

from transforms.decode import Decoder
from transforms.event import Rejection, encode_block
from transforms.ptransforms_metrics import count, spread
from transforms.rows import SECOND

EVENTS, REJECTIONS, EMPTY = "events", "rejections", "empty"
Clock = Callable[[], int]
"""Gives the time in microseconds; travels to the workers, so a function of a module."""

Keyed = tuple[str, bytes]

_SEPARATOR = "\x1f"


def system_clock() -> int:
    """Give the time of this machine in microseconds."""
    return time.time_ns() // 1000


def join_key(first: str, second: str) -> str:
    """Give the text by which Beam keys an entity or a flow."""
    return f"{first}{_SEPARATOR}{second}"


def split_key(key: str) -> tuple[str, str]:
    """Give the two parts of a key."""
    first, _, second = key.partition(_SEPARATOR)
    return first, second


def time_of(clock: Clock, fired: Any = None) -> int:
    """Give the time, which is never before that of the timer that has fired."""
    return max(clock(), fired.micros) if fired is not None else clock()


class Decoded(NamedTuple):
    """What decoding gives.

    Attributes:
        events: blocks of encoded events, one a message.
        rejections: what could not be decoded, with the message's body.
        empty: ids of messages without an event.
    """

    events: PCollection[bytes]
    rejections: PCollection[tuple[Rejection, bytes]]
    empty: PCollection[str]


class _DecodeMessage(beam.DoFn):
    def __init__(self, subscription: str, clock: Clock) -> None:
        self.subscription, self.clock = subscription, clock

    def setup(self) -> None:
        self.decoder = Decoder()

    def process(self, message: Any) -> Iterator[Any]:
        published = message.publish_time
        at = int(published.timestamp()) * SECOND + published.microsecond
        found = self.decoder.message(message.data, at, message.message_id, f"{self.subscription}:{message.message_id}")
        if isinstance(found, Rejection):
            count("dead_letters")
            yield TaggedOutput(REJECTIONS, (found, message.data))
            return
        count("messages_accepted")
        if not found:
            yield TaggedOutput(EMPTY, message.message_id)
            return
        spread("event_age_ms", max(0, (self.clock() - at) // 1000))
        for event in found:
            count(f"event.{event.name}")
        yield encode_block(found)


class DecodeMessages(beam.PTransform):
    """Decode messages as `ReadFromPubSub(with_attributes=True)` gives them. Out: `Decoded`."""

    def __init__(self, subscription: str, clock: Clock = system_clock) -> None:
        """Name the subscription, which is part of every event's source."""
        super().__init__()
        self.subscription, self.clock = subscription, clock

    def expand(self, messages: PCollection[Any]) -> Decoded:
        """Compose the step."""
        out = messages | "DecodeMessage" >> beam.ParDo(_DecodeMessage(self.subscription, self.clock)).with_outputs(
            REJECTIONS, EMPTY, main=EVENTS
        )
        return Decoded(out[EVENTS], out[REJECTIONS], out[EMPTY])
