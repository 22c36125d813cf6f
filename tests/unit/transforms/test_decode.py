"""The decoder on the platform's example payloads, on every way in which they can be spoiled, and on other forms."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.catalogue import EventType, Flow, Kind, Model, Quality
from schemas.event_types import BY_NAME
from schemas.vocabulary import Reason
from transforms.clock import parse_time
from transforms.decode import Decoder
from transforms.event import Event, Rejection, references

EXAMPLES = Path(__file__).resolve().parents[2] / "golden" / "payload_examples"
Json = dict[str, Any]


def _read(name: str) -> list[bytes]:
    return (EXAMPLES / name).read_bytes().splitlines()


PLAIN, NESTED = _read("export_lines.ndjson"), _read("export_lines_nested.ndjson")


def _public(line: Json) -> str:
    name = line["eventName"].removesuffix("_event-v1").replace("-", "_").upper()
    return name if name in BY_NAME else f"{name}_EVENT"


BY_PUBLIC_NAME: dict[str, Json] = {_public(json.loads(x)): json.loads(x) for x in PLAIN}
NAMES = sorted(BY_PUBLIC_NAME)
SINGLE = sorted(p.stem for p in EXAMPLES.glob("*.json"))


def decode(line: Json | bytes, decoder: Decoder | None = None) -> list[Event] | Rejection:
    raw = line if isinstance(line, bytes) else json.dumps(line, separators=(",", ":")).encode()
    return (decoder or Decoder()).line(raw, "day.ndjson:7")


def events(line: Json | bytes, decoder: Decoder | None = None) -> list[Event]:
    found = decode(line, decoder)
    assert isinstance(found, list), found
    return found


def one(line: Json | bytes, decoder: Decoder | None = None) -> Event:
    (event,) = events(line, decoder)
    return event


def example(name: str, **payload: Any) -> Json:
    """Give the example line of an event, with some fields of its payload put in."""
    line = copy.deepcopy(BY_PUBLIC_NAME[name])
    line["payload"] |= payload
    return line


def rejected(line: Json | bytes) -> Rejection:
    found = decode(line)
    assert isinstance(found, Rejection), found
    return found


# -- the examples ---------------------------------------------------------------------------------------------

# The stories of payload_examples/README.md, by key of the flow.
A, B = "3b667823-64cd-5fba-a764-2420ffdfd984", "73bbead9-44b7-5dde-9ca5-a5d7db220290"
C, D = "d463b47f-1ed2-5390-b5d1-5f19760b0a1b", "666c92ef-da10-5be4-b8ca-092821ebe93f"
I1, I2 = "4c2c7113-7f14-5698-bff9-5df7641c380c", "f13c6058-7551-5d76-8133-faa77e00b4a1"
I3, I4 = "eba04bbe-ae2c-5261-878a-c1a3d1485a5e", "891a3c2b-f526-5812-b846-e9d147f13441"
S1, S2 = "afb5c063-b0cd-5028-9af9-60de5103e46f", "10cbea98-3811-5e30-a058-ee40707bd8e0"

# By event: the flow of each of its events, what dates it, and the time as it stands in the payload (None: `created`
# of the line, where the payload has no time that may count).
EXPECTED: dict[str, tuple[list[str | None], str, str | None]] = {
    "ORDER_CREATED": ([A], "exact", "2026-06-17T08:00:04.120Z"),
    "ORDER_MODIFIED": ([C], "snapshot", "2026-06-17T10:20:41.000Z"),
    "ORDER_UNLOCKED": ([C], "snapshot", "2026-06-17T10:05:00.500Z"),
    "ORDER_CANCELLED": ([C], "snapshot", "2026-06-17T11:02:10.000Z"),
    "ORDER_CANCELLED_BY_EXPIRY": ([B], "snapshot", "2026-06-24T14:00:30.000Z"),
    "ORDER_FORCE_CANCELLED": ([D], "snapshot", "2026-06-18T09:00:00.000Z"),
    "ROUTING_PLAN_ROUTED": ([A], "exact", "2026-06-17T08:00:07.400Z"),
    "ROUTING_PLAN_WAITING": ([D], "exact", "2026-06-17T08:00:07.100Z"),
    "ROUTING_PLAN_NOT_ROUTABLE": ([D], "exact", "2026-06-17T16:00:07.000Z"),
    "ROUTING_PLAN_FALLBACK": ([D], "exact", "2026-06-17T16:10:07.000Z"),
    "ROUTING_PLAN_SPLITTED": ([D], "snapshot", "2026-06-17T08:00:07.300Z"),
    "ROUTING_PLAN_REROUTEPLAN_CREATED": ([D], "exact", "2026-06-17T12:00:00.700Z"),
    "ROUTING_PLAN_CANCELLED": ([C], "exact", "2026-06-17T11:02:10.400Z"),
    "PICK_JOB_CREATED": ([A], "exact", "2026-06-17T08:00:08.300Z"),
    "PICK_JOB_OPENED": ([D], "snapshot", "2026-06-17T13:00:00.000Z"),
    "PICK_JOB_PICKING_COMMENCED": ([A], "snapshot", "2026-06-17T09:12:30.200Z"),
    "PICK_JOB_PICKING_PAUSED": ([A], "snapshot", "2026-06-17T09:17:10.000Z"),
    "PICK_JOB_PICK_LINE_PICKED": ([None], "exact", "2026-06-17T09:15:02.000Z"),
    "PICK_JOB_PICKING_FINISHED": ([A], "snapshot", "2026-06-17T09:29:05.000Z"),
    "PICKING_PICK_JOB_COMPLETE": ([A], "snapshot", "2026-06-17T09:29:05.000Z"),
    "PICK_JOB_ABORTED": ([D], "snapshot", "2026-06-17T11:30:00.000Z"),
    "PICK_JOB_CANCELED": ([C], "snapshot", "2026-06-17T11:02:10.900Z"),
    "PICK_JOB_REROUTED": ([D], "snapshot", "2026-06-17T12:00:00.200Z"),
    "PICK_JOB_RESET": ([D], "snapshot", "2026-06-17T12:40:00.000Z"),
    "UPCOMING_TIME_TRIGGERED_REROUTE": ([D], "recorded", None),
    "PACK_JOB_CREATED": ([A], "exact", "2026-06-17T09:29:06.020Z"),
    "PACK_JOB_UPDATED": ([A], "snapshot", "2026-06-17T09:41:00.000Z"),
    "PACK_JOB_CLOSED": ([A], "snapshot", "2026-06-17T09:52:30.000Z"),
    "PACK_JOB_CANCELED": ([C], "snapshot", "2026-06-17T11:02:11.300Z"),
    "PACKING_TARGET_CONTAINER_CREATED_EVENT": ([None], "exact", "2026-06-17T09:41:20.000Z"),
    "PACKING_TARGET_CONTAINER_UPDATED_EVENT": ([None], "snapshot", "2026-06-17T09:44:00.000Z"),
    "PACKING_TARGET_CONTAINER_DELETED_EVENT": ([None], "snapshot", "2026-06-17T09:44:00.000Z"),
    "SHIPMENT_CREATED": ([A], "exact", "2026-06-17T08:00:08.900Z"),
    "SHIPMENT_UPDATED": ([A], "snapshot", "2026-06-17T09:46:05.500Z"),
    "PARCEL_CARRIER_CREATED": ([A], "exact", "2026-06-17T09:46:00.100Z"),
    "PARCEL_CARRIER_REQUESTED": ([A], "snapshot", "2026-06-17T09:46:01.000Z"),
    "PARCEL_CARRIER_ACKNOWLEDGED": ([A], "snapshot", "2026-06-17T09:46:05.200Z"),
    "PARCEL_CARRIER_FAILED": ([D], "snapshot", "2026-06-17T16:30:03.000Z"),
    "PARCEL_TRACK_AND_TRACE_STATUS_UPDATED": ([A], "snapshot", "2026-06-18T10:14:00.000Z"),
    "HANDOVERJOB_CREATED": ([A], "exact", "2026-06-17T09:52:31.300Z"),
    "HANDOVERJOB_HANDED_OVER": ([A], "snapshot", "2026-06-17T15:48:12.000Z"),
    "HANDOVERJOB_REVERTED": ([B], "snapshot", "2026-06-17T15:10:00.000Z"),
    "HANDOVERJOB_CANCELED": ([B], "snapshot", "2026-06-24T14:00:31.000Z"),
    "SERVICE_JOB_CREATED": ([A], "exact", "2026-06-17T09:29:06.500Z"),
    "SERVICE_JOB_FINISHED": ([A], "snapshot", "2026-06-17T09:38:00.000Z"),
    "INVENTORY_RESERVATIONS_CREATED": ([A, A, C], "exact", "2026-06-17T08:00:07.900Z"),
    "INVENTORY_RESERVATIONS_DELETED": ([A, A], "recorded", None),
    "EXPIRY_ENTITY_CREATED": ([B], "exact", "2026-06-17T08:00:05.000Z"),
    "EXPIRY_ENTITY_UPDATED": ([B], "snapshot", "2026-06-17T15:10:01.000Z"),
    "EXPIRY_ENTITY_EXPIRED": ([B], "snapshot", "2026-06-24T14:00:05.000Z"),
    "PROCESS_ANONYMIZED": ([A], "snapshot", "2026-07-17T09:00:00.000Z"),
    "PROCESS_DELETED": ([A], "snapshot", "2027-01-13T09:00:00.000Z"),
    "INBOUND_PROCESS_PURCHASE_ORDER_CREATED": ([I1], "exact", "2026-06-14T14:20:00.381Z"),
    "INBOUND_PROCESS_PURCHASE_ORDER_LINE_ITEMS_CHANGED": ([I1], "snapshot", "2026-06-15T10:00:00.000Z"),
    "INBOUND_PROCESS_PURCHASE_ORDER_REQUESTED_DATE_CHANGED": ([I1], "snapshot", "2026-06-16T09:00:00.000Z"),
    "INBOUND_PROCESS_PURCHASE_ORDER_CANCELED": ([I2], "snapshot", "2026-06-17T12:00:00.000Z"),
    "INBOUND_PROCESS_PURCHASE_ORDER_DELETED": ([I3], "recorded", None),
    "INBOUND_PROCESS_RECEIPT_CREATED": ([I1, I4], "recorded", None),
    "INBOUND_PROCESS_RECEIPT_STARTED": ([I1], "recorded", None),
    "INBOUND_PROCESS_RECEIPT_LINE_ITEM_CHANGED": ([I1], "recorded", None),
    "INBOUND_DELIVERY_RECEIVED": ([I1], "recorded", None),
    "INBOUND_DELIVERY_FINISHED": ([I1], "recorded", None),
    "INBOUND_DELIVERY_ON_HOLD": ([I1], "recorded", None),
    "INBOUND_DELIVERY_RELEASED": ([I1], "recorded", None),
    "STOW_JOB_CREATED": ([S1], "exact", "2026-06-18T11:25:00.000Z"),
    "STOW_JOB_COMMENCED": ([S1], "snapshot", "2026-06-18T12:05:00.000Z"),
    "STOW_JOB_PAUSED": ([S1], "snapshot", "2026-06-18T12:18:00.000Z"),
    "STOW_JOB_LINE_ITEMS_STOWED": ([S1], "snapshot", "2026-06-18T12:16:00.300Z"),
    "STOW_JOB_CLOSED": ([S1], "snapshot", "2026-06-18T12:42:00.000Z"),
    "STOW_JOB_OPENED": ([S2], "snapshot", "2026-06-18T12:50:00.000Z"),
    "STOW_JOB_CANCELED": ([S2], "snapshot", "2026-06-18T13:00:00.000Z"),
}


def _entities(line: Json) -> list[tuple[str, int | None, str | None, str | None]]:
    """Read id, version, status and facility of each entity straight from the payload."""
    payload = line["payload"]
    if "items" in payload and "processRef" not in payload:  # a parcel has items, too
        if "receipt" in payload["items"][0]:
            return [(x["receipt"]["id"], None, x["receipt"]["status"], x["facilityRef"]) for x in payload["items"]]
        return [(x["id"], x["version"], None, x["facilityRef"]) for x in payload["items"]]
    facility = payload.get("facilityRef")
    if "pickJobData" in payload:
        return [(payload["pickJobData"]["pickJobRef"], None, None, payload["facilityData"]["facilityRef"])]
    if "facilityRefs" in payload:
        return [(payload["id"], payload["version"], payload["statuses"]["status"], payload["facilityRefs"][0])]
    if "onHold" in payload:
        return [(payload["inboundProcessRef"], None, payload["status"], facility)]
    return [(payload["id"], payload.get("version"), payload.get("status"), facility)]


def test_examples_are_all_there():
    assert len(PLAIN) == len(NESTED) == len(EXPECTED) == 71
    assert sorted(EXPECTED) == NAMES
    assert {n.partition("__")[0] for n in SINGLE} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_example(name: str):
    line = BY_PUBLIC_NAME[name]
    flow_ids, basis, text = EXPECTED[name]
    recorded = parse_time(line["created"])
    decoder = Decoder()
    found = events(line, decoder)
    assert decoder.collect().field_errors == 0
    assert not decoder.collect().unknown_names
    assert [e.flow_id for e in found] == flow_ids
    assert {(e.name, e.basis, e.event_at, e.recorded_at) for e in found} == {
        (name, basis, recorded if text is None else parse_time(text), recorded)
    }
    facility = [] if name.startswith("ORDER_") else [x[3] for x in _entities(line)]
    assert [(e.entity_id, e.version, e.status) for e in found] == [x[:3] for x in _entities(line)]
    if facility:
        assert [e.facility for e in found] == facility
    bulk = len(found) > 1 or ("items" in line["payload"] and "processRef" not in line["payload"])
    assert [e.event_id for e in found] == [f"{line['id']}#{e.entity_id}" if bulk else line["id"] for e in found]
    assert {e.source for e in found} == {"day.ndjson:7"}


@pytest.mark.parametrize(
    ("plain", "nested"), list(zip(PLAIN, NESTED, strict=True)), ids=[_public(json.loads(x)) for x in PLAIN]
)
def test_nested_envelope_says_the_same(plain: bytes, nested: bytes):
    fresh, used = Decoder(), Decoder()
    expected = events(plain)
    for decoder, lines in ((fresh, [nested]), (used, [plain, nested, nested, plain])):
        for line in lines:
            assert events(line, decoder) == expected
        assert decoder.collect().field_errors == 0


@pytest.mark.parametrize("name", SINGLE)
def test_pubsub_message_says_the_same_as_the_line(name: str):
    message = json.loads((EXAMPLES / f"{name}.json").read_bytes())
    at = 1_781_700_000_000_000
    line = {
        "id": "other", "eventName": message["event"], "payload": message, "created": "2026-06-17T12:40:00.000000+00:00",
    }  # fmt: skip
    assert parse_time(line["created"]) == at
    found = Decoder().message(json.dumps(message, indent=1).encode(), at, "m1", "day.ndjson:7")
    assert found == events(line)
    if "__" not in name:
        flat = {**line, "id": message["eventId"], "payload": message["payload"]}
        flat |= {k: v for k, v in message.items() if k == "pickJobRef"}
        assert found == events(flat)


def test_facts_of_an_order():
    facts = one(example("ORDER_CREATED")).facts
    assert facts.tenant_order_id == "R456728546"
    assert facts.order_date == parse_time("2026-06-17T08:00:00Z")
    assert facts.target == parse_time("2026-06-17T16:00:00Z")
    assert (facts.line_count, facts.units, facts.ships, facts.collects) == (2, 3, True, None)


def test_facts_of_a_pick_job():
    facts = one(example("PICK_JOB_PICKING_FINISHED")).facts
    assert facts.lines == [
        ("0cfa195f-6231-5cf0-bf21-8cf32e1d6e44", 2, 2),
        ("37b76ff9-2214-503d-9099-e050d4a53263", 1, 1),
    ]
    assert facts.channel == "SHIPPING"
    assert (facts.order_ref, facts.plan_ref) == (
        "10b81cd3-a360-5b4a-bc42-eb5bbae17a3d",
        "d0e7f0d8-ab6e-5ab0-81f5-4405f6134754",
    )


def test_facts_of_a_picked_line():
    event = one(example("PICK_JOB_PICK_LINE_PICKED"))
    assert event.entity == "PICK_LINE"
    assert (event.facts.pick_job_ref, event.facts.quantity, event.facts.picked) == (
        "d5572f4c-af77-5f2c-9fe9-f49af685efa0", 2, 2,
    )  # fmt: skip


def test_facts_of_a_finished_delivery():
    facts = one(example("INBOUND_DELIVERY_FINISHED")).facts
    first, second = facts.receipts
    assert first[:2] == ("e133ea7d-ae5e-526c-ae38-d529bae5fa53", "FINISHED")
    assert first[2:] == (parse_time("2026-06-18T10:30:00Z"), 1, 58, 2)
    assert second[2:] == (parse_time("2026-06-19T07:45:00Z"), 2, 84, 0)
    assert (facts.requested_date_type, facts.requested_line_count, facts.requested_units) == ("TIME_POINT", 2, 140)


@pytest.mark.parametrize("name", NAMES)
def test_no_personal_data_gets_through(name: str):
    """The made-up people of the examples, their addresses, phones and comments."""
    lines = [x for x in (*PLAIN, *NESTED) if _public(json.loads(x)) == name]
    text = repr([events(x) for x in lines])
    for word in ("Maxine", "Muller", "Frau", "Hauptstr", "Langenfeld", "40764", "test@try", "0151", "clerk", "pallet",
                 "customer moved", "C-10045", "webshop", "Duck", "Cologne", "4711"):  # fmt: skip
        assert word not in text


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


HEAD = {"id": "e1", "created": "2026-06-17T08:00:00.5+02:00"}
AT = parse_time("2026-06-17T06:00:00.5Z")


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
