"""The reading stage of the batch job: export files, the event log, and what is unresolved, to blocks of events."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import TaggedOutput

from pipelines.datasets import Part, stem_of, write_bytes, write_part
from pipelines.exports import FileReport, InputFile, LineReader, TooLong
from pipelines.progress import ProgressWriter
from pipelines.state import BOOKS, UNRESOLVED_STATE, State, feeds, read_table
from schemas.vocabulary import Reason
from transforms.blocks import EMPTY, Outbox, bucket_of
from transforms.columns import to_table
from transforms.decode import Decoder
from transforms.event import Rejection, decode_block
from transforms.event_log import events_in
from transforms.moves import BLOCKS, BUCKETS, LOG_PARTS, messages, told
from transforms.ptransforms import NODES
from transforms.rows import Settings
from transforms.update import is_pending

NOTES = "notes"
"""Tag of what the driver must know: `(kind, JSON-able payload)`."""

Note = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """How files are read.

    Attributes:
        output: output folder, for dead letters.
        run_id: run.
        buckets: number of buckets.
        max_line_bytes: longer lines are dead letters.
        accept_truncated: take the whole lines of cut files.
        progress_dir: where local workers tell their progress; None on a cluster.
    """

    output: str
    run_id: str
    buckets: int
    max_line_bytes: int
    accept_truncated: bool
    progress_dir: str | None = None


@dataclass(slots=True)
class _DeadLetters:
    """Dead letters of one file: rows, and the raw bytes that go to a folder of their own (ruling 12)."""

    rows: list[tuple[Rejection, int]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def add(self, rejection: Rejection, raw: bytes) -> None:
        self.rows.append((rejection, len(self.raw)))
        self.raw.append(raw)


class ReadExport(beam.DoFn):
    """Reads one file: demands its trailers, decodes its lines, sorts its events by bucket."""

    def __init__(self, settings: ReadSettings) -> None:
        self.settings = settings

    def setup(self) -> None:
        """Make what does not travel."""
        # Decoding makes many small objects and no cycles; the default thresholds would spend a third of the time.
        gc.set_threshold(200_000, 50, 1000)
        self.decoder = Decoder()
        self.progress = ProgressWriter(self.settings.progress_dir)

    def process(self, file: InputFile) -> Iterator[Any]:
        """Read one file."""
        if file.repeat_of is not None:
            yield TaggedOutput(NOTES, ("file", _file_row(file, None, 0)))
            return
        settings = self.settings
        reader = LineReader(file, settings.max_line_bytes)
        outbox, dead = Outbox(settings.buckets), _DeadLetters()
        decode, add = self.decoder.line, outbox.add
        prefix = f"{file.name}:"
        lines = events = 0
        for start, chunk in reader:
            before = lines
            for number, line in enumerate(chunk, start):
                if isinstance(line, TooLong):
                    lines += 1
                    dead.add(_too_long(line, f"{prefix}{number}", settings.max_line_bytes), line.head)
                    continue
                if not line or line.isspace():
                    continue
                lines += 1
                found = decode(line, f"{prefix}{number}")
                if type(found) is list:
                    events += len(found)
                    for event in found:
                        add(event)
                else:
                    dead.add(found, line)  # type: ignore[arg-type]
            self.progress.add(lines=lines - before)
        report = reader.report
        self.progress.add(files=1, stored=report.bytes_stored)
        if not report.complete:
            if not settings.accept_truncated:
                self.decoder.reset()
                yield TaggedOutput(NOTES, ("file", _file_row(file, report, 0)))
                return
            lines += 1
            dead.add(
                Rejection(Reason.TRUNCATED_FILE, f"{report.problem}; expected a complete file", f"{prefix}{lines}"),
                report.tail,
            )
        yield from sending(outbox)
        yield TaggedOutput(NOTES, ("file", _file_row(file, report, lines)))
        yield TaggedOutput(NOTES, ("read", counts_of(self.decoder, lines, len(dead.rows), events, outbox.newest)))
        if dead.rows:
            yield TaggedOutput(NOTES, ("part", asdict(_write_dead_letters(file, dead, settings))))


def sending(outbox: Outbox) -> Iterator[Any]:
    """Send what is in an outbox on its way, and tell how much it is."""
    blocks = list(outbox.blocks())
    nodes = list(outbox.node_blocks())
    yield from blocks
    yield from (TaggedOutput(NODES, m) for m in nodes)
    yield TaggedOutput(NOTES, ("moved", told(sent={BLOCKS: len(blocks), messages(0): len(nodes)})))


def counts_of(decoder: Decoder, lines: int, dead: int, events: int, newest: int | None) -> dict[str, Any]:
    """Give what reading adds to the books, and start the decoder's counts again."""
    counts = decoder.collect()
    decoder.reset()
    return {
        "lines_read": lines,
        "lines_accepted": lines - dead,
        "dead_letters": dead,
        "events_accepted": events,
        "field_errors": counts.field_errors,
        "unknown_names": counts.unknown_names.total(),
        "unknown_values": counts.unknown_values.total(),
        "newest": newest,
    }


def _too_long(line: TooLong, source: str, limit: int) -> Rejection:
    return Rejection(Reason.LINE_TOO_LONG, f"{line.length} bytes, expected at most {limit}", source)


def _file_row(file: InputFile, report: FileReport | None, lines: int) -> dict[str, Any]:
    return {
        "path": file.name,
        "day": file.day,
        "bytes": file.size if report is None else report.bytes_stored,
        "lines": lines,
        "digest": file.digest if report is None else report.digest,
        "complete": True if report is None else report.complete,
        "repeat_of": file.repeat_of,
        "problem": None if report is None else report.problem,
        "modified_at": file.modified,
    }


def _write_dead_letters(file: InputFile, dead: _DeadLetters, settings: ReadSettings) -> Part:
    """Write the dead letters of a file: their rows as a part, their bytes beside the datasets."""
    stem = stem_of(file.name)
    path = FileSystems.join(settings.output, "dead_letters", settings.run_id, f"{stem}.raw")
    write_bytes(path, b"\n".join(dead.raw) + b"\n")
    rows = [
        (
            str(r.reason),
            r.detail,
            r.source,
            r.recorded_at,
            settings.run_id,
            f"dead_letters/{settings.run_id}/{stem}.raw",
            i,
        )
        for r, i in dead.rows
    ]
    return write_part(
        settings.output, "dead_letter", stem, to_table("dead_letter", rows), tier=BOOKS, run=settings.run_id
    )


class OpenPending(beam.DoFn):
    """Brings what earlier runs could not resolve back into the search, and names every bucket to the next stage."""

    def __init__(self, state: State, settings: Settings) -> None:
        self.state, self.settings = state, settings

    def process(self, bucket: int) -> Iterator[Any]:
        """Open one bucket."""
        yield bucket, EMPTY
        buckets = self.state.buckets
        outbox = Outbox(buckets, known=True)
        events = kept = 0
        for part in self.state.of(UNRESOLVED_STATE):
            if not feeds(part, bucket, buckets):
                continue
            table = read_table(self.state.output, part, ["key", "last_recorded_at", "event_count"])
            last = table.column("last_recorded_at").cast("int64").to_pylist()
            keys, counts = table.column("key").to_pylist(), table.column("event_count").to_pylist()
            found = [
                i
                for i, key in enumerate(keys)
                if is_pending(key, last[i], self.settings)
                and (part.buckets >= buckets or bucket_of(key, buckets) == bucket)
            ]
            if not found:
                continue
            for raw in read_table(self.state.output, part, ["deliveries"]).column(0).take(found).to_pylist():
                deliveries = decode_block(raw)
                kept += len(deliveries)
                for event in deliveries:
                    outbox.add(event)
            events += sum(counts[i] for i in found)
        yield from sending(outbox)
        yield TaggedOutput(NOTES, ("moved", told(sent={BLOCKS: 1}, received={BUCKETS: 1})))
        yield TaggedOutput(NOTES, ("pending", {"events": events, "kept": kept}))


class ReadLog(beam.DoFn):
    """Reads a part of the event log back into events, but those of files that are read anew."""

    def __init__(self, output: str, buckets: int, without: frozenset[str]) -> None:
        self.output, self.buckets, self.without = output, buckets, without

    def setup(self) -> None:
        """Spare the collector of cycles, as in `ReadExport`."""
        gc.set_threshold(200_000, 50, 1000)

    def process(self, part: Part) -> Iterator[Any]:
        """Read one part."""
        outbox = Outbox(self.buckets, known=True)
        count = 0
        table = read_table(self.output, part)
        for batch in table.to_batches(max_chunksize=50_000):
            for event in events_in(pa.Table.from_batches([batch], table.schema)):
                if self.without and event.source.rsplit(":", 1)[0] in self.without:
                    continue
                count += 1
                outbox.add(event)
        yield from sending(outbox)
        yield TaggedOutput(NOTES, ("moved", told(received={LOG_PARTS: 1})))
        yield TaggedOutput(NOTES, ("logged", {"events": count, "newest": outbox.newest}))
