"""A process of Beam's Python workers, started by a Flink task manager (environment type PROCESS).

A pool of Beam's serves one task manager: it knows its workers by ids, which are the same in every task manager. Of two
that share a pool, the first that is done stops the other's worker, too.
"""

from __future__ import annotations

import argparse

import grpc
from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc
from apache_beam.runners.worker.sdk_worker import SdkHarness
from apache_beam.runners.worker.worker_id_interceptor import WorkerIdInterceptor

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--id", required=True)
    parser.add_argument("--provision_endpoint", required=True)
    words, _ = parser.parse_known_args()
    with grpc.insecure_channel(words.provision_endpoint) as channel:
        known = grpc.intercept_channel(channel, WorkerIdInterceptor(words.id))
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(known)
        found = service.GetProvisionInfo(beam_provision_api_pb2.GetProvisionInfoRequest(), timeout=60)
    SdkHarness(found.info.control_endpoint.url, worker_id=words.id, data_buffer_time_limit_ms=-1).run()
