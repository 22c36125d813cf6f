"""The objects of the source, and which of their names may become names of files.

Names are not ours: whoever can write to the bucket can choose them. A name that could lead out of the destination,
hide there, or take the place of another file is refused; nothing is made of it, not even a folder.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from pipelines.mirroring.options import is_day

IN_DAY: Final = re.compile(r"^(\d{4}-\d{2}-\d{2})/", re.ASCII)
_PATTERN: Final = re.compile(r"[\[\]*?\\]")
_MOST_BYTES: Final = 200
_MOST_SHOWN: Final = 120


@dataclass(frozen=True, slots=True)
class SourceObject:
    """An object of the source.

    Attributes:
        name: its name below the prefix, `YYYY-MM-DD/...`.
        generation: which of its contents this is.
        size: stored bytes.
        crc32c: checksum of the stored bytes, in base64.
    """

    name: str
    generation: int
    size: int
    crc32c: str

    @property
    def day(self) -> str:
        """Its day folder."""
        return self.name[:10]


@dataclass(frozen=True, slots=True)
class Problem:
    """An object that is not mirrored, and why."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{shown(self.name)}: {self.reason}"


@dataclass(slots=True)
class Sorted:
    """Objects by what becomes of them; `ignored` counts those that are no export files."""

    accepted: list[SourceObject] = field(default_factory=list)
    refused: list[Problem] = field(default_factory=list)
    ignored: int = 0


def shown(name: str) -> str:
    """Give a name as it can be shown on one line of a terminal."""
    text = name if name.isprintable() else ascii(name)[1:-1]
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def sort_objects(objects: Iterable[SourceObject], known: Callable[[str], bool]) -> Sorted:
    """Tell the objects that can be mirrored from the others.

    Args:
        objects: all objects of the source.
        known: says whether a name was mirrored before; it is preferred to another that differs only by case.

    Returns:
        Accepted ones by name, hence oldest day first.
    """
    found = Sorted()
    by_fold: dict[str, list[SourceObject]] = {}
    for obj in objects:
        if not IN_DAY.match(obj.name) or _is_hidden(obj.name) or (obj.name.endswith("/") and not obj.size):
            found.ignored += 1
        elif reason := _why_refused(obj.name):
            found.refused.append(Problem(obj.name, reason))
        else:
            fold = unicodedata.normalize("NFC", obj.name).casefold()
            by_fold.setdefault(fold, []).append(obj)
    for same in by_fold.values():
        same.sort(key=lambda o: (not known(o.name), o.generation, o.name))
        found.refused += [
            Problem(o.name, f"its name differs only by case or accents' form from {shown(same[0].name)}")
            for o in same[1:]
        ]
    # A folder cannot have the name of a file, though a bucket can hold both; compared without case, as above.
    folders = {fold[: m.start()] for fold in by_fold for m in re.finditer("/", fold)}
    for fold, same in by_fold.items():
        if fold in folders:
            found.refused.append(Problem(same[0].name, "other objects have its name as their folder"))
        else:
            found.accepted.append(same[0])
    found.accepted.sort(key=lambda o: o.name)
    found.refused.sort(key=lambda p: p.name)
    return found


def _is_hidden(name: str) -> bool:
    """Say whether a part of a name begins with a dot: the batch job passes over it, and copies under way have such."""
    return any(part.startswith(".") and part not in (".", "..") for part in name.split("/"))


def _why_refused(name: str) -> str | None:
    if not is_day(name[:10]):
        return "its folder is no day of the calendar"
    if not name.isprintable():  # also what can't be encoded, and marks that turn the direction of writing
        return "control or unprintable characters in its name"
    if name.endswith("/"):
        return "its name ends in / though it is not empty"
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "its name has an empty part, . or .. in it"
    if _PATTERN.search(name):
        return "its name has one of [ ] * ? \\ in it, which is a pattern elsewhere"
    if any(len(part.encode()) > _MOST_BYTES for part in parts):
        return f"a part of its name is longer than {_MOST_BYTES} bytes"
    return None
