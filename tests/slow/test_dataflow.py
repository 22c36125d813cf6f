"""The same commands for Dataflow, as far as goes without an account: the job is built, checked by Beam and staged.

The stream is made a template, which is all that Dataflow would be sent, in a storage emulator. The batch graph is built
by the Dataflow runner in a dry run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2 as api

from pipelines.exports import InputFile
from pipelines.live.source import read_messages
from pipelines.options import OptionError
from pipelines.read_stage import ReadSettings
from pipelines.timing_facts import Job, build
from pipelines.write_stage import Keeping
from tests.emulators.storage import storage_emulator

CLOUD = ("--runner", "DataflowRunner", "--project", "test-project", "--region", "europe-west1", "--no_auth",
         "--temp_location", "gs://bucket/temp", "--staging_location", "gs://bucket/staging")  # fmt: skip
SUBSCRIPTION = "projects/test-project/subscriptions/events"


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> tuple[dict, api.Pipeline]:
    """Make a template of the stream; gives the job's description and its graph."""
    folder = tmp_path_factory.mktemp("storage")
    with storage_emulator(folder) as storage:
        storage.make_bucket("bucket")
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", "stream", "--subscription", SUBSCRIPTION, "--output",
             "gs://bucket/facts", *CLOUD, "--template_location", "gs://bucket/templates/stream", "--json"],
            env={**os.environ, "STORAGE_EMULATOR_HOST": storage.url, "NO_GCE_CHECK": "true"},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"job": "gs://bucket/templates/stream"}
        objects = storage.objects("bucket")
    job = json.loads(objects["templates/stream"])
    (graph,) = [data for name, data in objects.items() if name.endswith("/pipeline.pb")]
    return job, api.Pipeline.FromString(graph)


def test_the_stream_is_a_streaming_job_of_the_asked_project(template):
    job, _ = template
    assert job["type"] == "JOB_TYPE_STREAMING"
    options = job["environment"]["sdkPipelineOptions"]["options"]
    assert (options["project"], options["region"], options["streaming"]) == ("test-project", "europe-west1", True)


def test_dataflow_reads_the_subscription_by_itself(template):
    _, graph = template
    reads = [t.spec for t in graph.components.transforms.values() if t.spec.urn == "beam:transform:pubsub_read:v1"]
    (read,) = [api.PubSubReadPayload.FromString(spec.payload) for spec in reads]
    assert (read.subscription, read.with_attributes) == (SUBSCRIPTION, True)


def test_nothing_in_the_graph_needs_what_only_the_local_runner_has(template):
    _, graph = template
    names = {t.unique_name for t in graph.components.transforms.values()}
    assert {"Resolve/RelayHop4", "Live/KeepFlows", "Publish/PublishParts", "ReadLog"} <= names
    assert all(e.urn == "beam:env:docker:v1" for e in graph.components.environments.values())
    assert "beam:requirement:pardo:stateful:v1" in graph.requirements
    assert not any(name.startswith("/") for name in names)


def test_keys_of_state_have_coders_that_give_the_same_bytes_everywhere(template):
    """A pickled key could differ between two workers, and then a flow would be in two places."""
    _, graph = template
    parts = graph.components
    keyed = 0
    for transform in parts.transforms.values():
        if transform.spec.urn != "beam:transform:pardo:v1":
            continue
        pardo = api.ParDoPayload.FromString(transform.spec.payload)
        if not pardo.state_specs:
            continue
        (source,) = transform.inputs.values()
        coder = parts.coders[parts.pcollections[source].coder_id]
        assert coder.spec.urn == "beam:coder:kv:v1"
        key = parts.coders[coder.component_coder_ids[0]]
        assert key.spec.urn in ("beam:coder:string_utf8:v1", "beam:coder:varint:v1"), transform.unique_name
        keyed += 1
    assert keyed == 8  # five relays, homes, flows, the sink


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_batch_graph_passes_the_checks_of_the_dataflow_runner(tmp_path: Path):
    options = PipelineOptions([*CLOUD[2:], "--dry_run=True", "--job_name", "facts"])
    pipeline = beam.Pipeline(runner="DataflowRunner", options=options)
    file = InputFile("gs://bucket/export/2026-06-01/a.ndjson.gz", "2026-06-01/a.ndjson.gz", "2026-06-01", 1, 0.0)
    read = ReadSettings("gs://bucket/facts", "run", 4, 1 << 20, False)
    keeping = Keeping({"order": 1, "inbound": 1, "stow": 1}, 1, 1, 0)
    build(pipeline, Job([file], read, keeping), "gs://bucket/facts/.outcome-run.json")
    graph = pipeline.run().job.proto_pipeline
    names = {t.unique_name for t in graph.components.transforms.values()}
    assert {"ReadExport", "ResolveFlows", "UpdateBuckets", "WriteParts", "KeepOutcome"} <= names
    assert all(p.is_bounded == api.IsBounded.BOUNDED for p in graph.components.pcollections.values())


@pytest.mark.parametrize("runner", ["BundleBasedDirectRunner", "DataflowRunner", "apache_beam.runners.DataflowRunner"])
def test_the_runner_decides_which_source_is_read(runner, tmp_path):
    def label(name: str) -> str:
        return type(read_messages(name, SUBSCRIPTION, None, str(tmp_path), 1)).__name__

    assert label(runner) == "ReadFromPubSub"
    assert {label(n) for n in ("FlinkRunner", "PrismRunner", "PortableRunner", "SparkRunner")} == {"PullMessages"}
    with pytest.raises(OptionError, match="makes no subscription by itself; expected --subscription"):
        read_messages("FlinkRunner", None, "projects/p/topics/t", str(tmp_path), 1)
