"""How the stream keeps events in its state: bytes that a later version of the job can still read.

    byte 0     version of what follows, `VERSION`
    byte 1-4   fingerprint of the facts' layout: which fact stands where
    then       MessagePack

Facts are encoded by position, so a new fact moves the others. Every layout that was ever released is in
`layouts.json` beside this module, by its fingerprint; state of an older layout is read by the names of its facts, as
the event log is. State that no known layout has written is refused by name, never guessed.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from transforms.event import Event
from transforms.event_log import LAYOUT, facts_translator

VERSION = 1
"""Version of the encoding of an item; the fields of `Event` and of `Item` are part of it."""

LAYOUTS_FILE = Path(__file__).with_name("layouts.json")

Value = tuple[int, int, int, str]
"""How surely a search has given an event its flow: `(class, hops, rank, key)`; the smaller, the surer. Classes: 0 a
flow was found, 1 gathered under a pick job, 2 nothing was found."""

SETTLED: Value = (3, 0, 0, "")
"""Of a delivery that was read from the settled half; what the stream has found for its event is surer."""

Place = tuple[str, str]
"""One delivery: `(event id, source)`."""


class StateVersionError(Exception):
    """Saved state can't be read by this version; the message says what was found."""


class Item(NamedTuple):
    """One thing that a flow was told: a delivery joins it, or has left it.

    Attributes:
        value: how surely the search has given the delivery this flow (or, of one that leaves, another flow); None for
            a delivery that names its flow, which never leaves.
        event: the delivery that joins; None when one leaves.
        place: the delivery that leaves; None when one joins.
    """

    value: Value | None
    event: Event | None
    place: Place | None = None


def fingerprint(layout: dict[str, list[Any]]) -> bytes:
    """Give the four bytes by which a layout is known."""
    return crc32(json.dumps(layout, separators=(",", ":"), sort_keys=True).encode()).to_bytes(4, "little")


_HEAD = bytes([VERSION]) + fingerprint(LAYOUT)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Value | None, Event | None, Place | None]).decode
_plain = msgspec.msgpack.Decoder(tuple[Value | None, list[Any] | None, Place | None]).decode
_event_fields = len(Event.__struct_fields__)


@cache
def known_layouts() -> dict[bytes, dict[str, list[Any]]]:
    """Read the layouts of this and of earlier versions, by fingerprint."""
    texts: dict[str, dict[str, list[Any]]] = json.loads(LAYOUTS_FILE.read_text(encoding="utf-8"))
    return {bytes.fromhex(name): layout for name, layout in texts.items()}


def encode_item(item: Item) -> bytes:
    """Encode an item for the state or for a shuffle."""
    return _HEAD + _encode(tuple(item))


def decode_item(raw: bytes) -> Item:
    """Decode what this or an earlier version has encoded.

    Raises:
        StateVersionError: a version or a layout is not known.
    """
    if raw[:5] == _HEAD:
        return Item(*_decode(memoryview(raw)[5:]))
    if raw[:1] != bytes([VERSION]):
        raise StateVersionError(
            f"state of version {raw[0] if raw else None} was found, expected {VERSION}; drain the stream with the "
            "version that wrote it, and start this one from the event log"
        )
    layout = known_layouts().get(raw[1:5])
    if layout is None:
        raise StateVersionError(
            f"state with the layout {raw[1:5].hex()} was found, expected one of "
            f"{', '.join(sorted(k.hex() for k in known_layouts()))}"
        )
    value, fields, place = _plain(memoryview(raw)[5:])
    if fields is None:
        return Item(value, None, place)
    facts = fields[-1] if len(fields) == _event_fields else None
    event = Event(*fields[: _event_fields - 1])
    event.facts = None if facts is None else _translator(raw[1:5])(_encode(facts))
    return Item(value, event, place)


@cache
def _translator(name: bytes) -> Any:
    return facts_translator(known_layouts()[name])


def write_layouts() -> None:
    """Add this version's layout to the file of known ones; run by whoever changes a model's facts."""
    known = {k.hex(): v for k, v in known_layouts().items()} if LAYOUTS_FILE.exists() else {}
    known[fingerprint(LAYOUT).hex()] = LAYOUT
    LAYOUTS_FILE.write_text(json.dumps(known, separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_layouts()
