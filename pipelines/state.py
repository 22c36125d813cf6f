"""What a run leaves for the next one: which parts there are, and how a worker reads what concerns its bucket.

Every part tells its bucket and of how many. The number of buckets is a power of two and may differ between runs: a
part of fewer buckets feeds several, one of more buckets feeds one.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.datasets import Part, is_local, read_bytes, write_part
from pipelines.storage_errors import reading_part
from transforms.blocks import bucket_of
from transforms.event import Event
from transforms.event_log import events_in, place_hash
from transforms.links import Link, hash64, links_in
from transforms.resolve import Node
from transforms.update import Group

OPEN, SETTLED, OUTSIDE, BOOKS = "open", "settled", "outside", "books"
"""Tiers of the parts of a relation: flows that can still change, settled flows, events outside the flows, books."""

STAYING = (SETTLED, OUTSIDE)
"""Tiers whose parts stay as they are until a flow returns; those of one run and bucket are a group."""

FLOW_STATE, UNRESOLVED_STATE = "flow_state", "unresolved_state"
EVENT_LOG, NODE_LINKS, OUTSIDE_INDEX = "event_log", "node_links", "outside_index"
"""Datasets beside the relations of the contract. What is unresolved is apart: every run reads it first."""

INTERNAL = (FLOW_STATE, UNRESOLVED_STATE, EVENT_LOG, NODE_LINKS, OUTSIDE_INDEX)


def read_table(output: str, part: Part, columns: list[str] | None = None) -> pa.Table:
    """Read a part, or some of its columns."""
    path = f"{output}/{part.path}"
    with reading_part(path, part.relation):
        source: Any = pa.OSFile(path) if is_local(path) else pa.BufferReader(read_bytes(path))
        with source:
            return pq.ParquetFile(source).read(columns=columns)


def write_share(output: str, like: Part, table: pa.Table) -> Part:
    """Write the rows of one bucket, as a part with the relation, tier, run, buckets and day of `like`."""
    folder = "facts" if like.relation not in INTERNAL else "" if like.relation == EVENT_LOG else "state"
    named = [like.tier, "" if like.tier == OPEN else like.run, f"b{like.bucket:05d}of{like.buckets:05d}"]
    return write_part(
        output, like.relation, "-".join(n for n in named if n), table, folder=folder, day=like.day, tier=like.tier,
        run=like.run, bucket=like.bucket, buckets=like.buckets,
    )  # fmt: skip


def group_of(part: Part) -> Group:
    """Give the group of a part of a staying tier."""
    return Group(part.run, part.bucket, part.buckets)


def feeds(part: Part, bucket: int, buckets: int) -> bool:
    """Say whether a part can hold rows of a bucket."""
    low = min(part.buckets, buckets)
    return part.bucket % low == bucket % low


@dataclass(frozen=True, eq=False)
class State:
    """The published state of an output, as the workers of a run need it.

    Attributes:
        output: output folder.
        buckets: number of buckets of the run.
        parts: parts by dataset.
    """

    output: str
    buckets: int
    parts: dict[str, list[Part]] = field(default_factory=dict)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as bytes that are packed once and opened once: each worker gets it with each of several steps."""
        return _open_state, (_pack_state(self),)

    def of(self, dataset: str, tier: str | None = None) -> list[Part]:
        """List the parts of a dataset."""
        return [p for p in self.parts.get(dataset, ()) if tier is None or p.tier == tier]

    def bucket(self, bucket: int) -> BucketState:
        """Give what concerns a bucket of flows."""
        return BucketState(self, bucket)

    def of_bucket(self, bucket: int) -> BucketLinks:
        """Give the links of a bucket of nodes."""
        return BucketLinks(self, bucket)

    def group(self, group: Group) -> list[Part]:
        """List the parts of a group."""
        return [p for parts in self.parts.values() for p in parts if p.tier in STAYING and group_of(p) == group]


@functools.lru_cache(maxsize=4)
def _pack_state(state: State) -> bytes:
    return msgspec.msgpack.encode((state.output, state.buckets, state.parts))


@functools.lru_cache(maxsize=4)
def _open_state(packed: bytes) -> State:
    output, buckets, parts = msgspec.msgpack.decode(packed, type=tuple[str, int, dict[str, list[Part]]])
    return State(output, buckets, parts)


@dataclass(slots=True)
class BucketState:
    """What earlier runs know of the flows of one bucket (`transforms.update.StateSource`)."""

    state: State
    bucket: int
    _index: list[tuple[Part, pa.Table]] | None = None

    def _tables(self, dataset: str, tier: str, key: str) -> Iterator[pa.Table]:
        buckets = self.state.buckets
        for part in self.state.of(dataset, tier):
            if not feeds(part, self.bucket, buckets):
                continue
            table = read_table(self.state.output, part)
            if part.buckets < buckets:
                table = table.filter(self._mine(table.column(key)))
            yield table

    def _mine(self, keys: pa.ChunkedArray) -> pa.Array:
        coded = pc.dictionary_encode(keys.combine_chunks())
        mine = [bucket_of(k, self.state.buckets) == self.bucket for k in coded.dictionary.to_pylist()]
        return pc.take(pa.array(mine, pa.bool_()), coded.indices)

    def open_flows(self) -> pa.Table | None:
        """Give the state of the open flows, and of what is unresolved."""
        return _together([*self._tables(FLOW_STATE, OPEN, "key"), *self._tables(UNRESOLVED_STATE, OPEN, "key")])

    def open_rows(self, relation: str) -> pa.Table | None:
        """Give the rows of the open flows."""
        return _together(list(self._tables(relation, OPEN, "flow_id")))

    def settled(self, key_hashes: Collection[int]) -> Iterator[tuple[Group, pa.Table]]:
        """Give the state of settled flows whose key has one of the hashes."""
        wanted = np.fromiter(key_hashes, np.int64, len(key_hashes))
        for part in self.state.of(FLOW_STATE, SETTLED):
            if feeds(part, self.bucket, self.state.buckets):
                found = self._rows(part, [("key_hash", wanted)])
                if found is not None:
                    yield group_of(part), found

    def outside(self, id_hashes: Collection[int], same_hashes: Collection[int]) -> Iterator[tuple[Group, list[Event]]]:
        """Give logged deliveries outside the flows that agree in one of the hashes."""
        wanted = [
            ("id_hash", np.fromiter(id_hashes, np.int64, len(id_hashes))),
            ("same_hash", np.fromiter(same_hashes, np.int64, len(same_hashes))),
        ]
        days: set[str] = set()
        groups: dict[int, Group] = {}
        for part, index in self._outside_index():
            found = index.filter(_matches(index, wanted))
            if found.num_rows:
                groups.update(dict.fromkeys(found.column("place_hash").to_pylist(), group_of(part)))
                days.update(found.column("day").to_pylist())
        for part in self.state.of(EVENT_LOG):
            if part.day in days and feeds(part, self.bucket, self.state.buckets):
                logged = self._rows(part, wanted)
                for event in events_in(logged) if logged is not None else ():
                    yield groups[place_hash(event)], [event]

    def _outside_index(self) -> list[tuple[Part, pa.Table]]:
        """Read the index once: a chain of repeats asks for it several times."""
        if self._index is None:
            self._index = [
                (part, read_table(self.state.output, part))
                for part in self.state.of(OUTSIDE_INDEX)
                if feeds(part, self.bucket, self.state.buckets)
            ]
        return self._index

    def _rows(self, part: Part, wanted: list[tuple[str, Any]]) -> pa.Table | None:
        """Read the rows of a part that have a wanted hash; the other columns are read only when there are some."""
        places = _matches(read_table(self.state.output, part, [name for name, _ in wanted]), wanted)
        if not pc.any(places).as_py():
            return None
        return read_table(self.state.output, part).filter(places)


def _together(tables: list[pa.Table]) -> pa.Table | None:
    return pa.concat_tables(tables) if tables else None


def _matches(hashes: pa.Table, wanted: list[tuple[str, Any]]) -> Any:
    """Mark the rows that have a wanted value in one of the columns."""
    places: Any = None
    for name, values in wanted:
        mask = pc.is_in(hashes.column(name), value_set=pa.array(values))
        places = mask if places is None else pc.or_(places, mask)
    return places


@dataclass(slots=True)
class BucketLinks:
    """The links of one bucket of nodes (`transforms.links.LinkSource`)."""

    state: State
    bucket: int

    def find(self, asked: Iterable[Node], claimed: Iterable[Node]) -> list[Link]:
        """Give all links of the nodes that are asked now, and the asked links of those that are claimed now."""
        nodes = set(asked)
        others = set(claimed) - nodes
        if not nodes and not others:
            return []
        wanted = np.fromiter((hash64(*n) for n in nodes | others), np.int64, len(nodes) + len(others))
        # One look at the hashes of all parts: pyarrow makes its table of what is wanted anew for each.
        parts = [p for p in self.state.of(NODE_LINKS) if feeds(p, self.bucket, self.state.buckets)]
        hashes = [read_table(self.state.output, part, ["node_hash"]) for part in parts]
        if not hashes:
            return []
        places = _matches(pa.concat_tables(hashes), [("node_hash", wanted)]).combine_chunks()
        found: list[Link] = []
        start = 0
        for part, rows in zip(parts, hashes, strict=True):
            mine = places.slice(start, rows.num_rows)
            start += rows.num_rows
            if mine.true_count:
                for link in links_in(read_table(self.state.output, part).filter(mine)):
                    node = (link.kind, link.entity_id)
                    if node in nodes or (link.asked and node in others):
                        found.append(link)
        return found
