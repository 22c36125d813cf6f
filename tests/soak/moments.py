"""The job in child processes that kill themselves at named steps; a process that forks them has loaded everything once.

    python -m tests.soak.moments        reads lines of JSON, {"words": [...], "moment": "manifest:before"}, and answers
                                        each with the signal or the exit code of the child

Soaks kill from outside, whenever; this kills exactly where a step begins or has just been done, in a second or so.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

STEPS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "part": ("replace", lambda path: path.endswith(".parquet")),
    "outcome": ("replace", lambda path: "/.outcome-" in path),
    "manifest": ("replace", lambda path: path.endswith("/manifest.json")),
    "swap": ("replace", lambda path: path.endswith("/warehouse.duckdb")),
    "clean": ("remove", lambda path: path.endswith(".parquet")),
}
"""What is done at each step: the call, and which of its paths are meant."""


def kill_at(moment: str) -> None:
    """Let this process kill itself at `STEP:before`, `STEP:after`, or `STEP:N` before the nth of its kind."""
    step, when = moment.split(":")
    name, meant = STEPS[step]
    real: Callable[..., Any] = getattr(os, name)
    left = int(when) if when.isdigit() else 1

    def call(*paths: Any, **more: Any) -> None:
        nonlocal left
        left -= meant(str(paths[-1]))
        if left == 0 and when != "after":
            os.kill(os.getpid(), signal.SIGKILL)
        real(*paths, **more)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(os, name, call)


def main() -> None:
    """Fork a child for every line."""
    import pipelines.batch  # what a run loads, loaded once
    from pipelines.cli import main as job

    assert pipelines.batch
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            if asked["moment"]:
                kill_at(asked["moment"])
            code = job(asked["words"])
            sys.stderr.flush()
            os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
