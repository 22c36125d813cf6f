"""The search for flows, without rounds: what an entity knows and passes on while events keep coming in any order.

`transforms.resolve` searches a finished input in synchronous rounds. A stream has no rounds, but the answer of the
rounds is a minimum: of all ways that lead from an entity to a claim, along "asks", the shortest counts, then the
surest claim, then the smaller flow id; what no claim is in reach of is gathered under the nearest pick job. A minimum
can be kept while its candidates arrive one by one, whatever their order, and it only ever gets smaller. So:

- A `Relay` is one entity at one distance: it hears claims that are so many hops old, keeps the best, and tells it to
  every entity that has asked it. Beam allows no cycles, hence a relay for every distance.
- A `Home` is an entity at which events wait: it keeps the best claim of all distances. When a better one says another
  flow, its events leave the flow that they had and join the other.

After the last message every event has the flow that `transforms.resolve` gives it for the same set of events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from transforms.blocks import CLAIMED
from transforms.event import Event, references
from transforms.project import gathering_key
from transforms.resolve import FALLBACK, NAMED, OWN, ROUNDS, UNRESOLVED, Node, home
from transforms.stream_codec import Item, Place, StateVersionError, Value

HOPS = ROUNDS - 1
"""Longest way from an entity to a claim."""

MOST_ASKERS = 10_000
"""Entities that may ask one; what asks after them finds its flow in the batch job."""

STATE_VERSION = 1

Told = tuple[int, str]
"""A claim without its distance: `(rank, key)`; its rank grows with every hop, and a gathering key ranks last."""


class Relay(msgspec.Struct, array_like=True, gc=False):
    """What one entity knows at one distance.

    Attributes:
        version: of this record.
        touched_at: last time that something was heard, microseconds; for the state's expiry.
        found: best claim of a flow.
        gathered: best claim of a gathering key; only heard where no flow is found.
        askers: who must be told.
        watched: events wait at this entity (only kept at distance 0, which then tells the home).
    """

    version: int = STATE_VERSION
    touched_at: int = 0
    found: Told | None = None
    gathered: Told | None = None
    askers: list[Node] = msgspec.field(default_factory=list)
    watched: bool = False

    def claim(self, told: Told) -> list[tuple[Node | None, Told]]:
        """Hear a claim; gives who must be told what, None for the home."""
        fallback = told[0] >= FALLBACK
        before = self.gathered if fallback else self.found
        if before is not None and before <= told:
            return []
        if fallback:
            self.gathered = told
        else:
            self.found = told
        onward: list[tuple[Node | None, Told]] = [(a, t) for a in self.askers for t in _further(told)]
        if self.watched:
            onward.append((None, told))
        return onward

    def ask(self, asker: Node) -> list[tuple[Node | None, Told]]:
        """Hear a question; gives the answers that are known."""
        asker = (asker[0], asker[1])
        if len(self.askers) >= MOST_ASKERS or asker in self.askers:
            return []
        self.askers.append(asker)
        return [(asker, further) for told in self._known() for further in _further(told)]

    def watch(self) -> list[tuple[Node | None, Told]]:
        """Hear that events wait here; gives what the home must know."""
        if self.watched:
            return []
        self.watched = True
        return [(None, told) for told in self._known()]

    def _known(self) -> Iterator[Told]:
        for told in (self.found, self.gathered):
            if told is not None:
                yield told


def _further(told: Told) -> Iterator[Told]:
    """Give a claim as the next entity hears it; a gathering key goes one hop less far than a flow."""
    rank, key = told
    if rank < FALLBACK or rank - FALLBACK < HOPS - 1:
        yield rank + 1, key


class Home(msgspec.Struct, array_like=True, gc=False):
    """What is known of an entity at which events wait, but for the events.

    Attributes:
        version: of this record.
        touched_at: last time that something was heard, microseconds.
        best: the flow of its events, and how surely; None while they wait for one.
        held: the best gathering key that was heard while they wait.
        waiting: number of events that are kept.
    """

    version: int = STATE_VERSION
    touched_at: int = 0
    best: Value | None = None
    held: Value | None = None
    waiting: int = 0

    def claim(self, hops: int, told: Told) -> tuple[Value | None, Value] | None:
        """Hear a claim; gives the values before (None: nothing was known) and after when the events must move."""
        value: Value = (int(told[0] >= FALLBACK), hops, told[0], told[1])
        if self.best is None and value[0]:
            self.held = value if self.held is None else min(self.held, value)
            return None
        return self._better(value)

    def give_up(self, node: Node) -> tuple[Value | None, Value] | None:
        """Stop waiting for a flow for now; gives the move of the events, to a gathering key."""
        if self.best is not None:
            return None
        return self._better(self.held or (2, 0, 0, f"{UNRESOLVED}{node[0]}:{node[1]}"))

    def _better(self, value: Value) -> tuple[Value | None, Value] | None:
        before = self.best
        if before is not None and before <= value:
            return None
        self.best = value
        return None if before is not None and before[3] == value[3] else (before, value)


def joins(event: Event, value: Value) -> tuple[str, str, Item]:
    """Give `(flow, key, item)`: a waiting event joins a flow."""
    return event.flow, value[3], Item(value, event)


def leaves(event: Event, before: Value, after: Value) -> tuple[str, str, Item]:
    """Give `(flow, key, item)`: a waiting event has left a flow, because `after` is surer."""
    return event.flow, before[3], Item(after, None, place_of(event))


def place_of(event: Event) -> Place:
    """Give the place of a delivery."""
    return event.event_id, event.source


class ToFlow(NamedTuple):
    """An item for a flow."""

    flow: str
    key: str
    item: Item


class Claim(NamedTuple):
    """An entity belongs to a flow: for its relay at distance 0."""

    node: Node
    told: Told


class Ask(NamedTuple):
    """An entity wants to know the flow of another one: for the relays of `node` at every distance."""

    node: Node
    asker: Node


class Wait(NamedTuple):
    """An event waits at an entity: for its home, and (that events wait there) for its relay at distance 0."""

    node: Node
    event: Event


def route(event: Event) -> Iterator[ToFlow | Claim | Ask | Wait]:
    """List what an event tells, and to whom."""
    flow = event.flow_id
    if flow is not None:
        yield ToFlow(event.flow, flow, Item(None, event))
        if event.entity in CLAIMED:
            yield Claim((event.entity or "", event.entity_id or ""), (OWN, flow))
        for node in references(event):
            yield Claim(node, (NAMED, flow))
    elif event.flow == "none":
        yield ToFlow("none", gathering_key(event), Item(None, event))
    else:
        node, asked = home(event)
        yield Wait(node, event)
        for other in asked:
            yield Ask(other, node)
        if node[0] == "PICK_JOB":  # it gathers what finds nothing better (ruling 11)
            yield Claim(node, (FALLBACK, f"{UNRESOLVED}{node[0]}:{node[1]}"))


_encode = msgspec.msgpack.Encoder().encode
_relay = msgspec.msgpack.Decoder(Relay)
_home = msgspec.msgpack.Decoder(Home)


def encode_node(state: Relay | Home) -> bytes:
    """Encode what an entity knows."""
    return _encode(state)


def _checked(version: int) -> None:
    if version != STATE_VERSION:
        raise StateVersionError(f"state of an entity has the version {version}, expected {STATE_VERSION}")


def decode_relay(raw: bytes | None) -> Relay:
    """Decode a relay; a new one for None.

    Raises:
        StateVersionError: another version has written it.
    """
    if raw is None:
        return Relay()
    found = _relay.decode(raw)
    _checked(found.version)
    return found


def decode_home(raw: bytes | None) -> Home:
    """Decode a home; a new one for None.

    Raises:
        StateVersionError: another version has written it.
    """
    if raw is None:
        return Home()
    found = _home.decode(raw)
    _checked(found.version)
    return found
