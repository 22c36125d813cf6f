"""Disks that are full, files that change under the reader, clocks that go back: the books are exact, or nothing is new.

The faults are real ones: limits and permissions that the system enforces, and files that are changed while the job, a
process of its own, is stopped at a known point.
"""

from __future__ import annotations

import ctypes
import errno
import gzip
import json
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import batch as job
from pipelines.options import BatchOptions
from pipelines.simulator.run import Plan, simulate
from tests.runs import batch, days, differences, facts, files_of, modes
from tests.soak.kills import GOOD, ROOT, job_command
from tests.soak.published import LOCK, WAREHOUSE, broken_parts, content_of_warehouse, faults, manifest_of, named_files

DEADLINE_SECONDS = 60.0
BLANK_LINES = b"\n" * 1_000_000
"""Slow to read and without meaning: a file with them is caught while it is read."""


@dataclass
class World:
    """An input of two days, and an output that has the first."""

    source: Path
    out: Path
    wanted: dict[str, Any]

    @property
    def last_day(self) -> Path:
        return max(f for f in self.source.iterdir() if f.is_dir() and f.name.startswith("2026"))

    def published(self) -> dict[str, int]:
        """Give what readers may read, with a hash of its bytes."""
        there = files_of(self.out)
        return {path: there[path] for path in named_files(self.out) - {LOCK}}

    def run(self, **how: Any) -> subprocess.CompletedProcess[str]:
        """Run the job as a process, to its end."""
        command = job_command(self.source, self.out, "--workers", "1")
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **how)

    def fails(self, *words: str, **how: Any) -> None:
        """Run the job: it fails with these words, and what is published stays as it is."""
        before = self.published()
        done = self.run(**how)
        assert done.returncode == 1, done.stderr
        assert [w for w in words if w not in done.stderr] == [], done.stderr
        assert "Traceback" not in done.stderr
        assert self.published() == before

    def heals(self) -> None:
        """Run the job in peace: everything is in order, and as if all of it had been read at once."""
        assert batch(self.source, self.out) in GOOD
        assert faults(self.out) == []
        assert differences(facts(self.out), self.wanted) == []

    def heals_to_what_there_is(self, fresh: Path) -> None:
        """Do so when the files have changed; what they give is told by a run over them in a fresh output."""
        assert batch(self.source, fresh) in GOOD
        self.wanted = facts(fresh)
        self.heals()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("made")
    simulate(Plan(folder / "t", 2, 6, 11, "heavy", "2026-06-01", 1))
    source = folder / "t" / "export"
    assert batch(source, folder / "at_once") in GOOD
    assert batch(source, folder / "first", "--to", days(source)[0]) in GOOD
    return World(source, folder / "first", facts(folder / "at_once"))


@pytest.fixture
def world(made: World, tmp_path: Path) -> World:
    shutil.copytree(made.source, tmp_path / "in")
    shutil.copytree(made.out, tmp_path / "out")
    return World(tmp_path / "in", tmp_path / "out", made.wanted)


# --- The output ---


def limit_files(size: int) -> None:
    """Let no file grow beyond a size, in a child before it starts; Python ignores the signal and sees EFBIG."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


_LIBC = ctypes.CDLL(None, use_errno=True)
_DROP, _OVERRIDES = 24, (1, 2)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH


def obey_permissions() -> None:
    """Make permission bits count for root, too, in a child before it starts; others obey them anyway."""
    if os.geteuid() == 0:
        for capability in _OVERRIDES:
            _LIBC.prctl(_DROP, capability, 0, 0, 0)


def test_no_room_for_the_parts(world: World) -> None:
    world.fails(f"{world.out}/", "make room", preexec_fn=partial(limit_files, 3000))
    world.heals()


def test_no_room_for_the_duckdb_file(world: World) -> None:
    """Its parts are published by then; the file stays as it was, and the next run has only it to bring up to date."""
    before = content_of_warehouse(world.out / WAREHOUSE)
    done = world.run(preexec_fn=partial(limit_files, 400_000))
    assert done.returncode == 1
    assert f"{world.out}/" in done.stderr
    assert "make room" in done.stderr
    manifest = manifest_of(world.out)
    assert manifest is not None
    assert broken_parts(world.out, manifest) == []
    assert content_of_warehouse(world.out / WAREHOUSE) == before
    world.heals()


@contextmanager
def full_device(folder: Path, room: int) -> Iterator[Callable[[], None] | None]:
    """Make a folder a small device that is full but for some room; None where no device may be mounted."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        yield None
        return
    ballast = folder / "ballast"

    def fill() -> None:
        free = os.statvfs(folder)
        ballast.write_bytes(b"x" * (free.f_bavail * free.f_frsize - room))

    try:
        yield fill
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_device(world: World, tmp_path: Path) -> None:
    """A device of its own where one may be mounted, for then the system says ENOSPC; else a limit again."""
    with full_device(tmp_path / "device", 60_000) as fill:
        how: dict[str, Any] = {"preexec_fn": partial(limit_files, 6000)}
        if fill is not None:
            shutil.move(world.out, tmp_path / "device" / "out")
            world.out, how = tmp_path / "device" / "out", {}
            fill()
        world.fails(f"{world.out}/", os.strerror(errno.EFBIG if fill is None else errno.ENOSPC), "make room", **how)
        (tmp_path / "device" / "ballast").unlink(missing_ok=True)
        world.heals()


def test_a_file_in_the_place_of_a_folder(world: World) -> None:
    shutil.rmtree(world.out)
    world.out.mkdir()
    (world.out / "facts").write_text("no folder")
    done = world.run()
    assert done.returncode == 1
    assert f"{world.out}/facts" in done.stderr
    assert "Not a directory" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (world.out / "manifest.json").exists()
    (world.out / "facts").unlink()
    world.heals()


def test_an_output_that_may_not_be_written(world: World) -> None:
    folders = [world.out, *(p for p in world.out.rglob("*") if p.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    world.fails(f"{world.out}/", "Permission denied", "write", preexec_fn=obey_permissions)
    for folder in folders:
        folder.chmod(0o755)
    world.heals()


# --- The input ---


def test_folders_with_the_name_of_a_file(world: World) -> None:
    (world.source / "folder.ndjson.gz").mkdir()
    (world.last_day / "folder.ndjson.gz").mkdir()
    (world.last_day / "folder.ndjson.gz" / "inner.ndjson").write_text("{}\n")
    world.heals()


@pytest.mark.parametrize("target", ["nowhere.ndjson", "link.ndjson"], ids=["dangling", "loop"])
def test_links_to_nothing(world: World, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = world.published()
    link = world.last_day / "link.ndjson"
    link.symlink_to(target)
    assert batch(world.source, world.out) == 1
    told = capsys.readouterr().err
    assert f"can't read {link}: " in told
    assert world.published() == before
    link.unlink()
    world.heals()


def test_a_file_that_may_not_be_read(world: World) -> None:
    file = min(world.last_day.iterdir())
    file.chmod(0)
    world.fails(f"can't read {file}: ", "Permission denied", preexec_fn=obey_permissions)
    file.chmod(0o644)
    world.heals()


@dataclass
class Stopped:
    """A run that stands still; its exit code and its standard error are there when it has ended."""

    process: subprocess.Popen[bytes]
    code: int = 0
    told: str = ""


@contextmanager
def stopped(world: World, when: Callable[[int], bool]) -> Iterator[Stopped]:
    """Start the job, stop it when its process id shows something, and let it go on to its end after the block."""
    command = job_command(world.source, world.out, "--workers", "1")
    log = world.out.with_name("stopped.err")
    with log.open("wb") as err, subprocess.Popen(command, cwd=ROOT, stderr=err) as process:
        run = Stopped(process)
        try:
            until = time.monotonic() + DEADLINE_SECONDS
            while not when(process.pid):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until
            process.send_signal(signal.SIGSTOP)
            yield run
            process.send_signal(signal.SIGCONT)
            run.code = process.wait(DEADLINE_SECONDS)
            run.told = log.read_text()
        finally:
            process.kill()


def has_listed(world: World, process: int) -> bool:
    """Say whether a run has listed its input: it takes the lock after that, and reads later."""
    try:
        told = json.loads((world.out / LOCK).read_text() or "{}")
    except (FileNotFoundError, ValueError):
        return False
    return bool(told.get("pid") == process)


def place_in(file: Path, process: int) -> int:
    """Tell how far a process has read a file, 0 when it does not."""
    try:
        for fd in os.listdir(f"/proc/{process}/fd"):
            if os.readlink(f"/proc/{process}/fd/{fd}") == str(file):
                told = Path(f"/proc/{process}/fdinfo/{fd}").read_text()
                return int(told.split("pos:")[1].split()[0])
    except FileNotFoundError:  # closed between two looks
        pass
    return 0


def is_reading(file: Path, process: int) -> bool:
    return place_in(file, process) > 0


def test_a_file_that_vanishes(world: World, tmp_path: Path) -> None:
    file = next(f for f in sorted(world.last_day.iterdir()) if f.name.startswith("part"))
    before = world.published()
    with stopped(world, partial(has_listed, world)) as run:
        file.unlink()
    assert run.code == 1
    assert f"can't read {file}: No such file or directory" in run.told
    assert "run again" in run.told
    assert world.published() == before
    world.heals_to_what_there_is(tmp_path / "fresh")


def lines_of(folder: Path) -> list[bytes]:
    """Give the lines of the first whole file of a day."""
    file = next(f for f in sorted(folder.glob("part-*.gz")))
    return gzip.decompress(file.read_bytes()).splitlines(keepends=True)


def grow(file: Path, lines: list[bytes]) -> None:
    with file.open("ab") as more:
        more.writelines(lines[-4:])


def replace(file: Path, lines: list[bytes]) -> None:
    fresh = file.with_name(".fresh")
    fresh.write_bytes(b"".join(lines[3:7]))
    fresh.rename(file)


def cut(file: Path, lines: list[bytes]) -> None:
    os.truncate(file, sum(map(len, lines[:2])) + 20)


def write_over(file: Path, lines: list[bytes]) -> None:
    """Keep the size, and change what was read: the first line goes."""
    with file.open("r+b") as same:
        same.write(b" " * (len(lines[0]) - 1))


@pytest.mark.parametrize("change", [grow, replace, cut, write_over])
def test_a_file_that_changes_while_it_is_read(
    world: World, tmp_path: Path, change: Callable[[Path, list[bytes]], None]
) -> None:
    lines = lines_of(world.last_day)
    file = world.last_day / "big.ndjson"
    file.write_bytes(b"".join(lines[:5]) + BLANK_LINES + b"".join(lines[5:-4]))
    with stopped(world, partial(is_reading, file)) as run:
        assert 0 < place_in(file, run.process.pid) < file.stat().st_size
        change(file, lines)
    assert run.code in GOOD
    assert faults(world.out) == []
    world.heals_to_what_there_is(tmp_path / "fresh")


def test_a_file_that_changes_before_it_is_read_but_after_it_was_found_to_have_a_twin(
    world: World, tmp_path: Path
) -> None:
    """Its twin is booked as a repeat of what is not there any more, and must be read after all."""
    twin = next(f for f in sorted(world.last_day.glob("part-*.gz")))
    first = twin.with_name("a-" + twin.name)
    lines = lines_of(world.last_day)
    shutil.copy2(twin, first)
    slow = world.last_day / "slow.ndjson"  # the largest is read first
    slow.write_bytes(lines[0] + BLANK_LINES)
    with stopped(world, partial(is_reading, slow)):
        first.write_bytes(gzip.compress(lines[0]))
    world.heals_to_what_there_is(tmp_path / "fresh")


# --- The clock, and two at once ---


def run_at(world: World, now: datetime, *, last_day: str | None = None) -> str:
    """Run the job with a clock, and give its run id."""
    options = BatchOptions(str(world.source), str(world.out), last_day=last_day, workers=1, settle_days=0.5)
    done = job.run(options, now=now)
    assert done.exit_code in GOOD
    run_id: str = done.result["run"]["run_id"]
    return run_id


def test_a_clock_that_goes_back(world: World, tmp_path: Path) -> None:
    shutil.rmtree(world.out)
    first_day, last_day = days(world.source)
    held = min((world.source / first_day).glob("part*"))
    held.rename(tmp_path / held.name)
    later = run_at(world, datetime(2031, 1, 1, tzinfo=UTC), last_day=first_day)
    raw = {p: p.read_bytes() for p in (world.out / "dead_letters").rglob("*.raw")}
    (tmp_path / held.name).rename(held)
    earlier = run_at(world, datetime(2021, 1, 1, tzinfo=UTC))
    assert earlier < later
    assert faults(world.out) == []
    assert differences(facts(world.out), world.wanted) == []
    assert {p: p.read_bytes() for p in raw} == raw, "nothing of the run before is overwritten"
    with duckdb.connect(str(world.out / WAREHOUSE), read_only=True) as con:
        runs = con.execute("SELECT run_id, balanced FROM pipeline_run ORDER BY run_id").fetchall()
        last_runs = con.execute("SELECT day, run_id FROM day_book ORDER BY day").fetchall()
    assert runs == [(earlier, True), (later, True)]
    assert last_runs == [(first_day, earlier), (last_day, earlier)], "the last run that read, whatever its clock said"


@pytest.mark.parametrize("seconds", [-86_400, 0, 4_102_444_800], ids=["1969", "1970", "2100"])
def test_files_of_odd_times(world: World, tmp_path: Path, seconds: int) -> None:
    """The second run sees the same bytes under another time, and has nothing to do."""
    for file in world.source.glob("*/*"):
        os.utime(file, (seconds, seconds))
    world.heals_to_what_there_is(tmp_path / "fresh")  # only whether the last day is closed depends on the times
    before = modes(world.out)
    for file in world.source.glob("*/*"):
        os.utime(file, (seconds + 60, seconds + 60))
    world.heals()
    assert modes(world.out) == before == ["batch", "batch"]


def test_two_at_once_and_the_lock_of_one_that_was_killed(world: World) -> None:
    with stopped(world, partial(has_listed, world)) as run:
        before = files_of(world.out)
        second = world.run()
        assert second.returncode == 5
        assert f"another run works on {world.out}" in second.stderr
        assert f"pid {run.process.pid}" in second.stderr
        assert files_of(world.out) == before
        run.process.kill()
    assert run.code == -signal.SIGKILL
    world.heals()
