"""What a batch run is asked for, and what it gives; checked before any graph exists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipelines.datasets import Part


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What the graph gives back: counts of the books, the instant, the parts, a row per input file."""

    counts: dict[str, int]
    as_of: int | None
    parts: list[Part]
    files: list[dict[str, Any]] = field(default_factory=list)
