"""`flowfacts report`: the main charts of some days in one file."""

from __future__ import annotations

import argparse
import sys

DESCRIPTION = """\
Write a report: the figures and charts of a range of days in one HTML file that needs no network, no script and no
server. Send it by mail, or let a scheduler write it every morning.

examples:
  flowfacts report --output report.html --warehouse facts/warehouse.duckdb
  flowfacts report --output june.html --warehouse facts/warehouse.duckdb --from 2026-06-01 --to 2026-06-30
  flowfacts report --output report.html --bigquery my-project.flowfacts --facility FACILITY

exit codes: 0 written; 1 failed; 2 bad arguments, or nothing to report.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    parser.add_argument("--output", required=True, metavar="FILE", help="the file to write")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--warehouse", metavar="FILE_OR_DIR", help="warehouse.duckdb, or the folder that has it")
    where.add_argument("--bigquery", metavar="PROJECT.DATASET", help="BigQuery dataset")
    parser.add_argument(
        "--from", dest="first", metavar="DAY", help="first day, YYYY-MM-DD (four weeks before the last)"
    )
    parser.add_argument("--to", dest="last", metavar="DAY", help="last day (the last that there is)")
    parser.add_argument("--facility", default="", metavar="ID", help="only this facility")
    parser.add_argument(
        "--zone", metavar="ZONE", help="one time zone for all facilities (by the calendar; without one Europe/Berlin)"
    )
    parser.add_argument("--verbose", action="store_true", help="log failed calls, and tracebacks")


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from datetime import date
    from pathlib import Path

    from pipelines.commands.common import zone_of
    from pipelines.doors import DoorError, opened
    from pipelines.options import OptionError

    try:
        from pipelines.dashboard import report
    except ModuleNotFoundError as err:
        raise OptionError(f"{err.name} is not installed: pip install 'flowfacts[dashboard]'") from err
    days: list[date | None] = []
    for option, text in (("--from", args.first), ("--to", args.last)):
        try:
            days.append(None if text is None else date.fromisoformat(text))
        except ValueError as err:
            raise OptionError(f"{option} is {text!r}, expected a day YYYY-MM-DD") from err
    to = Path(args.output)
    if to.is_dir() or not to.parent.is_dir():
        raise OptionError(f"--output is {to}, expected a file in a folder that exists")
    try:
        with opened(args.warehouse, args.bigquery) as door:
            zone = None if args.zone is None else zone_of(args.zone)
            size = report.write(door, to, zone, first=days[0], last=days[1], facility=args.facility)
    except DoorError as err:
        print(f"flowfacts report: {err}", file=sys.stderr)
        return 1
    print(f"{to}: {size / 1e3:,.0f} kB")
    return 0
