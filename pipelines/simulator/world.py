"""The small world of the simulated tenant: facilities with opening hours, carriers, articles, people."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from pipelines.simulator.model import US
from pipelines.simulator.people import (
    FIRST_NAMES,
    LAST_NAMES,
    MAIL_DOMAINS,
    PHONE_PREFIX,
    STREETS,
    USER_NAMES,
)

_CITIES = (("Köln", "50668"), ("Langenfeld", "40764"), ("Hamburg", "20095"), ("München", "80331"), ("Leipzig", "04109"))
_CARRIERS = ("DHL", "DPD", "GLS", "HERMES", "UPS")
_GOODS = ("Cologne Water", "Rubber Duck", "Bath Salt", "Linen Towel", "Soap Dish", "Candle", "Mug", "Umbrella")
# Share of the day's work that begins in each hour, UTC: two humps, as shops and warehouses have them.
_HOURS = (1, 1, 1, 1, 2, 4, 9, 16, 22, 24, 22, 18, 14, 14, 18, 22, 24, 22, 18, 14, 10, 7, 4, 2)


@dataclass(frozen=True, slots=True)
class Facility:
    """One store or warehouse; it works from `opens` to `closes`, hours in UTC."""

    id: str
    name: str
    city: str
    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class Carrier:
    """One carrier."""

    id: str
    key: str


@dataclass(frozen=True, slots=True)
class Article:
    """One article."""

    tenant_article_id: str
    title: str


class World:
    """Everything that stories share; the same for the same seed."""

    def __init__(self, seed: int, data_start: int, facilities: int = 12) -> None:
        """Draw the world.

        Args:
            seed: seed of everything.
            data_start: where the data begins, in microseconds; what is recorded before did not reach the export.
            facilities: number of facilities.
        """
        rng = random.Random(f"world-{seed}")
        self.data_start = data_start
        self.facilities = [self._facility(rng, i) for i in range(facilities)]
        self.carriers = [Carrier(self.uuid(rng), key) for key in _CARRIERS]
        self.articles = [Article(f"{4711 + i}", f"{_GOODS[i % len(_GOODS)]} {i}") for i in range(400)]
        self._users = [{"userId": self.uuid(rng), "username": f"{name}{i}"} for i, name in enumerate(USER_NAMES * 5)]
        self._words = [f"{rng.getrandbits(48):x}" for _ in range(3000)]

    def _facility(self, rng: random.Random, index: int) -> Facility:
        city = _CITIES[index % len(_CITIES)][0]
        opens = rng.choice((4, 5, 6, 7))
        return Facility(self.uuid(rng), f"Store {city} {index + 1}", city, opens, rng.choice((17, 18, 19, 20)))

    @staticmethod
    def uuid(rng: random.Random) -> str:
        """Draw an id in the form of a UUID."""
        h = f"{rng.getrandbits(128):032x}"
        return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"

    @staticmethod
    def daily_minutes(rng: random.Random) -> int:
        """Draw a moment of the day as an offset in microseconds, with the shape of a working day."""
        hour = rng.choices(range(24), _HOURS)[0]
        return (hour * 3600) * US + rng.randrange(3600 * US)

    def person(self, rng: random.Random) -> dict[str, Any]:
        """Draw a consumer with an address."""
        first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
        city, code = rng.choice(_CITIES)
        return {
            "addressType": "POSTAL_ADDRESS",
            "salutation": rng.choice(("Frau", "Herr")),
            "firstName": first,
            "lastName": last,
            "street": rng.choice(STREETS),
            "houseNumber": str(rng.randrange(1, 200)),
            "postalCode": code,
            "city": city,
            "country": "DE",
            "email": f"{first}.{last}@{rng.choice(MAIL_DOMAINS)}".lower(),
            "phoneNumbers": [
                {"type": "MOBILE", "value": f"{PHONE_PREFIX}{rng.randrange(10**6):06d}", "label": "private"}
            ],
        }

    def user(self, rng: random.Random) -> dict[str, str]:
        """Draw a member of the staff."""
        return dict(rng.choice(self._users))

    def custom_attributes(self, rng: random.Random, size_bytes: int) -> dict[str, str]:
        """Draw attributes of some size, as tenants put them on everything."""
        words = self._words
        found: dict[str, str] = {}
        size = 0
        while size < size_bytes:
            key, value = rng.choice(words), rng.choice(words)
            found[key] = value
            size += len(key) + len(value) + 6
        return found
