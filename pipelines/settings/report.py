"""What `flowfacts config` tells: problems, values with their origin, and a file to begin with."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Mapping
from typing import Any

from pipelines.commands import COMMANDS, SHARED
from pipelines.options import OptionError
from pipelines.settings.declared import CREDENTIALS, Option, all_options
from pipelines.settings.effective import Setting, beam_words, settings_of
from pipelines.settings.file import find, load, problems_of, unknown_variables
from pipelines.settings.values import expected, shown


def check(named: str | None, environ: Mapping[str, str]) -> dict[str, Any]:
    """Look at all commands: what is wrong, and what is set.

    Raises:
        OptionError: the file can't be read.
    """
    path = find(named, environ)
    file = load(path)
    problems = problems_of(file) if path is not None else []
    told: list[dict[str, Any]] = []
    for command, options in all_options().items():
        settings, wrong = settings_of(options, file, environ)
        problems += [p for p in wrong if p not in problems]
        told += [_row(s) for s in settings if s.level]
        told += _beam(command, named, environ, problems)
    return {
        "file": path,
        "problems": problems,
        "warnings": unknown_variables(environ),
        "credentials": {name: "set" for name in CREDENTIALS if environ.get(name)},
        "settings": told,
    }


def show(command: str, named: str | None, environ: Mapping[str, str]) -> dict[str, Any]:
    """Look at one command: all of its options.

    Raises:
        OptionError: there is no such command, or the file can't be read.
    """
    known = all_options()
    if command not in known:
        near = [c for c in known if c.startswith(f"{command} ")] or difflib.get_close_matches(command, known, n=1)
        raise OptionError(f"no command {command!r}" + (f"; did you mean {' or '.join(near)}?" if near else ""))
    path = find(named, environ)
    file = load(path)
    problems = problems_of(file, command.split()[0]) if path is not None else []
    settings, wrong = settings_of(known[command], file, environ)
    problems += wrong
    rows = [_row(s) for s in settings]
    rows += _beam(command, named, environ, problems)
    return {"file": path, "problems": problems, "settings": rows}


def _row(setting: Setting) -> dict[str, Any]:
    value = "" if setting.value is None else shown(setting.value)
    if setting.option.is_switch and not setting.value:
        value = "false"
    return {
        "command": setting.option.command,
        "option": setting.option.name,
        "value": value,
        "origin": setting.origin if setting.level or value else "not set",
    }


def _beam(command: str, named: str | None, environ: Mapping[str, str], problems: list[str]) -> list[dict[str, Any]]:
    if not COMMANDS[command.split()[0]].beam:
        return []
    try:
        passed = beam_words(command, load(find(named, environ)), environ)
        if passed:
            from pipelines.options import check_beam_options

            check_beam_options([w for words, _ in passed for w in words])
    except OptionError as err:
        problems.append(f"{command}, options for Beam: {err}")
        return []
    return [
        {
            "command": command,
            "option": f"beam {word.removeprefix('--').split('=')[0]}",
            "value": shown(word.partition("=")[2] or True),
            "origin": origin,
        }
        for words, origin in passed
        for word in words
    ]


_HEAD = """\
# The options of flowfacts. What is commented out has its default. `flowfacts config check` tells what is wrong here.
# Command line before environment (FLOWFACTS_BATCH_OUTPUT, FLOWFACTS_OUTPUT) before this file before defaults.
# No secrets: name the file, the variable or the secret of Secret Manager that holds one.
"""


def example() -> str:
    """Write a file with every option, its meaning and its default, commented out."""
    commands = all_options()
    lines = [_HEAD, "# Given once for every command that has them.", "[common]"]
    for name in SHARED:
        first = next(o for options in commands.values() for o in options if o.name == name and o.shared)
        lines += _entry(first)
    for command, options in commands.items():
        lines += ["", f"# flowfacts {command}: {COMMANDS[command.split()[0]].help}"]
        lines += [f"[{command.replace(' ', '.')}]"]
        for option in options:
            if not option.shared:
                lines += _entry(option)
        if COMMANDS[command.split()[0]].beam:
            lines += ["", f"# [{command}.beam]", '# region = "europe-west1"', '# temp_location = "gs://my-temp/beam"']
    return "\n".join(lines) + "\n"


def _entry(option: Option) -> list[str]:
    told = (option.action.help or "").replace("%%", "%")
    return [*(f"# {line}" for line in textwrap.wrap(told, 116)), f"# {option.name} = {_sample(option)}"]


def _sample(option: Option) -> str:
    """Give a value in TOML: the default, or one of the kind that is expected."""
    value = option.default()
    if option.is_switch:
        return "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if value is not None:
        return f'"{value}"'
    kind = expected(option)
    if kind == "a whole number":
        return "1"
    if kind == "a number":
        return "1.0"
    if option.action.choices is not None:
        return f'"{next(iter(option.action.choices))}"'
    sample = option.action.metavar if isinstance(option.action.metavar, str) else option.name.upper()
    return f'["{sample}"]' if option.is_list else f'"{sample}"'
