"""BigQuery's SQL in DuckDB's words, for the embedded warehouse.

sqlglot translates; where its translation gives another answer, the corrections here stand in for it, and what has none
is refused by name. `tests/slow/test_views.py` compares both engines, and values that were worked out by hand.

The views of the warehouse are translated ahead, for that takes as long as a tenth of a small run:

    python -m pipelines.dialect            # write pipelines/embedded_views.sql
    python -m pipelines.dialect --check    # write nothing; exit 1 when it is stale
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from pipelines.branches import in_branches
from schemas.views import View, written_views

UTC = "UTC"

EMBEDDED: Final = Path(__file__).with_name("embedded_views.sql")

_MICROSECONDS = {
    "MILLISECOND": 1_000, "SECOND": 1_000_000, "MINUTE": 60_000_000, "HOUR": 3_600_000_000, "DAY": 86_400_000_000,
}  # fmt: skip

_DUCKDB_TYPES = {
    "STRING": "VARCHAR", "INT64": "BIGINT", "FLOAT64": "DOUBLE", "BOOL": "BOOLEAN", "TIMESTAMP": "TIMESTAMPTZ",
    "DATE": "DATE",
}  # fmt: skip

_REFUSED: Mapping[type[Any], str] = {
    exp.ApproxQuantiles: "APPROX_QUANTILES gives other quantiles; take ARRAY_AGG(x ORDER BY x)[OFFSET(n)]",
    exp.ApproxTopK: "APPROX_TOP_COUNT gives other values; take GROUP BY and ORDER BY",
    exp.FarmFingerprint: "FARM_FINGERPRINT is not to be had in DuckDB",
}


class DialectError(Exception):
    """A query can't be put into DuckDB's words with the same answer; the message says why."""


def to_duckdb(query: str, *, branches: bool = False) -> str:
    """Translate one BigQuery query.

    Args:
        query: one SELECT.
        branches: write it so that DuckDB computes only the measures that are asked for (`pipelines.branches`).

    Raises:
        DialectError: it is no query, or it has something without a faithful translation.
    """
    try:
        statements = [s for s in sqlglot.parse(query, read="bigquery") if s is not None]
    except SqlglotError as err:
        raise DialectError(f"not BigQuery's SQL: {' '.join(str(err).split())[:300]}") from err
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise DialectError("expected one SELECT")
    for node in statements[0].walk():
        if type(node) in _REFUSED:
            raise DialectError(f"no faithful translation: {_REFUSED[type(node)]}")
    shaped = in_branches(statements[0]) if branches else statements[0]
    try:
        return _corrected(shaped).sql("duckdb", comments=False, unsupported_level=ErrorLevel.RAISE, pretty=True)
    except SqlglotError as err:
        raise DialectError(f"no faithful translation: {' '.join(str(err).split())[:300]}") from err


def _corrected(query: Any) -> Any:
    """Correct every part of a query, the innermost first, for corrections hold what lies in them."""
    for node in reversed(list(query.walk(bfs=True))):
        correction = _CORRECTIONS.get(type(node))
        if correction is not None:
            node.replace(correction(node))
    return query


def _date(node: exp.Expression) -> exp.Expression:
    """DATE(timestamp): the day in UTC, whatever the time zone of the session."""
    if not node.this or node.expressions:  # DATE(year, month, day)
        return node
    zone = node.args.get("zone") or exp.Literal.string(UTC)
    if zone.name == UTC:
        return exp.Anonymous(this="make_date", expressions=[exp.cast(_units(node.this, "DAY"), "INTEGER")])
    return exp.cast(exp.AtTimeZone(this=node.this.copy(), zone=zone.copy()), "DATE")


def _units(at: exp.Expression, unit: str) -> exp.Expression:
    """Count the whole units from 1970 to an instant. DuckDB's way through time zones takes ten times as long."""
    whole = exp.Div(this=_epoch(at), expression=_number(_MICROSECONDS[unit]))
    return exp.Anonymous(this="floor", expressions=[whole])


def _epoch(at: exp.Expression) -> exp.Expression:
    return exp.Anonymous(this="epoch_us", expressions=[at.copy()])


def _difference(node: exp.Expression) -> exp.Expression:
    """TIMESTAMP_DIFF: whole units; DuckDB's DATE_DIFF counts the boundaries in between."""
    unit = node.args["unit"].name.upper()
    exact = exp.Paren(this=exp.Sub(this=_epoch(node.this), expression=_epoch(node.expression)))
    if unit == "MICROSECOND":
        return exact
    if unit not in _MICROSECONDS:
        raise DialectError(f"no faithful translation: TIMESTAMP_DIFF in {unit}")
    whole = exp.Anonymous(this="trunc", expressions=[exp.Div(this=exact, expression=_number(_MICROSECONDS[unit]))])
    return exp.cast(whole, "BIGINT")


def _truncated(node: exp.Expression) -> exp.Expression:
    """TIMESTAMP_TRUNC: in UTC or the zone that is given, weeks from Sunday or the day that is named."""
    unit, zone = node.args["unit"], node.args.get("zone") or exp.Literal.string(UTC)
    if zone.name == UTC and unit.name.upper() in _MICROSECONDS and not isinstance(unit, exp.WeekStart):
        whole = exp.cast(_units(node.this, unit.name.upper()), "BIGINT")
        size = _number(_MICROSECONDS[unit.name.upper()])
        return exp.Anonymous(this="make_timestamptz", expressions=[exp.Mul(this=whole, expression=size)])
    wall: exp.Expression = exp.AtTimeZone(this=node.this.copy(), zone=zone.copy())
    name, first = unit.name.upper(), "MONDAY"
    if isinstance(unit, exp.WeekStart):
        name, first = "WEEK", unit.this.name.upper()
    elif name == "WEEK":
        first = "SUNDAY"
    if first not in ("MONDAY", "SUNDAY"):
        raise DialectError(f"no faithful translation: WEEK({first})")
    day = exp.Interval(this=exp.Literal.string("1"), unit=exp.var("DAY"))
    if first == "SUNDAY":
        wall = exp.Paren(this=exp.Add(this=wall, expression=day))
    cut: exp.Expression = exp.Anonymous(
        this="date_trunc", expressions=[exp.Literal.string("week" if name == "ISOWEEK" else name.lower()), wall]
    )
    if first == "SUNDAY":
        cut = exp.Paren(this=exp.Sub(this=cut, expression=day.copy()))
    return exp.AtTimeZone(this=cut, zone=zone.copy())


def _counted(node: exp.Expression) -> exp.Expression:
    """COUNTIF: 0 where no row has the condition; DuckDB's COUNT_IF is NULL where it is NULL in every row."""
    one = exp.Case().when(node.this.copy(), _number(1))
    return exp.Count(this=one)


def _day_truncated(node: exp.Expression) -> exp.Expression:
    """DATE_TRUNC: a DATE; DuckDB makes it a TIMESTAMP."""
    return exp.cast(node.copy(), "DATE")


def _extracted(node: exp.Expression) -> exp.Expression:
    """EXTRACT(DAYOFWEEK …): from 1 for Sunday; DuckDB begins with 0."""
    if node.this.name.upper() != "DAYOFWEEK":
        return node
    return exp.Paren(this=exp.Add(this=node.copy(), expression=_number(1)))


def _number(value: int) -> exp.Expression:
    return exp.Literal.number(value)


_CORRECTIONS: Mapping[type[Any], Callable[[exp.Expression], exp.Expression]] = {
    exp.Date: _date,
    exp.TimestampDiff: _difference,
    exp.TimestampTrunc: _truncated,
    exp.DateTrunc: _day_truncated,
    exp.CountIf: _counted,
    exp.Extract: _extracted,
}


def embedded_views() -> list[str]:
    """Write the statements that make the written views in the embedded warehouse, with their comments."""
    made: list[str] = []
    for view in written_views():
        made += [embedded_view(view), f"COMMENT ON VIEW {view.name} IS {_literal(view.description)};"]
        made += [f'COMMENT ON COLUMN {view.name}."{f["name"]}" IS {_literal(f["description"])};' for f in view.fields]
    return made


def embedded_view(view: View) -> str:
    """Write the statement that makes one view, with the types that it declares."""
    columns = ", ".join(f'CAST("{f["name"]}" AS {_DUCKDB_TYPES[f["type"]]}) AS "{f["name"]}"' for f in view.fields)
    return f'CREATE VIEW "{view.name}" AS SELECT {columns} FROM (\n{to_duckdb(view.query, branches=True)}\n);'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@cache
def _text() -> str:
    return "-- Written by `make docs` from schemas/sql and schemas/kpis.\n" + "\n".join(embedded_views()) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the statements of the embedded views, or say whether they are current."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.dialect", description=f"Write {EMBEDDED.name}.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the file is stale")
    args = parser.parse_args(argv)
    fresh = _text()
    if not args.check:
        EMBEDDED.write_text(fresh)
    elif not EMBEDDED.exists() or EMBEDDED.read_text() != fresh:
        print(f"{EMBEDDED} is stale; run make docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
