"""Identifiers found and replaced in the files of an output, and in raw copies: whatever their format.

Nothing is trusted to be where it should be: every text and every binary column of every table is searched, and the
raw bytes of every file besides.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from apache_beam.io.filesystems import FileSystems

from pipelines.datasets import is_local, read_bytes
from transforms.erasure import replace_identifiers
from transforms.event import decode_block, encode_block
from transforms.event_log import scrub_facts

Pseudonyms = Mapping[str, str]
"""Pseudonym by identifier."""


LONG = 8
"""Characters from which an identifier is searched in any bytes; a shorter one is found in others by chance, and is
looked for as a whole value or a whole word."""


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _word(needle: str) -> str:
    """Write a pattern for a needle that is no part of a longer word."""
    return rf"(?:^|[^0-9A-Za-z]){re.escape(needle)}(?:$|[^0-9A-Za-z])"


def _holds(column: pa.ChunkedArray, needles: Iterable[str], *, strict: bool) -> bool:
    """Say whether a text or binary column has a needle as a value; when strict, also within a value."""
    wanted = sorted(needles)
    if _is_text(column.type):
        if pc.any(pc.is_in(column, value_set=pa.array(wanted, pa.string()))).as_py():
            return True
        return strict and any(pc.any(_within(column, n)).as_py() for n in wanted)
    return any(pc.any(pc.match_substring(column, n.encode())).as_py() for n in wanted)


def _within(column: pa.ChunkedArray, needle: str) -> Any:
    if len(needle) >= LONG:
        return pc.match_substring(column, needle)
    return pc.match_substring_regex(column, _word(needle))


def columns_with(table: pa.Table, needles: Iterable[str], *, strict: bool = True) -> list[str]:
    """List the columns in which a needle occurs.

    Args:
        table: any table.
        needles: identifiers.
        strict: find them within longer texts, too.
    """
    found = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_list(column.type):
            column = pc.list_flatten(column)
        if (_is_text(column.type) or pa.types.is_binary(column.type)) and _holds(column, needles, strict=strict):
            found.append(name)
    return found


def scrub_table(table: pa.Table, pseudonyms: Pseudonyms) -> pa.Table | None:
    """Replace identifiers in a table; None when it has none."""
    hit = columns_with(table, pseudonyms)
    if not hit:
        return None
    for name in hit:
        at, column = table.column_names.index(name), table.column(name)
        change: Callable[[Any], Any]
        if name == "deliveries":
            change = partial(_scrub_deliveries, pseudonyms=pseudonyms)
        elif name == "facts":
            change = partial(_scrub_facts, pseudonyms=pseudonyms)
        elif name == "detail":
            change = partial(_replace_words, pseudonyms=pseudonyms)
        else:
            change = partial(_replace, pseudonyms=pseudonyms)
        values = [change(v) for v in column.to_pylist()]
        table = table.set_column(at, table.schema.field(at), pa.array(values, column.type))
    return table


def _replace(value: Any, pseudonyms: Pseudonyms) -> Any:
    """Replace identifiers that are a whole value; within a longer id of the platform they stand by chance."""
    if isinstance(value, list):
        return [_replace(v, pseudonyms) for v in value]
    return pseudonyms.get(value, value) if isinstance(value, str) else value


def _replace_words(value: str | None, pseudonyms: Pseudonyms) -> str | None:
    for identifier, pseudonym in pseudonyms.items():
        if value is not None:
            value = re.sub(rf"(?<![0-9A-Za-z]){re.escape(identifier)}(?![0-9A-Za-z])", pseudonym, value)
    return value


def _scrub_deliveries(raw: bytes, pseudonyms: Pseudonyms) -> bytes:
    if not any(i.encode() in raw for i in pseudonyms):
        return raw
    events = decode_block(raw)
    replace_identifiers(events, pseudonyms)
    return encode_block(events)


def _scrub_facts(raw: bytes | None, pseudonyms: Pseudonyms) -> bytes | None:
    if raw is None or not any(i.encode() in raw for i in pseudonyms):
        return raw
    return scrub_facts(raw, lambda value: _replace(value, pseudonyms))


def scrub_lines(data: bytes, needles: Iterable[str]) -> tuple[bytes, int]:
    """Empty the lines of a raw file that hold a needle; give the rest, and how many there were.

    The lines stay as empty ones, so that the others keep their numbers.
    """
    pattern = re.compile(b"|".join(_in_json(form) for n in sorted(needles) for form in sorted(forms(n))))
    plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    lines = plain.split(b"\n")
    count = 0
    for i, line in enumerate(lines):
        if pattern.search(line):
            lines[i] = b""
            count += 1
    if not count:
        return data, 0
    left = b"\n".join(lines)
    return (gzip.compress(left, 6, mtime=0) if plain is not data else left), count


def _in_json(form: bytes) -> bytes:
    return rb"(?<![0-9A-Za-z])" + re.escape(form) + rb"(?![0-9A-Za-z])"


def forms(needle: str) -> set[bytes]:
    """Give the bytes in which a text can stand in JSON: as it is, and with its characters escaped."""
    escaped = "".join(c if c.isascii() else "".join(f"\\u{u:04x}" for u in _utf16(c)) for c in needle)
    quoted = needle.replace("\\", "\\\\").replace('"', '\\"')
    slashed = quoted.replace("/", "\\/")
    return {f.encode() for f in (needle, escaped, escaped.upper().replace("\\U", "\\u"), quoted, slashed)}


def _utf16(character: str) -> list[int]:
    data = character.encode("utf-16-be")
    return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]


def search(folder: str, needles: Iterable[str]) -> list[str]:
    """List the files under a folder in which a needle is found, in whatever way the format packs it."""
    wanted = sorted(needles)
    return [name for name, path in files_under(folder) if _found(path, wanted)]


def files_under(folder: str) -> Iterator[tuple[str, str]]:
    """Give name and path of every file under a folder."""
    base = folder.rstrip("/")
    if is_local(base):
        for place, _, names in os.walk(base):
            for name in sorted(names):
                path = f"{place}/{name}"
                yield path[len(base) + 1 :], path
        return
    for match in FileSystems.match([f"{base}/**"]):
        for meta in match.metadata_list:
            yield meta.path[len(base) + 1 :], meta.path


def _found(path: str, needles: list[str]) -> bool:
    if path.endswith(".duckdb"):
        return _in_duckdb(path, needles) or _in_bytes(Path(path).read_bytes(), needles)
    data = read_bytes(path)
    if path.endswith(".parquet"):
        table = pq.ParquetFile(pa.BufferReader(data)).read()
        return bool(columns_with(table, needles)) or _in_bytes(data, needles)
    text = _inflated(data) if data[:2] == b"\x1f\x8b" else data
    short = [_in_json(form) for n in needles if len(n) < LONG for form in sorted(forms(n))]
    return _in_bytes(text, needles) or (bool(short) and re.search(b"|".join(short), text) is not None)


def _inflated(data: bytes) -> bytes:
    """Inflate what can be: a cut file is searched as far as it goes."""
    out = b""
    while data[:2] == b"\x1f\x8b":
        member = zlib.decompressobj(31)
        try:
            out += member.decompress(data)
        except zlib.error:
            break
        data = member.unused_data
    return out


def _in_bytes(data: bytes, needles: list[str]) -> bool:
    return any(form in data for n in needles if len(n) >= LONG for form in forms(n))


def _in_duckdb(path: str, needles: list[str]) -> bool:
    with duckdb.connect(path, read_only=True) as con:
        for schema, table, column in con.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns() "
            "WHERE data_type LIKE 'VARCHAR%' AND NOT internal"
        ).fetchall():
            for needle in needles:
                test = (
                    f'contains("{column}"::VARCHAR, ?)'
                    if len(needle) >= LONG
                    else f'regexp_matches("{column}"::VARCHAR, ?)'
                )
                wanted = needle if len(needle) >= LONG else _word(needle)
                ((hit,),) = con.execute(f'SELECT count(*) FROM "{schema}"."{table}" WHERE {test}', [wanted]).fetchall()
                if hit:
                    return True
    return False
