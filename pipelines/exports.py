"""Input files: which there are, and how their lines are read.

The reader takes bytes, not text, and inflates them itself: the usual readers take a cut gzip for a short file and
stop at the first byte that is no UTF-8. Every gzip member must end with its trailer, or the file is incomplete.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from isal import isal_zlib

from pipelines.storage_errors import reading

DEFAULT_MAX_LINE_BYTES = 16 << 20
_READ = 256 << 10
_INFLATE = 256 << 10  # with the lines that it is split into, it stays in the processor's cache
_HEAD = 4096
_DAMAGED: type[Exception] = isal_zlib.error  # type: ignore[assignment]
_MAGIC = b"\x1f\x8b"
_CUT = "the file ends inside a gzip member, its trailer is missing"
_YEARS = (1970, 2999)
_NAMES = (".ndjson", ".json", ".jsonl", ".ndjson.gz", ".json.gz", ".jsonl.gz")


class NoInputError(Exception):
    """There is nothing to read; the message says where it was looked for and what was expected."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of the input.

    Attributes:
        path: full path.
        name: path relative to the input, with `/`.
        day: its day folder, None in a flat folder.
        size: stored bytes.
        repeat_of: name of the first file with the same bytes.
        digest: digest of the stored bytes, when it had to be computed to tell repeats.
        modified: when it was last modified, in microseconds; None where the file system does not tell.
    """

    path: str
    name: str
    day: str | None
    size: int
    repeat_of: str | None = None
    digest: str | None = None
    modified: int | None = None


@dataclass(frozen=True, slots=True)
class TooLong:
    """A line beyond the limit: its length and how it begins."""

    length: int
    head: bytes


@dataclass(frozen=True, slots=True)
class FileReport:
    """What reading a file showed.

    Attributes:
        bytes_stored: stored bytes.
        digest: BLAKE2b-128 of the stored bytes.
        complete: every gzip member ended with its trailer.
        problem: what is wrong when it is not complete.
        tail: what stands behind the last whole line of an incomplete file, its first 4 KiB. A cut file gives every
            line before the cut; a damaged one may keep the last quarter of a mebibyte before the damage back.
    """

    bytes_stored: int
    digest: str
    complete: bool
    problem: str | None
    tail: bytes


def _open(path: str) -> Any:
    return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)


def digest_of(path: str) -> str:
    """Give the BLAKE2b-128 digest of the stored bytes of a file.

    Raises:
        StorageError: it can't be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    with reading(path), _open(path) as source:
        while block := source.read(_READ):
            digest.update(block)
    return digest.hexdigest()


def discover(source: str, first: str | None = None, last: str | None = None) -> list[InputFile]:
    """List the files of an input folder: day folders `YYYY-MM-DD` within the range, else a flat folder.

    Args:
        source: folder, local or on any Beam file system.
        first: first day to read, `YYYY-MM-DD`.
        last: last day to read.

    Returns:
        Files in the order of day and name; `mark_repeats` tells which are the same.

    Raises:
        NoInputError: there is no day folder and no file, or a range of days is asked of a flat folder.
    """
    base = source.rstrip("/") or "/"
    found = [
        InputFile(path, name, name.split("/")[0] if "/" in name else None, size, modified=modified)
        for path, name, size, modified in _listing(base)
        if _is_export(name)
    ]
    if any(f.day is not None for f in found):
        found = [f for f in found if f.day is not None and (first or "") <= f.day <= (last or "9999")]
    elif found and (first or last):
        raise NoInputError(
            f"{source} is a flat folder, which has no days to choose; leave --from and --to out, or put the files into "
            "folders YYYY-MM-DD"
        )
    if not found:
        days = f" of {first or 'the beginning'} to {last or 'the end'}" if first or last else ""
        raise NoInputError(
            f"no files found in {source}{days}, expected day folders YYYY-MM-DD (or files) ending in "
            f"{', '.join(_NAMES)}; check the path"
        )
    found.sort(key=lambda f: (f.day or "", f.name))
    return found


def _listing(base: str) -> Iterator[tuple[str, str, int, int | None]]:
    """List path, name, size and time of the files in a folder and in its day folders.

    Local folders are listed here: Beam would take brackets in a path for a pattern, and it passes over a day folder
    that is a link, so that a day would be missing without a word.
    """
    if "://" in base:
        for match in FileSystems.match([f"{base}/**"]):
            for meta in match.metadata_list:
                at = meta.last_updated_in_seconds
                name = meta.path[len(base) :].lstrip("/")
                yield meta.path, name, meta.size_in_bytes, round(at * 1_000_000) if at else None
        return
    root = base.rstrip("/")
    if not os.path.isdir(base):
        return
    for name in os.listdir(base):
        if not os.path.isdir(f"{root}/{name}"):
            names = [name]
        elif is_day(name):
            names = [f"{name}/{n}" for n in os.listdir(f"{root}/{name}")]
        else:
            continue
        for inner in names:
            path = f"{root}/{inner}"
            if _is_export(inner) and not os.path.isdir(path):
                with reading(path):
                    about = os.stat(path)
                yield path, inner, about.st_size, about.st_mtime_ns // 1000


def modified_at(path: str) -> int | None:
    """Give when a file was last modified, in microseconds, as `discover` does; None for one that is not local."""
    return os.stat(path).st_mtime_ns // 1000 if "://" not in path else None


def strays(source: str, listing: Iterable[InputFile], besides: str) -> dict[str, int]:
    """Count the files in an input that are named as exports but lie where nothing is read, by folder.

    Those are in folders that are no days of the calendar, in folders within day folders, and beside day folders.

    Args:
        source: folder, local or on any Beam file system.
        listing: its files that are read.
        besides: output folder, which may lie in the input.
    """
    base = source.rstrip("/") or "/"
    known = {f.path for f in listing}
    found = Counter[str]()
    for path in _everything(base):
        *folders, file = path[len(base) :].lstrip("/").split("/")
        hidden = any(part.startswith((".", "_")) for part in (*folders, file))
        if file.endswith(_NAMES) and not hidden and path not in known and not path.startswith(f"{besides}/"):
            found["/".join(folders) or "."] += 1
    return dict(sorted(found.items()))


def _everything(base: str) -> Iterator[str]:
    if "://" in base:
        for match in FileSystems.match([f"{base}/**"]):
            yield from (meta.path for meta in match.metadata_list)
        return
    root = base.rstrip("/")
    for folder, _, names in os.walk(root or "/"):
        yield from (f"{folder}/{name}" for name in names)


def is_day(name: str) -> bool:
    """Say whether a folder is named as a day of the calendar, `YYYY-MM-DD`."""
    try:
        day = date.fromisoformat(name)
    except ValueError:
        return False
    return day.isoformat() == name and _YEARS[0] <= day.year <= _YEARS[1]


def _is_export(name: str) -> bool:
    *folders, file = name.split("/")
    if file.startswith((".", "_")) or not file.endswith(_NAMES):
        return False
    return not folders or (len(folders) == 1 and is_day(folders[0]))


def mark_repeats(files: list[InputFile], known: Mapping[int, Mapping[str, str]] | None = None) -> list[InputFile]:
    """Mark files with the same bytes as an earlier one; only those whose size is shared with another are read for it.

    Args:
        files: in their order.
        known: digest to name by size, of files that earlier runs have read.
    """
    known = known or {}
    sizes = Counter(f.size for f in files)
    seen: dict[str, str] = {}
    marked: list[InputFile] = []
    for f in files:
        if sizes[f.size] > 1 or f.size in known:
            digest = f.digest or digest_of(f.path)
            first = known.get(f.size, {}).get(digest) or seen.get(digest)
            f = replace(f, digest=digest, repeat_of=first)
            seen.setdefault(digest, f.name)
        marked.append(f)
    return marked


class _Broken(Exception):
    """The stored bytes are no complete gzip."""


class _Pending:
    """A line whose end has not come yet; once it is over the limit, only its head and its length are kept."""

    __slots__ = ("_last", "_limit", "_over", "_pieces", "length")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._clear()

    def _clear(self) -> None:
        self._pieces: list[bytes] = []
        self._last, self._over, self.length = b"", False, 0

    def add(self, piece: bytes) -> None:
        """Go on with the line."""
        if not piece:
            return
        self.length += len(piece)
        self._last = piece[-1:]
        if not self._over:
            self._pieces.append(piece)
            if self.length <= self._limit + 1:  # the one more may be the carriage return, which does not count
                return
            self._over, self._pieces = True, [self.head()]
        elif len(self._pieces[0]) < _HEAD:
            self._pieces = [(self._pieces[0] + piece[:_HEAD])[:_HEAD]]

    def head(self) -> bytes:
        """Give how the line begins."""
        return b"".join(self._pieces)[:_HEAD]

    def take(self) -> bytes | TooLong:
        """Give the line, without its carriage return, and begin the next one."""
        length = self.length - (self._last == b"\r")
        too_long = length > self._limit
        line = TooLong(length, self.head()[:length]) if too_long else b"".join(self._pieces)[:length]
        self._clear()
        return line


class LineReader:
    """Reads the lines of one file; `report` is there once all have been read.

    Iterating gives `(number of the first line, lines)` for some hundred kilobytes at a time; lines are numbered from 1,
    blank ones are given as empty bytes, and a line beyond the limit as `TooLong`, without ever being held whole.
    """

    def __init__(self, file: InputFile, max_line_bytes: int = DEFAULT_MAX_LINE_BYTES) -> None:
        """Read `file`, with lines of at most `max_line_bytes`."""
        self._file, self._limit = file, max_line_bytes
        self._report: FileReport | None = None
        self._digest = hashlib.blake2b(digest_size=16)
        self._stored = 0

    @property
    def report(self) -> FileReport:
        """What reading the file showed."""
        assert self._report is not None, "the file has not been read to its end"
        return self._report

    def __iter__(self) -> Iterator[tuple[int, list[bytes | TooLong]]]:
        """Give the lines chunk by chunk."""
        number = 1
        pending = _Pending(self._limit)
        problem: str | None = None
        chunks = self._inflate()
        while True:
            try:
                chunk = next(chunks, None)
            except _Broken as err:
                problem = str(err)
                break
            if chunk is None:
                break
            pieces = chunk.split(b"\n")
            rest = pieces.pop()
            if pieces:
                begun: bytes | TooLong | None = None
                if pending.length:
                    pending.add(pieces[0])
                    pieces[0], begun = b"", pending.take()
                lines = self._clean(pieces)
                if begun is not None:
                    lines[0] = begun
                yield number, lines
                number += len(lines)
            pending.add(rest)
        tail = b""
        if problem is not None:
            tail = pending.head()
        elif pending.length:
            yield number, [pending.take()]
        self._report = FileReport(self._stored, self._digest.hexdigest(), problem is None, problem, tail)

    def _clean(self, pieces: list[bytes]) -> list[bytes | TooLong]:
        limit = self._limit
        lines: list[bytes | TooLong] = [p[:-1] if p.endswith(b"\r") else p for p in pieces]
        for i, line in enumerate(lines):
            if len(line) > limit:  # type: ignore[arg-type]
                lines[i] = TooLong(len(line), line[:_HEAD])  # type: ignore[arg-type, index]
        return lines

    def _stored_blocks(self) -> Iterator[bytes]:
        with reading(self._file.path), _open(self._file.path) as source:
            while block := source.read(_READ):
                self._stored += len(block)
                self._digest.update(block)
                yield block

    def _inflate(self) -> Iterator[bytes]:
        blocks = self._stored_blocks()
        block = next(blocks, b"")
        if len(block) == 1:
            block += next(blocks, b"")
        if block == _MAGIC[:1]:  # it begins no JSON, but every gzip
            raise _Broken(_CUT)
        if not block.startswith(_MAGIC):
            if block:
                yield block
            yield from blocks
            return
        member = isal_zlib.decompressobj(wbits=31)
        try:
            while True:
                data = member.decompress(block, _INFLATE)
                if data:
                    yield data
                if member.eof:
                    block = member.unused_data
                    while not block.strip(b"\0"):  # padding between members is allowed
                        following = next(blocks, None)
                        if following is None:
                            return
                        block = following
                    block = block.lstrip(b"\0")
                    if len(block) == 1:
                        block += next(blocks, b"")
                    if not block.startswith(_MAGIC):
                        self._drain(blocks)
                        raise _Broken("bytes that are no gzip stand behind the last member")
                    member = isal_zlib.decompressobj(wbits=31)
                    continue
                block = member.unconsumed_tail
                if not block and len(data) < _INFLATE:  # else it may hold more, though it has taken all that was given
                    following = next(blocks, None)
                    if following is None:
                        raise _Broken(_CUT)
                    block = following
        except _DAMAGED as err:
            self._drain(blocks)
            raise _Broken(f"the gzip data is damaged ({err})") from err

    @staticmethod
    def _drain(blocks: Iterator[bytes]) -> None:
        """Read on to the end, so that size and digest are those of the whole file."""
        for _ in blocks:
            pass
