"""The embedded warehouse has every relation, and replaces the one before in one step."""

import os
import subprocess
import sys

import duckdb
import pytest

from pipelines import warehouse
from pipelines.datasets import read_manifest, write_manifest, write_part
from schemas.tables import BY_NAME, TABLES
from transforms.columns import to_table

FILE = {
    "path": "2026-06-01/a.ndjson", "day": "2026-06-01", "bytes": 10, "lines": 3, "digest": "d", "complete": True,
    "repeat_of": None, "run_id": "r1", "modified_at": None,
}  # fmt: skip


_CRASH = """
import duckdb, os, sys
con = duckdb.connect(sys.argv[1])
con.execute("SET checkpoint_threshold = '1TB'")
con.execute("CREATE TABLE mine (a INT)")
os._exit(0)
"""


def publish(output, *paths):
    parts = [
        write_part(str(output), "input_file", f"b{i}", to_table("input_file", [{**FILE, "path": p}]))
        for i, p in enumerate(paths)
    ]
    write_manifest(str(output), {"run": {"run_id": "r1"}}, parts)
    return warehouse.build(str(output), read_manifest(str(output)))


def query(file, sql):
    with duckdb.connect(str(file), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_every_relation_is_there_though_empty(tmp_path):
    file = publish(tmp_path)
    assert file == tmp_path / "warehouse.duckdb"
    for table in TABLES:
        assert query(file, f"SELECT count(*) FROM {table.name}") == [(0,)]
        described = [row[0] for row in query(file, f"DESCRIBE {table.name}")]
        assert described == [c.name for c in table.columns]


def test_columns_carry_what_they_mean(tmp_path):
    found = query(publish(tmp_path), "SELECT comment FROM duckdb_columns() WHERE column_name = 'order_cycle_seconds'")
    column = next(c for c in BY_NAME["order_flow"].columns if c.name == "order_cycle_seconds")
    assert found[0][0].startswith(column.description)


def test_all_parts_are_in(tmp_path):
    assert query(publish(tmp_path, "a", "b", "c"), "SELECT path FROM input_file ORDER BY 1") == [("a",), ("b",), ("c",)]


@pytest.mark.parametrize("folder", ["br[1]", "star*", "it's"])
def test_a_path_is_no_pattern(tmp_path, folder):
    assert query(publish(tmp_path / folder, "a"), "SELECT path FROM input_file") == [("a",)]


def test_a_reader_of_the_old_file_is_not_disturbed(tmp_path):
    file = publish(tmp_path, "old")
    with duckdb.connect(str(file), read_only=True) as reader:
        publish(tmp_path, "new")
        assert reader.execute("SELECT path FROM input_file").fetchall() == [("old",)]
    assert query(file, "SELECT path FROM input_file") == [("new",)]


def test_the_log_of_a_crashed_writer_does_not_lock_the_new_file(tmp_path):
    file = publish(tmp_path, "old")
    subprocess.run([sys.executable, "-c", _CRASH, str(file)], check=True)
    assert (tmp_path / "warehouse.duckdb.wal").exists()
    publish(tmp_path, "new")
    assert query(file, "SELECT path FROM input_file") == [("new",)]


def test_leftovers_of_a_killed_build_do_not_matter(tmp_path):
    for name in (".warehouse.duckdb.building", ".warehouse.duckdb.building.wal"):
        (tmp_path / name).write_bytes(b"half a file")
    (tmp_path / ".warehouse.duckdb.building.tmp").mkdir()
    publish(tmp_path, "a")
    assert [n for n in os.listdir(tmp_path) if n.startswith(".")] == []


def test_a_build_that_fails_leaves_the_old_file(tmp_path):
    file = publish(tmp_path, "old")
    broken = {"relations": {"input_file": [{"path": "facts/input_file/missing.parquet"}]}}
    with pytest.raises(duckdb.IOException):
        warehouse.build(str(tmp_path), broken)
    assert query(file, "SELECT path FROM input_file") == [("old",)]
