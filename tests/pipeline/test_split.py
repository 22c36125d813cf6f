"""The split of orders through whole runs: against brute force on the drawn truth, and when the calendar changes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from pipelines.cli import main
from pipelines.datasets import read_manifest
from pipelines.simulator.run import Plan, simulate
from tests import split_truth
from tests.runs import batch, days, differences, facts, modes
from transforms.clock import parse_time

CALENDAR = str(Path(__file__).parents[1] / "golden" / "calendar.yaml")


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    """Five days around the Sunday on which an hour is skipped."""
    folder = tmp_path_factory.mktemp("tenant") / "t"
    simulate(Plan(folder, 5, 30, 11, "heavy", "2026-03-26", 1))
    return folder


@pytest.fixture(scope="module")
def at_once(tenant, tmp_path_factory):
    out = tmp_path_factory.mktemp("facts") / "out"
    assert batch(tenant / "export", out, "--calendar", CALENDAR) in (0, 3)
    return out


def ask(out, sql):
    with duckdb.connect(str(Path(out) / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return con.execute(sql).fetchall()


def test_every_order_against_brute_force(tenant, at_once):
    books = json.loads((tenant / "truth" / "books.json").read_text())
    expected = split_truth.expected(tenant / "truth", parse_time(books["as_of"]))
    assert len(expected) > 100
    assert split_truth.told(at_once / "warehouse.duckdb") == expected


def test_the_sums_that_the_views_promise(at_once):
    parts = "waiting_seconds + working_seconds + paused_seconds + blocked_seconds + site_closed_seconds"
    assert ask(
        at_once,
        f"""SELECT count(*) FROM order_split JOIN order_flow AS o USING (flow_id)
        WHERE round(({parts}) * 1e6) <> date_diff('microsecond', o.started_at, coalesce(o.finished_at,
          (SELECT max(as_of) FROM pipeline_run))) OR round(order_seconds * 1e6) <> round(({parts}) * 1e6)""",
    ) == [(0,)]
    assert ask(at_once, "SELECT count(*) FROM order_split") == ask(at_once, "SELECT count(*) FROM order_flow")
    # What is used and what is left is the slack, and what is left is the lateness of the contract with another sign.
    assert ask(
        at_once,
        """SELECT count(*) FROM order_split WHERE target_at > started_at
        AND round(slack_used_seconds * 1e6) <> round((slack_seconds - greatest(0, slack_left_seconds)) * 1e6)""",
    ) == [(0,)]
    assert ask(
        at_once,
        """SELECT count(*), count(*) FILTER (round(lateness_seconds * 1e6) <> -round(slack_left_seconds * 1e6))
        FROM order_flow JOIN order_split USING (flow_id) WHERE lateness_seconds IS NOT NULL""",
    )[0][1:] == (0,)


def test_a_night_is_site_closed(at_once):
    ((hours, shut),) = ask(
        at_once, "SELECT sum(order_seconds) / 3600, sum(site_closed_seconds) / 3600 FROM order_split"
    )
    assert 0.3 * hours < shut < hours


def test_a_change_of_the_calendar_changes_what_rests_on_it_and_nothing_else(tenant, at_once, tmp_path):
    out = tmp_path / "o"
    first = days(tenant / "export")[0]
    assert batch(tenant / "export", out, "--to", first) in (0, 3)
    assert ask(out, "SELECT count(*) FROM calendar_closure UNION ALL SELECT count(*) FROM facility_calendar") == [
        (0,),
        (0,),
    ]
    assert ask(out, "SELECT sum(site_closed_seconds) FROM order_split") == [(0,)]
    assert batch(tenant / "export", out) in (0, 3)
    without = facts(out)
    # Nothing new is due: the calendar alone makes the run begin from the event log.
    assert batch(tenant / "export", out, "--calendar", CALENDAR) in (0, 3)
    assert modes(out) == ["batch", "batch", "rebuild"]
    assert differences(facts(out), facts(at_once)) == []
    assert differences(facts(out), without) == ["order_time_split", "facility_calendar", "calendar_closure"]


def test_a_rebuild_keeps_the_calendar(at_once, tmp_path, capsys):
    out = tmp_path / "o"
    shutil.copytree(at_once, out)
    before = facts(out)
    assert main(["rebuild", "--output", str(out), "--apply", "--workers", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert all(not d["added"] and not d["gone"] and not d["changed"] for d in told["differences"])
    assert "order_time_split" in {d["relation"] for d in told["differences"]}
    assert facts(out) == before
    assert read_manifest(str(out))["settings"]["calendar"]["others"]["time_zone"] == "Europe/Berlin"


def test_the_relations_of_the_calendar(at_once):
    assert ask(at_once, "FROM facility_calendar") == [("*", "default", "Europe/Berlin", False)]
    # The Friday before the change, the weekend with its open night, the holiday, the short day.
    assert ask(
        at_once,
        """SELECT strftime(started_at, '%m-%d %H:%M'), strftime(ended_at, '%m-%d %H:%M'), reason FROM calendar_closure
        WHERE started_at BETWEEN '2026-03-27 11:00+00' AND '2026-03-30 12:00+00' ORDER BY 1""",
    ) == [
        ("03-27 11:30", "03-27 12:30", None), ("03-27 18:00", "03-28 21:00", None),
        ("03-29 04:00", "03-30 06:00", None), ("03-30 10:30", "03-30 11:30", None),
    ]  # fmt: skip
