"""Quality and books: may the other pages be believed."""

from __future__ import annotations

from pipelines.dashboard import charts, words
from pipelines.dashboard.charts import Series
from pipelines.dashboard.filters import Filters
from pipelines.dashboard.model import Column, Kind, Page, Panel, Table, Tile
from pipelines.dashboard.pages.common import share, total
from pipelines.doors import Door
from schemas.oddities import FLAGS_TOLD

_RUNS = """
SELECT run_id, mode, first_day, last_day, started_at, finished_at, code_version, as_of, lines_read, lines_accepted,
  dead_letters, events_accepted, events_folded, events_outside_flows, events_unresolved, duplicates, balanced
FROM pipeline_run ORDER BY started_at DESC
"""
_BOOKS = """
SELECT day, closed, open_because, files, files_incomplete, lines, dead_letters, bytes FROM day_book ORDER BY day DESC
"""
_REASONS = "SELECT reason, COUNT(*) AS lines FROM dead_letter GROUP BY reason ORDER BY lines DESC, reason"
_FLAGS = """
SELECT relation, flag, COUNT(*) AS n FROM (
  SELECT 'order_flow' AS relation, flag FROM order_flow, UNNEST(quality_flags) AS flag WHERE {where}
  UNION ALL SELECT 'inbound_flow' AS relation, flag FROM inbound_flow, UNNEST(quality_flags) AS flag WHERE {where}
  UNION ALL SELECT 'stow_flow' AS relation, flag FROM stow_flow, UNNEST(quality_flags) AS flag WHERE {where}
) GROUP BY relation, flag
"""
_WHOLE = """
SELECT 'order_flow' AS relation, COUNT(*) AS n, COUNTIF(ARRAY_LENGTH(quality_flags) > 0) AS flagged
FROM order_flow WHERE {where}
UNION ALL SELECT 'inbound_flow', COUNT(*), COUNTIF(ARRAY_LENGTH(quality_flags) > 0) FROM inbound_flow WHERE {where}
UNION ALL SELECT 'stow_flow', COUNT(*), COUNTIF(ARRAY_LENGTH(quality_flags) > 0) FROM stow_flow WHERE {where}
"""
_UNRESOLVED = "SELECT COUNT(*) AS n FROM order_leg WHERE flow_id IS NULL"
_NAMED = (("order_flow", "orders", 0), ("inbound_flow", "inbound", 1), ("stow_flow", "stow", 2))


def build(door: Door, f: Filters) -> Page:
    """Make the page."""
    where, bound = f.where(facility="", flow=False), f.bound(facility=False, flow=False)
    runs, books, reasons = door.ask(_RUNS), door.ask(_BOOKS), door.ask(_REASONS)
    flags = {(r["flag"], r["relation"]): r["n"] for r in door.ask(_FLAGS.format(where=where), **bound)}
    whole = {r["relation"]: r for r in door.ask(_WHOLE.format(where=where), **bound)}
    newest = runs[0] if runs else None
    read = total(runs, "lines_read")
    page = Page("What was read, what became of each line, and how much of the data is odd.", empty=not runs)
    page.tiles = [
        Tile(
            "balanced",
            "Books",
            "balance" if all(r["balanced"] for r in runs) else "do not balance",
            f"{words.count(len(runs))} runs",
            "Every input line ends in exactly one place",
        ),
        Tile("days_open", "Days open", words.count(sum(1 for b in books if not b["closed"])), f"of {len(books)} days"),
        Tile(
            "dead",
            "Dead letters",
            words.count(total(reasons, "lines")),
            f"{words.ratio(share(total(reasons, 'lines'), read))} of the lines read",
        ),
        Tile("unresolved", "Pick jobs without an order", words.count(door.ask(_UNRESOLVED)[0]["n"])),
        *(
            Tile(
                f"flagged_{name}",
                f"Odd data, {name}",
                words.ratio(share(whole[relation]["flagged"], whole[relation]["n"])),
                f"of {words.count(whole[relation]['n'])}",
            )
            for relation, name, _ in _NAMED
        ),
        Tile(
            "as_of",
            "Facts as of",
            f"{newest['as_of']:%b %d, %H:%M}" if newest and newest["as_of"] else words.UNKNOWN,
            "UTC",
            "Instant the facts are a function of: the newest recorded time of the input",
        ),
    ]
    found = sorted({flag for flag, _ in flags}, key=lambda x: -sum(flags.get((x, r), 0) for r, _, _ in _NAMED))
    series = [Series(name, colour, [flags.get((x, relation), 0) for x in found]) for relation, name, colour in _NAMED]
    page.panels = [
        Panel(
            "flags",
            "Quality flags",
            "rows with each flag, in the days chosen",
            charts.bars("Rows by quality flag", [x.replace("_", " ") for x in found], series) if found else None,
            Table(
                "flags",
                [
                    Column("flag", "Flag", Kind.NAME),
                    *(Column(n, n.capitalize(), Kind.COUNT) for _, n, _ in _NAMED),
                    Column("told", "Meaning"),
                ],
                [
                    {"flag": x, **{n: flags.get((x, r), 0) for r, n, _ in _NAMED}, "told": FLAGS_TOLD.get(x, "")}
                    for x in found
                ],
            ),
        ),
        Panel(
            "days",
            "Days",
            "day folders of the export",
            table=Table(
                "days",
                [
                    Column("day", "Day folder"),
                    Column("closed", "Closed", Kind.YES),
                    Column("open_because", "Open because"),
                    Column("files", "Files", Kind.COUNT),
                    Column("files_incomplete", "Cut short", Kind.COUNT),
                    Column("lines", "Lines", Kind.COUNT),
                    Column("dead_letters", "Dead letters", Kind.COUNT),
                ],
                books[:40],
                _BOOKS,
            ),
        ),
        Panel(
            "reasons",
            "Dead letters by reason",
            "",
            table=Table(
                "reasons", [Column("reason", "Reason", Kind.NAME), Column("lines", "Lines", Kind.COUNT)], reasons
            ),
        ),
        Panel(
            "runs",
            "Runs",
            "the newest first",
            table=Table(
                "runs",
                [
                    Column("started_at", "Started", Kind.INSTANT),
                    Column("mode", "Mode"),
                    Column("first_day", "From"),
                    Column("last_day", "To"),
                    Column("lines_read", "Lines", Kind.COUNT),
                    Column("dead_letters", "Dead letters", Kind.COUNT),
                    Column("events_folded", "Events folded", Kind.COUNT),
                    Column("duplicates", "Duplicates", Kind.COUNT),
                    Column("events_unresolved", "Unresolved", Kind.COUNT),
                    Column("balanced", "Balanced", Kind.YES),
                    Column("as_of", "Facts as of", Kind.INSTANT),
                    Column("code_version", "Version"),
                ],
                runs[:25],
                _RUNS,
            ),
        ),
    ]
    return page
