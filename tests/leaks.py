"""A local runner that loses a chunk of elements between two steps, without an error.

Beam's local runner has been seen to lose some, with several worker processes on a starved machine. That can't be
provoked at will, hence the replacement. `python -m tests.leaks NUMBER batch ...` runs a command on such a runner.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from apache_beam.runners.portability.fn_api_runner import execution

BUFFERS: tuple[Any, ...] = (execution.ListBuffer, execution.GroupingBuffer)


class Leak:
    """Counts the chunks that the runner passes on, and drops one."""

    def __init__(self, replace: Callable[[Any, str, Any], None] = setattr) -> None:
        self.seen = 0
        self.drop: int | None = None
        for kind in BUFFERS:
            replace(kind, "append", self._leaking(kind.append))

    def _leaking(self, append: Callable[[Any, bytes], None]) -> Callable[[Any, bytes], None]:
        def leak(buffer: Any, chunk: bytes) -> None:
            self.seen += 1
            if self.seen != self.drop:
                append(buffer, chunk)

        return leak

    def arm(self, number: int | None) -> None:
        """Start to count again; the chunk of this number will be lost."""
        self.seen, self.drop = 0, number


if __name__ == "__main__":
    from pipelines.cli import main

    Leak().arm(int(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
