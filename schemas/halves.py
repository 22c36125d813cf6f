"""The relations of the contract in BigQuery, over the settled and the live half: the query of their views.

A flow's rows come from one half as a set: the settled one where it has at least as many events (`revision` of the
contract), so that nothing is missing and nothing is there twice while the batch job settles what the stream has shown.
What has no flow is chosen one by one: an event or leg that the settled half knows comes from there, unless the live
half has found the flow of it. `pipelines.live.handover` does the same over files.

What a filter on the relation's day column needs is that nothing comes between it and the tables. So which revisions
are shown is found from the index of revisions and what the loads have noted (`schemas.live`), never from the tables
with the rows, and every window over rows has the day column among its keys.

May import the standard library and `schemas`.
"""

from __future__ import annotations

from schemas.dataset import kinds_of, stored_name
from schemas.live import FLOW_RELATIONS, INDEX_OPEN, INDEX_SETTLED, REVISION, SAME, live_name
from schemas.tables import FACT_TABLES, Table

_FACTS = frozenset(table.name for table in FACT_TABLES)

_LEGS = {"order_leg": "leg_id", "flow_interval": "entity_id"}
"""Relations with rows of pick jobs whose flow is unknown -> the column that names the pick job."""


def relation_query(table: Table) -> str:
    """Write the query of a relation, tables named as in `schemas.views`."""
    names = [column.name for column in table.columns]
    settled = "\n  UNION ALL ".join(
        f"SELECT {', '.join(names)} FROM `{stored_name(table.name, kind)}`" for kind in kinds_of(table.name)
    )
    if table.name not in _FACTS:
        return settled + "\n"
    live = _live(table, names)
    if table.name == "flow_event":
        return _WITH + _events(names, settled, live)
    return _WITH + _rows(table, names, settled, live)


def _indexed(column: str, also: str = "") -> str:
    return " UNION ALL ".join(
        f"SELECT {column}{also} FROM `{index.name}` WHERE {column} IS NOT NULL" for index in (INDEX_OPEN, INDEX_SETTLED)
    )


_WITH = f"""WITH newest AS (
  SELECT live_flow, live_key, live_revision, event_count FROM `{REVISION.name}` WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY live_flow, live_key ORDER BY live_revision DESC) = 1
),
known AS (
  SELECT flow_hash, MAX(event_count) AS event_count FROM ({_indexed("flow_hash", ", event_count")}) GROUP BY flow_hash
),
shown AS (
  SELECT n.live_flow, n.live_key, n.live_revision FROM newest AS n
  LEFT JOIN known AS k ON k.flow_hash = FARM_FINGERPRINT(CONCAT(n.live_flow, ':', n.live_key))
  WHERE n.event_count > COALESCE(k.event_count, 0)
)"""


def _live(table: Table, names: list[str]) -> str:
    """Write the rows of the shown revisions, each once however often it was inserted."""
    joins, where = "", "TRUE"
    if table.name in _LEGS:
        joins = (
            f"\n  LEFT JOIN (SELECT DISTINCT leg_hash FROM ({_indexed('leg_hash')})) AS k"
            f"\n    ON l.flow_id IS NULL AND k.leg_hash = FARM_FINGERPRINT(l.{_LEGS[table.name]})"
        )
        where = "l.flow_id IS NOT NULL OR k.leg_hash IS NULL"
    elif table.name == "flow_event":
        joins = (
            f"\n  LEFT JOIN (SELECT DISTINCT event_hash FROM ({_indexed('event_hash')})) AS k"
            "\n    ON l.flow_id IS NULL AND k.event_hash = FARM_FINGERPRINT(l.event_id)"
            f"\n  LEFT JOIN (SELECT DISTINCT same_hash FROM ({_indexed('same_hash')})) AS r"
            f"\n    ON l.flow_id IS NULL AND r.same_hash = {SAME.format('l.')}"
        )
        where = "l.flow_id IS NOT NULL OR (k.event_hash IS NULL AND r.same_hash IS NULL)"
    keys = ", ".join(f"l.{n}" for n in ("live_flow", "live_key", "live_row", table.day_column))
    return f"""SELECT {", ".join(f"l.{n}" for n in names)} FROM `{live_name(table.name)}` AS l
  JOIN shown AS s ON s.live_flow = l.live_flow AND s.live_key = l.live_key AND s.live_revision = l.live_revision{joins}
  WHERE {where}
  QUALIFY ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY l.live_revision) = 1"""


def _rows(table: Table, names: list[str], settled: str, live: str) -> str:
    flow = "t.flow" if table.name == "flow_interval" else f"'{_flow_of(table.name)}'"
    resolved, join, where = "", "", ""
    if table.name in _LEGS:
        resolved = f""",
resolved AS (
  SELECT DISTINCT l.leg_id FROM `{live_name("order_leg")}` AS l
  JOIN shown AS s ON s.live_flow = l.live_flow AND s.live_key = l.live_key AND s.live_revision = l.live_revision
  WHERE l.flow_id IS NOT NULL
)"""
        join = f"\nLEFT JOIN resolved AS r ON t.flow_id IS NULL AND r.leg_id = t.{_LEGS[table.name]}"
        where = " AND r.leg_id IS NULL"
    return f"""{resolved}
SELECT {", ".join(names)} FROM (
  {live}
)
UNION ALL
SELECT {", ".join(f"t.{n}" for n in names)} FROM (
  {settled}
) AS t
LEFT JOIN shown AS s ON s.live_flow = {flow} AND s.live_key = t.flow_id{join}
WHERE s.live_key IS NULL{where}
"""


def _events(names: list[str], settled: str, live: str) -> str:
    """Write the events: one that only the live half has resolved is told apart within its day."""
    return f"""
SELECT {", ".join(names)} FROM (
  SELECT {", ".join(names)}, 1 AS live FROM (
  {live}
  )
  UNION ALL
  SELECT {", ".join(f"t.{n}" for n in names)}, 0 AS live FROM (
  {settled}
  ) AS t
  LEFT JOIN shown AS s ON s.live_flow = t.flow AND s.live_key = t.flow_id
  WHERE s.live_key IS NULL
)
WHERE TRUE
QUALIFY live = 1 OR flow_id IS NOT NULL OR flow = 'none' OR MAX(live) OVER (PARTITION BY event_id, event_at) = 0
"""


def _flow_of(relation: str) -> str:
    return next(flow for flow in FLOW_RELATIONS if relation.startswith(f"{flow}_"))
