"""What the state of an output holds: its flows, sizes and versions, and one flow of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.datasets import Part
from pipelines.publishing import Published
from pipelines.state import EVENT_LOG, FLOW_STATE, INTERNAL, OPEN, SETTLED, UNRESOLVED_STATE, read_table
from pipelines.upkeep import published_in
from transforms.event import decode_block
from transforms.event_log import STATE_VERSION
from transforms.links import hash64

_TOLD = ["flow", "key", "outcome", "event_count", "first_recorded_at", "last_recorded_at", "due_at", "settles_at"]


def report_state(output: str) -> dict[str, Any]:
    """Tell what the state holds.

    Raises:
        OptionError: nothing is published there.
    """
    published = published_in(output)
    manifest = published.manifest or {}
    flows: Counter[tuple[str, str]] = Counter()
    events = 0
    oldest: int | None = None
    for part in published.parts:
        if part.relation != FLOW_STATE or part.tier != OPEN:
            continue
        table = read_table(output, part, ["flow", "outcome", "event_count", "first_recorded_at"])
        for flow, outcome in zip(table.column("flow").to_pylist(), table.column("outcome").to_pylist(), strict=True):
            flows[flow, outcome or "-"] += 1
        events += pc.sum(table.column("event_count")).as_py() or 0
        first = pc.min(table.column("first_recorded_at").cast(pa.int64())).as_py()
        oldest = first if oldest is None else min(oldest, first)
    waiting = sum(_sum(output, p, "event_count") for p in published.parts if p.relation == UNRESOLVED_STATE)
    held = sum(p.bytes for p in published.parts if p.relation == FLOW_STATE and p.tier == OPEN)
    count = sum(flows.values())
    return {
        "output": output,
        "state_version": manifest["state_version"],
        "readable": manifest["state_version"] == STATE_VERSION,
        "settings": manifest["settings"],
        "open_flows": count,
        "open_events": events,
        "open_by_flow_and_outcome": [{"flow": f, "outcome": o, "flows": n} for (f, o), n in sorted(flows.items())],
        "oldest_open_event": oldest,
        "unresolved_events": waiting,
        "settled_flows": sum(p.rows for p in published.parts if p.relation == FLOW_STATE and p.tier == SETTLED),
        "bytes_of_open_state": held,
        "bytes_per_open_flow": round(held / count, 1) if count else None,
        "datasets": _datasets(published),
    }


def _sum(output: str, part: Part, column: str) -> int:
    found: int | None = pc.sum(read_table(output, part, [column]).column(0)).as_py()
    return found or 0


def _datasets(published: Published) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], list[int]] = {}
    for part in published.parts:
        if part.relation in INTERNAL:
            entry = found.setdefault((part.relation, part.tier), [0, 0, 0])
            for i, n in enumerate((1, part.rows, part.bytes)):
                entry[i] += n
    return [
        {"dataset": name, "tier": tier or "all", "files": n, "rows": rows, "bytes": size}
        for (name, tier), (n, rows, size) in sorted(found.items())
    ]


def report_flow(output: str, flow_id: str) -> list[dict[str, Any]]:
    """Tell what the state knows of the flows with an id (a process or stow job id), event by event.

    Raises:
        OptionError: nothing is published there.
    """
    published = published_in(output)
    hashes = pa.array([hash64(flow, flow_id) for flow in ("order", "inbound", "stow")], pa.int64())
    found = []
    for part in published.parts:
        if part.relation != FLOW_STATE:
            continue
        mask = pc.is_in(read_table(output, part, ["key_hash"]).column(0), value_set=hashes)
        if not pc.any(mask).as_py():
            continue
        table = read_table(output, part).filter(mask)
        for name in ("first_recorded_at", "last_recorded_at", "due_at", "settles_at"):
            at = table.column_names.index(name)
            table = table.set_column(at, name, table.column(name).cast(pa.int64()))
        for row in table.to_pylist():
            if row["key"] == flow_id:
                events = decode_block(row["deliveries"])
                told = [
                    {"event": e.name, "event_at": e.event_at, "recorded_at": e.recorded_at, "source": e.source}
                    for e in events
                ]
                found.append({"tier": part.tier, **{n: row[n] for n in _TOLD}, "deliveries": told})
    return found


def log_days(output: str) -> dict[str, int]:
    """Count the deliveries in the event log by day.

    Raises:
        OptionError: nothing is published there.
    """
    found: Counter[str] = Counter()
    for part in published_in(output).parts:
        if part.relation == EVENT_LOG:
            found[part.day or "-"] += part.rows
    return dict(sorted(found.items()))
