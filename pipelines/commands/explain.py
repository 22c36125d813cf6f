"""`flowfacts explain`: where the durations of one order, inbound process or stow job come from."""

from __future__ import annotations

import argparse
import sys

from pipelines.commands.common import add_warehouse, warehouse_of

DESCRIPTION = """\
Explain one flow: its events with file and line (or message), its intervals, each duration with the two events that it
lies between and the rule it comes from, and what is odd about it.

The number is the tenant's own (order or inbound number), or the id of an order, purchase order, process, pick job,
parcel, receipt or stow job.

examples:
  flowfacts explain R56232898831 --output facts
  flowfacts explain 000b5dd9-6341-62ac-7a44-955e312e3166 --output facts --json | jq .durations
  flowfacts explain R56232898831 --bigquery my-project.flowfacts

exit codes: 0 fine; 1 failed; 2 bad arguments, or no such flow.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    parser.add_argument("number", metavar="ORDER_OR_FLOW_ID", help="number of an order, or an id")
    add_warehouse(parser)
    parser.add_argument("--json", action="store_true", help="print the derivation as JSON, one object a flow")
    parser.add_argument("--all", action="store_true", help="print also the durations that are not known, and why")
    parser.add_argument("--verbose", action="store_true", help="log failed calls, and tracebacks")


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from pipelines.doors import DoorError, opened
    from pipelines.explain import derive, find
    from pipelines.explain_text import as_json, render
    from pipelines.options import OptionError

    output, dataset = warehouse_of(args)
    try:
        with opened(output, dataset) as door:
            found = find(door, args.number)
            if not found:
                raise OptionError(
                    f"nothing answers to {args.number!r}: expected the tenant's number of an order or inbound process, "
                    "or the id of an order, process, pick job, parcel, receipt or stow job"
                )
            told = [d for d in (derive(door, f.flow, f.flow_id) for f in found) if d is not None]
    except DoorError as err:
        print(f"flowfacts explain: {err}", file=sys.stderr)
        return 1
    if args.json:
        for derivation in told:
            print(as_json(derivation))
        return 0
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 160)
    for derivation in told:
        render(derivation, console, everything=args.all)
    return 0
