"""Erasure of the identifiers of an order: in both halves of an output, dead letters and raw copies, and its proof."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from apache_beam.io.filesystems import FileSystems

from pipelines import books, datasets, summary, warehouse
from pipelines.datasets import Part, is_local, parts_of, put_in_place, read_bytes, write_bytes, write_manifest
from pipelines.exports import LineReader, discover, modified_at
from pipelines.live.erasing import Live, read_erased, scrub_live, write_erased
from pipelines.live.store import FOLDER, shards_of
from pipelines.lock import LockedError, only_run
from pipelines.mirroring import erased as mirrored
from pipelines.options import OptionError, RunOutcome
from pipelines.publishing import Published, run_row, tidy
from pipelines.scrubbing import files_under, scrub_lines, scrub_table, search
from pipelines.state import INTERNAL, read_table, write_share
from pipelines.subject import Half, Settled, Subject, find_subject
from pipelines.upkeep import holding, why_outdated
from transforms.erasure import Erased, Scrubber, draw

_SHORTEST = 6
"""Entity ids shorter than this are no evidence that a raw line speaks of the order."""


def erase(output: str, process: str | None, order: str | None, raw: Iterable[str]) -> dict[str, Any]:
    """Erase the identifiers of a process, or of an order by its number.

    Args:
        output: output folder of the batch job, of the stream, or of both.
        process: process id.
        order: the tenant's order number, or the order's id on the platform.
        raw: folders with raw copies of the export.

    Raises:
        OptionError: nothing is published there, or the process is not known.
        LockedError: another run, or the stream, works on the output.
    """
    output = output.rstrip("/")
    started = datetime.now(UTC)
    with _both_halves(output) as (published, live):
        outdated = why_outdated(published) if published is not None else None
        if outdated is not None:
            raise OptionError(f"{outdated}; run flowfacts rebuild --apply first, for the state can't be searched")
        before = {e.digest: e for e in (*(published.erased if published is not None else ()), *read_erased(output))}
        halves: list[Half] = [Settled(output, published.parts)] if published is not None else []
        if live:
            halves.append(Live(output))
        subject = find_subject(output, halves, process, order, {e.pseudonym for e in before.values()})
        drawn = _draw(subject, before.values(), f"{started:%Y-%m-%dT%H:%M:%SZ}")
        pseudonyms = {value: e.pseudonym for value, e in drawn.items()}
        erased = list({**before, **{e.digest: e for e in drawn.values()}}.values())
        needles = {*pseudonyms, *subject.flows, *(e for e in subject.entities if len(e) >= _SHORTEST)}
        run_id = f"{started:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        result: dict[str, Any] = {
            "output": output,
            "run_id": run_id,
            "flows": sorted(subject.flows),
            "identifiers": len(pseudonyms),
            "tables_rewritten": 0,
            "raw_lines_emptied": 0,
            "dead_letters_emptied": 0,
        }
        lines, files = _empty_raw(raw, needles)
        result["raw_lines_emptied"] = lines
        manifest = None
        if published is not None:
            result["dead_letters_emptied"] += _scrub_letters(output, needles)
            parts = published.parts
            if pseudonyms:
                parts, result["tables_rewritten"] = _scrub_parts(output, published, pseudonyms)
            manifest = _publish(output, published, parts, files, run_id, started, erased)
        _note_emptied(raw, files)
        for file in files:
            put_in_place(file.beside, file.path)
        if live:
            write_erased(output, erased)
            tables, letters = scrub_live(output, pseudonyms, needles)
            result["tables_rewritten"] += tables
            result["dead_letters_emptied"] += letters
        if published is not None and manifest is not None:
            if is_local(output):
                built = warehouse.build(output, manifest, whole=True)
                result |= {"warehouse": str(built), "facts": summary.summarise(built)}
            tidy(output, published, manifest)
        result["searched"] = [output, *raw]
        result["found_in"] = [f"{folder}/{name}" for folder in (output, *raw) for name in search(folder, pseudonyms)]
        return result


@contextmanager
def _both_halves(output: str) -> Iterator[tuple[Published | None, bool]]:
    """Hold what is published in an output: its settled half, if any, and whether it has a live one."""
    if shards_of(output) is None:
        with holding(output) as published:
            yield published, False
        return
    with only_run(output), ExitStack() as held:
        try:
            held.enter_context(only_run(f"{output}/{FOLDER}"))
        except LockedError as err:
            raise LockedError(
                f"{err}; stop flowfacts stream first, for its memory holds what is to be erased"
            ) from None
        published = Published.read(output)
        yield (published if published.manifest is not None else None), True


def _draw(subject: Subject, before: Iterable[Erased], now: str) -> dict[str, Erased]:
    """Draw the pseudonyms, but for identifiers that have one: an erasure that was killed half way goes on so."""
    known = {e.pseudonym: e for e in before}
    scrubber = Scrubber(known.values())
    found = {}
    for value, flow in subject.identifiers.items():
        earlier = scrubber.drawn_before(value)
        found[value] = known[earlier] if earlier is not None else draw(value, flow, now)
    return found


def _scrub_parts(output: str, published: Published, pseudonyms: dict[str, str]) -> tuple[list[Part], int]:
    """Write every part again that holds an identifier."""
    parts, rewritten = [], 0
    for part in published.parts:
        table = scrub_table(read_table(output, part), pseudonyms)
        if table is None:
            parts.append(part)
            continue
        rewritten += 1
        parts.append(write_share(output, part, table))
    return parts, rewritten


def _scrub_letters(output: str, needles: Iterable[str]) -> int:
    """Empty the raw dead letters that speak of the order."""
    count = 0
    for name, path in files_under(f"{output}/dead_letters"):
        if name.endswith(".raw"):
            data, hits = scrub_lines(read_bytes(path), needles)
            if hits:
                write_bytes(path, data)
                count += hits
    return count


@dataclass(frozen=True, slots=True)
class _Emptied:
    """A raw copy without its lines of the order, beside the file that it will replace.

    Attributes:
        name: name of the file, relative to its folder.
        path, beside: the file, and the hidden one beside it.
        before: digest of its bytes as they were.
        mirrored: what a mirror must know of it.
        row: what the books must know of it: bytes, digest, time of modification.
    """

    name: str
    path: str
    beside: str
    before: str
    mirrored: mirrored.Emptied
    row: dict[str, Any]


def _empty_raw(folders: Iterable[str], needles: Iterable[str]) -> tuple[int, list[_Emptied]]:
    """Write raw copies without the lines that speak of the order, each beside its file.

    The files themselves are replaced when the books know them: a run that finds a file changed reads it again.
    """
    listing = [f for folder in folders for f in discover(folder)]
    for file in listing:
        reader = LineReader(file)
        for _ in reader:
            pass
        if not reader.report.complete:
            raise OptionError(f"{file.path} is cut short, its lines can't be searched; remove or replace it first")
    count = 0
    emptied = []
    for file in listing:
        data = read_bytes(file.path)
        left, hits = scrub_lines(data, needles)
        if not hits:
            continue
        count += hits
        folder, _, name = file.path.rpartition("/")
        beside = f"{folder}/.{name}.erasing"
        write_bytes(beside, left)
        as_mirrored = mirrored.Emptied(len(data), mirrored.checksum(data), mirrored.checksum(left))
        row = {"bytes": len(left), "digest": _digest(left), "modified_at": modified_at(beside)}
        emptied.append(_Emptied(file.name, file.path, beside, _digest(data), as_mirrored, row))
    return count, emptied


def _note_emptied(folders: Iterable[str], files: list[_Emptied]) -> None:
    """Tell a mirror which copies are not what the source has, so that it does not bring the lines back."""
    for folder in folders:
        base = folder.rstrip("/")
        mine = {f.name: f.mirrored for f in files if f.path == f"{base}/{f.name}"}
        if mine:
            path = f"{base}/{mirrored.FILE}"
            before = mirrored.read(read_bytes(path) if FileSystems.exists(path) else None)
            write_bytes(path, mirrored.written(before, mine))


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _publish(
    output: str,
    published: Published,
    parts: list[Part],
    files: list[_Emptied],
    run_id: str,
    started: datetime,
    erased: list[Erased],
) -> dict[str, Any]:
    """Publish the scrubbed parts; the files that were changed here are not due for that."""
    rows = dict(published.files)
    for file in files:
        row = rows.get(file.name)
        if row is not None and row["digest"] in (file.before, None):
            rows[file.name] = {**row, **file.row}
    assert published.manifest is not None
    return republish(output, published, parts, rows, run_id, started, "erase", erased)


def republish(
    output: str,
    published: Published,
    parts: list[Part],
    files: dict[str, dict[str, Any]],
    run_id: str,
    started: datetime,
    mode: str,
    erased: list[Erased],
) -> dict[str, Any]:
    """Publish other parts with the same facts and totals, and note the run; give the manifest."""
    assert published.manifest is not None
    whole = {"input_file", "pipeline_run"}
    outcome = RunOutcome(dict.fromkeys(_COUNTS, 0), published.as_of, [])
    row = run_row(run_id, started, [], outcome, True, mode)
    runs = books.book_rows(output, published.parts, "pipeline_run")
    kept = [p for p in parts if p.relation not in whole]
    kept += [
        books.write_book(output, "input_file", files.values(), lambda r: r["path"]),
        books.write_book(output, "pipeline_run", [*runs, row], lambda r: r["run_id"]),
    ]
    about = {k: v for k, v in published.manifest.items() if k not in ("relations", "state", "merged")}
    write_manifest(output, {**about, "erased": msgspec.to_builtins(erased)}, kept, INTERNAL)
    manifest = datasets.read_manifest(output)
    assert manifest is not None
    assert len(parts_of(manifest)) >= len(kept)
    return manifest


_COUNTS = (
    "lines_read", "lines_accepted", "dead_letters", "events_accepted", "field_errors", "unknown_names",
    "unknown_values", "events_folded", "events_outside_flows", "events_unresolved", "duplicates",
)  # fmt: skip
