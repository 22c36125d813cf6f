"""`make bench`: flowfacts and its peers on the same files, in one run.

Prints rates, ratios and peak memory (resident sets of the whole process tree, summed, sampled every 50 ms), and what
ten times the events cost. Nothing here fails by time: read the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HOME = Path("build/bench")
PAGE = os.sysconf("SC_PAGE_SIZE")
EVENTS_PER_ORDER = 25.2
TARGETS = (("cookbook", 5.0), ("duckdb", 1.5), ("floor", 0.5))


def tree_memory(root: int) -> int:
    """Sum the resident sets of a process and its descendants."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parents[int(entry)] = int(Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
    total = 0
    for pid in parents:
        at = pid
        while at not in (0, root):
            at = parents.get(at, 0)
        if at == root:
            try:
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
            except OSError:
                continue
    return total


def measure(command: list[str]) -> tuple[float, int]:
    """Run a command; give its seconds and the peak memory of its tree. A contender that fails ends the bench."""
    began = time.perf_counter()
    with open(HOME / "log.txt", "ab") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log)
    peak = 0
    while child.poll() is None:
        peak = max(peak, tree_memory(child.pid))
        time.sleep(0.05)
    took = time.perf_counter() - began
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(command[:6])} ... failed with {child.returncode}, see {HOME / 'log.txt'}")
    return took, peak


def tenant(events: int, days: int = 7) -> Path:
    """Make the input once: a clean tenant of about so many events."""
    folder = HOME / f"tenant-{events}"
    if not (folder / "truth" / "books.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        orders = max(1, round(events / EVENTS_PER_ORDER / days))
        command = [sys.executable, "-m", "pipelines.cli", "simulate", "--output", str(folder), "--days", str(days)]
        subprocess.run([*command, "--orders-per-day", str(orders), "--seed", "11"], check=True)
    return folder


def raw_bytes(folder: Path) -> int:
    """Give the inflated size of the input, from the trailers of its gzip members."""
    total = 0
    for file in folder.glob("export/*/*.gz"):
        with file.open("rb") as stored:
            stored.seek(-4, os.SEEK_END)
            total += int.from_bytes(stored.read(4), "little")
    return total


def contenders(folder: Path, workers: int) -> dict[str, list[str]]:
    """Give the command of every contender."""
    source, out = str(folder / "export"), HOME / "out"
    shutil.rmtree(out, ignore_errors=True)
    peer = ["--input", source, "--workers", str(workers), "--output"]
    commands = {"flowfacts": [sys.executable, "-m", "pipelines.cli", "batch", *peer, str(out / "flowfacts"), "--quiet"]}
    for name, module in (("floor", "floor"), ("duckdb", "duckdb_peer"), ("cookbook", "cookbook")):
        (out / name).mkdir(parents=True)
        commands[name] = [sys.executable, "-m", f"tests.bench.{module}", *peer, str(out / name)]
    return commands


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--events", type=int, default=1_050_000, help="events of the input (default: 1,050,000)")
    parser.add_argument("--quick", action="store_true", help="60,000 events, to try it")
    parser.add_argument("--workers", type=int, default=2, help="processes or threads of every contender (default: 2)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    args = parser.parse_args()
    events = 60_000 if args.quick else args.events
    HOME.mkdir(parents=True, exist_ok=True)
    (HOME / "log.txt").unlink(missing_ok=True)
    folder, small = tenant(events), tenant(events // 10)
    books = json.loads((folder / "truth" / "books.json").read_text())
    count, size = books["events_accepted"], raw_bytes(folder)
    print(
        f"input: {count:,} events in {books['lines_read']:,} lines, {size / 1e9:.2f} GB raw; {args.workers} workers\n"
    )
    print(f"{'':12}{'seconds':>9}{'events/s':>11}{'MB/s':>8}{'peak MB':>9}")
    figures: dict[str, dict[str, float]] = {}
    for name, command in contenders(folder, args.workers).items():
        took, peak = measure(command)
        figures[name] = {"seconds": took, "events_per_second": count / took, "peak_bytes": float(peak)}
        print(f"{name:12}{took:9.1f}{count / took:11,.0f}{size / 1e6 / took:8.0f}{peak / 1e6:9.0f}", flush=True)
    print()
    for name, target in TARGETS:
        ratio = figures["flowfacts"]["events_per_second"] / figures[name]["events_per_second"]
        print(f"flowfacts / {name}: {ratio:.2f} (target {target:g})")
    few = json.loads((small / "truth" / "books.json").read_text())["events_accepted"]
    took, peak = measure(contenders(small, args.workers)["flowfacts"])
    factor = figures["flowfacts"]["seconds"] / took
    memory = figures["flowfacts"]["peak_bytes"] / peak
    print(f"{count / few:.1f} times the events: {factor:.1f} times the time, {memory:.1f} times the memory")
    if args.json:
        print(json.dumps({"events": count, "raw_bytes": size, "contenders": figures, "scaling": factor}))


if __name__ == "__main__":
    main()
