"""`flowfacts erase`: its options, and how its result is told."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from pipelines.commands.common import add_output, add_telling

DESCRIPTION = """\
Erase the tenant's identifiers of an order: its order number is replaced by a drawn pseudonym in facts, event log,
state and DuckDB file, also in the live half of the output (stop flowfacts stream first), and raw lines that speak of
the order are emptied in the dead letters and in the raw copies of the export that are named. Then every file is
searched for it. Durations, and the ids that the platform has drawn, stay; what arrives later for the order is replaced
as well.

examples:
  flowfacts erase --output facts --order 2026-06-4711 --raw export
  flowfacts erase --output facts --process 5d6ab791-92e0-4e14-8bbf-fc877d7c7ecf --raw gs://my-raw/export

exit codes: 0 erased, and found nowhere; 1 failed, or still found somewhere (the files are told); 2 bad arguments, or no
such process; 5 another run, or the stream, works on the output.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    add_output(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--process", metavar="ID", help="process id (flow_id of order_flow)")
    which.add_argument("--order", metavar="NUMBER", help="the tenant's order number, or the platform's order id")
    parser.add_argument(
        "--raw", action="append", default=[], metavar="DIR_OR_GS", help="raw copies of the export; may be repeated"
    )
    add_telling(parser)


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from pipelines.erase import erase
    from pipelines.lock import LockedError

    try:
        result = erase(args.output, args.process, args.order, args.raw)
    except LockedError as err:
        print(f"flowfacts erase: {err}", file=sys.stderr)
        return 5
    if args.json:
        print(json.dumps(result, indent=1))
    elif not args.quiet:
        _tell(result)
    for path in result["found_in"]:
        print(f"flowfacts erase: still found in {path}", file=sys.stderr)
    return 1 if result["found_in"] else 0


def _tell(result: Mapping[str, Any]) -> None:
    print(f"flows      {', '.join(result['flows']) or 'none has it'}")
    print(f"erased     {result['identifiers']:,} identifiers, in {result['tables_rewritten']:,} tables")
    print(f"raw        {result['raw_lines_emptied']:,} lines emptied, {result['dead_letters_emptied']:,} dead letters")
    print(f"searched   {', '.join(result['searched'])}: found in {len(result['found_in']):,} files")
