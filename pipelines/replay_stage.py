"""The reading stage of a replay: dead letters decoded again from their raw bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import TaggedOutput

from pipelines.books import book_rows
from pipelines.datasets import Part, read_bytes, write_part
from pipelines.read_stage import NOTES, ReadSettings, counts_of, sending
from pipelines.state import BOOKS
from schemas.vocabulary import Reason
from transforms.blocks import Outbox
from transforms.columns import to_table
from transforms.decode import Decoder
from transforms.event import Rejection
from transforms.moves import LETTER_PARTS, told

_ONLY_A_HEAD = frozenset({str(Reason.LINE_TOO_LONG), str(Reason.TRUNCATED_FILE)})
"""Reasons of letters whose raw bytes are a part of the line: their file must be read again, not they."""


class ReadDeadLetters(beam.DoFn):
    """Decodes the dead letters of one part again, each under the source it came from.

    A letter that decodes now becomes a delivery like that of its line, and leaves the dead letters; one that does not
    stays, with the reason of today. Raw bytes that have expired stay as they are.
    """

    def __init__(self, settings: ReadSettings) -> None:
        self.settings = settings

    def setup(self) -> None:
        """Make what does not travel."""
        self.decoder = Decoder()

    def process(self, part: Part) -> Iterator[Any]:
        """Read one part."""
        output = self.settings.output
        outbox = Outbox(self.settings.buckets)
        rows = book_rows(output, [part], "dead_letter")
        stay: list[dict[str, Any]] = []
        raw: dict[str, list[bytes] | None] = {}
        events = 0
        for row in rows:
            path = row["raw_path"]
            if path is not None and path not in raw:
                raw[path] = _raw_lines(f"{output}/{path}")
            lines = raw.get(path)
            line = lines[row["raw_index"]] if lines is not None else b""
            if not line or row["reason"] in _ONLY_A_HEAD:  # expired, erased, or only a part of it was kept
                stay.append(row)
                continue
            found = self.decoder.line(line, row["source"])
            if isinstance(found, Rejection):
                stay.append({**row, "reason": str(found.reason), "detail": found.detail})
                continue
            events += len(found)
            for event in found:
                outbox.add(event)
        yield from sending(outbox)
        yield TaggedOutput(NOTES, ("moved", told(received={LETTER_PARTS: 1})))
        yield TaggedOutput(NOTES, ("read", counts_of(self.decoder, len(rows), len(stay), events, outbox.newest)))
        if stay != rows:
            yield TaggedOutput(NOTES, ("gone", part.path))
            if stay:
                left = write_part(
                    output, "dead_letter", "left", to_table("dead_letter", stay), tier=BOOKS, run=self.settings.run_id
                )
                yield TaggedOutput(NOTES, ("part", asdict(left)))


def _raw_lines(path: str) -> list[bytes] | None:
    """Give the raw lines of a file; None when it has expired."""
    return read_bytes(path).split(b"\n") if FileSystems.exists(path) else None
