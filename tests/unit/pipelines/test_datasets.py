"""Output appears at once or not at all, whenever a run is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems

from pipelines import datasets
from pipelines.datasets import clean, paths_of, read_manifest, write_bytes, write_manifest, write_part
from transforms.columns import to_table


def table(run_id="r1"):
    row = {
        "path": "a", "day": None, "bytes": 1, "lines": 1, "digest": "d", "complete": True, "repeat_of": None,
        "run_id": run_id, "modified_at": None,
    }  # fmt: skip
    return to_table("input_file", [row])


def publish(output, run_id):
    before = read_manifest(output)
    part = write_part(output, "input_file", "books", table(run_id))
    write_manifest(output, {"run": {"run_id": run_id}}, [part])
    return before, part


def test_a_part_is_named_by_its_content(tmp_path):
    out = str(tmp_path)
    first, again, other = (write_part(out, "input_file", "b", table(r)) for r in ("r1", "r1", "r2"))
    assert first == again
    assert first.path != other.path
    assert first.path == f"facts/input_file/b-{first.digest[:12]}.parquet"
    assert (first.rows, first.bytes) == (1, (tmp_path / first.path).stat().st_size)
    meta = pq.ParquetFile(tmp_path / first.path).metadata
    assert meta.row_group(0).column(0).compression == "ZSTD"
    assert pq.read_table(tmp_path / first.path).schema.equals(table().schema)


def test_the_manifest_names_every_part(tmp_path):
    _, part = publish(str(tmp_path), "r1")
    found = read_manifest(str(tmp_path))
    assert found["run"] == {"run_id": "r1"}
    assert paths_of(found) == {part.path}
    assert found["relations"]["input_file"][0]["rows"] == 1
    assert {"format_version", "contract_version"} < set(found)


def test_there_is_no_manifest_at_first(tmp_path):
    assert read_manifest(str(tmp_path)) is None


@pytest.mark.parametrize("folder", ["plain", "br[1]", "star*"])
def test_clean_leaves_what_is_published_and_nothing_of_the_runs_before(tmp_path, folder):
    out = tmp_path / folder
    _, old = publish(str(out), "r1")
    (out / "facts" / "input_file" / ".dead.partial").write_bytes(b"half")
    (out / "facts" / "input_file" / "b-killed.parquet").write_bytes(b"of a killed run")
    for name in (".dead.partial", ".outcome-r0.json"):
        (out / name).write_bytes(b"half")
    for name in ("notes.txt", "facts/README.md", ".gitignore", "warehouse.duckdb"):
        (out / name).write_bytes(b"of somebody else")
    before, part = publish(str(out), "r2")
    clean(str(out), before, read_manifest(str(out)))
    left = {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()}
    assert old.path not in left
    assert left == {
        "manifest.json", part.path, "notes.txt", "facts/README.md", ".gitignore", "warehouse.duckdb",
    }  # fmt: skip


def test_clean_before_anything_was_written(tmp_path):
    clean(str(tmp_path), None, {"relations": {}})


_KILLED = """
import os, signal, sys
from pipelines import datasets
sys.path.insert(0, "")
from tests.unit.pipelines.test_datasets import publish
at, calls, out = 0, 0, ""
def deadly(event, arguments):
    # Every change of the file system is an audit event; the run dies just before the chosen one.
    global calls
    if event in ("os.rename", "os.remove", "os.mkdir") or (event == "open" and arguments[1] and "w" in arguments[1]):
        if str(arguments[0]).startswith(out):
            calls += 1
            if calls > at:
                os.kill(os.getpid(), signal.SIGKILL)
for at in map(int, sys.argv[2:]):
    child = os.fork()
    if not child:
        out = f"{sys.argv[1]}/{at}"
        sys.addaudithook(deadly)
        publish(out, "r2")
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_a_killed_run_leaves_the_old_state_readable(tmp_path):
    moments = [*range(9), 99]
    first = {at: publish(f"{tmp_path}/{at}", "r1")[1] for at in moments}
    words = [sys.executable, "-c", _KILLED, str(tmp_path), *map(str, moments)]
    done = subprocess.run(words, cwd=Path(__file__).parents[3], check=True, capture_output=True, text=True)
    codes = dict(zip(moments, map(int, done.stdout.split()), strict=True))
    assert (codes[0], codes[99]) == (-signal.SIGKILL, 0)
    for at, code in codes.items():
        out = f"{tmp_path}/{at}"
        assert code in (0, -signal.SIGKILL), at
        found = read_manifest(out)
        assert found["run"]["run_id"] == ("r2" if code == 0 else "r1"), at
        for path in paths_of(found):
            assert pq.read_table(f"{out}/{path}").num_rows == 1
        before, part = publish(out, "r3")
        clean(out, before, read_manifest(out))
        left = sorted(str(p.relative_to(out)) for p in Path(out).rglob("*") if p.is_file())
        assert left == [part.path, "manifest.json"], at
        assert not os.path.exists(f"{out}/{first[at].path}")


def test_a_file_is_replaced_without_a_moment_between(tmp_path, monkeypatch):
    path = str(tmp_path / "a")
    write_bytes(path, b"old")
    monkeypatch.setattr(FileSystems, "delete", lambda paths: pytest.fail("a reader would find nothing"))
    write_bytes(path, b"new")
    assert Path(path).read_bytes() == b"new"


def test_a_file_system_that_does_not_rename_over_a_file(tmp_path, monkeypatch):
    path = str(tmp_path / "a")
    honest = FileSystems.rename

    def picky(sources, destinations):
        if Path(destinations[0]).exists():
            raise BeamIOError("exists already")
        honest(sources, destinations)

    monkeypatch.setattr(datasets, "is_local", lambda path: False)
    monkeypatch.setattr(FileSystems, "rename", picky)
    write_bytes(path, b"old")
    write_bytes(path, b"new")
    assert Path(path).read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [Path(path)]
