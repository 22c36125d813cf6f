"""The flex template of the streaming job: what its launcher hands to Dataflow, against an emulator of Cloud Storage."""

import json
import re
import uuid

import pytest

from pipelines import flex
from pipelines.cli import main as flowfacts
from tests.emulators.storage import storage_emulator

WORKER = "europe-west1-docker.pkg.dev/p/flowfacts/worker@sha256:" + "2" * 64


@pytest.fixture
def buckets(tmp_path, monkeypatch):
    with storage_emulator(tmp_path) as emulator:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
        names = [f"{kind}-{uuid.uuid4().hex}" for kind in ("output", "temp")]
        for name in names:
            emulator.make_bucket(name)
        yield emulator, *names


def test_the_launcher_hands_over_the_graph_and_does_not_wait(buckets, capsys):
    emulator, output, temp = buckets
    code = flex.main(
        [
            # as the launcher gives them: first the parameters, then what Dataflow decides
            "--subscription=projects/test-project/subscriptions/s",
            f"--output=gs://{output}/facts",
            "--flush_seconds=20",
            "--as_of=",
            "--runner=DataflowRunner",
            "--project=test-project",
            "--region=europe-west1",
            "--job_name=flowfacts-stream",
            f"--temp_location=gs://{temp}/tmp",
            f"--staging_location=gs://{temp}/staging",
            f"--template_location=gs://{temp}/staging/template_launches/1/job_object",
            f"--sdk_container_image={WORKER}",
            "--sdk_location=container",
            "--service_account_email=worker@p.iam.gserviceaccount.com",
            "--no_auth",
        ]
    )
    assert code == 0, capsys.readouterr().err
    job = json.loads(emulator.objects(temp)["staging/template_launches/1/job_object"])
    assert job["name"].startswith("flowfacts-stream")
    assert job["type"] in ("JOB_TYPE_STREAMING", 2)
    pool = job["environment"]["workerPools"][0]
    assert {i["containerImage"] for i in pool["sdkHarnessContainerImages"]} == {WORKER}
    # Nothing is installed when a worker starts.
    assert not [n for n in emulator.objects(temp) if re.search(r"requirements|setup|\.whl|\.tar\.gz", n)]


def test_what_dataflow_refuses_is_told_with_its_reason(capsys, tmp_path):
    code = flex.main(["--subscription=projects/p/subscriptions/s", f"--output={tmp_path}", "--project=p", "--no_auth"])
    assert code == 1
    assert "Invalid Project ID (p)" in capsys.readouterr().err


def test_parameters_are_the_options_of_the_command():
    told = {p["name"]: p for p in flex.metadata()["parameters"]}
    assert {n for n, p in told.items() if not p["isOptional"]} == {"subscription", "output"}
    assert {"bigquery", "settled", "flush_seconds", "deadline_order_days", "max_flow_events", "shards"} <= told.keys()
    assert not told.keys() & {"runner", "json", "log", "idle_exit", "topic"}


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("subscription", "projects/p/subscriptions/s", "projects/p/topics/t"),
        ("output", "gs://b/facts", "/data/facts"),
        ("bigquery", "my-project.flowfacts", "flowfacts"),
        ("flush_seconds", "2.5", "soon"),
        ("as_of", "2026-06-24T00:00:00Z", "yesterday"),
    ],
)
def test_a_parameter_of_the_wrong_shape_is_refused_before_a_launch(name, good, bad):
    (shape,) = {p["name"]: p for p in flex.metadata()["parameters"]}[name]["regexes"]
    assert re.search(shape, good)
    assert not re.search(shape, bad)


def test_a_launch_without_a_subscription_fails_with_the_codes_of_the_command(capsys):
    with pytest.raises(SystemExit) as left:
        flex.main(["--output=gs://b/facts"])
    assert left.value.code == 2
    with pytest.raises(SystemExit) as same:
        flowfacts(["stream", "--output", "gs://b/facts"])
    assert same.value.code == 2
    assert "--subscription" in capsys.readouterr().err


def test_dataflow_is_the_runner_unless_another_is_named():
    assert flex.arguments(["--subscription=s"]) == ["stream", "--subscription=s", "--runner=DataflowRunner"]
    assert flex.arguments(["--runner=X", "--max_flow_events=5"]) == ["stream", "--runner=X", "--max-flow-events=5"]
