"""The live and the settled half of an output as one: for each flow the half that knows more events of it.

The batch job settles what it has read; the stream knows what has come since. A flow's rows come from one half as a set,
the settled one where it has at least as many events, so that nothing is missing and nothing is there twice while a day
is handed over. What has no flow is handed over one by one: an event or pick job that the settled half knows comes from
there, unless the live half has found its flow. The views in BigQuery do the same (`schemas.halves`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.datasets import parts_of, read_manifest
from pipelines.live.reader import newest_with_keys
from pipelines.live.tables import FLOW_REVISION
from pipelines.state import read_table
from schemas.derive import arrow_schema
from schemas.tables import BY_NAME
from transforms.update import FLOW_RELATION, RELATIONS

OTHER_FACTS = "the same number of events, other facts"
"""The one reason for a difference that nothing explains."""

SHOWN = (*RELATIONS, "flow_event")

_COUNTS = " UNION ALL ".join(
    f"SELECT '{flow}' AS flow, flow_id AS key, event_count FROM settled_{r}" for flow, r in FLOW_RELATION.items()
)

_WINNERS = f"""
SELECT r.live_flow, r.live_key FROM live_{FLOW_REVISION} r
LEFT JOIN settled_count s ON s.flow = r.live_flow AND s.key = r.live_key
WHERE r.event_count > coalesce(s.event_count, 0)
"""

_LEGS = {"order_leg": "leg_id", "flow_interval": "entity_id"}
"""Relations with rows of pick jobs whose flow is unknown -> the column that names the pick job."""

_SAME = "event_name || '|' || entity_id || '|' || coalesce(entity_version, epoch_us(event_at))"
"""What repeats of an event without a flow share, as far as their rows tell; NULL without an entity."""

_SHOWN = "JOIN shown_live USING (live_flow, live_key)"


@contextmanager
def halves(output: str, settled: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open both halves: tables `live_R` and `settled_R` for every relation, and the flows that are shown live.

    Args:
        output: output with a live half.
        settled: output of the batch job; may be the same.
    """
    manifest = read_manifest(settled)
    parts = parts_of(manifest) if manifest is not None else []
    live = newest_with_keys(output)
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        for relation in SHOWN:
            schema = arrow_schema(BY_NAME[relation])
            tables = [read_table(settled, p).cast(schema) for p in parts if p.relation == relation]
            _make(con, f"settled_{relation}", pa.concat_tables([schema.empty_table(), *tables]))
        for relation, table in live.items():
            _make(con, f"live_{relation}", table)
        con.execute(f"CREATE TABLE settled_count AS {_COUNTS}")
        con.execute(f"CREATE TABLE shown_live AS {_WINNERS}")
        yield con


def _make(con: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    con.register("given", table)
    con.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
    con.unregister("given")


def combined_query(relation: str) -> str:
    """Write the query of a relation over both halves, for a connection of `halves`."""
    names = ", ".join(c.name for c in BY_NAME[relation].columns)
    flow = "flow" if relation in ("flow_interval", "flow_event") else f"'{relation.split('_')[0]}'"
    known = found = "false"  # a row without a flow is known to the settled half; its flow was found by the live one
    if relation == "flow_event":
        resolved = f"SELECT event_id FROM live_flow_event {_SHOWN} WHERE flow_id IS NOT NULL"
        known = "event_id IN (SELECT event_id FROM settled_flow_event) OR coalesce("
        known += (
            f"{_SAME} IN (SELECT {_SAME} FROM settled_flow_event WHERE flow_id IS NULL AND entity_id NOT NULL), false)"
        )
        found = f"flow <> 'none' AND event_id IN ({resolved})"
    elif relation in _LEGS:
        own = _LEGS[relation]
        known = f"{own} IN (SELECT leg_id FROM settled_order_leg)"
        found = f"{own} IN (SELECT leg_id FROM live_order_leg {_SHOWN} WHERE flow_id IS NOT NULL)"
    return (
        f"SELECT {names} FROM live_{relation} {_SHOWN} WHERE flow_id IS NOT NULL OR NOT ({known}) UNION ALL "
        f"SELECT {names} FROM (SELECT *, {flow} AS of_flow FROM settled_{relation}) t "
        "WHERE NOT EXISTS (SELECT 1 FROM shown_live s WHERE s.live_flow = t.of_flow AND s.live_key = t.flow_id) "
        f"AND (flow_id IS NOT NULL OR NOT ({found}))"
    )


def compare(output: str, settled: str) -> list[dict[str, Any]]:
    """Compare both halves flow by flow; gives a row for each kind of difference and reason, with an example.

    Args:
        output: output with a live half.
        settled: output of the batch job; may be the same.
    """
    found: list[dict[str, Any]] = []
    with halves(output, settled) as con:
        for flow, relation in FLOW_RELATION.items():
            names = [c.name for c in BY_NAME[relation].columns]
            differs = " OR ".join(f"l.{n} IS DISTINCT FROM t.{n}" for n in names)
            besides = " OR ".join(f"l.{n} IS DISTINCT FROM t.{n}" for n in names if n not in _BY_INSTANT)
            rows = con.execute(
                f"""
                SELECT reason, count(*), min(key) FROM (
                  SELECT coalesce(l.flow_id, t.flow_id) AS key, CASE
                    WHEN t.flow_id IS NULL THEN 'not settled yet'
                    WHEN l.flow_id IS NULL THEN 'not seen live'
                    WHEN l.event_count > t.event_count THEN 'live has more events'
                    WHEN l.event_count < t.event_count THEN 'settled has more events'
                    WHEN NOT ({differs}) THEN 'same'
                    WHEN NOT ({besides}) THEN 'another instant: a deadline has passed for one of them'
                    ELSE '{OTHER_FACTS}' END AS reason
                  FROM live_{relation} l FULL JOIN settled_{relation} t ON l.flow_id = t.flow_id)
                GROUP BY ALL ORDER BY ALL"""
            ).fetchall()
            found += [{"flow": flow, "reason": r, "flows": n, "example": k} for r, n, k in rows]
    return found


_BY_INSTANT = ("outcome", "conforms", "quality_flags", "finished_at")
"""Columns that a passing deadline changes."""
