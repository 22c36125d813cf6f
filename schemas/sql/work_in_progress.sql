-- Work in progress at the instant of the newest run: stretches that last on, by facility and stage, and how old they are.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) on which the stretch began
-- flow STRING: order, inbound or stow
-- facility_ref STRING: Facility of the entity
-- stage STRING: Stage of the flow
-- kind STRING: waiting, working, paused or blocked
-- entities INT64: Entities in the stage [count]
-- oldest_started_at TIMESTAMP: Since when the oldest is in the stage [UTC]
-- age_seconds_mean FLOAT64: Mean age at the instant of the facts [s]
-- age_seconds_max FLOAT64: Age of the oldest at the instant of the facts [s]
-- as_of TIMESTAMP: Instant the facts are a function of [UTC]
WITH newest AS (
  SELECT MAX(as_of) AS as_of FROM `pipeline_run`
)
SELECT
  DATE(flow_interval.started_at) AS day,
  flow_interval.flow,
  flow_interval.facility_ref,
  flow_interval.stage,
  flow_interval.kind,
  COUNT(*) AS entities,
  MIN(flow_interval.started_at) AS oldest_started_at,
  AVG(TIMESTAMP_DIFF(newest.as_of, flow_interval.started_at, MICROSECOND) / 1000000) AS age_seconds_mean,
  MAX(TIMESTAMP_DIFF(newest.as_of, flow_interval.started_at, MICROSECOND) / 1000000) AS age_seconds_max,
  newest.as_of
FROM `flow_interval` AS flow_interval
CROSS JOIN newest
WHERE flow_interval.ended_at IS NULL AND flow_interval.started_at <= newest.as_of
GROUP BY day, flow_interval.flow, flow_interval.facility_ref, flow_interval.stage, flow_interval.kind, newest.as_of
