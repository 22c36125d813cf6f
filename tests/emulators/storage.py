"""Starts the Cloud Storage emulator as a process of its own, and puts objects into it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.emulators.processes import wait_for


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class StorageEmulator:
    """A running emulator.

    Attributes:
        url: what STORAGE_EMULATOR_HOST must be.
    """

    url: str

    def make_bucket(self, name: str) -> None:
        self._call("POST", "/storage/v1/b?project=p", json.dumps({"name": name}).encode())

    def put(self, bucket: str, name: str, data: bytes, content_encoding: str | None = None) -> dict[str, Any]:
        """Put an object, over what is there, and give what the emulator says of it."""
        about = {"name": name, **({"contentEncoding": content_encoding} if content_encoding else {})}
        parts = (
            b"--part\r\nContent-Type: application/json\r\n\r\n",
            json.dumps(about).encode(),
            b"\r\n--part\r\nContent-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n",
            _base64(data),
            b"\r\n--part--\r\n",
        )
        path = f"/upload/storage/v1/b/{bucket}/o?uploadType=multipart"
        answer = self._call("POST", path, b"".join(parts), "multipart/related; boundary=part")
        found: dict[str, Any] = json.loads(answer)
        assert int(found["size"]) == len(data)
        return found

    def delete(self, bucket: str, name: str) -> None:
        self._call("DELETE", f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(name, safe='')}")

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Give all objects with their bytes."""
        names = [item["name"] for item in json.loads(self._call("GET", f"/storage/v1/b/{bucket}/o"))["items"]]
        path = f"/storage/v1/b/{bucket}/o/"
        return {n: self._call("GET", f"{path}{urllib.parse.quote(n, safe='')}?alt=media") for n in names}

    def _call(self, method: str, path: str, data: bytes | None = None, kind: str = "application/json") -> bytes:
        request = urllib.request.Request(
            f"{self.url}{path}", data=data, headers={"Content-Type": kind} if data else {}, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            body: bytes = answer.read()
            return body


def _base64(data: bytes) -> bytes:
    """Encode a part: the emulator reads it as a mail, which would change line breaks in bytes of any kind."""
    import base64

    return base64.encodebytes(data)


@contextmanager
def storage_emulator(folder: Path) -> Iterator[StorageEmulator]:
    """Run the emulator in `folder`, where its own words go to the file `log`."""
    port = free_port()
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:  # a pipe that nobody reads would stop it when it is full
        process = subprocess.Popen(
            [*command, "--in-memory"], cwd=folder, stdout=log, stderr=log,
            env={**os.environ, "STORAGE_BASE": str(folder), "STORAGE_DIR": "gcs"},
        )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/storage/v1/b?project=p", process, folder / "log")
            yield StorageEmulator(url)
        finally:
            process.terminate()
            process.wait(timeout=20)
