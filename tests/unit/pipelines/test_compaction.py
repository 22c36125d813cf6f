"""Which parts are merged, and that neither their number nor the work of merging them runs away."""

import pytest

from pipelines.compaction import FANIN, LIMIT, Merges, plan_merges
from pipelines.datasets import Part
from pipelines.state import EVENT_LOG, FLOW_STATE, NODE_LINKS, OPEN, OUTSIDE, SETTLED
from transforms.update import Group

KB, MB = 1 << 10, 1 << 20


def part(relation, run, *, size=10 * KB, tier="", bucket=0, buckets=2, day=None):
    path = f"{relation}/{tier}{run}-{bucket}of{buckets}-{day}"
    return Part(relation, path, 1, size, "d", tier, run, bucket, buckets, day)


def settled(run, size=10 * KB, bucket=0, buckets=2):
    return [
        part("order_flow", run, size=size // 2, tier=SETTLED, bucket=bucket, buckets=buckets),
        part(FLOW_STATE, run, size=size // 2, tier=SETTLED, bucket=bucket, buckets=buckets),
    ]


def test_few_parts_are_left_alone():
    parts = [part(NODE_LINKS, f"r{i}") for i in range(FANIN - 1)]
    parts += [p for i in range(FANIN - 1) for p in settled(f"r{i}")]
    assert plan_merges(parts) == Merges()


def test_parts_of_one_size_are_merged():
    links = [part(NODE_LINKS, f"r{i}") for i in range(FANIN)]
    found = plan_merges([*links, part(NODE_LINKS, "big", size=10 * MB)])
    assert [sorted(p.path for p in g) for g in found.parts] == [[p.path for p in links]]
    assert found.groups == []


def test_groups_are_merged_with_all_their_parts():
    parts = [p for i in range(FANIN) for p in settled(f"r{i}")]
    parts.append(part("flow_event", "r3", tier=OUTSIDE))
    assert plan_merges(parts).groups == [[Group(f"r{i}", 0, 2) for i in range(FANIN)]]


@pytest.mark.parametrize("other", [{"bucket": 1}, {"buckets": 4}, {"day": "2026-06-02"}])
def test_parts_that_feed_different_buckets_or_days_are_not_merged(other):
    log = [part(EVENT_LOG, f"r{i}", day="2026-06-01") for i in range(FANIN - 1)]
    log.append(part(EVENT_LOG, "r9", **{"day": "2026-06-01", **other}))
    assert plan_merges(log) == Merges()


def test_open_parts_and_books_are_left_alone():
    parts = [part("order_flow", f"r{i}", tier=OPEN) for i in range(20)]
    parts += [part("input_file", f"r{i}", tier="books") for i in range(20)]
    assert plan_merges(parts) == Merges()


def test_nothing_is_merged_beyond_the_limit():
    assert plan_merges([part(NODE_LINKS, f"r{i}", size=LIMIT // 4) for i in range(FANIN)]) == Merges()


def test_of_more_than_fits_as_many_as_fit_are_merged():
    parts = [part(NODE_LINKS, f"r{i:02}", size=3 * MB + i) for i in range(14)]
    (found,) = plan_merges(parts).parts
    assert len(found) == 10
    assert sum(p.bytes for p in found) <= LIMIT


def test_what_leaves_a_merged_group_goes_to_the_merged_one():
    merges = Merges([[Group("r1", 0, 2), Group("r2", 0, 2)], [Group("r1", 1, 2), Group("r2", 1, 2)]])
    assert merges.aim(Group("r2", 1, 2), ("flow", "order", "f")) == (("", 1, 0), ("flow", "order", "f"))
    assert merges.aim(Group("r3", 1, 2), ("flow", "order", "f")) == (("r3", 1, 2), ("flow", "order", "f"))
    assert [merges.of(target) for target, _ in merges.targets()] == merges.groups
    assert merges.of(("r3", 1, 2)) == [Group("r3", 1, 2)]


@pytest.mark.parametrize("size", [20 * KB, 300 * KB, 2 * MB])
def test_a_thousand_runs_leave_few_parts_and_write_each_row_a_few_times(size):
    parts, written = [], 0
    for run in range(1000):
        found = plan_merges(parts)
        for group in found.parts:
            merged = part(NODE_LINKS, f"m{run}", size=sum(p.bytes for p in group))
            written += merged.bytes
            parts = [p for p in parts if p not in group] + [merged]
        parts.append(part(NODE_LINKS, f"r{run}", size=size))
    whole = -(-1000 * size // (LIMIT // FANIN))  # what is too large to be merged
    assert len(parts) <= 5 * FANIN + whole
    assert written <= 5 * 1000 * size
