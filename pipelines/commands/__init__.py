"""The sub-commands of `flowfacts`: one module each, loaded only when it is asked for.

A module offers `add_arguments(parser)`, which declares its options and sets `parser.description`, and
`main(args, rest) -> int`, which runs it and gives the exit code. `rest` holds options that are passed on to Beam; it
is empty unless the command takes them. What `main` may raise is in `pipelines.cli`. Whatever is slow to import (Beam,
pyarrow, a cloud client) is imported inside `main`, so that `--help` answers at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Command:
    """A sub-command: the line that `--help` shows, its module, and whether other options go to Beam."""

    help: str
    module: str
    beam: bool = False


COMMANDS: Final[dict[str, Command]] = {
    "simulate": Command("an invented tenant with known truth", "pipelines.simulator.run"),
    "batch": Command("event exports to timing facts", "pipelines.commands.batch", beam=True),
    "status": Command("how the days of an output stand", "pipelines.commands.status"),
    "state": Command("what is kept between the runs", "pipelines.commands.state"),
    "rebuild": Command("all facts again from the event log", "pipelines.commands.rebuild", beam=True),
    "replay": Command("dead letters decoded again", "pipelines.commands.replay", beam=True),
    "compact": Command("small files of an output written together", "pipelines.commands.compact", beam=True),
    "erase": Command("the identifiers of an order, everywhere", "pipelines.commands.erase"),
    "expire": Command("raw bytes older than their retention", "pipelines.commands.expire"),
    "land": Command("messages of a Pub/Sub subscription to export files", "pipelines.commands.land"),
    "stream": Command("Pub/Sub events to live facts", "pipelines.commands.stream", beam=True),
    "compare": Command("live facts beside settled ones", "pipelines.commands.compare"),
    "bigquery": Command("the facts in a BigQuery dataset", "pipelines.commands.bigquery"),
    "query": Command("a question to the embedded warehouse or a dataset", "pipelines.commands.query"),
    "dashboard": Command("pages over the facts, in the browser", "pipelines.commands.dashboard"),
    "explain": Command("where the durations of an order come from", "pipelines.commands.explain"),
    "report": Command("charts of some days in one file", "pipelines.commands.report"),
    "export": Command("an event log for process-mining tools", "pipelines.commands.export"),
    "mirror": Command("an export bucket to storage of one's own", "pipelines.commands.mirror"),
}
