"""The pages and the derivation over a dataset are those over the embedded warehouse."""

from __future__ import annotations

import re
import urllib.request
from dataclasses import asdict

import pytest

from pipelines.bigquery.apply import apply
from pipelines.bigquery.load import load
from pipelines.cli import main
from pipelines.dashboard.filters import choices, read
from pipelines.dashboard.pages import PAGES
from pipelines.derivation import FLOWS
from pipelines.doors import DatasetDoor, EmbeddedDoor
from pipelines.explain import derive, find
from tests.serving import dashboard, demo


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    return demo(tmp_path_factory.mktemp("both"), days=3, orders=25)


@pytest.fixture(scope="module")
def dataset(server, output):
    target = server.target()
    apply(target)
    load(str(output), target)
    return target


@pytest.fixture
def doors(output, dataset):
    embedded = EmbeddedDoor(str(output))
    yield embedded, DatasetDoor(dataset)
    embedded.close()


def cells(table):
    """Give the values of a table; the last digits of a sum hang on the order of its rows."""
    written = [[row[c.key] for c in table.columns] for row in table.rows] if table else []
    return [[round(v, 6) if isinstance(v, float) else v for v in row] for row in written]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.path)
def test_a_page_is_the_same_over_both(doors, page):
    embedded, dataset = doors
    there = choices(embedded)
    assert choices(dataset) == there
    facility = {"facility": there.facilities[0]} if "facility" in page.uses else {}
    narrowed = {k: v for k, v in (("channel", "SHIPPING"), ("outcome", "fulfilled")) if k in page.uses}
    for query in ({}, facility, narrowed, {**facility, **narrowed}):
        filters = read(query, there, page.known)
        one, other = (page.build(door, filters) for door in doors)
        assert one.tiles == other.tiles
        assert [p.key for p in one.panels] == [p.key for p in other.panels]
        for mine, theirs in zip(one.panels, other.panels, strict=True):
            assert mine.chart == theirs.chart
            assert cells(mine.table) == cells(theirs.table)


def test_a_derivation_is_the_same_over_both(doors):
    embedded, dataset = doors
    for flow, relation in FLOWS.items():
        (row,) = embedded.ask(f"SELECT flow_id FROM {relation} WHERE outcome = 'fulfilled' ORDER BY flow_id LIMIT 1")
        assert find(dataset, row["flow_id"]) == find(embedded, row["flow_id"])
        one, other = (asdict(derive(door, flow, row["flow_id"])) for door in doors)
        assert one["durations"] == other["durations"]
        assert one["odd"] == other["odd"]
        assert one["intervals"] == other["intervals"]


def test_the_commands_take_a_dataset(server, output, dataset, monkeypatch, capsys):
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.url)
    embedded = EmbeddedDoor(str(output))
    (row,) = embedded.ask("SELECT tenant_order_id FROM order_flow WHERE outcome = 'fulfilled' ORDER BY flow_id LIMIT 1")
    embedded.close()
    said = []
    for where in (["--output", str(output)], ["--bigquery", dataset.name]):
        assert main(["explain", row["tenant_order_id"], *where, "--json"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    with dashboard("--bigquery", dataset.name) as there, dashboard("--output", str(output)) as here:
        pages = []
        for url in (there, here):
            with urllib.request.urlopen(f"{url}/overview", timeout=60) as answer:
                pages.append(re.findall(r'class="value">(.*?)</div>', answer.read().decode()))
        assert pages[0] == pages[1]
        assert len(pages[0]) == 7
