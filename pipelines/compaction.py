"""Compaction: small parts of several runs are written as one, so that a state of years is asked as fast as one of days.

It happens within the runs: when `FANIN` parts (or groups of parts) of one size class have gathered, the next run
writes them as one of the next class. So a row is written again once for each class, and a lookup meets at most
`FANIN` parts of each. Readers notice nothing: the manifest of the run names the new part instead of the old ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.datasets import Part
from pipelines.state import (
    BOOKS,
    EVENT_LOG,
    FLOW_STATE,
    NODE_LINKS,
    OUTSIDE,
    OUTSIDE_INDEX,
    STAYING,
    State,
    group_of,
    read_table,
    write_share,
)
from schemas.tables import BY_NAME
from transforms.moves import LEAVING, MERGES, SMALL_PARTS, told
from transforms.update import Group, id_sets, rows_of

FANIN = 8
"""Parts of one size class that are written as one."""

LIMIT = 32 << 20
"""Stored bytes beyond which nothing is merged: a worker reads what it merges, and a late event rewrites its group."""

_SMALLEST = 64 << 10

Target = tuple[str, int, int]
"""A group as the key of a Beam element, or `("", number, 0)` for one that several are merged into."""


@dataclass(frozen=True, slots=True)
class Merges:
    """What a run writes together.

    Attributes:
        groups: groups of settled parts.
        parts: parts of datasets that are only ever added to.
    """

    groups: list[list[Group]] = field(default_factory=list)
    parts: list[list[Part]] = field(default_factory=list)

    def aim(self, group: Target, leaving: tuple[str, str, str]) -> tuple[Target, tuple[str, str, str]]:
        """Say where what leaves a group is handled."""
        for number, groups in enumerate(self.groups):
            if group in groups:
                return ("", number, 0), leaving
        return group, leaving

    def targets(self) -> list[tuple[Target, tuple[str, str, str]]]:
        """Give an element for each merging, so that it happens though nothing leaves."""
        return [(("", number, 0), ("merge", "", "")) for number in range(len(self.groups))]

    def of(self, target: Target) -> list[Group]:
        """Give the groups of a target."""
        return [Group(*target)] if target[2] else self.groups[target[1]]


def plan_merges(parts: Iterable[Part], fanin: int = FANIN) -> Merges:
    """Choose what to merge; parts of different buckets are never merged, so that each still feeds the same ones.

    Args:
        parts: published parts.
        fanin: how many of one size class are merged.
    """
    sizes: dict[Group, int] = {}
    adding: dict[tuple[Any, ...], list[tuple[Part, int]]] = {}
    for part in parts:
        if part.tier in STAYING:
            sizes[group_of(part)] = sizes.get(group_of(part), 0) + part.bytes
        elif part.relation in (NODE_LINKS, EVENT_LOG) or (part.relation == "dead_letter" and part.tier == BOOKS):
            share = (part.relation, part.day, part.bucket, part.buckets)
            adding.setdefault(share, []).append((part, part.bytes))
    staying: dict[tuple[Any, ...], list[tuple[Group, int]]] = {}
    for group, size in sizes.items():
        staying.setdefault((group.bucket, group.buckets), []).append((group, size))
    return Merges(
        [sorted(found) for share in staying.values() for found in _classes(share, fanin)],
        [sorted(found, key=lambda p: p.path) for share in adding.values() for found in _classes(share, fanin)],
    )


def _classes(items: list[tuple[Any, int]], fanin: int) -> Iterator[list[Any]]:
    """Give the items of each size class that has enough of them; a class is `FANIN` times the one below."""
    classes: dict[int, list[tuple[Any, int]]] = {}
    for item, size in items:
        level = 0
        while size > _SMALLEST * FANIN**level:
            level += 1
        classes.setdefault(level, []).append((item, size))
    for found in classes.values():
        chosen: list[Any] = []
        room = LIMIT
        for item, size in sorted(found, key=lambda f: f[1]):
            if size > room:
                break
            chosen.append(item)
            room -= size
        if len(chosen) >= fanin:
            yield chosen


class MergeParts(beam.DoFn):
    """Writes parts of a dataset that is only ever added to as one."""

    def __init__(self, output: str, run_id: str) -> None:
        self.output, self.run_id = output, run_id

    def process(self, parts: list[Part]) -> Iterator[tuple[str, Any]]:
        """Merge some parts."""
        yield "moved", told(received={SMALL_PARTS: 1})
        tables = [read_table(self.output, p) for p in parts]
        first = tables[0].schema
        if all(t.schema == first and t.schema.metadata == first.metadata for t in tables):
            yield from self._merge(parts, pa.concat_tables(tables))
        # Else another version wrote some of them: a log tells its layout for the whole part.

    def _merge(self, parts: list[Part], table: pa.Table) -> Iterator[tuple[str, Any]]:
        if parts[0].relation == NODE_LINKS:
            table = _best(table)
        elif parts[0].relation == EVENT_LOG:
            table = table.sort_by([("flow", "ascending"), ("flow_id", "ascending"), ("recorded_at", "ascending")])
        yield "part", asdict(write_share(self.output, replace(parts[0], run=self.run_id), table))
        yield from (("gone", p.path) for p in parts)


def _best(links: pa.Table) -> pa.Table:
    """Keep the best link of each node, as `transforms.links.links_of` does."""
    key = ["node_hash", "kind", "entity_id", "asked"]
    ordered = links.sort_by([(name, "ascending") for name in (*key, "rank", "flow_id")])
    best = ordered.group_by(key, use_threads=False).aggregate([("rank", "first"), ("flow_id", "first")])
    return best.rename_columns([*key, "rank", "flow_id"]).select(links.column_names).cast(links.schema)


class RewriteGroup(beam.DoFn):
    """Writes the parts of a group again without what has left it, or those of several groups as one."""

    def __init__(self, state: State, merges: Merges, run_id: str) -> None:
        self.state, self.merges, self.run_id = state, merges, run_id

    def process(self, element: tuple[Target, Iterable[tuple[str, str, str]]]) -> Iterator[tuple[str, Any]]:
        """Rewrite one group."""
        flows: dict[str, set[str]] = {}
        places: set[tuple[str, str]] = set()
        moved = Counter[str]()
        for kind, a, b in element[1]:
            moved[MERGES if kind == "merge" else LEAVING] += 1
            if kind == "flow":
                flows.setdefault(a, set()).add(b)
            elif kind == "event":
                places.add((a, b))
        yield "moved", told(received=moved)
        groups = self.merges.of(element[0])
        together: dict[tuple[str, str], list[Part]] = {}
        for group in groups:
            for part in self.state.group(group):
                together.setdefault((part.relation, part.tier), []).append(part)
        for parts in together.values():
            yield from self._rewrite(parts, flows, places, merge=len(groups) > 1)

    def _rewrite(
        self, parts: list[Part], flows: dict[str, set[str]], places: set[tuple[str, str]], *, merge: bool
    ) -> Iterator[tuple[str, Any]]:
        """Rewrite the parts of one relation and tier: one, or one of each group that is merged."""
        tables = [read_table(self.state.output, p) for p in parts]
        before = sum(t.num_rows for t in tables)
        table = pa.concat_tables(
            [t.filter(pc.invert(_goes(p, t, flows, places))) for p, t in zip(parts, tables, strict=True)]
        )
        if table.num_rows == before and not merge:
            return
        yield from (("gone", p.path) for p in parts)
        if not table.num_rows:
            return
        like = replace(parts[0], run=self.run_id) if merge else parts[0]
        written = write_share(self.state.output, like, _ordered(table, like.relation) if merge else table)
        yield "part", asdict(written)
        if merge and table.num_rows == before:
            yield "merged", [written.path, [p.path for p in parts]]


def _goes(part: Part, table: pa.Table, flows: Mapping[str, set[str]], places: set[tuple[str, str]]) -> Any:
    """Mark the rows that leave; what was delivered stays in the index."""
    if part.relation == OUTSIDE_INDEX:
        return pa.repeat(pa.scalar(False), table.num_rows)
    if part.tier == OUTSIDE:
        rows = zip(table.column("event_id").to_pylist(), table.column("source").to_pylist(), strict=True)
        return pa.array([row in places for row in rows], pa.bool_())
    return rows_of(table, part.relation, id_sets(dict(flows)))


def _ordered(table: pa.Table, relation: str) -> pa.Table:
    if relation == FLOW_STATE:
        return table.sort_by("key_hash")
    if relation == OUTSIDE_INDEX:
        return table
    keys = [(name, "ascending", "at_start") for name in BY_NAME[relation].sort_by]
    return table.take(pc.sort_indices(table, sort_keys=keys)) if keys else table
