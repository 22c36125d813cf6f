"""`flowfacts batch`: its options, and how its result is told."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from pipelines.commands.common import check_passed_on
from pipelines.signals import add_log, of_batch
from schemas.vocabulary import DEADLINE_DAYS, SETTLE_DAYS
from transforms.calendar import ALWAYS_OPEN

DESCRIPTION = """\
Read event exports and publish timing facts.

The input is a folder of day folders YYYY-MM-DD (or of files) with NDJSON, gzipped or plain, on any file system that
Beam knows: a local path, gs://bucket/folder. The output gets facts/<relation>/*.parquet, manifest.json (written last)
and, when it is local, warehouse.duckdb. A run reads the files that no run before has read (or that have changed
since) and brings the facts up to date in one step; run it every day, or after a week: the facts are those of all files
at once.

examples:
  flowfacts batch --input export --output facts
  flowfacts batch --input export --output facts --from 2026-06-01 --to 2026-06-07
  flowfacts batch --input export --output facts --calendar hours.yaml
  flowfacts batch --input gs://my-export --output gs://my-facts --runner DataflowRunner --project my-project \\
      --region europe-west1 --temp_location gs://my-temp
  flowfacts batch --input export --output facts --json | jq .run.balanced

exit codes: 0 fine; 1 failed; 2 bad arguments; 3 published, but a file is cut short (its lines are left out, its day
stays open); 4 the books do not balance (nothing was published); 5 another run works on the output.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    parser.epilog = "Any other option is passed to Beam."
    parser.add_argument("--input", required=True, metavar="DIR_OR_GS", help="folder with the event export")
    parser.add_argument("--output", required=True, metavar="DIR_OR_GS", help="folder for the facts")
    parser.add_argument("--from", dest="first_day", metavar="DAY", help="first day folder to read, YYYY-MM-DD")
    parser.add_argument("--to", dest="last_day", metavar="DAY", help="last day folder to read")
    parser.add_argument(
        "--as-of", metavar="TIME", help="instant the facts are told of (default: newest recorded time of the input)"
    )
    for flow, days in DEADLINE_DAYS.items():
        parser.add_argument(
            f"--deadline-{flow}-days",
            type=float,
            default=days,
            metavar="N",
            help=f"open {flow} flows are incomplete this long after their last working event (default: {days})",
        )
    parser.add_argument(
        "--calendar",
        metavar="FILE",
        help="opening hours, holidays and time zones of the facilities, YAML (default: always open)",
    )
    parser.add_argument(
        "--accept-truncated", action="store_true", help="publish the whole lines of files that are cut short"
    )
    parser.add_argument(
        "--max-line-bytes", type=int, default=16 << 20, metavar="N", help="longer lines are dead letters (16 MiB)"
    )
    parser.add_argument(
        "--again", action="store_true", help="read files again that were read before, and take their former lines back"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="tell days, files, bytes and the estimated time, and change nothing"
    )
    parser.add_argument(
        "--quiet-hours",
        type=float,
        default=6,
        metavar="N",
        help="the last day folder is complete when nothing in it has changed for N hours (default: 6)",
    )
    parser.add_argument(
        "--settle-days",
        type=float,
        default=SETTLE_DAYS,
        metavar="N",
        help=f"flows with an outcome leave the state when nothing came for N days (default: {SETTLE_DAYS}); no fact "
        "depends on it",
    )
    parser.add_argument("--buckets", type=int, metavar="N", help="shares of the work (default: by input size)")
    parser.add_argument("--workers", type=int, metavar="N", help="local worker processes (default: processors)")
    parser.add_argument("--runner", default="FnApiRunner", metavar="NAME", help="Beam runner (default: FnApiRunner)")
    parser.add_argument(
        "--bigquery", metavar="PROJECT.DATASET", help="load the facts into this dataset too (flowfacts bigquery load)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--verbose", action="store_true", help="log what Beam does, and tracebacks")
    add_log(parser)


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from pipelines.batch import run
    from pipelines.calendar_file import read_calendar
    from pipelines.lock import LockedError
    from pipelines.options import BatchOptions, parse_deadline, parse_instant
    from pipelines.running import FAILED, INCOMPLETE_INPUT, LOCKED, OK, UNBALANCED

    check_passed_on(args, rest, add_arguments)
    target = _target(args)
    options = BatchOptions(
        input=args.input,
        output=args.output,
        first_day=args.first_day,
        last_day=args.last_day,
        as_of=parse_instant("--as-of", args.as_of),
        accept_truncated=args.accept_truncated,
        max_line_bytes=args.max_line_bytes,
        buckets=args.buckets,
        deadlines={
            f: parse_deadline(f"--deadline-{f}-days", getattr(args, f"deadline_{f}_days")) for f in DEADLINE_DAYS
        },
        runner=args.runner,
        workers=args.workers,
        beam_options=tuple(rest),
        again=args.again,
        quiet_hours=args.quiet_hours,
        settle_days=args.settle_days,
        dry_run=args.dry_run,
        calendar=ALWAYS_OPEN if args.calendar is None else read_calendar(args.calendar),
        progress=sys.stderr.isatty() and not (args.quiet or args.json or args.log),
    )
    try:
        done = run(options)
    except LockedError as err:
        print(f"flowfacts batch: {err}", file=sys.stderr)
        return LOCKED
    if target is not None and done.exit_code in (OK, INCOMPLETE_INPUT):
        loaded = _load(args, target, done)
        done.exit_code = done.exit_code if loaded else FAILED
    args.signal |= of_batch(done.result)
    if args.json:
        print(json.dumps(done.result, indent=1))
    elif args.log:
        pass  # the line comes when the exit code is known
    elif args.dry_run:
        _tell_plan(done.result)
    elif not args.quiet:
        from rich.console import Console

        from pipelines.summary import render

        render(done.result, Console())
    if args.json or args.quiet or args.log:  # a cut file is loud whoever reads the rest
        for problem in done.result.get("problems", ()):
            print(f"flowfacts batch: incomplete: {problem['path']}: {problem['problem']}", file=sys.stderr)
    if "again" in done.result:
        print(f"flowfacts batch: {done.result['again']}", file=sys.stderr)
    if done.exit_code == UNBALANCED:
        print("flowfacts batch: the books do not balance; nothing was published", file=sys.stderr)
    return done.exit_code


def _target(args: argparse.Namespace) -> Any:
    """Connect to the dataset before anything is done, so that a wrong name does not cost a run."""
    if args.bigquery is None:
        return None
    from pipelines.bigquery.client import connect

    return connect("--bigquery", args.bigquery)


def _load(args: argparse.Namespace, target: Any, done: Any) -> bool:
    """Load what is published; says whether it went well. Also when nothing was due: the load before may have failed."""
    from pipelines.bigquery.client import BigQueryError
    from pipelines.bigquery.load import load, tell
    from pipelines.exports import NoInputError

    try:
        done.result["bigquery"] = loaded = load(args.output, target, dry_run=args.dry_run)
    except NoInputError:
        return args.dry_run  # nothing is published before the first run
    except BigQueryError as err:
        published = "" if args.dry_run else f"the facts are published in {args.output}, but not loaded: "
        print(f"flowfacts batch: {published}{err}", file=sys.stderr)
        return False
    if not (args.quiet or args.json or args.log):
        print(tell(loaded))
    return True


def _tell_plan(plan: dict[str, Any]) -> None:
    """Print what a run would do."""
    days = plan["days"]
    where = f"{len(days)} days, {days[0]} to {days[-1]}" if days else "no day folder"
    print(f"due        {plan['files']:,} files, {plan['bytes'] / 1e6:,.1f} MB ({where}), {plan['repeats']:,} repeats")
    print(f"open       {plan['open_flows']:,} flows from the runs before")
    if plan["still_cut"]:
        print(f"cut short  {', '.join(plan['still_cut'])}: not read until they change")
    if plan["from_event_log"]:
        print(f"from log   {plan['events_from_log']:,} events are read again, because {plan['from_event_log']}")
    seconds = plan["estimated_seconds"]
    print(f"time       {'unknown before the first run' if seconds is None else f'about {seconds:,.0f} s'}")
    print("nothing was changed")
