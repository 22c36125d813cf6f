-- Deviations: how many flows left the happy path, and how. A flow may have several; `any` is every flow with one.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) of the flow's first milestone
-- flow STRING: order, inbound or stow
-- facility_ref STRING: The facility; NULL for flows of several or of none yet
-- channel STRING: SHIPPING, COLLECT or MIXED, of orders
-- deviation STRING: How; the data dictionary lists them
-- flows INT64: Flows with it [count]
SELECT
  day, flow, facility_ref, channel, deviation,
  SUM(flows_alike) AS flows
FROM (
  -- Flows that left it in the same ways are counted before the ways are told apart: there are few such sets.
  SELECT DATE(started_at) AS day, flow, facility_ref, channel, ways, COUNT(*) AS flows_alike
  FROM (
    SELECT 'order' AS flow, facility_ref, channel, started_at, ARRAY_TO_STRING(deviations, ',') AS ways
    FROM `order_flow`
    UNION ALL
    SELECT 'inbound', facility_ref, CAST(NULL AS STRING), started_at, ARRAY_TO_STRING(deviations, ',')
    FROM `inbound_flow`
    UNION ALL
    SELECT 'stow', facility_ref, CAST(NULL AS STRING), started_at, ARRAY_TO_STRING(deviations, ',') FROM `stow_flow`
  ) AS all_flows
  WHERE ways != ''
  GROUP BY day, flow, facility_ref, channel, ways
) AS counts
CROSS JOIN UNNEST(SPLIT(CONCAT('any,', ways), ',')) AS deviation
GROUP BY day, flow, facility_ref, channel, deviation
