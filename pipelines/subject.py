"""Whom an erasure is about: the flows, and every identifier that either half of an output knows of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.datasets import Part
from pipelines.options import OptionError
from pipelines.state import EVENT_LOG, read_table
from transforms.erasure import identifiers
from transforms.event import Event
from transforms.event_log import events_in

_ORDER_COLUMNS = ["flow_id", "order_id", "tenant_order_id"]


@dataclass(slots=True)
class Subject:
    """What is to be erased.

    Attributes:
        flows: process ids.
        identifiers: the tenant's identifiers, and the flow each was found at.
        entities: ids of the entities of the flows, by which raw lines are found.
    """

    flows: set[str] = field(default_factory=set)
    identifiers: dict[str, str | None] = field(default_factory=dict)
    entities: set[str] = field(default_factory=set)


class Half(Protocol):
    """Where orders and events are looked for: the settled half of an output, or its live one."""

    def orders(self) -> Iterator[dict[str, Any]]:
        """Give what the orders are called: `flow_id`, `order_id`, `tenant_order_id`."""

    def events(self, flows: Collection[str]) -> Iterator[tuple[Event, str]]:
        """Give the events of some flows, each with its flow."""


class Settled:
    """The half that the batch job has published."""

    def __init__(self, output: str, parts: Iterable[Part]) -> None:
        """Look in the parts of an output."""
        self._output, self._parts = output, list(parts)

    def orders(self) -> Iterator[dict[str, Any]]:
        """Give what the orders are called."""
        return order_rows(self._output, self._parts)

    def events(self, flows: Collection[str]) -> Iterator[tuple[Event, str]]:
        """Give the logged deliveries of some flows."""
        wanted = pa.array(sorted(flows), pa.string())
        for part in self._parts:
            if part.relation != EVENT_LOG:
                continue
            mask = pc.is_in(read_table(self._output, part, ["flow_id"]).column(0), value_set=wanted)
            if pc.any(mask).as_py():
                found = read_table(self._output, part).filter(mask)
                yield from zip(events_in(found), found.column("flow_id").to_pylist(), strict=True)


def order_rows(output: str, parts: Iterable[Part]) -> Iterator[dict[str, Any]]:
    """Read what the orders are called from parts of either half."""
    for part in parts:
        if part.relation == "order_flow":
            yield from read_table(output, part, _ORDER_COLUMNS).to_pylist()


def find_subject(
    output: str, halves: Sequence[Half], process: str | None, order: str | None, pseudonyms: Collection[str]
) -> Subject:
    """Find the flows, and every identifier that is known of them.

    Args:
        output: output folder, for the message.
        halves: where to look.
        process: process id.
        order: the tenant's order number, or the order's id on the platform.
        pseudonyms: what stands for identifiers that were erased before; it is not erased again.

    Raises:
        OptionError: the process is not known.
    """
    subject = Subject({process} if process is not None else set())
    rows = [row for half in halves for row in half.orders()]
    if order is not None:
        subject.flows.update(r["flow_id"] for r in rows if order in (r["order_id"], r["tenant_order_id"]))
        if not any(order == r["order_id"] for r in rows):  # the platform's own ids stay
            subject.identifiers[order] = next(iter(subject.flows)) if len(subject.flows) == 1 else None
    # An order number that several processes have is erased of all of them.
    numbers = {r["tenant_order_id"] for r in rows if r["flow_id"] in subject.flows} - {None}
    subject.flows.update(r["flow_id"] for r in rows if r["tenant_order_id"] in numbers)
    known = False
    for half in halves:
        for event, flow in half.events(subject.flows):
            known = True
            subject.identifiers |= dict.fromkeys(identifiers(event).values(), flow)
            if event.entity_id:
                subject.entities.add(event.entity_id)
    if process is not None and not known:
        raise OptionError(f"--process {process}: no event of it is in the event log of {output}")
    subject.identifiers = {v: f for v, f in subject.identifiers.items() if v not in pseudonyms}
    return subject
