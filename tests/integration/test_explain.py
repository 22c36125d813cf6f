"""`flowfacts explain`: every duration of every flow has its two ends, and each end is a line of the export."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from functools import cache

import pytest

from pipelines.cli import main
from pipelines.derivation import FLOWS
from pipelines.doors import EmbeddedDoor
from pipelines.explain import derive, find


@pytest.fixture(scope="module")
def door(facts):
    door = EmbeddedDoor(str(facts))
    yield door
    door.close()


@pytest.fixture(scope="module")
def told(door):
    found = {flow: door.ask(f"SELECT flow_id FROM {relation}") for flow, relation in FLOWS.items()}
    return [derive(door, flow, r["flow_id"]) for flow, rows in found.items() for r in rows]


def test_every_duration_is_shown_with_ends_that_give_it(told):
    seen = set()
    for flow in told:
        for d in flow.durations:
            if d.seconds is None:
                assert d.because, (d.column, d.key)
                assert not d.checked
                continue
            assert d.checked, (flow.row["flow_id"], d.column, d.key)
            seen.add(d.column)
            away = sum(seconds for _, _, seconds in d.parts)
            if d.start is not None and d.stop is not None and "pause" not in d.column and "sum" not in d.rule:
                span = (d.stop.at - d.start.at).total_seconds()
                assert d.seconds == pytest.approx(span - away, abs=1e-6)
    assert len(seen) > 33


def test_every_end_names_a_line_of_the_export_that_has_its_event(told, facts):
    export = facts.parent / "tenant" / "export"

    @cache
    def lines(path):
        file = export / path
        return (gzip.decompress(file.read_bytes()) if path.endswith(".gz") else file.read_bytes()).split(b"\n")

    checked = 0
    for flow in told:
        for d in flow.durations:
            for end in (d.start, d.stop):
                if end is None or end.at is None:
                    continue
                assert end.events or end.payload, (d.column, d.key)
                for n in end.events:
                    event = flow.events[n]
                    assert event["event_at"] == end.at
                    path, _, number = event["source"].rpartition(":")
                    line = lines(path)[int(number) - 1]
                    assert event["entity_id"].encode() in line
                    checked += 1
    assert checked > 1000


def test_every_stretch_begins_and_ends_with_an_event(told):
    for flow in told:
        for i in flow.intervals:
            assert i["start_events"]
            assert i["end_events"] or i["ended_at"] is None


def test_what_is_odd_is_told_with_its_events(told):
    by_name = {o.name: o for flow in told for o in flow.odd}
    assert {"reroute", "pause", "recorded_time"} <= by_name.keys()
    for flow in told:
        names = [o.name for o in flow.odd if o.kind == "deviation"]
        assert names == list(flow.row["deviations"])
        for o in flow.odd:
            assert o.meaning
            assert all(0 <= n < len(flow.events) for n in o.events)


def test_a_flow_is_found_by_each_of_its_numbers(door):
    (leg,) = door.ask(
        "SELECT l.leg_id, o.flow_id, o.order_id, o.tenant_order_id FROM order_leg AS l JOIN order_flow AS o "
        "ON o.flow_id = l.flow_id WHERE o.tenant_order_id IS NOT NULL ORDER BY l.leg_id LIMIT 1"
    )
    for number in leg.values():
        assert leg["flow_id"] in [f.flow_id for f in find(door, f"  {number} ")]
    (receipt,) = door.ask("SELECT receipt_id, flow_id FROM inbound_receipt WHERE flow_id IS NOT NULL LIMIT 1")
    assert [f.flow_id for f in find(door, receipt["receipt_id"])] == [receipt["flow_id"]]


@pytest.mark.parametrize(
    "number", ["", " ", "' OR 1=1 --", "%", "x" * 5000, "../../etc/passwd", "a\0b", "$number", "@number"]
)
def test_what_is_no_number_finds_nothing(door, number):
    assert find(door, number) == []


def test_the_command_tells_it_and_json_has_it_all(facts, door, capsys):
    (order,) = door.ask(
        "SELECT tenant_order_id, flow_id, order_cycle_seconds FROM order_flow WHERE outcome = 'fulfilled' "
        "AND tenant_order_id IS NOT NULL AND 'reroute' IN UNNEST(deviations) ORDER BY flow_id LIMIT 1"
    )
    assert main(["explain", order["tenant_order_id"], "--output", str(facts)]) == 0
    text = capsys.readouterr().out
    for word in ("ORDER_CREATED", "order_cycle_seconds", "reroute", ".ndjson", "Intervals", "#1"):
        assert word in text
    assert main(["explain", order["flow_id"], "--warehouse", str(facts / "warehouse.duckdb"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (cycle,) = [d for d in found["durations"] if d["column"] == "order_cycle_seconds"]
    assert cycle["seconds"] == order["order_cycle_seconds"]
    start, stop = (datetime.fromisoformat(cycle[end]["at"]) for end in ("start", "stop"))
    assert (stop - start).total_seconds() == pytest.approx(cycle["seconds"], abs=1e-6)
    assert found["events"][cycle["start"]["events"][0]]["event_name"] == "ORDER_CREATED"
    assert found["events"][cycle["stop"]["events"][0]]["event_name"] == "HANDOVERJOB_HANDED_OVER"


def test_an_unknown_number_and_no_warehouse_are_bad_arguments(facts, tmp_path, capsys):
    assert main(["explain", "no such order", "--output", str(facts)]) == 2
    assert "nothing answers" in capsys.readouterr().err
    assert main(["explain", "x", "--output", str(tmp_path)]) == 2
    assert "is not there" in capsys.readouterr().err
