"""The truth about legs and parcels: the rows of `order_leg` and `order_parcel`, read off the drawn objects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pipelines.simulator.model import US, Row
from pipelines.simulator.orders_model import Handover, Moment, Order, PackJob, Parcel, PickJob, Service, Shipment
from pipelines.simulator.orders_picking import (
    ABORTED,
    CANCELED,
    COMMENCED,
    CREATED,
    FINISHED,
    OPENED,
    REROUTED,
    RESET,
    Picked,
    untouched,
)

GIVEN_UP = ("rerouted", "aborted", "zero_picked", "cancelled")
SKEW = 5 * 60 * US


def earliest(moments: Iterable[Moment | None]) -> Moment | None:
    """Give the earliest of some moments, if there is one."""
    return min((m for m in moments if m is not None), key=lambda m: m.at, default=None)


def latest(moments: Iterable[Moment | None]) -> Moment | None:
    """Give the latest of some moments, if there is one."""
    return max((m for m in moments if m is not None), key=lambda m: m.at, default=None)


class RowWriter:
    """Fills a row, and notes what its times and lengths say about its quality."""

    __slots__ = ("negative", "recorded", "row")

    def __init__(self) -> None:
        self.row: Row = {}
        self.recorded = False
        self.negative = False

    def at(self, column: str, moment: Moment | None) -> None:
        """Write the time of a milestone."""
        if moment is None:
            self.row[column] = None
            return
        self.row[column] = moment.at
        if moment.basis == "recorded":
            self.recorded = True

    def lasting(self, column: str, start: int | None, end: int | None) -> None:
        """Write a length between two instants; a negative one is odd."""
        if start is None or end is None:
            self.row[column] = None
            return
        self.row[column] = (end - start) / US
        if end < start:
            self.negative = True

    def distance(self, column: str, start: int | None, end: int | None) -> None:
        """Write a distance that may well be negative."""
        self.row[column] = None if start is None or end is None else (end - start) / US


def counting(handover: Handover) -> Moment | None:
    """Give the hand-over of a job that counts: the last one, unless it was taken back."""
    handed, reverted = handover.last("HANDOVERJOB_HANDED_OVER"), handover.last("HANDOVERJOB_REVERTED")
    if handed is None or (reverted is not None and reverted.at > handed.at):
        return None
    return handed


def handover_target(handovers: list[Handover]) -> int | None:
    """Give the earliest target of some hand-over jobs; cancelled ones only if there are no others."""
    live = [h for h in handovers if h.seen[-1].status not in ("CANCELED", "OBSOLETE")]
    return min((h.target for h in live or handovers), default=None)


@dataclass(slots=True, eq=False)
class Leg:
    """A pick job as far as it was seen, and what hangs on it."""

    job: PickJob
    created: Moment | None
    opened: Moment | None
    first_started: Moment | None
    started: Moment | None
    finished: Moment | None
    gave_up: Moment | None
    outcome: str
    lines: tuple[Picked, ...]
    routed: Moment | None
    packs: list[PackJob] = field(default_factory=list)
    shipments: list[Shipment] = field(default_factory=list)
    handovers: list[Handover] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)
    handed: Moment | None = None

    @property
    def units(self) -> int | None:
        """Units picked, once picking started."""
        return sum(p.units for p in self.lines) if self.first_started is not None else None

    @property
    def short(self) -> int | None:
        """Lines with too few units, once picking is finished."""
        if self.finished is None:
            return None
        return sum(p.units < line.quantity for p, line in zip(self.lines, self.job.lines, strict=True))

    @property
    def ended(self) -> bool:
        """Whether the pick job has ended."""
        return self.gave_up is not None or self.finished is not None


def read_leg(order: Order, job: PickJob) -> Leg:
    """Read a leg off what was seen of its pick job."""
    reset = job.last(RESET)
    since = reset.at if reset is not None else -1
    started = next((m for m in job.by_name.get(COMMENCED, ()) if m.at > since), None)
    finished = next((m for m in reversed(job.by_name.get(FINISHED, ())) if m.at > since), None)
    rerouted, canceled, aborted = job.first(REROUTED), job.first(CANCELED), job.first(ABORTED)
    lines = next((m.detail.lines for m in reversed(job.seen) if m.detail is not None), untouched(job))
    first_started = job.first(COMMENCED)
    if rerouted is not None:
        outcome = "rerouted"
    elif canceled is not None:
        outcome = "cancelled"
    elif aborted is not None:
        outcome = "zero_picked" if first_started is not None and not any(p.units for p in lines) else "aborted"
    elif finished is not None:
        full = all(p.units >= line.quantity for p, line in zip(lines, job.lines, strict=True))
        outcome = "picked" if full else "short_picked"
    else:
        outcome = "open"
    plan = job.plan
    routed = None
    if plan is not None:
        routed = earliest((plan.first("ROUTING_PLAN_ROUTED"), plan.first("ROUTING_PLAN_FALLBACK")))
    leg = Leg(
        job, job.first(CREATED), job.first(OPENED), first_started, started, finished,
        earliest((rerouted, canceled, aborted)), outcome, lines, routed,
    )  # fmt: skip
    leg.packs = [e for e in order.packs if e.job is job and e.seen]
    leg.shipments = [e for e in order.shipments if e.job is job and e.seen]
    leg.handovers = [e for e in order.handovers if e.job is job and e.seen]
    leg.services = [e for e in order.services if e.job is job and e.seen]
    leg.parcels = [e for e in order.parcels if e.shipment is not None and e.shipment.job is job and e.seen]
    leg.handed = latest(counting(h) for h in leg.handovers)
    return leg


def pack_started(packs: list[PackJob]) -> Moment | None:
    """Give the first start of packing."""
    return earliest(m for p in packs for m in p.by_name.get("PACK_JOB_UPDATED", ()) if m.status == "IN_PROGRESS")


def leg_row(leg: Leg, flow_id: str | None, outcome: str) -> Row:
    """Write the row of a leg; `outcome` is that of the leg, the order's end included."""
    job, writer = leg.job, RowWriter()
    row = writer.row
    row.update(
        leg_id=job.id,
        flow_id=flow_id,
        routing_plan_id=job.plan.id if job.plan is not None else None,
        operative_process_ref=job.operative,
        facility_ref=job.facility,
        channel=job.channel,
        outcome=outcome,
    )
    pack_created = earliest(p.first("PACK_JOB_CREATED") for p in leg.packs)
    packing = pack_started(leg.packs)
    packed = latest(p.last("PACK_JOB_CLOSED") for p in leg.packs)
    ready = earliest(h.first("HANDOVERJOB_CREATED") for h in leg.handovers)
    writer.at("routed_at", leg.routed)
    writer.at("pick_created_at", leg.created)
    writer.at("pick_opened_at", leg.opened)
    writer.at("pick_first_started_at", leg.first_started)
    writer.at("pick_started_at", leg.started)
    writer.at("pick_finished_at", leg.finished)
    writer.at("pack_created_at", pack_created)
    writer.at("pack_started_at", packing)
    writer.at("pack_finished_at", packed)
    writer.at("handover_created_at", ready)
    writer.at("handed_over_at", leg.handed)
    target = handover_target(leg.handovers)
    if target is None:
        target = min((s.target for s in leg.shipments), default=job.target)
    row["target_at"] = target
    _leg_lengths(writer, leg)
    row["line_count"] = len(job.lines)
    row["short_line_count"] = leg.short
    row["ordered_units"] = sum(line.quantity for line in job.lines)
    row["picked_units"] = leg.units
    row["pause_count"] = sum(s.kind == "paused" and s.start.seen for s in job.spans)
    row["pack_pause_count"] = sum(s.kind == "paused" and s.start.seen for p in leg.packs for s in p.spans)
    row["reset_count"] = len(job.by_name.get(RESET, ()))
    flags = []
    if any(m.at - m.recorded > SKEW for m in job.seen):
        flags.append("clock_skew")
    if leg.created is None:
        flags.append("missing_start")
    if writer.negative:
        flags.append("negative_interval")
    if writer.recorded:
        flags.append("recorded_time")
    if flow_id is None:
        flags.append("unresolved_reference")
    row["quality_flags"] = flags
    return row


def _leg_lengths(writer: RowWriter, leg: Leg) -> None:
    """Write the lengths of a leg; its times are in the row already."""
    row, lasting = writer.row, writer.lasting
    created, opened, first = row["pick_created_at"], row["pick_opened_at"], row["pick_first_started_at"]
    started, finished = row["pick_started_at"], row["pick_finished_at"]
    lasting("route_to_pick_created_seconds", row["routed_at"], created)
    queued = created
    if opened is not None and first is not None and opened < first and (created is None or opened > created):
        queued = opened
    lasting("pick_queue_seconds", queued, first)
    lasting("pick_duration_gross_seconds", started, finished)
    paused = waited = 0
    for span in leg.job.spans:
        discarded = span.reset is not None and span.reset.seen
        if span.stage == "pick" and not discarded and span.start.seen and span.end is not None and span.end.seen:
            if span.kind == "paused":
                paused += span.end.at - span.start.at
            elif span.kind == "waiting":
                waited += span.end.at - span.start.at
    row["pick_pause_seconds"] = paused / US if started is not None else None
    net = None if started is None or finished is None else finished - started - paused - waited
    lasting("pick_duration_net_seconds", 0 if net is not None else None, net)
    lasting("pick_to_pack_seconds", finished, row["pack_created_at"])
    lasting("pick_to_pack_start_seconds", finished, row["pack_started_at"])
    lasting("pack_queue_seconds", row["pack_created_at"], row["pack_started_at"])
    lasting("pack_duration_seconds", row["pack_started_at"], row["pack_finished_at"])
    lasting("pack_total_seconds", row["pack_created_at"], row["pack_finished_at"])
    done = row["pack_finished_at"] if leg.packs else finished
    lasting("handover_prepare_seconds", done, row["handover_created_at"])
    lasting("handover_wait_seconds", row["handover_created_at"], row["handed_over_at"])
    lasting("pack_to_handover_seconds", done, row["handed_over_at"])
    writer.distance("ready_lateness_seconds", row["target_at"], row["handover_created_at"])
    writer.distance("handover_lateness_seconds", row["target_at"], row["handed_over_at"])


def delivered(parcel: Parcel) -> int | None:
    """Give the delivery of a parcel: the carrier's stamp, else the time of the event."""
    for moment in parcel.by_name.get("PARCEL_TRACK_AND_TRACE_STATUS_UPDATED", ()):
        if moment.detail.tracking == "delivered":
            stamp: int | None = moment.detail.stamp
            return moment.at if stamp is None else stamp
    return None


def parcel_row(parcel: Parcel, leg_id: str | None, handed: Moment | None, flow_id: str) -> Row:
    """Write the row of a parcel; `handed` is its own hand-over, else the last of its leg."""
    shipment = parcel.shipment
    requests = parcel.by_name.get("PARCEL_CARRIER_REQUESTED", [])
    answer = latest((parcel.last("PARCEL_CARRIER_ACKNOWLEDGED"), parcel.last("PARCEL_CARRIER_FAILED")))
    asked = latest(m for m in requests if answer is not None and m.at < answer.at)
    arrived = delivered(parcel)
    created = parcel.first("PARCEL_CARRIER_CREATED")
    received = parcel.last("PARCEL_CARRIER_ACKNOWLEDGED")
    return {
        "parcel_id": parcel.id,
        "flow_id": flow_id,
        "leg_id": leg_id,
        "shipment_id": shipment.id if shipment is not None else None,
        "facility_ref": parcel.facility,
        "carrier_ref": parcel.carrier,
        "parcel_created_at": created.at if created is not None else None,
        "label_requested_at": requests[0].at if requests else None,
        "label_received_at": received.at if received is not None else None,
        "label_request_seconds": (answer.at - asked.at) / US if asked is not None and answer is not None else None,
        "label_failure_count": len(parcel.by_name.get("PARCEL_CARRIER_FAILED", ())),
        "delivered_at": arrived,
        "transit_seconds": (arrived - handed.at) / US if arrived is not None and handed is not None else None,
    }
