"""Faults of an export, injected so that the truth stays what it is and the books can be told to the line."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace

from pipelines.simulator.drawing import HOUR
from pipelines.simulator.lines import Delivery
from pipelines.simulator.world import World


@dataclass(frozen=True, slots=True)
class FaultLevel:
    """How much goes wrong, as shares of lines or of files.

    Attributes:
        repeat: lines delivered again with the same id.
        fresh: lines delivered again with a fresh id.
        displaced: lines that stand in a later file or day.
        broken: broken lines that are added.
        wrong_types: events outside the flows with fields of a wrong type.
        odd_files: files sent again, cut, empty, with several members, CRLF and so on.
    """

    repeat: float = 0.0
    fresh: float = 0.0
    displaced: float = 0.0
    broken: float = 0.0
    wrong_types: float = 0.0
    odd_files: float = 0.0


LEVELS = {
    "none": FaultLevel(),
    "light": FaultLevel(0.01, 0.005, 0.02, 0.0005, 0.02, 0.08),
    "heavy": FaultLevel(0.08, 0.05, 0.15, 0.01, 0.2, 0.35),
}


def repeats(rng: random.Random, level: FaultLevel, first: Delivery, world: World, horizon: int) -> list[Delivery]:
    """Draw further deliveries of an event, each recorded later than the first."""
    found = []
    for share, fresh in ((level.repeat, False), (level.fresh, True)):
        if rng.random() >= share or (fresh and not first.repeatable):
            continue
        recorded = first.recorded_at + rng.randrange(1, 30 * HOUR)
        if recorded <= horizon:
            found.append(replace(first, event_id=world.uuid(rng) if fresh else first.event_id, recorded_at=recorded))
    return found


_BROKEN = (
    ("invalid_json", b'{"id":"b1","eventName":"order-created_event-v1","payload":{"id":"x"'),
    ("invalid_json", b"Content-Type: application/json"),
    ("invalid_utf8", b'{"id":"b2","eventName":"order-created_event-v1","payload":{"t":"\xff"},"created":"%s"}'),
    ("missing_key", b'{"id":"b3","payload":{"id":"x"},"created":"%s"}'),
    ("missing_key", b'{"id":"b4","eventName":"order-created_event-v1","payload":{"id":"x"}}'),
    ("invalid_time", b'{"id":"b5","eventName":"order-created_event-v1","payload":{"id":"x"},"created":"soon"}'),
    ("invalid_shape", b'{"id":"b6","eventName":"order-created_event-v1","payload":17,"created":"%s"}'),
    ("invalid_shape", b'["b7"]'),
    ("missing_entity_id", b'{"id":"b8","eventName":"pick-job-created_event-v1","payload":{},"created":"%s"}'),
)
"""Lines that must become dead letters, with their reasons."""


def broken_line(rng: random.Random, counts: Counter[str], created: str) -> bytes:
    """Make a line that must become a dead letter, and count its reason."""
    reason, line = rng.choice(_BROKEN)
    counts[reason] += 1
    return line.replace(b"%s", created.encode())
