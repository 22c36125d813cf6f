"""Options that only the engine behind a job server has: the server is asked, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from pipelines.cli import main
from pipelines.job_server import endpoint_of, with_stream_options
from pipelines.options import OptionError, check_beam_options
from tests.emulators.pubsub import free_port

FLINK = ("parallelism", "checkpointing_interval", "finish_bundle_before_checkpointing")


class Engine(beam_job_api_pb2_grpc.JobServiceServicer):
    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def DescribePipelineOptions(self, request, context):  # noqa: N802 - the protocol's name
        options = [beam_job_api_pb2.PipelineOptionDescriptor(name=name) for name in self.names]
        return beam_job_api_pb2.DescribePipelineOptionsResponse(options=options)


@contextmanager
def serving(*names: str) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(1))
    beam_job_api_pb2_grpc.add_JobServiceServicer_to_server(Engine(names), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    yield f"localhost:{port}"
    server.stop(None).wait()


@pytest.fixture
def endpoint() -> Iterator[str]:
    with serving(*FLINK) as found:
        yield found


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


@pytest.mark.parametrize(
    ("chosen", "added"),
    [
        ([], ["--finish_bundle_before_checkpointing", "--checkpointing_interval=10000"]),
        (["--checkpointing_interval", "500"], ["--finish_bundle_before_checkpointing"]),
        (["--checkpointing_interval=500"], ["--finish_bundle_before_checkpointing"]),
        (["--finish_bundle_before_checkpointing=false", "--checkpointing_interval=500"], []),
    ],
)
def test_a_stream_tells_flink_what_it_needs_unless_somebody_has_chosen(
    endpoint: str, chosen: list[str], added: list[str]
):
    given = ["--job_endpoint", endpoint, *chosen]
    assert with_stream_options(given) == [*given, *added]


def test_a_stream_tells_an_engine_nothing_that_it_does_not_know():
    with serving("parallelism") as endpoint:
        given = [f"--job_endpoint={endpoint}"]
        assert with_stream_options(given) == given
    assert with_stream_options(["--parallelism", "2"]) == ["--parallelism", "2"]


def test_a_stream_names_a_job_server_that_does_not_answer(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    endpoint = f"localhost:{free_port()}"
    words = ["--subscription", "projects/p/subscriptions/s", "--output", str(tmp_path), "--runner", "PortableRunner"]
    assert main(["stream", *words, "--job_endpoint", endpoint]) == 2
    assert f"no job server answers at --job_endpoint {endpoint}: UNAVAILABLE" in capsys.readouterr().err
