"""What the contenders share: their command line and the list of the input files."""

from __future__ import annotations

import argparse
from pathlib import Path


def arguments(description: str | None, *, as_of: bool = False, full: bool = False) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    if as_of:
        parser.add_argument("--as-of", required=True)
    if full:
        parser.add_argument("--full", action="store_true", help="build the events, too")
    return parser.parse_args()


def export_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.ndjson.gz"))
