"""Values of options as they stand in a file or a variable: checked against the declaration, and put into words.

What looks like a secret is refused, and never quoted: a file of options gets copied, mailed and committed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
from pathlib import Path
from typing import Any, Final

from pipelines.settings.declared import Option

_SECRET_VALUE: Final = re.compile(
    r"PRIVATE KEY|private_key|^AIza[\w-]{20}|^eyJ[\w-]{10}|^ya29\.|^GOCSPX-|-----BEGIN|://[^/\s:@]+:[^/\s@]+@"
)
_SECRET_NAME: Final = re.compile(r"password|passwd|secret|token|credential|api[-_]?key|private[-_]?key", re.IGNORECASE)
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
MASK: Final = "(hidden)"


class SettingError(Exception):
    """A value can't be used; the message says what it is and what was expected, but does not quote a secret."""


def looks_secret(value: object) -> bool:
    """Say whether a value looks like a secret."""
    return isinstance(value, str) and _SECRET_VALUE.search(value) is not None


def names_secret(name: str) -> bool:
    """Say whether a name is that of a secret."""
    return _SECRET_NAME.search(name) is not None


def shown(value: object) -> str:
    """Put a value into words; hides what looks like a secret."""
    if isinstance(value, list):
        return ", ".join(shown(v) for v in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return MASK if looks_secret(value) else os.fspath(value) if isinstance(value, Path) else str(value)


def from_text(option: Option, text: str) -> Any:
    """Read the value of a variable.

    Raises:
        SettingError: it can't be used.
    """
    if option.is_switch:
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise SettingError(f"is {_quoted(text)}, expected true or false")
        return word in _TRUE
    if option.is_list:
        return [checked(option, part) for part in text.split(",") if part]
    return checked(option, text)


def from_file(option: Option, value: object) -> Any:
    """Read a value of the file.

    Raises:
        SettingError: it can't be used.
    """
    if option.is_switch:
        if not isinstance(value, bool):
            raise SettingError(f"is {_quoted(value)}, expected true or false")
        return value
    if option.is_list:
        return [checked(option, v) for v in (value if isinstance(value, list) else [value])]
    return checked(option, value)


def checked(option: Option, value: object) -> str:
    """Check one value as argparse would, and give it as on the command line.

    Raises:
        SettingError: it can't be used.
    """
    if isinstance(value, (bool, list, dict)):
        raise SettingError(f"is {_quoted(value)}, expected {expected(option)}")
    if isinstance(value, (dt.datetime, dt.date)):
        value = value.isoformat().replace("+00:00", "Z")
    text = str(value)
    if looks_secret(text):
        raise SettingError("looks like a secret: give a reference to it (a file, a variable or a secret's name)")
    kind = option.action.type
    try:
        read: Any = kind(text) if callable(kind) else text
    except (TypeError, ValueError, argparse.ArgumentTypeError):
        raise SettingError(f"is {_quoted(value)}, expected {expected(option)}") from None
    choices = option.action.choices
    if choices is not None and read not in choices:
        raise SettingError(f"is {_quoted(value)}, expected {expected(option)}")
    return text


def expected(option: Option) -> str:
    """Say in words what an option takes."""
    if option.is_switch:
        return "true or false"
    if option.action.choices is not None:
        return "one of " + ", ".join(str(c) for c in option.action.choices)
    kind = getattr(option.action.type, "__name__", "text")
    return {"int": "a whole number", "float": "a number", "Path": "a path"}.get(kind, "text")


def _quoted(value: object) -> str:
    return MASK if looks_secret(value) else repr(value)
