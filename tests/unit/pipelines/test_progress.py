"""Progress travels from worker processes through a folder, and never stands in a run's way."""

import os
import time

from pipelines import progress
from pipelines.progress import ProgressView, ProgressWriter, total


def test_workers_are_added_up(tmp_path):
    one, two = ProgressWriter(str(tmp_path)), ProgressWriter(str(tmp_path))
    one.add(files=1, lines=10, stored=100)
    two.add(files=1, lines=5, stored=50)
    one.add(files=1, lines=1, stored=1)
    assert total(tmp_path) == {"files": 3, "lines": 16, "bytes": 151}


def test_lines_are_told_a_few_times_a_second_at_most(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    writer = ProgressWriter(str(tmp_path))
    writer.add(lines=1)
    writer.add(lines=1)
    assert total(tmp_path)["lines"] == 1
    now[0] += 1
    writer.add(lines=1)
    assert total(tmp_path)["lines"] == 3


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ProgressWriter(None).add(files=1)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there_is_no_error(tmp_path):
    writer = ProgressWriter(str(tmp_path / "on another machine"))
    writer.add(files=1)
    writer.add(files=1)


def test_a_half_written_record_is_passed_over(tmp_path):
    ProgressWriter(str(tmp_path)).add(files=1)
    (tmp_path / "2-2.json").write_text('{"files"')
    assert total(tmp_path)["files"] == 1


def test_the_view_shows_what_was_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(progress, "_EVERY_SECONDS", 0.01)
    monkeypatch.setenv("FORCE_COLOR", "1")
    ProgressWriter(str(tmp_path)).add(files=1, lines=1234, stored=10)
    with ProgressView(tmp_path, 2, 100):
        deadline = time.monotonic() + 20
        shown = ""
        while "1,234 lines" not in shown and time.monotonic() < deadline:
            time.sleep(0.02)
            shown += capsys.readouterr().err
    assert "1/2 files" in shown
    assert "1,234 lines" in shown


def test_the_view_ends_with_the_run(tmp_path):
    view = ProgressView(tmp_path, 1, 1)
    with view:
        pass
    assert not view._thread.is_alive()
