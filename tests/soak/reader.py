"""A reader that never stops: it reads the manifest, every part, and the DuckDB file, again and again.

    python -m tests.soak.reader OUTPUT LOG

A process of its own, so that it holds no lock and no cache of the job's process. It ends when its standard input does,
and writes a JSON line into the log for each new state of the DuckDB file and for each problem, and one at the end.
"""

from __future__ import annotations

import json
import select
import sys
from pathlib import Path
from typing import IO, Any

import duckdb

from pipelines.datasets import parts_of
from tests.soak.published import MANIFEST, WAREHOUSE, content_of_warehouse, name_of, problem_of

PAUSE_SECONDS = 0.02
"""Between two reads, so that the job gets its share of the processors."""


class Reader:
    """Reads one output."""

    def __init__(self, out: Path, log: IO[str]) -> None:
        self.out, self.log = out, log
        self.manifests = self.warehouses = self.again = 0
        self.state = ""
        self.seen = False

    def tell(self, **fact: Any) -> None:
        """Write one line of the log."""
        self.log.write(json.dumps(fact) + "\n")
        self.log.flush()

    def manifest(self) -> bytes | None:
        """Read the manifest's bytes, None when there is none."""
        try:
            raw = (self.out / MANIFEST).read_bytes()
        except FileNotFoundError:
            if self.seen:
                self.tell(problem="the manifest is gone")
            return None
        self.seen = True
        return raw

    def parts(self) -> None:
        """Read the manifest and all its parts; a part may be missing only when a newer manifest is there."""
        raw = self.manifest()
        while raw is not None:
            self.manifests += 1
            missing = self._read_all(raw)
            if missing is None:
                return
            newer = self.manifest()
            if newer == raw:
                self.tell(problem=f"{missing} is missing, and the manifest is still the one that names it")
                return
            self.again += 1
            raw = newer

    def _read_all(self, raw: bytes) -> str | None:
        for part in parts_of(json.loads(raw)):
            try:
                problem = problem_of(self.out, part)
            except FileNotFoundError:
                return part.path
            if problem is not None:
                self.tell(problem=problem)
        return None

    def warehouse(self) -> None:
        """Read every relation of the DuckDB file."""
        file = self.out / WAREHOUSE
        if not self.warehouses and not file.exists():
            return
        try:
            state = name_of(content_of_warehouse(file))
        except duckdb.Error as err:
            self.tell(problem=f"{WAREHOUSE} can't be read: {str(err).splitlines()[0]}")
            return
        self.warehouses += 1
        if state != self.state:
            self.state = state
            self.tell(state=state)

    def go(self) -> None:
        """Read until standard input ends."""
        while not select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
            self.parts()
            self.warehouse()
        self.parts()
        self.warehouse()
        self.tell(manifests=self.manifests, warehouses=self.warehouses, again=self.again)


if __name__ == "__main__":
    with open(sys.argv[2], "a", encoding="utf-8") as told:
        Reader(Path(sys.argv[1]), told).go()
