"""The facts as an object-centric event log (OCEL 2.0): its types, its events and its objects, one after the other.

The events are the distinct events of the flows; the objects are what they are about, with the outcome and the main
facts of flows, legs, parcels and receipts as attributes, and facilities. Rows go from the warehouse to the file as they
come, so memory does not grow with the log. Order numbers stay out: nothing here needs a name of a person's order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipelines.doors import Door

EPOCH = "1970-01-01T00:00:00Z"
"""Time of an attribute that has no history, as the standard suggests."""


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects that a relation knows: their type, the relation, its key, attributes and links to other objects.

    Attributes:
        type: type of the object.
        relation: where they are.
        key: column with their id.
        attributes: columns and their OCEL types.
        links: column, type of the object that it names, and how they hang together.
    """

    type: str
    relation: str
    key: str
    attributes: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str, str], ...] = ()


_PLACE = (("facility_ref", "facility", "at"),)
RELATIONS = (
    Objects(
        "process",
        "order_flow",
        "flow_id",
        (
            ("outcome", "string"),
            ("channel", "string"),
            ("started_at", "time"),
            ("finished_at", "time"),
            ("target_at", "time"),
            ("order_cycle_seconds", "float"),
            ("lateness_seconds", "float"),
            ("on_time", "boolean"),
            ("conforms", "boolean"),
            ("line_count", "integer"),
            ("ordered_units", "integer"),
            ("picked_units", "integer"),
        ),
        _PLACE,
    ),
    Objects(
        "pick_job",
        "order_leg",
        "leg_id",
        (
            ("outcome", "string"),
            ("channel", "string"),
            ("pick_queue_seconds", "float"),
            ("pick_duration_net_seconds", "float"),
            ("pack_total_seconds", "float"),
            ("handover_wait_seconds", "float"),
            ("line_count", "integer"),
            ("picked_units", "integer"),
        ),
        (("flow_id", "process", "part of"), *_PLACE),
    ),
    Objects(
        "parcel",
        "order_parcel",
        "parcel_id",
        (("label_request_seconds", "float"), ("transit_seconds", "float"), ("label_failure_count", "integer")),
        (("flow_id", "process", "part of"), ("leg_id", "pick_job", "of"), *_PLACE),
    ),
    Objects(
        "inbound_process",
        "inbound_flow",
        "flow_id",
        (
            ("outcome", "string"),
            ("started_at", "time"),
            ("finished_at", "time"),
            ("supplier_delay_seconds", "float"),
            ("inbound_complete_seconds", "float"),
            ("accepted_units", "float"),
            ("rejected_units", "float"),
        ),
        _PLACE,
    ),
    Objects(
        "receipt",
        "inbound_receipt",
        "receipt_id",
        (
            ("status", "string"),
            ("dock_to_stock_seconds", "float"),
            ("accepted_units", "float"),
            ("rejected_units", "float"),
        ),
        (("flow_id", "inbound_process", "part of"), *_PLACE),
    ),
    Objects(
        "stow_job",
        "stow_flow",
        "flow_id",
        (
            ("outcome", "string"),
            ("started_at", "time"),
            ("finished_at", "time"),
            ("stow_wait_seconds", "float"),
            ("stow_duration_net_seconds", "float"),
            ("stow_lateness_seconds", "float"),
            ("stowed_units", "float"),
        ),
        _PLACE,
    ),
)
_FLOW_TYPES = {"order": "process", "inbound": "inbound_process", "stow": "stow_job"}
EVENT_ATTRIBUTES = (("status", "string"), ("time_basis", "string"), ("recorded_at", "time"))

_EVENT_TYPES = "SELECT DISTINCT event_name FROM flow_event WHERE flow <> 'none' ORDER BY event_name"
_EVENTS = """
SELECT event_id, event_name, event_at, flow, flow_id, entity, entity_id, facility_ref, status, time_basis, recorded_at
FROM flow_event WHERE flow <> 'none'
"""
_ENTITIES = "SELECT DISTINCT entity FROM flow_event WHERE flow <> 'none' AND entity_id IS NOT NULL ORDER BY entity"
# What no relation has a row for; one kind of entity at a time, so that memory holds the ids of one.
_BARE = (
    "SELECT DISTINCT entity_id FROM flow_event AS e WHERE flow <> 'none' AND entity = @entity AND entity_id IS NOT NULL"
)
_NOT_IN = " AND NOT EXISTS (SELECT 1 FROM {relation} AS r WHERE r.{key} = e.entity_id)"
_PLACES = "SELECT DISTINCT facility_ref FROM ({parts}) WHERE facility_ref IS NOT NULL"


def event_types(door: Door) -> list[str]:
    """List the types of the events."""
    return [r["event_name"] for r in door.ask(_EVENT_TYPES)]


def object_types(door: Door) -> dict[str, tuple[tuple[str, str], ...]]:
    """Give the types of the objects with their attributes."""
    types: dict[str, tuple[tuple[str, str], ...]] = {o.type: o.attributes for o in RELATIONS}
    for row in door.ask(_ENTITIES):
        types.setdefault(row["entity"].lower(), ())
    types["facility"] = ()
    return types


def _name(kind: str, key: str) -> str:
    """Give the id of an object: ids of different entities may be the same."""
    return f"{kind}:{key}"


def events(door: Door) -> Iterator[dict[str, Any]]:
    """Give the events as the standard's JSON has them."""
    for r in door.stream(_EVENTS):
        links = []
        if r["entity_id"] is not None:
            links.append({"objectId": _name(r["entity"].lower(), r["entity_id"]), "qualifier": "about"})
        flow = _name(_FLOW_TYPES[r["flow"]], r["flow_id"]) if r["flow_id"] is not None else None
        if flow is not None and all(link["objectId"] != flow for link in links):
            links.append({"objectId": flow, "qualifier": "of"})
        if r["facility_ref"] is not None:
            links.append({"objectId": _name("facility", r["facility_ref"]), "qualifier": "at"})
        attributes = [{"name": n, "value": _value(r[n])} for n, _ in EVENT_ATTRIBUTES if r[n] is not None]
        yield {
            "id": r["event_id"],
            "type": r["event_name"],
            "time": _value(r["event_at"]),
            "attributes": attributes,
            "relationships": links,
        }


def objects(door: Door) -> Iterator[dict[str, Any]]:
    """Give the objects as the standard's JSON has them."""
    for o in RELATIONS:
        columns = [o.key, *(n for n, _ in o.attributes), *(n for n, _, _ in o.links)]
        for r in door.stream(f"SELECT {', '.join(dict.fromkeys(columns))} FROM {o.relation}"):
            yield {
                "id": _name(o.type, r[o.key]),
                "type": o.type,
                "attributes": [
                    {"name": n, "time": EPOCH, "value": _value(r[n])} for n, _ in o.attributes if r[n] is not None
                ],
                "relationships": [
                    {"objectId": _name(kind, r[n]), "qualifier": how} for n, kind, how in o.links if r[n] is not None
                ],
            }
    known = {o.type: _NOT_IN.format(relation=o.relation, key=o.key) for o in RELATIONS}
    for row in door.ask(_ENTITIES):
        kind = row["entity"].lower()
        for r in door.stream(_BARE + known.get(kind, ""), entity=row["entity"]):
            yield {"id": _name(kind, r["entity_id"]), "type": kind}
    tables = ("flow_event", *(o.relation for o in RELATIONS))
    parts = " UNION ALL ".join(f"SELECT facility_ref FROM {t}" for t in tables)
    for r in door.stream(_PLACES.format(parts=parts)):
        yield {"id": _name("facility", r["facility_ref"]), "type": "facility"}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value
