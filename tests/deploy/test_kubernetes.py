"""The manifests for a cluster of one's own: schemas, policies, and that they ask for what images and commands have."""

import argparse
import importlib
import json
import re
import shutil
import subprocess
import tomllib

import pytest

from pipelines.cli import main
from pipelines.commands import COMMANDS
from tests.environments import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
LOAD = "import json, sys, yaml\nprint(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))"


@pytest.fixture(scope="module")
def read(checks):
    return lambda file: json.loads(checks("python", "-c", LOAD, file))


@pytest.fixture(scope="module")
def rendered(read):
    """What `kubectl kustomize` makes of the folder of Flink: everything there is."""
    return {(d["kind"], d["metadata"]["name"]): d for d in _render(read, KUBERNETES / "flink")}


def _render(read, folder):
    (wanted,) = read(folder / "kustomization.yaml")
    found = []
    for name in wanted["resources"]:
        place = (folder / name).resolve()
        found += _render(read, place) if place.is_dir() else read(place)
    for patch in wanted.get("patches", ()):
        (hit,) = [d for d in found if (d["kind"], d["metadata"]["name"]) == tuple(patch["target"].values())]
        args = re.findall(r"^ +- (\S.*)$", patch["patch"].split("value:")[1], re.MULTILINE)
        assert "path: /spec/jobTemplate/spec/template/spec/containers/0/args" in patch["patch"]
        hit["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"] = args
    for image in wanted.get("images", ()):
        mark = f"@{image['digest']}" if "digest" in image else f":{image['newTag']}"
        for container in (c for d in found for c in _containers(d)):
            if container["image"] == image["name"]:
                container["image"] = image.get("newName", image["name"]) + mark
    return found


def _pod(document):
    spec = document.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    return spec.get("template", {}).get("spec", {})


def _containers(document):
    pod = _pod(document)
    return [*pod.get("initContainers", ()), *pod.get("containers", ())]


def test_what_is_tested_is_what_kubectl_makes(rendered, checks, tmp_path):
    kubectl = shutil.which("kubectl")
    assert len(rendered) >= 15
    if kubectl is None:
        return  # the schemas and policies below look at the same documents
    made = subprocess.run([kubectl, "kustomize", str(KUBERNETES / "flink")], capture_output=True, text=True, check=True)
    (tmp_path / "made.yaml").write_text(made.stdout)
    documents = json.loads(checks("python", "-c", LOAD, tmp_path / "made.yaml"))
    assert {(d["kind"], d["metadata"]["name"]): d for d in documents} == rendered


def test_manifests_fit_the_published_schemas_and_the_policies(rendered, checks, tmp_path):
    file = tmp_path / "all.yaml"
    file.write_text("\n---\n".join(json.dumps(d) for d in rendered.values()))
    told = checks("kubernetes-validate", "--strict", file)
    assert told.count("passed for resource") == len(rendered)
    found = json.loads(
        checks("checkov", "--file", file, "--framework", "kubernetes", "--compact", "--skip-download", "--config-file",
               KUBERNETES / "checkov.yaml", "--output", "json")
    )  # fmt: skip
    assert found["summary"]["failed"] == 0
    assert found["summary"]["passed"] > 500


def test_a_manifest_that_is_wrong_is_found(rendered, checks, tmp_path):
    wrong = json.loads(json.dumps(rendered["CronJob", "flowfacts-batch"]))
    wrong["spec"]["jobTemplate"]["spec"]["backoffLimits"] = 2
    (tmp_path / "wrong.yaml").write_text(json.dumps(wrong))
    checks("kubernetes-validate", "--strict", tmp_path / "wrong.yaml", code=1)


def test_containers_are_asked_for_what_they_have(rendered):
    seen = set()
    for document in rendered.values():
        for container in _containers(document):
            if "flowfacts/jobs@" not in container["image"]:
                continue
            command, *rest = container["args"]
            parser = argparse.ArgumentParser()
            importlib.import_module(COMMANDS[command].module).add_arguments(parser)
            own = {o for a in parser._actions for o in a.option_strings}
            given = {w.split("=")[0] for w in rest if w.startswith("--")}
            beam = {
                "--job_endpoint",
                "--artifact_endpoint",
                "--environment_type",
                "--environment_config",
                "--sdk_location",
            }
            assert given <= own | (beam if COMMANDS[command].beam else set()), command
            seen.add(command)
    assert seen == {"mirror", "batch", "status", "land", "dashboard"}


def test_the_configuration_is_one(rendered, tmp_path, monkeypatch, capsys):
    text = rendered["ConfigMap", "flowfacts"]["data"]["flowfacts.toml"]
    assert tomllib.loads(text)["batch"]["input"] == tomllib.loads(text)["mirror"]["to"]
    (tmp_path / "flowfacts.toml").write_text(text)
    monkeypatch.setenv("FLOWFACTS_CONFIG", str(tmp_path / "flowfacts.toml"))
    assert main(["config", "check"]) == 0, capsys.readouterr()


def test_only_codes_that_another_try_may_mend_are_tried_again(rendered):
    for name in ("mirror", "batch", "status"):
        job = rendered["CronJob", f"flowfacts-{name}"]["spec"]
        assert job["concurrencyPolicy"] == "Forbid"
        (rule,) = job["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
        assert rule["action"] == "FailJob"
        assert rule["onExitCodes"]["values"] == [2, 4]
        assert rule["onExitCodes"]["containerName"] in {
            c["name"] for c in _containers(rendered["CronJob", f"flowfacts-{name}"])
        }
        (fine,) = [
            e["value"] for e in _containers(rendered["CronJob", f"flowfacts-{name}"])[0]["env"] if "FINE" in e["name"]
        ]
        assert fine == "3 5"


def test_flinks_parts_are_of_one_release_of_beam(rendered):
    lock = (ROOT / "deploy/requirements.lock").read_text()
    beam = re.search(r"^apache-beam(?:\[\w+\])?==(\S+)", lock, re.MULTILINE).group(1)
    images = {c["image"] for d in rendered.values() for c in _containers(d)}
    (server,) = [i for i in images if "job_server" in i]
    (flink,) = [i for i in images if i.startswith("flink:")]
    assert server.endswith(f":{beam}")
    assert re.search(r"flink(\d+\.\d+)_", server).group(1) == ".".join(flink.split(":")[1].split(".")[:2])
