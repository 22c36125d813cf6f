"""Inbound: expected and received, from the dock to the stock."""

from __future__ import annotations

from pipelines.dashboard import charts, words
from pipelines.dashboard.charts import Series
from pipelines.dashboard.filters import Filters
from pipelines.dashboard.histogram import bucket_sql, percentiles
from pipelines.dashboard.model import Column, Kind, Page, Panel, Table, Tile
from pipelines.dashboard.pages import stages
from pipelines.dashboard.pages.common import (
    BOUND,
    OUTCOMES,
    day_table,
    measured,
    over_days,
    percentile_lines,
    share,
    total,
)
from pipelines.doors import Door

_DAYS = """
SELECT DATE(started_at) AS day, outcome, COUNT(*) AS processes, SUM(requested_units) AS requested,
  SUM(accepted_units) AS accepted, SUM(rejected_units) AS rejected,
  COUNTIF('partial_delivery' IN UNNEST(deviations)) AS parts,
  COUNTIF(supplier_delay_seconds <= 0) AS punctual, COUNT(supplier_delay_seconds) AS judged,
  SUM(IF(outcome <> 'open' AND requested_units > accepted_units + rejected_units,
    requested_units - accepted_units - rejected_units, 0)) AS missing
FROM inbound_flow WHERE {where} GROUP BY day, outcome
"""
_RECEIPTS = """
SELECT DATE(receipt_created_at) AS day, COUNT(*) AS receipts, COUNT(delivery_received_at) AS received
FROM inbound_receipt WHERE {where} GROUP BY day
"""
_DOCK = """
SELECT DATE(receipt_created_at) AS day, {bucket} AS bucket, COUNT(*) AS n
FROM inbound_receipt WHERE {where} AND dock_to_stock_seconds IS NOT NULL GROUP BY day, bucket
"""
_EXPECTED = """
SELECT DATE(last_requested_at) AS day, COUNT(*) AS processes, COUNT(first_arrival_at) AS arrived FROM inbound_flow
WHERE {where} GROUP BY day
"""
_LIST = """
SELECT COALESCE(tenant_inbound_process_id, flow_id) AS number, flow_id, outcome, facility_ref, started_at,
  last_requested_at, first_arrival_at, supplier_delay_seconds, receipt_count, requested_units, accepted_units,
  rejected_units, deviations
FROM inbound_flow WHERE {where} ORDER BY outcome <> 'open', started_at, flow_id
"""
_SHOWN = 25


def build(door: Door, f: Filters) -> Page:
    """Make the page."""
    where, bound, days = f.where(), f.bound(), f.days()
    rows = door.ask(_DAYS.format(where=where), **bound)
    narrow = f.where("receipt_created_at", flow=False)
    some = f.bound(flow=False)
    receipts = door.ask(_RECEIPTS.format(where=narrow), **some)
    dock = door.ask(_DOCK.format(where=narrow, bucket=bucket_sql("dock_to_stock_seconds")), **some)
    p50, p90 = percentiles(((r["bucket"], r["n"]) for r in dock), (0.5, 0.9))
    accepted, rejected = total(rows, "accepted"), total(rows, "rejected")
    page = Page("Inbound processes by the day on which they began, receipts by the day on which they were created.")
    page.empty = not rows and not receipts
    page.tiles = [
        Tile(
            "processes",
            "Inbound processes",
            words.count(total(rows, "processes")),
            f"{words.count(total((r for r in rows if r['outcome'] == 'open'), 'processes'))} open",
        ),
        Tile(
            "receipts",
            "Receipts",
            words.count(total(receipts, "receipts")),
            f"{words.count(total(receipts, 'received'))} received",
        ),
        measured("dock_p50", "dock_to_stock_cycle_time", words.seconds(p50), f"p90 {words.seconds(p90)}"),
        measured(
            "rejected",
            "rejection_rate",
            words.ratio(share(rejected, accepted + rejected)),
            f"{words.count(rejected)} units",
        ),
        Tile("missing", "Missing", words.count(total(rows, "missing")), "units, of ended processes"),
        measured(
            "punctual",
            "supplier_on_time",
            words.ratio(share(total(rows, "punctual"), total(rows, "judged"))),
            f"of {words.count(total(rows, 'judged'))} with a date",
        ),
        Tile("parts", "Delivered in parts", words.count(total(rows, "parts")), "processes"),
    ]
    labels = [words.day(d) for d in days]
    processes = over_days(days, rows, "outcome", "processes", OUTCOMES)
    lines = percentile_lines(days, dock, (("median", 0.5, 0), ("p90", 0.9, 1)))
    units = [
        Series(n, c, [total((r for r in rows if r["day"] == d), n) for d in days])
        for n, c in (("accepted", 0), ("rejected", 4), ("missing", 1))
    ]

    due = {r["day"]: r for r in door.ask(_EXPECTED.format(where=f.where("last_requested_at")), **bound)}
    expected = [
        Series("arrived", 0, [due[d]["arrived"] if d in due else 0 for d in days]),
        Series("not yet", 1, [due[d]["processes"] - due[d]["arrived"] if d in due else 0 for d in days]),
    ]
    page.panels = [
        Panel(
            "processes",
            "Inbound processes by outcome",
            "",
            charts.columns("Inbound processes by day and outcome", labels, processes),
            day_table("processes", days, processes, Kind.COUNT),
            wide=False,
        ),
        Panel(
            "dock",
            "Dock to stock",
            "arrival to stock booked. " + BOUND,
            charts.lines("Dock to stock by day", labels, lines, tell=words.axis_seconds),
            day_table("dock", days, lines, Kind.SECONDS),
            wide=False,
        ),
        Panel(
            "expected",
            "Expected deliveries",
            "by the day for which they were last requested, and whether any of their goods arrived",
            charts.columns("Expected deliveries by day", labels, expected, full=True),
            day_table("expected", days, expected, Kind.COUNT),
        ),
        Panel(
            "units",
            "Units accepted, rejected and missing",
            "missing: requested, but not delivered when the process ended",
            charts.columns("Units by day", labels, units, full=True),
            day_table("units", days, units, Kind.COUNT),
        ),
        stages.where_time_goes(door, f, "inbound"),
        Panel(
            "list",
            "Processes",
            f"open ones first, the oldest {_SHOWN}; the download has all of the filters",
            table=Table(
                "list",
                _COLUMNS,
                door.ask(_LIST.format(where=where) + f" LIMIT {_SHOWN}", **bound),
                _LIST.format(where=where),
                bound,
            ),
        ),
    ]
    return page


_COLUMNS = (
    Column("number", "Process", Kind.FLOW),
    Column("outcome", "Outcome"),
    Column("facility_ref", "Facility", Kind.PLACE),
    Column("started_at", "Began", Kind.INSTANT),
    Column("last_requested_at", "Requested for", Kind.INSTANT),
    Column("first_arrival_at", "Arrived", Kind.INSTANT),
    Column("supplier_delay_seconds", "Late by", Kind.SECONDS),
    Column("receipt_count", "Receipts", Kind.COUNT),
    Column("requested_units", "Requested", Kind.COUNT),
    Column("accepted_units", "Accepted", Kind.COUNT),
    Column("rejected_units", "Rejected", Kind.COUNT),
    Column("deviations", "Deviations", Kind.LIST),
)
