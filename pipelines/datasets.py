"""Parquet parts under an output folder, made visible by a manifest that is written last.

A part is named by its content, so writing it twice gives one file, and nothing is ever found by listing a folder: the
manifest names every part. Works on any Beam file system.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from pipelines.lock import make_sure
from pipelines.storage_errors import StorageError, reading, writing
from schemas.tables import CONTRACT_VERSION

MANIFEST = "manifest.json"
FOLDERS = ("facts", "state", "event_log", "dead_letters")
FORMAT_VERSION = 2


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file.

    Attributes:
        relation: relation of the contract, or a dataset of the state.
        path: path relative to the output.
        rows: number of rows.
        bytes: size of the file.
        digest: digest of its bytes.
        tier: which rows of the relation it holds (`pipelines.state`).
        run: run that wrote it.
        bucket, buckets: its share of the flows, and of how many.
        day: day of its rows, where they are of one.
    """

    relation: str
    path: str
    rows: int
    bytes: int
    digest: str
    tier: str = ""
    run: str = ""
    bucket: int = 0
    buckets: int = 1
    day: str | None = None


def is_local(path: str) -> bool:
    """Say whether a path is on the local file system."""
    return "://" not in path


def stem_of(name: str) -> str:
    """Give a stem for the files that tell of an input file: no longer than file systems take, and no pattern."""
    plain = re.sub(r"[^0-9A-Za-z._=-]", "_", name.replace("/", "-"))
    if plain == name.replace("/", "-") and len(plain) <= _LONGEST_STEM:
        return plain
    return f"{plain[:_LONGEST_STEM]}-{hashlib.blake2b(name.encode(), digest_size=8).hexdigest()}"


_LONGEST_STEM = 160


def write_bytes(path: str, data: bytes) -> None:
    """Write a file so that it appears whole or not at all.

    Raises:
        StorageError: it can't be written.
    """
    folder = path.rsplit("/", 1)[0]
    partial = f"{folder}/.{uuid.uuid4().hex}.partial"
    with writing(path):
        if is_local(path):
            _write_durably(partial, data)
        else:
            with FileSystems.create(partial, compression_type=CompressionTypes.UNCOMPRESSED) as out:
                out.write(data)
        put_in_place(partial, path)


def _write_durably(path: str, data: bytes) -> None:
    """Write a local file and wait until it is on the disk: a manifest must not outlive what it names."""
    os.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
    try:
        with open(path, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            os.remove(path)
        raise


def put_in_place(partial: str, path: str) -> None:
    """Rename over what is there in one step: no reader, and no killed run, may find neither the old nor the new."""
    if is_local(path):
        os.replace(partial, path)
        return
    try:
        FileSystems.rename([partial], [path])  # an object store copies over what is there
    except BeamIOError:
        if not FileSystems.exists(path) or not FileSystems.exists(partial):
            raise
        FileSystems.delete([path])  # a file system that refuses to rename over a file
        FileSystems.rename([partial], [path])


def read_bytes(path: str) -> bytes:
    """Read a whole file.

    Raises:
        StorageError: it can't be read.
    """
    with reading(path), FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as source:
        data: bytes = source.read()
    return data


_UNIQUE = ("_id", "_at", "seconds", "_hash", "key", "source", "facts", "deliveries")
"""Ends of the names of columns whose values hardly repeat: a dictionary of them is built in vain."""


def _encoding(schema: pa.Schema) -> dict[str, Any]:
    """Say which columns get a dictionary and which statistics; both cost more than the writing of the values."""
    repeating, ordered = [], []
    for column in schema:
        if not column.name.endswith(_UNIQUE):
            repeating.append(f"{column.name}.list.element" if pa.types.is_list(column.type) else column.name)
        if pa.types.is_primitive(column.type):  # the least and the greatest of ids and texts help no reader
            ordered.append(column.name)
    return {"use_dictionary": repeating, "write_statistics": ordered}


def write_part(
    output: str,
    relation: str,
    stem: str,
    table: pa.Table,
    *,
    folder: str = "facts",
    day: str | None = None,
    **about: Any,
) -> Part:
    """Write one part.

    Args:
        output: output folder.
        relation: relation of the rows.
        stem: beginning of the file's name.
        table: rows in the relation's schema.
        folder: folder under the output.
        day: day of the rows, where they are of one; a folder of its own.
        about: the other attributes of `Part`.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", compression_level=1, **_encoding(table.schema))
    data = sink.getvalue()
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    inner = f"day={day}/" if day is not None else ""
    place = f"{folder}/{relation}" if folder else relation
    path = f"{place}/{inner}{stem}-{digest[:12]}.parquet"
    write_bytes(f"{output.rstrip('/')}/{path}", data.to_pybytes())
    return Part(relation, path, table.num_rows, data.size, digest, day=day, **about)


def write_manifest(
    output: str, manifest: dict[str, Any], parts: Iterable[Part], internal: Collection[str] = ()
) -> None:
    """Make the parts of a run the published state; written last.

    Args:
        output: output folder.
        manifest: what else it tells.
        parts: all visible parts.
        internal: datasets that are no relations of the contract.

    Raises:
        LockedError: the lock of an output in a bucket was lost meanwhile.
    """
    named: dict[str, dict[str, list[dict[str, Any]]]] = {"relations": {}, "state": {}}
    for part in parts:
        named["state" if part.relation in internal else "relations"].setdefault(part.relation, []).append(asdict(part))
    make_sure(output)
    content = {"format_version": FORMAT_VERSION, "contract_version": CONTRACT_VERSION, **manifest, **named}
    write_bytes(f"{output.rstrip('/')}/{MANIFEST}", msgspec.json.format(json.dumps(content).encode(), indent=1))


def parts_of(manifest: dict[str, Any]) -> list[Part]:
    """List the parts that a manifest names."""
    known = {f.name for f in fields(Part)}
    return [
        Part(**{k: v for k, v in part.items() if k in known})
        for section in ("relations", "state")
        for parts in manifest.get(section, {}).values()
        for part in parts
    ]


def read_manifest(output: str) -> dict[str, Any] | None:
    """Read the published state, None when there is none.

    Raises:
        StorageError: it can't be read, or it is none.
    """
    path = f"{output.rstrip('/')}/{MANIFEST}"
    if not FileSystems.exists(path):
        return None
    try:
        manifest = json.loads(read_bytes(path))
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format_version"), int):
        raise StorageError(
            f"{path} is no manifest of flowfacts, or is damaged; bring it back from a copy, for it alone tells which "
            "files are the published facts, or give another --output"
        )
    return manifest


def paths_of(manifest: dict[str, Any]) -> set[str]:
    """List the paths that a manifest names, relative to the output."""
    return {part.path for part in parts_of(manifest)}


def delete_files(paths: Collection[str]) -> None:
    """Delete files; those that are gone already are no error."""
    if all(is_local(path) for path in paths):  # Beam would take brackets in a path for a pattern
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)
        return
    there = [path for path in sorted(paths) if FileSystems.exists(path)]
    if there:
        with contextlib.suppress(BeamIOError):  # another run may have removed them first
            FileSystems.delete(there)


def _written(base: str) -> Iterator[str]:
    """List what runs may have left in an output folder, relative to it: its datasets, and hidden files beside them."""
    if is_local(base):  # not by a pattern, for a path may hold brackets
        yield from (name for name in os.listdir(base) if name.startswith(".") and os.path.isfile(f"{base}/{name}"))
        for top in FOLDERS:
            for folder, _, names in os.walk(f"{base}/{top}"):
                yield from (f"{folder}/{name}"[len(base) + 1 :] for name in names)
        return
    for match in FileSystems.match([*(f"{base}/{top}/**" for top in FOLDERS), f"{base}/.*"]):
        yield from (meta.path[len(base) + 1 :] for meta in match.metadata_list)


def clean(output: str, before: dict[str, Any] | None, now: dict[str, Any], raw: Collection[str] = ()) -> None:
    """Remove what no reader needs any more: parts of the state before, and leftovers of killed runs.

    Args:
        output: output folder.
        before: the manifest that was published before, if any.
        now: the published manifest.
        raw: raw files that the dead letters name.
    """
    base = output.rstrip("/")
    keep = paths_of(now) | set(raw)
    gone: set[str] = set()
    for path in _written(base):
        name = path.rsplit("/", 1)[-1]
        if path not in keep and (path.endswith((".parquet", ".partial", ".raw")) or name.startswith(".outcome-")):
            gone.add(f"{base}/{path}")
    if before is not None:
        gone |= {f"{base}/{p}" for p in paths_of(before) - keep}
    delete_files(gone)
