"""What the live half need not keep: events, closed flows and revisions that the settled half has for certain.

An event leaves the log when its flow, as the settled half knows it, has the event in a day that is closed in the books
and ended `live_days` ago; a flow's rows and its `closed_flow` leave when all of its events are such. The stream looks a
flow up in the settled half when nothing of it is left here, so whatever arrives later joins all that was there.

What stays, whatever its age: what the settled half does not have; a flow of which it has an event that the stream has
given to another flow, until the batch job has done so, too; and events without a flow for as long as the stream
searches (`SEARCH_DAYS`), for a new job must be able to find their flow.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.datasets import Part, delete_files
from pipelines.live.judging import Judge, Row, Shown, is_flow
from pipelines.live.settled import Key, NotSettledError, Settled
from pipelines.live.store import (
    KEEP_GONE_SECONDS,
    Manifest,
    mark_pruned,
    read_shard,
    shards_of,
    write,
    write_shard,
)
from pipelines.live.tables import CLOSED_FLOW, EVENT_LOG, FLOW_REVISION, KEYS, RAW
from pipelines.state import read_table
from schemas.vocabulary import SEARCH_DAYS
from transforms.event_log import events_in
from transforms.rows import SECOND
from transforms.stream_codec import decode_item
from transforms.stream_flows import unpack_closed

DAY = 86_400 * SECOND

LOOKED_UP_SECONDS = 180
"""Age of the settled half from which a running job has surely looked at it: it does so every minute."""

_KEY_NAMES = [name for name, _ in KEYS]
_APART = ("dead_letter", RAW)
_NEWER = "younger than --live-days"


@dataclass(slots=True)
class Told:
    """What was, or would be, dropped of a live half, and what stays.

    Attributes:
        events: entries of the event log.
        closed: entries of `closed_flow`.
        flows: flows whose rows go.
        rows: rows of all datasets that go, those among them that a newer revision had replaced.
        bytes: size of the live half before, without dead letters, and `bytes_left` after (an estimate unless applied).
        stays: entries of the event log, closed flows and flows that stay, by reason.
        why_not: why nothing could be looked at; None otherwise.
    """

    events: int = 0
    closed: int = 0
    flows: int = 0
    rows: int = 0
    bytes: int = 0
    bytes_left: int = 0
    stays: Counter[str] = field(default_factory=Counter)
    why_not: str | None = None

    def add(self, other: Told) -> None:
        """Add what another shard tells."""
        self.events, self.closed, self.flows = (
            self.events + other.events, self.closed + other.closed, self.flows + other.flows,
        )  # fmt: skip
        self.rows += other.rows
        self.bytes, self.bytes_left = self.bytes + other.bytes, self.bytes_left + other.bytes_left
        self.stays.update(other.stays)
        self.why_not = self.why_not or other.why_not


def prune(output: str, settled: str, live_for: int, now: int, *, apply: bool) -> Told:
    """Prune a live half that no stream works on.

    Args:
        output: output with a live half.
        settled: output of the batch job; may be the same.
        live_for: microseconds for which everything is kept.
        now: the time, microseconds.
        apply: drop; only tell otherwise.
    """
    shards = shards_of(output) or 0
    told = Told()
    for shard in range(shards):
        manifest = read_shard(output, shard, shards)
        others = others_of(output, shard, shards)
        some = prune_shard(output, shard, manifest, others, settled, live_for, now, apply=apply)
        told.add(some)
        if apply and some.rows:
            late = time.time() - KEEP_GONE_SECONDS
            old = [p for p, t in manifest.gone if t < late]
            manifest.gone = [(p, t) for p, t in manifest.gone if t >= late]
            manifest.generation += 1
            write_shard(output, shard, shards, manifest)
            delete_files([f"{output.rstrip('/')}/{p}" for p in old])
    return told


def others_of(output: str, shard: int, shards: int) -> list[Part]:
    """List the visible parts of the other shards."""
    return [p for s in range(shards) if s != shard for p in read_shard(output, s, shards).parts]


def prune_shard(
    output: str,
    shard: int,
    manifest: Manifest,
    others: list[Part],
    settled: str,
    live_for: int,
    now: int,
    *,
    apply: bool,
    published_before: int | None = None,
) -> Told:
    """Take out of a shard's manifest what the settled half has; the caller writes the manifest.

    Args:
        output: output with a live half.
        shard: number of the shard.
        manifest: of the shard; changed in place when `apply`.
        others: parts of the other shards, which may hold revisions of the same flows.
        settled: output of the batch job; may be the same.
        live_for: microseconds for which everything is kept.
        now: the time, microseconds.
        apply: write what is left; only tell otherwise.
        published_before: newest end of a run whose word counts, where a stream is at work; None for any.
    """
    told = Told()
    told.bytes = told.bytes_left = sum(p.bytes for p in manifest.parts if p.relation not in _APART)
    before = now - live_for
    try:
        half = Settled.read(settled, before, published_before)
    except NotSettledError as err:
        told.why_not = str(err)
        return told
    shard_of = _Shard(output, manifest.parts, others, before)
    judge = Judge(half, now - max(live_for, SEARCH_DAYS * DAY), shard_of.given)
    masks = shard_of.judge(judge, told)
    kept: list[Part] = []
    gone: list[str] = []
    for part in manifest.parts:
        mask = masks.get(part.path)
        left = part.rows if mask is None else sum(mask)
        if mask is None or left == part.rows:
            kept.append(part)
            continue
        gone.append(part.path)
        told.rows += part.rows - left
        fresh = None
        if apply and left:
            fresh = write(output, part.relation, shard, read_table(output, part).filter(pa.array(mask, pa.bool_())))
            kept.append(fresh)
        told.bytes_left += (fresh.bytes if fresh else part.bytes * left // max(1, part.rows)) - part.bytes
    if apply and gone:
        mark_pruned(output, settled, max(half.closed))
        manifest.parts = list({p.path: p for p in kept}.values())  # what was written twice may now be one file
        manifest.gone += [(p, time.time()) for p in sorted(set(gone) - {p.path for p in kept})]
    return told


class _Shard:
    """The rows of one shard, and what the others say of the same flows."""

    def __init__(self, output: str, own: list[Part], others: list[Part], before: int) -> None:
        self._output, self._own, self._others, self._before = output, own, others, before
        self._newest: dict[Key, int] = {}
        self._given: pa.Table | None = None

    def judge(self, judge: Judge, told: Told) -> dict[str, list[bool]]:
        """Give, by the path of a part, which of its rows stay; parts of which all do may be left out."""
        masks: dict[str, list[bool]] = {}
        for part in self._parts(self._own, EVENT_LOG):
            masks[part.path] = self._log(part, judge, told)
        masks |= self._closed(judge, told)
        masks |= self._revisions(judge, told)
        return masks

    def given(self, ids: Collection[str]) -> dict[str, set[Key]]:
        """Give the flows that show events, in their newest revisions (`Judge`)."""
        if self._given is None:
            columns = [*_KEY_NAMES, "event_id"]
            parts = self._parts([*self._own, *self._others], "flow_event")
            tables = [read_table(self._output, p, columns) for p in parts]
            self._given = pa.concat_tables(tables) if tables else None
            self._newest = self._newest or _newest(self._keys(FLOW_REVISION, [*self._own, *self._others]))
        if self._given is None:
            return {}
        wanted = pc.is_in(self._given.column("event_id"), value_set=pa.array(sorted(ids), pa.string()))
        found: dict[str, set[Key]] = {}
        for flow, key, revision, event_id in _rows(self._given.filter(wanted)):
            if self._newest.get((flow, key)) == revision and is_flow((flow, key)):
                found.setdefault(event_id, set()).add((flow, key))
        return found

    @staticmethod
    def _parts(parts: Iterable[Part], dataset: str) -> list[Part]:
        return [p for p in parts if p.relation == dataset]

    def _keys(self, dataset: str, parts: Iterable[Part]) -> list[tuple[Any, ...]]:
        return [row for p in self._parts(parts, dataset) for row in _rows(read_table(self._output, p, _KEY_NAMES))]

    def _log(self, part: Part, judge: Judge, told: Told) -> list[bool]:
        times = read_table(self._output, part, ["recorded_at"]).column(0).cast(pa.int64()).to_pylist()
        old = [at < self._before for at in times]
        if not all(old):
            told.stays[_NEWER] += len(old) - sum(old)
        stays = [True] * len(old)
        if any(old):
            events = events_in(read_table(self._output, part).filter(pa.array(old, pa.bool_())))
            reasons = judge.events(events)
            for i, why in zip((i for i, o in enumerate(old) if o), reasons, strict=True):
                stays[i] = bool(why)
                told.events += not why
                if why:
                    told.stays[why] += 1
        return stays

    def _ready(self, dataset: str) -> tuple[dict[Key, int], Callable[[Key, int], bool]]:
        """Give the newest of every flow in a dataset, and whether a row is of a flow that may be judged.

        A flow of which another shard holds an older entry must wait for that one to go: it would count again.
        """
        elsewhere = self._keys(dataset, self._others)
        newest = _newest([*self._keys(dataset, self._own), *elsewhere])
        older = {(flow, key) for flow, key, revision in elsewhere if revision < newest[flow, key]}

        def ready(key: Key, revision: int) -> bool:
            return revision == newest[key] and revision < self._before and key not in older

        return newest, ready

    def _closed(self, judge: Judge, told: Told) -> dict[str, list[bool]]:
        newest, ready = self._ready(CLOSED_FLOW)
        masks: dict[str, list[bool]] = {}
        for part in self._parts(self._own, CLOSED_FLOW):
            rows = list(_rows(read_table(self._output, part, [*_KEY_NAMES, "packed"])))
            stays = [r[2] == newest[r[0], r[1]] for r in rows]
            places = [i for i, r in enumerate(rows) if ready((r[0], r[1]), r[2])]
            for some in _chunks(places):
                flows = [(rows[i][:2], [decode_item(raw) for raw in unpack_closed(rows[i][3])[1]]) for i in some]
                for i, why in zip(some, judge.closed(flows), strict=True):
                    stays[i] = bool(why)
                    told.closed += not why
                    if why:
                        told.stays[why] += 1
            masks[part.path] = stays
        return masks

    def _revisions(self, judge: Judge, told: Told) -> dict[str, list[bool]]:
        newest, ready = self._ready(FLOW_REVISION)
        self._newest = newest
        counts: dict[Key, int] = {}
        for part in self._parts(self._own, FLOW_REVISION):
            for flow, key, revision, count in _rows(read_table(self._output, part, [*_KEY_NAMES, "event_count"])):
                if ready((flow, key), revision):
                    counts[flow, key] = count
        rows: dict[Key, dict[str, Row]] = {}
        for part in self._parts(self._own, "flow_event"):
            names = [*_KEY_NAMES, "event_id", "event_name", "entity_id", "entity_version"]
            for flow, key, revision, *cells in _rows(read_table(self._output, part, names)):
                if (flow, key) in counts and revision == newest[flow, key]:
                    rows.setdefault((flow, key), {})[cells[0]] = Row(*cells)
        gone: set[Key] = set()
        for some in _chunks(sorted(counts)):
            shown = [Shown(k, counts[k], list(rows.get(k, {}).values())) for k in some]
            for flow_key, why in zip(some, judge.shown(shown), strict=True):
                if why:
                    told.stays[why] += 1
                else:
                    gone.add(flow_key)
        told.flows += len(gone)
        masks: dict[str, list[bool]] = {}
        for part in self._own:
            if part.relation in (EVENT_LOG, CLOSED_FLOW, *_APART):
                continue
            masks[part.path] = [
                (flow, key) not in gone and newest.get((flow, key)) == revision
                for flow, key, revision in _rows(read_table(self._output, part, _KEY_NAMES))
            ]
        return masks


def _newest(rows: Iterable[tuple[Any, ...]]) -> dict[Key, int]:
    newest: dict[Key, int] = {}
    for flow, key, revision in rows:
        newest[flow, key] = max(revision, newest.get((flow, key), revision))
    return newest


def _rows(table: pa.Table) -> Iterable[tuple[Any, ...]]:
    return zip(*(c.to_pylist() for c in table.columns), strict=True)


def _chunks(given: list[Any], size: int = 5_000) -> Iterable[list[Any]]:
    return (given[start : start + size] for start in range(0, len(given), size))
