"""The compiled extraction: what it takes, what it refuses, and that nothing is counted twice."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from transforms.clock import parse_time
from transforms.extraction import Wanted, compile_extraction

INSTANT = 1_781_000_102_000_000  # 2026-06-09T10:15:02Z


def wanted(**given: Any) -> Wanted:
    base: dict[str, Any] = {
        "head": ("id", None, None, None, None), "facts": None, "envelope": False, "plain": (), "times": (), "rest": (),
        "dates": (),
    }  # fmt: skip
    return Wanted(**(base | given))


def compiled(lost: list[int], **given: Any) -> Any:
    return compile_extraction(wanted(**given), parse_time, lost.append)


def test_values_come_from_paths_functions_and_the_envelope() -> None:
    extract = compiled(
        [], head=("id", "a.version", lambda p: [p.key], None, "a.status"), facts=lambda *v: v, envelope=True,
        plain=("a.b.c",), times=("at",), rest=(lambda p: len(p.items),), dates=(("exact", "at"),),
    )  # fmt: skip
    inner = SimpleNamespace(version=3, status="OPEN", b=SimpleNamespace(c="deep"))
    payload = SimpleNamespace(id="i", a=inner, key="k", at="2026-06-09T10:15:02Z", items=[1, 2])
    assert extract(payload, "job") == (
        "i", 3, ["k"], None, "OPEN", ("job", "deep", INSTANT, 2), INSTANT, "exact",
    )  # fmt: skip


def test_the_first_date_that_can_be_read_counts_and_the_others_are_told_lost() -> None:
    lost: list[int] = []
    dates = (("exact", "first"), ("exact", lambda p: None), ("snapshot", "second"))
    extract = compiled(lost, dates=dates)
    assert extract(SimpleNamespace(id="i", first="soon", second="2026-06-09T10:15:02Z"))[-2:] == (INSTANT, "snapshot")
    assert lost == [1]
    assert extract(SimpleNamespace(id="i", first=None, second=None))[-2:] == (None, None)
    assert lost == [1]


def test_a_null_object_raises_before_anything_is_counted() -> None:
    lost: list[int] = []
    extract = compiled(lost, facts=lambda *v: v, times=("at",), dates=(("exact", "at"), ("exact", "a.b")))
    with pytest.raises(AttributeError):
        extract(SimpleNamespace(id="i", at="soon", a=None))
    assert lost == []


@pytest.mark.parametrize("path", ["a b", "a.class", "a.", "x); import os"])
def test_a_path_that_is_no_source_text_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no path of names"):
        compiled([], head=(path, None, None, None, None))
