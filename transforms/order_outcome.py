"""What has become of an order: fulfilled, cancelled, incomplete or open, and whether it is stuck.

No event says that an order is finished; it follows from its routing plans, its jobs and its hand-overs. The numbers of
the rulings stand beside the code that follows them.
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas.event_types import BY_NAME
from schemas.vocabulary import LegOutcome, Outcome
from transforms.event import Event
from transforms.legs import RoutingPlan
from transforms.order_log import Links, OrderLog, service_ended
from transforms.rows import Settings, is_overdue

_BOOKKEEPING = frozenset(name for name, t in BY_NAME.items() if not t.working)


class DecidedOrder:
    """One order and what has become of it."""

    def __init__(self, flow_id: str | None, events: Iterable[Event], settings: Settings) -> None:
        self.flow_id, self.settings = flow_id, settings
        self.log = OrderLog.of(events)
        self.links = Links.of(self.log)
        self.cancel = self.log.cancel_event()
        self.working = [e for e in self.log.events if e.name not in _BOOKKEEPING]
        last_working = self.working[-1].event_at if self.working else None
        self.overdue = is_overdue(last_working, "order", settings)
        self.given_up_at = None if last_working is None else last_working + settings.deadlines["order"]
        self.counted = [h.handed_over_at for h in self.log.handovers.values() if h.handed_over_at is not None]
        cancelled = self.cancel is not None
        self.outcomes = {k: j.outcome(order_cancelled=cancelled, overdue=False) for k, j in self.log.picks.items()}
        self.outcome = self._outcome()
        if self.outcome is Outcome.INCOMPLETE:
            self.outcomes = {k: LegOutcome.INCOMPLETE if o is LegOutcome.OPEN else o for k, o in self.outcomes.items()}

    def _outcome(self) -> Outcome:
        """Give the outcome (rulings 13 to 16)."""
        if self.flow_id is None:  # a leg is incomplete with its order only (ruling 30), and there is none
            return Outcome.OPEN
        if self.counted and self._routing_done() and self._jobs_done() and self._handed_over():
            return Outcome.FULFILLED
        if self.cancel is not None and not self.counted:
            return Outcome.CANCELLED
        return Outcome.INCOMPLETE if self.overdue else Outcome.OPEN

    def _routing_done(self) -> bool:
        """At least one plan is routed, and every plan is routed with its job, cancelled or replaced (rule 1, 2)."""
        routed = bool(self.links.plan_jobs) or any(p.routed_at is not None for p in self.log.plans.values())
        return routed and not self.waiting_plans()

    def waiting_plans(self) -> bool:
        """Say whether a plan waits (ruling 48): undecided, or routed or announced without a pick job yet."""
        replaced = {
            e.facts.rerouted_plan_ref for p in self.log.plans.values() for e in p.events if e.facts.rerouted_plan_ref
        }
        children = {
            e.facts.child_plan_ref
            for p in self.log.plans.values()
            for e in p.events
            if e.name == "ROUTING_PLAN_SPLITTED" and e.facts.child_plan_ref
        }
        for child in children - self.log.plans.keys():
            if not self.links.plan_jobs.get(child):
                return True
        return any(
            self._waits(plan, children)
            for plan in self.log.plans.values()
            if plan.id not in replaced and not plan.replaced
        )

    def _waits(self, plan: RoutingPlan, children: set[str]) -> bool:
        if plan.cancelled:
            return False
        jobs = self.links.plan_jobs.get(plan.id)
        word = plan.verdicts[-1] if plan.verdicts else None
        if jobs:
            proof = max(self.log.picks[j].events[0].event_at for j in jobs if j in self.log.picks)
            # A job proves that its plan was routed, unless the plan was taken up again afterwards (ruling 43).
            return word is not None and word[1] in ("waiting", "not_routable") and word[0] > proof
        if plan.split_at is None or not children:
            return True
        # A plan that was split up may leave all of its lines to its children, unless it waits again since.
        return word is not None and word[1] in ("waiting", "not_routable") and word[0] > plan.split_at

    def _jobs_done(self) -> bool:
        """Every pick, pack and service job has ended (rules 2 and 4)."""
        log = self.log
        picks = all(self.outcomes[k] is not LegOutcome.OPEN or job.ended_silently for k, job in log.picks.items())
        return picks and all(p.ended for p in log.packs.values()) and all(map(service_ended, log.services.values()))

    def _handed_over(self) -> bool:
        """Every leg that was picked has a hand-over job, and every one of those has ended (rules 3, ruling 43)."""
        with_job = set(self.links.handovers.values())
        picked = {k for k, o in self.outcomes.items() if o in (LegOutcome.PICKED, LegOutcome.SHORT_PICKED)}
        return picked <= with_job and all(h.ended for h in self.log.handovers.values())

    def is_stuck(self) -> bool:
        """Say whether nothing is left that could finish the order (ruling 48)."""
        return (
            self.outcome is Outcome.OPEN
            and bool(self.log.picks)
            and self._jobs_done()
            and all(h.ended for h in self.log.handovers.values())
            and not self.counted
            and not self.waiting_plans()
        )
