"""The views that the catalogue of measures gives, as text of the form that `schemas.views.read_view` reads.

May import the standard library and `schemas`.
"""

from __future__ import annotations

import re

from schemas.kpis import DIMENSIONS, GROUPS, KPIS, Kpi

_DAILY = """\
-- Every measure of the catalogue (schemas/docs/kpis.md) by day, place and channel.
-- Filter by day to read only those days. Of a larger span or group, add up numerator and denominator and divide the
-- sums: value is scale * numerator / denominator (kpi_definition has the scale), or the numerator alone where there is
-- no denominator. Measures of a stock (sums_over_days is false) can't be added up over days.
-- day DATE: Day (UTC) on which the row that is measured began: order, pick job, parcel, process, receipt, stretch
-- kpi STRING: Key of the measure
-- facility_ref STRING: The facility; NULL for orders of several or of none yet
-- channel STRING: SHIPPING, COLLECT or MIXED; NULL for what is of no order
-- carrier_ref STRING: Carrier, of measures of parcels
-- numerator FLOAT64: Sum over the rows that are judged
-- denominator FLOAT64: Sum over the rows that are judged; NULL for a count
-- value FLOAT64: The measure; NULL where nothing was judged
-- counted INT64: Rows that are judged [count]
-- excluded INT64: Rows that the question is about, but that can't answer it [count]
-- flagged INT64: Of the counted, odd ones; they count like all others [count]
-- flagged_share FLOAT64: flagged / counted [ratio]
-- day_closed BOOL: Whether the export's folder of the day is complete; NULL when there is none
"""

_DEFINITION = """\
-- The measures of kpi_daily and kpi_histogram: what each is called, asks and is made of. One row a measure.
-- kpi STRING: Key of the measure
-- name STRING: Its name for people
-- standard STRING: Whose name it is, and how ours differs; NULL where the field has none
-- about STRING: What it belongs to
-- question STRING: The question that it answers
-- relation STRING: Relation whose rows are counted
-- form STRING: duration, share, rate or count
-- unit STRING: Unit of the value
-- better STRING: higher, lower or neither
-- start_milestone STRING: Where the time begins
-- stop_milestone STRING: Where it ends
-- scale FLOAT64: Factor of the value
-- sums_over_days BOOL: Whether days may be added up
-- version INT64: Version of the formula
"""


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'" if text else "CAST(NULL AS STRING)"


def daily_branch(relation: str) -> str:
    """Write the query of all measures of one relation: one pass over its rows, then a row a measure."""
    d = DIMENSIONS[relation]
    measures = ",\n".join(f"    {_sums(kpi)}" for kpi in KPIS if kpi.relation == relation)
    return (
        "SELECT day, facility_ref, channel, carrier_ref, m.kpi, m.numerator, m.denominator, m.scale, m.counted, "
        "m.asked, m.flagged\nFROM (\n"
        f"  SELECT {d.day} AS day, facility_ref, {d.channel} AS channel, {d.carrier} AS carrier_ref, [\n{measures}\n"
        f"  ] AS measures\n  FROM `{relation}`\n  GROUP BY day, facility_ref, channel, carrier_ref\n"
        ") CROSS JOIN UNNEST(measures) AS m WHERE m.asked > 0"
    )


def _sums(kpi: Kpi) -> str:
    """Write the sums of a measure; the same expression is written once, for every engine reads all of it first."""
    rows = " AND ".join(f"({x})" for x in (kpi.population, kpi.judged) if x != "TRUE") or "TRUE"
    counted = "COUNT(*)" if rows == "TRUE" else f"COUNTIF({rows})"
    asked = "COUNT(*)" if kpi.population == "TRUE" else f"COUNTIF({kpi.population})"
    numerator = f"CAST(SUM(IF({rows}, {kpi.numerator}, NULL)) AS FLOAT64)"
    if kpi.numerator == "1":
        numerator = f"CAST(NULLIF({counted}, 0) AS FLOAT64)"
    denominator = f"CAST(SUM(IF({rows}, {kpi.denominator}, NULL)) AS FLOAT64)"
    if kpi.denominator in ("", "1"):
        denominator = f"CAST(NULLIF({counted}, 0) AS FLOAT64)" if kpi.denominator else "CAST(NULL AS FLOAT64)"
    odd = DIMENSIONS[kpi.relation].odd
    return (
        f"STRUCT({_literal(kpi.key)} AS kpi, {numerator} AS numerator, {denominator} AS denominator, "
        f"{kpi.scale:g} AS scale, {counted} AS counted, {asked} AS asked, "
        f"COUNTIF({'' if rows == 'TRUE' else f'{rows} AND '}({odd})) AS flagged)"
    )


def daily_view() -> str:
    """Write the view `kpi_daily`."""
    relations = list(dict.fromkeys(kpi.relation for kpi in KPIS))
    branches = "\nUNION ALL\n".join(map(daily_branch, relations))
    return (
        f"{_DAILY}SELECT found.day, kpi, facility_ref, channel, carrier_ref, numerator, denominator,\n"
        "  IF(denominator IS NULL, numerator, scale * SAFE_DIVIDE(numerator, denominator)) AS value,\n"
        "  counted, asked - counted AS excluded, flagged, SAFE_DIVIDE(flagged, counted) AS flagged_share,\n"
        "  day_book.closed AS day_closed\n"
        f"FROM (\n{branches}\n) AS found\n"
        "LEFT JOIN `day_book` AS day_book ON day_book.day = CAST(found.day AS STRING)\n"
    )


def definition_view() -> str:
    """Write the view `kpi_definition`."""
    names = re.findall(r"^-- (\w+) [A-Z0-9]+:", _DEFINITION, re.MULTILINE)
    rows: list[str] = []
    for about, group in GROUPS:
        for k in group:
            texts = (
                k.key,
                k.name,
                k.standard,
                about,
                k.question,
                k.relation,
                k.form,
                k.unit,
                k.better,
                k.start,
                k.stop,
            )
            values = [*map(_literal, texts), f"{k.scale:.1f}", str(k.sums_over_days).upper(), str(k.version)]
            # The first row names the columns.
            told = [f"{v} AS {n}" for v, n in zip(values, names, strict=True)] if not rows else values
            rows.append(f"SELECT {', '.join(told)}")
    return _DEFINITION + "\nUNION ALL\n".join(rows) + "\n"
