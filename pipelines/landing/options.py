"""What a landing is asked for; checked before anything is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pipelines.landing.status import Mode

ONCE_SECONDS: Final = 10.0
"""How long `--once` waits for more."""

_NAME = re.compile(r"^projects/[^/\s]+/subscriptions/[^/\s]+$")


class LandError(Exception):
    """It can't begin: the message says which argument, subscription or folder, and what was expected."""


@dataclass(frozen=True, slots=True)
class LandOptions:
    """One landing.

    Attributes:
        subscription: `projects/P/subscriptions/S`.
        to: local folder, or `gs://bucket/folder`.
        max_file_bytes: size before compression at which a file is closed.
        max_file_age: seconds after its first message when a file is closed.
        max_unacked_messages, max_unacked_bytes: how much is pulled at most before some of it is acknowledged.
        idle_exit: end when nothing has come for so many seconds; None to go on.
        give_up: seconds for which files that can't be written are tried again.
        mode: how its state is told, and `status_every` how often, in seconds.
    """

    subscription: str
    to: str
    max_file_bytes: float = 64e6
    max_file_age: float = 60
    max_unacked_messages: int = 50_000
    max_unacked_bytes: float = 256e6
    idle_exit: float | None = None
    give_up: float = 60
    mode: Mode = Mode.PLAIN
    status_every: float = 10

    def check(self) -> None:
        """Check what can be checked without a call.

        Raises:
            LandError: an argument can't be used.
        """
        if not _NAME.match(self.subscription):
            raise LandError(
                f"--subscription is {self.subscription!r}, expected projects/PROJECT/subscriptions/SUBSCRIPTION (the "
                "subscription's full name, not its topic's)"
            )
        if not self.to.strip():  # an unset variable of a script; the empty path would become the root folder
            raise LandError("--to is empty, expected a folder or gs://bucket/folder")
        if "://" in self.to and not re.match(r"^gs://[^/]", self.to):
            raise LandError(f"--to is {self.to}, expected a local folder or gs://bucket/folder")
        for name, value, least, most in (
            ("--max-file-mb", self.max_file_bytes / 1e6, 0.001, 10_000),
            ("--max-file-age", self.max_file_age, 0.1, 3600),
            ("--max-unacked-messages", self.max_unacked_messages, 1, 1_000_000),
            ("--max-unacked-mb", self.max_unacked_bytes / 1e6, 0.001, 100_000),
            ("--idle-exit", ONCE_SECONDS if self.idle_exit is None else self.idle_exit, 0.1, 86_400),
            ("--give-up", self.give_up, 0, 86_400),
            ("--status-every", self.status_every, 0.1, 3600),
        ):
            if not least <= value <= most:
                raise LandError(f"{name} is {value:g}, expected a number from {least:g} to {most:,}")
