"""`flowfacts land`: its options, and how its result is told."""

from __future__ import annotations

import argparse
import sys

from pipelines.signals import add_log

DESCRIPTION = """\
Land the messages of a Pub/Sub subscription as export files, which flowfacts batch reads.

Writes gzipped NDJSON into day folders YYYY-MM-DD (by publish time, UTC) and acknowledges a message only when the file
that holds it is complete, durable and visible under its name. Nothing is lost by a crash at any moment; what was
written but not acknowledged is delivered again, and the batch job takes the two for one. Bodies that are no event land
as well, and end as dead letters of the batch job. Any number of landings may share a subscription and a folder.

SIGTERM or SIGINT: stops pulling, closes and publishes the open files, acknowledges, ends with 0; takes some 5 seconds
and the time that the last files need. A second signal ends it at once, and loses nothing either.

examples:
  flowfacts land --subscription projects/my-project/subscriptions/flowfacts --to landed
  flowfacts land --subscription projects/my-project/subscriptions/flowfacts --to gs://my-raw/events --json
  flowfacts land --subscription projects/my-project/subscriptions/flowfacts --to landed --once && \\
      flowfacts batch --input landed --output facts

exit codes: 0 stopped or idle, all that was landed is durable; 1 failed: files could not be written for --give-up
seconds, or Pub/Sub can't be reached or refuses while running; 2 bad arguments, or the subscription, the credentials or
the folder can't be used. Whatever the code, messages that are not in a published file are delivered again.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    parser.add_argument(
        "--subscription", required=True, metavar="NAME", help="projects/PROJECT/subscriptions/SUBSCRIPTION"
    )
    parser.add_argument("--to", required=True, metavar="DIR_OR_GS", help="folder for the day folders")
    parser.add_argument(
        "--max-file-mb", type=float, default=64, metavar="N", help="close a file at so many MB of lines (default: 64)"
    )
    parser.add_argument(
        "--max-file-age",
        type=float,
        default=60,
        metavar="S",
        help="close a file so many seconds after its first message (default: 60)",
    )
    parser.add_argument(
        "--max-unacked-messages",
        type=int,
        default=50_000,
        metavar="N",
        help="hold at most so many unacknowledged messages; at four fifths the files are closed (default: 50000)",
    )
    parser.add_argument(
        "--max-unacked-mb",
        type=float,
        default=256,
        metavar="N",
        help="the same in MB of message bodies, kept to within one pull (default: 256)",
    )
    parser.add_argument("--once", action="store_true", help="end when nothing has come for 10 seconds")
    parser.add_argument("--idle-exit", type=float, metavar="S", help="end when nothing has come for so many seconds")
    parser.add_argument(
        "--give-up",
        type=float,
        default=60,
        metavar="S",
        help="end with 1 when files can't be written for so many seconds (default: 60)",
    )
    parser.add_argument(
        "--status-every", type=float, default=10, metavar="S", help="seconds between JSON status lines (default: 10)"
    )
    parser.add_argument("--json", action="store_true", help="print status and files as lines of JSON")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--verbose", action="store_true", help="log every failed call, and tracebacks")
    add_log(parser)


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from pipelines.landing.options import ONCE_SECONDS, LandError, LandOptions
    from pipelines.landing.status import Mode

    mode = Mode.TERMINAL if sys.stderr.isatty() else Mode.PLAIN
    mode = Mode.LOG if args.log else Mode.JSON if args.json else Mode.QUIET if args.quiet else mode
    options = LandOptions(
        subscription=args.subscription,
        to=args.to,
        max_file_bytes=args.max_file_mb * 1e6,
        max_file_age=args.max_file_age,
        max_unacked_messages=args.max_unacked_messages,
        max_unacked_bytes=args.max_unacked_mb * 1e6,
        idle_exit=ONCE_SECONDS if args.once and args.idle_exit is None else args.idle_exit,
        give_up=args.give_up,
        mode=mode,
        status_every=args.status_every,
    )
    try:
        options.check()
        from pipelines.land import run  # the cloud client, once there is something to do with it

        return run(options)
    except LandError as err:
        print(f"flowfacts land: {err}", file=sys.stderr)
        return 2
