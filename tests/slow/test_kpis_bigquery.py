"""The measures in BigQuery's emulator: every worked example, and a simulated tenant as in the embedded warehouse.

Slow because the emulator translates the views of all measures anew for every question.
"""

from __future__ import annotations

import io

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.cloud import bigquery

from pipelines.bigquery.apply import apply
from pipelines.bigquery.load import load
from schemas.dataset import Kind, stored_name
from schemas.kpis import KPIS
from schemas.views import written_views
from tests.emulators.bigquery import rows
from tests.kpi_cases import FOUND, example_tables, wanted
from tests.serving import demo
from tests.slow.test_views import SLOW, check_same

PATIENCE = 600


@pytest.fixture(scope="module")
def examples(server):
    """A dataset that holds the rows of the examples."""
    target = server.target()
    apply(target)
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.PARQUET, write_disposition=bigquery.WriteDisposition.WRITE_APPEND
    )
    for relation, table in example_tables().items():
        file = io.BytesIO()
        pq.write_table(table.append_column("part_id", pa.array([1] * table.num_rows, pa.int64())), file)
        file.seek(0)
        name = target.table(stored_name(relation, Kind.SETTLED))
        target.client.load_table_from_file(file, name, job_config=config).result(timeout=120)
    return target


def test_every_example_comes_out(examples):
    daily, definition = (f"`{examples.table(v)}`" for v in ("kpi_daily", "kpi_definition"))
    found = {kpi: values for kpi, *values in rows(examples, FOUND.format(daily=daily, definition=definition), PATIENCE)}
    assert found.keys() == {k.key for k in KPIS}
    for kpi in KPIS:
        assert found[kpi.key] == pytest.approx(list(wanted(kpi))), kpi.key


def test_a_tenant_has_the_same_measures_in_both(server, tmp_path):
    output = demo(tmp_path, days=2, orders=25)
    target = server.target(seconds=120)
    apply(target)
    load(str(output), target)
    with duckdb.connect(str(output / "warehouse.duckdb"), read_only=True) as con:
        for view in (v for v in written_views() if v.name in SLOW):
            wanted_rows = rows(target, f"SELECT * FROM `{target.table(view.name)}`", PATIENCE)
            assert len(wanted_rows) > 100
            check_same(con.execute(f"SELECT * FROM {view.name}").fetchall(), wanted_rows)
