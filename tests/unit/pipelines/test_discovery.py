"""Which files are read, where a path or a range could be taken the wrong way."""

import pickle

import pytest

from pipelines.exports import InputFile, NoInputError, discover, mark_repeats


def put(path, content=b"{}\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def names(*arguments):
    return [f.name for f in discover(*arguments)]


@pytest.mark.parametrize("folder", ["br[1]", "star*", "who?", "a b", "ümlaut"])
def test_a_path_is_no_pattern(tmp_path, folder):
    put(tmp_path / folder / "2026-06-01" / "a.ndjson")
    assert names(str(tmp_path / folder)) == ["2026-06-01/a.ndjson"]


def test_a_day_folder_may_be_a_link(tmp_path):
    put(tmp_path / "elsewhere" / "a.ndjson")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "2026-06-01").symlink_to(tmp_path / "elsewhere")
    assert names(str(tmp_path / "in")) == ["2026-06-01/a.ndjson"]


def test_a_link_to_nothing_is_no_missing_file(tmp_path):
    put(tmp_path / "2026-06-01" / "a.ndjson")
    (tmp_path / "2026-06-01" / "b.ndjson").symlink_to(tmp_path / "gone")
    with pytest.raises(OSError, match=r"b\.ndjson"):
        discover(str(tmp_path))


def test_a_range_outside_all_days_does_not_fall_back_to_loose_files(tmp_path):
    put(tmp_path / "2026-06-01" / "a.ndjson")
    put(tmp_path / "loose.ndjson")
    assert names(str(tmp_path)) == ["2026-06-01/a.ndjson"]
    with pytest.raises(NoInputError, match="of 2027-01-01 to the end"):
        discover(str(tmp_path), "2027-01-01", None)


def test_a_flat_folder_has_no_days_to_choose(tmp_path):
    put(tmp_path / "a.ndjson")
    with pytest.raises(NoInputError, match="flat folder"):
        discover(str(tmp_path), None, "2026-06-01")


@pytest.mark.parametrize("ending", ["", "/", "//"])
def test_a_slash_at_the_end_changes_nothing(tmp_path, ending):
    put(tmp_path / "2026-06-01" / "a.ndjson")
    assert [(f.name, f.day) for f in discover(str(tmp_path) + ending)] == [("2026-06-01/a.ndjson", "2026-06-01")]


def test_relative_paths(tmp_path, monkeypatch):
    put(tmp_path / "in" / "2026-06-01" / "a.ndjson")
    monkeypatch.chdir(tmp_path)
    assert names("in") == names("./in") == ["2026-06-01/a.ndjson"]
    monkeypatch.chdir(tmp_path / "in")
    assert names(".") == ["2026-06-01/a.ndjson"]


def test_what_is_no_export_is_passed_over(tmp_path):
    for name in ("2026-06-01/a.csv", "2026-06-01/deep/a.ndjson", "june/a.ndjson", "2026-06-01/.a.ndjson", "a.gz"):
        put(tmp_path / name)
    (tmp_path / "2026-06-01" / "folder.ndjson").mkdir()
    with pytest.raises(NoInputError):
        discover(str(tmp_path))


@pytest.mark.parametrize("name", ["missing", "file"])
def test_an_input_that_is_no_folder(tmp_path, name):
    put(tmp_path / "file")
    with pytest.raises(NoInputError, match="check the path"):
        discover(str(tmp_path / name))


def test_repeats_name_the_first_in_the_order_of_days(tmp_path):
    for day in ("2026-06-03", "2026-06-01", "2026-06-02"):
        put(tmp_path / day / "a.ndjson", b"same")
    put(tmp_path / "2026-06-01" / "b.ndjson", b"sama")
    found = mark_repeats(discover(str(tmp_path)))
    assert [(f.name, f.repeat_of) for f in found] == [
        ("2026-06-01/a.ndjson", None),
        ("2026-06-01/b.ndjson", None),
        ("2026-06-02/a.ndjson", "2026-06-01/a.ndjson"),
        ("2026-06-03/a.ndjson", "2026-06-01/a.ndjson"),
    ]


def test_files_travel_to_workers():
    file = InputFile("/x/2026-06-01/a", "2026-06-01/a", "2026-06-01", 7, "b", "c")
    assert pickle.loads(pickle.dumps(file)) == file
