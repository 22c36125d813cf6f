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

    It interrupts the main thread by a signal, so it has no effect in another one. The signal is not that of Ctrl-C,
    which a job in the background ignores.

    Args:
        grace: seconds that the runner has to notice.

    Raises:
        WorkerGoneError: the runner did not notice.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    over = threading.Event()

    def give_up(*_: Any) -> None:
        raise WorkerGoneError("a worker process ended before it began to work")

    def end() -> None:
        if not over.wait(grace):
            os.kill(os.getpid(), signal.SIGUSR1)

    def hook(args: Any) -> None:
        if _SIGN in str(args.exc_value):
            threading.Thread(target=end, name="worker-gone", daemon=True).start()
        told(args)

    told, threading.excepthook = threading.excepthook, hook
    handled = signal.signal(signal.SIGUSR1, give_up)
    try:
        yield
    finally:
        over.set()
        threading.excepthook = told
        signal.signal(signal.SIGUSR1, handled)
