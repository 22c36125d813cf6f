"""The truth about an order: its row of `order_flow` and all rows that go with it, read off the drawn objects.

Nothing here looks at events: the drawn entities, their moments and their stretches say what happened, restricted
to what was recorded inside the data.
"""

from __future__ import annotations

from pipelines.simulator.model import US, Row
from pipelines.simulator.orders_intervals import Intervals
from pipelines.simulator.orders_legs import (
    GIVEN_UP,
    SKEW,
    Leg,
    RowWriter,
    counting,
    delivered,
    earliest,
    handover_target,
    latest,
    leg_row,
    pack_started,
    parcel_row,
    read_leg,
)
from pipelines.simulator.orders_model import Moment, Order, Plan, Reservations
from pipelines.simulator.orders_picking import RESET

DEADLINE = 30 * 86400 * US
QUIET = 86400 * US

_CANCELS = {
    "ORDER_CANCELLED": "cancelled",
    "ORDER_CANCELLED_BY_EXPIRY": "expired",
    "ORDER_FORCE_CANCELLED": "force_cancelled",
}
_ROUTED = ("ROUTING_PLAN_ROUTED", "ROUTING_PLAN_FALLBACK")
_BLOCKED = ("ROUTING_PLAN_WAITING", "ROUTING_PLAN_NOT_ROUTABLE")
_WORDS = (*_ROUTED, *_BLOCKED, "ROUTING_PLAN_CANCELLED")


def last_word(plan: Plan) -> str | None:
    """Give the newest routing state that a plan sent."""
    return next((m.name for m in reversed(plan.seen) if m.name in _WORDS), None)


class OrderTruth:
    """What is true of one order, given what was seen of it."""

    def __init__(self, order: Order, as_of: int) -> None:
        self.order = order
        self.as_of = as_of
        self.plans = [p for p in order.plans if p.seen]
        self.packs = [p for p in order.packs if p.seen]
        self.parcels = [p for p in order.parcels if p.seen]
        self.handovers = [h for h in order.handovers if h.seen]
        self.services = [s for s in order.services if s.seen]
        self.legs = [read_leg(order, job) for job in order.jobs if job.seen]
        self.handed = [m for m in (counting(h) for h in self.handovers) if m is not None]
        self.cancels = [m for m in order.seen if m.name in _CANCELS]
        self.batches = [b for b in (*order.reservations, *order.foreign) if b.seen]
        self.events, self.working = self._count()
        self.waiting_plan, self.plans_done = self._plans()
        self.outcome, self.finished = self._outcome()

    def _items(self, batch: Reservations) -> int:
        """Count the items of a bulk that belong to this order."""
        return sum(item.flows.count(self.order.process) for item in batch.items)

    def _count(self) -> tuple[list[tuple[Moment, int]], list[int]]:
        """Give all moments of the flow with the number of events they make, and the times of the working ones."""
        order = self.order
        events: list[tuple[Moment, int]] = []
        working: list[int] = []
        for group in (
            (order,), self.plans, order.jobs, self.packs, order.containers, order.shipments, self.handovers,
            self.services,
        ):  # fmt: skip
            for entity in group:
                for moment in entity.seen:
                    events.append((moment, 1))
                    working.append(moment.at)
        for parcel in self.parcels:
            for moment in parcel.seen:
                events.append((moment, 1))
                if moment.name != "PARCEL_TRACK_AND_TRACE_STATUS_UPDATED":
                    working.append(moment.at)
        for quiet in (*order.expiries, *order.processes):
            events.extend((moment, 1) for moment in quiet.seen)
        for batch in self.batches:
            count = self._items(batch)
            events.extend((moment, count) for moment in batch.seen)
        return events, working

    def _plans(self) -> tuple[bool, bool]:
        """Say whether a plan waits, and whether all known plans are routed, cancelled or replaced (rules 1 and 2)."""
        worked = {leg.job.plan for leg in self.legs}
        replaced = {plan.replaces_plan for plan in self.plans}
        known: list[Plan] = list(self.plans)
        for plan in self.plans:
            for split in plan.by_name.get("ROUTING_PLAN_SPLITTED", ()):
                # A child is known by the split that announces it, even before it speaks.
                if not split.detail.seen:
                    known.append(split.detail)
        waits, done = False, True
        for plan in known:
            word = last_word(plan)
            if plan in replaced or word == "ROUTING_PLAN_CANCELLED":
                continue
            if word in _BLOCKED or plan not in worked:
                waits, done = True, False
        return waits, done

    def _is_routed(self) -> bool:
        """Say whether at least one plan is known to be routed: it said so, or a pick job names it (ruling 43)."""
        said = any(p.first(name) is not None for p in self.plans for name in _ROUTED)
        return said or any(leg.job.plan is not None for leg in self.legs)

    def _outcome(self) -> tuple[str, Moment | None]:
        """Say how the order ended, and by what."""
        if self.handed and self._is_routed() and self.plans_done and self._jobs_done():
            return "fulfilled", latest(self.handed)
        if self.cancels and not self.handed:
            return "cancelled", self.cancels[0]
        if self.working and self.as_of >= max(self.working) + DEADLINE:
            return "incomplete", None
        return "open", None

    def _jobs_ended(self) -> bool:
        """Say whether every known job has ended."""
        return (
            all(leg.ended for leg in self.legs)
            and all(p.last("PACK_JOB_CLOSED") or p.last("PACK_JOB_CANCELED") for p in self.packs)
            and all(s.last("SERVICE_JOB_FINISHED") for s in self.services)
            and all(counting(h) or h.last("HANDOVERJOB_CANCELED") for h in self.handovers)
        )

    def _jobs_done(self) -> bool:
        """Say whether every known job has ended, and each leg with goods has its hand-over job."""
        return self._jobs_ended() and all(
            leg.handovers for leg in self.legs if leg.outcome in ("picked", "short_picked")
        )

    def leg_outcome(self, leg: Leg) -> str:
        """Give the outcome of a leg, the end of its order included."""
        if leg.outcome == "open" and self.outcome in ("cancelled", "incomplete"):
            return self.outcome
        return leg.outcome

    def rows(self) -> dict[str, list[Row]]:
        """Write all rows of the order."""
        if not self.events:
            return {}
        flow_id = self.order.process
        by_job = {leg.job: leg for leg in self.legs}
        legs = [leg_row(leg, flow_id, self.leg_outcome(leg)) for leg in self.legs]
        parcels = []
        for parcel in self.parcels:
            shipment = parcel.shipment
            job = shipment.job if shipment is not None and shipment.seen else None
            handed = latest(counting(h) for h in self.handovers if h.parcel is parcel)
            leg = by_job.get(job) if job is not None else None
            if handed is None and job is not None:
                handed = leg.handed if leg is not None else None
            parcels.append(parcel_row(parcel, job.id if job is not None else None, handed, flow_id))
        finished_at = self.finished.at if self.finished is not None else None
        intervals = Intervals(flow_id, self.outcome, finished_at).add_order(self.order, self.legs)
        return {
            "order_flow": [self._row(legs)],
            "order_leg": legs,
            "order_parcel": parcels,
            "flow_interval": intervals,
        }

    def _row(self, leg_rows: list[Row]) -> Row:
        order, writer = self.order, RowWriter()
        row = writer.row
        row.update(flow_id=order.process, outcome=self.outcome)
        self._times(writer)
        self._identity(row)
        self._lengths(writer)
        self._counts(row, leg_rows)
        row["deviations"] = self._deviations()
        row["conforms"] = None if self.outcome == "open" else self.outcome == "fulfilled" and not row["deviations"]
        row["quality_flags"] = self._flags(writer)
        return row

    def _times(self, writer: RowWriter) -> None:
        """Write the milestones."""
        order, row = self.order, writer.row
        jobs = [leg.job for leg in self.legs]
        routed = [m for p in self.plans for name in _ROUTED for m in p.by_name.get(name, ())]
        reserved = earliest(b.first("INVENTORY_RESERVATIONS_CREATED") for b in self.batches)
        acknowledged = [m for p in self.parcels for m in p.by_name.get("PARCEL_CARRIER_ACKNOWLEDGED", ())]
        ready = [h.first("HANDOVERJOB_CREATED") for h in self.handovers]
        created = order.first("ORDER_CREATED")
        times = {
            "order_created_at": created,
            "order_unlocked_at": order.first("ORDER_UNLOCKED"),
            "order_cancelled_at": self.cancels[0] if self.cancels else None,
            "first_routed_at": earliest(routed),
            "last_routed_at": latest(routed),
            "first_reserved_at": reserved,
            "first_pick_created_at": earliest(leg.created for leg in self.legs),
            "first_pick_started_at": earliest(leg.first_started for leg in self.legs),
            "last_pick_finished_at": latest(leg.finished for leg in self.legs),
            "first_pack_created_at": earliest(p.first("PACK_JOB_CREATED") for p in self.packs),
            "last_pack_finished_at": latest(p.last("PACK_JOB_CLOSED") for p in self.packs),
            "first_label_requested_at": earliest(p.first("PARCEL_CARRIER_REQUESTED") for p in self.parcels),
            "last_label_received_at": latest(acknowledged),
            "first_handover_created_at": earliest(ready),
            "last_handover_created_at": latest(ready),
            "first_handed_over_at": earliest(self.handed),
            "last_handed_over_at": latest(self.handed),
            "anonymized_at": earliest(p.first("PROCESS_ANONYMIZED") for p in order.processes),
            "deleted_at": earliest(p.first("PROCESS_DELETED") for p in order.processes),
        }
        for column, moment in times.items():
            writer.at(column, moment)
        arrivals = [delivered(p) for p in self.parcels]
        known = [at for at in arrivals if at is not None]
        row["delivered_at"] = max(known) if known and len(known) == len(arrivals) else None
        row["first_event_at"] = min(m.at for m, _ in self.events)
        row["last_event_at"] = max(m.at for m, _ in self.events)
        row["event_count"] = row["revision"] = sum(count for _, count in self.events)
        row["started_at"] = created.at if created is not None else row["first_event_at"]
        row["finished_at"] = self.finished.at if self.finished is not None else None
        facilities = {job.facility for job in jobs if job.facility is not None}
        row["facility_count"] = len(facilities)
        row["facility_ref"] = next(iter(facilities)) if len(facilities) == 1 else None
        shipped = earliest(s.first("SHIPMENT_CREATED") for s in order.shipments)
        variant = (
            (created, "order_created"),
            (times["order_unlocked_at"], "order_unlocked"),
            (times["first_routed_at"], "routed"),
            (reserved, "stock_reserved"),
            (times["first_pick_created_at"], "pick_created"),
            (shipped, "shipment_created"),
            (times["first_pick_started_at"], "pick_started"),
            (earliest(leg.finished for leg in self.legs), "pick_finished"),
            (times["first_pack_created_at"], "pack_created"),
            (pack_started(self.packs), "pack_started"),
            (earliest(p.first("PARCEL_CARRIER_CREATED") for p in self.parcels), "parcel_created"),
            (times["first_label_requested_at"], "label_requested"),
            (earliest(acknowledged), "label_received"),
            (earliest(p.first("PACK_JOB_CLOSED") for p in self.packs), "pack_finished"),
            (times["first_handover_created_at"], "handover_created"),
            (times["first_handed_over_at"], "handed_over"),
            (times["order_cancelled_at"], "order_cancelled"),
        )
        seen = [(moment.at, name) for moment, name in variant if moment is not None]
        seen.sort(key=lambda pair: pair[0])  # stable: equal times stay in the order of the table
        row["variant"] = ">".join(name for _, name in seen) or None

    def _identity(self, row: Row) -> None:
        """Write what the order is: channel, status, lines, target."""
        order = self.order
        channels = {leg.job.channel for leg in self.legs}
        if channels:
            row["channel"] = next(iter(channels)) if len(channels) == 1 else "MIXED"
        else:
            row["channel"] = order.channel if order.seen else None
        row["order_status"] = order.seen[-1].status if order.seen else None
        row["cancel_reason"] = _CANCELS[self.cancels[0].name] if self.cancels else None
        shipments = [s for s in order.shipments if s.seen]
        # Which entities of the process carry what, when no order event is known (ruling 46).
        telling = bool(order.seen or self.plans or self.legs or self.packs)
        named = telling or any(p.seen for p in order.processes)
        row["order_id"] = order.id if named else None
        numbered = named or bool(shipments or self.handovers or self.parcels or self.services)
        row["tenant_order_id"] = order.tenant_order_id if numbered else None
        row["order_date_at"] = order.ordered_at if telling or shipments or self.handovers else None
        lines = None
        if order.seen:
            lines = order.seen[-1].detail
        elif self.plans:
            lines = self.plans[0].lines
        elif self.legs:
            lines = self.legs[0].job.lines
        row["line_count"] = len(lines) if lines is not None else None
        row["ordered_units"] = sum(line.quantity for line in lines) if lines is not None else None
        target = handover_target(self.handovers)
        if target is None:
            target = min((s.target for s in shipments), default=order.target if telling else None)
        row["target_at"] = target

    def _lengths(self, writer: RowWriter) -> None:
        row = writer.row
        created, unlocked = row["order_created_at"], row["order_unlocked_at"]
        first = self.order.first("ORDER_CREATED")
        locked = first is not None and first.status == "LOCKED"
        fulfilled = self.outcome == "fulfilled"
        last = row["last_handed_over_at"] if fulfilled else None
        writer.distance("order_intake_lag_seconds", row["order_date_at"], created)
        writer.lasting("lock_wait_seconds", created if locked else None, unlocked)
        writer.lasting("order_to_route_seconds", created, row["first_routed_at"])
        writer.lasting("order_cycle_seconds", created, last)
        writer.lasting("order_lead_seconds", row["order_date_at"], last)
        writer.lasting("cancel_after_seconds", created, row["order_cancelled_at"])
        writer.lasting("reroute_delay_seconds", 0, self._reroute_delay())
        measured = row["first_handover_created_at"] if row["channel"] == "COLLECT" else last
        writer.distance("lateness_seconds", row["target_at"], measured)
        late = row["lateness_seconds"]
        row["on_time"] = None if late is None else late <= 0

    def _reroute_delay(self) -> int:
        """Sum the time from each give-up to the creation of the pick job that takes its place."""
        total = 0
        for leg in self.legs:
            job = leg.job
            given = earliest((job.first("PICK_JOB_ABORTED"), job.first("PICK_JOB_REROUTED")))
            if given is None:
                continue
            heirs = [p for p in self.plans if p.replaces_job is job and p.names_job]
            if heirs:
                created = [other.created for other in self.legs if other.job.plan in heirs]
            else:
                created = [o.created for o in self.legs if o.created is not None and o.created.at > given.at]
            found = earliest(created)
            if found is not None:
                total += found.at - given.at
        return total

    def _counts(self, row: Row, leg_rows: list[Row]) -> None:
        row["leg_count"] = len(self.legs)
        row["routing_plan_count"] = len(self.plans)
        row["split_count"] = sum(1 for p in self.plans if p.first("ROUTING_PLAN_SPLITTED"))
        row["reroute_count"] = sum(1 for p in self.plans if p.first("ROUTING_PLAN_REROUTEPLAN_CREATED"))
        row["reset_count"] = sum(leg["reset_count"] for leg in leg_rows)
        row["pause_count"] = sum(leg["pause_count"] for leg in leg_rows)
        row["parcel_count"] = len(self.parcels)
        row["label_failure_count"] = sum(len(p.by_name.get("PARCEL_CARRIER_FAILED", ())) for p in self.parcels)
        row["handover_job_count"] = len(self.handovers)
        kept = [leg for leg in leg_rows if leg["outcome"] not in GIVEN_UP and leg["pick_first_started_at"] is not None]
        row["picked_units"] = sum(leg["picked_units"] for leg in kept) if kept else None
        row["short_line_count"] = sum(leg["short_line_count"] or 0 for leg in kept) if kept else None
        row["fill_rate"] = None
        if self.outcome == "fulfilled" and row["picked_units"] is not None and row["ordered_units"]:
            row["fill_rate"] = row["picked_units"] / row["ordered_units"]

    def _deviations(self) -> list[str]:
        """Say how the order left the happy path."""
        order = self.order
        plan_names = {name for p in self.plans for name in p.by_name}
        job_names = {name for leg in self.legs for name in leg.job.by_name}
        found = set()
        first = order.first("ORDER_CREATED")
        if first is not None and first.status == "LOCKED":
            found.add("locked")
        if order.first("ORDER_MODIFIED"):
            found.add("modified")
        for name, word in (
            ("ROUTING_PLAN_WAITING", "waiting"),
            ("ROUTING_PLAN_NOT_ROUTABLE", "not_routable"),
            ("ROUTING_PLAN_FALLBACK", "fallback"),
            ("ROUTING_PLAN_SPLITTED", "split"),
            ("ROUTING_PLAN_REROUTEPLAN_CREATED", "reroute"),
        ):
            if name in plan_names:
                found.add(word)
        if "PICK_JOB_REROUTED" in job_names:
            found.add("reroute")
        if RESET in job_names:
            found.add("reset")
        packing = (m.status for p in self.packs for m in p.by_name.get("PACK_JOB_UPDATED", ()))
        if "PICK_JOB_PICKING_PAUSED" in job_names or "PAUSED" in packing:
            found.add("pause")
        for leg in self.legs:
            if leg.created is not None and (leg.created.status != "OPEN" or leg.created.detail.sub_status):
                found.add("release_wait")
            if leg.short:
                found.add("short_pick")
            if leg.job.first("PICK_JOB_ABORTED"):
                found.add("zero_pick" if leg.outcome == "zero_picked" else "abort")
        if any(p.first("PARCEL_CARRIER_FAILED") for p in self.parcels):
            found.add("label_failed")
        for handover in self.handovers:
            if handover.first("HANDOVERJOB_REVERTED"):
                found.add("reverted")
            if any(m.detail.refused or m.detail.cancel_reason == "CONSUMER_REJECTS" for m in handover.seen):
                found.add("refused")
        if self.cancels:
            found.add("cancelled")
        if order.first("ORDER_CANCELLED_BY_EXPIRY") or any(e.first("EXPIRY_ENTITY_EXPIRED") for e in order.expiries):
            found.add("expired")
        return sorted(found)

    def _flags(self, writer: RowWriter) -> list[str]:
        flags = []
        if any(m.at - m.recorded > SKEW for m, _ in self.events):
            flags.append("clock_skew")
        closed = writer.row["finished_at"]
        if closed is not None and any(at > closed + QUIET for at in self.working):
            flags.append("event_after_close")
        if writer.row["order_created_at"] is None:
            flags.append("missing_start")
        if writer.negative:
            flags.append("negative_interval")
        if writer.recorded:
            flags.append("recorded_time")
        stuck = self.legs and not self.handed and not self.waiting_plan and self._jobs_ended()
        if self.outcome == "open" and stuck:
            flags.append("stuck")
        return flags


def orphan_rows(order: Order) -> dict[str, list[Row]]:
    """Write the rows of a pick job that belongs to no known order."""
    legs = [read_leg(order, job) for job in order.jobs if job.seen]
    intervals = Intervals(None, "open", None)
    for leg in legs:
        intervals.add_leg(leg)
    return {"order_leg": [leg_row(leg, None, leg.outcome) for leg in legs], "flow_interval": intervals.rows}
