"""A compaction after every run: no fact depends on it, and nothing but the published parts is left."""

from __future__ import annotations

import json

from pipelines.cli import main
from pipelines.datasets import paths_of, read_manifest
from pipelines.simulator.run import Plan, simulate
from tests.runs import batch, days, differences, facts


def test_compaction_changes_no_fact_whenever_it_happens(tmp_path, capsys):
    simulate(Plan(tmp_path / "t", 4, 25, 11, "heavy", "2026-06-01", 1))
    tenant, out = tmp_path / "t" / "export", tmp_path / "o"

    def told(*words):
        capsys.readouterr()
        assert main([*words, "--output", str(out), "--workers", "1", "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert batch(tenant, tmp_path / "at once") in (0, 3)
    for day in days(tenant):
        assert batch(tenant, out, "--to", day, "--settle-days", "0.5") in (0, 3)
        result = told("compact")
        assert result["parts"] <= result["parts_before"]
    assert differences(facts(out), facts(tmp_path / "at once")) == []
    there = {p.relative_to(out).as_posix() for p in out.rglob("*.parquet")}
    assert there == paths_of(read_manifest(str(out)))
    assert all(not (d["added"] or d["gone"] or d["changed"]) for d in told("rebuild")["differences"])
