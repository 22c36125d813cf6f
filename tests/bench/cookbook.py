"""The cookbook pipeline: what a good data engineer writes first, one Beam element per event.

Lines are read by `ReadAllFromText`, each becomes an event, events that name no flow (picked lines, containers, some
jobs) find it by a CoGroupByKey with the creation of the entity they refer to, events are grouped by flow, facts go out
by `WriteToParquet`. Nothing is made slow on purpose, and where a usual cookbook is slower than need be this one is
helped, so that only the way of the events differs from flowfacts:

* a line goes through the typed decoder of flowfacts, which is faster than `orjson.loads` alone;
* events have a coder (msgpack by msgspec), not Beam's fallback to pickle;
* the facts are computed by the projection of flowfacts, and the instant they are told of is given;
* it does without dead letters, books, a check for cut files, `flow_event`, the DuckDB file, and references of more than
  one step: events whose flow is not found that way are dropped.

    python -m tests.bench.cookbook --input DIR --output DIR --as-of TIME
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.coders import BytesCoder, Coder, registry
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.options.pipeline_options import PipelineOptions

from schemas.derive import arrow_schema
from schemas.tables import BY_NAME
from schemas.vocabulary import DEADLINE_DAYS
from tests.bench.peers import arguments
from transforms.clock import parse_time
from transforms.decode import Decoder
from transforms.event import Event, encoder, event_decoder, references
from transforms.identity import distinct
from transforms.project import project_flow
from transforms.rows import Rows, Settings

RELATIONS = ("order_flow", "order_leg", "order_parcel", "inbound_flow", "inbound_receipt", "stow_flow", "flow_interval")
CLAIMS, ASKS = "claims", "asks"
CREATIONS = frozenset(
    {
        "ORDER_CREATED", "ROUTING_PLAN_ROUTED", "PICK_JOB_CREATED", "PACK_JOB_CREATED", "SHIPMENT_CREATED",
        "PARCEL_CARRIER_CREATED",
    }
)  # fmt: skip

FlowKey = tuple[str, str]


class EventCoder(Coder):
    def encode(self, value: Event) -> bytes:
        return encoder.encode(value)

    def decode(self, encoded: bytes) -> Event:
        return event_decoder.decode(encoded)

    def is_deterministic(self) -> bool:
        return True


class Parse(beam.DoFn):
    """A line to `(flow key, event)`; creations claim their entity for a flow, events without flow ask for an entity."""

    def setup(self) -> None:
        self.decoder = Decoder()

    def process(self, line: bytes) -> Iterator[Any]:
        found = self.decoder.line(line, "")
        for event in found if isinstance(found, list) else ():
            if event.flow_id is not None:
                yield (event.flow, event.flow_id), event
                if event.name in CREATIONS:
                    yield beam.pvalue.TaggedOutput(CLAIMS, (event.entity_id, event.flow_id))
            elif event.flow == "order":
                for _, entity_id in references(event)[:1]:
                    yield beam.pvalue.TaggedOutput(ASKS, (entity_id, event))


def join(element: tuple[str, dict[str, Iterable[Any]]]) -> Iterator[tuple[FlowKey, Event]]:
    _, groups = element
    flow_id = next(iter(groups[CLAIMS]), None)
    if flow_id is not None:
        for event in groups[ASKS]:
            event.flow_id = flow_id
            yield ("order", flow_id), event


class Project(beam.DoFn):
    """The events of a flow to the rows of its facts."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def process(self, element: tuple[FlowKey, Iterable[Event]]) -> Iterator[Any]:
        (_, key), events = element
        rows = Rows()
        project_flow(key, distinct(events).events, self.settings, rows)
        for relation in RELATIONS:
            for row in getattr(rows, relation):
                yield beam.pvalue.TaggedOutput(relation, row)


def interval(row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(BY_NAME["flow_interval"].index(), row, strict=True))


def main() -> None:
    given = arguments(__doc__, as_of=True)
    as_of = parse_time(given.as_of)
    assert as_of is not None
    settings = Settings(as_of, {k: v * 86_400_000_000 for k, v in DEADLINE_DAYS.items()})
    options = PipelineOptions(["--direct_running_mode=multi_processing", f"--direct_num_workers={given.workers}"])
    registry.register_coder(Event, EventCoder)
    with beam.Pipeline(runner="FnApiRunner", options=options) as p:
        parsed = (
            p
            | beam.Create([f"{given.input}/*/*.gz"])
            | beam.io.ReadAllFromText(compression_type=CompressionTypes.GZIP, coder=BytesCoder())
            | beam.ParDo(Parse()).with_outputs(CLAIMS, ASKS, main="events")
        )
        parsed.events.element_type = tuple[FlowKey, Event]
        parsed[CLAIMS].element_type = tuple[str, str]
        parsed[ASKS].element_type = tuple[str, Event]
        found = (
            {CLAIMS: parsed[CLAIMS], ASKS: parsed[ASKS]}
            | beam.CoGroupByKey()
            | beam.FlatMap(join).with_output_types(tuple[FlowKey, Event])
        )
        facts = (
            (parsed.events, found)
            | beam.Flatten()
            | beam.GroupByKey()
            | beam.ParDo(Project(settings)).with_outputs(*RELATIONS)
        )
        for relation in RELATIONS:
            rows = facts[relation]
            if relation == "flow_interval":
                rows = rows | beam.Map(interval)
            rows | f"Write {relation}" >> beam.io.WriteToParquet(
                f"{given.output}/{relation}/part", arrow_schema(BY_NAME[relation]), file_name_suffix=".parquet"
            )


if __name__ == "__main__":
    from tests.bench import cookbook  # by its name, so that the workers import it instead of unpickling all of it

    cookbook.main()
