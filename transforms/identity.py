"""Which deliveries are the same event, and which of them stands for it.

Two deliveries are the same event when they agree on the envelope's event id; or, where the entity has a version,
on (event name, entity id, version); or, where it has none, on (event name, entity id, event time, everything that
was decoded). Sameness is transitive. The earliest recorded delivery stands for all (ruling 3). Of several with one id
and one recorded time, what they say decides: files and subscriptions put them in different orders.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import pairwise
from typing import NamedTuple

from transforms.event import Event, encoder
from transforms.rows import order_key


def identity(event: Event) -> Hashable:
    """Give what two deliveries with different envelope ids must share to be the same event (ruling 4)."""
    if event.version is not None and event.entity_id is not None:
        return event.name, event.entity_id, event.version, event.flow_id
    if event.entity_id is None:
        return event.event_id
    content = encoder.encode((event.facility, event.status, event.facts))
    return event.name, event.entity_id, event.event_at, event.flow_id, content


def _recorded(event: Event) -> tuple[int, str]:
    return event.recorded_at, event.event_id


def _precedence(event: Event) -> tuple[int, str, bytes, str]:
    said = (event.name, event.flow_id, event.entity_id, event.version, event.event_at, event.facility, event.status)
    return *_recorded(event), encoder.encode((*said, event.facts)), event.source


class Distinct(NamedTuple):
    """Deliveries reduced to events.

    Attributes:
        events: the distinct events in the order of ruling 7.
        aliases: deliveries that stand for no event but show that two others are the same. Events and aliases together
            reduce with any later delivery as everything that was delivered would: they are what a state must keep.
        repeats: number of deliveries that are no event of their own, aliases included.
    """

    events: list[Event]
    aliases: list[Event]
    repeats: int


def distinct(deliveries: Iterable[Event]) -> Distinct:
    """Reduce deliveries to distinct events; the result does not depend on their order."""
    ordered = sorted(deliveries, key=order_key)
    if len({e.event_id for e in ordered}) == len({identity(e) for e in ordered}) == len(ordered):
        return Distinct(ordered, [], 0)  # the usual case: nothing came twice
    ordered.sort(key=_recorded)
    if any(_recorded(one) == _recorded(other) for one, other in pairwise(ordered)):
        ordered.sort(key=_precedence)
    by_id: dict[str, int] = {}
    by_identity: dict[Hashable, int] = {}
    kept: list[Event | None] = []
    aliases: list[Event] = []
    repeats = 0
    for event in ordered:
        same = identity(event)
        first = by_id.get(event.event_id)
        second = by_identity.get(same)
        if first is None and second is None:
            by_id[event.event_id] = by_identity[same] = len(kept)
            kept.append(event)
            continue
        repeats += 1
        if first != second:  # it brings a new id, a new identity, or the link between two
            aliases.append(event)
        if first is not None and second is not None and first != second:
            # This delivery shows that two events taken for different are one: the later one goes.
            low, high = sorted((first, second))
            loser = kept[high]
            if loser is not None:
                aliases.append(loser)
                kept[high] = None
                repeats += 1
            by_id.update((k, low) for k, v in list(by_id.items()) if v == high)
            by_identity.update((k, low) for k, v in list(by_identity.items()) if v == high)
            first = low
        winner = first if first is not None else second
        assert winner is not None
        by_id[event.event_id] = by_identity[same] = winner
    return Distinct(sorted((e for e in kept if e is not None), key=order_key), aliases, repeats)
