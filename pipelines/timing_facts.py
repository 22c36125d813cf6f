"""The graph of the batch job: export files to timing facts.

    files ─ ReadExport ─┬─ blocks of events ───────────────┬─ ResolveFlows ─ ProjectFacts ─ WriteParts ─┐
                        ├─ messages for the search ────────┘                                            ├─ outcome
                        └─ reports, dead letters ───────────────────────────────────────────────────────┘

`build` composes it on any pipeline; `run_pipeline` runs it and reads the outcome. Nothing here assumes one machine:
workers meet only through Beam and the output folder.
"""

from __future__ import annotations

import contextlib
import gc
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions
from apache_beam.pvalue import AsSingleton, PCollection, TaggedOutput

from pipelines.datasets import Part, write_part
from pipelines.exports import FileReport, InputFile, LineReader, TooLong
from pipelines.options import RunOutcome
from pipelines.progress import ProgressWriter
from schemas.vocabulary import Reason
from transforms.blocks import Outbox
from transforms.columns import to_table
from transforms.decode import Decoder
from transforms.event import Rejection
from transforms.project import Balance
from transforms.ptransforms import FLOWS, NODES, ProjectFacts, ResolveFlows

NOTES = "notes"
"""Tag of what the driver must know: `(kind, JSON-able payload)`."""

Note = tuple[str, Any]

BYTES_PER_BUCKET = 48 << 20
"""Stored input bytes a bucket is sized for: some 80,000 events, about 200 MB in a worker while it projects."""


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


class _ReadExport(beam.DoFn):
    """Reads one file: demands its trailers, decodes its lines, sorts its events by bucket."""

    def __init__(self, settings: ReadSettings) -> None:
        self.settings = settings

    def setup(self) -> None:
        # Decoding makes many small objects and no cycles; the default thresholds would spend a third of the time.
        gc.set_threshold(200_000, 50, 1000)
        self.decoder = Decoder()
        self.progress = ProgressWriter(self.settings.progress_dir)

    def process(self, file: InputFile) -> Iterator[Any]:
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
        yield from outbox.blocks()
        for block in outbox.node_blocks():
            yield TaggedOutput(NODES, block)
        yield TaggedOutput(NOTES, ("file", _file_row(file, report, lines)))
        yield TaggedOutput(NOTES, ("read", self._counts(lines, len(dead.rows), events, outbox.newest)))
        if dead.rows:
            yield TaggedOutput(NOTES, ("part", asdict(_write_dead_letters(file, dead, settings))))

    def _counts(self, lines: int, dead: int, events: int, newest: int | None) -> dict[str, Any]:
        counts = self.decoder.collect()
        found = {
            "lines_read": lines,
            "lines_accepted": lines - dead,
            "dead_letters": dead,
            "events_accepted": events,
            "field_errors": counts.field_errors,
            "unknown_names": counts.unknown_names.total(),
            "unknown_values": counts.unknown_values.total(),
            "newest": newest,
        }
        self.decoder.reset()
        return found


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
    }


def _write_dead_letters(file: InputFile, dead: _DeadLetters, settings: ReadSettings) -> Part:
    """Write the dead letters of a file: their rows as a part, their bytes beside the datasets."""
    stem = file.name.replace("/", "-")
    path = FileSystems.join(settings.output, "dead_letters", settings.run_id, f"{stem}.raw")
    folder = path.rsplit("/", 1)[0]
    if "://" not in folder and not FileSystems.exists(folder):
        with contextlib.suppress(OSError):  # another worker was first
            FileSystems.mkdirs(folder)
    with FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED) as out:
        out.write(b"\n".join(dead.raw) + b"\n")
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
    return write_part(settings.output, "dead_letter", stem, to_table("dead_letter", rows))


class _WritePart(beam.DoFn):
    def __init__(self, output: str) -> None:
        self.output = output

    def process(self, element: tuple[str, int, pa.Table]) -> Iterator[Note]:
        relation, bucket, table = element
        yield "part", asdict(write_part(self.output, relation, f"b{bucket:05d}", table))


class _KeepOutcome(beam.DoFn):
    """Writes what the driver must know to one file, whatever machine the driver is on."""

    def __init__(self, path: str) -> None:
        self.path = path

    def process(self, notes: list[Note]) -> Iterator[None]:
        with FileSystems.create(self.path, compression_type=CompressionTypes.UNCOMPRESSED) as out:
            out.write(json.dumps(notes).encode())
        yield None


def _newest(values: Iterable[int | None]) -> int | None:
    return max((v for v in values if v is not None), default=None)


def build(
    pipeline: beam.Pipeline,
    files: list[InputFile],
    settings: ReadSettings,
    *,
    as_of: int | None,
    deadlines: dict[str, int],
    outcome_path: str,
) -> PCollection[None]:
    """Compose the graph.

    Args:
        pipeline: where.
        files: what to read.
        settings: how.
        as_of: instant in microseconds, None for the newest recorded time of the input.
        deadlines: microseconds by flow.
        outcome_path: where the outcome is written.
    """
    read = (
        pipeline
        | "ListFiles" >> beam.Create(sorted(files, key=lambda f: -f.size))
        | "SpreadFiles" >> beam.Reshuffle()
        | "ReadExport" >> beam.ParDo(_ReadExport(settings)).with_outputs(NODES, NOTES, main=FLOWS)
    )
    instant: Any = as_of
    if as_of is None:
        newest = (
            read[NOTES]
            | "PickNewest" >> beam.FlatMap(lambda n: [n[1]["newest"]] if n[0] == "read" else [])
            | "NewestRecorded" >> beam.CombineGlobally(_newest)
        )
        instant = AsSingleton(newest)
    flows = (read[FLOWS], read[NODES]) | "ResolveFlows" >> ResolveFlows(settings.buckets)
    facts = flows | "ProjectFacts" >> ProjectFacts(instant, deadlines)
    parts = facts.tables | "WriteParts" >> beam.ParDo(_WritePart(settings.output))
    balances = facts.balances | "NoteBalances" >> beam.Map(lambda b: ("balance", asdict(b)))
    return (
        (read[NOTES], parts, balances)
        | "MergeNotes" >> beam.Flatten()
        | "CollectNotes" >> beam.combiners.ToList()
        | "KeepOutcome" >> beam.ParDo(_KeepOutcome(outcome_path))
    )


def bucket_count(files: list[InputFile], workers: int = 2) -> int:
    """Choose the number of buckets for some input: enough for every worker, small enough for its memory."""
    stored = sum(f.size for f in files if f.repeat_of is None)
    wanted = max(workers, -(-stored // BYTES_PER_BUCKET))
    return -(-wanted // workers) * workers


def run_pipeline(
    files: list[InputFile],
    *,
    output: str,
    run_id: str,
    as_of: int | None,
    deadlines: dict[str, int],
    max_line_bytes: int,
    accept_truncated: bool,
    buckets: int | None,
    beam_options: list[str],
    runner: str,
    progress_dir: str | None,
) -> RunOutcome:
    """Run the batch graph and give its outcome.

    Args:
        files: what to read, repeats included.
        output: output folder; parts are written but nothing becomes visible.
        run_id: run.
        as_of: instant in microseconds, None for the newest recorded time of the input.
        deadlines: seconds by flow.
        max_line_bytes: longer lines are dead letters.
        accept_truncated: take the whole lines of cut files.
        buckets: number of buckets, None to choose by the size of the input.
        beam_options: standard Beam options.
        runner: name of the runner.
        progress_dir: where local workers tell their progress.
    """
    options = PipelineOptions(beam_options)
    options.view_as(SetupOptions).save_main_session = False
    settings = ReadSettings(
        output, run_id, buckets or bucket_count(files), max_line_bytes, accept_truncated, progress_dir
    )
    path = FileSystems.join(output, f".outcome-{run_id}.json")
    pipeline = beam.Pipeline(runner=runner, options=options)
    build(
        pipeline,
        files,
        settings,
        as_of=as_of,
        deadlines={k: v * 1_000_000 for k, v in deadlines.items()},
        outcome_path=path,
    )
    pipeline.run().wait_until_finish()
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as kept:
        notes: list[Note] = [tuple(n) for n in json.loads(kept.read())]
    FileSystems.delete([path])
    return outcome_of(notes, as_of)


def outcome_of(notes: list[Note], as_of: int | None) -> RunOutcome:
    """Add up what the workers noted."""
    counts = dict.fromkeys(
        (
            "lines_read", "lines_accepted", "dead_letters", "events_accepted", "field_errors", "unknown_names",
            "unknown_values",
        ),
        0,
    )  # fmt: skip
    balance = Balance()
    newest: int | None = None
    files, parts = [], []
    for kind, note in notes:
        if kind == "file":
            files.append(note)
        elif kind == "part":
            parts.append(Part(**note))
        elif kind == "balance":
            balance.add(Balance(**note))
        else:
            for name in counts:
                counts[name] += note[name]
            newest = _newest((newest, note["newest"]))
    complete = {f["path"]: f["complete"] for f in files}
    for f in files:  # a repeat has the bytes of its first, and so its trailer or the lack of it
        f["complete"] = complete.get(f["repeat_of"], f["complete"])
    counts |= {
        "events_folded": balance.folded,
        "events_outside_flows": balance.outside,
        "events_unresolved": balance.unresolved,
        "duplicates": balance.duplicates,
    }
    return RunOutcome(
        counts=counts,
        as_of=newest if as_of is None else as_of,
        parts=sorted(parts, key=lambda p: p.path),
        files=sorted(files, key=lambda f: f["path"]),
    )
