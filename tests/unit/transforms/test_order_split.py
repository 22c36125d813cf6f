"""The five-way split and the slack of an order, by hand. Times are hours after Wednesday, 17 June 2026, 08:00 UTC.

In Berlin that is 10:00; the site F1 is open from 09:00 to 18:00 there, so it is shut from 8 to 23 hours after.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.tables import ORDER_TIME_SPLIT
from schemas.vocabulary import ORDER_STAGES, SPLIT_KINDS
from tests.strategies import examples
from tests.unit.transforms.build import DEADLINES, T0, ev
from transforms import order_split
from transforms.calendar import Calendar, Hours, sites_of
from transforms.event import Event
from transforms.project import project_all
from transforms.rows import Settings

H = 3600
HOUR = H * 1_000_000
SHOP = Hours("shop", "Europe/Berlin", (((540, 1080),),) * 7, (), ("F1",))
SITES = sites_of(Calendar((SHOP,)))
NAMES = [c.name for c in ORDER_TIME_SPLIT.columns]
PARTS = [f"{kind}_seconds" for kind in SPLIT_KINDS]

Table = dict[str, tuple[float, ...]]


def rows_of(*events: Event, as_of: float = 0) -> list[dict[str, Any]]:
    moment = max([T0 + round(as_of * HOUR), *(e.recorded_at for e in events)])
    rows, _, _ = project_all(list(events), Settings(moment, DEADLINES, sites=SITES))
    return [dict(zip(NAMES, row, strict=True)) for row in rows.order_time_split]


def split(rows: list[dict[str, Any]]) -> Table:
    """Give hours waiting, working, paused, blocked, site closed by stage."""
    return {r["stage"]: tuple(r[p] / H for p in PARTS) for r in rows}


def slack(rows: list[dict[str, Any]]) -> Table:
    """Give hours used and late by stage."""
    return {r["stage"]: (r["slack_used_seconds"] / H, r["slack_late_seconds"] / H) for r in rows}


def order(at: float = 0, **facts: Any) -> Event:
    return ev("ORDER_CREATED", at * H, **facts)


def routed(at: float) -> Event:
    return ev("ROUTING_PLAN_ROUTED", at * H)


_PICKS = {
    "created": "PICK_JOB_CREATED", "commenced": "PICK_JOB_PICKING_COMMENCED", "paused": "PICK_JOB_PICKING_PAUSED",
    "finished": "PICK_JOB_PICKING_FINISHED",
}  # fmt: skip


def pick(name: str, at: float, job: str = "J1", facility: str = "F1", channel: str | None = None) -> Event:
    more = {"plan_ref": "R1", "channel": channel} if name == "created" else {}
    return ev(_PICKS[name], at * H, job, facility=facility, **more)


def ready(at: float, **facts: Any) -> Event:
    return ev("HANDOVERJOB_CREATED", at * H, pick_job_ref="J1", **facts)


def handed(at: float) -> Event:
    return ev("HANDOVERJOB_HANDED_OVER", at * H, pick_job_ref="J1")


DAY_ORDER = (
    order(0), routed(0.25), pick("created", 0.5), pick("commenced", 1), pick("paused", 1.5), pick("commenced", 2),
    pick("finished", 2.25), ready(3), handed(24),
)  # fmt: skip


def test_a_plain_order_over_a_night():
    rows = rows_of(*DAY_ORDER)
    assert split(rows) == {
        "route": (0, 0.25, 0, 0, 0),
        "after_route": (0.25, 0, 0, 0, 0),
        "pick_queue": (0.5, 0, 0, 0, 0),
        "pick": (0, 0.75, 0.5, 0, 0),
        "after_pick": (0.75, 0, 0, 0, 0),
        "handover_wait": (5 + 1, 0, 0, 0, 15),  # from 3 to 8, shut until 23, and until 24
    }
    assert {r["until_at"] for r in rows} == {T0 + 24 * HOUR}
    assert {r["goes_on_as"] for r in rows} == {None}


def test_what_is_worked_on_goes_first_and_at_night_too():
    """The first leg works through the night while the second one waits."""
    rows = rows_of(
        order(0), routed(1), pick("created", 1), pick("created", 1, "J2"), pick("commenced", 7), pick("finished", 10),
        as_of=12,
    )  # fmt: skip
    # 7 to 10 is work, though the shop shuts at 8; from 1 to 7 both wait in the same stage.
    assert split(rows) == {"route": (0, 1, 0, 0, 0), "pick_queue": (6, 0, 0, 0, 0), "pick": (0, 3, 0, 0, 0)}
    going_on = next(r for r in rows if r["goes_on_as"])
    assert (going_on["stage"], going_on["goes_on_as"], going_on["goes_on_calendar"]) == (
        "pick_queue",
        "waiting",
        "shop",
    )
    assert {r["counted_to_at"] for r in rows} == {T0 + 10 * HOUR}


def test_paused_goes_before_waiting_and_the_laggard_before_the_leader():
    rows = rows_of(
        order(0), routed(0), pick("created", 0), pick("created", 0, "J2"), pick("commenced", 1), pick("paused", 2),
        pick("commenced", 3), pick("finished", 4), ready(4), pick("commenced", 5, "J2"), pick("finished", 6, "J2"),
        ev("HANDOVERJOB_CREATED", 6 * H, "V2", pick_job_ref="J2"), handed(7),
        ev("HANDOVERJOB_HANDED_OVER", 7 * H, "V2", pick_job_ref="J2"),
    )  # fmt: skip
    # Until 1 both wait; 2 to 3 is paused, not waiting; 4 to 5 the hand-over and J2's queue wait: J2 is behind.
    assert split(rows) == {
        "pick_queue": (1 + 1, 0, 0, 0, 0),
        "pick": (0, 1 + 1 + 1, 1, 0, 0),
        "handover_wait": (1, 0, 0, 0, 0),
    }
    assert rows[0]["outcome"] == "fulfilled"


def test_of_two_sites_the_one_that_holds_the_order_says_whether_it_is_closed():
    """F2 has no hours; in the same stage the smaller facility has the instant."""
    rows = rows_of(
        order(0), routed(0), pick("created", 0), pick("created", 0, "J2", "F2"), pick("commenced", 10),
        pick("finished", 11), pick("commenced", 12, "J2", "F2"),
    )  # fmt: skip
    # Until 10 F1's job has the instant (shut from 8); then F2's, whose queue is behind what comes after F1's pick.
    assert split(rows) == {"pick_queue": (8 + 1, 0, 0, 0, 2), "pick": (0, 1, 0, 0, 0)}


def test_of_two_stages_that_end_at_once_the_one_further_on_is_waited_after():
    """Labels received and packing finished with one event each, at the same instant."""
    begin, end, later = T0, T0 + HOUR, T0 + 3 * HOUR
    flow = {
        "flow_id": "P", "facility_ref": None, "channel": None, "outcome": "fulfilled", "started_at": begin,
        "finished_at": later, "last_event_at": later, "first_handover_created_at": None, "target_at": None,
    }  # fmt: skip
    stretches = [(stage, kind) for stage in ("label", "pack") for kind in ("working", "waiting")]
    for told in (stretches, stretches[::-1]):
        rows: list[Any] = []
        intervals = [(None, None, None, None, "F1", s, k, begin, end, None) for s, k in told]
        order_split.add(flow, None, intervals, SITES, rows)
        assert [(r[1], r[9] / H, r[10] / H) for r in rows] == [("after_label", 2, 0), ("pack", 0, 1)]


def test_what_has_no_facility_is_never_closed():
    locked = ev("ORDER_CREATED", 0, status="LOCKED", facility=None)
    rows = rows_of(locked, ev("ORDER_UNLOCKED", 20 * H, facility=None))
    assert split(rows)["lock"] == (0, 0, 0, 20, 0)


def test_an_order_that_has_just_come():
    rows = rows_of(order(0), as_of=3)
    assert split(rows) == {"intake": (0, 0, 0, 0, 0)}
    assert (rows[0]["goes_on_as"], rows[0]["goes_on_calendar"], rows[0]["counted_to_at"]) == ("waiting", None, T0)


def test_the_instant_of_the_facts_changes_no_row():
    given = (order(0), routed(0.25), pick("created", 0.5))
    assert rows_of(*given, as_of=1) == rows_of(*given, as_of=500)


def test_an_incomplete_order_ends_with_its_deadline():
    given = (order(0), routed(0.25), pick("created", 0.5))
    rows = rows_of(*given, as_of=40 * 24)
    deadline = 0.5 + 30 * 24
    assert {r["until_at"] for r in rows} == {T0 + round(deadline * HOUR)}
    assert {r["goes_on_as"] for r in rows} == {None}
    assert sum(map(sum, split(rows).values())) == deadline
    assert split(rows)["pick_queue"] == (7.5 + 30 * 9 - 8 + 0.5, 0, 0, 0, 30 * 15)


def test_an_order_that_ends_before_it_begins_has_no_time():
    rows = rows_of(order(5), ev("ORDER_CANCELLED", 4 * H))
    assert split(rows) == {"intake": (0, 0, 0, 0, 0)}
    assert rows[0]["counted_to_at"] == T0 + 5 * HOUR


def test_slack_of_an_order_that_is_late():
    given = [*DAY_ORDER[:-2], ready(3, target=4 * H), handed(24)]
    assert slack(rows_of(*given)) == {
        "route": (0.25, 0), "after_route": (0.25, 0), "pick_queue": (0.5, 0), "pick": (1.25, 0),
        "after_pick": (0.75, 0), "handover_wait": (1, 20),
    }  # fmt: skip


def test_slack_of_a_collection_ends_when_it_is_ready():
    made = pick("created", 0.5, channel="COLLECT")
    given = [*DAY_ORDER[:2], made, *DAY_ORDER[3:-2], ready(3, target=2 * H), handed(24)]
    rows = rows_of(*given)
    assert slack(rows)["pick"] == (1, 0.25)
    assert slack(rows)["after_pick"] == (0, 0.75)
    assert slack(rows)["handover_wait"] == (0, 0)
    assert {r["slack_until_at"] for r in rows} == {T0 + 3 * HOUR}
    assert split(rows)["handover_wait"] == (6, 0, 0, 0, 15)


def test_a_target_before_the_order():
    given = [*DAY_ORDER[:-2], ready(3, target=-2 * H), handed(24)]
    rows = slack(rows_of(*given))
    assert {used for used, _ in rows.values()} == {0}
    assert sum(late for _, late in rows.values()) == 24


def test_without_a_target_there_is_no_slack():
    assert {r["slack_used_seconds"] for r in rows_of(*DAY_ORDER)} == {None}


# -- any stretches, instant by instant -----------------------------------------------------------------------------

_KINDS = {"working": 0, "paused": 1, "blocked": 2, "waiting": 3}
MINUTE = 60_000_000
TWO_SITES = sites_of(
    Calendar((SHOP, Hours("night", "Europe/Berlin", (((1320, 1800),),) * 7, (), ("F2",))), Hours("default", "Etc/UTC"))
)
BEGINS = {
    "summer": T0,
    "skips an hour": 1_774_656_000_000_000,  # 28 March 2026, 00:00 UTC
    "an hour twice": 1_792_800_000_000_000,  # 24 October 2026, 00:00 UTC
}
_stretch = st.tuples(
    st.integers(-300, 3000), st.none() | st.integers(1, 1500), st.sampled_from(ORDER_STAGES),
    st.sampled_from(sorted(_KINDS)), st.sampled_from([None, "F1", "F2", "F3"]),
)  # fmt: skip


def _open(facility: str | None, minute: int) -> bool:
    """Say by the wall clock of Berlin whether a site is open; its clock changes on the last Sundays, at 01:00 UTC."""
    summer = 1_774_746_000 <= minute * 60 < 1_792_890_000  # 29 March to 25 October 2026
    wall = (minute + (120 if summer else 60)) % 1440
    return {"F1": 540 <= wall < 1080, "F2": wall >= 1320 or wall < 360}.get(facility or "", True)


@examples(150)
@given(
    stretches=st.lists(_stretch, max_size=8),
    when=st.sampled_from(sorted(BEGINS)),
    length=st.integers(0, 3500),
    target=st.none() | st.integers(-100, 4000),
)
def test_every_minute_of_any_stretches(stretches, when, length, target):
    begin = BEGINS[when]
    first = begin // MINUTE
    flow = {
        "flow_id": "P", "facility_ref": None, "channel": None, "outcome": "fulfilled", "started_at": begin,
        "finished_at": begin + length * MINUTE, "last_event_at": begin, "first_handover_created_at": None,
        "target_at": None if target is None else begin + target * MINUTE,
    }  # fmt: skip
    ends = [length if size is None else min(start + size, length) for start, size, *_ in stretches]
    given = [(s, e, *rest) for (s, _, *rest), e in zip(stretches, ends, strict=True) if e > s]
    intervals = [
        (None, None, None, None, facility, stage, kind, begin + s * MINUTE, begin + e * MINUTE, None)
        for s, e, stage, kind, facility in given
    ]
    rows: list[Any] = []
    order_split.add(flow, None, intervals, TWO_SITES, rows)
    found = {r[1]: [round(x / 60) if x is not None else None for x in r[9:16]] for r in rows}
    assert all(round(x * 1e6) % MINUTE == 0 for r in rows for x in r[9:14])

    expected: dict[str, list[Any]] = {}
    for minute in range(length):
        lasting = [x for x in given if x[0] <= minute < x[1]]
        ended = [x for x in given if 0 < x[1] <= minute]
        if lasting:
            best = min(lasting, key=lambda x: (_KINDS[x[3]], ORDER_STAGES.index(x[2]), x[4] or ""))
            stage, kind, facility = best[2:]
        elif ended:
            last = max(ended, key=lambda x: (x[1], ORDER_STAGES.index(x[2]), x[4] or ""))
            stage, kind, facility = f"after_{last[2]}", "waiting", last[4]
        else:
            stage, kind, facility = "intake", "waiting", None
        if kind != "working" and not _open(facility, first + minute):
            kind = "site_closed"
        part = expected.setdefault(stage, [0] * 5 + ([0, 0] if target is not None else [None, None]))
        part[SPLIT_KINDS.index(kind)] += 1
        if target is not None:
            part[5 if minute < target else 6] += 1
    if not length:
        expected = {stage: [0] * 5 + part[5:] for stage, part in found.items()}
    assert found == expected


def test_the_stages_stand_in_their_order():
    """As the flow goes, so that the laggard is the smaller one."""
    assert all(
        a < b for a, b in pairwise(ORDER_STAGES.index(s) for s in ("lock", "route", "release", "pick_queue", "pick"))
    )
    assert ORDER_STAGES[-1] == "handover_wait"
