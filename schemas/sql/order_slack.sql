-- Slack ledger: what each stage took of an order's time, and of the time to its target; open orders up to the instant of
-- the facts. The stages of an order add up to its time; what they used of the slack and what is left add up to the slack.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) on which the order began
-- flow_id STRING: Process id
-- facility_ref STRING: The facility; NULL for orders of several or of none yet
-- channel STRING: SHIPPING, COLLECT or MIXED
-- outcome STRING: open, fulfilled, cancelled or incomplete
-- stage STRING: Stage of the flow; after_STAGE when nothing lasts since, intake before the first
-- in_stage BOOL: The order is open and in this stage
-- started_at TIMESTAMP: Start of the order's time [UTC]
-- target_at TIMESTAMP: Target time of the order [UTC]
-- until_at TIMESTAMP: End of its time; of an open order the instant of the facts [UTC]
-- slack_until_at TIMESTAMP: Where its slack stops: until_at, of a collection when it was ready [UTC]
-- stage_seconds FLOAT64: Time of the stage, the sum of the five parts [s]
-- waiting_seconds FLOAT64: Of this, nothing happened, the site open [s]
-- working_seconds FLOAT64: Of this, somebody or something worked [s]
-- paused_seconds FLOAT64: Of this, the work was paused, the site open [s]
-- blocked_seconds FLOAT64: Of this, nothing could happen, the site open [s]
-- site_closed_seconds FLOAT64: Of this, nobody worked and the site was closed [s]
-- slack_used_seconds FLOAT64: Time of the stage before the target; NULL without a target [s]
-- slack_late_seconds FLOAT64: Time of the stage after the target; NULL without a target [s]
-- slack_seconds FLOAT64: From the order's start to its target [s]
-- slack_left_seconds FLOAT64: From slack_until_at to the target; negative is late [s]
WITH newest AS (
  SELECT as_of FROM `pipeline_run` WHERE as_of IS NOT NULL ORDER BY finished_at DESC, run_id DESC LIMIT 1
), closed AS (
  SELECT
    DATE(split.started_at) AS day,
    split.flow_id,
    split.stage,
    SUM(TIMESTAMP_DIFF(
      LEAST(closure.ended_at, newest.as_of), GREATEST(closure.started_at, split.counted_to_at), MICROSECOND
    )) AS micros
  FROM `order_time_split` AS split
  CROSS JOIN newest
  JOIN `calendar_closure` AS closure
    ON closure.calendar = split.goes_on_calendar
    AND closure.started_at < newest.as_of
    AND closure.ended_at > split.counted_to_at
  WHERE split.goes_on_calendar IS NOT NULL AND split.counted_to_at < newest.as_of
  GROUP BY day, split.flow_id, split.stage
), counted AS (
  -- The day is told here and handed up: DuckDB brings a filter on it no further down than where it is computed.
  SELECT
    split.*,
    DATE(split.started_at) AS day,
    COALESCE(split.until_at, GREATEST(newest.as_of, split.counted_to_at)) AS ends_at,
    IF(
      split.goes_on_as IS NULL, 0,
      TIMESTAMP_DIFF(GREATEST(newest.as_of, split.counted_to_at), split.counted_to_at, MICROSECOND)
    ) AS since,
    COALESCE(closed.micros, 0) AS shut
  FROM `order_time_split` AS split
  CROSS JOIN newest
  LEFT JOIN closed
    ON closed.day = DATE(split.started_at) AND closed.flow_id = split.flow_id AND closed.stage = split.stage
), slack AS (
  SELECT
    counted.*,
    COALESCE(slack_until_at, ends_at) AS stops_at,
    IF(slack_until_at IS NULL AND target_at > counted_to_at,
      LEAST(since, TIMESTAMP_DIFF(target_at, counted_to_at, MICROSECOND)), 0) AS since_used
  FROM counted
)
SELECT
  day,
  flow_id,
  facility_ref,
  channel,
  outcome,
  stage,
  goes_on_as IS NOT NULL AS in_stage,
  started_at,
  target_at,
  ends_at AS until_at,
  stops_at AS slack_until_at,
  ROUND(
    waiting_seconds + working_seconds + paused_seconds + blocked_seconds + site_closed_seconds + since / 1000000, 6
  ) AS stage_seconds,
  ROUND(waiting_seconds + IF(goes_on_as = 'waiting', (since - shut) / 1000000, 0), 6) AS waiting_seconds,
  ROUND(working_seconds + IF(goes_on_as = 'working', (since - shut) / 1000000, 0), 6) AS working_seconds,
  ROUND(paused_seconds + IF(goes_on_as = 'paused', (since - shut) / 1000000, 0), 6) AS paused_seconds,
  ROUND(blocked_seconds + IF(goes_on_as = 'blocked', (since - shut) / 1000000, 0), 6) AS blocked_seconds,
  ROUND(site_closed_seconds + shut / 1000000, 6) AS site_closed_seconds,
  ROUND(slack_used_seconds + since_used / 1000000, 6) AS slack_used_seconds,
  ROUND(slack_late_seconds + IF(slack_until_at IS NULL, (since - since_used) / 1000000, 0), 6) AS slack_late_seconds,
  TIMESTAMP_DIFF(target_at, started_at, MICROSECOND) / 1000000 AS slack_seconds,
  TIMESTAMP_DIFF(target_at, stops_at, MICROSECOND) / 1000000 AS slack_left_seconds
FROM slack
