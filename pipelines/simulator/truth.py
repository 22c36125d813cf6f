"""Writes the drawn truth as Parquet in the contract's columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.simulator.model import Emission, Row
from schemas.derive import arrow_schema
from schemas.tables import FACT_TABLES, Type

_CHUNK = 20_000
# What follows from the others and a calendar is not drawn.
_RELATIONS = {t.name: t for t in FACT_TABLES if t.name != "order_time_split"}
_SCHEMAS = {name: arrow_schema(table) for name, table in _RELATIONS.items()}


def to_table(relation: str, rows: list[Row]) -> pa.Table:
    """Build the Arrow table of truth rows; columns that are left out are NULL."""
    schema, arrays = _SCHEMAS[relation], []
    for column, field in zip(_RELATIONS[relation].columns, schema, strict=True):
        name = column.name
        values: list[Any] = [row.get(name) for row in rows]
        if column.type is Type.TIMESTAMP:
            arrays.append(pa.array(values, pa.int64()).cast(field.type))
        else:
            arrays.append(pa.array(values, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


class TruthWriter:
    """Collects truth rows and writes them in chunks, one file a relation."""

    def __init__(self, folder: Path) -> None:
        """Write below `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._tables: dict[str, list[pa.Table]] = {name: [] for name in _RELATIONS}
        self._writers = {
            name: pq.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd")
            for name, schema in _SCHEMAS.items()
        }

    def add(self, relation: str, table: pa.Table) -> None:
        """Take rows of a relation; they are written in chunks."""
        waiting = self._tables[relation]
        waiting.append(table)
        if sum(t.num_rows for t in waiting) >= _CHUNK:
            self._flush(relation)

    def _flush(self, relation: str) -> None:
        waiting = self._tables[relation]
        if waiting:
            self._writers[relation].write_table(pa.concat_tables(waiting).combine_chunks())
            waiting.clear()

    def close(self) -> None:
        """Write what is left."""
        for relation, writer in self._writers.items():
            self._flush(relation)
            writer.close()


def event_rows(emission: Emission) -> list[Row]:
    """Give the `flow_event` rows of an emission, all but the place of its line."""
    return [
        {
            "event_id": t.event_id,
            "event_name": emission.name,
            "flow": t.flow,
            "flow_id": t.flow_id,
            "entity": t.entity,
            "entity_id": t.entity_id,
            "entity_version": t.entity_version,
            "event_at": t.event_at,
            "time_basis": t.time_basis,
            "recorded_at": emission.recorded_at,
            "facility_ref": t.facility_ref,
            "status": t.status,
        }
        for t in emission.truth
    ]
