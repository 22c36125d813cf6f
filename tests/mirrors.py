"""What the tests of the mirror share: days before today, bytes, and the copies in a folder."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.mirroring.ledger import FILE as LEDGER

LOCK = ".flowfacts.lock"
TODAY = datetime.now(UTC).date()


def noise(size, seed=0):
    return random.Random(seed).randbytes(size)


def day(ago):
    return (TODAY - timedelta(days=ago)).isoformat()


def files_in(folder):
    """Give the copies, by name."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in Path(folder).rglob("*")
        if p.is_file() and p.name not in (LEDGER, LOCK)
    }
