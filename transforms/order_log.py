"""The events of one order sorted out by entity, and which entity hangs on which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from transforms.event import Event
from transforms.legs import HandoverJob, PackJob, Parcel, PickJob, RoutingPlan
from transforms.rows import newest, order_key

T = TypeVar("T")

CANCEL_KINDS = {
    "ORDER_CANCELLED": "cancelled",
    "ORDER_FORCE_CANCELLED": "force_cancelled",
    "ORDER_CANCELLED_BY_EXPIRY": "expired",
}
_SERVICE_ENDS = frozenset({"CANCELLED", "OBSOLETE"})


@dataclass(slots=True)
class OrderLog:
    """All events of one process in the order of ruling 7, and its entities."""

    events: list[Event]
    orders: list[Event] = field(default_factory=list)
    plans: dict[str, RoutingPlan] = field(default_factory=dict)
    picks: dict[str, PickJob] = field(default_factory=dict)
    packs: dict[str, PackJob] = field(default_factory=dict)
    shipments: dict[str, list[Event]] = field(default_factory=dict)
    parcels: dict[str, Parcel] = field(default_factory=dict)
    handovers: dict[str, HandoverJob] = field(default_factory=dict)
    services: dict[str, list[Event]] = field(default_factory=dict)
    others: list[Event] = field(default_factory=list)

    @staticmethod
    def of(events: Iterable[Event]) -> OrderLog:
        """Sort events out by entity."""
        log = OrderLog(sorted(events, key=order_key))
        for e in log.events:
            entity, key = e.entity, e.entity_id or ""
            if entity == "PICK_JOB":
                if getattr(e.facts, "job_type", None) in (None, "PICK_JOB"):
                    _of(log.picks, key, PickJob).events.append(e)
            elif entity == "PICK_LINE":
                if e.facts is not None and e.facts.pick_job_ref:
                    _of(log.picks, e.facts.pick_job_ref, PickJob).events.append(e)
            elif entity == "ORDER":
                log.orders.append(e)
            elif entity == "ROUTING_PLAN":
                _of(log.plans, key, RoutingPlan).events.append(e)
            elif entity == "PACK_JOB":
                _of(log.packs, key, PackJob).events.append(e)
            elif entity == "PARCEL":
                _of(log.parcels, key, Parcel).events.append(e)
            elif entity == "HANDOVER_JOB":
                _of(log.handovers, key, HandoverJob).events.append(e)
            elif entity == "SHIPMENT":
                log.shipments.setdefault(key, []).append(e)
            elif entity == "SERVICE_JOB":
                log.services.setdefault(key, []).append(e)
            else:
                log.others.append(e)
        for plan in log.plans.values():
            plan.read()
        for job in log.picks.values():
            job.read()
        for pack in log.packs.values():
            pack.read()
        for parcel in log.parcels.values():
            parcel.read()
        for handover in log.handovers.values():
            handover.read()
        return log

    def cancel_event(self) -> Event | None:
        """Give the first cancel event of the order."""
        return next((e for e in self.orders if e.name in CANCEL_KINDS), None)


@dataclass(slots=True)
class Links:
    """Which leg each entity belongs to, by pick job id; entities whose leg is unknown are not in the tables."""

    packs: dict[str, str] = field(default_factory=dict)
    shipments: dict[str, str] = field(default_factory=dict)
    parcels: dict[str, str] = field(default_factory=dict)
    handovers: dict[str, str] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)
    parcel_shipments: dict[str, str] = field(default_factory=dict)
    plan_jobs: dict[str, list[str]] = field(default_factory=dict)

    @staticmethod
    def of(log: OrderLog) -> Links:
        """Follow the references from the hanging entities to the pick jobs."""
        links = Links()
        shares: dict[str, set[str]] = {}
        for job in log.picks.values():
            share = newest(job.events, "operative_ref")
            if share is not None:
                shares.setdefault(share, set()).add(job.id)
            plan = newest(job.events, "plan_ref")
            if plan is not None:
                links.plan_jobs.setdefault(plan, []).append(job.id)

        def by_share(events: list[Event]) -> str | None:
            """Fall back to the share of the order, when one leg alone has it."""
            jobs = shares.get(newest(events, "operative_ref") or "", ())
            return next(iter(jobs)) if len(jobs) == 1 else None

        for plan_id, plan in log.plans.items():
            job_id = newest(plan.events, "pick_job_ref")
            if job_id in log.picks and job_id not in links.plan_jobs.get(plan_id, ()):
                links.plan_jobs.setdefault(plan_id, []).append(job_id)
        for key, events in log.shipments.items():
            _put(links.shipments, key, newest(events, "pick_job_ref") or by_share(events))
            for parcel in newest(events, "parcel_refs") or ():
                links.parcel_shipments[parcel] = key
        for key, parcel_log in log.parcels.items():
            _put(links.parcel_shipments, key, newest(parcel_log.events, "shipment_ref"))
            shipment = links.parcel_shipments.get(key)
            _put(links.parcels, key, links.shipments.get(shipment or ""))
        for key, pack in log.packs.items():
            _put(links.packs, key, newest(pack.events, "pick_job_ref") or by_share(pack.events))
        for key, handover in log.handovers.items():
            events = handover.events
            shipment = newest(events, "shipment_ref") or newest(events, "old_shipment_ref")
            named = newest(events, "parcel_ref") or newest(events, "old_parcel_ref")
            leg = (
                newest(events, "pick_job_ref")
                or links.shipments.get(shipment or "")
                or links.shipments.get(links.parcel_shipments.get(named or "", ""))
                or by_share(events)
            )
            _put(links.handovers, key, leg)
        for key, events in log.services.items():
            _put(links.services, key, by_share(events))
        return links


def service_ended_at(events: list[Event]) -> int | None:
    """Give when a service job was finished."""
    return next((e.event_at for e in events if e.name == "SERVICE_JOB_FINISHED"), None)


def service_ended(events: list[Event]) -> bool:
    """Say whether a service job is finished, or silently cancelled or obsolete."""
    return service_ended_at(events) is not None or any(e.status in _SERVICE_ENDS for e in events[-1:])


def _of(group: dict[str, T], key: str, make: type[T]) -> T:
    found = group.get(key)
    if found is None:
        found = group[key] = make(key)  # type: ignore[call-arg]
    return found


def _put(table: dict[str, str], key: str, value: str | None) -> None:
    if value is not None:
        table[key] = value
