"""Files that can't be read or written, told so that whoever reads the message knows what to do."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_RIGHT = {errno.EACCES, errno.EPERM, errno.EROFS}


class StorageError(OSError):
    """A file can't be read or written; the message says which, why, and what to do."""


@contextlib.contextmanager
def reading(path: str) -> Iterator[None]:
    """Name the file when reading it fails.

    Raises:
        StorageError: it can't be read.
    """
    try:
        yield
    except Exception as err:
        if not _of_storage(err):
            raise
        remedy = {
            errno.ENOENT: "it was there when the input was listed, or it is a link to nothing; run again",
            errno.ELOOP: "remove the link and run again",
        }.get(_number(err), "run again when it can be read")
        raise StorageError(f"can't read {path}: {_words(err)}; {remedy}") from err


@contextlib.contextmanager
def reading_part(path: str, relation: str) -> Iterator[None]:
    """Name the part of an output when reading it fails, and say how it can be made again.

    Raises:
        StorageError: it can't be read, or it is damaged.
    """
    try:
        yield
    except Exception as err:
        damaged = type(err).__name__ == "ArrowInvalid" or (isinstance(err, OSError) and not err.errno)
        if not damaged and not _of_storage(err):
            raise
        why = f"it is damaged ({_words(err)})" if damaged else _words(err)
        remedy = "flowfacts rebuild --apply makes it again from the event log"
        if relation in _SOURCES:
            remedy = "bring it back from a copy of the output, or compute all facts from raw files in another --output"
        if damaged or _number(err) == errno.ENOENT:
            raise StorageError(f"can't read {path}: {why}; {remedy}") from err
        raise StorageError(f"can't read {path}: {why}; run again when it can be read") from err


_SOURCES = ("event_log", "input_file", "day_book", "pipeline_run", "dead_letter")
"""What can't be computed from anything else in the output."""


@contextlib.contextmanager
def writing(path: str) -> Iterator[None]:
    """Name the file when writing it fails.

    Raises:
        StorageError: it can't be written.
    """
    try:
        yield
    except Exception as err:
        if not _of_storage(err):
            raise
        number = _number(err)
        remedy = "run again"
        if number in _NO_ROOM:
            remedy = "make room and run again"
        elif number in _NO_RIGHT:
            remedy = "allow it to be written and run again"
        raise StorageError(f"can't write {path}: {_words(err)}; {remedy}") from err


def _of_storage(err: Exception) -> bool:
    """Say whether an error is one of reading or writing that does not name its file yet.

    Beam's own is known by its name, for loading Beam is slow.
    """
    return not isinstance(err, StorageError) and (isinstance(err, OSError) or type(err).__name__ == "BeamIOError")


def _number(err: Exception) -> int:
    return (err.errno or 0) if isinstance(err, OSError) else 0


def _words(err: Exception) -> str:
    text = (err.strerror if isinstance(err, OSError) else None) or str(err) or type(err).__name__
    return text.splitlines()[0]
