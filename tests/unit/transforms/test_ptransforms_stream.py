"""The stream's Beam transforms on TestStream: time passes only where a test says so."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing import test_stream

from pipelines.live.signatures import signatures_remembered
from schemas.tables import BY_NAME
from tests.unit.transforms.build import DAY, DEADLINES, SECOND, T0, ev, instant
from transforms.event import Event, encode_block
from transforms.ptransforms_live import LiveFlows
from transforms.ptransforms_metrics import here, reset
from transforms.ptransforms_search import ResolveStream
from transforms.stream_revision import Life, Revision, decode_revision

QUIET, GRACE, TOMBSTONE = 86_400, 3_600, 10 * 86_400
LIFE = Life(DEADLINES, 30 * SECOND, QUIET * SECOND, 90 * DAY * SECOND, GRACE * SECOND, TOMBSTONE * SECOND, 50)
PATIENCE = 5
FOREVER = 4_000 * DAY

_time = [0]
_seen: list[Revision] = []
_kept: dict[tuple[str, str], bytes] = {}


def clock() -> int:
    return _time[0]


class Kept:
    def find(self, flow: str, key: str) -> bytes | None:
        return _kept.get((flow, key))


class SetClock(beam.DoFn):
    """Takes the ticks, which tell the transforms' clock what the runner's says."""

    def process(self, element):
        if isinstance(element, int):
            _time[0] = T0 + element * SECOND
        else:
            yield element


class Keep(beam.DoFn):
    def process(self, element):
        if isinstance(element, bytes):
            _seen.append(decode_revision(element))
        else:
            key, packed = element
            flow, _, key = key.partition("\x1f")
            _kept[flow, key] = packed


@dataclass
class Script:
    """What happens, in seconds after T0."""

    stream: Any
    at: int = 0

    def arrive(self, *events: Event) -> Script:
        self.stream = self.stream.add_elements([encode_block(list(events))])
        return self

    def until(self, second: float) -> Script:
        """Let time pass: timers until then fire, each at its own time."""
        self.stream = self.stream.advance_processing_time(second - self.at).add_elements([second])
        self.at = second
        return self


@pytest.fixture
def play() -> Callable[[Callable[[Script], Script]], list[Revision]]:
    def run(
        write: Callable[[Script], Script],
        life: Life = LIFE,
        lookup: Any = None,
        max_waiting: int = 100,
        shown: Any = None,
    ) -> list[Revision]:
        reset()
        _time[0] = T0
        _seen.clear()
        _kept.clear()
        options = PipelineOptions([])
        options.view_as(StandardOptions).streaming = True
        script = Script(test_stream.TestStream().advance_processing_time(T0 / SECOND))
        script = write(script)
        stream = script.until(script.at + FOREVER).stream.advance_watermark_to_infinity()
        with (
            signatures_remembered(),
            beam.Pipeline(runner="BundleBasedDirectRunner", options=options) as pipeline,
        ):
            live = (
                pipeline
                | stream
                | beam.ParDo(SetClock())
                | ResolveStream(PATIENCE * SECOND, 90 * DAY * SECOND, clock, None, max_waiting, shown)
                | LiveFlows(life, lookup or Kept(), None, clock)
            )
            _ = (live.revisions, live.closed) | beam.Flatten() | beam.ParDo(Keep())
        return list(_seen)

    return run


def row(revision: Revision, relation: str) -> dict[str, Any]:
    (cells,) = revision.rows[relation]
    return dict(zip((c.name for c in BY_NAME[relation].columns), cells, strict=True))


def of(revisions: list[Revision], key: str) -> list[Revision]:
    return [r for r in soon(revisions) if r.key == key]


def soon(revisions: list[Revision]) -> list[Revision]:
    """Leave out what the deadline, days later, tells again."""
    return [r for r in revisions if r.revision < T0 + DAY * SECOND]


STOW = [
    ev("STOW_JOB_CREATED", 0, status="OPEN"),
    ev("STOW_JOB_COMMENCED", 60, status="IN_PROGRESS"),
    ev("STOW_JOB_CLOSED", 120, status="CLOSED"),
]


def test_one_revision_for_all_that_came_within_the_flush_time(play):
    created, commenced, closed = STOW
    found = play(lambda s: s.arrive(created).until(20).arrive(commenced).until(40).arrive(closed).until(100))
    assert [(r.revision - T0) // SECOND for r in found] == [30, 70]
    assert [r.event_count for r in found] == [2, 3]
    assert [r.outcome for r in found] == ["open", "fulfilled"]
    assert row(found[1], "stow_flow")["finished_at"] == instant(120)


def test_an_open_flow_is_told_again_at_its_deadline(play):
    found = play(lambda s: s.arrive(STOW[0]).until(100))
    deadline = DEADLINES["stow"] // SECOND
    assert [((r.revision - T0) // SECOND, r.outcome) for r in found] == [(30, "open"), (deadline, "incomplete")]


def test_a_flow_that_has_closed_comes_back_with_all_its_events(play):
    late = ev("STOW_JOB_OPENED", 300, status="OPEN", recorded=400_000)
    back = QUIET + GRACE + 1_000
    found = play(lambda s: s.arrive(*STOW).until(back).arrive(late).until(back + 60))
    assert [(r.event_count, r.outcome) for r in found][:2] == [(3, "fulfilled"), (4, "open")]
    assert (found[1].revision - T0) // SECOND == back + 30
    assert row(found[1], "stow_flow")["stow_created_at"] == instant(0)


def test_a_flow_that_comes_back_within_the_grace_needs_no_look(play):
    class Nowhere:
        def find(self, flow: str, key: str) -> bytes | None:
            return None

    late = ev("STOW_JOB_OPENED", 300, status="OPEN")
    back = QUIET + 600
    found = play(lambda s: s.arrive(*STOW).until(back).arrive(late).until(back + 60), lookup=Nowhere())
    assert [(r.event_count, r.outcome) for r in found][:2] == [(3, "fulfilled"), (4, "open")]


def test_a_flow_of_which_nothing_is_left_comes_back_with_all_its_events(play):
    late = ev("STOW_JOB_OPENED", 300, status="OPEN")
    back = QUIET + GRACE + TOMBSTONE + 2_000
    found = play(lambda s: s.arrive(*STOW).until(back).arrive(late).until(back + 60))
    assert [(r.event_count, r.outcome) for r in found][1] == (4, "open")


def test_a_closed_flow_that_is_not_where_it_should_be_stops_the_job(play):
    class Nowhere:
        def find(self, flow: str, key: str) -> bytes | None:
            return None

    back = QUIET + GRACE + 1_000
    with pytest.raises(Exception, match="the stow flow S1 is closed and an event has arrived for it"):
        play(lambda s: s.arrive(*STOW).until(back).arrive(STOW[0]).until(back + 60), lookup=Nowhere())


JOB = ev("PICK_JOB_CREATED", 0, flow="P1", status="OPEN")
LINE = ev("PICK_JOB_PICK_LINE_PICKED", 50, flow=None, pick_job_ref="J1")


def test_a_line_before_its_pick_job_waits_and_joins_the_order(play):
    found = play(lambda s: s.arrive(LINE).until(3).arrive(JOB).until(100))
    assert [(r.key, r.event_count) for r in soon(found)] == [("P1", 2)]


def test_a_line_that_waits_long_is_shown_as_unresolved_and_withdrawn_when_its_job_arrives(play):
    found = play(lambda s: s.arrive(LINE).until(100).arrive(JOB).until(200))
    gathered = of(found, "?PICK_JOB:J1")
    assert [(r.event_count, bool(r.rows)) for r in gathered] == [(1, True), (0, False)]
    assert [r.event_count for r in of(found, "P1")][-1] == 2


@pytest.mark.parametrize(
    "script", [lambda s: s.arrive(JOB).until(10).arrive(LINE), lambda s: s.arrive(LINE).until(3).arrive(JOB)]
)
def test_what_an_earlier_job_shows_as_unresolved_is_withdrawn_when_its_flow_is_known_at_once(play, script):
    found = play(lambda s: script(s).until(100), shown={LINE.event_id: ["?PICK_JOB:J1"]})
    assert [(r.event_count, bool(r.rows)) for r in of(found, "?PICK_JOB:J1")] == [(0, False)]
    assert of(found, "P1")[-1].event_count == 2


def test_what_an_earlier_job_shows_as_unresolved_stays_while_it_is(play):
    found = play(lambda s: s.arrive(LINE).until(100), shown={LINE.event_id: ["?PICK_JOB:J1"]})
    assert [(r.key, r.event_count) for r in soon(found)] == [("?PICK_JOB:J1", 1)]


def test_a_surer_claim_moves_the_events_of_a_flow(play):
    # The shipment names its pick job and the process P2; the pick job's own event says P1, which is surer.
    shipment = ev("SHIPMENT_CREATED", 10, flow="P2", pick_job_ref="J1")
    found = play(lambda s: s.arrive(shipment).arrive(LINE).until(100).arrive(JOB).until(200))
    assert [r.event_count for r in of(found, "P2")] == [2, 1]
    assert of(found, "P1")[-1].event_count == 2


def test_what_does_not_fit_is_counted_and_left_out(play):
    life = Life(DEADLINES, 30 * SECOND, QUIET * SECOND, 90 * DAY * SECOND, GRACE * SECOND, TOMBSTONE * SECOND, 3)
    many = [ev("STOW_JOB_COMMENCED", n, version=n, status="IN_PROGRESS") for n in range(10)]
    found = play(lambda s: s.arrive(*many).until(100), life)
    assert (found[0].event_count, found[0].overflow) == (3, 7)
    assert "oversized" in row(found[0], "stow_flow")["quality_flags"]
    assert here()[0]["items_over_cap"] == 7


def test_a_flow_within_its_cap_is_not_oversized(play):
    found = play(lambda s: s.arrive(*STOW).until(100))
    assert "oversized" not in row(found[0], "stow_flow")["quality_flags"]


def test_an_entity_keeps_so_many_waiting_events_and_counts_the_others(play):
    lines = [ev("PICK_JOB_PICK_LINE_PICKED", 50 + n, flow=None, pick_job_ref="J1", entity_id=f"L{n}") for n in range(6)]
    found = play(lambda s: s.arrive(*lines).until(100).arrive(JOB).until(200), max_waiting=4)
    assert of(found, "?PICK_JOB:J1")[0].event_count == 4
    assert of(found, "P1")[-1].event_count == 5
    assert here()[0]["waiting_over_cap"] == 2


def again(event: Event, source: str) -> Event:
    """Give another delivery of an event."""
    made = copy.copy(event)
    made.source = source
    return made


def test_duplicates_are_counted_once_each(play):
    more = [again(e, "second") for e in STOW]
    found = play(lambda s: s.arrive(*STOW, *more, *STOW).until(100).arrive(again(STOW[0], "third")).until(200))
    assert [(r.duplicates, r.event_count) for r in soon(found)] == [(3, 3), (4, 3)]
    assert here()[0]["duplicates"] == 4


def test_what_is_unresolved_is_counted_and_no_more_when_it_is_found(play):
    play(lambda s: s.arrive(LINE).until(100))
    assert here()[0]["events_unresolved"] == 1
    play(lambda s: s.arrive(LINE).until(100).arrive(JOB).until(200))
    assert here()[0]["events_unresolved"] == 0
