-- Deviations: how many flows left the happy path, and how. A flow may have several; `any` is every flow with one.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) of the flow's first milestone
-- flow STRING: order, inbound or stow
-- facility_ref STRING: The facility; NULL for flows of several or of none yet
-- channel STRING: SHIPPING, COLLECT or MIXED, of orders
-- deviation STRING: How; the data dictionary lists them
-- flows INT64: Flows with it [count]
SELECT
  DATE(started_at) AS day, flow, facility_ref, channel, deviation,
  COUNT(*) AS flows
FROM (
  SELECT 'order' AS flow, facility_ref, channel, started_at, deviations FROM `order_flow`
  UNION ALL
  SELECT 'inbound', facility_ref, CAST(NULL AS STRING), started_at, deviations FROM `inbound_flow`
  UNION ALL
  SELECT 'stow', facility_ref, CAST(NULL AS STRING), started_at, deviations FROM `stow_flow`
) AS flows
CROSS JOIN UNNEST(SPLIT(CONCAT('any,', ARRAY_TO_STRING(deviations, ',')), ',')) AS deviation
WHERE ARRAY_LENGTH(deviations) > 0
GROUP BY day, flow, facility_ref, channel, deviation
