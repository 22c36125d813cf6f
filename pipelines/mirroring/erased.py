"""Copies of a mirror in which `flowfacts erase` has emptied lines: the source still has those, and must not win.

    FOLDER/.erased.json     by name: size and CRC32C of the object whose copy was emptied, and the copy's CRC32C since

An object that the source replaces is another one, and is copied.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

FILE: Final = ".erased.json"
_FORMAT: Final = 1


class Emptied(NamedTuple):
    """A copy that was emptied: size and CRC32C of the object that it was made of, and the CRC32C of what it is now."""

    size: int
    crc32c: str
    left: str


def checksum(data: bytes) -> str:
    """Give the CRC32C of some bytes as Cloud Storage writes it."""
    import google_crc32c

    return b64encode(google_crc32c.Checksum(data).digest()).decode()


def read(data: bytes | None) -> dict[str, Emptied]:
    """Read the content of the file, None when there is none."""
    found: dict[str, Any] = {} if data is None else json.loads(data)["objects"]
    return {name: Emptied(int(size), str(crc), str(left)) for name, (size, crc, left) in found.items()}


def written(before: Mapping[str, Emptied], emptied: Mapping[str, Emptied]) -> bytes:
    """Write the content of the file anew.

    Args:
        before: what the file told; a copy that is emptied again stays that of the object that it was made of.
        emptied: copies that are emptied now, as they were.
    """
    objects = dict(before)
    for name, now in emptied.items():
        known = before.get(name)
        again = known is not None and known.left == now.crc32c
        objects[name] = known._replace(left=now.left) if known is not None and again else now
    return json.dumps({"format": _FORMAT, "objects": dict(sorted(objects.items()))}, indent=1).encode()
