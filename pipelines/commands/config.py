"""`flowfacts config check|show|example`: the options of all commands in one file."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

DESCRIPTION = """\
One file with the options of all commands, and what they are in the end.

  check    names what is wrong in the file and in the environment (unknown keys with the nearest known, values that
           can't be used, secrets that do not belong there), and shows every option that is set and its origin
  show     shows all options of one command with their values and where they come from
  example  prints a file with every option, its meaning and its default, all commented out

The file is the one of --config FILE, or of $FLOWFACTS_CONFIG, or flowfacts.toml in the working folder. An option on the
command line goes before a variable of the environment, that before the file, the file before the default:

  --output facts                 the command line
  FLOWFACTS_BATCH_OUTPUT=facts   one command; FLOWFACTS_OUTPUT=facts all that have it
  [batch]                        the file; [common] for all that have it, [bigquery.load] for an action,
  output = "facts"               [batch.beam] for what goes to Beam

Secrets stand in neither: options name a file, a variable or a secret of Secret Manager that holds one.
schemas/docs/configuration.md has it all.

examples:
  flowfacts config example > flowfacts.toml
  flowfacts config check
  flowfacts --config /etc/flowfacts.toml config show batch
  flowfacts config check --json | jq -r '.problems[]'

exit codes: 0 fine; 2 something is wrong in the file or in the environment.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = DESCRIPTION
    actions = parser.add_subparsers(dest="action", required=True, metavar="check|show|example")
    check = actions.add_parser("check", allow_abbrev=False)
    show = actions.add_parser("show", allow_abbrev=False)
    show.add_argument("of", metavar="COMMAND", nargs="+", help="a command, like batch, or bigquery load")
    actions.add_parser("example", allow_abbrev=False)
    for sub in (check, show):
        sub.add_argument("--json", action="store_true", help="print the result as JSON")


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    from pipelines.settings.report import check, example, show

    if args.action == "example":
        print(example(), end="")
        return 0
    if args.action == "check":
        found = check(args.config, os.environ)
    else:
        found = show(" ".join(args.of), args.config, os.environ)
    if args.json:
        print(json.dumps(found, indent=1))
    else:
        _tell(found)
    for problem in found["problems"]:
        print(f"flowfacts config: {problem}", file=sys.stderr)
    return 2 if found["problems"] else 0


def _tell(found: dict[str, Any]) -> None:
    print(f"file: {found['file'] or 'none'}")
    for name, state in found.get("credentials", {}).items():
        print(f"{name}: {state}")
    rows = [(s["command"], s["option"], s["value"], s["origin"]) for s in found["settings"]]
    if not rows:
        print("nothing is set: all options have their defaults")
        return
    widths = [min(48, max(len(r[n]) for r in rows)) for n in range(3)]
    for row in rows:
        print("  ".join(f"{cell:{w}}" for cell, w in zip(row, (*widths, 0), strict=True)).rstrip())
    for warning in found.get("warnings", []):
        print(f"warning: {warning}")
