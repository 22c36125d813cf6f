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


class TruthWriter:
    """Collects truth rows and writes them in chunks, one file a relation."""

    def __init__(self, folder: Path) -> None:
        """Write below `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._tables = {t.name: t for t in FACT_TABLES}
        self._rows: dict[str, list[Row]] = {name: [] for name in self._tables}
        self._writers = {
            name: pq.ParquetWriter(folder / f"{name}.parquet", arrow_schema(t), compression="zstd")
            for name, t in self._tables.items()
        }

    def add(self, relation: str, rows: list[Row]) -> None:
        """Take rows; columns that are left out are NULL."""
        self._rows[relation] += rows
        if len(self._rows[relation]) >= _CHUNK:
            self._flush(relation)

    def _flush(self, relation: str) -> None:
        rows, table = self._rows[relation], self._tables[relation]
        if not rows:
            return
        schema = arrow_schema(table)
        arrays = []
        for column, field in zip(table.columns, schema, strict=True):
            values: list[Any] = [row.get(column.name) for row in rows]
            if column.type is Type.TIMESTAMP:
                arrays.append(pa.array(values, pa.int64()).cast(field.type))
            else:
                arrays.append(pa.array(values, field.type))
        self._writers[relation].write_table(pa.Table.from_arrays(arrays, schema=schema))
        rows.clear()

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
