"""`flowfacts doctor`: its options, and how its findings are told."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from typing import Any

DESCRIPTION = """\
Look whether everything is there for a first run, and say of what is not how to mend it.

Looks at Python and its packages, memory, temporary files and the configuration; and at what the options name, or, where
they do not, what the configuration gives to the other commands: the input (listed, its newest file read), the output
(written, synced, locked, renamed; room on its disk), the vendor's bucket with its key, the Pub/Sub subscription, the
BigQuery dataset (as declared? may it be written to?), the platform's API (signed in, subscriptions), and the clock
against that of a server. It changes nothing: what it writes, it removes, and it takes no message.

examples:
  flowfacts doctor
  flowfacts doctor --input export --output facts
  flowfacts --config /etc/flowfacts.toml doctor --json | jq -r '.findings[] | select(.state != "ok") | .fix'

exit codes: 0 fine (perhaps with warnings); 1 something must be mended; 2 bad arguments.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    parser.add_argument("--input", metavar="DIR_OR_GS", help="input of flowfacts batch")
    parser.add_argument("--output", metavar="DIR_OR_GS", help="output of flowfacts batch")
    parser.add_argument("--subscription", metavar="NAME", help="projects/P/subscriptions/S of land or stream")
    parser.add_argument("--bigquery", metavar="PROJECT.DATASET", help="the dataset")
    vendor = parser.add_argument_group("the vendor's bucket, as of flowfacts mirror")
    vendor.add_argument("--bucket", metavar="BUCKET[/PREFIX]", help="the bucket")
    vendor.add_argument("--key", metavar="FILE", help="its key, in a file")
    vendor.add_argument("--key-secret", metavar="NAME", help="in Secret Manager: projects/P/secrets/S/versions/V")
    vendor.add_argument("--key-env", metavar="NAME", help="in the environment variable of that name")
    platform = parser.add_argument_group("the platform's API, as of flowfacts subscribe")
    platform.add_argument("--base-url", metavar="URL", help="its address")
    platform.add_argument("--project", metavar="PROJECT", help="project of the topic")
    platform.add_argument("--topic", metavar="TOPIC", help="id of the topic")
    platform.add_argument("--credentials", metavar="FILE", help="credentials in a file")
    platform.add_argument("--credentials-secret", metavar="NAME", help="credentials in Secret Manager")
    parser.add_argument("--clock-url", metavar="URL", help="server to compare the clock with")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="print only what is not fine")
    parser.add_argument("--verbose", action="store_true", help="log failed calls, and tracebacks")


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from dataclasses import fields

    from pipelines.doctoring.findings import Finding, State
    from pipelines.doctoring.run import Subject, completed, examine

    given = Subject(**{f.name: getattr(args, f.name) for f in fields(Subject)})
    subject = completed(given, args.config, os.environ)
    found: list[Finding] = []
    for findings in examine(subject, args.config, os.environ):
        found += findings
        if not args.json:
            _tell(findings, quiet=args.quiet)
    failed = sum(f.state is State.FAIL for f in found)
    warned = sum(f.state is State.WARN for f in found)
    if args.json:
        told = {"healthy": not failed, "failed": failed, "warned": warned, "findings": [f.as_dict() for f in found]}
        print(json.dumps(told, indent=1))
    elif not args.quiet:
        print(f"\n{len(found)} looks: {failed} to mend, {warned} warnings")
    return 1 if failed else 0


def _tell(findings: Iterable[Any], *, quiet: bool) -> None:
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False, file=sys.stdout)
    style = {"ok": "green", "warn": "yellow", "fail": "red"}
    for f in findings:
        state, area, words, fix = (getattr(f, n) for n in ("state", "area", "found", "fix"))
        if quiet and state == "ok":
            continue
        console.print(f"{state.value:5}{area:16} {words}", style=style[state.value] if state != "ok" else "")
        if fix:
            console.print(f"{'':21}-> {fix}")
