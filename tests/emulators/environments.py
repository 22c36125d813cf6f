"""Environments of their own for what the tests run as a process: made in `build/` from a lock file, once."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[2]


def environment(name: str) -> Path:
    """Give the Python of an environment; builds it when `deploy/NAME.lock` is not what it was built from."""
    folder, lock = ROOT / "build" / name, ROOT / "deploy" / f"{name}.lock"
    python, stamp = folder / "bin" / "python", folder / ".locked"
    wanted = sha256(lock.read_bytes()).hexdigest()
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / f".{name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two test processes build it once
        if not stamp.exists() or stamp.read_text() != wanted:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "--require-hashes", "--no-deps", "-r", str(lock)], check=True)
            stamp.write_text(wanted)
    return python
