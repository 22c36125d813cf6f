-- Rework of orders: work that was done twice or undone. Orders with it, and how often it happened.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) of the order's first milestone
-- facility_ref STRING: The facility; NULL for orders of several or of none yet
-- channel STRING: SHIPPING, COLLECT or MIXED
-- orders INT64: Orders that began on the day [count]
-- reworked INT64: Of these, with any of what follows [count]
-- rerouted INT64: Orders of which a job was routed again [count]
-- reset INT64: Orders of which picking was begun anew [count]
-- short_picked INT64: Orders with a line that was picked short [count]
-- zero_picked INT64: Orders of which a job found nothing [count]
-- aborted INT64: Orders of which a job was aborted [count]
-- label_failed INT64: Orders with a failed label request [count]
-- reverted INT64: Orders of which a hand-over was taken back [count]
-- refused INT64: Orders of which the consumer refused units [count]
-- reroutes INT64: Plans that were announced by a reroute [count]
-- resets INT64: Resets of picking [count]
-- short_lines INT64: Lines that were picked short [count]
-- label_failures INT64: Failed label requests [count]
-- reroute_seconds FLOAT64: Time from jobs given up to their successors, together [s]
SELECT
  DATE(started_at) AS day, facility_ref, channel,
  COUNT(*) AS orders,
  COUNTIF('abort' IN UNNEST(deviations) OR 'label_failed' IN UNNEST(deviations) OR 'refused' IN UNNEST(deviations)
    OR 'reroute' IN UNNEST(deviations) OR 'reset' IN UNNEST(deviations) OR 'reverted' IN UNNEST(deviations)
    OR 'short_pick' IN UNNEST(deviations) OR 'zero_pick' IN UNNEST(deviations)) AS reworked,
  COUNTIF('reroute' IN UNNEST(deviations)) AS rerouted,
  COUNTIF('reset' IN UNNEST(deviations)) AS reset,
  COUNTIF('short_pick' IN UNNEST(deviations)) AS short_picked,
  COUNTIF('zero_pick' IN UNNEST(deviations)) AS zero_picked,
  COUNTIF('abort' IN UNNEST(deviations)) AS aborted,
  COUNTIF('label_failed' IN UNNEST(deviations)) AS label_failed,
  COUNTIF('reverted' IN UNNEST(deviations)) AS reverted,
  COUNTIF('refused' IN UNNEST(deviations)) AS refused,
  SUM(reroute_count) AS reroutes,
  SUM(reset_count) AS resets,
  SUM(short_line_count) AS short_lines,
  SUM(label_failure_count) AS label_failures,
  SUM(reroute_delay_seconds) AS reroute_seconds
FROM `order_flow`
GROUP BY day, facility_ref, channel
