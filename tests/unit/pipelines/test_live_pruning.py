"""What leaves the live half, what stays, and that nothing is lost on the way: cases by hand."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import main
from pipelines.live import pruning
from pipelines.live.lookup import KnownFlows, SettledGoneError, check_settled
from pipelines.live.pruning import DAY, Told, prune
from pipelines.live.reader import logged_events, newest_rows, newest_with_keys
from pipelines.live.sink import LOOK_EVERY, PRUNE_EVERY, _Publish
from pipelines.live.store import live_parts, prepare, pruned, publish
from pipelines.live.tables import Batch, logged, revised, shut
from pipelines.lock import only_run
from tests.settled_half import exported, write_settled
from tests.unit.transforms.build import DEADLINES, SECOND, T0, ev
from transforms.erasure import draw
from transforms.event import Event, encode_block
from transforms.links import Link
from transforms.stream_codec import Item, decode_item
from transforms.stream_flows import Meta, pack_closed, unpack_closed
from transforms.stream_revision import Life, encode_revision, project

LIFE = Life(DEADLINES)
DAY_1, DAY_2 = "2026-06-17", "2026-06-18"  # the events by hand are of the first
CLOSED = {DAY_1: True}
NOW = T0 + 20 * DAY
KEPT = 10 * DAY
CREATED, COMMENCED, ENDED = STOW = [
    ev("STOW_JOB_CREATED", 0, status="OPEN", version=1),
    ev("STOW_JOB_COMMENCED", 60, status="IN_PROGRESS", version=2),
    ev("STOW_JOB_CLOSED", 120, status="CLOSED", version=3),
]
S1 = ("stow", "S1")
JOB = ev("PICK_JOB_CREATED", 0, flow="P1", status="OPEN")
LINE = ev("PICK_JOB_PICK_LINE_PICKED", 50, flow=None, pick_job_ref="J1")


@pytest.fixture
def live(tmp_path: Path) -> Path:
    prepare(str(tmp_path / "live"), 1)
    return tmp_path / "live"


@pytest.fixture
def half(tmp_path: Path) -> Path:
    return tmp_path / "settled"


def write(live: Path, *elements: bytes, shard: int = 0, shards: int = 1) -> None:
    batch = Batch()
    for element in elements:
        batch.add(element)
    publish(str(live), shard, shards, batch.tables("run-1"))


def log(*events: Event) -> bytes:
    return logged(encode_block(list(events)))


def revision(number: int, *items: Event | Item, key: tuple[str, str] = S1) -> bytes:
    told = [_own(i if isinstance(i, Item) else Item(None, i)) for i in items]
    return revised(encode_revision(project(*key, told, LIFE, NOW, T0 + number)[0]))


def closed(number: int, *items: Event | Item, key: tuple[str, str] = S1) -> bytes:
    told = [_own(i if isinstance(i, Item) else Item(None, i)) for i in items]
    return shut(*key, pack_closed(Meta(revision=T0 + number), told))


def _own(item: Item) -> Item:
    """Take a copy: a projection gives its events their flow."""
    return item._replace(event=copy.copy(item.event))


def export(*events: Event, day: str = DAY_1) -> list[Event]:
    return [exported(e, day, i) for i, e in enumerate(events)]


def prune_it(live: Path, half: Path, *, now: int = NOW, apply: bool = True) -> Told:
    return prune(str(live), str(half), KEPT, now, apply=apply)


def left(live: Path) -> list[str]:
    return sorted(e.event_id for block in logged_events(str(live)) for e in block)


def rows(live: Path) -> dict[str, int]:
    return {name: sum(p.rows for p in parts) for name, parts in live_parts(str(live)).items()}


def ids(*events: Event) -> list[str]:
    return sorted(e.event_id for e in events)


def whole(live: Path) -> None:
    """Write a stow job as the stream leaves it: in the log, closed, with its rows."""
    write(live, log(*STOW), revision(1, *STOW), closed(1, *STOW))


def test_what_is_settled_leaves_whole(live, half):
    whole(live)
    write_settled(half, CLOSED, {S1: export(*STOW)})
    told = prune_it(live, half, apply=False)
    assert (told.events, told.closed, told.flows, told.bytes_left, told.stays) == (3, 1, 1, 0, {})
    assert rows(live)["event_log"] == 3  # only told
    assert pruned(str(live)) is None
    again = prune_it(live, half)
    assert (again.events, again.closed, again.flows, again.bytes_left) == (3, 1, 1, 0)
    assert rows(live) == {}
    assert pruned(str(live)) == {"format_version": 1, "settled": str(half), "until": DAY_1}


@pytest.mark.parametrize("days", [{DAY_1: False}, {DAY_1: False, "2026-06-16": True}, {}])
def test_an_open_day_settles_nothing(live, half, days):
    whole(live)
    write_settled(half, days, {S1: export(*STOW)})
    told = prune_it(live, half)
    assert (told.events, told.closed, told.flows) == (0, 0, 0)
    assert rows(live)["event_log"] == 3


def test_what_is_younger_than_the_margin_stays(live, half):
    whole(live)
    write_settled(half, CLOSED, {S1: export(*STOW)})
    end = T0 // DAY * DAY + DAY  # of the day folder
    told = prune_it(live, half, now=end + KEPT - 1)
    assert (told.events, told.why_not) == (0, f"{half} has no closed day before {DAY_1}")
    assert prune_it(live, half, now=end + KEPT).events == 3


def test_an_old_day_does_not_take_young_events_with_it(live, half):
    late = ev("STOW_JOB_OPENED", 0, status="OPEN", version=4, recorded=12 * 86_400)
    write(live, log(*STOW, late))
    write_settled(half, CLOSED, {S1: export(*STOW, late)})
    told = prune_it(live, half)
    assert (told.events, left(live)) == (3, ids(late))
    assert told.stays == {"younger than --live-days": 1}


def test_a_settled_half_that_is_behind_keeps_what_is_ahead(live, half):
    whole(live)
    write_settled(half, CLOSED, {S1: export(CREATED, COMMENCED)})
    told = prune_it(live, half)
    assert (told.events, told.closed, told.flows) == (2, 0, 0)
    assert left(live) == ids(ENDED)
    assert told.stays == {"the settled half does not have it in closed days": 3}  # the event, the closed flow, its rows
    assert newest_rows(str(live))["stow_flow"].num_rows == 1


def test_the_same_number_of_other_events_settles_no_flow(live, half):
    whole(live)
    other = ev("STOW_JOB_OPENED", 90, status="OPEN", version=9)
    write_settled(half, CLOSED, {S1: export(CREATED, COMMENCED, other)})
    told = prune_it(live, half)
    assert (told.closed, told.flows, left(live)) == (0, 0, ids(ENDED))


def test_the_events_of_open_days_do_not_count(live, half):
    whole(live)
    write_settled(half, {DAY_1: True, DAY_2: False}, {S1: [*export(*STOW[:2]), *export(ENDED, day=DAY_2)]})
    told = prune_it(live, half)
    assert (told.flows, left(live)) == (0, ids(ENDED))


def test_a_flow_that_the_live_half_shows_stays_although_each_of_its_events_is_settled(live, half):
    link = copy.copy(COMMENCED)  # it tells the batch job, not the stream, that two events are one
    link.event_id, link.recorded_at = CREATED.event_id, COMMENCED.recorded_at + SECOND
    write(live, log(*STOW), revision(1, *STOW))
    write_settled(half, CLOSED, {S1: export(*STOW, link)})
    told = prune_it(live, half)
    assert (told.events, told.flows) == (3, 0)


def test_a_repeat_under_another_id_is_known_by_its_version(live, half):
    repeat = copy.copy(CREATED)
    repeat.event_id = "another"
    write(live, log(repeat))
    write_settled(half, CLOSED, {S1: export(CREATED)})
    assert prune_it(live, half).events == 1


def test_an_id_that_came_with_another_version_is_not_settled(live, half):
    other = copy.copy(CREATED)
    other.version = 7
    write(live, log(other))
    write_settled(half, CLOSED, {S1: export(CREATED)})
    assert prune_it(live, half).events == 0


P1 = ("order", "P1")
LINK = Link("PICK_JOB", "J1", 0, "P1", True)


def test_an_event_that_names_no_flow_leaves_when_its_flow_has_it(live, half):
    write(live, log(JOB, LINE))
    write_settled(half, CLOSED, {P1: export(JOB)}, [LINK])
    assert prune_it(live, half).events == 1
    assert left(live) == ids(LINE)
    write_settled(half, CLOSED, {P1: export(JOB, LINE)}, [LINK])
    assert prune_it(live, half).events == 1


def test_an_event_that_the_stream_has_moved_stays_with_all_of_its_old_flow(live, half):
    moved = Item((0, 0, 0, "P2"), LINE)
    write(live, log(JOB, LINE), revision(1, JOB, key=P1), closed(1, JOB, key=P1))
    write(live, revision(2, moved, key=("order", "P2")))
    write_settled(half, CLOSED, {P1: export(JOB, LINE)}, [LINK])
    told = prune_it(live, half)
    assert (told.events, told.closed, told.flows) == (0, 0, 0)
    assert told.stays["the stream has given an event of it to another flow"] == 4  # both events, closed flow, rows


def test_a_closed_flow_that_an_event_has_left_stays_while_the_batch_job_has_it_there(live, half):
    gone = Item((0, 0, 0, "P2"), None, (LINE.event_id, LINE.source))
    write(live, closed(1, JOB, gone, key=P1))
    write_settled(half, CLOSED, {P1: export(JOB, LINE)}, [LINK])
    assert prune_it(live, half).closed == 0
    write_settled(half, CLOSED, {P1: export(JOB)}, [LINK])
    assert prune_it(live, half).closed == 1


def test_what_waits_for_its_flow_stays_as_long_as_the_stream_searches(live, half):
    key = ("order", "?PICK_JOB:J1")
    write(live, log(LINE), revision(1, Item((1, 0, 1000, key[1]), LINE), key=key))
    write_settled(half, CLOSED, {key: export(LINE)})
    told = prune_it(live, half)
    assert (told.events, told.flows) == (0, 1)  # the settled half shows it; a new job must still find its flow
    assert told.stays == {"it has no flow yet, and is still searched": 1}
    assert prune_it(live, half, now=LINE.recorded_at + 90 * DAY).events == 0
    assert prune_it(live, half, now=LINE.recorded_at + 90 * DAY + 1).events == 1


def test_an_unresolved_event_that_is_not_settled_stays_for_ever(live, half):
    key = ("order", "?PICK_JOB:J1")
    write(live, log(LINE), revision(1, Item((1, 0, 1000, key[1]), LINE), key=key))
    write_settled(half, CLOSED, {S1: export(*STOW)})
    told = prune_it(live, half, now=NOW + 4_000 * DAY)
    assert (told.events, told.flows) == (0, 0)


def outside(at: float, version: int | None = None, entity_id: str | None = "X1") -> Event:
    """Make an event outside the flows."""
    made = ev("STOW_JOB_CREATED", at, entity_id, flow=None, version=version)
    made.flow, made.entity_id, made.event_id = "none", entity_id, f"outside/{at}"
    return made


def test_events_outside_the_flows_leave_one_by_one(live, half):
    known, ahead = outside(1, 1), outside(2, 2)
    key = ("none", f"{known.entity}:X1")
    write(live, log(known, ahead), revision(1, known, ahead, key=key), closed(1, known, ahead, key=key))
    write_settled(half, CLOSED, {}, outside=export(known))
    told = prune_it(live, half)
    assert (told.events, told.closed, told.flows, left(live)) == (1, 0, 0, ids(ahead))
    write_settled(half, CLOSED, {}, outside=export(known, ahead))
    told = prune_it(live, half)
    assert (told.events, told.closed, told.flows) == (1, 1, 1)
    assert rows(live) == {}
    assert KnownFlows(str(live), str(half)).find(*key) == pack_closed(Meta(), [])  # new events begin anew


def test_rows_that_a_newer_revision_has_replaced_go_without_being_settled(live, half):
    write(live, revision(1, CREATED))
    write(live, revision(2, *STOW))
    write_settled(half, CLOSED, {P1: export(JOB)})
    before = newest_rows(str(live))
    prune_it(live, half)
    assert rows(live)["flow_revision"] == 1
    assert newest_rows(str(live)) == before


def test_the_newest_revision_waits_until_another_shard_has_dropped_the_older_one(tmp_path, half):
    live = tmp_path / "sharded"
    prepare(str(live), 2)
    write(live, revision(1, CREATED), closed(1, CREATED), shard=1, shards=2)
    write(live, revision(2, *STOW), closed(2, *STOW), shard=0, shards=2)
    write_settled(half, CLOSED, {S1: export(*STOW)})
    first = prune_it(live, half)  # shard 0 waits, shard 1 drops what was replaced
    assert (first.flows, first.closed) == (0, 0)
    assert newest_rows(str(live))["stow_flow"].column("outcome").to_pylist() == ["fulfilled"]
    assert KnownFlows(str(live), None)._closed.find(*S1) is not None
    second = prune_it(live, half)
    assert (second.flows, second.closed) == (1, 1)
    assert rows(live) == {}


@pytest.mark.parametrize("version", [None, "another"])
def test_without_a_settled_half_nothing_is_dropped(live, half, version):
    whole(live)
    if version is not None:
        write_settled(half, CLOSED, {S1: export(*STOW)}, version=version)
    told = prune_it(live, half)
    assert (told.events, rows(live)["event_log"]) == (0, 3)
    assert told.why_not in (
        f"{half} has no settled half",
        f"the state in {half} is of another version; the next batch run makes it again",
    )


def test_a_flow_that_was_dropped_is_read_back_with_all_its_events(live, half):
    whole(live)
    write_settled(half, CLOSED, {S1: export(*STOW)})
    prune_it(live, half)
    found = KnownFlows(str(live), str(half)).find(*S1)
    assert found is not None
    events = [decode_item(raw).event for raw in unpack_closed(found)[1]]
    assert sorted(e.event_id for e in events if e) == ids(*STOW)
    assert KnownFlows(str(live), str(half)).find("stow", "S2") is None


def test_a_closed_flow_is_read_back_with_what_has_left_the_log_since(live, half):
    write(live, closed(1, CREATED), log(COMMENCED, ENDED))  # it came back, and the job was killed
    write_settled(half, CLOSED, {S1: export(COMMENCED), P1: export(JOB)})
    told = prune_it(live, half)
    assert (told.closed, left(live)) == (0, ids(ENDED))
    found = KnownFlows(str(live), str(half)).find(*S1)
    assert found is not None
    revision, items = unpack_closed(found)
    assert revision == T0 + 1
    assert sorted(e.event_id for e in (decode_item(raw).event for raw in items) if e) == ids(CREATED, COMMENCED)


def test_an_event_that_has_left_its_flow_leaves_what_is_read_back_from_the_settled_half(live, half):
    write(live, log(JOB, LINE))
    write_settled(half, CLOSED, {P1: export(JOB, LINE)}, [LINK])
    prune_it(live, half)
    found = KnownFlows(str(live), str(half)).find(*P1)
    assert found is not None
    items = [decode_item(raw) for raw in unpack_closed(found)[1]]
    moved = Item((0, 0, 0, "P2"), None, (LINE.event_id, LINE.source))
    counts = [project(*P1, some, LIFE, NOW, 1)[0].event_count for some in (items, [*items, moved])]
    assert counts == [2, 1]


def test_a_job_does_not_go_on_without_the_settled_half_that_it_needs(live, half, tmp_path):
    whole(live)
    write_settled(half, CLOSED, {S1: export(*STOW)})
    check_settled(str(live), None)  # nothing was dropped
    prune_it(live, half)
    check_settled(str(live), str(half))
    for other in (None, str(tmp_path / "nowhere")):
        with pytest.raises(SettledGoneError, match="run flowfacts batch there, or name the right output"):
            check_settled(str(live), other)
        with pytest.raises(SettledGoneError, match="has dropped events that are in"):
            KnownFlows(str(live), other).find(*S1)
    write_settled(tmp_path / "less", {"2026-06-16": True}, {P1: export(JOB)})
    with pytest.raises(SettledGoneError, match=f"up to the day {DAY_1}, and .*less has no closed day as late"):
        check_settled(str(live), str(tmp_path / "less"))
    write_settled(half, CLOSED, {S1: export(*STOW)}, version="another")
    with pytest.raises(SettledGoneError, match="no state that this version can read"):
        KnownFlows(str(live), str(half)).find("stow", "S9")


def test_what_was_erased_here_does_not_come_back_from_the_settled_half(live, half):
    order = ev("ORDER_CREATED", 0, flow="P1", tenant_order_id="R-4711-long")
    write(live, log(order))
    write_settled(half, CLOSED, {P1: export(order)})
    assert prune_it(live, half).events == 1
    erased = draw("R-4711-long", "P1", "2026-07-01T00:00:00Z")
    found = KnownFlows(str(live), str(half), (erased,)).find(*P1)
    assert found is not None
    assert b"R-4711-long" not in found
    assert erased.pseudonym.encode() in found


def test_rows_that_were_written_twice_count_once_when_only_they_are_left(live, half):
    write(live, log(*STOW, JOB))
    write(live, log(CREATED, JOB))
    write_settled(half, CLOSED, {S1: export(*STOW)})
    assert prune_it(live, half).events == 4
    assert left(live) == ids(JOB)


class Killed(Exception):
    pass


@pytest.mark.parametrize("step", ["write", "mark_pruned", "write_shard", "delete_files"])
def test_a_kill_leaves_the_old_state_or_the_new_one(live, half, monkeypatch, step):
    write(live, log(*STOW, JOB), revision(1, *STOW), closed(1, *STOW), revision(3, JOB, key=P1))
    write_settled(half, CLOSED, {S1: export(*STOW)})
    before = {n: t.to_pylist() for n, t in newest_with_keys(str(live)).items()}, left(live)

    def kill(*_: Any, **__: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(pruning, step, kill)
        with pytest.raises(Killed):
            prune_it(live, half)
    now = {n: t.to_pylist() for n, t in newest_with_keys(str(live)).items()}, left(live)
    if step == "delete_files":
        assert now[1] == ids(JOB)
    else:
        assert now == before
    prune_it(live, half)
    assert left(live) == ids(JOB)
    assert [r["live_key"] for r in newest_with_keys(str(live))["flow_revision"].to_pylist()] == ["P1"]


class Buffer(list[bytes]):
    """Stands for the state of the sink: what waits for the publication."""

    def read(self) -> list[bytes]:
        return list(self)


def test_the_sink_prunes_now_and_then_what_it_has_looked_up_before(live, half):
    now = [NOW]
    sink = _Publish(str(live), 1, "run-1", 1, None, lambda: now[0], False, None, str(half), KEPT)
    whole(live)
    write_settled(half, CLOSED, {S1: export(*STOW)}, finished_at="2026-07-07T14:00:00Z")  # six hours after NOW

    def publish_at(at: int) -> int:
        now[0] = at
        sink._publish(0, Buffer([revision(3, JOB, key=P1)]))
        return rows(live).get("event_log", 0)

    assert publish_at(NOW) == 3
    assert publish_at(NOW + PRUNE_EVERY - 1) == 3
    assert publish_at(NOW + PRUNE_EVERY + 60 * SECOND) == 3  # the run has just ended: it may not have been seen
    assert publish_at(NOW + PRUNE_EVERY + 181 * SECOND) == 0
    whole(live)
    assert publish_at(NOW + PRUNE_EVERY + LOOK_EVERY) == 3  # looked a while ago
    assert publish_at(NOW + 2 * PRUNE_EVERY + 181 * SECOND) == 0


def test_expire_prunes_where_no_stream_is_at_work_and_only_when_told(live, half, capsys):
    whole(live)
    write_settled(half, CLOSED, {S1: export(*STOW)})
    words = ["expire", "--output", str(live), "--settled", str(half), "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)["live_pruned"]
    assert (told["events"], told["closed"], told["flows"], rows(live)["event_log"]) == (3, 1, 1, 3)
    with only_run(f"{live}/live"):
        assert main([*words, "--apply"]) == 0
    assert json.loads(capsys.readouterr().out)["live_at_work"]
    assert main([*words, "--apply", "--live-days", "36500"]) == 0
    assert rows(live)["event_log"] == 3
    capsys.readouterr()
    assert main(["expire", "--output", str(live), "--settled", str(half), "--apply"]) == 0
    assert "3 events, 1 closed flows, rows of 1 flows" in capsys.readouterr().out
    assert rows(live) == {}
