"""The books of what moves between the steps of a pipeline, so that a runner which loses an element is found out.

A step tells how many elements it has sent along each edge, and how many it has received. A step whose whole output is
lost loses its telling, too; but then what it received is missing from the sum, and the edge before it does not agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")

BLOCKS = "blocks of events"
PIECES = "pieces to write"
LEAVING = "rows that leave a group"
BUCKETS, LOG_PARTS, LETTER_PARTS, SMALL_PARTS, MERGES = (
    "buckets of the state", "parts of the event log", "parts of dead letters", "small parts", "groups to merge",
)  # fmt: skip


def messages(turn: int) -> str:
    """Name the edge into a round of the search, from 0."""
    return f"messages of round {turn + 1}"


@dataclass(slots=True)
class Moves:
    """Numbers of elements by edge."""

    sent: Counter[str] = field(default_factory=Counter)
    received: Counter[str] = field(default_factory=Counter)

    def add(self, note: dict[str, dict[str, int]]) -> None:
        """Add what a step tells (`told`)."""
        self.sent.update(note["sent"])
        self.received.update(note["received"])

    def lost(self) -> dict[str, tuple[int, int]]:
        """Give the edges where another number arrived than was sent: `(sent, received)` of each."""
        return {
            edge: (self.sent[edge], self.received[edge])
            for edge in sorted(self.sent.keys() | self.received.keys())
            if self.sent[edge] != self.received[edge]
        }


class Counted(Generic[T]):
    """Counts elements while they are read, so that they need not all be in memory."""

    def __init__(self, elements: Iterable[T]) -> None:
        self.elements = elements
        self.count = 0

    def __iter__(self) -> Iterator[T]:
        """Give them."""
        for element in self.elements:
            self.count += 1
            yield element


def told(*, sent: dict[str, int] | None = None, received: dict[str, int] | None = None) -> dict[str, Any]:
    """Give what a step tells, as it travels: JSON-able."""
    return {"sent": sent or {}, "received": received or {}}
