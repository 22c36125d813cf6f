"""The charts that other tools draw over the facts: the question in SQL, and how it is drawn. Data, no logic.

The pages about the vendor's analytics and about other tools are derived from here, and the Superset dashboard
(`pipelines.superset`). The SQL is BigQuery's; `pipelines.dialect` has DuckDB's words for it. Days are UTC days, hours
are decimal.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart.

    Attributes:
        key: its name in files.
        title: its title.
        asks: the question that it answers.
        sql: its rows, tables named without a dataset.
        x: the column below the chart.
        values: the columns that are drawn.
        series: the column that parts a value into several; "" when each value is one series.
        kind: bar, line or table.
        vendor: the chart of the vendor's own analytics that shows this; "" when there is none.
        page: page of our dashboard that has it.
        note: how ours differs, or why the vendor can't draw it.
    """

    key: str
    title: str
    asks: str
    sql: str
    x: str
    values: tuple[str, ...]
    series: str = ""
    kind: str = "bar"
    vendor: str = ""
    page: str = ""
    note: str = ""


_QUANTILES = """\
  {x}[OFFSET(DIV((COUNT(*) - 1) * 50, 100))] / 3600 AS p50_hours,
  {x}[OFFSET(DIV((COUNT(*) - 1) * 90, 100))] / 3600 AS p90_hours,
  {x}[OFFSET(DIV((COUNT(*) - 1) * 95, 100))] / 3600 AS p95_hours"""


def _quantiles(column: str) -> str:
    """Write the exact quantiles of a column, in hours."""
    return _QUANTILES.format(x=f"ARRAY_AGG({column} ORDER BY {column})")


VENDOR_CHARTS = (
    Chart(
        "incoming_orders",
        "Incoming orders",
        "How many orders came in each day?",
        """\
SELECT DATE(started_at) AS day, channel, COUNT(*) AS orders
FROM `order_flow`
GROUP BY day, channel
ORDER BY day, channel""",
        "day", ("orders",), "channel",
        vendor="Incoming orders", page="orders",
        note="By the day on which the order was created; order_date_at has the shop's own time.",
    ),
    Chart(
        "finished_orders",
        "Finished orders",
        "How many orders were finished each day?",
        """\
SELECT DATE(finished_at) AS day, channel, COUNT(*) AS orders
FROM `order_flow`
WHERE outcome = 'fulfilled'
GROUP BY day, channel
ORDER BY day, channel""",
        "day", ("orders",), "channel",
        vendor="Finished orders", page="orders",
        note="Finished is handed over, every part of it; one that is reverted is open again.",
    ),
    Chart(
        "time_to_finish",
        "Time to finish by date",
        "How long did the orders take that were finished on a day?",
        f"""\
SELECT DATE(finished_at) AS day, COUNT(*) AS orders,
{_quantiles("order_cycle_seconds")}
FROM `order_flow`
WHERE outcome = 'fulfilled' AND order_cycle_seconds IS NOT NULL
GROUP BY day
ORDER BY day""",
        "day", ("p50_hours", "p90_hours", "p95_hours"), kind="line",
        vendor="Quantiles of time to finish per date", page="overview",
        note="Exact quantiles, created to handed over. kpi_daily has histograms that stay right at any roll-up.",
    ),
    Chart(
        "status_by_creation_date",
        "Status by creation date",
        "What has become of the orders of each day?",
        """\
SELECT DATE(started_at) AS day, outcome, COUNT(*) AS orders
FROM `order_flow`
GROUP BY day, outcome
ORDER BY day, outcome""",
        "day", ("orders",), "outcome",
        vendor="Status by creation date", page="overview",
        note="Our outcome follows from the events; order_status has the platform's own word.",
    ),
    Chart(
        "lines_per_order",
        "Lines per order",
        "How large are the orders?",
        """\
SELECT LEAST(line_count, 10) AS lines, COUNT(*) AS orders
FROM `order_flow`
WHERE line_count IS NOT NULL
GROUP BY lines
ORDER BY lines""",
        "lines", ("orders",),
        vendor="Lines per order", page="orders",
        note="10 stands for 10 and more.",
    ),
    Chart(
        "cancellations_by_origin",
        "Cancellations by origin",
        "How many orders were cancelled each day, and by what?",
        """\
SELECT DATE(order_cancelled_at) AS day, cancel_reason AS origin, COUNT(*) AS orders
FROM `order_flow`
WHERE order_cancelled_at IS NOT NULL
GROUP BY day, origin
ORDER BY day, origin""",
        "day", ("orders",), "origin",
        vendor="Cancellations by origin", page="orders",
        note="The kind of the first cancel event: cancelled, force_cancelled, expired. Free text is never kept.",
    ),
    Chart(
        "incoming_jobs",
        "Incoming pick jobs",
        "How much work came in for each facility?",
        """\
SELECT DATE(pick_created_at) AS day, facility_ref, COUNT(*) AS jobs
FROM `order_leg`
WHERE pick_created_at IS NOT NULL
GROUP BY day, facility_ref
ORDER BY day, facility_ref""",
        "day", ("jobs",), "facility_ref",
        vendor="Incoming jobs", page="stages",
    ),
    Chart(
        "completed_jobs",
        "Completed pick jobs",
        "How much work did each facility complete?",
        """\
SELECT DATE(pick_finished_at) AS day, facility_ref, COUNT(*) AS jobs
FROM `order_leg`
WHERE outcome IN ('picked', 'short_picked')
GROUP BY day, facility_ref
ORDER BY day, facility_ref""",
        "day", ("jobs",), "facility_ref",
        vendor="Completed jobs", page="stages",
        note="After the last reset; given-up jobs are not completed.",
    ),
    Chart(
        "expected_deliveries",
        "Expected deliveries",
        "What was to come on each day, and is still to come?",
        """\
SELECT DATE(last_requested_at) AS day, COUNT(*) AS deliveries, SUM(requested_units) AS units,
  COUNTIF(first_delivery_received_at IS NULL AND outcome = 'open') AS outstanding
FROM `inbound_flow`
WHERE last_requested_at IS NOT NULL
GROUP BY day
ORDER BY day""",
        "day", ("deliveries", "outstanding"),
        vendor="Expected deliveries", page="inbound",
        note="By the newest requested date that is a point in time.",
    ),
    Chart(
        "receipts_complete_and_partial",
        "Complete and partial receipts",
        "How many deliveries arrived whole, in parts, or are not whole yet?",
        """\
SELECT DATE(last_delivery_received_at) AS day,
  COUNTIF(outcome = 'fulfilled' AND 'partial_delivery' NOT IN UNNEST(deviations)) AS complete_at_once,
  COUNTIF(outcome = 'fulfilled' AND 'partial_delivery' IN UNNEST(deviations)) AS complete_in_parts,
  COUNTIF(outcome <> 'fulfilled') AS partial
FROM `inbound_flow`
WHERE last_delivery_received_at IS NOT NULL
GROUP BY day
ORDER BY day""",
        "day", ("complete_at_once", "complete_in_parts", "partial"),
        vendor="Complete and partial receipts", page="inbound",
    ),
    Chart(
        "rejected_and_missing",
        "Rejected and missing quantities",
        "Of what was ordered, how much was rejected and how much never came?",
        """\
SELECT DATE(last_delivery_received_at) AS day, SUM(requested_units) AS requested, SUM(accepted_units) AS accepted,
  SUM(rejected_units) AS rejected,
  SUM(IF(outcome = 'fulfilled', GREATEST(requested_units - accepted_units - rejected_units, 0), 0)) AS missing
FROM `inbound_flow`
WHERE last_delivery_received_at IS NOT NULL AND requested_units IS NOT NULL
GROUP BY day
ORDER BY day""",
        "day", ("rejected", "missing"),
        vendor="Rejected and missing quantities", page="inbound",
        note="Missing is told of finished processes only: before that, more may come.",
    ),
)  # fmt: skip
"""Every chart of the vendor's own analytics."""

OWN_CHARTS = (
    Chart(
        "time_in_five_parts",
        "Where the orders' time goes",
        "How much of the orders' time was work, and what was the rest?",
        """\
SELECT day, SUM(working_seconds) / 3600 AS working, SUM(waiting_seconds) / 3600 AS waiting,
  SUM(paused_seconds) / 3600 AS paused, SUM(blocked_seconds) / 3600 AS blocked,
  SUM(site_closed_seconds) / 3600 AS site_closed
FROM `order_split`
GROUP BY day
ORDER BY day""",
        "day", ("working", "waiting", "paused", "blocked", "site_closed"), page="time",
        note="Needs the stretches of every entity, each instant counted once, and a calendar.",
    ),
    Chart(
        "time_by_stage",
        "Time by stage",
        "In which stage do the orders spend their time?",
        """\
SELECT stage, SUM(working_seconds) / 3600 AS working,
  SUM(stage_seconds - working_seconds - site_closed_seconds) / 3600 AS idle,
  SUM(site_closed_seconds) / 3600 AS site_closed
FROM `order_slack`
GROUP BY stage
ORDER BY SUM(stage_seconds) DESC""",
        "stage", ("working", "idle", "site_closed"), page="time",
        note="Needs the stretches between the events, not only their counts.",
    ),
    Chart(
        "slack_by_stage",
        "Which stage uses up the slack",
        "Who takes the time between order and promise, and who is at work when it is over?",
        """\
SELECT stage, SUM(slack_used_seconds) / 3600 AS slack_used, SUM(slack_late_seconds) / 3600 AS late
FROM `order_slack`
WHERE target_at IS NOT NULL
GROUP BY stage
ORDER BY slack_used + late DESC""",
        "stage", ("slack_used", "late"), page="time",
        note="Needs the target of each order beside its stages.",
    ),
    Chart(
        "open_orders_by_slack",
        "Open orders by slack left",
        "Which orders will be late if nothing happens?",
        """\
SELECT stage, COUNTIF(slack_left_seconds < 0) AS late,
  COUNTIF(slack_left_seconds >= 0 AND slack_left_seconds < 14400) AS under_4_hours,
  COUNTIF(slack_left_seconds >= 14400) AS later
FROM `order_slack`
WHERE in_stage AND target_at IS NOT NULL AND slack_until_at = until_at
GROUP BY stage
ORDER BY late DESC, stage""",
        "stage", ("late", "under_4_hours", "later"), page="time",
        note="As of the instant of the facts.",
    ),
    Chart(
        "rework",
        "How orders leave the happy path",
        "How often are orders split, rerouted, reset, picked short, cancelled?",
        """\
SELECT DATE(started_at) AS day, deviation, COUNT(*) AS orders
FROM `order_flow`
CROSS JOIN UNNEST(deviations) AS deviation
GROUP BY day, deviation
ORDER BY day, deviation""",
        "day", ("orders",), "deviation", page="orders",
        note="Resets, reverts and reroutes take milestones back; a chart of the last status can't show them.",
    ),
    Chart(
        "handover_wait",
        "Wait for the carrier",
        "How long do finished parcels stand at each facility?",
        f"""\
SELECT facility_ref, COUNT(*) AS legs,
{_quantiles("handover_wait_seconds")}
FROM `order_leg`
WHERE handover_wait_seconds IS NOT NULL
GROUP BY facility_ref
ORDER BY p90_hours DESC""",
        "facility_ref", ("p50_hours", "p90_hours", "p95_hours"), page="stages",
        note="A span between two milestones of a leg.",
    ),
    Chart(
        "work_in_progress",
        "Work in progress",
        "Where is what now, and how old is it?",
        """\
SELECT flow, stage, SUM(entities) AS entities, MAX(age_seconds_max) / 3600 AS oldest_hours
FROM `work_in_progress`
GROUP BY flow, stage
ORDER BY entities DESC""",
        "stage", ("entities",), page="wip",
        note="flow_interval answers it for any past instant: started_at <= T and (ended_at IS NULL or ended_at > T).",
    ),
    Chart(
        "dock_to_stock",
        "Dock to stock",
        "How long from arrival until the stock is booked?",
        f"""\
SELECT DATE(delivery_received_at) AS day, COUNT(*) AS receipts,
{_quantiles("dock_to_stock_seconds")}
FROM `inbound_receipt`
WHERE dock_to_stock_seconds IS NOT NULL
GROUP BY day
ORDER BY day""",
        "day", ("p50_hours", "p90_hours", "p95_hours"), kind="line", page="inbound",
        note="Needs the arrival that somebody typed in beside the booking.",
    ),
    Chart(
        "stow_time",
        "Stow: wait and work",
        "How long do goods wait to be stowed, and how long does it take?",
        """\
SELECT DATE(stow_created_at) AS day, COUNT(*) AS jobs, AVG(stow_wait_seconds) / 3600 AS wait_hours,
  AVG(stow_duration_net_seconds) / 3600 AS work_hours
FROM `stow_flow`
WHERE stow_created_at IS NOT NULL
GROUP BY day
ORDER BY day""",
        "day", ("wait_hours", "work_hours"), kind="line", page="stow",
        note="Net of pauses.",
    ),
    Chart(
        "trust",
        "Odd data",
        "Which share of the rows behind these charts is flagged?",
        """\
SELECT DATE(started_at) AS day, COUNT(*) AS orders, COUNTIF(ARRAY_LENGTH(quality_flags) > 0) AS flagged
FROM `order_flow`
GROUP BY day
ORDER BY day""",
        "day", ("flagged",), page="quality",
        note="Missing starts, clocks that disagree, events after the end: told beside the figures.",
    ),
)  # fmt: skip
"""Charts that the vendor's analytics can't draw."""

CHARTS = VENDOR_CHARTS + OWN_CHARTS
