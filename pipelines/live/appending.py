"""Rows into a table by BigQuery's Storage Write API: Arrow over gRPC, to the default stream of the table.

Beam's own way to it is a Java transform, which only some runners can run, and which does not say when rows are in. This
one runs wherever Python does, so that every runner offers it, and tells which rows were refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from google.api_core import exceptions
from google.cloud import bigquery_storage
from google.cloud.bigquery_storage_v1 import types

from pipelines.bigquery.client import Target

_BYTES = 4 << 20
"""About most bytes of a request; BigQuery takes 10 MB."""


class Appends:
    """Puts rows by the Storage Write API.

    Args:
        target: the dataset.
        emulator: gRPC address of an emulator; None for Google's.
    """

    def __init__(self, target: Target, emulator: str | None = None) -> None:
        self._target = target
        self._client = _emulated(emulator) if emulator else bigquery_storage.BigQueryWriteClient()

    def put(self, table: str, rows: pa.Table) -> dict[int, str]:
        """Put rows; see `pipelines.live.bigquery.Way`."""
        refused: dict[int, str] = {}
        rows = rows.combine_chunks()
        size = max(1, _BYTES * rows.num_rows // max(1, rows.nbytes))
        for start in range(0, rows.num_rows, size):
            some = rows.slice(start, size)
            refused |= self._append(table, some, list(range(start, start + some.num_rows)))
        return refused

    def _append(self, table: str, rows: pa.Table, places: list[int]) -> dict[int, str]:
        target = self._target
        name = f"projects/{target.project}/datasets/{target.dataset}/tables/{table}/streams/_default"

        def append() -> Any:
            try:
                answer = next(iter(self._client.append_rows(_once(name, rows), timeout=target.seconds)))
            except exceptions.Aborted as err:  # a conflict by its number, but one that passes
                raise exceptions.ServiceUnavailable(str(err)) from err
            if answer.error.code and not answer.row_errors:
                raise exceptions.from_grpc_status(answer.error.code, answer.error.message)
            return answer

        answer = target.call(f"append to {target.table(table)}", append)
        if not answer.row_errors:
            return {}
        # BigQuery takes none of a request with a bad row: the good ones go again alone.
        bad = {e.index: e.code.name.lower() for e in answer.row_errors}
        refused = {places[i]: why for i, why in bad.items()}
        good = [i for i in range(rows.num_rows) if i not in bad]
        if good:
            refused |= self._append(table, rows.take(good), [places[i] for i in good])
        return refused


def _once(name: str, rows: pa.Table) -> Iterator[types.AppendRowsRequest]:
    (batch,) = rows.combine_chunks().to_batches()
    data = types.AppendRowsRequest.ArrowData(
        writer_schema=types.ArrowSchema(serialized_schema=rows.schema.serialize().to_pybytes()),
        rows=types.ArrowRecordBatch(serialized_record_batch=batch.serialize().to_pybytes()),
    )
    yield types.AppendRowsRequest(write_stream=name, arrow_rows=data)


def _emulated(host: str) -> Any:
    import grpc  # type: ignore[import-untyped]
    from google.cloud.bigquery_storage_v1.services.big_query_write.transports import BigQueryWriteGrpcTransport

    channel = grpc.insecure_channel(host.removeprefix("http://"))
    return bigquery_storage.BigQueryWriteClient(transport=BigQueryWriteGrpcTransport(channel=channel))
