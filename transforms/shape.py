"""Compile a model of the catalogue into a typed JSON decoder and an extractor.

A `Shape` is built from the paths of a model and of an event's times, and from nothing else: a field that the
catalogue does not name is skipped by the JSON parser unread. All scalars of a payload are taken out by one compiled
function; lists are reduced to a count, a sum or small records at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Annotated, Any

import msgspec

from schemas.catalogue import Fact, Kind, Model, Quality, TimePath
from transforms.clock import parse_time
from transforms.event import FACTS, field_order
from transforms.extraction import Wanted, compile_extraction

# A version fits the warehouse's integers. An amount is smaller still, so that no sum of amounts leaves them.
_VERSION = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_AMOUNT = Annotated[int, msgspec.Meta(ge=-(10**13), le=10**13)]

_LEAF: dict[Kind, Any] = {
    Kind.TEXT: str | None,
    Kind.TIME: str | None,
    Kind.TEXTS: str | None,
    Kind.INT: _AMOUNT | None,
    Kind.NUMBER: float | _AMOUNT | None,
    Kind.SUM: float | _AMOUNT | None,
    Kind.VARIANT_TIME: msgspec.Raw,
}


@dataclass(slots=True)
class Node:
    """A place in the payload: a leaf of one type, or an object with children; `many` for a list of it."""

    many: bool = False
    leaf: Any = None
    children: dict[str, Node] = field(default_factory=dict)
    struct: Any = None
    empty: Any = None

    def add(self, path: str, leaf: Any) -> None:
        """Add a dotted path below this node."""
        node = self
        for part in path.split("."):
            name = part.removesuffix("[]")
            node = node.children.setdefault(name, Node())
            node.many = node.many or part.endswith("[]")
        if leaf is not None:
            node.leaf = leaf

    def compile(self, name: str) -> Any:
        """Give the msgspec type of this node, building the structs of its objects."""
        if self.children:
            fields: list[Any] = []
            for key, child in self.children.items():
                kind = child.compile(f"{name}_{key}")
                default = None if child.many or child.empty is None else child.empty
                if kind is msgspec.Raw and not child.many:
                    default = msgspec.Raw(b"null")
                fields.append((key, kind, default))
            self.struct = msgspec.defstruct(name, fields, gc=False, frozen=True)
            # An absent object becomes this empty one, so that one attrgetter reaches every depth.
            self.empty = self.struct()
            kind = self.struct | None
        elif self.leaf is not None:
            kind = self.leaf
        else:
            self.struct = msgspec.defstruct(name, [], gc=False, frozen=True)
            self.empty = None  # presence counts, so absent must stay None
            kind = self.struct | None
        return list[kind] | None if self.many else kind  # type: ignore[valid-type]


class _Stamp(msgspec.Struct):
    timestamp: str | None = None


_stamp_decoder = msgspec.json.Decoder(_Stamp)


def _variant_time(raw: msgspec.Raw) -> int | None:
    data = bytes(raw)
    if not data.startswith(b"{"):
        return None
    try:
        return parse_time(_stamp_decoder.decode(data).timestamp)
    except msgspec.ValidationError:
        return None


def _split_list(path: str) -> tuple[str, str]:
    head, _, tail = path.partition("[]")
    return head, tail.lstrip(".")


def _walker(path: str) -> Callable[[Any], list[Any] | None]:
    """Give a function that lists the values behind a path with one or more lists; None when the first is absent."""
    head, tail = _split_list(path)
    outer = attrgetter(head)
    if not tail:
        return outer
    if "[]" not in tail:
        inner = attrgetter(tail)

        def single(payload: Any) -> list[Any] | None:
            found = outer(payload)
            return None if found is None else [inner(x) for x in found]

        return single
    below = _walker(tail)

    def nested(payload: Any) -> list[Any] | None:
        found = outer(payload)
        return None if found is None else [y for x in found for y in below(x) or ()]

    return nested


def _summer(path: str) -> Callable[[Any], float | int | None]:
    values = _walker(path)

    def add(payload: Any) -> float | int | None:
        found = values(payload)
        if found is None:
            return None
        try:
            total: float | int = sum(found)
            return total
        except TypeError:  # one amount is missing, so the sum is unknown
            return None

    return add


def _counter(path: str) -> Callable[[Any], int | None]:
    values = _walker(path)

    def size(payload: Any) -> int | None:
        found = values(payload)
        return None if found is None else len(found)

    return size


def _texts(path: str) -> Callable[[Any], list[str] | None]:
    values = _walker(path)

    def distinct(payload: Any) -> list[str] | None:
        found = values(payload)
        return sorted({x for x in found if x}) or None if found else None

    return distinct


def _first_text(path: str) -> Callable[[Any], str | None]:
    values = _walker(path)

    def first(payload: Any) -> str | None:
        found = values(payload)
        return next((x for x in found if x), None) if found else None

    return first


def _recorder(path: str, fields: tuple[Fact, ...]) -> Callable[[Any], list[tuple[Any, ...]] | None]:
    rows = _walker(path)
    if len(fields) > 1 and all(f.kind in (Kind.TEXT, Kind.INT, Kind.NUMBER) for f in fields):
        every = attrgetter(*(f.path for f in fields))

        def plain(payload: Any) -> list[tuple[Any, ...]] | None:
            found = rows(payload)
            return None if found is None else [every(x) for x in found]

        return plain
    getters = [reducer(f) for f in fields]

    def mixed(payload: Any) -> list[tuple[Any, ...]] | None:
        found = rows(payload)
        return None if found is None else [tuple(g(x) for g in getters) for x in found]

    return mixed


def reducer(fact: Fact) -> Callable[[Any], Any]:
    """Give the function that takes one fact out of a decoded payload."""
    match fact.kind:
        case Kind.COUNT:
            return _counter(fact.path)
        case Kind.SUM:
            return _summer(fact.path)
        case Kind.TEXTS:
            return _texts(fact.path)
        case Kind.RECORDS:
            return _recorder(fact.path, fact.fields)
        case Kind.PRESENT:
            there = attrgetter(fact.path)
            return lambda payload: True if there(payload) is not None else None
        case Kind.VARIANT_TIME:
            raw = attrgetter(fact.path.rpartition(".")[0])
            return lambda payload: _variant_time(raw(payload))
        case Kind.TIME:
            when = attrgetter(fact.path)
            return lambda payload: parse_time(when(payload))
        case _:
            return attrgetter(fact.path)


def _newest(path: TimePath) -> Callable[[Any], int | None]:
    """Give the newest readable time of a list, restricted to one status where the path says so."""
    head, tail = _split_list(path.path)
    if path.status is None:
        values = _walker(path.path)

        def newest(payload: Any) -> int | None:
            found = values(payload)
            return max((t for t in map(parse_time, found) if t is not None), default=None) if found else None

        return newest
    rows = attrgetter(head)
    both = attrgetter("status", tail)
    wanted = path.status

    def newest_of_status(payload: Any) -> int | None:
        best: int | None = None
        for entry in rows(payload) or ():
            status, when = both(entry)
            if status == wanted:
                instant = parse_time(when)
                if instant is not None and (best is None or instant > best):
                    best = instant
        return best

    return newest_of_status


def _add_fact(node: Node, fact: Fact, prefix: str = "") -> None:
    path = prefix + fact.path
    if fact.kind is Kind.RECORDS:
        for inner in fact.fields:
            _add_fact(node, inner, f"{path}.")
    elif fact.kind is Kind.VARIANT_TIME:
        node.add(path.rpartition(".")[0], msgspec.Raw)
    elif fact.kind in (Kind.COUNT, Kind.PRESENT):
        node.add(path, None)
    else:
        node.add(path, _LEAF[fact.kind])


class Shape:
    """One model under one set of time paths, compiled.

    Attributes:
        struct: msgspec type of the payload (of one item of a bulk list).
        lost: number of unreadable optional times met so far.
        extract: takes everything out of one decoded payload (`transforms.extraction`); given the pick job beside the
            payload, too. An AttributeError tells that an object is null; the caller decodes such a payload leniently.
    """

    def __init__(self, model: Model, times: tuple[TimePath, ...], telltales: tuple[str, ...] = ()) -> None:
        """Compile `model`; `telltales` are fields of other shapes whose presence must be seen."""
        self.model = model
        self.statuses = frozenset(model.statuses)
        self.lost = 0
        self.root = Node()
        envelope = [f for f in model.facts if f.path.startswith("^")]
        inside = [f for f in field_order(model.facts) if f not in envelope]
        for path, leaf in ((model.id, str | None), (model.version, _VERSION | None), (model.key, str | None)):
            if path:
                self.root.add(path, leaf)
        for path in (model.facility, model.status):
            if path:
                self.root.add(path, str | None)
        for fact in inside:
            _add_fact(self.root, fact)
        used = tuple(t for t in times if t.quality in (Quality.EXACT, Quality.SNAPSHOT))
        for t in used:
            self.root.add(t.path, str | None)
            if t.status:
                self.root.add(f"{_split_list(t.path)[0]}[].status", str | None)
        for name in telltales:
            self.root.children[name] = Node(leaf=msgspec.Raw)
        if not self.root.children:
            self.root.children["id"] = Node(leaf=str | None)
        self.root.compile(model.name)
        self.struct = self.root.struct
        self.extract = compile_extraction(self._extraction(inside, bool(envelope), used), parse_time, self._lose)

    def _extraction(self, inside: list[Fact], envelope: bool, used: tuple[TimePath, ...]) -> Wanted:
        model = self.model
        plain = [f.path for f in inside if f.kind in (Kind.TEXT, Kind.INT, Kind.NUMBER)]
        times = [f.path for f in inside if f.kind is Kind.TIME]
        rest = [reducer(f) for f in inside if f.kind not in (Kind.TEXT, Kind.INT, Kind.NUMBER, Kind.TIME)]
        key: str | Callable[[Any], Any] | None = model.key or None
        if model.key and "[]" in model.key:
            key = _texts(model.key)
        facility: str | Callable[[Any], Any] | None = model.facility or None
        if model.facility and "[]" in model.facility:
            facility = _first_text(model.facility)
        return Wanted(
            head=(model.id or None, model.version or None, key, facility, model.status or None),
            facts=FACTS.get(model.name),
            envelope=envelope,
            plain=plain,
            times=times,
            rest=rest,
            dates=[(t.quality.value, _newest(t) if "[]" in t.path else t.path) for t in used],
        )

    def _lose(self, times: int) -> None:
        self.lost += times
