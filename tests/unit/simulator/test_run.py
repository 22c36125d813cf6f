"""The simulated tenant as a whole: the same whoever draws it, and its books add up."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter

import pyarrow.parquet as pq
import pytest

from pipelines.simulator.run import Plan, simulate


def tenant(folder, *, seed=1, faults="heavy", workers=1):
    return simulate(Plan(folder, 2, 250, seed, faults, workers=workers))


def digests(folder):
    return {
        str(p.relative_to(folder)): hashlib.blake2b(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def heavy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heavy")
    return folder, tenant(folder)


def test_any_number_of_workers_draws_the_same(heavy, tmp_path):
    tenant(tmp_path, workers=2)
    assert digests(tmp_path) == digests(heavy[0])


def test_another_seed_draws_another_tenant(heavy, tmp_path):
    tenant(tmp_path, seed=2)
    assert digests(tmp_path) != digests(heavy[0])


@pytest.mark.parametrize("faults", ["none", "light", "heavy"])
def test_books_add_up(tmp_path, faults):
    books = tenant(tmp_path, faults=faults)
    assert books["lines_read"] == books["lines_accepted"] + books["dead_letters"]
    assert books["dead_letters"] == sum(books["dead_letters_by_reason"].values())
    parts = ("events_folded", "events_outside_flows", "events_unresolved", "duplicates")
    assert books["events_accepted"] == sum(books[p] for p in parts)
    assert pq.read_metadata(tmp_path / "truth/flow_event.parquet").num_rows == sum(books[p] for p in parts[:3])
    if faults == "none":
        assert (books["dead_letters"], books["duplicates"], books["field_errors"]) == (0, 0, 0)


def test_the_books_count_the_lines_of_whole_files(heavy):
    folder, books = heavy
    lines = 0
    for path in folder.glob("export/*/*"):
        if not path.name.startswith(("cut", "resent", "zero")):
            data = path.read_bytes()
            data = gzip.decompress(data) if path.suffix == ".gz" else data
            lines += sum(1 for line in data.split(b"\n") if line.strip())
    assert lines == books["lines_read"]


def test_the_newest_line_is_the_instant_of_the_facts(tmp_path):
    books = tenant(tmp_path, faults="none")
    last = max(
        (
            json.loads(line)
            for p in (tmp_path / "export/2026-06-02").iterdir()
            for line in gzip.decompress(p.read_bytes()).splitlines()
        ),
        key=lambda line: line["created"][:26] if line["created"].endswith(("+00:00", "Z")) else "",
    )
    assert books["as_of"] == "2026-06-02T23:59:59.999999Z" == last["created"].replace("+00:00", "Z")


def test_files_without_lines_are_no_repeats_of_each_other(tmp_path):
    books = simulate(Plan(tmp_path, 8, 1, 3, "heavy"))
    stored = Counter(p.read_bytes() for p in tmp_path.glob("export/*/*"))
    assert sum(stored.values()) - len(stored) == books["files_repeated"]
    assert len(stored) == books["files_read"]
