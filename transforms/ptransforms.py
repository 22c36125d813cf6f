"""Beam transforms over the core: decode, resolve, project. The only module of `transforms` that imports Beam.

Elements are files, blocks and flows' buckets, never single events: on one machine Beam costs about 100
microseconds an element, a hundred times what decoding an event costs. Every transform is labelled and can be used
in a pipeline of one's own:

    blocks = lines | DecodeLines(buckets=16)
    resolved = (blocks.flows, blocks.nodes) | ResolveFlows(buckets=16)
    facts = resolved.blocks | ProjectFacts(as_of, deadlines)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import PCollection, TaggedOutput

from transforms.blocks import Block, Outbox, open_blocks, resolve_bucket
from transforms.calendar import ALWAYS_OPEN, Calendar, sites_of
from transforms.decode import Decoder
from transforms.event import Rejection
from transforms.links import LinkSource, link_table
from transforms.moves import BLOCKS, PIECES, Counted, messages, told
from transforms.project import Balance
from transforms.resolve import ROUNDS
from transforms.rows import Settings
from transforms.update import update_bucket

FLOWS, NODES, REJECTIONS = "flows", "nodes", "rejections"
LINKS, CONFLICTS, MOVES = "links", "conflicts", "moves"
TABLES, BALANCES = "tables", "balances"

NEVER = 1 << 60
"""Microseconds after which nothing settles: for a pipeline that keeps no state."""


class Decoded(NamedTuple):
    """What a decoding stage gives: blocks by flow bucket, messages by node bucket, rejections."""

    flows: PCollection[Block]
    nodes: PCollection[Block]
    rejections: PCollection[Rejection]


class _DecodeLines(beam.DoFn):
    def __init__(self, buckets: int) -> None:
        self.buckets = buckets

    def setup(self) -> None:
        self.decoder = Decoder()

    def start_bundle(self) -> None:
        self.outbox = Outbox(self.buckets)

    def process(self, element: tuple[str, bytes]) -> Iterator[Any]:
        source, line = element
        found = self.decoder.line(line, source)
        if isinstance(found, Rejection):
            yield TaggedOutput(REJECTIONS, found)
            return
        for event in found:
            self.outbox.add(event)

    def finish_bundle(self) -> Iterator[Any]:
        window = beam.transforms.window.GlobalWindow()
        at = window.max_timestamp()
        for block in self.outbox.blocks():
            yield beam.utils.windowed_value.WindowedValue(block, at, [window])
        for block in self.outbox.node_blocks():
            yield TaggedOutput(NODES, beam.utils.windowed_value.WindowedValue(block, at, [window]))


@dataclass
class DecodeLines(beam.PTransform):
    """Decode export lines that other Beam sources have read.

    In: PCollection of `(source, line bytes)`, bounded. Out: `Decoded`. The batch job does not use it, since it
    reads whole files itself to check their trailers; it serves pipelines with a source of their own.
    """

    buckets: int = 16

    def __post_init__(self) -> None:
        """Let Beam label the step."""
        super().__init__()

    def expand(self, lines: PCollection[tuple[str, bytes]]) -> Decoded:
        """Compose the step."""
        out = lines | "DecodeBundles" >> beam.ParDo(_DecodeLines(self.buckets)).with_outputs(
            NODES, REJECTIONS, main=FLOWS
        )
        return Decoded(out[FLOWS], out[NODES], out[REJECTIONS])


class LinkSources(Protocol):
    """The links of earlier runs by bucket of nodes; travels to the workers."""

    def of_bucket(self, bucket: int) -> LinkSource:
        """Give the links of one bucket."""


class _Hop(beam.DoFn):
    def __init__(self, buckets: int, turn: int, known: LinkSources | None) -> None:
        self.buckets, self.turn, self.known = buckets, turn, known

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[Any]:
        bucket, blocks = element[0], Counted(element[1])
        done = resolve_bucket(
            blocks,
            self.buckets,
            first=self.turn == 0,
            last=self.turn == ROUNDS - 1,
            known=self.known.of_bucket(bucket) if self.known is not None and self.turn == 0 else None,
        )
        yield from done.settled
        for block in done.onward:
            yield TaggedOutput(NODES, block)
        if done.links:
            yield TaggedOutput(LINKS, (bucket, link_table(done.links)))
        if done.conflicts:
            yield TaggedOutput(CONFLICTS, len(done.conflicts))
        sent = {BLOCKS: len(done.settled), messages(self.turn + 1): len(done.onward), PIECES: bool(done.links)}
        yield TaggedOutput(MOVES, told(sent=sent, received={messages(self.turn): blocks.count}))


class Resolved(NamedTuple):
    """What the search gives.

    Attributes:
        blocks: `(bucket, block)` with every event of every flow, resolved or under a gathering key.
        links: by round, `(bucket of nodes, table of links)`: what a later run should know.
        conflicts: numbers of entities that an earlier run gave to another flow than everything known now would.
        moves: what each round has received and sent (`transforms.moves`).
    """

    blocks: PCollection[Block]
    links: list[PCollection[tuple[int, pa.Table]]]
    conflicts: PCollection[int]
    moves: PCollection[dict[str, Any]]


@dataclass
class ResolveFlows(beam.PTransform):
    """Find the flow of the events that do not name it (`transforms.resolve`).

    In: a tuple of two PCollections of `(bucket, block)`: blocks of events, and node messages. Out: `Resolved`.
    """

    buckets: int = 16
    known: LinkSources | None = None

    def __post_init__(self) -> None:
        """Let Beam label the step."""
        super().__init__()

    def expand(self, pcolls: tuple[PCollection[Block], PCollection[Block]]) -> Resolved:
        """Compose the rounds."""
        flows, asked = pcolls
        parts, links, conflicts, moves = [flows], [], [], []
        for turn in range(ROUNDS):
            out = (
                asked
                | f"GatherNodes{turn + 1}" >> beam.GroupByKey()
                | f"AskRound{turn + 1}"
                >> beam.ParDo(_Hop(self.buckets, turn, self.known)).with_outputs(
                    NODES, LINKS, CONFLICTS, MOVES, main=FLOWS
                )
            )
            parts.append(out[FLOWS])
            links.append(out[LINKS])
            conflicts.append(out[CONFLICTS])
            moves.append(out[MOVES])
            asked = out[NODES]
        return Resolved(
            parts | "MergeBlocks" >> beam.Flatten(),
            links,
            conflicts | "MergeConflicts" >> beam.Flatten(),
            moves | "MergeMoves" >> beam.Flatten(),
        )


class _Project(beam.DoFn):
    def __init__(self, deadlines: dict[str, int], calendar: Calendar) -> None:
        self.deadlines, self.calendar = deadlines, calendar

    def process(self, element: tuple[int, Iterable[bytes]], as_of: int) -> Iterator[Any]:
        bucket, blocks = element
        settings = Settings(as_of, self.deadlines, settle_after=NEVER, sites=sites_of(self.calendar))
        update = update_bucket(open_blocks(blocks), None, settings)
        for relation, table in update.open.items():
            yield relation, bucket, table
        if update.outside is not None:
            yield "flow_event", bucket, update.outside
        yield TaggedOutput(BALANCES, update.balance)


class Facts(NamedTuple):
    """What a projecting stage gives: `(relation, bucket, Arrow table)`, and one `Balance` a bucket."""

    tables: PCollection[tuple[str, int, pa.Table]]
    balances: PCollection[Balance]


class ProjectFacts(beam.PTransform):
    """Reduce every flow to its distinct events and project its facts.

    In: PCollection of `(bucket, block)`. Out: `Facts`.
    """

    def __init__(self, as_of: Any, deadlines: dict[str, int], calendar: Calendar = ALWAYS_OPEN) -> None:
        """Take what facts depend on besides the events.

        Args:
            as_of: the instant as a number of microseconds or as a singleton side input.
            deadlines: microseconds by flow.
            calendar: when the facilities are open.
        """
        super().__init__()
        self.as_of, self.deadlines, self.calendar = as_of, deadlines, calendar

    def expand(self, blocks: PCollection[Block]) -> Facts:
        """Compose the step."""
        out = (
            blocks
            | "GatherFlows" >> beam.GroupByKey()
            | "ProjectBuckets"
            >> beam.ParDo(_Project(self.deadlines, self.calendar), self.as_of).with_outputs(BALANCES, main=TABLES)
        )
        return Facts(out[TABLES], out[BALANCES])
