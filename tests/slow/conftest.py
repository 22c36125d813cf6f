"""The emulators, outputs and messages that other tests use, too."""

from tests.integration.conftest import dataset, made, output, server, target
from tests.wire_fixtures import emulator, export, wire

__all__ = ["dataset", "emulator", "export", "made", "output", "server", "target", "wire"]
