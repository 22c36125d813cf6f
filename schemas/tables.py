"""The warehouse contract: every relation, column, type, unit and description, declared once.

The Arrow schemas, the DuckDB tables, the BigQuery JSON schemas and the data dictionary are derived from
these declarations by `schemas.derive`. Adding a column is one line here; renaming or retyping one is a
breaking change and needs a new `CONTRACT_VERSION`.

May import the standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

CONTRACT_VERSION = 1


class Type(StrEnum):
    """Logical column types; `schemas.derive` maps each to Arrow, DuckDB and BigQuery."""

    STRING = "STRING"
    INT64 = "INT64"
    FLOAT64 = "FLOAT64"
    BOOL = "BOOL"
    TIMESTAMP = "TIMESTAMP"
    STRINGS = "STRINGS"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: name, logical type, description and unit; `key` columns are never NULL."""

    name: str
    type: Type
    description: str
    unit: str = ""
    key: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One relation: its grain in words, its columns, and how the warehouses lay it out."""

    name: str
    grain: str
    columns: tuple[Column, ...]
    day_column: str | None = None
    cluster_by: tuple[str, ...] = ()
    sort_by: tuple[str, ...] = ()

    def index(self) -> dict[str, int]:
        """Map each column name to its position."""
        return {c.name: i for i, c in enumerate(self.columns)}


def _at(name: str, description: str) -> Column:
    return Column(name, Type.TIMESTAMP, description, "UTC")


def _seconds(name: str, description: str) -> Column:
    return Column(name, Type.FLOAT64, description, "s")


def _count(name: str, description: str) -> Column:
    return Column(name, Type.INT64, description, "count")


def _units(name: str, description: str) -> Column:
    return Column(name, Type.INT64, description, "units")


def _amount(name: str, description: str) -> Column:
    return Column(name, Type.FLOAT64, description, "units")


def _text(name: str, description: str, *, key: bool = False) -> Column:
    return Column(name, Type.STRING, description, key=key)


def _flag(name: str, description: str) -> Column:
    return Column(name, Type.BOOL, description)


def _flags(name: str, description: str) -> Column:
    return Column(name, Type.STRINGS, description)


def _ratio(name: str, description: str) -> Column:
    return Column(name, Type.FLOAT64, description, "ratio")


def _flow_columns(key: str) -> tuple[Column, ...]:
    """Give the columns that the three flow tables share; `key` says what the flow id is."""
    return (
        _text("flow_id", key, key=True),
        _text("outcome", "open, fulfilled, cancelled, or incomplete (deadline passed with no terminal state)"),
        _at(
            "started_at",
            "First milestone: creation of the flow's own entity, else the first event (then missing_start)",
        ),
        _at("finished_at", "The milestone that set the outcome; NULL while open or incomplete"),
        _at("first_event_at", "Earliest event time of the flow"),
        _at("last_event_at", "Latest event time of the flow"),
        _count("event_count", "Distinct events of the flow"),
        _text("facility_ref", "The facility, NULL when there is more than one or none is known"),
        _count("facility_count", "Number of distinct facilities"),
        _text("variant", "Milestones in order of time, first occurrence of each, joined by >"),
        _flags("deviations", "How the flow left the happy path; sorted, each once"),
        _flag("conforms", "Fulfilled with no deviation; NULL while open"),
        _flags("quality_flags", "What is odd about the row; sorted, each once"),
        _count("revision", "Grows whenever the set of events of the flow grows"),
    )


ORDER_FLOW = Table(
    "order_flow",
    "one row per process id",
    (
        *_flow_columns("Process id"),
        _text("order_id", "Platform id of the order"),
        _text("tenant_order_id", "The tenant's own order number"),
        _text("channel", "SHIPPING, COLLECT or MIXED"),
        _text("order_status", "Newest known status of the order entity"),
        _text("cancel_reason", "Kind of the first cancel event: cancelled, force_cancelled, expired"),
        _at("order_date_at", "When the shop took the order (set by the sending system)"),
        _at("target_at", "Earliest target time over the hand-over jobs, else shipments, else the order"),
        _at("order_created_at", "ORDER_CREATED"),
        _at("order_unlocked_at", "ORDER_UNLOCKED"),
        _at("order_cancelled_at", "First cancel event of the order"),
        _at("first_routed_at", "First ROUTED or FALLBACK of any plan"),
        _at("last_routed_at", "Last ROUTED or FALLBACK of any plan"),
        _at("first_reserved_at", "First stock reservation"),
        _at("first_pick_created_at", "First pick job created"),
        _at("first_pick_started_at", "First start of picking over the legs"),
        _at("last_pick_finished_at", "Last end of picking over the legs"),
        _at("first_pack_created_at", "First pack job created"),
        _at("last_pack_finished_at", "Last pack job closed"),
        _at("first_label_requested_at", "First label requested"),
        _at("last_label_received_at", "Last label received"),
        _at("first_handover_created_at", "First hand-over job created (ready)"),
        _at("last_handover_created_at", "Last hand-over job created"),
        _at("first_handed_over_at", "First hand-over that counts (not taken back)"),
        _at("last_handed_over_at", "Last hand-over that counts (not taken back)"),
        _at("delivered_at", "Last delivery over the parcels, only when all parcels have one"),
        _seconds("order_intake_lag_seconds", "order_date_at to order_created_at; two clocks, may be negative"),
        _seconds("lock_wait_seconds", "order_created_at to order_unlocked_at, only for orders created LOCKED"),
        _seconds("order_to_route_seconds", "order_created_at to first_routed_at"),
        _seconds("order_cycle_seconds", "order_created_at to last_handed_over_at, only when fulfilled"),
        _seconds("order_lead_seconds", "order_date_at to last_handed_over_at, only when fulfilled"),
        _seconds("cancel_after_seconds", "order_created_at to order_cancelled_at"),
        _seconds("reroute_delay_seconds", "Sum over given-up jobs: given up to the successor's creation"),
        _flag("on_time", "lateness_seconds <= 0; NULL when that is NULL"),
        _seconds("lateness_seconds", "Against target_at: last hand-over (SHIPPING, MIXED), first ready (COLLECT)"),
        _count("leg_count", "Pick jobs that sent an event"),
        _count("routing_plan_count", "Routing plans that sent an event"),
        _count("split_count", "Distinct plans that sent SPLITTED"),
        _count("reroute_count", "Distinct plans announced by REROUTEPLAN_CREATED"),
        _count("reset_count", "Pick resets, summed over the legs"),
        _count("pause_count", "Picking pauses, summed over the legs"),
        _count("parcel_count", "Parcels that sent an event"),
        _count("label_failure_count", "Failed label requests"),
        _count("handover_job_count", "Hand-over jobs that sent an event"),
        _count("line_count", "Order lines of the newest snapshot"),
        _count("short_line_count", "Lines picked short, over the legs that were not given up"),
        _units("ordered_units", "Ordered units of the newest snapshot"),
        _units("picked_units", "Picked units over the legs that were not given up"),
        _ratio("fill_rate", "picked_units / ordered_units, only when fulfilled"),
        _at("anonymized_at", "PROCESS_ANONYMIZED"),
        _at("deleted_at", "PROCESS_DELETED"),
    ),
    day_column="started_at",
    cluster_by=("facility_ref", "flow_id"),
    sort_by=("flow_id",),
)

ORDER_LEG = Table(
    "order_leg",
    "one row per pick job and what hangs on it",
    (
        _text("leg_id", "Pick job id", key=True),
        _text("flow_id", "Process id; NULL when it could not be resolved"),
        _text("routing_plan_id", "Routing plan of the pick job"),
        _text("operative_process_ref", "Share of the order this leg belongs to"),
        _text("facility_ref", "Facility of the pick job"),
        _text("channel", "SHIPPING or COLLECT"),
        _text("outcome", "open, picked, short_picked, zero_picked, aborted, rerouted, cancelled, incomplete"),
        _at("routed_at", "First ROUTED or FALLBACK of the leg's plan"),
        _at("pick_created_at", "Pick job created"),
        _at("pick_opened_at", "First PICK_JOB_OPENED"),
        _at("pick_first_started_at", "First start of picking at all"),
        _at("pick_started_at", "First start after the last reset"),
        _at("pick_finished_at", "End of picking"),
        _at("pack_created_at", "First pack job created"),
        _at("pack_started_at", "First start of packing"),
        _at("pack_finished_at", "Last pack job closed"),
        _at("handover_created_at", "First hand-over job created"),
        _at("handed_over_at", "Last hand-over that counts"),
        _at("target_at", "Target time: hand-over job, else shipment, else pick job"),
        _seconds("route_to_pick_created_seconds", "routed_at to pick_created_at"),
        _seconds("pick_queue_seconds", "Created (or opened) to the first start"),
        _seconds("pick_duration_gross_seconds", "pick_started_at to pick_finished_at"),
        _seconds("pick_pause_seconds", "Closed pauses after the last reset"),
        _seconds("pick_duration_net_seconds", "Gross minus pauses and minus waiting after a give-back"),
        _seconds("pick_to_pack_seconds", "pick_finished_at to pack_created_at"),
        _seconds("pick_to_pack_start_seconds", "pick_finished_at to pack_started_at"),
        _seconds("pack_queue_seconds", "pack_created_at to pack_started_at"),
        _seconds("pack_duration_seconds", "pack_started_at to pack_finished_at"),
        _seconds("pack_total_seconds", "pack_created_at to pack_finished_at"),
        _seconds("handover_prepare_seconds", "Packing (else picking) finished to hand-over job created"),
        _seconds("handover_wait_seconds", "First hand-over job created to last hand-over"),
        _seconds("pack_to_handover_seconds", "Packing (else picking) finished to last hand-over"),
        _seconds("ready_lateness_seconds", "target_at to handover_created_at; positive is late"),
        _seconds("handover_lateness_seconds", "target_at to handed_over_at; positive is late"),
        _count("line_count", "Lines of the pick job, newest snapshot"),
        _count("short_line_count", "Lines with picked < quantity, once picking finished"),
        _units("ordered_units", "Units to pick, newest snapshot"),
        _units("picked_units", "Units picked, once started"),
        _count("pause_count", "Picking pauses, also before a reset"),
        _count("pack_pause_count", "Packing pauses"),
        _count("reset_count", "Pick resets"),
        _flags("quality_flags", "What is odd about the row; sorted, each once"),
    ),
    day_column="pick_created_at",
    cluster_by=("facility_ref", "flow_id"),
    sort_by=("leg_id",),
)

ORDER_PARCEL = Table(
    "order_parcel",
    "one row per parcel",
    (
        _text("parcel_id", "Parcel id", key=True),
        _text("flow_id", "Process id"),
        _text("leg_id", "Pick job, through the shipment"),
        _text("shipment_id", "Shipment of the parcel"),
        _text("facility_ref", "Facility of the parcel"),
        _text("carrier_ref", "Carrier"),
        _at("parcel_created_at", "Parcel created"),
        _at("label_requested_at", "First label request"),
        _at("label_received_at", "Last label received"),
        _seconds("label_request_seconds", "Request to answer of the last answered attempt"),
        _count("label_failure_count", "Failed label requests"),
        _at("delivered_at", "Carrier's stamp of the delivery, else the event's time"),
        _seconds("transit_seconds", "Hand-over to delivery"),
    ),
    day_column="parcel_created_at",
    cluster_by=("carrier_ref", "flow_id"),
    sort_by=("parcel_id",),
)

ORDER_TIME_SPLIT = Table(
    "order_time_split",
    "one row per order and stage that a part of its time went to",
    (
        _text("flow_id", "Process id", key=True),
        _text("stage", "Stage of the flow; after_STAGE when nothing lasts since, intake before the first", key=True),
        _text("facility_ref", "The facility of the order, NULL when there is more than one or none is known"),
        _text("channel", "SHIPPING, COLLECT or MIXED"),
        _text("outcome", "open, fulfilled, cancelled or incomplete"),
        _at("started_at", "Start of the order's time"),
        _at("target_at", "Target time of the order"),
        _at("until_at", "End of its time: finished_at, of an incomplete order its deadline; NULL while open"),
        _at("slack_until_at", "Where its slack stops: until_at, of a collection when it was ready; NULL before"),
        _seconds("waiting_seconds", "Time that nothing happened, the site open"),
        _seconds("working_seconds", "Time that somebody or something worked"),
        _seconds("paused_seconds", "Time that the work was paused, the site open"),
        _seconds("blocked_seconds", "Time that nothing could happen, the site open"),
        _seconds("site_closed_seconds", "Time that nobody worked and the site was closed"),
        _seconds("slack_used_seconds", "Share of the time that lies before target_at; NULL without a target"),
        _seconds("slack_late_seconds", "Share of the time that lies after target_at; NULL without a target"),
        _at("counted_to_at", "Up to where all parts of the order are counted: until_at, while open its newest event"),
        _text("goes_on_as", "Stage that an open order is in: how it goes on from counted_to_at; else NULL"),
        _text("goes_on_calendar", "Group of calendar_closure whose closures are site_closed from there on"),
    ),
    day_column="started_at",
    cluster_by=("facility_ref", "stage"),
    sort_by=("flow_id", "stage"),
)

INBOUND_FLOW = Table(
    "inbound_flow",
    "one row per inbound process",
    (
        *_flow_columns("Inbound process id"),
        _text("purchase_order_id", "Purchase order"),
        _text("tenant_inbound_process_id", "The tenant's own number"),
        _text("status", "Newest process status seen in receipt and delivery events"),
        _at("purchase_order_created_at", "Purchase order created"),
        _at("purchase_order_cancelled_at", "First of CANCELED and DELETED"),
        _at("first_requested_at", "First requested date by version, TIME_POINT only"),
        _at("last_requested_at", "Last requested date by version, TIME_POINT only"),
        _at("first_arrival_at", "Earliest receivedDate over the receipts"),
        _at("last_arrival_at", "Latest receivedDate over the receipts"),
        _at("first_receipt_created_at", "First receipt created"),
        _at("first_delivery_received_at", "First receipt received"),
        _at("last_delivery_received_at", "Last receipt received"),
        _at("inbound_finished_at", "INBOUND_DELIVERY_FINISHED"),
        _seconds("po_to_first_receipt_seconds", "Purchase order created to first receipt created"),
        _seconds("supplier_delay_seconds", "Last requested date to first arrival; may be negative"),
        _seconds("on_hold_seconds", "Sum of closed holds"),
        _seconds("inbound_complete_seconds", "Purchase order created to inbound finished"),
        _seconds("delivery_span_seconds", "First delivery received to inbound finished"),
        _count("receipt_count", "Known receipts"),
        _count("on_hold_count", "Holds"),
        _count("requested_date_change_count", "Changes of the requested date"),
        _count("requested_line_count", "Requested lines, newest snapshot"),
        _amount("requested_units", "Requested units, newest snapshot"),
        _amount("accepted_units", "Accepted units over received receipts"),
        _amount("rejected_units", "Rejected units over received receipts"),
        _ratio("rejection_rate", "rejected / (accepted + rejected)"),
    ),
    day_column="started_at",
    cluster_by=("facility_ref", "flow_id"),
    sort_by=("flow_id",),
)

INBOUND_RECEIPT = Table(
    "inbound_receipt",
    "one row per receipt",
    (
        _text("receipt_id", "Receipt id", key=True),
        _text("flow_id", "Inbound process id"),
        _text("facility_ref", "Facility of the receipt"),
        _text("status", "Newest known status of the receipt"),
        _at("arrival_at", "receivedDate, newest snapshot (typed in)"),
        _at("receipt_created_at", "Receipt created"),
        _at("receipt_started_at", "Receipt started"),
        _at("delivery_received_at", "Receipt finished, stock booked"),
        _seconds("arrival_to_receipt_seconds", "arrival_at to receipt_created_at; may be negative"),
        _seconds("receipt_duration_seconds", "receipt_started_at to delivery_received_at"),
        _seconds("dock_to_stock_seconds", "arrival_at to delivery_received_at"),
        _count("line_count", "Received lines, newest snapshot"),
        _amount("accepted_units", "Accepted units, newest snapshot"),
        _amount("rejected_units", "Rejected units, newest snapshot"),
    ),
    day_column="receipt_created_at",
    cluster_by=("facility_ref", "flow_id"),
    sort_by=("receipt_id",),
)

STOW_FLOW = Table(
    "stow_flow",
    "one row per stow job",
    (
        *_flow_columns("Stow job id"),
        _text("status", "Newest known status of the stow job"),
        Column("priority", Type.FLOAT64, "Priority, newest snapshot"),
        _at("target_at", "Target time of the job"),
        _at("stow_created_at", "Stow job created"),
        _at("stow_started_at", "First start"),
        _at("stow_finished_at", "Last close"),
        _at("stow_cancelled_at", "Stow job cancelled"),
        _seconds("stow_wait_seconds", "stow_created_at to stow_started_at"),
        _seconds("stow_duration_gross_seconds", "First start to last close"),
        _seconds("stow_pause_seconds", "Sum of closed pauses"),
        _seconds("stow_duration_net_seconds", "Gross minus pauses, closed-to-opened and opened-to-commenced"),
        _seconds("stow_total_seconds", "stow_created_at to stow_finished_at"),
        _seconds("stow_lateness_seconds", "target_at to stow_finished_at; positive is late"),
        _count("pause_count", "Pauses"),
        _count("reopen_count", "OPENED after CLOSED or CANCELED"),
        _count("line_count", "Lines, newest snapshot"),
        _amount("planned_units", "Planned units over all targets, newest snapshot"),
        _amount("stowed_units", "Units stowed to stock or location"),
        _amount("discarded_units", "Units booked out"),
    ),
    day_column="started_at",
    cluster_by=("facility_ref", "flow_id"),
    sort_by=("flow_id",),
)

FLOW_INTERVAL = Table(
    "flow_interval",
    "one row per stretch of time in one stage",
    (
        _text("flow", "order, inbound or stow"),
        _text("flow_id", "Flow; NULL for a pick job whose process is unknown"),
        _text("entity", "Kind of the entity the stretch belongs to"),
        _text("entity_id", "Entity the stretch belongs to"),
        _text("facility_ref", "Facility of the entity"),
        _text("stage", "Stage of the flow"),
        _text("kind", "waiting, working, paused or blocked"),
        _at("started_at", "Start of the stretch (inclusive)"),
        _at("ended_at", "End of the stretch (exclusive), NULL while it lasts"),
        _seconds("seconds", "Length, NULL while it lasts"),
    ),
    day_column="started_at",
    cluster_by=("facility_ref", "stage"),
    sort_by=("flow", "flow_id", "entity", "entity_id", "started_at"),
)

FLOW_EVENT = Table(
    "flow_event",
    "one row per distinct event, no personal data",
    (
        _text("event_id", "Envelope id; items of a bulk event carry their entity behind a #", key=True),
        _text("event_name", "Public spelling; unknown names as they came"),
        _text("flow", "order, inbound, stow or none"),
        _text("flow_id", "Flow; NULL when it could not be resolved or there is none"),
        _text("entity", "Kind of the entity"),
        _text("entity_id", "Entity the event is about"),
        _count("entity_version", "Version of the entity, where it has one"),
        _at("event_at", "Event time"),
        _text("time_basis", "exact, snapshot or recorded: what event_at rests on"),
        _at("recorded_at", "When the platform recorded or published the event, earliest delivery"),
        _text("facility_ref", "Facility named by the event"),
        _text("status", "Status shown by the snapshot"),
        _text("source", "File and line, or subscription and message id, of the earliest delivery"),
    ),
    day_column="event_at",
    cluster_by=("event_name", "facility_ref", "flow_id"),
    sort_by=("flow_id", "recorded_at", "event_id"),
)

DEAD_LETTER = Table(
    "dead_letter",
    "one row per input line that could not be decoded",
    (
        _text("reason", "Code from a fixed list", key=True),
        _text("detail", "What was found and what was expected, without payload values"),
        _text("source", "File and line, or subscription and message id", key=True),
        _at("recorded_at", "Recorded time of the line when it could be read"),
        _text("run_id", "Run that met the line"),
        _text("raw_path", "File with the raw bytes, kept apart for a replay"),
        _count("raw_index", "Position of the line in that file, from 0"),
    ),
    day_column="recorded_at",
    cluster_by=("reason",),
    sort_by=("source",),
)

INPUT_FILE = Table(
    "input_file",
    "one row per input file",
    (
        _text("path", "Path of the file, relative to the input", key=True),
        _text("day", "Day folder YYYY-MM-DD, NULL in a flat folder"),
        Column("bytes", Type.INT64, "Size as stored", "bytes"),
        _count("lines", "Non-blank lines read; 0 for a repeat"),
        _text("digest", "BLAKE2b-128 of the stored bytes"),
        _flag("complete", "Every gzip member ended with its trailer"),
        _text("repeat_of", "Path of the first file with the same bytes"),
        _text("run_id", "Run that read the file"),
        _at("modified_at", "When the file was last modified, as its storage tells; a change makes a run look again"),
    ),
    cluster_by=("day",),
    sort_by=("path",),
)

PIPELINE_RUN = Table(
    "pipeline_run",
    "one row per run with its balance",
    (
        _text("run_id", "Run", key=True),
        _text(
            "mode",
            "batch; rebuild when all facts were computed again from the event log; replay, compact, erase, expire",
        ),
        _text("first_day", "First day folder of the run"),
        _text("last_day", "Last day folder of the run"),
        _at("started_at", "Start of the run"),
        _at("finished_at", "End of the run"),
        _text("code_version", "Version of flowfacts"),
        _at("as_of", "Instant the facts are a function of"),
        _count("files_read", "Files read (repeats not counted)"),
        _count("files_repeated", "Files skipped as a repeat of another"),
        _count("files_incomplete", "Files cut before their trailer"),
        _count("lines_read", "Non-blank lines: accepted plus dead letters"),
        _count("lines_accepted", "Lines that were decoded"),
        _count("dead_letters", "Lines that were not"),
        _count("events_accepted", "Events after the bulk split"),
        _count("events_folded", "Distinct events of the flows"),
        _count("events_outside_flows", "Distinct events that belong to no flow"),
        _count("events_unresolved", "Distinct events of a flow whose key could not be found"),
        _count("duplicates", "Repeated deliveries"),
        _count("field_errors", "Optional fields lost to a wrong type or an unreadable time"),
        _count("unknown_names", "Events whose name is not in the catalogue"),
        _count("unknown_values", "Status values that are not in the catalogue"),
        _flag("balanced", "Both equations of the books hold"),
    ),
    day_column="started_at",
    sort_by=("run_id",),
)

DAY_BOOK = Table(
    "day_book",
    "one row per day folder",
    (
        _text("day", "Day folder YYYY-MM-DD", key=True),
        _flag("closed", "The day is complete: all of its files are read and whole, and no more are expected"),
        _text("open_because", "Why it is not closed; NULL when it is"),
        _count("files", "Files of the day that were read, repeats not counted"),
        _count("files_repeated", "Files skipped as a repeat of another"),
        _count("files_incomplete", "Files cut before their trailer"),
        _count("lines", "Non-blank lines read"),
        _count("dead_letters", "Lines that could not be decoded"),
        Column("bytes", Type.INT64, "Size of its files as stored", "bytes"),
        _text("run_id", "Last run that read a file of the day"),
    ),
    sort_by=("day",),
)

FACILITY_CALENDAR = Table(
    "facility_calendar",
    "one row per facility that the calendar names, and one for all others",
    (
        _text("facility_ref", "The facility; * for all that are not named", key=True),
        _text("calendar", "Group of the calendar whose hours it keeps", key=True),
        _text("time_zone", "IANA name of its time zone"),
        _flag("always_open", "The group has no hours, it is never closed"),
    ),
    sort_by=("facility_ref",),
)

CALENDAR_CLOSURE = Table(
    "calendar_closure",
    "one row per group of the calendar and stretch in which it is closed, around the instant of the facts",
    (
        _text("calendar", "Group of the calendar", key=True),
        _at("started_at", "Start of the closure (inclusive)"),
        _at("ended_at", "End of the closure (exclusive)"),
        _text("reason", "Holidays that the closure touches; NULL for the night or a free day"),
    ),
    day_column="started_at",
    cluster_by=("calendar",),
    sort_by=("calendar", "started_at"),
)

FACT_TABLES = (
    ORDER_FLOW, ORDER_LEG, ORDER_PARCEL, ORDER_TIME_SPLIT, INBOUND_FLOW, INBOUND_RECEIPT, STOW_FLOW, FLOW_INTERVAL,
    FLOW_EVENT,
)  # fmt: skip
BOOK_TABLES = (DEAD_LETTER, INPUT_FILE, PIPELINE_RUN, DAY_BOOK, FACILITY_CALENDAR, CALENDAR_CLOSURE)
TABLES = FACT_TABLES + BOOK_TABLES
BY_NAME = {t.name: t for t in TABLES}
