"""Emissions to export lines: spellings of names, forms of the envelope, ways to write the recorded time."""

from __future__ import annotations

import random
from dataclasses import dataclass

import msgspec

from pipelines.simulator.drawing import instant_text
from pipelines.simulator.model import US, Emission

_encode = msgspec.json.Encoder().encode

# Spellings other than the public one under which an export may hold an event.
_SPELLINGS = {
    "PICK_JOB_PICKING_FINISHED": "pick-job-closed",
    "PACKING_TARGET_CONTAINER_CREATED_EVENT": "packing-target-container-created",
    "PACKING_TARGET_CONTAINER_UPDATED_EVENT": "packing-target-container-updated",
    "PACKING_TARGET_CONTAINER_DELETED_EVENT": "packing-target-container-deleted",
    "HANDOVERJOB_CREATED": "handover-job-created",
    "HANDOVERJOB_HANDED_OVER": "handover-job-handed-over",
    "HANDOVERJOB_CANCELED": "handover-job-cancelled",
    "ORDER_CANCELLED": "order-canceled",
    "ROUTING_PLAN_CANCELLED": "routing-plan-canceled",
    "PICK_JOB_CANCELED": "pick-job-cancelled",
    "STOW_JOB_CANCELED": "stow-job-cancelled",
}
_OFFSETS = (("+00:00", 0), ("Z", 0), ("+02:00", 2 * 3600), ("-05:30", -19800))


@dataclass(slots=True)
class Delivery:
    """One delivery of an event: what its line says."""

    event_id: str
    name: str
    payload: bytes
    recorded_at: int
    pick_job_ref: str | None
    events: int
    repeatable: bool

    @staticmethod
    def of(emission: Emission) -> Delivery:
        """Take the first delivery of an emission."""
        truth = emission.truth
        # With a fresh id, only what has an identity of its own can be told to be a repeat (ruling 4).
        repeatable = (
            len(truth) == 1
            and "#" not in truth[0].event_id
            and truth[0].entity_id is not None
            and truth[0].time_basis != "recorded"
        )
        return Delivery(
            emission.event_id,
            emission.name,
            _encode(emission.payload),
            emission.recorded_at,
            emission.pick_job_ref,
            len(truth),
            repeatable,
        )

    def line(self, rng: random.Random, *, nested: bool) -> bytes:
        """Write the export line."""
        name = self.name.lower().replace("_", "-")
        draw = rng.random()
        if draw < 0.02:
            name = _SPELLINGS.get(self.name, name)
        version = "_event-v2" if draw > 0.99 else "_event-v1"
        created = _created(rng, self.recorded_at)
        ref = f',"pickJobRef":"{self.pick_job_ref}"' if self.pick_job_ref else ""
        head = f'{{"id":"{self.event_id}","eventName":"{name}{version}","payload":'.encode()
        if nested:
            envelope = f'{{"event":"{self.name}","eventId":"{self.event_id}","payload":'.encode()
            tail = f'{ref}}},"created":"{created}"}}'.encode()
            return b"".join((head, envelope, self.payload, tail))
        return b"".join((head, self.payload, f',"created":"{created}"{ref}}}'.encode()))


def _created(rng: random.Random, recorded: int) -> str:
    text, shift = _OFFSETS[0 if rng.random() < 0.97 else rng.randrange(len(_OFFSETS))]
    return instant_text(recorded + shift * US)[:-1] + text
