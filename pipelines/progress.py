"""Progress of a run whose workers are other processes.

Workers append small records to files of their own in a folder; the view adds them up a few times a second. On a
cluster there is no such folder, and nothing is written: the runner has its own console.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

_EVERY_SECONDS = 0.25


class ProgressWriter:
    """Tells the progress of one worker."""

    def __init__(self, folder: str | None) -> None:
        """Write into `folder`; None writes nothing."""
        self._path = None if folder is None else Path(folder) / f"{os.getpid()}-{time.monotonic_ns()}.json"
        self._done = {"files": 0, "lines": 0, "bytes": 0}
        self._told = 0.0

    def add(self, *, files: int = 0, lines: int = 0, stored: int = 0) -> None:
        """Add to what was done; written at most a few times a second, and with every finished file."""
        if self._path is None:
            return
        self._done["files"] += files
        self._done["lines"] += lines
        self._done["bytes"] += stored
        now = time.monotonic()
        if not files and now - self._told < _EVERY_SECONDS:
            return
        self._told = now
        try:
            fresh = self._path.with_suffix(".tmp")
            fresh.write_text(json.dumps(self._done))
            fresh.replace(self._path)
        except OSError:  # progress is a courtesy; a full or vanished folder must not fail the run
            self._path = None


def total(folder: Path) -> dict[str, int]:
    """Add up what all workers have told."""
    done = {"files": 0, "lines": 0, "bytes": 0}
    for file in folder.glob("*.json"):
        try:
            told = json.loads(file.read_text())
        except (OSError, ValueError):
            continue
        for key in done:
            done[key] += told[key]
    return done


class ProgressView:
    """Shows progress on standard error while a run lasts: files, lines, rate, time left."""

    def __init__(self, folder: Path, files: int, stored: int) -> None:
        """Show the progress told in `folder` against a total of `files` and stored bytes."""
        self._folder, self._files, self._stored = folder, files, stored
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._began = time.monotonic()

    def __enter__(self) -> ProgressView:
        """Begin to show."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing."""
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn(
                "{task.fields[files]}/{task.fields[all]} files  {task.fields[lines]:,} lines  "
                "{task.fields[rate]:,.0f}/s"
            ),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
            task = progress.add_task(
                "starting", total=max(self._stored, 1), files=0, all=self._files, lines=0, rate=0.0
            )
            while not self._stop.wait(_EVERY_SECONDS):
                self._show(progress, task)

    def _show(self, progress: Any, task: Any) -> None:
        done = total(self._folder)
        rate = done["lines"] / max(time.monotonic() - self._began, 0.001)
        stage = "starting" if not done["lines"] else "reading" if done["files"] < self._files else "projecting"
        progress.update(
            task, completed=done["bytes"], description=stage, files=done["files"], lines=done["lines"], rate=rate
        )
