"""Find the flow of events that do not name it, through the entities they do name.

A picked line knows its pick job, a container its pack job, and pick, shipment and hand-over jobs may lack the
process id. The search runs in synchronous rounds over *nodes* (entities). In each round a node that knows its flow
(a `Claim`) answers the nodes that asked it and lets the events that wait at it go; everything else stays for the
next round. Each round reaches one reference further, so `ROUNDS` bounds the length of a chain; the longest the
catalogue allows is hand-over job, parcel, shipment, pick job, order. Nothing depends on the order of arrival.

Every message is a small tuple, so that a runner may shuffle them by node; `hop` is one round at one node.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from transforms.event import Event, references

ROUNDS = 6

OWN, NAMED, FALLBACK = 0, 1, 1000
"""Ranks of claims: an entity's own event names the flow; another event of the flow names the entity; and, last, the
pick job itself, under which unresolved jobs are gathered so that their leg is one row (ruling 11)."""

UNRESOLVED = "?"
"""First character of a gathering key that is no flow id."""

Node = tuple[str, str]
Claim = tuple[Literal["claim"], int, str]
"""`("claim", rank, flow id)`."""
Ask = tuple[Literal["ask"], str, str]
"""`("ask", entity kind, entity id)`: that node wants to know the flow of this one."""
Wait = tuple[Literal["wait"], bytes]
"""`("wait", encoded event)`."""
Message = Claim | Ask | Wait

# Entities that no other event can name: their events wait at what they refer to.
LEAVES = frozenset({"PICK_LINE", "PACKING_TARGET_CONTAINER", "RESERVATION"})


def claims(event: Event) -> Iterator[tuple[Node, int]]:
    """List the nodes whose flow an event with a flow id tells, and how surely."""
    if event.entity is not None and event.entity_id is not None and event.entity not in LEAVES:
        yield (event.entity, event.entity_id), OWN
    for node in references(event):
        yield node, NAMED


def home(event: Event) -> tuple[Node, list[Node]]:
    """Give the node at which an event without flow id waits, and the nodes that this one asks."""
    refs = references(event)
    own = (event.entity or "", event.entity_id or "")
    if event.entity in LEAVES and len(refs) == 1:
        return refs[0], []
    return own, [r for r in refs if r != own]


class Answer(NamedTuple):
    """What one round at one node gives.

    Attributes:
        key: flow id that the waiting events get (a gathering key with `UNRESOLVED` in front in the last round), None
            while unknown.
        free: the encoded events that are free to go.
        onward: the messages for the next round.
        rank: rank of the claim that told the flow, None without one.
    """

    key: str | None
    free: list[bytes]
    onward: list[tuple[Node, Message]]
    rank: int | None = None


def hop(node: Node, messages: Iterable[Message], *, last: bool = False) -> Answer:
    """Run one round at one node.

    Args:
        node: the entity.
        messages: what arrived for it, in any order.
        last: whether this is the last round; only then a fallback claim counts.
    """
    best: tuple[int, str] | None = None
    asks: set[Node] = set()
    waits: list[bytes] = []
    for message in messages:
        if message[0] == "claim":
            claim = (message[1], message[2])
            if best is None or claim < best:
                best = claim
        elif message[0] == "ask":
            asks.add((message[1], message[2]))
        else:
            waits.append(message[1])
    if best is not None and (best[0] < FALLBACK or last):
        heard = () if last else sorted(asks)  # after the last round nobody listens any more
        onward: list[tuple[Node, Message]] = [(asker, ("claim", best[0] + 1, best[1])) for asker in heard]
        return Answer(best[1], waits, onward, best[0] if best[0] < FALLBACK else None)
    if last:
        return Answer(f"{UNRESOLVED}{node[0]}:{node[1]}", waits, [])
    onward = [(node, ("wait", w)) for w in waits]
    onward += [(node, ("ask", *asker)) for asker in sorted(asks)]
    if best is not None:
        onward.append((node, ("claim", *best)))
        # A fallback is passed on at once: whoever hears nothing better joins it in the last round.
        onward += [(asker, ("claim", best[0] + 1, best[1])) for asker in sorted(asks)]
    elif node[0] == "PICK_JOB" and waits:
        onward.append((node, ("claim", FALLBACK, f"{UNRESOLVED}{node[0]}:{node[1]}")))
    return Answer(None, [], onward)


def opening(event: Event, encoded: bytes) -> Iterator[tuple[Node, Message]]:
    """List the first messages of an event without flow id."""
    node, asked = home(event)
    yield node, ("wait", encoded)
    for other in asked:
        yield other, ("ask", *node)


def resolve(events: Iterable[Event]) -> list[tuple[str, Event]]:
    """Resolve events in memory: the rounds of the pipeline without a runner, for tests and small tools.

    Returns:
        Each event of a flow with its gathering key: the flow id, or a key that starts with `UNRESOLVED`. Events
        outside the flows are left out.
    """
    from transforms.event import encoder, event_decoder

    found: list[tuple[str, Event]] = []
    box: dict[Node, set[Message]] = defaultdict(set)
    waiting: dict[Node, list[Message]] = defaultdict(list)
    for event in events:
        if event.flow == "none":
            continue
        if event.flow_id is not None:
            found.append((event.flow_id, event))
            for node, rank in claims(event):
                box[node].add(("claim", rank, event.flow_id))
        else:
            for node, message in opening(event, encoder.encode(event)):
                (waiting[node].append if message[0] == "wait" else box[node].add)(message)
    for turn in range(ROUNDS):
        following: dict[Node, list[Message]] = defaultdict(list)
        for node in [*box, *(n for n in waiting if n not in box)]:
            answer = hop(node, [*box.get(node, ()), *waiting.get(node, ())], last=turn == ROUNDS - 1)
            for raw in answer.free:
                assert answer.key is not None
                found.append((answer.key, settle(event_decoder.decode(raw), answer.key)))
            for target, message in answer.onward:
                following[target].append(message)
        box = defaultdict(set)
        waiting = defaultdict(list)
        for node, messages in following.items():
            for message in messages:
                (waiting[node].append if message[0] == "wait" else box[node].add)(message)
    return found


def settle(event: Event, key: str) -> Event:
    """Give an event the flow that was found for it; a gathering key leaves it without one."""
    event.flow_id = None if key.startswith(UNRESOLVED) else key
    return event
