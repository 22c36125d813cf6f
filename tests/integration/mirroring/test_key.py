"""The key of the source is never told, whatever is wrong with it; see `test_mirror.py`."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

from pipelines.cli import main
from pipelines.mirroring.ledger import FILE as LEDGER
from tests.mirrors import day, noise

ROOT = Path(__file__).parents[3]


def make_key(tmp_path):
    """Give an invented service-account key, and every piece of it that must not be seen."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    pem = (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )
    key = {
        "type": "service_account", "project_id": "vendor-project-4711", "private_key_id": uuid.uuid4().hex,
        "private_key": pem, "client_email": "reader-4711@vendor-project-4711.iam.gserviceaccount.com",
        "client_id": "104711104711104711", "token_uri": "http://127.0.0.1:9/token-4711",
    }  # fmt: skip
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key))
    lines = pem.splitlines()
    pieces = [line[i : i + 12] for line in lines for i in range(0, len(line) - 11, 6)]
    return path, key, [*pieces, "4711", key["private_key_id"], "PRIVATE KEY"]


def test_the_key_is_never_told(emulator, proxy, bucket, tmp_path, capsys):
    emulator.put(bucket, f"{day(1)}/a.ndjson.gz", noise(1000))
    path, key, pieces = make_key(tmp_path)
    text = path.read_text()
    cut, broken, other = tmp_path / "cut.json", tmp_path / "broken.json", tmp_path / "other.json"
    cut.write_text(text[: len(text) // 2])
    broken.write_text(json.dumps({**key, "private_key": key["private_key"][:-200]}))
    other.write_text(json.dumps({**key, "type": "external_account"}))
    emulated, real = dict(os.environ), {k: v for k, v in os.environ.items() if k != "STORAGE_EMULATOR_HOST"}
    here = [
        (["--key", str(cut)], f"the key file {cut} holds no JSON; expected the JSON of a service-account"),
        (["--key", str(other)], f"the key file {other} holds no service-account key"),
        (["--key", str(tmp_path / "none")], "can't be read: No such file or directory"),
        (["--key", text], "--key expects the path of a file, not the key itself"),
        (["--key-env", text], "--key-env expects the name of an environment variable"),
        (["--key-secret", text], "--key-secret expects projects/"),
        (["--key-env", "NO_SUCH_KEY"], "the environment variable NO_SUCH_KEY is not set"),
    ]
    command = ["mirror", "--bucket", bucket, "--give-up", "0.2", "--verbose", "--to"]
    for options, words in here:
        assert main([*command, str(tmp_path / "to"), *options]) == 2
        out, err = capsys.readouterr()
        assert words in err
        assert [p for p in pieces if p in out + err] == []
    apart = [  # in a process of its own, whose standard error has the log as well
        (["--key", str(path)], emulated, 0, "copied"),
        (["--key-env", "THE_KEY"], emulated, 0, "copied"),
        (["--key", str(broken)], emulated, 2, f"the private_key in the key file {broken} can't be read"),
        # Without an emulator the key is used: its token is asked for where nobody listens.
        (["--key", str(path)], real, 2, "can't be reached to list"),
    ]
    for n, (options, env, code, words) in enumerate(apart):
        process = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", *command, str(tmp_path / f"to{n}"), *options], cwd=ROOT,
            env={**env, "THE_KEY": text}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        said = process.stdout + process.stderr
        assert process.returncode == code, said
        assert words in said
        assert [p for p in pieces if p in said] == []
        assert "Traceback" not in said
    ledger = (tmp_path / "to0" / LEDGER).read_text()
    assert [p for p in pieces if p in ledger] == []
