"""A bucket of the Cloud Storage emulator behind a proxy that injects faults, and the command that mirrors it."""

import json
import uuid

import pytest

from pipelines.cli import main
from tests.emulators.storage import storage_emulator
from tests.emulators.storage_proxy import storage_proxy


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    with storage_emulator(tmp_path_factory.mktemp("gcs")) as running:
        yield running


@pytest.fixture(scope="session")
def running_proxy(emulator):
    with storage_proxy(emulator.url) as running:
        yield running


@pytest.fixture
def proxy(running_proxy, monkeypatch):
    running_proxy.reset()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", running_proxy.url)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    # Waits between tries are drawn; the tests take the shortest.
    monkeypatch.setattr("pipelines.mirroring.copying._FIRST_WAIT", 0.02)
    return running_proxy


@pytest.fixture
def bucket(emulator, proxy):
    name = f"b-{uuid.uuid4().hex}"
    emulator.make_bucket(name)
    return name


@pytest.fixture
def mirror(capsys, tmp_path, bucket):
    """Run a mirror and give its exit code, its JSON and its errors."""

    def run(*options, to=tmp_path / "to", source=None):
        capsys.readouterr()
        code = main(["mirror", "--bucket", source or bucket, "--to", str(to), "--json", "--give-up", "5", *options])
        out, err = capsys.readouterr()
        return code, json.loads(out) if out else None, err

    return run


@pytest.fixture
def to(tmp_path):
    return tmp_path / "to"
