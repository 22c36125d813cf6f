"""The cookbook pipeline: what a good data engineer writes first, one Beam element per event.

Files are read line by line, each line is parsed by orjson and becomes an event, picked lines find their process by a
CoGroupByKey over the pick job, events are grouped by flow, and the facts are computed by the same projection as ours,
so that only the way of the events differs. It leaves out the books, the trailers and longer chains of references.
"""

from __future__ import annotations

import apache_beam as beam
import orjson
import pyarrow as pa
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.options.pipeline_options import PipelineOptions

from schemas.vocabulary import DEADLINE_DAYS
from tests.bench.peers import arguments
from transforms.columns import to_table
from transforms.decode import Decoder
from transforms.event import Event
from transforms.project import project_flow
from transforms.rows import Rows, Settings

SETTINGS = Settings(4_000_000_000_000_000, {k: v * 86_400_000_000 for k, v in DEADLINE_DAYS.items()})
RELATIONS = ("order_flow", "order_leg", "order_parcel", "inbound_flow", "inbound_receipt", "stow_flow", "flow_interval")


class Parse(beam.DoFn):
    def setup(self):
        self.decoder = Decoder()

    def process(self, line):
        if not orjson.loads(line):
            return
        found = self.decoder.line(line.encode(), "")
        for event in found if isinstance(found, list) else ():
            if event.flow_id is not None:
                yield (event.flow, event.flow_id), event
                if event.entity == "PICK_JOB":
                    yield beam.pvalue.TaggedOutput("jobs", (event.entity_id, event.flow_id))
            elif event.entity == "PICK_LINE" and event.facts.pick_job_ref:
                yield beam.pvalue.TaggedOutput("lines", (event.facts.pick_job_ref, event))


def join(element):
    _, groups = element
    for flow_id in list(groups["jobs"])[:1]:
        for event in groups["lines"]:
            event.flow_id = flow_id
            yield ("order", flow_id), event


class Project(beam.DoFn):
    def process(self, element):
        (_, key), events = element
        rows, kept = Rows(), list[Event]()
        project_flow(key, events, SETTINGS, rows, kept)
        for relation in RELATIONS:
            found = getattr(rows, relation)
            if found:
                for row in to_table(relation, found).to_pylist():
                    yield beam.pvalue.TaggedOutput(relation, row)


def main() -> None:
    given = arguments(__doc__)
    pattern, output, workers = f"{given.input}/*/*.gz", str(given.output), given.workers
    options = PipelineOptions(
        ["--no_pipeline_type_check", "--direct_running_mode=multi_processing", f"--direct_num_workers={workers}"]
    )
    with beam.Pipeline(runner="FnApiRunner", options=options) as p:
        parsed = (
            p
            | beam.Create([pattern])
            | beam.io.ReadAllFromText(compression_type=CompressionTypes.GZIP)
            | beam.ParDo(Parse()).with_outputs("jobs", "lines", main="events")
        )
        lines = (
            {"jobs": parsed.jobs | beam.Distinct(), "lines": parsed.lines} | beam.CoGroupByKey() | beam.FlatMap(join)
        )
        facts = (
            (parsed.events, lines) | beam.Flatten() | beam.GroupByKey() | beam.ParDo(Project()).with_outputs(*RELATIONS)
        )
        from transforms.columns import _SCHEMAS

        for relation in RELATIONS:
            schema: pa.Schema = _SCHEMAS[relation]
            facts[relation] | f"Write{relation}" >> beam.io.WriteToParquet(f"{output}/{relation}", schema)


if __name__ == "__main__":
    main()
