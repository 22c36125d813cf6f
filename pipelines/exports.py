"""Input files: which there are, and how their lines are read.

The reader takes bytes, not text, and inflates them itself: the usual readers take a cut gzip for a short file and
stop at the first byte that is no UTF-8. Every gzip member must end with its trailer, or the file is incomplete.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from isal import isal_zlib

DEFAULT_MAX_LINE_BYTES = 16 << 20
_READ = 256 << 10
_INFLATE = 1 << 20
_HEAD = 4096
_DAMAGED: type[Exception] = isal_zlib.error  # type: ignore[assignment]
_MAGIC = b"\x1f\x8b"
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
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
    """

    path: str
    name: str
    day: str | None
    size: int
    repeat_of: str | None = None
    digest: str | None = None


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
        tail: what stands behind the last whole line of an incomplete file.
    """

    bytes_stored: int
    digest: str
    complete: bool
    problem: str | None
    tail: bytes


def _open(path: str) -> Any:
    return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)


def digest_of(path: str) -> str:
    """Give the BLAKE2b-128 digest of the stored bytes of a file."""
    digest = hashlib.blake2b(digest_size=16)
    with _open(path) as source:
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
        Files in the order of day and name. Files with the same bytes as an earlier one name it in `repeat_of`; only
        files whose size is shared with another are read for that.

    Raises:
        NoInputError: there is no day folder and no file.
    """
    base = source.rstrip("/")
    found: list[InputFile] = []
    for match in FileSystems.match([f"{base}/**"]):
        for meta in match.metadata_list:
            name = meta.path[len(base) :].lstrip("/")
            parts = name.split("/")
            if any(p.startswith((".", "_")) for p in parts) or not parts[-1].endswith(_NAMES):
                continue
            if len(parts) == 2 and _DAY.match(parts[0]):
                if (first is None or parts[0] >= first) and (last is None or parts[0] <= last):
                    found.append(InputFile(meta.path, name, parts[0], meta.size_in_bytes))
            elif len(parts) == 1:
                found.append(InputFile(meta.path, name, None, meta.size_in_bytes))
    if any(f.day is not None for f in found):
        found = [f for f in found if f.day is not None]
    if not found:
        days = f" of {first or 'the beginning'} to {last or 'the end'}" if first or last else ""
        raise NoInputError(
            f"no files found in {source}{days}, expected day folders YYYY-MM-DD (or files) ending in "
            f"{', '.join(_NAMES)}; check the path"
        )
    found.sort(key=lambda f: (f.day or "", f.name))
    return _mark_repeats(found)


def _mark_repeats(files: list[InputFile]) -> list[InputFile]:
    sizes: dict[int, int] = defaultdict(int)
    for f in files:
        sizes[f.size] += 1
    seen: dict[str, str] = {}
    marked: list[InputFile] = []
    for f in files:
        if sizes[f.size] > 1:
            digest = digest_of(f.path)
            f = replace(f, digest=digest, repeat_of=seen.get(digest))
            seen.setdefault(digest, f.name)
        marked.append(f)
    return marked


class _Broken(Exception):
    """The stored bytes are no complete gzip."""


class LineReader:
    """Reads the lines of one file; `report` is there once all have been read.

    Iterating gives `(number of the first line, lines)` for a few megabytes at a time; lines are numbered from 1,
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
        rest: list[bytes] = []  # pieces of a line whose end has not come yet
        held = dropped = 0  # bytes in `rest`; bytes of an over-long line that were let go
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
            end = chunk.rfind(b"\n")
            if end < 0:
                if dropped or held + len(chunk) > self._limit:
                    dropped += len(chunk)
                    rest = (
                        [b"".join(rest)[:_HEAD]] if held + dropped > self._limit and rest else rest or [chunk[:_HEAD]]
                    )
                else:
                    rest.append(chunk)
                    held += len(chunk)
                continue
            pieces: list[bytes | TooLong] = list(chunk[:end].split(b"\n"))
            if rest or dropped:
                head = pieces[0]
                assert isinstance(head, bytes)
                if dropped or held + len(head) > self._limit:
                    whole = held + dropped + len(head)
                    pieces[0] = TooLong(whole, b"".join([*rest, head])[:_HEAD])
                else:
                    pieces[0] = b"".join([*rest, head])
            yield number, self._clean(pieces)
            number += len(pieces)
            tail = chunk[end + 1 :]
            rest, held, dropped = ([tail] if tail else []), len(tail), 0
        last = b"".join(rest)
        complete = problem is None
        if complete and last:
            line: bytes | TooLong = TooLong(held + dropped, last[:_HEAD]) if dropped else last
            yield number, self._clean([line])
            last = b""
        self._report = FileReport(
            self._stored, self._digest.hexdigest(), complete, problem, b"" if complete else last[:_HEAD]
        )

    def _clean(self, lines: list[bytes | TooLong]) -> list[bytes | TooLong]:
        limit = self._limit
        for i, line in enumerate(lines):
            if isinstance(line, bytes):
                if line.endswith(b"\r"):
                    line = lines[i] = line[:-1]
                if len(line) > limit:
                    lines[i] = TooLong(len(line), line[:_HEAD])
        return lines

    def _stored_blocks(self) -> Iterator[bytes]:
        with _open(self._file.path) as source:
            while block := source.read(_READ):
                self._stored += len(block)
                self._digest.update(block)
                yield block

    def _inflate(self) -> Iterator[bytes]:
        blocks = self._stored_blocks()
        block = next(blocks, b"")
        if len(block) == 1:
            block += next(blocks, b"")
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
                if not block:
                    following = next(blocks, None)
                    if following is None:
                        raise _Broken("the file ends inside a gzip member, its trailer is missing")
                    block = following
        except _DAMAGED as err:
            self._drain(blocks)
            raise _Broken(f"the gzip data is damaged ({err})") from err

    @staticmethod
    def _drain(blocks: Iterator[bytes]) -> None:
        """Read on to the end, so that size and digest are those of the whole file."""
        for _ in blocks:
            pass
