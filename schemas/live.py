"""The live half of a BigQuery dataset: append-only tables of revisions, and views that show both halves as one.

`<relation>_live` has the rows of every revision, `flow_revision_live` a row a revision. `<relation>_now` is the
relation of the contract over everything: a flow's rows come from the half that has more events of it, the settled one
when they have as many, as in `pipelines.live.handover`. Rows that were inserted twice are read once.

May import the standard library, pyarrow and `schemas`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schemas.dataset import MANAGED_BY, kinds_of, stored_name
from schemas.derive import bigquery_schema
from schemas.tables import BY_NAME, CONTRACT_VERSION, FACT_TABLES, Column, Table, Type
from schemas.views import qualified

KEYS = (
    Column("live_flow", Type.STRING, "Flow that the row is of: order, inbound, stow or none", key=True),
    Column("live_key", Type.STRING, "Flow id, or the key under which events without one are gathered", key=True),
    Column("live_revision", Type.INT64, "Revision of the flow; only the newest counts", key=True),
)
ROW = Column("live_row", Type.INT64, "Place among the rows of the revision", key=True)

REVISION = Table(
    "flow_revision_live",
    "one row per revision of a flow; those of its newest revision are its rows",
    (
        *KEYS,
        Column("as_of", Type.TIMESTAMP, "Instant the rows are a function of", "UTC"),
        Column("outcome", Type.STRING, "Outcome of the flow; NULL where it has none"),
        Column("event_count", Type.INT64, "Distinct events; 0 when the flow has gone", "count"),
        Column("duplicates", Type.INT64, "Repeated deliveries", "count"),
        Column("overflow", Type.INT64, "Deliveries over the cap of a flow", "count"),
    ),
    cluster_by=("live_flow", "live_key"),
)

_FLOWS = {"order": "order_flow", "inbound": "inbound_flow", "stow": "stow_flow"}
_KEY = "COALESCE(CONCAT(entity, ':', entity_id), event_id)"


def live_name(relation: str) -> str:
    """Name the table of a relation's live rows."""
    return f"{relation}_live"


def now_name(relation: str) -> str:
    """Name the view of a relation over both halves."""
    return f"{relation}_now"


def live_tables() -> list[Table]:
    """List the live tables; the index of revisions last, for it makes the others' rows visible."""
    found = [
        replace(table, name=live_name(table.name), columns=(*KEYS, ROW, *table.columns), cluster_by=("live_key",))
        for table in FACT_TABLES
    ]
    return [*found, REVISION]


def table_resource(table: Table) -> dict[str, Any]:
    """Give what BigQuery must say of a live table, in the words of its `Table` resource."""
    made: dict[str, Any] = {
        "tableId": table.name,
        "type": "TABLE",
        "description": f"Live rows: {table.grain}. Read the views ending in _now.",
        "labels": dict(_labels("live", table.name)),
        "schema": {"fields": bigquery_schema(table)},
        "clustering": {"fields": list(table.cluster_by)},
    }
    if table.day_column:
        made["timePartitioning"] = {"type": "DAY", "field": table.day_column}
    return made


def view_resource(table: Table, dataset: str) -> dict[str, Any]:
    """Give what BigQuery must say of the view of a relation over both halves."""
    return {
        "tableId": now_name(table.name),
        "type": "VIEW",
        "description": f"{table.grain[:1].upper()}{table.grain[1:]}; settled and live.",
        "labels": dict(_labels("view", now_name(table.name))),
        "view": {"query": qualified(now_query(table), dataset), "useLegacySql": False},
    }


def _labels(kind: str, name: str) -> Mapping[str, str]:
    return {MANAGED_BY[0]: MANAGED_BY[1], "contract_version": str(CONTRACT_VERSION), "kind": kind, "relation": name}


def _settled(relation: str, columns: str) -> str:
    return " UNION ALL ".join(f"SELECT {columns} FROM `{stored_name(relation, k)}`" for k in kinds_of(relation))


def now_query(table: Table) -> str:
    """Write the query of a relation over both halves, in BigQuery's SQL, tables named as in `schemas.views`."""
    relation = table.name
    names = ", ".join(c.name for c in table.columns)
    of_flow = "flow" if relation in ("flow_interval", "flow_event") else f"'{relation.split('_')[0]}'"
    of_key = f"CASE WHEN flow = 'none' THEN {_KEY} ELSE flow_id END" if relation == "flow_event" else "flow_id"
    counts = "\n    UNION ALL ".join(
        f"SELECT '{flow}' AS flow, flow_id AS flow_key, event_count FROM ({_settled(own, 'flow_id, event_count')})"
        for flow, own in _FLOWS.items()
    )
    events = _settled("flow_event", "flow, entity, entity_id, event_id")
    own = {"flow_event": "event_id", "order_leg": "leg_id"}.get(relation)
    resolved = "SELECT NULL AS own_id LIMIT 0"
    gap = ""
    if own is not None:
        resolved = f"SELECT DISTINCT {own} AS own_id FROM live_rows"
        gap = f"\nLEFT JOIN resolved ON resolved.own_id = t.{own} AND t.flow_id IS NULL"
    return f"""WITH newest AS (
  SELECT live_flow, live_key, live_revision, event_count FROM `{REVISION.name}`
  QUALIFY ROW_NUMBER() OVER (PARTITION BY live_flow, live_key ORDER BY live_revision DESC) = 1
),
known AS (
    {counts}
    UNION ALL SELECT 'none' AS flow, {_KEY} AS flow_key, COUNT(*) AS event_count
      FROM ({events}) WHERE flow = 'none' GROUP BY flow_key
),
unresolved_known AS (
  SELECT DISTINCT l.live_flow, l.live_key FROM `{live_name("flow_event")}` AS l
  JOIN ({_settled("flow_event", "event_id")}) AS s ON s.event_id = l.event_id
  WHERE STARTS_WITH(l.live_key, '?')
),
shown AS (
  SELECT n.live_flow, n.live_key, n.live_revision FROM newest AS n
  LEFT JOIN known AS k ON k.flow = n.live_flow AND k.flow_key = n.live_key
  LEFT JOIN unresolved_known AS u ON u.live_flow = n.live_flow AND u.live_key = n.live_key
  WHERE n.event_count > 0 AND u.live_key IS NULL AND (k.flow_key IS NULL OR n.event_count > k.event_count)
),
live_rows AS (
  SELECT l.* FROM `{live_name(relation)}` AS l
  JOIN shown AS s ON s.live_flow = l.live_flow AND s.live_key = l.live_key AND s.live_revision = l.live_revision
  QUALIFY ROW_NUMBER() OVER (PARTITION BY l.live_flow, l.live_key, l.live_row ORDER BY l.live_revision) = 1
),
resolved AS ({resolved})
SELECT {names} FROM live_rows
UNION ALL
SELECT {", ".join(f"t.{c.name}" for c in table.columns)}
FROM (SELECT {names}, {of_flow} AS of_flow, {of_key} AS of_key FROM ({_settled(relation, names)})) AS t
LEFT JOIN shown AS s ON s.live_flow = t.of_flow AND s.live_key = t.of_key{gap}
WHERE s.live_key IS NULL{" AND resolved.own_id IS NULL" if own is not None else ""}
"""


def now_views() -> list[Table]:
    """List the relations that have a view over both halves."""
    return [BY_NAME[table.name] for table in FACT_TABLES]
