"""What a settled half knows for certain: the flows, links and events that the live half need not keep any longer.

Only what lies in day folders counts that are closed in the books and ended long enough ago. It is read from where the
stream itself looks a flow up (`pipelines.live.lookup`), so that what is dropped on its word is found again.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.books import book_rows
from pipelines.datasets import Part, parts_of, read_manifest
from pipelines.state import FLOW_STATE, NODE_LINKS, OUTSIDE_INDEX, UNRESOLVED_STATE, read_table
from transforms.clock import parse_time
from transforms.event import Event, decode_block
from transforms.event_log import STATE_VERSION, day_of
from transforms.identity import distinct, identity
from transforms.links import hash64, links_in
from transforms.resolve import Node

Key = tuple[str, str]
"""A flow: its name and its id, or a gathering key."""

SEARCHED = (FLOW_STATE, UNRESOLVED_STATE)


class NotSettledError(Exception):
    """Nothing may be dropped on the word of a settled half; the message says why."""


def same(event: Event) -> Hashable:
    """Give what repeats of an event share within its flow; takes the flow id from the event."""
    event.flow_id = None  # the two halves may have found it at different times
    return identity(event)


@dataclass(slots=True)
class Kept:
    """What is settled of a flow.

    Attributes:
        count: distinct events, by which the halves are chosen between.
        ids: envelope ids of deliveries in closed days.
        alike: what repeats of them share.
        versions: name, entity and version of those that have one.
        every: envelope ids of all deliveries.
    """

    count: int = 0
    ids: set[str] = field(default_factory=set)
    alike: set[Hashable] = field(default_factory=set)
    versions: set[tuple[str, str | None, int]] = field(default_factory=set)
    every: set[str] = field(default_factory=set)

    def add(self, deliveries: list[Event], closed: Collection[str]) -> None:
        """Take the deliveries of a flow."""
        self.count += len(distinct(deliveries).events)
        for event in deliveries:
            self.every.add(event.event_id)
            if day_of(event) in closed:
                self.ids.add(event.event_id)
                self.alike.add(same(event))
                if event.version is not None:
                    self.versions.add((event.name, event.entity_id, event.version))

    def has(self, event: Event) -> bool:
        """Say whether an event is settled; one with a version only when that version is."""
        if same(event) in self.alike:
            return True
        return event.event_id in self.ids and (event.version is None or event.entity_id is None)

    def shows(self, event_id: str, name: str, entity_id: str | None, version: int | None) -> bool:
        """Say whether a row of `flow_event` is of an event that is settled."""
        return event_id in self.ids or (version is not None and (name, entity_id, version) in self.versions)


_NOTHING = Kept()


class Settled:
    """The settled half, for look-ups of many at once."""

    def __init__(self, output: str, parts: list[Part], closed: set[str]) -> None:
        """Take the parts of an output, and the days that count."""
        self._output, self._parts, self.closed = output, parts, closed
        self._hashes: dict[str, Any] = {}
        self._unresolved: Kept | None = None

    @staticmethod
    def read(output: str, before: int, published_before: int | None) -> Settled:
        """Read what is settled of the days that ended before an instant.

        Args:
            output: output of the batch job.
            before: microseconds.
            published_before: newest end of its last run, for a job that may not have looked at it since; None for any.

        Raises:
            NotSettledError: it can't be used, or no day is closed.
        """
        manifest = read_manifest(output)
        if manifest is None:
            raise NotSettledError(f"{output} has no settled half")
        if manifest.get("state_version") != STATE_VERSION:
            raise NotSettledError(f"the state in {output} is of another version; the next batch run makes it again")
        ended = parse_time(str(manifest.get("run", {}).get("finished_at")))
        if published_before is not None and (ended is None or ended >= published_before):
            raise NotSettledError(f"a run on {output} has ended a moment ago")
        parts = parts_of(manifest)
        until = datetime.fromtimestamp(max(before, 0) / 1_000_000, UTC).date().isoformat()
        rows = book_rows(output, parts, "day_book")
        closed = {r["day"] for r in rows if r["closed"] and r["day"] < until}
        if not closed:
            raise NotSettledError(f"{output} has no closed day before {until}")
        return Settled(output, parts, closed)

    def flows(self, keys: Collection[Key]) -> dict[Key, Kept]:
        """Give what is settled of flows; those that are not known are left out."""
        found: dict[Key, Kept] = {}
        for table in self._find(FLOW_STATE, "key_hash", [hash64(*k) for k in keys]):
            rows = zip(*(table.column(n).to_pylist() for n in ("flow", "key", "deliveries")), strict=True)
            for flow, key, deliveries in rows:
                if (flow, key) in keys:
                    found.setdefault((flow, key), Kept()).add(decode_block(deliveries), self.closed)
        return found

    def links(self, nodes: Collection[Node]) -> dict[Node, set[str]]:
        """Give the ids of the flows that entities belong to."""
        found: dict[Node, set[str]] = {}
        for table in self._find(NODE_LINKS, "node_hash", [hash64(*n) for n in nodes]):
            for link in links_in(table):
                if (link.kind, link.entity_id) in nodes:
                    found.setdefault((link.kind, link.entity_id), set()).add(link.flow_id)
        return found

    def outside(self, ids: Collection[int], alike: Collection[int]) -> tuple[set[int], set[int]]:
        """Give those of the hashes of events outside the flows that are settled."""
        wanted = pa.array(sorted(ids), pa.int64()), pa.array(sorted(alike), pa.int64())
        known: tuple[set[int], set[int]] = (set(), set())
        days = pa.array(sorted(self.closed), pa.string())
        for part in self._of(OUTSIDE_INDEX):
            table = read_table(self._output, part, ["id_hash", "same_hash", "day"])
            table = table.filter(pc.is_in(table.column("day"), value_set=days))
            for name, values, hashes in zip(("id_hash", "same_hash"), wanted, known, strict=True):
                column = table.column(name)
                hashes.update(column.filter(pc.is_in(column, value_set=values)).to_pylist())
        return known

    @property
    def unresolved(self) -> Kept:
        """What waits for its flow in the settled half, too."""
        if self._unresolved is None:
            self._unresolved = Kept()
            for part in self._of(UNRESOLVED_STATE):
                for deliveries in read_table(self._output, part, ["deliveries"]).column(0).to_pylist():
                    self._unresolved.add(decode_block(deliveries), self.closed)
        return self._unresolved

    def _of(self, dataset: str) -> Iterator[Part]:
        return (p for p in self._parts if p.relation == dataset)

    def _find(self, dataset: str, column: str, hashes: Iterable[int]) -> Iterator[pa.Table]:
        """Give the rows with one of the hashes; reads a part as a whole only when it has some."""
        wanted = np.array(sorted(set(hashes)), np.int64)
        if not len(wanted):
            return
        for part in self._of(dataset):
            if part.path not in self._hashes:
                self._hashes[part.path] = read_table(self._output, part, [column]).column(0).to_numpy()
            places = np.isin(self._hashes[part.path], wanted)
            if places.any():
                yield read_table(self._output, part).filter(pa.array(places))
