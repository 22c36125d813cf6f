-- Deliveries by the day for which they were requested last, and whether their goods have arrived.
-- Filter by day to see only those days; a process may have begun long before, so all are read.
-- day DATE: Day (UTC) for which the goods were requested last
-- facility_ref STRING: The facility; NULL for processes of several or of none yet
-- expected INT64: Processes with goods for the day [count]
-- arrived INT64: Of these, with an arrival [count]
-- arrived_late INT64: Of the arrived, after the requested time [count]
-- complete INT64: Of these, complete [count]
-- in_parts INT64: Of these, delivered in parts [count]
-- requested_units FLOAT64: Requested [units]
-- accepted_units FLOAT64: Received and accepted [units]
-- rejected_units FLOAT64: Received and rejected [units]
SELECT
  DATE(last_requested_at) AS day, facility_ref,
  COUNT(*) AS expected,
  COUNT(first_arrival_at) AS arrived,
  COUNTIF(supplier_delay_seconds > 0) AS arrived_late,
  COUNTIF(outcome = 'fulfilled') AS complete,
  COUNTIF('partial_delivery' IN UNNEST(deviations)) AS in_parts,
  SUM(requested_units) AS requested_units,
  SUM(accepted_units) AS accepted_units,
  SUM(rejected_units) AS rejected_units
FROM `inbound_flow`
WHERE last_requested_at IS NOT NULL
GROUP BY day, facility_ref
