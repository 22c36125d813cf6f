"""Plan and apply against a BigQuery emulator: from nothing, additive, refused, at once, and by the command."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from google.cloud import bigquery

from pipelines.bigquery import apply as applying
from pipelines.bigquery import plan as planning
from pipelines.bigquery.apply import apply, plan
from pipelines.bigquery.client import BigQueryError
from pipelines.cli import main
from schemas import dataset as declaring
from schemas.tables import FACT_TABLES, STOW_FLOW, TABLES, Column, Type
from tests.emulators.bigquery import rows


@pytest.fixture(scope="module")
def applied(server):
    target = server.target()
    apply(target, "EU")
    return target


def declared_with(monkeypatch, change):
    """Let `change` edit the resources that are declared, by name."""
    real = planning.declared

    def edited(dataset):
        made = {w["tableId"]: w for w in real(dataset)}
        change(made)
        return list(made.values())

    monkeypatch.setattr(applying, "declared", edited)


def test_from_nothing_everything_is_there_with_words_and_layout(server):
    target = server.target()
    assert [c.table for c in plan(target)][:1] == [""], "the dataset itself comes first"
    apply(target)
    assert plan(target) == []
    table = target.client.get_table(target.table("order_flow_settled"))
    assert table.time_partitioning.field == "started_at"
    assert table.time_partitioning.type_ == "DAY"
    assert table.clustering_fields == ["facility_ref", "flow_id"]
    assert table.labels == {
        "managed_by": "flowfacts", "contract_version": "1", "kind": "settled", "relation": "order_flow",
    }  # fmt: skip
    columns = {f.name: f for f in table.schema}
    assert columns["order_cycle_seconds"].description == (
        "order_created_at to last_handed_over_at, only when fulfilled [s]"
    )
    assert (columns["flow_id"].mode, columns["deviations"].mode, columns["on_time"].mode) == (
        "REQUIRED", "REPEATED", "NULLABLE",
    )  # fmt: skip
    view = target.client.get_table(target.table("order_flow"))
    assert view.table_type == "VIEW"
    assert {f.name: f.description for f in view.schema}["lateness_seconds"].endswith("[s]")
    assert rows(target, f"SELECT generation, run_id FROM `{target.name}.flowfacts_state`") == [(0, None)]


def test_every_relation_of_the_contract_can_be_asked_and_every_column_has_words(applied):
    for table in TABLES:
        assert rows(applied, f"SELECT COUNT(*) FROM `{applied.name}.{table.name}`") == [(0,)]
    for item in applied.client.list_tables(applied.name):
        found = applied.client.get_table(item.reference)
        assert found.description, item.table_id
        assert [f.name for f in found.schema if not f.description] == [], item.table_id


def test_a_second_apply_changes_nothing(applied):
    before = {t.table_id: applied.client.get_table(t.reference).etag for t in applied.client.list_tables(applied.name)}
    assert apply(applied) == []
    after = {t.table_id: applied.client.get_table(t.reference).etag for t in applied.client.list_tables(applied.name)}
    assert before == after


def test_four_applies_at_once_make_one_dataset(server):
    target = server.target()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: apply(server.target(target.dataset)), range(4)))
    assert plan(target) == []
    assert rows(target, f"SELECT COUNT(*) FROM `{target.name}.flowfacts_state`") == [(1,)]


def test_an_additive_change_is_made_in_place_and_rows_stay(server, monkeypatch):
    target = server.target()
    apply(target)
    rows(target, f"INSERT INTO `{target.name}.stow_flow_open` (part_id, flow_id) VALUES (1, 'f')")
    more = replace(STOW_FLOW, columns=(*STOW_FLOW.columns, Column("stow_rank", Type.INT64, "Rank", "count")))
    monkeypatch.setattr(declaring, "TABLES", tuple(more if t.name == "stow_flow" else t for t in TABLES))
    monkeypatch.setattr("schemas.views.TABLES", declaring.TABLES)
    monkeypatch.setattr("schemas.live.FACT_TABLES", tuple(more if t.name == "stow_flow" else t for t in FACT_TABLES))
    found = {(c.table, c.about, c.detail, c.breaking) for c in plan(target)}
    assert ("stow_flow_open", "schema", "add stow_rank INT64", False) in found
    assert ("stow_flow_settled", "schema", "add stow_rank INT64", False) in found
    assert ("stow_flow", "view", "another query", False) in found
    assert {t for t, *_ in found} == {"stow_flow_open", "stow_flow_settled", "stow_flow_live", "stow_flow"}
    apply(target)
    assert plan(target) == []
    assert rows(target, f"SELECT flow_id, stow_rank FROM `{target.name}.stow_flow`") == [("f", None)]


def test_words_labels_clustering_and_expiry_are_put_right(server):
    target = server.target()
    apply(target)
    table = target.client.get_table(target.table("order_leg_settled"))
    table.description, table.labels = "something else", {**table.labels, "team": "ours", "kind": "open"}
    table.clustering_fields = ["flow_id"]
    table.time_partitioning = bigquery.TimePartitioning(field="pick_created_at", expiration_ms=86_400_000)
    table.schema = [bigquery.SchemaField(f.name, f.field_type, f.mode) for f in table.schema]
    target.client.update_table(table, ["description", "labels", "clustering_fields", "time_partitioning"])
    assert {(c.about, c.detail) for c in plan(target)} >= {
        ("labels", "label kind:settled"),
        ("clustering", "clustered by flow_id, declared by facility_ref, flow_id"),
        ("partitioning", "partitions expire after 1 days, declared never"),
    }
    live = target.client.get_table(target.table("flow_revision_live"))
    assert live.time_partitioning.expiration_ms == 14 * 86_400_000
    live.time_partitioning = bigquery.TimePartitioning(field="live_at")
    target.client.update_table(live, ["time_partitioning"])
    assert "partitions expire never, declared after 14 days" in {c.detail for c in plan(target)}
    apply(target)
    live = target.client.get_table(live.reference)
    assert live.time_partitioning.expiration_ms == 14 * 86_400_000
    table = target.client.get_table(table.reference)
    assert table.labels["team"] == "ours", "a label of somebody else stays"
    assert table.labels["kind"] == "settled"
    assert table.clustering_fields == ["facility_ref", "flow_id"]
    assert table.time_partitioning.expiration_ms is None


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda w: w["schema"]["fields"][2].update(type="INT64"), "outcome is STRING, declared INT64"),
        (lambda w: w["schema"]["fields"][2].update(mode="REQUIRED"), "outcome is NULLABLE, declared REQUIRED"),
        (lambda w: w["timePartitioning"].update(field="finished_at"), "partitioned by started_at, declared by the day"),
        (
            lambda w: w["schema"]["fields"].append(
                {"name": "n", "type": "INT64", "mode": "REQUIRED", "description": "x"}
            ),
            "the new column n is REQUIRED",
        ),
    ],
)
def test_a_breaking_change_is_refused_with_a_way_and_nothing_is_changed(applied, monkeypatch, edit, says):
    def both(made):
        edit(made["order_flow_settled"])
        made["inbound_flow_settled"]["description"] = "an additive change beside it"

    declared_with(monkeypatch, both)
    with pytest.raises(BigQueryError) as caught:
        apply(applied)
    text = str(caught.value)
    assert says in text
    assert "nothing was changed" in text
    assert "order_flow_settled" in text
    assert "drop order_flow_settled, apply, and load with --replace" in text
    monkeypatch.undo()
    assert plan(applied) == [], "not even the additive one was made"


def test_a_table_of_somebody_else_is_never_touched(server):
    target = server.target()
    target.client.create_dataset(target.name)
    theirs = bigquery.Table(target.table("order_flow_open"), schema=[bigquery.SchemaField("mine", "STRING")])
    target.client.create_table(theirs)
    with pytest.raises(BigQueryError, match="was not made by flowfacts"):
        apply(target)
    assert [t.table_id for t in target.client.list_tables(target.name)] == ["order_flow_open"]


def test_the_command_shows_the_difference_then_makes_it(server, monkeypatch, capsys):
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.url)
    name = server.target().name
    assert main(["bigquery", "plan", "--dataset", name]) == 6
    out = capsys.readouterr().out
    assert "+ order_flow_settled" in out
    assert "table, 65 columns, by day of started_at, by facility_ref, flow_id" in out
    assert main(["bigquery", "apply", "--dataset", name]) == 0
    assert "changes made" in capsys.readouterr().out
    assert main(["bigquery", "plan", "--dataset", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"dataset": name, "changes": []}
    assert main(["bigquery", "plan", "--dataset", "no-dataset"]) == 2
    assert "expected PROJECT.DATASET" in capsys.readouterr().err
