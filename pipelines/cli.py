"""The command `flowfacts`. Importing it is cheap: Beam is loaded by the sub-commands that need it."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

from pipelines.commands import COMMANDS, GROUPS
from pipelines.options import OptionError
from pipelines.settings.line import complete, take_config
from pipelines.version import VERSION

_DESCRIPTION = """\
Turn the events of a fulfillment platform into timing facts per order, inbound process and stow job.

  flowfacts simulate --output tenant --days 7        an invented tenant: its event export, and the truth about it
  flowfacts batch --input tenant/export --output facts
                                                     Parquet tables, a manifest and facts/warehouse.duckdb
  flowfacts dashboard --output facts                 where the time goes, in the browser

flowfacts COMMAND --help tells what a command does, with examples and its exit codes.
"""


def _listing() -> str:
    """List the commands by what they are for."""
    width = max(len(n) for n in COMMANDS)
    groups = (
        "\n".join([f"{title}:", *(f"  {name:{width}}  {command.help}" for name, command in group.items())])
        for title, group in GROUPS.items()
    )
    return "\n\n".join(groups)


def _parser(chosen: str | None) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser | None, Any]:
    """Make the parser; only the chosen command is loaded with its options."""
    parser = argparse.ArgumentParser(
        prog="flowfacts",
        usage="flowfacts [--config FILE] COMMAND [OPTION ...]",
        description=_DESCRIPTION,
        epilog=_listing(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"flowfacts {VERSION}")
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="options from this file (default: $FLOWFACTS_CONFIG, or flowfacts.toml in the working folder); "
        "the command line and the environment go before it",
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", prog="flowfacts", help=argparse.SUPPRESS
    )
    module, inner = None, None
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
        if name == chosen:
            inner, module = sub, importlib.import_module(command.module)
            module.add_arguments(sub)
    return parser, inner, module


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code: 2 for an `OptionError` or `NoInputError`, 1 for any other failure."""
    given = sys.argv[1:] if argv is None else list(argv)
    try:
        words, config = take_config(given)
        chosen = next((w for w in words if not w.startswith("-")), None)
        parser, inner, module = _parser(chosen)
        if inner is not None and chosen not in (None, "config") and not {"-h", "--help"} & set(words):
            words = complete(chosen, inner, words, config, os.environ)
    except OptionError as err:
        print(f"flowfacts: {err}", file=sys.stderr)
        if "--log" in given:
            from pipelines.signals import line

            print(line(next((w for w in given if w in COMMANDS), "config"), {}, code=2, problem=str(err)), flush=True)
        return 2
    args, rest = parser.parse_known_args(words)
    if rest and not COMMANDS[args.command].beam:
        parser.error(f"unknown arguments: {' '.join(rest)}")
    args.config = config
    verbose = getattr(args, "verbose", False)
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    if not verbose:  # Beam logs the traceback of what it then raises; here it is told in one line
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    args.signal = {}
    code, problem = _run(module, args, rest)
    if getattr(args, "log", False):
        from pipelines.signals import line

        print(line(args.command, args.signal, code=code, problem=problem), flush=True)
    return code


def _run(module: Any, args: argparse.Namespace, rest: list[str]) -> tuple[int, str | None]:
    """Run the command; gives its exit code, and what went wrong."""
    verbose = getattr(args, "verbose", False)
    try:
        return module.main(args, rest), None
    except KeyboardInterrupt:
        return _interrupted(), None
    except Exception as err:
        from pipelines.exports import NoInputError

        if isinstance(err, (OptionError, NoInputError)):
            print(f"flowfacts {args.command}: {err}", file=sys.stderr)
            return 2, str(err)
        if _is_interrupt(err):
            return _interrupted(), None
        if verbose:
            raise
        hint = "\nrun again with --verbose for the whole story" if hasattr(args, "verbose") else ""
        problem = f"failed: {_essence(err)[:600]}"
        print(f"flowfacts {args.command}: {problem}{hint}", file=sys.stderr)
        return 1, problem


def _essence(err: Exception) -> str:
    """Give the one line of an error that says what is wrong; that of a worker stands at the end of its traceback."""
    lines = (str(err).strip() or type(err).__name__).splitlines()
    if lines[0] == _CHANNEL_CLOSED or type(err).__name__ == "WorkerGoneError":
        return (
            "a worker process has ended early, killed or out of memory; nothing was published. Run it again; "
            "--workers 1 works in one process and takes less memory"
        )
    if lines[0].rstrip().endswith(":") and len(lines) > 1:  # what is wrong stands below its heading
        lines = [" ".join(line.strip() for line in lines)]
    told = [line for line in lines if line.startswith(_STORAGE)] or lines
    return re.sub(r" \[while running .*$", "", told[-1].removeprefix(_STORAGE) if told is not lines else lines[0])


_CHANNEL_CLOSED = "Channel closed prematurely."
"""What Beam's local runner says when a worker process that it talked to is gone."""

_STORAGE = "pipelines.storage_errors.StorageError: "


def _interrupted() -> int:
    print("flowfacts: interrupted; what is published stays readable, run again to finish", file=sys.stderr)
    return 130


def _is_interrupt(err: Exception) -> bool:
    """Say whether an error is Ctrl-C in the words of DuckDB, which takes the signal while it works."""
    if "duckdb" not in sys.modules:
        return False
    import duckdb

    return isinstance(err, duckdb.InterruptException)


if __name__ == "__main__":
    sys.exit(main())
