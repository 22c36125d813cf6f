"""What is done to a published output: replay, rebuild, compaction, and what is told of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.cli import main
from pipelines.datasets import parts_of, read_manifest, write_manifest
from pipelines.simulator.run import Plan, simulate
from pipelines.state import INTERNAL, read_table, write_share
from pipelines.status import Limits, status_of
from tests.runs import batch, days, differences, facts, files_of, modes
from transforms.decode import Decoder
from transforms.event import Rejection


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tenant")
    simulate(Plan(folder / "t", 4, 25, 11, "heavy", "2026-06-01", 1))
    return folder / "t" / "export"


@pytest.fixture(scope="module")
def at_once(tenant, tmp_path_factory):
    out = tmp_path_factory.mktemp("facts") / "out"
    assert batch(tenant, out) in (0, 3)
    return facts(out)


@pytest.fixture(scope="module")
def day_by_day(tenant, tmp_path_factory):
    out = tmp_path_factory.mktemp("published") / "o"
    for day in days(tenant):
        assert batch(tenant, out, "--to", day, "--settle-days", "0.5") in (0, 3)
    return out


@pytest.fixture
def output(day_by_day, tmp_path):
    return Path(shutil.copytree(day_by_day, tmp_path / "o"))


def command(name, out, *options):
    local = ["--workers", "1"] if name in ("replay", "rebuild", "compact") else []
    return main([name, "--output", str(out), *local, *options])


def told(name, out, capsys, *options):
    capsys.readouterr()
    code = command(name, out, "--json", *options)
    return code, json.loads(capsys.readouterr().out)


# Replay


@pytest.fixture
def older_decoder(monkeypatch):
    """A decoder with a fault: it refuses every fifth line by its id, and lines of one event name altogether.

    Only an older version could really have it, hence the replacement.
    """
    real = Decoder.line

    def line(self, raw, source):
        found = real(self, raw, source)
        if isinstance(found, Rejection):
            return found
        if any(e.name == "PICK_JOB_CREATED" or int(e.event_id[:2], 16) % 5 == 0 for e in found):
            return Rejection("invalid_shape", "refused by a fault", source)
        return found

    monkeypatch.setattr(Decoder, "line", line)
    yield
    monkeypatch.setattr(Decoder, "line", real)


def test_letters_that_decode_after_a_fix_are_events_as_if_they_had_always_been(
    tenant, at_once, tmp_path, monkeypatch, capsys, older_decoder
):
    out = tmp_path / "o"
    for day in days(tenant):
        assert batch(tenant, out, "--to", day, "--settle-days", "0.5") in (0, 3)
    refused = len(facts(out)["dead_letter"]) - len(at_once["dead_letter"])
    assert refused > 100
    monkeypatch.undo()
    code, result = told("replay", out, capsys)
    run = result["run"]
    assert code == 0
    assert (run["lines_read"], run["lines_accepted"]) == (refused + len(at_once["dead_letter"]), refused)
    assert run["dead_letters"] == len(at_once["dead_letter"])
    assert differences(facts(out), at_once) == []
    assert modes(out)[-1] == "replay"


def test_a_replay_that_finds_nothing_better_changes_no_fact(output, at_once, capsys):
    for _ in range(2):
        code, result = told("replay", output, capsys)
        assert code == 0
        assert result["run"]["lines_accepted"] == 0
        assert result["run"]["dead_letters"] == len(at_once["dead_letter"]) > 0
        assert differences(facts(output), at_once) == []


def test_letters_whose_bytes_are_gone_stay(tenant, at_once, tmp_path, monkeypatch, capsys, older_decoder):
    out = tmp_path / "o"
    assert batch(tenant, out) in (0, 3)
    before = facts(out)
    monkeypatch.undo()
    shutil.rmtree(out / "dead_letters")
    _, result = told("replay", out, capsys)
    assert result["run"]["lines_accepted"] == 0
    assert differences(facts(out), before) == []


def test_days_after_a_replay_go_on(tenant, at_once, tmp_path, monkeypatch, older_decoder):
    out = tmp_path / "o"
    first, *rest = days(tenant)
    assert batch(tenant, out, "--to", first, "--settle-days", "0.5") in (0, 3)
    monkeypatch.undo()
    assert command("replay", out, "--quiet") == 0
    for day in rest:
        assert batch(tenant, out, "--to", day, "--settle-days", "0.5") in (0, 3)
    assert differences(facts(out), at_once) == []


# Rebuild


def test_the_event_log_gives_the_same_facts(output, at_once, tenant, capsys):
    before = files_of(output)
    code, result = told("rebuild", output, capsys)
    assert (code, result["applied"]) == (0, False)
    assert result["events_from_log"] == at_once["totals"]["events_accepted"]
    assert {d["relation"]: d["rows"] for d in result["differences"]} == {
        name: len(at_once[name]) for name in at_once if name in {d["relation"] for d in result["differences"]}
    }
    assert all(not (d["added"] or d["gone"] or d["changed"]) for d in result["differences"])
    assert files_of(output) == before
    code, result = told("rebuild", output, capsys, "--apply")
    assert (code, result["applied"]) == (0, True)
    assert differences(facts(output), at_once) == []


@pytest.fixture
def spoilt(output):
    """An output with wrong facts: a changed cell, a row too much and one that is missing, in `order_flow`."""
    spoil(output, lambda wrong, extra: pa.concat_tables([wrong.slice(1), extra]))
    return output


def spoil(output, put):
    """Publish an `order_flow` with a changed cell; `put` makes more of it, with a row of a flow that is none."""
    manifest = read_manifest(str(output))
    parts = parts_of(manifest)
    part = next(p for p in parts if p.relation == "order_flow" and p.rows > 3)
    table = read_table(str(output), part)
    more = pa.array([n + 1 if i == 1 else n for i, n in enumerate(table.column("leg_count").to_pylist())], pa.int64())
    wrong = table.set_column(table.column_names.index("leg_count"), table.schema.field("leg_count"), more)
    strange = pa.array(["no-such-flow"], pa.string())
    extra = table.slice(0, 1).set_column(0, table.schema.field(0), strange)
    assert table.column_names[0] == "flow_id"
    left = write_share(str(output), part, put(wrong, extra))
    kept = [p for p in parts if p is not part]
    about = {k: v for k, v in manifest.items() if k not in ("relations", "state")}
    write_manifest(str(output), about, [*kept, left], INTERNAL)
    (output / part.path).unlink()


def test_a_rebuild_tells_what_differs_and_heals_it(spoilt, at_once, capsys):
    _, result = told("rebuild", spoilt, capsys)
    found = {d["relation"]: d for d in result["differences"]}["order_flow"]
    assert (found["added"], found["gone"], found["changed"]) == (1, 1, 1)
    assert found["columns"] == {"leg_count": 1}
    assert command("rebuild", spoilt, "--apply", "--quiet") == 0
    assert differences(facts(spoilt), at_once) == []


def test_a_rebuild_from_a_day_leaves_earlier_flows_alone(spoilt, capsys):
    before = files_of(spoilt)
    code, result = told("rebuild", spoilt, capsys, "--from", "2031-01-01", "--apply")
    assert (code, result["applied"], result["refused"]) == (3, False, True)
    assert {d["relation"]: d["before"] for d in result["differences"]}["order_flow"] == 3
    assert files_of(spoilt) == before


def test_a_rebuild_from_a_day_heals_the_flows_since(output, at_once, capsys):
    spoil(output, lambda wrong, _: wrong.slice(1))
    code, result = told("rebuild", output, capsys, "--from", "2026-06-01", "--apply")
    assert (code, result["applied"], result["refused"]) == (0, True, False)
    found = {d["relation"]: d for d in result["differences"]}["order_flow"]
    assert (found["added"], found["changed"], found["before"]) == (1, 1, 0)
    assert differences(facts(output), at_once) == []


def test_a_rebuild_told_in_words(spoilt, capsys):
    assert command("rebuild", spoilt) == 0
    out = capsys.readouterr().out
    assert "1 added, 1 gone, 1 changed" in out
    assert "1 rows differ in leg_count" in out
    assert "nothing was changed; --apply publishes these facts" in out


# Compaction


def test_a_reader_does_not_notice_a_compaction(output, at_once):
    with duckdb.connect(str(output / "warehouse.duckdb"), read_only=True) as reader:
        assert command("compact", output, "--quiet") == 0
        assert reader.execute("SELECT count(*) FROM order_flow").fetchall() == [(len(at_once["order_flow"]),)]
    assert differences(facts(output), at_once) == []


def test_a_repeat_that_withdraws_an_event_of_a_run_before_a_rebuild(tmp_path):
    """Outside the flows the earliest delivery stands for all: it must find the one that stood there before."""
    source, out = tmp_path / "in", tmp_path / "o"

    def deliver(day, recorded):
        line = {"id": "e1", "eventName": "FACILITY_UPDATED", "created": recorded, "payload": {"id": "f1", "version": 1}}
        (source / day).mkdir(parents=True)
        (source / day / "a.ndjson").write_text(json.dumps(line) + "\n")

    deliver("2026-06-01", "2026-06-01T12:00:00Z")
    assert batch(source, out) == 0
    assert command("rebuild", out, "--apply", "--quiet") == 0
    assert command("compact", out, "--quiet") == 0
    deliver("2026-06-02", "2026-06-01T11:00:00Z")
    assert batch(source, out) == 0
    assert [row for row in facts(out)["flow_event"] if "e1" in row][0:1] == facts(out)["flow_event"]
    with duckdb.connect(str(out / "warehouse.duckdb"), read_only=True) as con:
        assert con.execute("SELECT source FROM flow_event").fetchall() == [("2026-06-02/a.ndjson:1",)]
    assert facts(out)["totals"]["duplicates"] == 1


# State


def test_the_state_is_told(output, at_once, capsys):
    code, found = told("state", output, capsys)
    assert code == 0
    assert found["readable"] is True
    unsettled = found["open_flows"] + found["settled_flows"]
    assert unsettled == sum(len(at_once[n]) for n in ("order_flow", "inbound_flow", "stow_flow"))
    assert found["open_flows"] == sum(r["flows"] for r in found["open_by_flow_and_outcome"])
    assert found["unresolved_events"] == at_once["totals"]["events_unresolved"]
    assert found["bytes_per_open_flow"] > 0
    assert {"event_log", "flow_state", "node_links", "outside_index"} <= {d["dataset"] for d in found["datasets"]}
    assert command("state", output) == 0
    assert f"open       {found['open_flows']:,} flows" in capsys.readouterr().out


def test_the_state_of_one_flow_is_told_with_its_events(output, at_once, capsys):
    names = [row for row in at_once["order_flow"] if row[0]]
    flow_id = names[0][0]
    code, found = told("state", output, capsys, "--flow", flow_id)
    assert code == 0
    (flow,) = found
    assert flow["key"] == flow_id
    with duckdb.connect(str(output / "warehouse.duckdb"), read_only=True) as con:
        expected = con.execute("SELECT source FROM flow_event WHERE flow_id = ?", [flow_id]).fetchall()
    assert {s for (s,) in expected} <= {d["source"] for d in flow["deliveries"]}
    assert flow["event_count"] == len(expected)
    assert command("state", output, "--flow", "none-such") == 1


# Status


NOW = datetime(2026, 6, 6, 12, tzinfo=UTC)


def by_day(found):
    return {d["day"]: d for d in found["days"]}


def test_a_day_that_is_not_read_shows_how_long_the_source_keeps_it(tenant, tmp_path):
    out = tmp_path / "o"
    first, second, *_ = days(tenant)
    assert batch(tenant, out, "--to", first) in (0, 3)
    found = by_day(status_of(str(out), str(tenant), Limits(dead_rate=1), NOW))
    files = len(list((tenant / second).iterdir()))
    assert found[first]["closed"] is True
    assert found[first]["days_left"] is None
    assert (found[second]["closed"], found[second]["unread"]) == (False, files)
    assert found[second]["because"] == f"{files} of {files} files not read yet"
    # The second of June ends with the third; 90 days later it goes, and now is three and a half days after its end.
    assert found[second]["days_left"] == pytest.approx(86.5)
    assert found[second]["lag_hours"] == pytest.approx(84)


@pytest.fixture(scope="module")
def one_of_two_days(tenant, tmp_path_factory):
    """Give a source of two days, and the output of a run that has read the first."""
    folder = tmp_path_factory.mktemp("two")
    shutil.copytree(tenant / "2026-06-01", folder / "in" / "2026-06-01")
    assert batch(folder / "in", folder / "o") in (0, 3)
    shutil.copytree(tenant / "2026-06-02", folder / "in" / "2026-06-02")
    return folder / "in", folder / "o"


@pytest.mark.parametrize(
    ("now", "limits", "expected"),
    [
        (datetime(2026, 6, 3, 1, tzinfo=UTC), Limits(), None),
        (datetime(2026, 6, 4, 13, tzinfo=UTC), Limits(), "files are not read 37 h after the end of the day"),
        (datetime(2026, 6, 4, 13, tzinfo=UTC), Limits(lag_hours=40), None),
        (datetime(2026, 8, 20, tzinfo=UTC), Limits(), "the source deletes them in 12.0 days"),
        (datetime(2026, 9, 2, tzinfo=UTC), Limits(), "the source deletes them now"),
        (datetime(2026, 9, 2, tzinfo=UTC), Limits(source_days=400, lag_hours=1e9), None),
    ],
)
def test_what_asks_for_attention(one_of_two_days, now, limits, expected):
    source, out = map(str, one_of_two_days)
    found = status_of(out, source, replace(limits, dead_rate=1), now)
    told_of = [line for line in found["attention"] if line.startswith("2026-06-02")]
    assert [expected in line for line in told_of] == ([] if expected is None else [True])


def test_dead_letters_ask_for_attention(tmp_path):
    source, out = tmp_path / "in", tmp_path / "o"
    (source / "2026-06-01").mkdir(parents=True)
    line = {"id": "e", "eventName": "X_Y", "created": "2026-06-01T12:00:00Z", "payload": {"id": "f1"}}
    good = "".join(json.dumps({**line, "id": f"e{i}"}) + "\n" for i in range(49))
    (source / "2026-06-01" / "a.ndjson").write_text(good + "{broken\n")
    assert batch(source, out) == 0
    assert status_of(str(out), None, Limits(), NOW)["attention"] == ["2026-06-01: 1 of 50 lines are dead letters"]
    assert status_of(str(out), None, Limits(dead_rate=0.02), NOW)["attention"] == []


def test_the_exit_code_of_status_is_an_alert(tenant, tmp_path, capsys):
    source, out = tmp_path / "in", tmp_path / "o"
    (source / "2026-06-01").mkdir(parents=True)
    whole = next(iter(sorted((tenant / "2026-06-01").glob("part*")))).read_bytes()
    file = source / "2026-06-01" / "part-0.ndjson.gz"
    file.write_bytes(whole[: len(whole) // 2])
    assert batch(source, out) == 3
    code, found = told("status", out, capsys, "--input", str(source), "--dead-rate", "1")
    assert code == 3
    assert found["attention"] == ["2026-06-01: 2026-06-01/part-0.ndjson.gz is cut short"]
    file.write_bytes(whole)
    assert batch(source, out, "--quiet-hours", "0") == 0
    code, found = told("status", out, capsys, "--input", str(source), "--dead-rate", "1", "--quiet-hours", "0")
    assert (code, found["attention"]) == (0, [])
    assert command("status", out) in (0, 3)
    assert "2026-06-01  closed" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["status", "state", "replay", "rebuild", "compact"])
def test_an_output_that_is_none_is_told(name, tmp_path, capsys):
    assert command(name, tmp_path / "nothing") == 2
    assert "nothing is published in" in capsys.readouterr().err
    assert not (tmp_path / "nothing").exists()


def test_merged_links_are_the_best_ones(tmp_path):
    """The table of merged links, against a computation by hand."""
    from pipelines.compaction import _best
    from transforms.links import Link, link_table

    links = [
        Link("pickjob", "a", 2, "f2", False),
        Link("pickjob", "a", 1, "f9", False),
        Link("pickjob", "a", 1, "f3", False),
        Link("pickjob", "a", 2, "f1", True),
        Link("shipment", "a", 5, "f7", False),
    ]
    both = pa.concat_tables([link_table(links[:2]), link_table(links[2:])])
    found = {tuple(r.values())[1:] for r in _best(both).to_pylist()}
    assert found == {
        ("pickjob", "a", 1, "f3", False), ("pickjob", "a", 2, "f1", True), ("shipment", "a", 5, "f7", False)
    }  # fmt: skip
    assert pc.all(
        pc.equal(_best(both).column("node_hash"), link_table(_links(_best(both))).column("node_hash"))
    ).as_py()


def _links(table):
    from transforms.links import links_in

    return list(links_in(table))
