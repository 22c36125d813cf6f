-- Pick jobs by day and facility: picking, packing and hand-over, with what hangs on each job.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) on which the pick job was created; NULL where that is unknown
-- facility_ref STRING: Facility of the pick job
-- channel STRING: SHIPPING or COLLECT
-- legs INT64: Pick jobs [count]
-- picked INT64: Of these, picked in full [count]
-- short INT64: Of these, picked short or not at all [count]
-- given_up INT64: Of these, aborted, rerouted or cancelled [count]
-- picked_units INT64: Units picked [units]
-- pick_queue_seconds_mean FLOAT64: Created to started [s]
-- pick_seconds_mean FLOAT64: Picking without pauses [s]
-- pack_seconds_mean FLOAT64: Packing with its queue [s]
-- handover_wait_seconds_mean FLOAT64: Ready to handed over [s]
-- units_per_hour FLOAT64: Units picked per hour of picking without pauses [units/h]
SELECT
  DATE(pick_created_at) AS day,
  facility_ref,
  channel,
  COUNT(*) AS legs,
  COUNTIF(outcome = 'picked') AS picked,
  COUNTIF(outcome IN ('short_picked', 'zero_picked')) AS short,
  COUNTIF(outcome IN ('aborted', 'rerouted', 'cancelled')) AS given_up,
  SUM(picked_units) AS picked_units,
  AVG(pick_queue_seconds) AS pick_queue_seconds_mean,
  AVG(pick_duration_net_seconds) AS pick_seconds_mean,
  AVG(pack_total_seconds) AS pack_seconds_mean,
  AVG(handover_wait_seconds) AS handover_wait_seconds_mean,
  3600 * SAFE_DIVIDE(
    SUM(IF(pick_duration_net_seconds > 0, picked_units, NULL)),
    SUM(IF(pick_duration_net_seconds > 0 AND picked_units IS NOT NULL, pick_duration_net_seconds, NULL))
  ) AS units_per_hour
FROM `order_leg`
GROUP BY day, facility_ref, channel
