"""Draws how an order ends otherwise than by its hand-over: cancels, expiry, clean-up, returns."""

from __future__ import annotations

from typing import Any

from pipelines.simulator.orders_drawing import Drawing
from pipelines.simulator.orders_model import Entity, Moment, Order
from pipelines.simulator.orders_picking import CANCELED, ENDS, RESET, end_early
from pipelines.simulator.orders_shipping import HandoverState
from pipelines.simulator.orders_times import DAY, SECOND

HANDED_OVER = "HANDOVERJOB_HANDED_OVER"
_LISTS = ("plans", "jobs", "packs", "containers", "shipments", "parcels", "handovers", "services", "reservations")


def _moments(order: Order) -> list[Moment]:
    """Give what was drawn so far, in order of time, without the tracking."""
    found = [m for e in order.entities() for m in e.moments if not m.name.startswith("PARCEL_TRACK")]
    found.sort(key=lambda m: m.at)
    return found


def _cut(d: Drawing, instant: int, *, keep_services: bool) -> None:
    """Undo what was drawn after an instant, and forget what was not there yet."""
    order = d.order
    # Nothing of an entity may lie within the second before its last word.
    limit = instant - 1_500_000
    order.cut(limit)
    for name in _LISTS:
        entities: list[Any] = getattr(order, name)
        for entity in entities:
            if name == "services" and keep_services:
                if entity.moments and entity.moments[0].at > limit:
                    entity.cut(limit)
            else:
                entity.cut(limit)
        setattr(order, name, [e for e in entities if e.moments])


def _job_is_over(moments: list[Moment]) -> bool:
    over = False
    for moment in moments:
        if moment.name in ENDS:
            over = True
        elif moment.name == RESET:
            over = False
    return over


def _cascade(d: Drawing, instant: int, reason: str) -> None:
    """Take back what hangs on a cancelled order, as far as it exists and is not done."""
    order, clock = d.order, d.clock

    def soon() -> int:
        return instant + clock.between(0.4, 3)

    worked = {job.plan: _job_is_over(job.moments) for job in order.jobs}
    for plan in order.plans:
        if not worked.get(plan, False):
            plan.stop(clock.mark(plan, "ROUTING_PLAN_CANCELLED", soon(), "CANCELED", False))
    for job in order.jobs:
        if not _job_is_over(job.moments):
            end_early(clock, job, CANCELED, soon(), "CANCELED", None)
    for pack in order.packs:
        if pack.moments[-1].name not in ("PACK_JOB_CLOSED", "PACK_JOB_CANCELED"):
            pack.stop(clock.mark(pack, "PACK_JOB_CANCELED", soon(), "CANCELED", pack.moments[-1].detail))
    for shipment in order.shipments:
        if shipment.moments[-1].status not in ("COMPLETED", "CANCELED") and d.random() < 0.8:
            clock.mark(shipment, "SHIPMENT_UPDATED", soon(), "CANCELED", shipment.moments[-1].detail)
    for handover in order.handovers:
        if handover.moments[-1].name not in (HANDED_OVER, "HANDOVERJOB_CANCELED"):
            state = HandoverState(cancel_reason=reason)
            handover.stop(clock.mark(handover, "HANDOVERJOB_CANCELED", soon(), "CANCELED", state))
    for batch in order.reservations:
        if len(batch.moments) == 1:
            clock.mark(batch, "INVENTORY_RESERVATIONS_DELETED", soon(), None, versioned=False)


def _cancel(d: Drawing, wish: str) -> None:
    """Cancel the order at some point."""
    order, clock, r = d.order, d.clock, d.random
    moments = _moments(order)
    if wish in ("late", "after_handover"):
        wait = clock.between(60, 3 * 3600) if r() < 0.7 else clock.between(25 * 3600, 60 * 3600)
        instant = moments[-1].recorded + wait
    else:
        chosen = int(r() * len(moments))
        instant = moments[chosen].recorded + clock.between(2, 20 if r() < 0.5 else 1200)
    handed = any(m.name == HANDED_OVER and m.at <= instant for h in order.handovers for m in h.moments)
    if wish not in ("late", "after_handover"):
        _cut(d, instant, keep_services=r() < 0.5)
    force = wish.startswith("force")
    name = "ORDER_FORCE_CANCELLED" if force else "ORDER_CANCELLED"
    lines = order.moments[-1].detail
    order.stop(clock.mark(order, name, instant, "CANCELLED", lines))
    if wish == "twice":
        clock.mark(order, "ORDER_FORCE_CANCELLED", instant + clock.between(60, 3600), "CANCELLED", lines)
    # The cascade can be missing, but not where a hand-over leaves it open what became of the other legs.
    if wish != "force_silent" or handed:
        _cascade(d, instant + SECOND, "ORDER_CANCELED")


def _expire(d: Drawing, expiry: Entity, deadline: int) -> None:
    """Let the collection deadline pass."""
    order, clock = d.order, d.clock
    deadline = max(deadline, _moments(order)[-1].recorded + 60 * SECOND)
    expired = clock.mark(expiry, "EXPIRY_ENTITY_EXPIRED", deadline + 5 * SECOND, "INACTIVE")
    instant = expired.recorded + clock.between(5, 60)
    name = "ORDER_CANCELLED_BY_EXPIRY"
    order.stop(clock.mark(order, name, instant, "CANCELLED", order.moments[-1].detail))
    _cascade(d, instant + SECOND, "CONSUMER_NO_SHOW")


def _clean_up(d: Drawing) -> None:
    """Anonymise the process, and delete it later; tenants set how long that takes."""
    order, clock, r = d.order, d.clock, d.random
    process = Entity("PROCESS", order.process)
    process.version = 20 + int(r() * 30)
    last = max(m.recorded for e in order.entities() for m in e.moments)
    instant = last + (30 * DAY if r() < 0.3 else clock.between(2 * 3600, 3 * 86400))
    cancelled = order.moments[-1].status == "CANCELLED"
    status = "CANCELED" if cancelled else "FINISHED"
    order.processes.append(process)
    clock.mark(process, "PROCESS_ANONYMIZED", instant, status, instant)
    if r() < 0.5:
        instant += 180 * DAY if r() < 0.3 else clock.between(3600, 86400)
        clock.mark(process, "PROCESS_DELETED", instant, status, instant)


def end_order(d: Drawing) -> None:
    """Draw the end of an order whose work is drawn already."""
    order, traits, clock, r = d.order, d.traits, d.clock, d.random
    expiry = None
    if order.channel == "COLLECT" and not traits.promised:
        expiry = Entity("EXPIRY_ENTITY", d.uuid())
        clock.mark(expiry, "EXPIRY_ENTITY_CREATED", order.moments[0].recorded + SECOND, "ACTIVE")
    if traits.cancel:
        _cancel(d, traits.cancel)
    elif expiry is not None:
        created = [h.moments[0].recorded for h in order.handovers]
        if created and r() < 0.4:
            clock.mark(expiry, "EXPIRY_ENTITY_UPDATED", max(created) + SECOND, "ACTIVE")
        if traits.expires and order.moments[-1].status != "CANCELLED":
            _expire(d, expiry, order.target + clock.between(86400, 5 * 86400))
    if expiry is not None:
        order.expiries.append(expiry)
    handed = [m for h in order.handovers for m in h.moments if m.name == HANDED_OVER]
    if handed and traits.returned:
        item = Entity("ITEM_RETURN_JOB", d.uuid(), order.handovers[0].facility)
        order.returns.append(item)
        clock.mark(item, "ITEM_RETURN_JOB_CREATED", handed[-1].recorded + 30 * SECOND, "OPEN")
    settled = handed or order.moments[-1].status == "CANCELLED"
    if traits.anonymised and settled:
        _clean_up(d)
