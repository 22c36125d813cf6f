"""Pages of the documentation that are derived from the catalogue.

May import the standard library and `schemas`.
"""

from __future__ import annotations

from schemas.catalogue import EventType, Flow, Quality
from schemas.event_types import EVENT_TYPES

_TITLES = {
    Flow.ORDER: "Order flow",
    Flow.INBOUND: "Inbound flow",
    Flow.STOW: "Stow flow",
    Flow.NONE: "Outside the flows",
}


def events_page() -> str:
    """Give the page of all events: entity, milestone, dating paths, other spellings."""
    lines = [
        "# Events",
        "",
        f"The {len(EVENT_TYPES)} public events, as `schemas/event_types.py` declares them. The time of an event is the",
        "first path of quality `exact` or `snapshot` that has a value, else the recorded time. Times of quality",
        "`business` feed columns of their own, `weak` ones nothing. Derived by `make docs`; do not edit.",
        "",
    ]
    for flow, title in _TITLES.items():
        lines += [
            f"## {title}",
            "",
            "| event | entity | milestone | dated by | other spellings |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [_row(e) for e in EVENT_TYPES if e.flow is flow]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _row(event: EventType) -> str:
    dated = [
        f"`{t.path}`" + (f" of {t.status}" if t.status else "")
        for t in event.times
        if t.quality in (Quality.EXACT, Quality.SNAPSHOT)
    ]
    cells = (
        f"`{event.name}`",
        event.model.entity,
        f"`{event.milestone}`" if event.milestone else "",
        ", ".join(dated) or "recorded time",
        ", ".join(f"`{a}`" for a in event.aliases),
    )
    return "| " + " | ".join(cells) + " |"
