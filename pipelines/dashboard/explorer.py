"""The flow explorer: the derivation of one flow as a timeline and tables, from `pipelines.explain`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from pipelines.dashboard import charts, words
from pipelines.dashboard.charts import Bar, Lane, Series
from pipelines.dashboard.pages.common import KINDS
from pipelines.dashboard.pages.split import PARTS
from pipelines.dashboard.zones import Zones
from pipelines.derivation import Derivation
from pipelines.doors import Door
from pipelines.explain import Found, derive, find
from schemas.vocabulary import SPLIT_KINDS

_COLOURS = dict(KINDS)
_LEG = 7
_MARKS = 1000
_LANES = 60
"""More lanes than this are no picture any more; the tables have them all."""


@dataclass(frozen=True, slots=True)
class Exploration:
    """What the explorer shows: what was asked, what answers to it, and the one that is shown.

    Attributes:
        asked: the number that was typed.
        found: the flows that answer to it.
        told: the flow that is shown.
        chart: its timeline.
        hidden: lanes that the timeline leaves out.
        most: rows of a table, and marks of a lane, that are shown.
        samples: numbers to try.
        split: the chart of an order's time.
        parts: the parts of it.
    """

    asked: str
    found: list[Found]
    told: Derivation | None = None
    chart: Markup | None = None
    hidden: int = 0
    most: int = 1000
    samples: tuple[str, ...] = ()
    split: Markup | None = None
    parts: tuple[str, ...] = SPLIT_KINDS


# Three orders in which something happened, of the newest day: what one would want to see explained.
_SAMPLES = """
SELECT tenant_order_id FROM order_flow
WHERE tenant_order_id IS NOT NULL AND ARRAY_LENGTH(deviations) >= 2 AND started_at >= @since
ORDER BY ARRAY_LENGTH(deviations) DESC, flow_id LIMIT 3
"""


def explore(door: Door, asked: str, chosen: str, zones: Zones, since: datetime) -> Exploration:
    """Find a flow and derive it.

    Args:
        door: the warehouse.
        asked: what was typed.
        chosen: flow id of the one to show, when several answer.
        zones: time zones in which instants are written.
        since: samples are of the days from here.
    """
    asked = asked.strip()
    if not asked:
        return Exploration("", [], samples=tuple(r["tenant_order_id"] for r in door.ask(_SAMPLES, since=since)))
    found = find(door, asked)
    one = next((x for x in found if x.flow_id == chosen), found[0] if found else None)
    told = derive(door, one.flow, one.flow_id) if one is not None else None
    if told is None:
        return Exploration(asked, found)
    lanes = _lanes(told, zones.of(told.row["facility_ref"]))
    chart, hidden = _timeline(told, lanes[:_LANES]), max(0, len(lanes) - _LANES)
    return Exploration(asked, found, told, chart, hidden, split=_split(told))


def _split(told: Derivation) -> Markup | None:
    """Draw where the time of an order went, a bar a stage."""
    shown = [r for r in told.ledger if r["stage_seconds"]]
    if not shown:
        return None
    series = [Series(name, colour, [r[f"{name}_seconds"] for r in shown]) for name, colour in PARTS]
    names = [r["stage"].replace("_", " ") for r in shown]
    return charts.bars(f"Where the time of {told.number} went", names, series, tell=words.seconds)


def _lanes(told: Derivation, zone: ZoneInfo) -> list[Lane]:
    """Make a lane an entity and stage, in order of their first instant, and one for the events of other entities."""
    begin = _begin(told)
    bars: dict[tuple[str, str, str], list[Bar]] = {}
    for i in told.intervals:
        length = words.seconds(i["seconds"]) if i["ended_at"] else "lasts"
        until = f"{i['ended_at'].astimezone(zone):%H:%M:%S}" if i["ended_at"] else "now"
        title = (
            f"{i['stage']}, {i['kind']}: {length}\n{i['started_at'].astimezone(zone):%Y-%m-%d %H:%M:%S} to {until}\n"
            f"{i['entity']} {i['entity_id']}"
        )
        stop = (i["ended_at"] - begin).total_seconds() if i["ended_at"] else None
        bar = Bar((i["started_at"] - begin).total_seconds(), stop, _COLOURS[i["kind"]], title)
        bars.setdefault((i["entity"], i["entity_id"], i["stage"]), []).append(bar)
    marks: dict[tuple[str, str], list[tuple[float, str]]] = {}
    lines: list[tuple[float, str]] = []
    with_bars = {(entity, key) for entity, key, _ in bars}
    for n, e in enumerate(told.events, 1):
        mark = (
            (e["event_at"] - begin).total_seconds(),
            f"#{n} {e['event_name']}\n{e['event_at'].astimezone(zone):%Y-%m-%d %H:%M:%S}\n{e['source']}",
        )
        here = (e["entity"], e["entity_id"])
        if here in with_bars:
            marks.setdefault(here, []).append(mark)
        else:
            lines.append(mark)
    lanes, seen = [], set()
    legs = {r["leg_id"]: r for r in told.parts.get("order_leg", ())}
    for entity, key, stage in sorted(bars, key=lambda k: min(b.start for b in bars[k])):
        lane = bars[entity, key, stage]
        leg = legs.pop(key, None) if entity == "PICK_JOB" else None
        if leg is not None:
            lanes.append(Lane(f"leg {key[:4]}", [_leg(leg, told, begin, zone)]))
        end = max((b.stop if b.stop is not None else float("inf")) for b in lane)
        start = min(b.start for b in lane)
        mine = [m for m in marks.get((entity, key), ()) if start <= m[0] <= end and m not in seen]
        seen.update(mine)
        name = f"{stage.replace('_', ' ')} {(key or '')[:4]}"
        lanes.append(Lane(name, lane[:_MARKS], mine[:_MARKS]))
    rest = [m for ms in marks.values() for m in ms if m not in seen]
    return [Lane("other events", [], sorted([*lines, *rest])[:_MARKS]), *lanes] if lines or rest else lanes


def _leg(leg: dict[str, Any], told: Derivation, begin: datetime, zone: ZoneInfo) -> Bar:
    """Make the bar of a leg: from its first instant to its hand-over, or to its last end where there is none."""
    own = [i for i in told.intervals if i["entity_id"] == leg["leg_id"]]
    start = min([i["started_at"] for i in own] + [x for x in (leg["pick_created_at"],) if x is not None])
    ends = [x for x in (leg["handed_over_at"], leg["pack_finished_at"], leg["pick_finished_at"]) if x is not None]
    ends += [i["ended_at"] for i in own if i["ended_at"] is not None]
    stop = None if leg["outcome"] == "open" or not ends else (max(ends) - begin).total_seconds()
    title = f"leg {leg['leg_id']}: {leg['outcome']}\nfrom {start.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    return Bar((start - begin).total_seconds(), stop, _LEG, title)


def _begin(told: Derivation) -> datetime:
    return min([told.row["first_event_at"], *(i["started_at"] for i in told.intervals)])


def _timeline(told: Derivation, lanes: list[Lane]) -> Markup:
    begin = _begin(told)
    ends = [told.row["last_event_at"], *(i["ended_at"] for i in told.intervals if i["ended_at"])]
    if told.as_of is not None and any(i["ended_at"] is None for i in told.intervals):
        ends.append(told.as_of)
    end = max(1.0, (max(ends) - begin).total_seconds())
    return charts.timeline(
        f"Timeline of {told.flow} {told.number}",
        lanes,
        end,
        lambda s: "0" if s == 0 else "+" + words.axis_seconds(s),
        (("leg", _LEG), *KINDS),
    )
