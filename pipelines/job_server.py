"""What a Beam job server (Flink's, Prism) says of itself before it gets a job."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

ANSWER_SECONDS = 30.0


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
