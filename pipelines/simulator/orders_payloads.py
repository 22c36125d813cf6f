"""Writes the payloads of an order's events, shaped and sized like those of the platform, personal data included."""

from __future__ import annotations

from msgspec import Raw
from msgspec.json import encode

from pipelines.simulator.orders_fragments import NO_WORKFLOW, Payload
from pipelines.simulator.orders_job_payloads import JobPapers
from pipelines.simulator.orders_model import Entity, Moment, Order, Plan, Reservations
from pipelines.simulator.orders_times import HOUR, date_text

_TAGS = Raw(b'[{"id":"brand","value":"Speedy"}]')
_CANCEL_REASON = Raw(
    b'{"id":"c8f8738e-c4c9-5a11-bc69-0a2392ba2eaa","action":"CANCELATION","reason":"ordered by mistake",'
    b'"reasonLocalized":{"en_US":"ordered by mistake"},"created":"2025-11-29T10:00:00.000Z",'
    b'"lastModified":"2025-11-29T10:00:00.000Z","version":1}'
)
_PLAN_STATUS = {
    "ROUTING_PLAN_ROUTED": "ROUTED",
    "ROUTING_PLAN_WAITING": "WAITING",
    "ROUTING_PLAN_NOT_ROUTABLE": "NOT_ROUTABLE",
    "ROUTING_PLAN_FALLBACK": "FALLBACK_ROUTING",
    "ROUTING_PLAN_CANCELLED": "CANCELED",
    "ROUTING_PLAN_REROUTEPLAN_CREATED": "INITIAL",
}


class Papers(JobPapers):
    """Writes the payloads of one order."""

    def order_(self, order: Order, moment: Moment) -> Payload:
        """Write a snapshot of the order."""
        base = order.base
        if base is None:
            preferences: Payload = {"targetTime": self.target}
            if order.channel == "COLLECT":
                facility = order.facility
                preferences["collect"] = [{"facilityRef": facility, "paid": True, "provisioningTime": self.target}]
            else:
                preferences["shipping"] = {"serviceLevel": "DELIVERY", "preferredCarriers": [self.carrier.key]}
            base = order.base = {
                "consumer": self.consumer, "deliveryPreferences": preferences, "orderDate": self.ordered,
                "tenantOrderId": order.tenant_order_id, "anonymized": False, "id": order.id,
                "processId": order.process, "workflowInformation": NO_WORKFLOW, "schemaVersion": 1,
                "customAttributes": self.attributes, "tags": _TAGS,
            }  # fmt: skip
        key = id(moment.detail)
        lines = self._order_lines.get(key)
        if lines is None:
            article = self.mill.article
            lines = self._order_lines[key] = Raw(encode([
                {"id": line.id, "article": article(line.article), "quantity": line.quantity,
                 "scannableCodes": [f"87{line.id[:6]}"], "customAttributes": self.line_attributes}
                for line in moment.detail
            ]))  # fmt: skip
        created = moment.name == "ORDER_CREATED"
        payload = {**base, "orderLineItems": lines, "status": moment.status, "version": moment.version,
                   **self.times(order, moment, created)}  # fmt: skip
        if moment.name == "ORDER_MODIFIED":
            self._modified(order, moment, payload)
        elif moment.name == "ORDER_UNLOCKED":
            payload["statusReasons"] = [{"status": "LOCKED", "reason": "manual check"}]
        elif moment.name == "ORDER_CANCELLED":
            payload["cancelationReason"] = _CANCEL_REASON
        return payload

    def _modified(self, order: Order, moment: Moment, payload: Payload) -> None:
        changes = {"consumer": {"addresses": [self.address]}}
        if moment.basis != "snapshot":
            payload.pop("lastModified", None)
        details: Payload = {"user": "clerk.one", "comment": f"{self.name} moved", "changes": changes}
        if moment.basis != "recorded":
            details["created"] = self.text(moment.at)
        first = {"created": self.text(order.moments[0].at), "user": "clerk.two", "changes": {}}
        payload["updateDetails"] = [first, details] if moment.basis != "recorded" else []
        payload["changes"] = changes

    def plan_(self, plan: Plan, moment: Moment) -> Payload:
        """Write a snapshot of a routing plan."""
        base = plan.base
        if base is None:
            base = plan.base = self._plan_base(plan)
        name, text = moment.name, self.text
        placed = False
        history = [{"status": "INITIAL", "created": text(plan.moments[0].at)}]
        for earlier in plan.moments:
            status = _PLAN_STATUS.get(earlier.name)
            placed = placed or earlier.name in ("ROUTING_PLAN_ROUTED", "ROUTING_PLAN_FALLBACK")
            if status is not None and status != "INITIAL":
                history.append({"status": status, "created": text(earlier.at)})
            if earlier is moment:
                break
        payload = {**base, "status": moment.status, "consolidatedStatus": moment.status, "version": moment.version,
                   "created": text(plan.moments[0].at), "lastModified": text(moment.at),
                   "history": history}  # fmt: skip
        if moment.basis == "recorded":
            del payload["lastModified"], payload["history"]
            if name == "ROUTING_PLAN_REROUTEPLAN_CREATED":
                del payload["created"]
        elif moment.basis == "snapshot" and name in _PLAN_STATUS:
            del payload["history"]  # then lastModified dates the event
        if placed:
            payload["facilityRef"] = plan.facility
        if name == "ROUTING_PLAN_SPLITTED":
            payload["splitCount"] = 1
            payload["childRoutingPlanRef"] = moment.detail.id
        elif name == "ROUTING_PLAN_FALLBACK":
            payload["fallbackRoutingAfterTimeInSeconds"] = 600
        return payload

    def _plan_base(self, plan: Plan) -> Payload:
        order, text = self.order, self.text
        old, job = plan.replaces_plan, plan.replaces_job
        base: Payload = {
            "anonymized": False,
            "decisionLogs": [{"routingRun": 1, "finalizeRun": 1, "url": f"/api/routingplans/{plan.id}/decisionlogs/1"}],
            "finalizeRun": 1, "id": plan.id, "orderDate": self.ordered, "orderRef": order.id,
            "predecessorRerouteRoutingPlanRefs": [old.id] if old is not None else [], "priority": 100,
            "processId": order.process, "routingRun": 1, "successorRerouteRoutingPlanRefs": [],
            "tenantOrderId": order.tenant_order_id, "workflowInformation": NO_WORKFLOW,
            "firstRoutingAttempt": text(plan.moments[0].at), "runType": plan.run_type, "splitCount": 0,
            "orderLineItems": Raw(encode(self.plain_lines(plan.lines, available=2, picked=0))),
            "deliveryPreferences": {"targetTime": self.target}, "targetAddress": self.address,
            "latestPickingStart": {"latestPickingStartDate": text(order.target - 2 * HOUR), "targetTime": self.target,
                                   "carrierRef": self.carrier.id},
            "customAttributes": self.attributes,
        }  # fmt: skip
        if plan.parent is not None:
            base["parentRoutingPlanRef"] = plan.parent.id
        if plan.reason is not None and old is not None and job is not None:
            base["reRouteReason"] = plan.reason
            base["reRoutedRoutingPlanRef"] = old.id
            base["reRoutedFacilityRef"] = old.facility
            if plan.names_job:
                base["reRoutedPickJobRef"] = job.id
        if plan.transfer is not None:
            base["transfers"] = [{"transferType": plan.transfer}]
        return base

    def reservations_(self, batch: Reservations) -> Payload:
        """Write a bulk of reservations; the state before the deletion is what a deletion shows, too."""
        created = self.text(batch.moments[0].at)
        items = []
        for item in batch.items:
            known = item.flows[0] is not None
            refs = {
                "processRefs": list(item.processes), "orderRefs": [self.order.id] if known else [],
                "routingPlanRefs": [item.plan] if known else [], "pickJobRefs": [], "transferRefs": [],
            }  # fmt: skip
            items.append({
                "id": item.id, "version": 1, "created": created, "lastModified": created, "facilityRef": item.facility,
                "tenantArticleId": item.line.article["tenantArticleId"], "quantity": item.line.quantity,
                "host": {"type": "STOCK", "reference": self.stock}, "relatedRefs": refs,
                "customAttributes": self.line_attributes,
            })  # fmt: skip
        return {"items": items}

    def expiry_(self, expiry: Entity, moment: Moment) -> Payload:
        """Write a snapshot of the collection deadline."""
        return {
            "id": expiry.id, "processRef": self.order.process, "processVersion": 1, "provisioningTime": self.target,
            "expiryTime": self.text(self.order.target + 120 * HOUR), "version": moment.version, "status": moment.status,
            **self.times(expiry, moment),
        }  # fmt: skip

    def process_(self, process: Entity, moment: Moment) -> Payload:
        """Write the process at its anonymisation or deletion, with its history."""
        order, text = self.order, self.text
        history = [
            {"moduleEntity": entity.kind, "entityRef": entity.id, "status": "FINISHED",
             "created": text(entity.moments[-1].at), "facilityRef": entity.facility}
            for entity in (order, *order.plans, *order.jobs, *order.packs, *order.parcels, *order.handovers)
        ]  # fmt: skip
        midnight = f"{date_text(moment.detail // (24 * HOUR))}T00:00:00.000Z"
        return {
            "id": process.id, "created": text(order.moments[0].at), "lastModified": text(moment.at),
            "version": moment.version, "gdprCleanupDate": midnight, "deletionDate": midnight, "isAnonymized": True,
            "tenantOrderId": order.tenant_order_id, "orderRef": order.id,
            "routingPlanRefs": [e.id for e in order.plans], "pickJobRefs": [e.id for e in order.jobs],
            "packJobRefs": [e.id for e in order.packs], "shipmentRefs": [e.id for e in order.shipments],
            "handoverJobRefs": [e.id for e in order.handovers], "serviceJobRefs": [e.id for e in order.services],
            "facilityRefs": process_facilities(order), "status": moment.status, "statuses": {"status": moment.status},
            "moduleStatuses": [{"module": "PICKING", "status": "FINISHED"}], "moduleEntityStatusesHistory": history,
        }  # fmt: skip

    def return_(self, item: Entity, moment: Moment) -> Payload:
        """Write an item return job: it carries the process, but belongs to no flow."""
        order = self.order
        return {
            "id": item.id, "version": moment.version, "processRef": order.process,
            "tenantOrderId": order.tenant_order_id, "originFacilityRefs": [item.facility], "status": moment.status,
            "shortId": self.short, "consumerAddresses": [self.address], "itemReturns": [], "anonymized": False,
            "returnableLineItems": self.plain_lines(order.lines), "customAttributes": self.attributes,
            **self.times(item, moment),
        }  # fmt: skip


def process_facilities(order: Order) -> list[str]:
    """Give the facilities of an order's jobs, in the order in which they came in."""
    return list(dict.fromkeys(job.facility for job in order.jobs if job.facility is not None))
