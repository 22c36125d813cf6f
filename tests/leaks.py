"""A local runner that loses a chunk of elements between two steps, without an error.

Beam's local runner has been seen to lose some, with several worker processes on a starved machine. That can't be
provoked at will, hence the replacement. `python -m tests.leaks BYTES batch ...` runs a command on such a runner: it
loses the first chunk of at least so many bytes, for with workers the order of the chunks is not always the same.
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
        self.number: int | None = None
        self.size: int | None = None
        for kind in BUFFERS:
            replace(kind, "append", self._leaking(kind.append))

    def _leaking(self, append: Callable[[Any, bytes], None]) -> Callable[[Any, bytes], None]:
        def leak(buffer: Any, chunk: bytes) -> None:
            self.seen += 1
            if self.size is not None and len(chunk) >= self.size:
                self.number, self.size = self.seen, None
            if self.seen != self.number:
                append(buffer, chunk)

        return leak

    def arm(self, number: int | None, size: int | None = None) -> None:
        """Start to count again; the chunk of this number, or the first of this size, will be lost."""
        self.seen, self.number, self.size = 0, number, size


if __name__ == "__main__":
    from pipelines.cli import main

    Leak().arm(None, int(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
