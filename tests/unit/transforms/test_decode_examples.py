"""The decoder on the platform's example payloads: flow, entity, time and facts of each."""

from __future__ import annotations

import json

import pytest

from tests.unit.transforms.decoding import (
    BY_PUBLIC_NAME,
    EXAMPLES,
    I1,
    I2,
    I3,
    I4,
    NAMES,
    NESTED,
    PLAIN,
    S1,
    S2,
    SINGLE,
    A,
    B,
    C,
    D,
    Json,
    events,
    example,
    one,
    public,
)
from transforms.clock import parse_time
from transforms.decode import Decoder

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
    ("plain", "nested"), list(zip(PLAIN, NESTED, strict=True)), ids=[public(json.loads(x)) for x in PLAIN]
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
    lines = [x for x in (*PLAIN, *NESTED) if public(json.loads(x)) == name]
    text = repr([events(x) for x in lines])
    for word in ("Maxine", "Muller", "Frau", "Hauptstr", "Langenfeld", "40764", "test@try", "0151", "clerk", "pallet",
                 "customer moved", "C-10045", "webshop", "Duck", "Cologne", "4711"):  # fmt: skip
        assert word not in text
