"""The payload shapes: which fields of each are decoded. Data, no logic.

A field that is not named here is never decoded. Adding a fact is a line here; a test holds every path against
the personal-data paths of `schemas.personal`.
"""

from __future__ import annotations

from schemas.catalogue import (
    Model,
    count,
    identifier,
    integer,
    number,
    present,
    records,
    text,
    texts,
    time,
    total,
    variant_time,
)

_ORDER_STATUSES = ("OPEN", "CANCELLED", "PROMISED", "LOCKED", "OBSOLETE")
_RECEIPT_STATUSES = ("OPEN", "IN_PROGRESS", "FINISHED")
_INBOUND_STATUSES = ("OPEN", "PARTIAL_DELIVERY", "ON_HOLD", "CLOSED")

_ORDER_FACTS = (
    identifier("tenant_order_id", "tenantOrderId"),
    time("order_date", "orderDate"),
    time("target", "deliveryPreferences.targetTime"),
    count("collects", "deliveryPreferences.collect[]"),
    present("ships", "deliveryPreferences.shipping"),
    count("line_count", "orderLineItems[]"),
    total("units", "orderLineItems[].quantity"),
)

Order = Model(
    "Order",
    "ORDER",
    key="processId",
    facility="deliveryPreferences.collect[].facilityRef",
    status="status",
    statuses=_ORDER_STATUSES,
    facts=_ORDER_FACTS,
)

ModifiedOrder = Model(
    "ModifiedOrder",
    "ORDER",
    key="processId",
    facility="deliveryPreferences.collect[].facilityRef",
    status="status",
    statuses=_ORDER_STATUSES,
    facts=_ORDER_FACTS,
)

RoutingPlan = Model(
    "RoutingPlan",
    "ROUTING_PLAN",
    key="processId",
    facility="facilityRef",
    status="status",
    statuses=(
        "IN_PREPARATION", "INITIAL", "PRIORITIZED", "ROUTING", "PROPOSED", "PLANNED", "ROUTED", "NOT_ROUTABLE",
        "MANUAL_PLANNED", "FAILED", "REDUNDANT_REROUTE", "FAILED_REROUTE", "RETRYABLE", "FALLBACK_ROUTING",
        "WAITING", "OBSOLETE", "CANCELED", "LOCKED", "PROMISED", "REROUTED",
    ),
    facts=(
        text("order_ref", "orderRef", ref="ORDER"),
        text("pick_job_ref", "pickJobRef", ref="PICK_JOB"),
        text("parent_plan_ref", "parentRoutingPlanRef", ref="ROUTING_PLAN"),
        text("child_plan_ref", "childRoutingPlanRef", ref="ROUTING_PLAN"),
        text("rerouted_plan_ref", "reRoutedRoutingPlanRef", ref="ROUTING_PLAN"),
        text("rerouted_pick_job_ref", "reRoutedPickJobRef", ref="PICK_JOB"),
        identifier("tenant_order_id", "tenantOrderId"),
        time("order_date", "orderDate"),
        time("target", "deliveryPreferences.targetTime"),
        text("reroute_reason", "reRouteReason"),
        count("line_count", "orderLineItems[]"),
        total("units", "orderLineItems[].quantity"),
    ),
)  # fmt: skip

PickJob = Model(
    "PickJob",
    "PICK_JOB",
    key="processId",
    facility="facilityRef",
    status="status",
    statuses=(
        "ABORTED", "OPEN", "IN_PROGRESS", "CLOSED", "PICKED", "REROUTED", "REJECTED", "RESTOWED", "EXPIRED",
        "CANCELED", "OBSOLETE", "WAITING_FOR_INPUT", "PAUSED",
    ),
    facts=(
        text("order_ref", "orderRef", ref="ORDER"),
        text("plan_ref", "routingPlanRef", ref="ROUTING_PLAN"),
        text("operative_ref", "operativeProcessRef"),
        text("sub_status", "subStatus"),
        identifier("tenant_order_id", "tenantOrderId"),
        time("order_date", "orderDate"),
        text("channel", "deliveryinformation.channel"),
        time("target", "deliveryinformation.targetTime"),
        records(
            "lines", "pickLineItems[]", text("id", "id"), integer("quantity", "quantity"), integer("picked", "picked")
        ),
    ),
)  # fmt: skip

PickLineItem = Model(
    "PickLineItem",
    "PICK_LINE",
    version=None,
    status="status",
    statuses=("OPEN", "IN_PROGRESS", "CLOSED"),
    facts=(
        text("pick_job_ref", "^pickJobRef", ref="PICK_JOB"),
        integer("quantity", "quantity"),
        integer("picked", "picked"),
    ),
)

PickingOutcome = Model(
    "PickingOutcome",
    "PICK_JOB",
    id="header.jobRef",
    version=None,
    key="header.processRef",
    facility="header.facilityRef",
    facts=(
        text("order_ref", "header.orderRef", ref="ORDER"),
        text("plan_ref", "header.routingPlanRef", ref="ROUTING_PLAN"),
        identifier("tenant_order_id", "header.tenantOrderId"),
        text("job_type", "header.jobType"),
    ),
)

RerouteWarning = Model(
    "RerouteWarning",
    "PICK_JOB",
    id="pickJobData.pickJobRef",
    version=None,
    key="processRef",
    facility="facilityData.facilityRef",
    facts=(
        identifier("tenant_order_id", "pickJobData.tenantOrderId"),
        time("reroute_date", "rerouteDate"),
    ),
)

PackJob = Model(
    "PackJob",
    "PACK_JOB",
    key="processId",
    facility="facilityRef",
    status="status",
    statuses=("OPEN", "IN_PROGRESS", "CLOSED", "OBSOLETE", "CANCELED", "PAUSED"),
    facts=(
        text("pick_job_ref", "pickJobRef", ref="PICK_JOB"),
        text("order_ref", "orderRef", ref="ORDER"),
        text("operative_ref", "operativeProcessRef"),
        identifier("tenant_order_id", "tenantOrderId"),
        time("order_date", "orderDate"),
        time("target", "targetTime"),
        text("channel", "deliveryChannel"),
    ),
)

Container = Model(
    "Container",
    "PACKING_TARGET_CONTAINER",
    key="parcels[].processRef",
    facility="facilityRef",
    facts=(
        text("pack_job_ref", "packJobRef", ref="PACK_JOB"),
        text("operative_ref", "operativeProcessRef"),
        texts("parcel_refs", "parcels[].id", ref="PARCEL"),
    ),
)

Shipment = Model(
    "Shipment",
    "SHIPMENT",
    key="processId",
    facility="facilityRef",
    status="status",
    statuses=("INITIAL", "REQUEST", "RETRYABLE", "CONFIRMED", "COMPLETED", "CANCELED", "OBSOLETE"),
    facts=(
        text("pick_job_ref", "pickJobRef", ref="PICK_JOB"),
        text("operative_ref", "operativeProcessRef"),
        texts("parcel_refs", "parcels[].parcelRef", ref="PARCEL"),
        identifier("tenant_order_id", "tenantOrderId"),
        time("order_date", "orderDate"),
        time("target", "targetTime"),
        text("carrier_ref", "carrierRef"),
    ),
)

Parcel = Model(
    "Parcel",
    "PARCEL",
    key="processRef",
    facility="facilityRef",
    status="status",
    statuses=("OPEN", "PROCESSING", "DONE", "FAILED", "CANCELED", "OBSOLETE", "WAITING_FOR_INPUT"),
    facts=(
        text("shipment_ref", "shipmentRef", ref="SHIPMENT"),
        text("operative_ref", "operativeProcessRef"),
        identifier("tenant_order_id", "tenantOrderId"),
        text("carrier_ref", "carrierRef"),
        text("tracking_status", "result.trackingStatus"),
        variant_time("tracking_stamp", "result.carrierTrackingStatus.timestamp"),
    ),
)

HandoverJob = Model(
    "HandoverJob",
    "HANDOVER_JOB",
    key="processId",
    facility="facilityRef",
    status="status",
    statuses=("OPEN", "HANDED_OVER", "OBSOLETE", "CANCELED", "WAITING_FOR_INPUT"),
    facts=(
        text("pick_job_ref", "pickJobRef", ref="PICK_JOB"),
        text("parcel_ref", "handoverJobParcelInfo.parcelRef", ref="PARCEL"),
        text("shipment_ref", "handoverJobParcelInfo.shipmentRef", ref="SHIPMENT"),
        text("old_parcel_ref", "parcelRef", ref="PARCEL"),
        text("old_shipment_ref", "shipmentRef", ref="SHIPMENT"),
        text("operative_ref", "operativeProcessRef"),
        identifier("tenant_order_id", "tenantOrderId"),
        time("order_date", "orderDate"),
        text("channel", "channel"),
        time("target", "targetTime"),
        text("cancel_reason", "cancelReason"),
        total("refused_units", "handoverJobLineItems[].refused[].quantity"),
    ),
)

ServiceJob = Model(
    "ServiceJob",
    "SERVICE_JOB",
    key="processRef",
    facility="facilityRef",
    status="status",
    statuses=("OPEN", "IN_PROGRESS", "FINISHED", "CANCELLED", "WAITING_FOR_INPUT", "OBSOLETE", "NOT_READY"),
    facts=(
        text("operative_ref", "operativeProcessRef"),
        identifier("tenant_order_id", "tenantOrderId"),
    ),
)

Reservations = Model(
    "Reservations",
    "RESERVATION",
    items="items",
    stands_alone=True,
    key="relatedRefs.processRefs[]",
    facility="facilityRef",
    facts=(
        texts("order_refs", "relatedRefs.orderRefs[]", ref="ORDER"),
        texts("plan_refs", "relatedRefs.routingPlanRefs[]", ref="ROUTING_PLAN"),
        texts("pick_job_refs", "relatedRefs.pickJobRefs[]", ref="PICK_JOB"),
    ),
)

ExpiryEntity = Model(
    "ExpiryEntity",
    "EXPIRY_ENTITY",
    key="processRef",
    status="status",
    statuses=("ACTIVE", "INACTIVE"),
    facts=(time("expiry_time", "expiryTime"), time("provisioning_time", "provisioningTime")),
)

Process = Model(
    "Process",
    "PROCESS",
    key="id",
    facility="facilityRefs[]",
    status="statuses.status",
    statuses=("CREATED", "IN_PROGRESS", "FINISHED", "CANCELED", "ERROR", "NOT_AVAILABLE"),
    facts=(
        text("order_ref", "orderRef", ref="ORDER"),
        texts("plan_refs", "routingPlanRefs[]", ref="ROUTING_PLAN"),
        texts("pick_job_refs", "pickJobRefs[]", ref="PICK_JOB"),
        texts("pack_job_refs", "packJobRefs[]", ref="PACK_JOB"),
        texts("shipment_refs", "shipmentRefs[]", ref="SHIPMENT"),
        texts("handover_job_refs", "handoverJobRefs[]", ref="HANDOVER_JOB"),
        texts("service_job_refs", "serviceJobRefs[]", ref="SERVICE_JOB"),
        identifier("tenant_order_id", "tenantOrderId"),
    ),
)

PurchaseOrder = Model(
    "PurchaseOrder",
    "PURCHASE_ORDER",
    key="inboundProcessRef",
    facility="facilityRef",
    status="status",
    statuses=("OPEN", "CANCELED"),
    facts=(
        text("tenant_inbound_process_id", "tenantInboundProcessId"),
        text("requested_date_type", "requestedDate.type"),
        time("requested_date", "requestedDate.value"),
        count("requested_line_count", "requestedItems[]"),
        total("requested_units", "requestedItems[].quantity.value"),
    ),
)

_DELIVERY_FACTS = (
    text("tenant_inbound_process_id", "tenantInboundProcessRef"),
    text("purchase_order_id", "purchaseOrder.id"),
    text("requested_date_type", "purchaseOrder.requestedDate.type"),
    time("requested_date", "purchaseOrder.requestedDate.value"),
    count("requested_line_count", "purchaseOrder.requestedItems[]"),
    total("requested_units", "purchaseOrder.requestedItems[].quantity.value"),
)

_RECEIPT_FACTS = (
    text("receipt_id", "receipt.id"),
    text("receipt_status", "receipt.status"),
    time("arrival", "receipt.receivedDate"),
    count("line_count", "receipt.receivedItems[]"),
    total("accepted_units", "receipt.receivedItems[].acceptedQuantity.value"),
    total("rejected_units", "receipt.receivedItems[].rejectedQuantity.value"),
)

Receipts = Model(
    "Receipts",
    "RECEIPT",
    id="receipt.id",
    version=None,
    items="items",
    key="inboundProcessRef",
    facility="facilityRef",
    status="receipt.status",
    statuses=_RECEIPT_STATUSES,
    facts=(text("inbound_status", "status"), *_DELIVERY_FACTS, *_RECEIPT_FACTS),
)

DeliveryReceived = Model(
    "DeliveryReceived",
    "INBOUND_PROCESS",
    id="inboundProcessRef",
    version=None,
    key="inboundProcessRef",
    facility="facilityRef",
    status="status",
    statuses=_INBOUND_STATUSES,
    facts=(text("inbound_status", "status"), *_DELIVERY_FACTS, *_RECEIPT_FACTS),
)

DeliveryFinished = Model(
    "DeliveryFinished",
    "INBOUND_PROCESS",
    id="inboundProcessRef",
    version=None,
    key="inboundProcessRef",
    facility="facilityRef",
    status="status",
    statuses=_INBOUND_STATUSES,
    facts=(
        text("inbound_status", "status"),
        *_DELIVERY_FACTS,
        records(
            "receipts",
            "receipts[]",
            text("receipt_id", "id"),
            text("receipt_status", "status"),
            time("arrival", "receivedDate"),
            count("line_count", "receivedItems[]"),
            total("accepted_units", "receivedItems[].acceptedQuantity.value"),
            total("rejected_units", "receivedItems[].rejectedQuantity.value"),
        ),
    ),
)

DeliveryHold = Model(
    "DeliveryHold",
    "INBOUND_PROCESS",
    id="inboundProcessRef",
    version=None,
    key="inboundProcessRef",
    facility="facilityRef",
    status="status",
    statuses=_INBOUND_STATUSES,
    facts=(text("inbound_status", "status"), *_DELIVERY_FACTS),
)

StowJob = Model(
    "StowJob",
    "STOW_JOB",
    key="id",
    facility="facilityRef",
    status="status",
    statuses=("OPEN", "IN_PROGRESS", "CLOSED", "CANCELED", "PAUSED"),
    facts=(
        number("priority", "priority"),
        time("target", "targetTime"),
        count("line_count", "stowLineItems[]"),
        records(
            "targets",
            "stowLineItems[].stowTo[]",
            text("type", "type"),
            number("quantity", "quantity"),
            number("stowed", "stowed.stowedQuantity"),
        ),
    ),
)

Facility = Model("Facility", "FACILITY", facility="id", status="status", statuses=("ONLINE", "SUSPENDED", "OFFLINE"))
FacilityId = Model("FacilityId", "FACILITY", id="", version=None, facility="", shape="string")
FacilityGroup = Model("FacilityGroup", "FACILITY_GROUP", facility="facilityRefs[]")
FacilityGroupId = Model("FacilityGroupId", "FACILITY_GROUP", id="", version=None, shape="string")
# A user id leads to one person, so a user event is counted and dated, and says no more.
User = Model("User", "USER", id=None)
ExternalAction = Model("ExternalAction", "EXTERNAL_ACTION", id="externalActionRef", version=None)
Listings = Model(
    "Listings", "LISTING", items="items", facility="facilityId", status="status", statuses=("ACTIVE", "INACTIVE")
)
Stocks = Model("Stocks", "STOCK", items="items", facility="facilityRef")
FacilityStock = Model(
    "FacilityStock", "FACILITY_STOCK", id="tenantArticleId", version=None, items="[]", facility="facilityRef"
)
StorageLocations = Model("StorageLocations", "STORAGE_LOCATION", items="items", facility="facilityRef")
InventoryCategory = Model("InventoryCategory", "INVENTORY_CATEGORY", id=None, version=None, shape="any")
Zone = Model("Zone", "ZONE", facility="facilityRef")
ItemReturnJob = Model(
    "ItemReturnJob",
    "ITEM_RETURN_JOB",
    facility="originFacilityRefs[]",
    status="status",
    statuses=("OPEN", "IN_PROGRESS", "FINISHED", "CANCELED"),
)
RefundTrigger = Model(
    "RefundTrigger", "REFUND_TRIGGER", id="itemReturnRef", version="itemReturnJobVersion", facility="returnFacilityRef"
)
ReturnJob = Model("ReturnJob", "RETURN", id=None, version=None, shape="any")
