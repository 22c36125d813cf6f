"""Parquet parts under an output folder, made visible by a manifest that is written last.

A part is named by its content, so writing it twice gives one file, and nothing is ever found by listing a folder: the
manifest names every part. Works on any Beam file system.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from schemas.tables import CONTRACT_VERSION

MANIFEST = "manifest.json"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file: relation, path relative to the output, rows, bytes, digest of its bytes."""

    relation: str
    path: str
    rows: int
    bytes: int
    digest: str


def is_local(path: str) -> bool:
    """Say whether a path is on the local file system."""
    return "://" not in path


def write_bytes(path: str, data: bytes) -> None:
    """Write a file so that it appears whole or not at all."""
    folder = path.rsplit("/", 1)[0]
    if is_local(path):
        with contextlib.suppress(BeamIOError, OSError):  # it is there already
            FileSystems.mkdirs(folder)
    partial = f"{folder}/.{uuid.uuid4().hex}.partial"
    with FileSystems.create(partial, compression_type=CompressionTypes.UNCOMPRESSED) as out:
        out.write(data)
    _put_in_place(partial, path)


def _put_in_place(partial: str, path: str) -> None:
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
    """Read a whole file."""
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as source:
        data: bytes = source.read()
    return data


def write_part(output: str, relation: str, stem: str, table: pa.Table) -> Part:
    """Write one part.

    Args:
        output: output folder.
        relation: relation of the rows.
        stem: beginning of the file's name.
        table: rows in the relation's schema.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", compression_level=1)
    data = sink.getvalue()
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    path = f"facts/{relation}/{stem}-{digest[:12]}.parquet"
    write_bytes(f"{output.rstrip('/')}/{path}", data.to_pybytes())
    return Part(relation, path, table.num_rows, data.size, digest)


def write_manifest(output: str, run: dict[str, Any], parts: list[Part]) -> None:
    """Make the parts of a run the published state; written last."""
    relations: dict[str, list[dict[str, Any]]] = {}
    for part in parts:
        relations.setdefault(part.relation, []).append(asdict(part))
    manifest = {
        "format_version": FORMAT_VERSION,
        "contract_version": CONTRACT_VERSION,
        "run": run,
        "relations": relations,
    }
    write_bytes(f"{output.rstrip('/')}/{MANIFEST}", json.dumps(manifest, indent=1).encode())


def read_manifest(output: str) -> dict[str, Any] | None:
    """Read the published state, None when there is none."""
    path = f"{output.rstrip('/')}/{MANIFEST}"
    if not FileSystems.exists(path):
        return None
    manifest: dict[str, Any] = json.loads(read_bytes(path))
    return manifest


def paths_of(manifest: dict[str, Any]) -> set[str]:
    """List the paths that a manifest names, relative to the output."""
    return {part["path"] for parts in manifest["relations"].values() for part in parts}


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
    """List what runs may have left in an output folder, relative to it: under `facts/`, and hidden files beside it."""
    if is_local(base):  # not by a pattern, for a path may hold brackets
        yield from (name for name in os.listdir(base) if name.startswith(".") and os.path.isfile(f"{base}/{name}"))
        for folder, _, names in os.walk(f"{base}/facts"):
            yield from (f"{folder}/{name}"[len(base) + 1 :] for name in names)
        return
    for match in FileSystems.match([f"{base}/facts/**", f"{base}/.*"]):
        yield from (meta.path[len(base) + 1 :] for meta in match.metadata_list)


def clean(output: str, before: dict[str, Any] | None, now: dict[str, Any]) -> None:
    """Remove what no reader needs any more: parts of the state before, and leftovers of killed runs.

    Args:
        output: output folder.
        before: the manifest that was published before, if any.
        now: the published manifest.
    """
    base = output.rstrip("/")
    keep = paths_of(now)
    gone: set[str] = set()
    for path in _written(base):
        name = path.rsplit("/", 1)[-1]
        if path not in keep and (path.endswith((".parquet", ".partial")) or name.startswith(".outcome-")):
            gone.add(f"{base}/{path}")
    if before is not None:
        gone |= {f"{base}/{p}" for p in paths_of(before) - keep}
    delete_files(gone)
