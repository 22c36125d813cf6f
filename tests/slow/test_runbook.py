"""Every command of the run book is run as it stands there, in its order, on a simulated tenant with emulators.

The boxes of `schemas/docs/runbook.md` say by their tag what they are: `sh` is run, `sh serve` is started and stopped,
`sh cloud` and `sh install` are not run here, but their flowfacts commands are parsed, as are those in the text.
`# ends with N` behind a command says its exit code; without it, it is 0.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pipelines.cli import _parser, main
from pipelines.commands import COMMANDS
from pipelines.simulator.publish import lines_of, message_of
from pipelines.simulator.run import Plan, simulate
from tests.emulators import bigquery, pubsub
from tests.emulators.platform_api import KEY, PASSWORD, USER, platform_api
from tests.emulators.storage import storage_emulator

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "schemas" / "docs" / "runbook.md"
PROJECT = "my-project"


def boxes() -> list[tuple[str, str]]:
    """Give the boxes of the page in their order: tag and text."""
    return re.findall(r"^```([^\n`]*)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def commands_of(text: str) -> list[tuple[str, int]]:
    """Give the commands of a box with the exit code that each says it has."""
    joined = text.replace("\\\n", " ")
    found = []
    for line in joined.splitlines():
        if line.strip():
            ends = re.search(r"#.*\bends with (\d+)", line)
            found.append((line, int(ends[1]) if ends else 0))
    return found


def in_text() -> list[str]:
    """Give the flowfacts commands that stand in the text and in tables, without the boxes."""
    prose = re.sub(r"^```.*?^```$", "", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    return [" ".join(c.split()) for c in re.findall(r"`(flowfacts [^`]+)`", prose)]


def in_boxes() -> list[str]:
    """Give the flowfacts commands of all boxes, also of those that are not run."""
    found = []
    for tag, text in boxes():
        for line in text.replace("\\\n", " ").splitlines() if tag.split()[:1] != ["toml"] else ():
            found += re.findall(r"(?<![\w/.-])(flowfacts [a-z](?:\"[^\"]*\"|[^|&;#)\"])*)", line.split("  #")[0])
    return found


def test_no_box_is_without_a_tag_that_says_what_it_is() -> None:
    assert {tag for tag, _ in boxes()} <= {
        "sh", "sh serve", "sh cloud", "sh install", "toml flowfacts.toml", "cron",
    }  # fmt: skip
    assert sum(tag == "sh" for tag, _ in boxes()) > 5
    assert len(in_text()) > 15


@pytest.mark.parametrize("command", sorted({*in_text(), *in_boxes()}))
def test_a_command_has_only_options_that_there_are(command: str) -> None:
    words = shlex.split(re.sub(r"…|\$\w+", "x", command))[1:]
    assert words[0] in COMMANDS, command
    parser, inner, _ = _parser(words[0])
    assert inner is not None
    for every in (inner, *_inner_parsers(inner)):
        for action in every._actions:
            action.required = False
        for group in every._mutually_exclusive_groups:
            group.required = False
    _, rest = parser.parse_known_args(words)
    assert rest == [], command


def _inner_parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return list(action.choices.values())
    return []


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """Give a folder as on the first day, and the environment of its commands: emulators instead of services."""
    folder = tmp_path_factory.mktemp("runbook")
    simulate(Plan(folder / "tenant", 2, 25, 4, "none", "2026-06-01", 1))
    with ExitStack() as stack:
        for name in ("gcs", "pubsub", "bigquery", "work"):
            (folder / name).mkdir()
        api = stack.enter_context(platform_api())
        vendor = stack.enter_context(storage_emulator(folder / "gcs"))
        messages = stack.enter_context(pubsub.running(pubsub.OWN, folder / "pubsub"))
        warehouse = stack.enter_context(bigquery.running(folder / "bigquery"))
        vendor.make_bucket("vendor-export")
        export = folder / "tenant" / "export"
        for file in sorted(p for p in export.rglob("*") if p.is_file()):
            vendor.put("vendor-export", f"tenant/{file.relative_to(export).as_posix()}", file.read_bytes())
        topic, subscription = f"projects/{PROJECT}/topics/flowfacts", f"projects/{PROJECT}/subscriptions/flowfacts"
        messages.publisher.create_topic(request={"name": topic})
        messages.subscriber.create_subscription(
            request={"name": subscription, "topic": topic, "ack_deadline_seconds": 60}
        )
        messages.publish(topic, [message_of(line)[1] for line in list(lines_of(export))[:200]])
        work = folder / "work"
        (text,) = [text for tag, text in boxes() if tag == "toml flowfacts.toml"]
        (work / "flowfacts.toml").write_text(text)
        (work / "key.json").write_text(vendor_key())
        scripts = Path(sys.executable).parent
        yield work, {
            "PATH": f"{scripts}:{os.environ['PATH']}", "HOME": str(folder), "LANG": "C.UTF-8",
            "STORAGE_EMULATOR_HOST": vendor.url, "PUBSUB_EMULATOR_HOST": messages.host, "GOOGLE_CLOUD_PROJECT": "p",
            "BIGQUERY_EMULATOR_HOST": warehouse.url, "FIREBASE_AUTH_EMULATOR_HOST": api.host,
            "FLOWFACTS_SUBSCRIBE_BASE_URL": api.url, "FLOWFACTS_API_KEY": KEY, "FLOWFACTS_API_USER": USER,
            "FLOWFACTS_API_PASSWORD": PASSWORD, "FLOWFACTS_BATCH_WORKERS": "1", "FLOWFACTS_DOCTOR_CLOCK_URL": api.url,
        }  # fmt: skip


def vendor_key() -> str:
    """Make a service-account key; the emulator asks for none, but what is named is looked at."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    about = {
        "type": "service_account", "private_key": pem, "client_email": "reader@vendor.example",
        "token_uri": "https://oauth2.googleapis.com/token",
    }  # fmt: skip
    return json.dumps(about)


def test_every_command_does_what_the_page_says(
    place: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work, environment = place
    monkeypatch.chdir(work)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ran = 0
    for tag, text in boxes():
        if tag == "sh serve":
            serve(shlex.split(text, comments=True), work, environment)
        if tag != "sh":
            continue
        for command, wanted in commands_of(text):
            code, told = run(command, work, environment, capsys)
            assert code == wanted, f"{command}\nended with {code}\n{told}"
            assert "Traceback" not in told, told
            ran += command.count("flowfacts ")
    assert ran >= 40


def run(command: str, work: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run a line as a shell does; one that is a command of ours and nothing else in this process, for it starts sooner.

    Returns:
        The exit code, and what was printed.
    """
    words = shlex.split(command, comments=True)
    plain = re.sub(r'"[^"$]*"', "", command.split("  #")[0])
    if words[0] == "flowfacts" and not re.search(r"[|&;$<>]", plain):
        capsys.readouterr()
        code = main(words[1:])
        return code, "".join(capsys.readouterr())
    name = re.match(r"([A-Z]+)=", command)
    told = f'printf %s "${name[1]}"\n' if name else ""
    done = subprocess.run(
        ["bash", "-c", f"{command}\nexit_code=$?\n{told}exit $exit_code"], cwd=work, env=environment,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if name:
        environment[name[1]] = done.stdout
    return done.returncode, done.stdout + done.stderr


def serve(words: list[str], work: Path, environment: dict[str, str]) -> None:
    with subprocess.Popen(
        words, cwd=work, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://127.0.0.1:" in line
        with urllib.request.urlopen(re.findall(r"http://[\d.:]+", line)[0], timeout=60) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
