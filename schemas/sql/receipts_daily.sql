-- Receipts by the day on which they were created, and what they brought.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) on which the receipt was created; NULL where that is unknown
-- facility_ref STRING: Facility of the receipt
-- receipts INT64: Receipts [count]
-- received INT64: Of these, finished, with the stock booked [count]
-- rejecting INT64: Of the received, with rejected units [count]
-- lines INT64: Received lines [count]
-- accepted_units FLOAT64: Accepted [units]
-- rejected_units FLOAT64: Rejected [units]
-- dock_to_stock_count INT64: Receipts with a dock-to-stock time [count]
-- dock_to_stock_seconds FLOAT64: Their dock-to-stock times, together [s]
SELECT
  DATE(receipt_created_at) AS day, facility_ref,
  COUNT(*) AS receipts,
  COUNT(delivery_received_at) AS received,
  COUNTIF(delivery_received_at IS NOT NULL AND rejected_units > 0) AS rejecting,
  SUM(line_count) AS lines,
  SUM(accepted_units) AS accepted_units,
  SUM(rejected_units) AS rejected_units,
  COUNT(dock_to_stock_seconds) AS dock_to_stock_count,
  SUM(dock_to_stock_seconds) AS dock_to_stock_seconds
FROM `inbound_receipt`
GROUP BY day, facility_ref
