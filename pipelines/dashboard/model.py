"""What a page consists of: tiles with figures, panels with a chart and its table. No markup here but the charts'."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from markupsafe import Markup

from pipelines.dashboard.filters import Filters
from pipelines.doors import Door, Parameter


class Kind(StrEnum):
    """How a value of a table is written."""

    TEXT = "text"
    NAME = "name"
    COUNT = "count"
    SECONDS = "seconds"
    RATIO = "ratio"
    INSTANT = "instant"
    DAY = "day"
    PLACE = "place"
    FLOW = "flow"
    LIST = "list"
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: the key of its values, its heading, how they are written, and what it means."""

    key: str
    heading: str
    kind: Kind = Kind.TEXT
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that can be downloaded.

    Attributes:
        key: its name in the address of its download.
        columns: its columns.
        rows: what is shown.
        sql, bound: the question for all rows, when more may exist than are shown.
    """

    key: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    sql: str = ""
    bound: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure: its key, its name, its value as written, a second line, what it means, and the measure that it is."""

    key: str
    label: str
    value: str
    note: str = ""
    meaning: str = ""
    kpi: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a page: a chart with its table folded away, or a table alone."""

    key: str
    title: str
    note: str = ""
    chart: Markup | None = None
    table: Table | None = None
    wide: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter that only this page has: name, label, values with their words, and the one chosen."""

    name: str
    label: str
    values: Sequence[tuple[str, str]]
    chosen: str


@dataclass(frozen=True, slots=True)
class Slider:
    """A slider over instants: name, label, its positions and the one chosen."""

    name: str
    label: str
    values: Sequence[datetime]
    chosen: int


@dataclass(slots=True)
class Page:
    """A page's content."""

    intro: str
    tiles: list[Tile] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    slider: Slider | None = None
    empty: bool = False


Build = Callable[[Door, Filters], Page]


@dataclass(frozen=True, slots=True)
class PageOf:
    """A page of the dashboard.

    Attributes:
        path: the last part of its address.
        title: its name.
        build: asks the warehouse and makes the content.
        uses: which of the shared filters narrow it.
        known: further parts of its address, each with its values; None is any text.
    """

    path: str
    title: str
    build: Build
    uses: tuple[str, ...] = ("facility", "channel", "outcome")
    known: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
