"""Events outside the flows, which an export holds too: facilities, stock, users, listings, names nobody knows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from pipelines.simulator.drawing import instant_text, lag
from pipelines.simulator.model import Emission, TruthEvent
from pipelines.simulator.world import World

UNKNOWN = ("SHINY_NEW_THING_HAPPENED", "ROBOT_ARM_STALLED", "FORECAST_UPDATED")


def _truth(
    event_id: str, entity: str | None, entity_id: str | None, version: int | None, at: int, basis: str,
    place: str | None = None, status: str | None = None,
) -> TruthEvent:  # fmt: skip
    return TruthEvent(event_id, "none", None, entity, entity_id, version, at, basis, place, status)


def outside_events(
    rng: random.Random, world: World, day_start: int, count: int, horizon: int, *, wrong_types: float = 0.0
) -> Iterator[tuple[Emission, int, int]]:
    """Draw events of one day that belong to no flow.

    Args:
        rng: source of chance.
        world: where it happens.
        day_start: start of the day, in microseconds.
        count: number of events.
        horizon: what is recorded later does not happen.
        wrong_types: share of events with fields of a wrong type.

    Returns:
        The emission, the optional fields that its decoding must lose, and 1 when its name is unknown.
    """
    for _ in range(count):
        at = day_start + world.daily_minutes(rng)
        recorded = at + lag(rng)
        if recorded > horizon:
            continue
        made = rng.choice((_facility, _user, _stocks, _facility_stock, _deleted, _unknown, _listing))
        emission = made(rng, world, at, recorded)
        lost = 0
        if rng.random() < wrong_types and isinstance(emission.payload, dict) and "version" in emission.payload:
            emission.payload["version"] = "seven"
            emission.payload["lastModified"] = "a while ago"
            truth = emission.truth[0]
            truth.entity_version, truth.event_at, truth.time_basis = None, recorded, "recorded"
            lost = 2
        yield emission, lost, int(made is _unknown)


def heartbeat(rng: random.Random, world: World, recorded: int) -> Emission:
    """Give an event recorded at an exact instant, so that the newest recorded time of the data is known."""
    return _facility(rng, world, recorded, recorded)


def _facility(rng: random.Random, world: World, at: int, recorded: int) -> Emission:
    place, event_id = rng.choice(world.facilities), world.uuid(rng)
    version = rng.randrange(1, 10**9)
    payload = {
        "id": place.id,
        "name": place.name,
        "status": "ONLINE",
        "created": instant_text(at - 10**12),
        "lastModified": instant_text(at),
        "version": version,
        "address": {"phoneNumbers": world.person(rng)["phoneNumbers"], "street": world.person(rng)["street"]},
        "contact": world.person(rng),
        "customAttributes": world.custom_attributes(rng, 1500),
    }
    truth = _truth(event_id, "FACILITY", place.id, version, at, "snapshot", place.id, "ONLINE")
    return Emission("FACILITY_UPDATED", event_id, recorded, payload, [truth])


def _user(rng: random.Random, world: World, at: int, recorded: int) -> Emission:
    event_id, user, version = world.uuid(rng), world.user(rng), rng.randrange(1, 10**9)
    payload = {
        "id": user["userId"],
        "username": user["username"],
        "created": instant_text(at - 10**12),
        "lastModified": instant_text(at),
        "version": version,
        "person": world.person(rng),
        "customAttributes": world.custom_attributes(rng, 1500),
    }
    truth = _truth(event_id, "USER", None, version, at, "snapshot")
    return Emission("USER_UPDATED", event_id, recorded, payload, [truth])


def _stocks(rng: random.Random, world: World, at: int, recorded: int) -> Emission:
    event_id, place = world.uuid(rng), rng.choice(world.facilities)
    items: list[dict[str, Any]] = []
    truth = []
    for _ in range(rng.randrange(0, 5)):  # an empty list is an accepted line without an event
        stock, version = world.uuid(rng), rng.randrange(1, 10**6)
        items.append(
            {
                "id": stock,
                "version": version,
                "facilityRef": place.id,
                "value": rng.randrange(0, 50),
                "created": instant_text(at - 10**12),
                "lastModified": instant_text(at),
                "customAttributes": world.custom_attributes(rng, 500),
            }
        )
        truth.append(_truth(f"{event_id}#{stock}", "STOCK", stock, version, at, "snapshot", place.id))
    return Emission("INVENTORY_STOCKS_VALUE_CHANGED", event_id, recorded, {"items": items}, truth)


def _facility_stock(rng: random.Random, world: World, at: int, recorded: int) -> Emission:
    event_id, place = world.uuid(rng), rng.choice(world.facilities)
    articles = rng.sample(world.articles, rng.randrange(1, 4))
    payload = [
        {"tenantArticleId": a.tenant_article_id, "facilityRef": place.id, "stock": rng.randrange(0, 90)}
        for a in articles
    ]
    truth = [
        _truth(
            f"{event_id}#{a.tenant_article_id}",
            "FACILITY_STOCK",
            a.tenant_article_id,
            None,
            recorded,
            "recorded",
            place.id,
        )
        for a in articles
    ]
    return Emission("INVENTORY_FACILITY_STOCK_CHANGED", event_id, recorded, payload, truth)


def _deleted(rng: random.Random, world: World, at: int, recorded: int) -> Emission:
    event_id, gone = world.uuid(rng), world.uuid(rng)
    truth = _truth(event_id, "FACILITY", gone, None, recorded, "recorded", gone)
    return Emission("FACILITY_DELETED", event_id, recorded, gone, [truth])


def _unknown(rng: random.Random, world: World, at: int, recorded: int) -> Emission:
    event_id = world.uuid(rng)
    payload = {"id": world.uuid(rng), "who": world.person(rng), "more": world.custom_attributes(rng, 900)}
    truth = _truth(event_id, None, None, None, recorded, "recorded")
    return Emission(rng.choice(UNKNOWN), event_id, recorded, payload, [truth])


def _listing(rng: random.Random, world: World, at: int, recorded: int) -> Emission:
    event_id, place, listing = world.uuid(rng), rng.choice(world.facilities), world.uuid(rng)
    item = {
        "id": listing,
        "version": 3,
        "facilityId": place.id,
        "status": "ACTIVE",
        "created": instant_text(at - 10**12),
        "lastModified": instant_text(at),
        "customAttributes": world.custom_attributes(rng, 900),
    }
    truth = _truth(f"{event_id}#{listing}", "LISTING", listing, 3, at, "snapshot", place.id, "ACTIVE")
    return Emission("LISTINGS_STATUS_CHANGED", event_id, recorded, {"items": [item]}, [truth])
