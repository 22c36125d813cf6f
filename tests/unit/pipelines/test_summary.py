"""The summary of a warehouse whose numbers can be checked by hand."""

import io

import duckdb
import pytest
from rich.console import Console

from pipelines.summary import humane, render, summarise
from schemas.derive import duckdb_ddl
from schemas.tables import TABLES

RUN = {
    "files_read": 1200, "files_repeated": 1, "files_incomplete": 0, "lines_read": 10, "lines_accepted": 9,
    "dead_letters": 1, "events_accepted": 9, "events_folded": 5, "events_outside_flows": 2, "events_unresolved": 1,
    "duplicates": 1, "balanced": True,
}  # fmt: skip


@pytest.fixture
def warehouse(tmp_path):
    file = tmp_path / "w.duckdb"
    with duckdb.connect(str(file)) as con:
        for table in TABLES:
            con.execute(duckdb_ddl(table))
        con.execute(
            "INSERT INTO order_flow BY NAME SELECT 'o' || i AS flow_id, "
            "CASE WHEN i < 11 THEN 'fulfilled' ELSE 'open' END AS outcome, "
            "CASE WHEN i < 11 THEN i * 60.0 END AS order_cycle_seconds, "
            "CASE WHEN i = 3 THEN ['clock_skew', 'recorded_time'] ELSE [] END AS quality_flags FROM range(13) t(i)"
        )
        con.execute(
            "INSERT INTO stow_flow BY NAME SELECT 's' AS flow_id, 'open' AS outcome, ['clock_skew'] AS quality_flags"
        )
        con.execute("INSERT INTO dead_letter BY NAME SELECT 'invalid_json' AS reason, 'a:1' AS source")
    return file


def test_outcomes_durations_and_flags(warehouse):
    found = summarise(warehouse)
    assert found["outcomes"] == {
        "order_flow": {"fulfilled": 11, "open": 2},
        "inbound_flow": {},
        "stow_flow": {"open": 1},
    }
    by_column = {d["column"]: d for d in found["durations"]}
    # 0, 1, ... 10 minutes
    cycle = by_column["order_flow.order_cycle_seconds"]
    assert (cycle["count"], cycle["p50"], cycle["p90"]) == (11, 300.0, 540.0)
    assert by_column["stow_flow.stow_wait_seconds"]["p50"] is None
    assert found["quality_flags"] == {"clock_skew": 2, "recorded_time": 1}
    assert found["dead_letters_by_reason"] == {"invalid_json": 1}


def test_the_main_durations_are_there(warehouse):
    columns = {d["column"].split(".")[1] for d in summarise(warehouse)["durations"]}
    assert columns >= {
        "order_cycle_seconds", "order_to_route_seconds", "pick_queue_seconds", "pick_duration_gross_seconds",
        "pack_total_seconds", "handover_wait_seconds", "dock_to_stock_seconds", "inbound_complete_seconds",
        "stow_wait_seconds", "stow_duration_gross_seconds",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"), (0.25, "250 ms"), (0, "0 ms"), (59.94, "59.9 s"), (600, "10.0 min"), (7200, "2.0 h"),
        (172800, "2.0 d"), (-600, "-10.0 min"),
    ],
)  # fmt: skip
def test_durations_as_a_person_would_write_them(seconds, text):
    assert humane(seconds) == text


def shown(result):
    console = Console(file=io.StringIO(), width=140)
    render(result, console)
    return console.file.getvalue()


def test_the_page_has_outcomes_books_and_places(warehouse):
    text = shown({"run": RUN, "facts": summarise(warehouse), "problems": [], "output": "o", "warehouse": "o/w.duckdb"})
    for part in ("order_flow", "5.0 min", "9.0 min", "1,200 read", "10 = 9 accepted + 1 dead", "clock_skew 2",
                 "invalid_json 1", "o/facts/<relation>", "o/w.duckdb", "FROM order_flow"):  # fmt: skip
        assert part in text


def test_a_cluster_run_shows_its_books():
    text = shown({"run": RUN, "problems": [], "output": "gs://b/o"})
    assert "gs://b/o/manifest.json" in text
    assert "Books" in text
    assert "duckdb" not in text


def test_brackets_in_names_are_text():
    problem = {"path": "2026-06-01/[/bold].gz", "problem": "cut [at] 7"}
    text = shown({"run": RUN, "problems": [problem], "output": "o[1]"})
    assert "[/bold].gz" in text
    assert "cut [at] 7" in text
    assert "o[1]/manifest.json" in text


def test_what_was_not_published_is_not_pointed_at():
    assert "manifest" not in shown({"run": {**RUN, "balanced": False}, "problems": [], "output": "o"})
