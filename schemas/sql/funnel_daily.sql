-- Funnel: of the flows that began on a day, how many have reached each milestone by now.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) of the flow's first milestone
-- flow STRING: order, inbound or stow
-- facility_ref STRING: The facility; NULL for flows of several or of none yet
-- channel STRING: SHIPPING, COLLECT or MIXED, of orders
-- milestone STRING: The milestone; `began` is every flow
-- reached INT64: Flows that have reached it [count]
SELECT
  DATE(started_at) AS day, flow, facility_ref, channel, milestone,
  COUNT(*) AS reached
FROM (
  SELECT 'order' AS flow, facility_ref, channel, started_at, variant FROM `order_flow`
  UNION ALL
  SELECT 'inbound', facility_ref, CAST(NULL AS STRING), started_at, variant FROM `inbound_flow`
  UNION ALL
  SELECT 'stow', facility_ref, CAST(NULL AS STRING), started_at, variant FROM `stow_flow`
) AS flows
CROSS JOIN UNNEST(SPLIT(CONCAT('began>', COALESCE(variant, '')), '>')) AS milestone
WHERE milestone <> ''
GROUP BY day, flow, facility_ref, channel, milestone
