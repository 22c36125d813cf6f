"""What was erased in a mirror's copies is not brought back by the mirror, though the source still has it."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest
from apache_beam.internal.gcp import auth

from pipelines.cli import main
from pipelines.datasets import read_bytes
from tests.integration.mirroring import conftest as mirroring

emulator, running_proxy, proxy = mirroring.emulator, mirroring.running_proxy, mirroring.proxy
bucket, mirror = mirroring.bucket, mirroring.mirror

DAY = f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}"


def lines(*orders):
    for number, order in enumerate(orders):
        payload = {"id": f"o{number}", "processId": f"process-{number}", "tenantOrderId": order, "version": 1}
        yield {"id": f"e{number}", "eventName": "ORDER_CREATED", "created": f"{DAY}T10:00:00Z", "payload": payload}


def packed(*orders):
    return gzip.compress("".join(json.dumps(line) + "\n" for line in lines(*orders)).encode(), mtime=0)


@pytest.mark.parametrize("where", ["folder", "bucket"])
def test_the_mirror_does_not_bring_back_what_was_erased(emulator, bucket, mirror, tmp_path, where, monkeypatch):
    monkeypatch.setattr(auth._Credentials, "_credentials_init", True)
    monkeypatch.setattr(auth._Credentials, "_credentials", None)
    to = str(tmp_path / "to")
    if where == "bucket":
        own = f"{bucket}-own"
        emulator.make_bucket(own)
        to = f"gs://{own}/raw"
    out = str(tmp_path / "o")
    emulator.put(bucket, f"{DAY}/a.ndjson.gz", packed("ORD-00004711", "ORD-00004712"))
    emulator.put(bucket, f"{DAY}/b.ndjson.gz", packed("ORD-00004713"))
    assert mirror(to=to)[1]["copied"] == 2
    assert main(["batch", "--input", to, "--output", out, "--quiet", "--workers", "1"]) == 0

    def erase(order):
        assert main(["erase", "--output", out, "--order", order, "--raw", to, "--quiet"]) == 0

    def copy():
        return gzip.decompress(read_bytes(f"{to}/{DAY}/a.ndjson.gz"))

    erase("ORD-00004711")
    assert b"4711" not in copy()
    for options in ((), ("--verify",)):
        code, told, _ = mirror(*options, to=to)
        assert (code, told["copied"], told["skipped"], told["fetched_bytes"]) == (0, 0, 2, 0)
        assert b"4711" not in copy()
    erase("ORD-00004712")  # the copy is emptied a second time; it is still that of the same object
    assert mirror(to=to)[1]["copied"] == 0
    assert b"ORD" not in copy()
    # An object that the source replaces is another one.
    emulator.put(bucket, f"{DAY}/a.ndjson.gz", packed("ORD-00004714", "ORD-00004715", "ORD-00004716"))
    assert mirror(to=to)[1]["copied"] == 1
    assert copy().count(b"ORD-000047") == 3
    erase("ORD-00004715")
    assert mirror(to=to)[1]["copied"] == 0
    assert b"4715" not in copy()
