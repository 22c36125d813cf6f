"""The decoder on payloads that are spoiled in every way, and on lines that are none."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from schemas.catalogue import EventType, Flow, Kind, Model, Quality
from schemas.event_types import BY_NAME
from schemas.vocabulary import Reason
from tests.unit.transforms.decoding import (
    BY_PUBLIC_NAME,
    NAMES,
    Json,
    events,
    example,
    one,
    rejected,
)
from transforms.clock import parse_time
from transforms.decode import Decoder
from transforms.event import Rejection

# -- wrong fields ---------------------------------------------------------------------------------------------


def _optional_paths() -> Iterator[Any]:
    """List every scalar that an example declares and has, as `(event, path, name of the fact)`."""
    for name in NAMES:
        kind: EventType = BY_NAME[name]
        model: Model = kind.model
        heads = [(p, h) for h, p in (("version", model.version), ("flow_id", model.key), ("facility", model.facility),
                                     ("status", model.status)) if p and p != model.id]  # fmt: skip
        for path, fact in [*heads, *((f.path, f.name) for f in model.facts if not f.fields and f.kind in SCALARS)]:
            if fact == "flow_id" and kind.flow is not Flow.ORDER:
                continue
            if path != model.id and _get(_entity(name), path) is not None:
                yield pytest.param(name, path, fact, id=f"{name}-{fact}")


SCALARS = (Kind.TEXT, Kind.INT, Kind.NUMBER, Kind.TIME)


def _entity(name: str) -> Json:
    payload: Json = BY_PUBLIC_NAME[name]["payload"]
    return payload["items"][0] if BY_NAME[name].model.items else payload


def _get(node: Any, path: str) -> Any:
    for part in path.split("."):
        node = node.get(part.removesuffix("[]")) if isinstance(node, dict) else None
        if part.endswith("[]"):
            node = node[0] if node else None
    return node


def _put(node: Any, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for part in parents:
        node = node[part.removesuffix("[]")]
        node = node[0] if part.endswith("[]") else node
    node[last.removesuffix("[]")] = [value] if last.endswith("[]") else value


@pytest.mark.parametrize(("name", "path", "fact"), list(_optional_paths()))
def test_wrong_type_costs_that_field_only(name: str, path: str, fact: str):
    expected = events(BY_PUBLIC_NAME[name])
    line = copy.deepcopy(BY_PUBLIC_NAME[name])
    entity = line["payload"]["items"][0] if BY_NAME[name].model.items else line["payload"]
    _put(entity, path, {"wrong": ["type"]})
    decoder = Decoder()
    found = events(line, decoder)
    assert decoder.collect().field_errors == 1
    model = BY_NAME[name].model
    same = {h for h, p in (("version", model.version), ("flow_id", model.key), ("facility", model.facility),
                           ("status", model.status)) if p == path}  # fmt: skip
    first = expected[0]
    for attribute in same:
        assert getattr(found[0], attribute) is None
        setattr(first, attribute, None)
    for field in model.facts:
        if field.path == path:
            assert getattr(found[0].facts, field.name) is None
            setattr(first.facts, field.name, None)
    assert found == expected


def _time_paths() -> Iterator[Any]:
    for name in NAMES:
        for path in BY_NAME[name].times:
            if path.quality in (Quality.EXACT, Quality.SNAPSHOT) and "[" not in path.path:
                yield pytest.param(name, path.path, id=f"{name}-{path.path}")


@pytest.mark.parametrize(("name", "path"), list(_time_paths()))
@pytest.mark.parametrize("wrong", [7, ["x"], {"x": 1}, True], ids=str)
def test_wrong_type_of_a_time_is_a_missing_time(name: str, path: str, wrong: Any):
    spoiled, without = (copy.deepcopy(BY_PUBLIC_NAME[name]) for _ in range(2))
    for line, value in ((spoiled, wrong), (without, None)):
        _put(line["payload"]["items"][0] if BY_NAME[name].model.items else line["payload"], path, value)
    decoder = Decoder()
    assert events(spoiled, decoder) == events(without)
    assert decoder.collect().field_errors == 1


@pytest.mark.parametrize(
    ("name", "payload", "fact", "value", "errors"),
    [
        ("ORDER_CREATED", {"orderLineItems": [{"quantity": "2"}, {"quantity": 1}]}, "units", None, 1),
        ("ORDER_CREATED", {"orderLineItems": [{"quantity": "2"}, {"quantity": 1}]}, "line_count", 2, 1),
        ("ORDER_CREATED", {"orderLineItems": [{"quantity": 1}, {}]}, "units", None, 0),
        ("ORDER_CREATED", {"orderLineItems": [7, {"quantity": 1}]}, "line_count", 2, 1),
        ("ORDER_CREATED", {"orderLineItems": [None, {"quantity": 1}]}, "line_count", 2, 0),
        ("ORDER_CREATED", {"orderLineItems": {"quantity": 1}}, "line_count", None, 1),
        ("ORDER_CREATED", {"orderLineItems": []}, "units", 0, 0),
        ("ORDER_CREATED", {"deliveryPreferences": None}, "ships", None, 0),
        ("ORDER_CREATED", {"deliveryPreferences": {"shipping": None}}, "ships", None, 0),
        ("ORDER_CREATED", {"deliveryPreferences": {"shipping": {}}}, "ships", True, 0),
        ("ORDER_CREATED", {"deliveryPreferences": []}, "target", None, 1),
        ("ORDER_CREATED", {"orderDate": "yesterday"}, "order_date", None, 1),
        ("ORDER_CREATED", {"orderDate": "yesterday", "orderLineItems": [None]}, "order_date", None, 1),
        ("ORDER_CREATED", {"orderLineItems": [{"quantity": 2**70}]}, "units", None, 1),
        ("PICK_JOB_CREATED", {"pickLineItems": [{"id": "L", "quantity": 2**70}]}, "lines", [("L", None, None)], 1),
        ("PICK_JOB_CREATED", {"pickLineItems": [None]}, "lines", [(None, None, None)], 0),
        ("STOW_JOB_CREATED", {"priority": 2**70}, "priority", None, 1),
        ("STOW_JOB_CREATED", {"priority": 2.5}, "priority", 2.5, 0),
        ("PARCEL_TRACK_AND_TRACE_STATUS_UPDATED", {"result": {"carrierTrackingStatus": "in transit"}}, "tracking_stamp",
         None, 0),
        ("SHIPMENT_CREATED", {"parcels": [{"parcelRef": "b"}, {"parcelRef": "a"}, {"parcelRef": "b"}]}, "parcel_refs",
         ["a", "b"], 0),
        ("SHIPMENT_CREATED", {"parcels": [{"parcelRef": 7}]}, "parcel_refs", None, 1),
    ],
)  # fmt: skip
def test_spoiled_lists_and_objects(name: str, payload: Json, fact: str, value: Any, errors: int):
    decoder = Decoder()
    assert getattr(one(example(name, **payload), decoder).facts, fact) == value
    assert decoder.collect().field_errors == errors


@pytest.mark.parametrize(
    ("version", "kept"), [(2**63 - 1, True), (2**63, False), (2**70, False), (-1, True), (1.5, False)]
)
def test_version_fits_the_warehouse(version: Any, kept: bool):
    assert one(example("ORDER_CREATED", version=version)).version == (version if kept else None)


@pytest.mark.parametrize("wrong", [7, ["J1"], {"x": 1}, True], ids=str)
def test_wrong_pick_job_beside_a_payload_costs_only_that(wrong: Any):
    line = example("PICK_JOB_PICK_LINE_PICKED")
    expected = one(line)
    expected.facts.pick_job_ref = None
    decoder = Decoder()
    assert one({**line, "pickJobRef": wrong}, decoder) == expected
    assert decoder.collect().field_errors == 1
    message = {"event": "PICK_JOB_PICK_LINE_PICKED", "payload": line["payload"], "pickJobRef": wrong}
    (event,) = decoder.message(json.dumps(message).encode(), 5, "m1", "s")
    assert event.facts.pick_job_ref is None


# -- rejections -----------------------------------------------------------------------------------------------

SECRET = "Maxine Muller"


def _line(**change: Any) -> Json:
    line = example("ORDER_CREATED", consumer={"name": SECRET})
    return {k: v for k, v in (line | change).items() if v is not ...}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(b"\xff", Reason.INVALID_UTF8, id="no UTF-8"),
        pytest.param(json.dumps(_line()).encode() + b"\xc3", Reason.INVALID_UTF8, id="cut letter"),
        pytest.param(b'{"id":"\xed\xa0\x80"}', Reason.INVALID_UTF8, id="half a pair"),
        pytest.param(b"", Reason.INVALID_JSON, id="empty"),
        pytest.param(b"hello", Reason.INVALID_JSON, id="no JSON"),
        pytest.param(json.dumps(_line()).encode()[:-1], Reason.INVALID_JSON, id="cut"),
        pytest.param(json.dumps(_line()).encode() + b"}", Reason.INVALID_JSON, id="too much"),
        pytest.param(b'{"x":' * 100_000, Reason.INVALID_JSON, id="deep"),
        pytest.param(b"[" * 100_000, Reason.INVALID_SHAPE, id="deep list"),
        pytest.param(
            json.dumps(_line())
            .encode()
            .replace(b'"payload": {', b'"payload": {"x":' + b"[" * 9999 + b"]" * 9999 + b","),
            Reason.INVALID_JSON,
            id="deep payload",
        ),
        pytest.param(b"[]", Reason.INVALID_SHAPE, id="list"),
        pytest.param(b'"word"', Reason.INVALID_SHAPE, id="string"),
        pytest.param(b"null", Reason.INVALID_SHAPE, id="null"),
        pytest.param(b"{}", Reason.MISSING_KEY, id="empty object"),
        pytest.param(_line(id=...), Reason.MISSING_KEY, id="no id"),
        pytest.param(_line(eventName=...), Reason.MISSING_KEY, id="no name"),
        pytest.param(_line(payload=...), Reason.MISSING_KEY, id="no payload"),
        pytest.param(_line(created=...), Reason.MISSING_KEY, id="no time"),
        pytest.param(_line(id=None), Reason.MISSING_KEY, id="id null"),
        pytest.param(_line(payload=None), Reason.MISSING_KEY, id="payload null"),
        pytest.param(_line(created=None), Reason.MISSING_KEY, id="time null"),
        pytest.param(_line(id=""), Reason.MISSING_KEY, id="id empty"),
        pytest.param(_line(eventName=""), Reason.MISSING_KEY, id="name empty"),
        pytest.param(_line(id=7), Reason.INVALID_SHAPE, id="id a number"),
        pytest.param(_line(eventName=["x"]), Reason.INVALID_SHAPE, id="name a list"),
        pytest.param(_line(created=7), Reason.INVALID_TIME, id="time a number"),
        pytest.param(_line(created="yesterday"), Reason.INVALID_TIME, id="no time in it"),
        pytest.param(_line(created=""), Reason.INVALID_TIME, id="time empty"),
        pytest.param(_line(created="2026-06-17"), Reason.INVALID_TIME, id="bare date"),
        pytest.param(_line(payload=7), Reason.INVALID_SHAPE, id="payload a number"),
        pytest.param(_line(payload=[]), Reason.INVALID_SHAPE, id="payload a list"),
        pytest.param(_line(payload="x"), Reason.INVALID_SHAPE, id="payload a string"),
        pytest.param(_line(payload={"event": "x", "payload": 7}), Reason.INVALID_SHAPE, id="nested payload a number"),
        pytest.param(_line(payload={}), Reason.MISSING_ENTITY_ID, id="payload empty"),
        pytest.param(_line(payload={"id": None}), Reason.MISSING_ENTITY_ID, id="entity id null"),
        pytest.param(_line(payload={"id": ""}), Reason.MISSING_ENTITY_ID, id="entity id empty"),
        pytest.param(_line(payload={"id": 7, "name": SECRET}), Reason.MISSING_ENTITY_ID, id="entity id a number"),
        pytest.param(
            _line(eventName="inventory-reservations-created_event-v1", payload={"items": [{}]}),
            Reason.MISSING_ENTITY_ID,
            id="item without id",
        ),
        pytest.param(
            _line(eventName="inventory-reservations-created_event-v1"), Reason.INVALID_SHAPE, id="bulk without items"
        ),
        pytest.param(
            _line(eventName="inventory-reservations-created_event-v1", payload={"items": {}}),
            Reason.INVALID_SHAPE,
            id="items no list",
        ),
        pytest.param(_line(eventName="facility-deleted_event-v1"), Reason.INVALID_SHAPE, id="object for a string"),
        pytest.param(
            _line(eventName="inventory-facility-stock-changed_event-v1"), Reason.INVALID_SHAPE, id="object for a list"
        ),
    ],
)
def test_reason(line: Json | bytes, reason: Reason):
    """Ruling 9; what is said of a line never holds anything of its payload."""
    found = rejected(line)
    assert found.reason is reason
    assert found.source == "day.ndjson:7"
    assert found.detail
    assert SECRET not in found.detail
    assert "Muller" not in found.detail


def test_rejection_keeps_the_recorded_time_when_it_can_be_read():
    line = _line(payload={})
    assert rejected(line).recorded_at == parse_time(line["created"])
    assert rejected(_line(payload=...)).recorded_at == parse_time(line["created"])
    assert rejected(_line(created="x")).recorded_at is None
    assert rejected(b"{").recorded_at is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff", Reason.INVALID_UTF8),
        (b"{", Reason.INVALID_JSON),
        (b'{"x":' * 100_000, Reason.INVALID_JSON),
        (b"[]", Reason.INVALID_SHAPE),
        (b'{"payload":{}}', Reason.INVALID_SHAPE),
        (b'{"event":"ORDER_CREATED"}', Reason.INVALID_SHAPE),
        (b'{"event":"","payload":{"id":"x"}}', Reason.MISSING_KEY),
        (b'{"event":"ORDER_CREATED","payload":null}', Reason.MISSING_KEY),
        (b'{"event":"ORDER_CREATED","payload":[]}', Reason.INVALID_SHAPE),
        (b'{"event":"ORDER_CREATED","payload":{}}', Reason.MISSING_ENTITY_ID),
    ],
)
def test_reason_of_a_message(data: bytes, reason: Reason):
    found = Decoder().message(data, 5, "m1", "subscription:m1")
    assert isinstance(found, Rejection)
    assert (found.reason, found.recorded_at, found.source) == (reason, 5, "subscription:m1")


def test_message_without_event_id_takes_the_message_id():
    (event,) = Decoder().message(b'{"event":"ORDER_CREATED","payload":{"id":"O1"}}', 5, "m1", "s")  # type: ignore[misc]
    assert (event.event_id, event.event_at, event.basis, event.entity_id) == ("m1", 5, "recorded", "O1")


def test_names_from_outside_do_not_fill_the_memory():
    decoder = Decoder()
    for number in range(10_050):
        decoder.message(f'{{"event":"N{number}","payload":{{}}}}'.encode(), 5, "m", "s")
    assert len(decoder._plans) <= 10_000
