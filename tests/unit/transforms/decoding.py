"""The platform's example lines, and the decoder asked in few words."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from schemas.event_types import BY_NAME
from transforms.clock import parse_time
from transforms.decode import Decoder
from transforms.event import Event, Rejection

EXAMPLES = Path(__file__).resolve().parents[2] / "golden" / "payload_examples"
Json = dict[str, Any]


def _read(name: str) -> list[bytes]:
    return (EXAMPLES / name).read_bytes().splitlines()


PLAIN, NESTED = _read("export_lines.ndjson"), _read("export_lines_nested.ndjson")


def public(line: Json) -> str:
    name = line["eventName"].removesuffix("_event-v1").replace("-", "_").upper()
    return name if name in BY_NAME else f"{name}_EVENT"


BY_PUBLIC_NAME: dict[str, Json] = {public(json.loads(x)): json.loads(x) for x in PLAIN}
NAMES = sorted(BY_PUBLIC_NAME)
"""Names of the events, as the platform spells them."""

SINGLE = sorted(p.stem for p in EXAMPLES.glob("*.json"))

# The stories of payload_examples/README.md, by key of the flow.
A, B = "3b667823-64cd-5fba-a764-2420ffdfd984", "73bbead9-44b7-5dde-9ca5-a5d7db220290"
C, D = "d463b47f-1ed2-5390-b5d1-5f19760b0a1b", "666c92ef-da10-5be4-b8ca-092821ebe93f"
I1, I2 = "4c2c7113-7f14-5698-bff9-5df7641c380c", "f13c6058-7551-5d76-8133-faa77e00b4a1"
I3, I4 = "eba04bbe-ae2c-5261-878a-c1a3d1485a5e", "891a3c2b-f526-5812-b846-e9d147f13441"
S1, S2 = "afb5c063-b0cd-5028-9af9-60de5103e46f", "10cbea98-3811-5e30-a058-ee40707bd8e0"

HEAD = {"id": "e1", "created": "2026-06-17T08:00:00.5+02:00"}
AT = parse_time("2026-06-17T06:00:00.5Z")
"""What a line has beside its event, and that instant."""


def decode(line: Json | bytes, decoder: Decoder | None = None) -> list[Event] | Rejection:
    raw = line if isinstance(line, bytes) else json.dumps(line, separators=(",", ":")).encode()
    return (decoder or Decoder()).line(raw, "day.ndjson:7")


def events(line: Json | bytes, decoder: Decoder | None = None) -> list[Event]:
    found = decode(line, decoder)
    assert isinstance(found, list), found
    return found


def one(line: Json | bytes, decoder: Decoder | None = None) -> Event:
    (event,) = events(line, decoder)
    return event


def example(name: str, **payload: Any) -> Json:
    """Give the example line of an event, with some fields of its payload put in."""
    line = copy.deepcopy(BY_PUBLIC_NAME[name])
    line["payload"] |= payload
    return line


def rejected(line: Json | bytes) -> Rejection:
    found = decode(line)
    assert isinstance(found, Rejection), found
    return found
