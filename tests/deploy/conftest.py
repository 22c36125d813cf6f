"""What the checks of deploy/ share: their programs, and how one is run."""

import os
import subprocess

import pytest

from tests.environments import ROOT, locked


@pytest.fixture(scope="session")
def checks():
    """Run one of the checkers, in the source tree; gives what it has printed, and fails when it finds something."""
    programs = locked("checks")

    def run(program, *words, code=0):
        done = subprocess.run(
            [str(programs / program), *map(str, words)],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
            env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        )  # fmt: skip
        assert done.returncode == code, f"{program}: {done.stdout}\n{done.stderr}"
        return done.stdout

    return run
