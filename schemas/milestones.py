"""The view of milestones hour by hour, derived from the catalogue of events.

May import the standard library and `schemas`.
"""

from __future__ import annotations

from schemas.event_types import EVENT_TYPES

_ABOUT = """\
-- Milestones by the hour in which they happened: what came in, what was finished. Every distinct event counts, also one
-- that was taken back later, and one of a part of an order for itself.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) of the event
-- hour TIMESTAMP: Hour of the event [UTC]
-- flow STRING: order, inbound or stow
-- facility_ref STRING: Facility named by the event
-- milestone STRING: The milestone, as in the variants
-- event_name STRING: The event that shows it
-- entity STRING: Kind of the entity
-- events INT64: Distinct events [count]
"""


def milestones_view() -> str:
    """Write the view `milestones_hourly`."""
    told = [e for e in EVENT_TYPES if e.milestone]
    cases = "\n".join(f"    WHEN '{e.name}' THEN '{e.milestone}'" for e in told)
    names = ",\n  ".join(f"'{e.name}'" for e in told)
    keys = "day, hour, flow, facility_ref, milestone, event_name, entity"
    return (
        f"{_ABOUT}SELECT DATE(event_at) AS day, TIMESTAMP_TRUNC(event_at, HOUR) AS hour, flow, facility_ref,\n"
        f"  CASE event_name\n{cases}\n  END AS milestone,\n  event_name, entity, COUNT(*) AS events\n"
        f"FROM `flow_event`\nWHERE event_name IN (\n  {names}\n)\nGROUP BY {keys}\n"
    )
