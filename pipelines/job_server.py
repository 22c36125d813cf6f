"""What a Beam job server (Flink's, Prism) says of itself before it gets a job."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

ANSWER_SECONDS = 30.0

STREAM_OPTIONS = ("--finish_bundle_before_checkpointing", "--checkpointing_interval=10000")
"""What a stream asks of Flink where nobody has chosen otherwise.

Flink keeps what a step gives while a checkpoint is taken until the step's next bundle begins: for good, where the step
gets one element in its life, as the one that starts the readers does. So its bundles are to end before. And without
checkpoints nothing is ever acknowledged.
"""


def endpoint_of(options: Sequence[str]) -> str | None:
    """Find the address of the job server among Beam's options; None without one."""
    for option, value in pairwise([*options, ""]):
        name, separator, joined = option.partition("=")
        if name == "--job_endpoint":
            return (joined if separator else value) or None
    return None


def options_of(endpoint: str) -> set[str]:
    """Ask a job server for the options of its engine, such as Flink's `--checkpointing_interval`.

    Raises:
        ConnectionError: it does not answer.
    """
    import grpc  # type: ignore[import-untyped]
    from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

    with grpc.insecure_channel(endpoint) as channel:
        service = beam_job_api_pb2_grpc.JobServiceStub(channel)
        try:
            answer = service.DescribePipelineOptions(
                beam_job_api_pb2.DescribePipelineOptionsRequest(), timeout=ANSWER_SECONDS
            )
        except grpc.RpcError as err:
            raise ConnectionError(f"{endpoint}: {err.code().name}") from err
    return {f"--{option.name}" for option in answer.options}


def with_stream_options(options: Sequence[str]) -> list[str]:
    """Add to Beam's options what a stream needs of the engine behind their job server, if there is one.

    Raises:
        ConnectionError: it does not answer.
    """
    endpoint = endpoint_of(options)
    if endpoint is None:
        return list(options)
    known, chosen = options_of(endpoint), {_name(o) for o in options}
    return [*options, *(o for o in STREAM_OPTIONS if _name(o) in known - chosen)]


def _name(option: str) -> str:
    return option.partition("=")[0]
