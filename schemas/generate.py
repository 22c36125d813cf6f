"""Write the files that are derived from `schemas`, or say which are stale.

    python -m schemas.generate            # write them
    python -m schemas.generate --check    # write nothing; exit 1 when one is stale

A file is stale when it is missing, when its content differs, or when nothing generates it any more. To add a
generated page, add its path and content to `outputs`.

May import the standard library, pyarrow and `schemas`. Works in a source tree only: an installed package has no
`deploy/` to write to.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from schemas.bi_pages import tools_page, vendor_page
from schemas.dataset import stored_tables
from schemas.derive import bigquery_schema, data_dictionary
from schemas.kpis.page import kpis_page
from schemas.pages import events_page
from schemas.signals import resources
from schemas.tables import TABLES
from schemas.views import views, views_section

_ROOT = Path(__file__).resolve().parent.parent

# Files that match belong to this command: one that `outputs` does not name is left over from a dropped declaration.
_OWNED = ("deploy/bigquery/*.json", "deploy/terraform/modules/monitoring/*.json")


def outputs() -> dict[str, str]:
    """Give the content of every generated file by its path, relative to the source tree."""
    files = {f"deploy/bigquery/{table.name}.json": _json(bigquery_schema(table)) for table in TABLES}
    # The dataset as `flowfacts bigquery apply` makes it, in the words of BigQuery's interface.
    made = [*(t.resource() for t in stored_tables()), *(v.resource("PROJECT.DATASET") for v in views())]
    files["deploy/bigquery/dataset.json"] = _json(made)
    files["schemas/docs/data_dictionary.md"] = f"{data_dictionary()}\n{views_section()}"
    files["schemas/docs/events.md"] = events_page()
    files["schemas/docs/vendor_charts.md"] = vendor_page()
    files["schemas/docs/bi_tools.md"] = tools_page()
    files["deploy/terraform/modules/monitoring/signals.json"] = _json(resources())
    files["schemas/docs/kpis.md"] = kpis_page()
    return files


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def stale(root: Path, files: Mapping[str, str]) -> list[str]:
    """List the paths below `root` that differ from `files` or that are left over, sorted."""
    changed = {path for path, content in files.items() if _read(root / path) != content}
    found = {file.relative_to(root).as_posix() for pattern in _OWNED for file in root.glob(pattern)}
    return sorted(changed | (found - files.keys()))


def _read(file: Path) -> str | None:
    try:
        # Bytes, so that a checkout with other line ends is stale instead of equal.
        return file.read_bytes().decode("utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def write(root: Path, files: Mapping[str, str]) -> list[str]:
    """Make the files below `root` current, remove those left over, and list the paths that changed."""
    changed = stale(root, files)
    for path in changed:
        target = root / path
        if path in files:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(files[path].encode("utf-8"))
        else:
            target.unlink()
    return changed


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see the module."""
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description="Write the derived files.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    args = parser.parse_args(argv)
    if not (_ROOT / "pyproject.toml").is_file():
        parser.error(f"{_ROOT} is no source tree of flowfacts, expected a pyproject.toml there")
    files = outputs()
    if args.check:
        found = stale(_ROOT, files)
        for path in found:
            print(f"stale: {path}", file=sys.stderr)
        if found:
            print("run `make docs` and commit the result", file=sys.stderr)
        return 1 if found else 0
    for path in write(_ROOT, files):
        print(f"updated {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
