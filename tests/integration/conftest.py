"""What the tests of a worker share and none of them changes: facts of a tenant, a BigQuery emulator, outputs for it."""

from __future__ import annotations

import pytest

from pipelines.bigquery.apply import apply
from pipelines.bigquery.load import load
from tests.emulators.bigquery import running
from tests.integration.bigquery_data import outputs
from tests.serving import demo


@pytest.fixture(scope="session")
def facts(tmp_path_factory):
    """The output of a few days; the tenant lies beside it."""
    return demo(tmp_path_factory.mktemp("shared"), days=4, orders=60)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("bigquery")) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    return outputs(tmp_path_factory.mktemp("outputs"))


@pytest.fixture(scope="session")
def output(made):
    return made[1]


@pytest.fixture(scope="session")
def dataset(server, output):
    target = server.target()
    apply(target)
    load(str(output), target)
    return target


@pytest.fixture
def target(server):
    """An empty dataset of the test's own."""
    found = server.target()
    apply(found)
    return found
