"""Options that only the engine behind a job server has: the server is asked, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from pipelines.job_server import endpoint_of
from pipelines.options import OptionError, check_beam_options
from tests.emulators.pubsub import free_port


class Engine(beam_job_api_pb2_grpc.JobServiceServicer):
    def DescribePipelineOptions(self, request, context):  # noqa: N802 - the protocol's name
        option = beam_job_api_pb2.PipelineOptionDescriptor(name="checkpointing_interval")
        return beam_job_api_pb2.DescribePipelineOptionsResponse(options=[option])


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(1))
    beam_job_api_pb2_grpc.add_JobServiceServicer_to_server(Engine(), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    yield f"localhost:{port}"
    server.stop(None).wait()


def test_an_option_of_the_engine_is_known_where_its_job_server_says_so(endpoint: str):
    check_beam_options(["--job_endpoint", endpoint, "--checkpointing_interval", "1000"])
    check_beam_options([f"--job_endpoint={endpoint}", "--checkpointing_interval=1000"])


def test_a_misspelt_option_of_the_engine_is_told_with_the_right_one(endpoint: str):
    with pytest.raises(OptionError, match=r"--checkpoint_interval, .*did you mean --checkpointing_interval\?"):
        check_beam_options(["--job_endpoint", endpoint, "--checkpoint_interval", "1000"])


def test_without_a_job_server_the_option_is_unknown():
    with pytest.raises(OptionError, match="unknown option --checkpointing_interval"):
        check_beam_options(["--checkpointing_interval", "1000"])


def test_a_job_server_that_does_not_answer_is_named():
    endpoint = f"localhost:{free_port()}"
    with pytest.raises(OptionError, match=rf"--checkpointing_interval, .*--job_endpoint {endpoint}: UNAVAILABLE"):
        check_beam_options(["--job_endpoint", endpoint, "--checkpointing_interval", "1000"])


@pytest.mark.parametrize("options", [[], ["--job_endpoint"], ["--job_endpoint="], ["--parallelism", "2"]])
def test_no_job_server_is_named(options: list[str]):
    assert endpoint_of(options) is None
