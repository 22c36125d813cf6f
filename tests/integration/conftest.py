"""A dataset in the BigQuery emulator, and the output it was loaded from; of a module that asks for them."""

from __future__ import annotations

import pytest

from pipelines.bigquery.apply import apply
from pipelines.bigquery.load import load
from tests.emulators.bigquery import running
from tests.integration.bigquery_data import outputs


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("bigquery")) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    return outputs(tmp_path_factory.mktemp("outputs"))[1]


@pytest.fixture(scope="module")
def dataset(server, output):
    target = server.target()
    apply(target)
    load(str(output), target)
    return target
