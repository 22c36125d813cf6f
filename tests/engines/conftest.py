"""What every engine computes: a tenant with its facts for the batch job, a day of messages for the stream."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.simulator.run import Plan, simulate
from tests.engines.jobs import CUT
from tests.runs import batch, facts
from tests.wire_fixtures import emulator, export, wire

__all__ = ["direct", "emulator", "export", "source", "wire"]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tenant")
    simulate(Plan(folder / "t", 2, 1000, 5, "heavy", "2026-06-01", 1))
    return folder / "t" / "export"


@pytest.fixture(scope="session")
def direct(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    out = tmp_path_factory.mktemp("direct") / "out"
    assert batch(source, out) == CUT
    return facts(out)
