"""`flowfacts query`: one door to both warehouses, with the same answer in every form."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.bigquery.apply import apply
from pipelines.bigquery.load import load
from pipelines.cli import main
from pipelines.datasets import write_manifest, write_part
from pipelines.query import Cost
from pipelines.warehouse import build
from schemas.derive import arrow_schema
from schemas.tables import BY_NAME
from tests.emulators.bigquery import rows

QUESTION = """
    SELECT DATE(started_at) AS day, channel, COUNT(*) AS orders, COUNTIF(on_time) AS punctual,
      SUM(picked_units) AS units, MAX(finished_at) AS last_at
    FROM `order_flow` WHERE started_at >= TIMESTAMP '2026-06-01' GROUP BY day, channel ORDER BY day, channel
"""


@pytest.fixture
def emulated(server, monkeypatch):
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.url)


def test_both_doors_give_the_same_text(output, dataset, emulated, capsys):
    for form in ("csv", "json", "table"):
        assert main(["query", QUESTION, "--output", str(output), "--format", form]) == 0
        embedded = capsys.readouterr().out
        assert main(["query", QUESTION, "--dataset", dataset.name, "--format", form]) == 0
        assert capsys.readouterr().out == embedded
        assert len(embedded.splitlines()) > 3


def test_the_forms_say_the_same(output, tmp_path, capsys):
    words = ["query", QUESTION, "--output", str(output)]
    assert main([*words, "--format", "json"]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert main([*words, "--format", "csv"]) == 0
    listed = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [{k: "" if v is None else str(v) for k, v in o.items()} for o in objects] == listed
    file = tmp_path / "answer.parquet"
    assert main([*words, "--format", "parquet", "--to", str(file)]) == 0
    table = pq.read_table(file)
    assert table.column_names == list(objects[0])
    assert table.column("orders").to_pylist() == [o["orders"] for o in objects]
    assert sum(o["orders"] for o in objects) > 20
    assert objects[0]["day"] == "2026-06-01"
    assert objects[0]["last_at"].endswith("Z")


def test_lists_and_nulls(output, capsys):
    sql = "SELECT ['a', 'b'] AS xs, CAST(NULL AS STRING) AS nothing, TRUE AS yes, 0.5 AS half"
    assert main(["query", sql, "--output", str(output / "warehouse.duckdb"), "--format", "csv"]) == 0
    assert capsys.readouterr().out == 'xs,nothing,yes,half\n"[""a"", ""b""]",,true,0.5\n'


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["SELECT nothing FROM order_flow"], "nothing"),
        (["SELECT APPROX_QUANTILES(seconds, 2) FROM flow_interval"], "--duckdb-sql"),
        (["SELECT * FROM read_csv('/etc/passwd')", "--duckdb-sql"], "can't be asked"),
        (["DROP VIEW order_flow", "--duckdb-sql"], "can't be asked"),
        (["SELECT 1", "--dry-run"], "costs nothing"),
    ],
)
def test_what_can_not_be_asked_is_a_bad_argument(output, capsys, words, says):
    assert main(["query", *words, "--output", str(output)]) == 2
    assert says in capsys.readouterr().err


def test_a_missing_warehouse_and_a_wrong_column_in_a_dataset(tmp_path, dataset, emulated, capsys):
    assert main(["query", "SELECT 1", "--output", str(tmp_path)]) == 2
    assert "is not there" in capsys.readouterr().err
    assert main(["query", "SELECT nothing FROM order_flow", "--dataset", dataset.name]) == 2
    assert "can't be asked" in capsys.readouterr().err
    assert main(["query", "SELECT 1 FROM no_such_table", "--dataset", dataset.name]) == 2


def test_a_dry_run_tells_the_bytes_and_the_price(dataset, emulated, capsys):
    assert main(["query", QUESTION, "--dataset", dataset.name, "--dry-run"]) == 0
    assert "in 1 job" in capsys.readouterr().out
    assert Cost(1 << 39).tell() == "reads 549,755.8 MB in 1 job, about 3.1250 USD on demand; nothing was run"


# The ends of what each type holds, in microseconds since 1970 for times.
EXTREMES = {
    "STRING": ["", "'", '"', "\\", "\n\r\t", "\0".replace("\0", " "), "ä€😀", "x" * 100_000, "NULL", None],
    "INT64": [0, -1, 2**63 - 1, -(2**63), 2**53 + 1, None],
    "FLOAT64": [0.0, -0.0, 5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 0.1, math.inf, -math.inf, None],
    "BOOL": [True, False, None],
    "TIMESTAMP": [
        datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), datetime(2026, 6, 1, 0, 0, 0, 1, tzinfo=UTC), None,
    ],
    "STRINGS": [[], [""], ["a", "b", "a"], ["x" * 1000] * 50, ["'", "\n", "ä€😀"]],
}  # fmt: skip


def test_extreme_values_come_back_as_they_are(server, tmp_path):
    columns = BY_NAME["order_flow"].columns
    made = []
    for n in range(10):
        row = {c.name: EXTREMES[c.type.value][n % len(EXTREMES[c.type.value])] for c in columns}
        made.append({**row, "flow_id": f"flow {n}"})
    parts = [
        write_part(
            str(tmp_path), "order_flow", f"p{i}",
            pa.Table.from_pylist(made[i::2], schema=arrow_schema(BY_NAME["order_flow"])), tier="settled",
        )
        for i in range(2)
    ]  # fmt: skip
    run = pa.Table.from_pylist([{"run_id": "r1"}], schema=arrow_schema(BY_NAME["pipeline_run"]))
    parts.append(write_part(str(tmp_path), "pipeline_run", "books", run, tier="books"))
    write_manifest(str(tmp_path), {"run": {"run_id": "r1"}, "as_of": None}, parts, ())
    target = server.target()
    apply(target)
    load(str(tmp_path), target)
    names = [c.name for c in columns]
    found = rows(target, f"SELECT {', '.join(names)} FROM `{target.table('order_flow')}` ORDER BY flow_id")
    for row, values in zip(made, found, strict=True):
        for name, value in zip(names, values, strict=True):
            assert value == row[name], (name, row[name])
            assert type(value) is type(row[name])
            if isinstance(value, float):
                assert math.copysign(1, value) == math.copysign(1, row[name])
    book = rows(
        target, f"SELECT first_at, last_at, undated_count FROM `{target.table('flowfacts_part')}` ORDER BY path"
    )
    assert book[0][0] == datetime(1, 1, 1, tzinfo=UTC)
    assert book[1][1] == datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    # Rows with such times are taken out again by the days that the book tells.
    write_manifest(str(tmp_path), {"run": {"run_id": "r1"}, "as_of": None}, parts[1:], ())
    load(str(tmp_path), target)
    left = rows(target, f"SELECT flow_id FROM `{target.table('order_flow')}` ORDER BY flow_id")
    assert left == [(f"flow {n}",) for n in range(1, 10, 2)]


def test_the_embedded_warehouse_has_the_same_extremes(tmp_path):
    row = {c.name: EXTREMES[c.type.value][1] for c in BY_NAME["stow_flow"].columns}
    table = pa.Table.from_pylist([row], schema=arrow_schema(BY_NAME["stow_flow"]))
    part = write_part(str(tmp_path), "stow_flow", "p", table, tier="settled")
    write_manifest(str(tmp_path), {"run": {"run_id": "r1"}, "as_of": None}, [part], ())
    from pipelines.datasets import read_manifest
    from pipelines.query import ask_embedded

    build(str(tmp_path), read_manifest(str(tmp_path)))
    assert ask_embedded(str(tmp_path), "SELECT * FROM stow_flow").to_pylist() == [row]
