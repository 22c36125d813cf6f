"""What a run tells at its end: flows by outcome, the main durations, the books, and where everything is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

_FLOWS = ("order_flow", "inbound_flow", "stow_flow")
_DURATIONS = (
    ("order: created to routed", "order_flow", "order_to_route_seconds"),
    ("order: created to handed over", "order_flow", "order_cycle_seconds"),
    ("leg: pick queue", "order_leg", "pick_queue_seconds"),
    ("leg: picking with its pauses", "order_leg", "pick_duration_gross_seconds"),
    ("leg: picking, net of pauses", "order_leg", "pick_duration_net_seconds"),
    ("leg: packing with its queue", "order_leg", "pack_total_seconds"),
    ("leg: ready to handed over", "order_leg", "handover_wait_seconds"),
    ("parcel: label request", "order_parcel", "label_request_seconds"),
    ("inbound: dock to stock", "inbound_receipt", "dock_to_stock_seconds"),
    ("inbound: order to finished", "inbound_flow", "inbound_complete_seconds"),
    ("stow: wait", "stow_flow", "stow_wait_seconds"),
    ("stow: work with its pauses", "stow_flow", "stow_duration_gross_seconds"),
    ("stow: work, net of pauses", "stow_flow", "stow_duration_net_seconds"),
)


def summarise(warehouse: Path) -> dict[str, Any]:
    """Read the summary of a warehouse: outcomes by flow, durations in seconds, quality flags."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        outcomes = {
            t: dict(con.execute(f"SELECT outcome, count(*) FROM {t} GROUP BY 1 ORDER BY 2 DESC").fetchall())
            for t in _FLOWS
        }
        durations = []
        for label, table, column in _DURATIONS:
            n, p50, p90 = con.execute(
                f"SELECT count({column}), quantile_cont({column}, 0.5), quantile_cont({column}, 0.9) FROM {table}"
            ).fetchall()[0]
            durations.append({"name": label, "column": f"{table}.{column}", "count": n, "p50": p50, "p90": p90})
        flags = con.execute(
            "SELECT flag, count(*) FROM (SELECT unnest(quality_flags) AS flag FROM order_flow UNION ALL "
            "SELECT unnest(quality_flags) FROM inbound_flow UNION ALL SELECT unnest(quality_flags) FROM stow_flow) "
            "GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
        reasons = con.execute("SELECT reason, count(*) FROM dead_letter GROUP BY 1 ORDER BY 2 DESC, 1").fetchall()
    return {
        "outcomes": outcomes,
        "durations": durations,
        "quality_flags": dict(flags),
        "dead_letters_by_reason": dict(reasons),
    }


def humane(seconds: float | None) -> str:
    """Write a duration as a person would."""
    if seconds is None:
        return "-"
    if abs(seconds) < 1:
        return f"{seconds * 1000:.0f} ms"
    if abs(seconds) < 120:
        return f"{seconds:.1f} s"
    if abs(seconds) < 7200:
        return f"{seconds / 60:.1f} min"
    if abs(seconds) < 172800:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} d"


def render(result: dict[str, Any], console: Console) -> None:
    """Print a batch result."""
    run, facts = result["run"], result.get("facts")
    if facts is not None:
        _render_facts(facts, console)
    _render_books(run, facts, console)
    for problem in result["problems"]:
        console.print(
            f"[yellow]incomplete:[/] {escape(problem['path'])}: {escape(problem['problem'])}",
            highlight=False,
            soft_wrap=True,
        )
    if not run["balanced"]:  # nothing was published, so there is nothing to point at
        return
    output, warehouse = escape(result["output"]), escape(result.get("warehouse") or "")
    console.print()
    console.print(
        f"tables    {output}/facts/<relation>/*.parquet, named by {output}/manifest.json",
        highlight=False,
        soft_wrap=True,
    )
    if warehouse:
        console.print(f"duckdb    {warehouse}", highlight=False, soft_wrap=True)
        console.print(
            "try       .venv/bin/python -c \"import duckdb; print(duckdb.connect('"
            + warehouse
            + "', read_only=True).sql('FROM order_flow LIMIT 5'))\"",
            highlight=False,
            soft_wrap=True,
        )
        console.print(f"pages     .venv/bin/flowfacts dashboard --output {output}", highlight=False, soft_wrap=True)


def _render_facts(facts: dict[str, Any], console: Console) -> None:
    table = Table(title="Flows by outcome", title_justify="left")
    outcomes = ("fulfilled", "cancelled", "open", "incomplete")
    for heading in ("", *outcomes):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, counts in facts["outcomes"].items():
        table.add_row(name, *(f"{counts.get(o, 0):,}" for o in outcomes))
    console.print(table)
    table = Table(title="Where the time goes", title_justify="left")
    for heading in ("", "n", "median", "p90"):
        table.add_column(heading, justify="left" if not heading else "right")
    for d in facts["durations"]:
        table.add_row(d["name"], f"{d['count']:,}", humane(d["p50"]), humane(d["p90"]))
    console.print(table)


def _render_books(run: dict[str, Any], facts: dict[str, Any] | None, console: Console) -> None:
    table = Table(title="Books", title_justify="left", show_header=False)
    table.add_column()
    table.add_column()
    files = f"{run['files_read']:,} read, {run['files_repeated']:,} repeats, {run['files_incomplete']:,} incomplete"
    table.add_row("files", files)
    table.add_row(
        "lines", f"{run['lines_read']:,} = {run['lines_accepted']:,} accepted + {run['dead_letters']:,} dead letters"
    )
    table.add_row(
        "events",
        f"{run['events_accepted']:,} = {run['events_folded']:,} folded + {run['events_outside_flows']:,} outside + "
        f"{run['events_unresolved']:,} unresolved + {run['duplicates']:,} duplicates",
    )
    table.add_row("balanced", "[green]yes[/]" if run["balanced"] else "[red]no[/]")
    if facts and facts["dead_letters_by_reason"]:
        table.add_row("dead letters", ", ".join(f"{r} {n:,}" for r, n in facts["dead_letters_by_reason"].items()))
    if facts and facts["quality_flags"]:
        table.add_row("quality flags", ", ".join(f"{f} {n:,}" for f, n in facts["quality_flags"].items()))
    console.print(table)
