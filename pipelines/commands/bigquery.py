"""`flowfacts bigquery plan|apply|load`: its options, and how its result is told."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from typing import Any

DESCRIPTION = """\
The warehouse contract in a BigQuery dataset.

  plan   compares the dataset with the declaration and shows the difference; changes nothing
  apply  makes what is missing, by additive changes only; makes the dataset when there is none
  load   loads the published facts of an output; exact after any retry, repeated at will

Credentials are those of the environment. The roles, the costs and the first dashboard query are in
schemas/docs/bigquery.md.

examples:
  flowfacts bigquery plan --dataset my-project.flowfacts
  flowfacts bigquery apply --dataset my-project.flowfacts --location EU
  flowfacts bigquery load --from facts --to my-project.flowfacts
  flowfacts bigquery load --from gs://my-facts --to my-project.flowfacts --dry-run

exit codes: 0 fine; 1 failed, the dataset shows what it showed before; 2 bad arguments; 6 plan: the dataset differs.
"""

OK, FAILED, DIFFERS = 0, 1, 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    actions = parser.add_subparsers(dest="action", required=True, metavar="plan|apply|load")
    for name in ("plan", "apply"):
        sub = actions.add_parser(name, allow_abbrev=False)
        sub.add_argument("--dataset", required=True, metavar="PROJECT.DATASET", help="the dataset")
        if name == "apply":
            sub.add_argument("--location", metavar="PLACE", help="where to make it, like EU; when it is not there")
        _common(sub)
    load = actions.add_parser("load", allow_abbrev=False)
    load.add_argument(
        "--from", dest="output", required=True, metavar="DIR_OR_GS", help="output folder of flowfacts batch"
    )
    load.add_argument("--to", dest="dataset", required=True, metavar="PROJECT.DATASET", help="the dataset")
    load.add_argument(
        "--replace", action="store_true", help="take out whatever the dataset holds, also of another output"
    )
    load.add_argument("--dry-run", action="store_true", help="tell rows, bytes and jobs, and change nothing")
    _common(load)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--verbose", action="store_true", help="log failed calls, and tracebacks")


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from pipelines.bigquery.client import BigQueryError, connect

    try:
        target = connect("--to" if args.action == "load" else "--dataset", args.dataset)
        with contextlib.closing(target.client):
            return _load(args, target) if args.action == "load" else _schema(args, target)
    except BigQueryError as err:
        if args.verbose:
            raise
        print(f"flowfacts bigquery {args.action}: {err}", file=sys.stderr)
        return FAILED


def _load(args: argparse.Namespace, target: Any) -> int:
    from pipelines.bigquery.load import load, tell

    done = load(args.output, target, replace=args.replace, dry_run=args.dry_run)
    if args.json:
        print(json.dumps(done, indent=1))
    elif not args.quiet:
        print(tell(done))
    return OK


def _schema(args: argparse.Namespace, target: Any) -> int:
    from pipelines.bigquery.apply import apply, plan

    changes = plan(target) if args.action == "plan" else apply(target, args.location)
    if args.json:
        listed = [{"table": c.table, "about": c.about, "detail": c.detail, "way": c.way} for c in changes]
        print(json.dumps({"dataset": target.name, "changes": listed}, indent=1))
    elif not args.quiet:
        for change in changes:
            sign = "!" if change.breaking else "+" if change.about == "create" else "~"
            print(f"{sign} {change.table or target.name}: {change.detail}")
            if change.way:
                print(f"    refused by apply; way: {change.way}")
        if args.action == "apply":
            print(f"{target.name} is as declared; {len(changes)} changes made")
        else:
            print(f"{target.name}: {len(changes)} differences" if changes else f"{target.name} is as declared")
    return DIFFERS if changes and args.action == "plan" else OK
