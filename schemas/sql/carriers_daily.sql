-- Parcels by day, facility and carrier: labels, failures, deliveries.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) on which the parcel was created; NULL where that is unknown
-- facility_ref STRING: Facility of the parcel
-- carrier_ref STRING: The carrier
-- parcels INT64: Parcels [count]
-- requested INT64: Of these, with a label request [count]
-- labelled INT64: Of these, with a label [count]
-- failed INT64: Of these, with a failed request [count]
-- failures INT64: Failed requests [count]
-- delivered INT64: Of these, reported as delivered [count]
-- transit_seconds FLOAT64: Time of the delivered under way, together [s]
SELECT
  DATE(parcel_created_at) AS day, facility_ref, carrier_ref,
  COUNT(*) AS parcels,
  COUNT(label_requested_at) AS requested,
  COUNT(label_received_at) AS labelled,
  COUNTIF(label_failure_count > 0) AS failed,
  SUM(label_failure_count) AS failures,
  COUNT(delivered_at) AS delivered,
  SUM(transit_seconds) AS transit_seconds
FROM `order_parcel`
GROUP BY day, facility_ref, carrier_ref
