"""Pub/Sub servers of their own processes, a tenant whose events are sent to them, and what lands them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import main
from tests.emulators.pubsub import GOOGLE, OWN, Emulator, kinds, running
from tests.landing import Landing


@pytest.fixture(scope="session")
def own(tmp_path_factory) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("own")
    with running(OWN, folder, "--keep-publish-time", "--pull-wait", "0.2") as emulator:
        yield emulator


@pytest.fixture(scope="session")
def slow_acks(tmp_path_factory) -> Iterator[Emulator]:
    """A server that takes its time with acknowledgements, so that one can be caught in between."""
    options = ("--keep-publish-time", "--pull-wait", "0.2", "--acknowledge-delay", "0.5")
    with running(OWN, tmp_path_factory.mktemp("slow"), *options) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def google(tmp_path_factory) -> Iterator[Emulator]:
    with running(GOOGLE, tmp_path_factory.mktemp("google")) as emulator:
        yield emulator


@pytest.fixture(params=kinds())
def emulator(request) -> Emulator:
    found: Emulator = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def land() -> Iterator[Any]:
    """Starts landings, and ends those that a failed test leaves."""
    started: list[Landing] = []

    def start(*given: Any, **more: Any) -> Landing:
        started.append(Landing(*given, **more))
        return started[-1]

    yield start
    for landing in started:
        landing.process.kill()
        landing.process.communicate()


@pytest.fixture(scope="session")
def tenant(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tenant")
    command = ["--days", "2", "--orders-per-day", "40", "--seed", "5", "--faults", "heavy", "--workers", "1"]
    assert main(["simulate", "--output", str(folder), *command]) == 0
    return folder
