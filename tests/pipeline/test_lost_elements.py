"""A runner that loses elements between two steps, without an error. `tests/slow` loses every chunk once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipelines.running import UNBALANCED
from pipelines.simulator.run import Plan, simulate
from tests.leaks import Leak
from tests.runs import batch, differences, facts
from transforms.moves import Moves, told


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tenant")
    simulate(Plan(folder / "t", 2, 12, 5, "heavy", "2026-06-01", 1))
    return folder / "t" / "export"


def test_what_workers_lose_is_computed_again_in_one_process(tenant, tmp_path):
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


def test_one_process_has_no_second_try(tenant, tmp_path, monkeypatch):
    Leak(monkeypatch.setattr).arm(None, 4096)
    assert batch(tenant, tmp_path / "out", "--buckets", "2") == UNBALANCED


def test_edges_that_agree_are_not_told():
    moves = Moves()
    moves.add(told(sent={"a": 2, "b": 1}))
    moves.add(told(received={"a": 2}))
    moves.add(told(received={"c": 3}, sent={"d": 0}))
    assert moves.lost() == {"b": (1, 0), "c": (0, 3)}
