"""What others have done to the input or the output: told with the place and the remedy, and healed where it can be."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

import pytest

from pipelines.cli import main
from pipelines.datasets import parts_of, read_manifest
from pipelines.simulator.run import Plan, simulate
from pipelines.state import EVENT_LOG
from pipelines.status import Limits, status_of
from tests.runs import batch, days, differences, facts, files_of

NOW = datetime(2026, 6, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    simulate(Plan(folder / "t", 2, 8, 5, "light", "2026-06-01", 1))
    source, out = folder / "t" / "export", folder / "o"
    for day in days(source):
        assert batch(source, out, "--to", day, "--settle-days", "0.2") in (0, 3)
    return folder


@pytest.fixture
def world(made, tmp_path):
    shutil.copytree(made / "t" / "export", tmp_path / "in")
    shutil.copytree(made / "o", tmp_path / "o")
    return tmp_path / "in", tmp_path / "o"


def line(number, day="2026-06-01"):
    payload = {"id": f"f{number}", "version": 1}
    told = {"id": f"e{number}", "eventName": "FACILITY_UPDATED", "created": f"{day}T12:00:00Z", "payload": payload}
    return json.dumps(told) + "\n"


# The input


@pytest.mark.parametrize(
    "name", ["2026-02-30", "2026-13-01", "0000-01-01", "9999-12-31", "\uff12\uff10\uff12\uff16-06-03", "2026-06-03 "]
)
def test_a_folder_that_is_no_day_is_left_alone_and_told(world, name):
    source, out = world
    before = facts(out)
    (source / name).mkdir()
    (source / name / "a.ndjson").write_text(line(1))
    assert batch(source, out, "--settle-days", "0.2") in (0, 3)
    assert differences(facts(out), before) == []
    found = status_of(str(out), str(source), Limits(dead_rate=1), NOW)
    assert found["never_read"] == {name: 1}
    assert [a for a in found["attention"] if a.startswith(f"{name}: 1 files are never read")]
    assert main(["expire", "--output", str(out), "--raw", str(source), "--quiet"]) == 0


def test_files_in_odd_places_are_told(world):
    source, out = world
    day = days(source)[0]
    for place in (source, source / day / "inner", source / "backup" / day, source / ".hidden"):
        place.mkdir(parents=True, exist_ok=True)
        (place / "a.ndjson").write_text(line(1))
    (source / "backup" / "notes.txt").write_text("no export")
    found = status_of(str(out), str(source), Limits(), NOW)
    assert found["never_read"] == {".": 1, f"{day}/inner": 1, f"backup/{day}": 1}
    shutil.copytree(out, source / "facts")  # an output in its own input is no export
    assert "facts" not in "".join(status_of(str(source / "facts"), str(source), Limits(), NOW)["never_read"])


def test_an_empty_day_and_one_that_vanishes(world):
    source, out = world
    first, second = days(source)
    (source / "2026-06-03").mkdir()
    assert batch(source, out, "--settle-days", "0.2") in (0, 3)
    before = facts(out)
    shutil.rmtree(source / first)  # the source has deleted it
    (source / "2026-06-04").mkdir()
    (source / "2026-06-04" / "a.ndjson").write_text(line(1, "2026-06-04"))
    assert batch(source, out, "--settle-days", "0.2") in (0, 3)
    after = facts(out)
    assert after["totals"]["lines_read"] == before["totals"]["lines_read"] + 1
    assert [row[:2] for row in after["day_book"]] == [(first, True), (second, True), ("2026-06-04", False)]
    assert after["order_flow"] == before["order_flow"]


def test_names_and_lines_of_any_length(tmp_path):
    source, out = tmp_path / "in", tmp_path / "o"
    folder = source / "2026-06-01"
    folder.mkdir(parents=True)
    name = "x" * (255 - len(".ndjson")) + ".ndjson"  # the longest that a file system takes
    (folder / name).write_text(line(1) + "{broken\n")
    (folder / "[a]*?#% ü\\.ndjson").write_text(line(2) + "{broken too\n")
    (folder / "long.ndjson").write_text('{"id":"' + "x" * 3_000_000 + '"}\n' + line(3) + "\0" * 10 + "\n")
    assert batch(source, out, "--max-line-bytes", "1000000") == 0
    totals = facts(out)["totals"]
    assert (totals["lines_read"], totals["lines_accepted"], totals["dead_letters"]) == (7, 3, 4)
    raw = b"".join(sorted(p.read_bytes() for p in out.glob("dead_letters/*/*.raw")))
    assert b"{broken\n" in raw
    assert b"{broken too\n" in raw
    assert main(["replay", "--output", str(out), "--workers", "1", "--quiet"]) == 0
    assert facts(out)["totals"] == totals


# The output


@pytest.mark.parametrize(
    "content",
    ["", '{"trunc', "[]", '{"a": 1}', '{"format_version": "2"}'],
    ids=["empty", "cut", "list", "other", "text"],
)
def test_a_manifest_that_is_none_stops_every_command(world, content, capsys):
    source, out = world
    (out / "manifest.json").write_text(content)
    before = files_of(out)
    for words in (["batch", "--input", str(source)], ["status"], ["rebuild", "--apply"], ["expire", "--apply"]):
        assert main([*words, "--output", str(out), "--quiet"]) == 1
        assert f"{out}/manifest.json is no manifest of flowfacts, or is damaged" in capsys.readouterr().err
    assert files_of(out) == before


def test_an_output_of_an_older_format_is_left_as_it_is(world, capsys):
    source, out = world
    manifest = read_manifest(str(out))
    (out / "manifest.json").write_text(json.dumps({**manifest, "format_version": 1}))
    before = files_of(out)
    assert batch(source, out) == 2
    assert "was written by an earlier version of flowfacts (format 1, this one needs 2)" in capsys.readouterr().err
    assert files_of(out) == before


def parts(out, relation):
    return [out / p.path for p in parts_of(read_manifest(str(out))) if p.relation == relation]


def delete(path):
    path.unlink()


def empty(path):
    path.write_bytes(b"")


def change(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize("spoil", [delete, empty])
@pytest.mark.parametrize("relation", ["flow_state", "order_flow"])
def test_a_part_that_is_gone_is_told_and_made_again(world, relation, spoil, capsys):
    source, out = world
    before = facts(out)
    for path in parts(out, relation):
        spoil(path)
    (source / "2026-06-04").mkdir()
    (source / "2026-06-04" / "a.ndjson").write_text(line(1, "2026-06-04"))
    assert batch(source, out, "--settle-days", "0.2") == 1
    err = capsys.readouterr().err
    assert f"can't read {out}/" in err
    assert "flowfacts rebuild --apply makes it again from the event log" in err
    assert main(["rebuild", "--output", str(out), "--workers", "1", "--apply", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["applied"]
    added = {d["relation"]: d["added"] for d in told["differences"]}["order_flow"]
    assert added == (len(before["order_flow"]) if relation == "order_flow" else 0)
    assert differences(facts(out), before) == []


@pytest.mark.parametrize("spoil", [delete, empty, change])
def test_a_damaged_fact_is_found_by_a_rebuild(world, spoil):
    _, out = world
    before = facts(out)
    for path in parts(out, "flow_interval"):
        spoil(path)
    assert main(["rebuild", "--output", str(out), "--workers", "1", "--apply", "--quiet"]) == 0
    assert differences(facts(out), before) == []


def test_a_part_of_the_log_that_is_gone_is_told_with_what_is_left_to_do(world, capsys):
    _, out = world
    parts(out, EVENT_LOG)[0].unlink()
    before = files_of(out)
    assert main(["rebuild", "--output", str(out), "--workers", "1", "--apply", "--quiet"]) == 1
    err = capsys.readouterr().err
    assert f"can't read {out}/event_log/day=" in err
    assert "bring it back from a copy of the output" in err
    assert files_of(out) == before
