"""Beam transforms over the core: decode, resolve, project. The only module of `transforms` that imports Beam.

Elements are files, blocks and flows' buckets, never single events: on one machine Beam costs about 100
microseconds an element, a hundred times what decoding an event costs. Every transform is labelled and can be used
in a pipeline of one's own:

    blocks = lines | DecodeLines(buckets=16)
    flows = (blocks.flows, blocks.nodes) | ResolveFlows(buckets=16)
    tables = flows | ProjectFacts(settings, deadlines)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import PCollection, TaggedOutput

from schemas.tables import BY_NAME
from transforms.blocks import Block, Outbox, open_blocks, resolve_bucket
from transforms.columns import sort_rows, to_table
from transforms.decode import Decoder
from transforms.event import Event, Rejection
from transforms.project import Balance, project_flow, project_outside
from transforms.resolve import ROUNDS
from transforms.rows import Rows, Settings

FLOWS, NODES, REJECTIONS = "flows", "nodes", "rejections"
TABLES, BALANCES = "tables", "balances"

RELATIONS = ("order_flow", "order_leg", "order_parcel", "inbound_flow", "inbound_receipt", "stow_flow", "flow_interval")


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


class _Hop(beam.DoFn):
    def __init__(self, buckets: int, last: bool) -> None:
        self.buckets, self.last = buckets, last

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[Any]:
        settled, onward = resolve_bucket(element[1], self.buckets, last=self.last)
        yield from settled
        for block in onward:
            yield TaggedOutput(NODES, block)


@dataclass
class ResolveFlows(beam.PTransform):
    """Find the flow of the events that do not name it (`transforms.resolve`).

    In: a tuple of two PCollections of `(bucket, block)`: blocks of events, and node messages. Out: PCollection of
    `(bucket, block)` with every event of every flow, resolved or under a gathering key.
    """

    buckets: int = 16

    def __post_init__(self) -> None:
        """Let Beam label the step."""
        super().__init__()

    def expand(self, pcolls: tuple[PCollection[Block], PCollection[Block]]) -> PCollection[Block]:
        """Compose the rounds."""
        flows, messages = pcolls
        parts = [flows]
        for turn in range(ROUNDS):
            out = (
                messages
                | f"GatherNodes{turn + 1}" >> beam.GroupByKey()
                | f"AskRound{turn + 1}"
                >> beam.ParDo(_Hop(self.buckets, turn == ROUNDS - 1)).with_outputs(NODES, main=FLOWS)
            )
            parts.append(out[FLOWS])
            messages = out[NODES]
        return parts | "MergeBlocks" >> beam.Flatten()


class _Project(beam.DoFn):
    def __init__(self, deadlines: dict[str, int]) -> None:
        self.deadlines = deadlines

    def process(self, element: tuple[int, Iterable[bytes]], as_of: int) -> Iterator[Any]:
        bucket, blocks = element
        tables, balance = project_bucket(blocks, Settings(as_of, self.deadlines))
        for relation, table in tables:
            yield relation, bucket, table
        yield TaggedOutput(BALANCES, balance)


def project_bucket(blocks: Iterable[bytes], settings: Settings) -> tuple[list[tuple[str, pa.Table]], Balance]:
    """Project all flows of one bucket into Arrow tables in canonical order."""
    flows, outside = open_blocks(blocks)
    rows, events, balance = Rows(), list[Event](), Balance()
    for kind, key in sorted(flows):
        balance.add(project_flow(key, flows.pop((kind, key)), settings, rows, events))
    for key in sorted(outside):
        balance.add(project_outside(outside.pop(key), events))
    tables: list[tuple[str, pa.Table]] = []
    for relation in RELATIONS:
        found = getattr(rows, relation)
        if relation != "flow_interval":
            found = sort_rows(BY_NAME[relation], found)
        if found:
            tables.append((relation, to_table(relation, found)))
    if events:
        tables.append(("flow_event", to_table("flow_event", events)))
    return tables, balance


class Facts(NamedTuple):
    """What a projecting stage gives: `(relation, bucket, Arrow table)`, and one `Balance` a bucket."""

    tables: PCollection[tuple[str, int, pa.Table]]
    balances: PCollection[Balance]


class ProjectFacts(beam.PTransform):
    """Reduce every flow to its distinct events and project its facts.

    In: PCollection of `(bucket, block)`. Out: `Facts`.
    """

    def __init__(self, as_of: Any, deadlines: dict[str, int]) -> None:
        """Take the instant as a number of microseconds or as a singleton side input, and the deadlines by flow."""
        super().__init__()
        self.as_of, self.deadlines = as_of, deadlines

    def expand(self, blocks: PCollection[Block]) -> Facts:
        """Compose the step."""
        out = (
            blocks
            | "GatherFlows" >> beam.GroupByKey()
            | "ProjectBuckets" >> beam.ParDo(_Project(self.deadlines), self.as_of).with_outputs(BALANCES, main=TABLES)
        )
        return Facts(out[TABLES], out[BALANCES])
