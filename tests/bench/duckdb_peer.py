"""The DuckDB peer: `duckdb_peer.sql` over the same files, with as many threads as flowfacts has processes.

python -m tests.bench.duckdb_peer --input DIR --output DIR
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from schemas.catalogue import EventType, Flow, Quality
from schemas.event_types import EVENT_TYPES
from tests.bench.peers import arguments, export_files

SQL = Path(__file__).with_suffix(".sql")
RELATIONS = ("order_flow", "order_leg", "order_parcel", "inbound_flow", "inbound_receipt", "stow_flow")


def main() -> None:
    given = arguments(__doc__)
    with duckdb.connect() as con:
        con.execute(f"SET threads = {given.workers}")
        con.execute("SET preserve_insertion_order = false")
        con.execute("SET TimeZone = 'UTC'")
        con.execute(
            "CREATE TABLE spelling (spelled VARCHAR, name VARCHAR, flow VARCHAR, entity VARCHAR, dated VARCHAR, "
            "working BOOLEAN)"
        )
        con.executemany("INSERT INTO spelling VALUES (?, ?, ?, ?, ?, ?)", list(spellings()))
        con.execute("SET VARIABLE files = ?", [[str(f) for f in export_files(given.input)]])
        con.execute(SQL.read_text())
        for relation in RELATIONS:
            folder = given.output / relation
            folder.mkdir(parents=True, exist_ok=True)
            con.execute(f"COPY {relation} TO '{folder}/part.parquet' (FORMAT parquet, COMPRESSION zstd)")


def spellings() -> Iterator[tuple[str, str, str, str, str, bool]]:
    """List how the events of the flows may be spelled in the export, with what the SQL must know of them."""
    given: dict[str, EventType] = {}
    for event_type in EVENT_TYPES:
        if event_type.flow is Flow.NONE:
            continue
        for name in (event_type.name, event_type.name.removesuffix("_EVENT"), *event_type.aliases):
            for old, new in (("", ""), ("CANCELLED", "CANCELED"), ("CANCELED", "CANCELLED")):
                given.setdefault(name.replace(old, new) if old else name, event_type)
    for name, found in given.items():
        yield (
            name.lower().replace("_", "-"),
            found.name,
            found.flow.value,
            found.model.entity,
            _dated(found),
            found.working,
        )


def _dated(event_type: EventType) -> str:
    """Name the first field that may date an event: `created`, `lastModified`, `pickedAt`, a status of the history."""
    for time in event_type.times:
        if time.quality in (Quality.EXACT, Quality.SNAPSHOT):
            return time.status or time.path
    return "recorded"


if __name__ == "__main__":
    main()
