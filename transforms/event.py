"""The small, typed record that every source is decoded into, and how lists of them travel as bytes.

An `Event` holds what a projection needs and nothing else: no personal data can be in it, because the decoder
never reads any. The facts of an event are a small struct derived from the model in `schemas.models`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Union

import msgspec

from schemas.catalogue import Fact, Kind, Model
from schemas.event_types import EVENT_TYPES

FORMAT_VERSION = 1
"""Version of the encoded form; raise it with every change of `Event` or of a model's facts."""

_SCALARS: dict[Kind, Any] = {
    Kind.TEXT: str | None,
    Kind.INT: int | None,
    Kind.NUMBER: float | int | None,
    Kind.TIME: int | None,
    Kind.VARIANT_TIME: int | None,
    Kind.PRESENT: bool | None,
    Kind.COUNT: int | None,
    Kind.SUM: int | float | None,
    Kind.TEXTS: list[str] | None,
}

_PLAIN = (Kind.TEXT, Kind.INT, Kind.NUMBER)


def field_order(facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """Order facts as their struct holds them: plain scalars, then times, then aggregates.

    The decoder reads the plain ones in one call, so they stand together.
    """
    plain = tuple(f for f in facts if f.kind in _PLAIN)
    times = tuple(f for f in facts if f.kind is Kind.TIME)
    rest = tuple(f for f in facts if f not in plain and f not in times)
    return plain + times + rest


def _python_type(fact: Fact) -> Any:
    if fact.kind is Kind.RECORDS:
        return list[tuple[tuple(_SCALARS[f.kind] for f in fact.fields)]] | None  # type: ignore[misc]
    return _SCALARS[fact.kind]


def _facts_struct(model: Model) -> Any:
    return msgspec.defstruct(
        f"{model.name}Facts",
        [(f.name, _python_type(f), None) for f in field_order(model.facts)],
        array_like=True,
        gc=False,
        tag=model.name,
        module=__name__,
    )


MODELS: dict[str, Model] = {}
for _type in EVENT_TYPES:
    for _model in (_type.model, *(m for _, m in _type.alternatives)):
        if _model.facts:
            MODELS[_model.name] = _model

FACTS: dict[str, Any] = {name: _facts_struct(model) for name, model in MODELS.items()}
"""Facts struct by model name; models without facts have none."""

globals().update({f"{name}Facts": struct for name, struct in FACTS.items()})  # so that they pickle by name


_ENTITIES = tuple(sorted({m.entity for t in EVENT_TYPES for m in (t.model, *(m for _, m in t.alternatives))}))

if TYPE_CHECKING:
    Entity = str
    FlowName = str
    Basis = str
    Facts = Any  # which struct it is follows from the event's name; the type checker can't know
else:
    # Decoding a literal gives the one shared string: no allocation, and comparing is a look at the pointer.
    Entity = Literal[_ENTITIES]
    FlowName = Literal["order", "inbound", "stow", "none"]
    Basis = Literal["exact", "snapshot", "recorded"]
    Facts = Union[tuple(FACTS.values())] | None  # noqa: UP007


class Event(msgspec.Struct, array_like=True, gc=False):
    """One event of one entity, as every source is decoded into.

    Attributes:
        event_id: envelope id; items of a bulk event carry `#<entity id>` (and `@<flow id>` when one item names
            several flows).
        name: public spelling; unknown names as they came, in upper case.
        flow: order, inbound, stow or none.
        flow_id: key of the flow; None while unresolved or outside the flows.
        entity: kind of the entity, and `entity_id` which one.
        version: version of the entity, where it has one.
        event_at: event time in microseconds, UTC (ruling 1).
        basis: exact, snapshot or recorded: what `event_at` rests on.
        recorded_at: `created` of the export line, or the Pub/Sub publish time.
        facility: facility named by the event.
        status: status shown by the snapshot.
        source: `<file>:<line>` or `<subscription>:<message id>`.
        facts: the model's facts struct, None for models without facts.
    """

    event_id: str
    name: str
    flow: FlowName
    flow_id: str | None
    entity: Entity | None
    entity_id: str | None
    version: int | None
    event_at: int
    basis: Basis
    recorded_at: int
    facility: str | None
    status: str | None
    source: str
    facts: Facts = None


class Rejection(msgspec.Struct, array_like=True):
    """A line that could not become an event: why, where, and its recorded time when that could be read."""

    reason: str
    detail: str
    source: str
    recorded_at: int | None = None


encoder = msgspec.msgpack.Encoder()
event_decoder = msgspec.msgpack.Decoder(Event)
block_decoder = msgspec.msgpack.Decoder(list[Event])


def encode_block(events: list[Event]) -> bytes:
    """Encode events for a shuffle or for the state; the inverse is `decode_block`."""
    return encoder.encode(events)


def decode_block(block: bytes | memoryview) -> list[Event]:
    """Decode what `encode_block` made."""
    return block_decoder.decode(block)


_REFERENCES: dict[type, tuple[tuple[str, str, bool], ...]] = {
    FACTS[name]: tuple((f.name, f.ref, f.kind is Kind.TEXTS) for f in model.references() if f.ref)
    for name, model in MODELS.items()
}


def references(event: Event) -> list[tuple[str, str]]:
    """List the `(entity kind, id)` that an event names, in the order in which they are asked for the flow."""
    facts = event.facts
    found: list[tuple[str, str]] = []
    if facts is None:
        return found
    for name, kind, many in _REFERENCES[type(facts)]:
        value = getattr(facts, name)
        if value is None:
            continue
        if many:
            found.extend((kind, v) for v in value)
        else:
            found.append((kind, value))
    return found
