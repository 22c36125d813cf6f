"""What a look gives: how something stands, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum


class State(StrEnum):
    """How something stands."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        area: what it belongs to, like `output`.
        state: how it stands.
        found: what was seen.
        fix: what to do; empty when nothing is.
    """

    area: str
    state: State
    found: str
    fix: str = ""

    def as_dict(self) -> dict[str, str]:
        """Give it for JSON."""
        return asdict(self)


def ok(area: str, found: str) -> Finding:
    """Make a finding that all is well."""
    return Finding(area, State.OK, found)


def warn(area: str, found: str, fix: str) -> Finding:
    """Make a finding that will matter one day."""
    return Finding(area, State.WARN, found, fix)


def fail(area: str, found: str, fix: str) -> Finding:
    """Make a finding that keeps a run from working."""
    return Finding(area, State.FAIL, found, fix)


Look = Callable[[], Iterator[Finding]]


def looked(area: str, look: Look) -> list[Finding]:
    """Take a look; one that breaks is a finding, too, and the others go on."""
    found: list[Finding] = []
    try:
        found.extend(look())
    except Exception as err:  # noqa: BLE001 whatever breaks is what is looked for
        words = " ".join(str(err).split())[:300] or type(err).__name__
        found.append(fail(area, f"{type(err).__name__}: {words}", "see what the message says; --verbose tells more"))
    return found
