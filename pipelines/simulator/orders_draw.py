"""Draws an order: when it is created, how it is routed, split and rerouted, and which jobs that makes."""

from __future__ import annotations

from pipelines.simulator.orders_drawing import Drawing
from pipelines.simulator.orders_endings import end_order
from pipelines.simulator.orders_model import Line, Order, PickJob, Plan, Reservations, Reserved
from pipelines.simulator.orders_picking import (
    CREATED,
    OPENED,
    REROUTED,
    Picker,
    Shelf,
    abort_partial,
    end_early,
    pick,
    untouched,
    warn,
)
from pipelines.simulator.orders_shipping import after_picking, create_pack, new_shipment
from pipelines.simulator.orders_times import DAY, SECOND

ROUTED = "ROUTING_PLAN_ROUTED"
WAITING = "ROUTING_PLAN_WAITING"
NOT_ROUTABLE = "ROUTING_PLAN_NOT_ROUTABLE"
FALLBACK = "ROUTING_PLAN_FALLBACK"
SPLITTED = "ROUTING_PLAN_SPLITTED"
REROUTE = "ROUTING_PLAN_REROUTEPLAN_CREATED"

_SUB_STATUS = {
    "ORDERMODIFIED": "ORDER_MODIFIED",
    "MANUAL": "MANUAL_REROUTE",
    "SHORTPICK": "SHORT_PICK_REROUTE",
    "TIMETRIGGERED": "TIME_TRIGGERED",
    "STOCKZEROED": "STOCK_ZEROED",
    "RECALCULATION": "RECALCULATION",
}


class Draw(Drawing):
    """Draws one order from its traits."""

    def _lines(self) -> list[Line]:
        """Draw what is ordered."""
        r, articles = self.random, self.world.articles
        count = 1 + int(r() * r() * 5)
        if self.traits.split > 1:
            count = max(count, self.traits.split)
        lines = []
        for _ in range(count):
            article = articles[int(r() * len(articles))]
            shown = {"tenantArticleId": article.tenant_article_id, "title": article.title}
            line = self.uuid()
            lines.append(Line(line, shown, 1 + int(r() * r() * 4), line))
        return lines

    def draw(self, created: int) -> Order:
        """Draw the whole order."""
        order, traits, clock = self.order, self.traits, self.clock
        order.process = self.uuid()
        order.tenant_order_id = f"R{self.rng.getrandbits(36):011d}"
        order.channel = traits.channel
        if traits.channel == "COLLECT":
            order.facility = self.facility()
        order.sloppy, order.skewed = traits.sloppy, traits.skewed
        order.lines = self._lines()
        clock.sloppy = order.sloppy
        lag = clock.between(1, 20) if self.random() < 0.95 else clock.between(-3, 0)
        order.ordered_at = clock.grain(created - lag)
        order.target = clock.grain(created + clock.between(4 * 3600, 34 * 3600))
        status = "PROMISED" if traits.promised else "LOCKED" if traits.locked else "OPEN"
        first = clock.mark(order, "ORDER_CREATED", created, status, tuple(order.lines))
        if traits.locked:
            order.turn("lock", "blocked", first)
        instant = first.recorded
        unlocked = self._change(instant)
        if not traits.promised:
            self._route_order(instant, unlocked)
        end_order(self)
        return order

    def _change(self, instant: int) -> int:
        """Modify and unlock the order; give the time from which it can be worked on."""
        order, traits, clock, r = self.order, self.traits, self.clock, self.random
        status = "LOCKED" if traits.locked else "OPEN"
        free = instant
        if traits.modified == "address":
            for _ in range(1 if r() < 0.8 else 2):
                instant += clock.between(30, 1800)
                clock.mark(order, "ORDER_MODIFIED", instant, status, tuple(order.lines))
                instant += 2 * SECOND
        if traits.locked and r() < 0.9:
            free = instant + clock.wait(3600, 8 * 3600) + 2 * SECOND
            order.stop(clock.mark(order, "ORDER_UNLOCKED", free, "OPEN", tuple(order.lines)))
        elif traits.locked:
            return -1  # never unlocked
        return free

    def plan(self, lines: list[Line]) -> Plan:
        """Add a routing plan; it becomes known with its first event."""
        plan = Plan("ROUTING_PLAN", self.uuid(), lines=lines)
        self.order.plans.append(plan)
        return plan

    def route(self, plan: Plan, instant: int, *, odd: bool) -> int | None:
        """Route a plan; give the time at which that was done, or None if it never is."""
        traits, clock, r = self.traits, self.clock, self.random
        mark = clock.mark
        known = plan.replaces_job.facility if plan.replaces_job is not None else None
        instant += clock.between(1.2, 4)
        if odd and (traits.waiting or traits.never_routed):
            plan.turn("route_wait", "waiting", mark(plan, WAITING, instant, "WAITING", False))
            instant += clock.wait(3600, 8 * 3600) + 2 * SECOND
            if r() < 0.3:  # goods on back order
                instant += int((3 + 22 * r()) * DAY)
        if odd and (traits.not_routable or (traits.never_routed and r() < 0.5)):
            plan.turn("not_routable", "blocked", mark(plan, NOT_ROUTABLE, instant, "NOT_ROUTABLE", False))
            instant += clock.wait(3600, 8 * 3600) + 2 * SECOND
            if r() < 0.2:
                plan.turn("route_wait", "waiting", mark(plan, WAITING, instant, "WAITING", False))
                instant += clock.wait(600, 3 * 3600) + 2 * SECOND
        if odd and traits.never_routed:
            return None
        at_home = self.order.facility is not None and known is None and plan.transfer != "SUPPLIER"
        plan.facility = self.order.facility if at_home else self.facility(known)
        if odd and traits.fallback:
            moment = mark(plan, FALLBACK, instant, "FALLBACK_ROUTING", True)
            plan.stop(moment)
            if traits.fallback == "alone":
                return moment.recorded
            instant = moment.recorded + clock.between(1.1, 5)
        moment = mark(plan, ROUTED, instant, "ROUTED", True)
        plan.stop(moment)
        return moment.recorded

    def reserve(self, plan: Plan, routed: int) -> None:
        """Reserve the stock for a plan; the reservations vanish when the goods are picked."""
        order, traits, clock = self.order, self.traits, self.clock
        batch = Reservations("RESERVATION", "", plan.facility)
        by_order = traits.reservation_by_order
        processes = () if by_order else (order.process,)
        for line in plan.lines:
            batch.items.append(Reserved(self.uuid(), plan.facility or "", line, processes, (order.process,), plan.id))
        if self.random() < 0.01:
            # Stock that nobody asked for by name: such a reservation belongs to no flow.
            batch.items.append(Reserved(self.uuid(), plan.facility or "", plan.lines[0], (), (None,), ""))
        clock.mark(batch, "INVENTORY_RESERVATIONS_CREATED", routed + clock.between(0.2, 2), None, versioned=False)
        order.reservations.append(batch)

    def _release_stock(self, job: PickJob, instant: int) -> None:
        batch = next((b for b in self.order.reservations if job.plan and b.items[0].plan == job.plan.id), None)
        if batch is not None and len(batch.moments) == 1 and self.random() < 0.9:
            self.clock.mark(batch, "INVENTORY_RESERVATIONS_DELETED", instant + SECOND, None, versioned=False)

    def _route_order(self, instant: int, unlocked: int) -> None:
        """Route the order, with splits or a transfer, and work on each plan."""
        order, traits, clock, r = self.order, self.traits, self.clock, self.random
        lines = list(order.lines)
        cut = max(1, len(lines) // traits.split)
        parts = [lines[i * cut : (i + 1) * cut] for i in range(traits.split - 1)]
        parts.append(lines[(traits.split - 1) * cut :])
        plan = self.plan(parts[0])
        plan.transfer = "SUPPLIER" if traits.transfer else None
        split_first = (
            traits.split > 1 and not (traits.waiting or traits.never_routed or traits.not_routable) and r() < 0.3
        )
        if split_first:
            moment = clock.mark(plan, SPLITTED, instant + clock.between(1.2, 3), "ROUTING", None)
            instant = moment.recorded
        plan.turn("route", "working", order.moments[0])
        routed = self.route(plan, instant, odd=True)
        if routed is None:
            return
        plans = [(plan, routed)]
        parent, since = plan, routed
        for number, part in enumerate(parts[1:]):
            child = self.plan(part)
            child.parent = parent
            if number == 0 and split_first:
                split = next(m for m in parent.moments if m.name == SPLITTED)
                begin = split.recorded
            else:
                split = clock.mark(parent, SPLITTED, since + clock.between(1.1, 3), "ROUTED", None)
                begin = split.recorded
            split.detail = child
            child.turn("route", "working", split)
            # A leg that is given up must not meet a sister that comes later by chance.
            done = self.route(child, begin, odd=traits.pick in ("full", "short_keep") and r() < 0.2)
            if done is None:
                break
            plans.append((child, done))
            # A split chain goes on at the child, or at the parent once more.
            if r() < 0.5:
                parent, since = child, done
            else:
                since = max(done, parent.moments[-1].recorded)
        for known, at in plans:
            self.reserve(known, at)
        if unlocked < 0:
            return
        if traits.transfer:
            self._transfer(plan, max(routed, unlocked))
            return
        for number, (known, at) in enumerate(plans):
            want = traits.pick if number == 0 else "full" if r() < 0.85 else "short_keep"
            self.work(known, max(at, unlocked) + clock.between(1.1, 3), want, depth=0)

    def _transfer(self, plan: Plan, ready: int) -> None:
        """Send the goods from one facility to the one where the consumer collects them: two legs after one another."""
        second = self.plan(plan.lines)
        second.turn("route", "working", self.order.moments[0])
        second.transfer = "RECEIVER"
        routed = self.route(second, self.order.moments[0].recorded, odd=False) or ready
        handed = self.work(plan, max(routed, ready) + self.clock.between(1.1, 3), "full", depth=1, channel="SHIPPING")
        if handed is not None:
            start = handed + self.clock.between(3 * 3600, 20 * 3600)
            self.work(second, start, "full", depth=1, channel="COLLECT")

    def work(self, plan: Plan, instant: int, want: str, *, depth: int, channel: str | None = None) -> int | None:
        """Work on a plan: create its pick job and follow it; give the time of its hand-over, if it comes to that."""
        clock, traits, r = self.clock, self.traits, self.random
        job = self._new_job(plan, instant, channel or self.order.channel)
        created = job.moments[0]
        if job.channel == "SHIPPING" and traits.early_shipment:
            new_shipment(self, job, created.recorded + clock.between(1.1, 3))
        queue = created.recorded
        if traits.release and depth == 0 and r() < 0.95:
            queue += clock.wait(3600, 12 * 3600) + 2 * SECOND
            if r() < 0.3:  # ordered weeks before it may be worked on
                queue += int((3 + 22 * r()) * DAY)
            clock.mark(job, OPENED, queue, "OPEN", Shelf(untouched(job)))
            queue += SECOND
        start = self.open_at(job.facility, queue + clock.wait(1200, 6 * 3600) + SECOND)
        if want == "abort_early":
            return self._abort_early(job, queue, start)
        if want == "abort_partial":
            aborted = abort_partial(clock, job, start, traits)
            return self._after_abort(job, aborted.recorded)
        if want == "reroute":
            return self._rerouted(job, start, depth)
        wish = "short" if want.startswith("short") else "zero" if want == "zero" else "full"
        end = pick(clock, job, start, wish, traits)
        self._release_stock(job, end.recorded)
        if want == "zero":
            return self._after_abort(job, end.recorded)
        after = end.recorded + clock.between(1.2, 5)
        if want in ("short_reroute", "short_packed_reroute"):
            if want == "short_packed_reroute" and traits.packing:
                create_pack(self, job, after)
                after += clock.between(60, 1200)
            return self.reroute(job, after, "SHORTPICK", depth)
        handed = after_picking(self, job, end)
        if want == "short_split":
            self._split_off(job, after)
        return handed

    def _new_job(self, plan: Plan, instant: int, channel: str) -> PickJob:
        order, traits, clock = self.order, self.traits, self.clock
        job = PickJob("PICK_JOB", self.uuid(), plan.facility, plan=plan, channel=channel, operative=self.uuid())
        job.lines = [Line(self.uuid(), line.article, line.quantity, line.order_line) for line in plan.lines]
        job.target = order.target
        job.with_process = not (traits.missing_process and self.random() < 0.7)
        job.user = self.world.user(self.rng)
        job.release = traits.release if not order.jobs else None
        status = "WAITING_FOR_INPUT" if job.release == "input" else "OPEN"
        sub_status = "WAITING_FOR_RELEASE_TIME" if job.release == "substatus" else None
        order.jobs.append(job)
        clock.mark(job, CREATED, instant, status, Shelf(untouched(job), sub_status))
        return job

    def _abort_early(self, job: PickJob, queue: int, start: int) -> int | None:
        """Give a job back before anyone began."""
        when = queue + SECOND + int(self.random() * max(start - queue - 2 * SECOND, SECOND))
        aborted = Picker(self.clock, job).abort(when, None)
        return self._after_abort(job, aborted.recorded)

    def _after_abort(self, job: PickJob, aborted: int) -> int | None:
        """After an abort comes a new plan, or nothing, or the order is cancelled."""
        wish = self.traits.after_abort
        if wish == "reroute":
            return self._replace(job, aborted + self.clock.between(1.2, 600), "ABORTED", 1)
        if wish == "cancel":
            self.traits.cancel = "late"
        return None

    def _rerouted(self, job: PickJob, start: int, depth: int) -> int | None:
        """Take a job away while it waits or is worked on."""
        order, clock, r = self.order, self.clock, self.random
        since = job.moments[-1].recorded
        if r() < 0.6 or self.traits.modified == "quantity":
            when = since + 4 * SECOND + int(r() * max(start - since - 6 * SECOND, SECOND))
        else:
            end = pick(clock, job, start, "full", self.traits)
            when = start + 2 * SECOND + int(r() * max(end.at - start - 4 * SECOND, SECOND))
            job.cut(when - 1_500_000)
        reason = "MANUAL" if r() < 0.4 else "STOCKZEROED" if r() < 0.2 else "TIMETRIGGERED"
        if self.traits.modified == "quantity":
            reason = "ORDERMODIFIED"
            first = order.lines[0]
            order.lines = [first._replace(quantity=first.quantity + 1), *order.lines[1:]]
            clock.mark(order, "ORDER_MODIFIED", when - 1_200_000, "OPEN", tuple(order.lines))
        if reason == "TIMETRIGGERED" and r() < 0.7:
            warn(clock, job, when)
        return self.reroute(job, when, reason, depth)

    def reroute(self, job: PickJob, instant: int, reason: str, depth: int) -> int | None:
        """Take a job away and route its lines anew."""
        moment = end_early(self.clock, job, REROUTED, instant, "REROUTED", _SUB_STATUS.get(reason))
        after = moment.recorded
        for pack in self.order.packs:
            if pack.job is job:
                canceled = self.clock.mark(pack, "PACK_JOB_CANCELED", after + SECOND, "CANCELED", False)
                pack.stop(canceled)
        for shipment in self.order.shipments:
            if shipment.job is job and self.random() < 0.5:
                self.clock.mark(shipment, "SHIPMENT_UPDATED", after + SECOND, "CANCELED", False)
        return self._replace(job, after + self.clock.between(1.1, 3), reason, depth)

    def _replace(self, job: PickJob, instant: int, reason: str, depth: int) -> int | None:
        """Create the plan that takes the place of a given-up job's plan, and work on it."""
        order, clock, r = self.order, self.clock, self.random
        old = job.plan
        lines = order.lines if reason == "ORDERMODIFIED" else old.lines if old is not None else []
        plan = self.plan(list(lines))
        plan.replaces_plan, plan.replaces_job = old, job
        plan.names_job = r() < 0.9
        plan.reason, plan.run_type = reason, "REROUTE"
        created = clock.mark(plan, REROUTE, instant, "INITIAL", False)
        plan.turn("route", "working", created)
        odd = depth == 0 and r() < 0.3
        routed = self.route(plan, created.recorded, odd=odd)
        if routed is None:
            return None
        if r() < 0.5:
            self.reserve(plan, routed)
        want = "reroute" if depth < 2 and r() < 0.1 and self.traits.modified != "quantity" else "full"
        return self.work(plan, routed + clock.between(1.1, 3), want, depth=depth + 1, channel=job.channel)

    def _split_off(self, job: PickJob, instant: int) -> None:
        """Route what was not found once more, beside the job that keeps what it has."""
        clock, plan = self.clock, job.plan
        finished = next(m for m in reversed(job.moments) if m.detail is not None)
        rest = [
            line._replace(quantity=line.quantity - done.units)
            for line, done in zip(plan.lines if plan else [], finished.detail.lines, strict=True)
            if done.units < line.quantity
        ]
        if plan is None or not rest:
            return
        split = clock.mark(plan, SPLITTED, instant, "ROUTED", None)
        child = self.plan(rest)
        child.parent, child.run_type = plan, "ORDERSPLIT_ON_SHORTPICK"
        split.detail = child
        child.turn("route", "working", split)
        routed = self.route(child, split.recorded, odd=self.random() < 0.1)
        if routed is not None:
            self.work(child, routed + clock.between(1.1, 3), "full", depth=1)
