"""The command `flowfacts`. Importing it is cheap: Beam is loaded by the sub-commands that need it."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence

from pipelines.version import VERSION
from schemas.vocabulary import DEADLINE_DAYS

_DESCRIPTION = """\
Turn the events of a fulfillment platform into timing facts per order, inbound process and stow job.

  flowfacts simulate --output tenant --days 7        an invented tenant: its event export, and the truth about it
  flowfacts batch --input tenant/export --output facts
                                                     Parquet tables, a manifest and facts/warehouse.duckdb
"""

_BATCH = """\
Read event exports and publish timing facts.

The input is a folder of day folders YYYY-MM-DD (or of files) with NDJSON, gzipped or plain, on any file system that
Beam knows: a local path, gs://bucket/folder. The output gets facts/<relation>/*.parquet, manifest.json (written last)
and, when it is local, warehouse.duckdb. Running it again replaces the facts in one step.

examples:
  flowfacts batch --input export --output facts
  flowfacts batch --input export --output facts --from 2026-06-01 --to 2026-06-07
  flowfacts batch --input gs://my-export --output gs://my-facts --runner DataflowRunner --project my-project \\
      --region europe-west1 --temp_location gs://my-temp
  flowfacts batch --input export --output facts --json | jq .run.balanced

exit codes: 0 fine; 1 failed; 2 bad arguments; 3 published, but a file is cut short (its lines are left out, its day
stays open); 4 the books do not balance (nothing was published).
"""


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="flowfacts", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"flowfacts {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    batch = commands.add_parser(
        "batch",
        help="event exports to timing facts",
        description=_BATCH,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Any other option is passed to Beam.",
        allow_abbrev=False,
    )
    _add_batch(batch)
    simulate = commands.add_parser("simulate", help="an invented tenant with known truth")
    if "simulate" in argv[:1]:  # the other commands need neither its modules nor the time to load them
        from pipelines.simulator.run import add_arguments

        add_arguments(simulate)
    return parser


def _add_batch(parser: argparse.ArgumentParser) -> None:
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
        "--accept-truncated", action="store_true", help="publish the whole lines of files that are cut short"
    )
    parser.add_argument(
        "--max-line-bytes", type=int, default=16 << 20, metavar="N", help="longer lines are dead letters (16 MiB)"
    )
    parser.add_argument("--buckets", type=int, metavar="N", help="shares of the work (default: by input size)")
    parser.add_argument("--workers", type=int, metavar="N", help="local worker processes (default: processors)")
    parser.add_argument("--runner", default="FnApiRunner", metavar="NAME", help="Beam runner (default: FnApiRunner)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--verbose", action="store_true", help="log what Beam does, and tracebacks")


def _own_options() -> list[str]:
    parser = argparse.ArgumentParser(add_help=False)
    _add_batch(parser)
    return [o for action in parser._actions for o in action.option_strings]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    parser = _parser(words)
    args, rest = parser.parse_known_args(words)
    if rest and args.command != "batch":
        parser.error(f"unknown arguments: {' '.join(rest)}")
    verbose = getattr(args, "verbose", False)
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    try:
        if args.command == "simulate":
            from pipelines.simulator.run import main as simulate

            return simulate(args)
        return _batch(args, rest)
    except KeyboardInterrupt:
        print("flowfacts: interrupted; what is published stays readable, run again to finish", file=sys.stderr)
        return 130


def _interrupted(err: Exception) -> bool:
    """Say whether an error is Ctrl-C in the words of DuckDB, which takes the signal while it works."""
    import duckdb

    return isinstance(err, duckdb.InterruptException)


def _batch(args: argparse.Namespace, beam_options: list[str]) -> int:
    from pipelines.batch import BAD_ARGUMENTS, FAILED, UNBALANCED, run
    from pipelines.exports import NoInputError
    from pipelines.options import (
        BatchOptions,
        OptionError,
        check_beam_options,
        check_runner,
        parse_deadline,
        parse_instant,
    )

    try:
        check_beam_options(beam_options, _own_options())
        check_runner(args.runner)
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
            beam_options=tuple(beam_options),
            progress=sys.stderr.isatty() and not args.quiet and not args.json,
        )
        done = run(options)
    except (OptionError, NoInputError) as err:
        print(f"flowfacts batch: {err}", file=sys.stderr)
        return BAD_ARGUMENTS
    except Exception as err:
        if _interrupted(err):
            raise KeyboardInterrupt from err
        if args.verbose:
            raise
        first = (str(err).strip() or type(err).__name__).splitlines()[0]
        print(f"flowfacts batch: failed: {first[:300]}\nrun again with --verbose for the whole story", file=sys.stderr)
        return FAILED
    if args.json:
        print(json.dumps(done.result, indent=1))
    elif not args.quiet:
        from rich.console import Console

        from pipelines.summary import render

        render(done.result, Console())
    if args.json or args.quiet:  # a cut file is loud whoever reads the rest
        for problem in done.result["problems"]:
            print(f"flowfacts batch: incomplete: {problem['path']}: {problem['problem']}", file=sys.stderr)
    if done.exit_code == UNBALANCED:
        print("flowfacts batch: the books do not balance; nothing was published", file=sys.stderr)
    return done.exit_code


if __name__ == "__main__":
    sys.exit(main())
