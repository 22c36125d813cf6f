import gzip
import hashlib
from pathlib import Path

import pytest

from pipelines.exports import InputFile, LineReader, NoInputError, TooLong, discover, mark_repeats

LINES = [b'{"n":%d,"text":"%s"}' % (i, b"abc" * (i % 50)) for i in range(2000)]
DATA = b"\n".join(LINES) + b"\n"


def read(path: Path, limit: int = 1 << 20):
    reader = LineReader(InputFile(str(path), path.name, None, path.stat().st_size), limit)
    lines = []
    for first, chunk in reader:
        assert first == len(lines) + 1
        lines += chunk
    return lines, reader.report


def test_reads_gzip_and_plain_alike(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(DATA))
    (tmp_path / "a").write_bytes(DATA)
    for name in ("a.gz", "a"):
        lines, report = read(tmp_path / name)
        assert lines == LINES
        assert report.complete
        assert report.digest == hashlib.blake2b((tmp_path / name).read_bytes(), digest_size=16).hexdigest()
        assert report.bytes_stored == (tmp_path / name).stat().st_size


def test_last_line_needs_no_end(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(DATA[:-1]))
    assert read(tmp_path / "a.gz")[0] == LINES


@pytest.mark.parametrize("cut_from_end", [1, 2, 7, 8, 9, 100, 1000])
def test_every_cut_is_loud(tmp_path, cut_from_end):
    stored = gzip.compress(DATA)
    (tmp_path / "a.gz").write_bytes(stored[:-cut_from_end])
    lines, report = read(tmp_path / "a.gz")
    assert not report.complete
    assert "trailer" in report.problem
    assert lines == LINES[: len(lines)]
    assert report.bytes_stored == len(stored) - cut_from_end


@pytest.mark.parametrize("length", [1, 2, 5, 9, 10, 11])
def test_cut_inside_the_header_is_loud(tmp_path, length):
    (tmp_path / "a.gz").write_bytes(gzip.compress(DATA)[:length])
    lines, report = read(tmp_path / "a.gz")
    assert lines == []
    assert not report.complete


def test_damage_inside_is_loud(tmp_path):
    stored = bytearray(gzip.compress(DATA))
    stored[-6] ^= 0xFF  # the checksum
    (tmp_path / "a.gz").write_bytes(stored)
    assert not read(tmp_path / "a.gz")[1].complete


def test_several_members_and_padding(tmp_path):
    half = len(DATA) // 2
    (tmp_path / "a.gz").write_bytes(gzip.compress(DATA[:half]) + b"\0" * 700 + gzip.compress(DATA[half:]) + b"\0" * 9)
    lines, report = read(tmp_path / "a.gz")
    assert lines == LINES
    assert report.complete


def test_second_member_cut_is_loud(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(DATA) + gzip.compress(DATA)[:-3])
    lines, report = read(tmp_path / "a.gz")
    assert lines[: len(LINES)] == LINES
    assert not report.complete


def test_garbage_behind_a_member_is_loud(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(DATA) + b"garbage")
    lines, report = read(tmp_path / "a.gz")
    assert lines == LINES
    assert not report.complete


@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0)], ids=["zero-bytes", "empty-gzip"])
def test_empty_files_are_complete(tmp_path, content):
    (tmp_path / "a.gz").write_bytes(content)
    lines, report = read(tmp_path / "a.gz")
    assert lines == []
    assert report.complete


def test_blank_lines_and_crlf_keep_their_numbers(tmp_path):
    (tmp_path / "a").write_bytes(b"a\r\n\r\n\nb\n")
    assert read(tmp_path / "a")[0] == [b"a", b"", b"", b"b"]


@pytest.mark.parametrize("length", [1001, 5000, 3_000_000, 9_000_000])
@pytest.mark.parametrize("packed", [False, True])
def test_over_long_lines_are_not_held(tmp_path, length, packed):
    data = b"first\n" + b"x" * length + b"\nlast\n"
    (tmp_path / "a").write_bytes(gzip.compress(data) if packed else data)
    lines, report = read(tmp_path / "a", limit=1000)
    assert lines[0] == b"first"
    assert lines[2] == b"last"
    assert isinstance(lines[1], TooLong)
    assert lines[1].length == length
    assert lines[1].head == b"x" * min(length, 4096)
    assert report.complete


def test_a_line_of_the_limit_is_taken(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 3_000_000 + b"\n")
    assert read(tmp_path / "a", limit=3_000_000)[0] == [b"x" * 3_000_000]


def make(folder: Path, files: dict[str, bytes]) -> str:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(folder)


def test_discovers_day_folders_in_order_and_range(tmp_path):
    root = make(
        tmp_path,
        {
            "2026-06-02/b.ndjson.gz": b"1",
            "2026-06-01/a.ndjson": b"22",
            "2026-06-03/a.json": b"333",
            "2026-06-01/.hidden.ndjson": b"4",
            "2026-06-01/_SUCCESS": b"",
            "notes.txt": b"5",
        },
    )
    assert [f.name for f in discover(root)] == ["2026-06-01/a.ndjson", "2026-06-02/b.ndjson.gz", "2026-06-03/a.json"]
    assert [f.day for f in discover(root, "2026-06-02", "2026-06-02")] == ["2026-06-02"]


def test_discovers_a_flat_folder(tmp_path):
    assert [(f.name, f.day) for f in discover(make(tmp_path, {"x.ndjson": b"1"}))] == [("x.ndjson", None)]


def test_marks_repeats_by_content(tmp_path):
    root = make(
        tmp_path,
        {"2026-06-01/a.ndjson": b"same", "2026-06-02/b.ndjson": b"same", "2026-06-02/c.ndjson": b"diff"},
    )
    assert [(f.name, f.repeat_of) for f in mark_repeats(discover(root))] == [
        ("2026-06-01/a.ndjson", None),
        ("2026-06-02/b.ndjson", "2026-06-01/a.ndjson"),
        ("2026-06-02/c.ndjson", None),
    ]


def test_nothing_to_read_says_what_was_expected(tmp_path):
    with pytest.raises(NoInputError, match="expected day folders"):
        discover(str(tmp_path))
