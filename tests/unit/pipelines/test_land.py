"""What lands: files that appear whole, leases and acknowledgements, options, and what is told."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions

from pipelines import cli
from pipelines.exports import LineReader, discover
from pipelines.landing.calls import explain, sort_failures
from pipelines.landing.files import LandedFile, Names, open_target
from pipelines.landing.held import FIRST_LEASE, Held
from pipelines.landing.options import LandError, LandOptions
from pipelines.landing.status import Mode, Teller

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "payload_examples"
AT = 1_781_683_204_123_456_000
BODIES = sorted(GOLDEN.glob("[A-Z]*_*.json"))


# Files


def write(folder: Path, *written: bytes) -> str:
    target = open_target(str(folder))
    target.prepare()
    file = LandedFile(target.create("2026-06-17", Names().next()), "2026-06-17", 0.0)
    for line in written:
        file.add(line, "a")
    return file.publish()


def test_a_file_appears_whole_and_is_what_the_batch_job_reads(tmp_path: Path):
    big = os.urandom(300_000).hex().encode() + b"\n"
    target = open_target(str(tmp_path))
    file = LandedFile(target.create("2026-06-17", Names().next()), "2026-06-17", 0.0)
    for i in range(5):
        file.add(big, f"a{i}")
    (partial,) = (tmp_path / "2026-06-17").iterdir()
    assert partial.name.startswith(".")
    assert partial.stat().st_size
    path = file.publish()
    assert [p.name for p in (tmp_path / "2026-06-17").iterdir()] == [Path(path).name]
    (found,) = discover(str(tmp_path))
    reader = LineReader(found)
    assert [line for _, chunk in reader for line in chunk] == [big[:-1]] * 5
    assert reader.report.complete
    assert (file.bytes, file.stored, file.ack_ids) == (5 * len(big), found.size, [f"a{i}" for i in range(5)])


def test_durable_before_visible_and_visible_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    steps: list[str] = []
    fsync, rename = os.fsync, os.rename

    def spy_fsync(handle: int) -> None:
        steps.append("folder" if Path(f"/proc/self/fd/{handle}").resolve().is_dir() else "file")
        fsync(handle)

    def spy_rename(old: str, new: str) -> None:
        steps.append("rename")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "rename", spy_rename)
    write(tmp_path, b"{}\n")
    assert steps == ["folder", "file", "rename", "folder"]  # the first is for the name of the new day folder


def test_names_sort_by_time_and_differ_between_processes():
    one, two = Names(), Names()
    names = [n.next() for n in (one, two, one, two) for _ in range(20)]
    assert sorted(names, key=lambda n: n[:22]) == names
    assert len(set(names)) == len(names)


def test_a_failure_after_the_rename_takes_the_file_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = open_target(str(tmp_path))
    file = LandedFile(target.create("2026-06-17", Names().next()), "2026-06-17", 0.0)
    file.add(b"{}\n", "a")
    fsync = os.fsync

    def failing(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").resolve().is_dir():
            raise OSError("the disk is gone")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="disk is gone"):
        file.publish()
    file.discard()
    assert list((tmp_path / "2026-06-17").iterdir()) == []


def test_leftovers_of_the_dead_go_and_files_of_the_living_stay(tmp_path: Path):
    day = tmp_path / "2026-06-17"
    living = LandedFile(open_target(str(tmp_path)).create(day.name, Names().next()), day.name, 0.0)
    stem = Names().next()
    dead = day / f".{stem}.ndjson.gz.partial"
    others = [day / f"{stem}.ndjson.gz", day / ".note.partial", day / ".hidden.ndjson.gz", tmp_path / dead.name]
    for path in (dead, *others):
        path.write_bytes(b"x")
    assert open_target(str(tmp_path)).prepare() == 1
    assert not dead.exists()
    assert all(p.exists() for p in others)
    living.add(b"{}\n", "a")
    assert Path(living.publish()).exists()
    assert open_target(str(tmp_path)).prepare() == 0


def test_cleaning_and_landing_at_once_lose_no_file(tmp_path: Path):
    """A cleaner may look at a file between its making and its lock; then the maker must notice, not the reader."""
    target, names, over = open_target(str(tmp_path)), Names(), threading.Event()
    target.prepare()

    def clean() -> None:
        while not over.is_set():
            open_target(str(tmp_path)).prepare()

    cleaners = [threading.Thread(target=clean) for _ in range(2)]
    for cleaner in cleaners:
        cleaner.start()
    made = []
    until = time.monotonic() + 1.5
    try:
        while time.monotonic() < until:
            file = LandedFile(target.create("2026-06-17", names.next()), "2026-06-17", 0.0)
            file.add(b"{}\n", "a")
            made.append(file.publish())
    finally:
        over.set()
        for cleaner in cleaners:
            cleaner.join()
    assert len(made) > 20
    assert {p.name for p in (tmp_path / "2026-06-17").iterdir()} == {Path(p).name for p in made}


# What is held


def test_room_is_given_up_to_the_limits():
    held = Held(10, 100)
    assert held.ask(7, 0) == 7
    assert held.ask(7, 0) == 3
    assert held.ask(1, 0) == 0
    held.arrived(7, [("a", 10), ("b", 89)])
    assert held.ask(20, 0) == 5
    held.arrived(8, [("c", 1)])
    assert held.ask(1, 0) == 0
    assert held.fullness() == 1.0
    held.release(["b", "b", "unknown"])
    assert held.ask(20, 0) == 8
    assert held.summary()[:2] == (2, 11)
    assert held.still(["b", "c"]) == ["c"]
    assert held.all() == ["a", "c"]


def test_leases_are_due_before_they_end():
    held = Held(10, 100)
    held.arrived(0, [("a", 1), ("b", 1)])
    now = time.monotonic()
    assert held.due(now + FIRST_LEASE - 1) == []
    assert held.due(now + FIRST_LEASE + 1) == ["a", "b"]
    held.extended(["a", "gone"], now + 60)
    assert held.due(now + FIRST_LEASE + 1) == ["b"]


def failure(kind: type[exceptions.GoogleAPICallError], **metadata: str) -> exceptions.GoogleAPICallError:
    return kind("no", error_info={"metadata": metadata} if metadata else None)


def test_a_failed_acknowledgement_is_sorted_message_by_message():
    ids = ["a", "b", "c"]
    assert sort_failures(ids, failure(exceptions.ServiceUnavailable)) == (ids, 0)
    assert sort_failures(ids, failure(exceptions.NotFound)) == ([], 3)
    assert sort_failures(ids, ValueError("code and details of the answer contradict each other")) == (ids, 0)
    told = failure(exceptions.FailedPrecondition, a="PERMANENT_FAILURE_INVALID_ACK_ID", b="TRANSIENT_FAILURE_X")
    assert sort_failures(ids, told) == (["b"], 1)
    assert sort_failures(["z"], told) == ([], 1)


def test_a_refusal_says_what_helps():
    name = "projects/p/subscriptions/s"
    assert "gcloud pubsub subscriptions create s --project p" in explain(failure(exceptions.NotFound), name)
    assert "roles/pubsub.subscriber" in explain(failure(exceptions.PermissionDenied), name)
    assert "refuses" in explain(failure(exceptions.InvalidArgument), name)


class Client:
    """Answers calls with what a test has put down for them: an error to raise, or None for success."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, list[str]]] = []
        self.timeouts: list[float] = []

    def _answer(self, call: str, ack_ids: list[str], timeout: float) -> None:
        self.asked.append((call, list(ack_ids)))
        self.timeouts.append(timeout)
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer

    def acknowledge(self, *, ack_ids: list[str], timeout: float, **_: Any) -> None:
        self._answer("acknowledge", ack_ids, timeout)

    def modify_ack_deadline(self, *, ack_ids: list[str], timeout: float, ack_deadline_seconds: int, **_: Any) -> None:
        self._answer(f"deadline {ack_deadline_seconds}", ack_ids, timeout)


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Gives a subscription that holds some messages, on a client with the given answers."""
    from pipelines.landing import subscription

    def connect(count: int, *answers: Exception | None) -> Any:
        client = Client(*answers)
        monkeypatch.setattr(subscription, "connect", lambda: client)
        found = subscription.Subscription("projects/p/subscriptions/s", Held(100_000, 1e9))
        found.held.arrived(0, [(f"a{i}", 1) for i in range(count)])
        return found, client, [f"a{i}" for i in range(count)]

    return connect


def test_acknowledgements_go_in_shares_and_let_go(connected: Any):
    subscription, client, ids = connected(2500)
    assert subscription.acknowledge(ids) == 2500
    assert [len(asked) for _, asked in client.asked] == [1000, 1000, 500]
    assert subscription.held.all() == []


def test_an_acknowledgement_that_fails_for_the_moment_is_tried_again(connected: Any):
    busy = failure(exceptions.ServiceUnavailable)
    subscription, client, ids = connected(3, busy, ValueError("code and details of the answer contradict each other"))
    assert subscription.acknowledge(ids) == 3
    assert client.asked == [("acknowledge", ids)] * 3
    assert (subscription.calls.acknowledged, subscription.calls.ack_failures) == (3, 0)


def test_of_a_share_only_what_failed_is_tried_again(connected: Any):
    told = failure(exceptions.FailedPrecondition, a0="PERMANENT_FAILURE_INVALID_ACK_ID", a2="TRANSIENT_FAILURE_X")
    subscription, client, ids = connected(4, told)
    assert subscription.acknowledge(ids) == 3
    assert client.asked == [("acknowledge", ids), ("acknowledge", ["a2"])]
    assert subscription.calls.ack_failures == 1
    assert subscription.held.all() == []  # what failed is not leased on: it shall come again


def test_a_hurry_ends_the_trying(connected: Any, monkeypatch: pytest.MonkeyPatch):
    from pipelines.landing import subscription as module

    monkeypatch.setattr(module, "_LAST_ACK_PATIENCE", 0.3)
    subscription, client, ids = connected(5000, *[failure(exceptions.ServiceUnavailable)] * 99)
    subscription.hurry()
    began = time.monotonic()
    assert subscription.acknowledge(ids) == 0
    assert time.monotonic() - began < 3
    assert len(client.asked) <= 3
    assert max(client.timeouts) <= 1.0
    assert subscription.calls.ack_failures == 5000
    assert subscription.held.all() == []


def test_giving_back_stops_where_nobody_listens(connected: Any):
    subscription, client, ids = connected(2500)
    subscription.give_back(ids)
    assert [(call, len(asked)) for call, asked in client.asked] == [("deadline 0", 1000)] * 2 + [("deadline 0", 500)]
    subscription, client, ids = connected(2500, failure(exceptions.DeadlineExceeded))
    subscription.give_back(ids)
    assert len(client.asked) == 1
    assert subscription.held.all() == []


# The command

BAD = {
    "topic": (["--subscription", "projects/p/topics/t"], "not its topic's"),
    "short name": (["--subscription", "orders"], "expected projects/PROJECT/subscriptions/SUBSCRIPTION"),
    "trailing": (["--subscription", "projects/p/subscriptions/s/"], "expected projects/"),
    "empty": (["--to", " "], "--to is empty"),
    "scheme": (["--to", "s3://bucket/x"], "expected a local folder or gs://"),
    "bucket": (["--to", "gs:///x"], "expected a local folder or gs://"),
    "size": (["--max-file-mb", "0"], "--max-file-mb is 0, expected a number from 0.001"),
    "nan": (["--max-file-mb", "nan"], "--max-file-mb is nan"),
    "age": (["--max-file-age", "7200"], "to 3,600"),
    "held": (["--max-unacked-messages", "0"], "--max-unacked-messages is 0"),
    "idle": (["--idle-exit", "-1"], "--idle-exit is -1"),
}


@pytest.mark.parametrize(("options", "said"), BAD.values(), ids=BAD.keys())
def test_bad_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str):
    right = ["--subscription", "projects/p/subscriptions/s", "--to", str(tmp_path / "o")]
    assert cli.main(["land", *right, *options]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.err.count("\n") == 1
    assert not (tmp_path / "o").exists()


def test_a_folder_that_can_t_be_written_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_bytes(b"")
    assert cli.main(["land", "--subscription", "projects/p/subscriptions/s", "--to", str(tmp_path / "file")]) == 2
    assert "can't be written to" in capsys.readouterr().err


def test_limits_are_checked_as_they_are():
    LandOptions("projects/p/subscriptions/s", "x", idle_exit=0.1, max_file_age=3600).check()
    with pytest.raises(LandError, match="--give-up"):
        LandOptions("projects/p/subscriptions/s", "x", give_up=-1).check()


def test_help_is_cheap_and_teaches():
    code = (
        "import sys; sys.argv = ['flowfacts', 'land', '--help']\n"
        "from pipelines.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'apache_beam', 'pyarrow', 'grpc', 'google.cloud.pubsub_v1', 'msgspec'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for word in ("examples:", "exit codes:", "--max-file-age", "gs://", "SIGTERM"):
        assert word in done.stdout


def test_it_needs_no_beam():
    code = "import pipelines.land, sys; assert not {'apache_beam', 'pyarrow', 'duckdb'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


STATE = {
    "received": 9, "landed": 7, "rejected": 1, "files": 2, "open_files": 1, "unacked_messages": 2, "unacked_bytes": 10,
    "oldest_unacked_seconds": 1.0, "acknowledged": 7, "given_back": 0, "last_error": None, "healthy": True,
    "write_failures": 0,
}  # fmt: skip


def test_the_state_is_told_as_asked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    clock = itertools.count(100.0)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    shown = {}
    for mode in Mode:
        teller = Teller(mode, 1.0)
        assert teller.due() is (mode in (Mode.JSON, Mode.LOG, Mode.TERMINAL))
        if teller.due():
            teller.status("status", STATE)
        teller.file("2026-06-17/a", 7, 100, 10, "age")
        teller.error("oh no")
        teller.end("SIGTERM", STATE)
        shown[mode] = capsys.readouterr()
    assert shown[Mode.QUIET] == ("", "flowfacts land: oh no\n")
    told = [json.loads(line) for line in shown[Mode.JSON].out.splitlines()]
    assert [t["event"] for t in told] == ["status", "file", "stopped"]
    assert told[0]["landed"] == 7
    assert told[0]["messages_per_second"] > 0
    assert told[2]["reason"] == "SIGTERM"
    logged = [json.loads(line)["flowfacts"] for line in shown[Mode.LOG].out.splitlines()]
    assert [(t["healthy"], t["landed"], t["rejected"]) for t in logged] == [(True, 7, 1)] * 2  # the status, the end
    assert "7 messages in 2 files" in shown[Mode.PLAIN].out
    assert "2026-06-17/a" in shown[Mode.PLAIN].out
    assert "7 landed" in shown[Mode.TERMINAL].err
