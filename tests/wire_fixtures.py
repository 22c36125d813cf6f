"""A day of heavy faults, a Pub/Sub emulator, and a topic of it for each test; for conftest modules to import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.pubsub import OWN, Emulator, running
from tests.wire import Wire, heavy_day, wired


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
