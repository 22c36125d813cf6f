"""Erasure: identifiers of the tenant's are replaced by pseudonyms, also in what arrives later.

What is kept of an erasure must not give the identifier back: a keyed digest tells it when it comes again, and the
pseudonym is drawn, not computed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from hashlib import blake2b

import msgspec

from transforms.event import MODELS, Event
from transforms.resolve import UNRESOLVED

IDENTIFYING: dict[str, tuple[str, ...]] = {
    name: found for name, model in MODELS.items() if (found := tuple(f.name for f in model.facts if f.identifies))
}
"""Names of the identifying facts by model."""


class Erased(msgspec.Struct, frozen=True):
    """One identifier that was erased.

    Attributes:
        flow_id: flow that it was erased of; None where no flow was known to have it.
        salt: key of the digest, in hex.
        digest: keyed digest of the identifier.
        pseudonym: what stands for it.
        erased_at: time of the erasure, RFC 3339.
    """

    flow_id: str | None
    salt: str
    digest: str
    pseudonym: str
    erased_at: str


def _digest(value: str, salt: str) -> str:
    return blake2b(value.encode(), digest_size=16, key=bytes.fromhex(salt)).hexdigest()


def draw(value: str, flow_id: str | None, erased_at: str) -> Erased:
    """Draw the pseudonym of an identifier."""
    salt = secrets.token_hex(16)
    return Erased(flow_id, salt, _digest(value, salt), f"erased-{secrets.token_hex(6)}", erased_at)


def identifiers(event: Event) -> dict[str, str]:
    """Give the identifying facts of an event that are known."""
    facts = event.facts
    if facts is None:
        return {}
    values = {n: getattr(facts, n) for n in IDENTIFYING.get(type(facts).__struct_config__.tag, ())}
    return {n: v for n, v in values.items() if v is not None}


class Scrubber:
    """Replaces what was erased in events that arrive."""

    def __init__(self, erased: Iterable[Erased]) -> None:
        """Take all erasures of an output."""
        self._erased = tuple(erased)
        self._of_flow: dict[str, str] = {}
        for e in self._erased:
            if e.flow_id is not None:
                self._of_flow.setdefault(e.flow_id, e.pseudonym)

    def scrub(self, flows: Mapping[tuple[str, str], list[Event]]) -> None:
        """Scrub deliveries in place, by `(flow, key)`.

        Whatever identifier an erased flow brings is replaced; of what is unresolved, the ones that were erased.
        """
        if not self._erased:
            return
        for (_, key), events in flows.items():
            if key in self._of_flow or key.startswith(UNRESOLVED):
                for event in events:
                    self._scrub(event, key)

    def arriving(self, events: Iterable[Event]) -> None:
        """Scrub deliveries in place of which no flow is known but the one that they name."""
        if self._erased:
            for event in events:
                self._scrub(event, event.flow_id or "")

    def _scrub(self, event: Event, key: str) -> None:
        for name, value in identifiers(event).items():
            pseudonym = self.pseudonym(value, key)
            if pseudonym is not None:
                setattr(event.facts, name, pseudonym)

    def pseudonym(self, value: str, key: str) -> str | None:
        """Give what stands for an identifier of a flow; None when it was not erased."""
        if any(value == e.pseudonym for e in self._erased):
            return None
        return self.drawn_before(value) or self._of_flow.get(key)

    def drawn_before(self, value: str) -> str | None:
        """Give what stands for an identifier wherever it was erased."""
        return next((e.pseudonym for e in self._erased if e.digest == _digest(value, e.salt)), None)


def replace_identifiers(events: list[Event], pseudonyms: Mapping[str, str]) -> bool:
    """Replace identifiers of events in place; say whether there were any."""
    found = False
    for event in events:
        for name, value in identifiers(event).items():
            if value in pseudonyms:
                setattr(event.facts, name, pseudonyms[value])
                found = True
    return found
