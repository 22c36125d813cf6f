"""Reads the rows of an inbound process off its drawn moments, as far as the data shows them."""

from __future__ import annotations

from pipelines.simulator.drawing import DAY, QUIET, Happening, Window, event_columns, interval, seconds, variant
from pipelines.simulator.inbound_draw import PURCHASE_ORDER, Process, Receipt, Told, counted_goods, is_done
from pipelines.simulator.model import US, Emission, Row

_DEADLINE = 90 * DAY


def truth_rows(process: Process, emissions: list[Emission], window: Window) -> dict[str, list[Row]]:
    """Read the rows of the contract off the drawn moments, as far as the data shows them."""
    row = event_columns(emissions, process.id)
    told = [t for t in process.told if window.sees(t.moment)]
    orders = [t for t in told if t.moment.name.startswith(PURCHASE_ORDER)]
    others = [t for t in told if not t.moment.name.startswith(PURCHASE_ORDER)]
    newest = max((t.moment for t in others), key=lambda m: m.at, default=None)
    finish = window.at(process.finished)
    created = window.at(process.order_created)
    ended = window.at(process.order_end)
    receipts = [_receipt_row(process, r, told, window, newest) for r in process.receipts]
    receipts = [r for r in receipts if r is not None]
    rows = [r for r in receipts if r is not None]
    received = [r["delivery_received_at"] for r in rows]
    has_order = process.order_id is not None and any(t.order is not None for t in told)
    outcome, finished = "open", None
    if finish is not None:
        outcome, finished = "fulfilled", finish
    elif rows and None not in received and (not has_order or ended is not None):
        outcome, finished = "fulfilled", max(x for x in (*received, ended) if x is not None)
    elif ended is not None and None not in received:
        outcome, finished = "cancelled", ended
    elif window.as_of >= row["last_event_at"] + _DEADLINE:
        outcome = "incomplete"
    got = [r for r in rows if r["delivery_received_at"] is not None]
    accepted = float(sum(r["accepted_units"] for r in got))
    rejected = float(sum(r["rejected_units"] for r in got))
    requested = [t.order.requested for t in (orders or others) if t.order is not None and t.order.kind == "TIME_POINT"]
    last_order = next((t.order for t in reversed(orders or others) if t.order is not None), None)
    arrivals = [r["arrival_at"] for r in rows]
    first_created = min((r["receipt_created_at"] for r in rows if r["receipt_created_at"] is not None), default=None)
    first_received = min((x for x in received if x is not None), default=None)
    holds = [
        (next(window.at(m) for m in h.signs if window.sees(m)), window.at(h.released))
        for h in process.holds
        if any(window.sees(m) for m in h.signs)
    ]
    start = created if created is not None else first_created
    deviations = {
        "on_hold": bool(holds),
        "partial_delivery": len(got) > 1 or any(t.status == "PARTIAL_DELIVERY" for t in others),
        "date_changed": any(t.moment.name.endswith("DATE_CHANGED") for t in orders),
        "lines_changed": any(t.moment.name.endswith("ITEMS_CHANGED") for t in orders),
        "rejected_goods": any((r["rejected_units"] or 0) > 0 for r in rows),
        "over_delivery": finish is not None
        and any(
            x is not None and x > finish for r in rows for x in (r["receipt_created_at"], r["delivery_received_at"])
        ),
        "blind_receipt": bool(rows) and not has_order,
        "purchase_order_cancelled": ended is not None,
    }
    found = sorted(name for name, there in deviations.items() if there)
    row |= {
        "outcome": outcome,
        "started_at": start if start is not None else row["first_event_at"],
        "finished_at": finished,
        "variant": variant(
            ("purchase_order_created", created),
            ("receipt_created", first_created),
            ("receipt_started", min((r["receipt_started_at"] for r in rows if r["receipt_started_at"]), default=None)),
            ("delivery_received", first_received),
            ("inbound_finished", finish),
        ),
        "deviations": found,
        "conforms": None if outcome == "open" else outcome == "fulfilled" and not found,
        "purchase_order_id": process.order_id if has_order else None,
        "tenant_inbound_process_id": process.number,
        "status": others[-1].status if others else None,
        "purchase_order_created_at": created,
        "purchase_order_cancelled_at": ended,
        "first_requested_at": requested[0] if requested else None,
        "last_requested_at": requested[-1] if requested else None,
        "first_arrival_at": min(arrivals, default=None),
        "last_arrival_at": max(arrivals, default=None),
        "first_receipt_created_at": first_created,
        "first_delivery_received_at": first_received,
        "last_delivery_received_at": max((x for x in received if x is not None), default=None),
        "inbound_finished_at": finish,
        "po_to_first_receipt_seconds": seconds(created, first_created),
        "supplier_delay_seconds": seconds(requested[-1] if requested else None, min(arrivals, default=None)),
        "on_hold_seconds": sum(b - a for a, b in holds if a is not None and b is not None) / US,
        "inbound_complete_seconds": seconds(created, finish),
        "delivery_span_seconds": seconds(first_received, finish),
        "receipt_count": len(rows),
        "on_hold_count": len(holds),
        "requested_date_change_count": sum(1 for t in orders if t.moment.name.endswith("DATE_CHANGED")),
        "requested_line_count": len(last_order.lines) if last_order is not None else None,
        "requested_units": float(sum(last_order.lines)) if last_order is not None else None,
        "accepted_units": accepted,
        "rejected_units": rejected,
        "rejection_rate": rejected / (accepted + rejected) if got and accepted + rejected else None,
    }
    milestones = (first_created, first_received, finish)
    flags = {
        "missing_start": start is None
        or any(r["receipt_created_at"] is None for r in rows)
        or (has_order and created is None),
        # Receipt and delivery events have no time of their own, nor has a deletion.
        "recorded_time": any(m is not None for m in milestones)
        or (ended is not None and process.order_end is not None and process.order_end.basis == "recorded"),
        "event_after_close": finished is not None and row["last_event_at"] > finished + QUIET,
        "negative_interval": any(
            (row[c] or 0) < 0
            for c in ("po_to_first_receipt_seconds", "inbound_complete_seconds", "delivery_span_seconds")
        ),
    }
    row["quality_flags"] = sorted(name for name, there in flags.items() if there)
    spans = _intervals(process, rows, holds, outcome, finished)
    return {"inbound_flow": [row], "inbound_receipt": rows, "flow_interval": spans}


def _receipt_row(
    process: Process, receipt: Receipt, told: list[Told], window: Window, newest: Happening | None
) -> Row | None:
    """Give the row of a receipt; None when the data shows nothing of it."""
    own = [t for t in told if t.receipt is receipt]
    finished = next((t for t in told if t.moment is process.finished), None)
    listed = finished is not None and receipt.created is not None and receipt.created.at <= finished.moment.at
    if not own and not listed:
        return None
    last = max(
        [t.moment for t in own] + ([finished.moment] if listed and finished is not None else []), key=lambda m: m.at
    )
    created = window.at(receipt.created)
    started = window.at(receipt.started)
    received = window.at(receipt.received)
    if created is not None and receipt.born == "IN_PROGRESS":
        started = created
    if created is not None and receipt.born == "FINISHED" and received is None:
        received = created
    status = "FINISHED" if is_done(receipt, last) else receipt.born if last is receipt.created else "IN_PROGRESS"
    if listed and finished is not None and last is finished.moment and not is_done(receipt, last):
        status = "OPEN"
    goods = counted_goods(receipt, last)
    return {
        "receipt_id": receipt.id,
        "flow_id": process.id,
        "facility_ref": process.place.id,
        "status": status,
        "arrival_at": receipt.arrival,
        "receipt_created_at": created,
        "receipt_started_at": started,
        "delivery_received_at": received,
        "arrival_to_receipt_seconds": seconds(receipt.arrival, created),
        "receipt_duration_seconds": seconds(started, received),
        "dock_to_stock_seconds": seconds(receipt.arrival, received),
        "line_count": len(goods),
        "accepted_units": float(sum(a for a, _ in goods)),
        "rejected_units": float(sum(r for _, r in goods)),
    }


def _intervals(
    process: Process, rows: list[Row], holds: list[tuple[int | None, int | None]], outcome: str, finished: int | None
) -> list[Row]:
    found: list[Row] = []
    place = process.place.id
    for r in rows:
        begun = min((x for x in (r["receipt_started_at"], r["delivery_received_at"]) if x is not None), default=None)
        for stage, kind, a, b in (
            ("receipt_queue", "waiting", r["receipt_created_at"], begun),
            ("receipt", "working", r["receipt_started_at"], r["delivery_received_at"]),
        ):
            found += interval(
                "inbound", process.id, "RECEIPT", r["receipt_id"], place, stage, kind, a, b, outcome, finished
            )
    for a, b in holds:
        found += interval(
            "inbound", process.id, "INBOUND_PROCESS", process.id, place, "hold", "blocked", a, b, outcome, finished
        )
    return found
