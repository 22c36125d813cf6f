"""`flowfacts rebuild`: its options, and how its result is told."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from pipelines.commands.common import add_output, add_running, add_telling, finish, upkeep_of

DESCRIPTION = """\
Compute all facts again from the event log, which outlives the export, and show how they differ from those that are
published. Nothing that readers see changes unless --apply is given; then the new facts are published in one step.

With --from only flows with an event recorded on that day or later are compared in detail, and --apply is refused when
others differ, too.

examples:
  flowfacts rebuild --output facts
  flowfacts rebuild --output facts --from 2026-06-01 --apply

exit codes: 0 fine; 1 failed; 2 bad arguments; 3 refused, for flows before --from differ; 4 the books do not balance
(nothing was changed); 5 another run works on the output.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    add_output(parser)
    parser.add_argument(
        "--from", dest="first_day", metavar="DAY", help="compare flows with events of this day or later"
    )
    parser.add_argument("--apply", action="store_true", help="publish the facts that were computed")
    add_running(parser)
    add_telling(parser)


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from pipelines.options import check_day
    from pipelines.upkeep import rebuild

    if args.first_day is not None:
        check_day("--from", args.first_day)
    upkeep = upkeep_of(args, rest, add_arguments)
    result: dict[str, Any] = {}

    def run() -> Any:
        done = rebuild(upkeep, args.first_day, apply=args.apply)
        result.update(done.result)
        return done

    code = finish("rebuild", args, run, _tell)
    return 3 if code == 0 and result.get("refused") else code


def _tell(result: Mapping[str, Any]) -> None:
    print(f"read       {result['events_from_log']:,} deliveries from the event log")
    for found in result["differences"]:
        words = [f"{found[n]:,} {n}" for n in ("added", "gone", "changed") if found[n]]
        if found["before"]:
            words.append(f"{found['before']:,} of earlier flows differ")
        print(f"{found['relation']:<16} {found['rows']:>12,} rows: {', '.join(words) or 'the same'}")
        for column, count in sorted(found["columns"].items(), key=lambda c: (-c[1], c[0])):
            print(f"{'':<16} {count:>12,} rows differ in {column}")
    if result["refused"]:
        print("refused: flows without an event since --from differ as well; look at them without --from")
    elif result["applied"]:
        print("published")
    else:
        print("nothing was changed; --apply publishes these facts")
