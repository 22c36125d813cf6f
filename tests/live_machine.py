"""The stream without Beam on a real live half: its rules, its look-ups, and its files; time passes as a test says."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

from pipelines.live.lookup import KnownFlows, KnownLinks
from pipelines.live.reader import logged_events
from pipelines.live.store import prepare, publish
from pipelines.live.tables import Batch, logged, revised, shut
from tests.properties.test_stream import LIFE, Machine
from transforms.event import Event, encode_block
from transforms.resolve import Node
from transforms.stream_codec import decode_item
from transforms.stream_flows import Meta, Phase, arrive, decode_meta, encode_meta, read_back, unpack_closed
from transforms.stream_nodes import decode_relay, encode_node
from transforms.stream_revision import encode_revision


@dataclass
class LiveMachine(Machine):
    """A job that publishes what it finds below an output, and looks up there and in a settled half what it lacks."""

    output: str = ""
    settled: str = ""
    shards: int = 1
    lost: list[tuple[str, str]] = field(default_factory=list)
    _elements: list[bytes] = field(default_factory=list)
    _flows: KnownFlows | None = None
    _links: KnownLinks | None = None

    def look_at(self, settled: Path | str) -> None:
        """Look at another settled half from now on, as if it had been published there."""
        self.settled = str(settled)
        self._flows, self._links = KnownFlows(self.output, self.settled), KnownLinks(self.settled)

    def take(self, events: Iterable[Event], as_of: int) -> None:
        """Take events as they arrive, and publish what they change."""
        prepare(self.output, self.shards)
        self.look_at(self.settled)
        given = list(events)
        self._elements += [logged(encode_block([e])) for e in given]
        for event in given:
            self.feed(event)
        self.settle()
        self.flush(as_of)
        self.publish()

    def restart(self, as_of: int, now: int) -> LiveMachine:
        """Kill the job and start another one, which begins from the log."""
        other = LiveMachine(random.Random(2), now, output=self.output, settled=self.settled, shards=self.shards)
        other.look_at(other.settled)
        for block in logged_events(self.output):
            for event in block:
                other.feed(event)
        other.settle()
        other.flush(as_of)
        other.publish()
        return other

    def rest(self, as_of: int, until: Phase | None) -> None:
        """Let time pass until every flow is closed, a tombstone, or gone."""
        for key in list(self.flows):
            if decode_meta(self.flows[key][0]).wake_at is not None:
                self.wake_one(key, as_of, until)
        self.publish()

    def wake_one(self, key: tuple[str, str], as_of: int, until: Phase | None) -> None:
        now, every = self.now, self.flows
        self.flows = {key: every.pop(key)}
        self.wake(as_of, until)
        every |= self.flows
        self.flows, self.now = every, now  # each flow has a time of its own

    def publish(self) -> None:
        by_shard: dict[int, Batch] = {}
        for element in self._elements:
            by_shard.setdefault(crc32(element) % self.shards, Batch()).add(element)
        self._elements = []
        for shard, batch in by_shard.items():
            publish(self.output, shard, self.shards, batch.tables("run"))

    def _apply(self, key: tuple[str, str], meta: Meta, items: list[bytes], change: Any) -> None:
        super()._apply(key, meta, items, change)
        if change.revision is not None:
            self._elements.append(revised(encode_revision(change.revision)))
        if change.closed is not None:
            self._elements.append(shut(*key, self.closed.pop(key)))

    def _flow(self, flow: str, key: str, raw: bytes) -> None:
        packed, items = self.flows.get((flow, key), (encode_meta(Meta()), []))
        meta = decode_meta(packed)
        if (flow, key) not in self.flows or meta.phase is Phase.TOMBSTONE:
            assert self._flows is not None
            found = self._flows.find(flow, key)
            if found is not None:
                revision, known = unpack_closed(found)
                read_back(meta, known, revision)
                items = [*items, *known]
            elif (flow, key) in self.flows:
                self.lost.append((flow, key))
        if arrive(meta, len(raw), self.now, LIFE, joins=decode_item(raw).event is not None):
            items = [*items, raw]
        self.flows[flow, key] = encode_meta(meta), items

    def _relay(self, hops: int, node: Node, what: str, told: Any) -> None:
        state = decode_relay(self.relays.get((hops, node)))
        if not hops and what != "claim" and not (state.watched or state.askers):
            assert self._links is not None
            for claim in self._links.find(node):
                state.claim(claim)
            self.relays[hops, node] = encode_node(state)
        super()._relay(hops, node, what, told)
