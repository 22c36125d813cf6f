"""Events of an order by hand, for the tests of its projection. Times are seconds."""

from __future__ import annotations

from typing import Any

from tests.unit.transforms.build import ev, lines
from transforms.event import Event

W, P, O, B = "working", "paused", "waiting", "blocked"  # noqa: E741


def created(at: float = 0, **more: Any) -> Event:
    base = {"status": "OPEN", "line_count": 2, "units": 3, "ships": True, "target": 500, "order_date": -4}
    return ev("ORDER_CREATED", at, **(base | more))


def routed(at: float = 10, plan: str = "R1", **more: Any) -> Event:
    return ev("ROUTING_PLAN_ROUTED", at, plan, order_ref="O1", **more)


def pick(word: str, at: float, job: str = "J1", *amounts: tuple[int | None, int | None], **more: Any) -> Event:
    base = {"plan_ref": f"R{job[1:]}", "channel": "SHIPPING"}
    if amounts:
        base["lines"] = lines(*amounts)  # type: ignore[assignment]
    return ev(f"PICK_JOB_{word}", at, job, **(base | more))


def start(at: float, job: str = "J1") -> Event:
    return pick("PICKING_COMMENCED", at, job)


def finish(at: float, job: str = "J1", *amounts: tuple[int | None, int | None]) -> Event:
    return pick("PICKING_FINISHED", at, job, *(amounts or ((2, 2), (1, 1))), status="CLOSED")


def ready(at: float, job: str = "V1", leg: str = "J1", **more: Any) -> Event:
    return ev("HANDOVERJOB_CREATED", at, job, **({"pick_job_ref": leg, "target": 500} | more))


def handed(at: float, job: str = "V1", leg: str = "J1", **more: Any) -> Event:
    return ev("HANDOVERJOB_HANDED_OVER", at, job, pick_job_ref=leg, **more)


def happy() -> list[Event]:
    """Order, plan, pick job, pack job, parcel, hand-over; nothing goes wrong."""
    return [
        created(),
        routed(10),
        ev("INVENTORY_RESERVATIONS_CREATED", 11, order_refs=["O1"]),
        pick("CREATED", 20, "J1", (2, 0), (1, 0), status="OPEN", operative_ref="W1"),
        ev("SHIPMENT_CREATED", 21, pick_job_ref="J1", parcel_refs=["X1"], target=450),
        start(50),
        ev("PICK_JOB_PICK_LINE_PICKED", 55, pick_job_ref="J1", quantity=2, picked=2),
        finish(90),
        ev("PACK_JOB_CREATED", 95, pick_job_ref="J1"),
        ev("PACK_JOB_UPDATED", 100, status="IN_PROGRESS", pick_job_ref="J1"),
        ev("PARCEL_CARRIER_CREATED", 110, shipment_ref="H1", carrier_ref="DHL"),
        ev("PARCEL_CARRIER_REQUESTED", 111, shipment_ref="H1"),
        ev("PARCEL_CARRIER_ACKNOWLEDGED", 115, shipment_ref="H1"),
        ev("PACK_JOB_CLOSED", 130, pick_job_ref="J1"),
        ready(131, parcel_ref="X1"),
        handed(400),
    ]
