"""Draws what follows picking: services, packing, shipments, parcels with their labels, hand-over, tracking."""

from __future__ import annotations

from typing import NamedTuple

from pipelines.simulator.orders_drawing import Drawing
from pipelines.simulator.orders_model import Container, Handover, Moment, PackJob, Parcel, PickJob, Service, Shipment
from pipelines.simulator.orders_times import DAY, HOUR, SECOND


class ParcelState(NamedTuple):
    """Detail of a parcel's moment: what its `result` shows."""

    result: str = ""
    tracking: str = ""
    stamp: int | None = None


class HandoverState(NamedTuple):
    """Detail of a hand-over job's moment."""

    handed: bool = False
    refused: int = 0
    cancel_reason: str | None = None


def new_shipment(d: Drawing, job: PickJob, instant: int) -> Shipment:
    """Create the shipment of a pick job."""
    target = job.target if d.random() < 0.8 else d.clock.grain(job.target + d.clock.between(-1800, 7200))
    shipment = Shipment("SHIPMENT", d.uuid(), job.facility, job=job, target=target)
    shipment.with_process = not (d.traits.missing_process and d.random() < 0.5)
    d.order.shipments.append(shipment)
    d.clock.mark(shipment, "SHIPMENT_CREATED", instant, "INITIAL")
    return shipment


def shipment_of(d: Drawing, job: PickJob) -> Shipment | None:
    """Give the shipment of a pick job, if it was created."""
    return next((s for s in d.order.shipments if s.job is job), None)


def _serve(d: Drawing, job: PickJob, instant: int) -> int:
    """Do a service on the picked goods; give the time at which it is done."""
    service = Service("SERVICE_JOB", d.uuid(), job.facility, job=job)
    d.order.services.append(service)
    created = d.clock.mark(service, "SERVICE_JOB_CREATED", instant, "OPEN")
    service.turn("service", "working", created)
    finished = d.clock.mark(service, "SERVICE_JOB_FINISHED", instant + d.clock.between(60, 3600), "FINISHED")
    service.stop(finished)
    return finished.at


def create_pack(d: Drawing, job: PickJob, instant: int) -> PackJob:
    """Create a pack job."""
    pack = PackJob("PACK_JOB", d.uuid(), job.facility, job=job)
    d.order.packs.append(pack)
    pack.turn("pack_queue", "waiting", d.clock.mark(pack, "PACK_JOB_CREATED", instant, "OPEN", False))
    return pack


def do_pack(d: Drawing, pack: PackJob) -> tuple[int, int]:
    """Pack; give the times of the start and of the end."""
    clock, r = d.clock, d.random
    instant = d.open_at(pack.facility, pack.moments[0].at + clock.wait(600, 7200))
    updated = "PACK_JOB_UPDATED"
    if r() < 0.02:
        clock.mark(pack, updated, instant, "OPEN", False)  # edited before anyone began
        instant += clock.between(5, 300)
    silent = r() < 0.04  # nobody said that packing began
    start = instant
    if not silent:
        pack.turn("pack", "working", clock.mark(pack, updated, instant, "IN_PROGRESS", False))
        instant += clock.between(20, 300)
        if d.traits.containers:
            instant = _fill_container(d, pack, instant)
        for _ in range(d.traits.pack_pauses):
            pack.turn("pack", "paused", clock.mark(pack, updated, instant, "PAUSED", False))
            instant += clock.between(30, 1200)
            if r() < 0.1:
                clock.mark(pack, updated, instant, "PAUSED", False)
                instant += clock.between(30, 300)
            if r() < 0.2:
                pack.turn("pack", "waiting", clock.mark(pack, updated, instant, "OPEN", False))
                instant += clock.between(30, 1200)
            elif r() < 0.15:
                break  # closed right out of the pause
            pack.turn("pack", "working", clock.mark(pack, updated, instant, "IN_PROGRESS", False))
            instant += clock.between(20, 300)
        if r() < 0.05:
            clock.mark(pack, updated, instant, pack.moments[-1].status, False)
            instant += clock.between(5, 60)
    instant += clock.between(10, 300)
    pack.stop(clock.mark(pack, "PACK_JOB_CLOSED", instant, "CLOSED", True))
    return start, instant


def _fill_container(d: Drawing, pack: PackJob, instant: int) -> int:
    clock = d.clock
    container = Container("PACKING_TARGET_CONTAINER", d.uuid(), pack.facility, pack=pack)
    d.order.containers.append(container)
    clock.mark(container, "PACKING_TARGET_CONTAINER_CREATED_EVENT", instant, None, False)
    instant += clock.between(10, 180)
    clock.mark(container, "PACKING_TARGET_CONTAINER_UPDATED_EVENT", instant, None, True)
    if d.random() < 0.06:
        instant += clock.between(10, 60)
        clock.mark(container, "PACKING_TARGET_CONTAINER_DELETED_EVENT", instant, None, True)
    return instant + clock.between(5, 60)


def _send(d: Drawing, shipment: Shipment, instant: int) -> tuple[Parcel, int | None]:
    """Create a parcel and get its label; give the time at which it was there, if it ever was."""
    clock, r = d.clock, d.random
    carrier = d.carrier
    parcel = Parcel("PARCEL", d.uuid(), shipment.facility, shipment=shipment, carrier=carrier.id)
    parcel.tracking_number = f"{d.rng.getrandbits(46):014d}"
    d.order.parcels.append(parcel)
    created = clock.mark(parcel, "PARCEL_CARRIER_CREATED", instant, "OPEN", ParcelState())
    parcel.turn("label", "waiting", created)
    instant += clock.between(1.1, 5)
    failures = d.traits.label_failures
    while True:
        requested = clock.mark(parcel, "PARCEL_CARRIER_REQUESTED", instant, "PROCESSING", ParcelState())
        parcel.turn("label", "working", requested)
        instant += clock.between(1.2, 20)
        if not failures:
            break
        failures -= 1
        failed = clock.mark(parcel, "PARCEL_CARRIER_FAILED", instant, "FAILED", ParcelState("failed"))
        parcel.turn("label", "blocked", failed)
        if d.traits.labels_lost and not failures:
            return parcel, None
        instant += clock.between(20, 2400)
    parcel.stop(clock.mark(parcel, "PARCEL_CARRIER_ACKNOWLEDGED", instant, "DONE", ParcelState("done")))
    if r() < 0.3:
        d.traits.label_failures = 0  # the second parcel of the order is luckier
    return parcel, instant


def after_picking(d: Drawing, job: PickJob, finished: Moment) -> int | None:
    """Draw all that follows a finished pick job; give the time of its last hand-over, if there is one."""
    clock, r = d.clock, d.random
    after = finished.recorded + clock.between(1.1, 4)
    ready = after
    if d.traits.service and r() < 0.9:
        ready = max(ready, _serve(d, job, after))
    start = after
    if d.traits.packing:
        for _ in range(d.traits.packs):
            start, end = do_pack(d, create_pack(d, job, after))
            ready = max(ready, end)
    if job.channel == "COLLECT":
        return _collect(d, job, ready + clock.between(1.2, 4))
    shipment = shipment_of(d, job) or new_shipment(d, job, after + SECOND)
    when = max(start, shipment.moments[-1].at + SECOND) + clock.between(1.5, 120)
    parcels: list[tuple[Parcel, int | None]] = []
    for _ in range(d.traits.parcels):
        parcels.append(_send(d, shipment, when))
        when += clock.between(1.5, 60)
    labelled = [(parcel, at) for parcel, at in parcels if at is not None]
    last = max((at for _, at in labelled), default=when)
    if r() < 0.8:
        clock.mark(shipment, "SHIPMENT_UPDATED", max(last, when) + clock.between(1.2, 5), "CONFIRMED", True)
    if not labelled:
        return None
    return _ship(d, job, shipment, labelled, ready)


def _new_handover(d: Drawing, job: PickJob, parcel: Parcel | None, instant: int) -> Handover:
    target = job.target if d.random() < 0.9 else d.clock.grain(job.target + d.clock.between(-3600, 7200))
    handover = Handover("HANDOVER_JOB", d.uuid(), job.facility, job=job, parcel=parcel, target=target)
    handover.with_process = not (d.traits.missing_process and d.random() < 0.5)
    handover.with_job = not (parcel is not None and d.random() < 0.04)
    d.order.handovers.append(handover)
    created = d.clock.mark(handover, "HANDOVERJOB_CREATED", instant, "OPEN", HandoverState())
    handover.turn("handover_wait", "waiting", created)
    return handover


def _hand_over(d: Drawing, handover: Handover, instant: int) -> int:
    """Hand over, perhaps take it back and hand over again; give the time at which it was done for good."""
    clock, wish = d.clock, d.traits.handover
    name = "HANDOVERJOB_HANDED_OVER"
    if wish == "rejected":
        d.traits.handover = ""
        reason = HandoverState(cancel_reason="CONSUMER_REJECTS")
        handover.stop(clock.mark(handover, "HANDOVERJOB_CANCELED", instant, "CANCELED", reason))
        return instant
    refused = 1 if wish == "refused" else 0
    handover.stop(clock.mark(handover, name, instant, "HANDED_OVER", HandoverState(True, refused)))
    if wish in ("reverted", "reverted_for_good"):
        d.traits.handover = ""
        instant += clock.between(20, 7200)
        reverted = clock.mark(handover, "HANDOVERJOB_REVERTED", instant, "OPEN", HandoverState())
        handover.turn("handover_wait", "waiting", reverted)
        if wish == "reverted":
            instant += clock.between(60, 20 * 3600)
            handover.stop(clock.mark(handover, name, instant, "HANDED_OVER", HandoverState(True)))
    return instant


def _collect(d: Drawing, job: PickJob, instant: int) -> int:
    """Wait for the consumer; the hand-over job is created when the goods are ready."""
    handover = _new_handover(d, job, None, instant)
    if d.traits.expires:
        if d.traits.handover == "reverted":
            d.traits.handover = "reverted_for_good"
            return _hand_over(d, handover, d.open_at(job.facility, instant + d.clock.wait(6 * 3600, 40 * 3600)))
        return instant
    return _hand_over(d, handover, d.open_at(job.facility, instant + d.clock.wait(10 * 3600, 60 * 3600)))


def _ship(d: Drawing, job: PickJob, shipment: Shipment, parcels: list[tuple[Parcel, int]], ready: int) -> int:
    """Give the parcels to the carrier, one hand-over job each, or one for all of them."""
    clock, r = d.clock, d.random
    pickup = d.open_at(job.facility, ready + clock.wait(4 * 3600, 14 * 3600))
    together = len(parcels) > 1 and r() < 0.4
    last = 0
    for index, (parcel, labelled) in enumerate(parcels):
        if together and index:
            continue
        when = max(ready, max(at for _, at in parcels) if together else labelled) + clock.between(1.2, 4)
        handover = _new_handover(d, job, None if together and r() < 0.5 else parcel, when)
        last = max(last, _hand_over(d, handover, max(pickup, when + 60 * SECOND) + clock.between(0, 40)))
    if r() < 0.2:
        done = max(last, shipment.moments[-1].at) + clock.between(2, 3600)
        clock.mark(shipment, "SHIPMENT_UPDATED", done, "COMPLETED", True)
    if d.traits.tracking:
        for parcel, _ in parcels:
            _track(d, parcel, last)
    return last


def _track(d: Drawing, parcel: Parcel, instant: int) -> None:
    """Follow a parcel to the consumer; the carrier's stamp is there in the object variant of the field only."""
    clock, r = d.clock, d.random
    steps = [("registered", 0.2, 3), ("transit", 2, 20), ("out_for_delivery", 6, 26)]
    if r() < 0.92:
        steps.append(("delivered", 0.5, 9))
    elif r() < 0.5:
        steps.append(("not_delivered", 0.5, 9))
    with_stamp = r() < 0.5
    late = r() < 0.05  # the carrier's messages come days later
    for word, low, high in steps:
        if word == "registered" and r() < 0.3:
            continue
        instant += clock.between(low * 3600, high * 3600)
        stamp = clock.grain(instant - clock.between(20, 2400)) if with_stamp else None
        seen = instant + (2 * DAY + HOUR if late else 0)
        name = "PARCEL_TRACK_AND_TRACE_STATUS_UPDATED"
        clock.mark(parcel, name, seen, "DONE", ParcelState("done", word, stamp))
