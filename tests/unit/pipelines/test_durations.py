"""The declared ends of the durations, held to the tables and to the projections that compute them."""

from __future__ import annotations

from schemas.durations import DURATIONS, MOMENTS
from schemas.oddities import DEVIATIONS_TOLD, FLAGS_TOLD
from schemas.tables import BY_NAME, FACT_TABLES
from schemas.vocabulary import DEVIATIONS, QUALITY_FLAGS
from transforms import project_inbound, project_order, project_stow


def test_every_duration_of_the_facts_is_told_once():
    there = {
        (t.name, c.name)
        for t in FACT_TABLES
        if t.name not in ("flow_interval", "order_time_split")
        for c in t.columns
        if c.unit == "s"
    }
    told = [(d.relation, d.column) for d in DURATIONS]
    assert set(told) == there
    assert len(told) == len(set(told))


def test_every_end_is_a_column_that_is_dated():
    for d in DURATIONS:
        for column in (*d.start, *d.stop):
            assert column in BY_NAME[d.relation].index()
            assert column in MOMENTS[d.relation]


def test_the_events_of_each_column_are_those_that_the_projections_take():
    taken = {
        "order_flow": project_order._ORDER_SOURCES, "order_leg": project_order._LEG_SOURCES,
        "inbound_flow": project_inbound._SOURCES, "stow_flow": project_stow._SOURCES,
    }  # fmt: skip
    for relation, sources in taken.items():
        told = {c: frozenset(m.events) for c, m in MOMENTS[relation].items() if m.events}
        assert told == dict(sources)


def test_every_oddity_has_its_meaning():
    assert set(DEVIATIONS_TOLD) == {d for of in DEVIATIONS.values() for d in of}
    assert set(FLAGS_TOLD) == set(QUALITY_FLAGS)
