"""Says of events, closed flows and rows of the live half whether the settled half has them for certain."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from pipelines.live.settled import Kept, Key, Settled
from transforms.event import Event
from transforms.event_log import outside_hashes
from transforms.links import hash64
from transforms.resolve import UNRESOLVED, home
from transforms.stream_codec import Item

GOES = ""
NOT_SETTLED = "the settled half does not have it in closed days"
SEARCHED = "it has no flow yet, and is still searched"
CONTESTED = "the stream has given an event of it to another flow"
"""Why something stays; nothing when it may go."""


class Row(NamedTuple):
    """What a row of `flow_event` tells of its event."""

    event_id: str
    name: str
    entity_id: str | None
    version: int | None


class Shown(NamedTuple):
    """What the newest revision of a flow shows."""

    key: Key
    events: int
    rows: Sequence[Row]


class Judge:
    """Compares what the live half has with what is settled."""

    def __init__(
        self, settled: Settled, searched_since: int, given: Callable[[Collection[str]], dict[str, set[Key]]]
    ) -> None:
        """Take the settled half.

        Args:
            settled: what is settled.
            searched_since: instant, microseconds: an older event without a flow is searched no more.
            given: gives, by envelope id, the flows to which the live half has given an event.
        """
        self._settled, self._searched_since, self._given = settled, searched_since, given
        self._gone: set[str] = set()

    def events(self, events: Sequence[Event]) -> list[str]:
        """Say of events of the log why each stays."""
        keys: list[set[Key]] = []
        nodes = {home(e)[0] for e in events if e.flow != "none" and e.flow_id is None}
        links = self._settled.links(nodes)
        for event in events:
            flows: Iterable[str] = ()
            if event.flow != "none":
                flows = [event.flow_id] if event.flow_id is not None else links.get(home(event)[0], ())
            keys.append({(event.flow, f) for f in flows})
        kept, contested = self._flows({k for some in keys for k in some})
        hashes = [outside_hashes(e) if e.flow == "none" else None for e in events]
        ids, alike = self._settled.outside({h[0] for h in hashes if h}, {h[1] for h in hashes if h})
        found: list[str] = []
        for event, some, outside in zip(events, keys, hashes, strict=True):
            if outside is not None:
                loose = event.version is None or event.entity_id is None
                found.append(GOES if outside[1] in alike or (loose and outside[0] in ids) else NOT_SETTLED)
                continue
            named = event.flow_id is not None
            if some & contested:
                found.append(CONTESTED)
            elif any(k in kept and kept[k].has(event) for k in some):
                found.append(GOES)
            elif not named and self._settled.unresolved.has(event):
                found.append(GOES if event.recorded_at < self._searched_since else SEARCHED)
            else:
                found.append(NOT_SETTLED)
        self._gone.update(e.event_id for e, why in zip(events, found, strict=True) if not why and e.flow != "none")
        return found

    def closed(self, flows: Sequence[tuple[Key, Sequence[Item]]]) -> list[str]:
        """Say of closed flows why each stays."""
        kept, contested = self._flows({k for k, _ in flows if is_flow(k)})
        apart = [[i.event for i in items if i.event is not None] for k, items in flows if not is_flow(k)]
        answers = iter(self.events([e for some in apart for e in some]))  # at once: a look-up reads whole columns
        found: list[str] = []
        for key, items in flows:
            events = [i.event for i in items if i.event is not None]
            if not is_flow(key):
                reasons = [next(answers) for _ in events]
                found.append(next((why for why in reasons if why), GOES))
                continue
            known = kept.get(key)
            left = {i.place[0] for i in items if i.place is not None}
            if key in contested or (known is not None and left & known.every):
                found.append(CONTESTED)
            else:
                found.append(GOES if known is not None and all(map(known.has, events)) else NOT_SETTLED)
        return found

    def shown(self, flows: Sequence[Shown]) -> list[str]:
        """Say of the rows of flows why they stay."""
        kept, contested = self._flows({f.key for f in flows if is_flow(f.key)})
        hashes = {hash64(r.event_id) for f in flows if f.key[0] == "none" for r in f.rows}
        outside, _ = self._settled.outside(hashes, ())
        return [self._why(f, kept.get(f.key), f.key in contested, outside) for f in flows]

    def _why(self, flow: Shown, known: Kept | None, contested: bool, outside: set[int]) -> str:
        if flow.key[0] == "none":
            settled = all(hash64(r.event_id) in outside for r in flow.rows)
        elif not is_flow(flow.key):
            waits = self._settled.unresolved
            settled = all(waits.shows(*r) or r.event_id in self._gone for r in flow.rows)
        elif contested:
            return CONTESTED
        else:
            settled = flow.events == 0 or (known is not None and known.count >= flow.events)
            settled = settled and all(known is not None and known.shows(*r) for r in flow.rows)
        return GOES if settled and len(flow.rows) >= flow.events else NOT_SETTLED

    def _flows(self, keys: Collection[Key]) -> tuple[dict[Key, Kept], set[Key]]:
        """Give what is settled of flows, and those that have an event which the live half has given to another."""
        kept = self._settled.flows(keys)
        given = self._given({i for k in kept.values() for i in k.every})
        contested = {key for key, k in kept.items() if any(given[i] - {key} for i in k.every & given.keys())}
        return kept, contested


def is_flow(key: Key) -> bool:
    """Say whether a key is a flow's, and not that under which events without one are gathered."""
    return key[0] != "none" and not key[1].startswith(UNRESOLVED)
