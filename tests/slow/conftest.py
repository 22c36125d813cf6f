"""The emulator, outputs and datasets that the quicker tests use, too."""

from tests.integration.conftest import dataset, made, output, server, target

__all__ = ["dataset", "made", "output", "server", "target"]
