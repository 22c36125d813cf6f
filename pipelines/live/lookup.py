"""What the batch job knows, for the stream: flows and links from before the stream, read when an event asks for them.

A flow that the stream has never seen may have begun before it: its events are in the state of the batch job, and so are
the links from entities to flows. Both are looked up once for each flow and entity that the stream meets first.

So is what the live half need not keep any longer (`pipelines.live.pruning`). From then on the settled half must be
there: without it nobody could say whether a flow is new or was dropped.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.books import book_rows
from pipelines.datasets import Part, parts_of, read_manifest
from pipelines.live.judging import is_flow
from pipelines.live.reader import ClosedFlows
from pipelines.live.store import FOLDER, pruned
from pipelines.state import FLOW_STATE, NODE_LINKS, read_table
from transforms.erasure import Erased, Scrubber
from transforms.event import decode_block
from transforms.event_log import STATE_VERSION
from transforms.links import hash64, links_in
from transforms.resolve import Node
from transforms.stream_codec import SETTLED, Item, decode_item
from transforms.stream_flows import Meta, pack_closed, unpack_closed
from transforms.stream_nodes import Told

_FRESH_SECONDS = 60.0


class _Index:
    """Finds rows of a dataset of the batch state by a column of hashes; keeps 8 bytes a row in memory."""

    def __init__(self, output: str, dataset: str, column: str) -> None:
        self.output, self.dataset, self.column = output, dataset, column
        self._parts: dict[str, tuple[Part, Any]] = {}
        self._read_at: float | None = None
        self.readable = False

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
        self.readable = manifest is not None and manifest.get("state_version") == STATE_VERSION
        if manifest is not None and self.readable:
            parts = [p for p in parts_of(manifest) if p.relation == self.dataset]
        self._parts = {
            p.path: self._parts.get(p.path) or (p, read_table(self.output, p, [self.column]).column(0).to_numpy())
            for p in parts
        }


@functools.lru_cache(maxsize=16)
def _table(output: str, part: Part) -> pa.Table:
    return read_table(output, part)


class SettledGoneError(Exception):
    """The live half relies on a settled half that can't be read; the message says what to do."""


def check_settled(output: str, settled: str | None) -> None:
    """Make sure that the settled half is there on whose word the live half has dropped something.

    Raises:
        SettledGoneError: it is not, or it knows less.
    """
    noted = pruned(output)
    if noted is None:
        return
    manifest = read_manifest(settled) if settled is not None else None
    if settled is None or manifest is None or manifest.get("state_version") != STATE_VERSION:
        raise _gone(output, settled, noted)
    days = (r["day"] for r in book_rows(settled, parts_of(manifest), "day_book") if r["closed"])
    if max(days, default="") < noted["until"]:
        raise SettledGoneError(
            f"{output}/{FOLDER} has dropped events that {noted['settled']} had, up to the day {noted['until']}, and "
            f"{settled} has no closed day as late as that; name the right one with --settled"
        )


def _gone(output: str, settled: str | None, noted: dict[str, Any] | None) -> SettledGoneError:
    return SettledGoneError(
        f"{output}/{FOLDER} has dropped events that are in {(noted or {}).get('settled')}, and {settled} has no state "
        "that this version can read; run flowfacts batch there, or name the right output with --settled, and start "
        "the stream again"
    )


class KnownFlows:
    """Finds flows that the stream has closed, and flows that the batch job knows (`FlowLookup`)."""

    def __init__(self, output: str, settled: str | None, erased: tuple[Erased, ...] = ()) -> None:
        """Look in the live half of `output`, then in the state of `settled`; replace there what was erased here."""
        self.output, self.settled, self.erased = output, settled, erased
        self._closed = ClosedFlows(output)
        self._state = _Index(settled, FLOW_STATE, "key_hash") if settled is not None else None
        self._scrubber = Scrubber(erased)

    def __reduce__(self) -> tuple[type[KnownFlows], tuple[str, str | None, tuple[Erased, ...]]]:
        """Travel without the indexes."""
        return KnownFlows, (self.output, self.settled, self.erased)

    def find(self, flow: str, key: str) -> bytes | None:
        """Give what is kept of a flow.

        Raises:
            SettledGoneError: the settled half can't be read, and something was dropped on its word.
        """
        closed = self._closed.find(flow, key)
        if closed is not None and not self._closed.pruned:
            return closed
        if not is_flow((flow, key)):  # the batch job shows what has left of those; nothing of them is ever read back
            return closed if closed is not None or not self._closed.pruned else pack_closed(Meta(), [])
        settled = self._settled(flow, key)
        if self._closed.pruned and (self._state is None or not self._state.readable):
            raise _gone(self.output, self.settled, pruned(self.output))
        if closed is None or settled is None:
            return closed if settled is None else pack_closed(Meta(), settled)
        return _together(closed, settled)

    def _settled(self, flow: str, key: str) -> list[Item] | None:
        for table in self._state.find(hash64(flow, key)) if self._state is not None else ():
            for row in table.select(["flow", "key", "deliveries"]).to_pylist():
                if (row["flow"], row["key"]) == (flow, key):
                    events = decode_block(row["deliveries"])
                    self._scrubber.arriving(events)
                    return [Item(SETTLED, e) for e in events]
        return None


def _together(closed: bytes, settled: list[Item]) -> bytes:
    """Add to a closed flow what has left the log since it closed: events of which it knows nothing."""
    revision, packed = unpack_closed(closed)
    items = [decode_item(raw) for raw in packed]
    known = {i.place[0] for i in items if i.place is not None} | {
        i.event.event_id for i in items if i.event is not None
    }
    more = [i for i in settled if i.event is not None and i.event.event_id not in known]
    return pack_closed(Meta(revision=revision), [*items, *more])


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
