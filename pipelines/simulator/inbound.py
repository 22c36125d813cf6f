"""Inbound processes: drawn as moments, told as events and as truth."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from pipelines.simulator.drawing import HOUR, Happening, Window, instant_text
from pipelines.simulator.inbound_draw import (
    DELIVERY,
    PURCHASE_ORDER,
    RECEIPT,
    Process,
    PurchaseOrder,
    Receipt,
    Told,
    counted_goods,
    draw_process,
    is_done,
)
from pipelines.simulator.inbound_truth import truth_rows
from pipelines.simulator.model import Emission, Story, TruthEvent
from pipelines.simulator.world import World


class _Payloads:
    """Writes the payloads of one process."""

    def __init__(self, process: Process, rng: random.Random, world: World) -> None:
        self.process = process
        self.extra = world.custom_attributes(rng, 1300)
        user = world.user(rng)
        self.comment = {"id": world.uuid(rng), "content": f"checked by {user['username']}", "userRef": user["userId"]}
        self.versions = 0

    def of(self, told: Told) -> tuple[Any, int | None, str]:
        """Give payload, version and status of an event."""
        name, p = told.moment.name, self.process
        if name.startswith(PURCHASE_ORDER):
            self.versions += name != PURCHASE_ORDER + "DELETED"
            return self._order(told), self.versions, "CANCELED" if told.order and told.order.canceled else "OPEN"
        body = self._process(told)
        if name.startswith(RECEIPT):
            assert told.receipt is not None
            status = {"CREATED": told.receipt.born}.get(name.removeprefix(RECEIPT), "IN_PROGRESS")
            body["receipt"] = self.receipt(told.receipt, status, told.moment)
            return {"items": [body]}, None, status
        if name == DELIVERY + "RECEIVED":
            assert told.receipt is not None
            body["receipt"] = self.receipt(told.receipt, "FINISHED", told.moment)
        elif name == DELIVERY + "FINISHED":
            body["receipts"] = [
                self.receipt(r, "FINISHED" if is_done(r, told.moment) else "OPEN", told.moment)
                for r in p.receipts
                if r.created is not None and r.created.at <= told.moment.at
            ]
        return body, None, told.status

    def _order(self, told: Told) -> dict[str, Any]:
        p, order = self.process, told.order
        assert order is not None
        assert p.order_created is not None
        payload: dict[str, Any] = {
            "id": p.order_id,
            "inboundProcessRef": p.id,
            "facilityRef": p.place.id,
            "orderDate": instant_text(p.order_created.at - HOUR),
            "created": instant_text(p.order_created.at),
            "lastModified": instant_text(told.moment.at),
            "version": self.versions,
            "status": "CANCELED" if order.canceled else "OPEN",
            "canceled": order.canceled,
            "requestedDate": {"type": order.kind, "value": instant_text(order.requested)},
            "requestedItems": _items(order),
            "supplier": {"name": "Duck Supply"},
            "customAttributes": self.extra,
        }
        if p.number is not None:
            payload["tenantInboundProcessId"] = p.number
        return payload

    def _process(self, told: Told) -> dict[str, Any]:
        p, order = self.process, told.order
        body: dict[str, Any] = {
            "inboundProcessRef": p.id,
            "facilityRef": p.place.id,
            "onHold": told.on_hold,
            "status": told.status,
            "customAttributes": self.extra,
        }
        if p.number is not None:
            body["tenantInboundProcessRef"] = p.number
        if order is not None and p.order_created is not None:
            body["purchaseOrder"] = {
                "id": p.order_id,
                "created": instant_text(p.order_created.at),
                "lastModified": instant_text(p.order_created.at),
                "orderDate": instant_text(p.order_created.at - HOUR),
                "status": "CANCELED" if order.canceled else "OPEN",
                "cancelled": order.canceled,
                "requestedDate": {"type": order.kind, "value": instant_text(order.requested)},
                "requestedItems": _items(order),
                "supplier": {"name": "Duck Supply"},
            }
        return body

    def receipt(self, receipt: Receipt, status: str, moment: Happening) -> dict[str, Any]:
        """Write a receipt as it is at a moment."""
        return {
            "id": receipt.id,
            "status": status,
            "receivedDate": instant_text(receipt.arrival),
            "comments": [self.comment],
            "receivedItems": [
                {
                    "id": f"{receipt.id[:24]}{i:012x}",
                    "tenantArticleId": f"{4711 + i}",
                    "acceptedQuantity": {"value": accepted, "unit": "pieces"},
                    "rejectedQuantity": {"value": rejected, "unit": "pieces"},
                    "comments": [],
                    "storageLocationRef": receipt.id,
                }
                for i, (accepted, rejected) in enumerate(counted_goods(receipt, moment))
            ],
        }


def _items(order: PurchaseOrder) -> list[dict[str, Any]]:
    return [
        {"tenantArticleId": f"{4711 + i}", "quantity": {"value": q, "unit": "pieces"}}
        for i, q in enumerate(order.lines)
    ]


def _arrive_together(process: Process, other: Process) -> bool:
    """Shift the other process so that its first receipt is created in the same instant as this one's.

    The platform reports receipts that are created together in one bulk.
    """
    name = RECEIPT + "CREATED"
    mine = next((t.moment for t in process.told if t.moment.name == name), None)
    if mine is None:
        return False
    distance = mine.recorded - other.told[0].moment.recorded
    for told in other.told:
        told.moment.at += distance
        told.moment.recorded += distance
    for receipt in other.receipts:
        receipt.arrival += distance
    return True


def _emission(process: Process, told: Told, payloads: _Payloads, event_id: str) -> Emission:
    """Tell one event."""
    payload, version, status = payloads.of(told)
    m, own_id = told.moment, event_id
    entity, entity_id = "INBOUND_PROCESS", process.id
    if m.name.startswith(PURCHASE_ORDER):
        entity, entity_id = "PURCHASE_ORDER", process.order_id or ""
    elif m.name.startswith(RECEIPT):
        assert told.receipt is not None
        entity, entity_id = "RECEIPT", told.receipt.id
        own_id = f"{event_id}#{entity_id}"
    truth = TruthEvent(
        own_id, "inbound", process.id, entity, entity_id, version, m.at, m.basis, process.place.id, status
    )
    return Emission(m.name, event_id, m.recorded, payload, [truth])


def _stories(rng: random.Random, world: World, window: Window, group: list[Process]) -> Iterator[Story]:
    """Tell processes; the first receipt of a second one stands in one bulk with the first receipt of the first."""
    tellings = []
    for process in group:
        payloads = _Payloads(process, rng, world)
        # What the data does not show is told, too: it takes its version of the purchase order.
        tellings.append([_emission(process, told, payloads, world.uuid(rng)) for told in process.told])
    bulk: Emission | None = None
    if len(group) > 1:
        bulk, single = next(e for e in tellings[0] if e.name == RECEIPT + "CREATED"), tellings[1][0]
        single.truth[0].event_id = f"{bulk.event_id}#{single.truth[0].entity_id}"
        bulk.payload["items"] += single.payload["items"]
        bulk.truth += single.truth
        tellings[1][0] = bulk
    for process, emissions in zip(group, tellings, strict=True):
        known = [e for t, e in zip(process.told, emissions, strict=True) if window.sees(t.moment)]
        if known:
            sent = known if process is group[0] else [e for e in known if e is not bulk]
            yield Story(sent, truth_rows(process, known, window))


def inbound_stories(
    rng: random.Random, world: World, day_start: int, count: int, horizon: int, as_of: int
) -> Iterator[Story]:
    """Draw the inbound processes that begin on one day.

    Args:
        rng: source of chance.
        world: where it happens.
        day_start: start of the day, in microseconds.
        count: number of processes.
        horizon: what is recorded later does not happen.
        as_of: instant of the facts.
    """
    window = Window(world, horizon, as_of)
    companion: Process | None = None
    for _ in range(count):
        process = draw_process(rng, world, day_start + world.daily_minutes(rng))
        sudden = process.told[0].moment.name == RECEIPT + "CREATED"
        if companion is None and sudden and rng.random() < 0.5:
            companion = process  # its goods come with those of the next process that receives any
        elif companion is not None and _arrive_together(process, companion):
            yield from _stories(rng, world, window, [process, companion])
            companion = None
        else:
            yield from _stories(rng, world, window, [process])
    if companion is not None:
        yield from _stories(rng, world, window, [companion])
