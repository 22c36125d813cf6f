"""The live half on disk: what is published twice counts once, and the newest revision of a flow is its rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.live.reader import ClosedFlows, ReadLogged, logged_parts, newest_rows, newest_with_keys
from pipelines.live.store import LiveFormatError, live_parts, prepare, publish, read_shard
from pipelines.live.tables import Batch, dead, logged, nothing, revised, shut
from pipelines.state import read_table
from tests.unit.transforms.build import DEADLINES, ev
from transforms.event import Event, Rejection, decode_block, encode_block
from transforms.stream_codec import Item
from transforms.stream_flows import Meta, pack_closed
from transforms.stream_revision import Life, Revision, encode_revision, project

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
