"""A month of a tenant with heavy faults, in every way in which a month can reach the job: the same facts and totals."""

from __future__ import annotations

import random
import shutil

import duckdb
import pytest

from pipelines.cli import main
from pipelines.simulator.run import Plan, simulate
from tests.runs import batch, days, differences, facts, modes
from tests.truth import compare

DAYS, ORDERS, SEED = 33, 8, 31


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    folder = tmp_path_factory.mktemp("month")
    simulate(Plan(folder / "t", DAYS, ORDERS, SEED, "heavy", "2026-05-15", 1))
    assert batch(folder / "t" / "export", folder / "at_once") in (0, 3)
    return folder


@pytest.fixture(scope="module")
def at_once(month):
    return facts(month / "at_once")


@pytest.mark.parametrize(("days_long", "at_least"), [(7, 3), (14, 1)])
def test_flows_span_weeks(month, days_long, at_least):
    """Else the month would show nothing that a few days do not."""
    with duckdb.connect(str(month / "at_once" / "warehouse.duckdb"), read_only=True) as con:
        spans = con.execute(
            "SELECT count(*) FROM (SELECT flow_id FROM flow_event WHERE flow_id IS NOT NULL GROUP BY flow, flow_id "
            "HAVING max(recorded_at) - min(recorded_at) > to_days(?))",
            [days_long],
        ).fetchone()[0]
    assert spans >= at_least


def test_at_once_is_the_truth(month):
    assert compare(month / "t" / "truth", month / "at_once" / "warehouse.duckdb") == []


def test_day_by_day_with_days_read_again_and_rebuilt_and_late_files(month, at_once, tmp_path, capsys):
    """One output lives through all of it: small parts gather and are merged, flows settle and return."""
    chance = random.Random(7)
    source, out, held = tmp_path / "in", tmp_path / "o", []
    for day in days(month / "t" / "export"):
        shutil.copytree(month / "t" / "export" / day, source / day)
        files = sorted((source / day).iterdir())
        if len(files) > 2 and chance.random() < 0.3:  # it comes some days later
            late = tmp_path / "late" / day / files[1].name
            late.parent.mkdir(parents=True)
            shutil.move(files[1], late)
            held.append(late)
        if held and chance.random() < 0.4:
            late = held.pop(0)
            shutil.move(late, source / late.parent.name / late.name)
        assert batch(source, out, "--settle-days", "2") in (0, 3)
    for late in held:
        shutil.move(late, source / late.parent.name / late.name)
    assert batch(source, out, "--settle-days", "2") in (0, 3)
    assert differences(facts(out), at_once) == []
    assert set(modes(out)) == {"batch"}
    again = chance.choice(days(source))
    assert batch(source, out, "--settle-days", "2", "--from", again, "--to", again, "--again") in (0, 3)
    assert differences(facts(out), at_once) == []
    shutil.rmtree(source)  # the source has deleted it: the event log has not
    assert main(["rebuild", "--output", str(out), "--workers", "1", "--apply", "--quiet"]) == 0
    assert differences(facts(out), at_once) == []
    assert modes(out)[-2:] == ["rebuild", "rebuild"]
