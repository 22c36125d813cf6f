"""The lock of an output in a bucket, against a storage server over sockets: one run at a time, whatever dies."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import uuid

import pytest
from apache_beam.internal.gcp import auth

from pipelines import lock
from pipelines.cli import main
from pipelines.datasets import read_bytes, read_manifest, write_manifest
from pipelines.lock import FILE, LockedError, only_run
from tests.emulators import storage, storage_proxy
from tests.integration import test_gcs


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with storage.storage_emulator(tmp_path_factory.mktemp("gcs")) as found:
        yield found


@pytest.fixture
def bucket(emulator, monkeypatch):
    """A new bucket, behind the proxy that keeps to the preconditions as the service does."""
    name = f"b-{uuid.uuid4().hex}"
    emulator.make_bucket(name)
    with storage_proxy.storage_proxy(emulator.url) as proxy:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", proxy.url)
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
        monkeypatch.setattr(auth._Credentials, "_credentials_init", True)
        monkeypatch.setattr(auth._Credentials, "_credentials", None)
        yield f"gs://{name}"


@pytest.fixture
def output(bucket):
    return f"{bucket}/o"


def holder(output):
    return json.loads(read_bytes(f"{output}/{FILE}"))


def names(output):
    return test_gcs.names_in(output)


def test_the_second_run_leaves_and_the_third_may(output):
    with only_run(output):
        with pytest.raises(LockedError, match=f"another run works on {output} .*pid"), only_run(output):
            pass
        assert names(output) == [FILE], "the one that left has not taken the lock with it"
    assert names(output) == []
    with only_run(output):
        pass


def test_of_many_at_once_one_has_it(output):
    inside, refused = [], []
    start, end = threading.Barrier(6), threading.Event()

    def run(number):
        start.wait()
        try:
            with only_run(output):
                inside.append(number)
                end.wait(30)
        except LockedError:
            refused.append(number)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 30
    while len(inside) + len(refused) < 6 and time.monotonic() < until:
        time.sleep(0.01)
    end.set()
    for thread in threads:
        thread.join()
    assert (len(inside), len(refused)) == (1, 5)


def test_the_lock_of_a_killed_run_ends_with_its_lease(output, monkeypatch):
    killed = (
        "import os, signal, sys; from pipelines.lock import only_run\n"
        "with only_run(sys.argv[1]): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", killed, output], check=False).returncode == -9
    with pytest.raises(LockedError), only_run(output):
        pass
    until = holder(output)["until"]
    monkeypatch.setattr(time, "time", lambda: until + 1)
    with only_run(output):
        assert holder(output)["until"] == pytest.approx(until + 1 + lock.LEASE)


def test_a_long_run_keeps_it(output, monkeypatch):
    monkeypatch.setattr(lock, "LEASE", 1.0)
    monkeypatch.setattr(lock, "RENEW", 0.1)
    with only_run(output):
        time.sleep(2.0)
        with pytest.raises(LockedError), only_run(output):
            pass


def test_a_run_that_stood_still_publishes_nothing(output, monkeypatch):
    """It wakes up when another has taken over and published; it must see that before it makes its own visible."""
    monkeypatch.setattr(lock, "LEASE", 0.5)
    with only_run(output):
        time.sleep(0.6)  # the thread that renews it sleeps, too: its turn comes after 30 s
        stands_still = lock._held.pop(output)
        with only_run(output):
            write_manifest(output, {"run": {"run_id": "the other"}}, [])
            lock._held[output] = stands_still
            with pytest.raises(LockedError, match="is lost: it was not renewed"):
                write_manifest(output, {"run": {"run_id": "this one"}}, [])
            assert read_manifest(output)["run"]["run_id"] == "the other"
    assert names(output) == ["manifest.json"]


def test_the_job_tells_who_is_at_work_and_changes_nothing(output, bucket, capsys):
    source = f"{bucket}/in"
    line = {"id": "a", "eventName": "FACILITY_UPDATED", "created": "2026-06-01T12:00:00Z", "payload": {"id": "f"}}
    test_gcs.write_bytes(f"{source}/2026-06-01/a.ndjson", json.dumps(line).encode() + b"\n")
    words = ["batch", "--input", source, "--output", output, "--quiet", "--workers", "1"]
    with only_run(output):
        assert main(words) == 5
        assert f"another run works on {output} (host " in capsys.readouterr().err
        assert names(output) == [FILE]
    assert main(words) == 0
    assert "manifest.json" in names(output)
    assert FILE not in names(output)
