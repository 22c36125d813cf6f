-- Orders by day, channel and facility: how many came, what became of them, and how long the fulfilled ones took.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) of the order's first milestone
-- facility_ref STRING: The facility; NULL for orders of several or of none yet
-- channel STRING: SHIPPING, COLLECT or MIXED
-- orders INT64: Orders that began on the day [count]
-- fulfilled INT64: Of these, fulfilled [count]
-- cancelled INT64: Of these, cancelled [count]
-- open INT64: Of these, still open [count]
-- incomplete INT64: Of these, with a deadline that passed and no end [count]
-- conforming INT64: Fulfilled without a deviation [count]
-- split INT64: Split over several routing plans [count]
-- rerouted INT64: Routed again after a job was given up [count]
-- short INT64: With a line that was picked short [count]
-- ordered_units INT64: Ordered units [units]
-- picked_units INT64: Picked units [units]
-- cycle_seconds_mean FLOAT64: Created to handed over, mean of the fulfilled [s]
-- cycle_seconds_max FLOAT64: Created to handed over, longest of the fulfilled [s]
SELECT
  DATE(started_at) AS day,
  facility_ref,
  channel,
  COUNT(*) AS orders,
  COUNTIF(outcome = 'fulfilled') AS fulfilled,
  COUNTIF(outcome = 'cancelled') AS cancelled,
  COUNTIF(outcome = 'open') AS open,
  COUNTIF(outcome = 'incomplete') AS incomplete,
  COUNTIF(conforms) AS conforming,
  COUNTIF('split' IN UNNEST(deviations)) AS split,
  COUNTIF('reroute' IN UNNEST(deviations)) AS rerouted,
  COUNTIF('short_pick' IN UNNEST(deviations)) AS short,
  SUM(ordered_units) AS ordered_units,
  SUM(picked_units) AS picked_units,
  AVG(order_cycle_seconds) AS cycle_seconds_mean,
  MAX(order_cycle_seconds) AS cycle_seconds_max
FROM `order_flow`
GROUP BY day, facility_ref, channel
