-- The flow relations by DuckDB SQL, as an engineer who knows DuckDB would write them over the same files.
--
-- In: variable `files` (list of paths) and table `spelling`: how the name of an event may come, its public name, flow
-- and entity kind, `dated` (the field that its time comes from) and `working`; the runner fills it from the catalogue.
-- Out: tables order_flow, order_leg, order_parcel, inbound_flow, inbound_receipt, stow_flow; the runner writes them.
--
-- What it computes: times, counts, durations, lateness, units and lines, picked units by line, pauses and resets by
-- window functions, outcomes, variants, deviations; repeats removed by version (else by time) and by envelope id;
-- the flow of events that name none by two rounds of joins over what they refer to.
--
-- What it leaves out, and flowfacts does:
-- * flow_interval and flow_event; dead letters with a reason; the books; the check for cut files; the warehouse file;
-- * sameness by the digest of the decoded facts, and its transitivity;
-- * references of more than two steps, and flows told only by another entity that names this one;
-- * the tie-break by event id between events of one entity with the same time and version;
-- * the flag recorded_time; legs of pick jobs whose process stays unknown; waiting inside picking that a line event cuts;
-- * picked lines that no snapshot of their pick job shows;
-- * facts that no order event shows, from other entities than routing plan and pick job (ruling 46);
-- * lenience: a field of a wrong type costs whatever `ignore_errors` makes it cost.

CREATE TYPE received AS STRUCT(id VARCHAR, status VARCHAR, "receivedDate" TIMESTAMPTZ, "receivedItems" STRUCT(
  "acceptedQuantity" STRUCT("value" DOUBLE), "rejectedQuantity" STRUCT("value" DOUBLE))[]);
CREATE TYPE requested AS STRUCT("type" VARCHAR, "value" JSON);
CREATE TYPE wanted AS STRUCT(quantity STRUCT("value" DOUBLE))[];
CREATE TYPE purchase AS STRUCT(id VARCHAR, "requestedDate" requested, "requestedItems" wanted);

-- Every field that any of the columns needs, of whatever entity.
CREATE TYPE entity AS STRUCT(
  id VARCHAR, version BIGINT, created TIMESTAMPTZ, "lastModified" TIMESTAMPTZ, status VARCHAR, "facilityRef" VARCHAR,
  "processId" VARCHAR, "processRef" VARCHAR, "inboundProcessRef" VARCHAR, "operativeProcessRef" VARCHAR,
  "orderRef" VARCHAR, "routingPlanRef" VARCHAR, "pickJobRef" VARCHAR, "packJobRef" VARCHAR, "shipmentRef" VARCHAR,
  "parcelRef" VARCHAR, "childRoutingPlanRef" VARCHAR, "reRoutedRoutingPlanRef" VARCHAR, "reRoutedPickJobRef" VARCHAR,
  "tenantOrderId" VARCHAR, "orderDate" TIMESTAMPTZ, "targetTime" TIMESTAMPTZ, channel VARCHAR, "deliveryChannel" VARCHAR,
  "subStatus" VARCHAR, "cancelReason" VARCHAR, "carrierRef" VARCHAR, priority DOUBLE,
  "pickedAt" TIMESTAMPTZ, quantity BIGINT, picked BIGINT,
  "deliveryPreferences" STRUCT("targetTime" TIMESTAMPTZ, collect STRUCT("facilityRef" VARCHAR)[],
    shipping STRUCT("serviceLevel" VARCHAR)),
  deliveryinformation STRUCT(channel VARCHAR, "targetTime" TIMESTAMPTZ),
  "orderLineItems" STRUCT(quantity DOUBLE)[], history STRUCT(status VARCHAR, created TIMESTAMPTZ)[],
  "pickLineItems" STRUCT(id VARCHAR, quantity BIGINT, picked BIGINT, "pickedAt" TIMESTAMPTZ)[],
  header STRUCT("jobRef" VARCHAR, "processRef" VARCHAR, "facilityRef" VARCHAR), "pickJobData" STRUCT("pickJobRef" VARCHAR),
  parcels STRUCT(id VARCHAR, "processRef" VARCHAR, "parcelRef" VARCHAR)[],
  result STRUCT("trackingStatus" VARCHAR, "carrierTrackingStatus" JSON),
  "handoverJobParcelInfo" STRUCT("parcelRef" VARCHAR, "shipmentRef" VARCHAR),
  "handoverJobLineItems" STRUCT(refused STRUCT(quantity DOUBLE)[])[],
  "tenantInboundProcessId" VARCHAR, "tenantInboundProcessRef" VARCHAR,
  "requestedDate" requested, "requestedItems" wanted, "purchaseOrder" purchase, receipt received, receipts received[],
  "stowLineItems" STRUCT("stowTo" STRUCT("type" VARCHAR, quantity DOUBLE, stowed STRUCT("stowedQuantity" DOUBLE))[])[],
  items STRUCT(id VARCHAR, version BIGINT, created TIMESTAMPTZ, "lastModified" TIMESTAMPTZ, "facilityRef" VARCHAR,
    "relatedRefs" STRUCT("processRefs" VARCHAR[], "orderRefs" VARCHAR[], "routingPlanRefs" VARCHAR[]),
    "inboundProcessRef" VARCHAR, status VARCHAR, "tenantInboundProcessRef" VARCHAR, "purchaseOrder" purchase,
    receipt received)[]
);
-- A payload is the entity, or an envelope around it.
SET VARIABLE payload = (SELECT typeof(NULL::entity)[:-2] || ', "eventId" VARCHAR, payload ' || typeof(NULL::entity) || ')');

CREATE MACRO seconds(since, until) AS (epoch_us(until) - epoch_us(since)) / 1e6;
CREATE MACRO total(amounts) AS CASE WHEN len(list_filter(amounts, lambda a: a IS NULL)) = 0 THEN coalesce(list_sum(amounts), 0) END;
CREATE MACRO milestones(named) AS list_aggregate(
  list_transform(list_sort(list_filter(named, lambda m: m."at" IS NOT NULL)), lambda m: m.name), 'string_agg', '>');
CREATE MACRO words(given) AS list_sort(list_filter(given, lambda w: w IS NOT NULL));

-- Lines to events ---------------------------------------------------------------------------------------------------

-- One row an event, bulk events split, nothing kept but scalars and short lists.
CREATE TEMP TABLE delivered AS
WITH line AS (
  SELECT coalesce(payload."eventId", id) AS envelope_id, created AS recorded_at, "pickJobRef" AS line_ref,
         payload."eventId" IS NOT NULL AS nested, payload."pickJobRef" AS envelope_ref,
         split_part("eventName", '_event-v', 1) AS spelled,
         CASE WHEN payload."eventId" IS NOT NULL THEN payload.payload ELSE payload::entity END AS p
  FROM read_json(getvariable('files'), format = 'newline_delimited', ignore_errors = true,
    columns = {id: 'VARCHAR', "eventName": 'VARCHAR', created: 'TIMESTAMPTZ', "pickJobRef": 'VARCHAR',
      payload: getvariable('payload')})
), item AS (
  SELECT line.* EXCLUDE spelled, s.* EXCLUDE spelled,
         unnest(CASE WHEN s.entity IN ('RECEIPT', 'RESERVATION') THEN p.items ELSE [NULL] END) AS item
  FROM line JOIN spelling s USING (spelled)
), named AS (
  SELECT *, unnest(coalesce(nullif(item."relatedRefs"."processRefs", []), [NULL])) AS reserved_for,
         name = 'PICK_JOB_PICK_LINE_PICKED' AND p."pickLineItems" IS NULL AS is_line
  FROM item
)
SELECT
  envelope_id, recorded_at, name, flow,
  CASE WHEN entity = 'PICK_LINE' AND NOT is_line THEN 'PICK_JOB' ELSE entity END AS entity,
  CASE entity WHEN 'RECEIPT' THEN item.receipt.id WHEN 'RESERVATION' THEN item.id
    WHEN 'INBOUND_PROCESS' THEN p."inboundProcessRef"
    WHEN 'PICK_JOB' THEN coalesce(p.id, p.header."jobRef", p."pickJobData"."pickJobRef") ELSE p.id END AS entity_id,
  CASE WHEN entity IN ('RECEIPT', 'INBOUND_PROCESS') THEN NULL ELSE coalesce(item.version, p.version) END AS version,
  coalesce(CASE dated
    WHEN 'created' THEN coalesce(p.created, item.created, p."lastModified", item."lastModified")
    WHEN 'lastModified' THEN coalesce(p."lastModified", item."lastModified",
      CASE name WHEN 'PICK_JOB_PICKING_FINISHED' THEN list_max(list_transform(p."pickLineItems", lambda x: x."pickedAt")) END)
    WHEN 'pickedAt' THEN coalesce(p."pickedAt", CASE WHEN NOT is_line THEN p."lastModified" END)
    WHEN 'recorded' THEN NULL
    ELSE coalesce(list_max(list_transform(list_filter(p.history, lambda h: h.status = dated), lambda h: h.created)),
      p."lastModified") END, recorded_at) AS event_at,
  working,
  CASE flow WHEN 'stow' THEN p.id WHEN 'inbound' THEN coalesce(item."inboundProcessRef", p."inboundProcessRef")
    ELSE coalesce(p."processId", p."processRef", p.header."processRef", reserved_for, p.parcels[1]."processRef",
      CASE entity WHEN 'PROCESS' THEN p.id END) END AS flow_id,
  coalesce(p."facilityRef", item."facilityRef", p.header."facilityRef") AS facility,
  CASE entity WHEN 'RECEIPT' THEN item.receipt.status ELSE p.status END AS status,
  coalesce(p."orderRef", item."relatedRefs"."orderRefs"[1]) AS order_ref,
  coalesce(p."routingPlanRef", item."relatedRefs"."routingPlanRefs"[1]) AS plan_ref,
  CASE WHEN NOT is_line THEN p."pickJobRef" WHEN nested THEN envelope_ref ELSE line_ref END AS pick_ref,
  p."packJobRef" AS pack_ref,
  coalesce(p."handoverJobParcelInfo"."shipmentRef", p."shipmentRef") AS shipment_ref,
  coalesce(p."handoverJobParcelInfo"."parcelRef", p."parcelRef") AS parcel_ref,
  p."operativeProcessRef" AS operative_ref,
  p."childRoutingPlanRef" AS child_plan_ref,
  p."reRoutedRoutingPlanRef" AS rerouted_plan_ref,
  p."reRoutedPickJobRef" AS rerouted_pick_ref,
  p."tenantOrderId" AS tenant_order_id,
  p."orderDate" AS order_date,
  coalesce(p."targetTime", p."deliveryPreferences"."targetTime", p.deliveryinformation."targetTime") AS target,
  coalesce(p.deliveryinformation.channel, p.channel, p."deliveryChannel") AS channel,
  p."subStatus" AS sub_status,
  len(p."deliveryPreferences".collect) > 0 AS collects,
  p."deliveryPreferences".shipping IS NOT NULL AS ships,
  len(p."orderLineItems") AS line_count,
  total(list_transform(p."orderLineItems", lambda x: x.quantity)) AS units,
  p."pickLineItems" AS lines,
  CASE WHEN is_line THEN p.quantity END AS quantity,
  CASE WHEN is_line THEN p.picked END AS picked,
  CASE entity WHEN 'SHIPMENT' THEN list_transform(p.parcels, lambda x: x."parcelRef") END AS parcel_refs,
  p."carrierRef" AS carrier_ref,
  p.result."trackingStatus" AS tracking_status,
  TRY_CAST(p.result."carrierTrackingStatus"->>'$.timestamp' AS TIMESTAMPTZ) AS tracking_stamp,
  p."cancelReason" = 'CONSUMER_REJECTS' OR list_sum(flatten(list_transform(p."handoverJobLineItems",
    lambda x: list_transform(x.refused, lambda r: r.quantity)))) > 0 AS refused,
  p.priority AS priority,
  len(p."stowLineItems") AS stow_lines,
  flatten(list_transform(p."stowLineItems", lambda x: list_transform(x."stowTo",
    lambda t: {'kind': t."type", 'planned': t.quantity, 'stowed': t.stowed."stowedQuantity"}))) AS stow_targets,
  CASE WHEN entity IN ('RECEIPT', 'INBOUND_PROCESS') THEN coalesce(item.status, p.status) END AS inbound_status,
  coalesce(p."tenantInboundProcessId", p."tenantInboundProcessRef", item."tenantInboundProcessRef") AS tenant_inbound_id,
  coalesce(item."purchaseOrder", p."purchaseOrder").id AS purchase_order_id,
  coalesce(p."requestedDate", item."purchaseOrder"."requestedDate", p."purchaseOrder"."requestedDate")."type" AS requested_kind,
  TRY_CAST(coalesce(p."requestedDate", item."purchaseOrder"."requestedDate", p."purchaseOrder"."requestedDate")."value"
    ->>'$' AS TIMESTAMPTZ) AS requested_date,
  list_transform(coalesce(p."requestedItems", item."purchaseOrder"."requestedItems", p."purchaseOrder"."requestedItems"),
    lambda x: x.quantity."value") AS requested_units,
  CASE WHEN item.receipt IS NOT NULL THEN [item.receipt] WHEN p.receipt IS NOT NULL THEN [p.receipt] ELSE p.receipts END
    AS receipts
FROM named;

-- Repeats go; `ord` is the order of events as a number: time, then version.
CREATE TEMP TABLE event AS
WITH by_content AS (
  SELECT * FROM delivered
  QUALIFY row_number() OVER (PARTITION BY name, entity_id, flow_id, coalesce(version, epoch_us(event_at))
    ORDER BY recorded_at, envelope_id) = 1
)
SELECT *, epoch_us(event_at) * 512 + least(coalesce(version, 0), 511) AS ord
FROM by_content
QUALIFY row_number() OVER (PARTITION BY envelope_id, entity_id, flow_id ORDER BY recorded_at) = 1;
DROP TABLE delivered;

-- The flow of events that do not name it: that of their own entity, else of an entity that they refer to; two rounds.
CREATE TEMP VIEW found AS
WITH claim AS (
  SELECT entity_id AS ref, min(flow_id) AS flow_id FROM event
  WHERE flow = 'order' AND flow_id IS NOT NULL AND entity NOT IN ('RESERVATION', 'PACKING_TARGET_CONTAINER', 'PICK_LINE')
  GROUP BY 1
), asked AS (
  SELECT rowid AS row, [entity_id, order_ref, plan_ref, pick_ref, shipment_ref, parcel_ref, pack_ref]
    || coalesce(parcel_refs, []) AS refs
  FROM event WHERE flow = 'order' AND flow_id IS NULL
), ranked AS (
  SELECT row, unnest(refs) AS ref, generate_subscripts(refs, 1) AS rank FROM asked
)
SELECT row, arg_min(flow_id, rank) AS flow_id FROM ranked JOIN claim USING (ref) GROUP BY row;
UPDATE event SET flow_id = found.flow_id FROM found WHERE event.rowid = found.row;
UPDATE event SET flow_id = found.flow_id FROM found WHERE event.rowid = found.row;

SET VARIABLE as_of = (SELECT max(recorded_at) FROM event);

-- What all flows share.
CREATE TEMP TABLE flow AS
SELECT flow, flow_id, min(event_at) AS first_event_at, max(event_at) AS last_event_at, count(*) AS event_count,
       max(event_at) FILTER (working) AS last_working_at, bool_or(event_at > recorded_at + INTERVAL 5 MINUTE) AS skewed,
       list(DISTINCT facility) FILTER (facility IS NOT NULL) AS facilities
FROM event WHERE flow_id IS NOT NULL GROUP BY ALL;

-- Entities of the order flow ----------------------------------------------------------------------------------------

CREATE TEMP TABLE plan AS
SELECT entity_id AS plan_id, any_value(flow_id) AS flow_id, min(ord) AS seen,
       min(event_at) FILTER (name IN ('ROUTING_PLAN_ROUTED', 'ROUTING_PLAN_FALLBACK')) AS routed_at,
       max(event_at) FILTER (name IN ('ROUTING_PLAN_ROUTED', 'ROUTING_PLAN_FALLBACK')) AS last_routed_at,
       count(*) FILTER (name = 'ROUTING_PLAN_REROUTEPLAN_CREATED') > 0 AS announced,
       count(*) FILTER (name = 'ROUTING_PLAN_SPLITTED') > 0 AS split,
       count(*) FILTER (name = 'ROUTING_PLAN_CANCELLED') > 0 AS cancelled,
       arg_max(name, ord) FILTER (verdict) AS word, max(event_at) FILTER (verdict) AS word_at,
       list(DISTINCT child_plan_ref) FILTER (name = 'ROUTING_PLAN_SPLITTED' AND child_plan_ref IS NOT NULL) AS children,
       list(DISTINCT rerouted_plan_ref) FILTER (rerouted_plan_ref IS NOT NULL) AS rerouted,
       list(DISTINCT rerouted_pick_ref) FILTER (rerouted_pick_ref IS NOT NULL) AS rerouted_picks,
       arg_max(status, ord) IN ('REROUTED', 'OBSOLETE', 'REDUNDANT_REROUTE', 'FAILED', 'FAILED_REROUTE') AS replaced,
       arg_max(pick_ref, ord) AS pick_ref, arg_max(target, ord) AS target, arg_max(tenant_order_id, ord) AS tenant_order_id,
       arg_max(order_date, ord) AS order_date, arg_max(order_ref, ord) AS order_ref,
       arg_max(line_count, ord) AS line_count, arg_max(units, ord) AS units
FROM (SELECT *, name IN ('ROUTING_PLAN_WAITING', 'ROUTING_PLAN_NOT_ROUTABLE', 'ROUTING_PLAN_ROUTED',
        'ROUTING_PLAN_FALLBACK', 'ROUTING_PLAN_CANCELLED') AS verdict FROM event WHERE entity = 'ROUTING_PLAN')
GROUP BY 1;

-- Picking: every step of a job with the step before, the time of the next, and the round between resets it stands in.
CREATE TEMP TABLE pick_step AS
WITH step AS (
  SELECT coalesce(CASE entity WHEN 'PICK_LINE' THEN pick_ref END, entity_id) AS leg_id, event_at AS "at", ord,
         CASE name WHEN 'PICK_JOB_PICKING_COMMENCED' THEN 'start' WHEN 'PICK_JOB_PICK_LINE_PICKED' THEN 'activity'
           WHEN 'PICK_JOB_PICKING_PAUSED' THEN 'pause' WHEN 'PICK_JOB_OPENED' THEN 'open'
           WHEN 'PICK_JOB_PICKING_FINISHED' THEN 'finish' WHEN 'PICK_JOB_RESET' THEN 'reset'
           WHEN 'PICK_JOB_ABORTED' THEN 'abort' ELSE 'end' END AS verb
  FROM event
  WHERE entity IN ('PICK_JOB', 'PICK_LINE') AND name IN ('PICK_JOB_PICKING_COMMENCED', 'PICK_JOB_PICK_LINE_PICKED',
    'PICK_JOB_PICKING_PAUSED', 'PICK_JOB_OPENED', 'PICK_JOB_PICKING_FINISHED', 'PICK_JOB_RESET', 'PICK_JOB_ABORTED',
    'PICK_JOB_CANCELED', 'PICK_JOB_REROUTED')
), numbered AS (
  SELECT *, lag(verb) OVER w AS before, lead("at") OVER w AS until,
         count(*) FILTER (verb = 'reset') OVER (w ROWS UNBOUNDED PRECEDING) AS round,
         count(*) FILTER (verb = 'reset') OVER (PARTITION BY leg_id) AS resets
  FROM step WINDOW w AS (PARTITION BY leg_id ORDER BY ord)
)
SELECT *, round = resets AS current, verb = 'pause' AND before IS DISTINCT FROM 'pause' AS paused,
       verb = 'pause' OR (verb = 'open' AND before IN ('start', 'activity', 'pause')) AS idle
FROM numbered;

CREATE TEMP TABLE pick_work AS
WITH work AS (
  SELECT leg_id, any_value(resets) AS reset_count, min("at") FILTER (verb = 'start') AS first_start,
         min("at") FILTER (verb = 'start' AND current) AS start_at, max("at") FILTER (verb = 'finish' AND current) AS finish_at,
         max("at") FILTER (verb = 'abort' AND current) AS aborted_at, min("at") FILTER (verb = 'abort') AS first_aborted_at,
         count(*) FILTER (paused) AS pause_count, count(*) FILTER (paused AND current) AS current_pauses,
         sum(epoch_us(until) - epoch_us("at")) FILTER (verb = 'pause' AND current AND until IS NOT NULL) AS paused,
         count(*) FILTER (verb IN ('start', 'activity', 'pause', 'finish')) > 0 AS touched
  FROM pick_step GROUP BY 1
), rest AS (
  SELECT leg_id, sum(epoch_us(least(until, finish_at)) - epoch_us("at")) AS idle
  FROM pick_step JOIN work USING (leg_id)
  WHERE pick_step.idle AND current AND until IS NOT NULL AND "at" >= start_at AND "at" < finish_at GROUP BY 1
)
SELECT work.*, coalesce(rest.idle, 0) AS idle FROM work LEFT JOIN rest USING (leg_id);

CREATE TEMP TABLE pick AS
SELECT entity_id AS leg_id, any_value(flow_id) AS flow_id, arg_max(plan_ref, ord) AS plan_ref,
       arg_max(operative_ref, ord) AS operative_ref, arg_max(facility, ord) AS facility, arg_max(channel, ord) AS channel,
       arg_max(target, ord) AS target, arg_max(status, ord) AS status, min(event_at) AS seen_at,
       arg_max(tenant_order_id, ord) AS tenant_order_id, arg_max(order_date, ord) AS order_date,
       arg_max(order_ref, ord) AS order_ref,
       min(event_at) FILTER (name = 'PICK_JOB_CREATED') AS created_at,
       min(event_at) FILTER (name = 'PICK_JOB_OPENED') AS opened_at,
       min(event_at) FILTER (name = 'PICK_JOB_REROUTED') AS rerouted_at,
       min(event_at) FILTER (name = 'PICK_JOB_CANCELED') AS cancelled_at,
       coalesce(bool_or(name = 'PICK_JOB_CREATED'
         AND (status = 'WAITING_FOR_INPUT' OR coalesce(sub_status, '') = 'WAITING_FOR_RELEASE_TIME')), false) AS held,
       arg_max(lines, ord) AS lines, max(ord) FILTER (lines IS NOT NULL) AS lines_ord,
       bool_or(event_at > recorded_at + INTERVAL 5 MINUTE) AS skewed
FROM event WHERE entity = 'PICK_JOB' GROUP BY 1;

-- Units of each line by the newest event that shows it: the snapshot, or a line event after it.
CREATE TEMP TABLE pick_units AS
WITH shown AS (
  SELECT leg_id, lines_ord, unnest(lines, recursive := true) FROM pick WHERE lines IS NOT NULL
), told AS (
  SELECT pick_ref AS leg_id, entity_id AS id, arg_max(picked, ord) AS picked, arg_max(quantity, ord) AS quantity, max(ord) AS ord
  FROM event WHERE entity = 'PICK_LINE' GROUP BY ALL
), line AS (
  SELECT shown.leg_id, shown.quantity AS ordered, CASE WHEN told.ord > lines_ord THEN told.quantity ELSE shown.quantity END AS quantity,
         CASE WHEN told.ord > lines_ord THEN told.picked ELSE shown.picked END AS picked
  FROM shown LEFT JOIN told USING (leg_id, id)
)
SELECT leg_id, count(*) AS line_count, CASE WHEN count(*) = count(ordered) THEN sum(ordered) END AS ordered_units,
       CASE WHEN count(*) = count(picked) THEN sum(picked) END AS picked_units, coalesce(sum(picked), 0) = 0 AS nothing,
       count(*) FILTER (picked < quantity) AS short_line_count
FROM line GROUP BY 1;

CREATE TEMP TABLE shipment AS
SELECT entity_id AS shipment_id, any_value(flow_id) AS flow_id, arg_max(pick_ref, ord) AS pick_ref,
       arg_max(operative_ref, ord) AS operative_ref, arg_max(parcel_refs, ord) AS parcel_refs, arg_max(target, ord) AS target,
       min(event_at) FILTER (name = 'SHIPMENT_CREATED') AS created_at
FROM event WHERE entity = 'SHIPMENT' GROUP BY 1;

-- The only leg of a share of an order stands in where a job does not name its pick job.
CREATE TEMP TABLE share AS
SELECT operative_ref, any_value(leg_id) AS leg_id FROM pick WHERE operative_ref IS NOT NULL GROUP BY 1 HAVING count(*) = 1;

CREATE TEMP TABLE shipment_leg AS
SELECT shipment.*, coalesce(pick_ref, share.leg_id) AS leg_id FROM shipment LEFT JOIN share USING (operative_ref);

CREATE TEMP TABLE pack AS
WITH step AS (
  SELECT *, lag(status) OVER (PARTITION BY entity_id ORDER BY ord) AS before FROM event WHERE entity = 'PACK_JOB'
), job AS (
  SELECT entity_id AS pack_id, any_value(flow_id) AS flow_id, arg_max(pick_ref, ord) AS pick_ref,
         arg_max(operative_ref, ord) AS operative_ref, arg_max(status, ord) = 'OBSOLETE' AS obsolete,
         min(event_at) FILTER (name = 'PACK_JOB_CREATED') AS created_at,
         min(event_at) FILTER (name = 'PACK_JOB_UPDATED' AND status = 'IN_PROGRESS') AS started_at,
         max(event_at) FILTER (name = 'PACK_JOB_CLOSED') AS finished_at,
         min(event_at) FILTER (name = 'PACK_JOB_CLOSED') AS first_finished_at,
         count(*) FILTER (name = 'PACK_JOB_CANCELED') > 0 AS cancelled,
         count(*) FILTER (name = 'PACK_JOB_UPDATED' AND status = 'PAUSED' AND before IS DISTINCT FROM 'PAUSED') AS pause_count
  FROM step GROUP BY 1
)
SELECT job.*, coalesce(pick_ref, share.leg_id) AS leg_id, finished_at IS NOT NULL OR cancelled OR obsolete AS ended
FROM job LEFT JOIN share USING (operative_ref);

CREATE TEMP TABLE parcel AS
WITH step AS (
  SELECT *, coalesce(max(ord) FILTER (name IN ('PARCEL_CARRIER_ACKNOWLEDGED', 'PARCEL_CARRIER_FAILED')) OVER (
           PARTITION BY entity_id ORDER BY ord ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS answered
  FROM event WHERE entity = 'PARCEL'
), attempt AS (
  SELECT entity_id, answered, min(event_at) FILTER (name = 'PARCEL_CARRIER_REQUESTED') AS requested_at,
         min(event_at) FILTER (name IN ('PARCEL_CARRIER_ACKNOWLEDGED', 'PARCEL_CARRIER_FAILED')) AS answered_at
  FROM step GROUP BY ALL
), last_attempt AS (
  SELECT entity_id AS parcel_id, arg_max(seconds(requested_at, answered_at), answered) AS label_request_seconds
  FROM attempt WHERE requested_at IS NOT NULL AND answered_at IS NOT NULL GROUP BY 1
), job AS (
  SELECT entity_id AS parcel_id, any_value(flow_id) AS flow_id, arg_max(shipment_ref, ord) AS shipment_ref,
         arg_max(facility, ord) AS facility, arg_max(carrier_ref, ord) AS carrier_ref,
         min(event_at) FILTER (name = 'PARCEL_CARRIER_CREATED') AS created_at,
         min(event_at) FILTER (name = 'PARCEL_CARRIER_REQUESTED') AS requested_at,
         max(event_at) FILTER (name = 'PARCEL_CARRIER_ACKNOWLEDGED') AS received_at,
         min(event_at) FILTER (name = 'PARCEL_CARRIER_ACKNOWLEDGED') AS first_received_at,
         count(*) FILTER (name = 'PARCEL_CARRIER_FAILED') AS failures,
         arg_min(coalesce(tracking_stamp, event_at), ord) FILTER (name = 'PARCEL_TRACK_AND_TRACE_STATUS_UPDATED'
           AND tracking_status = 'delivered') AS delivered_at
  FROM step GROUP BY 1
), by_shipment AS (
  SELECT unnest(parcel_refs) AS parcel_id, shipment_id FROM shipment
)
SELECT job.*, label_request_seconds, coalesce(job.shipment_ref, s.shipment_id) AS shipment_id, l.leg_id
FROM job LEFT JOIN last_attempt USING (parcel_id)
LEFT JOIN (SELECT parcel_id, any_value(shipment_id) AS shipment_id FROM by_shipment GROUP BY 1) s USING (parcel_id)
LEFT JOIN shipment_leg l ON l.shipment_id = coalesce(job.shipment_ref, s.shipment_id);

CREATE TEMP TABLE handover AS
WITH step AS (
  SELECT *, max(ord) FILTER (name = 'HANDOVERJOB_REVERTED') OVER (PARTITION BY entity_id) AS reverted FROM event
  WHERE entity = 'HANDOVER_JOB'
), job AS (
  SELECT entity_id AS handover_id, any_value(flow_id) AS flow_id, arg_max(pick_ref, ord) AS pick_ref,
         arg_max(operative_ref, ord) AS operative_ref, arg_max(shipment_ref, ord) AS shipment_ref,
         arg_max(parcel_ref, ord) AS parcel_ref, arg_max(target, ord) AS target,
         min(event_at) FILTER (name = 'HANDOVERJOB_CREATED') AS created_at,
         min(event_at) FILTER (name = 'HANDOVERJOB_HANDED_OVER' AND ord > coalesce(reverted, 0)) AS handed_over_at,
         count(*) FILTER (name = 'HANDOVERJOB_CANCELED') > 0 OR arg_max(status, ord) = 'OBSOLETE' AS dropped,
         coalesce(bool_or(refused), false) AS refused
  FROM step GROUP BY 1
)
SELECT job.*, coalesce(job.pick_ref, s.leg_id, p.leg_id, share.leg_id) AS leg_id, handed_over_at IS NOT NULL OR dropped AS ended
FROM job LEFT JOIN shipment_leg s ON s.shipment_id = job.shipment_ref LEFT JOIN parcel p ON p.parcel_id = job.parcel_ref
LEFT JOIN share ON share.operative_ref = job.operative_ref;

CREATE TEMP TABLE service AS
SELECT entity_id AS service_id, any_value(flow_id) AS flow_id,
       count(*) FILTER (name = 'SERVICE_JOB_FINISHED') > 0 OR arg_max(status, ord) IN ('CANCELLED', 'OBSOLETE') AS ended
FROM event WHERE entity = 'SERVICE_JOB' GROUP BY 1;

-- The order's own events, and those of the process that belong to none of its jobs.
CREATE TEMP TABLE placed AS
SELECT flow_id, arg_max(entity_id, ord) FILTER (own) AS order_id, arg_max(tenant_order_id, ord) FILTER (own) AS tenant_order_id,
       arg_max(status, ord) FILTER (own) AS order_status, arg_max(order_date, ord) FILTER (own) AS order_date,
       arg_max(target, ord) FILTER (own) AS target,
       CASE WHEN arg_max(collects, ord) FILTER (own) AND arg_max(ships, ord) FILTER (own) THEN 'MIXED'
         WHEN arg_max(collects, ord) FILTER (own) THEN 'COLLECT'
         WHEN arg_max(ships, ord) FILTER (own) THEN 'SHIPPING' END AS channel,
       arg_max(line_count, ord) FILTER (own) AS line_count, arg_max(units, ord) FILTER (own) AS units,
       min(event_at) FILTER (name = 'ORDER_CREATED') AS created_at,
       coalesce(bool_or(name = 'ORDER_CREATED' AND status = 'LOCKED'), false) AS locked,
       min(event_at) FILTER (name = 'ORDER_UNLOCKED') AS unlocked_at,
       min(event_at) FILTER (name LIKE 'ORDER_%CANCELLED%') AS cancelled_at,
       arg_min(CASE name WHEN 'ORDER_CANCELLED' THEN 'cancelled' WHEN 'ORDER_FORCE_CANCELLED' THEN 'force_cancelled'
         ELSE 'expired' END, ord) FILTER (name LIKE 'ORDER_%CANCELLED%') AS cancel_reason,
       min(event_at) FILTER (name = 'INVENTORY_RESERVATIONS_CREATED') AS reserved_at,
       min(event_at) FILTER (name = 'PROCESS_ANONYMIZED') AS anonymized_at,
       min(event_at) FILTER (name = 'PROCESS_DELETED') AS deleted_at,
       list(DISTINCT CASE name WHEN 'ORDER_MODIFIED' THEN 'modified' WHEN 'ROUTING_PLAN_WAITING' THEN 'waiting'
         WHEN 'ROUTING_PLAN_NOT_ROUTABLE' THEN 'not_routable' WHEN 'ROUTING_PLAN_FALLBACK' THEN 'fallback'
         WHEN 'ROUTING_PLAN_SPLITTED' THEN 'split' WHEN 'ROUTING_PLAN_REROUTEPLAN_CREATED' THEN 'reroute'
         WHEN 'PICK_JOB_REROUTED' THEN 'reroute' WHEN 'PICK_JOB_PICKING_PAUSED' THEN 'pause' WHEN 'PICK_JOB_RESET' THEN 'reset'
         WHEN 'PARCEL_CARRIER_FAILED' THEN 'label_failed' WHEN 'HANDOVERJOB_REVERTED' THEN 'reverted'
         WHEN 'ORDER_CANCELLED' THEN 'cancelled' WHEN 'ORDER_FORCE_CANCELLED' THEN 'cancelled'
         WHEN 'ORDER_CANCELLED_BY_EXPIRY' THEN 'cancelled' WHEN 'EXPIRY_ENTITY_EXPIRED' THEN 'expired' END) AS deviations
FROM (SELECT *, entity = 'ORDER' AS own FROM event WHERE flow = 'order' AND flow_id IS NOT NULL) GROUP BY 1;

-- Legs --------------------------------------------------------------------------------------------------------------

CREATE TEMP TABLE leg AS
WITH packed AS (
  SELECT leg_id, min(created_at) AS pack_created_at, min(started_at) AS pack_started_at, max(finished_at) AS pack_finished_at,
         sum(pause_count)::BIGINT AS pack_pause_count
  FROM pack GROUP BY 1
), handed AS (
  SELECT leg_id, min(created_at) AS handover_created_at, max(handed_over_at) AS handed_over_at,
         coalesce(min(target) FILTER (NOT dropped), CASE WHEN bool_and(dropped) THEN min(target) END) AS target
  FROM handover GROUP BY 1
), shipped AS (
  SELECT leg_id, min(target) AS target FROM shipment_leg GROUP BY 1
), plan_by_job AS (
  SELECT pick_ref AS leg_id, any_value(plan_id) AS plan_id FROM plan WHERE pick_ref IS NOT NULL GROUP BY 1
)
SELECT pick.leg_id, pick.flow_id, coalesce(pick.plan_ref, j.plan_id) AS routing_plan_id,
       pick.operative_ref AS operative_process_ref, pick.facility AS facility_ref, pick.channel,
       CASE WHEN rerouted_at IS NOT NULL THEN 'rerouted' WHEN pick.cancelled_at IS NOT NULL THEN 'cancelled'
         WHEN aborted_at IS NOT NULL THEN CASE WHEN touched AND u.nothing THEN 'zero_picked' ELSE 'aborted' END
         WHEN finish_at IS NOT NULL THEN CASE WHEN u.short_line_count > 0 THEN 'short_picked' ELSE 'picked' END
         WHEN o.cancelled_at IS NOT NULL THEN 'cancelled' ELSE 'open' END AS outcome,
       plan.routed_at, pick.created_at AS pick_created_at, pick.opened_at AS pick_opened_at,
       w.first_start AS pick_first_started_at, w.start_at AS pick_started_at, w.finish_at AS pick_finished_at,
       pack_created_at, pack_started_at, pack_finished_at, handover_created_at, handed_over_at,
       coalesce(handed.target, shipped.target, pick.target) AS target_at,
       seconds(plan.routed_at, pick.created_at) AS route_to_pick_created_seconds,
       seconds(CASE WHEN pick.opened_at > coalesce(pick.created_at, pick.opened_at - INTERVAL 1 SECOND)
         AND (first_start IS NULL OR pick.opened_at < first_start) THEN pick.opened_at ELSE pick.created_at END, first_start)
         AS pick_queue_seconds,
       seconds(start_at, finish_at) AS pick_duration_gross_seconds,
       CASE WHEN start_at IS NOT NULL OR current_pauses > 0 THEN coalesce(w.paused, 0) / 1e6 END AS pick_pause_seconds,
       (epoch_us(finish_at) - epoch_us(start_at) - w.idle) / 1e6 AS pick_duration_net_seconds,
       seconds(finish_at, pack_created_at) AS pick_to_pack_seconds,
       seconds(finish_at, pack_started_at) AS pick_to_pack_start_seconds,
       seconds(pack_created_at, pack_started_at) AS pack_queue_seconds,
       seconds(pack_started_at, pack_finished_at) AS pack_duration_seconds,
       seconds(pack_created_at, pack_finished_at) AS pack_total_seconds,
       seconds(done_at, handover_created_at) AS handover_prepare_seconds,
       seconds(handover_created_at, handed_over_at) AS handover_wait_seconds,
       seconds(done_at, handed_over_at) AS pack_to_handover_seconds,
       seconds(coalesce(handed.target, shipped.target, pick.target), handover_created_at) AS ready_lateness_seconds,
       seconds(coalesce(handed.target, shipped.target, pick.target), handed_over_at) AS handover_lateness_seconds,
       u.line_count, CASE WHEN finish_at IS NOT NULL THEN u.short_line_count END AS short_line_count,
       u.ordered_units::BIGINT AS ordered_units, CASE WHEN touched THEN u.picked_units::BIGINT END AS picked_units,
       coalesce(w.pause_count, 0) AS pause_count, coalesce(pack_pause_count, 0) AS pack_pause_count,
       coalesce(w.reset_count, 0) AS reset_count, words([
         CASE WHEN pick.created_at IS NULL THEN 'missing_start' END, CASE WHEN pick.skewed THEN 'clock_skew' END,
         CASE WHEN least(seconds(plan.routed_at, pick.created_at), seconds(pick.created_at, first_start),
           seconds(finish_at, pack_created_at), seconds(pack_created_at, pack_started_at),
           seconds(pack_started_at, pack_finished_at), seconds(done_at, handover_created_at),
           seconds(handover_created_at, handed_over_at)) < 0 THEN 'negative_interval' END]) AS quality_flags,
       -- for the order alone
       pick.held, first_aborted_at, touched AND u.nothing AS took_nothing, rerouted_at, pick.seen_at, plan.word, plan.word_at,
       pick.status IN ('REJECTED', 'RESTOWED', 'EXPIRED', 'OBSOLETE') AS ended_silently, handed.leg_id IS NOT NULL AS has_handover
FROM pick LEFT JOIN pick_work w USING (leg_id) LEFT JOIN pick_units u USING (leg_id)
LEFT JOIN packed USING (leg_id) LEFT JOIN handed USING (leg_id) LEFT JOIN shipped USING (leg_id)
LEFT JOIN plan_by_job j USING (leg_id) LEFT JOIN plan ON plan.plan_id = coalesce(pick.plan_ref, j.plan_id)
LEFT JOIN placed o ON o.flow_id = pick.flow_id,
LATERAL (SELECT CASE WHEN packed.leg_id IS NOT NULL THEN pack_finished_at ELSE finish_at END AS done_at)
WHERE pick.flow_id IS NOT NULL;

-- Orders ------------------------------------------------------------------------------------------------------------

CREATE TEMP TABLE planned AS
WITH child AS (
  SELECT DISTINCT flow_id, unnest(children) AS plan_id FROM plan
), taken AS (
  SELECT DISTINCT unnest(rerouted) AS plan_id FROM plan
), job AS (
  SELECT routing_plan_id AS plan_id, max(seen_at) AS proof FROM leg WHERE routing_plan_id IS NOT NULL GROUP BY 1
), parents AS (
  SELECT DISTINCT flow_id FROM child
), waiting AS (
  SELECT flow_id FROM plan LEFT JOIN job USING (plan_id) ANTI JOIN taken USING (plan_id)
  WHERE NOT coalesce(replaced, false) AND NOT cancelled
    AND CASE WHEN job.proof IS NOT NULL THEN word IN ('ROUTING_PLAN_WAITING', 'ROUTING_PLAN_NOT_ROUTABLE') AND word_at > job.proof
      ELSE NOT (split AND flow_id IN (SELECT flow_id FROM parents)) END
  UNION SELECT flow_id FROM child ANTI JOIN plan USING (plan_id) ANTI JOIN job USING (plan_id)
)
SELECT flow_id, min(routed_at) AS first_routed_at, max(last_routed_at) AS last_routed_at, count(*) AS routing_plan_count,
       count(*) FILTER (split) AS split_count, count(*) FILTER (announced) AS reroute_count,
       flow_id IN (SELECT flow_id FROM waiting) AS waits, arg_min(target, seen) AS target, arg_min(order_date, seen) AS order_date,
       arg_min(tenant_order_id, seen) AS tenant_order_id, arg_min(order_ref, seen) AS order_ref,
       arg_min(line_count, seen) AS line_count, arg_min(units, seen) AS units
FROM plan WHERE flow_id IS NOT NULL GROUP BY 1;

-- From each given-up job to the job of the plan that names it, else to the next job of the order.
CREATE TEMP TABLE reroute AS
WITH given_up AS (
  SELECT leg_id, flow_id, least(first_aborted_at, rerouted_at) AS since FROM leg
  WHERE first_aborted_at IS NOT NULL OR rerouted_at IS NOT NULL
), successor AS (
  SELECT unnest(rerouted_picks) AS leg_id, plan_id FROM plan
), gap AS (
  SELECT g.leg_id, any_value(g.flow_id) AS flow_id, any_value(g.since) AS since,
         CASE WHEN count(s.plan_id) > 0 THEN min(next.pick_created_at) FILTER (next.routing_plan_id = s.plan_id)
           ELSE min(next.pick_created_at) FILTER (next.pick_created_at > g.since) END AS until
  FROM given_up g LEFT JOIN successor s USING (leg_id)
  LEFT JOIN leg AS next ON next.flow_id = g.flow_id AND next.leg_id <> g.leg_id
  GROUP BY 1
)
SELECT flow_id, sum(seconds(since, until)) AS reroute_delay_seconds FROM gap GROUP BY 1;

CREATE TABLE order_parcel AS
WITH named AS (
  SELECT parcel_ref AS parcel_id, max(handed_over_at) AS handed_over_at FROM handover WHERE parcel_ref IS NOT NULL GROUP BY 1
)
SELECT parcel.parcel_id, parcel.flow_id, parcel.leg_id, shipment_id, facility AS facility_ref, carrier_ref,
       created_at AS parcel_created_at, requested_at AS label_requested_at, received_at AS label_received_at,
       label_request_seconds, failures AS label_failure_count, delivered_at,
       seconds(coalesce(named.handed_over_at, leg.handed_over_at), delivered_at) AS transit_seconds
FROM parcel LEFT JOIN named USING (parcel_id) LEFT JOIN leg ON leg.leg_id = parcel.leg_id
WHERE parcel.flow_id IS NOT NULL ORDER BY 1;

CREATE TABLE order_flow AS
WITH legs AS (
  SELECT flow_id, count(*) AS leg_count, list(DISTINCT facility_ref) FILTER (facility_ref IS NOT NULL) AS facilities,
         CASE WHEN count(DISTINCT channel) > 1 THEN 'MIXED' ELSE any_value(channel) END AS channel,
         min(pick_created_at) AS first_pick_created_at, min(pick_first_started_at) AS first_pick_started_at,
         min(pick_finished_at) AS first_pick_finished_at, max(pick_finished_at) AS last_pick_finished_at,
         sum(reset_count)::BIGINT AS reset_count, sum(pause_count)::BIGINT AS pause_count,
         sum(picked_units) FILTER (kept)::BIGINT AS picked_units, sum(short_line_count) FILTER (kept)::BIGINT AS short_line_count,
         bool_and(outcome <> 'open' OR coalesce(ended_silently, false)) AS ended,
         bool_and(has_handover OR outcome NOT IN ('picked', 'short_picked')) AS handed,
         bool_or(held) AS held, coalesce(bool_or(short_line_count > 0), false) AS short,
         coalesce(bool_or(first_aborted_at IS NOT NULL AND coalesce(took_nothing, false)), false) AS zero,
         coalesce(bool_or(first_aborted_at IS NOT NULL AND NOT coalesce(took_nothing, false)), false) AS aborted,
         bool_or(routing_plan_id IS NOT NULL) AS proves_plan,
         arg_min(target_at, seen_at) AS target
  FROM (SELECT *, outcome NOT IN ('rerouted', 'aborted', 'zero_picked', 'cancelled') AS kept FROM leg) GROUP BY 1
), packs AS (
  SELECT flow_id, min(created_at) AS first_pack_created_at, min(started_at) AS pack_started_at,
         min(first_finished_at) AS first_pack_finished_at, max(finished_at) AS last_pack_finished_at,
         bool_and(ended) AS ended, sum(pause_count) > 0 AS paused
  FROM pack GROUP BY 1
), parcels AS (
  SELECT flow_id, count(*) AS parcel_count, sum(failures)::BIGINT AS label_failure_count, min(created_at) AS parcel_created_at,
         min(requested_at) AS first_label_requested_at, min(first_received_at) AS first_label_received_at,
         max(received_at) AS last_label_received_at,
         CASE WHEN count(*) = count(delivered_at) THEN max(delivered_at) END AS delivered_at
  FROM parcel GROUP BY 1
), shipments AS (
  SELECT flow_id, min(created_at) AS shipment_created_at, min(target) AS target FROM shipment GROUP BY 1
), handovers AS (
  SELECT flow_id, count(*) AS handover_job_count, min(created_at) AS first_handover_created_at,
         max(created_at) AS last_handover_created_at, min(handed_over_at) AS first_handed_over_at,
         max(handed_over_at) AS last_handed_over_at, bool_and(ended) AS ended, bool_or(refused) AS refused,
         coalesce(min(target) FILTER (NOT dropped), CASE WHEN bool_and(dropped) THEN min(target) END) AS target
  FROM handover GROUP BY 1
), services AS (
  SELECT flow_id, bool_and(ended) AS ended FROM service GROUP BY 1
), jobs AS (
  SELECT flow_id, arg_min(tenant_order_id, seen_at) AS tenant_order_id, arg_min(order_date, seen_at) AS order_date,
         arg_min(order_ref, seen_at) AS order_ref, arg_min(u.line_count, seen_at) AS line_count,
         arg_min(u.ordered_units, seen_at) AS units
  FROM pick LEFT JOIN pick_units u USING (leg_id) GROUP BY 1
), known AS (
  SELECT f.*, o.* EXCLUDE (flow_id, channel, deviations, target, line_count, units, order_date, tenant_order_id, order_id),
         legs.* EXCLUDE (flow_id, channel, ended, handed, facilities, target), packs.* EXCLUDE (flow_id, ended, paused),
         parcels.* EXCLUDE (flow_id), shipments.shipment_created_at,
         handovers.* EXCLUDE (flow_id, ended, refused, target), planned.* EXCLUDE (flow_id, target, order_date, tenant_order_id, order_ref, line_count, units),
         coalesce(o.order_id, planned.order_ref, jobs.order_ref) AS order_id,
         coalesce(o.tenant_order_id, planned.tenant_order_id, jobs.tenant_order_id) AS tenant_order_id,
         coalesce(o.order_date, planned.order_date, jobs.order_date) AS order_date_at,
         coalesce(legs.channel, o.channel) AS channel,
         coalesce(handovers.target, shipments.target, o.target, planned.target, legs.target) AS target_at,
         coalesce(o.line_count, planned.line_count, jobs.line_count) AS line_count,
         coalesce(o.units, planned.units, jobs.units) AS units,
         coalesce(legs.facilities, []) AS places, reroute_delay_seconds,
         coalesce(legs.ended, true) AND coalesce(packs.ended, true) AND coalesce(services.ended, true) AS jobs_done,
         coalesce(handovers.ended, true) AS handovers_done, coalesce(legs.handed, true) AS legs_handed,
         getvariable('as_of') >= f.last_working_at + INTERVAL 30 DAY AS overdue,
         o.deviations || [CASE WHEN o.locked THEN 'locked' END, CASE WHEN packs.paused THEN 'pause' END,
           CASE WHEN handovers.refused THEN 'refused' END, CASE WHEN legs.held THEN 'release_wait' END,
           CASE WHEN legs.short THEN 'short_pick' END, CASE WHEN legs.zero THEN 'zero_pick' END,
           CASE WHEN legs.aborted THEN 'abort' END, CASE WHEN o.cancel_reason = 'expired' THEN 'expired' END] AS said
  FROM flow f JOIN placed o USING (flow_id) LEFT JOIN legs USING (flow_id) LEFT JOIN packs USING (flow_id)
  LEFT JOIN parcels USING (flow_id) LEFT JOIN shipments USING (flow_id) LEFT JOIN handovers USING (flow_id)
  LEFT JOIN services USING (flow_id) LEFT JOIN planned USING (flow_id) LEFT JOIN reroute USING (flow_id)
  LEFT JOIN jobs USING (flow_id)
  WHERE f.flow = 'order'
), judged AS (
  SELECT *, CASE WHEN last_handed_over_at IS NOT NULL AND jobs_done AND handovers_done AND legs_handed AND NOT coalesce(waits, false)
             AND (first_routed_at IS NOT NULL OR proves_plan) THEN 'fulfilled'
           WHEN cancelled_at IS NOT NULL AND last_handed_over_at IS NULL THEN 'cancelled'
           WHEN overdue THEN 'incomplete' ELSE 'open' END AS outcome,
         words(list_distinct(said)) AS deviations
  FROM known
), timed AS (
  SELECT *, CASE outcome WHEN 'fulfilled' THEN last_handed_over_at WHEN 'cancelled' THEN cancelled_at END AS finished_at,
         CASE WHEN channel IN ('SHIPPING', 'MIXED') AND outcome = 'fulfilled' THEN seconds(target_at, last_handed_over_at)
           WHEN channel = 'COLLECT' THEN seconds(target_at, first_handover_created_at) END AS lateness_seconds
  FROM judged
)
SELECT flow_id, outcome, coalesce(created_at, first_event_at) AS started_at, finished_at, first_event_at, last_event_at, event_count,
       CASE WHEN len(places) = 1 THEN places[1] END AS facility_ref, len(places) AS facility_count,
       milestones([{'at': created_at, 'rank': 1, 'name': 'order_created'}, {'at': unlocked_at, 'rank': 2, 'name': 'order_unlocked'},
         {'at': first_routed_at, 'rank': 3, 'name': 'routed'}, {'at': reserved_at, 'rank': 4, 'name': 'stock_reserved'},
         {'at': first_pick_created_at, 'rank': 5, 'name': 'pick_created'}, {'at': shipment_created_at, 'rank': 6, 'name': 'shipment_created'},
         {'at': first_pick_started_at, 'rank': 7, 'name': 'pick_started'}, {'at': first_pick_finished_at, 'rank': 8, 'name': 'pick_finished'},
         {'at': first_pack_created_at, 'rank': 9, 'name': 'pack_created'}, {'at': pack_started_at, 'rank': 10, 'name': 'pack_started'},
         {'at': parcel_created_at, 'rank': 11, 'name': 'parcel_created'}, {'at': first_label_requested_at, 'rank': 12, 'name': 'label_requested'},
         {'at': first_label_received_at, 'rank': 13, 'name': 'label_received'}, {'at': first_pack_finished_at, 'rank': 14, 'name': 'pack_finished'},
         {'at': first_handover_created_at, 'rank': 15, 'name': 'handover_created'}, {'at': first_handed_over_at, 'rank': 16, 'name': 'handed_over'},
         {'at': cancelled_at, 'rank': 17, 'name': 'order_cancelled'}]) AS variant,
       deviations, CASE WHEN outcome <> 'open' THEN outcome = 'fulfilled' AND len(deviations) = 0 END AS conforms,
       words([CASE WHEN created_at IS NULL THEN 'missing_start' END, CASE WHEN skewed THEN 'clock_skew' END,
         CASE WHEN event_count > 10000 THEN 'oversized' END,
         CASE WHEN last_working_at > finished_at + INTERVAL 24 HOUR THEN 'event_after_close' END,
         CASE WHEN outcome = 'open' AND leg_count > 0 AND jobs_done AND handovers_done AND last_handed_over_at IS NULL
           AND NOT coalesce(waits, false) THEN 'stuck' END,
         CASE WHEN least(seconds(created_at, first_routed_at), seconds(created_at, unlocked_at), seconds(created_at, cancelled_at),
           seconds(created_at, finished_at)) < 0 THEN 'negative_interval' END]) AS quality_flags,
       event_count AS revision, order_id, tenant_order_id, channel, order_status, cancel_reason, order_date_at, target_at,
       created_at AS order_created_at, unlocked_at AS order_unlocked_at, cancelled_at AS order_cancelled_at,
       first_routed_at, last_routed_at, reserved_at AS first_reserved_at, first_pick_created_at, first_pick_started_at,
       last_pick_finished_at, first_pack_created_at, last_pack_finished_at, first_label_requested_at, last_label_received_at,
       first_handover_created_at, last_handover_created_at, first_handed_over_at, last_handed_over_at, delivered_at,
       seconds(order_date_at, created_at) AS order_intake_lag_seconds,
       CASE WHEN locked THEN seconds(created_at, unlocked_at) END AS lock_wait_seconds,
       seconds(created_at, first_routed_at) AS order_to_route_seconds,
       CASE outcome WHEN 'fulfilled' THEN seconds(created_at, last_handed_over_at) END AS order_cycle_seconds,
       CASE outcome WHEN 'fulfilled' THEN seconds(order_date_at, last_handed_over_at) END AS order_lead_seconds,
       seconds(created_at, cancelled_at) AS cancel_after_seconds, coalesce(reroute_delay_seconds, 0) AS reroute_delay_seconds,
       lateness_seconds <= 0 AS on_time, lateness_seconds, coalesce(leg_count, 0) AS leg_count,
       coalesce(routing_plan_count, 0) AS routing_plan_count, coalesce(split_count, 0) AS split_count,
       coalesce(reroute_count, 0) AS reroute_count, coalesce(reset_count, 0) AS reset_count, coalesce(pause_count, 0) AS pause_count,
       coalesce(parcel_count, 0) AS parcel_count, coalesce(label_failure_count, 0) AS label_failure_count,
       coalesce(handover_job_count, 0) AS handover_job_count, line_count,
       CASE WHEN picked_units IS NOT NULL THEN coalesce(short_line_count, 0) END AS short_line_count,
       units::BIGINT AS ordered_units, picked_units,
       CASE outcome WHEN 'fulfilled' THEN picked_units / nullif(units, 0) END AS fill_rate, anonymized_at, deleted_at
FROM timed ORDER BY flow_id;

CREATE TABLE order_leg AS
SELECT leg.* EXCLUDE (held, first_aborted_at, took_nothing, rerouted_at, seen_at, word, word_at, ended_silently, has_handover)
       REPLACE (CASE WHEN leg.outcome = 'open' AND f.outcome = 'incomplete' THEN 'incomplete' ELSE leg.outcome END AS outcome)
FROM leg JOIN order_flow f USING (flow_id) ORDER BY leg_id;

-- Inbound -----------------------------------------------------------------------------------------------------------

CREATE TABLE inbound_receipt AS
WITH seen AS (
  SELECT flow_id, name, event_at, ord, facility, unnest(receipts) AS r FROM event WHERE flow = 'inbound' AND receipts IS NOT NULL
), receipt AS (
  SELECT r.id AS receipt_id, any_value(flow_id) AS flow_id, arg_max(facility, ord) AS facility_ref, arg_max(r.status, ord) AS status,
         arg_max(r."receivedDate", ord) AS arrival_at,
         min(event_at) FILTER (name = 'INBOUND_PROCESS_RECEIPT_CREATED') AS receipt_created_at,
         least(min(event_at) FILTER (name = 'INBOUND_PROCESS_RECEIPT_STARTED'),
           min(event_at) FILTER (name = 'INBOUND_PROCESS_RECEIPT_CREATED' AND r.status = 'IN_PROGRESS')) AS receipt_started_at,
         coalesce(min(event_at) FILTER (name = 'INBOUND_DELIVERY_RECEIVED'),
           min(event_at) FILTER (name = 'INBOUND_PROCESS_RECEIPT_CREATED' AND r.status = 'FINISHED')) AS delivery_received_at,
         arg_max(r."receivedItems", ord) AS lines
  FROM seen WHERE r.id IS NOT NULL GROUP BY 1
)
SELECT * EXCLUDE lines, seconds(arrival_at, receipt_created_at) AS arrival_to_receipt_seconds,
       seconds(receipt_started_at, delivery_received_at) AS receipt_duration_seconds,
       seconds(arrival_at, delivery_received_at) AS dock_to_stock_seconds, len(lines) AS line_count,
       total(list_transform(lines, lambda x: x."acceptedQuantity"."value")) AS accepted_units,
       total(list_transform(lines, lambda x: x."rejectedQuantity"."value")) AS rejected_units
FROM receipt ORDER BY 1;

CREATE TABLE inbound_flow AS
WITH hold_step AS (
  SELECT flow_id, event_at, name, lag(name) OVER w AS before, lead(event_at) OVER w AS until
  FROM event WHERE name IN ('INBOUND_DELIVERY_ON_HOLD', 'INBOUND_DELIVERY_RELEASED') AND flow_id IS NOT NULL
  WINDOW w AS (PARTITION BY flow_id ORDER BY ord)
), hold AS (
  SELECT flow_id, count(*) FILTER (before IS DISTINCT FROM name) AS on_hold_count, sum(seconds(event_at, until)) AS on_hold_seconds
  FROM hold_step WHERE name = 'INBOUND_DELIVERY_ON_HOLD' GROUP BY 1
), receipts AS (
  SELECT flow_id, count(*) AS receipt_count, count(delivery_received_at) AS received, min(arrival_at) AS first_arrival_at,
         max(arrival_at) AS last_arrival_at, min(receipt_created_at) AS first_receipt_created_at,
         max(greatest(receipt_created_at, delivery_received_at)) AS latest, count(receipt_created_at) AS created,
         min(receipt_started_at) AS receipt_started_at, min(delivery_received_at) AS first_delivery_received_at,
         max(delivery_received_at) AS last_delivery_received_at, coalesce(bool_or(rejected_units > 0), false) AS rejects,
         sum(accepted_units) FILTER (delivery_received_at IS NOT NULL) AS accepted_units,
         sum(rejected_units) FILTER (delivery_received_at IS NOT NULL) AS rejected_units
  FROM inbound_receipt GROUP BY 1
), process AS (
  SELECT flow_id, coalesce(arg_max(entity_id, ord) FILTER (po), arg_max(purchase_order_id, ord)) AS purchase_order_id,
         arg_max(tenant_inbound_id, ord) AS tenant_inbound_process_id, arg_max(inbound_status, ord) AS status,
         min(event_at) FILTER (name = 'INBOUND_PROCESS_PURCHASE_ORDER_CREATED') AS purchase_order_created_at,
         min(event_at) FILTER (name IN ('INBOUND_PROCESS_PURCHASE_ORDER_CANCELED', 'INBOUND_PROCESS_PURCHASE_ORDER_DELETED'))
           AS purchase_order_cancelled_at,
         coalesce(arg_min(requested_date, (version, ord)) FILTER (po AND point), arg_min(requested_date, ord) FILTER (point)) AS first_requested_at,
         coalesce(arg_max(requested_date, (version, ord)) FILTER (po AND point), arg_max(requested_date, ord) FILTER (point)) AS last_requested_at,
         min(event_at) FILTER (name = 'INBOUND_DELIVERY_FINISHED') AS inbound_finished_at,
         count(*) FILTER (name = 'INBOUND_PROCESS_PURCHASE_ORDER_REQUESTED_DATE_CHANGED') AS requested_date_change_count,
         coalesce(arg_max(requested_units, ord) FILTER (po), arg_max(requested_units, ord)) AS wanted,
         coalesce(bool_or(inbound_status = 'PARTIAL_DELIVERY'), false) AS partial,
         coalesce(bool_or(name = 'INBOUND_PROCESS_PURCHASE_ORDER_LINE_ITEMS_CHANGED'), false) AS changed
  FROM (SELECT *, entity = 'PURCHASE_ORDER' AS po, requested_kind = 'TIME_POINT' AND requested_date IS NOT NULL AS point
        FROM event WHERE flow = 'inbound' AND flow_id IS NOT NULL) GROUP BY 1
), known AS (
  SELECT f.*, p.* EXCLUDE flow_id, r.* EXCLUDE (flow_id, receipt_count, accepted_units, rejected_units),
         coalesce(r.receipt_count, 0) AS receipt_count, coalesce(on_hold_count, 0) AS on_hold_count,
         coalesce(on_hold_seconds, 0) AS on_hold_seconds,
         coalesce(r.accepted_units, 0) AS accepted_units, coalesce(r.rejected_units, 0) AS rejected_units,
         p.purchase_order_id IS NOT NULL AS has_order,
         CASE WHEN inbound_finished_at IS NOT NULL THEN 'fulfilled'
           WHEN r.receipt_count = r.received AND (purchase_order_cancelled_at IS NOT NULL OR p.purchase_order_id IS NULL) THEN 'fulfilled'
           WHEN purchase_order_cancelled_at IS NOT NULL AND coalesce(r.receipt_count = r.received, true) THEN 'cancelled'
           WHEN getvariable('as_of') >= f.last_working_at + INTERVAL 90 DAY THEN 'incomplete' ELSE 'open' END AS outcome
  FROM flow f JOIN process p USING (flow_id) LEFT JOIN receipts r USING (flow_id) LEFT JOIN hold USING (flow_id)
  WHERE f.flow = 'inbound'
), judged AS (
  SELECT *, CASE outcome WHEN 'fulfilled' THEN coalesce(inbound_finished_at, greatest(last_delivery_received_at, purchase_order_cancelled_at))
           WHEN 'cancelled' THEN purchase_order_cancelled_at END AS finished_at,
         words([CASE WHEN on_hold_count > 0 THEN 'on_hold' END, CASE WHEN received > 1 OR partial THEN 'partial_delivery' END,
           CASE WHEN requested_date_change_count > 0 THEN 'date_changed' END, CASE WHEN changed THEN 'lines_changed' END,
           CASE WHEN rejects THEN 'rejected_goods' END, CASE WHEN latest > inbound_finished_at THEN 'over_delivery' END,
           CASE WHEN receipt_count > 0 AND NOT has_order THEN 'blind_receipt' END,
           CASE WHEN purchase_order_cancelled_at IS NOT NULL THEN 'purchase_order_cancelled' END]) AS deviations
  FROM known
)
SELECT flow_id, outcome, coalesce(purchase_order_created_at, first_receipt_created_at, first_event_at) AS started_at, finished_at,
       first_event_at, last_event_at, event_count, CASE WHEN len(facilities) = 1 THEN facilities[1] END AS facility_ref,
       coalesce(len(facilities), 0) AS facility_count,
       milestones([{'at': purchase_order_created_at, 'rank': 1, 'name': 'purchase_order_created'},
         {'at': first_receipt_created_at, 'rank': 2, 'name': 'receipt_created'}, {'at': receipt_started_at, 'rank': 3, 'name': 'receipt_started'},
         {'at': first_delivery_received_at, 'rank': 4, 'name': 'delivery_received'},
         {'at': inbound_finished_at, 'rank': 5, 'name': 'inbound_finished'}]) AS variant,
       deviations, CASE WHEN outcome <> 'open' THEN outcome = 'fulfilled' AND len(deviations) = 0 END AS conforms,
       words([CASE WHEN (purchase_order_created_at IS NULL AND (has_order OR first_receipt_created_at IS NULL))
           OR coalesce(created, 0) < receipt_count THEN 'missing_start' END,
         CASE WHEN skewed THEN 'clock_skew' END, CASE WHEN event_count > 10000 THEN 'oversized' END,
         CASE WHEN last_working_at > finished_at + INTERVAL 24 HOUR THEN 'event_after_close' END,
         CASE WHEN least(seconds(purchase_order_created_at, first_receipt_created_at),
           seconds(purchase_order_created_at, inbound_finished_at), seconds(first_delivery_received_at, inbound_finished_at)) < 0
           THEN 'negative_interval' END]) AS quality_flags,
       event_count AS revision, purchase_order_id, tenant_inbound_process_id, status, purchase_order_created_at,
       purchase_order_cancelled_at, first_requested_at, last_requested_at, first_arrival_at, last_arrival_at,
       first_receipt_created_at, first_delivery_received_at, last_delivery_received_at, inbound_finished_at,
       seconds(purchase_order_created_at, first_receipt_created_at) AS po_to_first_receipt_seconds,
       seconds(last_requested_at, first_arrival_at) AS supplier_delay_seconds, on_hold_seconds,
       seconds(purchase_order_created_at, inbound_finished_at) AS inbound_complete_seconds,
       seconds(first_delivery_received_at, inbound_finished_at) AS delivery_span_seconds, receipt_count, on_hold_count,
       requested_date_change_count, CASE WHEN has_order THEN len(wanted) END AS requested_line_count,
       CASE WHEN has_order THEN total(wanted) END AS requested_units, accepted_units, rejected_units,
       CASE WHEN received > 0 THEN rejected_units / nullif(accepted_units + rejected_units, 0) END AS rejection_rate
FROM judged ORDER BY 1;

-- Stow --------------------------------------------------------------------------------------------------------------

CREATE TABLE stow_flow AS
WITH step AS (
  SELECT flow_id, event_at AS "at", ord, name, status,
         CASE name WHEN 'STOW_JOB_CREATED' THEN CASE status WHEN 'IN_PROGRESS' THEN 'start' WHEN 'CLOSED' THEN 'finish'
             WHEN 'CANCELED' THEN 'cancel' ELSE 'create' END
           WHEN 'STOW_JOB_COMMENCED' THEN 'start' WHEN 'STOW_JOB_LINE_ITEMS_STOWED' THEN 'activity'
           WHEN 'STOW_JOB_PAUSED' THEN 'pause' WHEN 'STOW_JOB_OPENED' THEN 'open' WHEN 'STOW_JOB_CLOSED' THEN 'finish'
           ELSE 'cancel' END AS verb
  FROM event WHERE flow = 'stow' AND flow_id IS NOT NULL
), numbered AS (
  SELECT *, lag(verb) OVER w AS before, lead("at") OVER w AS until FROM step WINDOW w AS (PARTITION BY flow_id ORDER BY ord)
), work AS (
  SELECT flow_id, min("at") FILTER (name = 'STOW_JOB_CREATED') AS created_at, min("at") FILTER (verb = 'start') AS started_at,
         max("at") FILTER (verb = 'finish') AS closed_at, min("at") FILTER (verb = 'cancel') AS cancelled_at,
         arg_max(verb, ord) FILTER (verb IN ('finish', 'cancel', 'open')) AS state,
         max("at") FILTER (verb IN ('finish', 'cancel', 'open')) AS state_at,
         count(*) FILTER (verb = 'pause' AND before IS DISTINCT FROM 'pause') AS pause_count,
         count(*) FILTER (verb = 'open' AND before IN ('finish', 'cancel')) AS reopen_count,
         count(*) FILTER (verb = 'open' AND before = 'pause') > 0 AS given_back,
         coalesce(bool_or(name = 'STOW_JOB_CANCELED'), false) AS cancelled,
         sum(epoch_us(until) - epoch_us("at")) FILTER (verb = 'pause') AS paused,
         count(*) FILTER (verb IN ('start', 'activity', 'pause', 'finish')) > 0 AS touched
  FROM numbered GROUP BY 1
), rest AS (
  SELECT flow_id, sum(epoch_us(least(until, closed_at)) - epoch_us("at")) AS idle FROM numbered JOIN work USING (flow_id)
  WHERE (verb IN ('pause', 'finish') OR (verb = 'open' AND before IN ('start', 'activity', 'pause', 'finish', 'cancel')))
    AND "at" >= started_at AND "at" < closed_at GROUP BY 1
), job AS (
  SELECT flow_id, arg_max(status, ord) AS status, arg_max(priority, ord) AS priority, arg_max(target, ord) AS target_at,
         arg_max(stow_lines, ord) AS line_count, arg_max(stow_targets, ord) AS targets
  FROM event WHERE flow = 'stow' AND flow_id IS NOT NULL GROUP BY 1
), known AS (
  SELECT f.*, work.* EXCLUDE flow_id, job.* EXCLUDE (flow_id, targets), coalesce(idle, 0) AS idle,
         total(list_transform(targets, lambda t: t.planned)) AS planned_units,
         CASE WHEN targets IS NOT NULL THEN coalesce(list_sum(list_transform(list_filter(targets,
           lambda t: t.kind IN ('LOCATION', 'STOCK')), lambda t: t.stowed)), 0) END AS stowed_units,
         CASE WHEN targets IS NOT NULL THEN coalesce(list_sum(list_transform(list_filter(targets,
           lambda t: t.kind = 'DISCARD'), lambda t: t.stowed)), 0) END AS discarded_units,
         CASE state WHEN 'finish' THEN 'fulfilled' WHEN 'cancel' THEN 'cancelled'
           ELSE CASE WHEN getvariable('as_of') >= f.last_event_at + INTERVAL 14 DAY THEN 'incomplete' ELSE 'open' END END AS outcome
  FROM flow f JOIN work USING (flow_id) JOIN job USING (flow_id) LEFT JOIN rest USING (flow_id)
  WHERE f.flow = 'stow'
), judged AS (
  SELECT *, CASE outcome WHEN 'fulfilled' THEN closed_at WHEN 'cancelled' THEN state_at END AS finished_at,
         words([CASE WHEN pause_count > 0 THEN 'pause' END, CASE WHEN reopen_count > 0 THEN 'reopened' END,
           CASE WHEN cancelled THEN 'cancelled' END, CASE WHEN given_back THEN 'given_back' END,
           CASE WHEN discarded_units > 0 THEN 'discarded' END]) AS deviations
  FROM known
)
SELECT flow_id, outcome, coalesce(created_at, first_event_at) AS started_at, finished_at, first_event_at, last_event_at, event_count,
       CASE WHEN len(facilities) = 1 THEN facilities[1] END AS facility_ref, coalesce(len(facilities), 0) AS facility_count,
       milestones([{'at': created_at, 'rank': 1, 'name': 'stow_created'}, {'at': started_at, 'rank': 2, 'name': 'stow_started'},
         {'at': closed_at, 'rank': 3, 'name': 'stow_finished'}]) AS variant,
       deviations, CASE WHEN outcome <> 'open' THEN outcome = 'fulfilled' AND len(deviations) = 0 END AS conforms,
       words([CASE WHEN created_at IS NULL THEN 'missing_start' END, CASE WHEN skewed THEN 'clock_skew' END,
         CASE WHEN event_count > 10000 THEN 'oversized' END,
         CASE WHEN last_event_at > finished_at + INTERVAL 24 HOUR THEN 'event_after_close' END,
         CASE WHEN least(seconds(created_at, started_at), seconds(started_at, closed_at)) < 0 THEN 'negative_interval' END])
         AS quality_flags,
       event_count AS revision, status, priority, target_at, created_at AS stow_created_at, started_at AS stow_started_at,
       closed_at AS stow_finished_at, cancelled_at AS stow_cancelled_at, seconds(created_at, started_at) AS stow_wait_seconds,
       seconds(started_at, closed_at) AS stow_duration_gross_seconds,
       CASE WHEN touched THEN coalesce(paused, 0) / 1e6 END AS stow_pause_seconds,
       (epoch_us(closed_at) - epoch_us(started_at) - idle) / 1e6 AS stow_duration_net_seconds,
       seconds(created_at, closed_at) AS stow_total_seconds, seconds(target_at, closed_at) AS stow_lateness_seconds,
       pause_count, reopen_count, line_count, planned_units, stowed_units, discarded_units
FROM judged ORDER BY 1;
