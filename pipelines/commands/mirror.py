"""`flowfacts mirror`: its options, and how its result is told."""

from __future__ import annotations

import argparse
import sys

from pipelines.signals import add_log, of_mirror

DESCRIPTION = """\
Mirror the daily event export of a vendor's bucket, before the vendor deletes it.

Copies the objects in the day folders YYYY-MM-DD of a bucket, byte for byte, to a local folder or a bucket of your own,
which flowfacts batch reads. An object is compared with the checksum of its source before it gets its name. What is
there already is not read again, and an interrupted copy goes on where it ended. Nothing is ever deleted.

The source is read with the key that the vendor gave; a destination in a bucket is written with the credentials of the
environment, never with the key. Without a key, the source is read with those as well.

examples:
  flowfacts mirror --bucket vendor-export --key key.json --to export
  flowfacts mirror --bucket gs://vendor-export/tenant --key-env EXPORT_KEY --to gs://my-raw/export --json
  flowfacts mirror --bucket vendor-export --key-secret projects/p/secrets/export-key/versions/latest --to export && \\
      flowfacts batch --input export --output facts
  flowfacts mirror --bucket vendor-export --key key.json --to export --dry-run     # what would be copied, what expires

exit codes: 0 everything is mirrored; 1 something is not: a name was refused, an object could not be copied, or the run
ended early (what was copied stays, run again to go on); 2 bad arguments, or the bucket, the key or the destination
can't be used; 5 another mirror works on the destination, nothing was changed.
"""

LOCKED = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    parser.add_argument("--bucket", required=True, metavar="BUCKET[/PREFIX]", help="the source, with or without gs://")
    parser.add_argument("--to", required=True, metavar="DIR_OR_GS", help="folder for the day folders")
    keys = parser.add_argument_group("the key of the source, a service-account key in JSON")
    keys.add_argument("--key", metavar="FILE", help="in a file")
    keys.add_argument("--key-secret", metavar="NAME", help="in Secret Manager: projects/P/secrets/S/versions/V")
    keys.add_argument("--key-env", metavar="NAME", help="in the environment variable of that name")
    parser.add_argument("--from-day", metavar="DAY", help="first day folder, YYYY-MM-DD (default: all)")
    parser.add_argument("--to-day", metavar="DAY", help="last day folder, YYYY-MM-DD (default: all)")
    parser.add_argument("--workers", type=int, default=4, metavar="N", help="objects copied at a time (default: 4)")
    parser.add_argument(
        "--keep-days", type=int, default=90, metavar="N", help="days for which the source keeps a folder (default: 90)"
    )
    parser.add_argument(
        "--warn-days",
        type=int,
        default=14,
        metavar="N",
        help="tell of folders that are not mirrored and have so many days left or fewer (default: 14)",
    )
    parser.add_argument(
        "--give-up",
        type=float,
        default=120,
        metavar="S",
        help="try again for so many seconds when nothing comes from the source (default: 120)",
    )
    parser.add_argument("--verify", action="store_true", help="compute the checksums of all that is there already")
    parser.add_argument("--dry-run", action="store_true", help="tell what would be copied, and change nothing")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--verbose", action="store_true", help="log every copy and every failed call, and tracebacks")
    add_log(parser)


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from pipelines.mirroring.errors import MirrorError
    from pipelines.mirroring.options import MirrorOptions
    from pipelines.mirroring.status import as_errors, as_json, as_text

    options = MirrorOptions(
        bucket=args.bucket,
        to=args.to,
        key=args.key,
        key_secret=args.key_secret,
        key_env=args.key_env,
        from_day=args.from_day,
        to_day=args.to_day,
        workers=args.workers,
        keep_days=args.keep_days,
        warn_days=args.warn_days,
        give_up=args.give_up,
        verify=args.verify,
        dry_run=args.dry_run,
    )
    try:
        options.check()
        from pipelines.lock import LockedError
        from pipelines.mirror import run  # the cloud client, once there is something to do with it

        try:
            report = run(options, show=sys.stderr.isatty() and not (args.quiet or args.json or args.log))
        except LockedError as err:
            print(f"flowfacts mirror: {err}", file=sys.stderr)
            return LOCKED
    except MirrorError as err:
        print(f"flowfacts mirror: {err}", file=sys.stderr)
        return 2
    args.signal |= of_mirror(report)
    if args.json:
        print(as_json(report))
    elif not args.quiet and not args.log:
        print(as_text(report))
    for line in as_errors(report):
        print(f"flowfacts mirror: {line}", file=sys.stderr)
    return report.exit_code
