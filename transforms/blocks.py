"""Blocks: how events travel between the stages of a pipeline without costing an element each.

A stage that decodes puts events into an `Outbox`, which sorts them by bucket and encodes whole blocks. A bucket is
a stable hash of the flow id (or of the node, for the search of `transforms.resolve`), so every delivery of one flow
ends in the same bucket whatever file it came from and whatever worker read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
import pyarrow as pa

from schemas.catalogue import Flow
from schemas.event_types import EVENT_TYPES
from transforms.event import Event, decode_block, encode_block, encoder, event_decoder, references
from transforms.links import Link, LinkSource, check, links_of
from transforms.project import gathering_key
from transforms.resolve import LEAVES, NAMED, OWN, Message, Node, hop, opening, settle

FLOWS, SETTLED, OUTSIDE, NODE = b"F", b"S", b"N", b"M"
"""First byte of a block: events that name their flow, events whose flow was found, events outside the flows, messages
between nodes."""

KNOWN_FLOWS, KNOWN_OUTSIDE = b"f", b"n"
"""The same for events that the event log has already."""

EMPTY = b""
"""A block without events, for buckets whose flows may change by time alone."""

_KNOWN = b"\xc1"
"""In front of a waiting event that the event log has already; no MessagePack value begins with this byte."""

_zstd = pa.Codec("zstd", compression_level=1)


def _pack(tag: bytes, data: bytes) -> bytes:
    """Compress a block: a runner copies it several times, and the same ids stand in it again and again."""
    packed: bytes = _zstd.compress(data, asbytes=True)
    return tag + len(data).to_bytes(8, "little") + packed


def _unpack(block: bytes) -> tuple[bytes, Any]:
    size = int.from_bytes(block[1:9], "little")
    return block[:1], _zstd.decompress(memoryview(block)[9:], size)


Block = tuple[int, bytes]
"""`(bucket, encoded events)`."""


def _claimed() -> frozenset[str]:
    kinds = set()
    for event_type in EVENT_TYPES:
        for model in (event_type.model, *(m for _, m in event_type.alternatives)):
            kinds |= {f.ref for f in model.references() if f.ref}
            if event_type.flow is not Flow.NONE and model.key is not None and model.key != model.id:
                kinds.add(model.entity)
    return frozenset(kinds) - LEAVES


CLAIMED = _claimed()
"""Kinds of entities whose flow is told: some event can name them, or one of their own can lack its flow."""


class _NodeBlock(msgspec.Struct, array_like=True, gc=False):
    """Messages for the nodes of one bucket: claims `(kind, id, rank, flow)`, asks, and waiting events."""

    claims: list[tuple[str, str, int, str]]
    asks: list[tuple[str, str, str, str]]
    waits: list[tuple[str, str, bytes]]


_node_decoder = msgspec.msgpack.Decoder(_NodeBlock)
_settled_decoder = msgspec.msgpack.Decoder(list[tuple[str, bytes]])


def bucket_of(key: str, buckets: int) -> int:
    """Give the bucket of a key; the same on every machine and in every run."""
    return crc32(key.encode()) % buckets


def node_bucket(node: Node, buckets: int) -> int:
    """Give the bucket of a node."""
    return crc32(node[1].encode()) % buckets


@dataclass(slots=True)
class Outbox:
    """Sorts decoded events by where they go next.

    Attributes:
        buckets: number of buckets.
        known: the events come from the event log or from the state, not from a source.
        newest: newest recorded time seen, in microseconds.
    """

    buckets: int
    known: bool = False
    newest: int | None = None
    _flows: dict[int, list[Event]] = field(default_factory=dict)
    _outside: dict[int, list[Event]] = field(default_factory=dict)
    _claims: dict[Node, tuple[int, str]] = field(default_factory=dict)
    _messages: list[tuple[Node, Message]] = field(default_factory=list)
    _encoded: list[Block] = field(default_factory=list)
    _held: int = 0

    def add(self, event: Event) -> None:
        """Take one decoded event."""
        if self.newest is None or event.recorded_at > self.newest:
            self.newest = event.recorded_at
        flow = event.flow_id
        if flow is not None:
            where, key = self._flows, flow
            self._claim(event, flow)
        elif event.flow == "none":
            where, key = self._outside, gathering_key(event)
        else:
            raw = encoder.encode(event)
            self._messages.extend(opening(event, _KNOWN + raw if self.known else raw))
            return
        bucket = crc32(key.encode()) % self.buckets
        group = where.get(bucket)
        if group is None:
            where[bucket] = [event]
        else:
            group.append(event)
        self._held += 1
        if self._held >= 50_000:  # keep events as bytes, which are a tenth of their size as objects
            self._encode()

    def _claim(self, event: Event, flow: str) -> None:
        claims = self._claims
        kind = event.entity
        if kind in CLAIMED:
            own = (kind or "", event.entity_id or "")
            known = claims.get(own)
            if known is None or known[0] != OWN or flow < known[1]:
                claims[own] = (OWN, flow)
        for node in references(event):
            known = claims.get(node)
            if known is None or (known[0] == NAMED and flow < known[1]):
                claims[node] = (NAMED, flow)

    def _encode(self) -> None:
        tags = (KNOWN_FLOWS, KNOWN_OUTSIDE) if self.known else (FLOWS, OUTSIDE)
        for tag, groups in zip(tags, (self._flows, self._outside), strict=True):
            self._encoded.extend((bucket, _pack(tag, encode_block(events))) for bucket, events in groups.items())
            groups.clear()
        self._held = 0

    def blocks(self) -> Iterator[Block]:
        """Give the blocks for the flow buckets, and forget them."""
        self._encode()
        yield from self._encoded
        self._encoded = []

    def node_blocks(self) -> Iterator[Block]:
        """Give the blocks for the node buckets, and forget them."""
        yield from encode_messages(
            ((node, ("claim", rank, flow)) for node, (rank, flow) in self._claims.items()), self._messages, self.buckets
        )
        self._claims, self._messages = {}, []


def encode_messages(
    claims: Iterable[tuple[Node, Message]], others: Iterable[tuple[Node, Message]], buckets: int
) -> Iterator[Block]:
    """Encode messages by node bucket."""
    groups: dict[int, _NodeBlock] = {}

    def group(node: Node) -> _NodeBlock:
        bucket = node_bucket(node, buckets)
        found = groups.get(bucket)
        if found is None:
            found = groups[bucket] = _NodeBlock([], [], [])
        return found

    for source in (claims, others):
        for node, message in source:
            if message[0] == "claim":
                group(node).claims.append((node[0], node[1], message[1], message[2]))
            elif message[0] == "ask":
                group(node).asks.append((node[0], node[1], message[1], message[2]))
            else:
                group(node).waits.append((node[0], node[1], message[1]))
    for bucket, block in groups.items():
        yield bucket, _pack(NODE, encoder.encode(block))


class Round(NamedTuple):
    """What one round of the search gives for one bucket of nodes.

    Attributes:
        settled: blocks of events for the flow buckets.
        onward: blocks of messages for the next round.
        links: what the state must know for later runs.
        conflicts: nodes that an earlier run gave to another flow than everything known now would.
    """

    settled: list[Block]
    onward: list[Block]
    links: list[Link]
    conflicts: list[Node]


def resolve_bucket(
    blocks: Iterable[bytes], buckets: int, *, first: bool = False, last: bool = False, known: LinkSource | None = None
) -> Round:
    """Run one round of the search for all nodes of one bucket.

    Args:
        blocks: messages for the nodes of this bucket.
        buckets: number of buckets.
        first: whether this is the first round, which hears the claims of the input.
        last: whether this is the last round.
        known: what earlier runs know of these nodes; asked in the first round.
    """
    decoded = [_node_decoder.decode(_unpack(b)[1]) for b in blocks]
    box: dict[Node, list[Message]] = {}
    for block in decoded:
        for kind, entity_id, asker_kind, asker in block.asks:
            box.setdefault((kind, entity_id), []).append(("ask", asker_kind, asker))
        for kind, entity_id, raw in block.waits:
            box.setdefault((kind, entity_id), []).append(("wait", raw))
    claims = [claim for block in decoded for claim in block.claims]
    if first and known is not None:
        before = known.find(box.keys(), ((c[0], c[1]) for c in claims))
        conflicts = check(before, claims)
        claims += ((n.kind, n.entity_id, n.rank, n.flow_id) for n in before)
    else:
        conflicts = []
    for kind, entity_id, rank, flow in claims:
        asked = box.get((kind, entity_id))
        if asked is not None:  # nobody waits for the others
            asked.append(("claim", rank, flow))
    settled: dict[int, list[tuple[str, bytes]]] = {}
    onward: list[tuple[Node, Message]] = []
    found: list[Link] = []
    for node, messages in box.items():
        answer = hop(node, messages, last=last)
        if answer.free:
            assert answer.key is not None
            settled.setdefault(bucket_of(answer.key, buckets), []).extend((answer.key, raw) for raw in answer.free)
        if answer.rank is not None and answer.key is not None:
            found.append(Link(*node, answer.rank, answer.key, True))
        onward += answer.onward
    return Round(
        [(bucket, _pack(SETTLED, encoder.encode(group))) for bucket, group in settled.items()],
        list(encode_messages((), onward, buckets)),
        links_of(claims if first else (), found),
        conflicts,
    )


@dataclass(slots=True)
class Arrived:
    """What arrived for one flow bucket.

    Attributes:
        flows: deliveries by `(flow, key)`.
        outside: deliveries outside the flows by gathering key.
        named: those of them that the event log does not have yet and that name their flow, or are outside the flows.
        found: those that it does not have yet and whose flow was searched.
    """

    flows: dict[tuple[str, str], list[Event]] = field(default_factory=dict)
    outside: dict[str, list[Event]] = field(default_factory=dict)
    named: list[Event] = field(default_factory=list)
    found: list[Event] = field(default_factory=list)


def open_blocks(blocks: Iterable[bytes]) -> Arrived:
    """Open the blocks of one flow bucket."""
    arrived = Arrived()
    flows, outside = arrived.flows, arrived.outside
    for block in blocks:
        if block == EMPTY:
            continue
        tag, body = _unpack(block)
        if tag == SETTLED:
            for key, raw in _settled_decoder.decode(body):
                known = raw.startswith(_KNOWN)
                event = settle(event_decoder.decode(memoryview(raw)[1:] if known else raw), key)
                if not known:
                    arrived.found.append(event)
                _group(flows, (event.flow, key), event)
            continue
        events = decode_block(body)
        if tag in (FLOWS, OUTSIDE):
            arrived.named += events
        if tag in (FLOWS, KNOWN_FLOWS):
            for event in events:
                _group(flows, (event.flow, event.flow_id), event)
        else:
            for event in events:
                _group(outside, gathering_key(event), event)
    return arrived


def _group(groups: dict[Any, list[Event]], key: Any, event: Event) -> None:
    found = groups.get(key)
    if found is None:
        groups[key] = [event]
    else:
        found.append(event)
