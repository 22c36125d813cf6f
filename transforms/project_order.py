"""Facts of one order: `order_flow`, `order_leg`, `order_parcel` and the intervals of its entities.

A pure function of the set of events of one process and of the settings. Sources: the warehouse contract and its
rulings, whose numbers stand beside the code that follows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemas.vocabulary import ORDER_MILESTONES, Outcome
from transforms import order_intervals, order_split
from transforms.event import Event
from transforms.legs import GIVEN_UP, HandoverJob, PickJob
from transforms.order_log import CANCEL_KINDS
from transforms.order_outcome import DecidedOrder
from transforms.rows import (
    SECOND,
    IntervalSink,
    Row,
    Rows,
    Settings,
    columns_by_event,
    first,
    flow_flags,
    has_skew,
    is_negative,
    last,
    newest,
    newest_facility,
    newest_status,
    only,
    rests_on_recorded,
    span,
    variant,
)
from transforms.sessions import PAUSED

_ROUTED = frozenset({"ROUTING_PLAN_ROUTED", "ROUTING_PLAN_FALLBACK"})
_PACK_START = frozenset({"PACK_JOB_UPDATED"})
_DELIVERED = frozenset({"PARCEL_TRACK_AND_TRACE_STATUS_UPDATED"})


def _named(*names: str) -> frozenset[str]:
    return frozenset(names)


_ORDER_SOURCES = {
    "order_created_at": _named("ORDER_CREATED"),
    "order_unlocked_at": _named("ORDER_UNLOCKED"),
    "order_cancelled_at": frozenset(CANCEL_KINDS),
    "first_routed_at": _ROUTED,
    "last_routed_at": _ROUTED,
    "first_reserved_at": _named("INVENTORY_RESERVATIONS_CREATED"),
    "first_pick_created_at": _named("PICK_JOB_CREATED"),
    "first_pick_started_at": _named("PICK_JOB_PICKING_COMMENCED"),
    "last_pick_finished_at": _named("PICK_JOB_PICKING_FINISHED"),
    "first_pack_created_at": _named("PACK_JOB_CREATED"),
    "last_pack_finished_at": _named("PACK_JOB_CLOSED"),
    "first_label_requested_at": _named("PARCEL_CARRIER_REQUESTED"),
    "last_label_received_at": _named("PARCEL_CARRIER_ACKNOWLEDGED"),
    "first_handover_created_at": _named("HANDOVERJOB_CREATED"),
    "last_handover_created_at": _named("HANDOVERJOB_CREATED"),
    "first_handed_over_at": _named("HANDOVERJOB_HANDED_OVER"),
    "last_handed_over_at": _named("HANDOVERJOB_HANDED_OVER"),
    "delivered_at": _DELIVERED,
    "anonymized_at": _named("PROCESS_ANONYMIZED"),
    "deleted_at": _named("PROCESS_DELETED"),
}
_ORDER_COLUMNS = columns_by_event(_ORDER_SOURCES)
_LEG_SOURCES = {
    "routed_at": _ROUTED,
    "pick_created_at": _named("PICK_JOB_CREATED"),
    "pick_opened_at": _named("PICK_JOB_OPENED"),
    "pick_first_started_at": _named("PICK_JOB_PICKING_COMMENCED"),
    "pick_started_at": _named("PICK_JOB_PICKING_COMMENCED"),
    "pick_finished_at": _named("PICK_JOB_PICKING_FINISHED"),
    "pack_created_at": _named("PACK_JOB_CREATED"),
    "pack_started_at": _PACK_START,
    "pack_finished_at": _named("PACK_JOB_CLOSED"),
    "handover_created_at": _named("HANDOVERJOB_CREATED"),
    "handed_over_at": _named("HANDOVERJOB_HANDED_OVER"),
}
_LEG_COLUMNS = columns_by_event(_LEG_SOURCES)
_ORDER_DURATIONS = (
    "lock_wait_seconds", "order_to_route_seconds", "order_cycle_seconds", "order_lead_seconds", "cancel_after_seconds",
    "reroute_delay_seconds",
)  # fmt: skip
_LEG_DURATIONS = (
    "route_to_pick_created_seconds", "pick_queue_seconds", "pick_duration_gross_seconds", "pick_pause_seconds",
    "pick_duration_net_seconds", "pick_to_pack_seconds", "pick_to_pack_start_seconds", "pack_queue_seconds",
    "pack_duration_seconds", "pack_total_seconds", "handover_prepare_seconds", "handover_wait_seconds",
    "pack_to_handover_seconds",
)  # fmt: skip
_EVENT_DEVIATIONS = {
    "ORDER_MODIFIED": "modified",
    "ROUTING_PLAN_WAITING": "waiting",
    "ROUTING_PLAN_NOT_ROUTABLE": "not_routable",
    "ROUTING_PLAN_FALLBACK": "fallback",
    "ROUTING_PLAN_SPLITTED": "split",
    "ROUTING_PLAN_REROUTEPLAN_CREATED": "reroute",
    "PICK_JOB_REROUTED": "reroute",
    "PICK_JOB_PICKING_PAUSED": "pause",
    "PICK_JOB_RESET": "reset",
    "PARCEL_CARRIER_FAILED": "label_failed",
    "HANDOVERJOB_REVERTED": "reverted",
    "ORDER_CANCELLED": "cancelled",
    "ORDER_FORCE_CANCELLED": "cancelled",
    "ORDER_CANCELLED_BY_EXPIRY": "cancelled",
    "EXPIRY_ENTITY_EXPIRED": "expired",
}


class _Order(DecidedOrder):
    """One order while its rows are made."""

    def leg_row(self, job: PickJob) -> Row:
        """Make the row of one pick job and what hangs on it."""
        log, links, key = self.log, self.links, job.id
        packs = [log.packs[k] for k, leg in links.packs.items() if leg == key]
        handovers = [log.handovers[k] for k, leg in links.handovers.items() if leg == key]
        shipments = [log.shipments[k] for k, leg in links.shipments.items() if leg == key]
        plan_id = newest(job.events, "plan_ref") or next(
            (p for p, jobs in links.plan_jobs.items() if key in jobs), None
        )
        plan = log.plans.get(plan_id or "")
        work = job.work
        created, finish = job.created_at, work.finish
        opened_first = job.opened_at is not None and (work.first_start is None or job.opened_at < work.first_start)
        queue_from = job.opened_at if opened_first and (created is None or job.opened_at > created) else created  # type: ignore[operator]
        pack_created = first([p.created_at for p in packs])
        pack_started = first([p.work.first_start for p in packs])
        pack_finished = last([p.closed_at for p in packs])
        ready = first([h.created_at for h in handovers])
        handed = last([h.handed_over_at for h in handovers])
        done = pack_finished if packs else finish
        target = _target(handovers, shipments) or newest(job.events, "target")
        gross = span(work.start, finish)
        paused = work.seconds(PAUSED) if work.start is not None or work.pauses_since_reset else None
        net = None
        if work.start is not None and finish is not None:
            net = (finish - work.start - work.idle(work.start, finish)) / SECOND
        channel = newest(job.events, "channel")
        row: Row = {
            "leg_id": key,
            "flow_id": self.flow_id,
            "routing_plan_id": plan_id,
            "operative_process_ref": newest(job.events, "operative_ref"),
            "facility_ref": newest_facility(job.events),
            "channel": channel,
            "outcome": self.outcomes[key].value,
            "routed_at": plan.routed_at if plan is not None else None,
            "pick_created_at": created,
            "pick_opened_at": job.opened_at,
            "pick_first_started_at": work.first_start,
            "pick_started_at": work.start,
            "pick_finished_at": finish,
            "pack_created_at": pack_created,
            "pack_started_at": pack_started,
            "pack_finished_at": pack_finished,
            "handover_created_at": ready,
            "handed_over_at": handed,
            "target_at": target,
            "route_to_pick_created_seconds": span(plan.routed_at if plan is not None else None, created),
            "pick_queue_seconds": span(queue_from, work.first_start),
            "pick_duration_gross_seconds": gross,
            "pick_pause_seconds": None if paused is None else paused / SECOND,
            "pick_duration_net_seconds": net,
            "pick_to_pack_seconds": span(finish, pack_created),
            "pick_to_pack_start_seconds": span(finish, pack_started),
            "pack_queue_seconds": span(pack_created, pack_started),
            "pack_duration_seconds": span(pack_started, pack_finished),
            "pack_total_seconds": span(pack_created, pack_finished),
            "handover_prepare_seconds": span(done, ready),
            "handover_wait_seconds": span(ready, handed),
            "pack_to_handover_seconds": span(done, handed),
            "ready_lateness_seconds": span(target, ready),
            "handover_lateness_seconds": span(target, handed),
            "line_count": job.line_count,
            "short_line_count": job.short_lines,
            "ordered_units": job.ordered,
            "picked_units": job.picked,
            "pause_count": work.pause_count,
            "pack_pause_count": sum(p.work.pause_count for p in packs),
            "reset_count": work.reset_count,
        }
        flags = set()
        if self.flow_id is None:
            flags.add("unresolved_reference")
        if created is None:
            flags.add("missing_start")
        if is_negative(row, _LEG_DURATIONS):
            flags.add("negative_interval")
        if has_skew(job.events):
            flags.add("clock_skew")
        own = [*job.events, *(plan.events if plan else ())]
        for events in (*(p.events for p in packs), *(h.events for h in handovers)):
            own += events
        if rests_on_recorded(own, row, _LEG_COLUMNS):
            flags.add("recorded_time")
        row["quality_flags"] = sorted(flags)
        return row

    def parcel_row(self, key: str, legs: dict[str, Row]) -> Row:
        """Make the row of one parcel (ruling 35)."""
        parcel = self.log.parcels[key]
        leg = self.links.parcels.get(key)
        handed = last(
            h.handed_over_at
            for h in self.log.handovers.values()
            if key in (newest(h.events, "parcel_ref"), newest(h.events, "old_parcel_ref"))
        )
        if handed is None and leg in legs:
            handed = legs[leg or ""]["handed_over_at"]
        return {
            "parcel_id": key,
            "flow_id": self.flow_id,
            "leg_id": leg,
            "shipment_id": self.links.parcel_shipments.get(key),
            "facility_ref": newest_facility(parcel.events),
            "carrier_ref": newest(parcel.events, "carrier_ref"),
            "parcel_created_at": parcel.created_at,
            "label_requested_at": parcel.requested_at,
            "label_received_at": parcel.received_at,
            "label_request_seconds": span(*parcel.attempt_seconds) if parcel.attempt_seconds else None,
            "label_failure_count": parcel.failures,
            "delivered_at": parcel.delivered_at,
            "transit_seconds": span(handed, parcel.delivered_at),
        }

    def flow_row(self, legs: list[Row], parcels: list[Row]) -> Row:
        """Make the row of the order."""
        log, events = self.log, self.log.events
        created = _at(log.orders, "ORDER_CREATED")
        creation = next((e for e in log.orders if e.name == "ORDER_CREATED"), None)
        unlocked = _at(log.orders, "ORDER_UNLOCKED")
        cancelled = self.cancel.event_at if self.cancel is not None else None
        jobs, picks = log.handovers.values(), log.picks.values()
        handed_last = last(self.counted)
        ready_first = first([h.created_at for h in jobs])
        routed_first = first([p.routed_at for p in log.plans.values()])
        fulfilled = self.outcome is Outcome.FULFILLED
        finished = handed_last if fulfilled else cancelled if self.outcome is Outcome.CANCELLED else None
        started = created if created is not None else events[0].event_at
        target = _target(jobs, log.shipments.values()) or self._from_any("target")
        ordered_at = self._from_any("order_date")
        channel = self._channel(legs)
        late = None
        if channel in ("SHIPPING", "MIXED") and fulfilled:
            late = span(target, handed_last)
        elif channel == "COLLECT":
            late = span(target, ready_first)
        kept = [r for r in legs if r["outcome"] not in _GIVEN_UP_NAMES]
        picked = _total(kept, "picked_units")
        lines = self._lines()
        reserved = first([e.event_at for e in log.others if e.name == "INVENTORY_RESERVATIONS_CREATED"])
        delivered = [r["delivered_at"] for r in parcels]
        facilities = {r["facility_ref"] for r in legs if r["facility_ref"] is not None}
        deviations = sorted(self._deviations(legs))
        milestones = {
            "order_created": created,
            "order_unlocked": unlocked,
            "routed": routed_first,
            "stock_reserved": reserved,
            "pick_created": first([j.created_at for j in picks]),
            "shipment_created": first([_at(s, "SHIPMENT_CREATED") for s in log.shipments.values()]),
            "pick_started": first([j.work.first_start for j in picks]),
            "pick_finished": first([j.work.finish for j in picks]),
            "pack_created": first([p.created_at for p in log.packs.values()]),
            "pack_started": first([p.work.first_start for p in log.packs.values()]),
            "parcel_created": first([p.created_at for p in log.parcels.values()]),
            "label_requested": first([p.requested_at for p in log.parcels.values()]),
            "label_received": first([p.first_received_at for p in log.parcels.values()]),
            "pack_finished": first([p.closed_at for p in log.packs.values()]),
            "handover_created": ready_first,
            "handed_over": first(self.counted),
            "order_cancelled": cancelled,
        }
        row: Row = {
            "flow_id": self.flow_id,
            "outcome": self.outcome.value,
            "started_at": started,
            "finished_at": finished,
            "first_event_at": events[0].event_at,
            "last_event_at": events[-1].event_at,
            "event_count": len(events),
            "facility_ref": only(facilities),
            "facility_count": len(facilities),
            "variant": variant((m, milestones[m]) for m in ORDER_MILESTONES),
            "deviations": deviations,
            "conforms": None if self.outcome is Outcome.OPEN else fulfilled and not deviations,
            "revision": len(events),
            "order_id": self._order_id(),
            "tenant_order_id": self._from_any("tenant_order_id"),
            "channel": channel,
            "order_status": newest_status(log.orders),
            "cancel_reason": CANCEL_KINDS[self.cancel.name] if self.cancel is not None else None,
            "order_date_at": ordered_at,
            "target_at": target,
            "order_created_at": created,
            "order_unlocked_at": unlocked,
            "order_cancelled_at": cancelled,
            "first_routed_at": routed_first,
            "last_routed_at": last([p.last_routed_at for p in log.plans.values()]),
            "first_reserved_at": reserved,
            "first_pick_created_at": milestones["pick_created"],
            "first_pick_started_at": milestones["pick_started"],
            "last_pick_finished_at": last([j.work.finish for j in picks]),
            "first_pack_created_at": milestones["pack_created"],
            "last_pack_finished_at": last([p.closed_at for p in log.packs.values()]),
            "first_label_requested_at": milestones["label_requested"],
            "last_label_received_at": last([p.received_at for p in log.parcels.values()]),
            "first_handover_created_at": ready_first,
            "last_handover_created_at": last([h.created_at for h in jobs]),
            "first_handed_over_at": milestones["handed_over"],
            "last_handed_over_at": handed_last,
            "delivered_at": last(delivered) if delivered and None not in delivered else None,
            "order_intake_lag_seconds": span(ordered_at, created),
            "lock_wait_seconds": span(created, unlocked)
            if creation is not None and creation.status == "LOCKED"
            else None,
            "order_to_route_seconds": span(created, routed_first),
            "order_cycle_seconds": span(created, handed_last) if fulfilled else None,
            "order_lead_seconds": span(ordered_at, handed_last) if fulfilled else None,
            "cancel_after_seconds": span(created, cancelled),
            "reroute_delay_seconds": self._reroute_delay(),
            "on_time": None if late is None else late <= 0,
            "lateness_seconds": late,
            "leg_count": len(log.picks),
            "routing_plan_count": len(log.plans),
            "split_count": sum(1 for p in log.plans.values() if p.split_at is not None),
            "reroute_count": sum(1 for p in log.plans.values() if p.announced_at is not None),
            "reset_count": sum(j.work.reset_count for j in picks),
            "pause_count": sum(j.work.pause_count for j in picks),
            "parcel_count": len(log.parcels),
            "label_failure_count": sum(p.failures for p in log.parcels.values()),
            "handover_job_count": len(log.handovers),
            "line_count": lines[0],
            "short_line_count": None if picked is None else sum(r["short_line_count"] or 0 for r in kept),
            "ordered_units": lines[1],
            "picked_units": picked,
            "fill_rate": picked / lines[1] if fulfilled and picked is not None and lines[1] else None,
            "anonymized_at": _at(log.others, "PROCESS_ANONYMIZED"),
            "deleted_at": _at(log.others, "PROCESS_DELETED"),
        }
        flags = flow_flags(events, self.working, finished, row, _ORDER_DURATIONS)
        if created is None:
            flags.add("missing_start")
        if rests_on_recorded(events, row, _ORDER_COLUMNS):
            flags.add("recorded_time")
        if self.is_stuck():
            flags.add("stuck")
        row["quality_flags"] = sorted(flags)
        return row

    def _order_id(self) -> str | None:
        if self.log.orders:
            return self.log.orders[-1].entity_id
        found: str | None = self._from_any("order_ref")
        return found

    def _from_any(self, fact: str) -> Any:
        """Give a fact of the order, else of the first kind of entity of the process that has it (ruling 46)."""
        log = self.log
        value = newest(log.orders, fact)
        if value is not None:
            return value
        groups: list[list[Event]] = [
            *(plan.events for plan in log.plans.values()),
            *(job.events for job in log.picks.values()),
            *(pack.events for pack in log.packs.values()),
            *log.shipments.values(),
            *(parcel.events for parcel in log.parcels.values()),
            *(handover.events for handover in log.handovers.values()),
            *log.services.values(),
            log.others,
        ]
        return next((v for v in (newest(events, fact) for events in groups) if v is not None), None)

    def _lines(self) -> tuple[int | None, int | None]:
        """Give lines and units of the newest order snapshot, else of the only plan or leg (rulings 23 and 46)."""
        for e in reversed(self.log.orders):
            if e.facts.line_count is not None:
                return e.facts.line_count, _whole(e.facts.units)
        for plan in self.log.plans.values():
            count = newest(plan.events, "line_count")
            if count is not None:
                return count, _whole(newest(plan.events, "units"))
        for job in self.log.picks.values():
            if job.line_count is not None:
                return job.line_count, job.ordered
        return None, None

    def _channel(self, legs: list[Row]) -> str | None:
        kinds = {r["channel"] for r in legs if r["channel"] is not None}
        if not kinds and self.log.orders:
            if newest(self.log.orders, "collects"):
                kinds.add("COLLECT")
            if newest(self.log.orders, "ships"):
                kinds.add("SHIPPING")
        return "MIXED" if len(kinds) > 1 else only(kinds)

    def _deviations(self, legs: list[Row]) -> set[str]:
        """Say how the order left the happy path (rulings 17 and 44)."""
        found = {_EVENT_DEVIATIONS[e.name] for e in self.log.events if e.name in _EVENT_DEVIATIONS}
        if any(e.name == "ORDER_CREATED" and e.status == "LOCKED" for e in self.log.orders):
            found.add("locked")
        if any(e.name == "ORDER_CANCELLED_BY_EXPIRY" for e in self.log.orders):
            found.add("expired")
        if any(p.work.pause_count for p in self.log.packs.values()):
            found.add("pause")
        if any(h.refused for h in self.log.handovers.values()):
            found.add("refused")
        for job in self.log.picks.values():
            if not job.released:
                found.add("release_wait")
            if job.short_lines:
                found.add("short_pick")
            if job.first_aborted_at is not None:
                nothing = not sum(picked or 0 for _, picked in job.lines.values())
                found.add("zero_pick" if job.work.touched and nothing else "abort")
        return found

    def _reroute_delay(self) -> float:
        """Sum the time from each given-up job to its successor's creation; open cases do not count (ruling 19)."""
        total = 0
        for job in self.log.picks.values():
            given_up = job.given_up_at
            if given_up is None:
                continue
            plans = [
                p.id for p in self.log.plans.values() if any(e.facts.rerouted_pick_job_ref == job.id for e in p.events)
            ]
            if plans:
                successors = [j for p in plans for j in self.links.plan_jobs.get(p, ())]
                created = first([self.log.picks[j].created_at for j in successors if j in self.log.picks])
            else:
                created = first(
                    [
                        j.created_at
                        for j in self.log.picks.values()
                        if j.created_at is not None and j.created_at > given_up and j.id != job.id
                    ]
                )
            if created is not None:
                total += created - given_up
        return total / SECOND


_MOST_UNITS = 2**53
_GIVEN_UP_NAMES = frozenset(o.value for o in GIVEN_UP)


def _at(events: Iterable[Event], name: str) -> int | None:
    """Give the time of the first event of a name."""
    return next((e.event_at for e in events if e.name == name), None)


def _whole(units: float | int | None) -> int | None:
    """Give an amount as the integer that its column takes; a fraction is no amount of pieces."""
    if units is None or not abs(units) <= _MOST_UNITS or units != int(units):
        return None
    return int(units)


def _total(rows: list[Row], column: str) -> int | None:
    """Sum a column over rows; NULL when no row has a value."""
    values = [r[column] for r in rows if r[column] is not None]
    return sum(values) if values else None


def _target(handovers: Iterable[HandoverJob], shipments: Iterable[list[Event]]) -> int | None:
    """Give the earliest target of the hand-over jobs, else of the shipments (ruling 25)."""
    jobs = list(handovers)
    kept = [h for h in jobs if not h.dropped] or jobs
    target = first([newest(h.events, "target") for h in kept])
    return target if target is not None else first([newest(s, "target") for s in shipments])


def project_order(flow_id: str | None, events: Iterable[Event], settings: Settings, rows: Rows) -> None:
    """Add the facts of one order to `rows`.

    Args:
        flow_id: process id; None for pick jobs whose process is unknown, which give legs and intervals only.
        events: the distinct events of the process, in any order.
        settings: instant and deadlines.
        rows: where the facts go.
    """
    order = _Order(flow_id, events, settings)
    legs = [order.leg_row(job) for job in order.log.picks.values()]
    rows.order_leg += legs
    finished: int | None = None
    if flow_id is not None:
        by_id = {r["leg_id"]: r for r in legs}
        parcels = [order.parcel_row(key, by_id) for key in order.log.parcels]
        rows.order_parcel += parcels
        flow = order.flow_row(legs, parcels)
        rows.order_flow.append(flow)
        finished = flow["finished_at"]
    sink = IntervalSink("order", flow_id, order.outcome, finished, rows.flow_interval)
    begin = len(rows.flow_interval)
    order_intervals.add(order.log, order.links, order.outcomes, sink)
    if flow_id is not None:
        own = rows.flow_interval[begin:]
        order_split.add(flow, order.given_up_at, own, settings.sites, rows.order_time_split)
