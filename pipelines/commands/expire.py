"""`flowfacts expire`: its options, and how its result is told."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from pipelines.commands.common import add_output, add_telling
from schemas.live import LIVE_DAYS

DESCRIPTION = """\
Delete raw bytes that are older than their retention: of dead letters, and day folders of raw copies of the export.
Only tells what it would delete unless --apply is given. A day folder goes only when the day is closed in the books
and all of it was read. Facts and event log of the batch job stay.

Of the live half: raw bytes of its dead letters, and events, closed flows and rows that the settled half has for
certain, in days that are closed in its books and ended --live-days ago; the facts of both halves together stay as they
were. A stream at work does both itself, by its own options, and this command then leaves the live half alone.

examples:
  flowfacts expire --output facts --dead-letter-days 30
  flowfacts expire --output live-facts --settled facts --live-days 14 --apply
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
    parser.add_argument(
        "--live-days",
        type=float,
        default=LIVE_DAYS,
        metavar="N",
        help="keep in the live half what the settled half has, too, for N days (default: %(default)s)",
    )
    parser.add_argument(
        "--settled", metavar="DIR_OR_GS", help="output of flowfacts batch, where it is another (default: --output)"
    )
    parser.add_argument("--apply", action="store_true", help="delete")
    add_telling(parser)


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from datetime import UTC, datetime

    from pipelines.expire import Retention, expire
    from pipelines.lock import LockedError
    from pipelines.options import MAX_DEADLINE_DAYS, OptionError

    for name in ("dead-letter-days", "raw-days", "live-days"):
        days = getattr(args, name.replace("-", "_"))
        if not days >= 0:
            raise OptionError(f"--{name} is {days}, expected a number of days")
    retention = Retention(args.dead_letter_days, args.raw_days, min(args.live_days, MAX_DEADLINE_DAYS))
    settled = None if args.settled is None else args.settled.rstrip("/")
    try:
        result = expire(args.output, args.raw, retention, datetime.now(UTC), apply=args.apply, settled=settled)
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
        print("stream     is at work, and drops old dead letters and what is settled itself")
    elif "live_dead_letter_files" in result:
        live = result["live_dead_letter_bytes"] / 1e6
        print(f"stream     {result['live_dead_letter_files']:,} files of dead letters, {live:,.1f} MB")
        _tell_pruned(result["live_pruned"])
    size = sum(result["raw_days"].values())
    print(f"raw        {result['raw_files']:,} files of {len(result['raw_days']):,} days, {size / 1e6:,.1f} MB")
    for day, why in sorted(result["kept_days"].items()):
        print(f"stays      {day}: {why}")
    print("deleted" if result["applied"] else "nothing was deleted; --apply deletes them")


def _tell_pruned(told: Mapping[str, Any]) -> None:
    if told["why_not"] is not None:
        print(f"pruned     nothing: {told['why_not']}")
        return
    print(
        f"pruned     {told['events']:,} events, {told['closed']:,} closed flows, rows of {told['flows']:,} flows; "
        f"{told['bytes'] / 1e6:,.1f} MB to {told['bytes_left'] / 1e6:,.1f} MB"
    )
    for why, number in sorted(told["stays"].items()):
        print(f"stays      {number:,} of the stream: {why}")
