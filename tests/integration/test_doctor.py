"""`flowfacts doctor` against emulators on real sockets, with one thing wrong at a time."""

import ctypes
import errno
import gzip
import json
import os
import resource
import socket
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apache_beam.internal.gcp import auth

from pipelines import cli
from pipelines.bigquery.apply import apply
from tests.emulators.bigquery import PROJECT, running
from tests.emulators.fault_proxy import proxy as fault_proxy
from tests.emulators.platform_api import KEY, PASSWORD, USER, platform_api
from tests.emulators.pubsub_server import Broker, serve
from tests.emulators.storage import storage_emulator
from tests.emulators.storage_proxy import DOWNLOAD, LIST, Fault, storage_proxy

ROOT = Path(__file__).parents[2]
LINE = b'{"id": "1", "eventName": "order-created_event-v1", "created": "2026-06-01T00:00:00Z", "payload": {}}\n'
TODAY = datetime.now(UTC).date().isoformat()


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("FLOWFACTS_") or name.endswith("_EMULATOR_HOST"):
            monkeypatch.delenv(name)
    # Beam keeps the credentials of the first look for the whole process.
    monkeypatch.setattr(auth._Credentials, "_credentials_init", False)
    monkeypatch.setattr(auth._Credentials, "_credentials", None)


@pytest.fixture
def doctor(capsys):
    def examine(*words):
        code = cli.main(["doctor", "--json", *map(str, words)])
        found = json.loads(capsys.readouterr().out)
        assert code == (0 if found["healthy"] else 1)
        assert found["failed"] == sum(f["state"] == "fail" for f in found["findings"])
        assert all(f["fix"] for f in found["findings"] if f["state"] != "ok")
        return found["findings"]

    return examine


def of(findings, area):
    return [(f["state"], f["found"]) for f in findings if f["area"] == area]


def failed(findings):
    return [(f["area"], f["found"], f["fix"]) for f in findings if f["state"] == "fail"]


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def export(folder, day=TODAY, data=None):
    (folder / day).mkdir(parents=True)
    (folder / day / "a.ndjson.gz").write_bytes(gzip.compress(LINE) if data is None else data)
    return folder


# --- The machine ---


def test_a_machine_that_is_fine(doctor, tmp_path):
    found = doctor("--input", export(tmp_path / "in"), "--output", tmp_path / "out")
    assert failed(found) == []
    assert {f["area"] for f in found} == {
        "python", "packages", "machine", "configuration", "temporary files", "input", "output",
    }  # fmt: skip
    assert [f for f in os.listdir(tmp_path) if "doctor" in f] == []
    assert not (tmp_path / "out").exists()


def test_what_is_told_for_people(tmp_path, capsys):
    assert cli.main(["doctor", "--input", str(tmp_path / "gone"), "--quiet"]) == 1
    shown = capsys.readouterr().out
    assert "fail input" in shown
    assert "-> name the folder with the day folders" in shown
    assert "ok " not in shown


def test_the_configuration_names_what_is_looked_at(doctor, tmp_path):
    export(tmp_path / "in")
    (tmp_path / "flowfacts.toml").write_text(
        '[common]\noutput = "out"\n[batch]\ninput = "in"\nworkesr = 2\n[mirror]\nbucket = "vendor"\nkey = "gone.json"\n'
    )
    found = doctor("--clock-url", f"http://127.0.0.1:{closed_port()}")
    told = failed(found)
    assert [t[0] for t in told] == ["configuration", "vendor bucket"]
    assert "did you mean workers?" in told[0][1]
    assert "gone.json" in told[1][1]
    assert {"input", "output"} <= {f["area"] for f in found}


def test_a_package_that_is_missing_or_another_one(doctor, monkeypatch):
    monkeypatch.setattr(
        "pipelines.doctoring.machine.metadata.requires",
        lambda name: ["not-there>=1", "apache-beam[gcp]==1.2.*", 'ruff; extra == "dev"'],
    )
    ((area, told, _),) = failed(doctor())
    assert area == "packages"
    assert "not-there is not installed" in told
    assert "wanted 1.2.*" in told
    assert "ruff" not in told


# --- The disk; faults that the system enforces ---


def child(*words, before=None, **env):
    command = [sys.executable, "-m", "pipelines.cli", "doctor", "--json", *map(str, words)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=before, env={**os.environ, **env}
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)["findings"]


def test_a_disk_on_which_no_file_can_grow(tmp_path):
    code, found = child("--output", tmp_path, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
    assert code == 1
    ((area, told, fix),) = failed(found)
    assert (area, os.strerror(errno.EFBIG) in told, "can't write a file in" in told) == ("output", True, True)
    assert "name another folder" in fix
    assert os.listdir(tmp_path) == []


def test_an_output_that_may_not_be_written(tmp_path):
    output = tmp_path / "out"
    output.mkdir()
    output.chmod(0o555)
    code, found = child("--output", output, before=obey_permissions)
    assert code == 1
    ((area, told, fix),) = failed(found)
    assert (area, "Permission denied" in told) == ("output", True)
    assert "let the user of the job write there" in fix


def obey_permissions():
    """Make permission bits count for root, too, in a child before it starts."""
    if os.geteuid() == 0:
        for capability in (1, 2):
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


def test_a_disk_that_is_nearly_full(doctor, tmp_path, monkeypatch):
    """What the system tells is changed on its way, for no disk of a test may be filled."""
    real = os.statvfs
    monkeypatch.setattr("os.statvfs", lambda p: _Room(real(p), bavail=100, favail=50))
    told = [t for t in failed(doctor("--output", tmp_path)) if t[0] == "output"]
    assert "GB free" in told[0][1]
    assert "make room" in told[0][2]
    assert "50 files can still be made" in told[1][1]
    assert "temporary files" in {t[0] for t in failed(doctor())}


class _Room:
    def __init__(self, real, bavail, favail):
        self.f_frsize, self.f_files = real.f_frsize, 1_000_000
        self.f_bavail, self.f_favail = bavail, favail


def test_an_output_that_is_a_file(doctor, tmp_path):
    (tmp_path / "out").write_text("x")
    ((_, told, _),) = failed(doctor("--output", tmp_path / "out"))
    assert told.endswith("is a file")


# --- The input ---


def test_an_input_that_is_empty_old_cut_or_missing(doctor, tmp_path):
    (tmp_path / "empty").mkdir()
    assert failed(doctor("--input", tmp_path / "empty"))[0][0] == "input"
    assert failed(doctor("--input", tmp_path / "gone"))[0][0] == "input"
    day = (datetime.now(UTC).date() - timedelta(days=9)).isoformat()
    found = of(doctor("--input", export(tmp_path / "old", day)), "input")
    assert ("warn", f"the newest day folder is {day}, 9 days old") in found
    whole = gzip.compress(LINE * 3)
    found = of(doctor("--input", export(tmp_path / "cut", data=whole[:10])), "input")
    assert [s for s, _ in found] == ["ok", "warn"]


# --- The clock ---


@pytest.fixture(scope="module")
def platform_server():
    with platform_api() as api:
        yield api


@pytest.fixture
def api(platform_server, monkeypatch):
    platform_server.reset()
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", platform_server.host)
    for name, value in (("KEY", KEY), ("USER", USER), ("PASSWORD", PASSWORD)):
        monkeypatch.setenv(f"FLOWFACTS_API_{name}", value)
    monkeypatch.setattr("pipelines.subscribing.platform._FIRST_WAIT", 0.001)
    return platform_server


@pytest.mark.parametrize(
    ("skew", "state"), [(0, "ok"), (4, "ok"), (30, "warn"), (-30, "warn"), (90, "fail"), (-3600, "fail")]
)
def test_the_clock_is_compared_with_that_of_a_server(doctor, api, skew, state):
    api.skew = skew
    ((found, told),) = of(doctor("--clock-url", api.url), "clock")
    assert found == state, told


def test_a_server_that_can_not_be_reached_is_no_clock(doctor):
    ((state, told),) = of(doctor("--clock-url", f"http://127.0.0.1:{closed_port()}"), "clock")
    assert (state, "can't be reached" in told) == ("warn", True)


# --- The platform ---


def test_the_platform(doctor, api, capsys):
    words = ("--base-url", api.url, "--project", "my-project", "--topic", "flowfacts")
    found = doctor(*words)
    assert [s for s, _ in of(found, "platform")] == ["ok", "warn"]
    assert failed(found) == []
    fix = next(f["fix"] for f in found if f["area"] == "platform" and f["state"] == "warn")
    assert cli.main(fix.split()[1:]) == 0  # it says what helps, and that helps
    capsys.readouterr()
    assert [s for s, _ in of(doctor(*words), "platform")] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [("PASSWORD", "hunter2", "user or password is wrong"), ("KEY", "hunter2", "API key"), ("USER", "", "USER not set")],
)
def test_wrong_credentials_of_the_platform(doctor, api, monkeypatch, name, value, told):
    monkeypatch.setenv(f"FLOWFACTS_API_{name}", value)
    found = doctor("--base-url", api.url)
    ((area, words, _),) = failed(found)
    assert (area, told in words, "hunter2" in json.dumps(found)) == ("platform", True, False)


def test_no_permission_at_the_platform(doctor, api):
    api.forbidden = True
    ((area, words, _),) = failed(doctor("--base-url", api.url))
    assert (area, "(403)" in words) == ("platform", True)


# --- Pub/Sub ---


@pytest.fixture
def broker(monkeypatch):
    made = Broker()
    server, port = serve(made)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{port}")
    from google.pubsub_v1 import PublisherClient, SubscriberClient

    from pipelines.landing.subscription import connect

    subscriber: SubscriberClient = connect()
    import grpc
    from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

    publisher = PublisherClient(transport=PublisherGrpcTransport(channel=grpc.insecure_channel(f"127.0.0.1:{port}")))
    publisher.create_topic(request={"name": "projects/test-project/topics/t"})
    subscriber.create_subscription(
        request={"name": "projects/test-project/subscriptions/s", "topic": "projects/test-project/topics/t"}
    )
    yield made
    subscriber.close()
    publisher.transport.close()
    server.stop(0)


NAME = "projects/test-project/subscriptions/s"


def test_a_subscription(doctor, broker):
    found = doctor("--subscription", NAME, "--clock-url", f"http://127.0.0.1:{closed_port()}")
    assert [s for s, _ in of(found, "subscription")] == ["ok", "ok"]
    assert ("warn", "PUBSUB_EMULATOR_HOST is set: an emulator is asked, not Google") in of(found, "credentials")


@pytest.mark.parametrize(
    ("name", "granted", "states", "told"),
    [
        ("projects/test-project/subscriptions/gone", None, ["fail"], "does not exist"),
        ("s", None, ["fail"], "is no subscription"),
        (NAME, {"pubsub.subscriptions.get"}, ["ok", "fail"], "no permission to pull"),
        (NAME, {"pubsub.subscriptions.consume"}, ["warn", "ok"], "can't be looked at"),
    ],
)
def test_a_subscription_that_can_not_be_used(doctor, broker, name, granted, states, told):
    broker.granted = granted
    found = of(doctor("--subscription", name, "--clock-url", f"http://127.0.0.1:{closed_port()}"), "subscription")
    assert [s for s, _ in found] == states
    assert any(told in words for _, words in found)


# --- Buckets ---


@pytest.fixture(scope="module")
def storage_server(tmp_path_factory):
    with storage_emulator(tmp_path_factory.mktemp("gcs")) as emulator, storage_proxy(emulator.url) as running_proxy:
        yield emulator, running_proxy


@pytest.fixture
def storage(storage_server, monkeypatch):
    emulator, running_proxy = storage_server
    running_proxy.reset()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", running_proxy.url)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    bucket = f"b-{uuid.uuid4().hex}"
    emulator.make_bucket(bucket)
    return emulator, running_proxy, bucket


def test_a_vendors_bucket(doctor, storage):
    emulator, running_proxy, bucket = storage
    assert [s for s, _ in of(doctor("--bucket", bucket, "--clock-url", emulator.url), "vendor bucket")] == ["warn"]
    emulator.put(bucket, f"{TODAY}/a.ndjson.gz", gzip.compress(LINE))
    assert [s for s, _ in of(doctor("--bucket", bucket, "--clock-url", emulator.url), "vendor bucket")] == ["ok", "ok"]
    running_proxy.faults = [Fault(DOWNLOAD, times=9, status=403)]
    told = failed(doctor("--bucket", bucket, "--clock-url", emulator.url))
    assert [t[0] for t in told] == ["vendor bucket"]
    assert "storage.objects.get" in told[0][1]
    running_proxy.reset()
    running_proxy.faults = [Fault(LIST, times=9, status=403)]
    told = failed(doctor("--bucket", bucket, "--clock-url", emulator.url))
    assert "no permission to list" in told[0][1]


def test_a_wrong_key_of_the_vendors_bucket(doctor, storage, tmp_path):
    emulator, _, bucket = storage
    (tmp_path / "key.json").write_text('{"type": "service_account", "private_key": "hunter2"}')
    found = doctor("--bucket", bucket, "--key", "key.json", "--clock-url", emulator.url)
    assert "has no client_email" in failed(found)[0][1]
    assert "hunter2" not in json.dumps(found)


# --- BigQuery ---


@pytest.fixture(scope="module")
def bigquery_server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("bigquery")) as emulator, fault_proxy(emulator.url, 1) as between:
        yield emulator, between


@pytest.fixture
def bigquery(bigquery_server, monkeypatch):
    emulator, between = bigquery_server
    between.watch(lambda number, method, path: None)
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", between.url)
    return emulator, between


def test_a_dataset(doctor, bigquery, capsys):
    emulator, between = bigquery
    target = emulator.target()
    name = f"{PROJECT}.{target.dataset}"
    words = ("--bigquery", name, "--clock-url", emulator.url)
    ((_, told, fix),) = [t for t in failed(doctor(*words)) if t[0] == "dataset"]
    assert (told, fix) == (f"{name} is not there", f"flowfacts bigquery apply --dataset {name}")
    assert cli.main(fix.split()[1:]) == 0  # it says what helps, and that helps
    capsys.readouterr()
    assert [s for s, _ in of(doctor(*words), "dataset")] == ["ok", "ok"]
    target.client.delete_table(target.table("stow_flow"))
    ((_, told, fix),) = [t for t in failed(doctor(*words)) if t[0] == "dataset"]
    assert (told.startswith("1 differences: stow_flow"), "bigquery apply" in fix) == (True, True)
    apply(target)
    between.watch(
        lambda n, method, path: "403" if (method == "POST" and "/jobs" in path) or "/queries" in path else None
    )
    ((_, told, fix),) = [t for t in failed(doctor(*words)) if t[0] == "dataset"]
    assert "no permission" in told
    assert "roles/bigquery.jobUser" in fix
    between.watch(lambda n, method, path: "403")
    ((_, told, fix),) = [t for t in failed(doctor(*words)) if t[0] == "dataset"]
    assert "schemas/docs/bigquery.md" in told + fix
