"""Draws inbound processes moment by moment: purchase orders, deliveries in parts, holds."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from pipelines.simulator.drawing import DAY, HOUR, MINUTE, Happening, lag, later
from pipelines.simulator.model import US
from pipelines.simulator.world import Facility, World

PURCHASE_ORDER = "INBOUND_PROCESS_PURCHASE_ORDER_"
RECEIPT = "INBOUND_PROCESS_RECEIPT_"
DELIVERY = "INBOUND_DELIVERY_"


@dataclass(slots=True)
class PurchaseOrder:
    """State of the purchase order from one moment on."""

    lines: tuple[int, ...]
    requested: int
    kind: str
    canceled: bool = False


@dataclass(slots=True)
class Receipt:
    """A receipt and its moments; `born` is the status at its creation."""

    id: str
    arrival: int
    goods: list[tuple[int, int]]  # accepted, rejected per line when finished
    created: Happening | None = None
    born: str = "OPEN"
    started: Happening | None = None
    received: Happening | None = None
    changed: Happening | None = None


@dataclass(slots=True)
class Told:
    """One event to be told: its moment, the state of the process and of the order, its receipt."""

    moment: Happening
    status: str
    order: PurchaseOrder | None
    receipt: Receipt | None = None
    on_hold: bool = False


@dataclass(slots=True)
class Hold:
    """A hold with all its ON_HOLD; what is held again before it was released is one hold."""

    signs: list[Happening]
    released: Happening | None = None


@dataclass(slots=True)
class Process:
    """An inbound process: what is told of it, its receipts and holds, and the moments that decide it."""

    id: str
    order_id: str | None
    number: str | None
    place: Facility
    told: list[Told] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    finished: Happening | None = None
    order_created: Happening | None = None
    order_end: Happening | None = None


class _Drawing:
    """Draws the moments of one process one after another."""

    def __init__(self, rng: random.Random, world: World, at: int) -> None:
        self.rng, self.world, self.now = rng, world, at
        blind = rng.random() < 0.08
        self.process = Process(
            world.uuid(rng),
            None if blind else world.uuid(rng),
            None if rng.random() < 0.1 else f"PO-{rng.randrange(10**6):06d}",
            rng.choice(world.facilities),
        )
        kind = "ASAP" if rng.random() < 0.15 else "TIME_POINT"
        lines = tuple(rng.randrange(10, 200) for _ in range(rng.choices((1, 2, 3, 4), (40, 30, 20, 10))[0]))
        self.days_away = rng.randrange(7, 25) if rng.random() < 0.2 else 0  # goods that come by sea
        requested = at + self.days_away * DAY + rng.randrange(6, 72) * HOUR
        self.order = None if blind else PurchaseOrder(lines, requested, kind)
        self.status = "OPEN"
        self.holding = False

    def tell(self, name: str, receipt: Receipt | None = None, *, dated: bool = False) -> Happening:
        """Let something happen now; only purchase order events carry a time of their own."""
        recorded = self.now + lag(self.rng)
        basis = ("exact" if name.endswith("ORDER_CREATED") else "snapshot") if dated else "recorded"
        moment = Happening(name, self.now if dated else recorded, recorded, basis)
        status = "ON_HOLD" if self.holding else self.status
        self.process.told.append(Told(moment, status, self.order, receipt, self.holding))
        return moment

    def wait(self, low: float, high: float) -> None:
        """Let time pass, in minutes."""
        self.now = max(later(self.rng, self.now, low, high), self.now + 2 * US)

    def change(self) -> None:
        """Change the purchase order: its lines or its date."""
        assert self.order is not None
        if self.rng.random() < 0.5:
            lines = tuple(q + self.rng.randrange(1, 30) for q in self.order.lines)
            self.order = PurchaseOrder(lines, self.order.requested, self.order.kind)
            self.tell(PURCHASE_ORDER + "LINE_ITEMS_CHANGED", dated=True)
        else:
            self.order = PurchaseOrder(
                self.order.lines, self.order.requested + self.rng.randrange(-6, 30) * HOUR, self.order.kind
            )
            self.tell(PURCHASE_ORDER + "REQUESTED_DATE_CHANGED", dated=True)

    def hold(self) -> None:
        """Hold the process for a while, in one of eight cases reported twice, and mostly release it."""
        if not self.holding:
            self.process.holds.append(Hold([]))
        self.holding, hold = True, self.process.holds[-1]
        hold.signs.append(self.tell(DELIVERY + "ON_HOLD"))
        if self.rng.random() < 0.12:
            self.wait(1, 20)
            hold.signs.append(self.tell(DELIVERY + "ON_HOLD"))
        self.wait(10, 400)
        if self.rng.random() < 0.95:
            self.holding = False
            hold.released = self.tell(DELIVERY + "RELEASED")

    def deliver(self, share: float, *, last: bool) -> None:
        """Receive one delivery with a share of the goods."""
        rng = self.rng
        amounts = self.order.lines if self.order is not None else (rng.randrange(5, 80),)
        goods = []
        for amount in amounts:
            arrived = max(1, round(amount * share))
            rejected = rng.randrange(1, 4) if rng.random() < 0.1 else 0
            goods.append((max(arrived - rejected, 0), rejected))
        receipt = Receipt(self.world.uuid(rng), (self.now // MINUTE) * MINUTE, goods)
        receipt.born = rng.choices(("OPEN", "IN_PROGRESS", "FINISHED"), (88, 7, 5))[0]
        self.process.receipts.append(receipt)
        self.now += rng.randrange(-20, 90) * MINUTE if rng.random() < 0.9 else 0
        self.now = max(self.now, self.process.told[-1].moment.recorded + US if self.process.told else self.now)
        receipt.created = self.tell(RECEIPT + "CREATED", receipt)
        if receipt.born == "OPEN":
            self.wait(1, 120)
            receipt.started = self.tell(RECEIPT + "STARTED", receipt)
        if receipt.born != "FINISHED":
            self.wait(2, 40)
            if rng.random() < 0.6:
                receipt.changed = self.tell(RECEIPT + "LINE_ITEM_CHANGED", receipt)
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
        receipt.received = self.tell(DELIVERY + "RECEIVED", receipt)
        if last and self.order is not None:
            self._finish()

    def _finish(self) -> None:
        self.status = "CLOSED"
        self.wait(0.05, 0.5)
        self.process.finished = self.tell(DELIVERY + "FINISHED")


def draw_process(rng: random.Random, world: World, at: int) -> Process:
    """Draw one process."""
    d = _Drawing(rng, world, at)
    process = d.process
    if d.order is not None:
        process.order_created = d.tell(PURCHASE_ORDER + "CREATED", dated=True)
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
    if d.order is not None and d.days_away:
        d.wait(d.days_away * 1440, d.days_away * 1440 + 900)
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
        d.order = PurchaseOrder(d.order.lines, d.order.requested, d.order.kind, canceled=True)
        d.process.order_end = d.tell(PURCHASE_ORDER + "CANCELED", dated=True)
    else:
        d.process.order_end = d.tell(PURCHASE_ORDER + "DELETED")


def is_done(receipt: Receipt, moment: Happening) -> bool:
    """Say whether the receipt is finished at a moment."""
    if receipt.born == "FINISHED":
        return True
    return receipt.received is not None and receipt.received.at <= moment.at


def counted_goods(receipt: Receipt, moment: Happening) -> list[tuple[int, int]]:
    """Give accepted and rejected units at a moment: nothing before they were counted."""
    if receipt.born == "FINISHED" or (receipt.changed is not None and receipt.changed.at <= moment.at):
        return receipt.goods
    if receipt.received is not None and receipt.received.at <= moment.at:
        return receipt.goods
    return [(0, 0) for _ in receipt.goods]
