"""The declaration against the contract, which is copied here by hand and is the oracle."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from schemas.tables import BOOK_TABLES, BY_NAME, FACT_TABLES, TABLES, Column, Table, Type

# Words that stand for a type, then the columns of that type. A name of the contract without such a word takes its
# type from its ending, see `_contract`.
_FLOW = """
    flow_id outcome started_at finished_at first_event_at last_event_at event_count facility_ref facility_count variant
    STRINGS: deviations
    BOOL: conforms
    STRINGS: quality_flags
    INT64: revision
"""

CONTRACT = {
    "order_flow": _FLOW
    + """
        order_id tenant_order_id channel order_status cancel_reason
        order_date_at target_at
        order_created_at order_unlocked_at order_cancelled_at first_routed_at last_routed_at first_reserved_at
        first_pick_created_at first_pick_started_at last_pick_finished_at first_pack_created_at last_pack_finished_at
        first_label_requested_at last_label_received_at first_handover_created_at last_handover_created_at
        first_handed_over_at last_handed_over_at delivered_at
        order_intake_lag_seconds lock_wait_seconds order_to_route_seconds order_cycle_seconds
        order_lead_seconds cancel_after_seconds reroute_delay_seconds
        BOOL: on_time
        lateness_seconds
        leg_count routing_plan_count split_count reroute_count reset_count pause_count parcel_count
        label_failure_count handover_job_count
        line_count short_line_count ordered_units picked_units
        FLOAT64: fill_rate
        anonymized_at deleted_at
    """,
    "order_leg": """
        leg_id flow_id routing_plan_id operative_process_ref facility_ref channel outcome
        routed_at pick_created_at pick_opened_at pick_first_started_at pick_started_at pick_finished_at
        pack_created_at pack_started_at pack_finished_at
        handover_created_at handed_over_at target_at
        route_to_pick_created_seconds pick_queue_seconds pick_duration_gross_seconds pick_pause_seconds
        pick_duration_net_seconds pick_to_pack_seconds pick_to_pack_start_seconds pack_queue_seconds
        pack_duration_seconds pack_total_seconds handover_prepare_seconds handover_wait_seconds
        pack_to_handover_seconds ready_lateness_seconds handover_lateness_seconds
        line_count short_line_count ordered_units picked_units pause_count pack_pause_count reset_count
        STRINGS: quality_flags
    """,
    "order_parcel": """
        parcel_id flow_id leg_id shipment_id facility_ref carrier_ref parcel_created_at label_requested_at
        label_received_at label_request_seconds label_failure_count delivered_at transit_seconds
    """,
    "inbound_flow": _FLOW
    + """
        purchase_order_id tenant_inbound_process_id status purchase_order_created_at purchase_order_cancelled_at
        first_requested_at last_requested_at
        first_arrival_at last_arrival_at first_receipt_created_at first_delivery_received_at
        last_delivery_received_at inbound_finished_at
        po_to_first_receipt_seconds supplier_delay_seconds on_hold_seconds inbound_complete_seconds
        delivery_span_seconds
        receipt_count on_hold_count requested_date_change_count requested_line_count
        FLOAT64: requested_units
        FLOAT64: accepted_units
        FLOAT64: rejected_units
        FLOAT64: rejection_rate
    """,
    "inbound_receipt": """
        receipt_id flow_id facility_ref status arrival_at receipt_created_at receipt_started_at delivery_received_at
        arrival_to_receipt_seconds receipt_duration_seconds dock_to_stock_seconds line_count
        FLOAT64: accepted_units
        FLOAT64: rejected_units
    """,
    "stow_flow": _FLOW
    + """
        status
        FLOAT64: priority
        target_at stow_created_at stow_started_at stow_finished_at stow_cancelled_at stow_wait_seconds
        stow_duration_gross_seconds stow_pause_seconds
        stow_duration_net_seconds stow_total_seconds stow_lateness_seconds pause_count reopen_count line_count
        FLOAT64: planned_units
        FLOAT64: stowed_units
        FLOAT64: discarded_units
    """,
    "flow_interval": """
        flow flow_id entity entity_id facility_ref stage kind started_at ended_at
        FLOAT64: seconds
    """,
    "order_time_split": """
        flow_id stage facility_ref channel outcome started_at target_at until_at slack_until_at
        waiting_seconds working_seconds paused_seconds blocked_seconds site_closed_seconds
        slack_used_seconds slack_late_seconds counted_to_at goes_on_as goes_on_calendar
    """,
    "facility_calendar": "facility_ref calendar time_zone BOOL: always_open",
    "calendar_closure": "calendar started_at ended_at reason",
    "flow_event": """
        event_id event_name flow flow_id entity entity_id
        INT64: entity_version
        event_at time_basis recorded_at facility_ref status source
    """,
    "dead_letter": "reason detail source recorded_at run_id",
    "input_file": """
        path day
        INT64: bytes
        INT64: lines
        digest
        BOOL: complete
        repeat_of run_id
    """,
    "pipeline_run": """
        run_id mode first_day last_day started_at finished_at code_version
        INT64: lines_read
        INT64: lines_accepted
        INT64: dead_letters
        INT64: events_accepted
        INT64: events_folded
        INT64: events_outside_flows
        INT64: events_unresolved
        INT64: duplicates
        BOOL: balanced
    """,
}

KEYS = {
    "order_flow": ("flow_id",),
    "order_leg": ("leg_id",),
    "order_parcel": ("parcel_id",),
    "inbound_flow": ("flow_id",),
    "inbound_receipt": ("receipt_id",),
    "stow_flow": ("flow_id",),
    "flow_interval": (),  # a stretch of an unresolved pick job has no flow id
    "order_time_split": ("flow_id", "stage"),
    "facility_calendar": ("facility_ref", "calendar"),
    "calendar_closure": ("calendar",),
    "flow_event": ("event_id",),
    "dead_letter": ("reason", "source"),
    "input_file": ("path",),
    "pipeline_run": ("run_id",),
}

_BY_ENDING = (("_at", "TIMESTAMP"), ("_seconds", "FLOAT64"), ("_count", "INT64"), ("_units", "INT64"))


def _contract(text: str) -> dict[str, str]:
    """Give the type of every column of a hand list, in its order."""
    found: dict[str, str] = {}
    given: str | None = None
    for word in text.split():
        if word.endswith(":"):
            given = word[:-1]
            continue
        assert word not in found, f"{word} stands twice in the hand list"
        found[word] = given or next((kind for ending, kind in _BY_ENDING if word.endswith(ending)), "STRING")
        given = None
    return found


def _ids(tables: tuple[Table, ...]) -> list[str]:
    return [table.name for table in tables]


all_tables = pytest.mark.parametrize("table", TABLES, ids=_ids(TABLES))


def test_every_relation_of_the_contract_is_declared_once():
    assert CONTRACT.keys() <= BY_NAME.keys()
    assert Counter(table.name for table in TABLES) == dict.fromkeys(BY_NAME, 1)
    assert FACT_TABLES + BOOK_TABLES == TABLES


@pytest.mark.parametrize("name", CONTRACT)
def test_columns_have_the_names_and_types_of_the_contract(name: str):
    declared = {column.name: column.type.value for column in BY_NAME[name].columns}
    expected = _contract(CONTRACT[name])
    assert {column: declared.get(column) for column in expected} == expected


@pytest.mark.parametrize("name", CONTRACT)
def test_keys_are_those_of_the_grain(name: str):
    assert tuple(column.name for column in BY_NAME[name].columns if column.key) == KEYS[name]


@all_tables
def test_names_are_plain_and_unique(table: Table):
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert [name for name in [table.name, *names] if not re.fullmatch(r"[a-z][a-z0-9_]*", name)] == []


@all_tables
def test_columns_are_described_on_one_line(table: Table):
    assert table.grain
    assert [c.name for c in table.columns if not c.description.strip() or "\n" in c.description] == []


@all_tables
def test_endings_tell_type_and_unit_of_additions_too(table: Table):
    def wrong(column: Column) -> bool:
        if column.name.endswith("_at"):
            return (column.type, column.unit) != (Type.TIMESTAMP, "UTC")
        if column.name.endswith("_seconds"):
            return (column.type, column.unit) != (Type.FLOAT64, "s")
        if column.name.endswith("_count"):
            return (column.type, column.unit) != (Type.INT64, "count")
        if column.name.endswith("_units"):
            return column.type not in (Type.INT64, Type.FLOAT64) or column.unit != "units"
        if column.name.endswith(("_id", "_ref")):
            return column.type is not Type.STRING
        return False

    assert [column.name for column in table.columns if wrong(column)] == []


@all_tables
def test_layout_is_one_that_the_warehouses_take(table: Table):
    columns = {column.name: column for column in table.columns}
    assert {*table.cluster_by, *table.sort_by} <= columns.keys()
    assert table.sort_by, "without an order the files of two equal runs differ"
    if table.day_column is not None:
        assert columns[table.day_column].type is Type.TIMESTAMP
    # BigQuery: at most four columns to cluster by, neither lists nor floats.
    assert len(table.cluster_by) <= 4
    assert {columns[name].type for name in table.cluster_by} <= {Type.STRING, Type.INT64, Type.BOOL, Type.TIMESTAMP}


@all_tables
def test_index_gives_the_position_of_each_column(table: Table):
    assert [table.columns[i].name for i in table.index().values()] == list(table.index())
