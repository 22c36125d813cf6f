"""RFC 3339 text to integer microseconds since the epoch, UTC.

Zero to nine fractional digits and any offset are accepted; digits beyond microseconds are cut off, and a time
without offset is UTC (ruling 2). Every instant inside the core is such an integer: exact, small, fast to compare.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_CACHE_LIMIT = 50_000
# Snapshots of one entity repeat the same few times, so most look-ups end in this cache.
_cache: dict[str, int | None] = {}


def parse_time(text: str | None) -> int | None:
    """Give the instant in microseconds, or None when `text` is None or is no RFC 3339 time."""
    if text is None:
        return None
    found = _cache.get(text, -1)
    if found != -1:
        return found
    if len(_cache) >= _CACHE_LIMIT:
        _cache.clear()
    value = _parse(text)
    _cache[text] = value
    return value


def _parse(text: str) -> int | None:
    # fromisoformat also reads week dates, basic formats and bare dates, which RFC 3339 does not know.
    if len(text) < 19 or len(text) > 40 or text[4] != "-" or text[7] != "-" or text[10] not in "Tt ":
        return None
    if text[13] != ":" or text[16] != ":" or not text.isascii():
        return None
    if "," in text:
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        since = moment - _EPOCH
    except (ValueError, OverflowError):
        return None
    instant = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    # An offset can carry a time over the ends of the calendar, where no warehouse has a day for it.
    return instant if _FIRST <= instant <= _LAST else None


def to_datetime(instant: int) -> datetime:
    """Give the UTC datetime of an instant in microseconds."""
    return _EPOCH + timedelta(microseconds=instant)


def to_text(instant: int) -> str:
    """Give the RFC 3339 text of an instant in microseconds."""
    return to_datetime(instant).isoformat().replace("+00:00", "Z")
