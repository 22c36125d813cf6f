"""Which deliveries are one event: rulings 3, 4 and 7."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from tests.unit.transforms.build import ev
from transforms.event import Event
from transforms.identity import distinct, identity
from transforms.rows import order_key


def ids(events: list[Event]) -> tuple[list[str], int]:
    kept, _, repeats = distinct(events)
    return [e.event_id for e in kept], repeats


def created(at: float = 0, entity_id: str = "O1", *, version: int = 1, **more: Any) -> Event:
    return ev("ORDER_CREATED", at, entity_id, version=version, **more)


def test_nothing_twice_is_kept_in_order():
    events = [created(2, event_id="b", version=2), created(1, event_id="a", version=1)]
    assert ids(events) == (["a", "b"], 0)
    assert ids([]) == ([], 0)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param(created(0, event_id="a", recorded=9), True, id="same envelope id"),
        pytest.param(created(7, event_id="b"), True, id="name, entity and version"),
        pytest.param(created(0, event_id="b", version=2), False, id="other version"),
        pytest.param(created(0, "O2", event_id="b"), False, id="other entity"),
        pytest.param(ev("ORDER_MODIFIED", 0, version=1, event_id="b"), False, id="other name (one change, two events)"),
    ],
)
def test_versioned_entities(other: Event, same: bool):
    first = created(0, event_id="a")
    assert ids([first, other]) == ids([other, first])
    assert ids([first, other])[1] == int(same)


HOLD = {"inbound_status": "ON_HOLD"}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param(ev("INBOUND_DELIVERY_ON_HOLD", 0, event_id="b", recorded=5, **HOLD), True, id="recorded later"),
        pytest.param(ev("INBOUND_DELIVERY_ON_HOLD", 1, event_id="b", **HOLD), False, id="other event time"),
        pytest.param(ev("INBOUND_DELIVERY_ON_HOLD", 0, event_id="b", inbound_status="X"), False, id="other content"),
        pytest.param(ev("INBOUND_DELIVERY_ON_HOLD", 0, event_id="b", status="X", **HOLD), False, id="other status"),
        pytest.param(
            ev("INBOUND_DELIVERY_ON_HOLD", 0, event_id="b", facility="F9", **HOLD), False, id="other facility"
        ),
        pytest.param(ev("INBOUND_DELIVERY_RELEASED", 0, event_id="b", **HOLD), False, id="other name"),
    ],
)
def test_entities_without_version(other: Event, same: bool):
    first = ev("INBOUND_DELIVERY_ON_HOLD", 0, event_id="a", **HOLD)
    assert ids([first, other])[1] == int(same)


def test_without_entity_only_the_envelope_id_counts():
    one = Event("a", "NEWS", "none", None, None, None, None, 5, "recorded", 5, None, None, "s:1")
    two = Event("b", "NEWS", "none", None, None, None, None, 5, "recorded", 5, None, None, "s:2")
    again = Event("a", "NEWS", "none", None, None, None, None, 6, "recorded", 6, None, None, "s:3")
    assert ids([one, two, again]) == (["a", "b"], 1)


def test_earliest_recorded_delivery_stands_for_all():
    """Ruling 3, and every other cell comes from the same delivery."""
    late = created(0, event_id="a", recorded=9)
    early = created(0, event_id="b", recorded=3)
    early.source = "first.ndjson:1"
    for given in ([late, early], [early, late]):
        (kept,), _, repeats = distinct(given)
        assert (kept.event_id, kept.source, repeats) == ("b", "first.ndjson:1", 1)


def test_ties_of_the_recorded_time_fall_to_the_smaller_id_then_source():
    one, two = created(0, event_id="b"), created(0, event_id="a")
    assert ids([one, two])[0] == ids([two, one])[0] == ["a"]
    one, two = created(0, event_id="a"), created(0, event_id="a")
    one.source, two.source = "x:2", "x:1"
    assert {distinct(given)[0][0].source for given in ([one, two], [two, one])} == {"x:1"}


def test_sameness_is_transitive():
    """`a` and `b` differ until a third delivery shares the id of one and the version of the other."""
    a = created(1, event_id="a", version=1, recorded=1)
    b = created(2, event_id="b", version=2, recorded=2)
    link = created(3, event_id="a", version=2, recorded=3)
    assert ids([a, b]) == (["a", "b"], 0)
    assert {str(ids(list(p))) for p in permutations([a, b, link])} == {"(['a'], 2)"}


def test_long_chains_of_sameness_collapse_whatever_their_order():
    chain = [created(i, event_id=f"e{(i + 1) // 2}", version=i // 2, recorded=10 - i) for i in range(6)]
    assert {str(ids(list(p))) for p in permutations(chain)} == {"(['e3'], 5)"}


def test_order_is_time_then_version_then_id():
    """Ruling 7."""
    events = [
        created(2, event_id="a", version=1),
        created(1, event_id="z", version=3),
        created(1, event_id="y", version=2),
        ev("ORDER_UNLOCKED", 1, version=2, event_id="x"),
        ev("UPCOMING_TIME_TRIGGERED_REROUTE", 1, event_id="w"),
    ]
    assert [e.event_id for e in sorted(events, key=order_key)] == ["w", "x", "y", "z", "a"]
    assert ids(events)[0] == ["w", "x", "y", "z", "a"]


def test_identity_ignores_source_and_recorded_time_of_a_dated_event():
    one = ev("PICK_JOB_PICK_LINE_PICKED", 5, recorded=6, pick_job_ref="J1", picked=1)
    two = ev("PICK_JOB_PICK_LINE_PICKED", 5, recorded=7, pick_job_ref="J1", picked=1, event_id="other")
    assert identity(one) == identity(two)
