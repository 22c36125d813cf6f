"""What the commands share: options that mean the same everywhere, and how they end."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pipelines.signals import add_log

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from pipelines.running import RunResult
    from pipelines.upkeep import Upkeep


def add_output(parser: argparse.ArgumentParser) -> None:
    """Declare the output folder."""
    parser.add_argument("--output", required=True, metavar="DIR_OR_GS", help="output folder of flowfacts batch")


def add_telling(parser: argparse.ArgumentParser) -> None:
    """Declare how the result is told."""
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--verbose", action="store_true", help="log what happens, and tracebacks")
    add_log(parser)


def add_upkeep(parser: argparse.ArgumentParser) -> None:
    """Declare what a command needs that runs a graph on an output."""
    add_output(parser)
    add_running(parser)
    add_telling(parser)


def add_running(parser: argparse.ArgumentParser) -> None:
    """Declare how a graph is run; any other option goes to Beam."""
    parser.add_argument("--workers", type=int, metavar="N", help="local worker processes (default: processors)")
    parser.add_argument("--runner", default="FnApiRunner", metavar="NAME", help="Beam runner (default: FnApiRunner)")
    parser.epilog = "Any other option is passed to Beam."


def check_passed_on(
    args: argparse.Namespace, rest: list[str], declare: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Check the runner, and that Beam knows the options that are passed on to it.

    Raises:
        OptionError: one can't be used.
    """
    from pipelines.options import check_beam_options, check_runner

    own = argparse.ArgumentParser(add_help=False)
    declare(own)
    check_beam_options(rest, [o for action in own._actions for o in action.option_strings])
    check_runner(args.runner)


def upkeep_of(args: argparse.Namespace, rest: list[str], declare: Callable[[argparse.ArgumentParser], None]) -> Upkeep:
    """Check the options of a command that runs a graph on an output.

    Raises:
        OptionError: one can't be used.
    """
    from pipelines.options import OptionError
    from pipelines.upkeep import Upkeep

    check_passed_on(args, rest, declare)
    if args.workers is not None and args.workers < 1:
        raise OptionError(f"--workers is {args.workers}, expected at least 1")
    progress = sys.stderr.isatty() and not args.quiet and not args.json and not args.log
    return Upkeep(args.output, args.runner, args.workers, tuple(rest), progress)


def finish(
    name: str, args: argparse.Namespace, run: Callable[[], RunResult], tell: Callable[[Mapping[str, Any]], None]
) -> int:
    """Run a command that changes an output, tell its result, and give its exit code."""
    from pipelines.lock import LockedError
    from pipelines.running import LOCKED, UNBALANCED

    try:
        done = run()
    except LockedError as err:
        print(f"flowfacts {name}: {err}", file=sys.stderr)
        return LOCKED
    if args.json:
        print(json.dumps(done.result, indent=1))
    elif not args.quiet and not args.log:
        tell(done.result)
    if "again" in done.result:
        print(f"flowfacts {name}: {done.result['again']}", file=sys.stderr)
    if done.exit_code == UNBALANCED:
        print(f"flowfacts {name}: the books do not balance; nothing was changed", file=sys.stderr)
    return done.exit_code


def add_warehouse(parser: argparse.ArgumentParser) -> None:
    """Declare the options that name a warehouse to read."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--output", metavar="DIR", help="output folder of flowfacts batch")
    where.add_argument("--warehouse", metavar="FILE", help="its warehouse.duckdb")
    where.add_argument("--bigquery", metavar="PROJECT.DATASET", help="BigQuery dataset")


def warehouse_of(args: argparse.Namespace) -> tuple[str | None, str | None]:
    """Give the local warehouse and the dataset that the options name; one of both is None."""
    return args.output or args.warehouse, args.bigquery


def zone_of(name: str) -> ZoneInfo:
    """Give a time zone by its name.

    Raises:
        OptionError: there is none of that name.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from pipelines.options import OptionError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as err:
        raise OptionError(f"--zone is {name!r}, expected the name of a time zone, like Europe/Berlin") from err
