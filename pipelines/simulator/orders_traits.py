"""What kind of order is drawn: which of the many paths it takes. Probabilities, no times."""

from __future__ import annotations

import random
from dataclasses import dataclass

from pipelines.simulator.world import World


@dataclass(slots=True)
class Traits:
    """The path of one order. The defaults are the happy path, shipped from a store with packing.

    Attributes:
        pick: how the first leg ends: full, short_keep, short_reroute, short_packed_reroute, short_split, zero,
            abort_early, abort_partial, reroute.
        after_abort: what follows an abort: reroute, nothing, cancel.
        reset: middle (while picking), after (it was finished), or nothing.
        release: substatus or input (created not yet due), plain (opened without having waited), or nothing.
        handover: reverted, reverted_for_good, refused, rejected, or nothing.
        cancel: random, after_handover, force, force_silent, twice, or nothing.
    """

    channel: str = "SHIPPING"
    transfer: bool = False
    packing: bool = True
    packs: int = 1
    containers: bool = False
    parcels: int = 1
    service: bool = False
    tracking: bool = True
    locked: bool = False
    promised: bool = False
    modified: str = ""
    waiting: bool = False
    not_routable: bool = False
    never_routed: bool = False
    fallback: str = ""
    split: int = 1
    pick: str = "full"
    after_abort: str = "reroute"
    pauses: int = 0
    give_back: bool = False
    reset: str = ""
    release: str = ""
    pack_pauses: int = 0
    label_failures: int = 0
    labels_lost: bool = False
    handover: str = ""
    expires: bool = False
    cancel: str = ""
    complete: str = ""
    returned: bool = False
    anonymised: bool = False
    sloppy: bool = False
    skewed: bool = False
    missing_process: bool = False
    reservation_by_order: bool = False
    early_shipment: bool = True


_PICKS = (
    ("full", 0.42),
    ("short_keep", 0.12),
    ("short_reroute", 0.05),
    ("short_packed_reroute", 0.03),
    ("short_split", 0.06),
    ("zero", 0.07),
    ("abort_early", 0.06),
    ("abort_partial", 0.05),
    ("reroute", 0.14),
)
"""How the first leg of an odd order ends."""


def _choose(rng: random.Random, shares: tuple[tuple[str, float], ...]) -> str:
    draw = rng.random()
    for word, share in shares:
        draw -= share
        if draw < 0:
            return word
    return shares[0][0]


def draw_traits(rng: random.Random) -> Traits:
    """Draw the path of an order: about seven in ten are plain."""
    r = rng.random
    traits = Traits()
    if r() < 0.23:
        traits.channel = "COLLECT"
    traits.packing = r() < 0.75
    if traits.channel == "SHIPPING" and r() < 0.15:
        traits.parcels = 2 if r() < 0.7 else 3
    traits.containers = traits.packing and r() < 0.3
    traits.service = r() < 0.06
    traits.tracking = r() < 0.85
    traits.early_shipment = r() < 0.6
    traits.complete = _choose(rng, (("", 0.9), ("job", 0.06), ("outcome", 0.04)))
    traits.anonymised = r() < 0.02
    traits.returned = r() < 0.03
    traits.sloppy = r() < 0.03
    traits.skewed = r() < 0.004
    traits.missing_process = r() < 0.03
    traits.reservation_by_order = r() < 0.03
    if r() < 0.28:
        _make_odd(rng, traits)
    return traits


def _make_odd(rng: random.Random, traits: Traits) -> None:
    """Let an order leave the happy path in one or several ways."""
    r = rng.random
    traits.locked = r() < 0.10
    traits.promised = not traits.locked and r() < 0.01
    traits.waiting = r() < 0.10
    traits.not_routable = r() < 0.06
    traits.fallback = _choose(rng, (("", 0.93), ("alone", 0.04), ("routed", 0.03)))
    traits.never_routed = r() < 0.015
    if traits.channel == "SHIPPING" and r() < 0.14:
        traits.split = 2 if r() < 0.75 else 3
    elif traits.channel == "COLLECT" and r() < 0.15:
        traits.transfer = True
    traits.pick = _choose(rng, _PICKS)
    traits.after_abort = _choose(rng, (("reroute", 0.65), ("nothing", 0.25), ("cancel", 0.10)))
    if r() < 0.2:
        traits.pauses = 1 if r() < 0.7 else 2
    traits.give_back = r() < 0.05
    traits.reset = _choose(rng, (("", 0.92), ("middle", 0.05), ("after", 0.03)))
    traits.release = _choose(rng, (("", 0.92), ("substatus", 0.04), ("input", 0.02), ("plain", 0.02)))
    if traits.packing and r() < 0.10:
        traits.pack_pauses = 1 if r() < 0.7 else 2
    if traits.packing and r() < 0.04:
        traits.packs = 2
    if traits.channel == "SHIPPING" and r() < 0.08:
        traits.label_failures = 1 if r() < 0.7 else 2
        traits.labels_lost = r() < 0.1
    traits.handover = _choose(
        rng, (("", 0.87), ("reverted", 0.05), ("reverted_for_good", 0.01), ("refused", 0.04), ("rejected", 0.03))
    )
    if traits.channel == "COLLECT" and r() < 0.18:
        traits.expires = True
    if r() < 0.18:
        traits.cancel = _choose(
            rng, (("random", 0.6), ("force", 0.14), ("force_silent", 0.08), ("after_handover", 0.12), ("twice", 0.06))
        )
    if traits.pick == "reroute" and not traits.transfer and traits.split == 1 and r() < 0.3:
        traits.modified = "quantity"
    elif r() < 0.06:
        traits.modified = "address"


def early_traits(rng: random.Random) -> Traits:
    """Draw the path of an order that begins before the data: one plan at a time, so that nothing hangs on the rest."""
    traits = draw_traits(rng)
    traits.split, traits.transfer, traits.release, traits.promised = 1, False, "", False
    traits.missing_process = traits.reservation_by_order = traits.skewed = False
    traits.early_shipment, traits.modified = False, ""
    if traits.pick in ("short_split", "reroute"):
        traits.pick = "full"
    if rng.random() < 0.3:
        traits.waiting = True
    return traits


def uuid(rng: random.Random) -> str:
    """Give a random id in the form of a UUID."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def other_facility(rng: random.Random, world: World, known: str | None) -> int:
    """Draw the index of a facility, most often another one than the known."""
    index = rng.randrange(len(world.facilities))
    if world.facilities[index].id == known:
        index = rng.randrange(len(world.facilities))
    return index
