-- Time by day, facility, stage and kind: how many stretches ended, and how long they were.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) on which the stretch began
-- flow STRING: order, inbound or stow
-- facility_ref STRING: Facility of the entity
-- stage STRING: Stage of the flow
-- kind STRING: waiting, working, paused or blocked
-- stretches INT64: Stretches that have ended [count]
-- lasting INT64: Stretches that last on [count]
-- seconds_sum FLOAT64: Length of the ended ones together [s]
-- seconds_mean FLOAT64: Mean length [s]
-- seconds_p50 FLOAT64: Half of the stretches are no longer [s]
-- seconds_p90 FLOAT64: Nine of ten stretches are no longer [s]
-- seconds_max FLOAT64: Longest [s]

-- The p-th percentile is the smallest length that a share p of the stretches does not exceed: a length that there is, so
-- that it is the same in every engine.
SELECT
  DATE(started_at) AS day,
  flow,
  facility_ref,
  stage,
  kind,
  COUNT(seconds) AS stretches,
  COUNTIF(seconds IS NULL) AS lasting,
  SUM(seconds) AS seconds_sum,
  AVG(seconds) AS seconds_mean,
  ARRAY_AGG(seconds IGNORE NULLS ORDER BY seconds)[SAFE_OFFSET(CAST(CEIL(0.5 * COUNT(seconds)) AS INT64) - 1)]
    AS seconds_p50,
  ARRAY_AGG(seconds IGNORE NULLS ORDER BY seconds)[SAFE_OFFSET(CAST(CEIL(0.9 * COUNT(seconds)) AS INT64) - 1)]
    AS seconds_p90,
  MAX(seconds) AS seconds_max
FROM `flow_interval`
GROUP BY day, flow, facility_ref, stage, kind
