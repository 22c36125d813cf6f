"""Progress of a run whose workers are other processes."""

from __future__ import annotations


class ProgressWriter:
    """Tells the progress of one worker."""

    def __init__(self, folder: str | None) -> None:
        """Write into `folder`; None writes nothing."""
        self.folder = folder

    def add(self, files: int = 0, lines: int = 0, bytes: int = 0) -> None:
        """Add to what was done."""
