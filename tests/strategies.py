"""Hypothesis strategies built from the catalogue: events that could have been decoded, alone and in absurd company.

Ids, times and words come from small pools, so that entities meet, repeat and contradict each other.
"""

from __future__ import annotations

import json
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from schemas.catalogue import EventType, Fact, Flow, Kind, Model, Quality
from schemas.event_types import EVENT_TYPES
from transforms.calendar import Calendar, Hours, SpecialDay
from transforms.clock import parse_time, to_text
from transforms.event import FACTS, Event

_TIMES = int(os.environ.get("EXAMPLES", "1"))


def examples(count: int) -> settings:
    """Give the settings of one property: the same examples in every run, many more with `EXAMPLES=20 pytest`."""
    return settings(
        max_examples=count * _TIMES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


SECOND = 1_000_000
START = parse_time("2026-06-17T08:00:00Z") or 0
DAY = 86_400 * SECOND

instants = st.one_of(
    st.integers(0, 30).map(lambda s: START + s * SECOND),
    st.integers(0, 40).map(lambda d: START + d * DAY),
)
"""Times that often coincide, and times that pass every deadline."""

CALENDAR = Calendar(
    (
        Hours(
            "berlin", "Europe/Berlin", (((480, 750), (810, 1140)),) * 5 + (((1320, 1800),), ()),
            (SpecialDay("2026-06-24", "Midsummer"), SpecialDay("2026-06-25", "short", ((600, 660),))), ("F1",),
        ),
        Hours("new york", "America/New_York", (((360, 1320),),) * 7, (), ("F2",)),
    )
)  # fmt: skip
"""Hours of the facilities of `events` that cut its times; elsewhere nothing is ever closed."""

FLOW_IDS = ("P1", "P2")
_WORDS = (
    "OPEN", "IN_PROGRESS", "FINISHED", "CLOSED", "PAUSED", "CANCELED", "OBSOLETE", "LOCKED", "WAITING_FOR_RELEASE_TIME",
    "PARTIAL_DELIVERY", "TIME_POINT", "ASAP", "COLLECT", "SHIPPING", "delivered", "CONSUMER_REJECTS", "LOCATION",
    "DISCARD", "PICK_JOB", "PICK_RUN", "words with \"quotes\"",
)  # fmt: skip
_amounts = st.integers(-2, 5)


def ids(kind: str) -> st.SearchStrategy[str]:
    """Give one of three entities of a kind."""
    return st.integers(1, 3).map(lambda n: f"{kind}-{n}")


def _value(fact: Fact) -> st.SearchStrategy[Any]:
    found: st.SearchStrategy[Any]
    match fact.kind:
        case Kind.TEXT:
            found = ids(fact.ref) if fact.ref else st.sampled_from(_WORDS)
        case Kind.TEXTS:
            found = st.lists(ids(fact.ref or "x"), min_size=1, max_size=2, unique=True).map(sorted)
        case Kind.INT:
            found = _amounts
        case Kind.NUMBER | Kind.SUM:
            found = _amounts | st.sampled_from([0.5, 2.0, -1.25])
        case Kind.TIME | Kind.VARIANT_TIME:
            found = instants
        case Kind.PRESENT:
            found = st.just(True)
        case Kind.COUNT:
            found = st.integers(0, 3)
        case Kind.RECORDS:
            found = st.lists(st.tuples(*(_value(f) for f in fact.fields)), max_size=2)
    return st.none() | found


def _facts(model: Model) -> st.SearchStrategy[Any]:
    if model.name not in FACTS:
        return st.none()
    return st.builds(FACTS[model.name], **{f.name: _value(f) for f in model.facts})


def _flow_ids(kind: EventType, model: Model, entity_id: str | None) -> st.SearchStrategy[str | None]:
    if kind.flow is Flow.NONE:
        return st.none()
    if model.key is not None and model.key == model.id:
        return st.just(entity_id)
    return st.none() | st.sampled_from(FLOW_IDS)


@st.composite
def _event(draw: st.DrawFn, kind: EventType, model: Model) -> Event:
    entity_id = draw(ids(model.entity)) if model.id is not None else None
    at = draw(instants)
    dated = any(t.quality in (Quality.EXACT, Quality.SNAPSHOT) for t in kind.times)
    basis = draw(st.sampled_from(["exact", "snapshot", "recorded"])) if dated else "recorded"
    statuses = (*model.statuses, "ODD") if model.status else ()
    return Event(
        event_id=f"e{draw(st.integers(0, 200))}",
        name=kind.name,
        flow=kind.flow.value,
        flow_id=draw(_flow_ids(kind, model, entity_id)),
        entity=model.entity,
        entity_id=entity_id,
        version=draw(st.none() | st.integers(0, 6)) if model.version else None,
        event_at=at,
        basis=basis,
        recorded_at=at if basis == "recorded" else draw(instants),
        facility=draw(st.sampled_from([None, "F1", "F2"])) if model.facility is not None else None,
        status=draw(st.none() | st.sampled_from(statuses)) if statuses else None,
        source="",
        facts=draw(_facts(model)),
    )


_BY_FLOW = {
    flow: [
        _event(kind, model)
        for kind in EVENT_TYPES
        if kind.flow is flow
        for model in (kind.model, *(m for _, m in kind.alternatives))
    ]
    for flow in Flow
}


def _at_sources(events: list[Event]) -> list[Event]:
    for number, event in enumerate(events):
        event.source = f"day.ndjson:{number + 1}"
    return events


def events(*flows: Flow, max_size: int = 18) -> st.SearchStrategy[list[Event]]:
    """Give events of the flows in any number and order, one delivery each."""
    kinds = [s for flow in flows or tuple(Flow) for s in _BY_FLOW[flow]]
    return st.lists(st.sampled_from(kinds).flatmap(lambda s: s), min_size=1, max_size=max_size).map(_at_sources)


# -- payloads -------------------------------------------------------------------------------------------------

WRONG = (True, 7, 1.5, "word", [], {}, [1], {"x": 1}, [[]], 2**70, "2026-99-99T00:00:00Z", None)
"""Values of every JSON type; at most places most of them are wrong."""


def set_path(payload: Any, path: str, value: Any) -> None:
    """Put a value at a dotted path, making objects and one-element lists on the way."""
    node = payload
    parts = path.split(".")
    for part in parts[:-1]:
        name = part.removesuffix("[]")
        if not isinstance(node, dict):
            return
        below = node.setdefault(name, [{}] if part.endswith("[]") else {})
        if isinstance(below, list):
            if not below:
                below.append({})
            below = below[0]
        node = below
    if isinstance(node, dict):
        name = parts[-1].removesuffix("[]")
        node[name] = [value] if parts[-1].endswith("[]") else value


def declared_paths(kind: EventType, model: Model) -> list[str]:
    """List every path that an event decodes, inside the entity."""
    paths = [p for p in (model.id, model.version, model.key, model.facility, model.status) if p]
    paths += [t.path for t in kind.times]
    for fact in model.facts:
        if not fact.path.startswith("^"):
            paths += [f"{fact.path}.{f.path}" for f in fact.fields] or [fact.path]
    return sorted(set(paths))


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """Give an export line of any event with any JSON value at its declared paths."""
    kind = draw(st.sampled_from(EVENT_TYPES))
    model = draw(st.sampled_from([kind.model, *(m for _, m in kind.alternatives)]))
    values = st.sampled_from(WRONG) | st.sampled_from(_WORDS) | instants.map(to_text)
    entity: Any = {}
    for path in draw(st.lists(st.sampled_from(declared_paths(kind, model) or ["id"]), max_size=8)):
        set_path(entity, path, draw(values))
    if model.id and draw(st.booleans()):
        set_path(entity, model.id, "id-1")
    payload: Any = entity
    if model.items and draw(st.booleans()):
        payload = [entity] if model.items == "[]" else {model.items: [entity]}
    if draw(st.integers(0, 9)) == 0:
        payload = draw(values)
    if draw(st.booleans()):
        payload = {"event": kind.name, "eventId": draw(values | st.just("inner")), "payload": payload}
    name = f"{kind.name.lower().replace('_', '-')}_event-v{draw(st.integers(1, 3))}"
    line: dict[str, Any] = {"id": "outer", "eventName": name, "payload": payload, "created": "2026-06-17T08:00:00Z"}
    if draw(st.booleans()):
        line["pickJobRef"] = draw(values)
    for key in draw(st.lists(st.sampled_from([*line, "other"]), max_size=1)):
        line[key] = draw(values)
    return json.dumps(line, separators=(",", ":") if draw(st.booleans()) else None).encode()
