"""`flowfacts state`: its options, and how its result is told."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from pipelines.commands.common import add_output, add_telling

DESCRIPTION = """\
Tell what the state between the runs holds: the flows that can still change, their size, what is unresolved, and the
files of its datasets. With --flow the events of one flow, with the line each came from.

examples:
  flowfacts state --output facts
  flowfacts state --output facts --flow 5d6ab791-92e0-4e14-8bbf-fc877d7c7ecf

exit codes: 0 fine; 1 failed, or no flow of that id; 2 bad arguments.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    add_output(parser)
    parser.add_argument("--flow", metavar="ID", help="tell of the flow with this id instead")
    add_telling(parser)


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from pipelines.state_report import report_flow, report_state
    from transforms.clock import to_text

    output = args.output.rstrip("/")
    if args.flow is None:
        found = report_state(output)
        if found["oldest_open_event"] is not None:
            found["oldest_open_event"] = to_text(found["oldest_open_event"])
        if args.json:
            print(json.dumps(found, indent=1))
        elif not args.quiet:
            _tell(found)
        return 0
    flows = _readable(report_flow(output, args.flow), to_text)
    if args.json:
        print(json.dumps(flows, indent=1))
    elif not args.quiet:
        for flow in flows:
            _tell_flow(flow)
        if not flows:
            print(f"no flow {args.flow} in the state of {output}")
    return 0 if flows else 1


def _readable(value: Any, to_text: Any) -> Any:
    if isinstance(value, list):
        return [_readable(v, to_text) for v in value]
    if isinstance(value, dict):
        return {
            k: to_text(v) if k.endswith("_at") and v is not None else _readable(v, to_text) for k, v in value.items()
        }
    return value


def _tell(found: Mapping[str, Any]) -> None:
    per_flow = found["bytes_per_open_flow"]
    size = "" if per_flow is None else f", {found['bytes_of_open_state'] / 1e6:,.1f} MB, {per_flow:,.0f} bytes a flow"
    print(f"open       {found['open_flows']:,} flows with {found['open_events']:,} events{size}")
    for row in found["open_by_flow_and_outcome"]:
        print(f"           {row['flows']:>10,} {row['flow']} {row['outcome']}")
    print(f"settled    {found['settled_flows']:,} flows")
    print(f"unresolved {found['unresolved_events']:,} events")
    print(f"oldest     {found['oldest_open_event'] or '-'}, the first event of an open flow")
    told = "" if found["readable"] else " (of another version: the next run begins from the event log)"
    print(f"format     {found['state_version']}{told}")
    for row in found["datasets"]:
        print(
            f"files      {row['dataset']:<17} {row['tier']:<8} {row['files']:>6,} files {row['rows']:>12,} rows "
            f"{row['bytes'] / 1e6:>9,.1f} MB"
        )


def _tell_flow(flow: Mapping[str, Any]) -> None:
    print(f"{flow['flow']} {flow['key']}: {flow['outcome']}, {flow['event_count']:,} events, {flow['tier']}")
    for at, text in (("due_at", "becomes incomplete"), ("settles_at", "settles")):
        if flow[at]:
            print(f"  {text} {flow[at]}")
    for e in flow["deliveries"]:
        print(f"  {e['event_at']}  {e['event']:<36} {e['source']}")
