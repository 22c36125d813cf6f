"""One bucket in one run: what is known of its flows, and what has arrived, to facts and to what is known next.

Flows that can still change are *open*: their deliveries are in the state, and their rows are written anew with every
run, those of untouched flows by copying. A flow whose outcome stands and that has been quiet for long enough is
*settled*: its rows and its state move to a group of their own, which nothing touches until one of its flows returns.
A run that has no state is the same with nothing known, so that a range at once and day by day are one code.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from schemas.event_types import BY_NAME as EVENT_BY_NAME
from schemas.tables import BY_NAME
from schemas.vocabulary import Outcome
from transforms.blocks import Arrived
from transforms.columns import sort_rows, to_table
from transforms.event import Event, decode_block, encode_block
from transforms.event_log import index_table, outside_hashes
from transforms.identity import Distinct, distinct
from transforms.links import hash64
from transforms.project import Balance, gathering_key, project_flow
from transforms.resolve import UNRESOLVED
from transforms.rows import TUPLES, Row, Rows, Settings

RELATIONS = (
    "order_flow", "order_leg", "order_parcel", "order_time_split", "inbound_flow", "inbound_receipt", "stow_flow",
    "flow_interval",
)  # fmt: skip
FLOW_RELATION = {"order": "order_flow", "inbound": "inbound_flow", "stow": "stow_flow"}
_FLOW_OF = {name: name.split("_", 1)[0] for name in RELATIONS if name != "flow_interval"}

STATE_SCHEMA = pa.schema(
    [
        ("key_hash", pa.int64()),
        ("flow", pa.string()),
        ("key", pa.string()),
        ("outcome", pa.string()),
        ("event_count", pa.int64()),
        ("first_recorded_at", pa.timestamp("us", "UTC")),
        ("last_recorded_at", pa.timestamp("us", "UTC")),
        ("due_at", pa.timestamp("us", "UTC")),
        ("settles_at", pa.timestamp("us", "UTC")),
        ("deliveries", pa.binary()),
    ]
)
"""A row per flow: `key` is its id, or a gathering key; `due_at` when its deadline passes, `settles_at` when it leaves
the open ones; `deliveries` its encoded events and aliases."""

_SKELETON = ["flow", "key", "event_count", "last_recorded_at", "due_at", "settles_at"]


class Group(NamedTuple):
    """A group of settled parts: the run that wrote them, and the bucket of how many."""

    run: str
    bucket: int
    buckets: int


class StateSource(Protocol):
    """What earlier runs know of one bucket."""

    def open_flows(self) -> pa.Table | None:
        """Give the state of the open flows."""

    def open_rows(self, relation: str) -> pa.Table | None:
        """Give the rows of the open flows."""

    def settled(self, key_hashes: Collection[int]) -> Iterable[tuple[Group, pa.Table]]:
        """Give the state of settled flows whose key has one of the hashes."""

    def outside(self, id_hashes: Collection[int], same_hashes: Collection[int]) -> Iterable[tuple[Group, list[Event]]]:
        """Give logged deliveries outside the flows that agree in one of the hashes."""


@dataclass(slots=True)
class Update:
    """What a run makes of one bucket.

    Attributes:
        open: rows of the flows that can still change, by relation; they replace those before.
        settled: rows of the flows that settled in this run, by relation.
        outside: rows of `flow_event` outside the flows that are new.
        index: where the log has the deliveries outside the flows that arrived; a shown one of them and its row in the
            index always stay in one group.
        state: state of the open flows.
        settled_state: state of the flows that settled in this run.
        returned: settled flows that something arrived for, by group: they are open again.
        withdrawn: `(event id, source)` of events outside the flows that an earlier delivery stands for now, by group.
        balance: where the deliveries ended.
    """

    open: dict[str, pa.Table] = field(default_factory=dict)
    settled: dict[str, pa.Table] = field(default_factory=dict)
    outside: pa.Table | None = None
    index: pa.Table | None = None
    state: pa.Table | None = None
    settled_state: pa.Table | None = None
    returned: dict[Group, list[tuple[str, str]]] = field(default_factory=dict)
    withdrawn: dict[Group, list[tuple[str, str]]] = field(default_factory=dict)
    balance: Balance = field(default_factory=Balance)


@dataclass(slots=True)
class _Known:
    """A flow that the state knows: its kept deliveries, and how many events they are."""

    deliveries: list[Event]
    event_count: int


@dataclass(slots=True)
class _Flows:
    """The flows of a bucket while a run works on them."""

    settings: Settings
    rows: Rows = field(default_factory=Rows)
    events: list[Event] = field(default_factory=list)
    state: list[tuple[Any, ...]] = field(default_factory=list)
    balance: Balance = field(default_factory=Balance)
    settling: dict[str, set[str]] = field(default_factory=dict)

    def project(self, flow: str, key: str, known: _Known | None, arrived: list[Event]) -> None:
        """Project one flow from what was known and what has arrived."""
        reduced = distinct(arrived if known is None else known.deliveries + arrived)
        before = known or _Known([], 0)
        was_repeated = len(before.deliveries) - before.event_count
        self.balance.count(key, len(reduced.events) - before.event_count, reduced.repeats - was_repeated)
        project_flow(key, reduced.events, self.settings, self.rows)
        self.events += reduced.events
        self._keep(flow, key, reduced)

    def _keep(self, flow: str, key: str, reduced: Distinct) -> None:
        recorded = [e.recorded_at for e in reduced.events]
        last = max(recorded)
        outcome: str | None = None
        due = settles = None
        if not key.startswith(UNRESOLVED):
            row: Row = getattr(self.rows, FLOW_RELATION[flow])[-1]
            outcome = row["outcome"]
            due, settles = deadlines_of(flow, outcome, reduced.events, last, self.settings)
            if settles is not None and settles <= self.settings.as_of:
                self.settling.setdefault(flow, set()).add(key)
        kept = encode_block(reduced.events + reduced.aliases)
        self.state.append(
            (hash64(flow, key), flow, key, outcome, len(reduced.events), min(recorded), last, due, settles, kept)
        )


def deadlines_of(
    flow: str, outcome: str | None, events: list[Event], last: int, settings: Settings
) -> tuple[int | None, int | None]:
    """Give when the flow's deadline passes, and when it settles; one of them."""
    if outcome != Outcome.OPEN:
        return None, last + settings.settle_after
    working = [e.event_at for e in events if EVENT_BY_NAME[e.name].working]
    if not working:  # no deadline without working events, and nothing that could make it incomplete
        return None, last + settings.deadlines[flow] + settings.settle_after
    return max(working) + settings.deadlines[flow], None


def update_bucket(arrived: Arrived, source: StateSource | None, settings: Settings) -> Update:
    """Bring one bucket up to date.

    Args:
        arrived: deliveries of this run, those that earlier runs could not resolve among them.
        source: what earlier runs know; None to begin from nothing.
        settings: instant, deadlines, and how long a flow stays open after its end.
    """
    update = Update()
    flows = _Flows(settings, balance=update.balance)
    state = source.open_flows() if source is not None else None
    before = _Before(state, source, settings)
    touched = before.touch(arrived, update)
    for flow, key in sorted(touched):
        flows.project(flow, key, touched[flow, key], arrived.flows.get((flow, key), []))
    settling = {k: set(v) for k, v in flows.settling.items()}
    for flow, key in before.settling(touched):
        settling.setdefault(flow, set()).add(key)
    _tables(update, flows, before, touched, settling, source)
    _states(update, flows, before, touched, settling)
    _outside(update, arrived, source)
    return update


class _Before:
    """What the state says of the flows of a bucket."""

    def __init__(self, state: pa.Table | None, source: StateSource | None, settings: Settings) -> None:
        self.source, self.settings = source, settings
        if state is None or state.num_rows == 0:
            self.state, self.index = None, dict[tuple[str, str], int]()
            self.columns: dict[str, list[Any]] = {name: [] for name in _SKELETON}
            return
        self.state = state
        self.columns = {
            n: (c.cast(pa.int64()) if pa.types.is_timestamp(c.type) else c).to_pylist()
            for n, c in ((n, state.column(n)) for n in _SKELETON)
        }
        self.index = {k: i for i, k in enumerate(zip(self.columns["flow"], self.columns["key"], strict=True))}

    def touch(self, arrived: Arrived, update: Update) -> dict[tuple[str, str], _Known | None]:
        """List the flows that must be projected, each with what is known of it.

        Those are the flows for which something arrived, those whose deadline has passed, and what is still
        unresolved and was not searched again.
        """
        touched: dict[tuple[str, str], _Known | None] = {}
        missing: dict[int, tuple[str, str]] = {}
        for flow_key in arrived.flows:
            i = self.index.get(flow_key)
            touched[flow_key] = None
            if i is not None and not is_pending(flow_key[1], self.columns["last_recorded_at"][i], self.settings):
                touched[flow_key] = self._known(i)
            elif i is None and not flow_key[1].startswith(UNRESOLVED):
                missing[hash64(*flow_key)] = flow_key
        if missing and self.source is not None:
            for group, table in self.source.settled(missing.keys()):
                for row in table.to_pylist():
                    flow_key = (row["flow"], row["key"])
                    if touched.get(flow_key, 0) is None and missing.get(row["key_hash"]) == flow_key:
                        touched[flow_key] = _Known(decode_block(row["deliveries"]), row["event_count"])
                        update.returned.setdefault(group, []).append(flow_key)
        for flow_key, i in self.index.items():
            due = self.columns["due_at"][i]
            still = flow_key[1].startswith(UNRESOLVED)
            if flow_key in touched:
                continue
            if (due is not None and due <= self.settings.as_of) or (
                still and not is_pending(flow_key[1], self.columns["last_recorded_at"][i], self.settings)
            ):
                touched[flow_key] = self._known(i)
        return touched

    def _known(self, i: int) -> _Known:
        assert self.state is not None
        return _Known(decode_block(self.state.column("deliveries")[i].as_py()), self.columns["event_count"][i])

    def settling(self, touched: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
        """List the untouched flows that have been quiet for long enough."""
        settles = self.columns["settles_at"]
        return [
            k
            for k, i in self.index.items()
            if settles[i] is not None and settles[i] <= self.settings.as_of and k not in touched
        ]


def is_pending(key: str, last: int, settings: Settings) -> bool:
    """Say whether unresolved events are searched again in this run; the pipeline brings them as deliveries."""
    return key.startswith(UNRESOLVED) and last + settings.search_for > settings.search_from


def _tables(
    update: Update,
    flows: _Flows,
    before: _Before,
    touched: Collection[tuple[str, str]],
    settling: dict[str, set[str]],
    source: StateSource | None,
) -> None:
    """Put the rows of untouched flows beside the new ones, and part those that settle from the rest."""
    gone: dict[str, set[str]] = {}
    for flow, key in touched:
        gone.setdefault(flow, set()).add(key)
    gone_ids, settling_ids = id_sets(gone), id_sets(settling)
    for relation in (*RELATIONS, "flow_event"):
        new = _new_rows(flows, relation)
        old = source.open_rows(relation) if source is not None and before.state is not None else None
        if old is not None and old.num_rows:
            # Rows without a flow are made anew with every run, from what is still unresolved.
            mask = pc.and_(pc.is_valid(old.column("flow_id")), pc.invert(rows_of(old, relation, gone_ids)))
            kept = old.filter(mask)
            table = kept if new is None else pa.concat_tables([kept, new.cast(kept.schema)])
            if new is not None:
                keys = [(n, "ascending", "at_start") for n in BY_NAME[relation].sort_by]
                table = table.take(pc.sort_indices(table, sort_keys=keys))
        elif new is not None:
            table = new
        else:
            continue
        if settling_ids:
            mask = rows_of(table, relation, settling_ids)
            settled = table.filter(mask)
            if settled.num_rows:
                update.settled[relation] = settled
                table = table.filter(pc.invert(mask))
        if table.num_rows:
            update.open[relation] = table


def _new_rows(flows: _Flows, relation: str) -> pa.Table | None:
    if relation == "flow_event":
        return to_table(relation, flows.events) if flows.events else None
    found = getattr(flows.rows, relation)
    if relation not in TUPLES:
        found = sort_rows(BY_NAME[relation], found)
    return to_table(relation, found) if found else None


def id_sets(keys: dict[str, set[str]]) -> dict[str, pa.Array]:
    """Give sets of flow ids by flow in the form that `rows_of` takes."""
    return {flow: pa.array(sorted(ids), pa.string()) for flow, ids in keys.items()}


def rows_of(table: pa.Table, relation: str, ids: dict[str, pa.Array]) -> Any:
    """Mark the rows of some flows, in a relation or in the state."""
    own = _FLOW_OF.get(relation)
    if own is not None:
        return pc.is_in(table.column("flow_id"), value_set=ids.get(own, pa.array([], pa.string())))
    keys = table.column("key" if "key" in table.column_names else "flow_id")
    mask = pa.chunked_array([pa.repeat(pa.scalar(False), table.num_rows)])
    for flow, found in ids.items():
        mask = pc.or_(mask, pc.and_(pc.equal(table.column("flow"), flow), pc.is_in(keys, value_set=found)))
    return mask


def _states(
    update: Update,
    flows: _Flows,
    before: _Before,
    touched: Collection[tuple[str, str]],
    settling: dict[str, set[str]],
) -> None:
    """Give the state of the flows that stay open, and of those that settle."""
    parts: list[pa.Table] = []
    if before.state is not None:
        stay = [
            k not in touched and not is_pending(k[1], before.columns["last_recorded_at"][i], flows.settings)
            for k, i in before.index.items()
        ]
        parts.append(before.state.filter(pa.array(stay, pa.bool_())))
    if flows.state:
        columns = list(zip(*flows.state, strict=True))
        arrays = [
            pa.array(c, pa.int64()).cast(f.type) if pa.types.is_timestamp(f.type) else pa.array(c, f.type)
            for c, f in zip(columns, STATE_SCHEMA, strict=True)
        ]
        parts.append(pa.Table.from_arrays(arrays, schema=STATE_SCHEMA))
    if not parts:
        return
    table = pa.concat_tables([p.cast(STATE_SCHEMA) for p in parts])
    leaves = [
        key in settling.get(flow, ())
        for flow, key in zip(table.column("flow").to_pylist(), table.column("key").to_pylist(), strict=True)
    ]
    mask = pa.array(leaves, pa.bool_())
    settled = table.filter(mask)
    if settled.num_rows:
        update.settled_state = settled.sort_by("key_hash")
    update.state = table.filter(pc.invert(mask))


def _outside(update: Update, arrived: Arrived, source: StateSource | None) -> None:
    """Reduce events outside the flows; repeats of earlier days are found through the log."""
    earlier = _earlier(arrived, source)
    if arrived.outside:
        update.index = index_table([e for key in sorted(arrived.outside) for e in arrived.outside[key]])
    rows: list[Event] = []
    for key in sorted(arrived.outside):
        deliveries = arrived.outside[key]
        known = earlier.get(key, [])
        before = distinct(e for _, e in known)
        after = distinct([*(e for _, e in known), *deliveries])
        update.balance.count(None, len(after.events) - len(before.events), after.repeats - before.repeats)
        if not known:
            rows += after.events
            continue
        shown = {(e.event_id, e.source) for e in before.events}
        stay = {(e.event_id, e.source) for e in after.events}
        rows += (e for e in after.events if (e.event_id, e.source) not in shown)
        for group, event in known:
            place = (event.event_id, event.source)
            if place in shown and place not in stay:
                update.withdrawn.setdefault(group, []).append(place)
    if rows:
        update.outside = to_table("flow_event", rows)


def _earlier(arrived: Arrived, source: StateSource | None) -> dict[str, list[tuple[Group, Event]]]:
    """Find the logged deliveries that could be the same events, and all that they could be the same as."""
    found: dict[str, list[tuple[Group, Event]]] = {}
    if source is None or not arrived.outside:
        return found
    seen: set[tuple[str, str]] = set()
    asked: tuple[set[int], set[int]] = (set(), set())
    asking = [outside_hashes(e) for group in arrived.outside.values() for e in group]
    while asking:
        ids = {a for a, _ in asking} - asked[0]
        sames = {b for _, b in asking} - asked[1]
        asked[0].update(ids)
        asked[1].update(sames)
        asking = []
        if not ids and not sames:
            break
        for group, events in source.outside(ids, sames):
            for event in events:
                place = (event.event_id, event.source)
                if place not in seen:
                    seen.add(place)
                    found.setdefault(gathering_key(event), []).append((group, event))
                    asking.append(outside_hashes(event))
    return found
