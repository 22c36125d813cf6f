"""The views that the embedded warehouse is made of are those of the translation."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import dialect


def test_the_file_is_current_and_a_stale_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert dialect.main(["--check"]) == 0
    there = dialect.EMBEDDED.read_text()
    monkeypatch.setattr(dialect, "EMBEDDED", tmp_path / "views.sql")
    assert dialect.main(["--check"]) == 1
    assert "run make docs" in capsys.readouterr().err
    assert not dialect.EMBEDDED.exists()
    dialect.EMBEDDED.write_text(there.replace("0", "1", 1))
    assert dialect.main(["--check"]) == 1
    assert dialect.main([]) == 0
    assert dialect.EMBEDDED.read_text() == there
