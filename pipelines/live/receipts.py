"""Receipts: which messages are durable, told by the sink to a source that runs in another process.

    OUTPUT/live/receipts/00-of-01-000000017.json     ids of the messages whose events publication 17 of a shard shows

The workers of an engine meet only through Beam and the output folder, so a source that must not acknowledge a message
before its event is in the log learns it from there. A receipt is written before the manifest of its publication: it
counts once the manifest has that number, and a publication that is tried again writes it anew. Nothing is found by
listing; receipts are deleted when they are `KEPT` publications old, which is longer than any lease.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from apache_beam.io.filesystems import FileSystems

from pipelines.datasets import delete_files, read_bytes, write_bytes
from pipelines.live.store import FOLDER, read_shard

KEPT = 500


def receipt_path(output: str, shard: int, shards: int, generation: int) -> str:
    """Give the path of a receipt."""
    return f"{output.rstrip('/')}/{FOLDER}/receipts/{shard:02d}-of-{shards:02d}-{generation:09d}.json"


def write_receipt(output: str, shard: int, shards: int, generation: int, message_ids: Collection[str]) -> None:
    """Write the receipt of a publication, and delete one that is too old to be read."""
    write_bytes(receipt_path(output, shard, shards, generation), json.dumps(sorted(message_ids)).encode())
    if generation > KEPT:
        delete_files([receipt_path(output, shard, shards, generation - KEPT)])


class Receipts:
    """Reads the receipts of an output in their order, each once."""

    def __init__(self, output: str, shards: int) -> None:
        """Read from what the next publication will show."""
        self._output, self._shards = output, shards
        self._seen = [read_shard(output, shard, shards).generation for shard in range(shards)]

    def new(self) -> Iterator[str]:
        """Give the ids of the messages that have become durable since the last call."""
        for shard in range(self._shards):
            now = read_shard(self._output, shard, self._shards).generation
            while self._seen[shard] < now:
                path = receipt_path(self._output, shard, self._shards, self._seen[shard] + 1)
                if FileSystems.exists(path):  # another job, without receipts, may have published in between
                    yield from json.loads(read_bytes(path))
                self._seen[shard] += 1
