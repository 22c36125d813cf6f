"""State that was written before is read as it was meant, or refused by name."""

from __future__ import annotations

import pytest

from tests.unit.transforms.build import ev, instant
from transforms import stream_codec
from transforms.event_log import LAYOUT
from transforms.stream_codec import Item, StateVersionError, decode_item, encode_item, fingerprint, known_layouts
from transforms.stream_flows import Meta, Phase, decode_meta, encode_meta, pack_closed, unpack_closed
from transforms.stream_nodes import decode_home, decode_relay
from transforms.stream_revision import decode_revision, encode_revision

# State as version 1 has written it. Never change these: add those of the next version beside them.
JOIN_1 = bytes.fromhex(
    "01050900c39394000102a250319eb65049434b5f4a4f425f435245415445442f4a312f3130b05049434b5f4a4f425f43524541544544a56f"
    "72646572c0a85049434b5f4a4f42a24a3103cf0006546e72d59680a56578616374cf0006546e72d59680a24631a44f50454ead6461792e6e"
    "646a736f6e3a31309aa75069636b4a6f62c0c0c0c0c0c0c0c0c0c0"
)
LEAVE_1 = bytes.fromhex("01050900c393940102cd03eaac3f5049434b5f4a4f423a4a39c092a165a3733a31")
META_1 = bytes.fromhex("9a010007026300c00509c0")
RELAY_1 = bytes.fromhex("9601049201a25031c09192a85041434b5f4a4f42a24b31c3")
HOME_1 = bytes.fromhex("94010394000001a25031c0")
REVISION_1 = bytes.fromhex(
    "9ba473746f77a253310709a46f70656e020100630581a973746f775f666c6f779193a25331c003"
)  # waits in the buffer of the sink


def test_items_of_the_last_version_are_read():
    joins = decode_item(JOIN_1)
    assert joins.value == (0, 1, 2, "P1")
    assert joins.event == ev("PICK_JOB_CREATED", 10, flow=None, status="OPEN", version=3)
    assert joins.event is not None
    assert joins.event.event_at == instant(10)
    assert decode_item(LEAVE_1) == Item((1, 2, 1002, "?PICK_JOB:J9"), None, ("e", "s:1"))


def test_what_is_kept_of_flows_and_entities_of_the_last_version_is_read():
    meta = decode_meta(META_1)
    assert (meta.phase, meta.revision, meta.items, meta.bytes) == (Phase.OPEN, 7, 2, 99)
    assert (meta.dirty_at, meta.touched_at, meta.wake_at) == (None, 5, 9)
    relay = decode_relay(RELAY_1)
    assert (relay.found, relay.gathered, relay.watched) == ((1, "P1"), None, True)
    assert [tuple(a) for a in relay.askers] == [("PACK_JOB", "K1")]
    home = decode_home(HOME_1)
    assert (home.best, home.waiting) == ((0, 0, 1, "P1"), 0)
    assert (meta.duplicates, meta.retained) == (0, 0)


def test_a_buffered_revision_of_the_last_version_is_read():
    found = decode_revision(REVISION_1)
    assert (found.flow, found.key, found.revision, found.as_of, found.outcome) == ("stow", "S1", 7, 9, "open")
    assert (found.event_count, found.duplicates, found.overflow, found.bytes, found.waited) == (2, 1, 0, 99, 5)
    assert found.rows == {"stow_flow": [["S1", None, 3]]}
    assert found.repeated == 0
    assert decode_revision(encode_revision(found._replace(repeated=4))).repeated == 4


def test_an_item_comes_back_as_it_went():
    for item in (
        Item(None, ev("STOW_JOB_CREATED", 5, status="OPEN")),
        Item((0, 0, 0, "P1"), ev("PICK_JOB_PICK_LINE_PICKED", 5, flow=None, pick_job_ref="J1")),
        Item((2, 0, 0, "?X:1"), None, ("id", "source")),
    ):
        assert decode_item(encode_item(item)) == item


def test_facts_of_an_older_layout_are_read_by_their_names(monkeypatch):
    older = {**LAYOUT, "PickLineItem": ["picked", "quantity"]}
    event = ev("PICK_JOB_PICK_LINE_PICKED", 5, flow=None, pick_job_ref="J1", quantity=4, picked=3)
    fields = [*_fields(event), ["PickLineItem", 3, 4]]
    raw = bytes([1]) + fingerprint(older) + stream_codec._encode((None, fields, None))
    monkeypatch.setattr(stream_codec, "known_layouts", lambda: {fingerprint(older): older})
    found = decode_item(raw).event
    assert found is not None
    assert (found.facts.pick_job_ref, found.facts.quantity, found.facts.picked) == (None, 4, 3)
    assert _fields(found) == _fields(event)


def _fields(event):
    return [getattr(event, n) for n in event.__struct_fields__ if n != "facts"]


def test_the_layout_of_this_version_is_among_the_known_ones():
    assert known_layouts()[fingerprint(LAYOUT)] == LAYOUT, "run python -m transforms.stream_codec"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"\x02" + JOIN_1[1:], "state of version 2 was found, expected 1"),
        (b"\x01abcd" + JOIN_1[5:], "state with the layout 61626364 was found, expected one of"),
        (b"", "state of version None was found"),
    ],
)
def test_state_of_an_unknown_version_is_refused(raw, message):
    with pytest.raises(StateVersionError, match=message):
        decode_item(raw)


def test_records_of_an_unknown_version_are_refused():
    with pytest.raises(StateVersionError, match="a flow has the version 9"):
        decode_meta(encode_meta(Meta(version=9)))
    with pytest.raises(StateVersionError, match="an entity has the version 9"):
        decode_relay(bytes.fromhex("9109"))
    with pytest.raises(StateVersionError, match="an entity has the version 9"):
        decode_home(bytes.fromhex("9109"))
    with pytest.raises(StateVersionError, match="a closed flow has the version 9"):
        unpack_closed(bytes.fromhex("93090090"))


def test_a_closed_flow_comes_back_as_it_went():
    item = Item(None, ev("STOW_JOB_CREATED", 5, status="OPEN"))
    assert unpack_closed(pack_closed(Meta(revision=12), [item])) == (12, [encode_item(item)])
