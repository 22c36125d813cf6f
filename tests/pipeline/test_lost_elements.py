"""A runner that loses elements between two steps, without an error. `tests/slow` loses every chunk, and in workers."""

from __future__ import annotations

import pytest

from pipelines.running import UNBALANCED
from pipelines.simulator.run import Plan, simulate
from tests.leaks import Leak
from tests.runs import batch
from transforms.moves import Moves, told


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tenant")
    simulate(Plan(folder / "t", 2, 12, 5, "heavy", "2026-06-01", 1))
    return folder / "t" / "export"


def test_one_process_has_no_second_try(tenant, tmp_path, monkeypatch):
    Leak(monkeypatch.setattr).arm(None, 4096)
    assert batch(tenant, tmp_path / "out", "--buckets", "2") == UNBALANCED


def test_edges_that_agree_are_not_told():
    moves = Moves()
    moves.add(told(sent={"a": 2, "b": 1}))
    moves.add(told(received={"a": 2}))
    moves.add(told(received={"c": 3}, sent={"d": 0}))
    assert moves.lost() == {"b": (1, 0), "c": (0, 3)}
