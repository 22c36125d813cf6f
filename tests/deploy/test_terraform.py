"""Terraform without a provider: what can be told of the files themselves. `make terraform` validates and plans them."""

import argparse
import importlib
import json
import re
import shutil
import subprocess

import pytest

from pipelines.commands import COMMANDS
from schemas.signals import LIMITS
from tests.environments import ROOT

TERRAFORM = ROOT / "deploy" / "terraform"
FOLDERS = sorted({f.parent for f in TERRAFORM.rglob("*.tf")})
READ = """
import json, sys, hcl2
for name in sys.argv[1:]:
    with open(name) as file:
        print(json.dumps(hcl2.load(file)))
"""


@pytest.fixture(scope="module")
def files(checks):
    """The content of every file, by its path."""
    names = [f for f in sorted(TERRAFORM.rglob("*.tf")) if ".terraform" not in f.parts]
    return dict(zip(names, map(json.loads, checks("python", "-c", READ, *names).splitlines()), strict=True))


def blocks(files, kind):
    """Give `(file, names, body)` of every block of a kind."""
    for file, content in files.items():
        for block in content.get(kind, []):
            names = []
            body = block
            while isinstance(body, dict) and len(body) == 1 and isinstance(next(iter(body.values())), dict):
                name, body = next(iter(body.items()))
                names.append(name.strip('"'))
            yield file, names, {key: _plain(value) for key, value in body.items()}


def _plain(value):
    """Take a value out of the list that the reader puts it into; blocks stay lists."""
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], dict):
        return _plain(value[0])
    return value.strip('"') if isinstance(value, str) else value


def test_files_are_formatted():
    found = shutil.which("terraform") or shutil.which("tofu")
    if found is None:  # then at least what the formatter would change most often
        texts = [f.read_text() for f in TERRAFORM.rglob("*.tf*") if f.is_file()]
        assert not [t for t in texts if re.search(r"\t|[ ]+$", t, re.MULTILINE) or not t.endswith("\n")]
        return
    done = subprocess.run(
        [found, "fmt", "-check", "-recursive", "-diff", str(TERRAFORM)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_variables_and_outputs_say_what_they_are(files):
    seen = 0
    for kind in ("variable", "output"):
        for file, names, body in blocks(files, kind):
            seen += 1
            assert body.get("description"), f"{file}: {names}"
            assert kind == "output" or "type" in body, f"{file}: {names}"
    assert seen > 80


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_a_module_uses_every_variable_that_it_declares(folder, files):
    declared = {names[0] for file, names, _ in blocks(files, "variable") if file.parent == folder}
    text = "".join(f.read_text() for f in folder.glob("*.tf"))
    used = set(re.findall(r"\bvar\.(\w+)", text))
    assert declared == used


def test_no_secret_can_get_into_the_state(files):
    kinds = {names[0] for _, names, _ in blocks(files, "resource")}
    assert "google_secret_manager_secret" in kinds
    assert not kinds & {
        "google_secret_manager_secret_version", "google_service_account_key", "google_storage_hmac_key",
        "random_password", "tls_private_key",
    }  # fmt: skip


def test_no_role_is_wider_than_a_job_needs(files):
    text = "\n".join(f.read_text() for f in files)
    roles = set(re.findall(r'"(roles/[\w.]+)"', text))
    assert roles
    assert not [r for r in roles if re.search(r"roles/(owner|editor|viewer)$|[aA]dmin$", r)]
    # On the project as a whole only what can't be granted on less.
    for file, names, body in blocks(files, "resource"):
        if names[0] == "google_project_iam_member":
            role = body["role"]
            assert role in {"roles/bigquery.jobUser", "roles/dataflow.worker"} or "launcher" in role, (file, role)
        assert not names[0].endswith(("_iam_binding", "_iam_policy")), f"{file}: takes rights of others away"


def test_what_holds_data_is_not_destroyed_by_a_plan(files):
    kept = {
        names[0]
        for _, names, body in blocks(files, "resource")
        if any(_plain(b.get("prevent_destroy")) is True for b in body.get("lifecycle", []))
    }
    assert kept == {"google_storage_bucket", "google_bigquery_dataset"}


def test_the_arguments_of_the_jobs_are_options_of_their_commands():
    text = (TERRAFORM / "examples" / "complete" / "jobs.tf").read_text()
    found = re.findall(r'\[\s*"(\w+)", ("--[^]]*|"apply"[^]]*)', text)
    assert {c for c, _ in found} >= {"batch", "status", "mirror", "land", "bigquery"}
    for command, rest in re.findall(r'\["(\w+)",([^]]*)\]', text.replace("\n", " ").replace("[          ", "[")):
        if command not in COMMANDS:
            continue
        parser = argparse.ArgumentParser()
        importlib.import_module(COMMANDS[command].module).add_arguments(parser)
        known = _options(parser)
        assert set(re.findall(r'"(--[a-z-]+)"', rest)) <= known, command


def _options(parser):
    known = set()
    for action in parser._actions:
        known |= set(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                known |= _options(sub)
    return known


def test_limits_are_those_of_the_declaration():
    declared = json.loads((TERRAFORM / "modules/monitoring/signals.json").read_text())
    assert declared["limits"] == {name: default for name, (default, _) in LIMITS.items()}
    asked = {p.strip("{}") for m in declared["metrics"].values() for p in m["filter"] if p.startswith("{")}
    assert asked == set(LIMITS)


def test_policies_hold(checks):
    told = checks(
        "checkov", "--directory", TERRAFORM / "examples" / "complete", "--framework", "terraform", "--compact",
        "--skip-download", "--var-file", TERRAFORM / "examples/complete/tests/everything.tfvars", "--output", "json",
    )  # fmt: skip
    found = json.loads(told)
    assert found["summary"]["failed"] == 0
    assert found["summary"]["parsing_errors"] == 0
    assert found["summary"]["passed"] >= 30
    assert all(s["check_result"]["suppress_comment"] for s in found["results"]["skipped_checks"])
