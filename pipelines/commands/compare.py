"""`flowfacts compare`: its options, and how its result is told."""

from __future__ import annotations

import argparse
import json

DESCRIPTION = """\
Compare the live facts of the stream with the settled facts of the batch job, flow by flow, and say why they differ.

examples:
  flowfacts compare --live facts --settled facts
  flowfacts compare --live live-facts --settled facts --json

exit codes: 0 flows with the same events have the same facts; 1 failed; 2 bad arguments; 6 they have not.
"""

OK, DIFFERS = 0, 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    parser.add_argument("--live", required=True, metavar="DIR_OR_GS", help="output of flowfacts stream")
    parser.add_argument("--settled", required=True, metavar="DIR_OR_GS", help="output of flowfacts batch")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--verbose", action="store_true", help="log what happens, and tracebacks")


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from pipelines.datasets import read_manifest
    from pipelines.live.handover import OTHER_FACTS, compare
    from pipelines.live.store import shards_of
    from pipelines.options import OptionError

    live, settled = args.live.rstrip("/"), args.settled.rstrip("/")
    if shards_of(live) is None:
        raise OptionError(f"--live {live} has no live facts, expected an output of flowfacts stream")
    if read_manifest(settled) is None:
        raise OptionError(f"--settled {settled} has no manifest, expected an output of flowfacts batch")
    found = compare(live, settled)
    if args.json:
        print(json.dumps(found, indent=1))
    else:
        for row in found:
            print(f"{row['flow']:8} {row['flows']:10,}  {row['reason']}  (such as {row['example']})")
    return DIFFERS if any(row["reason"] == OTHER_FACTS for row in found) else OK
