"""A real Superset as a process: its own environment, database and port; gone when the test ends."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.emulators.bigquery import free_port
from tests.emulators.environments import environment
from tests.emulators.processes import wait_for

_CONFIG = """\
SECRET_KEY = "of-this-test-only-0123456789abcdefghijklmnop"
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
DATA_DIR = "{folder}"
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
"""
USER, PASSWORD = "admin", "admin"


def pack(files: Mapping[str, Any], to: Path) -> Path:
    """Write a bundle as the zip that Superset takes."""
    with zipfile.ZipFile(to, "w") as out:
        for path, content in files.items():
            out.writestr(f"flowfacts/{path}", yaml.safe_dump(content, sort_keys=False))
    return to


@dataclass
class Superset:
    """A Superset with an administrator; `call` speaks to its interface, `command` runs its command."""

    python: Path
    folder: Path
    url: str = ""
    token: str = ""

    def command(self, *words: str) -> None:
        """Run a command of Superset; what it says is shown when it fails."""
        done = subprocess.run(
            [str(self.python.with_name("superset")), *words], env=self.environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-4000:])

    def environment(self) -> dict[str, str]:
        """Give the environment in which it finds its configuration."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("FLASK_", "SUPERSET_"))}
        return {**kept, "FLASK_APP": "superset", "SUPERSET_CONFIG_PATH": str(self.folder / "config.py")}

    def call(self, path: str, content: Any = None) -> Any:
        """Ask its interface; content makes it a POST."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if content is None else json.dumps(content).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}{path}", data, headers), timeout=60) as answer:
            return json.load(answer)


@contextmanager
def running(folder: Path) -> Iterator[Superset]:
    """Make a Superset with empty storage and serve it; about a minute."""
    server = Superset(environment("superset"), folder)
    (folder / "config.py").write_text(_CONFIG.format(folder=folder))
    server.command("db", "upgrade")
    server.command(
        "fab", "create-admin", "--username", USER, "--firstname", "a", "--lastname", "b", "--email", "a@example.org",
        "--password", PASSWORD,
    )  # fmt: skip
    server.command("init")
    port = free_port()
    log = folder / "log"
    with log.open("wb") as words:
        process = subprocess.Popen(
            [str(server.python.with_name("superset")), "run", "--port", str(port), "--with-threads"],
            env=server.environment(), stdout=words, stderr=words,
        )  # fmt: skip
    try:
        server.url = f"http://127.0.0.1:{port}"
        wait_for(f"{server.url}/health", process, log)
        login = {"username": USER, "password": PASSWORD, "provider": "db", "refresh": False}
        server.token = server.call("/api/v1/security/login", login)["access_token"]
        yield server
    finally:
        process.terminate()
        process.wait(timeout=20)
