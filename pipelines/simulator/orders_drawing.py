"""What every step of drawing one order works with: the dice, the clock, the places, and the order itself."""

from __future__ import annotations

import random

from pipelines.simulator.orders_model import Order
from pipelines.simulator.orders_times import Clock, working_time
from pipelines.simulator.orders_traits import Traits, other_facility, uuid
from pipelines.simulator.world import Facility, World


class Drawing:
    """One order under way."""

    def __init__(self, rng: random.Random, world: World, traits: Traits) -> None:
        self.rng = rng
        self.random = rng.random
        self.world = world
        self.traits = traits
        self.clock = Clock(rng, sloppy=traits.sloppy)
        self.carrier = world.carriers[rng.randrange(len(world.carriers))]
        self.places: dict[str, Facility] = {}
        self.order = Order("ORDER", uuid(rng))

    def uuid(self) -> str:
        """Give a random id."""
        return uuid(self.rng)

    def facility(self, known: str | None = None) -> str:
        """Draw a facility, most often another one than the known; give its id."""
        place = self.world.facilities[other_facility(self.rng, self.world, known)]
        self.places[place.id] = place
        return place.id

    def open_at(self, facility: str | None, instant: int) -> int:
        """Move an instant into the opening hours of a facility."""
        if facility is None:
            return instant
        place = self.places[facility]
        return working_time(self.clock, place.opens, place.closes, instant)
