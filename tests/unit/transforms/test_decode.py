"""The decoder on the forms that a payload may have, and on the times that date it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.transforms.decoding import (
    AT,
    BY_PUBLIC_NAME,
    EXAMPLES,
    HEAD,
    A,
    Json,
    events,
    example,
    one,
)
from transforms.clock import parse_time
from transforms.decode import Decoder
from transforms.event import Event, references

# -- forms of a payload ---------------------------------------------------------------------------------------


def test_bulk_items_are_events_of_their_own_whatever_their_place():
    """Ruling 5 and the house reading of event ids."""
    line = example("INVENTORY_RESERVATIONS_CREATED")
    forward = events(line)
    line["payload"]["items"].reverse()
    assert sorted(forward, key=repr) == sorted(events(line), key=repr)


def test_bulk_item_that_names_several_processes():
    """Ruling 5."""
    line = example("INVENTORY_RESERVATIONS_CREATED")
    line["payload"]["items"] = line["payload"]["items"][:1]
    line["payload"]["items"][0]["relatedRefs"]["processRefs"] = ["P2", "P1", "P2"]
    item = line["payload"]["items"][0]["id"]
    assert [(e.event_id, e.flow_id) for e in events(line)] == [
        (f"{line['id']}#{item}@P1", "P1"),
        (f"{line['id']}#{item}@P2", "P2"),
    ]


def test_bulk_item_without_process_keeps_its_references():
    line = example("INVENTORY_RESERVATIONS_CREATED")
    line["payload"]["items"] = line["payload"]["items"][:1]
    line["payload"]["items"][0]["relatedRefs"] |= {"processRefs": [], "pickJobRefs": ["J1"]}
    event = one(line)
    assert event.flow_id is None
    assert references(event) == [
        ("ORDER", "10b81cd3-a360-5b4a-bc42-eb5bbae17a3d"),
        ("ROUTING_PLAN", "d0e7f0d8-ab6e-5ab0-81f5-4405f6134754"),
        ("PICK_JOB", "J1"),
    ]
    assert event.flow == "order"


@pytest.mark.parametrize("refs", [None, {}, {"processRefs": [], "orderRefs": []}, {"pickJobRefs": [""]}], ids=str)
def test_bulk_item_without_any_reference_is_outside_the_flows(refs: Json | None):
    """Ruling 5."""
    line = example("INVENTORY_RESERVATIONS_CREATED")
    line["payload"]["items"] = line["payload"]["items"][:1]
    line["payload"]["items"][0]["relatedRefs"] = refs
    event = one(line)
    assert (event.flow, event.flow_id, event.entity) == ("none", None, "RESERVATION")


def test_empty_bulk_is_an_accepted_line_without_event():
    """Ruling 8."""
    assert events(example("INVENTORY_RESERVATIONS_CREATED", items=[])) == []
    assert events(example("INBOUND_PROCESS_RECEIPT_CREATED", items=[])) == []


def test_same_item_twice_in_one_bulk_gives_two_ids():
    line = example("INVENTORY_RESERVATIONS_CREATED")
    line["payload"]["items"] = [line["payload"]["items"][0]] * 2
    assert len({e.event_id for e in events(line)}) == 2


def test_string_payload_is_the_id():
    line = {**HEAD, "eventName": "facility-deleted_event-v1", "payload": "F1"}
    expected = Event("e1", "FACILITY_DELETED", "none", None, "FACILITY", "F1", None, AT or 0, "recorded", AT or 0, "F1",
                     None, "day.ndjson:7")  # fmt: skip
    assert one(line) == expected
    nested = {**line, "id": "x", "payload": {"event": "FACILITY_DELETED", "eventId": "e1", "payload": "F1"}}
    assert one(nested) == expected
    assert one({**line, "eventName": "facility-group-deleted_event-v1", "payload": "G1"}).entity == "FACILITY_GROUP"


def test_array_payload_is_split():
    """Ruling 8."""
    items = [{"tenantArticleId": "4711", "facilityRef": "F1"}, {"tenantArticleId": "4712", "facilityRef": "F2"}]
    line = {**HEAD, "eventName": "inventory-facility-stock-changed_event-v1", "payload": items}
    expected = [("e1#4711", "4711", "F1", "none"), ("e1#4712", "4712", "F2", "none")]
    assert [(e.event_id, e.entity_id, e.facility, e.flow) for e in events(line)] == expected
    nested = {**line, "payload": {"event": "INVENTORY_FACILITY_STOCK_CHANGED", "eventId": "e1", "payload": items}}
    assert events(nested) == events(line)
    assert events({**line, "payload": []}) == []


@pytest.mark.parametrize("payload", [{}, [], "word", 7, {"anything": [1]}], ids=str)
def test_payload_of_an_undescribed_event_is_not_looked_at(payload: Any):
    event = one({**HEAD, "eventName": "return-created_event-v1", "payload": payload})
    assert (event.name, event.flow, event.entity, event.entity_id) == ("RETURN_CREATED", "none", "RETURN", None)


def test_picking_outcome_is_told_by_its_shape():
    message = json.loads((EXAMPLES / "PICKING_PICK_JOB_COMPLETE__alternative.json").read_bytes())
    event = one({**HEAD, "eventName": "picking-pick-job-complete_event-v1", "payload": message["payload"]})
    assert (event.entity, event.entity_id, event.flow_id) == ("PICK_JOB", "d5572f4c-af77-5f2c-9fe9-f49af685efa0", A)
    assert (event.basis, event.facility) == ("recorded", "f08ae052-2281-5e37-a62e-d6b0c54f0c18")
    assert event.facts.job_type == "PICK_JOB"


def test_picked_line_may_carry_the_whole_pick_job():
    payload = BY_PUBLIC_NAME["PICK_JOB_PICKING_FINISHED"]["payload"]
    decoder = Decoder()
    event = one({**HEAD, "eventName": "pick-job-pick-line-picked_event-v1", "payload": payload}, decoder)
    assert (event.name, event.entity, event.entity_id) == ("PICK_JOB_PICK_LINE_PICKED", "PICK_JOB", payload["id"])
    assert (event.flow_id, len(event.facts.lines)) == (A, 2)
    assert not decoder.collect().unknown_values


def test_status_of_a_pick_job_in_a_line_event_is_known():
    decoder = Decoder()
    payload = BY_PUBLIC_NAME["PICK_JOB_PICKING_FINISHED"]["payload"] | {"status": "PICKED"}
    one({**HEAD, "eventName": "pick-job-pick-line-picked_event-v1", "payload": payload}, decoder)
    assert not decoder.collect().unknown_values


@pytest.mark.parametrize(
    "name",
    [
        "order-cancelled_event-v1", "order-cancelled_event-v2", "order-cancelled_event-v17", "order-canceled_event-v1",
        "ORDER_CANCELLED", "ORDER_CANCELED", "order-cancelled", "Order-Cancelled_event-v1",
    ],
)  # fmt: skip
def test_spellings_of_a_name(name: str):
    line = {**example("ORDER_CANCELLED"), "eventName": name}
    assert one(line) == one(example("ORDER_CANCELLED"))


def test_legacy_name_of_a_locked_order():
    event = one({**example("ORDER_CREATED", status="LOCKED"), "eventName": "locked-order-created_event-v1"})
    assert (event.name, event.status) == ("ORDER_CREATED", "LOCKED")


def test_unknown_names_are_kept_and_counted():
    decoder = Decoder()
    for number, payload in enumerate(({"id": "x"}, [1], "x", 7, {"event": "A", "eventId": "in", "payload": {}})):
        line = {**HEAD, "id": f"e{number}", "eventName": "weather-changed_event-v1", "payload": payload}
        event = one(line, decoder)
        assert (event.name, event.flow, event.entity, event.entity_id) == ("WEATHER_CHANGED", "none", None, None)
        assert (event.event_id, event.basis) == ("in" if number == 4 else f"e{number}", "recorded")
    assert decoder.collect().unknown_names == {"WEATHER_CHANGED": 5}
    decoder.reset()
    assert not decoder.collect().unknown_names


def test_unknown_values_are_kept_and_counted():
    decoder = Decoder()
    assert one(example("ORDER_CREATED", status="MELTED"), decoder).status == "MELTED"
    assert one(example("PICK_JOB_CREATED", status="MELTED"), decoder).status == "MELTED"
    assert decoder.collect().unknown_values == {"ORDER_CREATED.status": 1, "PICK_JOB_CREATED.status": 1}


def test_fields_of_the_envelope_may_come_in_any_order_and_company():
    line = example("ORDER_CREATED")
    shuffled = {"payload": line["payload"], "more": {"eventName": "x"}, **dict(reversed(line.items()))}
    assert one(shuffled) == one(line)
    noisy = example("ORDER_CREATED", customAttributes={"eventName": "order-cancelled_event-v1", "id": "z"})
    assert one({"payload": noisy["payload"], **noisy}) == one(line)
    assert one(json.dumps(line, indent=2).encode()) == one(line)
    assert one(b"\t " + json.dumps(line).encode() + b" \r") == one(line)


def test_payload_with_a_field_called_payload_is_no_envelope():
    line = example("ORDER_CREATED", payload={"id": "z"})
    assert one(line) == one(example("ORDER_CREATED"))
    assert one(line) == one(example("ORDER_CREATED"))


def test_pick_job_of_a_line_stands_in_either_envelope():
    line = example("PICK_JOB_PICK_LINE_PICKED")
    inner = {"event": "x", "eventId": line["id"], "payload": line["payload"], "pickJobRef": "J1"}
    assert one({**line, "payload": inner}).facts.pick_job_ref == "J1"
    del inner["pickJobRef"]
    assert one({**line, "payload": inner}).facts.pick_job_ref == line["pickJobRef"]
    del line["pickJobRef"]
    assert one(line).facts.pick_job_ref is None


# -- times ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "payload", "basis", "text"),
    [
        pytest.param("ORDER_CREATED", {"created": None}, "snapshot", "2026-06-17T08:00:04.120Z", id="next path"),
        pytest.param("ORDER_CREATED", {"created": "soon"}, "snapshot", "2026-06-17T08:00:04.120Z", id="unreadable"),
        pytest.param("ORDER_CREATED", {"created": None, "lastModified": None}, "recorded", None, id="never orderDate"),
        pytest.param("ORDER_UNLOCKED", {"lastModified": None}, "recorded", None, id="never a weak path"),
        pytest.param(
            "ORDER_MODIFIED", {"lastModified": None}, "exact", "2026-06-17T10:20:41.000Z", id="newest of the updates"
        ),
        pytest.param(
            "PICK_JOB_PICKING_FINISHED",
            {"lastModified": None},
            "exact",
            "2026-06-17T09:28:40.000Z",
            id="newest of the lines",
        ),
        pytest.param(
            "ROUTING_PLAN_ROUTED", {"history": []}, "snapshot", "2026-06-17T08:00:07.400Z", id="history without entry"
        ),
        pytest.param(
            "ROUTING_PLAN_WAITING",
            {"history": [{"status": "WAITING", "created": "2026-06-17T08:00:07Z"},
                         {"status": "WAITING", "created": "2026-06-17T09:00:07Z"},
                         {"status": "ROUTED", "created": "2026-06-17T10:00:07Z"}]},
            "exact",
            "2026-06-17T09:00:07Z",
            id="newest entry of the status",
        ),
        pytest.param("PICK_JOB_PICK_LINE_PICKED", {"pickedAt": None}, "recorded", None, id="no time at all"),
        pytest.param(
            "STOW_JOB_LINE_ITEMS_STOWED", {"lastModified": None}, "recorded", None, id="never the typed-in stowedAt"
        ),
        pytest.param(
            "PARCEL_TRACK_AND_TRACE_STATUS_UPDATED", {"lastModified": None}, "recorded", None, id="never the carrier's"
        ),
        pytest.param("ORDER_CREATED", {"created": "2026-06-17T10:00:04.1234567+02:00"}, "exact",
                     "2026-06-17T08:00:04.123456Z", id="offset and nine digits"),
    ],
)  # fmt: skip
def test_time_of_an_event(name: str, payload: Json, basis: str, text: str | None):
    """Ruling 1."""
    line = example(name, **payload)
    event = one(line)
    assert (event.basis, event.event_at) == (basis, parse_time(text or line["created"]))
