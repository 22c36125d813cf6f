"""Writes the payloads of the jobs of an order: picking, packing, shipments, parcels, hand-over, services."""

from __future__ import annotations

from msgspec import Raw
from msgspec.json import encode

from pipelines.simulator.orders_fragments import NO_WORKFLOW, Fragments, Payload
from pipelines.simulator.orders_model import Container, Handover, Moment, PackJob, Parcel, PickJob, Service, Shipment
from pipelines.simulator.orders_times import HOUR


class JobPapers(Fragments):
    """Writes the payloads of the jobs of one order."""

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
            "shortId": self.short, "workflowInformation": NO_WORKFLOW, "documentsRef": self.documents, "id": job.id,
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
                   **self.times(job, moment, name == "PICK_JOB_CREATED")}  # fmt: skip
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
            "facilityData": {"facilityRef": job.facility, "name": self.mill.names.get(place),
                             "timeZone": "Europe/Berlin"},
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

    def pack_(self, pack: PackJob, moment: Moment) -> Payload:
        """Write a snapshot of a pack job."""
        base, job = pack.base, pack.job
        lines = job.lines if job is not None else []
        if base is None:
            base = pack.base = {
                **self.hanging(job), "documentsRef": self.documents, "id": pack.id, "processId": self.order.process,
                "pickJobRef": job.id if job else None, "orderRef": self.order.id, "orderDate": self.ordered,
                "targetTime": self.target, "deliveryChannel": job.channel if job else None, "shortId": self.short,
                "recipientName": self.name, "recipient": self.address, "anonymized": False,
                "customAttributes": self.attributes,
                "#": Raw(encode(self.plain_lines(lines, packed=0, customAttributes=self.line_attributes))),
                "##": Raw(encode(self.plain_lines(lines, packed=1, customAttributes=self.line_attributes))),
            }  # fmt: skip
        lines_now = base["##" if moment.detail else "#"]
        payload = {**base, "lineItems": lines_now, "status": moment.status, "version": moment.version,
                   **self.times(pack, moment, moment.name == "PACK_JOB_CREATED")}  # fmt: skip
        del payload["#"], payload["##"]
        if moment.name != "PACK_JOB_CREATED":
            payload["editor"] = self.user
        return payload

    def container_(self, container: Container, moment: Moment) -> Payload:
        """Write a snapshot of a packing container."""
        pack = container.pack
        job = pack.job if pack is not None else None
        lines = self.plain_lines(job.lines) if job is not None and moment.detail else []
        return {
            "version": moment.version, "codes": ["BOX-1"], "lineItems": lines, "nameLocalized": {"en_US": "Small box"},
            "facilityRef": container.facility, "id": container.id, "packJobRef": pack.id if pack else None,
            "type": "PHYSICAL", "operativeProcessRef": job.operative if job else None, "sequenceNumber": 1,
            "customAttributes": self.attributes, **self.times(container, moment),
        }  # fmt: skip

    def shipment_(self, shipment: Shipment, moment: Moment) -> Payload:
        """Write a snapshot of a shipment; its parcels are named once they are there."""
        base, job = shipment.base, shipment.job
        if base is None:
            base = shipment.base = {
                **self.hanging(job), "orderDate": self.ordered, "targetTime": self.text(shipment.target),
                "hasActiveCarrier": True, "id": shipment.id, "carrierRef": self.carrier.id,
                "carrierKey": self.carrier.key, "shortId": self.short, "targetAddress": self.address,
                "sourceAddress": self.mill.sender(shipment.facility), "anonymized": False,
                "lineItems": Raw(encode(self.plain_lines(job.lines if job else []))),
                "pickJobRef": job.id if job else None, "customAttributes": self.attributes,
            }  # fmt: skip
            if shipment.with_process:
                base["processId"] = self.order.process
        payload = {**base, "status": moment.status, "version": moment.version,
                   **self.times(shipment, moment, moment.name == "SHIPMENT_CREATED")}  # fmt: skip
        payload["parcels"] = []
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
                **self.hanging(job), "carrierRef": parcel.carrier, "id": parcel.id, "loadUnitRefs": [],
                "processRef": self.order.process, "recipient": self.address,
                "sender": self.mill.sender(parcel.facility), "shipmentRef": shipment.id if shipment else None,
                "anonymized": False, "shortId": f"{self.short}-1", "customAttributes": self.attributes,
                "items": Raw(encode(self.plain_lines(job.lines if job else []))),
            }  # fmt: skip
        payload = {**base, "status": moment.status, "version": moment.version,
                   **self.times(parcel, moment, moment.name == "PARCEL_CARRIER_CREATED")}  # fmt: skip
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
                **self.hanging(job), "channel": "COLLECT" if job and job.channel == "COLLECT" else "DELIVERY",
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
                   **self.times(handover, moment, moment.name == "HANDOVERJOB_CREATED")}  # fmt: skip
        if state.cancel_reason is not None:
            payload["cancelReason"] = state.cancel_reason
        return payload

    def service_(self, service: Service, moment: Moment) -> Payload:
        """Write a snapshot of a service job."""
        job = service.job
        return {
            **self.hanging(job), "nameLocalized": {"en_US": "Gift wrap"}, "customServiceRef": self.stock,
            "id": service.id, "itemsRequired": "MANDATORY", "processRef": self.order.process, "status": moment.status,
            "lineItems": self.plain_lines(job.lines if job else []), "targetTime": self.target,
            "version": moment.version, "executionTimeInMin": 5, "customAttributes": self.attributes,
            **self.times(service, moment),
        }  # fmt: skip
