"""Charts as SVG text, for the pages and for the report: no script, no network, readable by a screen reader.

Each chart is drawn for a wide and for a narrow screen, some also for the whole width of a page, and the style sheet
shows one of them: scaling a drawing would make its words unreadable on a phone. Colours are classes (`c0` to `c11`, by
the series), so that the style sheet has the one palette, which is told apart with any kind of colour vision; every mark
says its value when pointed at.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

FULL, WIDE, NARROW = 1400, 720, 360
_TOP, _BOTTOM, _RIGHT = 10, 26, 10

Tell = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Series:
    """A series: its name, its colour (position in the palette) and a value for each category, None where unknown."""

    name: str
    colour: int
    values: Sequence[float | None]


def number(value: float) -> str:
    """Write a count as people do."""
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:,.1f}"


def columns(
    title: str, labels: Sequence[str], series: Sequence[Series], *, tell: Tell = number, full: bool = False
) -> Markup:
    """Draw stacked columns over time.

    Args:
        title: what it shows, for those who can't see it.
        labels: the categories, in order.
        series: what is stacked, the lowest first.
        tell: how a value is written.
        full: it may be as wide as the page.
    """
    totals = [sum(s.values[i] or 0 for s in series) for i in range(len(labels))]
    return _sizes(title, series, lambda width: _columns(width, labels, series, totals, tell), full=full)


def lines(
    title: str, labels: Sequence[str], series: Sequence[Series], *, tell: Tell, full: bool = False, seconds: bool = True
) -> Markup:
    """Draw lines over time, of lengths of time or of counts; an unknown value breaks its line."""
    return _sizes(title, series, lambda width: _lines(width, labels, series, tell, seconds=seconds), full=full)


def bars(
    title: str, labels: Sequence[str], series: Sequence[Series], *, tell: Tell = number, links: Sequence[str] = ()
) -> Markup:
    """Draw stacked horizontal bars, one a label, with its total at the end; `links` make the labels links."""
    return _sizes(title, series, lambda width: _bars(width, labels, series, tell, links), full=True)


def _sizes(title: str, series: Sequence[Series], draw: Callable[[int], tuple[int, str]], *, full: bool) -> Markup:
    legend = "".join(
        f'<li><svg width="12" height="12" aria-hidden="true"><rect width="12" height="12" rx="2" class="c{s.colour}"/>'
        f"</svg> {escape(s.name.replace('_', ' '))}</li>"
        for s in series
    )
    parts = [f'<ul class="legend">{legend}</ul>'] if len(series) > 1 else []
    sizes = [("wide", WIDE), ("narrow", NARROW)]
    for kind, width in [("full", FULL), *sizes] if full else sizes:
        height, body = draw(width)
        parts.append(
            f'<svg class="chart {kind}{"" if full else " one"}" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="{"group" if "<a " in body else "img"}" aria-label="{escape(title)}">{body}</svg>'
        )
    return Markup("".join(parts))


_STEPS = (
    0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000, 864000,
    2592000, 8640000, 31536000,
)  # fmt: skip
"""Round lengths of time, in seconds."""


_DOT = 3.0
"""Dots nearer than this are one to a finger or a mouse: of days so dense only some have one; the table has all."""


def _scale(most: float, *, seconds: bool = False) -> tuple[float, list[float]]:
    """Choose the top of an axis and its ticks: round numbers, at most six."""
    if most <= 0:
        return 1.0, [0.0, 1.0]
    if seconds and most <= 5 * _STEPS[-1]:
        step = next(s for s in _STEPS if most / s <= 5)
        return step * math.ceil(most / step - 1e-9), [step * i for i in range(math.ceil(most / step - 1e-9) + 1)]
    rough = most / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough)
    count = math.ceil(most / step - 1e-9)
    return step * count, [step * i for i in range(count + 1)]


def _axes(
    width: int, height: int, top: float, ticks: Sequence[float], labels: Sequence[str], tell: Tell
) -> tuple[float, float, str]:
    """Draw both axes; give the left edge, the width of a category, and the drawing."""
    words = [tell(t) for t in ticks]
    left = 10 + 6.6 * max(map(len, words))
    plot = height - _TOP - _BOTTOM
    parts = []
    for tick, word in zip(ticks, words, strict=True):
        y = _TOP + plot * (1 - tick / top)
        parts.append(f'<path class="grid" d="M{left:.1f} {y:.1f}H{width - _RIGHT}"/>')
        parts.append(f'<text class="tick" x="{left - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{escape(word)}</text>')
    each = (width - _RIGHT - left) / max(1, len(labels))
    longest = max((len(x) for x in labels), default=1)
    every = max(1, math.ceil((longest * 6.6 + 10) / each))
    free = left - 20.0
    for i in range(0, len(labels), every):
        half = len(labels[i]) * 3.3
        x = min(max(left + each * (i + 0.5), half), width - half)
        if x - half < free + 6:
            continue
        free = x + half
        parts.append(f'<text class="tick" x="{x:.1f}" y="{height - 8}" text-anchor="middle">{escape(labels[i])}</text>')
    return left, each, "".join(parts)


def _columns(
    width: int, labels: Sequence[str], series: Sequence[Series], totals: Sequence[float], tell: Tell
) -> tuple[int, str]:
    height = 220
    top, ticks = _scale(max(totals, default=0))
    left, each, parts = _axes(width, height, top, ticks, labels, tell)
    plot = height - _TOP - _BOTTOM
    body = [parts]
    thick = max(1.0, each * 0.78) if each > 3 else each
    for i, label in enumerate(labels):
        y = float(_TOP + plot)
        for s in series:
            value = s.values[i] or 0
            if value <= 0:
                continue
            tall = plot * value / top
            y -= tall
            of = f" of {tell(totals[i])}" if len(series) > 1 else ""
            body.append(
                f'<rect class="c{s.colour}" x="{left + each * i + (each - thick) / 2:.1f}" y="{y:.1f}" '
                f'width="{thick:.1f}" height="{tall:.1f}"><title>{escape(label)}\n{escape(s.name)}: '
                f"{escape(tell(value))}{escape(of)}</title></rect>"
            )
    return height, "".join(body)


def _lines(
    width: int, labels: Sequence[str], series: Sequence[Series], tell: Tell, *, seconds: bool
) -> tuple[int, str]:
    height = 220
    top, ticks = _scale(max((v for s in series for v in s.values if v is not None), default=0), seconds=seconds)
    left, each, parts = _axes(width, height, top, ticks, labels, tell)
    plot = height - _TOP - _BOTTOM
    body = [parts]
    apart = math.ceil(_DOT / each)
    for s in series:
        path, pen = [], "M"
        dots = []
        for i, value in enumerate(s.values):
            if value is None:
                pen = "M"
                continue
            x, y = left + each * (i + 0.5), _TOP + plot * (1 - max(0.0, value) / top)
            path.append(f"{pen}{x:.1f} {y:.1f}")
            pen = "L"
            if i % apart and s.values[i - 1] is not None:
                continue
            dots.append(
                f'<circle class="c{s.colour}" cx="{x:.1f}" cy="{y:.1f}" r="{3 if each > 9 else 2}"><title>'
                f"{escape(labels[i])}\n{escape(s.name)}: {escape(tell(value))}</title></circle>"
            )
        body.append(f'<path class="line s{s.colour}" d="{"".join(path)}"/>' + "".join(dots))
    return height, "".join(body)


def _bars(
    width: int, labels: Sequence[str], series: Sequence[Series], tell: Tell, links: Sequence[str]
) -> tuple[int, str]:
    totals = [sum(max(0.0, s.values[i] or 0) for s in series) for i in range(len(labels))]
    most = max(totals, default=0) or 1
    letters = 14 if width == NARROW else 24
    left = 12 + 6.8 * min(letters, max((len(x) for x in labels), default=1))
    room = width - left - 12 - 7 * max((len(tell(t)) for t in totals), default=1)
    body = []
    for i, label in enumerate(labels):
        y = 6 + i * 26
        text = (
            f'<text class="label" x="{left - 8:.1f}" y="{y + 14}" text-anchor="end">{escape(_cut(label, letters))}'
            f"<title>{escape(label)}</title></text>"
        )
        body.append(f'<a href="{escape(links[i])}">{text}</a>' if links else text)
        x = left
        for s in series:
            value = s.values[i] or 0
            if value <= 0:
                continue
            long = room * value / most
            body.append(
                f'<rect class="c{s.colour}" x="{x:.1f}" y="{y}" width="{max(long, 0.5):.1f}" height="20"><title>'
                f"{escape(label)}\n{escape(s.name)}: {escape(tell(value))}</title></rect>"
            )
            x += long
        body.append(f'<text class="tick" x="{x + 5:.1f}" y="{y + 14}">{escape(tell(totals[i]))}</text>')
    return 12 + 26 * len(labels), "".join(body)


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch on a timeline: seconds from the first instant (no stop while it lasts), and what it says."""

    start: float
    stop: float | None
    colour: int
    title: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A line of a timeline: its name, its stretches, and its events as (seconds, words)."""

    name: str
    bars: Sequence[Bar]
    marks: Sequence[tuple[float, str]] = ()


def timeline(title: str, lanes: Sequence[Lane], end: float, tell: Tell, named: Sequence[tuple[str, int]]) -> Markup:
    """Draw a timeline: a lane an entity and stage, with bars for stretches and diamonds for events.

    Args:
        title: what it shows.
        lanes: from top to bottom.
        end: seconds of the last instant shown.
        tell: how seconds since the start are written.
        named: name and colour of each kind of bar, for the legend.
    """
    kinds = [Series(name, colour, ()) for name, colour in named]
    return _sizes(title, kinds, lambda width: _timeline(width, lanes, end or 1.0, tell), full=True)


def _timeline(width: int, lanes: Sequence[Lane], end: float, tell: Tell) -> tuple[int, str]:
    letters = {FULL: 40, WIDE: 26}.get(width, 13)
    left = 12 + 6.8 * min(letters, max((len(x.name) for x in lanes), default=1))
    plot = width - left - 16
    height = 34 + 26 * len(lanes)
    body = []
    top, ticks = _time_scale(end, {FULL: 10, WIDE: 6}.get(width, 3))
    for tick in ticks:
        x = left + plot * tick / top
        anchor = "end" if x > width - 24 else "middle"
        body.append(f'<path class="grid" d="M{x:.1f} 4V{height - 26}"/>')
        body.append(
            f'<text class="tick" x="{x:.1f}" y="{height - 9}" text-anchor="{anchor}">{escape(tell(tick))}</text>'
        )
    for i, lane in enumerate(lanes):
        y = 8 + i * 26
        body.append(
            f'<text class="label" x="{left - 8:.1f}" y="{y + 13}" text-anchor="end">{escape(_cut(lane.name, letters))}'
            f"<title>{escape(lane.name)}</title></text>"
        )
        for bar in lane.bars:
            x = left + plot * bar.start / top
            until = end if bar.stop is None else bar.stop
            fade = ' class="open"' if bar.stop is None else ""
            body.append(
                f'<g{fade}><rect class="c{bar.colour}" x="{x:.1f}" y="{y}" '
                f'width="{max(2.0, plot * (until - bar.start) / top):.1f}" height="18" rx="2">'
                f"<title>{escape(bar.title)}</title></rect></g>"
            )
        for at, words in lane.marks:
            x = left + plot * at / top
            body.append(
                f'<path class="mark" d="M{x:.1f} {y + 3}l6 6l-6 6l-6 -6z"><title>{escape(words)}</title></path>'
            )
    return height, "".join(body)


def _time_scale(end: float, count: int) -> tuple[float, list[float]]:
    """Choose ticks at round lengths of time."""
    step = next((s for s in _STEPS if end / s <= count), end / count)
    return end, [step * i for i in range(math.floor(end / step + 1e-9) + 1)]
