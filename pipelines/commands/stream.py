"""`flowfacts stream`: its options, and how its state is told."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from pipelines import signals
from pipelines.commands.common import check_passed_on
from schemas.live import LIVE_DAYS
from schemas.vocabulary import DEADLINE_DAYS, QUIET_SECONDS

DESCRIPTION = """\
Read the platform's Pub/Sub events and publish live facts: revisions of every flow, soon after each change.

The output gets a folder live/ with the rows of every revision, the event log, the closed flows and the dead letters, as
Parquet named by manifests. The newest revision of a flow counts (schemas/docs/stream.md).

On Beam's local runner, which is the default, and on engines a message is acknowledged when its event is in the event
log, so a job that is killed and started again on the same output loses nothing; with --topic it is acknowledged
before, so use that for a look only. SIGTERM and Ctrl-C end the local job when what has come is published; another
runner's goes on until it is cancelled there (schemas/docs/engines.md).

What the settled half (--settled) has in closed days leaves live/ after --live-days, at the start and every six hours;
from then on the stream needs that output to read a flow back.

examples:
  flowfacts stream --subscription projects/p/subscriptions/s --output facts
  flowfacts stream --subscription projects/p/subscriptions/s --output gs://my-facts --runner DataflowRunner \\
      --region europe-west1 --temp_location gs://my-temp
  flowfacts stream --subscription projects/p/subscriptions/s --output gs://my-facts --runner PortableRunner \\
      --job_endpoint localhost:8099 --environment_type EXTERNAL --environment_config localhost:50000

exit codes: 0 ended as told; 1 failed; 2 bad arguments; 5 another stream, or an erasure, works on the live half.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    parser.epilog = "Any other option is passed to Beam."
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--subscription", metavar="NAME", help="projects/P/subscriptions/S")
    source.add_argument("--topic", metavar="NAME", help="projects/P/topics/T; the runner makes a subscription")
    parser.add_argument("--output", required=True, metavar="DIR_OR_GS", help="output folder, as of flowfacts batch")
    for name, default, help_text in (
        ("flush", 30, "from the first change of a flow to its revision"),
        ("patience", 5, "an event waits for its flow before it is shown as unresolved"),
        ("publish", 5, "from the first row to the files that show it"),
        ("quiet", QUIET_SECONDS, "without an arrival, after its outcome, until a flow closes"),
    ):
        parser.add_argument(
            f"--{name}-seconds", type=float, default=default, metavar="S", help=f"{help_text} (default: {default})"
        )
    for flow, days in DEADLINE_DAYS.items():
        parser.add_argument(
            f"--deadline-{flow}-days", type=float, default=days, metavar="N", help=f"as of batch (default: {days})"
        )
    parser.add_argument(
        "--calendar", metavar="FILE", help="opening hours of the facilities, as of batch (default: always open)"
    )
    parser.add_argument(
        "--max-flow-events", type=int, default=20_000, metavar="N", help="deliveries kept of a flow (default: 20000)"
    )
    parser.add_argument("--as-of", metavar="TIME", help="instant of the facts, to replay old traffic (default: now)")
    parser.add_argument(
        "--settled",
        metavar="DIR_OR_GS",
        help="output of flowfacts batch, for flows that began before the stream (default: --output)",
    )
    parser.add_argument(
        "--bigquery",
        metavar="PROJECT.DATASET",
        help="write the revisions into this dataset too (after bigquery apply)",
    )
    parser.add_argument(
        "--bigquery-insert",
        choices=("storage-write", "insert-all"),
        help="how: Storage Write API (default), or the plain insert path where gRPC does not reach",
    )
    parser.add_argument(
        "--dead-letter-days", type=float, default=90, metavar="N", help="keep raw dead letters N days (default: 90)"
    )
    parser.add_argument(
        "--live-days",
        type=float,
        default=LIVE_DAYS,
        metavar="N",
        help="keep for N days what the settled half has for certain, then drop it here (default: %(default)s)",
    )
    parser.add_argument("--shards", type=int, default=1, metavar="N", help="files written at once (default: 1)")
    parser.add_argument(
        "--idle-exit", type=float, metavar="S", help="end when nothing has happened for so many seconds"
    )
    parser.add_argument(
        "--status-every", type=float, default=10, metavar="S", help="seconds between status lines (default: 10)"
    )
    parser.add_argument(
        "--runner", default="BundleBasedDirectRunner", metavar="NAME", help="Beam runner (default: the local one)"
    )
    parser.add_argument("--json", action="store_true", help="print status as lines of JSON")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--verbose", action="store_true", help="log what Beam does, and tracebacks")
    signals.add_log(parser)


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    import uuid
    from datetime import UTC, datetime

    from pipelines.calendar_file import read_calendar
    from pipelines.lock import LockedError
    from pipelines.options import MAX_DEADLINE_DAYS, OptionError, parse_deadline, parse_instant
    from pipelines.stream import StreamOptions, run
    from transforms.calendar import ALWAYS_OPEN
    from transforms.rows import SECOND
    from transforms.stream_revision import Life

    check_passed_on(args, rest, add_arguments)
    for kind, name in (("subscriptions", args.subscription), ("topics", args.topic)):
        parts = (name or "").split("/")
        if name is not None and (len(parts) != 4 or parts[0] != "projects" or parts[2] != kind or not all(parts)):
            raise OptionError(f"--{kind[:-1]} is {name!r}, expected projects/PROJECT/{kind}/NAME")
    for name in ("flush", "patience", "publish", "quiet"):
        if not getattr(args, f"{name}_seconds") > 0:
            raise OptionError(f"--{name}-seconds is {getattr(args, f'{name}_seconds'):g}, expected a positive number")
    for name, days in (("--dead-letter-days", args.dead_letter_days), ("--live-days", args.live_days)):
        if not days >= 0:
            raise OptionError(f"{name} is {days:g}, expected a number of days")
    if args.shards < 1 or args.max_flow_events < 1:
        raise OptionError("--shards and --max-flow-events must be at least 1")
    if not args.output.strip():
        raise OptionError("--output is empty, expected a folder")
    deadlines = {
        f: parse_deadline(f"--deadline-{f}-days", getattr(args, f"deadline_{f}_days")) * SECOND for f in DEADLINE_DAYS
    }
    writer = None
    if args.bigquery is not None:
        from pipelines.bigquery.client import BigQueryError, connect
        from pipelines.live.bigquery import LiveTables, check

        try:
            check(connect("--bigquery", args.bigquery))
        except BigQueryError as err:
            if args.verbose:
                raise
            print(f"flowfacts stream: {err}", file=sys.stderr)
            return 1
        writer = LiveTables(args.bigquery, args.bigquery_insert)
    options = StreamOptions(
        subscription=args.subscription,
        topic=args.topic,
        output=args.output.rstrip("/"),
        life=Life(
            deadlines,
            flush_after=round(args.flush_seconds * SECOND),
            quiet=round(args.quiet_seconds * SECOND),
            max_items=args.max_flow_events,
            calendar=ALWAYS_OPEN if args.calendar is None else read_calendar(args.calendar),
        ),
        patience=round(args.patience_seconds * SECOND),
        publish_every=round(args.publish_seconds * SECOND),
        letters_for=round(min(args.dead_letter_days, MAX_DEADLINE_DAYS) * 86_400) * SECOND,
        live_for=round(min(args.live_days, MAX_DEADLINE_DAYS) * 86_400) * SECOND,
        as_of=parse_instant("--as-of", args.as_of),
        shards=args.shards,
        writer=writer,
        settled=(args.settled or args.output).rstrip("/"),
        runner=args.runner,
        beam_options=tuple(rest),
        idle_exit=args.idle_exit,
        tell_every=args.status_every,
    )
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"

    def tell(counts: dict[str, Any]) -> None:
        if args.log:
            print(signals.line("stream", signals.of_stream(counts)), flush=True)
        elif args.json:
            print(json.dumps(counts), flush=True)
        elif not args.quiet:
            print(line(counts), file=sys.stderr, flush=True)

    try:
        run(options, run_id, tell)
    except LockedError as err:
        print(f"flowfacts stream: {err}", file=sys.stderr)
        return 5
    return 0


def line(counts: dict[str, Any]) -> str:
    """Write one line about the job."""
    if "job" in counts:
        return f"submitted: {counts['job']}"
    lag, age, size = (counts.get(n, {}) for n in ("flush_lag_ms", "event_age_ms", "state_bytes"))
    return (
        f"{sum(counts.get('events', {}).values()):,} events in {counts.get('messages_accepted', 0):,} messages, "
        f"{sum(counts.get('events_per_second', {}).values()):.1f}/s, {counts.get('dead_letters', 0):,} dead letters, "
        f"{counts.get('duplicates', 0):,} duplicates, {counts.get('events_unresolved', 0):,} unresolved; "
        f"{counts.get('open_flows', 0):,} open flows "
        f"({size.get('mean', 0):,} bytes each, at most {size.get('max', 0):,}), "
        f"{counts.get('revisions', 0):,} revisions, "
        f"{counts.get('moves', 0):,} moves, {counts.get('flows_read_back', 0):,} read back, "
        f"{counts.get('items_over_cap', 0):,} over the cap; flush lag {lag.get('mean', 0) / 1000:.1f} s, "
        f"event age {age.get('mean', 0) / 1000:.1f} s; {counts.get('unacknowledged', 0):,} unacknowledged"
        + (f"; {counts['ended']}" if "ended" in counts else "")
    )
