"""Carriers: parcels, labels and transit."""

from __future__ import annotations

from pipelines.dashboard import charts, words
from pipelines.dashboard.filters import Filters
from pipelines.dashboard.histogram import bucket_sql, percentiles
from pipelines.dashboard.model import Column, Kind, Page, Panel, Table, Tile
from pipelines.dashboard.pages.common import BOUND, by_group, measured, over_days, share, total
from pipelines.doors import Door

_DAYS = """
SELECT DATE(parcel_created_at) AS day, COALESCE(carrier_ref, 'unknown') AS carrier, COUNT(*) AS parcels,
  SUM(label_failure_count) AS failures, COUNTIF(label_failure_count > 0) AS failed,
  COUNT(label_received_at) AS labelled,
  COUNTIF(label_requested_at IS NOT NULL AND (label_received_at IS NOT NULL OR label_failure_count > 0)) AS answered,
  COUNTIF(label_requested_at IS NOT NULL AND label_received_at IS NOT NULL AND label_failure_count = 0) AS first_time,
  COUNT(delivered_at) AS delivered
FROM order_parcel WHERE {where} GROUP BY day, carrier
"""
_LENGTHS = """
SELECT carrier, measure, bucket, COUNT(*) AS n FROM (
  SELECT COALESCE(carrier_ref, 'unknown') AS carrier, 'label' AS measure, {label} AS bucket
  FROM order_parcel WHERE {where} AND label_request_seconds IS NOT NULL
  UNION ALL
  SELECT COALESCE(carrier_ref, 'unknown') AS carrier, 'transit' AS measure, {transit} AS bucket
  FROM order_parcel WHERE {where} AND transit_seconds IS NOT NULL
) GROUP BY carrier, measure, bucket
"""
_COLOURS = (0, 1, 2, 5, 3, 4, 6, 7)


def build(door: Door, f: Filters) -> Page:
    """Make the page."""
    where, bound, days = f.where("parcel_created_at", flow=False), f.bound(flow=False), f.days()
    rows = door.ask(_DAYS.format(where=where), **bound)
    lengths = by_group(
        door.ask(
            _LENGTHS.format(
                where=where, label=bucket_sql("label_request_seconds"), transit=bucket_sql("transit_seconds")
            ),
            **bound,
        ),
        "carrier",
        "measure",
    )
    parcels = total(rows, "parcels")
    label = percentiles((b for (_, m), c in lengths.items() if m == "label" for b in c), (0.5, 0.9))
    transit = percentiles((b for (_, m), c in lengths.items() if m == "transit" for b in c), (0.5, 0.9))
    page = Page("Parcels by the day on which they were created.", empty=not rows)
    page.tiles = [
        Tile("parcels", "Parcels", words.count(parcels), f"{words.count(total(rows, 'labelled'))} with a label"),
        measured(
            "first_time",
            "label_success_rate",
            words.ratio(share(total(rows, "first_time"), total(rows, "answered"))),
            f"{words.count(total(rows, 'failures'))} failed requests",
        ),
        measured("label_p50", "label_request_time", words.seconds(label[0]), f"p90 {words.seconds(label[1])}"),
        measured("transit_p50", "transit_time", words.seconds(transit[0]), f"p90 {words.seconds(transit[1])}"),
        measured(
            "delivered",
            "delivery_report_rate",
            words.ratio(share(total(rows, "delivered"), parcels)),
            "as the carriers tell",
        ),
    ]
    sums: dict[str, float] = {}
    for r in rows:
        sums[r["carrier"]] = sums.get(r["carrier"], 0) + r["parcels"]
    order = sorted(sums, key=lambda c: (-sums[c], c))  # the engines give equal ones in any order
    named = [(c, _COLOURS[i % len(_COLOURS)]) for i, c in enumerate(order[: len(_COLOURS)])]
    series = over_days(days, rows, "carrier", "parcels", named)
    shown = [charts.Series(words.short(s.name), s.colour, s.values) for s in series]
    table = []
    for carrier in order:
        mine = [r for r in rows if r["carrier"] == carrier]
        a, b = percentiles(lengths.get((carrier, "label"), ()), (0.5, 0.9))
        c, d = percentiles(lengths.get((carrier, "transit"), ()), (0.5, 0.9))
        table.append(
            {
                "carrier": carrier,
                "parcels": sums[carrier],
                "failed": share(total(mine, "failed"), sums[carrier]),
                "label_p50": a,
                "label_p90": b,
                "delivered": share(total(mine, "delivered"), sums[carrier]),
                "transit_p50": c,
                "transit_p90": d,
            }
        )
    columns = [
        Column("carrier", "Carrier", Kind.PLACE),
        Column("parcels", "Parcels", Kind.COUNT),
        Column("failed", "With a failed label", Kind.RATIO),
        Column("label_p50", "Label, median", Kind.SECONDS),
        Column("label_p90", "Label, p90", Kind.SECONDS),
        Column("delivered", "Delivered", Kind.RATIO),
        Column("transit_p50", "Transit, median", Kind.SECONDS),
        Column("transit_p90", "Transit, p90", Kind.SECONDS),
    ]
    page.panels = [
        Panel(
            "days",
            "Parcels by carrier",
            "",
            charts.columns("Parcels by day and carrier", [words.day(d) for d in days], shown, full=True),
            Table(
                "days",
                [Column("day", "Day (UTC)", Kind.DAY), *(Column(s.name, s.name, Kind.COUNT) for s in series)],
                [{"day": d, **{s.name: s.values[i] for s in series}} for i, d in enumerate(days)],
            ),
        ),
        Panel("carriers", "Carriers", BOUND, table=Table("carriers", columns, table)),
    ]
    return page
