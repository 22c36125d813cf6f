"""Bytes of an export line or a Pub/Sub message to events, or to a rejection with its reason.

One typed decoder per event name reads the whole line in a single pass and only the fields of the catalogue. The
name is found by a byte search first, to choose the decoder, and checked afterwards; whatever does not fit the
fast path is decoded again, leniently, and costs no more than what is wrong with it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from schemas.catalogue import EventType, Flow, Model
from schemas.event_types import find
from schemas.vocabulary import Reason
from transforms import lenient
from transforms.clock import parse_time
from transforms.event import Event, Rejection
from transforms.shape import Shape

_NAME_FIELD = b'"eventName":"'
_NAME_SKIP = len(_NAME_FIELD)
_SUFFIX = re.compile(r"_event-v\d+$")
_UNSET = msgspec.UNSET
_NULL = msgspec.Raw(b"null")


def public_name(export_name: str) -> str:
    """Turn the export's kebab-case name with its version suffix into the public spelling."""
    return _SUFFIX.sub("", export_name).replace("-", "_").upper()


@dataclass(slots=True)
class DecodeCounts:
    """What the decoder noticed besides events and rejections."""

    field_errors: int = 0
    unknown_names: Counter[str] = field(default_factory=Counter)
    unknown_values: Counter[str] = field(default_factory=Counter)


class _Reject(Exception):
    """Carries a reason out of the depth of a decode."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class _Line(msgspec.Struct, gc=False):
    """The envelope of an export line, its payload unread."""

    id: str
    eventName: str
    created: str
    payload: msgspec.Raw
    pickJobRef: msgspec.Raw = _NULL


class _Message(msgspec.Struct, gc=False):
    """The envelope of a Pub/Sub message, its payload unread."""

    event: str
    payload: msgspec.Raw
    eventId: str | None = None
    pickJobRef: msgspec.Raw = _NULL


_TOO_DEEP = "objects or lists are nested too deeply to be read"
_line_decoder = msgspec.json.Decoder(_Line)
_message_decoder = msgspec.json.Decoder(_Message)
_raw_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_string = msgspec.json.Decoder(str)


class _Plan:
    """How lines of one event name are decoded."""

    def __init__(self, raw_name: str) -> None:
        self.raw_name = raw_name
        self.type: EventType | None = find(public_name(raw_name))
        self.name = self.type.name if self.type else public_name(raw_name)
        self.flow: str = (self.type.flow if self.type else Flow.NONE).value
        self.model: Model | None = self.type.model if self.type else None
        self.nested_first = False
        self.shape: Shape | None = None
        self.telltales: dict[str, Shape] = {}
        payload: Any = msgspec.Raw
        self.strict = False
        if self.type and self.model and self.model.shape == "object":
            names = tuple(t for t, _ in self.type.alternatives)
            self.shape = Shape(self.model, self.type.times, names)
            self.telltales = {t: Shape(m, self.type.times) for t, m in self.type.alternatives}
            self.strict = True
            payload = self._payload_type(self.model, self.shape)
        self.line = msgspec.json.Decoder(self._line_type(payload))
        envelope = msgspec.defstruct(
            "Nested",
            [("payload", payload), ("event", str | None, None), ("eventId", str | None, None),
             ("pickJobRef", str | None, None)],
            gc=False,
        )  # fmt: skip
        self.nested = msgspec.json.Decoder(self._line_type(envelope))

    @staticmethod
    def _payload_type(model: Model, shape: Shape) -> Any:
        """Give the payload's type; the two extra fields show a nested envelope."""
        marks = [
            ("event", msgspec.Raw | msgspec.UnsetType, _UNSET),
            ("payload", msgspec.Raw | msgspec.UnsetType, _UNSET),
        ]
        if model.items == "[]":
            return list[shape.struct]  # type: ignore[name-defined]
        if model.items:
            items = [(model.items, list[shape.struct] | None, None)]  # type: ignore[name-defined]
            return msgspec.defstruct("Bulk", [*items, *marks], gc=False)
        return msgspec.defstruct(f"{model.name}Payload", marks, bases=(shape.struct,), gc=False, frozen=True)

    @staticmethod
    def _line_type(payload: Any) -> Any:
        return msgspec.defstruct(
            "Line",
            [("id", str), ("eventName", str), ("created", str), ("payload", payload), ("pickJobRef", str | None, None)],
            gc=False,
        )


class Decoder:
    """Decodes lines and messages; keeps counts. One per process and input; not thread-safe, not picklable.

    Attributes:
        counts: lost fields, unknown names and unknown status values so far.
    """

    def __init__(self) -> None:
        """Start with empty counts; decoders of event names are built when the name is first seen."""
        self.counts = DecodeCounts()
        self._plans: dict[bytes, _Plan] = {}

    def line(self, line: bytes, source: str) -> list[Event] | Rejection:
        """Decode one export line.

        Args:
            line: the line without its end.
            source: where it stands, for the event and for error messages.

        Returns:
            The events of the line (several for a bulk event, none for an empty bulk list), or why it has none.
        """
        if not line.isascii():
            try:
                line.decode()
            except UnicodeDecodeError as err:
                return Rejection(Reason.INVALID_UTF8, f"byte {err.start} is no UTF-8, expected UTF-8 text", source)
        start = line.find(_NAME_FIELD) + _NAME_SKIP
        plan: _Plan | None = None
        if start >= _NAME_SKIP:
            name = line[start : line.find(b'"', start)]
            plan = self._plans.get(name) or self._plan(name)
        recorded: int | None = None
        try:
            if plan is not None and plan.strict:
                found = self._fast(plan, line)
                if found is not None:
                    recorded = parse_time(found.created)
                    if recorded is not None and found.id:
                        return self._events(
                            plan, plan.shape, found.id, recorded, found.payload, found.pickJobRef, source
                        )
            return self._slow(line, source)
        except _Reject as no:
            if recorded is None:
                recorded = self._recorded(line)
            return Rejection(no.reason, no.detail, source, recorded)
        except RecursionError:
            return Rejection(Reason.INVALID_JSON, _TOO_DEEP, source, recorded)

    def typed(self, line: bytes) -> Any:
        """Decode a line with the typed decoder of its event name, and no more; None when it does not fit."""
        start = line.find(_NAME_FIELD) + len(_NAME_FIELD)
        plan = self._plan(line[start : line.find(b'"', start)])
        return self._fast(plan, line) if plan.strict else None

    def message(self, data: bytes, published_at: int, message_id: str, source: str) -> list[Event] | Rejection:
        """Decode one Pub/Sub message; its publish time is the recorded time.

        Args:
            data: the message body, `{event, eventId, payload}`.
            published_at: publish time in microseconds.
            message_id: stands in for a missing `eventId`.
            source: where it came from.

        Returns:
            As for `line`.
        """
        try:
            data.decode()
            envelope = _message_decoder.decode(data)
            plan = self._plan(envelope.event.encode())
            raw, ref = bytes(envelope.payload).strip(), self._reference(envelope.pickJobRef)
            if not envelope.event or raw == b"null":
                raise _Reject(Reason.MISSING_KEY, "event or payload is empty, expected both of them")
            return self._lenient(plan, envelope.eventId or message_id, published_at, raw, ref, source)
        except UnicodeDecodeError as err:
            return Rejection(
                Reason.INVALID_UTF8, f"byte {err.start} is no UTF-8, expected UTF-8 text", source, published_at
            )
        except msgspec.ValidationError as err:
            return Rejection(Reason.INVALID_SHAPE, f"envelope: {err}", source, published_at)
        except msgspec.DecodeError as err:
            return Rejection(Reason.INVALID_JSON, str(err), source, published_at)
        except _Reject as no:
            return Rejection(no.reason, no.detail, source, published_at)
        except RecursionError:
            return Rejection(Reason.INVALID_JSON, _TOO_DEEP, source, published_at)

    def collect(self) -> DecodeCounts:
        """Give the counts, with the unreadable optional times that the shapes have met since the last call."""
        for plan in self._plans.values():
            for shape in (plan.shape, *plan.telltales.values()):
                if shape is not None:
                    self.counts.field_errors += shape.lost
                    shape.lost = 0
        return self.counts

    def reset(self) -> None:
        """Forget the counts, not the decoders."""
        self.collect()
        self.counts = DecodeCounts()

    def _plan(self, raw_name: bytes) -> _Plan:
        plan = self._plans.get(raw_name)
        if plan is None:
            plan = _Plan(raw_name.decode())
            if len(self._plans) < 10_000:  # names come from outside: bound what they can make us keep
                self._plans[raw_name] = plan
        return plan

    def _fast(self, plan: _Plan, line: bytes) -> Any:
        """Decode the line in one typed pass; None when it does not fit and must be looked at slowly."""
        try:
            if plan.nested_first:
                found = plan.nested.decode(line)
                inner = found.payload
                if inner.event is None and inner.eventId is None:
                    return None
                found.id = inner.eventId or found.id
                found.pickJobRef = inner.pickJobRef or found.pickJobRef
                found.payload = inner.payload
            else:
                found = plan.line.decode(line)
                if type(found.payload) is not list and found.payload.payload is not _UNSET:
                    plan.nested_first = True
                    return None
        except msgspec.DecodeError:
            plan.nested_first = False
            return None
        if found.eventName != plan.raw_name:
            return None
        for name in plan.telltales:  # another shape stands in for the usual one
            if bytes(getattr(found.payload, name)) != b"null":
                return None
        return found

    def _slow(self, line: bytes, source: str) -> list[Event] | Rejection:
        try:
            envelope = _line_decoder.decode(line)
        except msgspec.ValidationError:
            raise self._envelope_problem(line) from None
        except msgspec.DecodeError as err:
            raise _Reject(Reason.INVALID_JSON, str(err)) from None
        recorded = parse_time(envelope.created)
        if recorded is None:
            raise _Reject(Reason.INVALID_TIME, f"created is {envelope.created[:40]!r}, expected an RFC 3339 time")
        raw = bytes(envelope.payload).strip()
        if not envelope.id or not envelope.eventName or raw == b"null":
            raise _Reject(Reason.MISSING_KEY, "id, eventName or payload is empty, expected all of them")
        event_id, ref = envelope.id, self._reference(envelope.pickJobRef)
        if raw.startswith(b"{"):
            given = _raw_object.decode(raw)
            if "payload" in given and ("event" in given or "eventId" in given):
                event_id = _text(given.get("eventId")) or event_id
                ref = self._reference(given.get("pickJobRef", _NULL)) or ref
                raw = bytes(given["payload"]).strip()
        return self._lenient(self._plan(envelope.eventName.encode()), event_id, recorded, raw, ref, source)

    @staticmethod
    def _envelope_problem(line: bytes) -> _Reject:
        """Say what is wrong with an envelope that is JSON but does not fit."""
        if not line.lstrip().startswith(b"{"):
            return _Reject(Reason.INVALID_SHAPE, "expected an object with id, eventName, payload and created")
        given = _raw_object.decode(line)
        for key in ("id", "eventName", "payload", "created"):
            if key not in given or bytes(given[key]).strip() == b"null":
                return _Reject(Reason.MISSING_KEY, f"{key} is missing, expected id, eventName, payload and created")
        if _text(given["created"]) is None:
            return _Reject(Reason.INVALID_TIME, "created is no string, expected an RFC 3339 time")
        return _Reject(Reason.INVALID_SHAPE, "id or eventName is no string, expected strings")

    @staticmethod
    def _recorded(line: bytes) -> int | None:
        """Read the recorded time of a rejected line, if it can be read at all."""
        try:
            return parse_time(_text(_raw_object.decode(line).get("created")))
        except (msgspec.DecodeError, RecursionError):
            return None

    def _reference(self, raw: msgspec.Raw) -> str | None:
        """Read the pick job beside a payload, which is as optional as a field inside."""
        found = _text(raw)
        if found is None and bytes(raw).strip() != b"null":
            self.counts.field_errors += 1
        return found

    def _lenient(
        self, plan: _Plan, event_id: str, recorded: int, raw: bytes, pick_job_ref: str | None, source: str
    ) -> list[Event]:
        """Decode a payload that stands alone, field by field, and make its events."""
        model, shape = plan.model, plan.shape
        if model is None or model.shape == "any":
            return self._events(plan, None, event_id, recorded, None, None, source)
        if model.shape == "string":
            try:
                return self._events(plan, None, event_id, recorded, _string.decode(raw), None, source)
            except msgspec.ValidationError:
                raise _Reject(Reason.INVALID_SHAPE, "payload is no string, expected the bare id") from None
        assert shape is not None
        if model.items:
            payload: Any = self._items(plan, shape, raw)
        else:
            payload = self._object(shape, raw)
            for name, other in plan.telltales.items():
                if bytes(getattr(payload, name)) != b"null":
                    payload, shape = self._object(other, raw), other
                    break
        return self._events(plan, shape, event_id, recorded, payload, pick_job_ref, source)

    def _object(self, shape: Shape, raw: bytes) -> Any:
        try:
            payload, lost = lenient.decode(raw, shape.root)
        except lenient.WrongShape:
            raise _Reject(Reason.INVALID_SHAPE, "payload is no object, expected the entity") from None
        except msgspec.DecodeError as err:
            raise _Reject(Reason.INVALID_JSON, str(err)) from None
        self.counts.field_errors += lost
        return payload

    def _items(self, plan: _Plan, shape: Shape, raw: bytes) -> list[Any]:
        assert plan.model is not None
        if plan.model.items != "[]":
            if not raw.startswith(b"{"):
                raise _Reject(Reason.INVALID_SHAPE, "payload is no object, expected one with a list of items")
            raw = bytes(_raw_object.decode(raw).get(plan.model.items or "", b"null")).strip()
        if not raw.startswith(b"["):
            raise _Reject(Reason.INVALID_SHAPE, "items are no list, expected one item per entity")
        return [self._object(shape, bytes(item)) for item in msgspec.json.decode(raw, type=list[msgspec.Raw])]

    def _events(
        self,
        plan: _Plan,
        shape: Shape | None,
        event_id: str,
        recorded: int,
        payload: Any,
        pick_job_ref: str | None,
        source: str,
    ) -> list[Event]:
        if shape is None:
            if plan.type is None:
                self.counts.unknown_names[plan.name] += 1
            model = plan.model
            where = payload if model is not None and model.facility == "" else None
            entity = model.entity if model is not None else None
            return [
                Event(event_id, plan.name, plan.flow, None, entity, payload, None, recorded, "recorded", recorded,
                      where, None, source)
            ]  # fmt: skip
        if shape.model.items:
            items = payload if type(payload) is list else getattr(payload, shape.model.items)
            if items is None:
                raise _Reject(Reason.INVALID_SHAPE, "items are no list, expected one item per entity")
            return self._bulk(plan, shape, event_id, recorded, items, source)
        return self._one(plan, shape, event_id, recorded, payload, pick_job_ref, source)

    def _one(
        self,
        plan: _Plan,
        shape: Shape,
        event_id: str,
        recorded: int,
        payload: Any,
        pick_job_ref: str | None,
        source: str,
    ) -> list[Event]:
        try:
            entity_id, version, key, facility, status, facts, at, basis = shape.extract(payload, pick_job_ref)
        except AttributeError:  # an object is null: decode again so that it becomes an empty one
            payload = _without_nulls(payload, shape.root)
            entity_id, version, key, facility, status, facts, at, basis = shape.extract(payload, pick_job_ref)
        flow = plan.flow
        if flow != "none" and not entity_id:
            raise _Reject(
                Reason.MISSING_ENTITY_ID, f"{shape.model.id} of {plan.name} is missing, expected the entity's id"
            )
        if status is not None and shape.statuses and status not in shape.statuses:
            self.counts.unknown_values[f"{plan.name}.{shape.model.status}"] += 1
        if at is None or basis is None:
            at, basis = recorded, "recorded"
        name, entity = plan.name, shape.model.entity
        if not key and shape.model.stands_alone and not any(getattr(facts, f.name) for f in shape.model.references()):
            flow = "none"
        if type(key) is not list:
            return [
                Event(event_id, name, flow, key or None, entity, entity_id, version, at, basis, recorded, facility,
                      status, source, facts)
            ]  # fmt: skip
        return [
            Event(event_id if len(key) == 1 else f"{event_id}@{k}", name, flow, k, entity, entity_id, version, at,
                  basis, recorded, facility, status, source, facts)
            for k in key
        ]  # fmt: skip

    def _bulk(
        self, plan: _Plan, shape: Shape, event_id: str, recorded: int, items: list[Any], source: str
    ) -> list[Event]:
        """Split a bulk event; every item is an event of its own with an id that does not depend on its place."""
        events: list[Event] = []
        seen: dict[str, int] = {}
        for item in items:
            for event in self._one(plan, shape, event_id, recorded, item, None, source):
                own = f"{event_id}#{event.entity_id or ''}{event.event_id[len(event_id) :]}"
                times = seen[own] = seen.get(own, 0) + 1
                event.event_id = own if times == 1 else f"{own}~{times}"
                events.append(event)
        return events


def _text(raw: msgspec.Raw | None) -> str | None:
    if raw is None:
        return None
    try:
        return _string.decode(raw)
    except msgspec.ValidationError:
        return None


def _without_nulls(payload: Any, node: Any) -> Any:
    """Put the empty object in the place of every null one."""
    values: dict[str, Any] = {}
    for name, child in node.children.items():
        value = getattr(payload, name)
        if child.children:
            if value is None:
                value = None if child.many else child.empty
            elif child.many:
                value = [child.struct() if v is None else _without_nulls(v, child) for v in value]
            else:
                value = _without_nulls(value, child)
        values[name] = value
    return node.struct(**values)
