"""Inbound processes: purchase orders, deliveries in parts, holds; drawn as moments, told as events and as truth."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipelines.simulator.drawing import (
    DAY,
    HOUR,
    MINUTE,
    QUIET,
    Happening,
    Window,
    event_columns,
    instant_text,
    interval,
    lag,
    later,
    seconds,
    variant,
)
from pipelines.simulator.model import US, Emission, Row, Story, TruthEvent
from pipelines.simulator.world import Facility, World

_DEADLINE = 90 * DAY
_PO = "INBOUND_PROCESS_PURCHASE_ORDER_"
_RECEIPT = "INBOUND_PROCESS_RECEIPT_"
_DELIVERY = "INBOUND_DELIVERY_"


@dataclass(slots=True)
class _Order:
    """State of the purchase order from one moment on."""

    lines: tuple[int, ...]
    requested: int
    kind: str
    canceled: bool = False


@dataclass(slots=True)
class _Receipt:
    id: str
    arrival: int
    goods: list[tuple[int, int]]  # accepted, rejected per line when finished
    created: Happening | None = None
    born: str = "OPEN"
    started: Happening | None = None
    received: Happening | None = None
    changed: Happening | None = None


@dataclass(slots=True)
class _Told:
    """One event to be told: its moment, the state of the process and of the order, its receipt."""

    moment: Happening
    status: str
    order: _Order | None
    receipt: _Receipt | None = None
    on_hold: bool = False


@dataclass(slots=True)
class _Hold:
    """A hold with all its ON_HOLD; what is held again before it was released is one hold."""

    signs: list[Happening]
    released: Happening | None = None


@dataclass(slots=True)
class _Process:
    id: str
    order_id: str | None
    number: str | None
    place: Facility
    told: list[_Told] = field(default_factory=list)
    receipts: list[_Receipt] = field(default_factory=list)
    holds: list[_Hold] = field(default_factory=list)
    finished: Happening | None = None
    order_created: Happening | None = None
    order_end: Happening | None = None


class _Drawing:
    """Draws the moments of one process one after another."""

    def __init__(self, rng: random.Random, world: World, at: int) -> None:
        self.rng, self.world, self.now = rng, world, at
        blind = rng.random() < 0.08
        self.process = _Process(
            world.uuid(rng),
            None if blind else world.uuid(rng),
            None if rng.random() < 0.1 else f"PO-{rng.randrange(10**6):06d}",
            rng.choice(world.facilities),
        )
        kind = "ASAP" if rng.random() < 0.15 else "TIME_POINT"
        lines = tuple(rng.randrange(10, 200) for _ in range(rng.choices((1, 2, 3, 4), (40, 30, 20, 10))[0]))
        self.order = None if blind else _Order(lines, at + rng.randrange(6, 72) * HOUR, kind)
        self.status = "OPEN"
        self.holding = False

    def tell(self, name: str, receipt: _Receipt | None = None, *, dated: bool = False) -> Happening:
        """Let something happen now; only purchase order events carry a time of their own."""
        recorded = self.now + lag(self.rng)
        basis = ("exact" if name.endswith("ORDER_CREATED") else "snapshot") if dated else "recorded"
        moment = Happening(name, self.now if dated else recorded, recorded, basis)
        status = "ON_HOLD" if self.holding else self.status
        self.process.told.append(_Told(moment, status, self.order, receipt, self.holding))
        return moment

    def wait(self, low: float, high: float) -> None:
        """Let time pass, in minutes."""
        self.now = max(later(self.rng, self.now, low, high), self.now + 2 * US)

    def change(self) -> None:
        """Change the purchase order: its lines or its date."""
        assert self.order is not None
        if self.rng.random() < 0.5:
            lines = tuple(q + self.rng.randrange(1, 30) for q in self.order.lines)
            self.order = _Order(lines, self.order.requested, self.order.kind)
            self.tell(_PO + "LINE_ITEMS_CHANGED", dated=True)
        else:
            self.order = _Order(
                self.order.lines, self.order.requested + self.rng.randrange(-6, 30) * HOUR, self.order.kind
            )
            self.tell(_PO + "REQUESTED_DATE_CHANGED", dated=True)

    def hold(self) -> None:
        """Hold the process for a while, in one of eight cases reported twice, and mostly release it."""
        if not self.holding:
            self.process.holds.append(_Hold([]))
        self.holding, hold = True, self.process.holds[-1]
        hold.signs.append(self.tell(_DELIVERY + "ON_HOLD"))
        if self.rng.random() < 0.12:
            self.wait(1, 20)
            hold.signs.append(self.tell(_DELIVERY + "ON_HOLD"))
        self.wait(10, 400)
        if self.rng.random() < 0.95:
            self.holding = False
            hold.released = self.tell(_DELIVERY + "RELEASED")

    def deliver(self, share: float, *, last: bool) -> None:
        """Receive one delivery with a share of the goods."""
        rng = self.rng
        amounts = self.order.lines if self.order is not None else (rng.randrange(5, 80),)
        goods = []
        for amount in amounts:
            arrived = max(1, round(amount * share))
            rejected = rng.randrange(1, 4) if rng.random() < 0.1 else 0
            goods.append((max(arrived - rejected, 0), rejected))
        receipt = _Receipt(self.world.uuid(rng), (self.now // MINUTE) * MINUTE, goods)
        receipt.born = rng.choices(("OPEN", "IN_PROGRESS", "FINISHED"), (88, 7, 5))[0]
        self.process.receipts.append(receipt)
        self.now += rng.randrange(-20, 90) * MINUTE if rng.random() < 0.9 else 0
        self.now = max(self.now, self.process.told[-1].moment.recorded + US if self.process.told else self.now)
        receipt.created = self.tell(_RECEIPT + "CREATED", receipt)
        if receipt.born == "OPEN":
            self.wait(1, 120)
            receipt.started = self.tell(_RECEIPT + "STARTED", receipt)
        if receipt.born != "FINISHED":
            self.wait(2, 40)
            if rng.random() < 0.6:
                receipt.changed = self.tell(_RECEIPT + "LINE_ITEM_CHANGED", receipt)
                self.wait(2, 30)
        elif rng.random() < 0.5:
            if last and self.order is not None:
                self._finish()
            return  # it was received at its creation and nothing else is told
        else:
            self.wait(0.1, 2)
        if rng.random() < 0.02:
            return  # never received
        self.status = (
            "CLOSED" if last and self.order is not None else "PARTIAL_DELIVERY" if self.order is not None else "OPEN"
        )
        receipt.received = self.tell(_DELIVERY + "RECEIVED", receipt)
        if last and self.order is not None:
            self._finish()

    def _finish(self) -> None:
        self.status = "CLOSED"
        self.wait(0.05, 0.5)
        self.process.finished = self.tell(_DELIVERY + "FINISHED")


def _draw(rng: random.Random, world: World, at: int) -> _Process:
    """Draw one process."""
    d = _Drawing(rng, world, at)
    process = d.process
    if d.order is not None:
        process.order_created = d.tell(_PO + "CREATED", dated=True)
        for _ in range(rng.choices((0, 1, 2), (75, 18, 7))[0]):
            d.wait(30, 600)
            d.change()
        fate = rng.random()
        if fate < 0.06:
            d.wait(60, 900)
            _end_order(d, rng)
            return process
        if fate < 0.08:
            return process  # nothing ever arrives
    parts = rng.choices((1, 2, 3), (70, 22, 8))[0]
    for part in range(parts):
        d.wait(200, 1500)
        if rng.random() < 0.08:
            d.hold()
            d.wait(5, 60)
        under = rng.random() < 0.05
        last = part == parts - 1 and not under
        d.deliver(1 / parts + (0.05 if part == parts - 1 else 0), last=last)
    if process.finished is not None and rng.random() < 0.04:
        d.wait(100, 900)
        d.deliver(0.1, last=False)  # over-delivery
    elif process.finished is None and d.order is not None and rng.random() < 0.5:
        d.wait(100, 900)
        _end_order(d, rng)
    return process


def _end_order(d: _Drawing, rng: random.Random) -> None:
    assert d.order is not None
    if rng.random() < 0.7:
        d.order = _Order(d.order.lines, d.order.requested, d.order.kind, canceled=True)
        d.process.order_end = d.tell(_PO + "CANCELED", dated=True)
    else:
        d.process.order_end = d.tell(_PO + "DELETED")


class _Payloads:
    """Writes the payloads of one process."""

    def __init__(self, process: _Process, rng: random.Random, world: World) -> None:
        self.process = process
        self.extra = world.custom_attributes(rng, 1300)
        user = world.user(rng)
        self.comment = {"id": world.uuid(rng), "content": f"checked by {user['username']}", "userRef": user["userId"]}
        self.versions = 0

    def of(self, told: _Told) -> tuple[Any, int | None, str]:
        """Give payload, version and status of an event."""
        name, p = told.moment.name, self.process
        if name.startswith(_PO):
            self.versions += name != _PO + "DELETED"
            return self._order(told), self.versions, "CANCELED" if told.order and told.order.canceled else "OPEN"
        body = self._process(told)
        if name.startswith(_RECEIPT):
            assert told.receipt is not None
            status = {"CREATED": told.receipt.born}.get(name.removeprefix(_RECEIPT), "IN_PROGRESS")
            body["receipt"] = self.receipt(told.receipt, status, told.moment)
            return {"items": [body]}, None, status
        if name == _DELIVERY + "RECEIVED":
            assert told.receipt is not None
            body["receipt"] = self.receipt(told.receipt, "FINISHED", told.moment)
        elif name == _DELIVERY + "FINISHED":
            body["receipts"] = [
                self.receipt(r, "FINISHED" if _done(r, told.moment) else "OPEN", told.moment)
                for r in p.receipts
                if r.created is not None and r.created.at <= told.moment.at
            ]
        return body, None, told.status

    def _order(self, told: _Told) -> dict[str, Any]:
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

    def _process(self, told: _Told) -> dict[str, Any]:
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

    def receipt(self, receipt: _Receipt, status: str, moment: Happening) -> dict[str, Any]:
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
                for i, (accepted, rejected) in enumerate(_goods(receipt, moment))
            ],
        }


def _items(order: _Order) -> list[dict[str, Any]]:
    return [
        {"tenantArticleId": f"{4711 + i}", "quantity": {"value": q, "unit": "pieces"}}
        for i, q in enumerate(order.lines)
    ]


def _done(receipt: _Receipt, moment: Happening) -> bool:
    if receipt.born == "FINISHED":
        return True
    return receipt.received is not None and receipt.received.at <= moment.at


def _goods(receipt: _Receipt, moment: Happening) -> list[tuple[int, int]]:
    """Give accepted and rejected units at a moment: nothing before they were counted."""
    if receipt.born == "FINISHED" or (receipt.changed is not None and receipt.changed.at <= moment.at):
        return receipt.goods
    if receipt.received is not None and receipt.received.at <= moment.at:
        return receipt.goods
    return [(0, 0) for _ in receipt.goods]


def _truth(process: _Process, emissions: list[Emission], window: Window) -> dict[str, list[Row]]:
    """Read the rows of the contract off the drawn moments, as far as the data shows them."""
    row = event_columns(emissions, process.id)
    told = [t for t in process.told if window.sees(t.moment)]
    orders = [t for t in told if t.moment.name.startswith(_PO)]
    others = [t for t in told if not t.moment.name.startswith(_PO)]
    newest = max((t.moment for t in others), key=lambda m: m.at, default=None)
    finish = window.at(process.finished)
    created = window.at(process.order_created)
    ended = window.at(process.order_end)
    receipts = [_receipt_row(process, r, told, window, newest) for r in process.receipts]
    receipts = [r for r in receipts if r is not None]
    rows = [r for r in receipts if r is not None]
    received = [r["delivery_received_at"] for r in rows]
    has_order = process.order_id is not None and any(t.order is not None for t in told)
    outcome, finished = "open", None
    if finish is not None:
        outcome, finished = "fulfilled", finish
    elif rows and None not in received and (not has_order or ended is not None):
        outcome, finished = "fulfilled", max(x for x in (*received, ended) if x is not None)
    elif ended is not None and None not in received:
        outcome, finished = "cancelled", ended
    elif window.as_of >= row["last_event_at"] + _DEADLINE:
        outcome = "incomplete"
    got = [r for r in rows if r["delivery_received_at"] is not None]
    accepted = float(sum(r["accepted_units"] for r in got))
    rejected = float(sum(r["rejected_units"] for r in got))
    requested = [t.order.requested for t in (orders or others) if t.order is not None and t.order.kind == "TIME_POINT"]
    last_order = next((t.order for t in reversed(orders or others) if t.order is not None), None)
    arrivals = [r["arrival_at"] for r in rows]
    first_created = min((r["receipt_created_at"] for r in rows if r["receipt_created_at"] is not None), default=None)
    first_received = min((x for x in received if x is not None), default=None)
    holds = [
        (next(window.at(m) for m in h.signs if window.sees(m)), window.at(h.released))
        for h in process.holds
        if any(window.sees(m) for m in h.signs)
    ]
    start = created if created is not None else first_created
    deviations = {
        "on_hold": bool(holds),
        "partial_delivery": len(got) > 1 or any(t.status == "PARTIAL_DELIVERY" for t in others),
        "date_changed": any(t.moment.name.endswith("DATE_CHANGED") for t in orders),
        "lines_changed": any(t.moment.name.endswith("ITEMS_CHANGED") for t in orders),
        "rejected_goods": any((r["rejected_units"] or 0) > 0 for r in rows),
        "over_delivery": finish is not None
        and any(
            x is not None and x > finish for r in rows for x in (r["receipt_created_at"], r["delivery_received_at"])
        ),
        "blind_receipt": bool(rows) and not has_order,
        "purchase_order_cancelled": ended is not None,
    }
    found = sorted(name for name, there in deviations.items() if there)
    row |= {
        "outcome": outcome,
        "started_at": start if start is not None else row["first_event_at"],
        "finished_at": finished,
        "variant": variant(
            ("purchase_order_created", created),
            ("receipt_created", first_created),
            ("receipt_started", min((r["receipt_started_at"] for r in rows if r["receipt_started_at"]), default=None)),
            ("delivery_received", first_received),
            ("inbound_finished", finish),
        ),
        "deviations": found,
        "conforms": None if outcome == "open" else outcome == "fulfilled" and not found,
        "purchase_order_id": process.order_id if has_order else None,
        "tenant_inbound_process_id": process.number,
        "status": others[-1].status if others else None,
        "purchase_order_created_at": created,
        "purchase_order_cancelled_at": ended,
        "first_requested_at": requested[0] if requested else None,
        "last_requested_at": requested[-1] if requested else None,
        "first_arrival_at": min(arrivals, default=None),
        "last_arrival_at": max(arrivals, default=None),
        "first_receipt_created_at": first_created,
        "first_delivery_received_at": first_received,
        "last_delivery_received_at": max((x for x in received if x is not None), default=None),
        "inbound_finished_at": finish,
        "po_to_first_receipt_seconds": seconds(created, first_created),
        "supplier_delay_seconds": seconds(requested[-1] if requested else None, min(arrivals, default=None)),
        "on_hold_seconds": sum(b - a for a, b in holds if a is not None and b is not None) / US,
        "inbound_complete_seconds": seconds(created, finish),
        "delivery_span_seconds": seconds(first_received, finish),
        "receipt_count": len(rows),
        "on_hold_count": len(holds),
        "requested_date_change_count": sum(1 for t in orders if t.moment.name.endswith("DATE_CHANGED")),
        "requested_line_count": len(last_order.lines) if last_order is not None else None,
        "requested_units": float(sum(last_order.lines)) if last_order is not None else None,
        "accepted_units": accepted,
        "rejected_units": rejected,
        "rejection_rate": rejected / (accepted + rejected) if got and accepted + rejected else None,
    }
    milestones = (first_created, first_received, finish)
    flags = {
        "missing_start": start is None
        or any(r["receipt_created_at"] is None for r in rows)
        or (has_order and created is None),
        # Receipt and delivery events have no time of their own, nor has a deletion.
        "recorded_time": any(m is not None for m in milestones)
        or (ended is not None and process.order_end is not None and process.order_end.basis == "recorded"),
        "event_after_close": finished is not None and row["last_event_at"] > finished + QUIET,
        "negative_interval": any(
            (row[c] or 0) < 0
            for c in ("po_to_first_receipt_seconds", "inbound_complete_seconds", "delivery_span_seconds")
        ),
    }
    row["quality_flags"] = sorted(name for name, there in flags.items() if there)
    spans = _intervals(process, rows, holds, outcome, finished)
    return {"inbound_flow": [row], "inbound_receipt": rows, "flow_interval": spans}


def _receipt_row(
    process: _Process, receipt: _Receipt, told: list[_Told], window: Window, newest: Happening | None
) -> Row | None:
    """Give the row of a receipt; None when the data shows nothing of it."""
    own = [t for t in told if t.receipt is receipt]
    finished = next((t for t in told if t.moment is process.finished), None)
    listed = finished is not None and receipt.created is not None and receipt.created.at <= finished.moment.at
    if not own and not listed:
        return None
    last = max(
        [t.moment for t in own] + ([finished.moment] if listed and finished is not None else []), key=lambda m: m.at
    )
    created = window.at(receipt.created)
    started = window.at(receipt.started)
    received = window.at(receipt.received)
    if created is not None and receipt.born == "IN_PROGRESS":
        started = created
    if created is not None and receipt.born == "FINISHED" and received is None:
        received = created
    status = "FINISHED" if _done(receipt, last) else receipt.born if last is receipt.created else "IN_PROGRESS"
    if listed and finished is not None and last is finished.moment and not _done(receipt, last):
        status = "OPEN"
    goods = _goods(receipt, last)
    return {
        "receipt_id": receipt.id,
        "flow_id": process.id,
        "facility_ref": process.place.id,
        "status": status,
        "arrival_at": receipt.arrival,
        "receipt_created_at": created,
        "receipt_started_at": started,
        "delivery_received_at": received,
        "arrival_to_receipt_seconds": seconds(receipt.arrival, created),
        "receipt_duration_seconds": seconds(started, received),
        "dock_to_stock_seconds": seconds(receipt.arrival, received),
        "line_count": len(goods),
        "accepted_units": float(sum(a for a, _ in goods)),
        "rejected_units": float(sum(r for _, r in goods)),
    }


def _intervals(
    process: _Process, rows: list[Row], holds: list[tuple[int | None, int | None]], outcome: str, finished: int | None
) -> list[Row]:
    found: list[Row] = []
    place = process.place.id
    for r in rows:
        begun = min((x for x in (r["receipt_started_at"], r["delivery_received_at"]) if x is not None), default=None)
        for stage, kind, a, b in (
            ("receipt_queue", "waiting", r["receipt_created_at"], begun),
            ("receipt", "working", r["receipt_started_at"], r["delivery_received_at"]),
        ):
            found += interval(
                "inbound", process.id, "RECEIPT", r["receipt_id"], place, stage, kind, a, b, outcome, finished
            )
    for a, b in holds:
        found += interval(
            "inbound", process.id, "INBOUND_PROCESS", process.id, place, "hold", "blocked", a, b, outcome, finished
        )
    return found


def _arrive_together(process: _Process, other: _Process) -> bool:
    """Shift the other process so that its first receipt is created in the same instant as this one's.

    The platform reports receipts that are created together in one bulk.
    """
    name = _RECEIPT + "CREATED"
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


def _emission(process: _Process, told: _Told, payloads: _Payloads, event_id: str) -> Emission:
    """Tell one event."""
    payload, version, status = payloads.of(told)
    m, own_id = told.moment, event_id
    entity, entity_id = "INBOUND_PROCESS", process.id
    if m.name.startswith(_PO):
        entity, entity_id = "PURCHASE_ORDER", process.order_id or ""
    elif m.name.startswith(_RECEIPT):
        assert told.receipt is not None
        entity, entity_id = "RECEIPT", told.receipt.id
        own_id = f"{event_id}#{entity_id}"
    truth = TruthEvent(
        own_id, "inbound", process.id, entity, entity_id, version, m.at, m.basis, process.place.id, status
    )
    return Emission(m.name, event_id, m.recorded, payload, [truth])


def _stories(rng: random.Random, world: World, window: Window, group: list[_Process]) -> Iterator[Story]:
    """Tell processes; the first receipt of a second one stands in one bulk with the first receipt of the first."""
    tellings = []
    for process in group:
        payloads = _Payloads(process, rng, world)
        # What the data does not show is told, too: it takes its version of the purchase order.
        tellings.append([_emission(process, told, payloads, world.uuid(rng)) for told in process.told])
    bulk: Emission | None = None
    if len(group) > 1:
        bulk, single = next(e for e in tellings[0] if e.name == _RECEIPT + "CREATED"), tellings[1][0]
        single.truth[0].event_id = f"{bulk.event_id}#{single.truth[0].entity_id}"
        bulk.payload["items"] += single.payload["items"]
        bulk.truth += single.truth
        tellings[1][0] = bulk
    for process, emissions in zip(group, tellings, strict=True):
        known = [e for t, e in zip(process.told, emissions, strict=True) if window.sees(t.moment)]
        if known:
            sent = known if process is group[0] else [e for e in known if e is not bulk]
            yield Story(sent, _truth(process, known, window))


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
    companion: _Process | None = None
    for _ in range(count):
        process = _draw(rng, world, day_start + world.daily_minutes(rng))
        sudden = process.told[0].moment.name == _RECEIPT + "CREATED"
        if companion is None and sudden and rng.random() < 0.5:
            companion = process  # its goods come with those of the next process that receives any
        elif companion is not None and _arrive_together(process, companion):
            yield from _stories(rng, world, window, [process, companion])
            companion = None
        else:
            yield from _stories(rng, world, window, [process])
    if companion is not None:
        yield from _stories(rng, world, window, [companion])
