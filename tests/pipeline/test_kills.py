"""The job killed at every step that matters, while it swaps among them: old or new, whole, and exact in the end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.simulator.run import Plan, simulate
from tests.runs import batch, days, differences, facts
from tests.soak.published import WAREHOUSE, broken_parts, content_of_parts, content_of_warehouse, faults, manifest_of
from tests.truth import compare

ROOT = Path(__file__).parents[2]
KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def jobs():
    with subprocess.Popen(
        [sys.executable, "-m", "tests.soak.moments"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def run(source, out, moment, *options):
            words = ["batch", "--input", str(source), "--output", str(out), "--quiet", "--workers", "1", *options]
            process.stdin.write(json.dumps({"words": words, "moment": moment}) + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield run
        process.stdin.close()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tenant")
    simulate(Plan(folder / "t", 3, 6, 17, "heavy", "2026-06-01", 1))
    return folder / "t"


def test_a_run_that_is_killed_at_any_step_is_as_if_it_had_not_begun_or_had_ended(tenant, jobs, tmp_path):
    """One output lives through all of it; a reader looks at it after every kill."""
    source, out = tenant / "export", tmp_path / "o"
    first, second, third = days(source)
    settle = ("--settle-days", "0.5")
    assert jobs(source, out, None, "--to", first, *settle) in (0, 3)
    old = content_of_warehouse(out / WAREHOUSE)
    for moment in ("part:9", "manifest:before"):
        assert jobs(source, out, moment, "--to", second, *settle) == KILLED
        assert broken_parts(out, manifest_of(out)) == []
        assert content_of_parts(out, manifest_of(out)) == content_of_warehouse(out / WAREHOUSE) == old, moment
    assert jobs(source, out, "manifest:after", "--to", second, *settle) == KILLED
    new = content_of_parts(out, manifest_of(out))
    assert broken_parts(out, manifest_of(out)) == []
    assert new != old
    assert content_of_warehouse(out / WAREHOUSE) == old, "whole, and of the state before"
    # The next runs have nothing to read, and the DuckDB file to bring up to date.
    for moment, expected in (("swap:before", old), ("swap:after", new)):
        assert jobs(source, out, moment, "--to", second, *settle) == KILLED
        assert content_of_warehouse(out / WAREHOUSE) == expected, moment
    assert jobs(source, out, "clean:1", "--to", third, *settle) == KILLED
    assert jobs(source, out, None, *settle) in (0, 3)
    assert faults(out) == [], "no leftovers stay"
    assert batch(source, tmp_path / "at_once") in (0, 3)
    assert differences(facts(out), facts(tmp_path / "at_once")) == []
    assert compare(tenant / "truth", out / WAREHOUSE) == []
