"""The floor: gunzip and typed decode alone, shared out over processes. Nothing can be faster and read every line."""

from __future__ import annotations

import sys
from multiprocessing import get_context
from pathlib import Path

from isal import igzip

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


def main(folder: str, workers: int) -> int:
    """Read all files below `folder`."""
    files = sorted(map(str, Path(folder).glob("*/*.gz")), key=lambda f: -Path(f).stat().st_size)
    with get_context("spawn").Pool(workers) as pool:
        return sum(pool.imap_unordered(read, files))


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2])))
