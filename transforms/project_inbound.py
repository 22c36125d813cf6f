"""Facts of one inbound process: `inbound_flow`, `inbound_receipt` and its intervals (rulings 36 to 39)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from schemas.event_types import BY_NAME
from schemas.vocabulary import INBOUND_MILESTONES, Outcome, Stage, StageKind
from transforms.event import Event
from transforms.rows import (
    IntervalSink,
    Row,
    Rows,
    Settings,
    columns_by_event,
    first,
    flow_flags,
    is_overdue,
    last,
    newest,
    newest_facility,
    only,
    order_key,
    rests_on_recorded,
    span,
    variant,
)

_PO_ENDS = frozenset({"INBOUND_PROCESS_PURCHASE_ORDER_CANCELED", "INBOUND_PROCESS_PURCHASE_ORDER_DELETED"})
_BOOKKEEPING = frozenset(name for name, t in BY_NAME.items() if not t.working)
_SOURCES = {
    "purchase_order_created_at": frozenset({"INBOUND_PROCESS_PURCHASE_ORDER_CREATED"}),
    "purchase_order_cancelled_at": _PO_ENDS,
    "first_receipt_created_at": frozenset({"INBOUND_PROCESS_RECEIPT_CREATED"}),
    "first_delivery_received_at": frozenset({"INBOUND_DELIVERY_RECEIVED", "INBOUND_PROCESS_RECEIPT_CREATED"}),
    "last_delivery_received_at": frozenset({"INBOUND_DELIVERY_RECEIVED", "INBOUND_PROCESS_RECEIPT_CREATED"}),
    "inbound_finished_at": frozenset({"INBOUND_DELIVERY_FINISHED"}),
}
_COLUMNS = columns_by_event(_SOURCES)
_DURATIONS = (
    "po_to_first_receipt_seconds", "on_hold_seconds", "inbound_complete_seconds", "delivery_span_seconds",
)  # fmt: skip


@dataclass(slots=True)
class _Receipt:
    """One receipt: its milestones and its newest snapshot."""

    id: str
    created_at: int | None = None
    started_at: int | None = None
    received_at: int | None = None
    born_received: bool = False
    facility: str | None = None
    status: str | None = None
    arrival: int | None = None
    lines: int | None = None
    accepted: float | None = None
    rejected: float | None = None

    def see(self, facts: Any, facility: str | None) -> None:
        """Take over a newer snapshot."""
        self.facility = facility or self.facility
        self.status = facts[1] or self.status
        self.arrival = facts[2] if facts[2] is not None else self.arrival
        if facts[3] is not None:
            self.lines, self.accepted, self.rejected = facts[3], facts[4], facts[5]

    def row(self, flow_id: str | None) -> Row:
        """Make the row of the receipt."""
        return {
            "receipt_id": self.id,
            "flow_id": flow_id,
            "facility_ref": self.facility,
            "status": self.status,
            "arrival_at": self.arrival,
            "receipt_created_at": self.created_at,
            "receipt_started_at": self.started_at,
            "delivery_received_at": self.received_at,
            "arrival_to_receipt_seconds": span(self.arrival, self.created_at),
            "receipt_duration_seconds": span(self.started_at, self.received_at),
            "dock_to_stock_seconds": span(self.arrival, self.received_at),
            "line_count": self.lines,
            "accepted_units": _float(self.accepted),
            "rejected_units": _float(self.rejected),
        }


@dataclass(slots=True)
class _Inbound:
    """One inbound process while its rows are made."""

    events: list[Event]
    orders: list[Event] = field(default_factory=list)
    receipts: dict[str, _Receipt] = field(default_factory=dict)
    holds: list[tuple[int, int | None, str | None]] = field(default_factory=list)
    finished_at: int | None = None
    cancelled_at: int | None = None
    status: str | None = None

    def read(self) -> None:
        hold: tuple[int, str | None] | None = None
        for e in self.events:
            name, at, facts = e.name, e.event_at, e.facts
            if e.entity == "PURCHASE_ORDER":
                self.orders.append(e)
                if name in _PO_ENDS and self.cancelled_at is None:
                    self.cancelled_at = at
                continue
            self.status = getattr(facts, "inbound_status", None) or self.status
            if name.startswith("INBOUND_PROCESS_RECEIPT_"):
                receipt = self._receipt(e.entity_id or "")
                receipt.see(_snapshot(facts), e.facility)
                if name == "INBOUND_PROCESS_RECEIPT_CREATED":
                    if receipt.created_at is None:
                        receipt.created_at = at
                        if facts.receipt_status == "IN_PROGRESS" and receipt.started_at is None:
                            receipt.started_at = at
                        if facts.receipt_status == "FINISHED" and receipt.received_at is None:
                            receipt.received_at, receipt.born_received = at, True
                elif name == "INBOUND_PROCESS_RECEIPT_STARTED" and receipt.started_at is None:
                    receipt.started_at = at
            elif name == "INBOUND_DELIVERY_RECEIVED" and facts.receipt_id:
                receipt = self._receipt(facts.receipt_id)
                receipt.see(_snapshot(facts), e.facility)
                if receipt.received_at is None or receipt.born_received:
                    receipt.received_at, receipt.born_received = at, False
            elif name == "INBOUND_DELIVERY_FINISHED":
                if self.finished_at is None:
                    self.finished_at = at
                for r in facts.receipts or ():
                    if r[0]:
                        self._receipt(r[0]).see(r, e.facility)
            elif name == "INBOUND_DELIVERY_ON_HOLD":
                if hold is None:
                    hold = (at, e.facility)
            elif name == "INBOUND_DELIVERY_RELEASED" and hold is not None:
                self.holds.append((hold[0], at, hold[1]))
                hold = None
        if hold is not None:
            self.holds.append((hold[0], None, hold[1]))

    def _receipt(self, key: str) -> _Receipt:
        return self.receipts.setdefault(key, _Receipt(key))

    def requested(self) -> list[int]:
        """List the requested points in time by version; what receipt and delivery events repeat comes last."""
        dated = sorted(self.orders, key=lambda e: (e.version or 0, order_key(e)))
        if not dated:
            dated = [e for e in self.events if getattr(e.facts, "requested_date", None) is not None]
        return [
            e.facts.requested_date
            for e in dated
            if e.facts.requested_date_type == "TIME_POINT" and e.facts.requested_date is not None
        ]

    def outcome(self, *, overdue: bool) -> tuple[Outcome, int | None]:
        """Give outcome and finish (rulings 36 and 37)."""
        received = [r.received_at for r in self.receipts.values()]
        without_order = self.cancelled_at is not None or not self.has_order()
        if self.finished_at is not None:
            return Outcome.FULFILLED, self.finished_at
        if received and None not in received and without_order:
            return Outcome.FULFILLED, last((*received, self.cancelled_at))
        open_receipts = any(r is None for r in received)
        if self.cancelled_at is not None and not open_receipts:
            return Outcome.CANCELLED, self.cancelled_at
        return (Outcome.INCOMPLETE if overdue else Outcome.OPEN), None

    def has_order(self) -> bool:
        """Say whether a purchase order is known."""
        return bool(self.orders) or newest(self.events, "purchase_order_id") is not None

    def deviations(self, received: list[_Receipt]) -> set[str]:
        """Say how the process left the happy path (ruling 17)."""
        names = {e.name for e in self.events}
        found = set()
        if self.holds:
            found.add("on_hold")
        if len(received) > 1 or any(
            getattr(e.facts, "inbound_status", None) == "PARTIAL_DELIVERY" for e in self.events
        ):
            found.add("partial_delivery")
        if "INBOUND_PROCESS_PURCHASE_ORDER_REQUESTED_DATE_CHANGED" in names:
            found.add("date_changed")
        if "INBOUND_PROCESS_PURCHASE_ORDER_LINE_ITEMS_CHANGED" in names:
            found.add("lines_changed")
        if any((r.rejected or 0) > 0 for r in self.receipts.values()):
            found.add("rejected_goods")
        finish = self.finished_at
        if finish is not None and any(
            t is not None and t > finish for r in self.receipts.values() for t in (r.created_at, r.received_at)
        ):
            found.add("over_delivery")
        if self.receipts and not self.has_order():
            found.add("blind_receipt")
        if names & _PO_ENDS:
            found.add("purchase_order_cancelled")
        return found


def _snapshot(facts: Any) -> tuple[Any, ...]:
    return (
        facts.receipt_id,
        facts.receipt_status,
        facts.arrival,
        facts.line_count,
        facts.accepted_units,
        facts.rejected_units,
    )


def _float(value: float | int | None) -> float | None:
    return None if value is None else float(value)


def _sum(values: Iterable[float | None]) -> float | None:
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def project_inbound(flow_id: str, events: Iterable[Event], settings: Settings, rows: Rows) -> None:
    """Add the facts of one inbound process to `rows`.

    Args:
        flow_id: inbound process id.
        events: the distinct events of the process, in any order.
        settings: instant and deadlines.
        rows: where the facts go.
    """
    log = _Inbound(sorted(events, key=order_key))
    log.read()
    ordered = log.events
    working = [e for e in ordered if e.name not in _BOOKKEEPING]
    outcome, finished = log.outcome(overdue=is_overdue(working[-1].event_at if working else None, "inbound", settings))
    receipts = list(log.receipts.values())
    received = [r for r in receipts if r.received_at is not None]
    rows.inbound_receipt += [r.row(flow_id) for r in receipts]
    created = next((e.event_at for e in log.orders if e.name == "INBOUND_PROCESS_PURCHASE_ORDER_CREATED"), None)
    receipt_created = first(r.created_at for r in receipts)
    first_received = first(r.received_at for r in received)
    requested = log.requested()
    arrival = first(r.arrival for r in receipts)
    accepted, rejected = _sum(r.accepted for r in received), _sum(r.rejected for r in received)
    facilities = {e.facility for e in ordered if e.facility is not None}
    deviations = sorted(log.deviations(received))
    requested_lines, requested_units = _requested_lines(log)
    has_order = log.has_order()
    milestones = {
        "purchase_order_created": created,
        "receipt_created": receipt_created,
        "receipt_started": first(r.started_at for r in receipts),
        "delivery_received": first_received,
        "inbound_finished": log.finished_at,
    }
    start = created if created is not None else receipt_created
    goods = (accepted or 0) + (rejected or 0)
    row: Row = {
        "flow_id": flow_id,
        "outcome": outcome.value,
        "started_at": start if start is not None else ordered[0].event_at,
        "finished_at": finished,
        "first_event_at": ordered[0].event_at,
        "last_event_at": ordered[-1].event_at,
        "event_count": len(ordered),
        "facility_ref": only(facilities),
        "facility_count": len(facilities),
        "variant": variant((m, milestones[m]) for m in INBOUND_MILESTONES),
        "deviations": deviations,
        "conforms": None if outcome is Outcome.OPEN else outcome is Outcome.FULFILLED and not deviations,
        "revision": len(ordered),
        "purchase_order_id": log.orders[-1].entity_id if log.orders else newest(ordered, "purchase_order_id"),
        "tenant_inbound_process_id": newest(ordered, "tenant_inbound_process_id"),
        "status": log.status,
        "purchase_order_created_at": created,
        "purchase_order_cancelled_at": log.cancelled_at,
        "first_requested_at": requested[0] if requested else None,
        "last_requested_at": requested[-1] if requested else None,
        "first_arrival_at": arrival,
        "last_arrival_at": last(r.arrival for r in receipts),
        "first_receipt_created_at": receipt_created,
        "first_delivery_received_at": first_received,
        "last_delivery_received_at": last(r.received_at for r in received),
        "inbound_finished_at": log.finished_at,
        "po_to_first_receipt_seconds": span(created, receipt_created),
        "supplier_delay_seconds": span(requested[-1] if requested else None, arrival),
        "on_hold_seconds": sum(b - a for a, b, _ in log.holds if b is not None) / 1_000_000,
        "inbound_complete_seconds": span(created, log.finished_at),
        "delivery_span_seconds": span(first_received, log.finished_at),
        "receipt_count": len(receipts),
        "on_hold_count": len(log.holds),
        "requested_date_change_count": sum(
            1 for e in log.orders if e.name == "INBOUND_PROCESS_PURCHASE_ORDER_REQUESTED_DATE_CHANGED"
        ),
        "requested_line_count": requested_lines if has_order else None,
        "requested_units": _float(requested_units) if has_order else None,
        "accepted_units": accepted,
        "rejected_units": rejected,
        "rejection_rate": rejected / goods
        if received and rejected is not None and accepted is not None and goods
        else None,
    }
    flags = flow_flags(ordered, working, finished, row, _DURATIONS)
    if start is None or any(r.created_at is None for r in receipts) or (has_order and created is None):
        flags.add("missing_start")
    if rests_on_recorded(ordered, row, _COLUMNS):
        flags.add("recorded_time")
    row["quality_flags"] = sorted(flags)
    rows.inbound_flow.append(row)
    _intervals(log, flow_id, outcome, finished, rows)


def _requested_lines(log: _Inbound) -> tuple[int | None, float | None]:
    """Give lines and units of the newest snapshot of the purchase order."""
    for e in reversed(log.orders or log.events):
        count = getattr(e.facts, "requested_line_count", None)
        if count is not None:
            return count, e.facts.requested_units
    return None, None


def _intervals(log: _Inbound, flow_id: str, outcome: Outcome, finished: int | None, rows: Rows) -> None:
    sink = IntervalSink("inbound", flow_id, outcome, finished, rows.flow_interval)
    for r in log.receipts.values():
        begun = first((r.started_at, r.received_at))
        sink.add("RECEIPT", r.id, r.facility, Stage.RECEIPT_QUEUE, StageKind.WAITING, r.created_at, begun)
        sink.add("RECEIPT", r.id, r.facility, Stage.RECEIPT, StageKind.WORKING, r.started_at, r.received_at)
    place = newest_facility([e for e in log.events if e.entity == "INBOUND_PROCESS"])
    for start, end, _ in log.holds:
        sink.add("INBOUND_PROCESS", flow_id, place, Stage.HOLD, StageKind.BLOCKED, start, end)
