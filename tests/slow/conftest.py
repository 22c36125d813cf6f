"""The dataset in the BigQuery emulator that the quicker tests use, too."""

from tests.integration.conftest import dataset, output, server

__all__ = ["dataset", "output", "server"]
