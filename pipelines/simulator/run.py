"""The command `flowfacts simulate`: an invented tenant's event export, and the drawn truth about it."""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.simulator.calendar import calendar_text
from pipelines.simulator.drawing import DAY, instant_text
from pipelines.simulator.faults import LEVELS, repeats
from pipelines.simulator.inbound import inbound_stories
from pipelines.simulator.lines import Delivery
from pipelines.simulator.model import US, Row
from pipelines.simulator.outside import heartbeat, outside_events
from pipelines.simulator.stow import stow_stories
from pipelines.simulator.truth import TruthWriter, event_rows, to_table
from pipelines.simulator.world import World
from pipelines.simulator.writer import SLOTS, ExportWriter, Placed, Placer

_UNIT = 200
"""Orders of one unit of drawing; units have seeds of their own, so that any number of workers draws the same."""

_ORDERS_PER_INBOUND, _ORDERS_PER_STOW, _OUTSIDE_PER_ORDER = 25, 15, 0.4


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate."""

    output: Path
    days: int
    orders_per_day: int
    seed: int
    faults: str = "none"
    start: str = "2026-06-01"
    workers: int = 1

    @property
    def start_at(self) -> int:
        """Start of the first day, in microseconds."""
        return int(datetime.fromisoformat(self.start).replace(tzinfo=UTC).timestamp()) * US

    @property
    def horizon(self) -> int:
        """Last instant of the data; an event is recorded then, so it is the instant of the facts, too."""
        return self.start_at + self.days * DAY - 1


@dataclass(slots=True)
class _Unit:
    """What one unit of drawing gives."""

    lines: list[Placed]
    tables: dict[str, pa.Table]
    books: Counter[str]


def _units(plan: Plan) -> Iterator[tuple[Plan, int, int, int]]:
    """List the units: day, number, orders. The day before the data begins leaves flows that are under way."""
    for day in range(-1, plan.days):
        orders = plan.orders_per_day if day >= 0 else max(plan.orders_per_day // 8, 1)
        for number, begin in enumerate(range(0, max(orders, 1), _UNIT)):
            yield plan, day, number, min(_UNIT, orders - begin)


def _share(rng: random.Random, amount: float) -> int:
    """Round an expected number of flows up or down by chance, so that small units add up right."""
    return int(amount) + (rng.random() < amount % 1)


def _draw(unit: tuple[Plan, int, int, int]) -> _Unit:
    """Draw one unit in whatever process."""
    from pipelines.simulator.orders import order_stories

    plan, day, number, orders = unit
    rng = random.Random(f"unit-{plan.seed}-{day}-{number}")
    world = World(plan.seed, plan.start_at)
    level = LEVELS[plan.faults]
    day_start = plan.start_at + day * DAY
    placer = Placer(rng, plan.seed, level, plan.start_at, plan.days)
    lines: list[Placed] = []
    rows: dict[str, list[Row]] = {"flow_event": []}
    books: Counter[str] = Counter()

    def emit(emission: Any) -> None:
        first = Delivery.of(emission)
        again = repeats(rng, level, first, world, plan.horizon)
        lines.extend(placer.place(delivery, max(day, 0) * SLOTS) for delivery in (first, *again))
        books["events_accepted"] += first.events * (1 + len(again))
        rows["flow_event"] += event_rows(emission)
        for truth in emission.truth:
            if truth.flow == "none":
                books["events_outside_flows"] += 1
            elif truth.flow_id is None:
                books["events_unresolved"] += 1
            else:
                books["events_folded"] += 1
        books["duplicates"] += sum(d.events for d in again)

    stories = (
        # Orders that begin before the data are drawn among those of its first day.
        order_stories(rng, world, day_start, orders if day >= 0 else 0, plan.horizon, plan.horizon),
        inbound_stories(rng, world, day_start, _share(rng, orders / _ORDERS_PER_INBOUND), plan.horizon, plan.horizon),
        stow_stories(rng, world, day_start, _share(rng, orders / _ORDERS_PER_STOW), plan.horizon, plan.horizon),
    )
    for kind in stories:
        for story in kind:
            for emission in story.emissions:
                emit(emission)
            for relation, found in story.rows.items():
                rows.setdefault(relation, []).extend(found)
    if day >= 0:
        count = _share(rng, orders * _OUTSIDE_PER_ORDER)
        drawn = outside_events(rng, world, day_start, count, plan.horizon, wrong_types=level.wrong_types)
        for emission, lost, unknown in drawn:
            before = len(lines)
            emit(emission)
            times = len(lines) - before
            books["field_errors"] += lost * times
            books["unknown_names"] += unknown * times
        if day == plan.days - 1 and number == 0:
            emit(heartbeat(rng, world, plan.horizon))
    return _Unit(lines, {relation: to_table(relation, found) for relation, found in rows.items()}, books)


def simulate(plan: Plan) -> dict[str, Any]:
    """Simulate a tenant.

    Returns:
        The books that a batch run over the export must show, with the folders.
    """
    began = time.monotonic()
    export, truth_folder = plan.output / "export", plan.output / "truth"
    for folder in (export, truth_folder):
        if folder.exists() and any(folder.iterdir()):
            raise FileExistsError(f"{folder} is not empty, expected a new folder; choose another --output or remove it")
    writer = ExportWriter(export, plan.seed, LEVELS[plan.faults], plan.start_at, plan.days)
    truth = TruthWriter(truth_folder)
    books: Counter[str] = Counter()
    for (_, day, _, _), unit in _drawn(plan):
        writer.complete(day)  # what is drawn from here on is recorded on this day or later
        for line in unit.lines:
            writer.add(line)
        for relation, table in unit.tables.items():
            truth.add(relation, table)
        books += unit.books
        _tell(day + 1, plan.days, writer.books["lines_accepted"], began)
    writer.complete(plan.days)
    truth.close()
    books += writer.books
    books["lines_read"] = books["lines_accepted"] + books["dead_letters"]
    names = (
        "lines_read", "lines_accepted", "dead_letters", "events_accepted", "events_folded", "events_outside_flows",
        "events_unresolved", "duplicates", "field_errors", "unknown_names", "files_read", "files_repeated",
        "files_incomplete",
    )  # fmt: skip
    result: dict[str, Any] = {name: books[name] for name in names}
    result |= {
        "dead_letters_by_reason": dict(sorted(writer.reasons.items())),
        "as_of": instant_text(plan.horizon),
        "seed": plan.seed,
        "faults": plan.faults,
    }
    (plan.output / "calendar.yaml").write_text(calendar_text(World(plan.seed, plan.start_at)))
    (truth_folder / "books.json").write_text(json.dumps(result, indent=1) + "\n")
    took = time.monotonic() - began
    return result | {
        "export": str(export),
        "truth": str(truth_folder),
        "seconds": round(took, 1),
        "events_per_second": round(result["events_accepted"] / max(took, 1e-9)),
    }


def _drawn(plan: Plan) -> Iterator[tuple[tuple[Plan, int, int, int], _Unit]]:
    units = list(_units(plan))
    if plan.workers <= 1:
        for unit in units:
            yield unit, _draw(unit)
        return
    with get_context("spawn").Pool(plan.workers) as pool:
        yield from zip(units, pool.imap(_draw, units), strict=True)


def _tell(day: int, days: int, lines: int, began: float) -> None:
    if sys.stderr.isatty():
        rate = lines / max(time.monotonic() - began, 1e-9)
        end = "\n" if day >= days else ""
        print(f"\rsimulating day {max(day, 1)} of {days}: {lines:,} lines, {rate:,.0f}/s", end=end, file=sys.stderr)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Draw a tenant with warehouses, shifts, orders, deliveries and stow jobs. Writes OUTPUT/export (day folders of "
        "gzipped NDJSON, full-size payloads with invented personal data), OUTPUT/truth (what the facts must be, as "
        "Parquet, and the books as JSON) and OUTPUT/calendar.yaml (the opening hours, for flowfacts batch --calendar). "
        "The same seed gives the same tenant."
    )
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="new folder for export and truth")
    parser.add_argument("--days", type=int, default=7, metavar="N", help="number of days (default: 7)")
    parser.add_argument("--orders-per-day", type=int, default=500, metavar="N", help="orders a day (default: 500)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of everything (default: 1)")
    parser.add_argument("--faults", choices=sorted(LEVELS), default="none", help="what goes wrong (default: none)")
    parser.add_argument("--start", default="2026-06-01", metavar="DAY", help="first day (default: 2026-06-01)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes")
    parser.add_argument(
        "--publish",
        metavar="TOPIC",
        help="also publish the events to projects/P/topics/T, as the platform sends them (PUBSUB_EMULATOR_HOST counts)",
    )
    parser.add_argument(
        "--speed",
        metavar="N",
        help="publish so many times faster than recorded, like 60x (default: as fast as it goes)",
    )
    parser.add_argument("--shuffle", type=int, metavar="SEED", help="publish in a random order")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def main(args: argparse.Namespace, rest: list[str]) -> int:
    """Run the command."""
    problem = None
    if args.days < 1 or args.orders_per_day < 1 or args.workers < 1:
        problem = "--days, --orders-per-day and --workers must be at least 1"
    try:
        datetime.strptime(args.start, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        problem = f"--start is {args.start!r}, expected a day like 2026-06-01"
    speed: float | None = None
    if args.speed is not None:
        try:
            speed = float(args.speed.removesuffix("x"))
        except ValueError:
            speed = 0.0
        if not 0 < speed < float("inf"):
            problem = f"--speed is {args.speed!r}, expected a positive number like 60x"
    if args.publish is not None and not re.fullmatch(r"projects/[^/\s]+/topics/[^/\s]+", args.publish):
        problem = f"--publish is {args.publish!r}, expected projects/PROJECT/topics/TOPIC"
    if args.publish is None and (args.speed is not None or args.shuffle is not None):
        problem = "--speed and --shuffle are for --publish, expected that, too"
    if problem is not None:
        print(f"flowfacts simulate: {problem}", file=sys.stderr)
        return 2
    plan = Plan(args.output, args.days, args.orders_per_day, args.seed, args.faults, args.start, args.workers)
    try:
        result = simulate(plan)
    except FileExistsError as err:
        print(f"flowfacts simulate: {err}", file=sys.stderr)
        return 2
    if args.publish is not None:
        from pipelines.simulator.publish import messages, publish

        placed = messages(plan.output / "export", args.shuffle)
        result["messages_published"] = publish(args.publish, placed, speed)
    if args.json:
        print(json.dumps(result, indent=1))
    else:
        print(
            f"{result['events_accepted']:,} events in {result['lines_read']:,} lines, {result['seconds']} s "
            f"({result['events_per_second']:,}/s)\nexport  {result['export']}\ntruth   {result['truth']}"
        )
    return 0
