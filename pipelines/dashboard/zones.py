"""In which time zone instants are told: that of the facility, by the calendar of the facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from pipelines.doors import Door
from transforms.calendar import OTHERS, zone_of

UNKNOWN = "Europe/Berlin"
"""Told where the calendar says nothing: most tenants of the platform are there."""


@dataclass(frozen=True, slots=True)
class Zones:
    """Time zones of the facilities.

    Attributes:
        others: of those that are not named, and of what has none.
        named: by facility.
    """

    others: ZoneInfo
    named: Mapping[str, ZoneInfo] = field(default_factory=dict)

    def of(self, facility: str | None) -> ZoneInfo:
        """Give the time zone of a facility; None is none, or several."""
        return self.others if facility is None else self.named.get(facility, self.others)

    @property
    def told(self) -> str:
        """Name them in a few words."""
        names = {z.key for z in (self.others, *self.named.values())}
        return self.others.key if len(names) == 1 else f"{self.others.key}, where a row names its facility that of it"

    def only(self, facility: str | None) -> Zones:
        """Give the zone of one facility for everything."""
        return Zones(self.of(facility))


def read_zones(door: Door, given: ZoneInfo | None) -> Zones:
    """Ask the calendar, unless one zone was given for all."""
    if given is not None:
        return Zones(given)
    rows = door.ask("SELECT facility_ref, time_zone FROM facility_calendar ORDER BY facility_ref")
    named = {r["facility_ref"]: zone_of(r["time_zone"]) for r in rows}
    others = named.pop(OTHERS, None)
    if others is None:
        found = {z.key: z for z in named.values()}
        others = next(iter(found.values())) if len(found) == 1 else zone_of(UNKNOWN)
    return Zones(others, named)
