"""This machine: versions, memory, the configuration, a local disk, the clock."""

from __future__ import annotations

import fcntl
import os
import re
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from importlib import metadata
from pathlib import Path
from typing import Final

from pipelines.doctoring.findings import Finding, fail, ok, warn

FREE_BYTES: Final = 1 << 30
"""Room that a first run needs: parts of a run beside those of the last one, and the DuckDB file beside the old one."""

FREE_FILES: Final = 10_000
MEMORY_BYTES: Final = 2 << 30
SLOW_SECONDS: Final = 1.0
SKEW_WARN, SKEW_FAIL = 5.0, 60.0
"""A token is refused from five minutes on; the lease of a run on a bucket is three."""

_PROBE_BYTES: Final = 1 << 20


def versions() -> Iterator[Finding]:
    """Look at Python and at the packages that the distribution asks for."""
    python = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] < (3, 13):
        yield ok("python", f"Python {python}")
    else:
        yield fail("python", f"Python {python}", "install Python 3.11 or 3.12 and set flowfacts up with it")
    missing, wrong = [], []
    for requirement in metadata.requires("flowfacts") or ():
        if "extra ==" in requirement:
            continue
        name = re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        exact = re.search(r"==\s*([\d.]+)\.\*", requirement)
        if exact and not f"{found}.".startswith(f"{exact[1]}."):
            wrong.append(f"{name} {found}, wanted {exact[1]}.*")
    if missing or wrong:
        told = "; ".join([*(f"{n} is not installed" for n in missing), *wrong])
        yield fail("packages", told, "install what deploy/requirements.lock pins: make setup, or pip install flowfacts")
    else:
        yield ok("packages", f"apache-beam {metadata.version('apache-beam')} and all others that are asked for")


def memory() -> Iterator[Finding]:
    """Look at processors and memory."""
    available = _available()
    told = f"{os.cpu_count()} processors, {available / 1e9:.1f} GB of memory available"
    if available and available < MEMORY_BYTES:
        yield warn("machine", told, "give it 2 GB, or run with --workers 1 and more --buckets")
    else:
        yield ok("machine", told)


def _available() -> int:
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return 0
    found = re.search(r"MemAvailable:\s+(\d+) kB", text)
    return int(found[1]) * 1024 if found else 0


def configuration(named: str | None, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at the configuration file and the variables."""
    from pipelines.settings.report import check

    found = check(named, environ)
    for problem in found["problems"]:
        yield fail("configuration", problem, "flowfacts config check tells all")
    for warning in found["warnings"]:
        yield warn("configuration", warning, "correct or unset it")
    if not found["problems"]:
        yield ok("configuration", found["file"] or "no file; options come from the command line and the environment")


def disk(area: str, folder: str) -> Iterator[Finding]:
    """Look at the disk of a local folder: room, files, and whether what the job does to files works there."""
    place = Path(folder)
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        yield fail(area, f"{place} is a file", "name a folder")
        return
    room = os.statvfs(place)
    free = room.f_bavail * room.f_frsize
    told = f"{free / 1e9:.1f} GB free at {place}"
    if free < FREE_BYTES:
        yield fail(area, told, "make room: a run writes its parts beside those of the run before; 1 GB is the least")
    else:
        yield ok(area, told)
    if room.f_files and room.f_favail < FREE_FILES:
        yield fail(
            area, f"{room.f_favail:,} files can still be made at {place}", "delete small files, or take another disk"
        )
    yield from _probe(area, place, made=place == Path(folder))


def _probe(area: str, place: Path, *, made: bool) -> Iterator[Finding]:
    """Write, sync, lock, rename and remove a file, as the job does."""
    name = place / f".flowfacts-doctor-{uuid.uuid4().hex}"
    step, began = "write", time.monotonic()
    try:
        with open(name, "wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            step = "sync"
            os.fsync(file.fileno())
            step = "lock"
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        step = "rename"
        renamed = name.with_suffix(".renamed")
        os.replace(name, renamed)
        name = renamed
        step = "sync the folder of"
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as err:
        fixes = {
            "write": "let the user of the job write there, or name another folder",
            "lock": "take a disk with locks (a local one; NFS needs version 4), or two runs at once are not kept apart",
        }
        told = f"can't {step} a file in {place}: {err.strerror} (uid {os.getuid()})"
        yield fail(area, told, fixes.get(step, "take another disk"))
        return
    finally:
        name.unlink(missing_ok=True)
    seconds = time.monotonic() - began
    told = f"written, synced, locked and renamed 1 MB in {place} in {seconds * 1000:.0f} ms"
    if not made:
        told += "; the folder itself is made by the first run"
    if seconds > SLOW_SECONDS:
        yield warn(area, told, "the disk is slow; a run syncs some dozens of files")
    else:
        yield ok(area, told)


def temporary() -> Iterator[Finding]:
    """Look at the folder for temporary files, which the runner uses."""
    folder = tempfile.gettempdir()
    room = os.statvfs(folder)
    free = room.f_bavail * room.f_frsize
    told = f"{free / 1e9:.1f} GB free in {folder}"
    if free < FREE_BYTES // 2:
        yield fail("temporary files", told, "make room, or set TMPDIR to a folder on another disk")
    else:
        yield ok("temporary files", told)


def clock(url: str) -> Iterator[Finding]:
    """Compare the clock with that of a server."""
    import requests

    from pipelines.mirroring.errors import words

    began = time.time()
    try:
        answer = requests.head(url, timeout=10, allow_redirects=False)
    except requests.RequestException as err:
        yield warn("clock", f"{url} can't be reached to compare it ({words(err)})", "name another server: --clock-url")
        return
    ended = time.time()
    try:
        theirs = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, ValueError):
        yield warn("clock", f"{url} does not tell its time", "name another server: --clock-url")
        return
    # Their clock is told in whole seconds, at some moment between sending and receiving.
    skew = max(0.0, began - (theirs + 1), theirs - ended)
    told = f"{skew:.0f} s off from {url}" if skew else f"agrees with {url}"
    if skew > SKEW_FAIL:
        yield fail("clock", told, "set the clock (timedatectl set-ntp true): tokens are refused, leases end early")
    elif skew > SKEW_WARN:
        yield warn("clock", told, "set the clock (timedatectl set-ntp true)")
    else:
        yield ok("clock", told)
