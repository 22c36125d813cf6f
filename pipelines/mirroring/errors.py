"""What may go wrong while mirroring, by what is to be done about it."""

from __future__ import annotations

from typing import Any


class MirrorError(Exception):
    """It can't begin: the message says which argument, bucket, key or folder, and what was expected."""


class SourceGoneError(Exception):
    """The object is not there any more."""


class ReplacedError(Exception):
    """The object has another generation by now."""


class ObjectError(Exception):
    """One object can't be copied; the message says why, and the others go on."""


class DeniedError(ObjectError):
    """There is no permission to read it."""


class PassingError(Exception):
    """An error that may pass: worth another try."""


class DestinationError(Exception):
    """The destination can't be written to; nothing else could be, either."""


class StoppedError(Exception):
    """The run is to end; what has come so far stays for the next one."""


def words(err: BaseException) -> str:
    """Name an error of a cloud call without quoting what came with it.

    The text of an answer may hold the address of an account, which is part of a key, or anything else; its code and its
    kind may not.
    """
    code: Any = getattr(err, "code", None)
    name = type(err).__name__
    return f"{int(code)} {name}" if isinstance(code, int) else name
