"""The dictionary page of the measures, derived from their catalogue.

May import the standard library and `schemas`.
"""

from __future__ import annotations

from schemas.kpis import DIMENSIONS, GROUPS, KPIS, Better, Form, Kpi
from schemas.kpis.kpi import Row
from schemas.tables import BY_NAME

_INTRO = """\
# Measures

What every figure of the dashboard and of the view `kpi_daily` means, derived from `schemas/kpis/` by `make docs`; do
not edit. Names are those of the field where it has one (WERC, SCOR, Kimball, Lean). There is no bare "cycle time": one
school means the gap between two completions by it, another the age of one order.

**How a value comes about.** A measure is counted row by row over one relation:

    value = scale * SUM(numerator) / SUM(denominator)     over the rows that are judged
    value = SUM(numerator)                                for a count

so any roll-up over days, facilities, channels or carriers is right when the two sums are added up first, never the
values:

```sql
SELECT DATE_TRUNC(day, MONTH) AS month, SUM(numerator) / SUM(denominator) AS on_time_shipments,
  SUM(excluded) AS not_judged, SUM(flagged) / SUM(counted) AS odd
FROM kpi_daily WHERE kpi = 'on_time_shipments' AND day BETWEEN '2026-04-01' AND '2026-06-30' GROUP BY month
```

Measures that count a stock (the backlog) add up over facilities, but not over days.

**The day** is the one on which the row began (UTC): the order, pick job, parcel, process, receipt, job or stretch. So
the value of a recent day still changes while its rows are open; `excluded` says how many of them can't answer yet,
`day_closed` whether all files of the day are there.

**NULL** is never guessed: a row that can't answer is excluded, and counted as such. **Odd rows** (a quality flag, or
what stands in the table below) count like all others, and `flagged` counts them beside the value. To leave them out,
ask the relation with `ARRAY_LENGTH(quality_flags) = 0`.

| relation | one row per | day | odd when |
| --- | --- | --- | --- |
"""


def kpis_page() -> str:
    """Write the page."""
    lines = [_INTRO.rstrip()]
    for relation, d in DIMENSIONS.items():
        grain = BY_NAME[relation].grain.removeprefix("one row per ") if relation in BY_NAME else "day, flow, place"
        lines.append(f"| `{relation}` | {grain} | `{d.day}` | {d.odd_told} |")
    lines += ["", f"## All {len(KPIS)} measures", "", "| key | name | unit | good is | whose name |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for kpi in KPIS:
        lines.append(
            f"| [`{kpi.key}`](#{kpi.key}) | {kpi.name} | {kpi.unit} | {_good(kpi)} | {kpi.standard or 'ours'} |"
        )
    for about, group in GROUPS:
        lines += ["", f"## {about}"]
        for kpi in group:
            lines += ["", *_one(kpi)]
    return "\n".join(lines) + "\n"


def _good(kpi: Kpi) -> str:
    return {Better.HIGHER: "more", Better.LOWER: "less", Better.NEITHER: ""}[kpi.better]


def _one(kpi: Kpi) -> list[str]:
    lines = [f"### {kpi.key}", "", f"**{kpi.name}.** {kpi.question}", ""]
    if kpi.standard:
        lines.append(f"- Standard: {kpi.standard}")
    lines.append(f"- Formula: `{formula(kpi)}`")
    population = "" if kpi.population == "TRUE" else f", of these `{kpi.population}`"
    lines.append(f"- Rows: `{kpi.relation}`{population}; judged: `{kpi.judged}`")
    if kpi.start:
        lines.append(f"- From {kpi.start} to {kpi.stop}")
    lines.append(f"- NULL and odd rows: {kpi.nulls}")
    lines.append(f"- Unit: {kpi.unit}; version {kpi.version}" + ("" if kpi.sums_over_days else "; a stock"))
    lines += ["", *_example(kpi)]
    return lines


def formula(kpi: Kpi) -> str:
    """Write the formula of a measure over its judged rows."""
    if kpi.form is Form.COUNT:
        return f"SUM({kpi.numerator})"
    if kpi.form is Form.DURATION:
        return f"AVG({kpi.numerator})"
    text = f"SUM({kpi.numerator}) / " + ("COUNT(*)" if kpi.denominator == "1" else f"SUM({kpi.denominator})")
    return text if kpi.scale == 1 else f"{kpi.scale:g} * {text}"


def _example(kpi: Kpi) -> list[str]:
    example = kpi.example
    names = list(dict.fromkeys(name for row in example.rows for name in row))
    told = f"Example, of `{example.relation}`" if example.relation else "Example"
    lines = [f"{told}: `{example.arithmetic} = {example.value:.6g}`"]
    if example.excluded:
        lines[0] += f", {example.excluded} excluded"
    if example.p50 is not None:
        lines[0] += f", median {example.p50:g}"
    if not names:
        return [f"{lines[0]} (of {len(example.rows)} rows)"]
    lines += ["", "| " + " | ".join(f"`{n}`" for n in names) + " |", "| " + " | ".join("---" for _ in names) + " |"]
    lines += ["| " + " | ".join(_cell(row, n) for n in names) + " |" for row in example.rows]
    return lines


def _cell(row: Row, name: str) -> str:
    value = row.get(name)
    if value is None:
        return "NULL"
    return "[" + ", ".join(value) + "]" if isinstance(value, tuple) else str(value)
