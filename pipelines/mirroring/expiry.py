"""Which day folders the source is about to delete, and which of them are not mirrored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Expiring:
    """A day folder that the source will delete.

    Attributes:
        day: the folder.
        deleted_on: day on which the source deletes it.
        days_left: days until then; none or fewer when it may go at any moment.
        missing: objects of it that are not mirrored.
    """

    day: str
    deleted_on: str
    days_left: int
    missing: int


def expiry(missing: Mapping[str, int], today: date, keep_days: int) -> list[Expiring]:
    """Tell when each day folder of the source is deleted, the first one first.

    Args:
        missing: objects that are not mirrored, by day folder of the source.
        today: the day, in UTC.
        keep_days: days for which the source keeps a folder.
    """
    found = []
    for day, count in sorted(missing.items()):
        end = date.fromisoformat(day) + timedelta(days=keep_days)
        found.append(Expiring(day, end.isoformat(), (end - today).days, count))
    return found
