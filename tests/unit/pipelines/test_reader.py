"""The line reader against a brute-force answer: any reading size, any member, any cut."""

import gzip
import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import exports
from pipelines.exports import InputFile, LineReader, TooLong

HEAD = 4096
DATA = b"".join(b'{"n":%d,"text":"%s"}\n' % (i, b"abc" * (i % 50)) for i in range(200))


@pytest.fixture
def read(monkeypatch):
    def go(stored, limit=1 << 20, block=256 << 10, inflated=1 << 20):
        with monkeypatch.context() as patch:
            patch.setattr(exports, "_open", lambda path: io.BytesIO(stored))
            patch.setattr(exports, "_READ", block)
            patch.setattr(exports, "_INFLATE", inflated)
            reader = LineReader(InputFile("a", "a", None, len(stored)), limit)
            lines = []
            for first, chunk in reader:
                assert first == len(lines) + 1
                lines += chunk
        return lines, reader.report

    return go


def expected(text, limit):
    lines = text.split(b"\n")
    if not lines[-1]:
        lines.pop()
    lines = [line.removesuffix(b"\r") for line in lines]
    return [TooLong(len(line), line[:HEAD]) if len(line) > limit else line for line in lines]


def inflated_so_far(stored):
    """What zlib sees of a cut gzip of several members."""
    text, rest = b"", stored
    while rest:
        member = zlib.decompressobj(31)
        text += member.decompress(rest)
        rest = member.unused_data.lstrip(b"\0")
        if not member.eof:
            break
    return text


texts = st.lists(
    st.one_of(
        st.text("ab\r", max_size=14).map(str.encode),
        st.integers(0, 6000).map(lambda n: (b"0123456789" * 600)[:n]),
    ),
    max_size=8,
).flatmap(lambda lines: st.sampled_from([b"", b"\n", b"\r\n"]).map(lambda end: b"\n".join(lines) + end))
sizes = st.sampled_from([1, 2, 3, 7, 64, 1000, 1 << 18])
limits = st.sampled_from([10, 100, 5000])


@given(text=texts, limit=limits, block=sizes, inflated=sizes, split=st.integers(0, 99), packing=st.integers(0, 2))
def test_reads_the_same_lines_however_they_are_cut_up(read_once, text, limit, block, inflated, split, packing):
    half = len(text) * split // 100
    stored = [text, gzip.compress(text), gzip.compress(text[:half]) + b"\0\0\0" + gzip.compress(text[half:])][packing]
    lines, report = read_once(stored, limit, block, inflated)
    assert lines == expected(text, limit)
    assert report.complete
    assert report.bytes_stored == len(stored)


@given(text=texts, limit=limits, block=sizes, inflated=sizes, cut=st.integers(1, 9999))
def test_a_cut_gives_every_whole_line_before_it(read_once, text, limit, block, inflated, cut):
    stored = gzip.compress(text)
    stored = stored[: 1 + cut * (len(stored) - 2) // 9999]
    lines, report = read_once(stored, limit, block, inflated)
    seen = inflated_so_far(stored)
    assert not report.complete
    assert lines == expected(seen[: seen.rfind(b"\n") + 1], limit)
    assert report.tail == seen[seen.rfind(b"\n") + 1 :][:HEAD]


@pytest.fixture(scope="session")
def read_once():
    """The same as `read`, for properties: a fixture of the function's scope would be shared by all examples."""

    def go(stored, limit, block, inflated):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(exports, "_open", lambda path: io.BytesIO(stored))
            patch.setattr(exports, "_READ", block)
            patch.setattr(exports, "_INFLATE", inflated)
            reader = LineReader(InputFile("a", "a", None, len(stored)), limit)
            return [line for _, chunk in reader for line in chunk], reader.report

    return go


def test_every_single_cut_is_loud(read):
    stored = gzip.compress(DATA, mtime=0)
    for length in range(1, len(stored)):
        lines, report = read(stored[:length])
        assert not report.complete, f"cut to {length} of {len(stored)} bytes"
        assert "trailer" in report.problem
        assert report.bytes_stored == length
        assert lines == expected(DATA, 1 << 20)[: len(lines)]


def test_every_cut_of_a_second_member_is_loud(read):
    first, second = gzip.compress(DATA, mtime=0), gzip.compress(b"more\n", mtime=0)
    for length in range(1, len(second)):
        lines, report = read(first + second[:length])
        assert not report.complete, f"{length} of {len(second)} bytes of the second member"
        assert lines[:200] == expected(DATA, 1 << 20)


@pytest.mark.parametrize("place", range(1, 9))
def test_every_byte_of_the_trailer_counts(read, place):
    stored = bytearray(gzip.compress(DATA, mtime=0))
    stored[-place] ^= 0x01
    report = read(bytes(stored))[1]
    assert not report.complete
    assert "damaged" in report.problem


def test_a_cut_loses_nothing_that_was_inflated(read):
    # A run of equal bytes inflates to far more than is asked for at once: the inflater holds it when its input ends.
    text = b"x" * 999 + b"\n"
    stored = gzip.compress(text * 5000)
    lines, report = read(stored[:-12], inflated=1000)
    assert not report.complete
    assert len(lines) == inflated_so_far(stored[:-12]).count(b"\n")


@pytest.mark.parametrize("block", [3, 9, 10, 11, 12, 64])
def test_the_carriage_return_does_not_count_wherever_a_block_ends(read, block):
    assert read(b"x" * 10 + b"\r\nz\n", limit=10, block=block)[0] == [b"x" * 10, b"z"]
    assert read(b"x" * 11 + b"\r\nz\n", limit=10, block=block)[0] == [TooLong(11, b"x" * 11), b"z"]


def test_the_head_of_a_line_is_how_it_begins(read):
    line = bytes(97 + i * 7 % 26 for i in range(9000))
    for block in (7, 512, 4095, 4096, 8000):
        assert read(line + b"\nz\n", limit=10, block=block)[0] == [TooLong(9000, line[:HEAD]), b"z"]


def test_a_long_line_is_let_go(read):
    lines, _ = read(gzip.compress(b"y" * 50_000_000), limit=1000)
    assert lines == [TooLong(50_000_000, b"y" * HEAD)]


@pytest.mark.parametrize("stored", [b"\0" * 40, b"PK\x03\x04zip", b"\x1e\x8b no gzip"])
def test_what_is_no_gzip_is_read_as_it_stands(read, stored):
    assert read(stored) == ([stored], read(stored)[1])
    assert read(stored)[1].complete


def test_padding_over_several_blocks(read):
    stored = gzip.compress(b"a\n") + b"\0" * 5000 + gzip.compress(b"b\n") + b"\0" * 5000
    for block in (1, 64, 4096):
        lines, report = read(stored, block=block)
        assert lines == [b"a", b"b"]
        assert report.complete


def test_the_report_is_there_only_at_the_end(read):
    reader = LineReader(InputFile("a", "a", None, 0))
    with pytest.raises(AssertionError, match="to its end"):
        _ = reader.report
