"""`flowfacts dashboard`: pages over a warehouse, in the browser."""

from __future__ import annotations

import argparse
import sys

DESCRIPTION = """\
Serve the dashboard: overview, orders, stages, work in progress, inbound, stow, carriers, quality, and an explorer that
explains one order. It reads the warehouse and changes nothing; a newer run is shown as soon as it is published.

examples:
  flowfacts dashboard --output build/demo/facts
  flowfacts dashboard --bigquery my-project.flowfacts --port 8600 --zone Europe/Berlin

It listens on this machine only (127.0.0.1). Whoever can reach it can read the facts, so --host 0.0.0.0 belongs behind a
proxy that asks who is there. It sends nothing anywhere: no fonts, no scripts, no telemetry from elsewhere.

exit codes: 0 stopped; 1 failed; 2 bad arguments, or no warehouse.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    from pipelines.commands.common import add_warehouse

    parser.description = DESCRIPTION
    add_warehouse(parser)
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (127.0.0.1)")
    parser.add_argument(
        "--port", type=int, default=8501, metavar="N", help="port to listen on; 0 is any free one (8501)"
    )
    parser.add_argument(
        "--zone", metavar="ZONE", help="one time zone for all facilities (by the calendar; without one Europe/Berlin)"
    )
    parser.add_argument("--verbose", action="store_true", help="log failed calls, and tracebacks")


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from pipelines.commands.common import warehouse_of, zone_of
    from pipelines.doors import opened
    from pipelines.options import OptionError

    try:
        from pipelines.dashboard.serve import LOOPBACK, serve
    except ModuleNotFoundError as err:
        raise OptionError(f"{err.name} is not installed: pip install 'flowfacts[dashboard]'") from err
    zone = None if args.zone is None else zone_of(args.zone)
    if args.host not in LOOPBACK:
        print(
            f"flowfacts dashboard: listening on {args.host}: everybody who reaches it can read the facts; "
            "it asks for no password",
            file=sys.stderr,
        )
    with opened(*warehouse_of(args), follow=True) as door:
        serve(door, args.host, args.port, zone)
    return 0
