"""`make bench`: flowfacts and its peers on the same files, in one run. README.md says what is measured and how."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.exports import discover
from pipelines.timing_facts import bucket_count
from tests.bench.agreement import agreement
from tests.bench.padded import pad
from tests.bench.peers import export_files

HOME = Path("build/bench")
OUT, LOG = HOME / "out", HOME / "log.txt"
PAGE = os.sysconf("SC_PAGE_SIZE")
EVENTS_PER_ORDER = 24.4  # what the simulator draws, with the inbound and stow work and the rest that goes with an order
MEMORY_LIMIT = 3e9
NAMES = ("flowfacts", "floor", "floor-full", "duckdb", "cookbook")
# What flowfacts's rate is divided by, the target and, where there is one, the aim.
RATIOS = (("cookbook", 5.0, 10.0), ("duckdb", 1.5, 2.0), ("floor", 0.5, None), ("floor-full", None, None))
SCALING = 10.5


@dataclass(frozen=True)
class Input:
    """A simulated tenant and its size."""

    folder: Path
    events: int
    lines: int
    raw: int
    as_of: str

    @property
    def export(self) -> Path:
        return self.folder / "export"


@dataclass(frozen=True)
class Figures:
    """What a contender took: wall seconds, processor seconds, peak memory of its processes together."""

    seconds: float
    cpu_seconds: float
    peak: int


def tenant(events: int, days: int = 7, faults: str = "none") -> Input:
    """Make the input, or take it when it was made before by the same simulator."""
    name = f"tenant-{events}" + (f"-{days}-{faults}" if (days, faults) != (7, "none") else "")
    folder, stamp = HOME / name, HOME / f"{name}.stamp"
    sources = sorted([*Path("pipelines/simulator").glob("*.py"), *Path("schemas").glob("*.py")])
    digest = hashlib.blake2b(b"".join(s.read_bytes() for s in sources), digest_size=16).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        stamp.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        orders = max(1, round(events / EVENTS_PER_ORDER / days))
        say(f"simulating {events:,} events ...")
        command = [sys.executable, "-m", "pipelines.cli", "simulate", "--output", str(folder), "--days", str(days)]
        command += ["--orders-per-day", str(orders), "--seed", "11", "--faults", faults, "--json"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        stamp.write_text(digest)
    return known(folder)


def known(folder: Path) -> Input:
    """Read how large an input is; the inflated size stands in the trailers of its gzip members."""
    books = json.loads((folder / "truth" / "books.json").read_text())
    raw = sum(int.from_bytes(f.read_bytes()[-4:], "little") for f in export_files(folder / "export"))
    return Input(folder, books["events_accepted"], books["lines_read"], raw, books["as_of"])


def command(name: str, source: Input, output: Path, workers: int) -> list[str]:
    """Give the command of a contender."""
    common = ["--input", str(source.export), "--output", str(output), "--workers", str(workers)]
    if name == "flowfacts":
        return [sys.executable, "-m", "pipelines.cli", "batch", *common, "--quiet"]
    module = {"duckdb": "duckdb_peer", "floor-full": "floor"}.get(name, name)
    extra = {"cookbook": ["--as-of", source.as_of], "floor-full": ["--full"]}.get(name, [])
    return [sys.executable, "-m", f"tests.bench.{module}", *common, *extra]


def tree(root: int) -> list[int]:
    """List a process and its descendants."""
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                todo += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
        except OSError:
            continue
    return found


def tree_memory(root: int) -> int:
    """Sum the resident sets of a process and its descendants; pages that they share count for each of them."""
    total = 0
    for pid in tree(root):
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        except OSError:
            continue
    return total


def measure(
    name: str,
    source: Input,
    workers: int,
    output: Path | None = None,
    more: Sequence[str] = (),
    *,
    grown: bool = False,
) -> Figures:
    """Run a contender, with more options, as a process of its own; one that fails ends the bench.

    A `grown` output keeps what it holds. Cut files of a faulty input are no failure.
    """
    output = output or OUT / name
    if not grown:
        shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True, exist_ok=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = 0
    with LOG.open("ab") as log:
        began = time.perf_counter()
        child = subprocess.Popen([*command(name, source, output, workers), *more], stdout=log, stderr=log)
        while True:
            try:
                child.wait(0.05)
                break
            except subprocess.TimeoutExpired:
                peak = max(peak, tree_memory(child.pid))
        took = time.perf_counter() - began
    if child.returncode not in (0, 3):
        raise SystemExit(f"{name} failed with exit code {child.returncode}, see {LOG}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Figures(took, cpu, peak)


def best(of: list[Figures]) -> Figures:
    """Take the fastest round, with the largest peak of all."""
    fastest = min(of, key=lambda f: f.seconds)
    return Figures(fastest.seconds, fastest.cpu_seconds, max(f.peak for f in of))


def row(name: str, source: Input, f: Figures) -> str:
    rates = f"{source.events / f.seconds:11,.0f}{source.raw / 1e6 / f.seconds:8,.0f}"
    return f"{name:12}{f.seconds:9.1f}{f.cpu_seconds:9.1f}{rates}{f.peak / 1e6:9,.0f}"


def say(text: str = "") -> None:
    print(text, flush=True)


@dataclass(frozen=True)
class Verdict:
    """One target: what it is about, what was found, what was asked, and whether it holds."""

    what: str
    found: float
    target: str
    met: bool | None

    def __str__(self) -> str:
        word = {True: "met", False: "MISSED", None: "for information"}[self.met]
        return f"{self.what:52}{self.found:8.2f}   {self.target:28}{word}"


def judge_rates(figures: dict[str, Figures], verdict: Callable[[Verdict], None]) -> None:
    """Hold the rate of flowfacts against that of each peer."""
    for name, target, aim in RATIOS:
        if name in figures and "flowfacts" in figures:
            ratio = figures[name].seconds / figures["flowfacts"].seconds
            if target is None:
                verdict(Verdict(f"events/s of flowfacts / {name}", ratio, "", None))
            else:
                asked = f"at least {target:g}" + (f" (aim {aim:g})" if aim else "")
                verdict(Verdict(f"events/s of flowfacts / {name}", ratio, asked, ratio >= target))


def judge_growth(large: Input, whole: Figures, workers: int, verdict: Callable[[Verdict], None]) -> None:
    """Say what ten times the events cost, and whether memory grows with the bytes of the payloads."""
    small = tenant(large.events // 10)
    tenth = measure("flowfacts", small, workers, OUT / "tenth")
    times = large.events / small.events
    allowed = times * SCALING / 10
    say(row("a tenth", small, tenth))
    wide = known(pad(small.folder, HOME / f"{small.folder.name}-padded"))
    # The number of buckets follows the stored bytes; what is asked here is what the same share of the flows takes.
    buckets = bucket_count(sum(f.size for f in discover(str(small.export))), workers)
    padded = measure("flowfacts", wide, workers, OUT / "padded", ["--buckets", str(buckets)])
    say(row("a tenth, x2", wide, padded))
    say()
    factor = whole.seconds / tenth.seconds
    verdict(Verdict(f"time for {times:.1f} times the events", factor, f"at most {allowed:.1f}", factor <= allowed))
    verdict(Verdict("peak memory, GB", whole.peak / 1e9, "under 3", whole.peak < MEMORY_LIMIT))
    grown = padded.peak / tenth.peak
    raw = wide.raw / small.raw
    verdict(Verdict(f"peak memory for {raw:.1f} times the bytes, same flows", grown, "at most 1.15", grown <= 1.15))
    verdict(Verdict(f"peak memory for {times:.1f} times the flows", whole.peak / tenth.peak, "", None))


def judge_days(days: int, events_a_day: int, workers: int, verdict: Callable[[Verdict], None]) -> None:
    """Say what the run of the last of many days costs beside a run of its events alone."""
    source = tenant(days * events_a_day, days, "light")
    names = sorted(f.name for f in source.export.iterdir())
    grown, last, alone = OUT / "days", OUT / "last", OUT / "alone"
    for day in names[:-1]:
        measure("flowfacts", source, workers, grown, ["--to", day], grown=True)
    rounds: list[tuple[Figures, Figures]] = []
    for _ in range(3):  # in turn, so that both meet the same machine
        shutil.rmtree(last, ignore_errors=True)
        shutil.copytree(grown, last)
        increment = measure("flowfacts", source, workers, last, ["--to", names[-1]], grown=True)
        rounds.append((increment, measure("flowfacts", source, workers, alone, ["--from", names[-1]])))
    increment, single = (best([r[i] for r in rounds]) for i in (0, 1))
    day = Input(source.folder, events_a_day, 0, 0, "")
    say(row(f"day {len(names)}", day, increment))
    say(row("alone", day, single))
    factor = increment.seconds / single.seconds
    verdict(Verdict(f"day {len(names)} after the others / its events alone", factor, "at most 1.5", factor <= 1.5))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--events", type=int, default=1_100_000, help="events of the input (default: 1,100,000)")
    parser.add_argument("--quick", action="store_true", help="60,000 events, to try it; start-up weighs too much in it")
    parser.add_argument("--workers", type=int, default=2, help="processes or threads of every contender (default: 2)")
    parser.add_argument("--rounds", type=int, default=1, help="run all of them so often and take the fastest of each")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--keep", action="store_true", help="keep what they wrote, in build/bench/out")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, too")
    args = parser.parse_args()
    HOME.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(OUT, ignore_errors=True)
    LOG.write_bytes(b"")
    load = os.getloadavg()[0]
    source = tenant(60_000 if args.quick else args.events)
    say(
        f"input: {source.events:,} events in {source.lines:,} lines, {source.raw / 1e9:.2f} GB raw, "
        f"{sum(f.stat().st_size for f in export_files(source.export)) / 1e9:.2f} GB stored; {args.workers} workers each"
    )
    if load > 0.7:
        say(f"the machine was busy before the bench began (load {load:.1f}): the ratios are worth less than usual")
    say(f"\n{'':12}{'seconds':>9}{'cpu s':>9}{'events/s':>11}{'MB/s':>8}{'peak MB':>9}")
    rounds: dict[str, list[Figures]] = {name: [] for name in NAMES if name in args.only}
    for _ in range(args.rounds):  # reading the sizes has brought the files into memory for all of them
        for name, found in rounds.items():
            found.append(measure(name, source, args.workers))
            say(row(name, source, found[-1]))
    figures = {name: best(found) for name, found in rounds.items()}
    verdicts: list[Verdict] = []

    def verdict(one: Verdict) -> None:
        verdicts.append(one)

    judge_rates(figures, verdict)
    if "flowfacts" in figures:
        judge_growth(source, figures["flowfacts"], args.workers, verdict)
        judge_days(*((6, 10_000) if args.quick else (30, 75_000)), args.workers, verdict)
    for one in verdicts:
        say(str(one))
    agreements: dict[str, Any] = {}
    if "flowfacts" in figures:
        for name in ("duckdb", "cookbook"):
            if name in figures:
                agreements[name] = agreement(OUT / "flowfacts" / "warehouse.duckdb", OUT / name)
                same, compared, extra = agreements[name]
                say(f"{name}: {same / compared:.4%} of {compared:,} cells as flowfacts has them; others: {extra}")
    if args.json:
        report = {
            "input": {"events": source.events, "lines": source.lines, "raw_bytes": source.raw},
            "contenders": {name: asdict(f) for name, f in figures.items()},
            "verdicts": [asdict(v) for v in verdicts],
            "agreement": agreements,
        }
        say(json.dumps(report, indent=1))
    if not args.keep:
        shutil.rmtree(OUT, ignore_errors=True)


if __name__ == "__main__":
    main()
