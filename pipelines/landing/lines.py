"""A Pub/Sub message as one line of an export file.

A landed line decodes to exactly the events that the message itself would give. It is the nested form of the export,
the message body as `payload`, byte for byte but for line breaks, which in JSON are white space and become blanks:

    {"id":"<eventId, else message id>","eventName":"ORDER_CREATED","payload":<body>,"created":"<publish time>",
     "messageId":"123","deliveryAttempt":2,"orderingKey":"k","attributes":{"k":"v"}}

The keys of the second row are for whoever reads the raw stream; the decoder passes over them, and the last three are
there only when the message has them. A body that is no event lands as a line which the batch job makes a dead letter
for the same reason, with its bytes in `data` as base64, the way Pub/Sub itself writes them in JSON:

    {"id":"<message id>","eventName":"","payload":0,"created":"<publish time>","data":"<base64>",
     "problem":"<reason>: <detail>","messageId":"123", ...}

A broken envelope gives the reason by itself: a blank name is `missing_key`, a number for a name `invalid_shape`. Text
that is no JSON or no UTF-8 can only be told by a line that is none either, so such a line has a word or a byte behind
the object; `json.JSONDecoder().raw_decode` reads the object and leaves that.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from schemas.vocabulary import Reason
from transforms.decode import Decoder
from transforms.event import Rejection

_NANOS: Final = 1_000_000_000
_BREAKS: Final = bytes.maketrans(b"\r\n", b"  ")
_encode = msgspec.json.Encoder().encode

# How the envelope of a rejected body gives its reason: the name, and what stands behind the object.
_BROKEN: Final[dict[str, tuple[bytes, bytes]]] = {
    Reason.MISSING_KEY: (b'""', b""),
    Reason.INVALID_SHAPE: (b"0", b""),
    Reason.INVALID_JSON: (b'""', b" invalid_json"),
    Reason.INVALID_UTF8: (b'""', b" \xff"),
}


class Message(NamedTuple):
    """A message as it was delivered.

    Attributes:
        data: its body.
        message_id: id that Pub/Sub gave it.
        published_at: publish time in nanoseconds since the epoch.
        attributes: its attributes.
        ordering_key: its ordering key, empty without one.
        attempt: number of the delivery, 0 where the subscription does not count them.
    """

    data: bytes
    message_id: str
    published_at: int
    attributes: Mapping[str, str] = {}
    ordering_key: str = ""
    attempt: int = 0


class _Body(msgspec.Struct, gc=False):
    """What a body must have to be an event; the same as the decoder asks for, which a property test holds."""

    event: str
    payload: msgspec.Raw
    eventId: str | None = None


_body = msgspec.json.Decoder(_Body)


class LineMaker:
    """Makes lines; keeps count of those that will be dead letters. Not thread-safe.

    Attributes:
        rejected: bodies so far that are no event.
    """

    def __init__(self) -> None:
        """Start at zero."""
        self.rejected = 0
        self._decoder = Decoder()

    def line(self, message: Message) -> bytes:
        """Give the line of a message, with its end."""
        data = message.data
        try:
            if not data.isascii():
                data.decode()
            body = _body.decode(data)
            accepted = bool(body.event) and bytes(body.payload).strip() != b"null"
        except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
            accepted = False
        if not accepted:
            return self._rejected(message)
        if b"\n" in data or b"\r" in data:
            data = data.translate(_BREAKS)
        return b'{"id":%b,"eventName":%b,"payload":%b,"created":"%b",%b}\n' % (
            _encode(body.eventId or message.message_id),
            _encode(body.event),
            data,
            created_of(message.published_at).encode(),
            _about(message),
        )

    def _rejected(self, message: Message) -> bytes:
        """Give a line that will be rejected for the reason for which the message would be."""
        self.rejected += 1
        found = self._decoder.message(message.data, message.published_at // 1000, message.message_id, "")
        self._decoder.reset()
        assert isinstance(found, Rejection), "the decoder takes a body that has no event or no payload"
        name, behind = _BROKEN[found.reason]
        return b'{"id":%b,"eventName":%b,"payload":0,"created":"%b","data":"%b","problem":%b,%b}%b\n' % (
            _encode(message.message_id),
            name,
            created_of(message.published_at).encode(),
            base64.b64encode(message.data),
            _encode(f"{found.reason}: {found.detail}"),
            _about(message),
            behind,
        )


def _about(message: Message) -> bytes:
    """Give the keys that tell of the delivery."""
    told = b'"messageId":' + _encode(message.message_id)
    if message.attempt:
        told += b',"deliveryAttempt":%d' % message.attempt
    if message.ordering_key:
        told += b',"orderingKey":' + _encode(message.ordering_key)
    if message.attributes:
        told += b',"attributes":' + _encode(dict(sorted(message.attributes.items())))
    return told


def created_of(published_at: int) -> str:
    """Give a publish time (nanoseconds) as RFC 3339 text that loses nothing of it."""
    seconds, nanos = divmod(published_at, _NANOS)
    fraction = f"{nanos // 1000:06d}" if nanos % 1000 == 0 else f"{nanos:09d}"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction}Z"


def day_of(published_at: int) -> str:
    """Give the day folder of a publish time (nanoseconds): its UTC day."""
    return f"{datetime.fromtimestamp(published_at // _NANOS, UTC):%Y-%m-%d}"
