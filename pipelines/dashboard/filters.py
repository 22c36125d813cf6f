"""What a page is narrowed to: read from the address, told to the warehouse as bound parameters.

The address is the whole state of a page, so that a link shows what its sender saw. A value that can't be one of the
filter's is left out and told, never an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from pipelines.doors import Door, Parameter

NONE = "none"
"""Value of the facility filter for rows without one."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LONGEST = 100
DEFAULT_DAYS = 28


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen: the days that there are, and the values of each filter."""

    first: date
    last: date
    facilities: tuple[str, ...]
    channels: tuple[str, ...] = ("SHIPPING", "COLLECT", "MIXED")
    outcomes: tuple[str, ...] = ("open", "fulfilled", "cancelled", "incomplete")
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a page; days are UTC days, both included.

    Attributes:
        first, last: days on which a flow began.
        facility, channel, outcome: "" is all.
        refused: what of the address was not understood, in words.
        others: further parts of the address that a page knows.
    """

    first: date
    last: date
    facility: str = ""
    channel: str = ""
    outcome: str = ""
    refused: tuple[str, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)

    def where(self, at: str = "started_at", *, facility: str = "facility_ref", flow: bool = True) -> str:
        """Write the condition of a query: constant text with parameters.

        Args:
            at: column of the relation that has the instant.
            facility: column of the facility, "" when there is none.
            flow: whether channel and outcome are columns of it.
        """
        tests = [f"{at} >= @since", f"{at} < @until"]
        if facility and self.facility:
            tests.append(f"{facility} IS NULL" if self.facility == NONE else f"{facility} = @facility")
        if flow and self.channel:
            tests.append("channel = @channel")
        if flow and self.outcome:
            tests.append("outcome = @outcome")
        return " AND ".join(tests)

    def bound(self, *, facility: bool = True, flow: bool = True) -> dict[str, Parameter]:
        """Give the parameters of `where`."""
        bound: dict[str, Parameter] = {
            "since": datetime.combine(self.first, time.min, UTC),
            "until": datetime.combine(self.last + timedelta(days=1), time.min, UTC),
        }
        if facility and self.facility and self.facility != NONE:
            bound["facility"] = self.facility
        if flow and self.channel:
            bound["channel"] = self.channel
        if flow and self.outcome:
            bound["outcome"] = self.outcome
        return bound

    def days(self) -> list[date]:
        """List the days, the first and the last included."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def address(self, **changes: str) -> str:
        """Write the query part of an address with these filters, and some changes."""
        parts = {
            "from": self.first.isoformat(), "to": self.last.isoformat(), "facility": self.facility,
            "channel": self.channel, "outcome": self.outcome, **self.others, **changes,
        }  # fmt: skip
        return urlencode({k: v for k, v in parts.items() if v})


def choices(door: Door) -> Choices:
    """Ask what there is to choose from."""
    (span,) = door.ask(
        "SELECT MIN(first) AS first, MAX(last) AS last FROM (SELECT MIN(started_at) AS first, MAX(started_at) AS last "
        "FROM order_flow UNION ALL SELECT MIN(started_at), MAX(started_at) FROM inbound_flow UNION ALL "
        "SELECT MIN(started_at), MAX(started_at) FROM stow_flow)"
    )
    rows = door.ask(
        "SELECT facility_ref FROM order_flow WHERE facility_ref IS NOT NULL UNION DISTINCT SELECT facility_ref FROM "
        "inbound_flow WHERE facility_ref IS NOT NULL UNION DISTINCT SELECT facility_ref FROM stow_flow "
        "WHERE facility_ref IS NOT NULL ORDER BY facility_ref"
    )
    if span["first"] is None:
        today = datetime.now(UTC).date()
        return Choices(today, today, (), empty=True)
    return Choices(span["first"].date(), span["last"].date(), tuple(r["facility_ref"] for r in rows))


def read(query: Mapping[str, str], there: Choices, known: Mapping[str, tuple[str, ...] | None]) -> Filters:
    """Read the filters of an address.

    Args:
        query: the parts of the address.
        there: what can be chosen.
        known: further parts that the page knows, each with its values; None is any text.
    """
    refused: list[str] = []

    def one(name: str, values: tuple[str, ...]) -> str:
        value = query.get(name, "").strip()
        if value and value not in values:
            refused.append(name)
            return ""
        return value

    def day(name: str, default: date) -> date:
        value = query.get(name, "").strip()
        if not value:
            return default
        try:
            if not _DAY.fullmatch(value):
                raise ValueError
            return min(max(date.fromisoformat(value), there.first), there.last)
        except ValueError:
            refused.append(name)
            return default

    last = day("to", there.last)
    first = day("from", max(there.first, min(last, there.last) - timedelta(days=DEFAULT_DAYS - 1)))
    if first > last:
        first, last = last, first
    others = {}
    for name, values in known.items():
        value = query.get(name, "").strip()[: _LONGEST * 2]
        if value and values is not None and value not in values:
            refused.append(name)
        elif value:
            others[name] = value
    return Filters(
        first, last, one("facility", (*there.facilities, NONE)), one("channel", there.channels),
        one("outcome", there.outcomes), tuple(refused), others,
    )  # fmt: skip
