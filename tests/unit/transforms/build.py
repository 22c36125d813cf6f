"""Events by hand, and facts in seconds: what the tests of the projections are written in.

Times are seconds after `T0`; ids default to one of each kind, so that a test names only what it is about.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from schemas.catalogue import Flow
from schemas.event_types import BY_NAME
from schemas.vocabulary import DEADLINE_DAYS
from transforms.clock import parse_time
from transforms.event import FACTS, Event
from transforms.project import Balance, project_all
from transforms.rows import Settings

SECOND = 1_000_000
DAY = 86_400
T0 = parse_time("2026-06-17T08:00:00Z") or 0
DEADLINES = {flow: days * DAY * SECOND for flow, days in DEADLINE_DAYS.items()}

IDS = {
    "ORDER": "O1", "ROUTING_PLAN": "R1", "PICK_JOB": "J1", "PICK_LINE": "L1", "PACK_JOB": "K1", "SHIPMENT": "H1",
    "PARCEL": "X1", "HANDOVER_JOB": "V1", "SERVICE_JOB": "C1", "RESERVATION": "A1", "EXPIRY_ENTITY": "E1",
    "PACKING_TARGET_CONTAINER": "G1", "PROCESS": "P1", "PURCHASE_ORDER": "U1", "RECEIPT": "Q1",
    "INBOUND_PROCESS": "B1", "STOW_JOB": "S1",
}  # fmt: skip
FLOW_IDS = {Flow.ORDER: "P1", Flow.INBOUND: "B1"}
TIME_FACTS = frozenset(
    {"target", "order_date", "arrival", "requested_date", "tracking_stamp", "expiry_time", "reroute_date"}
)


def instant(seconds: float) -> int:
    return T0 + round(seconds * SECOND)


def ev(
    name: str,
    at: float,
    entity_id: str | None = None,
    *,
    flow: str | None = "",
    version: int | None = None,
    status: str | None = None,
    facility: str | None = "F1",
    recorded: float | None = None,
    basis: str = "exact",
    event_id: str | None = None,
    shape: int = -1,
    **facts: Any,
) -> Event:
    """Make one event; `shape` is the number of an alternative payload, facts in seconds where they are times."""
    kind = BY_NAME[name]
    model = kind.model if shape < 0 else kind.alternatives[shape][1]
    key = entity_id or IDS[model.entity]
    flow_id = flow if flow != "" else key if kind.flow is Flow.STOW else FLOW_IDS.get(kind.flow)
    values = {k: instant(v) if k in TIME_FACTS and v is not None else v for k, v in facts.items()}
    made = FACTS[model.name](**values) if model.name in FACTS else None
    recorded_at = instant(at if recorded is None else recorded)
    return Event(
        event_id or f"{name}/{key}/{at}", name, kind.flow.value, flow_id, model.entity, key, version, instant(at),
        basis, recorded_at, facility, status, f"day.ndjson:{at}", made,
    )  # fmt: skip


@dataclass
class Facts:
    """Rows of a projection with every instant in seconds after `T0`."""

    relations: dict[str, list[dict[str, Any]]]
    intervals: list[tuple[Any, ...]]
    events: list[Event]
    balance: Balance

    @property
    def order(self) -> dict[str, Any]:
        (row,) = self.relations["order_flow"]
        return row

    @property
    def inbound(self) -> dict[str, Any]:
        (row,) = self.relations["inbound_flow"]
        return row

    @property
    def stow(self) -> dict[str, Any]:
        (row,) = self.relations["stow_flow"]
        return row

    def leg(self, key: str = "J1") -> dict[str, Any]:
        (row,) = [r for r in self.relations["order_leg"] if r["leg_id"] == key]
        return row

    def parcel(self, key: str = "X1") -> dict[str, Any]:
        (row,) = [r for r in self.relations["order_parcel"] if r["parcel_id"] == key]
        return row

    def receipt(self, key: str = "Q1") -> dict[str, Any]:
        (row,) = [r for r in self.relations["inbound_receipt"] if r["receipt_id"] == key]
        return row

    def stretches(self, entity: str, key: str | None = None) -> list[tuple[str, str, float, float | None]]:
        """List `(stage, kind, start, end)` of one entity in order of time."""
        wanted = key or IDS[entity]
        found = [(i[5], i[6], i[7], i[8]) for i in self.intervals if i[2] == entity and i[3] == wanted]
        return sorted(found, key=lambda s: (s[2], s[0]))


def _seconds(value: int | None) -> float | None:
    return None if value is None else (value - T0) / SECOND


def facts(events: Iterable[Event], *, as_of: float | None = None) -> Facts:
    """Project events; the instant is the newest recorded time unless given."""
    given = list(events)
    moment = max(e.recorded_at for e in given) if as_of is None else instant(as_of)
    rows, kept, balance = project_all(given, Settings(moment, DEADLINES))
    relations = {
        name: [{k: _seconds(v) if k.endswith("_at") else v for k, v in row.items()} for row in getattr(rows, name)]
        for name in ("order_flow", "order_leg", "order_parcel", "inbound_flow", "inbound_receipt", "stow_flow")
    }
    intervals = [(*i[:7], _seconds(i[7]), _seconds(i[8]), i[9]) for i in rows.flow_interval]
    return Facts(relations, intervals, kept, balance)


def assert_columns(row: dict[str, Any], **expected: Any) -> None:
    """Hold several columns of a row against values; the message shows all that differ."""
    assert {k: row[k] for k in expected} == expected


def lines(*amounts: tuple[int | None, int | None]) -> list[tuple[str, int | None, int | None]]:
    """Give pick lines L1, L2, ... by `(quantity, picked)`."""
    return [(f"L{i}", wanted, got) for i, (wanted, got) in enumerate(amounts, 1)]
