"""What `flowfacts land` tells while it runs: lines of JSON for machines, a line on a terminal, files for a log."""

from __future__ import annotations

import json
import shutil
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from pipelines.signals import line, of_landing

_TERMINAL_SECONDS: Final = 0.5


class Mode(Enum):
    """How it is told."""

    QUIET = "nothing but errors"
    JSON = "lines of JSON on standard output"
    LOG = "lines of JSON for a log collector, on standard output"
    TERMINAL = "one line that is drawn over and over, on standard error"
    PLAIN = "a line a file, on standard output"


@dataclass(slots=True)
class Counts:
    """What the writing side has done.

    Attributes:
        landed: messages in published files, and `rejected` those of them that will be dead letters.
        files: published files, with their `bytes` before compression and `stored_bytes`.
        write_failures: files that could not be written.
        leftovers: files of dead processes that were removed.
    """

    landed: int = 0
    rejected: int = 0
    files: int = 0
    bytes: int = 0
    stored_bytes: int = 0
    write_failures: int = 0
    leftovers: int = 0


class Teller:
    """Tells what happens; `every` is the time between two JSON status lines."""

    def __init__(self, mode: Mode, every: float) -> None:
        """Begin at zero."""
        self._mode, self._every = mode, every
        self._began = self._told = time.monotonic()
        self._before = 0
        self._drawn = False

    def due(self) -> bool:
        """Say whether it is time for a status."""
        wait = {Mode.JSON: self._every, Mode.LOG: self._every, Mode.TERMINAL: _TERMINAL_SECONDS}.get(self._mode)
        return wait is not None and time.monotonic() - self._told >= wait

    def status(self, kind: str, state: dict[str, Any]) -> None:
        """Tell the state; `received` in it gives the rate since the last time."""
        now = time.monotonic()
        rate = (state["received"] - self._before) / max(now - self._told, 0.001)
        self._told, self._before = now, state["received"]
        if self._mode is Mode.JSON:
            seconds = {"uptime_seconds": round(now - self._began, 1), "messages_per_second": round(rate, 1)}
            self._json(kind, **seconds, **state)
        elif self._mode is Mode.LOG:
            print(line("land", of_landing(state)), flush=True)
        elif self._mode is Mode.TERMINAL:
            self._draw(
                f"{state['landed']:,} landed  {rate:,.0f}/s  {state['open_files']} open, {state['unacked_messages']:,} "
                f"messages, {state['unacked_bytes'] / 1e6:,.1f} MB, oldest {state['oldest_unacked_seconds']:.0f} s  "
                f"{state['files']:,} files" + (f"  ! {state['last_error']}" if state["last_error"] else "")
            )

    def file(self, path: str, messages: int, size: int, stored: int, why: str) -> None:
        """Tell of a file that was published and acknowledged."""
        if self._mode is Mode.JSON:
            self._json("file", path=path, messages=messages, bytes=size, stored_bytes=stored, closed_by=why)
        elif self._mode is Mode.PLAIN:
            print(f"{path}: {messages:,} messages, {size / 1e6:,.1f} MB ({why})", flush=True)

    def error(self, text: str) -> None:
        """Tell of something that went wrong; always told."""
        self._wipe()
        print(f"flowfacts land: {text}", file=sys.stderr, flush=True)

    def end(self, why: str, state: dict[str, Any]) -> None:
        """Tell the end."""
        if self._mode in (Mode.JSON, Mode.LOG):
            self.status("stopped", {"reason": why, **state})
        elif self._mode is not Mode.QUIET:
            self._wipe()
            print(
                f"{why}: {state['landed']:,} messages in {state['files']:,} files ({state['rejected']:,} are no "
                f"events), {state['acknowledged']:,} acknowledged, {state['given_back']:,} given back",
                flush=True,
            )

    def _json(self, kind: str, **told: Any) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        print(json.dumps({"event": kind, "time": at, **told}), flush=True)

    def _draw(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\x1b[K{text[:width]}", end="", file=sys.stderr, flush=True)
        self._drawn = True

    def _wipe(self) -> None:
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._drawn = False
