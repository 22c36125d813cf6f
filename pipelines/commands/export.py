"""`flowfacts export`: the facts in the format of another field's tools."""

from __future__ import annotations

import argparse
import sys

DESCRIPTION = """\
Export the events of all flows and what they are about as an object-centric event log (OCEL 2.0), which process-mining
tools read. The file's name says the form: .json, or .sqlite for the relational one. Order numbers are left out.

examples:
  flowfacts export ocel --output log.json --warehouse facts/warehouse.duckdb
  flowfacts export ocel --output log.sqlite --bigquery my-project.flowfacts

exit codes: 0 written; 1 failed; 2 bad arguments, or no warehouse.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    parser.add_argument("form", choices=("ocel",), help="what to write")
    parser.add_argument("--output", required=True, metavar="FILE", help="the file to write: .json or .sqlite")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--warehouse", metavar="FILE_OR_DIR", help="warehouse.duckdb, or the folder that has it")
    where.add_argument("--bigquery", metavar="PROJECT.DATASET", help="BigQuery dataset")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--verbose", action="store_true", help="log failed calls, and tracebacks")


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    import json
    from dataclasses import asdict
    from pathlib import Path

    from pipelines import ocel_files
    from pipelines.doors import DoorError, opened
    from pipelines.options import OptionError

    to = Path(args.output)
    form = ocel_files.FORMS.get(to.suffix.lower())
    if form is None or to.is_dir() or not to.parent.is_dir():
        raise OptionError(f"--output is {to}, expected a file {', '.join(ocel_files.FORMS)} in a folder that exists")
    try:
        with opened(args.warehouse, args.bigquery) as door:
            written = ocel_files.export(door, to, form)
    except DoorError as err:
        print(f"flowfacts export: {err}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps({"file": str(to), **asdict(written)}))
    else:
        print(f"{to}: {written.events:,} events, {written.objects:,} objects")
    return 0
