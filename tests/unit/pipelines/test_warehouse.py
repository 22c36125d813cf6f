"""The embedded warehouse has every relation, and replaces the one before in one step."""

import dataclasses
import os
import shutil
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
    found = query(
        publish(tmp_path),
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'order_flow' AND column_name = 'order_cycle_seconds'",
    )
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
    part = write_part(str(tmp_path), "input_file", "b", to_table("input_file", [{**FILE, "path": "new"}]))
    os.unlink(tmp_path / part.path)
    write_manifest(str(tmp_path), {}, [part])
    with pytest.raises(duckdb.IOException):
        warehouse.build(str(tmp_path), read_manifest(str(tmp_path)))
    assert query(file, "SELECT path FROM input_file") == [("old",)]


def rows(output, tier, *paths, run="r1"):
    """Write a part of a relation, a row for each path; the tier tells whether it may be replaced."""
    table = to_table("input_file", [{**FILE, "path": p} for p in paths])
    return write_part(str(output), "input_file", f"{tier}-{'-'.join(paths)}", table, tier=tier, run=run)


def update(output, *parts, **about):
    write_manifest(str(output), about, parts)
    return warehouse.build(str(output), read_manifest(str(output)))


def held(file):
    return [p for (p,) in query(file, "SELECT path FROM input_file ORDER BY 1")]


def test_a_run_reads_only_the_parts_that_are_new(tmp_path):
    kept, moving = rows(tmp_path, "settled", "a", "b", "c"), rows(tmp_path, "open", "x")
    update(tmp_path, kept, moving)
    os.unlink(tmp_path / kept.path)  # whoever reads it again fails
    more = rows(tmp_path, "settled", "d")
    file = update(tmp_path, kept, more, rows(tmp_path, "open", "y"))
    assert held(file) == ["a", "b", "c", "d", "y"]


def test_a_settled_part_that_is_gone_takes_its_rows_along(tmp_path):
    first, second = rows(tmp_path, "settled", "a", "b"), rows(tmp_path, "settled", "c", "d", "e", "f")
    update(tmp_path, first, second)
    file = update(tmp_path, rows(tmp_path, "settled", "a"), second)
    assert held(file) == ["a", "c", "d", "e", "f"]


def test_merged_parts_are_not_read_again(tmp_path):
    first, second = rows(tmp_path, "settled", "a"), rows(tmp_path, "settled", "b")
    update(tmp_path, first, second)
    both = rows(tmp_path, "settled", "a", "b")
    os.unlink(tmp_path / both.path)
    file = update(tmp_path, both, merged={both.path: [first.path, second.path]})
    assert held(file) == ["a", "b"]
    file = update(tmp_path, rows(tmp_path, "settled", "c"), merged={both.path: [first.path, second.path]})
    assert held(file) == ["c"]


def test_merged_parts_that_the_file_does_not_hold_are_read(tmp_path):
    update(tmp_path, rows(tmp_path, "settled", "z"))
    both = rows(tmp_path, "settled", "a", "b")
    assert held(update(tmp_path, both, merged={both.path: ["never/seen.parquet"]})) == ["a", "b"]


def test_a_file_that_somebody_changed_is_built_anew(tmp_path):
    part = rows(tmp_path, "settled", "a", "b")
    file = update(tmp_path, part)
    with duckdb.connect(str(file)) as con:
        con.execute("DELETE FROM flowfacts.input_file_staying WHERE path = 'a'")
    assert held(update(tmp_path, part, rows(tmp_path, "open", "x"))) == ["a", "b", "x"]


@pytest.mark.parametrize("damage", ["UPDATE flowfacts.about SET layout = 'older'", "DROP TABLE flowfacts.about"])
def test_a_file_of_another_layout_is_built_anew(tmp_path, damage):
    part = rows(tmp_path, "settled", "a")
    file = update(tmp_path, part)
    with duckdb.connect(str(file)) as con:
        con.execute(damage)
    assert held(update(tmp_path, part)) == ["a"]


def test_a_file_that_is_no_database_is_built_anew(tmp_path):
    part = rows(tmp_path, "settled", "a")
    update(tmp_path, part).write_bytes(b"no database")
    assert held(update(tmp_path, part)) == ["a"]


def test_a_file_with_more_deleted_rows_than_others_is_built_anew(tmp_path):
    kept = rows(tmp_path, "settled", "a")
    update(tmp_path, kept, rows(tmp_path, "settled", *"bcdefgh"))
    file = update(tmp_path, kept)
    assert query(file, "SELECT deleted FROM flowfacts.about") == [(0,)]
    assert held(file) == ["a"]


def test_a_whole_build_keeps_no_byte_of_what_was_there(tmp_path):
    secret = "qWZ9-only-in-the-old-file"
    file = update(tmp_path, rows(tmp_path, "settled", secret, *"abcdefgh"))
    assert secret.encode() in file.read_bytes()
    after = rows(tmp_path, "settled", *"abcdefgh")
    write_manifest(str(tmp_path), {}, [after])
    assert secret.encode() not in warehouse.build(str(tmp_path), read_manifest(str(tmp_path)), whole=True).read_bytes()


def order(output, tier, outcome, *, run="r1", flow="p1"):
    """Write the part with the one order, and the one with its stretch, which is the same whatever became of it."""
    row = {"flow_id": flow, "channel": "SHIPPING", "outcome": outcome}
    stretch = {
        "flow": "order",
        "flow_id": flow,
        "stage": "release",
        "kind": "waiting",
        "started_at": 1_780_300_800_000_000,
    }
    return [
        write_part(str(output), name, f"{tier}-of", table(name, [values]), tier=tier, run=run)
        for name, values in (("order_flow", row), ("flow_interval", stretch))
    ]


def table(name, rows):
    return to_table(name, [{**{c.name: None for c in BY_NAME[name].columns}, **row} for row in rows])


def test_stretches_carry_channel_and_outcome_of_their_order(tmp_path):
    """Also when it has changed and they have not, in parts that may be replaced and in those that stay."""
    told = "SELECT flow_id, stage, channel, outcome FROM flowfacts.stretch"
    for tier in ("open", "settled"):
        file = update(tmp_path / tier, *order(tmp_path / tier, tier, "open"))
        assert query(file, told) == [("p1", "release", "SHIPPING", "open")]
        before = read_manifest(str(tmp_path / tier))["relations"]["flow_interval"]
        file = update(tmp_path / tier, *order(tmp_path / tier, tier, "fulfilled"))
        assert read_manifest(str(tmp_path / tier))["relations"]["flow_interval"] == before
        assert query(file, told) == [("p1", "release", "SHIPPING", "fulfilled")]
    without = table("flow_interval", [{"flow": "stow", "flow_id": "s1", "stage": "stow", "kind": "working"}])
    file = update(tmp_path / "none", write_part(str(tmp_path / "none"), "flow_interval", "s", without, tier="settled"))
    assert query(file, told) == [("s1", "stow", None, None)]


def test_stretches_of_an_order_that_did_not_change_are_not_read_again(tmp_path):
    parts = order(tmp_path, "settled", "fulfilled")
    update(tmp_path, *parts)
    os.unlink(tmp_path / parts[1].path)
    update(tmp_path, *parts, rows(tmp_path, "open", "x"))


def test_merged_stretches_are_not_read_again_when_the_run_settles_orders_of_its_own(tmp_path):
    """What a run merges and what it settles of one bucket is one group."""
    first = order(tmp_path, "settled", "fulfilled")
    update(tmp_path, *first)
    both = [dataclasses.replace(p, path=p.path + ".merged", run="r2") for p in first]
    shutil.copy(tmp_path / first[0].path, tmp_path / both[0].path)  # the orders; whoever reads the stretches fails
    own = order(tmp_path, "settled", "cancelled", run="r2", flow="p2")
    file = update(tmp_path, *both, *own, merged={b.path: [f.path] for b, f in zip(both, first, strict=True)})
    told = "SELECT flow_id, outcome FROM flowfacts.stretch ORDER BY ALL"
    assert query(file, told) == [("p1", "fulfilled"), ("p2", "cancelled")]
    assert query(file, "SELECT deleted FROM flowfacts.about") == [(0,)]


def test_a_manifest_that_its_parts_belie_is_an_error(tmp_path):
    part = rows(tmp_path, "settled", "a", "b")
    with pytest.raises(warehouse.WarehouseError, match="2 rows of input_file, the manifest tells 3"):
        update(tmp_path, dataclasses.replace(part, rows=3))
