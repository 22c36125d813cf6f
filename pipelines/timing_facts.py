"""The graph of the batch job: export files to timing facts.

    files ─ ReadExport ─┬─ blocks of events ──┬─ ResolveFlows ─ UpdateBuckets ─ WriteParts ─┐
    state ─ OpenPending ┼─ messages ──────────┘                      └ RewriteGroups ───────┼─ outcome
    log ── ReadLog ─────┴─ reports, dead letters ───────────────────────────────────────────┘

`build` composes it on any pipeline; `run_pipeline` runs it and reads the outcome. A run has the state of the runs
before it, or (when it begins from nothing) the event log, or neither. Nothing here assumes one machine: workers meet
only through Beam and the output folder.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions
from apache_beam.pvalue import AsSingleton, PCollection

from pipelines.compaction import MergeParts, Merges, RewriteGroup
from pipelines.datasets import Part
from pipelines.exports import InputFile
from pipelines.local_workers import watched
from pipelines.options import RunOutcome
from pipelines.read_stage import NOTES, Note, OpenPending, ReadExport, ReadLog, ReadSettings
from pipelines.replay_stage import ReadDeadLetters
from pipelines.state import NODE_LINKS, State
from pipelines.write_stage import LEAVING, Keeping, KeepOutcome, Piece, UpdateBucket, WritePiece
from transforms.moves import BUCKETS, LETTER_PARTS, LOG_PARTS, MERGES, SMALL_PARTS, Moves
from transforms.project import Balance
from transforms.ptransforms import NODES, ResolveFlows

FLOWS = "flows"

BYTES_PER_BUCKET = 64 << 20
"""Stored bytes a bucket is sized for: some 100,000 events, about 250 MB in a worker while it projects."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one run of the graph works on.

    Attributes:
        files: export files to read, repeats included.
        read: how they are read.
        keeping: deadlines, and how long things stay at hand.
        as_of: instant in microseconds; None for the newest recorded time known.
        newest: newest recorded time of earlier runs.
        state: state of earlier runs; None to begin from nothing.
        log: parts of the event log that are read again; only without a state.
        without: files whose rows of the log are left out.
        merges: parts of the state that are written together.
        dead: parts of dead letters that are decoded again.
    """

    files: list[InputFile]
    read: ReadSettings
    keeping: Keeping
    as_of: int | None = None
    newest: int | None = None
    state: State | None = None
    log: tuple[Part, ...] = ()
    without: frozenset[str] = frozenset()
    merges: Merges = field(default_factory=Merges)
    dead: tuple[Part, ...] = ()


def _newest(values: Iterable[int | None]) -> int | None:
    return max((v for v in values if v is not None), default=None)


def _newest_of(note: Note) -> list[int | None]:
    return [note[1]["newest"]] if note[0] in ("read", "logged") else []


def _piece_of_links(element: tuple[int, Any]) -> Piece:
    return Piece(NODE_LINKS, "", element[0], None, element[1])


def build(pipeline: beam.Pipeline, job: Job, outcome_path: str) -> PCollection[None]:
    """Compose the graph; the outcome is written to `outcome_path`."""
    read, buckets = job.read, job.read.buckets
    sources = [
        pipeline
        | "ListFiles" >> beam.Create(sorted(job.files, key=lambda f: -f.size), reshuffle=False)
        | "SpreadFiles" >> beam.Reshuffle()
        | "ReadExport" >> beam.ParDo(ReadExport(read)).with_outputs(NODES, NOTES, main=FLOWS)
    ]
    if job.state is not None:
        sources.append(
            pipeline
            | "ListBuckets" >> beam.Create(range(buckets), reshuffle=False)
            | "SpreadBuckets" >> beam.Reshuffle()
            | "OpenPending"
            >> beam.ParDo(OpenPending(job.state, job.keeping.at(0))).with_outputs(NODES, NOTES, main=FLOWS)
        )
    if job.log:
        sources.append(
            pipeline
            | "ListLog" >> beam.Create(job.log, reshuffle=False)
            | "SpreadLog" >> beam.Reshuffle()
            | "ReadLog" >> beam.ParDo(ReadLog(read.output, buckets, job.without)).with_outputs(NODES, NOTES, main=FLOWS)
        )
    if job.dead:
        sources.append(
            pipeline
            | "ListDeadLetters" >> beam.Create(job.dead, reshuffle=False)
            | "SpreadDeadLetters" >> beam.Reshuffle()
            | "ReadDeadLetters" >> beam.ParDo(ReadDeadLetters(read)).with_outputs(NODES, NOTES, main=FLOWS)
        )
    blocks, nodes, notes = (
        [s[tag] for s in sources] | f"Merge{tag.title()}" >> beam.Flatten() for tag in (FLOWS, NODES, NOTES)
    )
    instant: Any = job.as_of
    if job.as_of is None:
        instant = AsSingleton(
            (notes | "PickNewest" >> beam.FlatMap(_newest_of), pipeline | "NewestBefore" >> beam.Create([job.newest]))
            | "MergeNewest" >> beam.Flatten()
            | "NewestRecorded" >> beam.CombineGlobally(_newest)
        )
    resolved = (blocks, nodes) | "ResolveFlows" >> ResolveFlows(buckets, job.state)
    updated = (
        resolved.blocks
        | "GatherFlows" >> beam.GroupByKey()
        | "UpdateBuckets"
        >> beam.ParDo(UpdateBucket(job.keeping, job.state), instant).with_outputs(NOTES, LEAVING, main=FLOWS)
    )
    # Tables must not travel: each writer is fused with the step that makes them. Hence a writer for each, and no
    # flattening before it.
    write = WritePiece(read.output, read.run_id, buckets)
    written = updated[FLOWS] | "WriteParts" >> beam.ParDo(write)
    linked = [
        links | f"LinksAsPieces{i + 1}" >> beam.Map(_piece_of_links) | f"WriteLinks{i + 1}" >> beam.ParDo(write)
        for i, links in enumerate(resolved.links)
    ]
    conflicts = resolved.conflicts | "NoteConflicts" >> beam.Map(lambda n: ("conflicts", n))
    moved = resolved.moves | "NoteMoves" >> beam.Map(lambda m: ("moved", m))
    all_notes = [notes, updated[NOTES], written, conflicts, moved, *linked]
    if job.state is not None:
        leaving = updated[LEAVING] | "AimAtGroups" >> beam.MapTuple(job.merges.aim)
        merging = pipeline | "ListMerges" >> beam.Create(job.merges.targets())
        all_notes += [
            (leaving, merging)
            | "MergeLeaving" >> beam.Flatten()
            | "GatherGroups" >> beam.GroupByKey()
            | "RewriteGroups" >> beam.ParDo(RewriteGroup(job.state, job.merges, read.run_id)),
            pipeline
            | "ListSmallParts" >> beam.Create(job.merges.parts, reshuffle=False)
            | "SpreadSmallParts" >> beam.Reshuffle()
            | "MergeParts" >> beam.ParDo(MergeParts(read.output, read.run_id)),
        ]
    return (
        all_notes
        | "MergeAllNotes" >> beam.Flatten()
        | "CollectNotes" >> beam.combiners.ToList()
        | "KeepOutcome" >> beam.ParDo(KeepOutcome(outcome_path))
    )


def bucket_count(stored: int, workers: int = 2) -> int:
    """Choose the number of buckets for some stored bytes: a power of two, enough for every worker and its memory."""
    wanted = max(workers, -(-stored // BYTES_PER_BUCKET))
    return 1 << (wanted - 1).bit_length()


def run_pipeline(job: Job, *, beam_options: list[str], runner: str) -> RunOutcome:
    """Run the graph and give its outcome; parts are written but nothing becomes visible.

    Args:
        job: what to do.
        beam_options: standard Beam options.
        runner: name of the runner.
    """
    options = PipelineOptions(beam_options)
    options.view_as(SetupOptions).save_main_session = False
    path = FileSystems.join(job.read.output, f".outcome-{job.read.run_id}.json")
    pipeline = beam.Pipeline(runner=runner, options=options)
    build(pipeline, job, path)
    with watched():
        pipeline.run().wait_until_finish()
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as kept:
        notes: list[Note] = [tuple(n) for n in json.loads(kept.read())]
    FileSystems.delete([path])
    return outcome_of(notes, job)


_COUNTS = (
    "lines_read", "lines_accepted", "dead_letters", "events_accepted", "field_errors", "unknown_names",
    "unknown_values",
)  # fmt: skip


def _given(job: Job) -> Counter[str]:
    """Count what the driver gives to the steps."""
    given = Counter({LOG_PARTS: len(job.log), LETTER_PARTS: len(job.dead)})
    if job.state is not None:
        given += Counter(
            {BUCKETS: job.read.buckets, SMALL_PARTS: len(job.merges.parts), MERGES: len(job.merges.targets())}
        )
    return given


def outcome_of(notes: list[Note], job: Job) -> RunOutcome:
    """Add up what the workers noted."""
    counts = dict.fromkeys(_COUNTS, 0)
    balance = Balance()
    moves = Moves(_given(job))
    instants: set[int | None] = set()
    found: dict[str, list[Any]] = {k: [] for k in ("file", "part", "gone", "merged", "conflicts", "pending", "logged")}
    newest = job.newest
    for kind, note in notes:
        if kind == "balance":
            balance.add(Balance(**note))
        elif kind == "moved":
            moves.add(note)
        elif kind == "instant":
            instants.add(note)
        elif kind == "read":
            for name in _COUNTS:
                counts[name] += note[name]
        else:
            found[kind].append(note)
        if kind in ("read", "logged"):
            newest = _newest((newest, note["newest"]))
    counts["events_accepted"] += sum(n["events"] for n in found["logged"])
    complete = {f["path"]: f["complete"] for f in found["file"]}
    for f in found["file"]:  # a repeat has the bytes of its first, and so its trailer or the lack of it
        f["complete"] = complete.get(f["repeat_of"], f["complete"])
    # What was unresolved before came as deliveries again; in the books of this run only the change counts.
    pending = sum(n["events"] for n in found["pending"])
    aliases = sum(n["kept"] for n in found["pending"]) - pending
    counts |= {
        "events_folded": balance.folded,
        "events_outside_flows": balance.outside,
        "events_unresolved": balance.unresolved - pending,
        "duplicates": balance.duplicates - aliases,
    }
    as_of = newest if job.as_of is None else job.as_of
    lost = moves.lost()
    if not instants <= {as_of}:  # the steps took it from elements that travelled on a way of their own
        lost["instants of the facts"] = (1, len(instants | {as_of}))
    return RunOutcome(
        counts=counts,
        as_of=as_of,
        newest=newest,
        parts=sorted((Part(**p) for p in found["part"]), key=lambda p: p.path),
        files=sorted(found["file"], key=lambda f: f["path"]),
        gone=frozenset(found["gone"]),
        merged=dict(found["merged"]),
        conflicts=sum(found["conflicts"]),
        lost=lost,
    )
