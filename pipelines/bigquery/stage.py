"""Load jobs: the rows of parts into staging tables of their own, each at most once by its job id.

A staging table is named by what it is for: table and digest of the content. Its load job replaces it whole, so that it
may run twice; the job id, with the same name, makes a launch that comes again find the job done.
"""

from __future__ import annotations

import contextlib
import io
import random
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems
from google.api_core import exceptions
from google.cloud import bigquery

from pipelines.bigquery.client import UPLOAD_SECONDS, BigQueryError, Target
from pipelines.bigquery.jobs import PASSING, find_job, wait
from pipelines.bigquery.parts import Held, Unit, part_id, stored_in
from pipelines.datasets import Part, is_local
from pipelines.state import read_table
from schemas.dataset import PART_ID
from schemas.derive import arrow_schema, bigquery_schema
from schemas.tables import BY_NAME

STAGED_HOURS = 24
"""A staging table that nobody removed goes by itself."""

_AT_ONCE = 8
_MOST_ATTEMPTS = 20


class GoneError(Exception):
    """A part is not in the output any more: a later run has replaced it."""


def span(output: str, part: Part) -> Held:
    """Read what the book says of a part from the end of its file.

    Raises:
        GoneError: the file is gone.
    """
    column = BY_NAME[part.relation].day_column
    first = last = None
    undated = 0
    if column is not None:
        with _opened(output, part) as source:
            meta = pq.ParquetFile(source).metadata
            index = meta.schema.to_arrow_schema().get_field_index(column)
            for group in (meta.row_group(i) for i in range(meta.num_row_groups)):
                told_ = group.column(index).statistics
                undated += told_.null_count
                if told_.has_min_max:
                    first = told_.min if first is None else min(first, told_.min)
                    last = told_.max if last is None else max(last, told_.max)
    return Held(part_id(part.path), stored_in(part), part.path, part.rows, first, last, undated)


def plain_bytes(output: str, part: Part) -> int:
    """Tell about how many bytes BigQuery counts for the rows of a part: those of its pages before compression."""
    with _opened(output, part) as source:
        meta = pq.ParquetFile(source).metadata
        return sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))


@contextlib.contextmanager
def _opened(output: str, part: Part) -> Iterator[Any]:
    path = f"{output}/{part.path}"
    try:
        if is_local(path):
            with pa.OSFile(path) as file:
                yield file
        else:
            with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
                yield file
    except (FileNotFoundError, BeamIOError) as err:
        raise GoneError(f"{path} is gone") from err


def stage(target: Target, output: str, units: Iterable[Unit], generation: int) -> None:
    """Load units into their staging tables, several at once.

    Args:
        target: the dataset.
        output: output folder.
        units: what is loaded.
        generation: what the dataset is at; a part that comes back later has another job.

    Raises:
        GoneError: a part is gone.
        BigQueryError: a job fails for good.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for done in [pool.submit(stage_unit, target, output, unit, generation) for unit in units]:
            done.result()


def stage_unit(target: Target, output: str, unit: Unit, generation: int) -> None:
    """Make sure that the staging table of a unit has its rows."""
    job_id = f"flowfacts_load_{target.dataset}_{unit.stored_in}_{unit.digest}_{generation}"
    for attempt in range(_MOST_ATTEMPTS):
        name = f"{job_id}_{attempt}"
        job = find_job(target, name)
        ours = job is None
        if job is None:
            _make_table(target, unit)
            try:
                job = target.call(f"load {unit.stored_in}", partial(_submit, target, output, unit, name))
            except exceptions.Conflict:  # by another load, or by an attempt whose answer was lost
                job = find_job(target, name)
            except exceptions.NotFound:  # the table has gone since: another load has cleaned up
                continue
        error = None if job is None else wait(target, job)
        staged = _staged_rows(target, unit)
        if error is None and staged == unit.rows:
            return
        # The cause of a job that failed before may be gone; and without its table, which another load has cleaned up,
        # any job fails.
        if ours and error is not None:
            if error.get("reason") not in PASSING and staged is not None:
                raise BigQueryError(_failed(target, unit, name, error))
            time.sleep(min(60.0, target.pause * 2 ** min(attempt, 6)) * random.uniform(0.5, 1.0))
    raise BigQueryError(
        f"{target.table(unit.staging)} does not have the {unit.rows:,} rows of {_parts(unit)} after {_MOST_ATTEMPTS} "
        f"jobs {job_id}_*; drop it and load again"
    )


def _failed(target: Target, unit: Unit, job: str, error: dict[str, Any]) -> str:
    return (
        f"the load job {target.project}:{job} for {target.table(unit.stored_in)} failed: {error.get('reason')}: "
        f"{' '.join(str(error.get('message')).split())[:400]}; it has the {unit.rows:,} rows of {_parts(unit)}; "
        f"readers see what they saw before; look at `bq show -j {job}`, run flowfacts bigquery plan for a table that "
        "was changed by hand, and load again"
    )


def _parts(unit: Unit) -> str:
    first = unit.parts[0].path
    return first if len(unit.parts) == 1 else f"{first} and {len(unit.parts) - 1} more parts"


def _staged_rows(target: Target, unit: Unit) -> int | None:
    name = target.table(unit.staging)
    try:
        table = target.call(
            f"look at {name}", lambda: target.client.get_table(name, retry=None, timeout=target.seconds)
        )
    except exceptions.NotFound:
        return None
    rows: int = table.num_rows
    return rows


def _schema(unit: Unit) -> list[Any]:
    fields = bigquery_schema(BY_NAME[unit.relation])
    if unit.numbered:
        fields = [{"name": PART_ID.name, "type": "INT64", "mode": "NULLABLE"}, *fields]
    # The stored table insists on keys; a load job would insist on the files saying so too.
    return [
        bigquery.SchemaField.from_api_repr({**f, "mode": f["mode"].replace("REQUIRED", "NULLABLE")}) for f in fields
    ]


def _make_table(target: Target, unit: Unit) -> None:
    table = bigquery.Table(target.table(unit.staging), schema=_schema(unit))
    table.expires = datetime.now(UTC) + timedelta(hours=STAGED_HOURS)
    with contextlib.suppress(exceptions.Conflict):
        target.call(
            f"create {target.table(unit.staging)}",
            lambda: target.client.create_table(table, retry=None, timeout=target.seconds),
        )


def _submit(target: Target, output: str, unit: Unit, job_id: str) -> Any:
    parquet = bigquery.ParquetOptions()
    parquet.enable_list_inference = True  # a list is a repeated column, not a record of records
    config = bigquery.LoadJobConfig(
        source_format="PARQUET", write_disposition="WRITE_TRUNCATE", create_disposition="CREATE_NEVER",
        schema=_schema(unit), parquet_options=parquet,
    )  # fmt: skip
    name = target.table(unit.staging)
    if not is_local(output):
        uris = [f"{output}/{part.path}" for part in unit.parts]
        return target.client.load_table_from_uri(
            uris, name, job_config=config, job_id=job_id, location=target.location, retry=None, timeout=target.seconds
        )
    with _upload(output, unit) as file:
        size = file.seek(0, io.SEEK_END)
        return target.client.load_table_from_file(
            file, name, rewind=True, size=size, job_config=config, job_id=job_id, location=target.location,
            num_retries=0,
            timeout=max(target.seconds, min(UPLOAD_SECONDS, size / 250_000)),
        )  # fmt: skip


@contextlib.contextmanager
def _upload(output: str, unit: Unit) -> Iterator[IO[bytes]]:
    """Give the file that is uploaded: a part as it is, or several in one with their numbers before their rows."""
    try:
        if not unit.numbered:
            with open(f"{output}/{unit.parts[0].path}", "rb") as file:
                yield file
            return
        with tempfile.TemporaryFile(prefix="flowfacts-") as whole:
            _write_numbered(output, unit, whole)
            yield whole
    except FileNotFoundError as err:
        raise GoneError(f"{err.filename or unit.parts[0].path} is gone") from err


def _write_numbered(output: str, unit: Unit, whole: IO[bytes]) -> None:
    number = pa.field(PART_ID.name, pa.int64(), nullable=False)
    schema = pa.schema([number, *arrow_schema(BY_NAME[unit.relation])])
    with pq.ParquetWriter(whole, schema, compression="zstd", compression_level=1) as writer:
        for part in unit.parts:
            rows = read_table(output, part)
            numbers = pa.repeat(pa.scalar(part_id(part.path), pa.int64()), rows.num_rows)
            # A part that was written before a column was declared lacks it.
            columns = [
                rows.column(f.name) if f.name in rows.column_names else pa.nulls(rows.num_rows, f.type)
                for f in list(schema)[1:]
            ]
            writer.write_table(pa.Table.from_arrays([numbers, *columns], schema=schema))


def remove_staging(target: Target, units: Iterable[Unit]) -> None:
    """Remove staging tables; they would go by themselves, so that a failure is no error."""
    for unit in units:
        with contextlib.suppress(BigQueryError, exceptions.NotFound, exceptions.PreconditionFailed):
            name = target.table(unit.staging)
            remove = partial(target.client.delete_table, name, retry=None, timeout=target.seconds, not_found_ok=True)
            target.call(f"remove {name}", remove)
