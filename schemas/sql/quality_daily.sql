-- Data quality: rows with a quality flag, by relation and flag, beside all rows of the day.
-- Filter by day to read only those days.
-- day DATE: Day (UTC) on which the row began
-- relation STRING: Relation of the row
-- facility_ref STRING: The facility
-- flag STRING: The flag; `any` is every row with one, `all` every row
-- row_count INT64: Rows [count]
SELECT
  day, relation, facility_ref, flag,
  SUM(rows_alike) AS row_count
FROM (
  -- Rows of the same flags are counted before the flags are told apart: there are few such sets.
  SELECT DATE(began_at) AS day, relation, facility_ref, flags, COUNT(*) AS rows_alike
  FROM (
    SELECT
      'order_flow' AS relation, started_at AS began_at, facility_ref, ARRAY_TO_STRING(quality_flags, ',') AS flags
    FROM `order_flow`
    UNION ALL
    SELECT 'order_leg', pick_created_at, facility_ref, ARRAY_TO_STRING(quality_flags, ',') FROM `order_leg`
    UNION ALL
    SELECT 'inbound_flow', started_at, facility_ref, ARRAY_TO_STRING(quality_flags, ',') FROM `inbound_flow`
    UNION ALL
    SELECT 'stow_flow', started_at, facility_ref, ARRAY_TO_STRING(quality_flags, ',') FROM `stow_flow`
  ) AS all_rows
  GROUP BY day, relation, facility_ref, flags
) AS counts
CROSS JOIN UNNEST(SPLIT(IF(flags = '', 'all', CONCAT('all,any,', flags)), ',')) AS flag
GROUP BY day, relation, facility_ref, flag
