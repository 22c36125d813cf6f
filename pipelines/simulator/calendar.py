"""The calendar of a simulated tenant: its facilities' opening hours as `flowfacts batch --calendar` takes them."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pipelines.simulator.world import World

ZONE = "Europe/Berlin"


def calendar_text(world: World) -> str:
    """Write the opening hours of a world as YAML.

    The facilities work by UTC the whole year; their hours are told by the wall clock of the first day.
    """
    first = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=world.data_start)
    offset = ZoneInfo(ZONE).utcoffset(first.replace(tzinfo=None)) or timedelta()
    shift = int(offset.total_seconds()) // 3600
    groups: dict[tuple[int, int], list[str]] = defaultdict(list)
    for place in world.facilities:
        groups[place.opens + shift, place.closes + shift].append(place.id)
    lines = ["# Opening hours of the simulated facilities; every day is like the other.", "calendars:"]
    for (opens, closes), members in sorted(groups.items()):
        lines += [
            f"  open-{opens:02}-{closes:02}:",
            f"    time_zone: {ZONE}",
            "    open:",
            f"      monday-sunday: {opens:02}:00-{closes:02}:00",
            "    facilities:",
            *(f'      - "{member}"' for member in sorted(members)),
        ]
    return "\n".join([*lines, "default:", f"  time_zone: {ZONE}", "  open: always"]) + "\n"
