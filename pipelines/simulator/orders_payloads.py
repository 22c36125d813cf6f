"""Writes the payloads of an order's events, shaped and sized like those of the platform, personal data included.

Speed matters more here than anywhere else in the simulator: what does not change is encoded once and shared.
"""

from __future__ import annotations

import random
from typing import Any

from msgspec import Raw
from msgspec.json import encode

from pipelines.simulator.orders_model import (
    Container,
    Entity,
    Handover,
    Line,
    Moment,
    Order,
    PackJob,
    Parcel,
    PickJob,
    Plan,
    Reservations,
    Service,
    Shipment,
)
from pipelines.simulator.orders_times import HOUR, Writer, date_text
from pipelines.simulator.orders_traits import uuid
from pipelines.simulator.world import World

Payload = dict[str, Any]

_NO_WORKFLOW = Raw(b'{"isAvailable":false}')
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


class Mill:
    """Fragments that many orders share, encoded once."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.articles: dict[str, Raw] = {}
        self.senders: dict[str, Raw] = {}
        self.names = {place.id: place.name for place in world.facilities}
        self.cities = {place.id: place.city for place in world.facilities}
        # Tenant-defined attributes repeat from order to order, as those of a real tenant do.
        self.attributes = [Raw(encode(world.custom_attributes(rng, 1400 + 120 * i))) for i in range(12)]
        self.line_attributes = [Raw(encode(world.custom_attributes(rng, 420))) for _ in range(12)]

    def article(self, article: dict[str, Any]) -> Raw:
        """Give an article as the lines show it."""
        key: str = article["tenantArticleId"]
        raw = self.articles.get(key)
        if raw is None:
            shown = {**article, "imageUrl": f"https://img.example.org/{key}.jpg", "attributes": [
                {"category": "descriptive", "key": "%%subtitle%%", "value": f"{article['title']} {key}", "priority": 1},
                {"category": "miscellaneous", "key": "%%weight%%", "value": str(len(key) * 120), "type": "NUMBER"},
            ]}  # fmt: skip
            raw = self.articles[key] = Raw(encode(shown))
        return raw

    def sender(self, facility: str | None) -> Raw:
        """Give the address of a facility."""
        key = facility or ""
        raw = self.senders.get(key)
        if raw is None:
            city = self.cities.get(key, "Koeln")
            raw = self.senders[key] = Raw(encode({
                "companyName": "Speedy Boxales Ltd.", "street": "Domstr.", "houseNumber": str(len(self.senders) + 1),
                "postalCode": "50668", "city": city, "country": "DE",
                "phoneNumbers": [{"type": "PHONE", "value": "0221 000000"}],
                "emailAddresses": [{"value": f"store{len(self.senders)}@example.org", "recipient": "store manager"}],
            }))  # fmt: skip
        return raw


class Papers:
    """Writes the payloads of one order."""

    def __init__(self, mill: Mill, rng: random.Random, order: Order, write: Writer, carrier: Any) -> None:
        self.mill = mill
        self.order = order
        self.text = write
        self.carrier = carrier
        world = mill.world
        person = {"addressType": "POSTAL_ADDRESS", "salutation": "Frau", **world.person(rng)}
        self.address = Raw(encode(person))
        self.name = f"{person['firstName']} {person['lastName']}"
        self.consumer = Raw(
            encode({"consumerId": f"C-{rng.getrandbits(24)}", "email": person["email"], "addresses": [self.address]})
        )
        self.attributes = mill.attributes[rng.getrandbits(16) % len(mill.attributes)]
        self.line_attributes = mill.line_attributes[rng.getrandbits(16) % len(mill.line_attributes)]
        self.user = world.user(rng)
        self.documents = uuid(rng)
        self.short = f"{'ABCDEFGHKLMN'[rng.getrandbits(8) % 12]}S{rng.getrandbits(16) % 90 + 10}"
        self.ordered = write(order.ordered_at)
        self.target = write(order.target)
        self.stock = uuid(rng)
        self._order_lines: dict[int, Raw] = {}

    def _times(self, entity: Entity, moment: Moment, exact_created: bool = False) -> Payload:
        """Give created and lastModified as far as the moment's time basis leaves them there."""
        if moment.basis == "recorded":
            # created is a weak path on later snapshots; on the first one it would date the event.
            return {} if exact_created else {"created": self.text(entity.moments[0].at)}
        return {"created": self.text(entity.moments[0].at), "lastModified": self.text(moment.at)}

    def _plain_lines(self, lines: list[Line], **more: Any) -> list[Payload]:
        article = self.mill.article
        return [
            {"id": line.id, "article": article(line.article), "quantity": line.quantity, **more,
             "globalLineItemId": line.order_line} for line in lines
        ]  # fmt: skip

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
                "processId": order.process, "workflowInformation": _NO_WORKFLOW, "schemaVersion": 1,
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
                   **self._times(order, moment, created)}  # fmt: skip
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
                   "created": text(plan.moments[0].at), "lastModified": text(moment.at), "history": history}  # fmt: skip
        if moment.basis == "recorded":
            del payload["lastModified"], payload["history"]
            if name == "ROUTING_PLAN_REROUTEPLAN_CREATED":
                del payload["created"]
        elif moment.basis == "snapshot":
            del payload["history"]
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
            "tenantOrderId": order.tenant_order_id, "workflowInformation": _NO_WORKFLOW,
            "firstRoutingAttempt": text(plan.moments[0].at), "runType": plan.run_type, "splitCount": 0,
            "orderLineItems": Raw(encode(self._plain_lines(plan.lines, available=2, picked=0))),
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

    def _job_base(self, job: PickJob) -> Payload:
        order = self.order
        delivery: Payload = {"channel": job.channel, "targetTime": self.text(job.target),
                             "targetTimeBaseDate": self.ordered}  # fmt: skip
        if job.channel == "SHIPPING":
            shipping = {"identifier": self.name, "recipientaddress": self.address, "serviceLevel": "DELIVERY"}
            delivery["details"] = {"shipping": shipping}
        else:
            delivery["details"] = {"collect": {"identifier": self.name, "paid": True, "consumer": self.consumer}}
        base: Payload = {
            "deliveryinformation": Raw(encode(delivery)), "facilityRef": job.facility, "orderDate": self.ordered,
            "shortId": self.short, "workflowInformation": _NO_WORKFLOW, "documentsRef": self.documents, "id": job.id,
            "tenantOrderId": order.tenant_order_id, "anonymized": False,
            "pickingTimes": {"startLatestAt": self.text(job.target - 2 * HOUR)},
            "preferredPickingMethods": ["SINGLE_ORDER"], "customAttributes": self.attributes,
        }  # fmt: skip
        if job.with_process and job.resolvable:
            base["processId"] = order.process
        if job.resolvable:
            base["orderRef"] = order.id
        if job.plan is not None:
            base["routingPlanRef"] = job.plan.id
            if job.plan.transfer is not None:
                base["transfers"] = [{"type": job.plan.transfer, "id": order.id}]
        if job.operative is not None:
            base["operativeProcessRef"] = job.operative
        return base

    def _line(self, job: PickJob, index: int, moment: Moment) -> Payload:
        line, picked = job.lines[index], moment.detail.lines[index]
        status = "IN_PROGRESS" if picked.status == "OPEN" and moment.detail.working else picked.status
        shown = {"id": line.id, "article": self.mill.article(line.article), "quantity": line.quantity,
                 "picked": picked.units, "status": status, "globalLineItemId": line.order_line,
                 "scannableCodes": ["8714567" + line.id[:4]], "customAttributes": self.line_attributes}  # fmt: skip
        if picked.at is not None:
            shown["pickedAt"] = self.text(picked.at)
        return shown

    def job_(self, job: PickJob, moment: Moment) -> Payload:
        """Write what a pick job's event carries: the job, one line, an outcome, or a warning."""
        name, text = moment.name, self.text
        if name == "PICK_JOB_PICK_LINE_PICKED":
            payload = self._line(job, moment.detail.line, moment)
            if moment.basis == "recorded":
                payload.pop("pickedAt", None)
            return payload
        if name == "UPCOMING_TIME_TRIGGERED_REROUTE":
            return self._warning(job, moment)
        if name == "PICKING_PICK_JOB_COMPLETE" and moment.detail is None:
            return self._outcome(job)
        base = job.base
        if base is None:
            base = job.base = self._job_base(job)
        payload = {**base, "pickLineItems": [self._line(job, i, moment) for i in range(len(job.lines))],
                   "status": moment.status, "version": moment.version,
                   **self._times(job, moment, name == "PICK_JOB_CREATED")}  # fmt: skip
        if name == "PICK_JOB_PICKING_FINISHED" and moment.basis == "exact":
            del payload["lastModified"]
        if moment.detail.sub_status is not None:
            payload["subStatus"] = moment.detail.sub_status
        if moment.detail.working:
            payload["editor"] = job.user
            payload["assignedUsers"] = [job.user]
            payload["usersModificationHistory"] = [{"modificationDate": text(moment.at), **(job.user or {})}]
        return payload

    def _warning(self, job: PickJob, moment: Moment) -> Payload:
        place = job.facility or ""
        return {
            "processRef": self.order.process, "rerouteDate": self.text(moment.at + HOUR),
            "pickJobData": {"pickJobRef": job.id, "tenantOrderId": self.order.tenant_order_id, "shortId": self.short,
                            "created": self.text(job.moments[0].at)},
            "facilityData": {"facilityRef": job.facility, "name": self.mill.names.get(place), "timeZone": "Europe/Berlin"},
        }  # fmt: skip

    def _outcome(self, job: PickJob) -> Payload:
        order = self.order
        header = {"jobRef": job.id, "jobType": "PICK_JOB", "facilityRef": job.facility, "orderRef": order.id,
                  "tenantOrderId": order.tenant_order_id, "processRef": order.process}  # fmt: skip
        if job.plan is not None:
            header["routingPlanRef"] = job.plan.id
        records = [
            {"lineItemId": line.id, "provided": {"diagnostics": []}, "stockSelection": {"diagnostics": []},
             "reduction": {"diagnostics": []}, "diagnostics": [{"code": "LINE_ITEM_SHORT_PICK"}]} for line in job.lines
        ]  # fmt: skip
        config = {"stockToZeroOnShortPickActive": True, "shortPickActiveDefaulted": True}
        return {"header": header, "config": config, "reasons": ["LINE_ITEM_SHORT_PICK"], "records": records}

    def _hanging(self, job: PickJob | None) -> Payload:
        """Give the references that all jobs behind a pick job carry."""
        order = self.order
        shown: Payload = {"tenantOrderId": order.tenant_order_id, "workflowInformation": _NO_WORKFLOW}
        if job is not None:
            shown["facilityRef"] = job.facility
            shown["operativeProcessRef"] = job.operative
        return shown

    def pack_(self, pack: PackJob, moment: Moment) -> Payload:
        """Write a snapshot of a pack job."""
        base, job = pack.base, pack.job
        lines = job.lines if job is not None else []
        if base is None:
            base = pack.base = {
                **self._hanging(job), "documentsRef": self.documents, "id": pack.id, "processId": self.order.process,
                "pickJobRef": job.id if job else None, "orderRef": self.order.id, "orderDate": self.ordered,
                "targetTime": self.target, "deliveryChannel": job.channel if job else None, "shortId": self.short,
                "recipientName": self.name, "recipient": self.address, "anonymized": False,
                "customAttributes": self.attributes,
                "#": Raw(encode(self._plain_lines(lines, packed=0, customAttributes=self.line_attributes))),
                "##": Raw(encode(self._plain_lines(lines, packed=1, customAttributes=self.line_attributes))),
            }  # fmt: skip
        payload = {**base, "lineItems": base["##" if moment.detail else "#"], "status": moment.status,
                   "version": moment.version, **self._times(pack, moment, moment.name == "PACK_JOB_CREATED")}  # fmt: skip
        del payload["#"], payload["##"]
        if moment.name != "PACK_JOB_CREATED":
            payload["editor"] = self.user
        return payload

    def container_(self, container: Container, moment: Moment) -> Payload:
        """Write a snapshot of a packing container."""
        pack = container.pack
        job = pack.job if pack is not None else None
        lines = self._plain_lines(job.lines) if job is not None and moment.detail else []
        return {
            "version": moment.version, "codes": ["BOX-1"], "lineItems": lines, "nameLocalized": {"en_US": "Small box"},
            "facilityRef": container.facility, "id": container.id, "packJobRef": pack.id if pack else None,
            "type": "PHYSICAL", "operativeProcessRef": job.operative if job else None, "sequenceNumber": 1,
            "customAttributes": self.attributes, **self._times(container, moment),
        }  # fmt: skip

    def shipment_(self, shipment: Shipment, moment: Moment) -> Payload:
        """Write a snapshot of a shipment; its parcels are named once they are there."""
        base, job = shipment.base, shipment.job
        if base is None:
            base = shipment.base = {
                **self._hanging(job), "orderDate": self.ordered, "targetTime": self.text(shipment.target),
                "hasActiveCarrier": True, "id": shipment.id, "carrierRef": self.carrier.id,
                "carrierKey": self.carrier.key, "shortId": self.short, "targetAddress": self.address,
                "sourceAddress": self.mill.sender(shipment.facility), "anonymized": False,
                "lineItems": Raw(encode(self._plain_lines(job.lines if job else []))),
                "pickJobRef": job.id if job else None, "customAttributes": self.attributes,
            }  # fmt: skip
            if shipment.with_process:
                base["processId"] = self.order.process
        payload = {**base, "status": moment.status, "version": moment.version,
                   **self._times(shipment, moment, moment.name == "SHIPMENT_CREATED")}  # fmt: skip
        if moment.detail:
            payload["parcels"] = [
                {"parcelRef": p.id, "carrierRef": p.carrier, "status": "DONE",
                 "carrierTrackingNumber": p.tracking_number}
                for p in self.order.parcels if p.shipment is shipment
            ]  # fmt: skip
        return payload

    def parcel_(self, parcel: Parcel, moment: Moment) -> Payload:
        """Write a snapshot of a parcel, with what the carrier said so far."""
        base, shipment = parcel.base, parcel.shipment
        job = shipment.job if shipment is not None else None
        if base is None:
            base = parcel.base = {
                **self._hanging(job), "carrierRef": parcel.carrier, "id": parcel.id, "loadUnitRefs": [],
                "processRef": self.order.process, "recipient": self.address,
                "sender": self.mill.sender(parcel.facility), "shipmentRef": shipment.id if shipment else None,
                "anonymized": False, "shortId": f"{self.short}-1", "customAttributes": self.attributes,
                "items": Raw(encode(self._plain_lines(job.lines if job else []))),
            }  # fmt: skip
        payload = {**base, "status": moment.status, "version": moment.version,
                   **self._times(parcel, moment, moment.name == "PARCEL_CARRIER_CREATED")}  # fmt: skip
        state = moment.detail
        if state.result == "failed":
            payload["result"] = {"summary": "label not created", "errors": {"labelError": "postal code unknown"}}
        elif state.result:
            number = parcel.tracking_number
            result: Payload = {
                "summary": "label created", "carrierTrackingNumber": number,
                "labelUrl": f"%%HOST%%/api/parcels/{parcel.id}/labels/{number}.pdf",
                "trackingUrl": f"http://track.io/{number}",
            }  # fmt: skip
            if state.tracking:
                result["trackingStatus"] = state.tracking
                result["carrierTrackingStatus"] = state.tracking
                if state.stamp is not None:
                    result["carrierTrackingStatus"] = {
                        "status": state.tracking, "description": f"parcel {state.tracking}",
                        "timestamp": self.text(state.stamp),
                    }  # fmt: skip
            payload["result"] = result
        return payload

    def handover_(self, handover: Handover, moment: Moment) -> Payload:
        """Write a snapshot of a hand-over job."""
        base, job, parcel = handover.base, handover.job, handover.parcel
        lines = job.lines if job is not None else []
        if base is None:
            base = handover.base = {
                **self._hanging(job), "channel": "COLLECT" if job and job.channel == "COLLECT" else "DELIVERY",
                "id": handover.id, "orderDate": self.ordered, "targetTime": self.text(handover.target),
                "fullIdentifier": self.name, "shortIdentifier": self.short, "paid": True,
                "recipientAddress": self.address, "anonymized": False, "documentsRef": self.documents,
                "customAttributes": self.attributes, "assignedUsers": [self.user],
            }  # fmt: skip
            if handover.with_process:
                base["processId"] = self.order.process
            if handover.with_job and job is not None:
                base["pickJobRef"] = job.id
            if parcel is not None:
                base["handoverJobParcelInfo"] = {
                    "parcelRef": parcel.id, "shipmentRef": parcel.shipment.id if parcel.shipment else None,
                    "carrierRef": parcel.carrier, "carrierKey": self.carrier.key,
                    "carrierTrackingNumber": parcel.tracking_number,
                }  # fmt: skip
        state = moment.detail
        article = self.mill.article
        shown: list[Payload] = [
            {"id": line.order_line, "article": article(line.article), "quantity": line.quantity,
             "handedOverQuantity": line.quantity if state.handed else 0, "status": "CLOSED" if state.handed else "OPEN"}
            for line in lines
        ]  # fmt: skip
        if state.refused and shown:
            shown[0]["refused"] = [{"quantity": state.refused, "reason": "damaged", "comment": f"{self.name} said no"}]
        payload = {**base, "handoverJobLineItems": shown, "status": moment.status, "version": moment.version,
                   **self._times(handover, moment, moment.name == "HANDOVERJOB_CREATED")}  # fmt: skip
        if state.cancel_reason is not None:
            payload["cancelReason"] = state.cancel_reason
        return payload

    def service_(self, service: Service, moment: Moment) -> Payload:
        """Write a snapshot of a service job."""
        job = service.job
        return {
            **self._hanging(job), "nameLocalized": {"en_US": "Gift wrap"}, "customServiceRef": self.stock,
            "id": service.id, "itemsRequired": "MANDATORY", "processRef": self.order.process, "status": moment.status,
            "lineItems": self._plain_lines(job.lines if job else []), "targetTime": self.target,
            "version": moment.version, "executionTimeInMin": 5, "customAttributes": self.attributes,
            **self._times(service, moment),
        }  # fmt: skip

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
            **self._times(expiry, moment),
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
            "returnableLineItems": self._plain_lines(order.lines), "customAttributes": self.attributes,
            **self._times(item, moment),
        }  # fmt: skip


def process_facilities(order: Order) -> list[str]:
    """Give the facilities of an order's jobs, in the order in which they came in."""
    return list(dict.fromkeys(job.facility for job in order.jobs if job.facility is not None))
