-- On time in full by day and facility: hand-overs and collections against their target time.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) of the order's first milestone
-- facility_ref STRING: The facility; NULL for orders of several or of none yet
-- channel STRING: SHIPPING, COLLECT or MIXED
-- judged INT64: Orders with a target and an end [count]
-- on_time INT64: Of these, on time [count]
-- in_full INT64: Of these, on time and with every unit [count]
-- on_time_rate FLOAT64: on_time / judged [ratio]
-- in_full_rate FLOAT64: in_full / judged [ratio]
-- lateness_seconds_mean FLOAT64: Mean lateness of those that were late [s]
-- lateness_seconds_max FLOAT64: Greatest lateness [s]
SELECT
  DATE(started_at) AS day,
  facility_ref,
  channel,
  COUNT(on_time) AS judged,
  COUNTIF(on_time) AS on_time,
  COUNTIF(on_time AND fill_rate >= 1) AS in_full,
  SAFE_DIVIDE(COUNTIF(on_time), COUNT(on_time)) AS on_time_rate,
  SAFE_DIVIDE(COUNTIF(on_time AND fill_rate >= 1), COUNT(on_time)) AS in_full_rate,
  AVG(IF(lateness_seconds > 0, lateness_seconds, NULL)) AS lateness_seconds_mean,
  MAX(IF(lateness_seconds > 0, lateness_seconds, NULL)) AS lateness_seconds_max
FROM `order_flow`
GROUP BY day, facility_ref, channel
