"""`flowfacts compact`: its options, and how its result is told."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from pipelines.commands.common import add_upkeep, finish, upkeep_of

DESCRIPTION = """\
Write the small files of an output together. Every run of flowfacts batch does so when many have gathered; this command
does it at once. No fact changes, and readers notice nothing.

example:
  flowfacts compact --output facts

exit codes: 0 fine; 1 failed; 2 bad arguments; 4 the books do not balance (nothing was changed); 5 another run works on
the output.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    add_upkeep(parser)


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from pipelines.upkeep import compact

    upkeep = upkeep_of(args, rest, add_arguments)
    return finish("compact", args, lambda: compact(upkeep), _tell)


def _tell(result: Mapping[str, Any]) -> None:
    print(f"files      {result['parts_before']:,} before, {result['parts']:,} now")
