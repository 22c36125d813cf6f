"""Decode a payload field by field when its strict decoder refused it.

A wrong type in an optional field costs that field and nothing else. Objects are opened one level at a time as
raw bytes, so that even here no field outside the catalogue is decoded.
"""

from __future__ import annotations

from typing import Any

import msgspec

from transforms.shape import Node

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])
_leaf_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


class WrongShape(ValueError):
    """An object or a list was expected and something else is there."""


def decode(raw: bytes, node: Node) -> tuple[Any, int]:
    """Decode the object at `node` from `raw`; the second value counts the fields that were lost.

    Raises:
        WrongShape: `raw` is no JSON object.
    """
    if not bytes(raw).lstrip().startswith(b"{"):
        raise WrongShape("expected an object")
    given = _object.decode(raw)
    lost = 0
    values: dict[str, Any] = {}
    for name, child in node.children.items():
        if name not in given:
            continue
        value, bad = _field(bytes(given[name]), child)
        lost += bad
        if value is not None:
            values[name] = value
    return node.struct(**values), lost


def _field(raw: bytes, node: Node) -> tuple[Any, int]:
    text = raw.strip()
    if text == b"null":
        return None, 0
    if not node.many:
        return _single(text, node)
    if not text.startswith(b"["):
        return None, 1
    values: list[Any] = []
    lost = 0
    for element in _array.decode(text):
        value, bad = _single(bytes(element).strip(), node)
        lost += bad
        if value is None and node.struct is not None:
            # A lost element keeps its place, so that counts stay right and sums become unknown.
            value = node.struct()
        values.append(value)
    return values, lost


def _single(text: bytes, node: Node) -> tuple[Any, int]:
    if node.struct is not None:
        if not text.startswith(b"{"):
            return None, 0 if text == b"null" else 1
        return decode(text, node)
    if node.leaf is msgspec.Raw:
        return msgspec.Raw(text), 0
    decoder = _leaf_decoders.get(node.leaf)
    if decoder is None:
        decoder = _leaf_decoders[node.leaf] = msgspec.json.Decoder(node.leaf)
    try:
        return decoder.decode(text), 0
    except msgspec.ValidationError:
        return None, 1
