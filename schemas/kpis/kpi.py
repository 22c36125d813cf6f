"""What a measure is: the declaration that the KPI views, the dictionary page and the captions are derived from.

A measure is counted row by row over one relation, so that its parts are sums and any roll-up of them is right:

    value = scale * SUM(numerator) / SUM(denominator)   over the rows that are judged
    value = SUM(numerator)                              for a count

`population` says which rows the question is about, `judged` which of them can answer it; the others are counted as
excluded, never dropped in silence. Odd rows (`ODD`) count like all others and are counted beside the value.

May import the standard library and `schemas`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from schemas.durations import DURATIONS, MOMENTS

Row = Mapping[str, str | int | float | bool | tuple[str, ...] | None]


class Form(StrEnum):
    """How a measure is made of its rows."""

    DURATION = "duration"
    SHARE = "share"
    RATE = "rate"
    COUNT = "count"


class Better(StrEnum):
    """Which way is good."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Example:
    """A case that was worked out by hand.

    Attributes:
        rows: rows of the relation; a column that is not named is NULL, but for the key, the day and the facility.
        arithmetic: how the value comes about.
        value: the value.
        numerator, denominator: its parts; no denominator for a count.
        excluded: rows of the population that are not judged.
        relation: relation of the rows, where it is not the measure's own.
        p50: the median, of a duration.
    """

    rows: tuple[Row, ...]
    arithmetic: str
    value: float
    numerator: float
    denominator: float | None
    excluded: int = 0
    relation: str = ""
    p50: float | None = None


@dataclass(frozen=True, slots=True)
class Kpi:
    """A measure.

    Attributes:
        key: its name in the warehouse.
        name: its name for people: the field's own where there is one.
        standard: whose name it is, and how ours differs; empty where the field has none.
        question: the question that it answers.
        relation: the relation whose rows are counted.
        form: how it is made of them.
        numerator, denominator: of one row, in BigQuery's SQL; the denominator of a count is empty.
        judged: which rows can answer, in SQL.
        nulls: what that means for NULL, in words.
        unit: of the value.
        better: which way is good.
        example: a case by hand.
        population: which rows the question is about, in SQL.
        start, stop: milestones between which it lies; empty where it is not about a stretch of time.
        scale: factor of the value.
        sums_over_days: whether days may be added up; a stock, like a backlog, may not.
        version: grows when the formula changes, so that two values can be told apart.
    """

    key: str
    name: str
    question: str
    relation: str
    form: Form
    numerator: str
    denominator: str
    judged: str
    nulls: str
    unit: str
    better: Better
    example: Example
    standard: str = ""
    population: str = "TRUE"
    start: str = ""
    stop: str = ""
    scale: float = 1
    sums_over_days: bool = True
    version: int = 1


@dataclass(frozen=True, slots=True)
class Dimensions:
    """How the rows of a relation are laid out by day and place.

    Attributes:
        day: the day of a row, in SQL, of the column that the relation is partitioned by.
        channel, carrier: in SQL.
        odd: which rows are odd, in SQL.
        odd_told: the same in words.
    """

    day: str
    odd: str
    odd_told: str
    channel: str = "CAST(NULL AS STRING)"
    carrier: str = "CAST(NULL AS STRING)"


_FLAGGED = "ARRAY_LENGTH(quality_flags) > 0"
_FLAGGED_TOLD = "the row has a quality flag"

DIMENSIONS: Mapping[str, Dimensions] = {
    "order_flow": Dimensions("DATE(started_at)", _FLAGGED, _FLAGGED_TOLD, channel="channel"),
    "order_leg": Dimensions("DATE(pick_created_at)", _FLAGGED, _FLAGGED_TOLD, channel="channel"),
    "order_parcel": Dimensions(
        "DATE(parcel_created_at)",
        "flow_id IS NULL OR label_request_seconds < 0 OR transit_seconds < 0",
        "the process is unknown, or a duration is negative",
        channel="'SHIPPING'",
        carrier="carrier_ref",
    ),
    "inbound_flow": Dimensions("DATE(started_at)", _FLAGGED, _FLAGGED_TOLD),
    "inbound_receipt": Dimensions(
        "DATE(receipt_created_at)",
        "flow_id IS NULL OR receipt_created_at IS NULL OR receipt_duration_seconds < 0 OR dock_to_stock_seconds < 0",
        "the process or the creation is unknown, or a duration is negative",
    ),
    "stow_flow": Dimensions("DATE(started_at)", _FLAGGED, _FLAGGED_TOLD),
    "flow_interval": Dimensions(
        "DATE(started_at)", "flow_id IS NULL OR seconds < 0", "the flow is unknown, or the stretch is negative"
    ),
    "backlog_daily": Dimensions("day", "incomplete > 0", "with flows whose deadline passed", channel="channel"),
}
"""Where the measures of each relation are counted."""

_ENDS: dict[tuple[str, str], tuple[str, str]] = {}
for _d in DURATIONS:
    _ENDS[_d.relation, _d.column] = (" or ".join(_d.start), " or ".join(_d.stop))


def ends_of(relation: str, column: str) -> tuple[str, str]:
    """Give the columns at the two ends of a duration, as `schemas.durations` declares them."""
    return _ENDS[relation, column]


def moment(relation: str, column: str) -> str:
    """Give what dates a column, in words."""
    found = MOMENTS[relation].get(column)
    return "" if found is None else found.payload or ", ".join(found.events)


@dataclass(frozen=True, slots=True)
class Measures:
    """Short forms to declare the measures of one relation."""

    relation: str
    population: str = "TRUE"

    def duration(
        self,
        key: str,
        name: str,
        question: str,
        column: str,
        nulls: str,
        example: Example,
        *,
        seconds: str = "",
        standard: str = "",
        population: str = "",
        better: Better = Better.LOWER,
        start: str = "",
        stop: str = "",
    ) -> Kpi:
        """Declare a length of time: a column of the contract, or `seconds` in SQL with its ends."""
        value = seconds or column
        ends = (start, stop) if start or stop else ends_of(self.relation, column)
        return Kpi(
            key, name, question, self.relation, Form.DURATION, value, "1", f"({value}) IS NOT NULL", nulls, "s",
            better, example, standard, population or self.population, *ends,
        )  # fmt: skip

    def share(
        self,
        key: str,
        name: str,
        question: str,
        hit: str,
        nulls: str,
        example: Example,
        *,
        judged: str = "TRUE",
        better: Better = Better.HIGHER,
        standard: str = "",
        population: str = "",
        column: str = "",
    ) -> Kpi:
        """Declare a share of rows; `column` is the duration that it rests on, when it does."""
        ends = ends_of(self.relation, column) if column else ("", "")
        return Kpi(
            key, name, question, self.relation, Form.SHARE, f"IF({hit}, 1, 0)", "1", judged, nulls, "ratio", better,
            example, standard, population or self.population, *ends,
        )  # fmt: skip

    def rate(
        self,
        key: str,
        name: str,
        question: str,
        numerator: str,
        denominator: str,
        unit: str,
        nulls: str,
        example: Example,
        *,
        judged: str,
        better: Better = Better.HIGHER,
        scale: float = 1,
        standard: str = "",
        population: str = "",
        column: str = "",
    ) -> Kpi:
        """Declare a ratio of two sums."""
        ends = ends_of(self.relation, column) if column else ("", "")
        return Kpi(
            key, name, question, self.relation, Form.RATE, numerator, denominator, judged, nulls, unit, better, example,
            standard, population or self.population, *ends, scale=scale,
        )  # fmt: skip

    def count(
        self,
        key: str,
        name: str,
        question: str,
        numerator: str,
        unit: str,
        nulls: str,
        example: Example,
        *,
        judged: str = "TRUE",
        better: Better = Better.NEITHER,
        standard: str = "",
        population: str = "",
        sums_over_days: bool = True,
    ) -> Kpi:
        """Declare a count."""
        return Kpi(
            key, name, question, self.relation, Form.COUNT, numerator, "", judged, nulls, unit, better, example,
            standard, population or self.population, sums_over_days=sums_over_days,
        )  # fmt: skip
