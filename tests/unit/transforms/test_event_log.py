"""The event log outlives the version that wrote it."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from tests.unit.transforms.build import ev
from transforms.event import Event, encoder
from transforms.event_log import LAYOUT, LogLayoutError, day_of, events_in, log_tables


def with_layout(table: pa.Table, layout: dict, facts: list) -> pa.Table:
    """A log as another version would have written it."""
    place = table.column_names.index("facts")
    table = table.set_column(place, "facts", pa.array([encoder.encode(f) for f in facts], pa.binary()))
    return table.replace_schema_metadata({b"flowfacts.facts": json.dumps(layout).encode()})


def logged(*events: Event) -> pa.Table:
    ((_, table),) = log_tables(events, [])
    return table


def test_events_come_back_as_they_went():
    named, searched = ev("ORDER_CREATED", 0, "O1"), ev("PICK_JOB_CREATED", 1, "J1")
    ((_, table),) = log_tables([named], [searched])
    found = {e.event_id: e for e in events_in(table)}
    assert found[named.event_id] == named
    # The flow of the other was searched: it must be searched again.
    assert found[searched.event_id].flow_id is None


def test_facts_of_another_version_are_read_by_name():
    event = ev("ORDER_CREATED", 0, "O1")
    names = LAYOUT["Order"]
    there = {n if isinstance(n, str) else n[0]: i for i, n in enumerate(names)}
    assert "line_count" in there
    other = {"Order": ["of_another_time", "line_count", "tenant_order_id"]}
    (found,) = events_in(with_layout(logged(event), other, [["Order", "x", 7, "T-1"]]))
    assert (found.facts.line_count, found.facts.tenant_order_id) == (7, "T-1")
    assert found.facts.units is None


def test_a_model_that_is_not_known_is_told():
    table = with_layout(logged(ev("ORDER_CREATED", 0, "O1")), {"Ordre": ["a"]}, [["Ordre", 1]])
    with pytest.raises(LogLayoutError, match="'Ordre', which this version does not know"):
        events_in(table)


@pytest.mark.parametrize(
    ("source", "day"),
    [("2026-06-03/part-1.ndjson.gz:7", "2026-06-03"), ("flat.ndjson:1", "2026-06-17"), ("sub:123", "2026-06-17")],
)
def test_the_day_is_the_folder_or_the_recorded_day(source, day):
    event = ev("ORDER_CREATED", 0, "O1")
    event.source = source
    assert day_of(event) == day
