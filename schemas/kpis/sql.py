"""The views that the catalogue of measures gives, as text of the form that `schemas.views.read_view` reads.

May import the standard library and `schemas`.
"""

from __future__ import annotations

import re

from schemas.histogram import bucket_sql, percentile_sql
from schemas.kpis import DIMENSIONS, DURATION_KPIS, GROUPS, KPIS, Kpi

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

_HISTOGRAM = """\
-- Every measure of a length of time in the catalogue (schemas/docs/kpis.md), counted by bucket, {unit}, place, channel.
-- Filter by day to read only those days. Percentiles of any roll-up are within 1 % (schemas/docs/views.md has the
-- question).
-- day DATE: Day (UTC) on which the row that is measured began
{hour}-- kpi STRING: Key of the measure
-- facility_ref STRING: The facility; NULL for orders of several or of none yet
-- channel STRING: SHIPPING, COLLECT or MIXED; NULL for what is of no order
-- carrier_ref STRING: Carrier, of measures of parcels
-- bucket INT64: Number of the bucket: it begins at 1.02^(bucket - 1000) seconds; 0 is no time, below it is negative
-- counted INT64: Rows in the bucket [count]
-- flagged INT64: Of these, odd ones [count]
-- seconds FLOAT64: Their lengths together [s]
"""

_PERCENTILES = """\
-- Percentiles of every measure of a length of time, by day, place, channel and carrier. They don't add up: those of a
-- larger span or group come from kpi_histogram (schemas/docs/views.md has the question).
-- Filter by day to read only those days. Each is within 1 % of its exact value.
-- day DATE: Day (UTC) on which the row that is measured began
-- kpi STRING: Key of the measure
-- facility_ref STRING: The facility; NULL for orders of several or of none yet
-- channel STRING: SHIPPING, COLLECT or MIXED; NULL for what is of no order
-- carrier_ref STRING: Carrier, of measures of parcels
-- counted INT64: Rows that are judged [count]
-- p50 FLOAT64: Half of the rows are no longer [s]
-- p90 FLOAT64: Nine of ten rows are no longer [s]
-- p95 FLOAT64: 95 of 100 rows are no longer [s]
-- p99 FLOAT64: 99 of 100 rows are no longer [s]
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
    """Write the query of all measures of one relation: one pass over its rows, and then a row a measure.

    The measures are told apart by a join with their keys and not by an array of them, so that a filter on the day still
    reaches the relation in every engine.
    """
    d = DIMENSIONS[relation]
    mine = [kpi for kpi in KPIS if kpi.relation == relation]
    sums = {kpi.key: _sums(kpi) for kpi in mine}
    names: dict[str, str] = {}
    for found in sums.values():
        for text in found.values():
            names.setdefault(text, f"x{len(names)}")
    columns = ",\n".join(f"    {text} AS {name}" for text, name in names.items())

    def chosen(part: str) -> str:
        cases = " ".join(
            f"WHEN {_literal(key)} THEN {names[found[part]]}" for key, found in sums.items() if part in found
        )
        return f"CASE kpi {cases} END" if cases else "NULL"

    keys = ", ".join(_literal(kpi.key) for kpi in mine)
    told = f"CROSS JOIN UNNEST([{keys}]) AS kpi" if len(mine) > 1 else f"CROSS JOIN (SELECT {keys} AS kpi) AS told"
    scales = " ".join(f"WHEN {_literal(kpi.key)} THEN {kpi.scale:g}" for kpi in mine if kpi.scale != 1)
    scale = f"CASE kpi {scales} ELSE 1 END" if scales else "1"
    return (
        "SELECT day, facility_ref, channel, carrier_ref, kpi,\n"
        f"  CAST({chosen('numerator')} AS FLOAT64) AS numerator,\n"
        f"  CAST({chosen('denominator')} AS FLOAT64) AS denominator,\n  {scale} AS scale,\n"
        f"  {chosen('counted')} AS counted,\n  {chosen('asked')} AS asked,\n  {chosen('flagged')} AS flagged\n"
        f"FROM (\n  SELECT {d.day} AS day, facility_ref, {d.channel} AS channel, {d.carrier} AS carrier_ref,\n"
        f"{columns}\n  FROM `{relation}`\n  GROUP BY day, facility_ref, channel, carrier_ref\n"
        f") AS sums\n{told}"
    )


def _sums(kpi: Kpi) -> dict[str, str]:
    """Write the sums of a measure; those that several have are written once."""
    rows = " AND ".join(f"({x})" for x in (kpi.population, kpi.judged) if x != "TRUE")
    counted = f"COUNTIF({rows})" if rows else "COUNT(*)"
    sums = {"counted": counted, "asked": "COUNT(*)" if kpi.population == "TRUE" else f"COUNTIF({kpi.population})"}
    sums["flagged"] = f"COUNTIF({f'{rows} AND ' if rows else ''}({DIMENSIONS[kpi.relation].odd}))"
    for part, value in (("numerator", kpi.numerator), ("denominator", kpi.denominator)):
        if value == "1":
            sums[part] = f"NULLIF({counted}, 0)"
        elif value:
            sums[part] = f"SUM(IF({rows}, {value}, NULL))" if rows else f"SUM({value})"
    return sums


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
        "LEFT JOIN `day_book` AS day_book ON day_book.day = CAST(found.day AS STRING)\nWHERE asked > 0\n"
    )


def histogram_view(*, hourly: bool = False) -> str:
    """Write the view `kpi_histogram`, or `kpi_histogram_hourly`."""
    relations = dict.fromkeys(kpi.relation for kpi in DURATION_KPIS)
    branches = "\nUNION ALL\n".join(_lengths(relation, hourly=hourly) for relation in relations)
    told = "-- hour TIMESTAMP: Hour in which the row began [UTC]\n" if hourly else ""
    hour = "hour, " if hourly else ""
    keys = f"day, {hour}kpi, facility_ref, channel, carrier_ref, bucket"
    return (
        f"{_HISTOGRAM.format(unit='hour' if hourly else 'day', hour=told)}"
        f"SELECT {keys}, COUNT(*) AS counted, COUNTIF(odd) AS flagged, SUM(seconds) AS seconds\n"
        f"FROM (\n  SELECT day, {hour}kpi, facility_ref, channel, carrier_ref, odd, seconds,\n"
        f"    {bucket_sql('seconds')} AS bucket\n  FROM (\n{branches}\n  ) AS lengths\n  WHERE seconds IS NOT NULL\n"
        f") AS counts\nGROUP BY {keys}\n"
    )


def _lengths(relation: str, *, hourly: bool) -> str:
    """Write the query of the lengths of one relation: a row a row and measure; see `daily_branch`."""
    d = DIMENSIONS[relation]
    at = d.day.removeprefix("DATE(").removesuffix(")")
    hour = f"TIMESTAMP_TRUNC({at}, HOUR) AS hour, " if hourly else ""
    mine = [kpi for kpi in DURATION_KPIS if kpi.relation == relation]
    cases = "\n".join(
        f"    WHEN {_literal(k.key)} THEN "
        + (k.numerator if k.population == "TRUE" else f"IF({k.population}, {k.numerator}, NULL)")
        for k in mine
    )
    keys = ", ".join(_literal(k.key) for k in mine)
    return (
        f"SELECT {d.day} AS day, {hour}kpi, facility_ref, {d.channel} AS channel, {d.carrier} AS carrier_ref, "
        f"{d.odd} AS odd,\n  CASE kpi\n{cases}\n  END AS seconds\n"
        f"FROM `{relation}`\nCROSS JOIN UNNEST([{keys}]) AS kpi"
    )


def percentiles_view() -> str:
    """Write the view `kpi_percentiles`."""
    keys = ("day", "kpi", "facility_ref", "channel", "carrier_ref")
    return _PERCENTILES + percentile_sql("`kpi_histogram`", keys, count="counted", total="counted")


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
