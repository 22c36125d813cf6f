-- Backlog: flows that had begun and not ended at the last microsecond of each day (UTC), up to the instant of the facts.
-- Filter by day to see only those days; flows that began earlier are read, too, for they may still be there.
-- day DATE: The day
-- flow STRING: order, inbound or stow
-- facility_ref STRING: The facility; NULL for flows of several or of none yet
-- channel STRING: SHIPPING, COLLECT or MIXED, of orders
-- backlog INT64: Flows in the backlog [count]
-- incomplete INT64: Of these, with a deadline that has passed by now and no end [count]
-- age_seconds_sum FLOAT64: Their ages at the end of the day, together [s]
-- age_seconds_max FLOAT64: Age of the oldest at the end of the day [s]
WITH flows AS (
  SELECT 'order' AS flow, facility_ref, channel, outcome, started_at, finished_at FROM `order_flow`
  UNION ALL
  SELECT 'inbound', facility_ref, CAST(NULL AS STRING), outcome, started_at, finished_at FROM `inbound_flow`
  UNION ALL
  SELECT 'stow', facility_ref, CAST(NULL AS STRING), outcome, started_at, finished_at FROM `stow_flow`
),
-- All days, to be joined with: laying out every flow day by day would not let a filter on the day come first.
span AS (
  SELECT MIN(started_at) AS first_at, (SELECT MAX(as_of) FROM `pipeline_run`) AS as_of FROM flows
),
days AS (
  SELECT day
  FROM span
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(DATE(first_at), DATE_SUB(DATE(as_of), INTERVAL 1 DAY))) AS day
),
lasting AS (
  SELECT
    flow, facility_ref, channel, outcome, started_at, DATE(started_at) AS first_day,
    COALESCE(DATE(finished_at), DATE '9999-12-31') AS end_day
  FROM flows
),
there AS (
  SELECT
    days.day, flow, facility_ref, channel, outcome,
    86400 * (1 + DATE_DIFF(days.day, first_day, DAY))
      - TIMESTAMP_DIFF(started_at, TIMESTAMP_TRUNC(started_at, DAY), MICROSECOND) / 1000000 AS age
  FROM lasting
  JOIN days ON days.day >= first_day AND days.day < end_day
  WHERE first_day < end_day
)
SELECT
  day, flow, facility_ref, channel,
  COUNT(*) AS backlog,
  COUNTIF(outcome = 'incomplete') AS incomplete,
  SUM(age) AS age_seconds_sum,
  MAX(age) AS age_seconds_max
FROM there
GROUP BY day, flow, facility_ref, channel
