"""The streaming job as a Dataflow flex template: what its launcher runs, and the description of its parameters.

    python -m pipelines.flex            # write deploy/containers/stream.metadata.json
    python -m pipelines.flex --check    # write nothing; exit 1 when it is stale

The launcher's container calls `main` with `--name=value` for every parameter and with Dataflow's own options, among
them the place to which the job's graph goes. Parameters are those options of `flowfacts stream` that make sense there,
with an underscore for a hyphen; they are read from the command's own declaration.

There is no such template of the batch job. Its driver looks for what is due, holds the lock, waits, checks the books
and publishes; a launcher ends when the graph is handed over. The batch job on Dataflow is `flowfacts batch --runner
DataflowRunner`, run by something that waits, such as a Cloud Run job.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pipelines.commands import stream

FILE: Final = Path(__file__).resolve().parent.parent / "deploy" / "containers" / "stream.metadata.json"

_NOT_THERE: Final = frozenset(
    {"help", "topic", "idle_exit", "status_every", "runner", "json", "quiet", "verbose", "log"}
)
"""What Dataflow decides, or what only a terminal needs."""

_NUMBER: Final = "^[0-9]+(\\.[0-9]+)?$"
_SHAPES: Final[dict[str, tuple[str, str]]] = {
    "subscription": ("PUBSUB_SUBSCRIPTION", "^projects/[^/\\n\\r]+/subscriptions/[^/\\n\\r]+$"),
    "output": ("GCS_WRITE_FOLDER", "^gs://[^\\n\\r]+$"),
    "settled": ("GCS_READ_FOLDER", "^gs://[^\\n\\r]+$"),
    "bigquery": ("TEXT", "^[^.\\s]+\\.[A-Za-z0-9_]+$"),
    "as_of": ("TEXT", "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)$"),
}
"""Type and shape of parameters; others are numbers, or text of any shape."""


def _actions() -> list[argparse.Action]:
    parser = argparse.ArgumentParser()
    stream.add_arguments(parser)
    return [a for a in parser._actions if a.dest not in _NOT_THERE]


def metadata() -> dict[str, Any]:
    """Give the description of the template, as Dataflow reads it."""
    parameters = []
    for action in _actions():
        number = action.type in (int, float)
        kind, shape = _SHAPES.get(action.dest, ("TEXT", _NUMBER if number else None))
        told = (action.help or action.dest).replace("%%", "%")
        parameters.append(
            {
                "name": action.dest,
                "label": action.dest.replace("_", " ").capitalize(),
                "helpText": told[0].upper() + told[1:],
                "isOptional": action.dest not in ("subscription", "output"),
                "paramType": kind,
                **({} if shape is None else {"regexes": [shape]}),
            }
        )
    return {
        "name": "flowfacts stream",
        "description": "Reads the platform's Pub/Sub events and publishes live timing facts.",
        "streaming": True,
        "supportsAtLeastOnce": True,
        "supportsExactlyOnce": True,
        "parameters": sorted(parameters, key=lambda p: (p["isOptional"], p["name"])),
    }


def arguments(given: Sequence[str]) -> list[str]:
    """Turn what the launcher gives into arguments of `flowfacts stream`; Dataflow's own options stay as they are."""
    ours = {a.dest: a.option_strings[0] for a in _actions()}
    words = []
    for word in given:
        name, equals, value = word.removeprefix("--").partition("=")
        if word.startswith("--") and name in ours:
            if equals and not value:
                continue  # a form leaves a parameter empty that nobody has filled in
            words.append(f"{ours[name]}{equals}{value}")
        else:
            words.append(word)
    if not any(w.split("=")[0] == "--runner" for w in words):
        words.append("--runner=DataflowRunner")
    return ["stream", *words]


def main(argv: Sequence[str] | None = None) -> int:
    """Launch the job; gives the command's exit code."""
    from pipelines.cli import main as flowfacts

    return flowfacts(arguments(sys.argv[1:] if argv is None else argv))


def _current(check: bool) -> int:
    wanted = json.dumps(metadata(), indent=2, ensure_ascii=False) + "\n"
    if FILE.is_file() and FILE.read_text(encoding="utf-8") == wanted:
        return 0
    if check:
        print(f"stale: {FILE.relative_to(FILE.parents[2])}\nrun `make docs` and commit the result", file=sys.stderr)
        return 1
    FILE.write_text(wanted, encoding="utf-8")
    print(f"updated {FILE.relative_to(FILE.parents[2])}")
    return 0


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(prog="python -m pipelines.flex", description="Write the template's description.")
    _parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when it is stale")
    sys.exit(_current(_parser.parse_args().check))
