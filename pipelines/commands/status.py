"""`flowfacts status`: its options, and how its result is told."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from pipelines.commands.common import add_output, add_telling
from pipelines.signals import of_status

DESCRIPTION = """\
Tell how the days of an output stand: what was read, which days are closed and why others are not, dead letters, how
long after its end a day was read, and how long the source keeps what was not.

examples:
  flowfacts status --output facts --input export
  flowfacts status --output facts --input gs://my-export --json | jq -r '.attention[]'

exit codes: 0 fine; 1 failed; 2 bad arguments; 3 something asks for attention: files that are due for more than --lag
hours, or that the source deletes soon, a cut file, too many dead letters.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    add_output(parser)
    parser.add_argument("--input", metavar="DIR_OR_GS", help="its input, to see what was not read (default: none)")
    parser.add_argument(
        "--lag",
        type=float,
        default=36,
        metavar="HOURS",
        help="a day should be read so long after its end (default: 36)",
    )
    parser.add_argument(
        "--source-days", type=float, default=90, metavar="N", help="days that the source keeps a folder (default: 90)"
    )
    parser.add_argument(
        "--warn-days", type=float, default=14, metavar="N", help="warn so many days before it deletes (default: 14)"
    )
    parser.add_argument(
        "--dead-rate",
        type=float,
        default=0.01,
        metavar="SHARE",
        help="share of a day's lines that may be dead letters (default: 0.01)",
    )
    parser.add_argument("--quiet-hours", type=float, default=6, metavar="N", help="as for flowfacts batch (default: 6)")
    add_telling(parser)


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from datetime import UTC, datetime

    from pipelines.status import Limits, status_of

    limits = Limits(args.source_days, args.warn_days, args.lag, args.dead_rate, args.quiet_hours)
    now = datetime.now(UTC)
    found = status_of(args.output.rstrip("/"), args.input, limits, now)
    args.signal |= of_status(found, limits.lag_hours, now)
    if args.json:
        print(json.dumps(found, indent=1))
    elif not args.quiet and not args.log:
        _tell(found)
    return 3 if found["attention"] else 0


def _tell(found: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("day", "state", box=None, header_style="bold", pad_edge=False)
    for name in ("files", "unread", "lines", "dead", "lag h", "days left"):
        table.add_column(name, justify="right")
    for day in found["days"]:
        state = "closed" if day["closed"] else f"open: {day['because']}"
        style = "red" if day["attention"] else "" if day["closed"] else "yellow"
        numbers = [f"{day[n]:,}" for n in ("files", "unread", "lines", "dead_letters")]
        left = "" if day["days_left"] is None else f"{day['days_left']:.1f}"
        table.add_row(day["day"], state, *numbers, f"{day['lag_hours']:,.1f}", left, style=style)
    console.print(table)
    last = found["last_run"]
    console.print(f"last run   {last['run_id']} ({last['mode']}), ended {last['finished_at']}" if last else "no run")
    console.print(f"facts of   {found['as_of']}")
    for line in found["attention"]:
        console.print(f"attention  {line}", style="red", highlight=False, markup=False)
