"""The views for dashboards against the drawn truth, counted once more in Python; percentiles against exact ones."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from datetime import UTC
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.dialect import to_duckdb
from schemas.event_types import EVENT_TYPES
from schemas.histogram import ERROR
from schemas.kpis import DURATION_KPIS
from schemas.kpis.orders_service import REWORK
from schemas.views import written_views
from tests.serving import demo

FLOWS = {"order": "order_cycle_seconds", "inbound": "inbound_complete_seconds", "stow": "stow_total_seconds"}
PAGE = Path(__file__).parents[2] / "schemas" / "docs" / "views.md"


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    return demo(tmp_path_factory.mktemp("boards"), days=6, orders=50)


@pytest.fixture(scope="module")
def ask(facts):
    with duckdb.connect(str(facts / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'America/New_York'")  # no answer may hang on the zone of the session
        yield lambda sql: con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def truth(facts):
    folder = facts.parent / "tenant" / "truth"
    names = ("order_flow", "order_leg", "order_parcel", "inbound_flow", "inbound_receipt", "stow_flow", "flow_event")
    return {name: pq.read_table(folder / f"{name}.parquet").to_pylist() for name in names}


def day(at):
    return None if at is None else at.astimezone(UTC).date()


def flows(truth):
    """List all flows: name, day, facility, channel and the row."""
    for flow in FLOWS:
        for r in truth[f"{flow}_flow"]:
            yield flow, day(r["started_at"]), r["facility_ref"], r.get("channel"), r


def counted(rows):
    """Turn rows (keys ..., count) into a Counter; a key comes once."""
    found = {tuple(key): n for *key, n in rows}
    assert len(found) == len(rows)
    return Counter(found)


def test_the_funnel(ask, truth):
    wanted = Counter()
    for flow, on, place, channel, r in flows(truth):
        for milestone in ["began", *(r["variant"] or "").split(">")]:
            if milestone:
                wanted[on, flow, place, channel, milestone] += 1
    found = counted(ask("SELECT day, flow, facility_ref, channel, milestone, reached FROM funnel_daily"))
    assert found == wanted
    assert {"began", "handed_over", "purchase_order_created", "stow_finished"} <= {k[-1] for k in found}


def test_variants_with_counts_and_durations(ask, truth):
    flows_of, seconds = Counter(), defaultdict(float)
    for flow, on, place, channel, r in flows(truth):
        key = on, flow, place, channel, r["variant"]
        flows_of[key] += 1
        seconds[key] += r[FLOWS[flow]] or 0
    rows = ask(
        "SELECT day, flow, facility_ref, channel, variant, sum(flows), sum(seconds) FROM variants_daily GROUP BY ALL"
    )
    assert Counter({tuple(r[:5]): r[5] for r in rows}) == flows_of
    for *key, _, total in rows:
        assert (total or 0) == pytest.approx(seconds[tuple(key)])
    ((ful, con, on_time, judged),) = ask(
        "SELECT sum(fulfilled), sum(conforming), sum(on_time), sum(judged) FROM variants_daily WHERE flow = 'order'"
    )
    orders = truth["order_flow"]
    assert (ful, con) == tuple(
        sum(1 for r in orders if x(r))
        for x in (lambda r: r["finished_at"] and r["outcome"] == "fulfilled", lambda r: r["conforms"])
    )
    assert judged == sum(1 for r in orders if r["lateness_seconds"] is not None)
    assert on_time == sum(1 for r in orders if r["lateness_seconds"] is not None and r["lateness_seconds"] <= 0)


def test_deviations_and_rework(ask, truth):
    wanted = Counter()
    for flow, on, place, channel, r in flows(truth):
        for deviation in [*r["deviations"], *(["any"] if r["deviations"] else [])]:
            wanted[on, flow, place, channel, deviation] += 1
    assert counted(ask("SELECT day, flow, facility_ref, channel, deviation, flows FROM deviations_daily")) == wanted
    orders = truth["order_flow"]
    ((n, reworked, rerouted, short, labels, reroutes, failures, seconds),) = ask(
        "SELECT sum(orders), sum(reworked), sum(rerouted), sum(short_picked), sum(label_failed), sum(reroutes), "
        "sum(label_failures), sum(reroute_seconds) FROM rework_daily"
    )
    of = lambda name: sum(1 for r in orders if name in r["deviations"])  # noqa: E731
    assert (n, rerouted, short, labels) == (len(orders), of("reroute"), of("short_pick"), of("label_failed"))
    assert reworked == sum(1 for r in orders if set(REWORK) & set(r["deviations"])) > 0
    assert reroutes == sum(r["reroute_count"] for r in orders)
    assert failures == sum(r["label_failure_count"] for r in orders) > 0
    assert seconds == pytest.approx(sum(r["reroute_delay_seconds"] or 0 for r in orders))


def test_inbound(ask, truth):
    by_day = defaultdict(list)
    for r in truth["inbound_flow"]:
        by_day[day(r["started_at"]), r["facility_ref"]].append(r)
    rows = ask(
        "SELECT day, facility_ref, processes, open, fulfilled, cancelled, in_parts, held, judged, late, receipts, "
        "requested_units, accepted_units, rejected_units, missing_units FROM inbound_board"
    )
    assert len(rows) == len(by_day) > 5
    for on, place, *values in rows:
        mine = by_day[on, place]
        dated = [r for r in mine if r["last_requested_at"] and r["first_arrival_at"]]
        add = lambda name: sum(r[name] for r in mine if r[name] is not None)  # noqa: B023, E731
        gap = [
            r["requested_units"] - r["accepted_units"] - r["rejected_units"] for r in mine
            if r["outcome"] != "open" and r["requested_units"] is not None
        ]  # fmt: skip
        assert [v or 0 for v in values] == [
            len(mine), *(sum(1 for r in mine if r["outcome"] == x) for x in ("open", "fulfilled", "cancelled")),
            sum(1 for r in mine if "partial_delivery" in r["deviations"]), sum(1 for r in mine if r["on_hold_count"]),
            len(dated), sum(1 for r in dated if r["first_arrival_at"] > r["last_requested_at"]), add("receipt_count"),
            add("requested_units"), add("accepted_units"), add("rejected_units"), sum(x for x in gap if x > 0),
        ]  # fmt: skip
    expected = Counter((day(r["last_requested_at"]), r["facility_ref"]) for r in truth["inbound_flow"])
    rows = ask("SELECT day, facility_ref, expected FROM expected_deliveries")
    assert counted(rows) == Counter({k: n for k, n in expected.items() if k[0] is not None})
    ((receipts, received, rejecting, seconds),) = ask(
        "SELECT sum(receipts), sum(received), sum(rejecting), sum(dock_to_stock_seconds) FROM receipts_daily"
    )
    done = [r for r in truth["inbound_receipt"] if r["delivery_received_at"]]
    assert (receipts, received) == (len(truth["inbound_receipt"]), len(done))
    assert rejecting == sum(1 for r in done if r["rejected_units"])
    spans = [(r["delivery_received_at"] - r["arrival_at"]).total_seconds() for r in done if r["arrival_at"]]
    assert seconds == pytest.approx(sum(spans))


def test_stow_and_carriers(ask, truth):
    jobs, parcels = truth["stow_flow"], truth["order_parcel"]
    ((n, done, late, judged, stowed, net),) = ask(
        "SELECT sum(jobs), sum(fulfilled), sum(late), sum(judged), sum(stowed_units), sum(net_seconds) FROM stow_board"
    )
    ended = [r for r in jobs if r["target_at"] and r["stow_finished_at"]]
    assert (n, done) == (len(jobs), sum(1 for r in jobs if r["outcome"] == "fulfilled"))
    assert (judged, late) == (len(ended), sum(1 for r in ended if r["stow_finished_at"] > r["target_at"]))
    assert stowed == sum(r["stowed_units"] or 0 for r in jobs)
    assert net == pytest.approx(sum(r["stow_duration_net_seconds"] or 0 for r in jobs))
    wanted = Counter((day(r["parcel_created_at"]), r["facility_ref"], r["carrier_ref"]) for r in parcels)
    assert counted(ask("SELECT day, facility_ref, carrier_ref, parcels FROM carriers_daily")) == wanted
    ((failed, labelled, delivered),) = ask("SELECT sum(failed), sum(labelled), sum(delivered) FROM carriers_daily")
    assert failed == sum(1 for r in parcels if r["label_failure_count"]) > 0
    assert labelled == sum(1 for r in parcels if r["label_received_at"])
    assert delivered == sum(1 for r in parcels if r["delivered_at"])


def test_quality_and_completeness(ask, truth):
    wanted, all_of, flagged = Counter(), Counter(), Counter()
    for name, at in (("order_flow", "started_at"), ("order_leg", "pick_created_at"), ("inbound_flow", "started_at"),
                     ("stow_flow", "started_at")):  # fmt: skip
        for r in truth[name]:
            for flag in ["all", *(["any"] if r["quality_flags"] else []), *r["quality_flags"]]:
                wanted[day(r[at]), name, r["facility_ref"], flag] += 1
            if name != "order_leg":
                all_of[day(r[at])] += 1
                flagged[day(r[at])] += bool(r["quality_flags"])
    assert counted(ask("SELECT day, relation, facility_ref, flag, row_count FROM quality_daily")) == wanted
    books = {
        d: (closed, why, dead)
        for d, closed, why, dead in ask("SELECT day, closed, open_because, dead_letters FROM day_book")
    }
    rows = ask("SELECT day::VARCHAR, day, closed, open_because, dead_letters, flows, flagged FROM completeness_daily")
    assert {r[0] for r in rows} == {str(d) for d in all_of} | books.keys()
    for name, on, closed, why, dead, n, odd in rows:
        assert (closed, why, dead) == books.get(name, (None, None, None))
        assert (n, odd) == (all_of[on], flagged[on])
    assert any(r[2] is False for r in rows)


def test_milestones_hour_by_hour(ask, truth):
    named = {e.name: e.milestone for e in EVENT_TYPES if e.milestone}
    wanted = Counter(
        (r["event_at"].astimezone(UTC).replace(minute=0, second=0, microsecond=0), named[r["event_name"]])
        for r in truth["flow_event"]
        if r["event_name"] in named
    )
    rows = ask("SELECT hour, milestone, sum(events) FROM milestones_hourly GROUP BY ALL")
    assert Counter({(at.astimezone(UTC), milestone): n for at, milestone, n in rows}) == wanted


def near(found, exact):
    return abs(found - exact) <= abs(exact) * (ERROR + 1e-12)


def test_percentiles_of_a_stage_at_any_roll_up(ask):
    lengths = defaultdict(list)
    for flow, channel, stage, seconds in ask(
        "SELECT i.flow, o.channel, stage, seconds FROM flow_interval i LEFT JOIN order_flow o ON i.flow = 'order' AND "
        "o.flow_id = i.flow_id WHERE seconds IS NOT NULL"
    ):
        lengths[flow, channel, stage].append(seconds)
    for view in ("stage_histogram", "stage_histogram_hourly"):
        rows = ask(f"SELECT flow, channel, stage, bucket, sum(stretches) FROM {view} GROUP BY ALL ORDER BY bucket")
        counts = defaultdict(list)
        for flow, channel, stage, bucket, n in rows:
            counts[flow, channel, stage] += [bucket] * n
        assert counts.keys() == lengths.keys()
        for key, buckets in counts.items():
            exact = sorted(lengths[key])
            assert len(buckets) == len(exact)
            for share in (50, 90, 95, 99):
                at = -(-share * len(exact) // 100) - 1
                told = math.copysign(1.02 ** (abs(buckets[at]) - 999.5), buckets[at]) if buckets[at] else 0
                assert near(told, exact[at])


def test_percentiles_of_the_measures(ask):
    rows = ask("SELECT day, kpi, facility_ref, channel, carrier_ref, counted, p50, p90, p95, p99 FROM kpi_percentiles")
    told = counted([(*r[:5], r[5]) for r in rows])
    wanted = ask(
        "SELECT day, kpi, facility_ref, channel, carrier_ref, counted FROM kpi_daily WHERE counted > 0 AND kpi IN ("
        + ", ".join(f"'{k.key}'" for k in DURATION_KPIS) + ")"
    )  # fmt: skip
    assert told == counted(wanted)
    lengths = defaultdict(list)
    for on, place, channel, seconds in ask(
        "SELECT (started_at AT TIME ZONE 'UTC')::DATE, facility_ref, channel, lateness_seconds FROM order_flow "
        "WHERE lateness_seconds IS NOT NULL"
    ):
        lengths[on, place, channel].append(seconds)
    late = [r for r in rows if r[1] == "order_lateness"]
    assert len(late) == len(lengths) > 10
    for on, _, place, channel, _, n, *found in late:
        exact = sorted(lengths[on, place, channel])
        assert n == len(exact)
        for value, share in zip(found, (50, 90, 95, 99), strict=True):
            assert near(value, exact[-(-share * n // 100) - 1])
    assert any(r[6] < 0 for r in late)
    assert sum(n for (n,) in ask("SELECT counted FROM kpi_histogram_hourly")) == sum(told.values())


def test_the_questions_of_the_page_can_be_asked(ask):
    questions = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(questions) == 3
    for question in questions:
        assert len(ask(to_duckdb(question))) >= 3
    rows = ask(to_duckdb(questions[0]))
    lengths = defaultdict(list)
    for channel, seconds in ask(
        "SELECT channel, order_cycle_seconds FROM order_flow WHERE order_cycle_seconds IS NOT NULL"
    ):
        lengths[channel].append(seconds)
    for _, channel, n, p90 in rows:
        exact = sorted(lengths[channel])
        assert n == len(exact)
        assert near(p90, exact[-(-90 * n // 100) - 1])


def test_the_page_names_every_view():
    text = PAGE.read_text(encoding="utf-8")
    assert {v.name for v in written_views()} <= set(re.findall(r"`(\w+)`", text))
