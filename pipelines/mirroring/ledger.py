"""What a local mirror knows of its files, so that a run need not digest them all again.

The ledger is a convenience: without it, every file is digested once and nothing is downloaded.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from pipelines.mirroring.errors import MirrorError

FILE: Final = ".mirror.json"
_FORMAT: Final = 1

_log = logging.getLogger(__name__)


class Entry(NamedTuple):
    """A file as it was when its checksum was computed: which generation, its bytes, its checksum, its time."""

    generation: int
    size: int
    crc32c: str
    mtime_ns: int


class Ledger:
    """The ledger of one local folder; its methods may be called by any thread."""

    def __init__(self, folder: str, source: str) -> None:
        """Read the ledger of `folder`, which is a mirror of `source`; one that can't be read is as good as none.

        Raises:
            MirrorError: the folder is a mirror of another source.
        """
        self._path, self._source = f"{folder}/{FILE}", source
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._changed = False
        try:
            with open(self._path, encoding="utf-8") as file:
                found = json.load(file)
            if found["format"] == _FORMAT:
                of = str(found["source"])
                self._entries = {str(name): Entry(*entry) for name, entry in found["objects"].items()}
            else:
                of = source
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
            _log.warning("%s can't be read (%s); every file is digested again", self._path, type(err).__name__)
            return
        if of != source:
            raise MirrorError(f"{folder} is a mirror of {of}, not of {source}; give another folder")

    def get(self, name: str) -> Entry | None:
        """Give what is known of a file."""
        return self._entries.get(name)

    def put(self, name: str, entry: Entry) -> None:
        """Remember a file."""
        with self._lock:
            if self._entries.get(name) != entry:
                self._entries[name] = entry
                self._changed = True

    def keep(self, wanted: Callable[[str], bool]) -> None:
        """Forget the files that are not wanted any more; the files stay."""
        with self._lock:
            kept = {name: entry for name, entry in self._entries.items() if wanted(name)}
            self._changed |= len(kept) != len(self._entries)
            self._entries = kept

    def save(self) -> None:
        """Write it, in one step and durably, when something has changed.

        Raises:
            OSError: it can't be written.
        """
        with self._lock:
            if not self._changed:
                return
            about = {"format": _FORMAT, "source": self._source, "objects": dict(sorted(self._entries.items()))}
            self._changed = False
        fresh = f"{self._path}.partial"
        with open(fresh, "w", encoding="utf-8") as file:
            json.dump(about, file, separators=(",", ":"))
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self._path)
