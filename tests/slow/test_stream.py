"""`flowfacts stream` as a process, over gRPC: its newest revisions are the facts of the batch job, cell by cell."""

from __future__ import annotations

import json
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.live.handover import compare
from tests.emulators.pubsub import kinds, running
from tests.live import combined, row_count, settled_rows, wrong_rows
from tests.wire import PATIENCE, Wire, bodies, wired


@pytest.mark.parametrize("kind", kinds())
def test_simulated_traffic_gives_the_facts_of_the_batch_job(kind: str, tmp_path: Path):
    with running(kind, tmp_path) as emulator:
        _simulated_traffic(wired(emulator, tmp_path), tmp_path)


def _simulated_traffic(wire: Wire, tmp_path: Path) -> None:
    words = ["--days", "1", "--orders-per-day", "60", "--seed", "3", "--faults", "heavy", "--publish", wire.topic]
    done = subprocess.run(
        wire.command("simulate", "--output", str(tmp_path / "tenant"), *words, "--json"),
        env=wire.emulator.environment(), capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    published = json.loads(done.stdout)["messages_published"]
    counts = wire.stream()
    assert counts["messages_accepted"] + counts["dead_letters"] == published
    assert counts["unacknowledged"] == 0
    assert row_count(wire.live, "order_flow") == 60
    assert wrong_rows(wire.live, wire.batch()) == {}


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_of_arrival_gives_the_facts_of_the_batch_job(wire: Wire, export: Path, seed: int):
    wire.publish(bodies(export, shuffle=seed))
    assert wire.stream()["revisions"] > 0
    assert wrong_rows(wire.live, wire.batch()) == {}


def test_a_killed_job_goes_on_where_its_log_ends(wire: Wire, export: Path):
    every = bodies(export, shuffle=4)
    wire.publish(every[: len(every) // 2])
    with wire.streaming() as process:
        assert process.stdout is not None
        seen = next(c for c in map(json.loads, process.stdout) if c.get("messages_accepted", 0) > 0)
        wire.publish(every[len(every) // 2 :])
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=PATIENCE)
    assert seen["messages_accepted"] > 0
    wire.emulator.expire_leases()
    again = wire.stream()
    assert again["unacknowledged"] == 0
    assert wrong_rows(wire.live, wire.batch()) == {}


def test_a_stopped_job_has_published_what_had_come(wire: Wire, export: Path):
    every = bodies(export)
    wire.publish(every)
    with wire.streaming() as process:
        assert process.stdout is not None
        for counts in map(json.loads, process.stdout):
            if counts.get("messages_accepted", 0) + counts.get("dead_letters", 0) == len(every):
                break
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
    last = json.loads(out.splitlines()[-1])
    assert (last["ended"], last["unacknowledged"]) == ("stopped", 0)
    assert wrong_rows(wire.live, wire.batch()) == {}


def test_flows_that_close_and_come_back_have_the_facts_of_the_batch_job(wire: Wire, export: Path):
    every = bodies(export, shuffle=5)
    wire.publish(every[: len(every) // 2])
    first = wire.stream("--quiet-seconds", "1")
    assert first["flows_closed"] > 20
    wire.publish(every[len(every) // 2 :])
    second = wire.stream()
    assert second["flows_read_back"] > 20
    assert wrong_rows(wire.live, wire.batch()) == {}


def test_what_one_job_shows_as_unresolved_the_next_one_withdraws_when_it_finds_the_flow_at_once(
    wire: Wire, export: Path
):
    every = bodies(export)
    lines = [b for b in every if b"PICK_JOB_PICK_LINE_PICKED" in b]
    wire.publish(lines)
    assert wire.stream()["events_unresolved"] > 5
    wire.publish([b for b in every if b not in lines])
    wire.stream("--patience-seconds", "8")  # the pick jobs come while the lines still wait
    assert wrong_rows(wire.live, wire.batch()) == {}


def test_a_day_is_handed_over_without_a_gap_or_a_double(wire: Wire, export: Path):
    every = bodies(export, shuffle=6)
    wire.publish(every[: len(every) // 2])
    settled = wire.batch()
    wire.publish(every[len(every) // 2 :])
    wire.stream()
    before = combined(wire.live, settled)
    found = {row["reason"] for row in compare(str(wire.live), str(settled))}
    assert "live has more events" in found
    wire.batch()  # settles the rest
    after = combined(wire.live, settled)
    assert {r["reason"] for r in compare(str(wire.live), str(settled))} == {"same"}
    assert after == settled_rows(settled)
    assert before == after
    words = ["compare", "--live", str(wire.live), "--settled", str(settled)]
    assert main(words) == 0


def test_flows_that_began_before_the_stream_are_known_from_the_batch_job(wire: Wire, export: Path):
    every = bodies(export)  # in order, so that the second half says little of what began in the first
    wire.publish(every[: len(every) // 2])
    settled = wire.batch()
    late = wire.subscription = f"{wire.subscription}-late"
    wire.emulator.subscriber.create_subscription(
        request={"name": late, "topic": wire.topic, "ack_deadline_seconds": 60}
    )
    wire.publish(every[len(every) // 2 :])
    counts = wire.stream("--settled", str(settled))
    assert counts["flows_read_back"] > 20
    before = combined(wire.live, settled)
    wire.batch()
    after = settled_rows(settled)
    assert {r: len(rows) for r, rows in before.items()} == {r: len(rows) for r, rows in after.items()}
    assert before == after


def test_a_job_that_cannot_write_fails_and_loses_nothing(wire: Wire, export: Path):
    wire.publish(bodies(export))
    in_the_way = wire.live / "live" / "event_log"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("a file where a folder must be")
    with wire.streaming("--idle-exit", "20") as process:
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "flowfacts stream: failed: " in err
    in_the_way.unlink()
    wire.emulator.expire_leases()
    assert wire.stream()["unacknowledged"] == 0
    assert wrong_rows(wire.live, wire.batch()) == {}


def test_weeks_with_heavy_faults_give_the_facts_of_the_batch_job(wire: Wire, tmp_path: Path):
    wire.as_of = "2026-06-16T00:00:00Z"
    words = ["--days", "15", "--orders-per-day", "8", "--seed", "11", "--faults", "heavy", "--publish", wire.topic]
    done = subprocess.run(
        wire.command("simulate", "--output", str(tmp_path / "tenant"), *words, "--json"),
        env=wire.emulator.environment(), capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    published = json.loads(done.stdout)["messages_published"]
    assert published > 2_000
    with wire.streaming() as process:
        _until(process, published)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["duplicates"] > 0
    assert wrong_rows(wire.live, wire.batch()) == {}


def _until(process: subprocess.Popen[str], met: int) -> None:
    """Wait until a job has met so many messages, and all of them are durable."""
    assert process.stdout is not None
    for counts in map(json.loads, process.stdout):
        seen = counts.get("messages_accepted", 0) + counts.get("dead_letters", 0)
        if seen >= met and counts["unacknowledged"] == 0:
            return
    raise AssertionError("the job has ended")


@pytest.mark.parametrize("kind", kinds())
def test_a_replay_of_the_subscription_into_a_running_job_changes_no_fact(kind: str, export: Path, tmp_path: Path):
    before = datetime.now(UTC) - timedelta(minutes=1)
    with running(kind, tmp_path) as emulator:
        wire = wired(emulator, tmp_path, retain_acked_messages=True)
        every = bodies(export)
        wire.publish(every)
        with wire.streaming() as process:
            _until(process, len(every))
            emulator.subscriber.seek(request={"subscription": wire.subscription, "time": before})
            _until(process, 2 * len(every))
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=PATIENCE)
            assert process.returncode == 0, err
        assert wrong_rows(wire.live, wire.batch()) == {}


def test_exported_files_published_into_a_running_job_change_no_fact(wire: Wire, export: Path):
    every = bodies(export)
    wire.publish(every)
    settled = wire.batch()
    with wire.streaming() as process:
        _until(process, len(every))
        wire.publish(bodies(export, shuffle=7))  # as other messages, with other ids and times
        _until(process, 2 * len(every))
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
    assert wrong_rows(wire.live, settled) == {}
