"""Every cell of every relation equals the drawn truth, and the books equal the injected faults to the line."""

import json

import duckdb
import pytest

from pipelines.cli import main
from pipelines.simulator.people import MARKS
from schemas.tables import TABLES
from tests.truth import compare

# Short and busy, long and quiet (so that deadlines pass), clean and heavily faulty.
TENANTS = {
    "clean": ("--days", "2", "--orders-per-day", "400", "--seed", "1", "--faults", "none"),
    "light": ("--days", "3", "--orders-per-day", "250", "--seed", "2", "--faults", "light"),
    "heavy": ("--days", "3", "--orders-per-day", "250", "--seed", "3", "--faults", "heavy"),
    "heavy again": ("--days", "2", "--orders-per-day", "400", "--seed", "4", "--faults", "heavy"),
    "long": ("--days", "45", "--orders-per-day", "10", "--seed", "5", "--faults", "light"),
}


@pytest.fixture(params=TENANTS, ids=lambda name: name.replace(" ", "-"), scope="module")
def tenant(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tenant")
    assert main(["simulate", "--output", str(folder), "--workers", "1", *TENANTS[request.param]]) == 0
    books = json.loads((folder / "truth" / "books.json").read_text())
    code = main(["batch", "--input", str(folder / "export"), "--output", str(folder / "facts"), "--quiet"])
    return folder, books, code


def test_every_cell_equals_the_truth(tenant):
    folder, _, _ = tenant
    assert compare(folder / "truth", folder / "facts" / "warehouse.duckdb") == []


def test_the_comparison_has_teeth(tenant, tmp_path):
    folder, _, _ = tenant
    spoilt = tmp_path / "spoilt.duckdb"
    spoilt.write_bytes((folder / "facts" / "warehouse.duckdb").read_bytes())
    with duckdb.connect(str(spoilt)) as con:
        for name in ("order_flow", "flow_interval"):  # views there; only tables can be spoilt
            con.execute(f"CREATE TABLE spoilt AS SELECT * FROM {name}")
            con.execute(f"DROP VIEW {name}")
            con.execute(f"ALTER TABLE spoilt RENAME TO {name}")
        first = "(SELECT min(flow_id) FROM order_flow)"
        con.execute(f"UPDATE order_flow SET leg_count = leg_count + 1 WHERE flow_id = {first}")
        con.execute("DELETE FROM flow_interval WHERE started_at = (SELECT max(started_at) FROM flow_interval)")
    found = {(d.relation, d.column) for d in compare(folder / "truth", spoilt)}
    assert found == {("order_flow", "leg_count"), ("flow_interval", "*")}


def test_the_books_equal_the_injected_faults(tenant):
    folder, books, code = tenant
    with duckdb.connect(str(folder / "facts" / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        names = [c[0] for c in con.execute("DESCRIBE pipeline_run").fetchall()]
        run = dict(zip(names, con.execute("SELECT * FROM pipeline_run").fetchall()[0], strict=True))
        reasons = dict(con.execute("SELECT reason, count(*) FROM dead_letter GROUP BY 1").fetchall())
    told = {k: v for k, v in books.items() if k in run and k != "as_of"}
    assert {k: run[k] for k in told} == told
    assert reasons == books["dead_letters_by_reason"]
    assert run["as_of"].isoformat().replace("+00:00", "Z") == books["as_of"]
    assert code == (3 if books["files_incomplete"] else 0)


def test_personal_data_is_nowhere(tenant):
    folder, _, _ = tenant
    facts = folder / "facts"
    with duckdb.connect(str(facts / "warehouse.duckdb"), read_only=True) as con:
        texts = "".join(str(con.execute(f"SELECT * FROM {t.name}").fetchall()) for t in TABLES)
    files = [p for p in facts.rglob("*") if p.is_file() and "dead_letters" not in p.parts]
    everything = texts.encode() + b"".join(p.read_bytes() for p in files)
    assert [m for m in MARKS if m.encode() in everything] == []
    source = b"".join(p.read_bytes() for p in folder.glob("export/*/*.ndjson"))
    assert not source or any(m.encode() in source for m in MARKS)  # the marks are what the payloads hold
