"""Python environments for what can't live in that of flowfacts, each pinned by a lock file of deploy/."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]


def locked(name: str, lock: Path | None = None) -> Path:
    """Give the programs of `build/NAME`; builds it when `deploy/NAME.lock` is not what it was built from."""
    lock = lock or ROOT / "deploy" / f"{name}.lock"
    place = ROOT / "build" / name
    programs, stamp = place / "bin", place / ".locked"
    wanted = sha256(lock.read_bytes()).hexdigest()
    place.parent.mkdir(exist_ok=True)
    with (place.parent / f".{name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two test processes build it once
        if not stamp.exists() or stamp.read_text() != wanted:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
            pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "--require-hashes", "--no-deps", "-r", str(lock)], check=True)
            stamp.write_text(wanted)
    return programs
