"""One machine without a cloud: units, timers, the cron line and their configuration."""

import fcntl
import os
import re
import shutil
import subprocess

import pytest

from pipelines.cli import main
from tests.environments import ROOT

SYSTEMD = ROOT / "deploy" / "systemd"
UNITS = sorted([*SYSTEMD.glob("*.service"), *SYSTEMD.glob("*.timer")])
SERVICES = [u for u in UNITS if u.suffix == ".service"]
CRON = (ROOT / "deploy/cron/flowfacts").read_text()


@pytest.fixture(scope="module")
def analyze():
    found = shutil.which("systemd-analyze")
    assert found, "systemd-analyze is not here: apt-get install systemd"
    return lambda *words, **env: subprocess.run(
        [found, *map(str, words)], capture_output=True, text=True, check=False, env={**os.environ, **env}
    )


def here(folder):
    """Copy the units, with programs that are there in place of those that would be installed."""
    for unit in UNITS:
        text = unit.read_text()
        text = text.replace("/opt/flowfacts/.venv/bin/flowfacts", "/bin/true").replace(
            "=/etc/flowfacts/on-failure", "=/bin/true"
        )
        (folder / unit.name).write_text(text)
    return sorted(folder.iterdir())


def test_systemd_takes_every_unit_without_a_word(analyze, tmp_path):
    done = analyze("verify", "--man=no", *here(tmp_path), SYSTEMD_UNIT_PATH=f"{tmp_path}:")
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_systemd_would_tell_of_a_word_that_it_does_not_know(analyze, tmp_path):
    here(tmp_path)
    file = tmp_path / "flowfacts-batch.service"
    file.write_text(file.read_text().replace("RestartPreventExitStatus", "RestartNotExitStatus"))
    assert "RestartNotExitStatus" in analyze("verify", "--man=no", file, SYSTEMD_UNIT_PATH=f"{tmp_path}:").stderr


@pytest.mark.parametrize("unit", SERVICES, ids=lambda u: u.stem)
def test_a_service_can_do_little_besides_its_work(analyze, unit):
    done = analyze("security", "--offline=yes", "--no-pager", "--threshold=20", unit)  # of 100; a plain service has 96
    assert done.returncode == 0, done.stdout[-400:]


def test_exit_codes_mean_for_systemd_what_they_mean():
    keys = {
        u.stem.removeprefix("flowfacts-"): dict(re.findall(r"^(\w+)=(.+)$", u.read_text(), re.MULTILINE))
        for u in SERVICES
    }
    assert keys["batch"]["SuccessExitStatus"] == "3 5"
    assert keys["batch"]["RestartPreventExitStatus"] == "2 4"
    assert keys["mirror"]["SuccessExitStatus"] == "5"
    assert "SuccessExitStatus" not in keys["status"]  # 3 is how somebody is told
    for name in ("land", "dashboard", "mirror"):
        assert keys[name]["RestartPreventExitStatus"] == "2", name
    assert int(keys["land"]["TimeoutStopSec"]) >= 60  # the landing says how long its last files take
    for name in ("mirror", "batch", "status", "land", "dashboard"):
        assert keys[name]["OnFailure"] == "flowfacts-failed@%n.service"


@pytest.mark.parametrize("unit", [u for u in SERVICES if "failed" not in u.name], ids=lambda u: u.stem)
def test_the_command_of_a_unit_is_one(unit, tmp_path, capsys, monkeypatch):
    """Each is run for real, to the point at which it says what is missing on this machine."""
    (line,) = re.findall(r"^ExecStart=\S+/flowfacts (.+)$", unit.read_text(), re.MULTILINE)
    text = (
        (SYSTEMD / "flowfacts.toml")
        .read_text()
        .replace("/var/lib/flowfacts", str(tmp_path))
        .replace("/etc/flowfacts", str(tmp_path))
    )
    (tmp_path / "flowfacts.toml").write_text(text)
    monkeypatch.setenv("FLOWFACTS_CONFIG", str(tmp_path / "flowfacts.toml"))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    code = main(line.replace("/var/lib/flowfacts", str(tmp_path)).split())
    told = capsys.readouterr()
    assert code == 2, told
    assert "unknown" not in told.err


def test_the_configuration_is_one(monkeypatch, capsys):
    monkeypatch.setenv("FLOWFACTS_CONFIG", str(SYSTEMD / "flowfacts.toml"))
    assert main(["config", "check"]) == 0, capsys.readouterr()


@pytest.fixture
def turn(tmp_path):
    """Run the line of mirror and batch as cron would, with a stand-in for flowfacts that notes what it is asked."""
    (line,) = re.findall(r"^20 \* \* \* \* flowfacts (.+)$", CRON, re.MULTILINE)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "flowfacts").write_text('#!/bin/sh\necho "$*" >> "$CALLS"\n[ "$1" != mirror ] || exit 1\n')
    (programs / "flowfacts").chmod(0o755)
    calls = tmp_path / "calls"

    def run():
        calls.write_text("")
        done = subprocess.run(
            ["/bin/sh", "-c", line.replace("/var/lib/flowfacts", str(tmp_path))], capture_output=True, text=True,
            check=False, timeout=30, env={"PATH": f"{programs}:/usr/bin:/bin", "CALLS": str(calls)},
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr, calls.read_text().splitlines()

    return run


def test_cron_mirrors_and_then_computes_even_when_the_mirror_fails(turn):
    assert turn() == (0, "", ["mirror --quiet", "batch --quiet"])


def test_a_turn_of_cron_that_finds_the_one_before_at_work_leaves_without_a_word(turn, tmp_path):
    with (tmp_path / ".cron.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert turn() == (0, "", [])
    assert turn()[2] == ["mirror --quiet", "batch --quiet"]


def test_raw_files_are_for_the_jobs_alone():
    rights = dict(re.findall(r"^d (\S+) (\d+)", (SYSTEMD / "flowfacts.tmpfiles").read_text(), re.MULTILINE))
    assert rights["/var/lib/flowfacts/export"] == rights["/var/lib/flowfacts/landed"] == "0700"
