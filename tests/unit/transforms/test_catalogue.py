"""The catalogue against numbers taken from the event list by hand, and against where personal data lies."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from schemas.catalogue import EventType, Flow, Kind, Model, Quality
from schemas.event_types import BY_NAME, EVENT_TYPES, find
from schemas.personal import PERSONAL
from schemas.vocabulary import INBOUND_MILESTONES, ORDER_MILESTONES, STOW_MILESTONES
from tests.strategies import WRONG, declared_paths, set_path
from transforms.decode import Decoder, public_name
from transforms.event import FACTS, Event
from transforms.shape import Node, Shape

# Entity by the words that its event names start with; the longest that fits counts.
ENTITIES = {
    "ORDER_": "ORDER", "ROUTING_PLAN_": "ROUTING_PLAN", "PICK_JOB_": "PICK_JOB", "PICK_JOB_PICK_LINE_": "PICK_LINE",
    "PICKING_": "PICK_JOB", "UPCOMING_": "PICK_JOB", "PACK_JOB_": "PACK_JOB", "PACKING_": "PACKING_TARGET_CONTAINER",
    "SHIPMENT_": "SHIPMENT", "PARCEL_": "PARCEL", "HANDOVERJOB_": "HANDOVER_JOB", "SERVICE_JOB_": "SERVICE_JOB",
    "INVENTORY_RESERVATIONS_": "RESERVATION", "EXPIRY_ENTITY_": "EXPIRY_ENTITY", "PROCESS_": "PROCESS",
    "INBOUND_PROCESS_PURCHASE_ORDER_": "PURCHASE_ORDER", "INBOUND_PROCESS_RECEIPT_": "RECEIPT",
    "INBOUND_DELIVERY_": "INBOUND_PROCESS", "STOW_JOB_": "STOW_JOB",
}  # fmt: skip

EVERY_SHAPE = [(e, m) for e in EVENT_TYPES for m in (e.model, *(m for _, m in e.alternatives))]
every_shape = pytest.mark.parametrize(
    ("kind", "model"), EVERY_SHAPE, ids=[f"{e.name}-{m.name}" for e, m in EVERY_SHAPE]
)
every_event = pytest.mark.parametrize("kind", EVENT_TYPES, ids=[e.name for e in EVENT_TYPES])


def test_events_of_the_list_stand_in_their_flows():
    assert len(BY_NAME) == len(EVENT_TYPES) == 110
    assert Counter(e.flow.value for e in EVENT_TYPES) == {"order": 52, "inbound": 12, "stow": 7, "none": 39}


@pytest.mark.parametrize(
    ("prefix", "count"),
    [
        ("ORDER_", 6), ("ROUTING_PLAN_", 7), ("PICK_JOB_", 10), ("PICKING_", 1), ("UPCOMING_", 1), ("PACK_JOB_", 4),
        ("PACKING_TARGET_CONTAINER_", 3), ("SHIPMENT_", 2), ("PARCEL_", 5), ("HANDOVERJOB_", 4), ("SERVICE_JOB_", 2),
        ("INVENTORY_RESERVATIONS_", 2), ("EXPIRY_ENTITY_", 3), ("PROCESS_", 2), ("INBOUND_PROCESS_PURCHASE_ORDER_", 5),
        ("INBOUND_PROCESS_RECEIPT_", 3), ("INBOUND_DELIVERY_", 4), ("STOW_JOB_", 7),
    ],
)  # fmt: skip
def test_counts_by_entity(prefix: str, count: int):
    assert sum(1 for e in EVENT_TYPES if e.flow is not Flow.NONE and e.name.startswith(prefix)) == count


@every_event
def test_entity_of_an_event_of_a_flow(kind: EventType):
    if kind.flow is Flow.NONE:
        return
    prefix = max((p for p in ENTITIES if kind.name.startswith(p)), key=len)
    assert kind.model.entity == ENTITIES[prefix]


def test_book_keeping_keeps_no_flow_open():
    """Rulings 15 and 47: tracking, anonymisation, deletion of the process, reservation and expiry."""
    assert {e.name for e in EVENT_TYPES if e.flow is not Flow.NONE and not e.working} == {
        "PARCEL_TRACK_AND_TRACE_STATUS_UPDATED",
        "PROCESS_ANONYMIZED",
        "PROCESS_DELETED",
        "INVENTORY_RESERVATIONS_CREATED",
        "INVENTORY_RESERVATIONS_DELETED",
        "EXPIRY_ENTITY_CREATED",
        "EXPIRY_ENTITY_UPDATED",
        "EXPIRY_ENTITY_EXPIRED",
    }


def test_milestones_of_the_variants_are_those_of_events():
    """Ruling 27."""
    known = {e.milestone for e in EVENT_TYPES}
    for names in (ORDER_MILESTONES, INBOUND_MILESTONES, STOW_MILESTONES):
        # What starts packing is an update, so it has no event of its own.
        assert set(names) - {"pack_started"} <= known
        assert not set(names) & {"pick_line_picked", "receipt_changed", "stow_line_stowed", "tracking_updated"}


@every_event
def test_name_is_found_by_every_spelling(kind: EventType):
    assert find(kind.name) is kind
    for alias in kind.aliases:
        assert alias not in BY_NAME
        assert find(alias) is kind
    export = f"{kind.name.lower().replace('_', '-')}_event-v1"
    assert public_name(export) == kind.name
    if kind.name.endswith("_EVENT"):
        assert find(public_name(export.replace("-event_event-v1", "_event-v1"))) is kind


@pytest.mark.parametrize(
    ("slip", "name"),
    [
        ("ORDER_CANCELED", "ORDER_CANCELLED"),
        ("ORDER_CANCELED_BY_EXPIRY", "ORDER_CANCELLED_BY_EXPIRY"),
        ("ORDER_FORCE_CANCELED", "ORDER_FORCE_CANCELLED"),
        ("ROUTING_PLAN_CANCELED", "ROUTING_PLAN_CANCELLED"),
        ("PICK_JOB_CANCELLED", "PICK_JOB_CANCELED"),
        ("PACK_JOB_CANCELLED", "PACK_JOB_CANCELED"),
        ("STOW_JOB_CANCELLED", "STOW_JOB_CANCELED"),
        ("HANDOVERJOB_CANCELLED", "HANDOVERJOB_CANCELED"),
        ("HANDOVER_JOB_CREATED", "HANDOVERJOB_CREATED"),
        ("HANDOVER_JOB_HANDED_OVER", "HANDOVERJOB_HANDED_OVER"),
        ("HANDOVER_JOB_CANCELLED", "HANDOVERJOB_CANCELED"),
        ("PACKING_TARGET_CONTAINER_DELETED", "PACKING_TARGET_CONTAINER_DELETED_EVENT"),
        ("INBOUND_PROCESS_PURCHASE_ORDER_CANCELLED", "INBOUND_PROCESS_PURCHASE_ORDER_CANCELED"),
        ("PICKING_COMPLETED", "PICKING_PICK_JOB_COMPLETE"),
        ("LOCKED_ORDER_CREATED", "ORDER_CREATED"),
        ("PICK_JOB_CLOSED", "PICK_JOB_PICKING_FINISHED"),
    ],
)
def test_slips_and_legacy_names(slip: str, name: str):
    assert find(slip) is BY_NAME[name]


def test_names_that_nobody_knows():
    for name in ("", "ORDER", "ORDER_CREATED_V2", "EVENT", "CANCELED", "order_created"):
        assert find(name) is None


# -- personal data --------------------------------------------------------------------------------------------

# Of a person's own record nothing but its id, its version and its times are read; no table of facts shows them.
SAFE = {"User": {"id", "version", "created", "lastModified"}}


def _leaves(node: Node, prefix: str = "") -> Iterator[str]:
    for name, child in node.children.items():
        path = f"{prefix}{name}{'[]' if child.many else ''}"
        if child.children:
            yield from _leaves(child, f"{path}.")
        else:
            yield path


def _below(path: str, root: str) -> bool:
    path, root = path.replace("[]", ""), root.replace("[]", "")
    return root == "" or path == root or path.startswith(f"{root}.")


@every_shape
def test_no_personal_data_is_decoded(kind: EventType, model: Model):
    decoded = set(_leaves(Shape(model, kind.times).root)) if model.shape == "object" else set()
    decoded -= SAFE.get(model.name, set())
    personal = PERSONAL.get(model.name, ())
    assert [(d, p) for d in decoded for p in personal if _below(d, p)] == []
    # Nor is a whole object taken in which personal data lies; presence alone reads nothing of it.
    present = {f.path for f in model.facts if f.kind in (Kind.PRESENT, Kind.COUNT)}
    assert [(d, p) for d in decoded - present for p in personal if _below(p, d)] == []


@every_shape
def test_decoder_reads_the_declared_paths_and_nothing_else(kind: EventType, model: Model):
    if model.shape != "object":
        return
    used = [t for t in kind.times if t.quality in (Quality.EXACT, Quality.SNAPSHOT)]
    allowed = [p for p in (model.id, model.version, model.key, model.facility, model.status) if p]
    allowed += [t.path for t in used] + [f"{t.path.partition('[]')[0]}[].status" for t in used if t.status]
    for fact in model.facts:
        allowed += [f"{fact.path}.{f.path}" for f in fact.fields] or [fact.path]
    plain = {p.replace("[]", "") for p in allowed}
    for leaf in _leaves(Shape(model, kind.times).root):
        path = leaf.replace("[]", "")
        assert path in plain or any(p.startswith(f"{path}.") for p in plain), leaf


@pytest.mark.parametrize("name", PERSONAL)
def test_personal_paths_are_those_of_a_model(name: str):
    assert name in {m.name for _, m in EVERY_SHAPE}


@every_shape
def test_facts_have_names_of_their_own(kind: EventType, model: Model):
    names = [f.name for f in model.facts]
    assert len(names) == len(set(names))
    if names:
        assert set(FACTS[model.name].__struct_fields__) == set(names)
    assert not {f.ref for f in model.facts} & {model.entity} - {"ROUTING_PLAN"}


# -- payloads with next to nothing ----------------------------------------------------------------------------

HEAD = {"id": "e1", "eventName": "", "created": "2026-06-17T08:00:00Z"}


def decode(kind: EventType, payload: object, **more: object) -> list[Event]:
    line = {**HEAD, "eventName": f"{kind.name.lower().replace('_', '-')}_event-v1", "payload": payload, **more}
    found = Decoder().line(json.dumps(line).encode(), "day.ndjson:1")
    assert isinstance(found, list), found
    return found


def _bare(model: Model) -> object:
    if model.shape == "string":
        return "id-1"
    entity: dict[str, object] = {}
    if model.id:
        set_path(entity, model.id, "id-1")
    if model.items:
        return [entity] if model.items == "[]" else {model.items: [entity]}
    return entity


@every_shape
def test_entity_id_alone_is_an_event(kind: EventType, model: Model):
    payload = _bare(model)
    for telltale, other in kind.alternatives:
        if model is other and isinstance(payload, dict):
            payload.setdefault(telltale, [])
    (event,) = decode(kind, payload)
    # Ruling 5: a reservation with no reference at all is outside the flows.
    flow = "none" if model.entity == "RESERVATION" else kind.flow.value
    assert (event.name, event.flow, event.entity) == (kind.name, flow, model.entity)
    assert (event.basis, event.event_at) == ("recorded", event.recorded_at)
    assert event.version is event.status is None
    if model.id is not None:
        assert event.entity_id == "id-1"
        assert event.event_id == ("e1#id-1" if model.items else "e1")
    if kind.flow is not Flow.NONE:
        assert event.flow_id == ("id-1" if model.key == model.id else None)
    if event.facts is not None:
        repeats = {f.name for f in model.facts if f.path == model.id}
        telling = {f"{telltale}[]" for telltale, _ in kind.alternatives}
        values = {f.name: getattr(event.facts, f.name) for f in model.facts if f.path not in telling}
        assert {n: v for n, v in values.items() if v is not None} == dict.fromkeys(repeats, "id-1")


@every_shape
def test_null_at_every_path_is_as_good_as_nothing(kind: EventType, model: Model):
    if model.shape != "object":
        return
    entity: dict[str, object] = {}
    for path in declared_paths(kind, model):
        entity[path.split(".")[0].removesuffix("[]")] = None
    if model.id:
        entity.pop(model.id.split(".")[0], None)
        set_path(entity, model.id, "id-1")
    payload: object = entity
    if model.items:
        payload = [entity] if model.items == "[]" else {model.items: [entity]}
    if model is kind.model:
        assert decode(kind, payload) == decode(kind, _bare(model))


@pytest.mark.parametrize("wrong", WRONG, ids=[json.dumps(w)[:12] for w in WRONG])
@every_event
def test_any_payload_gives_an_event_or_a_reason(kind: EventType, wrong: object):
    line = {**HEAD, "eventName": kind.name, "payload": wrong}
    Decoder().line(json.dumps(line).encode(), "day.ndjson:1")
