"""Turns the seen moments of an order into emissions, each with the truth about its event."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pipelines.simulator.model import Emission, TruthEvent
from pipelines.simulator.orders_model import Entity, Moment, Order, Plan, Reservations
from pipelines.simulator.orders_payloads import Papers, process_facilities
from pipelines.simulator.orders_picking import LINE_PICKED
from pipelines.simulator.orders_traits import uuid


def named_facility(plan: Plan, moment: Moment) -> str | None:
    """Give the facility that a plan's event names: none before the plan was routed."""
    for earlier in plan.moments:
        if earlier.name in ("ROUTING_PLAN_ROUTED", "ROUTING_PLAN_FALLBACK"):
            return plan.facility
        if earlier is moment:
            break
    return None


def _plain(rng: random.Random, flow_id: str | None, entity: Entity, moment: Moment, payload: object) -> Emission:
    """Make the emission of an event about one entity whose facility never changes."""
    event_id = uuid(rng)
    truth = TruthEvent(
        event_id, "order", flow_id, entity.kind, entity.id, moment.version, moment.at, moment.basis, entity.facility,
        moment.status, flow_id is not None,
    )  # fmt: skip
    return Emission(moment.name, event_id, moment.recorded, payload, [truth])


def _reserved(rng: random.Random, batch: Reservations, moment: Moment, payload: object) -> Emission:
    """Make the emission of a bulk: one event per item, or per process where the item names several."""
    event_id = uuid(rng)
    truth = []
    for item in batch.items:
        for flow in item.flows:
            own = f"{event_id}#{item.id}" if len(item.flows) == 1 else f"{event_id}#{item.id}@{flow}"
            kind = "none" if flow is None else "order"
            truth.append(
                TruthEvent(own, kind, flow, "RESERVATION", item.id, 1, moment.at, moment.basis, item.facility, None)
            )
    return Emission(moment.name, event_id, moment.recorded, payload, truth)


def emissions(rng: random.Random, order: Order, papers: Papers) -> Iterator[Emission]:
    """Give the emissions of all seen moments of an order."""
    flow_id = order.process or None
    for moment in order.seen:
        yield _plain(rng, flow_id, order, moment, papers.order_(order, moment))
    for plan in order.plans:
        for moment in plan.seen:
            emission = _plain(rng, flow_id, plan, moment, papers.plan_(plan, moment))
            emission.truth[0].facility_ref = named_facility(plan, moment)
            yield emission
    for job in order.jobs:
        for moment in job.seen:
            emission = _plain(rng, flow_id, job, moment, papers.job_(job, moment))
            if moment.name == LINE_PICKED:
                truth = emission.truth[0]
                truth.entity, truth.entity_id = "PICK_LINE", job.lines[moment.detail.line].id
                truth.facility_ref = None
                emission.pick_job_ref = job.id
            yield emission
    for pack in order.packs:
        for moment in pack.seen:
            yield _plain(rng, flow_id, pack, moment, papers.pack_(pack, moment))
    for container in order.containers:
        for moment in container.seen:
            yield _plain(rng, flow_id, container, moment, papers.container_(container, moment))
    for shipment in order.shipments:
        for moment in shipment.seen:
            yield _plain(rng, flow_id, shipment, moment, papers.shipment_(shipment, moment))
    for parcel in order.parcels:
        for moment in parcel.seen:
            yield _plain(rng, flow_id, parcel, moment, papers.parcel_(parcel, moment))
    for handover in order.handovers:
        for moment in handover.seen:
            yield _plain(rng, flow_id, handover, moment, papers.handover_(handover, moment))
    for service in order.services:
        for moment in service.seen:
            yield _plain(rng, flow_id, service, moment, papers.service_(service, moment))
    yield from _others(rng, order, papers)


def _others(rng: random.Random, order: Order, papers: Papers) -> Iterator[Emission]:
    """Give the emissions of what is no job: reservations, deadlines, clean-up, returns."""
    flow_id = order.process
    for batch in order.reservations:
        for moment in batch.seen:
            yield _reserved(rng, batch, moment, papers.reservations_(batch))
    for expiry in order.expiries:
        for moment in expiry.seen:
            yield _plain(rng, flow_id, expiry, moment, papers.expiry_(expiry, moment))
    for process in order.processes:
        for moment in process.seen:
            emission = _plain(rng, flow_id, process, moment, papers.process_(process, moment))
            emission.truth[0].facility_ref = next(iter(process_facilities(order)), None)
            yield emission
    for item in order.returns:
        for moment in item.seen:
            emission = _plain(rng, None, item, moment, papers.return_(item, moment))
            emission.truth[0].flow = "none"
            emission.truth[0].resolved = True
            yield emission
