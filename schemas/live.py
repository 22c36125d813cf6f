"""The live half of a BigQuery dataset: append-only tables of revisions, and what a load tells the views about them.

`<relation>_live` has the rows of every revision, `flow_revision_live` a row a revision, which makes them count. The
stream writes them and nothing else. `flowfacts_index_*` say in few bytes what the settled half knows, so that a
view can choose between the halves without reading the settled tables (`schemas.halves`); a load writes them in its
transaction.

Live tables are partitioned by the day of the revision and expire, so that a question reads so many days of them
at most; they are clustered by the relation's day column first, for the filters of dashboards.

May import the standard library and `schemas`.
"""

from __future__ import annotations

from dataclasses import replace

from schemas.tables import FACT_TABLES, Column, Table, Type

LIVE_DAYS = 14
"""Days that a live revision is kept; the batch job must settle within them."""

INDEX_DAYS = 28
"""Days that the index of a settled part is kept: longer than a live revision that it may be compared with."""

LIVE_AT = Column("live_at", Type.TIMESTAMP, "When the revision was made", "UTC", key=True)

KEYS = (
    Column("live_flow", Type.STRING, "Flow that the row is of: order, inbound, stow or none", key=True),
    Column("live_key", Type.STRING, "Flow id, or the key under which events without one are gathered", key=True),
    Column("live_revision", Type.INT64, "Revision of the flow; only the newest counts", key=True),
    LIVE_AT,
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
    day_column=LIVE_AT.name,
    cluster_by=("live_flow", "live_key"),
)

_INDEX = (
    Column("flow_hash", Type.INT64, "Hash of a flow and its id; NULL in the rows of legs and events"),
    Column("event_count", Type.INT64, "Distinct events of that flow", "count"),
    Column("leg_hash", Type.INT64, "Hash of a pick job; NULL in the rows of flows and events"),
    Column("event_hash", Type.INT64, "Hash of an event's id; NULL in the rows of flows and legs"),
    Column("same_hash", Type.INT64, "Hash of what repeats of an event without a flow share"),
)

INDEX_OPEN = Table(
    "flowfacts_index_open",
    "one row per open flow, leg and event of the settled half, for the views",
    _INDEX,
)

INDEX_SETTLED = Table(
    "flowfacts_index_settled",
    f"one row per flow, leg and event that was settled in the last {INDEX_DAYS} days, for the views",
    (*_INDEX, Column("loaded_at", Type.TIMESTAMP, "End of the load", "UTC", key=True)),
    day_column="loaded_at",
)

SAME = (
    "FARM_FINGERPRINT(CONCAT({0}event_name, '|', {0}entity_id, '|',"
    " CAST(COALESCE({0}entity_version, UNIX_MICROS({0}event_at)) AS STRING)))"
)
"""What repeats of an event without a flow share, as SQL over its row; NULL without an entity."""

FLOW_RELATIONS = {"order": "order_flow", "inbound": "inbound_flow", "stow": "stow_flow"}


def live_name(relation: str) -> str:
    """Name the table of a relation's live rows."""
    return f"{relation}_live"


def live_tables() -> list[Table]:
    """List the live tables; the index of revisions last, for it makes the others' rows visible."""
    found = [
        replace(
            table, name=live_name(table.name), columns=(*KEYS, ROW, *table.columns), day_column=LIVE_AT.name,
            cluster_by=(*((table.day_column,) if table.day_column else ()), "live_key"),
        )
        for table in FACT_TABLES
    ]  # fmt: skip
    return [*found, REVISION]


def index_columns(relation: str) -> str | None:
    """Give what a load puts into the index for each row of a relation, as SQL; None when nothing."""
    for flow, own in FLOW_RELATIONS.items():
        if relation == own:
            return f"FARM_FINGERPRINT(CONCAT('{flow}:', flow_id)), event_count, NULL, NULL, NULL"
    if relation == "order_leg":
        return "NULL, NULL, FARM_FINGERPRINT(leg_id), NULL, NULL"
    if relation == "flow_event":
        same = SAME.format("")
        return f"NULL, NULL, NULL, FARM_FINGERPRINT(event_id), IF(flow_id IS NULL, {same}, NULL)"
    return None
