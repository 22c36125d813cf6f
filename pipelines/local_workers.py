"""Local worker processes that end before their time.

Beam's local runner notices when a worker that it talks to is gone. One that ends before it has connected (killed, or
out of memory while it starts) it waits for without end: the only sign is an exception in a thread of the runner's.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

GRACE_SECONDS = 10.0
"""Time for the runner to notice by itself, which leaves less behind."""

_SIGN = "Worker subprocess exited with return code"


class WorkerGoneError(RuntimeError):
    """A worker process ended early, and the runner would wait for it for ever."""


@contextmanager
def watched(grace: float = GRACE_SECONDS) -> Iterator[None]:
    """End what runs in here when a worker process is gone and the runner does not end it.

    It interrupts the main thread, so it has no effect in another one.

    Args:
        grace: seconds that the runner has to notice.

    Raises:
        WorkerGoneError: the runner did not notice.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    over, gone = threading.Event(), threading.Event()
    before = threading.excepthook

    def end() -> None:
        if not over.wait(grace):
            gone.set()
            os.kill(os.getpid(), signal.SIGINT)

    def hook(args: Any) -> None:
        if _SIGN in str(args.exc_value):
            threading.Thread(target=end, name="worker-gone", daemon=True).start()
        before(args)

    threading.excepthook = hook
    try:
        yield
    except KeyboardInterrupt:
        if gone.is_set():
            raise WorkerGoneError("a worker process ended before it began to work") from None
        raise
    finally:
        over.set()
        threading.excepthook = before
