"""What the payloads of an order share: fragments that are encoded once, and the parts that many entities carry.

Speed matters more here than anywhere else in the simulator: a payload is 4 KB, and most of it never changes.
"""

from __future__ import annotations

import random
from typing import Any

from msgspec import Raw
from msgspec.json import encode

from pipelines.simulator.orders_model import Entity, Line, Moment, Order, PickJob
from pipelines.simulator.orders_times import Writer
from pipelines.simulator.orders_traits import uuid
from pipelines.simulator.world import World

Payload = dict[str, Any]

NO_WORKFLOW = Raw(b'{"isAvailable":false}')


class Mill:
    """Fragments that many orders share, encoded once."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.articles: dict[str, Raw] = {}
        self.senders: dict[str, Raw] = {}
        self.names = {place.id: place.name for place in world.facilities}
        self.cities = {place.id: place.city for place in world.facilities}
        # Tenant-defined attributes repeat from order to order, as those of a real tenant do.
        self.attributes = [Raw(encode(world.custom_attributes(rng, 1400 + 120 * i))) for i in range(12)]
        self.line_attributes = [Raw(encode(world.custom_attributes(rng, 420))) for _ in range(12)]

    def article(self, article: dict[str, Any]) -> Raw:
        """Give an article as the lines show it."""
        key: str = article["tenantArticleId"]
        raw = self.articles.get(key)
        if raw is None:
            shown = {**article, "imageUrl": f"https://img.example.org/{key}.jpg", "attributes": [
                {"category": "descriptive", "key": "%%subtitle%%", "value": f"{article['title']} {key}", "priority": 1},
                {"category": "miscellaneous", "key": "%%weight%%", "value": str(len(key) * 120), "type": "NUMBER"},
            ]}  # fmt: skip
            raw = self.articles[key] = Raw(encode(shown))
        return raw

    def sender(self, facility: str | None) -> Raw:
        """Give the address of a facility."""
        key = facility or ""
        raw = self.senders.get(key)
        if raw is None:
            city = self.cities.get(key, "Koeln")
            raw = self.senders[key] = Raw(encode({
                "companyName": "Speedy Boxales Ltd.", "street": "Domstr.", "houseNumber": str(len(self.senders) + 1),
                "postalCode": "50668", "city": city, "country": "DE",
                "phoneNumbers": [{"type": "PHONE", "value": "0221 000000"}],
                "emailAddresses": [{"value": f"store{len(self.senders)}@example.org", "recipient": "store manager"}],
            }))  # fmt: skip
        return raw


class Fragments:
    """The shared fragments of one order's payloads."""

    def __init__(self, mill: Mill, rng: random.Random, order: Order, write: Writer, carrier: Any) -> None:
        self.mill = mill
        self.order = order
        self.text = write
        self.carrier = carrier
        world = mill.world
        person = {"addressType": "POSTAL_ADDRESS", "salutation": "Frau", **world.person(rng)}
        self.address = Raw(encode(person))
        self.name = f"{person['firstName']} {person['lastName']}"
        self.consumer = Raw(
            encode({"consumerId": f"C-{rng.getrandbits(24)}", "email": person["email"], "addresses": [self.address]})
        )
        self.attributes = mill.attributes[rng.getrandbits(16) % len(mill.attributes)]
        self.line_attributes = mill.line_attributes[rng.getrandbits(16) % len(mill.line_attributes)]
        self.user = world.user(rng)
        self.documents = uuid(rng)
        self.short = f"{'ABCDEFGHKLMN'[rng.getrandbits(8) % 12]}S{rng.getrandbits(16) % 90 + 10}"
        self.ordered = write(order.ordered_at)
        self.target = write(order.target)
        self.stock = uuid(rng)
        self._order_lines: dict[int, Raw] = {}

    def times(self, entity: Entity, moment: Moment, exact_created: bool = False) -> Payload:
        """Give created and lastModified as far as the moment's time basis leaves them there."""
        if moment.basis == "recorded":
            # created is a weak path on later snapshots; on the first one it would date the event.
            return {} if exact_created else {"created": self.text(entity.moments[0].at)}
        return {"created": self.text(entity.moments[0].at), "lastModified": self.text(moment.at)}

    def plain_lines(self, lines: list[Line], **more: Any) -> list[Payload]:
        """Give lines as most entities show them."""
        article = self.mill.article
        return [
            {"id": line.id, "article": article(line.article), "quantity": line.quantity, **more,
             "globalLineItemId": line.order_line} for line in lines
        ]  # fmt: skip

    def hanging(self, job: PickJob | None) -> Payload:
        """Give the references that all jobs behind a pick job carry."""
        order = self.order
        shown: Payload = {"tenantOrderId": order.tenant_order_id, "workflowInformation": NO_WORKFLOW}
        if job is not None:
            shown["facilityRef"] = job.facility
            shown["operativeProcessRef"] = job.operative
        return shown
