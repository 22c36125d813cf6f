-- The five-way split: every order's time by what happened in it; open orders up to the instant of the facts. The five
-- parts add up to the time from started_at to until_at, to the microsecond.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) on which the order began
-- flow_id STRING: Process id
-- facility_ref STRING: The facility; NULL for orders of several or of none yet
-- channel STRING: SHIPPING, COLLECT or MIXED
-- outcome STRING: open, fulfilled, cancelled or incomplete
-- started_at TIMESTAMP: Start of the order's time [UTC]
-- until_at TIMESTAMP: End of its time; of an open order the instant of the facts [UTC]
-- order_seconds FLOAT64: From started_at to until_at; 0 when the order ended before it began [s]
-- waiting_seconds FLOAT64: Nothing happened, the site open [s]
-- working_seconds FLOAT64: Somebody or something worked on the order [s]
-- paused_seconds FLOAT64: Nobody worked and work was paused, the site open [s]
-- blocked_seconds FLOAT64: Nothing could happen, the site open [s]
-- site_closed_seconds FLOAT64: Nobody worked and the site was closed [s]
-- target_at TIMESTAMP: Target time of the order [UTC]
-- slack_seconds FLOAT64: From the order's start to its target [s]
-- slack_used_seconds FLOAT64: Of this, used up; NULL without a target [s]
-- slack_left_seconds FLOAT64: What is left of it, where the slack stops; negative is late [s]
SELECT
  day,
  flow_id,
  MIN(facility_ref) AS facility_ref,
  MIN(channel) AS channel,
  MIN(outcome) AS outcome,
  MIN(started_at) AS started_at,
  MIN(until_at) AS until_at,
  ROUND(SUM(stage_seconds), 6) AS order_seconds,
  ROUND(SUM(waiting_seconds), 6) AS waiting_seconds,
  ROUND(SUM(working_seconds), 6) AS working_seconds,
  ROUND(SUM(paused_seconds), 6) AS paused_seconds,
  ROUND(SUM(blocked_seconds), 6) AS blocked_seconds,
  ROUND(SUM(site_closed_seconds), 6) AS site_closed_seconds,
  MIN(target_at) AS target_at,
  MIN(slack_seconds) AS slack_seconds,
  ROUND(SUM(slack_used_seconds), 6) AS slack_used_seconds,
  MIN(slack_left_seconds) AS slack_left_seconds
FROM `order_slack`
GROUP BY day, flow_id
