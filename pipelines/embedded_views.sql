-- Written by `make docs` from schemas/sql and schemas/kpis.
CREATE VIEW "backlog_daily" AS SELECT CAST("day" AS DATE) AS "day", CAST("flow" AS VARCHAR) AS "flow", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("channel" AS VARCHAR) AS "channel", CAST("backlog" AS BIGINT) AS "backlog", CAST("incomplete" AS BIGINT) AS "incomplete", CAST("age_seconds_sum" AS DOUBLE) AS "age_seconds_sum", CAST("age_seconds_max" AS DOUBLE) AS "age_seconds_max" FROM (
WITH flows AS (
  SELECT
    'order' AS flow,
    facility_ref,
    channel,
    outcome,
    started_at,
    finished_at
  FROM "order_flow"
  UNION ALL
  SELECT
    'inbound',
    facility_ref,
    CAST(NULL AS TEXT),
    outcome,
    started_at,
    finished_at
  FROM "inbound_flow"
  UNION ALL
  SELECT
    'stow',
    facility_ref,
    CAST(NULL AS TEXT),
    outcome,
    started_at,
    finished_at
  FROM "stow_flow"
), span AS (
  SELECT
    MIN(started_at) AS first_at,
    (
      SELECT
        MAX(as_of)
      FROM "pipeline_run"
    ) AS as_of
  FROM flows
), days AS (
  SELECT
    day
  FROM span
  CROSS JOIN UNNEST(CAST(GENERATE_SERIES(
    MAKE_DATE(CAST(FLOOR(EPOCH_US(first_at) / 86400000000) AS INT)),
    MAKE_DATE(CAST(FLOOR(EPOCH_US(as_of) / 86400000000) AS INT)) - INTERVAL '1' DAY,
    INTERVAL '1' DAY
  ) AS DATE[])) AS _t0(day)
), lasting AS (
  SELECT
    flow,
    facility_ref,
    channel,
    outcome,
    started_at,
    MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS first_day,
    COALESCE(
      MAKE_DATE(CAST(FLOOR(EPOCH_US(finished_at) / 86400000000) AS INT)),
      CAST('9999-12-31' AS DATE)
    ) AS end_day
  FROM flows
), there AS (
  SELECT
    days.day,
    flow,
    facility_ref,
    channel,
    outcome,
    86400 * (
      1 + DATE_DIFF('DAY', first_day, days.day)
    ) - (
      EPOCH_US(started_at) - EPOCH_US(
        MAKE_TIMESTAMPTZ(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS BIGINT) * 86400000000)
      )
    ) / 1000000 AS age
  FROM lasting
  JOIN days
    ON days.day >= first_day AND days.day < end_day
  WHERE
    first_day < end_day
)
SELECT
  day,
  flow,
  facility_ref,
  channel,
  COUNT(*) AS backlog,
  COUNT(CASE WHEN outcome = 'incomplete' THEN 1 END) AS incomplete,
  SUM(age) AS age_seconds_sum,
  MAX(age) AS age_seconds_max
FROM there
GROUP BY
  day,
  flow,
  facility_ref,
  channel
);
COMMENT ON VIEW backlog_daily IS 'Backlog: flows that had begun and not ended at the last microsecond of each day (UTC), up to the instant of the facts. Filter by day to see only those days; flows that began earlier are read, too, for they may still be there.';
COMMENT ON COLUMN backlog_daily."day" IS 'The day';
COMMENT ON COLUMN backlog_daily."flow" IS 'order, inbound or stow';
COMMENT ON COLUMN backlog_daily."facility_ref" IS 'The facility; NULL for flows of several or of none yet';
COMMENT ON COLUMN backlog_daily."channel" IS 'SHIPPING, COLLECT or MIXED, of orders';
COMMENT ON COLUMN backlog_daily."backlog" IS 'Flows in the backlog [count]';
COMMENT ON COLUMN backlog_daily."incomplete" IS 'Of these, with a deadline that has passed by now and no end [count]';
COMMENT ON COLUMN backlog_daily."age_seconds_sum" IS 'Their ages at the end of the day, together [s]';
COMMENT ON COLUMN backlog_daily."age_seconds_max" IS 'Age of the oldest at the end of the day [s]';
CREATE VIEW "carriers_daily" AS SELECT CAST("day" AS DATE) AS "day", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("carrier_ref" AS VARCHAR) AS "carrier_ref", CAST("parcels" AS BIGINT) AS "parcels", CAST("requested" AS BIGINT) AS "requested", CAST("labelled" AS BIGINT) AS "labelled", CAST("failed" AS BIGINT) AS "failed", CAST("failures" AS BIGINT) AS "failures", CAST("delivered" AS BIGINT) AS "delivered", CAST("transit_seconds" AS DOUBLE) AS "transit_seconds" FROM (
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(parcel_created_at) / 86400000000) AS INT)) AS day,
  facility_ref,
  carrier_ref,
  COUNT(*) AS parcels,
  COUNT(label_requested_at) AS requested,
  COUNT(label_received_at) AS labelled,
  COUNT(CASE WHEN label_failure_count > 0 THEN 1 END) AS failed,
  SUM(label_failure_count) AS failures,
  COUNT(delivered_at) AS delivered,
  SUM(transit_seconds) AS transit_seconds
FROM "order_parcel"
GROUP BY
  day,
  facility_ref,
  carrier_ref
);
COMMENT ON VIEW carriers_daily IS 'Parcels by day, facility and carrier: labels, failures, deliveries. Filter by day to read only those days.';
COMMENT ON COLUMN carriers_daily."day" IS 'Day (UTC) on which the parcel was created; NULL where that is unknown';
COMMENT ON COLUMN carriers_daily."facility_ref" IS 'Facility of the parcel';
COMMENT ON COLUMN carriers_daily."carrier_ref" IS 'The carrier';
COMMENT ON COLUMN carriers_daily."parcels" IS 'Parcels [count]';
COMMENT ON COLUMN carriers_daily."requested" IS 'Of these, with a label request [count]';
COMMENT ON COLUMN carriers_daily."labelled" IS 'Of these, with a label [count]';
COMMENT ON COLUMN carriers_daily."failed" IS 'Of these, with a failed request [count]';
COMMENT ON COLUMN carriers_daily."failures" IS 'Failed requests [count]';
COMMENT ON COLUMN carriers_daily."delivered" IS 'Of these, reported as delivered [count]';
COMMENT ON COLUMN carriers_daily."transit_seconds" IS 'Time of the delivered under way, together [s]';
CREATE VIEW "completeness_daily" AS SELECT CAST("day" AS DATE) AS "day", CAST("closed" AS BOOLEAN) AS "closed", CAST("open_because" AS VARCHAR) AS "open_because", CAST("files" AS BIGINT) AS "files", CAST("files_incomplete" AS BIGINT) AS "files_incomplete", CAST("lines" AS BIGINT) AS "lines", CAST("dead_letters" AS BIGINT) AS "dead_letters", CAST("flows" AS BIGINT) AS "flows", CAST("open" AS BIGINT) AS "open", CAST("incomplete" AS BIGINT) AS "incomplete", CAST("flagged" AS BIGINT) AS "flagged", CAST("flagged_share" AS DOUBLE) AS "flagged_share" FROM (
WITH begun AS (
  SELECT
    MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
    COUNT(*) AS flows,
    COUNT(CASE WHEN outcome = 'open' THEN 1 END) AS open,
    COUNT(CASE WHEN outcome = 'incomplete' THEN 1 END) AS incomplete,
    COUNT(CASE WHEN ARRAY_LENGTH(quality_flags) > 0 THEN 1 END) AS flagged
  FROM (
    SELECT
      started_at,
      outcome,
      quality_flags
    FROM "order_flow"
    UNION ALL
    SELECT
      started_at,
      outcome,
      quality_flags
    FROM "inbound_flow"
    UNION ALL
    SELECT
      started_at,
      outcome,
      quality_flags
    FROM "stow_flow"
  ) AS flows
  GROUP BY
    day
), books AS (
  SELECT
    TRY_CAST(day AS DATE) AS day,
    closed,
    open_because,
    files,
    files_incomplete,
    lines,
    dead_letters
  FROM "day_book"
)
SELECT
  COALESCE(begun.day, books.day) AS day,
  books.closed,
  books.open_because,
  books.files,
  books.files_incomplete,
  books.lines,
  books.dead_letters,
  COALESCE(begun.flows, 0) AS flows,
  COALESCE(begun.open, 0) AS open,
  COALESCE(begun.incomplete, 0) AS incomplete,
  COALESCE(begun.flagged, 0) AS flagged,
  CASE WHEN begun.flows <> 0 THEN begun.flagged / begun.flows ELSE NULL END AS flagged_share
FROM begun
FULL JOIN books
  ON books.day = begun.day
);
COMMENT ON VIEW completeness_daily IS 'Completeness: whether a day is closed, what was read of it, and how many of its flows have no end yet. Filter by day to read only those days.';
COMMENT ON COLUMN completeness_daily."day" IS 'The day (UTC): of the first milestone, and of the export''s folder';
COMMENT ON COLUMN completeness_daily."closed" IS 'Whether all files of its folder are read and whole, and no more are due; NULL without a folder';
COMMENT ON COLUMN completeness_daily."open_because" IS 'Why it is not closed';
COMMENT ON COLUMN completeness_daily."files" IS 'Files that were read [count]';
COMMENT ON COLUMN completeness_daily."files_incomplete" IS 'Files that were cut short [count]';
COMMENT ON COLUMN completeness_daily."lines" IS 'Lines that were read [count]';
COMMENT ON COLUMN completeness_daily."dead_letters" IS 'Lines that could not be decoded [count]';
COMMENT ON COLUMN completeness_daily."flows" IS 'Orders, inbound processes and stow jobs that began on the day [count]';
COMMENT ON COLUMN completeness_daily."open" IS 'Of these, still open [count]';
COMMENT ON COLUMN completeness_daily."incomplete" IS 'Of these, with a deadline that passed and no end [count]';
COMMENT ON COLUMN completeness_daily."flagged" IS 'Of these, with a quality flag [count]';
COMMENT ON COLUMN completeness_daily."flagged_share" IS 'flagged / flows [ratio]';
CREATE VIEW "daily_orders" AS SELECT CAST("day" AS DATE) AS "day", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("channel" AS VARCHAR) AS "channel", CAST("orders" AS BIGINT) AS "orders", CAST("fulfilled" AS BIGINT) AS "fulfilled", CAST("cancelled" AS BIGINT) AS "cancelled", CAST("open" AS BIGINT) AS "open", CAST("incomplete" AS BIGINT) AS "incomplete", CAST("conforming" AS BIGINT) AS "conforming", CAST("split" AS BIGINT) AS "split", CAST("rerouted" AS BIGINT) AS "rerouted", CAST("short" AS BIGINT) AS "short", CAST("ordered_units" AS BIGINT) AS "ordered_units", CAST("picked_units" AS BIGINT) AS "picked_units", CAST("cycle_seconds_mean" AS DOUBLE) AS "cycle_seconds_mean", CAST("cycle_seconds_max" AS DOUBLE) AS "cycle_seconds_max" FROM (
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
  facility_ref,
  channel,
  COUNT(*) AS orders,
  COUNT(CASE WHEN outcome = 'fulfilled' THEN 1 END) AS fulfilled,
  COUNT(CASE WHEN outcome = 'cancelled' THEN 1 END) AS cancelled,
  COUNT(CASE WHEN outcome = 'open' THEN 1 END) AS open,
  COUNT(CASE WHEN outcome = 'incomplete' THEN 1 END) AS incomplete,
  COUNT(CASE WHEN conforms THEN 1 END) AS conforming,
  COUNT(
    CASE
      WHEN CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'split')
        THEN TRUE
        WHEN 'split' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      THEN 1
    END
  ) AS split,
  COUNT(
    CASE
      WHEN CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'reroute')
        THEN TRUE
        WHEN 'reroute' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      THEN 1
    END
  ) AS rerouted,
  COUNT(
    CASE
      WHEN CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'short_pick')
        THEN TRUE
        WHEN 'short_pick' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      THEN 1
    END
  ) AS short,
  SUM(ordered_units) AS ordered_units,
  SUM(picked_units) AS picked_units,
  AVG(order_cycle_seconds) AS cycle_seconds_mean,
  MAX(order_cycle_seconds) AS cycle_seconds_max
FROM "order_flow"
GROUP BY
  day,
  facility_ref,
  channel
);
COMMENT ON VIEW daily_orders IS 'Orders by day, channel and facility: how many came, what became of them, and how long the fulfilled ones took. Filter by day to read only those days.';
COMMENT ON COLUMN daily_orders."day" IS 'Day (UTC) of the order''s first milestone';
COMMENT ON COLUMN daily_orders."facility_ref" IS 'The facility; NULL for orders of several or of none yet';
COMMENT ON COLUMN daily_orders."channel" IS 'SHIPPING, COLLECT or MIXED';
COMMENT ON COLUMN daily_orders."orders" IS 'Orders that began on the day [count]';
COMMENT ON COLUMN daily_orders."fulfilled" IS 'Of these, fulfilled [count]';
COMMENT ON COLUMN daily_orders."cancelled" IS 'Of these, cancelled [count]';
COMMENT ON COLUMN daily_orders."open" IS 'Of these, still open [count]';
COMMENT ON COLUMN daily_orders."incomplete" IS 'Of these, with a deadline that passed and no end [count]';
COMMENT ON COLUMN daily_orders."conforming" IS 'Fulfilled without a deviation [count]';
COMMENT ON COLUMN daily_orders."split" IS 'Split over several routing plans [count]';
COMMENT ON COLUMN daily_orders."rerouted" IS 'Routed again after a job was given up [count]';
COMMENT ON COLUMN daily_orders."short" IS 'With a line that was picked short [count]';
COMMENT ON COLUMN daily_orders."ordered_units" IS 'Ordered units [units]';
COMMENT ON COLUMN daily_orders."picked_units" IS 'Picked units [units]';
COMMENT ON COLUMN daily_orders."cycle_seconds_mean" IS 'Created to handed over, mean of the fulfilled [s]';
COMMENT ON COLUMN daily_orders."cycle_seconds_max" IS 'Created to handed over, longest of the fulfilled [s]';
CREATE VIEW "deviations_daily" AS SELECT CAST("day" AS DATE) AS "day", CAST("flow" AS VARCHAR) AS "flow", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("channel" AS VARCHAR) AS "channel", CAST("deviation" AS VARCHAR) AS "deviation", CAST("flows" AS BIGINT) AS "flows" FROM (
SELECT
  day,
  flow,
  facility_ref,
  channel,
  deviation,
  SUM(flows_alike) AS flows
FROM (
  SELECT
    MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
    flow,
    facility_ref,
    channel,
    ways,
    COUNT(*) AS flows_alike
  FROM (
    SELECT
      'order' AS flow,
      facility_ref,
      channel,
      started_at,
      ARRAY_TO_STRING(deviations, ',') AS ways
    FROM "order_flow"
    UNION ALL
    SELECT
      'inbound',
      facility_ref,
      CAST(NULL AS TEXT),
      started_at,
      ARRAY_TO_STRING(deviations, ',')
    FROM "inbound_flow"
    UNION ALL
    SELECT
      'stow',
      facility_ref,
      CAST(NULL AS TEXT),
      started_at,
      ARRAY_TO_STRING(deviations, ',')
    FROM "stow_flow"
  ) AS all_flows
  WHERE
    ways <> ''
  GROUP BY
    day,
    flow,
    facility_ref,
    channel,
    ways
) AS counts
CROSS JOIN UNNEST(STR_SPLIT('any,' || ways, ',')) AS _t0(deviation)
GROUP BY
  day,
  flow,
  facility_ref,
  channel,
  deviation
);
COMMENT ON VIEW deviations_daily IS 'Deviations: how many flows left the happy path, and how. A flow may have several; `any` is every flow with one. Filter by day to read only those days.';
COMMENT ON COLUMN deviations_daily."day" IS 'Day (UTC) of the flow''s first milestone';
COMMENT ON COLUMN deviations_daily."flow" IS 'order, inbound or stow';
COMMENT ON COLUMN deviations_daily."facility_ref" IS 'The facility; NULL for flows of several or of none yet';
COMMENT ON COLUMN deviations_daily."channel" IS 'SHIPPING, COLLECT or MIXED, of orders';
COMMENT ON COLUMN deviations_daily."deviation" IS 'How; the data dictionary lists them';
COMMENT ON COLUMN deviations_daily."flows" IS 'Flows with it [count]';
CREATE VIEW "expected_deliveries" AS SELECT CAST("day" AS DATE) AS "day", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("expected" AS BIGINT) AS "expected", CAST("arrived" AS BIGINT) AS "arrived", CAST("arrived_late" AS BIGINT) AS "arrived_late", CAST("complete" AS BIGINT) AS "complete", CAST("in_parts" AS BIGINT) AS "in_parts", CAST("requested_units" AS DOUBLE) AS "requested_units", CAST("accepted_units" AS DOUBLE) AS "accepted_units", CAST("rejected_units" AS DOUBLE) AS "rejected_units" FROM (
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(last_requested_at) / 86400000000) AS INT)) AS day,
  facility_ref,
  COUNT(*) AS expected,
  COUNT(first_arrival_at) AS arrived,
  COUNT(CASE WHEN supplier_delay_seconds > 0 THEN 1 END) AS arrived_late,
  COUNT(CASE WHEN outcome = 'fulfilled' THEN 1 END) AS complete,
  COUNT(
    CASE
      WHEN CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'partial_delivery')
        THEN TRUE
        WHEN 'partial_delivery' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      THEN 1
    END
  ) AS in_parts,
  SUM(requested_units) AS requested_units,
  SUM(accepted_units) AS accepted_units,
  SUM(rejected_units) AS rejected_units
FROM "inbound_flow"
WHERE
  NOT last_requested_at IS NULL
GROUP BY
  day,
  facility_ref
);
COMMENT ON VIEW expected_deliveries IS 'Deliveries by the day for which they were requested last, and whether their goods have arrived. Filter by day to see only those days; a process may have begun long before, so all are read.';
COMMENT ON COLUMN expected_deliveries."day" IS 'Day (UTC) for which the goods were requested last';
COMMENT ON COLUMN expected_deliveries."facility_ref" IS 'The facility; NULL for processes of several or of none yet';
COMMENT ON COLUMN expected_deliveries."expected" IS 'Processes with goods for the day [count]';
COMMENT ON COLUMN expected_deliveries."arrived" IS 'Of these, with an arrival [count]';
COMMENT ON COLUMN expected_deliveries."arrived_late" IS 'Of the arrived, after the requested time [count]';
COMMENT ON COLUMN expected_deliveries."complete" IS 'Of these, complete [count]';
COMMENT ON COLUMN expected_deliveries."in_parts" IS 'Of these, delivered in parts [count]';
COMMENT ON COLUMN expected_deliveries."requested_units" IS 'Requested [units]';
COMMENT ON COLUMN expected_deliveries."accepted_units" IS 'Received and accepted [units]';
COMMENT ON COLUMN expected_deliveries."rejected_units" IS 'Received and rejected [units]';
CREATE VIEW "facility_legs" AS SELECT CAST("day" AS DATE) AS "day", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("channel" AS VARCHAR) AS "channel", CAST("legs" AS BIGINT) AS "legs", CAST("picked" AS BIGINT) AS "picked", CAST("short" AS BIGINT) AS "short", CAST("given_up" AS BIGINT) AS "given_up", CAST("picked_units" AS BIGINT) AS "picked_units", CAST("pick_queue_seconds_mean" AS DOUBLE) AS "pick_queue_seconds_mean", CAST("pick_seconds_mean" AS DOUBLE) AS "pick_seconds_mean", CAST("pack_seconds_mean" AS DOUBLE) AS "pack_seconds_mean", CAST("handover_wait_seconds_mean" AS DOUBLE) AS "handover_wait_seconds_mean", CAST("units_per_hour" AS DOUBLE) AS "units_per_hour" FROM (
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(pick_created_at) / 86400000000) AS INT)) AS day,
  facility_ref,
  channel,
  COUNT(*) AS legs,
  COUNT(CASE WHEN outcome = 'picked' THEN 1 END) AS picked,
  COUNT(CASE WHEN outcome IN ('short_picked', 'zero_picked') THEN 1 END) AS short,
  COUNT(CASE WHEN outcome IN ('aborted', 'rerouted', 'cancelled') THEN 1 END) AS given_up,
  SUM(picked_units) AS picked_units,
  AVG(pick_queue_seconds) AS pick_queue_seconds_mean,
  AVG(pick_duration_net_seconds) AS pick_seconds_mean,
  AVG(pack_total_seconds) AS pack_seconds_mean,
  AVG(handover_wait_seconds) AS handover_wait_seconds_mean,
  3600 * CASE
    WHEN SUM(
      CASE
        WHEN pick_duration_net_seconds > 0 AND NOT picked_units IS NULL
        THEN pick_duration_net_seconds
        ELSE NULL
      END
    ) <> 0
    THEN SUM(CASE WHEN pick_duration_net_seconds > 0 THEN picked_units ELSE NULL END) / SUM(
      CASE
        WHEN pick_duration_net_seconds > 0 AND NOT picked_units IS NULL
        THEN pick_duration_net_seconds
        ELSE NULL
      END
    )
    ELSE NULL
  END AS units_per_hour
FROM "order_leg"
GROUP BY
  day,
  facility_ref,
  channel
);
COMMENT ON VIEW facility_legs IS 'Pick jobs by day and facility: picking, packing and hand-over, with what hangs on each job. Filter by day to read only those days.';
COMMENT ON COLUMN facility_legs."day" IS 'Day (UTC) on which the pick job was created; NULL where that is unknown';
COMMENT ON COLUMN facility_legs."facility_ref" IS 'Facility of the pick job';
COMMENT ON COLUMN facility_legs."channel" IS 'SHIPPING or COLLECT';
COMMENT ON COLUMN facility_legs."legs" IS 'Pick jobs [count]';
COMMENT ON COLUMN facility_legs."picked" IS 'Of these, picked in full [count]';
COMMENT ON COLUMN facility_legs."short" IS 'Of these, picked short or not at all [count]';
COMMENT ON COLUMN facility_legs."given_up" IS 'Of these, aborted, rerouted or cancelled [count]';
COMMENT ON COLUMN facility_legs."picked_units" IS 'Units picked [units]';
COMMENT ON COLUMN facility_legs."pick_queue_seconds_mean" IS 'Created to started [s]';
COMMENT ON COLUMN facility_legs."pick_seconds_mean" IS 'Picking without pauses [s]';
COMMENT ON COLUMN facility_legs."pack_seconds_mean" IS 'Packing with its queue [s]';
COMMENT ON COLUMN facility_legs."handover_wait_seconds_mean" IS 'Ready to handed over [s]';
COMMENT ON COLUMN facility_legs."units_per_hour" IS 'Units picked per hour of picking without pauses [units/h]';
CREATE VIEW "funnel_daily" AS SELECT CAST("day" AS DATE) AS "day", CAST("flow" AS VARCHAR) AS "flow", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("channel" AS VARCHAR) AS "channel", CAST("milestone" AS VARCHAR) AS "milestone", CAST("reached" AS BIGINT) AS "reached" FROM (
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
  flow,
  facility_ref,
  channel,
  milestone,
  COUNT(*) AS reached
FROM (
  SELECT
    'order' AS flow,
    facility_ref,
    channel,
    started_at,
    variant
  FROM "order_flow"
  UNION ALL
  SELECT
    'inbound',
    facility_ref,
    CAST(NULL AS TEXT),
    started_at,
    variant
  FROM "inbound_flow"
  UNION ALL
  SELECT
    'stow',
    facility_ref,
    CAST(NULL AS TEXT),
    started_at,
    variant
  FROM "stow_flow"
) AS flows
CROSS JOIN UNNEST(STR_SPLIT('began>' || COALESCE(variant, ''), '>')) AS _t0(milestone)
WHERE
  milestone <> ''
GROUP BY
  day,
  flow,
  facility_ref,
  channel,
  milestone
);
COMMENT ON VIEW funnel_daily IS 'Funnel: of the flows that began on a day, how many have reached each milestone by now. Filter by day to read only those days.';
COMMENT ON COLUMN funnel_daily."day" IS 'Day (UTC) of the flow''s first milestone';
COMMENT ON COLUMN funnel_daily."flow" IS 'order, inbound or stow';
COMMENT ON COLUMN funnel_daily."facility_ref" IS 'The facility; NULL for flows of several or of none yet';
COMMENT ON COLUMN funnel_daily."channel" IS 'SHIPPING, COLLECT or MIXED, of orders';
COMMENT ON COLUMN funnel_daily."milestone" IS 'The milestone; `began` is every flow';
COMMENT ON COLUMN funnel_daily."reached" IS 'Flows that have reached it [count]';
CREATE VIEW "inbound_board" AS SELECT CAST("day" AS DATE) AS "day", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("processes" AS BIGINT) AS "processes", CAST("open" AS BIGINT) AS "open", CAST("fulfilled" AS BIGINT) AS "fulfilled", CAST("cancelled" AS BIGINT) AS "cancelled", CAST("incomplete" AS BIGINT) AS "incomplete", CAST("in_parts" AS BIGINT) AS "in_parts", CAST("held" AS BIGINT) AS "held", CAST("judged" AS BIGINT) AS "judged", CAST("late" AS BIGINT) AS "late", CAST("receipts" AS BIGINT) AS "receipts", CAST("requested_units" AS DOUBLE) AS "requested_units", CAST("accepted_units" AS DOUBLE) AS "accepted_units", CAST("rejected_units" AS DOUBLE) AS "rejected_units", CAST("missing_units" AS DOUBLE) AS "missing_units", CAST("hold_seconds" AS DOUBLE) AS "hold_seconds" FROM (
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
  facility_ref,
  COUNT(*) AS processes,
  COUNT(CASE WHEN outcome = 'open' THEN 1 END) AS open,
  COUNT(CASE WHEN outcome = 'fulfilled' THEN 1 END) AS fulfilled,
  COUNT(CASE WHEN outcome = 'cancelled' THEN 1 END) AS cancelled,
  COUNT(CASE WHEN outcome = 'incomplete' THEN 1 END) AS incomplete,
  COUNT(
    CASE
      WHEN CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'partial_delivery')
        THEN TRUE
        WHEN 'partial_delivery' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      THEN 1
    END
  ) AS in_parts,
  COUNT(CASE WHEN on_hold_count > 0 THEN 1 END) AS held,
  COUNT(supplier_delay_seconds) AS judged,
  COUNT(CASE WHEN supplier_delay_seconds > 0 THEN 1 END) AS late,
  SUM(receipt_count) AS receipts,
  SUM(requested_units) AS requested_units,
  SUM(accepted_units) AS accepted_units,
  SUM(rejected_units) AS rejected_units,
  SUM(
    CASE
      WHEN outcome <> 'open' AND requested_units > accepted_units + rejected_units
      THEN requested_units - accepted_units - rejected_units
      ELSE 0
    END
  ) AS missing_units,
  SUM(on_hold_seconds) AS hold_seconds
FROM "inbound_flow"
GROUP BY
  day,
  facility_ref
);
COMMENT ON VIEW inbound_board IS 'Inbound by the day on which the process began: what became of it, and what came of what was requested. Filter by day to read only those days.';
COMMENT ON COLUMN inbound_board."day" IS 'Day (UTC) of the process''s first milestone';
COMMENT ON COLUMN inbound_board."facility_ref" IS 'The facility; NULL for processes of several or of none yet';
COMMENT ON COLUMN inbound_board."processes" IS 'Processes that began on the day [count]';
COMMENT ON COLUMN inbound_board."open" IS 'Of these, still open [count]';
COMMENT ON COLUMN inbound_board."fulfilled" IS 'Of these, complete [count]';
COMMENT ON COLUMN inbound_board."cancelled" IS 'Of these, cancelled [count]';
COMMENT ON COLUMN inbound_board."incomplete" IS 'Of these, with a deadline that passed and no end [count]';
COMMENT ON COLUMN inbound_board."in_parts" IS 'Of these, delivered in parts [count]';
COMMENT ON COLUMN inbound_board."held" IS 'Of these, with a hold [count]';
COMMENT ON COLUMN inbound_board."judged" IS 'Of these, with a requested point in time and an arrival [count]';
COMMENT ON COLUMN inbound_board."late" IS 'Of the judged, arrived late [count]';
COMMENT ON COLUMN inbound_board."receipts" IS 'Known receipts [count]';
COMMENT ON COLUMN inbound_board."requested_units" IS 'Requested [units]';
COMMENT ON COLUMN inbound_board."accepted_units" IS 'Received and accepted [units]';
COMMENT ON COLUMN inbound_board."rejected_units" IS 'Received and rejected [units]';
COMMENT ON COLUMN inbound_board."missing_units" IS 'Requested by ended processes and never received [units]';
COMMENT ON COLUMN inbound_board."hold_seconds" IS 'Time on hold, together [s]';
CREATE VIEW "on_time" AS SELECT CAST("day" AS DATE) AS "day", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("channel" AS VARCHAR) AS "channel", CAST("judged" AS BIGINT) AS "judged", CAST("on_time" AS BIGINT) AS "on_time", CAST("in_full" AS BIGINT) AS "in_full", CAST("on_time_rate" AS DOUBLE) AS "on_time_rate", CAST("in_full_rate" AS DOUBLE) AS "in_full_rate", CAST("lateness_seconds_mean" AS DOUBLE) AS "lateness_seconds_mean", CAST("lateness_seconds_max" AS DOUBLE) AS "lateness_seconds_max" FROM (
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
  facility_ref,
  channel,
  COUNT(on_time) AS judged,
  COUNT(CASE WHEN on_time THEN 1 END) AS on_time,
  COUNT(CASE WHEN on_time AND fill_rate >= 1 THEN 1 END) AS in_full,
  CASE
    WHEN COUNT(on_time) <> 0
    THEN COUNT(CASE WHEN on_time THEN 1 END) / COUNT(on_time)
    ELSE NULL
  END AS on_time_rate,
  CASE
    WHEN COUNT(on_time) <> 0
    THEN COUNT(CASE WHEN on_time AND fill_rate >= 1 THEN 1 END) / COUNT(on_time)
    ELSE NULL
  END AS in_full_rate,
  AVG(CASE WHEN lateness_seconds > 0 THEN lateness_seconds ELSE NULL END) AS lateness_seconds_mean,
  MAX(CASE WHEN lateness_seconds > 0 THEN lateness_seconds ELSE NULL END) AS lateness_seconds_max
FROM "order_flow"
GROUP BY
  day,
  facility_ref,
  channel
);
COMMENT ON VIEW on_time IS 'On time in full by day and facility: hand-overs and collections against their target time. Filter by day to read only those days.';
COMMENT ON COLUMN on_time."day" IS 'Day (UTC) of the order''s first milestone';
COMMENT ON COLUMN on_time."facility_ref" IS 'The facility; NULL for orders of several or of none yet';
COMMENT ON COLUMN on_time."channel" IS 'SHIPPING, COLLECT or MIXED';
COMMENT ON COLUMN on_time."judged" IS 'Orders with a target and an end [count]';
COMMENT ON COLUMN on_time."on_time" IS 'Of these, on time [count]';
COMMENT ON COLUMN on_time."in_full" IS 'Of these, on time and with every unit [count]';
COMMENT ON COLUMN on_time."on_time_rate" IS 'on_time / judged [ratio]';
COMMENT ON COLUMN on_time."in_full_rate" IS 'in_full / judged [ratio]';
COMMENT ON COLUMN on_time."lateness_seconds_mean" IS 'Mean lateness of those that were late [s]';
COMMENT ON COLUMN on_time."lateness_seconds_max" IS 'Greatest lateness [s]';
CREATE VIEW "order_slack" AS SELECT CAST("day" AS DATE) AS "day", CAST("flow_id" AS VARCHAR) AS "flow_id", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("channel" AS VARCHAR) AS "channel", CAST("outcome" AS VARCHAR) AS "outcome", CAST("stage" AS VARCHAR) AS "stage", CAST("in_stage" AS BOOLEAN) AS "in_stage", CAST("started_at" AS TIMESTAMPTZ) AS "started_at", CAST("target_at" AS TIMESTAMPTZ) AS "target_at", CAST("until_at" AS TIMESTAMPTZ) AS "until_at", CAST("slack_until_at" AS TIMESTAMPTZ) AS "slack_until_at", CAST("stage_seconds" AS DOUBLE) AS "stage_seconds", CAST("waiting_seconds" AS DOUBLE) AS "waiting_seconds", CAST("working_seconds" AS DOUBLE) AS "working_seconds", CAST("paused_seconds" AS DOUBLE) AS "paused_seconds", CAST("blocked_seconds" AS DOUBLE) AS "blocked_seconds", CAST("site_closed_seconds" AS DOUBLE) AS "site_closed_seconds", CAST("slack_used_seconds" AS DOUBLE) AS "slack_used_seconds", CAST("slack_late_seconds" AS DOUBLE) AS "slack_late_seconds", CAST("slack_seconds" AS DOUBLE) AS "slack_seconds", CAST("slack_left_seconds" AS DOUBLE) AS "slack_left_seconds" FROM (
WITH newest AS (
  SELECT
    as_of
  FROM "pipeline_run"
  WHERE
    NOT as_of IS NULL
  ORDER BY
    finished_at DESC,
    run_id DESC
  LIMIT 1
), closed AS (
  SELECT
    MAKE_DATE(CAST(FLOOR(EPOCH_US(split.started_at) / 86400000000) AS INT)) AS day,
    split.flow_id,
    split.stage,
    SUM(
      (
        EPOCH_US(
          CASE
            WHEN closure.ended_at IS NULL OR newest.as_of IS NULL
            THEN NULL
            ELSE LEAST(closure.ended_at, newest.as_of)
          END
        ) - EPOCH_US(
          CASE
            WHEN closure.started_at IS NULL OR split.counted_to_at IS NULL
            THEN NULL
            ELSE GREATEST(closure.started_at, split.counted_to_at)
          END
        )
      )
    ) AS micros
  FROM "order_time_split" AS split
  CROSS JOIN newest
  JOIN "calendar_closure" AS closure
    ON closure.calendar = split.goes_on_calendar
    AND closure.started_at < newest.as_of
    AND closure.ended_at > split.counted_to_at
  WHERE
    NOT split.goes_on_calendar IS NULL AND split.counted_to_at < newest.as_of
  GROUP BY
    day,
    split.flow_id,
    split.stage
), counted AS (
  SELECT
    split.*,
    MAKE_DATE(CAST(FLOOR(EPOCH_US(split.started_at) / 86400000000) AS INT)) AS day,
    COALESCE(
      split.until_at,
      CASE
        WHEN newest.as_of IS NULL OR split.counted_to_at IS NULL
        THEN NULL
        ELSE GREATEST(newest.as_of, split.counted_to_at)
      END
    ) AS ends_at,
    CASE
      WHEN split.goes_on_as IS NULL
      THEN 0
      ELSE (
        EPOCH_US(
          CASE
            WHEN newest.as_of IS NULL OR split.counted_to_at IS NULL
            THEN NULL
            ELSE GREATEST(newest.as_of, split.counted_to_at)
          END
        ) - EPOCH_US(split.counted_to_at)
      )
    END AS since,
    COALESCE(closed.micros, 0) AS shut
  FROM "order_time_split" AS split
  CROSS JOIN newest
  LEFT JOIN closed
    ON closed.day = MAKE_DATE(CAST(FLOOR(EPOCH_US(split.started_at) / 86400000000) AS INT))
    AND closed.flow_id = split.flow_id
    AND closed.stage = split.stage
), slack AS (
  SELECT
    counted.*,
    COALESCE(slack_until_at, ends_at) AS stops_at,
    CASE
      WHEN slack_until_at IS NULL AND target_at > counted_to_at
      THEN CASE
        WHEN since IS NULL OR (
          EPOCH_US(target_at) - EPOCH_US(counted_to_at)
        ) IS NULL
        THEN NULL
        ELSE LEAST(since, (
          EPOCH_US(target_at) - EPOCH_US(counted_to_at)
        ))
      END
      ELSE 0
    END AS since_used
  FROM counted
)
SELECT
  day,
  flow_id,
  facility_ref,
  channel,
  outcome,
  stage,
  NOT goes_on_as IS NULL AS in_stage,
  started_at,
  target_at,
  ends_at AS until_at,
  stops_at AS slack_until_at,
  ROUND(
    waiting_seconds + working_seconds + paused_seconds + blocked_seconds + site_closed_seconds + since / 1000000,
    6
  ) AS stage_seconds,
  ROUND(
    waiting_seconds + CASE WHEN goes_on_as = 'waiting' THEN (
      since - shut
    ) / 1000000 ELSE 0 END,
    6
  ) AS waiting_seconds,
  ROUND(
    working_seconds + CASE WHEN goes_on_as = 'working' THEN (
      since - shut
    ) / 1000000 ELSE 0 END,
    6
  ) AS working_seconds,
  ROUND(
    paused_seconds + CASE WHEN goes_on_as = 'paused' THEN (
      since - shut
    ) / 1000000 ELSE 0 END,
    6
  ) AS paused_seconds,
  ROUND(
    blocked_seconds + CASE WHEN goes_on_as = 'blocked' THEN (
      since - shut
    ) / 1000000 ELSE 0 END,
    6
  ) AS blocked_seconds,
  ROUND(site_closed_seconds + shut / 1000000, 6) AS site_closed_seconds,
  ROUND(slack_used_seconds + since_used / 1000000, 6) AS slack_used_seconds,
  ROUND(
    slack_late_seconds + CASE WHEN slack_until_at IS NULL THEN (
      since - since_used
    ) / 1000000 ELSE 0 END,
    6
  ) AS slack_late_seconds,
  (
    EPOCH_US(target_at) - EPOCH_US(started_at)
  ) / 1000000 AS slack_seconds,
  (
    EPOCH_US(target_at) - EPOCH_US(stops_at)
  ) / 1000000 AS slack_left_seconds
FROM slack
);
COMMENT ON VIEW order_slack IS 'Slack ledger: what each stage took of an order''s time, and of the time to its target; open orders up to the instant of the facts. The stages of an order add up to its time; what they used of the slack and what is left add up to the slack. Filter by day to read only those days.';
COMMENT ON COLUMN order_slack."day" IS 'Day (UTC) on which the order began';
COMMENT ON COLUMN order_slack."flow_id" IS 'Process id';
COMMENT ON COLUMN order_slack."facility_ref" IS 'The facility; NULL for orders of several or of none yet';
COMMENT ON COLUMN order_slack."channel" IS 'SHIPPING, COLLECT or MIXED';
COMMENT ON COLUMN order_slack."outcome" IS 'open, fulfilled, cancelled or incomplete';
COMMENT ON COLUMN order_slack."stage" IS 'Stage of the flow; after_STAGE when nothing lasts since, intake before the first';
COMMENT ON COLUMN order_slack."in_stage" IS 'The order is open and in this stage';
COMMENT ON COLUMN order_slack."started_at" IS 'Start of the order''s time [UTC]';
COMMENT ON COLUMN order_slack."target_at" IS 'Target time of the order [UTC]';
COMMENT ON COLUMN order_slack."until_at" IS 'End of its time; of an open order the instant of the facts [UTC]';
COMMENT ON COLUMN order_slack."slack_until_at" IS 'Where its slack stops: until_at, of a collection when it was ready [UTC]';
COMMENT ON COLUMN order_slack."stage_seconds" IS 'Time of the stage, the sum of the five parts [s]';
COMMENT ON COLUMN order_slack."waiting_seconds" IS 'Of this, nothing happened, the site open [s]';
COMMENT ON COLUMN order_slack."working_seconds" IS 'Of this, somebody or something worked [s]';
COMMENT ON COLUMN order_slack."paused_seconds" IS 'Of this, the work was paused, the site open [s]';
COMMENT ON COLUMN order_slack."blocked_seconds" IS 'Of this, nothing could happen, the site open [s]';
COMMENT ON COLUMN order_slack."site_closed_seconds" IS 'Of this, nobody worked and the site was closed [s]';
COMMENT ON COLUMN order_slack."slack_used_seconds" IS 'Time of the stage before the target; NULL without a target [s]';
COMMENT ON COLUMN order_slack."slack_late_seconds" IS 'Time of the stage after the target; NULL without a target [s]';
COMMENT ON COLUMN order_slack."slack_seconds" IS 'From the order''s start to its target [s]';
COMMENT ON COLUMN order_slack."slack_left_seconds" IS 'From slack_until_at to the target; negative is late [s]';
CREATE VIEW "order_split" AS SELECT CAST("day" AS DATE) AS "day", CAST("flow_id" AS VARCHAR) AS "flow_id", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("channel" AS VARCHAR) AS "channel", CAST("outcome" AS VARCHAR) AS "outcome", CAST("started_at" AS TIMESTAMPTZ) AS "started_at", CAST("until_at" AS TIMESTAMPTZ) AS "until_at", CAST("order_seconds" AS DOUBLE) AS "order_seconds", CAST("waiting_seconds" AS DOUBLE) AS "waiting_seconds", CAST("working_seconds" AS DOUBLE) AS "working_seconds", CAST("paused_seconds" AS DOUBLE) AS "paused_seconds", CAST("blocked_seconds" AS DOUBLE) AS "blocked_seconds", CAST("site_closed_seconds" AS DOUBLE) AS "site_closed_seconds", CAST("target_at" AS TIMESTAMPTZ) AS "target_at", CAST("slack_seconds" AS DOUBLE) AS "slack_seconds", CAST("slack_used_seconds" AS DOUBLE) AS "slack_used_seconds", CAST("slack_left_seconds" AS DOUBLE) AS "slack_left_seconds" FROM (
SELECT
  day,
  flow_id,
  MIN(facility_ref) AS facility_ref,
  MIN(channel) AS channel,
  MIN(outcome) AS outcome,
  MIN(started_at) AS started_at,
  MIN(until_at) AS until_at,
  ROUND(SUM(stage_seconds), 6) AS order_seconds,
  ROUND(SUM(waiting_seconds), 6) AS waiting_seconds,
  ROUND(SUM(working_seconds), 6) AS working_seconds,
  ROUND(SUM(paused_seconds), 6) AS paused_seconds,
  ROUND(SUM(blocked_seconds), 6) AS blocked_seconds,
  ROUND(SUM(site_closed_seconds), 6) AS site_closed_seconds,
  MIN(target_at) AS target_at,
  MIN(slack_seconds) AS slack_seconds,
  ROUND(SUM(slack_used_seconds), 6) AS slack_used_seconds,
  MIN(slack_left_seconds) AS slack_left_seconds
FROM "order_slack"
GROUP BY
  day,
  flow_id
);
COMMENT ON VIEW order_split IS 'The five-way split: every order''s time by what happened in it; open orders up to the instant of the facts. The five parts add up to the time from started_at to until_at, to the microsecond. Filter by day to read only those days.';
COMMENT ON COLUMN order_split."day" IS 'Day (UTC) on which the order began';
COMMENT ON COLUMN order_split."flow_id" IS 'Process id';
COMMENT ON COLUMN order_split."facility_ref" IS 'The facility; NULL for orders of several or of none yet';
COMMENT ON COLUMN order_split."channel" IS 'SHIPPING, COLLECT or MIXED';
COMMENT ON COLUMN order_split."outcome" IS 'open, fulfilled, cancelled or incomplete';
COMMENT ON COLUMN order_split."started_at" IS 'Start of the order''s time [UTC]';
COMMENT ON COLUMN order_split."until_at" IS 'End of its time; of an open order the instant of the facts [UTC]';
COMMENT ON COLUMN order_split."order_seconds" IS 'From started_at to until_at; 0 when the order ended before it began [s]';
COMMENT ON COLUMN order_split."waiting_seconds" IS 'Nothing happened, the site open [s]';
COMMENT ON COLUMN order_split."working_seconds" IS 'Somebody or something worked on the order [s]';
COMMENT ON COLUMN order_split."paused_seconds" IS 'Nobody worked and work was paused, the site open [s]';
COMMENT ON COLUMN order_split."blocked_seconds" IS 'Nothing could happen, the site open [s]';
COMMENT ON COLUMN order_split."site_closed_seconds" IS 'Nobody worked and the site was closed [s]';
COMMENT ON COLUMN order_split."target_at" IS 'Target time of the order [UTC]';
COMMENT ON COLUMN order_split."slack_seconds" IS 'From the order''s start to its target [s]';
COMMENT ON COLUMN order_split."slack_used_seconds" IS 'Of this, used up; NULL without a target [s]';
COMMENT ON COLUMN order_split."slack_left_seconds" IS 'What is left of it, where the slack stops; negative is late [s]';
CREATE VIEW "quality_daily" AS SELECT CAST("day" AS DATE) AS "day", CAST("relation" AS VARCHAR) AS "relation", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("flag" AS VARCHAR) AS "flag", CAST("row_count" AS BIGINT) AS "row_count" FROM (
SELECT
  day,
  relation,
  facility_ref,
  flag,
  SUM(rows_alike) AS row_count
FROM (
  SELECT
    MAKE_DATE(CAST(FLOOR(EPOCH_US(began_at) / 86400000000) AS INT)) AS day,
    relation,
    facility_ref,
    flags,
    COUNT(*) AS rows_alike
  FROM (
    SELECT
      'order_flow' AS relation,
      started_at AS began_at,
      facility_ref,
      ARRAY_TO_STRING(quality_flags, ',') AS flags
    FROM "order_flow"
    UNION ALL
    SELECT
      'order_leg',
      pick_created_at,
      facility_ref,
      ARRAY_TO_STRING(quality_flags, ',')
    FROM "order_leg"
    UNION ALL
    SELECT
      'inbound_flow',
      started_at,
      facility_ref,
      ARRAY_TO_STRING(quality_flags, ',')
    FROM "inbound_flow"
    UNION ALL
    SELECT
      'stow_flow',
      started_at,
      facility_ref,
      ARRAY_TO_STRING(quality_flags, ',')
    FROM "stow_flow"
  ) AS all_rows
  GROUP BY
    day,
    relation,
    facility_ref,
    flags
) AS counts
CROSS JOIN UNNEST(STR_SPLIT(CASE WHEN flags = '' THEN 'all' ELSE 'all,any,' || flags END, ',')) AS _t0(flag)
GROUP BY
  day,
  relation,
  facility_ref,
  flag
);
COMMENT ON VIEW quality_daily IS 'Data quality: rows with a quality flag, by relation and flag, beside all rows of the day. Filter by day to read only those days.';
COMMENT ON COLUMN quality_daily."day" IS 'Day (UTC) on which the row began';
COMMENT ON COLUMN quality_daily."relation" IS 'Relation of the row';
COMMENT ON COLUMN quality_daily."facility_ref" IS 'The facility';
COMMENT ON COLUMN quality_daily."flag" IS 'The flag; `any` is every row with one, `all` every row';
COMMENT ON COLUMN quality_daily."row_count" IS 'Rows [count]';
CREATE VIEW "receipts_daily" AS SELECT CAST("day" AS DATE) AS "day", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("receipts" AS BIGINT) AS "receipts", CAST("received" AS BIGINT) AS "received", CAST("rejecting" AS BIGINT) AS "rejecting", CAST("lines" AS BIGINT) AS "lines", CAST("accepted_units" AS DOUBLE) AS "accepted_units", CAST("rejected_units" AS DOUBLE) AS "rejected_units", CAST("dock_to_stock_count" AS BIGINT) AS "dock_to_stock_count", CAST("dock_to_stock_seconds" AS DOUBLE) AS "dock_to_stock_seconds" FROM (
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(receipt_created_at) / 86400000000) AS INT)) AS day,
  facility_ref,
  COUNT(*) AS receipts,
  COUNT(delivery_received_at) AS received,
  COUNT(CASE WHEN NOT delivery_received_at IS NULL AND rejected_units > 0 THEN 1 END) AS rejecting,
  SUM(line_count) AS lines,
  SUM(accepted_units) AS accepted_units,
  SUM(rejected_units) AS rejected_units,
  COUNT(dock_to_stock_seconds) AS dock_to_stock_count,
  SUM(dock_to_stock_seconds) AS dock_to_stock_seconds
FROM "inbound_receipt"
GROUP BY
  day,
  facility_ref
);
COMMENT ON VIEW receipts_daily IS 'Receipts by the day on which they were created, and what they brought. Filter by day to read only those days.';
COMMENT ON COLUMN receipts_daily."day" IS 'Day (UTC) on which the receipt was created; NULL where that is unknown';
COMMENT ON COLUMN receipts_daily."facility_ref" IS 'Facility of the receipt';
COMMENT ON COLUMN receipts_daily."receipts" IS 'Receipts [count]';
COMMENT ON COLUMN receipts_daily."received" IS 'Of these, finished, with the stock booked [count]';
COMMENT ON COLUMN receipts_daily."rejecting" IS 'Of the received, with rejected units [count]';
COMMENT ON COLUMN receipts_daily."lines" IS 'Received lines [count]';
COMMENT ON COLUMN receipts_daily."accepted_units" IS 'Accepted [units]';
COMMENT ON COLUMN receipts_daily."rejected_units" IS 'Rejected [units]';
COMMENT ON COLUMN receipts_daily."dock_to_stock_count" IS 'Receipts with a dock-to-stock time [count]';
COMMENT ON COLUMN receipts_daily."dock_to_stock_seconds" IS 'Their dock-to-stock times, together [s]';
CREATE VIEW "rework_daily" AS SELECT CAST("day" AS DATE) AS "day", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("channel" AS VARCHAR) AS "channel", CAST("orders" AS BIGINT) AS "orders", CAST("reworked" AS BIGINT) AS "reworked", CAST("rerouted" AS BIGINT) AS "rerouted", CAST("reset" AS BIGINT) AS "reset", CAST("short_picked" AS BIGINT) AS "short_picked", CAST("zero_picked" AS BIGINT) AS "zero_picked", CAST("aborted" AS BIGINT) AS "aborted", CAST("label_failed" AS BIGINT) AS "label_failed", CAST("reverted" AS BIGINT) AS "reverted", CAST("refused" AS BIGINT) AS "refused", CAST("reroutes" AS BIGINT) AS "reroutes", CAST("resets" AS BIGINT) AS "resets", CAST("short_lines" AS BIGINT) AS "short_lines", CAST("label_failures" AS BIGINT) AS "label_failures", CAST("reroute_seconds" AS DOUBLE) AS "reroute_seconds" FROM (
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
  facility_ref,
  channel,
  COUNT(*) AS orders,
  COUNT(
    CASE
      WHEN CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'abort')
        THEN TRUE
        WHEN 'abort' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      OR CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'label_failed')
        THEN TRUE
        WHEN 'label_failed' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      OR CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'refused')
        THEN TRUE
        WHEN 'refused' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      OR CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'reroute')
        THEN TRUE
        WHEN 'reroute' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      OR CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'reset')
        THEN TRUE
        WHEN 'reset' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      OR CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'reverted')
        THEN TRUE
        WHEN 'reverted' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      OR CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'short_pick')
        THEN TRUE
        WHEN 'short_pick' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      OR CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'zero_pick')
        THEN TRUE
        WHEN 'zero_pick' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      THEN 1
    END
  ) AS reworked,
  COUNT(
    CASE
      WHEN CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'reroute')
        THEN TRUE
        WHEN 'reroute' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      THEN 1
    END
  ) AS rerouted,
  COUNT(
    CASE
      WHEN CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'reset')
        THEN TRUE
        WHEN 'reset' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      THEN 1
    END
  ) AS reset,
  COUNT(
    CASE
      WHEN CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'short_pick')
        THEN TRUE
        WHEN 'short_pick' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      THEN 1
    END
  ) AS short_picked,
  COUNT(
    CASE
      WHEN CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'zero_pick')
        THEN TRUE
        WHEN 'zero_pick' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      THEN 1
    END
  ) AS zero_picked,
  COUNT(
    CASE
      WHEN CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'abort')
        THEN TRUE
        WHEN 'abort' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      THEN 1
    END
  ) AS aborted,
  COUNT(
    CASE
      WHEN CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'label_failed')
        THEN TRUE
        WHEN 'label_failed' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      THEN 1
    END
  ) AS label_failed,
  COUNT(
    CASE
      WHEN CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'reverted')
        THEN TRUE
        WHEN 'reverted' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      THEN 1
    END
  ) AS reverted,
  COUNT(
    CASE
      WHEN CASE
        WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
        THEN FALSE
        WHEN ARRAY_CONTAINS(deviations, 'refused')
        THEN TRUE
        WHEN 'refused' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
        THEN NULL
        ELSE FALSE
      END
      THEN 1
    END
  ) AS refused,
  SUM(reroute_count) AS reroutes,
  SUM(reset_count) AS resets,
  SUM(short_line_count) AS short_lines,
  SUM(label_failure_count) AS label_failures,
  SUM(reroute_delay_seconds) AS reroute_seconds
FROM "order_flow"
GROUP BY
  day,
  facility_ref,
  channel
);
COMMENT ON VIEW rework_daily IS 'Rework of orders: work that was done twice or undone. Orders with it, and how often it happened. Filter by day to read only those days.';
COMMENT ON COLUMN rework_daily."day" IS 'Day (UTC) of the order''s first milestone';
COMMENT ON COLUMN rework_daily."facility_ref" IS 'The facility; NULL for orders of several or of none yet';
COMMENT ON COLUMN rework_daily."channel" IS 'SHIPPING, COLLECT or MIXED';
COMMENT ON COLUMN rework_daily."orders" IS 'Orders that began on the day [count]';
COMMENT ON COLUMN rework_daily."reworked" IS 'Of these, with any of what follows [count]';
COMMENT ON COLUMN rework_daily."rerouted" IS 'Orders of which a job was routed again [count]';
COMMENT ON COLUMN rework_daily."reset" IS 'Orders of which picking was begun anew [count]';
COMMENT ON COLUMN rework_daily."short_picked" IS 'Orders with a line that was picked short [count]';
COMMENT ON COLUMN rework_daily."zero_picked" IS 'Orders of which a job found nothing [count]';
COMMENT ON COLUMN rework_daily."aborted" IS 'Orders of which a job was aborted [count]';
COMMENT ON COLUMN rework_daily."label_failed" IS 'Orders with a failed label request [count]';
COMMENT ON COLUMN rework_daily."reverted" IS 'Orders of which a hand-over was taken back [count]';
COMMENT ON COLUMN rework_daily."refused" IS 'Orders of which the consumer refused units [count]';
COMMENT ON COLUMN rework_daily."reroutes" IS 'Plans that were announced by a reroute [count]';
COMMENT ON COLUMN rework_daily."resets" IS 'Resets of picking [count]';
COMMENT ON COLUMN rework_daily."short_lines" IS 'Lines that were picked short [count]';
COMMENT ON COLUMN rework_daily."label_failures" IS 'Failed label requests [count]';
COMMENT ON COLUMN rework_daily."reroute_seconds" IS 'Time from jobs given up to their successors, together [s]';
CREATE VIEW "stage_durations" AS SELECT CAST("day" AS DATE) AS "day", CAST("flow" AS VARCHAR) AS "flow", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("stage" AS VARCHAR) AS "stage", CAST("kind" AS VARCHAR) AS "kind", CAST("stretches" AS BIGINT) AS "stretches", CAST("lasting" AS BIGINT) AS "lasting", CAST("seconds_sum" AS DOUBLE) AS "seconds_sum", CAST("seconds_mean" AS DOUBLE) AS "seconds_mean", CAST("seconds_p50" AS DOUBLE) AS "seconds_p50", CAST("seconds_p90" AS DOUBLE) AS "seconds_p90", CAST("seconds_max" AS DOUBLE) AS "seconds_max" FROM (
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
  flow,
  facility_ref,
  stage,
  kind,
  COUNT(seconds) AS stretches,
  COUNT(CASE WHEN seconds IS NULL THEN 1 END) AS lasting,
  SUM(seconds) AS seconds_sum,
  AVG(seconds) AS seconds_mean,
  ARRAY_AGG(seconds ORDER BY seconds NULLS FIRST) FILTER(WHERE seconds IS NOT NULL)[(
    CAST(CEIL(0.5 * COUNT(seconds)) AS BIGINT) - 1
  ) + 1] AS seconds_p50,
  ARRAY_AGG(seconds ORDER BY seconds NULLS FIRST) FILTER(WHERE seconds IS NOT NULL)[(
    CAST(CEIL(0.9 * COUNT(seconds)) AS BIGINT) - 1
  ) + 1] AS seconds_p90,
  MAX(seconds) AS seconds_max
FROM "flow_interval"
GROUP BY
  day,
  flow,
  facility_ref,
  stage,
  kind
);
COMMENT ON VIEW stage_durations IS 'Time by day, facility, stage and kind: how many stretches ended, and how long they were. Filter by day to read only those days.';
COMMENT ON COLUMN stage_durations."day" IS 'Day (UTC) on which the stretch began';
COMMENT ON COLUMN stage_durations."flow" IS 'order, inbound or stow';
COMMENT ON COLUMN stage_durations."facility_ref" IS 'Facility of the entity';
COMMENT ON COLUMN stage_durations."stage" IS 'Stage of the flow';
COMMENT ON COLUMN stage_durations."kind" IS 'waiting, working, paused or blocked';
COMMENT ON COLUMN stage_durations."stretches" IS 'Stretches that have ended [count]';
COMMENT ON COLUMN stage_durations."lasting" IS 'Stretches that last on [count]';
COMMENT ON COLUMN stage_durations."seconds_sum" IS 'Length of the ended ones together [s]';
COMMENT ON COLUMN stage_durations."seconds_mean" IS 'Mean length [s]';
COMMENT ON COLUMN stage_durations."seconds_p50" IS 'Half of the stretches are no longer [s]';
COMMENT ON COLUMN stage_durations."seconds_p90" IS 'Nine of ten stretches are no longer [s]';
COMMENT ON COLUMN stage_durations."seconds_max" IS 'Longest [s]';
CREATE VIEW "stage_histogram" AS SELECT CAST("day" AS DATE) AS "day", CAST("flow" AS VARCHAR) AS "flow", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("channel" AS VARCHAR) AS "channel", CAST("stage" AS VARCHAR) AS "stage", CAST("kind" AS VARCHAR) AS "kind", CAST("bucket" AS BIGINT) AS "bucket", CAST("stretches" AS BIGINT) AS "stretches", CAST("seconds" AS DOUBLE) AS "seconds" FROM (
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(i.started_at) / 86400000000) AS INT)) AS day,
  i.flow,
  i.facility_ref,
  o.channel,
  i.stage,
  i.kind,
  CASE
    WHEN ABS(i.seconds) <= 0.00000001
    THEN 0
    WHEN i.seconds > 0
    THEN CAST(FLOOR(LN(ABS(i.seconds)) / LN(1.02)) AS BIGINT) + 1000
    ELSE -(
      CAST(FLOOR(LN(ABS(i.seconds)) / LN(1.02)) AS BIGINT) + 1000
    )
  END AS bucket,
  COUNT(*) AS stretches,
  SUM(i.seconds) AS seconds
FROM "flow_interval" AS i
LEFT JOIN "order_flow" AS o
  ON i.flow = 'order' AND o.flow_id = i.flow_id
WHERE
  NOT i.seconds IS NULL
GROUP BY
  day,
  i.flow,
  i.facility_ref,
  o.channel,
  i.stage,
  i.kind,
  bucket
);
COMMENT ON VIEW stage_histogram IS 'Lengths of ended stretches of time, counted by bucket, by day, place, channel, stage and kind. Filter by day to read only those days. Percentiles of any roll-up are within 1 % (schemas/docs/views.md has the question).';
COMMENT ON COLUMN stage_histogram."day" IS 'Day (UTC) on which the stretch began';
COMMENT ON COLUMN stage_histogram."flow" IS 'order, inbound or stow';
COMMENT ON COLUMN stage_histogram."facility_ref" IS 'Facility of the entity';
COMMENT ON COLUMN stage_histogram."channel" IS 'Channel of the order; NULL for the other flows';
COMMENT ON COLUMN stage_histogram."stage" IS 'Stage of the flow';
COMMENT ON COLUMN stage_histogram."kind" IS 'waiting, working, paused or blocked';
COMMENT ON COLUMN stage_histogram."bucket" IS 'Number of the bucket: it begins at 1.02^(bucket - 1000) seconds';
COMMENT ON COLUMN stage_histogram."stretches" IS 'Stretches in the bucket [count]';
COMMENT ON COLUMN stage_histogram."seconds" IS 'Their length together [s]';
CREATE VIEW "stage_histogram_hourly" AS SELECT CAST("day" AS DATE) AS "day", CAST("hour" AS TIMESTAMPTZ) AS "hour", CAST("flow" AS VARCHAR) AS "flow", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("channel" AS VARCHAR) AS "channel", CAST("stage" AS VARCHAR) AS "stage", CAST("kind" AS VARCHAR) AS "kind", CAST("bucket" AS BIGINT) AS "bucket", CAST("stretches" AS BIGINT) AS "stretches", CAST("seconds" AS DOUBLE) AS "seconds" FROM (
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(i.started_at) / 86400000000) AS INT)) AS day,
  MAKE_TIMESTAMPTZ(CAST(FLOOR(EPOCH_US(i.started_at) / 3600000000) AS BIGINT) * 3600000000) AS hour,
  i.flow,
  i.facility_ref,
  o.channel,
  i.stage,
  i.kind,
  CASE
    WHEN ABS(i.seconds) <= 0.00000001
    THEN 0
    WHEN i.seconds > 0
    THEN CAST(FLOOR(LN(ABS(i.seconds)) / LN(1.02)) AS BIGINT) + 1000
    ELSE -(
      CAST(FLOOR(LN(ABS(i.seconds)) / LN(1.02)) AS BIGINT) + 1000
    )
  END AS bucket,
  COUNT(*) AS stretches,
  SUM(i.seconds) AS seconds
FROM "flow_interval" AS i
LEFT JOIN "order_flow" AS o
  ON i.flow = 'order' AND o.flow_id = i.flow_id
WHERE
  NOT i.seconds IS NULL
GROUP BY
  day,
  hour,
  i.flow,
  i.facility_ref,
  o.channel,
  i.stage,
  i.kind,
  bucket
);
COMMENT ON VIEW stage_histogram_hourly IS 'Lengths of ended stretches of time, counted by bucket, by hour, place, channel, stage and kind. Filter by day to read only those days. Percentiles of any roll-up are within 1 % (schemas/docs/views.md has the question).';
COMMENT ON COLUMN stage_histogram_hourly."day" IS 'Day (UTC) on which the stretch began';
COMMENT ON COLUMN stage_histogram_hourly."hour" IS 'Hour in which the stretch began [UTC]';
COMMENT ON COLUMN stage_histogram_hourly."flow" IS 'order, inbound or stow';
COMMENT ON COLUMN stage_histogram_hourly."facility_ref" IS 'Facility of the entity';
COMMENT ON COLUMN stage_histogram_hourly."channel" IS 'Channel of the order; NULL for the other flows';
COMMENT ON COLUMN stage_histogram_hourly."stage" IS 'Stage of the flow';
COMMENT ON COLUMN stage_histogram_hourly."kind" IS 'waiting, working, paused or blocked';
COMMENT ON COLUMN stage_histogram_hourly."bucket" IS 'Number of the bucket: it begins at 1.02^(bucket - 1000) seconds';
COMMENT ON COLUMN stage_histogram_hourly."stretches" IS 'Stretches in the bucket [count]';
COMMENT ON COLUMN stage_histogram_hourly."seconds" IS 'Their length together [s]';
CREATE VIEW "stow_board" AS SELECT CAST("day" AS DATE) AS "day", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("jobs" AS BIGINT) AS "jobs", CAST("open" AS BIGINT) AS "open", CAST("fulfilled" AS BIGINT) AS "fulfilled", CAST("cancelled" AS BIGINT) AS "cancelled", CAST("incomplete" AS BIGINT) AS "incomplete", CAST("reopened" AS BIGINT) AS "reopened", CAST("judged" AS BIGINT) AS "judged", CAST("late" AS BIGINT) AS "late", CAST("lines" AS BIGINT) AS "lines", CAST("planned_units" AS DOUBLE) AS "planned_units", CAST("stowed_units" AS DOUBLE) AS "stowed_units", CAST("discarded_units" AS DOUBLE) AS "discarded_units", CAST("net_seconds" AS DOUBLE) AS "net_seconds" FROM (
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
  facility_ref,
  COUNT(*) AS jobs,
  COUNT(CASE WHEN outcome = 'open' THEN 1 END) AS open,
  COUNT(CASE WHEN outcome = 'fulfilled' THEN 1 END) AS fulfilled,
  COUNT(CASE WHEN outcome = 'cancelled' THEN 1 END) AS cancelled,
  COUNT(CASE WHEN outcome = 'incomplete' THEN 1 END) AS incomplete,
  COUNT(CASE WHEN reopen_count > 0 THEN 1 END) AS reopened,
  COUNT(stow_lateness_seconds) AS judged,
  COUNT(CASE WHEN stow_lateness_seconds > 0 THEN 1 END) AS late,
  SUM(line_count) AS lines,
  SUM(planned_units) AS planned_units,
  SUM(stowed_units) AS stowed_units,
  SUM(discarded_units) AS discarded_units,
  SUM(stow_duration_net_seconds) AS net_seconds
FROM "stow_flow"
GROUP BY
  day,
  facility_ref
);
COMMENT ON VIEW stow_board IS 'Stow jobs by the day on which they were created. Filter by day to read only those days.';
COMMENT ON COLUMN stow_board."day" IS 'Day (UTC) of the job''s first milestone';
COMMENT ON COLUMN stow_board."facility_ref" IS 'The facility';
COMMENT ON COLUMN stow_board."jobs" IS 'Jobs that were created on the day [count]';
COMMENT ON COLUMN stow_board."open" IS 'Of these, still open [count]';
COMMENT ON COLUMN stow_board."fulfilled" IS 'Of these, closed [count]';
COMMENT ON COLUMN stow_board."cancelled" IS 'Of these, cancelled [count]';
COMMENT ON COLUMN stow_board."incomplete" IS 'Of these, with a deadline that passed and no end [count]';
COMMENT ON COLUMN stow_board."reopened" IS 'Of these, opened again after their end [count]';
COMMENT ON COLUMN stow_board."judged" IS 'Of these, closed and with a target [count]';
COMMENT ON COLUMN stow_board."late" IS 'Of the judged, closed late [count]';
COMMENT ON COLUMN stow_board."lines" IS 'Lines [count]';
COMMENT ON COLUMN stow_board."planned_units" IS 'Planned [units]';
COMMENT ON COLUMN stow_board."stowed_units" IS 'Brought into stock [units]';
COMMENT ON COLUMN stow_board."discarded_units" IS 'Booked out [units]';
COMMENT ON COLUMN stow_board."net_seconds" IS 'Time of stowing without pauses, together [s]';
CREATE VIEW "variants_daily" AS SELECT CAST("day" AS DATE) AS "day", CAST("flow" AS VARCHAR) AS "flow", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("channel" AS VARCHAR) AS "channel", CAST("variant" AS VARCHAR) AS "variant", CAST("bucket" AS BIGINT) AS "bucket", CAST("flows" AS BIGINT) AS "flows", CAST("fulfilled" AS BIGINT) AS "fulfilled", CAST("conforming" AS BIGINT) AS "conforming", CAST("judged" AS BIGINT) AS "judged", CAST("on_time" AS BIGINT) AS "on_time", CAST("seconds" AS DOUBLE) AS "seconds" FROM (
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
  flow,
  facility_ref,
  channel,
  variant,
  CASE
    WHEN ABS(length) <= 0.00000001
    THEN 0
    WHEN length > 0
    THEN CAST(FLOOR(LN(ABS(length)) / LN(1.02)) AS BIGINT) + 1000
    ELSE -(
      CAST(FLOOR(LN(ABS(length)) / LN(1.02)) AS BIGINT) + 1000
    )
  END AS bucket,
  COUNT(*) AS flows,
  COUNT(CASE WHEN outcome = 'fulfilled' THEN 1 END) AS fulfilled,
  COUNT(CASE WHEN conforms THEN 1 END) AS conforming,
  COUNT(on_time) AS judged,
  COUNT(CASE WHEN on_time THEN 1 END) AS on_time,
  SUM(length) AS seconds
FROM (
  SELECT
    'order' AS flow,
    facility_ref,
    channel,
    started_at,
    variant,
    outcome,
    conforms,
    on_time,
    order_cycle_seconds AS length
  FROM "order_flow"
  UNION ALL
  SELECT
    'inbound',
    facility_ref,
    CAST(NULL AS TEXT),
    started_at,
    variant,
    outcome,
    conforms,
    CAST(NULL AS BOOLEAN),
    inbound_complete_seconds
  FROM "inbound_flow"
  UNION ALL
  SELECT
    'stow',
    facility_ref,
    CAST(NULL AS TEXT),
    started_at,
    variant,
    outcome,
    conforms,
    CAST(NULL AS BOOLEAN),
    stow_total_seconds
  FROM "stow_flow"
) AS flows
GROUP BY
  day,
  flow,
  facility_ref,
  channel,
  variant,
  bucket
);
COMMENT ON VIEW variants_daily IS 'Variants: the paths that flows took, how often and how long. Add up flows and seconds over buckets for plain counts and means. Filter by day to read only those days. Percentiles of any roll-up are within 1 % (schemas/docs/views.md has the question).';
COMMENT ON COLUMN variants_daily."day" IS 'Day (UTC) of the flow''s first milestone';
COMMENT ON COLUMN variants_daily."flow" IS 'order, inbound or stow';
COMMENT ON COLUMN variants_daily."facility_ref" IS 'The facility; NULL for flows of several or of none yet';
COMMENT ON COLUMN variants_daily."channel" IS 'SHIPPING, COLLECT or MIXED, of orders';
COMMENT ON COLUMN variants_daily."variant" IS 'Milestones in order of time, joined by >';
COMMENT ON COLUMN variants_daily."bucket" IS 'Bucket of the duration (1.02^(bucket - 1000) seconds and more); NULL where there is none yet';
COMMENT ON COLUMN variants_daily."flows" IS 'Flows [count]';
COMMENT ON COLUMN variants_daily."fulfilled" IS 'Of these, fulfilled [count]';
COMMENT ON COLUMN variants_daily."conforming" IS 'Of these, without a deviation [count]';
COMMENT ON COLUMN variants_daily."judged" IS 'Orders with a target and an end [count]';
COMMENT ON COLUMN variants_daily."on_time" IS 'Of these, on time [count]';
COMMENT ON COLUMN variants_daily."seconds" IS 'Durations together: internal order cycle time, purchase order cycle time, put-away time [s]';
CREATE VIEW "wip_daily" AS SELECT CAST("day" AS DATE) AS "day", CAST("flow" AS VARCHAR) AS "flow", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("stage" AS VARCHAR) AS "stage", CAST("kind" AS VARCHAR) AS "kind", CAST("entities" AS BIGINT) AS "entities", CAST("older_1h" AS BIGINT) AS "older_1h", CAST("older_1d" AS BIGINT) AS "older_1d", CAST("older_3d" AS BIGINT) AS "older_3d", CAST("age_seconds_sum" AS DOUBLE) AS "age_seconds_sum", CAST("age_seconds_max" AS DOUBLE) AS "age_seconds_max" FROM (
WITH span AS (
  SELECT
    MIN(started_at) AS first_at,
    (
      SELECT
        MAX(as_of)
      FROM "pipeline_run"
    ) AS as_of
  FROM "flow_interval"
), days AS (
  SELECT
    day
  FROM span
  CROSS JOIN UNNEST(CAST(GENERATE_SERIES(
    MAKE_DATE(CAST(FLOOR(EPOCH_US(first_at) / 86400000000) AS INT)),
    MAKE_DATE(CAST(FLOOR(EPOCH_US(as_of) / 86400000000) AS INT)) - INTERVAL '1' DAY,
    INTERVAL '1' DAY
  ) AS DATE[])) AS _t0(day)
), lasting AS (
  SELECT
    flow,
    facility_ref,
    stage,
    kind,
    started_at,
    MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS first_day,
    COALESCE(
      MAKE_DATE(CAST(FLOOR(EPOCH_US(ended_at) / 86400000000) AS INT)),
      CAST('9999-12-31' AS DATE)
    ) AS end_day
  FROM "flow_interval"
), there AS (
  SELECT
    days.day,
    flow,
    facility_ref,
    stage,
    kind,
    86400 * (
      1 + DATE_DIFF('DAY', first_day, days.day)
    ) - (
      EPOCH_US(started_at) - EPOCH_US(
        MAKE_TIMESTAMPTZ(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS BIGINT) * 86400000000)
      )
    ) / 1000000 AS age
  FROM lasting
  JOIN days
    ON days.day >= first_day AND days.day < end_day
  WHERE
    first_day < end_day
)
SELECT
  day,
  flow,
  facility_ref,
  stage,
  kind,
  COUNT(*) AS entities,
  COUNT(CASE WHEN age > 3600 THEN 1 END) AS older_1h,
  COUNT(CASE WHEN age > 86400 THEN 1 END) AS older_1d,
  COUNT(CASE WHEN age > 259200 THEN 1 END) AS older_3d,
  SUM(age) AS age_seconds_sum,
  MAX(age) AS age_seconds_max
FROM there
GROUP BY
  day,
  flow,
  facility_ref,
  stage,
  kind
);
COMMENT ON VIEW wip_daily IS 'Work in progress at the last microsecond of each day (UTC), up to the instant of the facts: entities in a stage, and their age. Filter by day to see only those days; stretches that began earlier are read, too, for they may still last. For any other instant schemas/docs/views.md has the question.';
COMMENT ON COLUMN wip_daily."day" IS 'The day';
COMMENT ON COLUMN wip_daily."flow" IS 'order, inbound or stow';
COMMENT ON COLUMN wip_daily."facility_ref" IS 'Facility of the entity';
COMMENT ON COLUMN wip_daily."stage" IS 'Stage of the flow';
COMMENT ON COLUMN wip_daily."kind" IS 'waiting, working, paused or blocked';
COMMENT ON COLUMN wip_daily."entities" IS 'Entities in the stage [count]';
COMMENT ON COLUMN wip_daily."older_1h" IS 'Of these, in the stage for more than an hour [count]';
COMMENT ON COLUMN wip_daily."older_1d" IS 'Of these, in the stage for more than a day [count]';
COMMENT ON COLUMN wip_daily."older_3d" IS 'Of these, in the stage for more than three days [count]';
COMMENT ON COLUMN wip_daily."age_seconds_sum" IS 'Their ages together [s]';
COMMENT ON COLUMN wip_daily."age_seconds_max" IS 'Age of the oldest [s]';
CREATE VIEW "wip_moves" AS SELECT CAST("day" AS DATE) AS "day", CAST("hour" AS TIMESTAMPTZ) AS "hour", CAST("flow" AS VARCHAR) AS "flow", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("stage" AS VARCHAR) AS "stage", CAST("kind" AS VARCHAR) AS "kind", CAST("entered" AS BIGINT) AS "entered", CAST("left_stage" AS BIGINT) AS "left_stage" FROM (
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(moved_at) / 86400000000) AS INT)) AS day,
  MAKE_TIMESTAMPTZ(CAST(FLOOR(EPOCH_US(moved_at) / 3600000000) AS BIGINT) * 3600000000) AS hour,
  flow,
  facility_ref,
  stage,
  kind,
  SUM(came) AS entered,
  COUNT(*) - SUM(came) AS left_stage
FROM (
  SELECT
    started_at AS moved_at,
    flow,
    facility_ref,
    stage,
    kind,
    1 AS came
  FROM "flow_interval"
  UNION ALL
  SELECT
    ended_at,
    flow,
    facility_ref,
    stage,
    kind,
    0
  FROM "flow_interval"
  WHERE
    NOT ended_at IS NULL
) AS moves
GROUP BY
  day,
  hour,
  flow,
  facility_ref,
  stage,
  kind
);
COMMENT ON VIEW wip_moves IS 'What entered and left each stage, hour by hour. Work in progress at the end of an hour is entered minus left, summed over it and all hours before. Filter by day to see only those days; the end of a stretch lies on another day than its beginning, so all are read.';
COMMENT ON COLUMN wip_moves."day" IS 'Day (UTC) of the hour';
COMMENT ON COLUMN wip_moves."hour" IS 'The hour [UTC]';
COMMENT ON COLUMN wip_moves."flow" IS 'order, inbound or stow';
COMMENT ON COLUMN wip_moves."facility_ref" IS 'Facility of the entity';
COMMENT ON COLUMN wip_moves."stage" IS 'Stage of the flow';
COMMENT ON COLUMN wip_moves."kind" IS 'waiting, working, paused or blocked';
COMMENT ON COLUMN wip_moves."entered" IS 'Stretches that began in the hour [count]';
COMMENT ON COLUMN wip_moves."left_stage" IS 'Stretches that ended in the hour [count]';
CREATE VIEW "work_in_progress" AS SELECT CAST("day" AS DATE) AS "day", CAST("flow" AS VARCHAR) AS "flow", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("stage" AS VARCHAR) AS "stage", CAST("kind" AS VARCHAR) AS "kind", CAST("entities" AS BIGINT) AS "entities", CAST("oldest_started_at" AS TIMESTAMPTZ) AS "oldest_started_at", CAST("age_seconds_mean" AS DOUBLE) AS "age_seconds_mean", CAST("age_seconds_max" AS DOUBLE) AS "age_seconds_max", CAST("as_of" AS TIMESTAMPTZ) AS "as_of" FROM (
WITH newest AS (
  SELECT
    MAX(as_of) AS as_of
  FROM "pipeline_run"
)
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(flow_interval.started_at) / 86400000000) AS INT)) AS day,
  flow_interval.flow,
  flow_interval.facility_ref,
  flow_interval.stage,
  flow_interval.kind,
  COUNT(*) AS entities,
  MIN(flow_interval.started_at) AS oldest_started_at,
  AVG((
    EPOCH_US(newest.as_of) - EPOCH_US(flow_interval.started_at)
  ) / 1000000) AS age_seconds_mean,
  MAX((
    EPOCH_US(newest.as_of) - EPOCH_US(flow_interval.started_at)
  ) / 1000000) AS age_seconds_max,
  newest.as_of
FROM "flow_interval" AS flow_interval
CROSS JOIN newest
WHERE
  flow_interval.ended_at IS NULL AND flow_interval.started_at <= newest.as_of
GROUP BY
  day,
  flow_interval.flow,
  flow_interval.facility_ref,
  flow_interval.stage,
  flow_interval.kind,
  newest.as_of
);
COMMENT ON VIEW work_in_progress IS 'Work in progress at the instant of the newest run: stretches that last on, by facility and stage, and how old they are. Filter by day to read only those days.';
COMMENT ON COLUMN work_in_progress."day" IS 'Day (UTC) on which the stretch began';
COMMENT ON COLUMN work_in_progress."flow" IS 'order, inbound or stow';
COMMENT ON COLUMN work_in_progress."facility_ref" IS 'Facility of the entity';
COMMENT ON COLUMN work_in_progress."stage" IS 'Stage of the flow';
COMMENT ON COLUMN work_in_progress."kind" IS 'waiting, working, paused or blocked';
COMMENT ON COLUMN work_in_progress."entities" IS 'Entities in the stage [count]';
COMMENT ON COLUMN work_in_progress."oldest_started_at" IS 'Since when the oldest is in the stage [UTC]';
COMMENT ON COLUMN work_in_progress."age_seconds_mean" IS 'Mean age at the instant of the facts [s]';
COMMENT ON COLUMN work_in_progress."age_seconds_max" IS 'Age of the oldest at the instant of the facts [s]';
COMMENT ON COLUMN work_in_progress."as_of" IS 'Instant the facts are a function of [UTC]';
CREATE VIEW "kpi_daily" AS SELECT CAST("day" AS DATE) AS "day", CAST("kpi" AS VARCHAR) AS "kpi", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("channel" AS VARCHAR) AS "channel", CAST("carrier_ref" AS VARCHAR) AS "carrier_ref", CAST("numerator" AS DOUBLE) AS "numerator", CAST("denominator" AS DOUBLE) AS "denominator", CAST("value" AS DOUBLE) AS "value", CAST("counted" AS BIGINT) AS "counted", CAST("excluded" AS BIGINT) AS "excluded", CAST("flagged" AS BIGINT) AS "flagged", CAST("flagged_share" AS DOUBLE) AS "flagged_share", CAST("day_closed" AS BOOLEAN) AS "day_closed" FROM (
SELECT
  found.day,
  kpi,
  facility_ref,
  channel,
  carrier_ref,
  numerator,
  denominator,
  CASE
    WHEN denominator IS NULL
    THEN numerator
    ELSE scale * CASE WHEN denominator <> 0 THEN numerator / denominator ELSE NULL END
  END AS value,
  counted,
  asked - counted AS excluded,
  flagged,
  CASE WHEN counted <> 0 THEN flagged / counted ELSE NULL END AS flagged_share,
  day_book.closed AS day_closed
FROM (
  (
    WITH sums AS (
      SELECT
        MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
        facility_ref,
        channel AS channel,
        CAST(NULL AS TEXT) AS carrier_ref,
        COUNT(CASE WHEN (
          NOT (
            order_cycle_seconds
          ) IS NULL
        ) THEN 1 END) AS x0,
        COUNT(*) AS x1,
        COUNT(
          CASE
            WHEN (
              NOT (
                order_cycle_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x2,
        SUM(
          CASE
            WHEN (
              NOT (
                order_cycle_seconds
              ) IS NULL
            )
            THEN order_cycle_seconds
            ELSE NULL
          END
        ) AS x3,
        NULLIF(COUNT(CASE WHEN (
          NOT (
            order_cycle_seconds
          ) IS NULL
        ) THEN 1 END), 0) AS x4,
        COUNT(
          CASE
            WHEN (
              NOT (
                CASE
                  WHEN outcome = 'fulfilled'
                  THEN (
                    EPOCH_US(
                      CASE
                        WHEN channel = 'COLLECT'
                        THEN last_handed_over_at
                        WHEN delivered_at >= last_handed_over_at
                        THEN delivered_at
                        WHEN delivered_at < last_handed_over_at
                        THEN last_handed_over_at
                      END
                    ) - EPOCH_US(order_date_at)
                  ) / 1000000
                  ELSE NULL
                END
              ) IS NULL
            )
            THEN 1
          END
        ) AS x5,
        COUNT(
          CASE
            WHEN (
              NOT (
                CASE
                  WHEN outcome = 'fulfilled'
                  THEN (
                    EPOCH_US(
                      CASE
                        WHEN channel = 'COLLECT'
                        THEN last_handed_over_at
                        WHEN delivered_at >= last_handed_over_at
                        THEN delivered_at
                        WHEN delivered_at < last_handed_over_at
                        THEN last_handed_over_at
                      END
                    ) - EPOCH_US(order_date_at)
                  ) / 1000000
                  ELSE NULL
                END
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x6,
        SUM(
          CASE
            WHEN (
              NOT (
                CASE
                  WHEN outcome = 'fulfilled'
                  THEN (
                    EPOCH_US(
                      CASE
                        WHEN channel = 'COLLECT'
                        THEN last_handed_over_at
                        WHEN delivered_at >= last_handed_over_at
                        THEN delivered_at
                        WHEN delivered_at < last_handed_over_at
                        THEN last_handed_over_at
                      END
                    ) - EPOCH_US(order_date_at)
                  ) / 1000000
                  ELSE NULL
                END
              ) IS NULL
            )
            THEN CASE
              WHEN outcome = 'fulfilled'
              THEN (
                EPOCH_US(
                  CASE
                    WHEN channel = 'COLLECT'
                    THEN last_handed_over_at
                    WHEN delivered_at >= last_handed_over_at
                    THEN delivered_at
                    WHEN delivered_at < last_handed_over_at
                    THEN last_handed_over_at
                  END
                ) - EPOCH_US(order_date_at)
              ) / 1000000
              ELSE NULL
            END
            ELSE NULL
          END
        ) AS x7,
        NULLIF(
          COUNT(
            CASE
              WHEN (
                NOT (
                  CASE
                    WHEN outcome = 'fulfilled'
                    THEN (
                      EPOCH_US(
                        CASE
                          WHEN channel = 'COLLECT'
                          THEN last_handed_over_at
                          WHEN delivered_at >= last_handed_over_at
                          THEN delivered_at
                          WHEN delivered_at < last_handed_over_at
                          THEN last_handed_over_at
                        END
                      ) - EPOCH_US(order_date_at)
                    ) / 1000000
                    ELSE NULL
                  END
                ) IS NULL
              )
              THEN 1
            END
          ),
          0
        ) AS x8,
        COUNT(CASE WHEN (
          NOT (
            order_lead_seconds
          ) IS NULL
        ) THEN 1 END) AS x9,
        COUNT(
          CASE
            WHEN (
              NOT (
                order_lead_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x10,
        SUM(
          CASE
            WHEN (
              NOT (
                order_lead_seconds
              ) IS NULL
            )
            THEN order_lead_seconds
            ELSE NULL
          END
        ) AS x11,
        NULLIF(COUNT(CASE WHEN (
          NOT (
            order_lead_seconds
          ) IS NULL
        ) THEN 1 END), 0) AS x12,
        COUNT(CASE WHEN (
          NOT (
            order_intake_lag_seconds
          ) IS NULL
        ) THEN 1 END) AS x13,
        COUNT(
          CASE
            WHEN (
              NOT (
                order_intake_lag_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x14,
        SUM(
          CASE
            WHEN (
              NOT (
                order_intake_lag_seconds
              ) IS NULL
            )
            THEN order_intake_lag_seconds
            ELSE NULL
          END
        ) AS x15,
        NULLIF(
          COUNT(CASE WHEN (
            NOT (
              order_intake_lag_seconds
            ) IS NULL
          ) THEN 1 END),
          0
        ) AS x16,
        COUNT(
          CASE
            WHEN (
              CASE
                WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
                THEN FALSE
                WHEN ARRAY_CONTAINS(deviations, 'locked')
                THEN TRUE
                WHEN 'locked' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
                THEN NULL
                ELSE FALSE
              END
            )
            AND (
              NOT (
                lock_wait_seconds
              ) IS NULL
            )
            THEN 1
          END
        ) AS x17,
        COUNT(
          CASE
            WHEN CASE
              WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
              THEN FALSE
              WHEN ARRAY_CONTAINS(deviations, 'locked')
              THEN TRUE
              WHEN 'locked' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
              THEN NULL
              ELSE FALSE
            END
            THEN 1
          END
        ) AS x18,
        COUNT(
          CASE
            WHEN (
              CASE
                WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
                THEN FALSE
                WHEN ARRAY_CONTAINS(deviations, 'locked')
                THEN TRUE
                WHEN 'locked' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
                THEN NULL
                ELSE FALSE
              END
            )
            AND (
              NOT (
                lock_wait_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x19,
        SUM(
          CASE
            WHEN (
              CASE
                WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
                THEN FALSE
                WHEN ARRAY_CONTAINS(deviations, 'locked')
                THEN TRUE
                WHEN 'locked' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
                THEN NULL
                ELSE FALSE
              END
            )
            AND (
              NOT (
                lock_wait_seconds
              ) IS NULL
            )
            THEN lock_wait_seconds
            ELSE NULL
          END
        ) AS x20,
        NULLIF(
          COUNT(
            CASE
              WHEN (
                CASE
                  WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
                  THEN FALSE
                  WHEN ARRAY_CONTAINS(deviations, 'locked')
                  THEN TRUE
                  WHEN 'locked' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
                  THEN NULL
                  ELSE FALSE
                END
              )
              AND (
                NOT (
                  lock_wait_seconds
                ) IS NULL
              )
              THEN 1
            END
          ),
          0
        ) AS x21,
        COUNT(CASE WHEN (
          NOT (
            order_to_route_seconds
          ) IS NULL
        ) THEN 1 END) AS x22,
        COUNT(
          CASE
            WHEN (
              NOT (
                order_to_route_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x23,
        SUM(
          CASE
            WHEN (
              NOT (
                order_to_route_seconds
              ) IS NULL
            )
            THEN order_to_route_seconds
            ELSE NULL
          END
        ) AS x24,
        NULLIF(COUNT(CASE WHEN (
          NOT (
            order_to_route_seconds
          ) IS NULL
        ) THEN 1 END), 0) AS x25,
        COUNT(
          CASE
            WHEN (
              CASE
                WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
                THEN FALSE
                WHEN ARRAY_CONTAINS(deviations, 'reroute')
                THEN TRUE
                WHEN 'reroute' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
                THEN NULL
                ELSE FALSE
              END
            )
            AND (
              NOT (
                reroute_delay_seconds
              ) IS NULL
            )
            THEN 1
          END
        ) AS x26,
        COUNT(
          CASE
            WHEN CASE
              WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
              THEN FALSE
              WHEN ARRAY_CONTAINS(deviations, 'reroute')
              THEN TRUE
              WHEN 'reroute' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
              THEN NULL
              ELSE FALSE
            END
            THEN 1
          END
        ) AS x27,
        COUNT(
          CASE
            WHEN (
              CASE
                WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
                THEN FALSE
                WHEN ARRAY_CONTAINS(deviations, 'reroute')
                THEN TRUE
                WHEN 'reroute' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
                THEN NULL
                ELSE FALSE
              END
            )
            AND (
              NOT (
                reroute_delay_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x28,
        SUM(
          CASE
            WHEN (
              CASE
                WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
                THEN FALSE
                WHEN ARRAY_CONTAINS(deviations, 'reroute')
                THEN TRUE
                WHEN 'reroute' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
                THEN NULL
                ELSE FALSE
              END
            )
            AND (
              NOT (
                reroute_delay_seconds
              ) IS NULL
            )
            THEN reroute_delay_seconds
            ELSE NULL
          END
        ) AS x29,
        NULLIF(
          COUNT(
            CASE
              WHEN (
                CASE
                  WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
                  THEN FALSE
                  WHEN ARRAY_CONTAINS(deviations, 'reroute')
                  THEN TRUE
                  WHEN 'reroute' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
                  THEN NULL
                  ELSE FALSE
                END
              )
              AND (
                NOT (
                  reroute_delay_seconds
                ) IS NULL
              )
              THEN 1
            END
          ),
          0
        ) AS x30,
        COUNT(
          CASE
            WHEN (
              NOT cancel_reason IS NULL
            )
            AND (
              NOT (
                cancel_after_seconds
              ) IS NULL
            )
            THEN 1
          END
        ) AS x31,
        COUNT(CASE WHEN NOT cancel_reason IS NULL THEN 1 END) AS x32,
        COUNT(
          CASE
            WHEN (
              NOT cancel_reason IS NULL
            )
            AND (
              NOT (
                cancel_after_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x33,
        SUM(
          CASE
            WHEN (
              NOT cancel_reason IS NULL
            )
            AND (
              NOT (
                cancel_after_seconds
              ) IS NULL
            )
            THEN cancel_after_seconds
            ELSE NULL
          END
        ) AS x34,
        NULLIF(
          COUNT(
            CASE
              WHEN (
                NOT cancel_reason IS NULL
              )
              AND (
                NOT (
                  cancel_after_seconds
                ) IS NULL
              )
              THEN 1
            END
          ),
          0
        ) AS x35,
        COUNT(CASE WHEN (
          NOT (
            lateness_seconds
          ) IS NULL
        ) THEN 1 END) AS x36,
        COUNT(
          CASE
            WHEN (
              NOT (
                lateness_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x37,
        SUM(
          CASE
            WHEN (
              NOT (
                lateness_seconds
              ) IS NULL
            )
            THEN lateness_seconds
            ELSE NULL
          END
        ) AS x38,
        NULLIF(COUNT(CASE WHEN (
          NOT (
            lateness_seconds
          ) IS NULL
        ) THEN 1 END), 0) AS x39,
        COUNT(
          CASE
            WHEN (
              channel IN ('SHIPPING', 'MIXED') AND outcome = 'fulfilled'
            )
            AND (
              NOT on_time IS NULL
            )
            THEN 1
          END
        ) AS x40,
        COUNT(CASE WHEN channel IN ('SHIPPING', 'MIXED') AND outcome = 'fulfilled' THEN 1 END) AS x41,
        COUNT(
          CASE
            WHEN (
              channel IN ('SHIPPING', 'MIXED') AND outcome = 'fulfilled'
            )
            AND (
              NOT on_time IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x42,
        SUM(
          CASE
            WHEN (
              channel IN ('SHIPPING', 'MIXED') AND outcome = 'fulfilled'
            )
            AND (
              NOT on_time IS NULL
            )
            THEN CASE WHEN on_time THEN 1 ELSE 0 END
            ELSE NULL
          END
        ) AS x43,
        NULLIF(
          COUNT(
            CASE
              WHEN (
                channel IN ('SHIPPING', 'MIXED') AND outcome = 'fulfilled'
              )
              AND (
                NOT on_time IS NULL
              )
              THEN 1
            END
          ),
          0
        ) AS x44,
        COUNT(CASE WHEN (
          NOT on_time IS NULL
        ) THEN 1 END) AS x45,
        COUNT(
          CASE
            WHEN (
              NOT on_time IS NULL
            ) AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x46,
        SUM(
          CASE
            WHEN (
              NOT on_time IS NULL
            )
            THEN CASE WHEN on_time THEN 1 ELSE 0 END
            ELSE NULL
          END
        ) AS x47,
        NULLIF(COUNT(CASE WHEN (
          NOT on_time IS NULL
        ) THEN 1 END), 0) AS x48,
        COUNT(CASE WHEN (
          channel = 'COLLECT'
        ) AND (
          NOT on_time IS NULL
        ) THEN 1 END) AS x49,
        COUNT(CASE WHEN channel = 'COLLECT' THEN 1 END) AS x50,
        COUNT(
          CASE
            WHEN (
              channel = 'COLLECT'
            )
            AND (
              NOT on_time IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x51,
        SUM(
          CASE
            WHEN (
              channel = 'COLLECT'
            ) AND (
              NOT on_time IS NULL
            )
            THEN CASE WHEN on_time THEN 1 ELSE 0 END
            ELSE NULL
          END
        ) AS x52,
        NULLIF(
          COUNT(CASE WHEN (
            channel = 'COLLECT'
          ) AND (
            NOT on_time IS NULL
          ) THEN 1 END),
          0
        ) AS x53,
        COUNT(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              NOT last_handover_created_at IS NULL AND NOT target_at IS NULL
            )
            THEN 1
          END
        ) AS x54,
        COUNT(CASE WHEN outcome = 'fulfilled' THEN 1 END) AS x55,
        COUNT(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              NOT last_handover_created_at IS NULL AND NOT target_at IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x56,
        SUM(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              NOT last_handover_created_at IS NULL AND NOT target_at IS NULL
            )
            THEN CASE WHEN last_handover_created_at <= target_at THEN 1 ELSE 0 END
            ELSE NULL
          END
        ) AS x57,
        NULLIF(
          COUNT(
            CASE
              WHEN (
                outcome = 'fulfilled'
              )
              AND (
                NOT last_handover_created_at IS NULL AND NOT target_at IS NULL
              )
              THEN 1
            END
          ),
          0
        ) AS x58,
        COUNT(CASE WHEN (
          outcome = 'fulfilled'
        ) AND (
          NOT fill_rate IS NULL
        ) THEN 1 END) AS x59,
        COUNT(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              NOT fill_rate IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x60,
        SUM(
          CASE
            WHEN (
              outcome = 'fulfilled'
            ) AND (
              NOT fill_rate IS NULL
            )
            THEN CASE WHEN fill_rate >= 1 THEN 1 ELSE 0 END
            ELSE NULL
          END
        ) AS x61,
        NULLIF(
          COUNT(CASE WHEN (
            outcome = 'fulfilled'
          ) AND (
            NOT fill_rate IS NULL
          ) THEN 1 END),
          0
        ) AS x62,
        COUNT(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              NOT picked_units IS NULL AND NOT ordered_units IS NULL
            )
            THEN 1
          END
        ) AS x63,
        COUNT(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              NOT picked_units IS NULL AND NOT ordered_units IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x64,
        SUM(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              NOT picked_units IS NULL AND NOT ordered_units IS NULL
            )
            THEN picked_units
            ELSE NULL
          END
        ) AS x65,
        SUM(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              NOT picked_units IS NULL AND NOT ordered_units IS NULL
            )
            THEN ordered_units
            ELSE NULL
          END
        ) AS x66,
        COUNT(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              NOT on_time IS NULL AND NOT fill_rate IS NULL
            )
            THEN 1
          END
        ) AS x67,
        COUNT(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              NOT on_time IS NULL AND NOT fill_rate IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x68,
        SUM(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              NOT on_time IS NULL AND NOT fill_rate IS NULL
            )
            THEN CASE WHEN on_time AND fill_rate >= 1 AND conforms THEN 1 ELSE 0 END
            ELSE NULL
          END
        ) AS x69,
        NULLIF(
          COUNT(
            CASE
              WHEN (
                outcome = 'fulfilled'
              )
              AND (
                NOT on_time IS NULL AND NOT fill_rate IS NULL
              )
              THEN 1
            END
          ),
          0
        ) AS x70,
        COUNT(CASE WHEN (
          outcome = 'fulfilled'
        ) AND (
          NOT conforms IS NULL
        ) THEN 1 END) AS x71,
        COUNT(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              NOT conforms IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x72,
        SUM(
          CASE
            WHEN (
              outcome = 'fulfilled'
            ) AND (
              NOT conforms IS NULL
            )
            THEN CASE WHEN conforms THEN 1 ELSE 0 END
            ELSE NULL
          END
        ) AS x73,
        NULLIF(
          COUNT(CASE WHEN (
            outcome = 'fulfilled'
          ) AND (
            NOT conforms IS NULL
          ) THEN 1 END),
          0
        ) AS x74,
        COUNT(CASE WHEN (
          ARRAY_LENGTH(quality_flags) > 0
        ) THEN 1 END) AS x75,
        SUM(
          CASE
            WHEN CASE
              WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
              THEN FALSE
              WHEN ARRAY_CONTAINS(deviations, 'abort')
              THEN TRUE
              WHEN 'abort' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
              THEN NULL
              ELSE FALSE
            END
            OR CASE
              WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
              THEN FALSE
              WHEN ARRAY_CONTAINS(deviations, 'label_failed')
              THEN TRUE
              WHEN 'label_failed' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
              THEN NULL
              ELSE FALSE
            END
            OR CASE
              WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
              THEN FALSE
              WHEN ARRAY_CONTAINS(deviations, 'refused')
              THEN TRUE
              WHEN 'refused' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
              THEN NULL
              ELSE FALSE
            END
            OR CASE
              WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
              THEN FALSE
              WHEN ARRAY_CONTAINS(deviations, 'reroute')
              THEN TRUE
              WHEN 'reroute' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
              THEN NULL
              ELSE FALSE
            END
            OR CASE
              WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
              THEN FALSE
              WHEN ARRAY_CONTAINS(deviations, 'reset')
              THEN TRUE
              WHEN 'reset' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
              THEN NULL
              ELSE FALSE
            END
            OR CASE
              WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
              THEN FALSE
              WHEN ARRAY_CONTAINS(deviations, 'reverted')
              THEN TRUE
              WHEN 'reverted' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
              THEN NULL
              ELSE FALSE
            END
            OR CASE
              WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
              THEN FALSE
              WHEN ARRAY_CONTAINS(deviations, 'short_pick')
              THEN TRUE
              WHEN 'short_pick' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
              THEN NULL
              ELSE FALSE
            END
            OR CASE
              WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
              THEN FALSE
              WHEN ARRAY_CONTAINS(deviations, 'zero_pick')
              THEN TRUE
              WHEN 'zero_pick' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
              THEN NULL
              ELSE FALSE
            END
            THEN 1
            ELSE 0
          END
        ) AS x76,
        NULLIF(COUNT(*), 0) AS x77,
        SUM(
          CASE
            WHEN CASE
              WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
              THEN FALSE
              WHEN ARRAY_CONTAINS(deviations, 'reroute')
              THEN TRUE
              WHEN 'reroute' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
              THEN NULL
              ELSE FALSE
            END
            THEN 1
            ELSE 0
          END
        ) AS x78,
        SUM(
          CASE
            WHEN CASE
              WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
              THEN FALSE
              WHEN ARRAY_CONTAINS(deviations, 'split')
              THEN TRUE
              WHEN 'split' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
              THEN NULL
              ELSE FALSE
            END
            THEN 1
            ELSE 0
          END
        ) AS x79,
        COUNT(CASE WHEN (
          outcome = 'fulfilled'
        ) THEN 1 END) AS x80,
        COUNT(
          CASE
            WHEN (
              outcome = 'fulfilled'
            ) AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x81,
        NULLIF(COUNT(CASE WHEN (
          outcome = 'fulfilled'
        ) THEN 1 END), 0) AS x82,
        COUNT(CASE WHEN (
          NOT line_count IS NULL
        ) THEN 1 END) AS x83,
        COUNT(
          CASE
            WHEN (
              NOT line_count IS NULL
            ) AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x84,
        SUM(CASE WHEN (
          NOT line_count IS NULL
        ) THEN line_count ELSE NULL END) AS x85,
        NULLIF(COUNT(CASE WHEN (
          NOT line_count IS NULL
        ) THEN 1 END), 0) AS x86,
        COUNT(CASE WHEN (
          NOT ordered_units IS NULL
        ) THEN 1 END) AS x87,
        COUNT(
          CASE
            WHEN (
              NOT ordered_units IS NULL
            ) AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x88,
        SUM(CASE WHEN (
          NOT ordered_units IS NULL
        ) THEN ordered_units ELSE NULL END) AS x89,
        NULLIF(COUNT(CASE WHEN (
          NOT ordered_units IS NULL
        ) THEN 1 END), 0) AS x90,
        COUNT(CASE WHEN (
          leg_count > 0
        ) THEN 1 END) AS x91,
        COUNT(
          CASE WHEN (
            leg_count > 0
          ) AND (
            ARRAY_LENGTH(quality_flags) > 0
          ) THEN 1 END
        ) AS x92,
        SUM(CASE WHEN (
          leg_count > 0
        ) THEN leg_count ELSE NULL END) AS x93,
        NULLIF(COUNT(CASE WHEN (
          leg_count > 0
        ) THEN 1 END), 0) AS x94,
        SUM(CASE WHEN outcome = 'cancelled' THEN 1 ELSE 0 END) AS x95,
        SUM(
          CASE WHEN outcome = 'cancelled' AND cancel_reason = 'cancelled' THEN 1 ELSE 0 END
        ) AS x96,
        SUM(
          CASE
            WHEN outcome = 'cancelled' AND cancel_reason = 'force_cancelled'
            THEN 1
            ELSE 0
          END
        ) AS x97,
        SUM(CASE WHEN outcome = 'cancelled' AND cancel_reason = 'expired' THEN 1 ELSE 0 END) AS x98,
        SUM(CASE WHEN outcome = 'incomplete' THEN 1 ELSE 0 END) AS x99
      FROM "order_flow"
      GROUP BY
        day,
        facility_ref,
        channel,
        carrier_ref
    )
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'internal_order_cycle_time' AS kpi,
      CAST(x3 AS DOUBLE) AS numerator,
      CAST(x4 AS DOUBLE) AS denominator,
      1 AS scale,
      x0 AS counted,
      x1 AS asked,
      x2 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'total_order_cycle_time' AS kpi,
      CAST(x7 AS DOUBLE) AS numerator,
      CAST(x8 AS DOUBLE) AS denominator,
      1 AS scale,
      x5 AS counted,
      x1 AS asked,
      x6 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'order_lead_time' AS kpi,
      CAST(x11 AS DOUBLE) AS numerator,
      CAST(x12 AS DOUBLE) AS denominator,
      1 AS scale,
      x9 AS counted,
      x1 AS asked,
      x10 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'order_intake_lag' AS kpi,
      CAST(x15 AS DOUBLE) AS numerator,
      CAST(x16 AS DOUBLE) AS denominator,
      1 AS scale,
      x13 AS counted,
      x1 AS asked,
      x14 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'order_lock_wait' AS kpi,
      CAST(x20 AS DOUBLE) AS numerator,
      CAST(x21 AS DOUBLE) AS denominator,
      1 AS scale,
      x17 AS counted,
      x18 AS asked,
      x19 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'order_routing_time' AS kpi,
      CAST(x24 AS DOUBLE) AS numerator,
      CAST(x25 AS DOUBLE) AS denominator,
      1 AS scale,
      x22 AS counted,
      x1 AS asked,
      x23 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'reroute_delay' AS kpi,
      CAST(x29 AS DOUBLE) AS numerator,
      CAST(x30 AS DOUBLE) AS denominator,
      1 AS scale,
      x26 AS counted,
      x27 AS asked,
      x28 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'time_to_cancel' AS kpi,
      CAST(x34 AS DOUBLE) AS numerator,
      CAST(x35 AS DOUBLE) AS denominator,
      1 AS scale,
      x31 AS counted,
      x32 AS asked,
      x33 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'order_lateness' AS kpi,
      CAST(x38 AS DOUBLE) AS numerator,
      CAST(x39 AS DOUBLE) AS denominator,
      1 AS scale,
      x36 AS counted,
      x1 AS asked,
      x37 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'on_time_shipments' AS kpi,
      CAST(x43 AS DOUBLE) AS numerator,
      CAST(x44 AS DOUBLE) AS denominator,
      1 AS scale,
      x40 AS counted,
      x41 AS asked,
      x42 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'on_time_orders' AS kpi,
      CAST(x47 AS DOUBLE) AS numerator,
      CAST(x48 AS DOUBLE) AS denominator,
      1 AS scale,
      x45 AS counted,
      x1 AS asked,
      x46 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'on_time_collections' AS kpi,
      CAST(x52 AS DOUBLE) AS numerator,
      CAST(x53 AS DOUBLE) AS denominator,
      1 AS scale,
      x49 AS counted,
      x50 AS asked,
      x51 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'on_time_ready_to_ship' AS kpi,
      CAST(x57 AS DOUBLE) AS numerator,
      CAST(x58 AS DOUBLE) AS denominator,
      1 AS scale,
      x54 AS counted,
      x55 AS asked,
      x56 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'order_fill_rate' AS kpi,
      CAST(x61 AS DOUBLE) AS numerator,
      CAST(x62 AS DOUBLE) AS denominator,
      1 AS scale,
      x59 AS counted,
      x55 AS asked,
      x60 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'unit_fill_rate' AS kpi,
      CAST(x65 AS DOUBLE) AS numerator,
      CAST(x66 AS DOUBLE) AS denominator,
      1 AS scale,
      x63 AS counted,
      x55 AS asked,
      x64 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'perfect_order' AS kpi,
      CAST(x69 AS DOUBLE) AS numerator,
      CAST(x70 AS DOUBLE) AS denominator,
      1 AS scale,
      x67 AS counted,
      x55 AS asked,
      x68 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'first_pass_yield' AS kpi,
      CAST(x73 AS DOUBLE) AS numerator,
      CAST(x74 AS DOUBLE) AS denominator,
      1 AS scale,
      x71 AS counted,
      x55 AS asked,
      x72 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'order_rework_rate' AS kpi,
      CAST(x76 AS DOUBLE) AS numerator,
      CAST(x77 AS DOUBLE) AS denominator,
      1 AS scale,
      x1 AS counted,
      x1 AS asked,
      x75 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'order_reroute_rate' AS kpi,
      CAST(x78 AS DOUBLE) AS numerator,
      CAST(x77 AS DOUBLE) AS denominator,
      1 AS scale,
      x1 AS counted,
      x1 AS asked,
      x75 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'split_order_rate' AS kpi,
      CAST(x79 AS DOUBLE) AS numerator,
      CAST(x77 AS DOUBLE) AS denominator,
      1 AS scale,
      x1 AS counted,
      x1 AS asked,
      x75 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'orders_received' AS kpi,
      CAST(x77 AS DOUBLE) AS numerator,
      CAST(NULL AS DOUBLE) AS denominator,
      1 AS scale,
      x1 AS counted,
      x1 AS asked,
      x75 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'orders_fulfilled' AS kpi,
      CAST(x82 AS DOUBLE) AS numerator,
      CAST(NULL AS DOUBLE) AS denominator,
      1 AS scale,
      x80 AS counted,
      x55 AS asked,
      x81 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'lines_per_order' AS kpi,
      CAST(x85 AS DOUBLE) AS numerator,
      CAST(x86 AS DOUBLE) AS denominator,
      1 AS scale,
      x83 AS counted,
      x1 AS asked,
      x84 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'units_per_order' AS kpi,
      CAST(x89 AS DOUBLE) AS numerator,
      CAST(x90 AS DOUBLE) AS denominator,
      1 AS scale,
      x87 AS counted,
      x1 AS asked,
      x88 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'jobs_per_order' AS kpi,
      CAST(x93 AS DOUBLE) AS numerator,
      CAST(x94 AS DOUBLE) AS denominator,
      1 AS scale,
      x91 AS counted,
      x1 AS asked,
      x92 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'cancellation_rate' AS kpi,
      CAST(x95 AS DOUBLE) AS numerator,
      CAST(x77 AS DOUBLE) AS denominator,
      1 AS scale,
      x1 AS counted,
      x1 AS asked,
      x75 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'cancellation_rate_cancelled' AS kpi,
      CAST(x96 AS DOUBLE) AS numerator,
      CAST(x77 AS DOUBLE) AS denominator,
      1 AS scale,
      x1 AS counted,
      x1 AS asked,
      x75 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'cancellation_rate_force_cancelled' AS kpi,
      CAST(x97 AS DOUBLE) AS numerator,
      CAST(x77 AS DOUBLE) AS denominator,
      1 AS scale,
      x1 AS counted,
      x1 AS asked,
      x75 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'cancellation_rate_expired' AS kpi,
      CAST(x98 AS DOUBLE) AS numerator,
      CAST(x77 AS DOUBLE) AS denominator,
      1 AS scale,
      x1 AS counted,
      x1 AS asked,
      x75 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'lost_order_rate' AS kpi,
      CAST(x99 AS DOUBLE) AS numerator,
      CAST(x77 AS DOUBLE) AS denominator,
      1 AS scale,
      x1 AS counted,
      x1 AS asked,
      x75 AS flagged
    FROM sums
  )
  UNION ALL
  SELECT
    day,
    facility_ref,
    channel,
    carrier_ref,
    kpi,
    CAST(CASE kpi WHEN 'order_backlog' THEN x3 END AS DOUBLE) AS numerator,
    CAST(NULL AS DOUBLE) AS denominator,
    1 AS scale,
    CASE kpi WHEN 'order_backlog' THEN x0 END AS counted,
    CASE kpi WHEN 'order_backlog' THEN x1 END AS asked,
    CASE kpi WHEN 'order_backlog' THEN x2 END AS flagged
  FROM (
    SELECT
      day AS day,
      facility_ref,
      channel AS channel,
      CAST(NULL AS TEXT) AS carrier_ref,
      COUNT(CASE WHEN (
        flow = 'order'
      ) THEN 1 END) AS x0,
      COUNT(CASE WHEN flow = 'order' THEN 1 END) AS x1,
      COUNT(CASE WHEN (
        flow = 'order'
      ) AND (
        incomplete > 0
      ) THEN 1 END) AS x2,
      SUM(CASE WHEN (
        flow = 'order'
      ) THEN backlog ELSE NULL END) AS x3
    FROM "backlog_daily"
    GROUP BY
      day,
      facility_ref,
      channel,
      carrier_ref
  ) AS sums
  CROSS JOIN (
    SELECT
      'order_backlog' AS kpi
  ) AS told
  UNION ALL
  (
    WITH sums AS (
      SELECT
        MAKE_DATE(CAST(FLOOR(EPOCH_US(pick_created_at) / 86400000000) AS INT)) AS day,
        facility_ref,
        channel AS channel,
        CAST(NULL AS TEXT) AS carrier_ref,
        COUNT(CASE WHEN (
          NOT (
            route_to_pick_created_seconds
          ) IS NULL
        ) THEN 1 END) AS x0,
        COUNT(*) AS x1,
        COUNT(
          CASE
            WHEN (
              NOT (
                route_to_pick_created_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x2,
        SUM(
          CASE
            WHEN (
              NOT (
                route_to_pick_created_seconds
              ) IS NULL
            )
            THEN route_to_pick_created_seconds
            ELSE NULL
          END
        ) AS x3,
        NULLIF(
          COUNT(CASE WHEN (
            NOT (
              route_to_pick_created_seconds
            ) IS NULL
          ) THEN 1 END),
          0
        ) AS x4,
        COUNT(CASE WHEN (
          NOT (
            pick_queue_seconds
          ) IS NULL
        ) THEN 1 END) AS x5,
        COUNT(
          CASE
            WHEN (
              NOT (
                pick_queue_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x6,
        SUM(
          CASE
            WHEN (
              NOT (
                pick_queue_seconds
              ) IS NULL
            )
            THEN pick_queue_seconds
            ELSE NULL
          END
        ) AS x7,
        NULLIF(COUNT(CASE WHEN (
          NOT (
            pick_queue_seconds
          ) IS NULL
        ) THEN 1 END), 0) AS x8,
        COUNT(CASE WHEN (
          NOT (
            pick_duration_net_seconds
          ) IS NULL
        ) THEN 1 END) AS x9,
        COUNT(
          CASE
            WHEN (
              NOT (
                pick_duration_net_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x10,
        SUM(
          CASE
            WHEN (
              NOT (
                pick_duration_net_seconds
              ) IS NULL
            )
            THEN pick_duration_net_seconds
            ELSE NULL
          END
        ) AS x11,
        NULLIF(
          COUNT(CASE WHEN (
            NOT (
              pick_duration_net_seconds
            ) IS NULL
          ) THEN 1 END),
          0
        ) AS x12,
        COUNT(CASE WHEN (
          NOT (
            pick_to_pack_seconds
          ) IS NULL
        ) THEN 1 END) AS x13,
        COUNT(
          CASE
            WHEN (
              NOT (
                pick_to_pack_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x14,
        SUM(
          CASE
            WHEN (
              NOT (
                pick_to_pack_seconds
              ) IS NULL
            )
            THEN pick_to_pack_seconds
            ELSE NULL
          END
        ) AS x15,
        NULLIF(COUNT(CASE WHEN (
          NOT (
            pick_to_pack_seconds
          ) IS NULL
        ) THEN 1 END), 0) AS x16,
        COUNT(CASE WHEN (
          NOT (
            pack_queue_seconds
          ) IS NULL
        ) THEN 1 END) AS x17,
        COUNT(
          CASE
            WHEN (
              NOT (
                pack_queue_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x18,
        SUM(
          CASE
            WHEN (
              NOT (
                pack_queue_seconds
              ) IS NULL
            )
            THEN pack_queue_seconds
            ELSE NULL
          END
        ) AS x19,
        NULLIF(COUNT(CASE WHEN (
          NOT (
            pack_queue_seconds
          ) IS NULL
        ) THEN 1 END), 0) AS x20,
        COUNT(CASE WHEN (
          NOT (
            pack_duration_seconds
          ) IS NULL
        ) THEN 1 END) AS x21,
        COUNT(
          CASE
            WHEN (
              NOT (
                pack_duration_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x22,
        SUM(
          CASE
            WHEN (
              NOT (
                pack_duration_seconds
              ) IS NULL
            )
            THEN pack_duration_seconds
            ELSE NULL
          END
        ) AS x23,
        NULLIF(COUNT(CASE WHEN (
          NOT (
            pack_duration_seconds
          ) IS NULL
        ) THEN 1 END), 0) AS x24,
        COUNT(CASE WHEN (
          NOT (
            handover_prepare_seconds
          ) IS NULL
        ) THEN 1 END) AS x25,
        COUNT(
          CASE
            WHEN (
              NOT (
                handover_prepare_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x26,
        SUM(
          CASE
            WHEN (
              NOT (
                handover_prepare_seconds
              ) IS NULL
            )
            THEN handover_prepare_seconds
            ELSE NULL
          END
        ) AS x27,
        NULLIF(
          COUNT(CASE WHEN (
            NOT (
              handover_prepare_seconds
            ) IS NULL
          ) THEN 1 END),
          0
        ) AS x28,
        COUNT(CASE WHEN (
          NOT (
            handover_wait_seconds
          ) IS NULL
        ) THEN 1 END) AS x29,
        COUNT(
          CASE
            WHEN (
              NOT (
                handover_wait_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x30,
        SUM(
          CASE
            WHEN (
              NOT (
                handover_wait_seconds
              ) IS NULL
            )
            THEN handover_wait_seconds
            ELSE NULL
          END
        ) AS x31,
        NULLIF(COUNT(CASE WHEN (
          NOT (
            handover_wait_seconds
          ) IS NULL
        ) THEN 1 END), 0) AS x32,
        COUNT(
          CASE
            WHEN (
              NOT (
                pick_duration_net_seconds + CASE WHEN pack_created_at IS NULL THEN 0 ELSE pack_duration_seconds END
              ) IS NULL
            )
            THEN 1
          END
        ) AS x33,
        COUNT(
          CASE
            WHEN (
              NOT (
                pick_duration_net_seconds + CASE WHEN pack_created_at IS NULL THEN 0 ELSE pack_duration_seconds END
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x34,
        SUM(
          CASE
            WHEN (
              NOT (
                pick_duration_net_seconds + CASE WHEN pack_created_at IS NULL THEN 0 ELSE pack_duration_seconds END
              ) IS NULL
            )
            THEN pick_duration_net_seconds + CASE WHEN pack_created_at IS NULL THEN 0 ELSE pack_duration_seconds END
            ELSE NULL
          END
        ) AS x35,
        NULLIF(
          COUNT(
            CASE
              WHEN (
                NOT (
                  pick_duration_net_seconds + CASE WHEN pack_created_at IS NULL THEN 0 ELSE pack_duration_seconds END
                ) IS NULL
              )
              THEN 1
            END
          ),
          0
        ) AS x36,
        COUNT(
          CASE
            WHEN (
              NOT pick_finished_at IS NULL
            )
            AND (
              NOT line_count IS NULL AND pick_duration_net_seconds > 0
            )
            THEN 1
          END
        ) AS x37,
        COUNT(CASE WHEN NOT pick_finished_at IS NULL THEN 1 END) AS x38,
        COUNT(
          CASE
            WHEN (
              NOT pick_finished_at IS NULL
            )
            AND (
              NOT line_count IS NULL AND pick_duration_net_seconds > 0
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x39,
        SUM(
          CASE
            WHEN (
              NOT pick_finished_at IS NULL
            )
            AND (
              NOT line_count IS NULL AND pick_duration_net_seconds > 0
            )
            THEN line_count
            ELSE NULL
          END
        ) AS x40,
        SUM(
          CASE
            WHEN (
              NOT pick_finished_at IS NULL
            )
            AND (
              NOT line_count IS NULL AND pick_duration_net_seconds > 0
            )
            THEN pick_duration_net_seconds
            ELSE NULL
          END
        ) AS x41,
        COUNT(
          CASE
            WHEN (
              NOT pick_finished_at IS NULL
            )
            AND (
              NOT picked_units IS NULL AND pick_duration_net_seconds > 0
            )
            THEN 1
          END
        ) AS x42,
        COUNT(
          CASE
            WHEN (
              NOT pick_finished_at IS NULL
            )
            AND (
              NOT picked_units IS NULL AND pick_duration_net_seconds > 0
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x43,
        SUM(
          CASE
            WHEN (
              NOT pick_finished_at IS NULL
            )
            AND (
              NOT picked_units IS NULL AND pick_duration_net_seconds > 0
            )
            THEN picked_units
            ELSE NULL
          END
        ) AS x44,
        SUM(
          CASE
            WHEN (
              NOT pick_finished_at IS NULL
            )
            AND (
              NOT picked_units IS NULL AND pick_duration_net_seconds > 0
            )
            THEN pick_duration_net_seconds
            ELSE NULL
          END
        ) AS x45,
        COUNT(
          CASE
            WHEN (
              NOT pick_finished_at IS NULL
            )
            AND (
              NOT line_count IS NULL AND NOT short_line_count IS NULL
            )
            THEN 1
          END
        ) AS x46,
        COUNT(
          CASE
            WHEN (
              NOT pick_finished_at IS NULL
            )
            AND (
              NOT line_count IS NULL AND NOT short_line_count IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x47,
        SUM(
          CASE
            WHEN (
              NOT pick_finished_at IS NULL
            )
            AND (
              NOT line_count IS NULL AND NOT short_line_count IS NULL
            )
            THEN line_count - short_line_count
            ELSE NULL
          END
        ) AS x48,
        SUM(
          CASE
            WHEN (
              NOT pick_finished_at IS NULL
            )
            AND (
              NOT line_count IS NULL AND NOT short_line_count IS NULL
            )
            THEN line_count
            ELSE NULL
          END
        ) AS x49,
        COUNT(
          CASE
            WHEN (
              NOT pick_pause_seconds IS NULL AND pick_duration_gross_seconds > 0
            )
            THEN 1
          END
        ) AS x50,
        COUNT(
          CASE
            WHEN (
              NOT pick_pause_seconds IS NULL AND pick_duration_gross_seconds > 0
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x51,
        SUM(
          CASE
            WHEN (
              NOT pick_pause_seconds IS NULL AND pick_duration_gross_seconds > 0
            )
            THEN pick_pause_seconds
            ELSE NULL
          END
        ) AS x52,
        SUM(
          CASE
            WHEN (
              NOT pick_pause_seconds IS NULL AND pick_duration_gross_seconds > 0
            )
            THEN pick_duration_gross_seconds
            ELSE NULL
          END
        ) AS x53,
        COUNT(CASE WHEN (
          outcome IN ('picked', 'short_picked', 'zero_picked')
        ) THEN 1 END) AS x54,
        COUNT(CASE WHEN outcome IN ('picked', 'short_picked', 'zero_picked') THEN 1 END) AS x55,
        COUNT(
          CASE
            WHEN (
              outcome IN ('picked', 'short_picked', 'zero_picked')
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x56,
        SUM(
          CASE
            WHEN (
              outcome IN ('picked', 'short_picked', 'zero_picked')
            )
            THEN CASE WHEN outcome IN ('short_picked', 'zero_picked') THEN 1 ELSE 0 END
            ELSE NULL
          END
        ) AS x57,
        NULLIF(
          COUNT(CASE WHEN (
            outcome IN ('picked', 'short_picked', 'zero_picked')
          ) THEN 1 END),
          0
        ) AS x58,
        COUNT(CASE WHEN (
          ARRAY_LENGTH(quality_flags) > 0
        ) THEN 1 END) AS x59,
        SUM(CASE WHEN outcome IN ('aborted', 'zero_picked', 'rerouted') THEN 1 ELSE 0 END) AS x60,
        NULLIF(COUNT(*), 0) AS x61,
        COUNT(CASE WHEN (
          NOT pick_first_started_at IS NULL
        ) THEN 1 END) AS x62,
        COUNT(CASE WHEN NOT pick_first_started_at IS NULL THEN 1 END) AS x63,
        COUNT(
          CASE
            WHEN (
              NOT pick_first_started_at IS NULL
            ) AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x64,
        SUM(
          CASE
            WHEN (
              NOT pick_first_started_at IS NULL
            )
            THEN CASE WHEN reset_count > 0 THEN 1 ELSE 0 END
            ELSE NULL
          END
        ) AS x65,
        NULLIF(COUNT(CASE WHEN (
          NOT pick_first_started_at IS NULL
        ) THEN 1 END), 0) AS x66,
        COUNT(CASE WHEN (
          NOT ready_lateness_seconds IS NULL
        ) THEN 1 END) AS x67,
        COUNT(
          CASE
            WHEN (
              NOT ready_lateness_seconds IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x68,
        SUM(
          CASE
            WHEN (
              NOT ready_lateness_seconds IS NULL
            )
            THEN CASE WHEN ready_lateness_seconds <= 0 THEN 1 ELSE 0 END
            ELSE NULL
          END
        ) AS x69,
        NULLIF(COUNT(CASE WHEN (
          NOT ready_lateness_seconds IS NULL
        ) THEN 1 END), 0) AS x70
      FROM "order_leg"
      GROUP BY
        day,
        facility_ref,
        channel,
        carrier_ref
    )
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'pick_release_time' AS kpi,
      CAST(x3 AS DOUBLE) AS numerator,
      CAST(x4 AS DOUBLE) AS denominator,
      1 AS scale,
      x0 AS counted,
      x1 AS asked,
      x2 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'pick_queue_time' AS kpi,
      CAST(x7 AS DOUBLE) AS numerator,
      CAST(x8 AS DOUBLE) AS denominator,
      1 AS scale,
      x5 AS counted,
      x1 AS asked,
      x6 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'net_pick_time' AS kpi,
      CAST(x11 AS DOUBLE) AS numerator,
      CAST(x12 AS DOUBLE) AS denominator,
      1 AS scale,
      x9 AS counted,
      x1 AS asked,
      x10 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'pick_to_pack_time' AS kpi,
      CAST(x15 AS DOUBLE) AS numerator,
      CAST(x16 AS DOUBLE) AS denominator,
      1 AS scale,
      x13 AS counted,
      x1 AS asked,
      x14 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'pack_queue_time' AS kpi,
      CAST(x19 AS DOUBLE) AS numerator,
      CAST(x20 AS DOUBLE) AS denominator,
      1 AS scale,
      x17 AS counted,
      x1 AS asked,
      x18 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'pack_time' AS kpi,
      CAST(x23 AS DOUBLE) AS numerator,
      CAST(x24 AS DOUBLE) AS denominator,
      1 AS scale,
      x21 AS counted,
      x1 AS asked,
      x22 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'handover_prepare_time' AS kpi,
      CAST(x27 AS DOUBLE) AS numerator,
      CAST(x28 AS DOUBLE) AS denominator,
      1 AS scale,
      x25 AS counted,
      x1 AS asked,
      x26 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'handover_wait_time' AS kpi,
      CAST(x31 AS DOUBLE) AS numerator,
      CAST(x32 AS DOUBLE) AS denominator,
      1 AS scale,
      x29 AS counted,
      x1 AS asked,
      x30 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'job_touch_time' AS kpi,
      CAST(x35 AS DOUBLE) AS numerator,
      CAST(x36 AS DOUBLE) AS denominator,
      1 AS scale,
      x33 AS counted,
      x1 AS asked,
      x34 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'lines_picked_per_hour' AS kpi,
      CAST(x40 AS DOUBLE) AS numerator,
      CAST(x41 AS DOUBLE) AS denominator,
      3600 AS scale,
      x37 AS counted,
      x38 AS asked,
      x39 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'units_picked_per_hour' AS kpi,
      CAST(x44 AS DOUBLE) AS numerator,
      CAST(x45 AS DOUBLE) AS denominator,
      3600 AS scale,
      x42 AS counted,
      x38 AS asked,
      x43 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'line_fill_rate' AS kpi,
      CAST(x48 AS DOUBLE) AS numerator,
      CAST(x49 AS DOUBLE) AS denominator,
      1 AS scale,
      x46 AS counted,
      x38 AS asked,
      x47 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'pick_pause_share' AS kpi,
      CAST(x52 AS DOUBLE) AS numerator,
      CAST(x53 AS DOUBLE) AS denominator,
      1 AS scale,
      x50 AS counted,
      x1 AS asked,
      x51 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'short_pick_rate' AS kpi,
      CAST(x57 AS DOUBLE) AS numerator,
      CAST(x58 AS DOUBLE) AS denominator,
      1 AS scale,
      x54 AS counted,
      x55 AS asked,
      x56 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'job_given_up_rate' AS kpi,
      CAST(x60 AS DOUBLE) AS numerator,
      CAST(x61 AS DOUBLE) AS denominator,
      1 AS scale,
      x1 AS counted,
      x1 AS asked,
      x59 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'pick_reset_rate' AS kpi,
      CAST(x65 AS DOUBLE) AS numerator,
      CAST(x66 AS DOUBLE) AS denominator,
      1 AS scale,
      x62 AS counted,
      x63 AS asked,
      x64 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'jobs_ready_on_time' AS kpi,
      CAST(x69 AS DOUBLE) AS numerator,
      CAST(x70 AS DOUBLE) AS denominator,
      1 AS scale,
      x67 AS counted,
      x1 AS asked,
      x68 AS flagged
    FROM sums
  )
  UNION ALL
  (
    WITH sums AS (
      SELECT
        MAKE_DATE(CAST(FLOOR(EPOCH_US(parcel_created_at) / 86400000000) AS INT)) AS day,
        facility_ref,
        'SHIPPING' AS channel,
        carrier_ref AS carrier_ref,
        COUNT(
          CASE
            WHEN (
              NOT label_requested_at IS NULL
            )
            AND (
              NOT (
                label_request_seconds
              ) IS NULL
            )
            THEN 1
          END
        ) AS x0,
        COUNT(CASE WHEN NOT label_requested_at IS NULL THEN 1 END) AS x1,
        COUNT(
          CASE
            WHEN (
              NOT label_requested_at IS NULL
            )
            AND (
              NOT (
                label_request_seconds
              ) IS NULL
            )
            AND (
              flow_id IS NULL OR label_request_seconds < 0 OR transit_seconds < 0
            )
            THEN 1
          END
        ) AS x2,
        SUM(
          CASE
            WHEN (
              NOT label_requested_at IS NULL
            )
            AND (
              NOT (
                label_request_seconds
              ) IS NULL
            )
            THEN label_request_seconds
            ELSE NULL
          END
        ) AS x3,
        NULLIF(
          COUNT(
            CASE
              WHEN (
                NOT label_requested_at IS NULL
              )
              AND (
                NOT (
                  label_request_seconds
                ) IS NULL
              )
              THEN 1
            END
          ),
          0
        ) AS x4,
        COUNT(
          CASE
            WHEN (
              NOT label_requested_at IS NULL
            )
            AND (
              NOT label_received_at IS NULL OR label_failure_count > 0
            )
            THEN 1
          END
        ) AS x5,
        COUNT(
          CASE
            WHEN (
              NOT label_requested_at IS NULL
            )
            AND (
              NOT label_received_at IS NULL OR label_failure_count > 0
            )
            AND (
              flow_id IS NULL OR label_request_seconds < 0 OR transit_seconds < 0
            )
            THEN 1
          END
        ) AS x6,
        SUM(
          CASE
            WHEN (
              NOT label_requested_at IS NULL
            )
            AND (
              NOT label_received_at IS NULL OR label_failure_count > 0
            )
            THEN CASE
              WHEN label_failure_count = 0 AND NOT label_received_at IS NULL
              THEN 1
              ELSE 0
            END
            ELSE NULL
          END
        ) AS x7,
        NULLIF(
          COUNT(
            CASE
              WHEN (
                NOT label_requested_at IS NULL
              )
              AND (
                NOT label_received_at IS NULL OR label_failure_count > 0
              )
              THEN 1
            END
          ),
          0
        ) AS x8,
        COUNT(
          CASE
            WHEN (
              NOT label_requested_at IS NULL
            ) AND (
              NOT label_failure_count IS NULL
            )
            THEN 1
          END
        ) AS x9,
        COUNT(
          CASE
            WHEN (
              NOT label_requested_at IS NULL
            )
            AND (
              NOT label_failure_count IS NULL
            )
            AND (
              flow_id IS NULL OR label_request_seconds < 0 OR transit_seconds < 0
            )
            THEN 1
          END
        ) AS x10,
        SUM(
          CASE
            WHEN (
              NOT label_requested_at IS NULL
            ) AND (
              NOT label_failure_count IS NULL
            )
            THEN label_failure_count
            ELSE NULL
          END
        ) AS x11,
        NULLIF(
          COUNT(
            CASE
              WHEN (
                NOT label_requested_at IS NULL
              ) AND (
                NOT label_failure_count IS NULL
              )
              THEN 1
            END
          ),
          0
        ) AS x12,
        COUNT(CASE WHEN (
          NOT (
            transit_seconds
          ) IS NULL
        ) THEN 1 END) AS x13,
        COUNT(*) AS x14,
        COUNT(
          CASE
            WHEN (
              NOT (
                transit_seconds
              ) IS NULL
            )
            AND (
              flow_id IS NULL OR label_request_seconds < 0 OR transit_seconds < 0
            )
            THEN 1
          END
        ) AS x15,
        SUM(
          CASE
            WHEN (
              NOT (
                transit_seconds
              ) IS NULL
            )
            THEN transit_seconds
            ELSE NULL
          END
        ) AS x16,
        NULLIF(COUNT(CASE WHEN (
          NOT (
            transit_seconds
          ) IS NULL
        ) THEN 1 END), 0) AS x17,
        COUNT(
          CASE
            WHEN (
              flow_id IS NULL OR label_request_seconds < 0 OR transit_seconds < 0
            )
            THEN 1
          END
        ) AS x18,
        SUM(CASE WHEN NOT delivered_at IS NULL THEN 1 ELSE 0 END) AS x19,
        NULLIF(COUNT(*), 0) AS x20
      FROM "order_parcel"
      GROUP BY
        day,
        facility_ref,
        channel,
        carrier_ref
    )
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'label_request_time' AS kpi,
      CAST(x3 AS DOUBLE) AS numerator,
      CAST(x4 AS DOUBLE) AS denominator,
      1 AS scale,
      x0 AS counted,
      x1 AS asked,
      x2 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'label_success_rate' AS kpi,
      CAST(x7 AS DOUBLE) AS numerator,
      CAST(x8 AS DOUBLE) AS denominator,
      1 AS scale,
      x5 AS counted,
      x1 AS asked,
      x6 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'label_failures_per_parcel' AS kpi,
      CAST(x11 AS DOUBLE) AS numerator,
      CAST(x12 AS DOUBLE) AS denominator,
      1 AS scale,
      x9 AS counted,
      x1 AS asked,
      x10 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'transit_time' AS kpi,
      CAST(x16 AS DOUBLE) AS numerator,
      CAST(x17 AS DOUBLE) AS denominator,
      1 AS scale,
      x13 AS counted,
      x14 AS asked,
      x15 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'delivery_report_rate' AS kpi,
      CAST(x19 AS DOUBLE) AS numerator,
      CAST(x20 AS DOUBLE) AS denominator,
      1 AS scale,
      x14 AS counted,
      x14 AS asked,
      x18 AS flagged
    FROM sums
  )
  UNION ALL
  (
    WITH sums AS (
      SELECT
        MAKE_DATE(CAST(FLOOR(EPOCH_US(receipt_created_at) / 86400000000) AS INT)) AS day,
        facility_ref,
        CAST(NULL AS TEXT) AS channel,
        CAST(NULL AS TEXT) AS carrier_ref,
        COUNT(CASE WHEN (
          NOT (
            dock_to_stock_seconds
          ) IS NULL
        ) THEN 1 END) AS x0,
        COUNT(*) AS x1,
        COUNT(
          CASE
            WHEN (
              NOT (
                dock_to_stock_seconds
              ) IS NULL
            )
            AND (
              flow_id IS NULL
              OR receipt_created_at IS NULL
              OR receipt_duration_seconds < 0
              OR dock_to_stock_seconds < 0
            )
            THEN 1
          END
        ) AS x2,
        SUM(
          CASE
            WHEN (
              NOT (
                dock_to_stock_seconds
              ) IS NULL
            )
            THEN dock_to_stock_seconds
            ELSE NULL
          END
        ) AS x3,
        NULLIF(COUNT(CASE WHEN (
          NOT (
            dock_to_stock_seconds
          ) IS NULL
        ) THEN 1 END), 0) AS x4,
        COUNT(CASE WHEN (
          NOT (
            arrival_to_receipt_seconds
          ) IS NULL
        ) THEN 1 END) AS x5,
        COUNT(
          CASE
            WHEN (
              NOT (
                arrival_to_receipt_seconds
              ) IS NULL
            )
            AND (
              flow_id IS NULL
              OR receipt_created_at IS NULL
              OR receipt_duration_seconds < 0
              OR dock_to_stock_seconds < 0
            )
            THEN 1
          END
        ) AS x6,
        SUM(
          CASE
            WHEN (
              NOT (
                arrival_to_receipt_seconds
              ) IS NULL
            )
            THEN arrival_to_receipt_seconds
            ELSE NULL
          END
        ) AS x7,
        NULLIF(
          COUNT(CASE WHEN (
            NOT (
              arrival_to_receipt_seconds
            ) IS NULL
          ) THEN 1 END),
          0
        ) AS x8,
        COUNT(CASE WHEN (
          NOT (
            receipt_duration_seconds
          ) IS NULL
        ) THEN 1 END) AS x9,
        COUNT(
          CASE
            WHEN (
              NOT (
                receipt_duration_seconds
              ) IS NULL
            )
            AND (
              flow_id IS NULL
              OR receipt_created_at IS NULL
              OR receipt_duration_seconds < 0
              OR dock_to_stock_seconds < 0
            )
            THEN 1
          END
        ) AS x10,
        SUM(
          CASE
            WHEN (
              NOT (
                receipt_duration_seconds
              ) IS NULL
            )
            THEN receipt_duration_seconds
            ELSE NULL
          END
        ) AS x11,
        NULLIF(
          COUNT(CASE WHEN (
            NOT (
              receipt_duration_seconds
            ) IS NULL
          ) THEN 1 END),
          0
        ) AS x12,
        COUNT(
          CASE
            WHEN (
              NOT delivery_received_at IS NULL
            ) AND (
              NOT rejected_units IS NULL
            )
            THEN 1
          END
        ) AS x13,
        COUNT(CASE WHEN NOT delivery_received_at IS NULL THEN 1 END) AS x14,
        COUNT(
          CASE
            WHEN (
              NOT delivery_received_at IS NULL
            )
            AND (
              NOT rejected_units IS NULL
            )
            AND (
              flow_id IS NULL
              OR receipt_created_at IS NULL
              OR receipt_duration_seconds < 0
              OR dock_to_stock_seconds < 0
            )
            THEN 1
          END
        ) AS x15,
        SUM(
          CASE
            WHEN (
              NOT delivery_received_at IS NULL
            ) AND (
              NOT rejected_units IS NULL
            )
            THEN CASE WHEN rejected_units = 0 THEN 1 ELSE 0 END
            ELSE NULL
          END
        ) AS x16,
        NULLIF(
          COUNT(
            CASE
              WHEN (
                NOT delivery_received_at IS NULL
              ) AND (
                NOT rejected_units IS NULL
              )
              THEN 1
            END
          ),
          0
        ) AS x17
      FROM "inbound_receipt"
      GROUP BY
        day,
        facility_ref,
        channel,
        carrier_ref
    )
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'dock_to_stock_cycle_time' AS kpi,
      CAST(x3 AS DOUBLE) AS numerator,
      CAST(x4 AS DOUBLE) AS denominator,
      1 AS scale,
      x0 AS counted,
      x1 AS asked,
      x2 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'receipt_queue_time' AS kpi,
      CAST(x7 AS DOUBLE) AS numerator,
      CAST(x8 AS DOUBLE) AS denominator,
      1 AS scale,
      x5 AS counted,
      x1 AS asked,
      x6 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'receipt_time' AS kpi,
      CAST(x11 AS DOUBLE) AS numerator,
      CAST(x12 AS DOUBLE) AS denominator,
      1 AS scale,
      x9 AS counted,
      x1 AS asked,
      x10 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'receiving_accuracy' AS kpi,
      CAST(x16 AS DOUBLE) AS numerator,
      CAST(x17 AS DOUBLE) AS denominator,
      1 AS scale,
      x13 AS counted,
      x14 AS asked,
      x15 AS flagged
    FROM sums
  )
  UNION ALL
  (
    WITH sums AS (
      SELECT
        MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
        facility_ref,
        CAST(NULL AS TEXT) AS channel,
        CAST(NULL AS TEXT) AS carrier_ref,
        COUNT(CASE WHEN (
          NOT (
            inbound_complete_seconds
          ) IS NULL
        ) THEN 1 END) AS x0,
        COUNT(*) AS x1,
        COUNT(
          CASE
            WHEN (
              NOT (
                inbound_complete_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x2,
        SUM(
          CASE
            WHEN (
              NOT (
                inbound_complete_seconds
              ) IS NULL
            )
            THEN inbound_complete_seconds
            ELSE NULL
          END
        ) AS x3,
        NULLIF(
          COUNT(CASE WHEN (
            NOT (
              inbound_complete_seconds
            ) IS NULL
          ) THEN 1 END),
          0
        ) AS x4,
        COUNT(CASE WHEN (
          NOT (
            po_to_first_receipt_seconds
          ) IS NULL
        ) THEN 1 END) AS x5,
        COUNT(
          CASE
            WHEN (
              NOT (
                po_to_first_receipt_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x6,
        SUM(
          CASE
            WHEN (
              NOT (
                po_to_first_receipt_seconds
              ) IS NULL
            )
            THEN po_to_first_receipt_seconds
            ELSE NULL
          END
        ) AS x7,
        NULLIF(
          COUNT(CASE WHEN (
            NOT (
              po_to_first_receipt_seconds
            ) IS NULL
          ) THEN 1 END),
          0
        ) AS x8,
        COUNT(CASE WHEN (
          NOT (
            supplier_delay_seconds
          ) IS NULL
        ) THEN 1 END) AS x9,
        COUNT(
          CASE
            WHEN (
              NOT (
                supplier_delay_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x10,
        SUM(
          CASE
            WHEN (
              NOT (
                supplier_delay_seconds
              ) IS NULL
            )
            THEN supplier_delay_seconds
            ELSE NULL
          END
        ) AS x11,
        NULLIF(COUNT(CASE WHEN (
          NOT (
            supplier_delay_seconds
          ) IS NULL
        ) THEN 1 END), 0) AS x12,
        COUNT(CASE WHEN (
          NOT supplier_delay_seconds IS NULL
        ) THEN 1 END) AS x13,
        COUNT(
          CASE
            WHEN (
              NOT supplier_delay_seconds IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x14,
        SUM(
          CASE
            WHEN (
              NOT supplier_delay_seconds IS NULL
            )
            THEN CASE WHEN supplier_delay_seconds <= 0 THEN 1 ELSE 0 END
            ELSE NULL
          END
        ) AS x15,
        NULLIF(COUNT(CASE WHEN (
          NOT supplier_delay_seconds IS NULL
        ) THEN 1 END), 0) AS x16,
        COUNT(
          CASE
            WHEN (
              outcome <> 'open'
            )
            AND (
              NOT requested_units IS NULL
              AND NOT accepted_units IS NULL
              AND NOT rejected_units IS NULL
            )
            THEN 1
          END
        ) AS x17,
        COUNT(CASE WHEN outcome <> 'open' THEN 1 END) AS x18,
        COUNT(
          CASE
            WHEN (
              outcome <> 'open'
            )
            AND (
              NOT requested_units IS NULL
              AND NOT accepted_units IS NULL
              AND NOT rejected_units IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x19,
        SUM(
          CASE
            WHEN (
              outcome <> 'open'
            )
            AND (
              NOT requested_units IS NULL
              AND NOT accepted_units IS NULL
              AND NOT rejected_units IS NULL
            )
            THEN CASE WHEN accepted_units + rejected_units >= requested_units THEN 1 ELSE 0 END
            ELSE NULL
          END
        ) AS x20,
        NULLIF(
          COUNT(
            CASE
              WHEN (
                outcome <> 'open'
              )
              AND (
                NOT requested_units IS NULL
                AND NOT accepted_units IS NULL
                AND NOT rejected_units IS NULL
              )
              THEN 1
            END
          ),
          0
        ) AS x21,
        COUNT(CASE WHEN (
          accepted_units + rejected_units > 0
        ) THEN 1 END) AS x22,
        COUNT(
          CASE
            WHEN (
              accepted_units + rejected_units > 0
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x23,
        SUM(
          CASE
            WHEN (
              accepted_units + rejected_units > 0
            )
            THEN rejected_units
            ELSE NULL
          END
        ) AS x24,
        SUM(
          CASE
            WHEN (
              accepted_units + rejected_units > 0
            )
            THEN accepted_units + rejected_units
            ELSE NULL
          END
        ) AS x25,
        COUNT(
          CASE
            WHEN (
              on_hold_count > 0
            ) AND (
              NOT (
                on_hold_seconds
              ) IS NULL
            )
            THEN 1
          END
        ) AS x26,
        COUNT(CASE WHEN on_hold_count > 0 THEN 1 END) AS x27,
        COUNT(
          CASE
            WHEN (
              on_hold_count > 0
            )
            AND (
              NOT (
                on_hold_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x28,
        SUM(
          CASE
            WHEN (
              on_hold_count > 0
            ) AND (
              NOT (
                on_hold_seconds
              ) IS NULL
            )
            THEN on_hold_seconds
            ELSE NULL
          END
        ) AS x29,
        NULLIF(
          COUNT(
            CASE
              WHEN (
                on_hold_count > 0
              ) AND (
                NOT (
                  on_hold_seconds
                ) IS NULL
              )
              THEN 1
            END
          ),
          0
        ) AS x30,
        COUNT(CASE WHEN (
          receipt_count > 0
        ) THEN 1 END) AS x31,
        COUNT(
          CASE
            WHEN (
              receipt_count > 0
            ) AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x32,
        SUM(
          CASE
            WHEN (
              receipt_count > 0
            )
            THEN CASE
              WHEN CASE
                WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
                THEN FALSE
                WHEN ARRAY_CONTAINS(deviations, 'partial_delivery')
                THEN TRUE
                WHEN 'partial_delivery' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
                THEN NULL
                ELSE FALSE
              END
              THEN 1
              ELSE 0
            END
            ELSE NULL
          END
        ) AS x33,
        NULLIF(COUNT(CASE WHEN (
          receipt_count > 0
        ) THEN 1 END), 0) AS x34
      FROM "inbound_flow"
      GROUP BY
        day,
        facility_ref,
        channel,
        carrier_ref
    )
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'purchase_order_cycle_time' AS kpi,
      CAST(x3 AS DOUBLE) AS numerator,
      CAST(x4 AS DOUBLE) AS denominator,
      1 AS scale,
      x0 AS counted,
      x1 AS asked,
      x2 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'supplier_lead_time' AS kpi,
      CAST(x7 AS DOUBLE) AS numerator,
      CAST(x8 AS DOUBLE) AS denominator,
      1 AS scale,
      x5 AS counted,
      x1 AS asked,
      x6 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'supplier_delay' AS kpi,
      CAST(x11 AS DOUBLE) AS numerator,
      CAST(x12 AS DOUBLE) AS denominator,
      1 AS scale,
      x9 AS counted,
      x1 AS asked,
      x10 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'supplier_on_time' AS kpi,
      CAST(x15 AS DOUBLE) AS numerator,
      CAST(x16 AS DOUBLE) AS denominator,
      1 AS scale,
      x13 AS counted,
      x1 AS asked,
      x14 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'supplier_in_full' AS kpi,
      CAST(x20 AS DOUBLE) AS numerator,
      CAST(x21 AS DOUBLE) AS denominator,
      1 AS scale,
      x17 AS counted,
      x18 AS asked,
      x19 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'rejection_rate' AS kpi,
      CAST(x24 AS DOUBLE) AS numerator,
      CAST(x25 AS DOUBLE) AS denominator,
      1 AS scale,
      x22 AS counted,
      x1 AS asked,
      x23 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'inbound_hold_time' AS kpi,
      CAST(x29 AS DOUBLE) AS numerator,
      CAST(x30 AS DOUBLE) AS denominator,
      1 AS scale,
      x26 AS counted,
      x27 AS asked,
      x28 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'partial_delivery_rate' AS kpi,
      CAST(x33 AS DOUBLE) AS numerator,
      CAST(x34 AS DOUBLE) AS denominator,
      1 AS scale,
      x31 AS counted,
      x1 AS asked,
      x32 AS flagged
    FROM sums
  )
  UNION ALL
  (
    WITH sums AS (
      SELECT
        MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
        facility_ref,
        CAST(NULL AS TEXT) AS channel,
        CAST(NULL AS TEXT) AS carrier_ref,
        COUNT(CASE WHEN (
          NOT (
            stow_total_seconds
          ) IS NULL
        ) THEN 1 END) AS x0,
        COUNT(*) AS x1,
        COUNT(
          CASE
            WHEN (
              NOT (
                stow_total_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x2,
        SUM(
          CASE
            WHEN (
              NOT (
                stow_total_seconds
              ) IS NULL
            )
            THEN stow_total_seconds
            ELSE NULL
          END
        ) AS x3,
        NULLIF(COUNT(CASE WHEN (
          NOT (
            stow_total_seconds
          ) IS NULL
        ) THEN 1 END), 0) AS x4,
        COUNT(CASE WHEN (
          NOT (
            stow_wait_seconds
          ) IS NULL
        ) THEN 1 END) AS x5,
        COUNT(
          CASE
            WHEN (
              NOT (
                stow_wait_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x6,
        SUM(
          CASE
            WHEN (
              NOT (
                stow_wait_seconds
              ) IS NULL
            )
            THEN stow_wait_seconds
            ELSE NULL
          END
        ) AS x7,
        NULLIF(COUNT(CASE WHEN (
          NOT (
            stow_wait_seconds
          ) IS NULL
        ) THEN 1 END), 0) AS x8,
        COUNT(CASE WHEN (
          NOT (
            stow_duration_net_seconds
          ) IS NULL
        ) THEN 1 END) AS x9,
        COUNT(
          CASE
            WHEN (
              NOT (
                stow_duration_net_seconds
              ) IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x10,
        SUM(
          CASE
            WHEN (
              NOT (
                stow_duration_net_seconds
              ) IS NULL
            )
            THEN stow_duration_net_seconds
            ELSE NULL
          END
        ) AS x11,
        NULLIF(
          COUNT(CASE WHEN (
            NOT (
              stow_duration_net_seconds
            ) IS NULL
          ) THEN 1 END),
          0
        ) AS x12,
        COUNT(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              NOT line_count IS NULL AND stow_duration_net_seconds > 0
            )
            THEN 1
          END
        ) AS x13,
        COUNT(CASE WHEN outcome = 'fulfilled' THEN 1 END) AS x14,
        COUNT(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              NOT line_count IS NULL AND stow_duration_net_seconds > 0
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x15,
        SUM(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              NOT line_count IS NULL AND stow_duration_net_seconds > 0
            )
            THEN line_count
            ELSE NULL
          END
        ) AS x16,
        SUM(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              NOT line_count IS NULL AND stow_duration_net_seconds > 0
            )
            THEN stow_duration_net_seconds
            ELSE NULL
          END
        ) AS x17,
        COUNT(
          CASE
            WHEN (
              NOT stowed_units IS NULL AND stow_duration_net_seconds > 0
            )
            THEN 1
          END
        ) AS x18,
        COUNT(
          CASE
            WHEN (
              NOT stowed_units IS NULL AND stow_duration_net_seconds > 0
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x19,
        SUM(
          CASE
            WHEN (
              NOT stowed_units IS NULL AND stow_duration_net_seconds > 0
            )
            THEN stowed_units
            ELSE NULL
          END
        ) AS x20,
        SUM(
          CASE
            WHEN (
              NOT stowed_units IS NULL AND stow_duration_net_seconds > 0
            )
            THEN stow_duration_net_seconds
            ELSE NULL
          END
        ) AS x21,
        COUNT(CASE WHEN (
          NOT stow_lateness_seconds IS NULL
        ) THEN 1 END) AS x22,
        COUNT(
          CASE
            WHEN (
              NOT stow_lateness_seconds IS NULL
            ) AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x23,
        SUM(
          CASE
            WHEN (
              NOT stow_lateness_seconds IS NULL
            )
            THEN CASE WHEN stow_lateness_seconds <= 0 THEN 1 ELSE 0 END
            ELSE NULL
          END
        ) AS x24,
        NULLIF(COUNT(CASE WHEN (
          NOT stow_lateness_seconds IS NULL
        ) THEN 1 END), 0) AS x25,
        COUNT(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              planned_units > 0 AND NOT stowed_units IS NULL
            )
            THEN 1
          END
        ) AS x26,
        COUNT(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              planned_units > 0 AND NOT stowed_units IS NULL
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x27,
        SUM(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              planned_units > 0 AND NOT stowed_units IS NULL
            )
            THEN stowed_units
            ELSE NULL
          END
        ) AS x28,
        SUM(
          CASE
            WHEN (
              outcome = 'fulfilled'
            )
            AND (
              planned_units > 0 AND NOT stowed_units IS NULL
            )
            THEN planned_units
            ELSE NULL
          END
        ) AS x29,
        COUNT(CASE WHEN (
          stowed_units + discarded_units > 0
        ) THEN 1 END) AS x30,
        COUNT(
          CASE
            WHEN (
              stowed_units + discarded_units > 0
            )
            AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x31,
        SUM(
          CASE
            WHEN (
              stowed_units + discarded_units > 0
            )
            THEN discarded_units
            ELSE NULL
          END
        ) AS x32,
        SUM(
          CASE
            WHEN (
              stowed_units + discarded_units > 0
            )
            THEN stowed_units + discarded_units
            ELSE NULL
          END
        ) AS x33,
        COUNT(CASE WHEN (
          NOT reopen_count IS NULL
        ) THEN 1 END) AS x34,
        COUNT(
          CASE
            WHEN (
              NOT reopen_count IS NULL
            ) AND (
              ARRAY_LENGTH(quality_flags) > 0
            )
            THEN 1
          END
        ) AS x35,
        SUM(
          CASE
            WHEN (
              NOT reopen_count IS NULL
            )
            THEN CASE WHEN reopen_count > 0 THEN 1 ELSE 0 END
            ELSE NULL
          END
        ) AS x36,
        NULLIF(COUNT(CASE WHEN (
          NOT reopen_count IS NULL
        ) THEN 1 END), 0) AS x37
      FROM "stow_flow"
      GROUP BY
        day,
        facility_ref,
        channel,
        carrier_ref
    )
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'put_away_time' AS kpi,
      CAST(x3 AS DOUBLE) AS numerator,
      CAST(x4 AS DOUBLE) AS denominator,
      1 AS scale,
      x0 AS counted,
      x1 AS asked,
      x2 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'stow_queue_time' AS kpi,
      CAST(x7 AS DOUBLE) AS numerator,
      CAST(x8 AS DOUBLE) AS denominator,
      1 AS scale,
      x5 AS counted,
      x1 AS asked,
      x6 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'net_stow_time' AS kpi,
      CAST(x11 AS DOUBLE) AS numerator,
      CAST(x12 AS DOUBLE) AS denominator,
      1 AS scale,
      x9 AS counted,
      x1 AS asked,
      x10 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'lines_stowed_per_hour' AS kpi,
      CAST(x16 AS DOUBLE) AS numerator,
      CAST(x17 AS DOUBLE) AS denominator,
      3600 AS scale,
      x13 AS counted,
      x14 AS asked,
      x15 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'units_stowed_per_hour' AS kpi,
      CAST(x20 AS DOUBLE) AS numerator,
      CAST(x21 AS DOUBLE) AS denominator,
      3600 AS scale,
      x18 AS counted,
      x1 AS asked,
      x19 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'stow_on_time' AS kpi,
      CAST(x24 AS DOUBLE) AS numerator,
      CAST(x25 AS DOUBLE) AS denominator,
      1 AS scale,
      x22 AS counted,
      x1 AS asked,
      x23 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'stow_fill_rate' AS kpi,
      CAST(x28 AS DOUBLE) AS numerator,
      CAST(x29 AS DOUBLE) AS denominator,
      1 AS scale,
      x26 AS counted,
      x14 AS asked,
      x27 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'discard_rate' AS kpi,
      CAST(x32 AS DOUBLE) AS numerator,
      CAST(x33 AS DOUBLE) AS denominator,
      1 AS scale,
      x30 AS counted,
      x1 AS asked,
      x31 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'stow_reopen_rate' AS kpi,
      CAST(x36 AS DOUBLE) AS numerator,
      CAST(x37 AS DOUBLE) AS denominator,
      1 AS scale,
      x34 AS counted,
      x1 AS asked,
      x35 AS flagged
    FROM sums
  )
  UNION ALL
  (
    WITH sums AS (
      SELECT
        MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
        facility_ref,
        CAST(NULL AS TEXT) AS channel,
        CAST(NULL AS TEXT) AS carrier_ref,
        COUNT(CASE WHEN (
          flow = 'order'
        ) AND (
          NOT seconds IS NULL
        ) THEN 1 END) AS x0,
        COUNT(CASE WHEN flow = 'order' THEN 1 END) AS x1,
        COUNT(
          CASE
            WHEN (
              flow = 'order'
            )
            AND (
              NOT seconds IS NULL
            )
            AND (
              flow_id IS NULL OR seconds < 0
            )
            THEN 1
          END
        ) AS x2,
        SUM(
          CASE
            WHEN (
              flow = 'order'
            ) AND (
              NOT seconds IS NULL
            )
            THEN CASE WHEN kind = 'waiting' THEN seconds ELSE 0 END
            ELSE NULL
          END
        ) AS x3,
        SUM(
          CASE
            WHEN (
              flow = 'order'
            ) AND (
              NOT seconds IS NULL
            )
            THEN seconds
            ELSE NULL
          END
        ) AS x4,
        SUM(
          CASE
            WHEN (
              flow = 'order'
            ) AND (
              NOT seconds IS NULL
            )
            THEN CASE WHEN kind = 'working' THEN seconds ELSE 0 END
            ELSE NULL
          END
        ) AS x5,
        SUM(
          CASE
            WHEN (
              flow = 'order'
            ) AND (
              NOT seconds IS NULL
            )
            THEN CASE WHEN kind = 'paused' THEN seconds ELSE 0 END
            ELSE NULL
          END
        ) AS x6,
        SUM(
          CASE
            WHEN (
              flow = 'order'
            ) AND (
              NOT seconds IS NULL
            )
            THEN CASE WHEN kind = 'blocked' THEN seconds ELSE 0 END
            ELSE NULL
          END
        ) AS x7,
        COUNT(CASE WHEN (
          flow = 'inbound'
        ) AND (
          NOT seconds IS NULL
        ) THEN 1 END) AS x8,
        COUNT(CASE WHEN flow = 'inbound' THEN 1 END) AS x9,
        COUNT(
          CASE
            WHEN (
              flow = 'inbound'
            )
            AND (
              NOT seconds IS NULL
            )
            AND (
              flow_id IS NULL OR seconds < 0
            )
            THEN 1
          END
        ) AS x10,
        SUM(
          CASE
            WHEN (
              flow = 'inbound'
            ) AND (
              NOT seconds IS NULL
            )
            THEN CASE WHEN kind = 'waiting' THEN seconds ELSE 0 END
            ELSE NULL
          END
        ) AS x11,
        SUM(
          CASE
            WHEN (
              flow = 'inbound'
            ) AND (
              NOT seconds IS NULL
            )
            THEN seconds
            ELSE NULL
          END
        ) AS x12,
        SUM(
          CASE
            WHEN (
              flow = 'inbound'
            ) AND (
              NOT seconds IS NULL
            )
            THEN CASE WHEN kind = 'working' THEN seconds ELSE 0 END
            ELSE NULL
          END
        ) AS x13,
        SUM(
          CASE
            WHEN (
              flow = 'inbound'
            ) AND (
              NOT seconds IS NULL
            )
            THEN CASE WHEN kind = 'blocked' THEN seconds ELSE 0 END
            ELSE NULL
          END
        ) AS x14,
        COUNT(CASE WHEN (
          flow = 'stow'
        ) AND (
          NOT seconds IS NULL
        ) THEN 1 END) AS x15,
        COUNT(CASE WHEN flow = 'stow' THEN 1 END) AS x16,
        COUNT(
          CASE
            WHEN (
              flow = 'stow'
            )
            AND (
              NOT seconds IS NULL
            )
            AND (
              flow_id IS NULL OR seconds < 0
            )
            THEN 1
          END
        ) AS x17,
        SUM(
          CASE
            WHEN (
              flow = 'stow'
            ) AND (
              NOT seconds IS NULL
            )
            THEN CASE WHEN kind = 'waiting' THEN seconds ELSE 0 END
            ELSE NULL
          END
        ) AS x18,
        SUM(
          CASE
            WHEN (
              flow = 'stow'
            ) AND (
              NOT seconds IS NULL
            )
            THEN seconds
            ELSE NULL
          END
        ) AS x19,
        SUM(
          CASE
            WHEN (
              flow = 'stow'
            ) AND (
              NOT seconds IS NULL
            )
            THEN CASE WHEN kind = 'working' THEN seconds ELSE 0 END
            ELSE NULL
          END
        ) AS x20,
        SUM(
          CASE
            WHEN (
              flow = 'stow'
            ) AND (
              NOT seconds IS NULL
            )
            THEN CASE WHEN kind = 'paused' THEN seconds ELSE 0 END
            ELSE NULL
          END
        ) AS x21
      FROM "flow_interval"
      GROUP BY
        day,
        facility_ref,
        channel,
        carrier_ref
    )
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'order_waiting_share' AS kpi,
      CAST(x3 AS DOUBLE) AS numerator,
      CAST(x4 AS DOUBLE) AS denominator,
      1 AS scale,
      x0 AS counted,
      x1 AS asked,
      x2 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'order_flow_efficiency' AS kpi,
      CAST(x5 AS DOUBLE) AS numerator,
      CAST(x4 AS DOUBLE) AS denominator,
      1 AS scale,
      x0 AS counted,
      x1 AS asked,
      x2 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'order_pause_share' AS kpi,
      CAST(x6 AS DOUBLE) AS numerator,
      CAST(x4 AS DOUBLE) AS denominator,
      1 AS scale,
      x0 AS counted,
      x1 AS asked,
      x2 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'order_blocked_share' AS kpi,
      CAST(x7 AS DOUBLE) AS numerator,
      CAST(x4 AS DOUBLE) AS denominator,
      1 AS scale,
      x0 AS counted,
      x1 AS asked,
      x2 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'inbound_waiting_share' AS kpi,
      CAST(x11 AS DOUBLE) AS numerator,
      CAST(x12 AS DOUBLE) AS denominator,
      1 AS scale,
      x8 AS counted,
      x9 AS asked,
      x10 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'inbound_flow_efficiency' AS kpi,
      CAST(x13 AS DOUBLE) AS numerator,
      CAST(x12 AS DOUBLE) AS denominator,
      1 AS scale,
      x8 AS counted,
      x9 AS asked,
      x10 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'inbound_blocked_share' AS kpi,
      CAST(x14 AS DOUBLE) AS numerator,
      CAST(x12 AS DOUBLE) AS denominator,
      1 AS scale,
      x8 AS counted,
      x9 AS asked,
      x10 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'stow_waiting_share' AS kpi,
      CAST(x18 AS DOUBLE) AS numerator,
      CAST(x19 AS DOUBLE) AS denominator,
      1 AS scale,
      x15 AS counted,
      x16 AS asked,
      x17 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'stow_flow_efficiency' AS kpi,
      CAST(x20 AS DOUBLE) AS numerator,
      CAST(x19 AS DOUBLE) AS denominator,
      1 AS scale,
      x15 AS counted,
      x16 AS asked,
      x17 AS flagged
    FROM sums
    UNION ALL
    SELECT
      day,
      facility_ref,
      channel,
      carrier_ref,
      'stow_pause_share' AS kpi,
      CAST(x21 AS DOUBLE) AS numerator,
      CAST(x19 AS DOUBLE) AS denominator,
      1 AS scale,
      x15 AS counted,
      x16 AS asked,
      x17 AS flagged
    FROM sums
  )
) AS found
LEFT JOIN "day_book" AS day_book
  ON day_book.day = CAST(found.day AS TEXT)
WHERE
  asked > 0
);
COMMENT ON VIEW kpi_daily IS 'Every measure of the catalogue (schemas/docs/kpis.md) by day, place and channel. Filter by day to read only those days. Of a larger span or group, add up numerator and denominator and divide the sums: value is scale * numerator / denominator (kpi_definition has the scale), or the numerator alone where there is no denominator. Measures of a stock (sums_over_days is false) can''t be added up over days.';
COMMENT ON COLUMN kpi_daily."day" IS 'Day (UTC) on which the row that is measured began: order, pick job, parcel, process, receipt, stretch';
COMMENT ON COLUMN kpi_daily."kpi" IS 'Key of the measure';
COMMENT ON COLUMN kpi_daily."facility_ref" IS 'The facility; NULL for orders of several or of none yet';
COMMENT ON COLUMN kpi_daily."channel" IS 'SHIPPING, COLLECT or MIXED; NULL for what is of no order';
COMMENT ON COLUMN kpi_daily."carrier_ref" IS 'Carrier, of measures of parcels';
COMMENT ON COLUMN kpi_daily."numerator" IS 'Sum over the rows that are judged';
COMMENT ON COLUMN kpi_daily."denominator" IS 'Sum over the rows that are judged; NULL for a count';
COMMENT ON COLUMN kpi_daily."value" IS 'The measure; NULL where nothing was judged';
COMMENT ON COLUMN kpi_daily."counted" IS 'Rows that are judged [count]';
COMMENT ON COLUMN kpi_daily."excluded" IS 'Rows that the question is about, but that can''t answer it [count]';
COMMENT ON COLUMN kpi_daily."flagged" IS 'Of the counted, odd ones; they count like all others [count]';
COMMENT ON COLUMN kpi_daily."flagged_share" IS 'flagged / counted [ratio]';
COMMENT ON COLUMN kpi_daily."day_closed" IS 'Whether the export''s folder of the day is complete; NULL when there is none';
CREATE VIEW "kpi_definition" AS SELECT CAST("kpi" AS VARCHAR) AS "kpi", CAST("name" AS VARCHAR) AS "name", CAST("standard" AS VARCHAR) AS "standard", CAST("about" AS VARCHAR) AS "about", CAST("question" AS VARCHAR) AS "question", CAST("relation" AS VARCHAR) AS "relation", CAST("form" AS VARCHAR) AS "form", CAST("unit" AS VARCHAR) AS "unit", CAST("better" AS VARCHAR) AS "better", CAST("start_milestone" AS VARCHAR) AS "start_milestone", CAST("stop_milestone" AS VARCHAR) AS "stop_milestone", CAST("scale" AS DOUBLE) AS "scale", CAST("sums_over_days" AS BOOLEAN) AS "sums_over_days", CAST("version" AS BIGINT) AS "version" FROM (
SELECT
  'internal_order_cycle_time' AS kpi,
  'Internal order cycle time' AS name,
  'WERC: Internal Order Cycle Time' AS standard,
  'Orders: time' AS about,
  'How long does an order take from its arrival on the platform until its last part is handed over?' AS question,
  'order_flow' AS relation,
  'duration' AS form,
  's' AS unit,
  'lower' AS better,
  'order_created_at' AS start_milestone,
  'last_handed_over_at' AS stop_milestone,
  1.0 AS scale,
  TRUE AS sums_over_days,
  1 AS version
UNION ALL
SELECT
  'total_order_cycle_time',
  'Total order cycle time',
  'WERC: Total Order Cycle Time; SCOR RS.1.1: Order Fulfillment Cycle Time',
  'Orders: time',
  'How long does a consumer wait, from placing the order until all of it is in their hands?',
  'order_flow',
  'duration',
  's',
  'lower',
  'order_date_at',
  'delivered_at, for collection last_handed_over_at; the later of both for MIXED',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'order_lead_time',
  'Order lead time to hand-over',
  CAST(NULL AS TEXT),
  'Orders: time',
  'How long from the shop taking the order until its last part is handed over?',
  'order_flow',
  'duration',
  's',
  'lower',
  'order_date_at',
  'last_handed_over_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'order_intake_lag',
  'Order intake lag',
  CAST(NULL AS TEXT),
  'Orders: time',
  'How long do orders lie in the shop before they reach the platform?',
  'order_flow',
  'duration',
  's',
  'lower',
  'order_date_at',
  'order_created_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'order_lock_wait',
  'Order lock wait',
  CAST(NULL AS TEXT),
  'Orders: time',
  'How long do orders that came locked wait to be unlocked?',
  'order_flow',
  'duration',
  's',
  'lower',
  'order_created_at',
  'order_unlocked_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'order_routing_time',
  'Order routing time',
  CAST(NULL AS TEXT),
  'Orders: time',
  'How long until an order has its first facility?',
  'order_flow',
  'duration',
  's',
  'lower',
  'order_created_at',
  'first_routed_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'reroute_delay',
  'Reroute delay',
  CAST(NULL AS TEXT),
  'Orders: time',
  'How much time does an order lose from a job being given up until its successor exists?',
  'order_flow',
  'duration',
  's',
  'lower',
  'each pick job given up (PICK_JOB_ABORTED, PICK_JOB_REROUTED)',
  'the creation of its successor',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'time_to_cancel',
  'Time to cancel',
  CAST(NULL AS TEXT),
  'Orders: time',
  'How long after their creation are orders cancelled?',
  'order_flow',
  'duration',
  's',
  'neither',
  'order_created_at',
  'order_cancelled_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'order_lateness',
  'Order lateness',
  CAST(NULL AS TEXT),
  'Orders: time',
  'How far from their target are orders handed over, or ready for collection?',
  'order_flow',
  'duration',
  's',
  'lower',
  'target_at',
  'last_handed_over_at or first_handover_created_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'on_time_shipments',
  'On-time shipments',
  'WERC: On-time Shipments; SCOR RL.2.2 asks for the delivery instead',
  'Orders: service',
  'What share of shipped orders is handed to the carrier by the target?',
  'order_flow',
  'share',
  'ratio',
  'higher',
  'target_at',
  'last_handed_over_at or first_handover_created_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'on_time_orders',
  'On-time orders',
  CAST(NULL AS TEXT),
  'Orders: service',
  'What share of orders, shipped or to be collected, is done by the target?',
  'order_flow',
  'share',
  'ratio',
  'higher',
  'target_at',
  'last_handed_over_at or first_handover_created_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'on_time_collections',
  'On-time ready for collection',
  CAST(NULL AS TEXT),
  'Orders: service',
  'What share of orders to collect lies ready by the time that the consumer was told?',
  'order_flow',
  'share',
  'ratio',
  'higher',
  'target_at',
  'last_handed_over_at or first_handover_created_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'on_time_ready_to_ship',
  'On-time ready to ship',
  'WERC: On-time Ready to Ship',
  'Orders: service',
  'What share of orders was ready, with its last job, by the target?',
  'order_flow',
  'share',
  'ratio',
  'higher',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'order_fill_rate',
  'Order fill rate',
  'WERC: Order Fill Rate; SCOR RL.2.1: Orders Delivered In Full',
  'Orders: service',
  'What share of fulfilled orders had every unit?',
  'order_flow',
  'share',
  'ratio',
  'higher',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'unit_fill_rate',
  'Unit fill rate',
  'WERC: Fill Rate, by units',
  'Orders: service',
  'What share of the ordered units of fulfilled orders was picked?',
  'order_flow',
  'rate',
  'ratio',
  'higher',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'perfect_order',
  'Perfect orders',
  'SCOR RL.1.1 and WERC: Perfect Order; no deviation stands for damage and papers',
  'Orders: service',
  'What share of fulfilled orders was on time, in full and without any detour?',
  'order_flow',
  'share',
  'ratio',
  'higher',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'first_pass_yield',
  'First-pass yield of orders',
  'Lean: First-Pass Yield',
  'Orders: service',
  'What share of fulfilled orders went the happy path, without a deviation?',
  'order_flow',
  'share',
  'ratio',
  'higher',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'order_rework_rate',
  'Order rework rate',
  'Lean: Rework Rate',
  'Orders: service',
  'What share of orders had work done twice or undone (rerouted, reset, short, aborted, taken back, ...)?',
  'order_flow',
  'share',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'order_reroute_rate',
  'Order reroute rate',
  CAST(NULL AS TEXT),
  'Orders: service',
  'What share of orders had a job given up and routed again?',
  'order_flow',
  'share',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'split_order_rate',
  'Split order rate',
  CAST(NULL AS TEXT),
  'Orders: service',
  'What share of orders was split over several routing plans?',
  'order_flow',
  'share',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'orders_received',
  'Orders received',
  CAST(NULL AS TEXT),
  'Orders: volume',
  'How many orders came?',
  'order_flow',
  'count',
  'count',
  'neither',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'orders_fulfilled',
  'Orders fulfilled, by day of arrival',
  CAST(NULL AS TEXT),
  'Orders: volume',
  'How many of the orders of a day are fulfilled by now?',
  'order_flow',
  'count',
  'count',
  'higher',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'order_backlog',
  'Order backlog',
  'WERC: Backlogged Orders, as a number',
  'Orders: volume',
  'How many orders had begun and not ended at the end of the day?',
  'backlog_daily',
  'count',
  'count',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  FALSE,
  1
UNION ALL
SELECT
  'lines_per_order',
  'Lines per order',
  CAST(NULL AS TEXT),
  'Orders: volume',
  'How many lines has an order?',
  'order_flow',
  'rate',
  'lines/order',
  'neither',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'units_per_order',
  'Units per order',
  CAST(NULL AS TEXT),
  'Orders: volume',
  'How many units has an order?',
  'order_flow',
  'rate',
  'units/order',
  'neither',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'jobs_per_order',
  'Pick jobs per order',
  CAST(NULL AS TEXT),
  'Orders: volume',
  'Over how many pick jobs is an order spread?',
  'order_flow',
  'rate',
  'jobs/order',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'cancellation_rate',
  'Cancellation rate',
  CAST(NULL AS TEXT),
  'Orders: volume',
  'What share of orders ends cancelled?',
  'order_flow',
  'share',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'cancellation_rate_cancelled',
  'Cancellation rate, on request',
  CAST(NULL AS TEXT),
  'Orders: volume',
  'What share of orders is cancelled by a plain request?',
  'order_flow',
  'share',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'cancellation_rate_force_cancelled',
  'Cancellation rate, forced',
  CAST(NULL AS TEXT),
  'Orders: volume',
  'What share of orders is cancelled by force?',
  'order_flow',
  'share',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'cancellation_rate_expired',
  'Cancellation rate, expired',
  CAST(NULL AS TEXT),
  'Orders: volume',
  'What share of orders is cancelled because it expired?',
  'order_flow',
  'share',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'lost_order_rate',
  'Lost order rate',
  CAST(NULL AS TEXT),
  'Orders: volume',
  'What share of orders never ended: the deadline passed without hand-over or cancellation?',
  'order_flow',
  'share',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'pick_release_time',
  'Pick release time',
  CAST(NULL AS TEXT),
  'Pick jobs',
  'How long from routing until the pick job exists?',
  'order_leg',
  'duration',
  's',
  'lower',
  'routed_at',
  'pick_created_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'pick_queue_time',
  'Pick queue time',
  CAST(NULL AS TEXT),
  'Pick jobs',
  'How long does a pick job wait for somebody to begin?',
  'order_leg',
  'duration',
  's',
  'lower',
  'pick_opened_at or pick_created_at',
  'pick_first_started_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'net_pick_time',
  'Net pick time',
  CAST(NULL AS TEXT),
  'Pick jobs',
  'How long is a job picked, without pauses?',
  'order_leg',
  'duration',
  's',
  'lower',
  'pick_started_at',
  'pick_finished_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'pick_to_pack_time',
  'Pick to pack time',
  CAST(NULL AS TEXT),
  'Pick jobs',
  'How long from the end of picking until packing is asked for?',
  'order_leg',
  'duration',
  's',
  'lower',
  'pick_finished_at',
  'pack_created_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'pack_queue_time',
  'Pack queue time',
  CAST(NULL AS TEXT),
  'Pick jobs',
  'How long does packing wait to begin?',
  'order_leg',
  'duration',
  's',
  'lower',
  'pack_created_at',
  'pack_started_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'pack_time',
  'Pack time',
  CAST(NULL AS TEXT),
  'Pick jobs',
  'How long is a job packed?',
  'order_leg',
  'duration',
  's',
  'lower',
  'pack_started_at',
  'pack_finished_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'handover_prepare_time',
  'Hand-over preparation time',
  CAST(NULL AS TEXT),
  'Pick jobs',
  'How long from packed until the goods are ready for hand-over?',
  'order_leg',
  'duration',
  's',
  'lower',
  'pack_finished_at or pick_finished_at',
  'handover_created_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'handover_wait_time',
  'Hand-over wait time',
  'Yard and shop usage: dwell time at the dock',
  'Pick jobs',
  'How long do ready goods wait for the carrier or the consumer?',
  'order_leg',
  'duration',
  's',
  'lower',
  'handover_created_at',
  'handed_over_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'job_touch_time',
  'Touch time of a pick job',
  'Lean: Touch Time',
  'Pick jobs',
  'How long is a pick job in somebody''s hands: picking without pauses, and packing?',
  'order_leg',
  'duration',
  's',
  'lower',
  'pick_started_at',
  'pick_finished_at, pack_finished_at; two stretches together',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'lines_picked_per_hour',
  'Lines picked per hour',
  'WERC: Lines Picked and Shipped per Hour, by hours of picking; who picks is not in the facts',
  'Pick jobs',
  'How many lines are picked in an hour of picking without pauses?',
  'order_leg',
  'rate',
  'lines/h',
  'higher',
  'pick_started_at',
  'pick_finished_at',
  3600.0,
  TRUE,
  1
UNION ALL
SELECT
  'units_picked_per_hour',
  'Units picked per hour',
  'WERC: Units Picked per Hour, by hours of picking',
  'Pick jobs',
  'How many units are picked in an hour of picking without pauses?',
  'order_leg',
  'rate',
  'units/h',
  'higher',
  'pick_started_at',
  'pick_finished_at',
  3600.0,
  TRUE,
  1
UNION ALL
SELECT
  'line_fill_rate',
  'Line fill rate',
  'WERC: Line Fill Rate',
  'Pick jobs',
  'What share of the lines of picked jobs was picked in full?',
  'order_leg',
  'rate',
  'ratio',
  'higher',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'pick_pause_share',
  'Pause share of picking',
  CAST(NULL AS TEXT),
  'Pick jobs',
  'What share of the time from start to end of picking is paused?',
  'order_leg',
  'rate',
  'ratio',
  'lower',
  'pick_started_at',
  'pick_finished_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'short_pick_rate',
  'Short pick rate',
  CAST(NULL AS TEXT),
  'Pick jobs',
  'What share of pick jobs that were worked to their end found too little?',
  'order_leg',
  'share',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'job_given_up_rate',
  'Given-up pick job rate',
  CAST(NULL AS TEXT),
  'Pick jobs',
  'What share of pick jobs was given up: aborted, found nothing, or was rerouted?',
  'order_leg',
  'share',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'pick_reset_rate',
  'Pick reset rate',
  CAST(NULL AS TEXT),
  'Pick jobs',
  'What share of started pick jobs was begun anew, its work discarded?',
  'order_leg',
  'share',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'jobs_ready_on_time',
  'Pick jobs ready on time',
  CAST(NULL AS TEXT),
  'Pick jobs',
  'What share of pick jobs was ready for hand-over by its own target?',
  'order_leg',
  'share',
  'ratio',
  'higher',
  'target_at',
  'handover_created_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'label_request_time',
  'Label request time',
  CAST(NULL AS TEXT),
  'Parcels',
  'How long does a carrier take to answer a label request?',
  'order_parcel',
  'duration',
  's',
  'lower',
  'label_requested_at, of the last answered attempt',
  'label_received_at, or the failure',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'label_success_rate',
  'First-time label success',
  CAST(NULL AS TEXT),
  'Parcels',
  'What share of parcels got its label without a failed request?',
  'order_parcel',
  'share',
  'ratio',
  'higher',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'label_failures_per_parcel',
  'Label failures per parcel',
  CAST(NULL AS TEXT),
  'Parcels',
  'How many label requests fail for a parcel?',
  'order_parcel',
  'rate',
  'failures/parcel',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'transit_time',
  'Transit time',
  'SCOR RS.2.4: part of Delivery Cycle Time',
  'Parcels',
  'How long is a parcel under way, from the hand-over to the delivery?',
  'order_parcel',
  'duration',
  's',
  'lower',
  'handed_over_at, of the parcel''s job, else of its leg',
  'delivered_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'delivery_report_rate',
  'Delivery report rate',
  CAST(NULL AS TEXT),
  'Parcels',
  'For what share of parcels has a carrier reported the delivery?',
  'order_parcel',
  'share',
  'ratio',
  'higher',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'dock_to_stock_cycle_time',
  'Dock-to-stock cycle time',
  'WERC: Dock-to-Stock Cycle Time',
  'Inbound',
  'How long from the arrival of goods until they are booked into stock?',
  'inbound_receipt',
  'duration',
  's',
  'lower',
  'arrival_at',
  'delivery_received_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'receipt_queue_time',
  'Receipt queue time',
  CAST(NULL AS TEXT),
  'Inbound',
  'How long do arrived goods wait until their receipt is opened?',
  'inbound_receipt',
  'duration',
  's',
  'lower',
  'arrival_at',
  'receipt_created_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'receipt_time',
  'Receipt time',
  'WERC: Receiving Time',
  'Inbound',
  'How long is a receipt worked on?',
  'inbound_receipt',
  'duration',
  's',
  'lower',
  'receipt_started_at',
  'delivery_received_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'purchase_order_cycle_time',
  'Purchase order cycle time',
  'SCOR RS.2.1: Source Cycle Time',
  'Inbound',
  'How long from placing a purchase order until it is complete?',
  'inbound_flow',
  'duration',
  's',
  'lower',
  'purchase_order_created_at',
  'inbound_finished_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'supplier_lead_time',
  'Supplier lead time',
  CAST(NULL AS TEXT),
  'Inbound',
  'How long from placing a purchase order until its first receipt?',
  'inbound_flow',
  'duration',
  's',
  'lower',
  'purchase_order_created_at',
  'first_receipt_created_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'supplier_delay',
  'Supplier delay',
  CAST(NULL AS TEXT),
  'Inbound',
  'How far from the requested date do the first goods arrive?',
  'inbound_flow',
  'duration',
  's',
  'lower',
  'last_requested_at',
  'first_arrival_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'supplier_on_time',
  'Supplier on time',
  'WERC: On-time Supplier Deliveries; SCOR RL.3: Orders Received On Time',
  'Inbound',
  'What share of deliveries arrives by the date that was requested last?',
  'inbound_flow',
  'share',
  'ratio',
  'higher',
  'last_requested_at',
  'first_arrival_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'supplier_in_full',
  'Supplier in full',
  'WERC: Supplier Orders Received with the correct quantity',
  'Inbound',
  'What share of ended purchase orders brought every requested unit?',
  'inbound_flow',
  'share',
  'ratio',
  'higher',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'rejection_rate',
  'Rejection rate of goods',
  CAST(NULL AS TEXT),
  'Inbound',
  'What share of the received units was rejected?',
  'inbound_flow',
  'rate',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'receiving_accuracy',
  'Receipts without rejection',
  'WERC: Supplier Orders Received Damage Free',
  'Inbound',
  'What share of receipts was accepted whole?',
  'inbound_receipt',
  'share',
  'ratio',
  'higher',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'inbound_hold_time',
  'Inbound hold time',
  CAST(NULL AS TEXT),
  'Inbound',
  'How long are held deliveries on hold?',
  'inbound_flow',
  'duration',
  's',
  'lower',
  'each INBOUND_DELIVERY_ON_HOLD',
  'the next INBOUND_DELIVERY_RELEASED',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'partial_delivery_rate',
  'Partial delivery rate',
  CAST(NULL AS TEXT),
  'Inbound',
  'What share of inbound processes came in parts?',
  'inbound_flow',
  'share',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'put_away_time',
  'Put-away time',
  'Warehouse usage: Put-away Cycle Time',
  'Stow',
  'How long from asking for it until goods are in their place?',
  'stow_flow',
  'duration',
  's',
  'lower',
  'stow_created_at',
  'stow_finished_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'stow_queue_time',
  'Stow queue time',
  CAST(NULL AS TEXT),
  'Stow',
  'How long does a stow job wait for somebody to begin?',
  'stow_flow',
  'duration',
  's',
  'lower',
  'stow_created_at',
  'stow_started_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'net_stow_time',
  'Net stow time',
  CAST(NULL AS TEXT),
  'Stow',
  'How long is a job stowed, without pauses?',
  'stow_flow',
  'duration',
  's',
  'lower',
  'stow_started_at',
  'stow_finished_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'lines_stowed_per_hour',
  'Lines put away per hour',
  'WERC: Put-aways per Hour, by hours of stowing; who stows is not in the facts',
  'Stow',
  'How many lines are put away in an hour of stowing without pauses?',
  'stow_flow',
  'rate',
  'lines/h',
  'higher',
  'stow_started_at',
  'stow_finished_at',
  3600.0,
  TRUE,
  1
UNION ALL
SELECT
  'units_stowed_per_hour',
  'Units put away per hour',
  CAST(NULL AS TEXT),
  'Stow',
  'How many units are put away in an hour of stowing without pauses?',
  'stow_flow',
  'rate',
  'units/h',
  'higher',
  'stow_started_at',
  'stow_finished_at',
  3600.0,
  TRUE,
  1
UNION ALL
SELECT
  'stow_on_time',
  'Stow jobs on time',
  CAST(NULL AS TEXT),
  'Stow',
  'What share of stow jobs is closed by its target?',
  'stow_flow',
  'share',
  'ratio',
  'higher',
  'target_at',
  'stow_finished_at',
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'stow_fill_rate',
  'Put-away completeness',
  CAST(NULL AS TEXT),
  'Stow',
  'What share of the planned units of closed jobs came into stock?',
  'stow_flow',
  'rate',
  'ratio',
  'higher',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'discard_rate',
  'Discard rate',
  CAST(NULL AS TEXT),
  'Stow',
  'What share of the units that were moved was booked out?',
  'stow_flow',
  'rate',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'stow_reopen_rate',
  'Stow reopen rate',
  'Lean: Rework Rate',
  'Stow',
  'What share of stow jobs was opened again after its end?',
  'stow_flow',
  'share',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'order_waiting_share',
  'Order waiting share',
  CAST(NULL AS TEXT),
  'Where the time goes',
  'In what share of the time of all stages of order flows is it that work waits to begin?',
  'flow_interval',
  'rate',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'order_flow_efficiency',
  'Order flow efficiency',
  'Lean: Flow Efficiency (process cycle efficiency)',
  'Where the time goes',
  'In what share of the time of all stages of order flows is it that somebody works?',
  'flow_interval',
  'rate',
  'ratio',
  'higher',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'order_pause_share',
  'Order pause share',
  CAST(NULL AS TEXT),
  'Where the time goes',
  'In what share of the time of all stages of order flows is it that work is paused?',
  'flow_interval',
  'rate',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'order_blocked_share',
  'Order blocked share',
  CAST(NULL AS TEXT),
  'Where the time goes',
  'In what share of the time of all stages of order flows is it that work is blocked?',
  'flow_interval',
  'rate',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'inbound_waiting_share',
  'Inbound waiting share',
  CAST(NULL AS TEXT),
  'Where the time goes',
  'In what share of the time of all stages of inbound flows is it that work waits to begin?',
  'flow_interval',
  'rate',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'inbound_flow_efficiency',
  'Inbound flow efficiency',
  'Lean: Flow Efficiency (process cycle efficiency)',
  'Where the time goes',
  'In what share of the time of all stages of inbound flows is it that somebody works?',
  'flow_interval',
  'rate',
  'ratio',
  'higher',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'inbound_blocked_share',
  'Inbound blocked share',
  CAST(NULL AS TEXT),
  'Where the time goes',
  'In what share of the time of all stages of inbound flows is it that work is blocked?',
  'flow_interval',
  'rate',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'stow_waiting_share',
  'Stow waiting share',
  CAST(NULL AS TEXT),
  'Where the time goes',
  'In what share of the time of all stages of stow flows is it that work waits to begin?',
  'flow_interval',
  'rate',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'stow_flow_efficiency',
  'Stow flow efficiency',
  'Lean: Flow Efficiency (process cycle efficiency)',
  'Where the time goes',
  'In what share of the time of all stages of stow flows is it that somebody works?',
  'flow_interval',
  'rate',
  'ratio',
  'higher',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
UNION ALL
SELECT
  'stow_pause_share',
  'Stow pause share',
  CAST(NULL AS TEXT),
  'Where the time goes',
  'In what share of the time of all stages of stow flows is it that work is paused?',
  'flow_interval',
  'rate',
  'ratio',
  'lower',
  CAST(NULL AS TEXT),
  CAST(NULL AS TEXT),
  1.0,
  TRUE,
  1
);
COMMENT ON VIEW kpi_definition IS 'The measures of kpi_daily and kpi_histogram: what each is called, asks and is made of. One row a measure.';
COMMENT ON COLUMN kpi_definition."kpi" IS 'Key of the measure';
COMMENT ON COLUMN kpi_definition."name" IS 'Its name for people';
COMMENT ON COLUMN kpi_definition."standard" IS 'Whose name it is, and how ours differs; NULL where the field has none';
COMMENT ON COLUMN kpi_definition."about" IS 'What it belongs to';
COMMENT ON COLUMN kpi_definition."question" IS 'The question that it answers';
COMMENT ON COLUMN kpi_definition."relation" IS 'Relation whose rows are counted';
COMMENT ON COLUMN kpi_definition."form" IS 'duration, share, rate or count';
COMMENT ON COLUMN kpi_definition."unit" IS 'Unit of the value';
COMMENT ON COLUMN kpi_definition."better" IS 'higher, lower or neither';
COMMENT ON COLUMN kpi_definition."start_milestone" IS 'Where the time begins';
COMMENT ON COLUMN kpi_definition."stop_milestone" IS 'Where it ends';
COMMENT ON COLUMN kpi_definition."scale" IS 'Factor of the value';
COMMENT ON COLUMN kpi_definition."sums_over_days" IS 'Whether days may be added up';
COMMENT ON COLUMN kpi_definition."version" IS 'Version of the formula';
CREATE VIEW "kpi_histogram" AS SELECT CAST("day" AS DATE) AS "day", CAST("kpi" AS VARCHAR) AS "kpi", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("channel" AS VARCHAR) AS "channel", CAST("carrier_ref" AS VARCHAR) AS "carrier_ref", CAST("bucket" AS BIGINT) AS "bucket", CAST("counted" AS BIGINT) AS "counted", CAST("flagged" AS BIGINT) AS "flagged", CAST("seconds" AS DOUBLE) AS "seconds" FROM (
SELECT
  day,
  kpi,
  facility_ref,
  channel,
  carrier_ref,
  bucket,
  COUNT(*) AS counted,
  COUNT(CASE WHEN odd THEN 1 END) AS flagged,
  SUM(seconds) AS seconds
FROM (
  SELECT
    day,
    kpi,
    facility_ref,
    channel,
    carrier_ref,
    odd,
    seconds,
    CASE
      WHEN ABS(seconds) <= 0.00000001
      THEN 0
      WHEN seconds > 0
      THEN CAST(FLOOR(LN(ABS(seconds)) / LN(1.02)) AS BIGINT) + 1000
      ELSE -(
        CAST(FLOOR(LN(ABS(seconds)) / LN(1.02)) AS BIGINT) + 1000
      )
    END AS bucket
  FROM (
    SELECT
      MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
      kpi,
      facility_ref,
      channel AS channel,
      CAST(NULL AS TEXT) AS carrier_ref,
      ARRAY_LENGTH(quality_flags) > 0 AS odd,
      CASE kpi
        WHEN 'internal_order_cycle_time'
        THEN order_cycle_seconds
        WHEN 'total_order_cycle_time'
        THEN CASE
          WHEN outcome = 'fulfilled'
          THEN (
            EPOCH_US(
              CASE
                WHEN channel = 'COLLECT'
                THEN last_handed_over_at
                WHEN delivered_at >= last_handed_over_at
                THEN delivered_at
                WHEN delivered_at < last_handed_over_at
                THEN last_handed_over_at
              END
            ) - EPOCH_US(order_date_at)
          ) / 1000000
          ELSE NULL
        END
        WHEN 'order_lead_time'
        THEN order_lead_seconds
        WHEN 'order_intake_lag'
        THEN order_intake_lag_seconds
        WHEN 'order_lock_wait'
        THEN CASE
          WHEN CASE
            WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
            THEN FALSE
            WHEN ARRAY_CONTAINS(deviations, 'locked')
            THEN TRUE
            WHEN 'locked' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
            THEN NULL
            ELSE FALSE
          END
          THEN lock_wait_seconds
          ELSE NULL
        END
        WHEN 'order_routing_time'
        THEN order_to_route_seconds
        WHEN 'reroute_delay'
        THEN CASE
          WHEN CASE
            WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
            THEN FALSE
            WHEN ARRAY_CONTAINS(deviations, 'reroute')
            THEN TRUE
            WHEN 'reroute' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
            THEN NULL
            ELSE FALSE
          END
          THEN reroute_delay_seconds
          ELSE NULL
        END
        WHEN 'time_to_cancel'
        THEN CASE WHEN NOT cancel_reason IS NULL THEN cancel_after_seconds ELSE NULL END
        WHEN 'order_lateness'
        THEN lateness_seconds
      END AS seconds
    FROM "order_flow"
    CROSS JOIN UNNEST([
      'internal_order_cycle_time',
      'total_order_cycle_time',
      'order_lead_time',
      'order_intake_lag',
      'order_lock_wait',
      'order_routing_time',
      'reroute_delay',
      'time_to_cancel',
      'order_lateness'
    ]) AS _t0(kpi)
    UNION ALL
    SELECT
      MAKE_DATE(CAST(FLOOR(EPOCH_US(pick_created_at) / 86400000000) AS INT)) AS day,
      kpi,
      facility_ref,
      channel AS channel,
      CAST(NULL AS TEXT) AS carrier_ref,
      ARRAY_LENGTH(quality_flags) > 0 AS odd,
      CASE kpi
        WHEN 'pick_release_time'
        THEN route_to_pick_created_seconds
        WHEN 'pick_queue_time'
        THEN pick_queue_seconds
        WHEN 'net_pick_time'
        THEN pick_duration_net_seconds
        WHEN 'pick_to_pack_time'
        THEN pick_to_pack_seconds
        WHEN 'pack_queue_time'
        THEN pack_queue_seconds
        WHEN 'pack_time'
        THEN pack_duration_seconds
        WHEN 'handover_prepare_time'
        THEN handover_prepare_seconds
        WHEN 'handover_wait_time'
        THEN handover_wait_seconds
        WHEN 'job_touch_time'
        THEN pick_duration_net_seconds + CASE WHEN pack_created_at IS NULL THEN 0 ELSE pack_duration_seconds END
      END AS seconds
    FROM "order_leg"
    CROSS JOIN UNNEST([
      'pick_release_time',
      'pick_queue_time',
      'net_pick_time',
      'pick_to_pack_time',
      'pack_queue_time',
      'pack_time',
      'handover_prepare_time',
      'handover_wait_time',
      'job_touch_time'
    ]) AS _t1(kpi)
    UNION ALL
    SELECT
      MAKE_DATE(CAST(FLOOR(EPOCH_US(parcel_created_at) / 86400000000) AS INT)) AS day,
      kpi,
      facility_ref,
      'SHIPPING' AS channel,
      carrier_ref AS carrier_ref,
      flow_id IS NULL OR label_request_seconds < 0 OR transit_seconds < 0 AS odd,
      CASE kpi
        WHEN 'label_request_time'
        THEN CASE WHEN NOT label_requested_at IS NULL THEN label_request_seconds ELSE NULL END
        WHEN 'transit_time'
        THEN transit_seconds
      END AS seconds
    FROM "order_parcel"
    CROSS JOIN UNNEST(['label_request_time', 'transit_time']) AS _t2(kpi)
    UNION ALL
    SELECT
      MAKE_DATE(CAST(FLOOR(EPOCH_US(receipt_created_at) / 86400000000) AS INT)) AS day,
      kpi,
      facility_ref,
      CAST(NULL AS TEXT) AS channel,
      CAST(NULL AS TEXT) AS carrier_ref,
      flow_id IS NULL
      OR receipt_created_at IS NULL
      OR receipt_duration_seconds < 0
      OR dock_to_stock_seconds < 0 AS odd,
      CASE kpi
        WHEN 'dock_to_stock_cycle_time'
        THEN dock_to_stock_seconds
        WHEN 'receipt_queue_time'
        THEN arrival_to_receipt_seconds
        WHEN 'receipt_time'
        THEN receipt_duration_seconds
      END AS seconds
    FROM "inbound_receipt"
    CROSS JOIN UNNEST(['dock_to_stock_cycle_time', 'receipt_queue_time', 'receipt_time']) AS _t3(kpi)
    UNION ALL
    SELECT
      MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
      kpi,
      facility_ref,
      CAST(NULL AS TEXT) AS channel,
      CAST(NULL AS TEXT) AS carrier_ref,
      ARRAY_LENGTH(quality_flags) > 0 AS odd,
      CASE kpi
        WHEN 'purchase_order_cycle_time'
        THEN inbound_complete_seconds
        WHEN 'supplier_lead_time'
        THEN po_to_first_receipt_seconds
        WHEN 'supplier_delay'
        THEN supplier_delay_seconds
        WHEN 'inbound_hold_time'
        THEN CASE WHEN on_hold_count > 0 THEN on_hold_seconds ELSE NULL END
      END AS seconds
    FROM "inbound_flow"
    CROSS JOIN UNNEST([
      'purchase_order_cycle_time',
      'supplier_lead_time',
      'supplier_delay',
      'inbound_hold_time'
    ]) AS _t4(kpi)
    UNION ALL
    SELECT
      MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
      kpi,
      facility_ref,
      CAST(NULL AS TEXT) AS channel,
      CAST(NULL AS TEXT) AS carrier_ref,
      ARRAY_LENGTH(quality_flags) > 0 AS odd,
      CASE kpi
        WHEN 'put_away_time'
        THEN stow_total_seconds
        WHEN 'stow_queue_time'
        THEN stow_wait_seconds
        WHEN 'net_stow_time'
        THEN stow_duration_net_seconds
      END AS seconds
    FROM "stow_flow"
    CROSS JOIN UNNEST(['put_away_time', 'stow_queue_time', 'net_stow_time']) AS _t5(kpi)
  ) AS lengths
  WHERE
    NOT seconds IS NULL
) AS counts
GROUP BY
  day,
  kpi,
  facility_ref,
  channel,
  carrier_ref,
  bucket
);
COMMENT ON VIEW kpi_histogram IS 'Every measure of a length of time in the catalogue (schemas/docs/kpis.md), counted by bucket, day, place, channel. Filter by day to read only those days. Percentiles of any roll-up are within 1 % (schemas/docs/views.md has the question).';
COMMENT ON COLUMN kpi_histogram."day" IS 'Day (UTC) on which the row that is measured began';
COMMENT ON COLUMN kpi_histogram."kpi" IS 'Key of the measure';
COMMENT ON COLUMN kpi_histogram."facility_ref" IS 'The facility; NULL for orders of several or of none yet';
COMMENT ON COLUMN kpi_histogram."channel" IS 'SHIPPING, COLLECT or MIXED; NULL for what is of no order';
COMMENT ON COLUMN kpi_histogram."carrier_ref" IS 'Carrier, of measures of parcels';
COMMENT ON COLUMN kpi_histogram."bucket" IS 'Number of the bucket: it begins at 1.02^(bucket - 1000) seconds; 0 is no time, below it is negative';
COMMENT ON COLUMN kpi_histogram."counted" IS 'Rows in the bucket [count]';
COMMENT ON COLUMN kpi_histogram."flagged" IS 'Of these, odd ones [count]';
COMMENT ON COLUMN kpi_histogram."seconds" IS 'Their lengths together [s]';
CREATE VIEW "kpi_histogram_hourly" AS SELECT CAST("day" AS DATE) AS "day", CAST("hour" AS TIMESTAMPTZ) AS "hour", CAST("kpi" AS VARCHAR) AS "kpi", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("channel" AS VARCHAR) AS "channel", CAST("carrier_ref" AS VARCHAR) AS "carrier_ref", CAST("bucket" AS BIGINT) AS "bucket", CAST("counted" AS BIGINT) AS "counted", CAST("flagged" AS BIGINT) AS "flagged", CAST("seconds" AS DOUBLE) AS "seconds" FROM (
SELECT
  day,
  hour,
  kpi,
  facility_ref,
  channel,
  carrier_ref,
  bucket,
  COUNT(*) AS counted,
  COUNT(CASE WHEN odd THEN 1 END) AS flagged,
  SUM(seconds) AS seconds
FROM (
  SELECT
    day,
    hour,
    kpi,
    facility_ref,
    channel,
    carrier_ref,
    odd,
    seconds,
    CASE
      WHEN ABS(seconds) <= 0.00000001
      THEN 0
      WHEN seconds > 0
      THEN CAST(FLOOR(LN(ABS(seconds)) / LN(1.02)) AS BIGINT) + 1000
      ELSE -(
        CAST(FLOOR(LN(ABS(seconds)) / LN(1.02)) AS BIGINT) + 1000
      )
    END AS bucket
  FROM (
    SELECT
      MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
      MAKE_TIMESTAMPTZ(CAST(FLOOR(EPOCH_US(started_at) / 3600000000) AS BIGINT) * 3600000000) AS hour,
      kpi,
      facility_ref,
      channel AS channel,
      CAST(NULL AS TEXT) AS carrier_ref,
      ARRAY_LENGTH(quality_flags) > 0 AS odd,
      CASE kpi
        WHEN 'internal_order_cycle_time'
        THEN order_cycle_seconds
        WHEN 'total_order_cycle_time'
        THEN CASE
          WHEN outcome = 'fulfilled'
          THEN (
            EPOCH_US(
              CASE
                WHEN channel = 'COLLECT'
                THEN last_handed_over_at
                WHEN delivered_at >= last_handed_over_at
                THEN delivered_at
                WHEN delivered_at < last_handed_over_at
                THEN last_handed_over_at
              END
            ) - EPOCH_US(order_date_at)
          ) / 1000000
          ELSE NULL
        END
        WHEN 'order_lead_time'
        THEN order_lead_seconds
        WHEN 'order_intake_lag'
        THEN order_intake_lag_seconds
        WHEN 'order_lock_wait'
        THEN CASE
          WHEN CASE
            WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
            THEN FALSE
            WHEN ARRAY_CONTAINS(deviations, 'locked')
            THEN TRUE
            WHEN 'locked' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
            THEN NULL
            ELSE FALSE
          END
          THEN lock_wait_seconds
          ELSE NULL
        END
        WHEN 'order_routing_time'
        THEN order_to_route_seconds
        WHEN 'reroute_delay'
        THEN CASE
          WHEN CASE
            WHEN deviations IS NULL OR ARRAY_LENGTH(deviations) = 0
            THEN FALSE
            WHEN ARRAY_CONTAINS(deviations, 'reroute')
            THEN TRUE
            WHEN 'reroute' IS NULL OR ARRAY_LENGTH(deviations) <> LIST_COUNT(deviations)
            THEN NULL
            ELSE FALSE
          END
          THEN reroute_delay_seconds
          ELSE NULL
        END
        WHEN 'time_to_cancel'
        THEN CASE WHEN NOT cancel_reason IS NULL THEN cancel_after_seconds ELSE NULL END
        WHEN 'order_lateness'
        THEN lateness_seconds
      END AS seconds
    FROM "order_flow"
    CROSS JOIN UNNEST([
      'internal_order_cycle_time',
      'total_order_cycle_time',
      'order_lead_time',
      'order_intake_lag',
      'order_lock_wait',
      'order_routing_time',
      'reroute_delay',
      'time_to_cancel',
      'order_lateness'
    ]) AS _t0(kpi)
    UNION ALL
    SELECT
      MAKE_DATE(CAST(FLOOR(EPOCH_US(pick_created_at) / 86400000000) AS INT)) AS day,
      MAKE_TIMESTAMPTZ(CAST(FLOOR(EPOCH_US(pick_created_at) / 3600000000) AS BIGINT) * 3600000000) AS hour,
      kpi,
      facility_ref,
      channel AS channel,
      CAST(NULL AS TEXT) AS carrier_ref,
      ARRAY_LENGTH(quality_flags) > 0 AS odd,
      CASE kpi
        WHEN 'pick_release_time'
        THEN route_to_pick_created_seconds
        WHEN 'pick_queue_time'
        THEN pick_queue_seconds
        WHEN 'net_pick_time'
        THEN pick_duration_net_seconds
        WHEN 'pick_to_pack_time'
        THEN pick_to_pack_seconds
        WHEN 'pack_queue_time'
        THEN pack_queue_seconds
        WHEN 'pack_time'
        THEN pack_duration_seconds
        WHEN 'handover_prepare_time'
        THEN handover_prepare_seconds
        WHEN 'handover_wait_time'
        THEN handover_wait_seconds
        WHEN 'job_touch_time'
        THEN pick_duration_net_seconds + CASE WHEN pack_created_at IS NULL THEN 0 ELSE pack_duration_seconds END
      END AS seconds
    FROM "order_leg"
    CROSS JOIN UNNEST([
      'pick_release_time',
      'pick_queue_time',
      'net_pick_time',
      'pick_to_pack_time',
      'pack_queue_time',
      'pack_time',
      'handover_prepare_time',
      'handover_wait_time',
      'job_touch_time'
    ]) AS _t1(kpi)
    UNION ALL
    SELECT
      MAKE_DATE(CAST(FLOOR(EPOCH_US(parcel_created_at) / 86400000000) AS INT)) AS day,
      MAKE_TIMESTAMPTZ(CAST(FLOOR(EPOCH_US(parcel_created_at) / 3600000000) AS BIGINT) * 3600000000) AS hour,
      kpi,
      facility_ref,
      'SHIPPING' AS channel,
      carrier_ref AS carrier_ref,
      flow_id IS NULL OR label_request_seconds < 0 OR transit_seconds < 0 AS odd,
      CASE kpi
        WHEN 'label_request_time'
        THEN CASE WHEN NOT label_requested_at IS NULL THEN label_request_seconds ELSE NULL END
        WHEN 'transit_time'
        THEN transit_seconds
      END AS seconds
    FROM "order_parcel"
    CROSS JOIN UNNEST(['label_request_time', 'transit_time']) AS _t2(kpi)
    UNION ALL
    SELECT
      MAKE_DATE(CAST(FLOOR(EPOCH_US(receipt_created_at) / 86400000000) AS INT)) AS day,
      MAKE_TIMESTAMPTZ(CAST(FLOOR(EPOCH_US(receipt_created_at) / 3600000000) AS BIGINT) * 3600000000) AS hour,
      kpi,
      facility_ref,
      CAST(NULL AS TEXT) AS channel,
      CAST(NULL AS TEXT) AS carrier_ref,
      flow_id IS NULL
      OR receipt_created_at IS NULL
      OR receipt_duration_seconds < 0
      OR dock_to_stock_seconds < 0 AS odd,
      CASE kpi
        WHEN 'dock_to_stock_cycle_time'
        THEN dock_to_stock_seconds
        WHEN 'receipt_queue_time'
        THEN arrival_to_receipt_seconds
        WHEN 'receipt_time'
        THEN receipt_duration_seconds
      END AS seconds
    FROM "inbound_receipt"
    CROSS JOIN UNNEST(['dock_to_stock_cycle_time', 'receipt_queue_time', 'receipt_time']) AS _t3(kpi)
    UNION ALL
    SELECT
      MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
      MAKE_TIMESTAMPTZ(CAST(FLOOR(EPOCH_US(started_at) / 3600000000) AS BIGINT) * 3600000000) AS hour,
      kpi,
      facility_ref,
      CAST(NULL AS TEXT) AS channel,
      CAST(NULL AS TEXT) AS carrier_ref,
      ARRAY_LENGTH(quality_flags) > 0 AS odd,
      CASE kpi
        WHEN 'purchase_order_cycle_time'
        THEN inbound_complete_seconds
        WHEN 'supplier_lead_time'
        THEN po_to_first_receipt_seconds
        WHEN 'supplier_delay'
        THEN supplier_delay_seconds
        WHEN 'inbound_hold_time'
        THEN CASE WHEN on_hold_count > 0 THEN on_hold_seconds ELSE NULL END
      END AS seconds
    FROM "inbound_flow"
    CROSS JOIN UNNEST([
      'purchase_order_cycle_time',
      'supplier_lead_time',
      'supplier_delay',
      'inbound_hold_time'
    ]) AS _t4(kpi)
    UNION ALL
    SELECT
      MAKE_DATE(CAST(FLOOR(EPOCH_US(started_at) / 86400000000) AS INT)) AS day,
      MAKE_TIMESTAMPTZ(CAST(FLOOR(EPOCH_US(started_at) / 3600000000) AS BIGINT) * 3600000000) AS hour,
      kpi,
      facility_ref,
      CAST(NULL AS TEXT) AS channel,
      CAST(NULL AS TEXT) AS carrier_ref,
      ARRAY_LENGTH(quality_flags) > 0 AS odd,
      CASE kpi
        WHEN 'put_away_time'
        THEN stow_total_seconds
        WHEN 'stow_queue_time'
        THEN stow_wait_seconds
        WHEN 'net_stow_time'
        THEN stow_duration_net_seconds
      END AS seconds
    FROM "stow_flow"
    CROSS JOIN UNNEST(['put_away_time', 'stow_queue_time', 'net_stow_time']) AS _t5(kpi)
  ) AS lengths
  WHERE
    NOT seconds IS NULL
) AS counts
GROUP BY
  day,
  hour,
  kpi,
  facility_ref,
  channel,
  carrier_ref,
  bucket
);
COMMENT ON VIEW kpi_histogram_hourly IS 'Every measure of a length of time in the catalogue (schemas/docs/kpis.md), counted by bucket, hour, place, channel. Filter by day to read only those days. Percentiles of any roll-up are within 1 % (schemas/docs/views.md has the question).';
COMMENT ON COLUMN kpi_histogram_hourly."day" IS 'Day (UTC) on which the row that is measured began';
COMMENT ON COLUMN kpi_histogram_hourly."hour" IS 'Hour in which the row began [UTC]';
COMMENT ON COLUMN kpi_histogram_hourly."kpi" IS 'Key of the measure';
COMMENT ON COLUMN kpi_histogram_hourly."facility_ref" IS 'The facility; NULL for orders of several or of none yet';
COMMENT ON COLUMN kpi_histogram_hourly."channel" IS 'SHIPPING, COLLECT or MIXED; NULL for what is of no order';
COMMENT ON COLUMN kpi_histogram_hourly."carrier_ref" IS 'Carrier, of measures of parcels';
COMMENT ON COLUMN kpi_histogram_hourly."bucket" IS 'Number of the bucket: it begins at 1.02^(bucket - 1000) seconds; 0 is no time, below it is negative';
COMMENT ON COLUMN kpi_histogram_hourly."counted" IS 'Rows in the bucket [count]';
COMMENT ON COLUMN kpi_histogram_hourly."flagged" IS 'Of these, odd ones [count]';
COMMENT ON COLUMN kpi_histogram_hourly."seconds" IS 'Their lengths together [s]';
CREATE VIEW "kpi_percentiles" AS SELECT CAST("day" AS DATE) AS "day", CAST("kpi" AS VARCHAR) AS "kpi", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("channel" AS VARCHAR) AS "channel", CAST("carrier_ref" AS VARCHAR) AS "carrier_ref", CAST("counted" AS BIGINT) AS "counted", CAST("p50" AS DOUBLE) AS "p50", CAST("p90" AS DOUBLE) AS "p90", CAST("p95" AS DOUBLE) AS "p95", CAST("p99" AS DOUBLE) AS "p99" FROM (
SELECT
  day,
  kpi,
  facility_ref,
  channel,
  carrier_ref,
  MAX(total) AS counted,
  MIN(
    CASE
      WHEN 100 * upto >= 50 * total
      THEN CASE
        WHEN bucket > 0
        THEN POWER(1.02, ABS(bucket) - 999.5)
        WHEN bucket < 0
        THEN -POWER(1.02, ABS(bucket) - 999.5)
        ELSE 0
      END
      ELSE NULL
    END
  ) AS p50,
  MIN(
    CASE
      WHEN 100 * upto >= 90 * total
      THEN CASE
        WHEN bucket > 0
        THEN POWER(1.02, ABS(bucket) - 999.5)
        WHEN bucket < 0
        THEN -POWER(1.02, ABS(bucket) - 999.5)
        ELSE 0
      END
      ELSE NULL
    END
  ) AS p90,
  MIN(
    CASE
      WHEN 100 * upto >= 95 * total
      THEN CASE
        WHEN bucket > 0
        THEN POWER(1.02, ABS(bucket) - 999.5)
        WHEN bucket < 0
        THEN -POWER(1.02, ABS(bucket) - 999.5)
        ELSE 0
      END
      ELSE NULL
    END
  ) AS p95,
  MIN(
    CASE
      WHEN 100 * upto >= 99 * total
      THEN CASE
        WHEN bucket > 0
        THEN POWER(1.02, ABS(bucket) - 999.5)
        WHEN bucket < 0
        THEN -POWER(1.02, ABS(bucket) - 999.5)
        ELSE 0
      END
      ELSE NULL
    END
  ) AS p99
FROM (
  SELECT
    day,
    kpi,
    facility_ref,
    channel,
    carrier_ref,
    bucket,
    SUM(n) OVER (
      PARTITION BY day, kpi, facility_ref, channel, carrier_ref
      ORDER BY bucket NULLS FIRST
    ) AS upto,
    SUM(n) OVER (PARTITION BY day, kpi, facility_ref, channel, carrier_ref) AS total
  FROM (
    SELECT
      day,
      kpi,
      facility_ref,
      channel,
      carrier_ref,
      bucket,
      SUM(counted) AS n
    FROM "kpi_histogram"
    GROUP BY
      day,
      kpi,
      facility_ref,
      channel,
      carrier_ref,
      bucket
  ) AS counts
) AS ranks
GROUP BY
  day,
  kpi,
  facility_ref,
  channel,
  carrier_ref
);
COMMENT ON VIEW kpi_percentiles IS 'Percentiles of every measure of a length of time, by day, place, channel and carrier. They don''t add up: those of a larger span or group come from kpi_histogram (schemas/docs/views.md has the question). Filter by day to read only those days. Each is within 1 % of its exact value.';
COMMENT ON COLUMN kpi_percentiles."day" IS 'Day (UTC) on which the row that is measured began';
COMMENT ON COLUMN kpi_percentiles."kpi" IS 'Key of the measure';
COMMENT ON COLUMN kpi_percentiles."facility_ref" IS 'The facility; NULL for orders of several or of none yet';
COMMENT ON COLUMN kpi_percentiles."channel" IS 'SHIPPING, COLLECT or MIXED; NULL for what is of no order';
COMMENT ON COLUMN kpi_percentiles."carrier_ref" IS 'Carrier, of measures of parcels';
COMMENT ON COLUMN kpi_percentiles."counted" IS 'Rows that are judged [count]';
COMMENT ON COLUMN kpi_percentiles."p50" IS 'Half of the rows are no longer [s]';
COMMENT ON COLUMN kpi_percentiles."p90" IS 'Nine of ten rows are no longer [s]';
COMMENT ON COLUMN kpi_percentiles."p95" IS '95 of 100 rows are no longer [s]';
COMMENT ON COLUMN kpi_percentiles."p99" IS '99 of 100 rows are no longer [s]';
CREATE VIEW "milestones_hourly" AS SELECT CAST("day" AS DATE) AS "day", CAST("hour" AS TIMESTAMPTZ) AS "hour", CAST("flow" AS VARCHAR) AS "flow", CAST("facility_ref" AS VARCHAR) AS "facility_ref", CAST("milestone" AS VARCHAR) AS "milestone", CAST("event_name" AS VARCHAR) AS "event_name", CAST("entity" AS VARCHAR) AS "entity", CAST("events" AS BIGINT) AS "events" FROM (
SELECT
  MAKE_DATE(CAST(FLOOR(EPOCH_US(event_at) / 86400000000) AS INT)) AS day,
  MAKE_TIMESTAMPTZ(CAST(FLOOR(EPOCH_US(event_at) / 3600000000) AS BIGINT) * 3600000000) AS hour,
  flow,
  facility_ref,
  CASE event_name
    WHEN 'ORDER_CREATED'
    THEN 'order_created'
    WHEN 'ORDER_MODIFIED'
    THEN 'order_modified'
    WHEN 'ORDER_UNLOCKED'
    THEN 'order_unlocked'
    WHEN 'ORDER_CANCELLED'
    THEN 'order_cancelled'
    WHEN 'ORDER_CANCELLED_BY_EXPIRY'
    THEN 'order_cancelled'
    WHEN 'ORDER_FORCE_CANCELLED'
    THEN 'order_cancelled'
    WHEN 'ROUTING_PLAN_ROUTED'
    THEN 'routed'
    WHEN 'ROUTING_PLAN_WAITING'
    THEN 'routing_waiting'
    WHEN 'ROUTING_PLAN_NOT_ROUTABLE'
    THEN 'routing_not_routable'
    WHEN 'ROUTING_PLAN_FALLBACK'
    THEN 'routing_fallback'
    WHEN 'ROUTING_PLAN_SPLITTED'
    THEN 'routing_split'
    WHEN 'ROUTING_PLAN_REROUTEPLAN_CREATED'
    THEN 'reroute_created'
    WHEN 'ROUTING_PLAN_CANCELLED'
    THEN 'routing_cancelled'
    WHEN 'PICK_JOB_CREATED'
    THEN 'pick_created'
    WHEN 'PICK_JOB_OPENED'
    THEN 'pick_opened'
    WHEN 'PICK_JOB_PICKING_COMMENCED'
    THEN 'pick_started'
    WHEN 'PICK_JOB_PICKING_PAUSED'
    THEN 'pick_paused'
    WHEN 'PICK_JOB_PICK_LINE_PICKED'
    THEN 'pick_line_picked'
    WHEN 'PICK_JOB_PICKING_FINISHED'
    THEN 'pick_finished'
    WHEN 'PICKING_PICK_JOB_COMPLETE'
    THEN 'pick_complete_diagnostics'
    WHEN 'PICK_JOB_ABORTED'
    THEN 'pick_aborted'
    WHEN 'PICK_JOB_CANCELED'
    THEN 'pick_cancelled'
    WHEN 'PICK_JOB_REROUTED'
    THEN 'pick_rerouted'
    WHEN 'PICK_JOB_RESET'
    THEN 'pick_reset'
    WHEN 'UPCOMING_TIME_TRIGGERED_REROUTE'
    THEN 'reroute_warning'
    WHEN 'PACK_JOB_CREATED'
    THEN 'pack_created'
    WHEN 'PACK_JOB_UPDATED'
    THEN 'pack_updated'
    WHEN 'PACK_JOB_CLOSED'
    THEN 'pack_finished'
    WHEN 'PACK_JOB_CANCELED'
    THEN 'pack_cancelled'
    WHEN 'PACKING_TARGET_CONTAINER_CREATED_EVENT'
    THEN 'pack_container_created'
    WHEN 'PACKING_TARGET_CONTAINER_UPDATED_EVENT'
    THEN 'pack_container_updated'
    WHEN 'PACKING_TARGET_CONTAINER_DELETED_EVENT'
    THEN 'pack_container_deleted'
    WHEN 'SHIPMENT_CREATED'
    THEN 'shipment_created'
    WHEN 'SHIPMENT_UPDATED'
    THEN 'shipment_updated'
    WHEN 'PARCEL_CARRIER_CREATED'
    THEN 'parcel_created'
    WHEN 'PARCEL_CARRIER_REQUESTED'
    THEN 'label_requested'
    WHEN 'PARCEL_CARRIER_ACKNOWLEDGED'
    THEN 'label_received'
    WHEN 'PARCEL_CARRIER_FAILED'
    THEN 'label_failed'
    WHEN 'PARCEL_TRACK_AND_TRACE_STATUS_UPDATED'
    THEN 'tracking_updated'
    WHEN 'HANDOVERJOB_CREATED'
    THEN 'handover_created'
    WHEN 'HANDOVERJOB_HANDED_OVER'
    THEN 'handed_over'
    WHEN 'HANDOVERJOB_REVERTED'
    THEN 'handover_reverted'
    WHEN 'HANDOVERJOB_CANCELED'
    THEN 'handover_cancelled'
    WHEN 'SERVICE_JOB_CREATED'
    THEN 'service_created'
    WHEN 'SERVICE_JOB_FINISHED'
    THEN 'service_finished'
    WHEN 'INVENTORY_RESERVATIONS_CREATED'
    THEN 'stock_reserved'
    WHEN 'INVENTORY_RESERVATIONS_DELETED'
    THEN 'stock_released'
    WHEN 'EXPIRY_ENTITY_CREATED'
    THEN 'expiry_created'
    WHEN 'EXPIRY_ENTITY_UPDATED'
    THEN 'expiry_updated'
    WHEN 'EXPIRY_ENTITY_EXPIRED'
    THEN 'expiry_expired'
    WHEN 'PROCESS_ANONYMIZED'
    THEN 'process_anonymized'
    WHEN 'PROCESS_DELETED'
    THEN 'process_deleted'
    WHEN 'INBOUND_PROCESS_PURCHASE_ORDER_CREATED'
    THEN 'purchase_order_created'
    WHEN 'INBOUND_PROCESS_PURCHASE_ORDER_LINE_ITEMS_CHANGED'
    THEN 'purchase_order_changed'
    WHEN 'INBOUND_PROCESS_PURCHASE_ORDER_REQUESTED_DATE_CHANGED'
    THEN 'purchase_order_date_changed'
    WHEN 'INBOUND_PROCESS_PURCHASE_ORDER_CANCELED'
    THEN 'purchase_order_cancelled'
    WHEN 'INBOUND_PROCESS_PURCHASE_ORDER_DELETED'
    THEN 'purchase_order_deleted'
    WHEN 'INBOUND_PROCESS_RECEIPT_CREATED'
    THEN 'receipt_created'
    WHEN 'INBOUND_PROCESS_RECEIPT_STARTED'
    THEN 'receipt_started'
    WHEN 'INBOUND_PROCESS_RECEIPT_LINE_ITEM_CHANGED'
    THEN 'receipt_changed'
    WHEN 'INBOUND_DELIVERY_RECEIVED'
    THEN 'delivery_received'
    WHEN 'INBOUND_DELIVERY_FINISHED'
    THEN 'inbound_finished'
    WHEN 'INBOUND_DELIVERY_ON_HOLD'
    THEN 'inbound_on_hold'
    WHEN 'INBOUND_DELIVERY_RELEASED'
    THEN 'inbound_released'
    WHEN 'STOW_JOB_CREATED'
    THEN 'stow_created'
    WHEN 'STOW_JOB_COMMENCED'
    THEN 'stow_started'
    WHEN 'STOW_JOB_PAUSED'
    THEN 'stow_paused'
    WHEN 'STOW_JOB_OPENED'
    THEN 'stow_reopened'
    WHEN 'STOW_JOB_LINE_ITEMS_STOWED'
    THEN 'stow_line_stowed'
    WHEN 'STOW_JOB_CLOSED'
    THEN 'stow_finished'
    WHEN 'STOW_JOB_CANCELED'
    THEN 'stow_cancelled'
  END AS milestone,
  event_name,
  entity,
  COUNT(*) AS events
FROM "flow_event"
WHERE
  event_name IN (
    'ORDER_CREATED',
    'ORDER_MODIFIED',
    'ORDER_UNLOCKED',
    'ORDER_CANCELLED',
    'ORDER_CANCELLED_BY_EXPIRY',
    'ORDER_FORCE_CANCELLED',
    'ROUTING_PLAN_ROUTED',
    'ROUTING_PLAN_WAITING',
    'ROUTING_PLAN_NOT_ROUTABLE',
    'ROUTING_PLAN_FALLBACK',
    'ROUTING_PLAN_SPLITTED',
    'ROUTING_PLAN_REROUTEPLAN_CREATED',
    'ROUTING_PLAN_CANCELLED',
    'PICK_JOB_CREATED',
    'PICK_JOB_OPENED',
    'PICK_JOB_PICKING_COMMENCED',
    'PICK_JOB_PICKING_PAUSED',
    'PICK_JOB_PICK_LINE_PICKED',
    'PICK_JOB_PICKING_FINISHED',
    'PICKING_PICK_JOB_COMPLETE',
    'PICK_JOB_ABORTED',
    'PICK_JOB_CANCELED',
    'PICK_JOB_REROUTED',
    'PICK_JOB_RESET',
    'UPCOMING_TIME_TRIGGERED_REROUTE',
    'PACK_JOB_CREATED',
    'PACK_JOB_UPDATED',
    'PACK_JOB_CLOSED',
    'PACK_JOB_CANCELED',
    'PACKING_TARGET_CONTAINER_CREATED_EVENT',
    'PACKING_TARGET_CONTAINER_UPDATED_EVENT',
    'PACKING_TARGET_CONTAINER_DELETED_EVENT',
    'SHIPMENT_CREATED',
    'SHIPMENT_UPDATED',
    'PARCEL_CARRIER_CREATED',
    'PARCEL_CARRIER_REQUESTED',
    'PARCEL_CARRIER_ACKNOWLEDGED',
    'PARCEL_CARRIER_FAILED',
    'PARCEL_TRACK_AND_TRACE_STATUS_UPDATED',
    'HANDOVERJOB_CREATED',
    'HANDOVERJOB_HANDED_OVER',
    'HANDOVERJOB_REVERTED',
    'HANDOVERJOB_CANCELED',
    'SERVICE_JOB_CREATED',
    'SERVICE_JOB_FINISHED',
    'INVENTORY_RESERVATIONS_CREATED',
    'INVENTORY_RESERVATIONS_DELETED',
    'EXPIRY_ENTITY_CREATED',
    'EXPIRY_ENTITY_UPDATED',
    'EXPIRY_ENTITY_EXPIRED',
    'PROCESS_ANONYMIZED',
    'PROCESS_DELETED',
    'INBOUND_PROCESS_PURCHASE_ORDER_CREATED',
    'INBOUND_PROCESS_PURCHASE_ORDER_LINE_ITEMS_CHANGED',
    'INBOUND_PROCESS_PURCHASE_ORDER_REQUESTED_DATE_CHANGED',
    'INBOUND_PROCESS_PURCHASE_ORDER_CANCELED',
    'INBOUND_PROCESS_PURCHASE_ORDER_DELETED',
    'INBOUND_PROCESS_RECEIPT_CREATED',
    'INBOUND_PROCESS_RECEIPT_STARTED',
    'INBOUND_PROCESS_RECEIPT_LINE_ITEM_CHANGED',
    'INBOUND_DELIVERY_RECEIVED',
    'INBOUND_DELIVERY_FINISHED',
    'INBOUND_DELIVERY_ON_HOLD',
    'INBOUND_DELIVERY_RELEASED',
    'STOW_JOB_CREATED',
    'STOW_JOB_COMMENCED',
    'STOW_JOB_PAUSED',
    'STOW_JOB_OPENED',
    'STOW_JOB_LINE_ITEMS_STOWED',
    'STOW_JOB_CLOSED',
    'STOW_JOB_CANCELED'
  )
GROUP BY
  day,
  hour,
  flow,
  facility_ref,
  milestone,
  event_name,
  entity
);
COMMENT ON VIEW milestones_hourly IS 'Milestones by the hour in which they happened: what came in, what was finished. Every distinct event counts, also one that was taken back later, and one of a part of an order for itself. Filter by day to read only those days.';
COMMENT ON COLUMN milestones_hourly."day" IS 'Day (UTC) of the event';
COMMENT ON COLUMN milestones_hourly."hour" IS 'Hour of the event [UTC]';
COMMENT ON COLUMN milestones_hourly."flow" IS 'order, inbound or stow';
COMMENT ON COLUMN milestones_hourly."facility_ref" IS 'Facility named by the event';
COMMENT ON COLUMN milestones_hourly."milestone" IS 'The milestone, as in the variants';
COMMENT ON COLUMN milestones_hourly."event_name" IS 'The event that shows it';
COMMENT ON COLUMN milestones_hourly."entity" IS 'Kind of the entity';
COMMENT ON COLUMN milestones_hourly."events" IS 'Distinct events [count]';
