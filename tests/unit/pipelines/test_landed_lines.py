"""A landed line is its message: the same events, the same reason when it is none, and every byte of it."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.landing.lines import LineMaker, Message, created_of, day_of
from pipelines.landing.options import LandOptions
from schemas.event_types import EVENT_TYPES
from schemas.vocabulary import Reason
from tests.strategies import examples, lines
from transforms.clock import parse_time
from transforms.decode import Decoder, public_name
from transforms.event import Rejection

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "payload_examples"
AT = 1_781_683_204_123_456_000
BODIES = sorted(GOLDEN.glob("[A-Z]*_*.json"))


def landed(message: Message) -> bytes:
    line = LineMaker().line(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert b"\r" not in line
    return line[:-1]


def assert_same(message: Message, *decoders: Decoder) -> None:
    """Hold the landed line against the message, with decoders that have seen other lines and one that has not."""
    line = landed(message)
    wanted = Decoder().message(message.data, message.published_at // 1000, message.message_id, "s")
    for decoder in (Decoder(), *decoders):
        found = decoder.line(line, "s")
        if isinstance(wanted, list):
            assert found == wanted
            continue
        assert isinstance(found, Rejection)
        assert found.reason == wanted.reason
        if wanted.reason not in (Reason.INVALID_JSON, Reason.INVALID_UTF8):  # no time can be read in such a line
            assert found.recorded_at == wanted.recorded_at
        if b'"data":"' in line:
            assert bytes_of(line) == message.data


def bytes_of(line: bytes) -> bytes:
    """Give the original bytes of a rejected message back; the page on landing shows this code."""
    text = line.decode(errors="replace")
    found: dict[str, Any] = json.JSONDecoder().raw_decode(text)[0]
    return base64.b64decode(found["data"])


@pytest.mark.parametrize("file", BODIES, ids=lambda f: f.stem)
@pytest.mark.parametrize("form", ["pretty", "tight", "crlf"])
def test_every_event_of_the_platform(file: Path, form: str):
    body = file.read_bytes()
    if form == "tight":
        body = json.dumps(json.loads(body), separators=(",", ":")).encode()
    elif form == "crlf":
        body = body.replace(b"\n", b"\r\n")
    assert isinstance(Decoder().message(body, 5, "m", "s"), list)
    assert_same(Message(body, "m", AT))


# What a JSON text can hold and a parser of our own would spoil: numbers beyond any type, unusual escapes and
# letters, the same key twice, things that look like an envelope, white space of every kind.
_texts = st.text(max_size=8) | st.sampled_from(
    ['"', "\\", "\n", "\r\n", "\u2028", "\x00", "\U0001f986", "e\u0301", "\u200b", '"eventName":"x"', "\x7f"]
)
_numbers = st.sampled_from(
    ["1e400", "-0.0", "1.10", "123456789012345678901234567890", "0.1000000000000000055", "1E+2", "9007199254740993"]
)
_spaces = st.sampled_from(["", " ", "\n", "\r\n  ", "\t", "\n\n"])


@st.composite
def raw_json(draw: st.DrawFn, depth: int = 3) -> str:
    """Give the text of any JSON value."""
    kind = draw(st.integers(0, 5 if depth else 3))
    if kind == 0:
        return draw(st.sampled_from(["null", "true", "false"]))
    if kind == 1:
        return draw(_numbers)
    if kind <= 3:
        return json.dumps(draw(_texts), ensure_ascii=draw(st.booleans()))
    inner = [draw(raw_json(depth - 1)) for _ in range(draw(st.integers(0, 3)))]
    space = draw(_spaces)
    if kind == 4:
        return f"[{space}{f'{space},{space}'.join(inner)}{space}]"
    keys = st.sampled_from(["id", "event", "eventId", "payload", "version", "created", "items", "pickJobRef"]) | _texts
    pairs = [f"{json.dumps(draw(keys))}{space}:{space}{value}" for value in inner]
    return f"{{{space}{f'{space},{space}'.join(pairs)}{space}}}"


_names = st.sampled_from([t.name for t in EVENT_TYPES]) | st.sampled_from(
    ["", "order-created_event-v1", "SOMETHING_NEW", 'A "B"', "ÄÖ\n", "pick-job-closed"]
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Give a message body: an envelope of anything, now and then with a key that is missing or of a wrong type."""
    fields = {
        "event": json.dumps(draw(_names), ensure_ascii=draw(st.booleans())),
        "eventId": json.dumps(draw(st.text(max_size=5))),
        "payload": draw(raw_json()),
        "pickJobRef": '"p1"',
    }
    for key in draw(st.lists(st.sampled_from(list(fields)), max_size=1)):
        fields[key] = draw(raw_json(1))
    for key in draw(st.lists(st.sampled_from(["eventId", "pickJobRef", "payload", "event"]), max_size=2)):
        fields.pop(key, None)
    if draw(st.booleans()):
        fields["somethingNew"] = draw(raw_json(1))
    space = draw(_spaces)
    order = draw(st.permutations(list(fields)))
    return f"{space}{{{','.join(f'{space}{json.dumps(k)}:{fields[k]}{space}' for k in order)}}}{space}".encode()


_shared = Decoder()
"""Sees the lines of all examples, as the decoder of a batch worker does: it remembers the form of the last one."""


@examples(600)
@given(body=bodies())
def test_any_envelope_around_any_payload(body: bytes):
    assert_same(Message(body, "m1", AT), _shared)


@examples(500)
@given(line=lines(), indent=st.sampled_from([None, 1]), ascii_only=st.booleans())
def test_any_value_at_any_declared_path(line: bytes, indent: int | None, ascii_only: bool):
    export = json.loads(line)
    body = {"event": export.get("eventName"), "eventId": export.get("id"), "payload": export.get("payload")}
    if isinstance(body["event"], str):
        body["event"] = public_name(body["event"])
    if "pickJobRef" in export:
        body["pickJobRef"] = export["pickJobRef"]
    data = json.dumps(body, indent=indent, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    assert_same(Message(data, "m1", AT), _shared)


@examples(500)
@given(data=st.binary(max_size=40), tail=st.sampled_from([b"", b"\xff", b"}", b"\n"]))
def test_any_bytes(data: bytes, tail: bytes):
    assert_same(Message(data, "m1", AT), _shared)
    assert_same(Message(b'{"event":"ORDER_CREATED","payload":{"id":"1"}}' + data + tail, "m1", AT), _shared)


@examples(300)
@given(value=raw_json())
def test_the_payload_stays_as_it_was_written(value: str):
    body = f'{{"event":"X","eventId":"e","payload":[{value}],"more":{value}}}'.encode()
    line = landed(Message(body, "m", AT))
    assert body.replace(b"\n", b" ").replace(b"\r", b" ") in line


@examples(300)
@given(
    attributes=st.dictionaries(st.text(max_size=6), st.text(max_size=6), max_size=3),
    key=st.text(max_size=4),
    attempt=st.integers(0, 9),
    nanos=st.integers(0, 2_000_000_000_000_000_000),
)
def test_what_pubsub_says_of_the_message_is_kept(attributes: dict[str, str], key: str, attempt: int, nanos: int):
    told = {"messageId": "m", "deliveryAttempt": attempt, "orderingKey": key, "attributes": attributes}
    for body in (b'{"event":"ORDER_CREATED","payload":{"id":"1"}}', b"nothing"):
        message = Message(body, "m", nanos, attributes, key, attempt)
        found = json.JSONDecoder().raw_decode(landed(message).decode())[0]
        assert {k: v for k, v in found.items() if k in told} == {k: v for k, v in told.items() if v}
        assert parse_time(found["created"]) == nanos // 1000
        assert found["created"].startswith(day_of(nanos))
        assert_same(message)


REJECTED = {
    "json": (b"Content-Type: text/plain", Reason.INVALID_JSON),
    "cut": (b'{"event":"ORDER_CREATED","payload":{"id"', Reason.INVALID_JSON),
    "empty": (b"", Reason.INVALID_JSON),
    "deep": (b'{"event":"X","payload":' + b"[" * 20_000 + b"]" * 20_000 + b"}", Reason.INVALID_JSON),
    "surrogate": (rb'{"event":"X","eventId":"\ud800","payload":{}}', Reason.INVALID_JSON),
    "utf-8": (b'{"event":"X","payload":{"a":"\xff\n"}}', Reason.INVALID_UTF8),
    "gzip": (gzip.compress(b"{}"), Reason.INVALID_UTF8),
    "no event": (b'{"payload":{}}', Reason.INVALID_SHAPE),
    "blank event": (b'{"event":"","payload":{}}', Reason.MISSING_KEY),
    "null payload": (b'{"event":"X","payload":null}', Reason.MISSING_KEY),
    "event id": (b'{"event":"X","payload":{},"eventId":5}', Reason.INVALID_SHAPE),
    "list": (b"[]", Reason.INVALID_SHAPE),
    "null": (b"null", Reason.INVALID_SHAPE),
    "export line": (
        b'{"id":"1","eventName":"order-created_event-v1","payload":{"id":"1"},"created":"2026-06-17T08:00:00Z"}',
        Reason.INVALID_SHAPE,
    ),
    "payload": (b'{"event":"ORDER_CREATED","payload":5}', Reason.INVALID_SHAPE),
    "entity id": (b'{"event":"PICK_JOB_CREATED","payload":{}}', Reason.MISSING_ENTITY_ID),
}


@pytest.mark.parametrize(("body", "reason"), REJECTED.values(), ids=REJECTED.keys())
def test_what_is_no_event_keeps_its_reason_and_its_bytes(body: bytes, reason: Reason):
    message = Message(body, "m", AT)
    assert_same(message)
    line = landed(message)
    found = Decoder().line(line, "s")
    assert isinstance(found, Rejection)
    assert found.reason == reason
    assert body in line or bytes_of(line) == body


def test_the_largest_message_is_no_line_too_long():
    line = landed(Message(b"\xff" * (10 << 20), "m" * 20, AT, {f"k{i}" * 80: "v" * 1024 for i in range(100)}))
    assert len(line) < LandOptions("", "").max_file_bytes
    assert len(line) <= 16 << 20


def test_an_event_id_is_taken_or_the_message_id_stands_in():
    for body, wanted in ((b'{"event":"X","eventId":"e","payload":1}', "e"), (b'{"event":"X","payload":1}', "m")):
        found = Decoder().line(landed(Message(body, "m", AT)), "s")
        assert isinstance(found, list)
        assert [e.event_id for e in found] == [wanted]
        assert [e.recorded_at for e in found] == [AT // 1000]


def test_the_bodies_that_are_no_event_are_counted():
    maker = LineMaker()
    for body in (b'{"event":"X","payload":1}', b"x", b'{"event":"","payload":1}'):
        maker.line(Message(body, "m", AT))
    assert maker.rejected == 2


def test_times_are_written_without_loss():
    assert created_of(AT) == "2026-06-17T08:00:04.123456Z"
    assert created_of(AT + 7) == "2026-06-17T08:00:04.123456007Z"
    assert created_of(0) == "1970-01-01T00:00:00.000000Z"
    assert (day_of(AT), day_of(-1)) == ("2026-06-17", "1969-12-31")
