"""`flowfacts replay`: its options, and how its result is told."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from pipelines.commands.common import add_upkeep, finish, upkeep_of

DESCRIPTION = """\
Decode the dead letters again, after a fix of the decoder or of the catalogue. What decodes now becomes events of the
facts, as if its line had been read today; the rest stays, with the reason of today. Safe to repeat.

Letters of too long lines and cut files have no whole line to decode: read their files again (flowfacts batch --again).

examples:
  flowfacts replay --output facts
  flowfacts replay --output facts --json | jq .run.dead_letters

exit codes: 0 fine; 1 failed; 2 bad arguments; 4 the books do not balance (nothing was changed); 5 another run works on
the output.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    add_upkeep(parser)


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from pipelines.upkeep import replay

    upkeep = upkeep_of(args, rest, add_arguments)
    return finish("replay", args, lambda: replay(upkeep), _tell)


def _tell(result: Mapping[str, Any]) -> None:
    run = result["run"]
    print(f"read       {run['lines_read']:,} dead letters")
    print(
        f"decoded    {run['lines_accepted']:,} of them, {run['events_accepted']:,} events: "
        f"{run['events_folded']:,} folded, {run['duplicates']:,} duplicates, "
        f"{run['events_outside_flows']:,} outside the flows, {run['events_unresolved']:,} unresolved"
    )
    print(f"still bad  {run['dead_letters']:,}")
