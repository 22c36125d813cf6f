"""Finds a flow by a number that people have, and derives it from the warehouse.

Read from the warehouse alone, and checked while it is read: a duration's ends must differ by exactly the duration, a
sum must be the sum of its parts. What can't be shown so is told as such. The command and the dashboard's explorer show
what is derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipelines.derivation import FLOWS, NUMBERS, Derivation, Deriver
from pipelines.doors import Door
from schemas.tables import BY_NAME
from schemas.vocabulary import SPLIT_STAGES

_PARTS = {
    "order": (("order_leg", "leg_id"), ("order_parcel", "parcel_id")),
    "inbound": (("inbound_receipt", "receipt_id"),),
    "stow": (),
}

# The day of the order, so that a dataset reads no other.
_LEDGER = """
SELECT stage, in_stage, until_at, stage_seconds, waiting_seconds, working_seconds, paused_seconds, blocked_seconds,
  site_closed_seconds, slack_seconds, slack_used_seconds, slack_late_seconds, slack_left_seconds
FROM order_slack WHERE flow_id = @id AND started_at = @since
"""

LONGEST = 200
"""No number of an order is longer; what is, is not even asked for."""
MOST_FOUND = 20


@dataclass(frozen=True, slots=True)
class Found:
    """A flow that answers to a number."""

    flow: str
    flow_id: str
    number: str | None
    outcome: str
    started_at: datetime | None


def find(door: Door, number: str) -> list[Found]:
    """Find flows by a tenant's number, an order or purchase order id, or a flow, pick job or receipt id.

    Args:
        door: the warehouse.
        number: what was typed; it is only ever bound, never part of a question.
    """
    number = number.strip()
    if not number or len(number) > LONGEST or not number.isprintable():
        return []
    found: dict[tuple[str, str], Found] = {}
    for flow, relation in FLOWS.items():
        columns = NUMBERS[flow]
        tests = " OR ".join(f"{c} = @number" for c in columns)
        for part, key in _PARTS[flow]:
            tests += f" OR flow_id IN (SELECT flow_id FROM {part} WHERE {key} = @number)"
        rows = door.ask(
            f"SELECT flow_id, {columns[0]} AS number, outcome, started_at FROM {relation} WHERE {tests} "
            f"ORDER BY started_at, flow_id LIMIT {MOST_FOUND}",
            number=number,
        )
        for r in rows:
            found[flow, r["flow_id"]] = Found(flow, r["flow_id"], r["number"], r["outcome"], r["started_at"])
    return list(found.values())


def derive(door: Door, flow: str, flow_id: str) -> Derivation | None:
    """Derive one flow from the warehouse; None when there is no such flow."""
    rows = door.ask(f"SELECT * FROM {FLOWS[flow]} WHERE flow_id = @id", id=flow_id)
    if not rows:
        return None
    days = _days(rows[0])
    parts = {
        part: door.ask(
            f"SELECT * FROM {part} WHERE flow_id = @id ORDER BY {BY_NAME[part].day_column}, {key}", id=flow_id
        )
        for part, key in _PARTS[flow]
    }
    events = door.ask(
        "SELECT * FROM flow_event WHERE flow_id = @id AND flow = @flow AND event_at >= @since AND event_at <= @until "
        "ORDER BY event_at, recorded_at, event_id",
        id=flow_id,
        flow=flow,
        **days,
    )
    intervals = door.ask(
        "SELECT * FROM flow_interval WHERE flow_id = @id AND flow = @flow ORDER BY started_at, entity, entity_id",
        id=flow_id,
        flow=flow,
    )
    as_of = door.ask("SELECT MAX(as_of) AS as_of FROM pipeline_run")
    ledger = door.ask(_LEDGER, id=flow_id, since=rows[0]["started_at"]) if flow == "order" else []
    ledger = sorted(ledger, key=lambda r: SPLIT_STAGES.index(r["stage"]))
    told = Derivation(flow, rows[0], parts, events, intervals, as_of[0]["as_of"] if as_of else None, ledger=ledger)
    Deriver(told).run()
    return told


def _days(row: dict[str, Any]) -> dict[str, datetime]:
    """Bound the days of the events, so that a dataset reads only these."""
    return {"since": row["first_event_at"] - timedelta(days=1), "until": row["last_event_at"] + timedelta(days=1)}
