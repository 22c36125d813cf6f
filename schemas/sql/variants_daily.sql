-- Variants: the paths that flows took, how often and how long. Add up flows and seconds over buckets for plain counts
-- and means.
-- Filter by day to read only those days. Percentiles of any roll-up are within 1 % (schemas/docs/views.md has the
-- question).
-- day DATE: Day (UTC) of the flow's first milestone
-- flow STRING: order, inbound or stow
-- facility_ref STRING: The facility; NULL for flows of several or of none yet
-- channel STRING: SHIPPING, COLLECT or MIXED, of orders
-- variant STRING: Milestones in order of time, joined by >
-- bucket INT64: Bucket of the duration (1.02^(bucket - 1000) seconds and more); NULL where there is none yet
-- flows INT64: Flows [count]
-- fulfilled INT64: Of these, fulfilled [count]
-- conforming INT64: Of these, without a deviation [count]
-- judged INT64: Orders with a target and an end [count]
-- on_time INT64: Of these, on time [count]
-- seconds FLOAT64: Durations together: internal order cycle time, purchase order cycle time, put-away time [s]
SELECT
  DATE(started_at) AS day, flow, facility_ref, channel, variant,
  CASE WHEN ABS(length) <= 0.00000001 THEN 0
    WHEN length > 0 THEN CAST(FLOOR(LN(ABS(length)) / LN(1.02)) AS INT64) + 1000
    ELSE -(CAST(FLOOR(LN(ABS(length)) / LN(1.02)) AS INT64) + 1000) END AS bucket,
  COUNT(*) AS flows,
  COUNTIF(outcome = 'fulfilled') AS fulfilled,
  COUNTIF(conforms) AS conforming,
  COUNT(on_time) AS judged,
  COUNTIF(on_time) AS on_time,
  SUM(length) AS seconds
FROM (
  SELECT 'order' AS flow, facility_ref, channel, started_at, variant, outcome, conforms, on_time,
    order_cycle_seconds AS length
    FROM `order_flow`
  UNION ALL
  SELECT 'inbound', facility_ref, CAST(NULL AS STRING), started_at, variant, outcome, conforms,
    CAST(NULL AS BOOL), inbound_complete_seconds
    FROM `inbound_flow`
  UNION ALL
  SELECT 'stow', facility_ref, CAST(NULL AS STRING), started_at, variant, outcome, conforms,
    CAST(NULL AS BOOL), stow_total_seconds
    FROM `stow_flow`
) AS flows
GROUP BY day, flow, facility_ref, channel, variant, bucket
