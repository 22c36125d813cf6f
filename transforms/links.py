"""Links: which flow an entity belongs to, kept between runs so that a later event can find its flow.

A link is a claim of `transforms.resolve` that outlives its run. Links are only ever added: the best one of a node
counts, as the best claim does within a run. A link that was `asked` has given its flow to an event; when everything
known later says another flow, no increment can be exact any more, and the run starts again from the event log.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from transforms.resolve import Node


class Link(NamedTuple):
    """One claim: entity, rank (lower is surer), flow id, and whether an event has got its flow from it."""

    kind: str
    entity_id: str
    rank: int
    flow_id: str
    asked: bool


class LinkSource(Protocol):
    """The links of earlier runs."""

    def find(self, asked: Iterable[Node], claimed: Iterable[Node]) -> list[Link]:
        """Give all links of the nodes that are asked now, and the asked links of those that are claimed now."""


LINK_SCHEMA = pa.schema(
    [
        ("node_hash", pa.int64()),
        ("kind", pa.string()),
        ("entity_id", pa.string()),
        ("rank", pa.int32()),
        ("flow_id", pa.string()),
        ("asked", pa.bool_()),
    ]
)


def hash64(*parts: str) -> int:
    """Give a hash for look-ups, the same on every machine and in every run; equal ones are compared in full."""
    return int.from_bytes(blake2b("\0".join(parts).encode(), digest_size=8).digest(), "little", signed=True)


def links_of(claims: Iterable[tuple[str, str, int, str]], found: Iterable[Link]) -> list[Link]:
    """Collect the links of one round: the best claim of each node, and what the search found."""
    best: dict[tuple[str, str, bool], Link] = {}
    for link in (*(Link(*claim, False) for claim in claims), *found):
        key = (link.kind, link.entity_id, link.asked)
        other = best.get(key)
        if other is None or (link.rank, link.flow_id) < (other.rank, other.flow_id):
            best[key] = link
    return list(best.values())


def check(before: Iterable[Link], claims: Iterable[tuple[str, str, int, str]]) -> list[Node]:
    """List the nodes that have given their flow to an event and now are claimed better by another flow."""
    given = {(n.kind, n.entity_id): (n.rank, n.flow_id) for n in before if n.asked}
    found = set()
    for kind, entity_id, rank, flow in claims:
        then = given.get((kind, entity_id))
        if then is not None and flow != then[1] and (rank, flow) < then:
            found.add((kind, entity_id))
    return sorted(found)


def link_table(links: Iterable[Link]) -> pa.Table:
    """Build the table of links that a run adds, sorted for look-ups."""
    rows = sorted((hash64(n.kind, n.entity_id), *n) for n in links)
    columns: list[Any] = list(zip(*rows, strict=True)) if rows else [[] for _ in LINK_SCHEMA]
    return pa.Table.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, LINK_SCHEMA, strict=True)], schema=LINK_SCHEMA
    )


def links_in(table: pa.Table) -> list[Link]:
    """Read links from rows of such a table."""
    names = Link._fields
    return [Link(*row) for row in zip(*(table.column(n).to_pylist() for n in names), strict=True)]
