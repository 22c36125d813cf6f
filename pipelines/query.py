"""One door to both warehouses: a question in BigQuery's SQL, and its answer as an Arrow table.

The embedded warehouse is asked in DuckDB's words (`pipelines.dialect`), in UTC, read-only. A dataset is asked as it is,
with itself as the default dataset, so that the same text names the same relations.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.dialect import DialectError, to_duckdb
from pipelines.options import OptionError
from pipelines.warehouse import FILE

FORMATS = ("table", "csv", "json", "parquet")
TIB = 1 << 40
DOLLARS_PER_TIB = 6.25
"""List price of a query on demand (US and EU, when this was written); 10 MiB are the least for a table."""

_MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Cost:
    """What a question to a dataset would read."""

    bytes: int

    def tell(self) -> str:
        """Tell it to people."""
        dollars = self.bytes / TIB * DOLLARS_PER_TIB
        return f"reads {self.bytes / 1e6:,.1f} MB in 1 job, about {dollars:.4f} USD on demand; nothing was run"


def ask_embedded(place: str, sql: str, *, native: bool = False) -> pa.Table:
    """Ask the embedded warehouse.

    Args:
        place: `warehouse.duckdb`, or the output folder that has it.
        sql: one SELECT.
        native: it is DuckDB's SQL already.

    Raises:
        OptionError: there is no warehouse, or the question can't be asked.
    """
    file = Path(place) / FILE if Path(place).is_dir() else Path(place)
    if not file.is_file():
        raise OptionError(f"{file} is not there, expected the output of flowfacts batch, or --dataset PROJECT.DATASET")
    try:
        text = sql if native else to_duckdb(sql)
        with duckdb.connect(str(file), read_only=True, config={"enable_external_access": "false"}) as con:
            con.execute("SET TimeZone = 'UTC'")
            answer = con.sql(text)
            if answer is None:
                raise OptionError("the question can't be asked: expected a SELECT")
            found: pa.Table = answer.to_arrow_table()
    except DialectError as err:
        raise OptionError(f"the question can't be asked: {err}; or ask in DuckDB's SQL with --duckdb-sql") from err
    except duckdb.Error as err:
        raise OptionError(f"the question can't be asked: {' '.join(str(err).split())[:500]}") from err
    return found


def ask_dataset(target: Any, sql: str, *, dry_run: bool = False, most_bytes: int | None = None) -> pa.Table | Cost:
    """Ask a dataset.

    Args:
        target: the dataset (`pipelines.bigquery.client.Target`).
        sql: one SELECT; relations need no dataset before their names.
        dry_run: only say what it would read.
        most_bytes: BigQuery refuses to read more.

    Raises:
        OptionError: the question can't be asked.
        BigQueryError: BigQuery can't be reached.
    """
    from google.api_core import exceptions
    from google.cloud import bigquery

    from pipelines.bigquery.client import BigQueryError

    config = bigquery.QueryJobConfig(default_dataset=target.name, dry_run=dry_run, use_query_cache=not dry_run)
    if most_bytes is not None:
        config.maximum_bytes_billed = most_bytes

    def once() -> pa.Table | Cost:
        job = target.client.query(sql, job_config=config, retry=None, job_retry=None, timeout=target.seconds)
        if dry_run:
            return Cost(job.total_bytes_processed or 0)
        answer = job.result(retry=None, job_retry=None, timeout=max(target.seconds, 600.0))
        found: pa.Table = answer.to_arrow(create_bqstorage_client=False)
        return found

    try:
        return target.call("ask", once)
    except exceptions.NotFound as err:
        raise OptionError(f"the question can't be asked: {' '.join(str(err.message).split())[:500]}") from err
    except BigQueryError as err:
        if isinstance(err.__cause__, exceptions.BadRequest):
            raise OptionError(
                f"the question can't be asked: {' '.join(str(err.__cause__.message).split())[:500]}"
            ) from err
        raise


def write(found: pa.Table, form: str, to: str | None) -> None:
    """Write an answer.

    Args:
        found: the answer.
        form: one of `FORMATS`.
        to: file, None for standard output.
    """
    if form == "parquet":
        sink: Any = sys.stdout.buffer if to is None else to
        pq.write_table(found, sink)
        return
    text = {"table": as_text, "csv": as_csv, "json": as_json}[form](found)
    if to is None:
        sys.stdout.write(text)
    else:
        Path(to).write_text(text, encoding="utf-8")


def as_csv(found: pa.Table) -> str:
    """Write comma separated values; times are RFC 3339, lists are JSON, NULL is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(found.column_names)
    for row in _rows(found):
        writer.writerow(["" if v is None else json.dumps(v) if isinstance(v, (list, dict, bool)) else v for v in row])
    return out.getvalue()


def as_json(found: pa.Table) -> str:
    """Write one JSON object a line."""
    names = found.column_names
    return "".join(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n" for row in _rows(found))


def as_text(found: pa.Table) -> str:
    """Write a table for people: its first rows, and how many there are."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for name, kind in zip(found.column_names, found.schema.types, strict=True):
        number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in _rows(found.slice(0, _MOST_SHOWN)):
        table.add_row(
            *(Text("" if v is None else ", ".join(map(str, v)) if isinstance(v, list) else str(v)) for v in row)
        )
    out = io.StringIO()
    console = Console(file=out, width=None if sys.stdout.isatty() else 200)
    console.print(table)
    more = f", {_MOST_SHOWN} shown" if found.num_rows > _MOST_SHOWN else ""
    return f"{out.getvalue()}{found.num_rows:,} rows{more}\n"


def _rows(found: pa.Table) -> list[tuple[Any, ...]]:
    columns = [[_plain(v) for v in column.to_pylist()] for column in found.columns]
    return list(zip(*columns, strict=True)) if columns else []


def _plain(value: Any) -> Any:
    """Give a value that JSON has; the same whichever engine it comes from."""
    if isinstance(value, datetime):
        at = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return at.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if value is None or isinstance(value, (str, int, float, bool, dict)):
        return value
    return int(value) if value == int(value) else float(value)  # a DECIMAL: DuckDB's sum of BIGINT
