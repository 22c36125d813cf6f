"""Writes the export: day folders of gzipped files, with the oddities that files can have."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from pathlib import Path

from isal import igzip

from pipelines.simulator.drawing import DAY, instant_text
from pipelines.simulator.faults import FaultLevel, broken_line
from pipelines.simulator.lines import Delivery
from pipelines.simulator.orders_times import date_text

SLOTS = 6
"""Files a day: one for every four hours of recorded time."""

SLOT = DAY // SLOTS


Placed = tuple[int, int, bytes]
"""A line with its file (counted from the first of the first day) and its recorded time."""


class Placer:
    """Decides in which file a delivery stands, and writes its line in that file's form."""

    def __init__(self, rng: random.Random, seed: int, level: FaultLevel, start: int, days: int) -> None:
        """Place deliveries of `days` days from `start` (microseconds) on."""
        self._rng, self._level, self._start, self._last = rng, level, start, days * SLOTS - 1
        forms = random.Random(f"forms-{seed}")
        self._nested = [forms.random() < 0.25 for _ in range(days * SLOTS)]

    def place(self, delivery: Delivery, earliest: int) -> Placed:
        """Place a delivery in the file of its recorded time, or displaced in a later one; not before `earliest`."""
        rng = self._rng
        slot = (delivery.recorded_at - self._start) // SLOT
        if rng.random() < self._level.displaced:
            slot = min(slot + rng.randrange(1, 3 * SLOTS), self._last)
        slot = max(slot, earliest)
        return slot, delivery.recorded_at, delivery.line(rng, nested=self._nested[slot])


class ExportWriter:
    """Collects deliveries by the file they belong to and writes each file once its day is complete.

    Memory: the lines of the days that are not complete yet, as a rule one day.
    """

    def __init__(self, folder: Path, seed: int, level: FaultLevel, start: int, days: int) -> None:
        """Write below `folder` the days from `start` (microseconds) on."""
        self.folder, self.level, self.start = folder, level, start
        self.slots = days * SLOTS
        self.books: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self._rng = random.Random(f"writer-{seed}")
        self._waiting: dict[int, list[tuple[int, bytes]]] = {}
        self._written = 0

    def add(self, placed: Placed) -> None:
        """Take a line for its file."""
        slot, recorded, line = placed
        self._waiting.setdefault(slot, []).append((recorded, line))
        self.books["lines_accepted"] += 1

    def complete(self, until_day: int) -> None:
        """Write the files of all days before `until_day`, counted from 0."""
        while self._written < until_day * SLOTS:
            self._write(self._written)
            self._written += 1

    def _write(self, slot: int) -> None:
        rng, level = self._rng, self.level
        day = date_text((self.start + slot // SLOTS * DAY) // DAY)
        folder = self.folder / day
        folder.mkdir(parents=True, exist_ok=True)
        lines = self._waiting.pop(slot, [])
        lines.sort(key=lambda pair: pair[0])
        texts = [line for _, line in lines]
        created = instant_text(self.start + slot * SLOT)
        for _ in range(len(texts)):
            if rng.random() < level.broken:
                texts.insert(rng.randrange(len(texts) + 1), broken_line(rng, self.reasons, created))
                self.books["dead_letters"] += 1
        odd = rng.random() < level.odd_files
        kind = rng.choice(("resent", "cut", "crlf", "blank", "members", "plain", "empty", "zero")) if odd else ""
        end = b"\r\n" if kind == "crlf" else b"\n\n" if kind == "blank" else b"\n"
        data = end.join(texts) + (end if texts else b"")
        name = f"part-{slot % SLOTS}.ndjson"
        if kind == "plain" and not data:
            kind = ""  # two files without a byte would be repeats of each other
        if kind == "plain":
            stored = data
        else:
            third = len(data) // 3
            members = (data[:third], data[third : 2 * third], data[2 * third :]) if kind == "members" else (data,)
            # The header's time is the slot: the clock would make another file of the same lines, and without it files
            # with no line would be repeats of each other.
            stored = b"".join(igzip.compress(m, 1, mtime=slot) for m in members)
        path = folder / (name if kind == "plain" else f"{name}.gz")
        path.write_bytes(stored)
        self.books["files_read"] += 1
        self._odd_companion(kind, folder, slot, stored)

    def _odd_companion(self, kind: str, folder: Path, slot: int, stored: bytes) -> None:
        """Write the extra file that an odd kind comes with."""
        if kind == "resent" and len(stored) > 40:
            (folder / f"resent-{slot % SLOTS}.ndjson.gz").write_bytes(stored)
            self.books["files_repeated"] += 1
        elif kind == "cut" and len(stored) > 40:
            keep = self._rng.randrange(len(stored) // 3, len(stored) - 1)
            (folder / f"cut-{slot % SLOTS}.ndjson.gz").write_bytes(stored[:keep])
            self.books["files_read"] += 1
            self.books["files_incomplete"] += 1
        elif kind == "empty":
            (folder / f"empty-{slot % SLOTS}.ndjson.gz").write_bytes(gzip.compress(b"", mtime=self.slots + slot))
            self.books["files_read"] += 1
        elif kind == "zero" and not any(folder.parent.glob("*/zero-*")):
            (folder / f"zero-{slot % SLOTS}.ndjson.gz").write_bytes(b"")
            self.books["files_read"] += 1
