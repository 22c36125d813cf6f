"""Erasure of the identifiers of an order: in facts, event log, state, dead letters and raw copies, and its proof."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from pipelines import books, datasets, summary, warehouse
from pipelines.datasets import Part, is_local, parts_of, put_in_place, read_bytes, write_bytes, write_manifest
from pipelines.exports import LineReader, discover, modified_at
from pipelines.options import OptionError, RunOutcome
from pipelines.publishing import Published, run_row, tidy
from pipelines.scrubbing import files_under, scrub_lines, scrub_table, search
from pipelines.state import EVENT_LOG, INTERNAL, read_table, write_share
from pipelines.upkeep import holding, why_outdated
from transforms.erasure import Erased, draw, identifiers
from transforms.event_log import events_in

_SHORTEST = 6
"""Entity ids shorter than this are no evidence that a raw line speaks of the order."""


@dataclass(slots=True)
class Subject:
    """What is to be erased.

    Attributes:
        flows: process ids.
        identifiers: the tenant's identifiers, and the flow each was found at.
        entities: ids of the entities of the flows, by which raw lines are found.
    """

    flows: set[str] = field(default_factory=set)
    identifiers: dict[str, str | None] = field(default_factory=dict)
    entities: set[str] = field(default_factory=set)


def erase(output: str, process: str | None, order: str | None, raw: Iterable[str]) -> dict[str, Any]:
    """Erase the identifiers of a process, or of an order by its number.

    Args:
        output: output folder of the batch job.
        process: process id.
        order: the tenant's order number, or the order's id on the platform.
        raw: folders with raw copies of the export.

    Raises:
        OptionError: nothing is published there, or the process is not known.
        LockedError: another run works on the output.
    """
    output = output.rstrip("/")
    started = datetime.now(UTC)
    with holding(output) as published:
        outdated = why_outdated(published)
        if outdated is not None:
            raise OptionError(f"{outdated}; run flowfacts rebuild --apply first, for the state can't be searched")
        subject = _subject(output, published, process, order)
        now = f"{started:%Y-%m-%dT%H:%M:%SZ}"
        drawn = {value: draw(value, flow, now) for value, flow in subject.identifiers.items()}
        pseudonyms = {value: e.pseudonym for value, e in drawn.items()}
        run_id = f"{started:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        needles = {*pseudonyms, *subject.flows, *(e for e in subject.entities if len(e) >= _SHORTEST)}
        lines, files = _empty_raw(raw, needles)
        letters = _scrub_letters(output, needles)
        parts, rewritten = _scrub_parts(output, published, pseudonyms, run_id) if pseudonyms else (published.parts, 0)
        manifest = _publish(output, published, parts, files, run_id, started, list(drawn.values()))
        for file in files:
            put_in_place(file.beside, file.path)
        result: dict[str, Any] = {
            "output": output,
            "run_id": run_id,
            "flows": sorted(subject.flows),
            "identifiers": len(pseudonyms),
            "tables_rewritten": rewritten,
            "raw_lines_emptied": lines,
            "dead_letters_emptied": letters,
        }
        if is_local(output):
            built = warehouse.build(output, manifest, whole=True)
            result |= {"warehouse": str(built), "facts": summary.summarise(built)}
        tidy(output, published, manifest)
        result["searched"] = [output, *raw]
        result["found_in"] = [f"{folder}/{name}" for folder in (output, *raw) for name in search(folder, pseudonyms)]
        return result


def _subject(output: str, published: Published, process: str | None, order: str | None) -> Subject:
    """Find the flows, and every identifier that the facts and the event log know of them."""
    subject = Subject({process} if process is not None else set())
    rows = _order_rows(output, published)
    if order is not None:
        subject.flows.update(r["flow_id"] for r in rows if order in (r["order_id"], r["tenant_order_id"]))
        if not any(order == r["order_id"] for r in rows):  # the platform's own ids stay
            subject.identifiers[order] = next(iter(subject.flows)) if len(subject.flows) == 1 else None
    # An order number that several processes have is erased of all of them.
    numbers = {r["tenant_order_id"] for r in rows if r["flow_id"] in subject.flows} - {None}
    subject.flows.update(r["flow_id"] for r in rows if r["tenant_order_id"] in numbers)
    wanted = pa.array(sorted(subject.flows), pa.string())
    known = False
    for part in published.parts:
        if part.relation != EVENT_LOG:
            continue
        mask = pc.is_in(read_table(output, part, ["flow_id"]).column(0), value_set=wanted)
        if not pc.any(mask).as_py():
            continue
        found = read_table(output, part).filter(mask)
        for event, flow in zip(events_in(found), found.column("flow_id").to_pylist(), strict=True):
            known = True
            subject.identifiers |= dict.fromkeys(identifiers(event).values(), flow)
            if event.entity_id:
                subject.entities.add(event.entity_id)
    if process is not None and not known:
        raise OptionError(f"--process {process}: no event of it is in the event log of {output}")
    already = {e.pseudonym for e in published.erased}
    subject.identifiers = {v: f for v, f in subject.identifiers.items() if v not in already}
    return subject


def _order_rows(output: str, published: Published) -> list[dict[str, Any]]:
    """Read what the orders are called."""
    columns = ["flow_id", "order_id", "tenant_order_id"]
    return [
        row
        for part in published.parts
        if part.relation == "order_flow"
        for row in read_table(output, part, columns).to_pylist()
    ]


def _scrub_parts(output: str, published: Published, pseudonyms: dict[str, str], run_id: str) -> tuple[list[Part], int]:
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
        row: what the books must know of it: bytes, digest, time of modification.
    """

    name: str
    path: str
    beside: str
    before: str
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
        row = {"bytes": len(left), "digest": _digest(left), "modified_at": modified_at(beside)}
        emptied.append(_Emptied(file.name, file.path, beside, _digest(data), row))
    return count, emptied


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _publish(
    output: str,
    published: Published,
    parts: list[Part],
    files: list[_Emptied],
    run_id: str,
    started: datetime,
    drawn: list[Erased],
) -> dict[str, Any]:
    """Publish the scrubbed parts; the files that were changed here are not due for that."""
    rows = dict(published.files)
    for file in files:
        row = rows.get(file.name)
        if row is not None and row["digest"] in (file.before, None):
            rows[file.name] = {**row, **file.row}
    assert published.manifest is not None
    return republish(output, published, parts, rows, run_id, started, "erase", [*published.erased, *drawn])


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
