"""Privacy over time: what was erased is nowhere and does not come back; raw bytes go when their time is over."""

from __future__ import annotations

import gzip
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.cli import main
from pipelines.datasets import read_manifest
from pipelines.expire import Retention, expire
from pipelines.scrubbing import scrub_lines, search
from pipelines.simulator.run import Plan, simulate
from tests.runs import batch, days, differences, facts, files_of, modes
from tests.traces import places


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tenant")
    simulate(Plan(folder / "t", 4, 25, 21, "heavy", "2026-06-01", 1))
    return folder / "t" / "export"


@pytest.fixture(scope="module")
def whole(tenant, tmp_path_factory):
    folder = Path(shutil.copytree(tenant, tmp_path_factory.mktemp("whole") / "in"))
    for path in folder.rglob("*.gz"):
        if _is_cut(path):  # it can't be searched line by line
            path.unlink()
    return folder


@pytest.fixture
def source(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "in"))


@pytest.fixture(scope="module")
def all_but_the_last_day(whole, tmp_path_factory):
    out = tmp_path_factory.mktemp("published") / "o"
    for day in days(whole)[:-1]:
        assert batch(whole, out, "--to", day, "--settle-days", "0.5") in (0, 3)
    return out


@pytest.fixture
def output(all_but_the_last_day, tmp_path):
    return Path(shutil.copytree(all_but_the_last_day, tmp_path / "o"))


def busiest_order(out):
    """An order whose events lie on several days: process id and order number."""
    with duckdb.connect(str(out / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(
            "SELECT flow_id, tenant_order_id FROM order_flow JOIN "
            "(SELECT flow_id, count(DISTINCT left(source, 10)) AS n FROM flow_event WHERE flow = 'order' GROUP BY 1) "
            "USING (flow_id) WHERE tenant_order_id IS NOT NULL ORDER BY n DESC, 1 LIMIT 1"
        ).fetchone()


def without_numbers(found):
    """The facts without the erased column."""
    with_flow = [n for n in found if n != "order_flow"]
    return {**{n: found[n] for n in with_flow if n not in ("input_file", "day_book")}}


def test_an_erased_order_number_is_nowhere_and_does_not_come_back(source, output, capsys):
    out = output
    *first, last = days(source)
    process, number = busiest_order(out)
    before = facts(out)
    there = places(out, number)
    assert {p.split("/")[0] for p in there} >= {"facts", "event_log", "state", "warehouse.duckdb"}
    assert places(source, number)
    assert main(["erase", "--output", str(out), "--process", process, "--raw", str(source), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["flows"] == [process]
    assert told["found_in"] == []
    assert told["raw_lines_emptied"] > 0
    assert places(out, number) == []
    assert places(source, number) == []
    assert number not in json.dumps(read_manifest(str(out))["erased"])
    # Nothing else has changed: no other row, no count, and the raw copies are not read again.
    assert differences(without_numbers(before), facts(out)) == []
    ((pseudonym,),) = query(out, f"SELECT tenant_order_id FROM order_flow WHERE flow_id = '{process}'")
    assert pseudonym.startswith("erased-")
    runs = modes(out)
    assert batch(source, out, "--to", first[-1], "--settle-days", "0.5") in (0, 3)
    assert modes(out) == runs
    # What arrives later does not bring it back, nor does computing everything again.
    late = {"id": "late", "eventName": "ORDER_MODIFIED", "created": "2026-06-04T10:00:00.000Z"}
    late["payload"] = {"id": "o", "processId": process, "tenantOrderId": number, "version": 99, "status": "OPEN"}
    (source / last / "zz-late.ndjson").write_text(json.dumps(late) + "\n")
    assert batch(source, out, "--settle-days", "0.5") in (0, 3)
    assert places(out, number) == []
    assert query(out, f"SELECT tenant_order_id FROM order_flow WHERE flow_id = '{process}'") == [(pseudonym,)]
    assert main(["rebuild", "--output", str(out), "--workers", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [d for d in told["differences"] if d["added"] or d["gone"] or d["changed"]] == []


def test_it_is_erased_by_the_number_itself_too(source, output, capsys):
    process, number = busiest_order(output)
    assert places(source, number)
    assert main(["erase", "--output", str(output), "--order", number, "--raw", str(source), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["flows"] == [process]
    assert told["found_in"] == []
    assert (places(output, number), places(source, number)) == ([], [])


def _is_cut(path):
    try:
        gzip.decompress(path.read_bytes())
    except EOFError:
        return True
    return False


def query(out, sql):
    with duckdb.connect(str(out / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_the_search_finds_what_is_left(tmp_path):
    (tmp_path / "plain.txt").write_bytes(b"x ORD-00004711-x")
    (tmp_path / "packed.gz").write_bytes(gzip.compress(b'{"tenantOrderId":"ORD-00004711"}'))
    pq.write_table(pq.read_table(_one_column(tmp_path, "ORD-00004711")), tmp_path / "table.parquet")
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute("CREATE TABLE t AS SELECT 'ORD-00004711' || i AS a FROM range(5000) r(i)")
    (tmp_path / "other.txt").write_bytes(b"ORD-00004712")
    found = search(str(tmp_path), ["ORD-00004711"])
    assert sorted(found) == ["column.parquet", "packed.gz", "plain.txt", "table.parquet", "w.duckdb"]


def _one_column(folder, value):
    import pyarrow as pa

    pq.write_table(pa.table({"a": [value, None]}), folder / "column.parquet", compression="zstd")
    return folder / "column.parquet"


def test_raw_lines_keep_their_numbers():
    data = b'{"a":1}\n{"n":"K\\u00f6ln-0001","b":2}\n{"c":3}\n'
    assert scrub_lines(data, ["Köln-0001"]) == (b'{"a":1}\n\n{"c":3}\n', 1)
    assert scrub_lines(gzip.compress(data), ["nothing-like-it"])[1] == 0
    assert scrub_lines(b"12\n123\n", ["12"]) == (b"\n123\n", 1)


def test_a_process_that_is_not_known_is_told(source, tmp_path, capsys):
    out = tmp_path / "o"
    assert batch(source, out, "--to", "2026-06-01") in (0, 3)
    before = files_of(out)
    assert main(["erase", "--output", str(out), "--process", "no-such-process"]) == 2
    assert "no event of it is in the event log" in capsys.readouterr().err
    assert files_of(out) == before


# Retention


def test_raw_dead_letters_go_and_their_rows_stay(source, tmp_path, capsys):
    out = tmp_path / "o"
    assert batch(source, out) in (0, 3)
    before = facts(out)
    raw = sorted(p.relative_to(out).as_posix() for p in out.glob("dead_letters/*/*.raw"))
    assert raw
    soon, later = datetime.now(UTC) + timedelta(days=29), datetime.now(UTC) + timedelta(days=32)
    retention = Retention(30, 400)
    assert expire(str(out), [], retention, soon, apply=True)["dead_letter_files"] == 0
    told = expire(str(out), [], retention, later, apply=False)
    assert (told["dead_letter_files"], told["applied"]) == (len(raw), False)
    assert sorted(p.relative_to(out).as_posix() for p in out.glob("dead_letters/*/*.raw")) == raw
    expire(str(out), [], retention, later, apply=True)
    assert list(out.glob("dead_letters/*/*.raw")) == []
    assert differences(facts(out), before) == []
    assert query(out, "SELECT count(*) FROM dead_letter WHERE raw_path IS NOT NULL") == [(0,)]
    assert main(["replay", "--output", str(out), "--workers", "1", "--quiet"]) == 0
    assert differences(facts(out), before) == []
    assert sorted(modes(out)) == ["batch", "expire", "replay"]


def test_raw_days_go_only_when_they_were_read(source, tmp_path):
    out = tmp_path / "o"
    first, second, third, fourth = days(source)
    assert batch(source, out, "--to", third) in (0, 3)
    (source / second / "late.ndjson").write_text("{}\n")
    before = facts(out)
    now = datetime(2026, 6, 14, tzinfo=UTC)  # eleven days after the end of the second, nine after that of the fourth
    told = expire(str(out), [str(source)], Retention(1e6, 10), now, apply=True)
    assert sorted(told["raw_days"]) == [first]
    assert told["kept_days"] == {second: "not everything of it was read"}
    assert not list((source / first).iterdir())
    assert list((source / third).iterdir())
    assert list((source / fourth).iterdir())
    assert differences(facts(out), before) == []
    assert batch(source, out) in (0, 3)


def test_retention_is_told_in_words(source, tmp_path, capsys):
    out = tmp_path / "o"
    assert batch(source, out) in (0, 3)
    assert (
        main(["expire", "--output", str(out), "--dead-letter-days", "0", "--raw", str(source), "--raw-days", "0"]) == 0
    )
    text = capsys.readouterr().out
    assert "nothing was deleted; --apply deletes them" in text
    assert main(["expire", "--output", str(out), "--raw-days", "-1"]) == 2
    assert "--raw-days is -1" in capsys.readouterr().err


def test_raw_letters_of_a_file_that_was_read_again_are_not_left(source, tmp_path):
    out = tmp_path / "o"
    file = source / "2026-06-01" / "zz.ndjson"
    file.write_text("{broken\n")
    assert batch(source, out) in (0, 3)
    file.write_text("{broken too\n")
    assert batch(source, out) in (0, 3)
    named = {n for (n,) in query(out, "SELECT raw_path FROM dead_letter") if n}
    assert {p.relative_to(out).as_posix() for p in out.glob("dead_letters/*/*.raw")} == named


def test_a_cut_raw_copy_stops_an_erasure_before_anything_has_changed(source, tmp_path, capsys):
    out = tmp_path / "o"
    assert batch(source, out, "--to", "2026-06-02") in (0, 3)
    process, _ = busiest_order(out)
    file = next(iter(sorted((source / "2026-06-04").glob("*.gz"))))
    file.write_bytes(file.read_bytes()[:-20])
    before, raw = files_of(out), files_of(source)
    assert main(["erase", "--output", str(out), "--process", process, "--raw", str(source)]) == 2
    assert f"{file} is cut short" in capsys.readouterr().err
    assert (files_of(out), files_of(source)) == (before, raw)
