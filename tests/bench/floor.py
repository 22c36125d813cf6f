"""The floor: gunzip and typed decode alone, shared out over processes. Nothing can be faster and read every line."""

from __future__ import annotations

from multiprocessing import get_context
from pathlib import Path

from isal import igzip

from tests.bench.peers import arguments, export_files
from transforms.decode import Decoder


def read(path: str) -> int:
    """Inflate a file, split it into lines and decode each with its typed decoder; keep nothing."""
    decoder = Decoder()
    lines = 0
    for line in igzip.decompress(Path(path).read_bytes()).split(b"\n"):
        if line:
            decoder.typed(line)
            lines += 1
    return lines


def main() -> None:
    """Read all files of the input."""
    given = arguments(__doc__)
    files = sorted(export_files(given.input), key=lambda f: -f.stat().st_size)
    with get_context("spawn").Pool(given.workers) as pool:
        sum(pool.imap_unordered(read, map(str, files)))


if __name__ == "__main__":
    main()
