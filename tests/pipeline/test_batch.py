"""The batch job through its command, on the example lines of all events."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.cli import main
from schemas.tables import TABLES

EXAMPLES = Path(__file__).parent.parent / "golden" / "payload_examples" / "export_lines.ndjson"
LINES = EXAMPLES.read_bytes().splitlines()
# Personal data of the example payloads: a consumer, a member of the staff, a comment, contact data.
PERSONAL = (b"Maxine", b"Muller", b"test@try.de", b"0151 000000", b"Hauptstr", b"picker.one", b"one pallet damaged")


@pytest.fixture
def export(tmp_path):
    """Write lines into day folders by their recorded time, in two files a day."""

    def write(lines=LINES, folder="export"):
        days: dict[str, list[bytes]] = {}
        for line in lines:
            days.setdefault(json.loads(line)["created"][:10], []).append(line)
        for day, group in days.items():
            (tmp_path / folder / day).mkdir(parents=True, exist_ok=True)
            for i in (0, 1):
                if group[i::2]:
                    data = b"\n".join(group[i::2]) + b"\n"
                    (tmp_path / folder / day / f"part-{i}.ndjson.gz").write_bytes(gzip.compress(data))
        return tmp_path / folder

    return write


def run(source, output, *options):
    return main(["batch", "--input", str(source), "--output", str(output), "--quiet", *options])


def rows(output, relation, order="ALL"):
    with duckdb.connect(str(output / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return con.execute(f"SELECT * FROM {relation} ORDER BY {order}").fetchall()


def facts(output):
    names = [t.name for t in TABLES if t.name not in ("pipeline_run", "input_file", "dead_letter", "day_book")]
    return {name: rows(output, name) for name in names}


def scalar(output, sql):
    with duckdb.connect(str(output / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return con.execute(sql).fetchall()[0]


def test_the_happy_order_of_the_examples(export, tmp_path):
    out = tmp_path / "facts"
    assert run(export(), out) == 0
    # Story A of the examples, computed by hand from its payloads.
    found = scalar(
        out,
        "SELECT outcome, order_cycle_seconds, order_to_route_seconds, on_time, lateness_seconds, deviations, "
        "picked_units, fill_rate, epoch(delivered_at) FROM order_flow "
        "WHERE flow_id = '3b667823-64cd-5fba-a764-2420ffdfd984'",
    )
    # 08:00:04.12 to 15:48:12; routed 08:00:07.4; target 16:00; delivered 2026-06-18 10:14
    assert found == ("fulfilled", 28087.88, 3.28, True, -708.0, ["pause"], 3, 1.0, 1781777640.0)
    leg = scalar(
        out,
        "SELECT outcome, pick_queue_seconds, pick_duration_gross_seconds, pick_pause_seconds, "
        "pick_duration_net_seconds, pick_to_pack_seconds, pack_queue_seconds, pack_duration_seconds, "
        "handover_prepare_seconds, handover_wait_seconds FROM order_leg "
        "WHERE leg_id = 'd5572f4c-af77-5f2c-9fe9-f49af685efa0'",
    )
    # created 08:00:08.3, started 09:12:30.2, paused 09:17:10, finished 09:29:05; packed 09:29:06.02, 09:41, 09:52:30
    assert leg == ("picked", 4341.9, 994.8, 715.0, 279.8, 1.02, 713.98, 690.0, 1.3, 21340.7)


def test_every_line_is_accounted_for(export, tmp_path):
    out = tmp_path / "facts"
    assert run(export(), out) == 0
    found = scalar(
        out,
        "SELECT lines_read, lines_accepted, dead_letters, events_accepted, events_folded, events_outside_flows, "
        "events_unresolved, duplicates, balanced FROM pipeline_run",
    )
    # 71 lines; three bulk ones carry 2, 3 and 2 items: 75 events
    assert found == (71, 71, 0, 75, 75, 0, 0, 0, True)


def test_running_again_changes_no_row_and_leaves_no_file_behind(export, tmp_path):
    source, out = export(), tmp_path / "facts"
    assert run(source, out) == 0
    first, parts = facts(out), len(list(out.glob("facts/*/*")))
    assert run(source, out) == 0
    assert facts(out) == first
    assert len(list(out.glob("facts/*/*"))) == parts


@pytest.mark.parametrize("buckets", ["1", "5", "64"])
def test_the_number_of_buckets_changes_no_row(export, tmp_path, buckets):
    source = export()
    run(source, tmp_path / "a")
    run(source, tmp_path / "b", "--buckets", buckets)
    assert facts(tmp_path / "a") == facts(tmp_path / "b")


def test_duplicates_and_disorder_change_nothing_but_the_books(export, tmp_path):
    run(export(), tmp_path / "a")
    again = []
    for line in reversed(LINES):
        repeat = json.loads(line)
        repeat["created"] = "2027-02-01T00:00:00.000001+00:00"  # delivered again, later
        again += [json.dumps(repeat).encode(), line]
    run(export(again, "twice"), tmp_path / "b", "--as-of", "2027-01-13T09:00:00.445374Z")
    ours, theirs = facts(tmp_path / "b"), facts(tmp_path / "a")
    events = [[r[:-1] for r in f.pop("flow_event")] for f in (ours, theirs)]  # all but the place
    assert ours == theirs
    assert sorted(map(str, events[0])) == sorted(map(str, events[1]))
    assert scalar(tmp_path / "b", "SELECT duplicates, events_folded FROM pipeline_run") == (75, 75)


def test_both_readings_of_the_payload_give_the_same_facts(export, tmp_path):
    run(export(), tmp_path / "a")
    nested = EXAMPLES.with_name("export_lines_nested.ndjson").read_bytes().splitlines()
    run(export(nested, "nested"), tmp_path / "b")
    assert facts(tmp_path / "a") == facts(tmp_path / "b")


def test_bad_lines_are_dead_letters_with_their_place(export, tmp_path):
    source, out = export(), tmp_path / "facts"
    bad = [
        b'{"id":"1","eventName":"order-created_event-v1","payload":{},"created":"2026-06-17T08:00:00Z"}',
        b'{"id":"1","eventName":"order-created_event-v1","payload":{}',
        b'{"id":"1","payload":{},"created":"2026-06-17T08:00:00Z"}',
        b'{"id":"1","eventName":"x","payload":{},"created":"yesterday"}',
        b'{"id":"1","eventName":"order-created_event-v1","payload":7,"created":"2026-06-17T08:00:00Z"}',
        b"\xff\xfe",
        b"",
        b"x" * 2000,
    ]
    (source / "2026-06-17" / "zz.ndjson").write_bytes(b"\r\n".join(bad) + b"\n")
    assert run(source, out, "--max-line-bytes", "20000") == 0
    with duckdb.connect(str(out / "warehouse.duckdb"), read_only=True) as con:
        found = con.execute("SELECT source, reason, raw_path, raw_index FROM dead_letter ORDER BY source").fetchall()
    assert [(f[0], f[1]) for f in found] == [
        ("2026-06-17/zz.ndjson:1", "missing_entity_id"),
        ("2026-06-17/zz.ndjson:2", "invalid_json"),
        ("2026-06-17/zz.ndjson:3", "missing_key"),
        ("2026-06-17/zz.ndjson:4", "invalid_time"),
        ("2026-06-17/zz.ndjson:5", "invalid_shape"),
        ("2026-06-17/zz.ndjson:6", "invalid_utf8"),
        ("2026-06-17/zz.ndjson:8", "invalid_json"),
    ]
    for i, (_, _, path, index) in enumerate(found):
        raw = (out / path).read_bytes().split(b"\n")
        assert raw[index] == [b for b in bad if b][i]
    assert scalar(out, "SELECT lines_read, dead_letters, balanced FROM pipeline_run") == (78, 7, True)


def test_a_cut_file_is_refused_and_loud(export, tmp_path):
    source, out = export(), tmp_path / "facts"
    whole = (source / "2026-06-17" / "part-0.ndjson.gz").read_bytes()
    (source / "2026-06-17" / "cut.ndjson.gz").write_bytes(whole[: len(whole) // 2])
    assert run(source, out) == 3
    assert scalar(out, "SELECT lines_read, duplicates FROM pipeline_run") == (71, 0)
    assert scalar(out, "SELECT complete, lines FROM input_file WHERE path = '2026-06-17/cut.ndjson.gz'") == (False, 0)


def test_a_cut_file_can_be_accepted(export, tmp_path):
    source, out = export(), tmp_path / "facts"
    whole = (source / "2026-06-17" / "part-0.ndjson.gz").read_bytes()
    (source / "2026-06-17" / "cut.ndjson.gz").write_bytes(whole[: len(whole) * 3 // 4])
    assert run(source, out, "--accept-truncated") == 3
    read, dead, repeats, events = scalar(
        out, "SELECT lines_read, dead_letters, duplicates, events_accepted FROM pipeline_run"
    )
    assert dead == 1
    # Every event of a whole line of the cut file is a repeat, and the rest is one dead letter.
    assert read > 72
    assert events - 75 == repeats >= read - 72
    assert scalar(out, "SELECT reason FROM dead_letter") == ("truncated_file",)


def test_a_file_sent_again_is_a_repeat(export, tmp_path):
    source, out = export(), tmp_path / "facts"
    first = source / "2026-06-17" / "part-0.ndjson.gz"
    (source / "2026-06-18" / "again.ndjson.gz").write_bytes(first.read_bytes())
    assert run(source, out) == 0
    assert scalar(out, "SELECT path, repeat_of, lines FROM input_file WHERE repeat_of IS NOT NULL") == (
        "2026-06-18/again.ndjson.gz",
        "2026-06-17/part-0.ndjson.gz",
        0,
    )
    assert scalar(out, "SELECT lines_read, duplicates FROM pipeline_run") == (71, 0)


def test_days_can_be_chosen(export, tmp_path):
    assert run(export(), tmp_path / "a", "--from", "2026-06-17", "--to", "2026-06-17") == 0
    assert scalar(tmp_path / "a", "SELECT first_day, last_day FROM pipeline_run") == ("2026-06-17", "2026-06-17")


def test_empty_input_gives_empty_relations(tmp_path):
    (tmp_path / "in" / "2026-06-01").mkdir(parents=True)
    (tmp_path / "in" / "2026-06-01" / "a.ndjson.gz").write_bytes(b"")
    assert run(tmp_path / "in", tmp_path / "out") == 0
    for table in TABLES:
        rows(tmp_path / "out", table.name)
    assert scalar(tmp_path / "out", "SELECT lines_read, balanced FROM pipeline_run") == (0, True)


def test_no_personal_data_leaves_the_decoder(export, tmp_path, capfd):
    source, out = export(), tmp_path / "facts"
    assert main(["batch", "--input", str(source), "--output", str(out), "--verbose"]) == 0
    printed = capfd.readouterr()
    with duckdb.connect(str(out / "warehouse.duckdb"), read_only=True) as con:
        texts = [str(con.execute(f"SELECT * FROM {t.name}").fetchall()) for t in TABLES]
    everything = "".join((*texts, printed.out, printed.err)).encode()
    everything += b"".join(p.read_bytes() for p in out.rglob("*") if p.is_file())
    for mark in PERSONAL:
        assert mark not in everything


def test_json_is_machine_readable(export, tmp_path, capsys):
    assert main(["batch", "--input", str(export()), "--output", str(tmp_path / "o"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["run"]["balanced"] is True
    assert result["facts"]["outcomes"]["order_flow"] == {"cancelled": 3, "fulfilled": 1}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "2026-6-1"], "expected a day like"),
        (["--from", "2026-06-18", "--to", "2026-06-17"], "lies after"),
        (["--as-of", "tomorrow"], "expected a time like"),
        (["--deadline-order-days", "0"], "positive"),
        (["--buckets", "0"], "at least 1"),
        (["--no-such-option"], "unknown option --no-such-option"),
    ],
)
def test_bad_arguments_say_what_was_expected(export, tmp_path, capsys, options, said):
    assert run(export(), tmp_path / "o", *options) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_an_unbalanced_run_publishes_nothing(export, tmp_path, monkeypatch):
    source, out = export(), tmp_path / "facts"
    assert run(source, out) == 0
    before = (out / "manifest.json").read_bytes(), facts(out)
    from pipelines import timing_facts

    honest = timing_facts.outcome_of

    def losing(notes, job):
        outcome = honest(notes, job)
        outcome.counts["events_folded"] -= 1
        return outcome

    # A lost event can't be provoked from outside: that is the point of the books.
    monkeypatch.setattr(timing_facts, "outcome_of", losing)
    assert run(source, out, "--again") == 4
    assert ((out / "manifest.json").read_bytes(), facts(out)) == before


def test_two_worker_processes_give_the_same_rows(export, tmp_path):
    source = export()
    run(source, tmp_path / "a")
    options = ["--direct_running_mode=multi_processing", "--direct_num_workers=2", "--buckets", "4"]
    command = [sys.executable, "-m", "pipelines.cli", "batch", "--input", str(source), "--output", str(tmp_path / "b")]
    done = subprocess.run([*command, "--quiet", *options], capture_output=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert facts(tmp_path / "a") == facts(tmp_path / "b")
