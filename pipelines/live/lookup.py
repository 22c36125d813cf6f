"""What the batch job knows, for the stream: flows and links from before the stream, read when an event asks for them.

A flow that the stream has never seen may have begun before it: its events are in the state of the batch job, and so are
the links from entities to flows. Both are looked up once for each flow and entity that the stream meets first.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.datasets import Part, parts_of, read_manifest
from pipelines.live.reader import ClosedFlows
from pipelines.state import FLOW_STATE, NODE_LINKS, read_table
from transforms.event import decode_block
from transforms.event_log import STATE_VERSION
from transforms.links import hash64, links_in
from transforms.resolve import Node
from transforms.stream_codec import Item
from transforms.stream_flows import Meta, pack_closed
from transforms.stream_nodes import Told

_FRESH_SECONDS = 60.0


class _Index:
    """Finds rows of a dataset of the batch state by a column of hashes; keeps 8 bytes a row in memory."""

    def __init__(self, output: str, dataset: str, column: str) -> None:
        self.output, self.dataset, self.column = output, dataset, column
        self._parts: dict[str, tuple[Part, Any]] = {}
        self._read_at: float | None = None

    def find(self, wanted: int) -> Iterator[pa.Table]:
        """Give the rows with a hash."""
        if self._read_at is None or time.monotonic() - self._read_at > _FRESH_SECONDS:
            self._refresh()
        for part, hashes in self._parts.values():
            if (hashes == wanted).any():
                table = _table(self.output, part)
                yield table.filter(pc.equal(table.column(self.column), wanted))

    def _refresh(self) -> None:
        self._read_at = time.monotonic()
        manifest = read_manifest(self.output)
        parts: list[Part] = []
        # State of another version can't be read; the next batch run makes it again.
        if manifest is not None and manifest.get("state_version") == STATE_VERSION:
            parts = [p for p in parts_of(manifest) if p.relation == self.dataset]
        self._parts = {
            p.path: self._parts.get(p.path) or (p, read_table(self.output, p, [self.column]).column(0).to_numpy())
            for p in parts
        }


@functools.lru_cache(maxsize=16)
def _table(output: str, part: Part) -> pa.Table:
    return read_table(output, part)


class KnownFlows:
    """Finds flows that the stream has closed, and flows that the batch job knows (`FlowLookup`)."""

    def __init__(self, output: str, settled: str | None) -> None:
        """Look in the live half of `output`, then in the state of `settled`."""
        self.output, self.settled = output, settled
        self._closed = ClosedFlows(output)
        self._state = _Index(settled, FLOW_STATE, "key_hash") if settled is not None else None

    def __reduce__(self) -> tuple[type[KnownFlows], tuple[str, str | None]]:
        """Travel without the indexes."""
        return KnownFlows, (self.output, self.settled)

    def find(self, flow: str, key: str) -> bytes | None:
        """Give what is kept of a flow."""
        closed = self._closed.find(flow, key)
        if closed is not None or self._state is None:
            return closed
        for table in self._state.find(hash64(flow, key)):
            for row in table.select(["flow", "key", "deliveries"]).to_pylist():
                if (row["flow"], row["key"]) == (flow, key):
                    return pack_closed(Meta(), [Item(None, e) for e in decode_block(row["deliveries"])])
        return None


class KnownLinks:
    """Finds the flows of entities that the batch job knows (`transforms.ptransforms_search.NodeLookup`)."""

    def __init__(self, settled: str) -> None:
        """Look in the state of `settled`."""
        self.settled = settled
        self._links = _Index(settled, NODE_LINKS, "node_hash")

    def __reduce__(self) -> tuple[type[KnownLinks], tuple[str]]:
        """Travel without the index."""
        return KnownLinks, (self.settled,)

    def find(self, node: Node) -> list[Told]:
        """Give the claims on an entity."""
        return [
            (link.rank, link.flow_id)
            for table in self._links.find(hash64(*node))
            for link in links_in(table)
            if (link.kind, link.entity_id) == node
        ]
