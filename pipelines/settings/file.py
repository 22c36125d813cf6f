"""The file of options, `flowfacts.toml`: found, read, and checked for what nobody would read."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pipelines.commands import COMMANDS, SHARED
from pipelines.options import OptionError
from pipelines.settings.declared import CONFIG, CREDENTIALS, PREFIX, all_options, as_variable
from pipelines.settings.values import names_secret

DEFAULT: Final = "flowfacts.toml"
BEAM: Final = "beam"
"""Name of the table, in that of a command, with options that go to Beam."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of options.

    Attributes:
        path: where it is; None when there is none.
        tables: its tables by dotted name.
    """

    path: str | None = None
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def find(named: str | None, environ: Mapping[str, str]) -> str | None:
    """Say which file is read: the named one, that of the variable, or the one in the working folder; else None."""
    if named is not None:
        return named
    return environ.get(CONFIG) or (DEFAULT if Path(DEFAULT).is_file() else None)


def load(path: str | None) -> File:
    """Read a file.

    Raises:
        OptionError: it can't be read, or is no TOML.
    """
    if path is None:
        return File()
    try:
        with open(path, "rb") as file:
            found = tomllib.load(file)
    except OSError as err:
        raise OptionError(
            f"the configuration file {path} can't be read: {err.strerror}; write one with flowfacts config example"
        ) from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise OptionError(f"{path} is no TOML: {err}") from None  # the message has line and column, and no value
    tables: dict[str, dict[str, Any]] = {}
    _flatten("", found, tables)
    return File(path, tables)


def _flatten(name: str, table: Mapping[str, Any], into: dict[str, dict[str, Any]]) -> None:
    into[name] = {k: v for k, v in table.items() if not isinstance(v, dict)}
    for key, value in table.items():
        if isinstance(value, dict):
            _flatten(f"{name}.{key}" if name else key, value, into)


def known_keys() -> dict[str, set[str]]:
    """Give what each table may have, from the declarations."""
    known: dict[str, set[str]] = {"common": set(SHARED)}
    for options in all_options().values():
        for option in options:
            for table in option.tables:
                known.setdefault(table, set()).add(option.name)
    return known


def problems_of(file: File, only: str | None = None) -> list[str]:
    """Say what in a file nobody would read: unknown tables and keys, each with the nearest known.

    Args:
        file: the file.
        only: a command, to look at what concerns it alone: its tables, [common] and tables of no command.
    """
    known = known_keys()
    found = []
    for table, keys in file.tables.items():
        top, _, inner = table.partition(".")
        if only is not None and top in COMMANDS and top != only:
            continue
        if inner.split(".")[-1] == BEAM and top in COMMANDS and table.count(".") == 1:
            if not COMMANDS[top].beam:
                found.append(f"{file.path}: [{table}]: {top} passes nothing on to Beam")
            continue
        if table == "" or table not in known:
            found += _unknown_table(file, table, keys, known)
            continue
        for key in keys:
            if key not in known[table]:
                found.append(f"{file.path}: [{table}] {key}: {_hint(key, table, known)}")
    return found


def _unknown_table(file: File, table: str, keys: Mapping[str, Any], known: Mapping[str, set[str]]) -> list[str]:
    if table == "":
        return [
            f"{file.path}: {key} stands in no table: options stand in [common] or in the table of a command"
            for key in keys
        ]
    if any(t.startswith(f"{table}.") for t in known) and not keys:
        return []
    near = difflib.get_close_matches(table, known, n=1)
    hint = f"did you mean [{near[0]}]?" if near else f"known are {', '.join(f'[{t}]' for t in sorted(known))}"
    return [f"{file.path}: [{table}]: no such command; {hint}"]


def _hint(key: str, table: str, known: Mapping[str, set[str]]) -> str:
    if names_secret(key):
        return "unknown, and secrets do not belong in this file: give a reference to it, or set it in the environment"
    elsewhere = sorted(t for t, keys in known.items() if key in keys)
    near = difflib.get_close_matches(key.replace("_", "-"), known[table], n=1, cutoff=0.5)
    if near and not (table == "common" and elsewhere):
        return f"unknown; did you mean {near[0]}?"
    if table == "common" and elsewhere:
        return f"means something else for each command: put it in {', '.join(f'[{t}]' for t in elsewhere)}"
    return f"unknown; known are {', '.join(sorted(known[table]))}"


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Say which variables of ours nobody would read, each with the nearest known."""
    known = {v for options in all_options().values() for o in options for v in o.variables} | {CONFIG, *CREDENTIALS}
    beam = tuple(f"{PREFIX}{as_variable(n)}_BEAM_" for n, c in COMMANDS.items() if c.beam)
    found = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in known or name.startswith(beam) or is_service_link(environ[name]):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        found.append(f"{name} is read by nobody" + (f"; did you mean {near[0]}?" if near else ""))
    return found


def is_service_link(value: str) -> bool:
    """Say whether a value was put there by Kubernetes, which names a variable after each service it knows."""
    return value.startswith(("tcp://", "udp://", "sctp://"))
