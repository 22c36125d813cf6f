"""Run after run on one output: whatever came when, the facts and the totals are those of everything read at once."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.cli import main
from pipelines.datasets import paths_of, read_manifest
from pipelines.lock import LockedError, only_run
from pipelines.simulator.run import Plan, simulate
from tests import runs
from tests.runs import days, differences, facts, files_of, modes

DAYS = 6
CALENDAR = str(Path(__file__).parents[1] / "golden" / "calendar.yaml")


def batch(source, out, *options):
    """Run the job with a calendar that cuts every day."""
    return runs.batch(source, out, "--calendar", CALENDAR, *options)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tenant")
    simulate(Plan(folder / "t", DAYS, 25, 4, "heavy", "2026-06-01", 1))
    return folder / "t" / "export"


@pytest.fixture(scope="module")
def at_once(tenant, tmp_path_factory):
    out = tmp_path_factory.mktemp("facts") / "out"
    assert batch(tenant, out) in (0, 3)
    return facts(out)


def test_day_by_day(tenant, at_once, tmp_path):
    """Flows settle at once (test_upkeep: some while later; below: not within the data): no fact depends on it."""
    for day in days(tenant):
        assert batch(tenant, tmp_path / "o", "--to", day, "--settle-days", "0") in (0, 3)
    assert differences(facts(tmp_path / "o"), at_once) == []
    assert set(modes(tmp_path / "o")) == {"batch"}
    # What the manifest names is all there is: nothing of the states before is left.
    there = {p.relative_to(tmp_path / "o").as_posix() for p in (tmp_path / "o").rglob("*.parquet")}
    assert there == paths_of(read_manifest(str(tmp_path / "o")))


def test_days_in_any_order_with_another_number_of_buckets_each(tenant, at_once, tmp_path):
    for number, buckets in ((3, "2"), (0, "8"), (5, "1"), (1, "4"), (4, "2"), (2, "16")):
        day = days(tenant)[number]
        only = ("--from", day, "--to", day, "--buckets", buckets, "--settle-days", "7")
        assert batch(tenant, tmp_path / "o", *only) in (0, 3)
    assert differences(facts(tmp_path / "o"), at_once) == []


def test_files_that_come_late(tenant, at_once, tmp_path):
    source = tmp_path / "in"
    shutil.copytree(tenant, source)
    late = sorted(f for f in source.glob("2026-06-0[1-4]/*") if f.name.startswith("part"))[1::3]
    assert late
    for file in late:
        file.rename(tmp_path / f"{file.parent.name}-{file.name}")
    assert batch(source, tmp_path / "o", "--settle-days", "1") in (0, 3)
    assert differences(facts(tmp_path / "o"), at_once)
    for file in late:
        (tmp_path / f"{file.parent.name}-{file.name}").rename(file)
    assert batch(source, tmp_path / "o", "--settle-days", "1") in (0, 3)
    assert differences(facts(tmp_path / "o"), at_once) == []


def test_a_file_that_changes_is_taken_back(tenant, at_once, tmp_path):
    source = tmp_path / "in"
    shutil.copytree(tenant, source)
    file = next(f for f in sorted(source.glob("2026-06-02/part*")))
    whole = file.read_bytes()
    lines = gzip.decompress(whole).splitlines(keepends=True)
    file.write_bytes(gzip.compress(b"".join(lines[: len(lines) // 2]) + b"{broken\n"))
    assert batch(source, tmp_path / "o") in (0, 3)
    assert differences(facts(tmp_path / "o"), at_once)
    file.write_bytes(whole)
    assert batch(source, tmp_path / "o") in (0, 3)
    assert differences(facts(tmp_path / "o"), at_once) == []
    assert modes(tmp_path / "o") == ["batch", "rebuild"]


def test_days_read_again(tenant, at_once, tmp_path):
    assert batch(tenant, tmp_path / "o") in (0, 3)
    for day in (days(tenant)[2], days(tenant)[4]):
        assert batch(tenant, tmp_path / "o", "--from", day, "--to", day, "--again") in (0, 3)
    assert differences(facts(tmp_path / "o"), at_once) == []


def test_a_state_of_another_format_is_made_again_from_the_log(tenant, at_once, tmp_path):
    out = tmp_path / "o"
    assert batch(tenant, out, "--to", days(tenant)[3], "--settle-days", "1") in (0, 3)
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["state_version"] = "0-of-old"
    (out / "manifest.json").write_text(json.dumps(manifest))
    for part in manifest["state"]["flow_state"]:  # it must not even be opened
        (out / part["path"]).write_bytes(b"not what this version reads")
    assert batch(tenant, out, "--settle-days", "1") in (0, 3)
    assert differences(facts(out), at_once) == []
    assert modes(out) == ["batch", "rebuild"]


def test_other_deadlines_are_applied_to_everything(tenant, tmp_path):
    short = ["--deadline-order-days", "1"]
    assert batch(tenant, tmp_path / "o", "--settle-days", "1") in (0, 3)
    assert batch(tenant, tmp_path / "o", "--settle-days", "1", *short) in (0, 3)
    assert batch(tenant, tmp_path / "fresh", *short) in (0, 3)
    assert differences(facts(tmp_path / "o"), facts(tmp_path / "fresh")) == []


def test_a_cut_file_that_becomes_whole_closes_its_day(tenant, tmp_path):
    source, out = tmp_path / "in", tmp_path / "o"
    (source / "2026-06-01").mkdir(parents=True)
    (source / "2026-06-02").mkdir()
    whole = next(iter(sorted((tenant / "2026-06-01").glob("part*")))).read_bytes()
    file = source / "2026-06-01" / "part-0.ndjson.gz"
    file.write_bytes(whole[: len(whole) // 2])
    (source / "2026-06-02" / "part-0.ndjson").write_bytes(b"")
    assert batch(source, out) == 3
    assert batch(source, out) == 3, "nothing to do, but the day is still open"
    assert modes(out) == ["batch"]
    assert day_book(out)[0] == ("2026-06-01", False, "2026-06-01/part-0.ndjson.gz is cut short")
    file.write_bytes(whole)
    assert batch(source, out) == 0
    assert modes(out) == ["batch", "batch"]
    assert day_book(out)[0] == ("2026-06-01", True, None)
    # The last folder is young: more files may come.
    assert day_book(out)[1][:2] == ("2026-06-02", False)
    assert batch(source, out, "--quiet-hours", "0") == 0


def day_book(out):
    with duckdb.connect(str(out / "warehouse.duckdb"), read_only=True) as con:
        return con.execute("SELECT day, closed, open_because FROM day_book ORDER BY day").fetchall()


def test_nothing_due_changes_nothing(tenant, tmp_path, capsys):
    out = tmp_path / "o"
    assert batch(tenant, out) in (0, 3)
    before = files_of(out)
    assert main(["batch", "--input", str(tenant), "--output", str(out), "--calendar", CALENDAR, "--json"]) in (0, 3)
    assert json.loads(capsys.readouterr().out)["nothing_due"] is True
    assert before == files_of(out)


def test_a_dry_run_tells_and_changes_nothing(tenant, tmp_path, capsys):
    out = tmp_path / "o"
    assert (
        main(["batch", "--input", str(tenant), "--output", str(out), "--calendar", CALENDAR, "--dry-run", "--json"])
        == 0
    )
    plan = json.loads(capsys.readouterr().out)
    assert plan["days"] == days(tenant)
    assert plan["bytes"] > 0
    assert not out.exists()


def test_an_output_of_a_later_version_is_left_alone(tenant, tmp_path, capsys):
    out = tmp_path / "o"
    out.mkdir()
    (out / "manifest.json").write_text(json.dumps({"format_version": 99}))
    assert batch(tenant, out) == 2
    assert "later version" in capsys.readouterr().err
    assert json.loads((out / "manifest.json").read_text()) == {"format_version": 99}


def test_the_second_run_leaves(tenant, tmp_path, capsys):
    out = tmp_path / "o"
    with only_run(str(out)):
        assert batch(tenant, out) == 5
        with pytest.raises(LockedError, match=f"pid {os.getpid()}"), only_run(str(out)):
            pass
    assert "another run works on" in capsys.readouterr().err
    assert not (out / "manifest.json").exists()


def test_the_lock_of_a_killed_run_is_free(tmp_path):
    holder = "import os, signal, sys; from pipelines.lock import only_run\n"
    holder += "with only_run(sys.argv[1]): os.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run([sys.executable, "-c", holder, str(tmp_path / "o")], check=False)
    assert done.returncode == -9
    with only_run(str(tmp_path / "o")):
        assert json.loads((tmp_path / "o" / ".flowfacts.lock").read_text())["pid"] == os.getpid()
