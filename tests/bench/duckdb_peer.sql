-- The flow relations by DuckDB SQL, as an engineer who knows DuckDB would write them over the same files.
--
-- In: variable `files` (list of paths), variable `output` (folder), table `spelling` (name of an event as it may come,
-- its public name, flow, entity kind, and `dated` = the field its time comes from; the runner fills it from the
-- catalogue). Out: order_flow, order_leg, order_parcel, inbound_flow, inbound_receipt, stow_flow as Parquet.
--
-- What it computes: times, counts, durations, lateness, units and lines, picked units by line, pauses and resets by
-- window functions, outcomes, variants, deviations; duplicates removed by version (else by time) or by envelope id;
-- references of events without a flow resolved in two rounds of joins.
--
-- What it leaves out, and flowfacts does:
-- * flow_interval and flow_event; dead letters with a reason; the books; the check for cut files; the warehouse file;
-- * sameness beyond (name, entity, version or time) and the envelope id: no digest of the decoded facts, not transitive;
-- * references beyond two rounds, and those that lead through a third entity which names the asking one;
-- * the tie-break by event id among events of one entity with the same time and version;
-- * the flag recorded_time; pick jobs of unknown process as legs; lines that a line event alone shows;
-- * a field of a wrong type costs the whole list or record it stands in (`ignore_errors`), not itself alone;
-- * values from any entity of the process when no order event is known (ruling 46): the order, pick job and plan only.

SET VARIABLE items_of = 'STRUCT(quantity STRUCT("value" DOUBLE))[]';
SET VARIABLE requested = 'STRUCT("type" VARCHAR, "value" TIMESTAMP)';
SET VARIABLE received = 'STRUCT(id VARCHAR, status VARCHAR, receivedDate TIMESTAMP, receivedItems STRUCT(
  acceptedQuantity STRUCT("value" DOUBLE), rejectedQuantity STRUCT("value" DOUBLE))[])';
SET VARIABLE purchase = 'STRUCT(id VARCHAR, requestedDate ' || getvariable('requested') || ', requestedItems '
  || getvariable('items_of') || ')';
SET VARIABLE entity = '
  id VARCHAR, version BIGINT, created TIMESTAMP, lastModified TIMESTAMP, status VARCHAR, facilityRef VARCHAR,
  processId VARCHAR, processRef VARCHAR, inboundProcessRef VARCHAR, operativeProcessRef VARCHAR,
  orderRef VARCHAR, routingPlanRef VARCHAR, pickJobRef VARCHAR, packJobRef VARCHAR, shipmentRef VARCHAR,
  parcelRef VARCHAR, childRoutingPlanRef VARCHAR, reRoutedRoutingPlanRef VARCHAR, reRoutedPickJobRef VARCHAR,
  tenantOrderId VARCHAR, orderDate TIMESTAMP, targetTime TIMESTAMP, channel VARCHAR, deliveryChannel VARCHAR,
  subStatus VARCHAR, cancelReason VARCHAR, carrierRef VARCHAR, priority DOUBLE,
  pickedAt TIMESTAMP, quantity BIGINT, picked BIGINT,
  deliveryPreferences STRUCT(targetTime TIMESTAMP, collect STRUCT(facilityRef VARCHAR)[], shipping STRUCT(serviceLevel VARCHAR)),
  deliveryinformation STRUCT(channel VARCHAR, targetTime TIMESTAMP),
  orderLineItems STRUCT(quantity DOUBLE)[], history STRUCT(status VARCHAR, created TIMESTAMP)[],
  pickLineItems STRUCT(id VARCHAR, quantity BIGINT, picked BIGINT)[],
  header STRUCT(jobRef VARCHAR, processRef VARCHAR, jobType VARCHAR), pickJobData STRUCT(pickJobRef VARCHAR),
  parcels STRUCT(id VARCHAR, processRef VARCHAR, parcelRef VARCHAR)[],
  result STRUCT(trackingStatus VARCHAR, carrierTrackingStatus JSON),
  handoverJobParcelInfo STRUCT(parcelRef VARCHAR, shipmentRef VARCHAR),
  handoverJobLineItems STRUCT(refused STRUCT(quantity DOUBLE)[])[],
  tenantInboundProcessId VARCHAR, tenantInboundProcessRef VARCHAR,
  requestedDate ' || getvariable('requested') || ', requestedItems ' || getvariable('items_of') || ',
  purchaseOrder ' || getvariable('purchase') || ', receipt ' || getvariable('received') || ',
  receipts ' || getvariable('received') || '[],
  stowLineItems STRUCT(stowTo STRUCT("type" VARCHAR, quantity DOUBLE, stowed STRUCT(stowedQuantity DOUBLE))[])[],
  items STRUCT(id VARCHAR, version BIGINT, created TIMESTAMP, lastModified TIMESTAMP, facilityRef VARCHAR,
    relatedRefs STRUCT(processRefs VARCHAR[], orderRefs VARCHAR[], routingPlanRefs VARCHAR[], pickJobRefs VARCHAR[]),
    inboundProcessRef VARCHAR, status VARCHAR, tenantInboundProcessRef VARCHAR,
    purchaseOrder ' || getvariable('purchase') || ', receipt ' || getvariable('received') || ')[]';

-- Lines -----------------------------------------------------------------------------------------------------------------

CREATE MACRO seconds(a, b) AS (epoch_us(b) - epoch_us(a)) / 1e6;

-- One row a line, the payload out of its envelope, only scalars and short lists kept.
CREATE TEMP TABLE line AS
WITH read AS (
  SELECT id, created, pickJobRef, split_part(eventName, '_event-v', 1) AS spelled, payload.eventId IS NOT NULL AS nested,
         payload.eventId AS inner_id, payload.pickJobRef AS inner_ref,
         CASE WHEN payload.eventId IS NOT NULL THEN payload.payload
              ELSE payload::STRUCT_ENTITY END AS p
  FROM read_json(getvariable('files'), format = 'newline_delimited', ignore_errors = true, maximum_object_size = 67108864,
    columns = {id: 'VARCHAR', eventName: 'VARCHAR', created: 'TIMESTAMP', pickJobRef: 'VARCHAR',
      payload: 'STRUCT_PAYLOAD'})
)
SELECT 1;
