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
    """A sub-command.

    Attributes:
        help: the line that `--help` shows.
        module: where it is.
        beam: other options go to Beam.
        own: options that mean another thing here than elsewhere, so that [common] of the configuration file must not
            give them.
    """

    help: str
    module: str
    beam: bool = False
    own: tuple[str, ...] = ()


SHARED: Final = (
    "input", "output", "zone", "quiet-hours", "settle-days", "deadline-order-days", "deadline-inbound-days",
    "deadline-stow-days", "log", "json", "quiet", "verbose",
)  # fmt: skip
"""Options that mean the same for every command that has them; the configuration file may give them once."""

GROUPS: Final[dict[str, dict[str, Command]]] = {
    "begin here, without an account": {
        "simulate": Command("an invented tenant with known truth", "pipelines.simulator.run", own=("output", "json")),
        "batch": Command("event exports to timing facts", "pipelines.commands.batch", beam=True),
        "dashboard": Command("pages over the facts, in the browser", "pipelines.commands.dashboard"),
        "explain": Command("where the durations of an order come from", "pipelines.commands.explain"),
    },
    "set up for real": {
        "doctor": Command("is everything there for a first run, and what is to be mended", "pipelines.commands.doctor"),
        "subscribe": Command("the platform's events to a Pub/Sub topic of one's own", "pipelines.commands.subscribe"),
        "config": Command("one file for the options of all commands: check it, show it", "pipelines.commands.config"),
    },
    "bring the events in": {
        "mirror": Command("an export bucket to storage of one's own", "pipelines.commands.mirror"),
        "land": Command("messages of a Pub/Sub subscription to export files", "pipelines.commands.land"),
        "stream": Command("Pub/Sub events to live facts", "pipelines.commands.stream", beam=True),
        "compare": Command("live facts beside settled ones", "pipelines.commands.compare"),
    },
    "ask": {
        "query": Command("a question to the embedded warehouse or a dataset", "pipelines.commands.query"),
        "report": Command("charts of some days in one file", "pipelines.commands.report", own=("output",)),
        "export": Command("an event log for process-mining tools", "pipelines.commands.export", own=("output",)),
        "bigquery": Command("the facts in a BigQuery dataset", "pipelines.commands.bigquery"),
    },
    "look after it": {
        "status": Command("how the days of an output stand", "pipelines.commands.status"),
        "state": Command("what is kept between the runs", "pipelines.commands.state"),
        "replay": Command("dead letters decoded again", "pipelines.commands.replay", beam=True),
        "rebuild": Command("all facts again from the event log", "pipelines.commands.rebuild", beam=True),
        "compact": Command("small files of an output written together", "pipelines.commands.compact", beam=True),
        "erase": Command("the identifiers of an order, everywhere", "pipelines.commands.erase"),
        "expire": Command("raw bytes older than their retention", "pipelines.commands.expire"),
    },
}
"""The commands by what they are for, in the order in which one meets them."""

COMMANDS: Final[dict[str, Command]] = {name: c for group in GROUPS.values() for name, c in group.items()}
