"""The export is a valid OCEL 2.0 log whose counts are those of the facts, in both forms."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import jsonschema
import pytest

import schemas
from pipelines.cli import main
from pipelines.doors import EmbeddedDoor


@pytest.fixture(scope="module")
def log(facts):
    to = facts.parent / "log.json"
    assert main(["export", "ocel", "--output", str(to), "--warehouse", str(facts)]) == 0
    return json.loads(to.read_text(encoding="utf-8"))


def test_it_is_valid(log):
    schema = json.loads((Path(schemas.__file__).parent / "ocel" / "ocel20.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(log)


def test_every_type_and_every_object_that_is_named_is_there(log):
    kinds = {t["name"]: {a["name"]: a["type"] for a in t["attributes"]} for t in log["objectTypes"]}
    events = {t["name"] for t in log["eventTypes"]}
    ids = [o["id"] for o in log["objects"]]
    assert len(ids) == len(set(ids))
    assert {e["type"] for e in log["events"]} == events
    types = {"string": str, "time": str, "integer": int, "float": (int, float), "boolean": bool}
    for o in log["objects"]:
        for a in o.get("attributes", ()):
            assert isinstance(a["value"], types[kinds[o["type"]][a["name"]]])
    named = {r["objectId"] for x in (*log["events"], *log["objects"]) for r in x.get("relationships", ())}
    assert named <= set(ids)


def test_its_counts_are_those_of_the_facts(log, facts):
    door = EmbeddedDoor(str(facts))
    (events,) = door.ask("SELECT COUNT(*) AS n FROM flow_event WHERE flow <> 'none'")
    assert len(log["events"]) == events["n"]
    by_type = Counter(o["type"] for o in log["objects"])
    for kind, relation in (
        ("process", "order_flow"),
        ("pick_job", "order_leg"),
        ("parcel", "order_parcel"),
        ("inbound_process", "inbound_flow"),
        ("receipt", "inbound_receipt"),
        ("stow_job", "stow_flow"),
    ):
        (row,) = door.ask(f"SELECT COUNT(*) AS n FROM {relation}")
        bare = sum(1 for o in log["objects"] if o["type"] == kind and "attributes" not in o)
        assert by_type[kind] - bare == row["n"] > 0
    names = dict(Counter(e["type"] for e in log["events"]))
    rows = door.ask("SELECT event_name, COUNT(*) AS n FROM flow_event WHERE flow <> 'none' GROUP BY event_name")
    assert names == {r["event_name"]: r["n"] for r in rows}
    outcomes = Counter(
        a["value"]
        for o in log["objects"]
        if o["type"] == "process"
        for a in o.get("attributes", ())
        if a["name"] == "outcome"
    )
    rows = door.ask("SELECT outcome, COUNT(*) AS n FROM order_flow GROUP BY outcome")
    assert outcomes == {r["outcome"]: r["n"] for r in rows}
    door.close()


def test_no_order_number_is_in_it(log, facts):
    door = EmbeddedDoor(str(facts))
    numbers = {r["tenant_order_id"] for r in door.ask("SELECT tenant_order_id FROM order_flow")} - {None}
    text = json.dumps(log)
    assert numbers
    assert not [n for n in numbers if n in text]
    door.close()


def test_sqlite_has_the_same(log, facts, capsys):
    to = facts.parent / "log.sqlite"
    assert main(["export", "ocel", "--output", str(to), "--warehouse", str(facts), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": str(to),
        "events": len(log["events"]),
        "objects": len(log["objects"]),
    }
    with closing(sqlite3.connect(to)) as con:
        for table, items in (("event", log["events"]), ("object", log["objects"])):
            rows = con.execute(f"SELECT ocel_id, ocel_type FROM {table}").fetchall()
            assert sorted(rows) == sorted((i["id"], i["type"]) for i in items)
            mapped = con.execute(f"SELECT ocel_type, ocel_type_map FROM {table}_map_type").fetchall()
            assert {n for n, _ in mapped} == {t["name"] for t in log[f"{table}Types"]}
            each = sum(con.execute(f'SELECT count(*) FROM "{table}_{m}"').fetchone()[0] for _, m in mapped)
            assert each == len(items)
        links = con.execute("SELECT ocel_event_id, ocel_object_id, ocel_qualifier FROM event_object").fetchall()
        wanted = {(e["id"], r["objectId"], r["qualifier"]) for e in log["events"] for r in e["relationships"]}
        assert set(links) == wanted
        (event,) = [e for e in log["events"] if e["type"] == "ORDER_CREATED"][:1]
        found = con.execute("SELECT ocel_time FROM event_ORDER_CREATED WHERE ocel_id = ?", [event["id"]]).fetchall()
        assert found == [(event["time"],)]


def test_a_wrong_name_of_the_file_is_a_bad_argument(facts, tmp_path, capsys):
    assert main(["export", "ocel", "--output", str(tmp_path / "log.xml"), "--warehouse", str(facts)]) == 2
    assert ".sqlite" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
