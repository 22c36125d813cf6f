"""The batch job killed again and again, at every phase of its run: nothing lost, nothing double, nothing half.

    python -m tests.soak.kills --kills 50 --seed 1

A simulated tenant's files come piece by piece, and the job, a process group of its own, is killed while it works: at
random times, and when the output folder shows that a phase has begun. After each kill the output is read as a reader
would; meanwhile another process never stops reading. In the end the facts must be those of one undisturbed run over
everything, and the drawn truth.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.simulator.run import Plan, simulate
from tests.runs import differences, facts
from tests.soak.published import (
    WAREHOUSE,
    broken_parts,
    content_of_parts,
    content_of_warehouse,
    faults,
    manifest_of,
    name_of,
    named_files,
)
from tests.truth import compare

ROOT = Path(__file__).parents[2]
BUILDING = f".{WAREHOUSE}.building"
MOMENTS = ("time", "partial", "part", "outcome", "manifest", "building", "swapped", "deleting")
"""When to kill: at a random time, or when the output folder shows this for the first time in the run."""

PROCESSES = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
DEADLINE_SECONDS = 120.0
POLL_SECONDS = 0.0005
GOOD = (0, 3)


def job_command(source: Path, out: Path, *options: str) -> list[str]:
    """Give the command of a run."""
    command = [sys.executable, "-m", "pipelines.cli", "batch", "--input", str(source), "--output", str(out)]
    return [*command, "--quiet", *options]


@dataclass(frozen=True)
class Look:
    """How an output looks, as far as a run changes it."""

    files: frozenset[str]
    manifest: int
    warehouse: int

    @staticmethod
    def at(out: Path) -> Look:
        """Look at it."""
        return Look(frozenset(files_in_motion(out)), inode(out / "manifest.json"), inode(out / WAREHOUSE))


def inode(file: Path) -> int:
    """Give the inode of a file, 0 when there is none: it changes when the file is replaced."""
    try:
        return file.stat().st_ino
    except FileNotFoundError:
        return 0


def files_in_motion(out: Path) -> Iterator[str]:
    """List files of a folder in which others write and delete."""
    for folder, _, names in os.walk(out):
        yield from (os.path.relpath(f"{folder}/{name}", out) for name in names)


class Job:
    """A run of the job in a process group of its own."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self.began = time.monotonic()
        with log.open("wb") as told:  # no pipe: a worker that is left behind would keep it open
            self.process = subprocess.Popen(
                command, cwd=ROOT, start_new_session=True, stdin=subprocess.DEVNULL, stdout=told, stderr=told
            )
        self.log = log

    @property
    def ended(self) -> bool:
        """Say whether its main process has ended."""
        return self.process.poll() is not None

    @property
    def seconds(self) -> float:
        """Give how long it has been running."""
        return time.monotonic() - self.began

    def kill(self, *, whole: bool) -> bool:
        """Kill the whole group, or only the main process; say whether that has ended it."""
        with contextlib.suppress(ProcessLookupError):
            if whole:
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                os.kill(self.process.pid, signal.SIGKILL)
        return self.process.wait() == -signal.SIGKILL

    def finish(self) -> int:
        """Wait for its end, and give its exit code."""
        return self.process.wait(DEADLINE_SECONDS)

    @property
    def group(self) -> int:
        """Give its process group."""
        return self.process.pid


def living_groups() -> set[int | None]:
    """List the process groups that have a living process."""
    return {_group(int(name)) for name in os.listdir("/proc") if name.isdigit()}


def _group(pid: int) -> int | None:
    """Give the group of a process; None when it is gone, or dead and not yet collected."""
    try:
        state, _, group, *_ = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, ValueError):
        return None
    return None if state == "Z" else int(group)


def shows(out: Path, moment: str, before: Look, nth: int) -> bool:
    """Say whether an output shows that a moment has come; only what is needed is looked at, for some are short."""
    if moment == "manifest":
        return inode(out / "manifest.json") != before.manifest
    if moment == "building":
        return inode(out / BUILDING) != 0
    swapped = moment in ("swapped", "deleting") and inode(out / WAREHOUSE) != before.warehouse
    if moment == "swapped" or (moment == "deleting" and not swapped):
        return swapped
    now = set(files_in_motion(out))
    if moment == "deleting":
        return any(f.endswith((".parquet", ".raw")) for f in before.files - now)
    new = now - before.files
    if moment == "outcome":
        return any(f.startswith(".outcome-") for f in new)
    if moment == "partial":
        return any(f.endswith(".partial") for f in new)
    return sum(f.endswith(".parquet") for f in new) >= nth


def phase_of(out: Path, before: Look) -> str:
    """Say in which phase a run was killed, by what it has left."""
    now = Look.at(out)
    new = now.files - before.files
    if now.manifest == before.manifest:
        if any(f.startswith(".outcome-") for f in new):
            return "outcome written"
        if any(f.endswith(".partial") for f in new):
            return "inside a file"
        return "writing parts" if any(f.endswith((".parquet", ".raw")) for f in new) else "before the first part"
    if now.warehouse == before.warehouse:
        return "building the DuckDB file" if BUILDING in now.files else "published, DuckDB file not begun"
    old = {f for f in before.files if f.endswith(".parquet")} - named_files(out)
    if not old & now.files:
        return "cleaned up"
    return "swapped, cleaning not begun" if old <= now.files else "cleaning up"


@dataclass
class Report:
    """What a soak has found."""

    kills: int = 0
    runs: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    workers_left: int = 0
    reads: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Soak:
    """One output under kills.

    Args:
        folder: empty folder to work in.
        seed: of the tenant and of every choice.
        kills: how many.
        days, orders: size of the tenant.
        moments: when to kill, one after the other, from the beginning again when they are used up.
        processes: share of the runs with worker processes.
        whole: share of their kills that end the workers, too.
        heal: share of the kills after which a run is left in peace.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        kills: int,
        *,
        days: int,
        orders: int,
        moments: Sequence[str] = MOMENTS,
        processes: float = 0.4,
        whole: float = 0.5,
        heal: float = 0.35,
    ) -> None:
        self.folder, self.kills, self.moments = folder, kills, moments
        self.processes, self.whole, self.heal_share = processes, whole, heal
        self.chance = random.Random(seed)
        self.report = Report()
        self.source, self.out = folder / "in", folder / "out"
        self.source.mkdir()
        self.out.mkdir()
        simulate(Plan(folder / "tenant", days, orders, seed, "heavy", "2026-06-01", 1))
        self.pieces = self._cut()
        self.states: list[str] = []
        self.jobs: list[Job] = []
        self.usual = self.building = 1.0

    def _cut(self) -> list[list[Path]]:
        """Cut the export into deliveries of one to three files; a few files come late."""
        files = sorted((self.folder / "tenant" / "export").glob("*/*"))
        for i in range(0, len(files) - 9, 9):
            files.insert(i + self.chance.randint(1, 8), files.pop(i))
        pieces: list[list[Path]] = []
        while files:
            n = self.chance.randint(1, 3)
            pieces.append(files[:n])
            files = files[n:]
        return pieces

    def deliver(self) -> bool:
        """Bring the next delivery into the input; False when there is none left."""
        if not self.pieces:
            return False
        for file in self.pieces.pop(0):
            target = self.source / file.parent.name / file.name
            target.parent.mkdir(exist_ok=True)
            shutil.copy2(file, target)
        return True

    def start(self, *options: str, name: str = "run") -> Job:
        """Start a run."""
        self.report.runs += 1
        job = Job(job_command(self.source, self.out, "--settle-days", "0.5", *options), self.folder / f"{name}.log")
        self.jobs.append(job)
        return job

    def problem(self, text: str) -> None:
        """Note what should not be."""
        self.report.problems.append(f"run {self.report.runs}: {text}")

    def measure(self) -> None:
        """Run undisturbed over everything, in an output of its own: how long it takes, and what the facts are."""
        clean = self.folder / "clean"
        clean.mkdir()
        before = Look.at(clean)
        job = Job(job_command(self.folder / "tenant" / "export", clean, "--workers", "1"), self.folder / "clean.log")
        self._wait(job, clean, "building", before, 1)
        began = job.seconds
        self._wait(job, clean, "swapped", before, 1)
        self.building = job.seconds - began
        if job.finish() not in GOOD:
            raise RuntimeError(f"the undisturbed run failed: {job.log.read_text()}")
        self.usual = job.seconds
        wrong = [*faults(clean), *map(str, compare(self.folder / "tenant" / "truth", clean / WAREHOUSE))]
        if wrong:
            raise RuntimeError(f"the undisturbed run is wrong: {wrong[:5]}")

    def _wait(self, job: Job, out: Path, moment: str, before: Look, nth: int) -> None:
        """Wait until the output shows a moment, or the job has ended."""
        until = time.monotonic() + DEADLINE_SECONDS
        while not job.ended and not shows(out, moment, before, nth):
            if time.monotonic() > until:
                raise TimeoutError(f"{moment} did not come: {job.log.read_text()}")
            time.sleep(POLL_SECONDS)

    def _pass(self, job: Job, seconds: float) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            job.process.wait(seconds)

    def attempt(self, moment: str, options: Sequence[str]) -> bool:
        """Start a run and kill it at a moment; False when it ended before."""
        before = Look.at(self.out)
        had = content_of_warehouse(self.out / WAREHOUSE) if before.warehouse else None
        processes = self.chance.random() < self.processes
        whole = not processes or self.chance.random() < self.whole
        job = self.start(*options, *(PROCESSES if processes else ("--workers", "1")))
        if moment == "time":
            self._pass(job, self.chance.uniform(0.3, 1.1) * self.usual * (2 if processes else 1))
        else:
            self._wait(job, self.out, moment, before, self.chance.randint(1, 12))
            late = {"building": self.building, "swapped": 0.004, "part": 0.05}.get(moment, 0.0)
            self._pass(job, self.chance.choice((0.0, self.chance.uniform(0, late))))
        killed = job.kill(whole=whole)
        if not killed and job.process.returncode not in GOOD:
            self.problem(f"exit code {job.process.returncode} without a kill: {job.log.read_text()[-500:]}")
        if killed and not whole:
            self.report.workers_left += job.group in living_groups()
        self.look_after(None if had is None else name_of(had), had_warehouse=had is not None)
        if killed:
            self.report.kills += 1
            self.report.asked[moment] += 1
            self.report.phases[phase_of(self.out, before)] += 1
        return killed

    def look_after(self, before: str | None, *, had_warehouse: bool) -> None:
        """Read the output after a kill: the manifest's parts are whole, the DuckDB file is of the old or new state."""
        manifest = manifest_of(self.out)
        if manifest is None:
            if self.states:
                self.problem("the manifest is gone")
            return
        broken = broken_parts(self.out, manifest)
        for text in broken:
            self.problem(text)
        if broken:
            return
        state = name_of(content_of_parts(self.out, manifest))
        allowed = {before, self.states[-1] if self.states else None, state}
        if not self.states or self.states[-1] != state:
            self.states.append(state)
        if not (self.out / WAREHOUSE).exists():
            if had_warehouse:
                self.problem("the DuckDB file is gone")
            return
        if name_of(content_of_warehouse(self.out / WAREHOUSE)) not in allowed:
            self.problem("the DuckDB file has neither the old nor the new state")

    def heal(self) -> None:
        """Run without a kill: everything must be in order then."""
        job = self.start("--workers", "1", name="healing")
        if job.finish() not in GOOD:
            self.problem(f"exit code {job.process.returncode}: {job.log.read_text()[-500:]}")
            return
        if self.orphans():  # what they still write is cleaned up by the run after they are gone
            self.wait_for_workers()
            self.heal()
            return
        for text in faults(self.out):
            self.problem(text)
        self.look_after(None, had_warehouse=True)

    def orphans(self) -> list[Job]:
        """List the runs of which a process still lives."""
        living = living_groups()
        self.jobs = [job for job in self.jobs if job.group in living]
        return self.jobs

    def wait_for_workers(self) -> None:
        """Wait until the workers that were left behind have noticed, and end those that never do."""
        until = time.monotonic() + DEADLINE_SECONDS
        while self.orphans():
            if time.monotonic() > until:
                self.problem(f"workers of a killed run still live after {DEADLINE_SECONDS:g} s")
                self.end_all()
                return
            time.sleep(0.05)

    def end_all(self) -> None:
        """End every process that this soak has started."""
        for job in self.orphans():
            job.kill(whole=True)

    def work(self) -> None:
        """Deliver and kill until there were enough kills."""
        turn, due = 0, self.deliver()
        while self.report.kills < self.kills:
            options: tuple[str, ...] = ()
            if not due and not self.deliver():
                day = self.chance.choice(sorted(f.name for f in self.source.iterdir()))
                options = ("--from", day, "--to", day, "--again")
            published = len(self.states)
            if self.attempt(self.moments[turn % len(self.moments)], options):
                turn += 1
                print(f"\r{self.report.kills}/{self.kills} kills", end="", file=sys.stderr)
            due = len(self.states) == published and not options
            if self.chance.random() < self.heal_share:
                self.heal()
                due = False
        print(file=sys.stderr)

    def end(self) -> None:
        """Deliver the rest, run in peace, and compare with the undisturbed run and with the truth."""
        while self.deliver():
            pass
        self.heal()
        wrong = differences(facts(self.out), facts(self.folder / "clean"))
        if wrong:
            self.problem(f"{', '.join(wrong)} differ from those of an undisturbed run")
        for found in compare(self.folder / "tenant" / "truth", self.out / WAREHOUSE)[:5]:
            self.problem(f"not the truth: {found}")

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Let a reader read all the while, and take what it has found into the report."""
        log = self.folder / "reader.jsonl"
        command = [sys.executable, "-m", "tests.soak.reader", str(self.out), str(log)]
        with (self.folder / "reader.err").open("wb") as err:
            reader = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=err)
        try:
            yield
        finally:
            assert reader.stdin is not None
            reader.stdin.close()
            code = reader.wait(DEADLINE_SECONDS)
        if code:
            self.problem(f"the reader failed: {(self.folder / 'reader.err').read_text()[-500:]}")
            return
        self._take([json.loads(line) for line in log.read_text().splitlines()])

    def _take(self, told: list[dict[str, Any]]) -> None:
        """Take over what the reader has told; states must be those that were published, in their order."""
        for fact in told:
            if "problem" in fact:
                self.problem(f"reader: {fact['problem']}")
        published = iter(self.states)
        for fact in told:
            if "state" in fact and fact["state"] not in published:
                self.problem(f"reader: {fact['state']} was never published, or came after a later state")
        self.report.reads = {k: v for k, v in told[-1].items() if isinstance(v, int)}

    def run(self) -> Report:
        """Do it all."""
        began = time.monotonic()
        self.measure()
        try:
            with self.reading():
                self.work()
                self.end()
        finally:
            self.end_all()
        self.report.seconds = time.monotonic() - began
        return self.report


def main() -> int:
    """Run a soak and tell what it has found."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, metavar="N", help="how many (default: 50)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the tenant and of every choice")
    parser.add_argument("--keep", action="store_true", help="keep the folder, also when all is well")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="flowfacts-kills-"))
    report = Soak(folder, args.seed, args.kills, days=max(3, args.kills // 6), orders=12).run()
    print(f"{report.kills} kills, {report.runs} runs, {report.seconds:.0f} s, seed {args.seed}")
    print(f"asked for:        {dict(report.asked.most_common())}")
    print(f"killed in phase:  {dict(report.phases.most_common())}")
    print(f"worker processes left behind: {report.workers_left} times; reader: {report.reads}")
    for problem in report.problems:
        print(f"PROBLEM {problem}")
    if report.problems or args.keep:
        print(f"everything is in {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
