"""`flowfacts land` against a Pub/Sub server of its own process: nothing lost, nothing twice in the facts.

Runs against the project's small server, and against Google's emulator as well where that is found.
"""

from __future__ import annotations

import base64
import collections
import gzip
import json
import random
import signal
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.pubsub_v1.types import PubsubMessage

from pipelines.cli import main
from pipelines.exports import LineReader, discover
from schemas.tables import BY_NAME
from tests.landing import DAY, as_message, batch, events, export_lines, hidden, message_ids, shuffled
from tests.truth import compare

STOP_SECONDS = 12
"""A clean stop takes some 5 s, and more on a machine that has other things to do."""


def test_landed_traffic_gives_the_facts_of_the_export(own, tenant, land, tmp_path):
    """Against the drawn truth, every cell of every relation: the server keeps the publish time that we set."""
    messages = [
        as_message(line, indent=1 if i % 7 == 0 else None) for i, line in enumerate(export_lines(tenant / "export"))
    ]
    topic, subscription = own.create()
    ids = own.publish(topic, shuffled(messages))
    landing = land(own, subscription, tmp_path / "landed", "--idle-exit", "0.6", "--max-file-mb", "1")
    assert landing.end() == (0, "")
    assert landing.last["acknowledged"] == landing.last["landed"] == len(ids)
    assert landing.last["rejected"] == 0
    assert message_ids(tmp_path / "landed") == collections.Counter(ids)
    assert sorted(p.name for p in (tmp_path / "landed").iterdir()) == ["2026-06-01", "2026-06-02"]
    assert batch(tmp_path / "landed", tmp_path / "facts") == 0
    assert compare(tenant / "truth", tmp_path / "facts" / "warehouse.duckdb") == []


def test_the_facts_do_not_depend_on_the_publish_time_where_the_payload_has_one(emulator, land, tmp_path):
    """With real publish times, and some messages sent again, as an order that rests on its payloads can't tell."""
    command = ["--days", "1", "--orders-per-day", "40", "--seed", "6", "--start", "2024-03-04", "--workers", "1"]
    assert main(["simulate", "--output", str(tmp_path / "tenant"), *command]) == 0
    messages = [as_message(line) for line in export_lines(tmp_path / "tenant" / "export")]
    for message in messages:
        del message.publish_time
    topic, subscription = emulator.create()
    ids = emulator.publish(topic, shuffled(messages + messages[::9]))
    landing = land(emulator, subscription, tmp_path / "landed")
    landing.wait_for(lambda t: t.get("received") == len(ids))
    began = time.monotonic()
    assert landing.end(signal.SIGTERM) == (0, "")
    assert time.monotonic() - began < STOP_SECONDS
    assert landing.last["acknowledged"] == len(ids)
    assert message_ids(tmp_path / "landed") == collections.Counter(ids)
    as_of = ("--as-of", "2024-03-05T00:00:00Z")
    assert batch(tmp_path / "landed", tmp_path / "facts", *as_of) == 0
    assert batch(tmp_path / "tenant" / "export", tmp_path / "wanted", *as_of) == 0
    assert different_flows(tmp_path / "wanted", tmp_path / "facts") == []


def different_flows(wanted: Path, found: Path) -> list[Any]:
    """Compare all rows and cells of the flows of which no event rests on its recorded time, which is another one."""
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        for name, folder in (("w", wanted), ("f", found)):
            con.execute(f"ATTACH '{folder}/warehouse.duckdb' AS {name} (READ_ONLY)")
        same = "(SELECT event_id, event_name, entity_id, flow_id FROM {}.flow_event)"
        different = con.execute(
            f"{same.format('w')} EXCEPT ALL {same.format('f')} UNION ALL "
            f"({same.format('f')} EXCEPT ALL {same.format('w')})"
        ).fetchall()
        con.execute(
            "CREATE TEMP TABLE timed AS SELECT flow_id FROM w.flow_event WHERE flow_id IS NOT NULL GROUP BY 1 "
            "HAVING bool_and(time_basis <> 'recorded')"
        )
        flows = con.execute("SELECT count(*) FROM timed").fetchall()[0][0]
        assert flows > 10, "there is nothing to compare"
        for name in ("order_flow", "order_leg", "order_parcel", "stow_flow", "flow_interval", "flow_event"):
            # The flag clock_skew holds event time against recorded time.
            columns = ", ".join(
                "list_filter(quality_flags, lambda f: f <> 'clock_skew')" if c.name == "quality_flags" else c.name
                for c in BY_NAME[name].columns
                if c.name not in ("source", "recorded_at")
            )
            part = f"SELECT {columns} FROM {{}}.{name} WHERE flow_id IN (SELECT flow_id FROM timed)"
            for a, b in (("w", "f"), ("f", "w")):
                different += con.execute(f"{part.format(a)} EXCEPT ALL {part.format(b)} LIMIT 3").fetchall()
    return different


def test_killed_between_file_and_acknowledgement(slow_acks, tenant, land, tmp_path):
    """All that was in the file is delivered and landed again, and is in the facts once."""
    messages = [as_message(line) for line in export_lines(tenant / "export")]
    topic, subscription = slow_acks.create()
    ids = slow_acks.publish(topic, messages)
    landed = tmp_path / "landed"
    first = land(slow_acks, subscription, landed, "--max-file-age", "0.5")
    while not list(landed.glob("*/2*.ndjson.gz")):
        time.sleep(0.01)
    assert first.end(signal.SIGKILL)[0] == -signal.SIGKILL
    twice = message_ids(landed)
    assert twice
    assert [t for t in first.told if t["event"] == "file" or t["acknowledged"]] == []
    slow_acks.expire_leases()
    second = land(slow_acks, subscription, landed, "--idle-exit", "0.6")
    assert second.end() == (0, "")
    assert second.last["acknowledged"] == len(ids)
    assert message_ids(landed) == collections.Counter(ids) + twice
    assert hidden(landed) == []
    assert batch(landed, tmp_path / "facts") == 0
    assert compare(tenant / "truth", tmp_path / "facts" / "warehouse.duckdb") == []


def test_killed_at_any_moment(own, tenant, land, tmp_path):
    messages = [as_message(line) for line in export_lines(tenant / "export")]
    topic, subscription = own.create()
    landed, chance = tmp_path / "landed", random.Random(7)
    ids: list[str] = []
    shares = 3
    for share in range(shares):
        ids += own.publish(topic, messages[share::shares])
        landing = land(own, subscription, landed, "--max-file-age", "0.2", "--max-file-mb", "0.3")
        landing.wait_for(lambda t: t.get("received"))
        time.sleep(chance.random() * 0.4)
        landing.end(signal.SIGKILL)
        own.expire_leases()
    landing = land(own, subscription, landed, "--idle-exit", "0.6")
    assert landing.end() == (0, "")
    assert set(message_ids(landed)) == set(ids)
    assert hidden(landed) == []
    assert own.pull(subscription) == []
    assert batch(landed, tmp_path / "facts") == 0
    assert compare(tenant / "truth", tmp_path / "facts" / "warehouse.duckdb") == []


def test_a_signal_stops_cleanly_with_all_acknowledged(own, land, tmp_path):
    topic, subscription = own.create()
    ids = own.publish(topic, events(1500))
    landing = land(own, subscription, tmp_path / "landed")  # a minute before its file would be closed by age
    landing.wait_for(lambda t: t.get("received") == len(ids))
    assert list(tmp_path.glob("landed/*/2*")) == []
    began = time.monotonic()
    assert landing.end(signal.SIGTERM) == (0, "")
    assert time.monotonic() - began < STOP_SECONDS
    assert landing.last["reason"] == "SIGTERM"
    assert (landing.last["acknowledged"], landing.last["unacked_messages"]) == (len(ids), 0)
    assert message_ids(tmp_path / "landed") == collections.Counter(ids)
    own.expire_leases()
    assert own.pull(subscription) == []


def test_files_are_closed_by_size_age_and_what_is_held(own, land, tmp_path):
    topic, subscription = own.create()
    own.publish(topic, events(300, size=2000))
    options = ("--max-file-mb", "0.2", "--max-file-age", "0.7", "--idle-exit", "1.2")
    landing = land(own, subscription, tmp_path / "landed", *options)
    assert landing.end() == (0, "")
    assert {f["closed_by"] for f in landing.files} == {"size", "age"}
    for file in landing.files:
        assert file["bytes"] < 206_000
        assert (file["bytes"] >= 200_000) == (file["closed_by"] == "size")
        assert len(gzip.decompress(Path(file["path"]).read_bytes())) == file["bytes"]
    assert sum(f["messages"] for f in landing.files) == 300
    names = [f["path"] for f in landing.files]
    assert names == sorted(names)

    own.publish(topic, events(1000))
    landing = land(own, subscription, tmp_path / "held", "--max-unacked-messages", "100", "--idle-exit", "0.6")
    assert landing.end() == (0, "")
    assert "unacked" in {f["closed_by"] for f in landing.files}
    assert max(f["messages"] for f in landing.files) <= 100
    assert landing.last["landed"] == 1000


def test_large_messages(own, land, tmp_path):
    """As large as Pub/Sub takes them, among small ones."""
    body = b'{"event":"ORDER_CREATED","payload":{"id":"o","filling":"%b"}}' % (b"x" * 9_900_000)
    topic, subscription = own.create()
    ids = own.publish(topic, [*events(200), *[PubsubMessage(data=body)] * 4, *events(200)])
    landing = land(own, subscription, tmp_path / "landed", "--idle-exit", "0.6")
    assert landing.end() == (0, "")
    assert landing.last["last_error"] is None
    assert message_ids(tmp_path / "landed") == collections.Counter(ids)


def test_a_message_lies_in_the_folder_of_its_publish_day(own, land, tmp_path):
    """Twelve days at once, which is more files than are kept open."""
    messages = events(120)
    for i, message in enumerate(messages):
        message.publish_time = Timestamp(seconds=1_781_683_204 + i % 12 * 86_400)
    topic, subscription = own.create()
    own.publish(topic, messages)
    landing = land(own, subscription, tmp_path / "landed", "--idle-exit", "0.6")
    assert landing.end() == (0, "")
    assert len(message_ids(tmp_path / "landed")) == 120
    assert len(list((tmp_path / "landed").iterdir())) == 12
    assert {f["closed_by"] for f in landing.files} == {"days", "stop"}
    for file in discover(str(tmp_path / "landed")):
        for line in (x for _, chunk in LineReader(file) for x in chunk):
            assert json.loads(line)["created"][:10] == file.day


@pytest.mark.parametrize("ends", ["given up", "repaired"])
def test_files_that_can_t_be_written(own, land, tmp_path, ends):
    topic, subscription = own.create()
    ids = own.publish(topic, events(400, size=4000))
    landed = tmp_path / "landed"
    if ends == "given up":  # no file may be larger than 64 KiB, as on a disk that is full
        landing = land(own, subscription, landed, "--give-up", "1", "--max-file-mb", "0.4", limit=128)
        code, err = landing.end()
        assert code == 1
        assert f"can't write to {landed}: [Errno 27] File too large" in err
        assert landing.last["acknowledged"] == landing.last["landed"] == 0
        assert landing.last["given_back"] >= len(ids)
        assert landing.last["write_failures"] >= 2
        assert not landing.last["healthy"]
        assert [p for p in landed.rglob("*") if p.is_file()] == []
        again = own.pull(subscription)  # at once: they were given back, not left to expire
        assert {m.message.message_id for m in again} == set(ids)
        return
    landed.mkdir()
    (landed / DAY).write_bytes(b"in the way")
    landing = land(own, subscription, landed, "--idle-exit", "1")
    failing = landing.wait_for(lambda t: t.get("write_failures"))
    assert (failing["healthy"], failing["acknowledged"]) == (False, 0)
    (landed / DAY).unlink()
    code, err = landing.end()
    assert code == 0
    assert err.count("\n") == 1
    assert landing.last["healthy"]
    assert landing.last["acknowledged"] == len(ids)
    assert message_ids(landed) == collections.Counter(ids)


MALFORMED = {
    b"Content-Type: text/plain": "invalid_json",
    b'{"event":"ORDER_CREATED",\n"payload":': "invalid_json",
    b"": "invalid_json",
    b'{"event":"ORDER_CREATED","payload":{"n":"\xff\xfe\n"}}': "invalid_utf8",
    b'{"event":"","payload":{}}': "missing_key",
    b'{"payload":{"id":"1"}}': "invalid_shape",
    b'[\n"x"\n]': "invalid_shape",
    b'{"event":"PICK_JOB_CREATED",\n"payload":{}}': "missing_entity_id",
}


def test_malformed_messages_are_dead_letters_of_the_batch_job(own, land, tmp_path):
    topic, subscription = own.create()
    # Pub/Sub takes no message without a body and without an attribute.
    bad = [PubsubMessage(data=body, attributes={"origin": "test"}) for body in MALFORMED]
    own.publish(topic, events(10) + bad)
    landing = land(own, subscription, tmp_path / "landed", "--idle-exit", "0.6")
    assert landing.end() == (0, "")
    assert landing.last["rejected"] == len(bad) - 1  # that an id is missing shows when the payload is decoded
    assert batch(tmp_path / "landed", tmp_path / "facts") == 0
    with duckdb.connect(str(tmp_path / "facts" / "warehouse.duckdb"), read_only=True) as con:
        reasons = con.execute("SELECT reason, count(*) FROM dead_letter GROUP BY 1").fetchall()
        assert con.execute("SELECT count(*) FROM order_flow").fetchall() == [(10,)]
    assert dict(reasons) == collections.Counter(MALFORMED.values())
    (raw,) = (tmp_path / "facts" / "dead_letters").rglob("*.raw")
    kept = []
    for line in raw.read_bytes().splitlines():
        found = json.JSONDecoder().raw_decode(line.decode(errors="replace"))[0]
        assert found["attributes"] == {"origin": "test"}
        kept.append(base64.b64decode(found["data"]) if "data" in found else json.dumps(found["payload"]).encode())
    entity = json.dumps({"event": "PICK_JOB_CREATED", "payload": {}}).encode()
    assert sorted(kept) == sorted([*(b for b, reason in MALFORMED.items() if reason != "missing_entity_id"), entity])


def test_acknowledgements_that_come_too_late_are_known_and_land_twice(own, land, tmp_path):
    topic, subscription = own.create(enable_exactly_once_delivery=True)
    ids = own.publish(topic, events(200))
    landing = land(own, subscription, tmp_path / "landed", "--max-file-age", "1.5", "--idle-exit", "0.6")
    landing.wait_for(lambda t: t.get("received") == len(ids))
    own.expire_leases()
    assert landing.end() == (0, "")
    assert (landing.last["ack_failures"], landing.last["acknowledged"]) == (len(ids), len(ids))
    assert set(message_ids(tmp_path / "landed").values()) == {2}
    assert batch(tmp_path / "landed", tmp_path / "facts") == 0
    with duckdb.connect(str(tmp_path / "facts" / "warehouse.duckdb"), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM flow_event").fetchall() == [(len(ids),)]
        assert con.execute("SELECT duplicates FROM pipeline_run").fetchall() == [(len(ids),)]


def test_leases_outlive_the_deadline_of_the_subscription(own, land, tmp_path):
    """A file that is open for longer than the deadline; nothing of it is delivered again meanwhile."""
    topic, subscription = own.create(ack_deadline_seconds=3)
    ids = own.publish(topic, events(50))
    landing = land(own, subscription, tmp_path / "landed", "--max-file-age", "3.6")
    landing.wait_for(lambda t: t["event"] == "file")
    assert landing.end(signal.SIGTERM) == (0, "")
    assert landing.last["received"] == landing.last["acknowledged"] == len(ids)
    assert landing.last["lease_failures"] == 0


def test_several_at_once_share_a_folder(own, land, tmp_path):
    landed = tmp_path / "landed"
    topic, subscription = own.create()
    ids = own.publish(topic, events(200))
    one = land(own, subscription, landed)
    one.wait_for(lambda t: t.get("received") == len(ids))
    one.end(signal.SIGKILL)
    own.expire_leases()
    assert len(hidden(landed)) == 1
    other, other_subscription = own.create()
    other_ids = own.publish(other, events(200))
    two = land(own, other_subscription, landed)
    assert two.wait_for(lambda t: t.get("received") == len(other_ids))["leftovers"] == 1
    three = land(own, subscription, landed)
    assert three.wait_for(lambda t: t.get("received") == len(ids))["leftovers"] == 0
    assert len(hidden(landed)) == 2
    assert [two.end(signal.SIGINT), three.end(signal.SIGTERM)] == [(0, "")] * 2
    assert [two.last["reason"], three.last["reason"]] == ["SIGINT", "SIGTERM"]
    assert message_ids(landed) == collections.Counter(ids) + collections.Counter(other_ids)


def test_a_subscription_that_is_missing(emulator, land, tmp_path):
    landing = land(emulator, "projects/test-project/subscriptions/nothing", tmp_path / "landed")
    code, err = landing.end()
    assert code == 2
    assert "projects/test-project/subscriptions/nothing does not exist" in err
    assert "gcloud pubsub subscriptions create nothing" in err
    assert err.count("\n") == 1


def test_a_subscription_that_goes_away(own, land, tmp_path):
    topic, subscription = own.create()
    ids = own.publish(topic, events(20))
    landing = land(own, subscription, tmp_path / "landed")
    landing.wait_for(lambda t: t.get("received") == len(ids))
    own.subscriber.delete_subscription(subscription=subscription)
    code, err = landing.end()
    assert code == 1
    assert "does not exist" in err
    assert message_ids(tmp_path / "landed") == collections.Counter(ids)  # what had come is on disk all the same
    assert landing.last["ack_failures"] == len(ids)
