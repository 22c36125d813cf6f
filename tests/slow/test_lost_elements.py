"""Whatever chunk the runner loses between two steps, no wrong fact is published: all of them, one after the other."""

from __future__ import annotations

import logging

import pytest

from pipelines.simulator.run import Plan, simulate
from tests.leaks import Leak
from tests.runs import batch, days, differences, facts


@pytest.fixture
def leak(monkeypatch):
    return Leak(monkeypatch.setattr)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tenant")
    simulate(Plan(folder / "t", 2, 12, 5, "heavy", "2026-06-01", 1))
    return folder / "t" / "export"


def test_a_run_publishes_the_right_facts_or_none_whatever_is_lost(tenant, tmp_path, leak, caplog):
    """For every chunk of the second day's run, with a state, merged parts and repeats."""
    caplog.set_level(logging.ERROR, logger="pipelines.publishing")
    first = days(tenant)[0]

    def second(name, drop):
        out = tmp_path / name
        leak.arm(None)
        assert batch(tenant, out, "--to", first, "--settle-days", "0.1", "--buckets", "2") in (0, 3)
        leak.arm(drop)
        return out, batch(tenant, out, "--settle-days", "0.1", "--buckets", "2")

    out, code = second("whole", None)
    assert code in (0, 3)
    whole, chunks = facts(out), leak.seen
    assert chunks > 40
    refused = 0
    for number in range(1, chunks + 1):
        out, code = second(f"lost{number}", number)
        if code in (0, 3):
            assert not differences(whole, facts(out)), f"chunk {number} of {chunks}"
        else:
            refused += 1
    assert refused > chunks / 2
