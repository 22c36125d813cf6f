"""Readers of the live half: the newest revision of every flow, closed flows, and the logged events."""

from __future__ import annotations

import time
from collections.abc import Iterator

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.datasets import Part
from pipelines.live.store import current, live_parts, newest_of, pruned
from pipelines.live.tables import CLOSED_FLOW, EVENT_LOG, FLOW_REVISION, schema_of
from pipelines.state import read_table
from schemas.tables import BY_NAME
from transforms.event import Event, encode_block
from transforms.event_log import events_in
from transforms.links import hash64
from transforms.resolve import UNRESOLVED
from transforms.update import RELATIONS

_FRESH_SECONDS = 30.0


def newest_with_keys(output: str) -> dict[str, pa.Table]:
    """Give the rows of the newest revision of every flow by relation, and those revisions, with their keys."""
    parts = live_parts(output)
    indexes = [read_table(output, p) for p in parts.get(FLOW_REVISION, ())]
    newest = newest_of([schema_of(FLOW_REVISION).empty_table(), *indexes])
    found: dict[str, pa.Table] = {}
    for name in (*RELATIONS, "flow_event", FLOW_REVISION):
        tables = [schema_of(name).empty_table(), *(read_table(output, p) for p in parts.get(name, ()))]
        found[name] = current(pa.concat_tables(tables), newest)
    return found


def newest_rows(output: str) -> dict[str, pa.Table]:
    """Give the rows of the newest revision of every flow, by relation, in the contract's columns."""
    found = newest_with_keys(output)
    names = (*RELATIONS, "flow_event")
    return {name: found[name].select([c.name for c in BY_NAME[name].columns]) for name in names}


def logged_parts(output: str) -> list[Part]:
    """List the parts of the event log of the stream."""
    return live_parts(output).get(EVENT_LOG, [])


def logged_events(output: str) -> Iterator[list[Event]]:
    """Give the events that the stream has accepted, part by part; those that do not name their flow have none."""
    for part in logged_parts(output):
        yield events_in(read_table(output, part))


def shown_unresolved(output: str) -> dict[str, list[str]]:
    """List the gathering keys under which events are shown as unresolved now, by event id."""
    parts = live_parts(output)
    indexes = [schema_of(FLOW_REVISION).empty_table(), *(read_table(output, p) for p in parts.get(FLOW_REVISION, ()))]
    newest = newest_of(indexes)
    newest = newest.filter(pc.starts_with(newest.column("live_key"), UNRESOLVED))
    found: dict[str, list[str]] = {}
    if newest.num_rows:
        for part in parts.get("flow_event", ()):
            rows = current(read_table(output, part, [*newest.column_names, "live_row", "event_id"]), newest)
            for event, key in zip(*(rows.column(n).to_pylist() for n in ("event_id", "live_key")), strict=True):
                found.setdefault(event, []).append(key)
    return found


class ReadLogged(beam.DoFn):
    """Reads a part of the event log of the stream into a block of the events that it has accepted."""

    def __init__(self, output: str) -> None:
        self.output = output

    def process(self, part: Part) -> Iterator[bytes]:
        """Read one part."""
        yield encode_block(events_in(read_table(self.output, part)))


class ClosedFlows:
    """Finds closed flows in the live half (`transforms.ptransforms_live.FlowLookup`).

    Keeps the hashes of their keys in memory, 16 bytes a flow and part, and reads them again when they are half a
    minute old; a flow leaves the state an hour after it was written here, so it is found here, unless it has left for
    the settled half (`pipelines.live.pruning`).

    Attributes:
        pruned: whether anything has left for there; known after the first look.
    """

    def __init__(self, output: str) -> None:
        """Look below `output`."""
        self.output = output
        self._index: dict[int, list[Part]] = {}
        self._known: set[str] = set()
        self._read_at: float | None = None
        self.pruned = False

    def __reduce__(self) -> tuple[type[ClosedFlows], tuple[str]]:
        """Travel without the index."""
        return ClosedFlows, (self.output,)

    def find(self, flow: str, key: str) -> bytes | None:
        """Give the newest that is kept of a closed flow."""
        if self._read_at is None or time.monotonic() - self._read_at > _FRESH_SECONDS:
            self._refresh()
        wanted = hash64(flow, key)
        best: tuple[int, bytes] | None = None
        for part in self._index.get(wanted, ()):
            table = read_table(self.output, part)
            for row in table.filter(pa.compute.equal(table.column("key_hash"), wanted)).to_pylist():
                told = (row["live_revision"], row["packed"])
                if (row["live_flow"], row["live_key"]) == (flow, key) and (best is None or told > best):
                    best = told
        return None if best is None else best[1]

    def _refresh(self) -> None:
        self._read_at = time.monotonic()
        parts = live_parts(self.output).get(CLOSED_FLOW, [])
        self.pruned = self.pruned or pruned(self.output) is not None  # noted before its parts go, so asked after them
        paths = {p.path for p in parts}
        if not self._known <= paths:  # parts were merged
            self._index, self._known = {}, set()
        for part in parts:
            if part.path not in self._known:
                for value in read_table(self.output, part, ["key_hash"]).column("key_hash").to_pylist():
                    self._index.setdefault(value, []).append(part)
        self._known = paths
