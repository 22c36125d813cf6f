"""The floor: gunzip and decode alone, shared out over processes; nothing that reads every line can be faster.

Without `--full` each line goes through the typed decoder of its event name and no further; with it the line becomes
its events, as in flowfacts, and they are dropped.

    python -m tests.bench.floor --input DIR --output DIR [--full]
"""

from __future__ import annotations

import gc
from multiprocessing import get_context
from pathlib import Path

from isal import igzip

from tests.bench.peers import arguments, export_files
from transforms.decode import Decoder


def typed(path: str) -> None:
    """Inflate a file and decode each line with its typed decoder; keep nothing."""
    decode = Decoder().typed
    for line in _lines(path):
        if line:
            decode(line)


def events(path: str) -> None:
    """Inflate a file and make the events of each line; keep nothing."""
    gc.set_threshold(200_000, 50, 1000)  # as flowfacts does
    decode = Decoder().line
    for line in _lines(path):
        if line:
            decode(line, path)


def _lines(path: str) -> list[bytes]:
    return igzip.decompress(Path(path).read_bytes()).split(b"\n")


def main() -> None:
    given = arguments(__doc__, full=True)
    files = sorted(export_files(given.input), key=lambda f: -f.stat().st_size)
    with get_context("spawn").Pool(given.workers) as pool:
        for _ in pool.imap_unordered(events if given.full else typed, map(str, files)):
            pass


if __name__ == "__main__":
    main()
