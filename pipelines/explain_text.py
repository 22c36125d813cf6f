"""A derivation for people at a terminal, and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.derivation import Derivation, End, Told
from pipelines.summary import humane

_NO_TIME = "-"


def as_json(told: Derivation) -> str:
    """Write a derivation as one line of JSON; events are named by their position in `events`."""
    return json.dumps(asdict(told), default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is no value of a derivation")


def instant(at: datetime | None) -> str:
    """Write an instant (UTC) as short as it is exact."""
    if at is None:
        return _NO_TIME
    text = at.strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}.{at.microsecond:06d}".rstrip("0") if at.microsecond else text


def render(told: Derivation, console: Console, *, everything: bool = False) -> None:
    """Print a derivation.

    Args:
        told: what to print.
        console: where.
        everything: also the durations that are not known.
    """
    row = told.row
    console.print(Text(f"{told.flow} {told.number}", style="bold"), soft_wrap=True)
    facts = [
        ("flow id", row["flow_id"]), ("outcome", row["outcome"]), ("facility", row["facility_ref"] or _several(row)),
        ("from", instant(row["started_at"])), ("to", instant(row["finished_at"])), ("events", str(row["event_count"])),
        ("path", (row["variant"] or "").replace(">", " > ")), ("facts as of", instant(told.as_of)),
    ]  # fmt: skip
    for name, value in facts:
        console.print(Text(f"  {name:<12}{value}"), soft_wrap=True)
    _events(told, console)
    _intervals(told, console)
    if told.ledger:
        _ledger(told, console)
    _durations(told, console, everything=everything)
    _odd(told, console)


def _several(row: dict[str, Any]) -> str:
    return f"{row['facility_count']} facilities"


def _table(title: str, *headings: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return table


def _events(told: Derivation, console: Console) -> None:
    table = _table("Events (UTC)", "#", "time", "event", "entity", "status", "time is", "source", right=("#",))
    for n, e in enumerate(told.events, 1):
        table.add_row(*map(Text, (
            str(n), instant(e["event_at"]), e["event_name"], f"{e['entity']} {(e['entity_id'] or '')[:8]}",
            e["status"] or "", e["time_basis"] or "", e["source"] or "",
        )))  # fmt: skip
    console.print(table)


def _intervals(told: Derivation, console: Console) -> None:
    table = _table("Intervals", "entity", "stage", "kind", "from", "to", "length", "events", right=("length",))
    for i in told.intervals:
        ends = f"{_numbers(i['start_events'])} to {_numbers(i['end_events']) if i['ended_at'] else 'now'}"
        length = humane(i["seconds"]) if i["ended_at"] else "lasts"
        table.add_row(*map(Text, (
            f"{i['entity']} {(i['entity_id'] or '')[:8]}", i["stage"], i["kind"], instant(i["started_at"]),
            instant(i["ended_at"]), length, ends,
        )))  # fmt: skip
    console.print(table)


_PARTS = ("waiting", "working", "paused", "blocked", "site_closed")


def _ledger(told: Derivation, console: Console) -> None:
    """Print where the order's time went: its stages as rows, its five parts and its slack as columns."""
    names = [*(p.replace("_", " ") for p in _PARTS), "slack used", "late"]
    table = _table("Where its time went", "stage", "time", *names, right=("time", *names))
    columns = ["stage_seconds", *(f"{p}_seconds" for p in _PARTS), "slack_used_seconds", "slack_late_seconds"]
    for r in told.ledger:
        cells = [humane(r[c]) if r[c] else _NO_TIME for c in columns]
        table.add_row(*map(Text, (r["stage"].replace("_", " ") + (" (now)" if r["in_stage"] else ""), *cells)))
    sums = [sum(r[c] or 0 for r in told.ledger) for c in columns]
    table.add_section()
    table.add_row(*map(Text, ("together", *(humane(s) if s else _NO_TIME for s in sums))))
    console.print(table)
    left = told.ledger[0]["slack_left_seconds"]
    if left is not None:
        words = f"{humane(left)} of the slack is left" if left >= 0 else f"{humane(-left)} over its target"
        console.print(Text(f"  {words}\n"), soft_wrap=True)


def _durations(told: Derivation, console: Console, *, everything: bool) -> None:
    table = _table("Durations", "measure", "of", "length", "from", "to", "rule", right=("length",))
    unknown = 0
    for d in told.durations:
        if d.seconds is None:
            unknown += 1
            if not everything:
                continue
        table.add_row(*map(Text, (
            d.column, d.key[:8], humane(d.seconds), _end(d.start), _end(d.stop), d.because or _rule(d),
        )))  # fmt: skip
    console.print(table)
    if unknown and not everything:
        console.print(Text(f"  {unknown} more are not known; --all tells why\n"), soft_wrap=True)


def _rule(told: Told) -> str:
    text = told.rule
    if told.parts:
        text += f" ({len(told.parts)} stretches: {', '.join(humane(p[2]) for p in told.parts)})"
    return text if told.checked else text + " (ends not shown: they hang on fields that no relation keeps)"


def _end(end: End | None) -> str:
    if end is None or end.at is None:
        return _NO_TIME
    by = _numbers(end.events) if end.events else end.payload or end.column
    return f"{instant(end.at)} {by}"


def _numbers(events: list[int]) -> str:
    return ", ".join(f"#{n + 1}" for n in events) or _NO_TIME


def _odd(told: Derivation, console: Console) -> None:
    if not told.odd:
        console.print(Text("Nothing is odd about it.\n"), soft_wrap=True)
        return
    table = _table("What is odd", "kind", "name", "where", "meaning", "events")
    for o in told.odd:
        table.add_row(*map(Text, (o.kind, o.name, o.where, o.meaning, _numbers(o.events))))
    console.print(table)
