-- Lengths of ended stretches of time, counted by bucket, by hour, place, channel, stage and kind.
-- Filter by day to read only those days. Percentiles of any roll-up are within 1 % (schemas/docs/views.md has the
-- question).
-- day DATE: Day (UTC) on which the stretch began
-- hour TIMESTAMP: Hour in which the stretch began [UTC]
-- flow STRING: order, inbound or stow
-- facility_ref STRING: Facility of the entity
-- channel STRING: Channel of the order; NULL for the other flows
-- stage STRING: Stage of the flow
-- kind STRING: waiting, working, paused or blocked
-- bucket INT64: Number of the bucket: it begins at 1.02^(bucket - 1000) seconds
-- stretches INT64: Stretches in the bucket [count]
-- seconds FLOAT64: Their length together [s]
SELECT
  DATE(i.started_at) AS day,
  TIMESTAMP_TRUNC(i.started_at, HOUR) AS hour,
  i.flow,
  i.facility_ref,
  o.channel,
  i.stage,
  i.kind,
  CASE WHEN ABS(i.seconds) <= 0.00000001 THEN 0
    WHEN i.seconds > 0 THEN CAST(FLOOR(LN(ABS(i.seconds)) / LN(1.02)) AS INT64) + 1000
    ELSE -(CAST(FLOOR(LN(ABS(i.seconds)) / LN(1.02)) AS INT64) + 1000) END AS bucket,
  COUNT(*) AS stretches,
  SUM(i.seconds) AS seconds
FROM `flow_interval` AS i
LEFT JOIN `order_flow` AS o ON i.flow = 'order' AND o.flow_id = i.flow_id
WHERE i.seconds IS NOT NULL
GROUP BY day, hour, i.flow, i.facility_ref, o.channel, i.stage, i.kind, bucket
