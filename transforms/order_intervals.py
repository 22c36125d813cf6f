"""Intervals of an order: where the time of each of its entities went, stage by stage.

Every function adds the stretches of one entity; within one entity they follow one another and never overlap.
"""

from __future__ import annotations

from schemas.vocabulary import LegOutcome, Stage, StageKind
from transforms.legs import PickJob, RoutingPlan
from transforms.order_log import Links, OrderLog, service_ended_at
from transforms.rows import IntervalSink, first, last, newest_facility

WAITING, WORKING, BLOCKED = StageKind.WAITING, StageKind.WORKING, StageKind.BLOCKED


def add(log: OrderLog, links: Links, outcomes: dict[str, LegOutcome], sink: IntervalSink) -> None:
    """Add the intervals of all entities of one order."""
    ends = {k: job.leg_end(outcomes[k]) for k, job in log.picks.items()}
    _lock(log, sink)
    for plan in log.plans.values():
        _plan(plan, _route_start(plan, log), sink)
    for key, job in log.picks.items():
        _pick(job, ends[key], sink)
    for key, pack in log.packs.items():
        leg_end = ends.get(links.packs.get(key, ""))
        place = newest_facility(pack.events)
        start = pack.work.first_start
        stretches = pack.work.stretches
        begin = first((start, stretches[0].start if stretches else None))
        sink.add(
            "PACK_JOB", key, place, Stage.PACK_QUEUE, WAITING, pack.created_at, first((begin, pack.end_at)), leg_end
        )
        for s in stretches:
            sink.add("PACK_JOB", key, place, Stage.PACK, s.kind, s.start, s.end, leg_end)
    for key, parcel in log.parcels.items():
        leg_end = ends.get(links.parcels.get(key, ""))
        place = newest_facility(parcel.events)
        for since, until, kind in parcel.stretches:
            sink.add("PARCEL", key, place, Stage.LABEL, kind, since, until, leg_end)
    for key, handover in log.handovers.items():
        leg_end = ends.get(links.handovers.get(key, ""))
        place = newest_facility(handover.events)
        for since, until in handover.waits:
            sink.add("HANDOVER_JOB", key, place, Stage.HANDOVER_WAIT, WAITING, since, until, leg_end)
    for key, events in log.services.items():
        created = next((e.event_at for e in events if e.name == "SERVICE_JOB_CREATED"), None)
        leg_end = ends.get(links.services.get(key, ""))
        place = newest_facility(events)
        sink.add("SERVICE_JOB", key, place, Stage.SERVICE, WORKING, created, service_ended_at(events), leg_end)


def _lock(log: OrderLog, sink: IntervalSink) -> None:
    created = next((e for e in log.orders if e.name == "ORDER_CREATED"), None)
    if created is not None and created.status == "LOCKED":
        unlocked = next((e.event_at for e in log.orders if e.name == "ORDER_UNLOCKED"), None)
        sink.add("ORDER", created.entity_id, None, Stage.LOCK, BLOCKED, created.event_at, unlocked)


def _route_start(plan: RoutingPlan, log: OrderLog) -> int | None:
    """Give when the routing of a plan began: announced, split off, or with the order itself."""
    if plan.announced_at is not None:
        return plan.announced_at
    for other in log.plans.values():
        for e in other.events:
            if e.name == "ROUTING_PLAN_SPLITTED" and e.facts.child_plan_ref == plan.id:
                return e.event_at
    parent = next((e.facts.parent_plan_ref for e in plan.events if e.facts.parent_plan_ref), None)
    if parent is not None:
        return plan.split_at if plan.split_at is not None else _split_of(parent, log)
    return next((e.event_at for e in log.orders if e.name == "ORDER_CREATED"), None)


def _split_of(plan_id: str, log: OrderLog) -> int | None:
    plan = log.plans.get(plan_id)
    return None if plan is None else plan.split_at


def _plan(plan: RoutingPlan, start: int | None, sink: IntervalSink) -> None:
    place = newest_facility(plan.events)
    stage, kind, since = Stage.ROUTE, WORKING, start
    running = True
    for at, word in plan.verdicts:
        following = {"waiting": Stage.ROUTE_WAIT, "not_routable": Stage.NOT_ROUTABLE}.get(word)
        if running and following is stage:
            continue
        if running:
            sink.add("ROUTING_PLAN", plan.id, place, stage, kind, since, at)
        running = following is not None
        if following is not None:
            stage, since = following, at
            kind = WAITING if following is Stage.ROUTE_WAIT else BLOCKED
    if running:
        sink.add("ROUTING_PLAN", plan.id, place, stage, kind, since, None)


def _pick(job: PickJob, leg_end: int | None, sink: IntervalSink) -> None:
    place = newest_facility(job.events)
    work = job.work
    every = sorted((*work.discarded, *work.stretches), key=lambda s: s.start)
    ends = [e.event_at for e in job.events if e.name in _ENDS]
    begin = first((work.first_start, every[0].start if every else None, ends[0] if ends else None))
    opened = job.opened_at if job.opened_at is not None and (begin is None or job.opened_at < begin) else None
    resets = [e.event_at for e in job.events if e.name == "PICK_JOB_RESET"]
    stop = first((begin, resets[0] if resets else None))
    queue = job.created_at
    if opened is not None or not job.released:
        sink.add("PICK_JOB", job.id, place, Stage.RELEASE, BLOCKED, job.created_at, first((opened, stop)), leg_end)
        queue = last((opened, job.created_at)) if opened is not None else None  # ruling 32
    sink.add("PICK_JOB", job.id, place, Stage.PICK_QUEUE, WAITING, queue, stop, leg_end)
    for since, until in work.queues:
        sink.add("PICK_JOB", job.id, place, Stage.PICK_QUEUE, WAITING, since, until, leg_end)
    for s in work.discarded:
        sink.add("PICK_JOB", job.id, place, Stage.PICK_DISCARDED, s.kind, s.start, s.end, leg_end)
    for s in work.stretches:
        sink.add("PICK_JOB", job.id, place, Stage.PICK, s.kind, s.start, s.end, leg_end)


_ENDS = frozenset({"PICK_JOB_PICKING_FINISHED", "PICK_JOB_ABORTED", "PICK_JOB_CANCELED", "PICK_JOB_REROUTED"})
