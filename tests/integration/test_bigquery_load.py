"""Loads against a BigQuery emulator: cell by cell like the DuckDB file, and nothing changes when told again."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from pipelines.bigquery.apply import apply
from pipelines.bigquery.client import BigQueryError
from pipelines.bigquery.load import load
from pipelines.bigquery.parts import Held, Step, compare, part_id
from pipelines.bigquery.script import TooLongError, commit_script
from pipelines.cli import main
from pipelines.datasets import Part, parts_of, read_manifest, write_manifest, write_part
from schemas.derive import arrow_schema
from schemas.tables import BY_NAME, TABLES
from tests.emulators.bigquery import rows
from tests.integration.bigquery_data import batch, in_bigquery, in_duckdb


def stored(target):
    """Everything that is stored, technical columns too."""
    names = [t.table_id for t in target.client.list_tables(target.name) if t.table_type == "TABLE"]
    return {n: sorted(map(str, rows(target, f"SELECT * FROM `{target.table(n)}`"))) for n in sorted(names)}


def jobs_of(target):
    return len(list(target.client.list_jobs(max_results=10_000)))


def test_run_after_run(target, made):
    """Each shows the cells of its DuckDB file and its own row; told again, or of an older run, nothing changes."""
    for number, output in enumerate(made, 1):
        done = load(str(output), target)
        assert done["changed"]
        assert done["generation"] == number
        wanted = in_duckdb(output)
        assert {name: len(found) for name, found in wanted.items()} == {**dict.fromkeys(wanted, 0), **done["rows"]}
        found = in_bigquery(target)
        for table in TABLES:
            assert found[table.name] == wanted[table.name], table.name
        runs = rows(target, f"SELECT run_id FROM `{target.name}.pipeline_run` ORDER BY started_at DESC LIMIT 1")
        state = rows(target, f"SELECT run_id FROM `{target.name}.flowfacts_state`")
        assert runs == state == [(read_manifest(str(output))["run"]["run_id"],)]
    kinds = {
        name.rsplit("_", 1)[1] for (name,) in rows(target, f"SELECT stored_in FROM `{target.name}.flowfacts_part`")
    }
    assert kinds == {"open", "settled"}, "both kinds of rows were there"
    before = stored(target)
    assert not [name for name in before if "staging" in name]
    for output, note in ((made[-1], None), (made[0], "the dataset holds a later run of this output")):
        jobs = len(list(target.client.list_jobs(max_results=10_000)))
        done = load(str(output), target)
        assert (done["changed"], done["rows_added"], done["rows_removed"], done["jobs"]) == (False, 0, 0, 0)
        assert done.get("note") == note or note is None
        assert stored(target) == before
        assert len(list(target.client.list_jobs(max_results=10_000))) <= jobs + 2 + len(before), (
            "no load job, no script"
        )


def test_an_overlapping_back_fill_changes_nothing(target, made, tmp_path):
    load(str(made[1]), target)
    before = stored(target)
    copy = tmp_path / "copy"
    shutil.copytree(made[1], copy)
    export = made[1].parent / "tenant" / "export"
    batch(export, copy, "--from", "2026-06-01", "--to", "2026-06-02", "--settle-days", "0.2")
    assert not load(str(copy), target)["changed"]
    assert stored(target) == before


def test_the_facts_of_another_output_are_refused_unless_told(target, made, tmp_path):
    load(str(made[1]), target)
    before = stored(target)
    other = tmp_path / "other"
    batch(made[0].parent / "tenant" / "export", other, "--to", "2026-06-01")
    with pytest.raises(BigQueryError, match="it is of another output"):
        load(str(other), target)
    assert stored(target) == before
    assert load(str(other), target, replace=True)["changed"]
    assert in_bigquery(target) == in_duckdb(other)


def test_files_on_cloud_storage_are_loaded_from_there(server, target, made, monkeypatch):
    bucket = server.bucket_root / "my-facts"
    shutil.copytree(made[1], bucket / "out")
    from apache_beam.io.filesystems import FileSystems

    real_open, real_exists = FileSystems.open, FileSystems.exists
    to_local = lambda path: path.replace("gs://", f"{server.bucket_root}/")  # noqa: E731
    monkeypatch.setattr(FileSystems, "open", staticmethod(lambda path, *a, **k: real_open(to_local(path), *a, **k)))
    monkeypatch.setattr(FileSystems, "exists", staticmethod(lambda path: real_exists(to_local(path))))
    monkeypatch.setattr(target.client, "load_table_from_file", None)
    done = load("gs://my-facts/out", target)
    assert done["jobs"] == done["parts_added"] + 1
    assert in_bigquery(target) == in_duckdb(made[1])


def test_a_load_needs_an_applied_dataset(server, made):
    target = server.target()
    with pytest.raises(BigQueryError, match=f"is not there: run flowfacts bigquery apply --dataset {target.name}"):
        load(str(made[0]), target)


def test_the_commands(server, made, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.url)
    target = server.target()
    apply(target)
    words = ["bigquery", "load", "--from", str(made[0]), "--to", target.name]
    assert main([*words, "--dry-run"]) == 0
    assert "nothing was changed" in capsys.readouterr().out
    assert rows(target, f"SELECT COUNT(*) FROM `{target.name}.flowfacts_part`") == [(0,)]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["changed"]
    assert main(words) == 0
    assert "already; nothing was changed" in capsys.readouterr().out
    out = tmp_path / "out"
    shutil.copytree(made[0], out)
    batch(made[0].parent / "tenant" / "export", out, "--settle-days", "0.2", "--bigquery", target.name)
    assert in_bigquery(target) == in_duckdb(out)
    assert main(["bigquery", "load", "--from", str(tmp_path / "none"), "--to", target.name]) == 2


def test_the_batch_job_publishes_when_the_load_fails_and_the_next_run_makes_up_for_it(
    server, made, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.url)
    target, out = server.target(), tmp_path / "out"
    words = ["batch", "--input", str(made[0].parent / "tenant" / "export"), "--output", str(out), "--workers", "1"]
    words += ["--bigquery", target.name]
    assert main([*words, "--dry-run"]) == 1, "the dataset is not there"
    assert not out.exists()
    assert main([*words, "--quiet"]) == 1
    said = capsys.readouterr().err
    assert f"the facts are published in {out}, but not loaded: {target.name} is not there" in said
    apply(target)
    assert main([*words, "--dry-run"]) in (0, 3)
    assert "nothing was changed" in capsys.readouterr().out
    assert main([*words, "--json"]) in (0, 3)
    told = json.loads(capsys.readouterr().out)
    assert told["nothing_due"]
    assert told["bigquery"]["changed"]
    assert in_bigquery(target) == in_duckdb(out)
    assert main([*words[:-1], "nonsense"]) == 2


def test_merged_parts_change_the_book_and_no_row(target, tmp_path):
    def flows(*names):
        rows_ = [{"flow_id": n, "started_at": datetime(2026, 6, 1 + i, tzinfo=UTC)} for i, n in enumerate(names)]
        return pa.Table.from_pylist(rows_, schema=arrow_schema(BY_NAME["order_flow"]))

    def publish(run, merged=None, **parts):
        made = [write_part(str(tmp_path), "order_flow", n, flows(*f), tier="settled") for n, f in parts.items()]
        runs = pa.Table.from_pylist(
            [{"run_id": f"r{n}"} for n in range(1, run + 1)], schema=arrow_schema(BY_NAME["pipeline_run"])
        )
        made.append(write_part(str(tmp_path), "pipeline_run", "books", runs, tier="books"))
        names = {p.path.rsplit("/", 1)[1].split("-")[0]: p.path for p in made}
        told = {names[k]: v for k, v in (merged or {}).items()}
        write_manifest(str(tmp_path), {"run": {"run_id": f"r{run}"}, "as_of": None, "merged": told}, made, ())
        load(str(tmp_path), target)
        return names

    def ids():
        return rows(target, f"SELECT flow_id, part_id FROM `{target.table('order_flow_settled')}` ORDER BY flow_id")

    first = publish(1, a="x", b="y", c="z")
    before = ids()
    assert [name for name, _ in before] == ["x", "y", "z"]
    second = publish(2, {"m": [first["a"], first["b"]]}, m="xy", c="z")
    assert ids() == before
    book = rows(target, f"SELECT part_id, path FROM `{target.table('flowfacts_part')}` WHERE stored_in LIKE 'order%'")
    assert sorted(book) == sorted(zip((i for _, i in before), (second["m"], second["m"], second["c"]), strict=True))
    publish(3, c="z")
    assert [name for name, _ in ids()] == ["z"]


def part(path, relation="order_flow", tier="settled", rows=1):
    return Part(relation, path, rows, 1, path, tier=tier)


def held(path, name="order_flow_settled"):
    return Held(part_id(path), name, path, 1)


def test_merged_parts_are_renamed_and_not_loaded():
    step = compare([held("a"), held("b")], [part("m", rows=2), part("c")], {"m": ["a", "b"]})
    assert step.renamed == {"a": "m", "b": "m"}
    assert [p.path for p in step.fresh["order_flow_settled"]] == ["c"]
    assert (step.gone, step.emptied) == ([], set())
    again = compare([Held(part_id("a"), "order_flow_settled", "m", 1)], [part("m", rows=2)], {"m": ["a", "b"]})
    assert not again


def test_parts_are_loaded_when_a_merge_has_one_that_is_not_held():
    step = compare([held("a")], [part("m", rows=2)], {"m": ["a", "b"]})
    assert not step.renamed
    assert [h.path for h in step.gone] == ["a"]
    assert step.emptied == {"order_flow_settled"}


def test_a_delete_names_the_days_and_an_emptied_table_is_truncated():
    day = lambda n: datetime(2026, 6, n, 12, tzinfo=UTC)  # noqa: E731
    gone = [
        Held(7, "order_flow_settled", "a", 5, day(1), day(2), 0),
        Held(8, "order_flow_settled", "b", 5, day(4), day(5), 2),
        Held(9, "order_flow_open", "c", 1, day(1), day(1), 0),
    ]  # fmt: skip
    about = {"run_id": "r'1", "as_of": None, "code_version": "1"}
    script = commit_script("p.d", 3, Step(gone=gone, emptied={"order_flow_open"}), [], {}, about)
    assert (
        "DELETE FROM `p.d.order_flow_settled` WHERE started_at >= TIMESTAMP '2026-06-01 12:00:00.000000+00:00' AND "
        "started_at <= TIMESTAMP '2026-06-05 12:00:00.000000+00:00' AND part_id IN (7, 8);"
    ) in script
    assert "DELETE FROM `p.d.order_flow_settled` WHERE started_at IS NULL AND part_id IN (7, 8);" in script
    assert "TRUNCATE TABLE `p.d.order_flow_open`;" in script
    assert "run_id = 'r\\'1'" in script
    assert script.startswith(
        "BEGIN TRANSACTION;\nSELECT IF((SELECT SUM(generation) FROM `p.d.flowfacts_state`) = 3, 1, "
    )
    assert script.endswith("COMMIT TRANSACTION;\n")


def test_too_many_parts_for_one_transaction_are_refused():
    fresh = [part(f"{n:0300}") for n in range(4000)]
    spans = {p.path: held(p.path) for p in fresh}
    step = Step()
    step.fresh["order_flow_settled"] = fresh
    with pytest.raises(TooLongError, match="4,000 parts"):
        commit_script("p.d", 0, step, [], spans, {"run_id": "r", "as_of": None, "code_version": "1"})


def test_every_part_of_a_manifest_goes_somewhere(made):
    manifest = read_manifest(str(made[2]))
    step = compare([], parts_of(manifest), {})
    wanted = {p["path"] for parts in manifest["relations"].values() for p in parts}
    assert {p.path for parts in step.fresh.values() for p in parts} == wanted
