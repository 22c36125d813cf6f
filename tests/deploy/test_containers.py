"""The recipes of the images, and the scripts around them. tests/wheel/test_wheel.py runs their steps."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import tomllib

import pytest

from tests.environments import ROOT

CONTAINERS = ROOT / "deploy" / "containers"
RECIPES = sorted(CONTAINERS.glob("*.Dockerfile"))
SCRIPTS = [
    CONTAINERS / "build.sh",
    CONTAINERS / "run-job",
    ROOT / "deploy/stream.sh",
    ROOT / "deploy/terraform/check.sh",
]


def pins(lock):
    """Give the versions of every package of a lock file; one for several Pythons may have two."""
    found = {}
    for name, version in re.findall(r"^([a-z0-9_.-]+)(?:\[[^]]*\])?==([^\s;]+)", lock.read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def test_recipes_follow_the_rules_of_hadolint(checks):
    assert len(RECIPES) == 2
    assert checks("hadolint", *RECIPES) == ""


def test_recipes_follow_the_policies(checks):
    found = json.loads(
        checks("checkov", "--file", *RECIPES, "--framework", "dockerfile", "--compact", "--skip-download",
               "--output", "json")
    )  # fmt: skip
    assert found["summary"]["failed"] == 0
    assert found["summary"]["passed"] > 50


def test_scripts_follow_the_rules_of_shellcheck(checks):
    assert checks("shellcheck", *SCRIPTS) == ""


def test_jobs_run_as_a_number_that_is_not_root():
    users = re.findall(r"^USER (.+)$", (CONTAINERS / "jobs.Dockerfile").read_text(), re.MULTILINE)
    assert users == ["10001:10001"]


@pytest.mark.parametrize("name", ["jobs", "worker"])
def test_images_have_the_releases_that_were_tested(name):
    tested, shipped = pins(ROOT / "deploy/requirements.lock"), pins(CONTAINERS / f"{name}.lock")
    assert len(shipped) > 80
    assert {n: v for n, v in shipped.items() if not v <= tested.get(n, set())} == {}
    assert not shipped.keys() & {"pytest", "mypy", "ruff", "hypothesis", "playwright"}
    assert ("starlette" in shipped) == (name == "jobs")


@pytest.mark.parametrize(("name", "extras"), [("jobs", ["dashboard"]), ("worker", [])])
def test_images_have_all_that_the_wheel_asks_for(name, extras):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(d for e in extras for d in project["optional-dependencies"][e])]
    names = {re.match(r"[\w.-]+", d).group().lower() for d in asked}
    assert names - pins(CONTAINERS / f"{name}.lock").keys() == set(), "run `make lock`"


def test_every_pin_has_a_hash():
    for lock in CONTAINERS.glob("*.lock"):
        entries = re.split(r"\n(?=[a-z0-9])", lock.read_text().strip())
        assert all("--hash=sha256:" in e for e in entries), lock


def test_bases_are_of_the_release_of_beam_and_of_one_python():
    bases = dict(re.findall(r"^(\w+_IMAGE)=(\S+)$", (CONTAINERS / "bases.env").read_text(), re.MULTILINE))
    asked = {n for r in RECIPES for n in re.findall(r"^ARG (\w+_IMAGE)$", r.read_text(), re.MULTILINE)}
    assert asked == set(bases)
    (beam,) = pins(ROOT / "deploy/requirements.lock")["apache-beam"]
    assert bases["BEAM_IMAGE"].endswith(f":{beam}")
    assert {re.sub(r"\D", "", re.search(r"python:?(3\.?\d+)", b).group(1)) for b in bases.values()} == {"311"}


@pytest.mark.parametrize("name", ["PROJECT", "REGION", "REPOSITORY", "TEMP_BUCKET"])
def test_the_build_stops_at_a_missing_variable(name):
    given = {"PROJECT": "p", "REGION": "r", "REPOSITORY": "x", "TEMP_BUCKET": "t"}
    del given[name]
    done = subprocess.run(
        [CONTAINERS / "build.sh", "all"], env={"PATH": os.environ["PATH"], **given}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert f"{name}: the" in done.stderr
    assert done.stdout == ""


def test_nothing_is_built_from_bases_that_nobody_has_pinned(tmp_path):
    """With stand-ins for docker that would build anything."""
    tree = tmp_path / "tree"
    shutil.copytree(CONTAINERS, tree / "deploy/containers")
    (tree / "deploy/containers/bases.lock").unlink(missing_ok=True)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("docker", "python"):
        (programs / name).write_text('#!/bin/sh\necho "$0 $*" >> "$CALLS"\n')
        (programs / name).chmod(0o755)
    done = subprocess.run(
        [tree / "deploy/containers/build.sh", "jobs"], capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": f"{programs}:{os.environ['PATH']}", "PROJECT": "p", "REGION": "r", "REPOSITORY": "x",
             "PYTHON": str(programs / "python"), "CALLS": str(tmp_path / "calls")},
    )  # fmt: skip
    assert done.returncode != 0
    assert "run" in done.stderr
    assert "pin" in done.stderr
    assert "docker" not in (tmp_path / "calls").read_text()


def test_the_template_is_current(tmp_path):
    from pipelines import flex

    assert json.loads((CONTAINERS / "stream.metadata.json").read_text()) == flex.metadata()


def job(tmp_path, script, *words, fine="3 5"):
    """Start run-job with a stand-in for flowfacts."""
    (tmp_path / "flowfacts").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "flowfacts").chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "RUN_JOB_FINE_CODES": fine}
    return subprocess.Popen([CONTAINERS / "run-job", *words], env=env, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("code", "told"), [(0, 0), (1, 1), (2, 2), (3, 0), (4, 4), (5, 0)])
def test_a_code_that_asks_for_nothing_is_no_failure_of_the_job(tmp_path, code, told):
    running = job(tmp_path, f'echo "$@"; exit {code}', "batch", "--input", "a b")
    assert running.communicate(timeout=20)[0] == "batch --input a b\n"
    assert running.returncode == told
    running = job(tmp_path, f"exit {code}", fine="")
    running.communicate(timeout=20)
    assert running.returncode == code


@pytest.mark.parametrize("fine", ["", "3 5"])
def test_a_signal_reaches_the_job_which_ends_in_its_own_time(tmp_path, fine):
    script = "trap 'sleep 0.3; echo closed; exit 0' TERM; echo begun; while :; do sleep 0.05; done"
    running = job(tmp_path, script, fine=fine)
    assert running.stdout.readline() == "begun\n"
    began = time.monotonic()
    running.send_signal(signal.SIGTERM)
    assert running.communicate(timeout=20)[0] == "closed\n"
    assert running.returncode == 0
    assert time.monotonic() - began >= 0.3


def test_a_job_that_is_not_there_is_a_failure(tmp_path):
    env = {"PATH": "/usr/bin:/bin", "RUN_JOB_FINE_CODES": "3 5"}
    done = subprocess.run([CONTAINERS / "run-job", "--version"], env=env, capture_output=True, check=False, timeout=20)
    assert done.returncode == 127
