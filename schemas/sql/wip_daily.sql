-- Work in progress at the last microsecond of each day (UTC), up to the instant of the facts: entities in a stage,
-- and their age.
-- Filter by day to see only those days; stretches that began earlier are read, too, for they may still last. For any
-- other
-- instant schemas/docs/views.md has the question.
-- day DATE: The day
-- flow STRING: order, inbound or stow
-- facility_ref STRING: Facility of the entity
-- stage STRING: Stage of the flow
-- kind STRING: waiting, working, paused or blocked
-- entities INT64: Entities in the stage [count]
-- older_1h INT64: Of these, in the stage for more than an hour [count]
-- older_1d INT64: Of these, in the stage for more than a day [count]
-- older_3d INT64: Of these, in the stage for more than three days [count]
-- age_seconds_sum FLOAT64: Their ages together [s]
-- age_seconds_max FLOAT64: Age of the oldest [s]
WITH span AS (
  SELECT MIN(started_at) AS first_at, (SELECT MAX(as_of) FROM `pipeline_run`) AS as_of FROM `flow_interval`
),
-- All days, to be joined with: laying out every stretch day by day would not let a filter on the day come first.
days AS (
  SELECT day
  FROM span
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(DATE(first_at), DATE_SUB(DATE(as_of), INTERVAL 1 DAY))) AS day
),
lasting AS (
  SELECT
    flow, facility_ref, stage, kind, started_at, DATE(started_at) AS first_day,
    COALESCE(DATE(ended_at), DATE '9999-12-31') AS end_day
  FROM `flow_interval`
),
there AS (
  SELECT
    days.day, flow, facility_ref, stage, kind,
    86400 * (1 + DATE_DIFF(days.day, first_day, DAY))
      - TIMESTAMP_DIFF(started_at, TIMESTAMP_TRUNC(started_at, DAY), MICROSECOND) / 1000000 AS age
  FROM lasting
  JOIN days ON days.day >= first_day AND days.day < end_day
  WHERE first_day < end_day
)
SELECT
  day, flow, facility_ref, stage, kind,
  COUNT(*) AS entities,
  COUNTIF(age > 3600) AS older_1h,
  COUNTIF(age > 86400) AS older_1d,
  COUNTIF(age > 259200) AS older_3d,
  SUM(age) AS age_seconds_sum,
  MAX(age) AS age_seconds_max
FROM there
GROUP BY day, flow, facility_ref, stage, kind
