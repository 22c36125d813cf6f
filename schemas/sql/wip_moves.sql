-- What entered and left each stage, hour by hour. Work in progress at the end of an hour is entered minus left,
-- summed over it
-- and all hours before.
-- Filter by day to see only those days; the end of a stretch lies on another day than its beginning, so all are read.
-- day DATE: Day (UTC) of the hour
-- hour TIMESTAMP: The hour [UTC]
-- flow STRING: order, inbound or stow
-- facility_ref STRING: Facility of the entity
-- stage STRING: Stage of the flow
-- kind STRING: waiting, working, paused or blocked
-- entered INT64: Stretches that began in the hour [count]
-- left_stage INT64: Stretches that ended in the hour [count]
SELECT
  DATE(moved_at) AS day,
  TIMESTAMP_TRUNC(moved_at, HOUR) AS hour,
  flow, facility_ref, stage, kind,
  SUM(came) AS entered,
  COUNT(*) - SUM(came) AS left_stage
FROM (
  SELECT started_at AS moved_at, flow, facility_ref, stage, kind, 1 AS came FROM `flow_interval`
  UNION ALL
  SELECT ended_at, flow, facility_ref, stage, kind, 0 FROM `flow_interval` WHERE ended_at IS NOT NULL
) AS moves
GROUP BY day, hour, flow, facility_ref, stage, kind
