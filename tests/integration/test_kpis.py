"""The main measures of a simulated tenant are what its drawn truth gives, by a computation that knows no SQL."""

from __future__ import annotations

import math
from collections import defaultdict

import duckdb
import pyarrow.parquet as pq
import pytest

from schemas.kpis import BY_KEY
from tests.serving import demo


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    return demo(tmp_path_factory.mktemp("measured"), days=8, orders=50)


def _share(rows, hit, judged=lambda r: True):
    rows = [r for r in rows if judged(r)]
    return sum(1 for r in rows if hit(r)), len(rows)


def _spans(rows, start, stop, when=lambda r: True):
    spans = [(r[stop] - r[start]).total_seconds() for r in rows if when(r) and r[start] and r[stop]]
    return math.fsum(spans), len(spans)


def _fulfilled(r):
    return r["outcome"] == "fulfilled"


def _shipped(r):
    return _fulfilled(r) and r["channel"] != "COLLECT" and r["target_at"] is not None


def _total(rows):
    spans = []
    for r in filter(_fulfilled, rows):
        ends = [r["last_handed_over_at"], *([] if r["channel"] == "COLLECT" else [r["delivered_at"]])]
        if r["order_date_at"] and all(ends):
            spans.append((max(ends) - r["order_date_at"]).total_seconds())
    return math.fsum(spans), len(spans)


def _paced(r):
    return r["pick_finished_at"] and r["line_count"] is not None and (r["pick_duration_net_seconds"] or 0) > 0


def _filled(r):
    return r["picked_units"] is not None and r["ordered_units"]


ORACLE = {
    "orders_received": ("order_flow", lambda rows: (len(rows), None)),
    "internal_order_cycle_time": (
        "order_flow", lambda rows: _spans(rows, "order_created_at", "last_handed_over_at", _fulfilled),
    ),
    "total_order_cycle_time": ("order_flow", _total),
    "order_lead_time": ("order_flow", lambda rows: _spans(rows, "order_date_at", "last_handed_over_at", _fulfilled)),
    "order_intake_lag": ("order_flow", lambda rows: _spans(rows, "order_date_at", "order_created_at")),
    "on_time_shipments": (
        "order_flow", lambda rows: _share(rows, lambda r: r["last_handed_over_at"] <= r["target_at"], _shipped),
    ),
    "on_time_collections": (
        "order_flow",
        lambda rows: _share(
            rows,
            lambda r: r["first_handover_created_at"] <= r["target_at"],
            lambda r: r["channel"] == "COLLECT" and r["first_handover_created_at"] and r["target_at"],
        ),
    ),
    "on_time_ready_to_ship": (
        "order_flow",
        lambda rows: _share(
            rows,
            lambda r: r["last_handover_created_at"] <= r["target_at"],
            lambda r: _fulfilled(r) and r["last_handover_created_at"] and r["target_at"],
        ),
    ),
    "order_fill_rate": (
        "order_flow",
        lambda rows: _share(
            rows, lambda r: r["picked_units"] >= r["ordered_units"], lambda r: _fulfilled(r) and _filled(r)
        ),
    ),
    "perfect_order": (
        "order_flow",
        lambda rows: _share(
            rows,
            lambda r: r["lateness_seconds"] <= 0 and r["picked_units"] >= r["ordered_units"] and not r["deviations"],
            lambda r: _fulfilled(r) and _filled(r) and r["lateness_seconds"] is not None,
        ),
    ),
    "cancellation_rate": ("order_flow", lambda rows: _share(rows, lambda r: r["outcome"] == "cancelled")),
    "order_rework_rate": (
        "order_flow",
        lambda rows: _share(
            rows,
            lambda r: {"abort", "label_failed", "refused", "reroute", "reset", "reverted", "short_pick", "zero_pick"}
            & set(r["deviations"]),
        ),
    ),
    "lines_picked_per_hour": (
        "order_leg",
        lambda rows: (
            sum(r["line_count"] for r in filter(_paced, rows)),
            math.fsum(r["pick_duration_net_seconds"] for r in filter(_paced, rows)),
        ),
    ),
    "handover_wait_time": ("order_leg", lambda rows: _spans(rows, "handover_created_at", "handed_over_at")),
    "label_success_rate": (
        "order_parcel",
        lambda rows: _share(
            rows,
            lambda r: r["label_received_at"] and not r["label_failure_count"],
            lambda r: r["label_requested_at"] and (r["label_received_at"] or r["label_failure_count"]),
        ),
    ),
    "dock_to_stock_cycle_time": ("inbound_receipt", lambda rows: _spans(rows, "arrival_at", "delivery_received_at")),
    "supplier_on_time": (
        "inbound_flow",
        lambda rows: _share(
            rows,
            lambda r: r["first_arrival_at"] <= r["last_requested_at"],
            lambda r: r["first_arrival_at"] and r["last_requested_at"],
        ),
    ),
    "rejection_rate": (
        "inbound_flow",
        lambda rows: (
            math.fsum(r["rejected_units"] for r in rows if r["rejected_units"] is not None),
            math.fsum(r["accepted_units"] + r["rejected_units"] for r in rows if r["rejected_units"] is not None),
        ),
    ),
    "put_away_time": ("stow_flow", lambda rows: _spans(rows, "stow_created_at", "stow_finished_at")),
    "order_flow_efficiency": (
        "flow_interval",
        lambda rows: (
            math.fsum(r["seconds"] for r in rows if r["flow"] == "order" and r["kind"] == "working" and r["ended_at"]),
            math.fsum(r["seconds"] for r in rows if r["flow"] == "order" and r["ended_at"]),
        ),
    ),
}  # fmt: skip
DAY_OF = {
    "order_flow": "started_at", "order_leg": "pick_created_at", "order_parcel": "parcel_created_at",
    "inbound_flow": "started_at", "inbound_receipt": "receipt_created_at", "stow_flow": "started_at",
    "flow_interval": "started_at",
}  # fmt: skip


@pytest.mark.parametrize("key", ORACLE)
def test_a_measure_is_what_the_drawn_truth_gives(facts, key):
    relation, oracle = ORACLE[key]
    drawn = pq.read_table(facts.parent / "tenant" / "truth" / f"{relation}.parquet").to_pylist()
    by_place = defaultdict(list)
    for row in drawn:
        at = row[DAY_OF[relation]]
        by_place[at and at.date(), row["facility_ref"]].append(row)
    with duckdb.connect(str(facts / "warehouse.duckdb"), read_only=True) as con:
        found = con.execute(
            "SELECT day, facility_ref, sum(numerator), sum(denominator), sum(counted) FROM kpi_daily WHERE kpi = ? "
            "GROUP BY ALL",
            [key],
        ).fetchall()
    assert len(found) > 5
    told = 0.0
    for day, facility, numerator, denominator, counted in found:
        above, below = oracle(by_place[day, facility])
        assert (numerator or 0) == pytest.approx(above, abs=1e-6)
        assert denominator == (None if below is None or not counted else pytest.approx(below, abs=1e-6))
        told += below or above
    whole = oracle(drawn)
    assert told == pytest.approx(whole[1] if BY_KEY[key].denominator else whole[0])  # no row is left out
