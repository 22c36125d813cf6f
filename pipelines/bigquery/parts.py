"""Which parts a dataset holds, which the manifest names, and what must change: no call is made here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from pipelines.datasets import Part
from pipelines.state import OPEN
from schemas.dataset import STAGING, Kind, kinds_of, stored_name
from schemas.tables import BY_NAME, CONTRACT_VERSION


@dataclass(frozen=True, slots=True)
class Held:
    """A part whose rows are in the dataset: a row of `flowfacts_part`.

    Attributes:
        part_id: its number in the rows.
        stored_in: table that has its rows.
        path: path in the output.
        row_count: its rows.
        first_at, last_at: earliest and latest time of the partitioning column; None where no row has one.
        undated: rows without such a time.
    """

    part_id: int
    stored_in: str
    path: str
    row_count: int
    first_at: datetime | None = None
    last_at: datetime | None = None
    undated: int = 0


@dataclass(frozen=True, slots=True)
class Unit:
    """Parts that are loaded by one job into one staging table.

    Attributes:
        stored_in: table that the rows are for.
        relation: their relation.
        parts: several that are written into one file with their numbers, or one whose file is loaded as it is.
    """

    stored_in: str
    relation: str
    parts: tuple[Part, ...]

    @property
    def numbered(self) -> bool:
        """Say whether its rows are staged with the number of their part."""
        return len(self.parts) > 1

    @property
    def digest(self) -> str:
        """Give a digest of what is loaded: the parts' paths name their content."""
        text = "\n".join([str(CONTRACT_VERSION), *(c.name for c in BY_NAME[self.relation].columns)])
        text += "\n".join(sorted(f"{p.path} {p.digest}" for p in self.parts))
        return blake2b(text.encode(), digest_size=10).hexdigest()

    @property
    def staging(self) -> str:
        """Name its staging table."""
        return f"{STAGING}{self.stored_in}_{self.digest}"

    @property
    def rows(self) -> int:
        """Count its rows."""
        return sum(p.rows for p in self.parts)


@dataclass(slots=True)
class Step:
    """What a load changes.

    Attributes:
        gone: held parts whose rows go.
        emptied: tables of which no held part stays.
        renamed: old path -> path of the part that it was merged into, rows untouched.
        fresh: parts that come, by the table that they go to.
    """

    gone: list[Held] = field(default_factory=list)
    emptied: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    fresh: dict[str, list[Part]] = field(default_factory=lambda: defaultdict(list))

    def __bool__(self) -> bool:
        """Say whether anything changes."""
        return bool(self.gone or self.renamed or any(self.fresh.values()))

    @property
    def rows_added(self) -> int:
        """Count the rows that come."""
        return sum(p.rows for parts in self.fresh.values() for p in parts)

    @property
    def rows_removed(self) -> int:
        """Count the rows that go."""
        return sum(h.row_count for h in self.gone)


def part_id(path: str) -> int:
    """Number a part: 63 bits of its path, which names its content."""
    return int.from_bytes(blake2b(path.encode(), digest_size=8).digest()) >> 1


def stored_in(part: Part) -> str:
    """Name the table that a part's rows go to."""
    open_too = Kind.OPEN in kinds_of(part.relation)
    return stored_name(part.relation, Kind.OPEN if open_too and part.tier == OPEN else Kind.SETTLED)


def compare(
    held: Collection[Held], named: Iterable[Part], merged: Mapping[str, Collection[str]], *, replace: bool = False
) -> Step:
    """Say what must change so that the dataset holds the parts of a manifest.

    Args:
        held: what it holds.
        named: what the manifest names; what is no relation of the contract is left out.
        merged: path -> paths of the parts before whose rows it has, as the manifest tells.
        replace: take everything out and put everything in.
    """
    wanted = {p.path: p for p in named if p.relation in BY_NAME}
    by_path: dict[str, list[Held]] = defaultdict(list)
    for one in held:
        by_path[one.path].append(one)
    step = Step()
    if not replace:
        for path, sources in merged.items():
            if path in wanted and path not in by_path and sources and by_path.keys() >= set(sources):
                step.renamed |= dict.fromkeys(sources, path)
    there = {step.renamed.get(path, path) for path in by_path} if not replace else set()
    stay: set[str] = set()
    for one in held:
        if not replace and step.renamed.get(one.path, one.path) in wanted:
            stay.add(one.stored_in)
        else:
            step.gone.append(one)
    step.emptied = {one.stored_in for one in step.gone} - stay
    for path in sorted(wanted.keys() - there):
        step.fresh[stored_in(wanted[path])].append(wanted[path])
    return step


def units(step: Step, *, local: bool) -> list[Unit]:
    """Share the parts that come out over load jobs: one a table where they are local, one a part in a bucket.

    A file on Cloud Storage is loaded from there as it is, so that its part can only be told by its staging table.
    """
    made: list[Unit] = []
    for name, parts in sorted(step.fresh.items()):
        if local:
            made.append(Unit(name, parts[0].relation, tuple(parts)))
        else:
            made += [Unit(name, part.relation, (part,)) for part in parts]
    return made
