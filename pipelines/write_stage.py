"""The last stages of the batch job: buckets brought up to date, and parts written."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from pipelines.datasets import Part, write_bytes
from pipelines.read_stage import NOTES, Note
from pipelines.state import (
    EVENT_LOG,
    FLOW_STATE,
    OPEN,
    OUTSIDE,
    OUTSIDE_INDEX,
    SETTLED,
    UNRESOLVED_STATE,
    State,
    write_share,
)
from transforms import moves
from transforms.blocks import open_blocks
from transforms.calendar import ALWAYS_OPEN, Calendar, sites_of
from transforms.erasure import Erased, Scrubber
from transforms.event_log import log_tables
from transforms.moves import BLOCKS, PIECES, Counted, told
from transforms.resolve import UNRESOLVED
from transforms.rows import Settings
from transforms.update import Update, update_bucket

LEAVING = "leaving"
"""Tag of what leaves a settled group: `(group, ("flow", flow, key) or ("event", event id, source))`."""


class Piece(NamedTuple):
    """Rows to be written as one part."""

    relation: str
    tier: str
    bucket: int
    day: str | None
    table: pa.Table


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long things stay at hand, in microseconds (see `transforms.rows.Settings`), what was erased, the calendar."""

    deadlines: dict[str, int]
    settle_after: int
    search_for: int
    search_from: int
    erased: tuple[Erased, ...] = ()
    calendar: Calendar = ALWAYS_OPEN

    def at(self, as_of: int) -> Settings:
        """Give the settings of a run."""
        sites = sites_of(self.calendar)
        return Settings(as_of, self.deadlines, self.settle_after, self.search_for, self.search_from, sites)


class UpdateBucket(beam.DoFn):
    """Brings one bucket up to date."""

    def __init__(self, keeping: Keeping, state: State | None) -> None:
        self.keeping, self.state = keeping, state

    def process(self, element: tuple[int, Iterable[bytes]], as_of: int) -> Iterator[Any]:
        """Update one bucket."""
        bucket, blocks = element[0], Counted(element[1])
        arrived = open_blocks(blocks)
        Scrubber(self.keeping.erased).scrub(arrived.flows)
        source = self.state.bucket(bucket) if self.state is not None else None
        pieces = 0
        for day, table in log_tables(arrived.named, arrived.found):
            pieces += 1
            yield Piece(EVENT_LOG, "", bucket, day, table)
        update = update_bucket(arrived, source, self.keeping.at(as_of))
        for piece in _pieces(bucket, update):
            pieces += 1
            yield piece
        left = list(_leaving(update))
        yield from (TaggedOutput(LEAVING, item) for item in left)
        sent = {PIECES: pieces, moves.LEAVING: len(left)}
        yield TaggedOutput(NOTES, ("moved", told(sent=sent, received={BLOCKS: blocks.count})))
        yield TaggedOutput(NOTES, ("instant", as_of))
        yield TaggedOutput(NOTES, ("balance", asdict(update.balance)))


def _pieces(bucket: int, update: Update) -> Iterator[Piece]:
    """Give what an update writes."""
    for tier, tables in ((OPEN, update.open), (SETTLED, update.settled)):
        for relation, table in tables.items():
            yield Piece(relation, tier, bucket, None, table)
    if update.outside is not None:
        yield Piece("flow_event", OUTSIDE, bucket, None, update.outside)
    if update.index is not None:
        yield Piece(OUTSIDE_INDEX, OUTSIDE, bucket, None, update.index)
    for name, tier, state in _states(update):
        yield Piece(name, tier, bucket, None, state)


def _leaving(update: Update) -> Iterator[tuple[Any, ...]]:
    """Give what leaves the settled groups."""
    for group, keys in update.returned.items():
        yield from ((tuple(group), ("flow", *key)) for key in keys)
    for group, places in update.withdrawn.items():
        yield from ((tuple(group), ("event", *place)) for place in places)


def _states(update: Update) -> Iterator[tuple[str, str, pa.Table]]:
    """Give the state by dataset and tier."""
    if update.state is not None:
        waiting = pc.starts_with(update.state.column("key"), UNRESOLVED)
        for name, mask in ((FLOW_STATE, pc.invert(waiting)), (UNRESOLVED_STATE, waiting)):
            found = update.state.filter(mask)
            if found.num_rows:
                yield name, OPEN, found
    if update.settled_state is not None:
        yield FLOW_STATE, SETTLED, update.settled_state


_AHEAD = 4
"""Pieces that may wait for the disk while the next are made; each holds its table in memory."""


class WritePiece(beam.DoFn):
    """Writes pieces as parts, in a thread of its own: every part waits for the disk, and nothing else need."""

    def __init__(self, output: str, run_id: str, buckets: int) -> None:
        self.output, self.run_id, self.buckets = output, run_id, buckets

    def setup(self) -> None:
        """Start the thread that writes."""
        self.writer = ThreadPoolExecutor(1, "write-parts")

    def start_bundle(self) -> None:
        """Begin with nothing under way."""
        self.waiting: deque[Future[list[Note]]] = deque()

    def process(self, piece: Piece) -> Iterator[Note]:
        """Hand over one piece, and tell of those that are written."""
        self.waiting.append(self.writer.submit(self._write, piece))
        while len(self.waiting) > _AHEAD or (self.waiting and self.waiting[0].done()):
            yield from self.waiting.popleft().result()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Wait for the rest."""
        window = GlobalWindow()
        while self.waiting:
            for note in self.waiting.popleft().result():
                yield WindowedValue(note, window.max_timestamp(), [window])

    def teardown(self) -> None:
        """End the thread."""
        self.writer.shutdown()

    def _write(self, piece: Piece) -> list[Note]:
        like = Part(piece.relation, "", 0, 0, "", piece.tier, self.run_id, piece.bucket, self.buckets, piece.day)
        part = write_share(self.output, like, piece.table)
        return [("part", asdict(part)), ("moved", told(received={PIECES: 1}))]


class KeepOutcome(beam.DoFn):
    """Writes what the driver must know to one file, whatever machine the driver is on."""

    def __init__(self, path: str) -> None:
        self.path = path

    def process(self, notes: list[Note]) -> Iterator[None]:
        """Write all notes."""
        write_bytes(self.path, json.dumps(notes).encode())
        yield None
