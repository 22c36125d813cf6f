"""Properties of the decoder: whatever comes in, an event or a reason comes out."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from schemas.vocabulary import Reason
from tests.strategies import examples, lines
from transforms.columns import to_table
from transforms.decode import Decoder
from transforms.event import Event, Rejection, decode_block, encode_block

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


def check(found: list[Event] | Rejection) -> None:
    if isinstance(found, Rejection):
        assert found.reason in set(Reason)
        assert found.detail
        return
    assert decode_block(encode_block(found)) == found
    assert to_table("flow_event", found).num_rows == len(found)
    assert all(e.entity_id for e in found if e.flow != "none")
    assert len({e.event_id for e in found}) == len(found)


@examples(200)
@given(line=st.binary(max_size=60))
def test_any_bytes(line: bytes):
    check(Decoder().line(line, "day.ndjson:1"))
    check(Decoder().message(line, 5, "m1", "subscription:m1"))


@examples(200)
@given(value=anything)
def test_any_json(value: object):
    check(Decoder().line(json.dumps(value).encode(), "day.ndjson:1"))
    line = {"id": "1", "eventName": "order-created_event-v1", "created": "2026-06-17T08:00:00Z", "payload": value}
    check(Decoder().line(json.dumps(line).encode(), "day.ndjson:1"))


@examples(500)
@given(line=lines())
def test_any_value_at_any_declared_path(line: bytes):
    decoder = Decoder()
    first = decoder.line(line, "day.ndjson:1")
    check(first)
    # What a decoder has seen before (it remembers which form of envelope came last) makes no difference.
    assert decoder.line(line, "day.ndjson:1") == first


@examples(500)
@given(line=lines())
def test_white_space_makes_no_difference(line: bytes):
    """Neither does the way that it takes through the decoder: only compact lines can take the fast one."""
    try:
        value = json.loads(line)
    except ValueError:
        return
    wide = json.dumps(value, indent=1).encode()
    tight = json.dumps(value, separators=(",", ":")).encode()
    assert Decoder().line(wide, "s:1") == Decoder().line(tight, "s:1")
