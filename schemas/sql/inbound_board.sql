-- Inbound by the day on which the process began: what became of it, and what came of what was requested.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) of the process's first milestone
-- facility_ref STRING: The facility; NULL for processes of several or of none yet
-- processes INT64: Processes that began on the day [count]
-- open INT64: Of these, still open [count]
-- fulfilled INT64: Of these, complete [count]
-- cancelled INT64: Of these, cancelled [count]
-- incomplete INT64: Of these, with a deadline that passed and no end [count]
-- in_parts INT64: Of these, delivered in parts [count]
-- held INT64: Of these, with a hold [count]
-- judged INT64: Of these, with a requested point in time and an arrival [count]
-- late INT64: Of the judged, arrived late [count]
-- receipts INT64: Known receipts [count]
-- requested_units FLOAT64: Requested [units]
-- accepted_units FLOAT64: Received and accepted [units]
-- rejected_units FLOAT64: Received and rejected [units]
-- missing_units FLOAT64: Requested by ended processes and never received [units]
-- hold_seconds FLOAT64: Time on hold, together [s]
SELECT
  DATE(started_at) AS day, facility_ref,
  COUNT(*) AS processes,
  COUNTIF(outcome = 'open') AS open,
  COUNTIF(outcome = 'fulfilled') AS fulfilled,
  COUNTIF(outcome = 'cancelled') AS cancelled,
  COUNTIF(outcome = 'incomplete') AS incomplete,
  COUNTIF('partial_delivery' IN UNNEST(deviations)) AS in_parts,
  COUNTIF(on_hold_count > 0) AS held,
  COUNT(supplier_delay_seconds) AS judged,
  COUNTIF(supplier_delay_seconds > 0) AS late,
  SUM(receipt_count) AS receipts,
  SUM(requested_units) AS requested_units,
  SUM(accepted_units) AS accepted_units,
  SUM(rejected_units) AS rejected_units,
  SUM(IF(outcome <> 'open' AND requested_units > accepted_units + rejected_units,
    requested_units - accepted_units - rejected_units, 0)) AS missing_units,
  SUM(on_hold_seconds) AS hold_seconds
FROM `inbound_flow`
GROUP BY day, facility_ref
