"""What the parts of the simulator exchange: emissions, stories, and the small world they happen in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

US = 1_000_000
"""Microseconds per second; every instant in the simulator is an int of microseconds since the epoch, UTC."""

Row = dict[str, Any]
"""One truth row: column name of the contract to value; times as int microseconds, columns left out are NULL."""


@dataclass(slots=True)
class TruthEvent:
    """The flow_event row of one emitted event (one per bulk item and process), but for what delivery decides."""

    event_id: str
    flow: str
    flow_id: str | None
    entity: str | None
    entity_id: str | None
    entity_version: int | None
    event_at: int
    time_basis: str
    facility_ref: str | None
    status: str | None
    resolved: bool = True


@dataclass(slots=True)
class Emission:
    """One line to be exported: public event name, payload, when it is recorded, and the truth about it.

    `payload` is any JSON value; `pick_job_ref` stands beside the payload (picked lines only).
    """

    name: str
    event_id: str
    recorded_at: int
    payload: Any
    truth: list[TruthEvent]
    pick_job_ref: str | None = None


@dataclass(slots=True)
class Story:
    """One flow: what it sends before the horizon, and the rows of the contract that must come out."""

    emissions: list[Emission] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)
