"""What every engine computes: a tenant with its facts for the batch job, a day of messages for the stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.simulator.run import Plan, simulate
from tests.emulators.pubsub import OWN, Emulator, running
from tests.engines.jobs import CUT
from tests.runs import batch, facts
from tests.wire import Wire, heavy_day, wired


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


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return heavy_day(tmp_path_factory.mktemp("day"))


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(OWN, tmp_path_factory.mktemp("pubsub")) as found:
        yield found


@pytest.fixture
def wire(emulator: Emulator, tmp_path: Path) -> Wire:
    return wired(emulator, tmp_path)
