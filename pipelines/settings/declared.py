"""Which options there are: read from the parsers of the commands, so that no second list can differ from them."""

from __future__ import annotations

import argparse
import importlib
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pipelines.commands import COMMANDS, SHARED

PREFIX: Final = "FLOWFACTS_"
CONFIG: Final = "FLOWFACTS_CONFIG"
"""Variable that names the file."""

CREDENTIALS: Final = ("FLOWFACTS_API_KEY", "FLOWFACTS_API_USER", "FLOWFACTS_API_PASSWORD", "FLOWFACTS_API_TOKEN")
"""Variables with secrets, which only `subscribe` and `doctor` read; their values are never shown."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of one command.

    Attributes:
        command: the command and its action, like `bigquery load`.
        name: its long name without the dashes.
        action: what argparse knows of it.
        group: number of its group of options that exclude each other, None for none.
        shared: it means the same for every command that has it, so that [common] may give it.
    """

    command: str
    name: str
    action: argparse.Action
    group: int | None
    shared: bool

    @property
    def flag(self) -> str:
        """Give it as on the command line."""
        return f"--{self.name}"

    @property
    def is_switch(self) -> bool:
        """Say whether it takes no value."""
        return self.action.nargs == 0

    @property
    def is_list(self) -> bool:
        """Say whether it may be repeated."""
        return type(self.action).__name__ == "_AppendAction"

    @property
    def tables(self) -> list[str]:
        """List the tables of the file that may have it, the narrowest first."""
        words = self.command.split()
        return [".".join(words[:n]) for n in range(len(words), 0, -1)] + (["common"] if self.shared else [])

    @property
    def variables(self) -> list[str]:
        """List the variables that may have it, the narrowest first."""
        name = as_variable(self.name)
        return [
            f"{PREFIX}{name}" if table == "common" else f"{PREFIX}{as_variable(table)}_{name}" for table in self.tables
        ]

    def default(self) -> Any:
        """Give its value when nobody gives one."""
        value = self.action.default
        return None if value in (None, False, argparse.SUPPRESS, []) else value


def as_variable(text: str) -> str:
    """Spell a name as in a variable of the environment."""
    return re.sub(r"[-. ]", "_", text).upper()


def options_of(name: str, parser: argparse.ArgumentParser) -> list[Option]:
    """List the options of a parser, without those of its sub-commands."""
    command = COMMANDS[name.split()[0]]
    groups = {id(a): n for n, g in enumerate(parser._mutually_exclusive_groups) for a in g._group_actions}
    found = []
    for action in parser._actions:
        long = [o for o in action.option_strings if o.startswith("--")]
        if not long or isinstance(action, argparse._HelpAction):
            continue
        option = long[0].removeprefix("--")
        found.append(
            Option(name, option, action, groups.get(id(action)), option in SHARED and option not in command.own)
        )
    return found


def actions_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Give the sub-commands of a parser by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def parsers_of(name: str) -> dict[str, argparse.ArgumentParser]:
    """Make the parsers of a command and of its actions, by name."""
    parser = argparse.ArgumentParser(prog=f"flowfacts {name}", add_help=False, allow_abbrev=False)
    importlib.import_module(COMMANDS[name].module).add_arguments(parser)
    inner = actions_of(parser)
    return {f"{name} {action}": made for action, made in inner.items()} if inner else {name: parser}


@cache
def all_options() -> dict[str, list[Option]]:
    """Give the options of every command, in the order of the help."""
    return {
        full: options_of(full, parser)
        for name in COMMANDS
        if name != "config"
        for full, parser in parsers_of(name).items()
    }
