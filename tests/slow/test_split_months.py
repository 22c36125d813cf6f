"""Months across both changes of the clock: the parts of every order, against brute force on the drawn truth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.simulator.run import Plan, simulate
from tests import split_truth
from tests.runs import batch
from transforms.clock import parse_time

CALENDAR = str(Path(__file__).parents[1] / "golden" / "calendar.yaml")


@pytest.mark.parametrize("first", ["2026-03-12", "2026-10-09", "2026-05-20"], ids=["march", "october", "holidays"])
def test_a_month(tmp_path, first):
    simulate(Plan(tmp_path / "t", 32, 40, 5, "heavy", first, 1))
    assert batch(tmp_path / "t" / "export", tmp_path / "o", "--calendar", CALENDAR) in (0, 3)
    as_of = parse_time(json.loads((tmp_path / "t" / "truth" / "books.json").read_text())["as_of"])
    expected = split_truth.expected(tmp_path / "t" / "truth", as_of)
    assert len(expected) > 1200
    assert split_truth.told(tmp_path / "o" / "warehouse.duckdb") == expected
