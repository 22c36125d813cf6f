"""Whatever chunk the runner loses between two steps, nothing wrong is published: all of them, one after the other."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from collections import Counter

from pipelines.cli import main
from pipelines.datasets import parts_of, read_manifest
from pipelines.simulator.run import Plan, simulate
from tests.leaks import Leak
from tests.runs import batch, days, differences, facts
from transforms.moves import BLOCKS, BUCKETS, LEAVING, PIECES, SMALL_PARTS, messages

EDGES = (BLOCKS, PIECES, LEAVING, BUCKETS, SMALL_PARTS, messages(0), messages(1))


def everything(out):
    """Give the facts, and the rows of every dataset: what a run loses of the state only the next one would miss."""
    rows = Counter()
    for part in parts_of(read_manifest(str(out))):
        rows[part.relation] += part.rows
    return facts(out) | {"rows": rows}


def test_a_run_publishes_all_or_nothing_whatever_is_lost(tmp_path, monkeypatch, caplog):
    """The last of four days: with a state, settled groups that rows leave, and small parts to merge."""
    caplog.set_level(logging.ERROR, logger="pipelines.publishing")
    simulate(Plan(tmp_path / "t", 4, 12, 5, "heavy", "2026-06-01", 1))
    export = tmp_path / "t" / "export"
    leak = Leak(monkeypatch.setattr)

    def run(out, *options):
        command = ["batch", "--input", str(export), "--output", str(out), "--quiet", "--workers", "1"]
        return main([*command, "--settle-days", "0.1", "--buckets", "2", *options])

    def last_day(name, lose):
        shutil.copytree(tmp_path / "before", tmp_path / name)
        leak.arm(lose)
        return tmp_path / name, run(tmp_path / name)

    for day in days(export)[:-1]:
        assert run(tmp_path / "before", "--to", day) in (0, 3)
    out, code = last_day("whole", None)
    assert code in (0, 3)
    whole, chunks = everything(out), leak.seen
    for number in range(1, chunks + 1):
        out, code = last_day(f"lost{number}", number)
        if code in (0, 3):
            assert not differences(whole, everything(out)), f"chunk {number} of {chunks}"
    for edge in EDGES:
        assert f"'{edge}': (" in caplog.text, f"{edge}: never lost, so nothing is shown of it"


def test_what_workers_lose_is_computed_again_in_one_process(tmp_path):
    simulate(Plan(tmp_path / "t", 2, 12, 5, "heavy", "2026-06-01", 1))
    tenant = tmp_path / "t" / "export"
    with_workers = ("--direct_running_mode=multi_processing", "--direct_num_workers=2", "--buckets", "2")
    # A process of its own, for Beam leaves the ends of its workers to the collector.
    command = [sys.executable, "-m", "tests.leaks", "4096", "batch", "--input", str(tenant)]
    told = subprocess.run(
        [*command, "--output", str(tmp_path / "again"), *with_workers], capture_output=True, text=True, check=False
    )
    assert told.returncode in (0, 3), told.stderr
    assert "computed again in one process" in told.stderr
    assert batch(tenant, tmp_path / "whole", "--buckets", "2") in (0, 3)
    assert not differences(facts(tmp_path / "whole"), facts(tmp_path / "again"))
