"""The truth about stretches of time: the rows of `flow_interval`, clipped by the end of their leg and order."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.simulator.model import US, Row
from pipelines.simulator.orders_legs import GIVEN_UP, Leg
from pipelines.simulator.orders_model import Entity, Order, Plan
from pipelines.simulator.orders_picking import ENDS

Stretch = tuple[str, str, int, int | None]
"""Stage, kind, start and end."""


def _stretches(entity: Entity) -> Iterator[Stretch]:
    """Give what was drawn of an entity, as far as it was seen."""
    for span in entity.spans:
        if not span.start.seen:
            continue
        end = span.end.at if span.end is not None and span.end.seen else None
        stage = span.stage
        if stage == "pick" and span.reset is not None and span.reset.seen:
            stage = "pick_discarded"
        yield stage, span.kind, span.start.at, end


def _before_picking(leg: Leg) -> Iterator[Stretch]:
    """Give the time between the creation of a pick job and its first start."""
    created, job = leg.created, leg.job
    if created is None:
        return
    over = next((m for m in job.seen if m.name in ENDS), None)
    begun = leg.first_started if leg.first_started is not None else over
    end = begun.at if begun is not None else None
    opened = leg.opened if leg.opened is not None and (end is None or leg.opened.at < end) else None
    held = created.status == "WAITING_FOR_INPUT" or created.detail.sub_status == "WAITING_FOR_RELEASE_TIME"
    if held or opened is not None:
        yield "release", "blocked", created.at, opened.at if opened is not None else end
        if opened is not None:
            yield "pick_queue", "waiting", opened.at, end
    else:
        yield "pick_queue", "waiting", created.at, end


def _plan_facility(plan: Plan) -> str | None:
    """Give the facility that the seen events of a plan name."""
    routed = [m.at for m in plan.moments if m.name in ("ROUTING_PLAN_ROUTED", "ROUTING_PLAN_FALLBACK")]
    return plan.facility if routed and plan.seen[-1].at >= routed[0] else None


class Intervals:
    """Writes the intervals of one flow."""

    def __init__(self, flow_id: str | None, outcome: str, finished_at: int | None) -> None:
        self.flow_id = flow_id
        self.outcome = outcome
        self.finished_at = finished_at
        self.rows: list[Row] = []

    def add(self, entity: Entity, facility: str | None, stretches: Iterator[Stretch], limit: int | None = None) -> None:
        """Add the stretches of an entity, which end at a limit at the latest."""
        closed = self.finished_at
        for stage, kind, start, end in stretches:
            if limit is not None:
                if start >= limit:
                    continue
                if end is None or end > limit:
                    end = limit
            if closed is not None:
                if self.outcome == "cancelled":
                    end = closed if end is None or end > closed else end
                elif end is None:
                    end = closed
            if end is not None and end <= start:
                continue
            self.rows.append(
                {
                    "flow": "order",
                    "flow_id": self.flow_id,
                    "entity": entity.kind,
                    "entity_id": entity.id,
                    "facility_ref": facility,
                    "stage": stage,
                    "kind": kind,
                    "started_at": start,
                    "ended_at": end,
                    "seconds": None if end is None else (end - start) / US,
                }
            )

    def add_leg(self, leg: Leg) -> None:
        """Add the stretches of a pick job and of what hangs on it; what was given up ends with that."""
        limit = leg.gave_up.at if leg.gave_up is not None and leg.outcome in GIVEN_UP else None
        self.add(leg.job, leg.job.facility, _before_picking(leg), limit)
        self.add(leg.job, leg.job.facility, _stretches(leg.job), limit)
        for hanging in (*leg.packs, *leg.parcels, *leg.handovers, *leg.services):
            self.add(hanging, hanging.facility, _stretches(hanging), limit)

    def add_order(self, order: Order, legs: list[Leg]) -> list[Row]:
        """Add the stretches of an order; give all rows."""
        self.add(order, None, _stretches(order))
        for plan in order.plans:
            if plan.seen:
                self.add(plan, _plan_facility(plan), _stretches(plan))
        for leg in legs:
            self.add_leg(leg)
        known = {id(e) for leg in legs for e in (*leg.packs, *leg.parcels, *leg.handovers, *leg.services)}
        for entity in (*order.packs, *order.parcels, *order.handovers, *order.services):
            if entity.seen and id(entity) not in known:  # its pick job lies before the data
                self.add(entity, entity.facility, _stretches(entity))
        return self.rows
