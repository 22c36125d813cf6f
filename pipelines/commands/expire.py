"""`flowfacts expire`: its options, and how its result is told."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from pipelines.commands.common import add_output, add_telling

DESCRIPTION = """\
Delete raw bytes that are older than their retention: of dead letters, and day folders of raw copies of the export.
Only tells what it would delete unless --apply is given. A day folder goes only when the day is closed in the books
and all of it was read. Facts and event log stay. Dead letters of the stream, too, unless it is at work: it then drops
its own, by its --dead-letter-days.

examples:
  flowfacts expire --output facts --dead-letter-days 30
  flowfacts expire --output facts --raw gs://my-raw/export --raw-days 365 --apply

exit codes: 0 fine; 1 failed; 2 bad arguments; 5 another run works on the output.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    add_output(parser)
    parser.add_argument(
        "--dead-letter-days", type=float, default=90, metavar="N", help="keep raw dead letters N days (default: 90)"
    )
    parser.add_argument(
        "--raw", action="append", default=[], metavar="DIR_OR_GS", help="raw copies of the export; may be repeated"
    )
    parser.add_argument("--raw-days", type=float, default=400, metavar="N", help="keep them N days (default: 400)")
    parser.add_argument("--apply", action="store_true", help="delete")
    add_telling(parser)


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from datetime import UTC, datetime

    from pipelines.expire import Retention, expire
    from pipelines.lock import LockedError
    from pipelines.options import OptionError

    for name, days in (("--dead-letter-days", args.dead_letter_days), ("--raw-days", args.raw_days)):
        if not days >= 0:
            raise OptionError(f"{name} is {days}, expected a number of days")
    retention = Retention(args.dead_letter_days, args.raw_days)
    try:
        result = expire(args.output, args.raw, retention, datetime.now(UTC), apply=args.apply)
    except LockedError as err:
        print(f"flowfacts expire: {err}", file=sys.stderr)
        return 5
    if args.json:
        print(json.dumps(result, indent=1))
    elif not args.quiet:
        _tell(result)
    return 0


def _tell(result: Mapping[str, Any]) -> None:
    print(f"letters    {result['dead_letter_files']:,} files, {result['dead_letter_bytes'] / 1e6:,.1f} MB")
    if result.get("live_at_work"):
        print("stream     is at work, and drops old dead letters itself")
    elif "live_dead_letter_files" in result:
        live = result["live_dead_letter_bytes"] / 1e6
        print(f"stream     {result['live_dead_letter_files']:,} files of dead letters, {live:,.1f} MB")
    size = sum(result["raw_days"].values())
    print(f"raw        {result['raw_files']:,} files of {len(result['raw_days']):,} days, {size / 1e6:,.1f} MB")
    for day, why in sorted(result["kept_days"].items()):
        print(f"stays      {day}: {why}")
    print("deleted" if result["applied"] else "nothing was deleted; --apply deletes them")
