"""The live half on disk: what is published twice counts once, and the newest revision of a flow is its rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.expire import Retention, expire
from pipelines.live.letters import expire_letters
from pipelines.live.reader import ClosedFlows, ReadLogged, logged_parts, newest_rows, newest_with_keys, shown_unresolved
from pipelines.live.sink import LOOK_EVERY, _Publish
from pipelines.live.store import LiveFormatError, live_parts, prepare, publish, read_shard
from pipelines.live.tables import Batch, dead, logged, nothing, revised, shut
from pipelines.lock import only_run
from pipelines.state import read_table
from tests.unit.transforms.build import DEADLINES, ev
from transforms.event import Event, Rejection, decode_block, encode_block
from transforms.stream_codec import Item
from transforms.stream_flows import Meta, pack_closed
from transforms.stream_revision import Life, Revision, encode_revision, project

DAY = 86_400_000_000
LIFE = Life(DEADLINES)
CREATED, CLOSED = ev("STOW_JOB_CREATED", 0, status="OPEN"), ev("STOW_JOB_CLOSED", 120, status="CLOSED")


@pytest.fixture
def output(tmp_path: Path) -> str:
    prepare(str(tmp_path), 1)
    return str(tmp_path)


def revision(number: int, *events: Event, key: str = "S1") -> Revision:
    return project("stow", key, [Item(None, e) for e in events], LIFE, CLOSED.event_at, number)[0]


def write(output: str, *elements: bytes, merge_at: int = 24) -> Batch:
    batch = Batch()
    for element in elements:
        batch.add(element)
    publish(output, 0, 1, batch.tables("run-1"), merge_at=merge_at)
    return batch


def told(*found: Revision) -> list[bytes]:
    return [revised(encode_revision(r)) for r in found]


def outcomes(output: str) -> list[str]:
    return newest_rows(output)["stow_flow"].column("outcome").to_pylist()


def test_the_newest_revision_is_the_rows_of_its_flow(output):
    write(output, *told(revision(1, CREATED)))
    assert outcomes(output) == ["open"]
    write(output, *told(revision(2, CREATED, CLOSED)))
    assert outcomes(output) == ["fulfilled"]
    assert newest_rows(output)["flow_event"].num_rows == 2


def test_an_older_revision_that_comes_late_changes_nothing(output):
    write(output, *told(revision(2, CREATED, CLOSED)))
    write(output, *told(revision(1, CREATED)))
    assert outcomes(output) == ["fulfilled"]


def test_what_is_shown_as_unresolved_is_told_by_event(output):
    two = ev("STOW_JOB_COMMENCED", 60, status="IN_PROGRESS")
    write(output, *told(revision(1, CREATED, two, key="?STOW_JOB:A"), revision(1, CLOSED, key="?STOW_JOB:B")))
    write(output, *told(revision(1, CLOSED), revision(2, key="?STOW_JOB:B")))
    assert shown_unresolved(output) == {CREATED.event_id: ["?STOW_JOB:A"], two.event_id: ["?STOW_JOB:A"]}


def test_nothing_is_shown_as_unresolved_before_anything_is(output):
    assert shown_unresolved(output) == {}


def test_a_revision_without_rows_takes_its_flow_away(output):
    write(output, *told(revision(1, CREATED)))
    write(output, *told(revision(2)))
    assert outcomes(output) == []
    assert newest_with_keys(output)["flow_revision"].column("event_count").to_pylist() == [0]


def test_what_is_published_twice_counts_once(output):
    first = told(revision(1, CREATED))
    write(output, *first)
    paths = {p.path for parts in live_parts(output).values() for p in parts}
    write(output, *first)
    assert {p.path for parts in live_parts(output).values() for p in parts} == paths
    write(output, *first, *told(revision(1, CREATED, key="S2")))  # in other company, so in another file
    assert outcomes(output) == ["open", "open"]


def test_merging_keeps_the_newest_rows_and_lets_the_others_go(output):
    for number in range(1, 9):
        write(output, *told(revision(number, CREATED, *([CLOSED] if number > 4 else []))), merge_at=4)
    assert outcomes(output) == ["fulfilled"]
    stored = [read_table(output, p).num_rows for p in live_parts(output)["stow_flow"]]
    assert sum(stored) < 8
    assert all((Path(output) / path).exists() for path, _ in read_shard(output, 0, 1).gone)


def test_a_revision_that_does_not_fit_ends_in_the_dead_letters(output):
    good = revision(1, CREATED)
    bad = revision(1, CREATED, key="S2")
    cells = list(bad.rows["stow_flow"][0])
    cells[2] = {"no": "text"}
    batch = write(output, *told(good, bad._replace(rows={**bad.rows, "stow_flow": [tuple(cells)]})))
    assert [d[0] for d in batch.dead] == ["sink_refused"]
    assert newest_rows(output)["stow_flow"].column("flow_id").to_pylist() == ["S1"]
    (part,) = live_parts(output)["dead_letter"]
    (row,) = read_table(output, part).to_pylist()
    assert (row["reason"], row["run_id"]) == ("sink_refused", "run-1")


def test_raw_bytes_of_dead_letters_lie_apart_and_are_named(output):
    write(output, dead(Rejection("invalid_json", "broken", "sub:7", 5), b"{oops"))
    (row,) = read_table(output, live_parts(output)["dead_letter"][0]).to_pylist()
    assert (row["reason"], row["source"], row["raw_index"]) == ("invalid_json", "sub:7", 0)
    (raw,) = live_parts(output)["dead_letter_raw"]
    assert row["raw_path"] == raw.path
    assert read_table(output, raw).to_pylist() == [{"source": "sub:7", "raw": b"{oops"}]
    assert b"{oops" not in (Path(output) / live_parts(output)["dead_letter"][0].path).read_bytes()


def rejected(source: str, at: int, raw: bytes) -> bytes:
    return dead(Rejection("invalid_json", "broken", source, at), raw)


def letters(output: str) -> list[dict[str, Any]]:
    rows = [r for p in live_parts(output)["dead_letter"] for r in read_table(output, p).to_pylist()]
    return sorted(rows, key=lambda r: r["source"])


def raw_left(output: str) -> set[bytes]:
    """Give the raw bytes in every file that is there, named by a manifest or not."""
    files = (Path(output) / "live" / "dead_letter_raw").rglob("*.parquet")
    return {raw for file in files for raw in pq.read_table(file).column("raw").to_pylist()}


def test_raw_bytes_go_when_the_newest_of_their_file_is_old(output):
    write(output, rejected("sub:2", 90, b"{secret-b"), rejected("sub:1", 5, b"{secret-a"))
    write(output, rejected("sub:3", 200, b"{secret-c"))
    before = letters(output)
    assert expire_letters(output, 90, apply=True) == (0, 0)  # the second message is not older than that
    files, size = expire_letters(output, 91, apply=False)
    assert (files, size > 0) == (1, True)
    assert raw_left(output) == {b"{secret-a", b"{secret-b", b"{secret-c"}
    assert expire_letters(output, 91, apply=True) == (files, size)
    assert raw_left(output) == {b"{secret-c"}
    (left,) = live_parts(output)["dead_letter_raw"]
    after = letters(output)
    assert [(r["source"], r["raw_path"], r["raw_index"]) for r in after] == [
        ("sub:1", None, None),
        ("sub:2", None, None),
        ("sub:3", left.path, 0),
    ]
    unchanged = [{k: v for k, v in r.items() if not k.startswith("raw_")} for r in before]
    assert [{k: v for k, v in r.items() if not k.startswith("raw_")} for r in after] == unchanged
    assert read_table(output, left).to_pylist() == [{"source": "sub:3", "raw": b"{secret-c"}]
    assert expire_letters(output, 91, apply=True) == (0, 0)


def test_expire_knows_an_output_that_only_a_stream_has_written(output):
    at = datetime(2026, 6, 1, tzinfo=UTC)
    write(output, rejected("sub:1", round(at.timestamp() * 1_000_000), b"{secret-a"))
    retention, late = Retention(30, 400), at + timedelta(days=30, microseconds=1)
    assert expire(output, [], retention, at + timedelta(days=30), apply=True)["live_dead_letter_files"] == 0
    assert expire(output, [], retention, late, apply=False)["live_dead_letter_files"] == 1
    with only_run(f"{output}/live"):  # as a stream holds it
        assert expire(output, [], retention, late, apply=True)["live_at_work"]
    assert raw_left(output) == {b"{secret-a"}
    assert expire(output, [], retention, late, apply=True)["live_dead_letter_files"] == 1
    assert raw_left(output) == set()


class Buffer(list[bytes]):
    """Stands for the state of the sink: what waits for the publication."""

    def read(self) -> list[bytes]:
        return list(self)


def test_the_sink_drops_old_raw_bytes_as_it_publishes(output):
    now = [1_000 * DAY]
    sink = _Publish(output, 1, "run-1", 1, None, lambda: now[0], False, 10 * DAY)

    def publish_at(at: int, raw: bytes) -> set[bytes]:
        now[0] = at
        sink._publish(0, Buffer([rejected(f"sub:{at}", at, raw)]))
        return raw_left(output)

    first = 1_000 * DAY
    assert publish_at(first, b"a") == {b"a"}
    assert publish_at(first + 10 * DAY, b"b") == {b"a", b"b"}  # just as old as it may be
    assert publish_at(first + 10 * DAY + 1, b"c") == {b"a", b"b", b"c"}  # looked a moment ago
    assert publish_at(first + 10 * DAY + LOOK_EVERY, b"d") == {b"b", b"c", b"d"}
    assert len(letters(output)) == 4


def test_the_log_gives_the_events_as_they_came(output):
    line = ev("PICK_JOB_PICK_LINE_PICKED", 5, flow=None, pick_job_ref="J1")
    batch = write(output, logged(encode_block([CREATED, line])), nothing("8"))
    (part,) = logged_parts(output)
    (block,) = ReadLogged(output).process(part)
    assert decode_block(block) == [line, CREATED]
    assert batch.messages() == {"0", "5", "8"}  # the last part of each source


def test_closed_flows_are_found_the_newest_first(output):
    for number, events in ((3, [CREATED]), (9, [CREATED, CLOSED]), (5, [CREATED])):
        packed = pack_closed(Meta(revision=number), [Item(None, e) for e in events])
        write(output, shut("stow", "S1", packed))
    assert ClosedFlows(output).find("stow", "S1") == pack_closed(
        Meta(revision=9), [Item(None, CREATED), Item(None, CLOSED)]
    )
    assert ClosedFlows(output).find("stow", "S2") is None
    assert ClosedFlows(output).find("order", "S1") is None


def test_another_number_of_shards_is_refused(output):
    with pytest.raises(LiveFormatError, match="has 1 shards, expected 2"):
        prepare(output, 2)


def test_another_format_is_refused(output):
    write(output, *told(revision(1, CREATED)))
    path = Path(output) / "live" / "manifest-00-of-01.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 9}))
    with pytest.raises(LiveFormatError, match="has the format 9, expected 1"):
        newest_rows(output)
