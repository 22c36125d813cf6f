"""Brings a dataset up to its declaration, by additive changes only.

Every step is a call that creates a named thing or changes it from a known version (its etag), so that a second apply,
at once or after a crash, finds it done or looks again.
"""

from __future__ import annotations

import contextlib
import io
import json
import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from google.api_core import exceptions
from google.cloud import bigquery

from pipelines.bigquery.client import BigQueryError, Target
from pipelines.bigquery.plan import PATCHED, Change, declared, differences
from schemas.dataset import MANAGED_BY, STATE
from schemas.derive import bigquery_schema

ABOUT = "Timing facts of a fulfilment platform: read the views without a suffix."
_ROUNDS = 5
_AT_ONCE = 8


def read_resource(target: Target, name: str) -> dict[str, Any] | None:
    """Read the resource of a table or view, None when there is none."""
    try:
        table = target.call(
            f"look at {target.table(name)}",
            lambda: target.client.get_table(target.table(name), retry=None, timeout=target.seconds),
        )
    except exceptions.NotFound:
        return None
    found: dict[str, Any] = table.to_api_repr()
    return found


def find_dataset(target: Target) -> bool:
    """Say whether the dataset exists, and note where it is."""
    try:
        found = target.call(
            f"look at {target.name}",
            lambda: target.client.get_dataset(target.name, retry=None, timeout=target.seconds),
        )
    except exceptions.NotFound:
        return False
    target.location = found.location
    return True


def plan(target: Target) -> list[Change]:
    """List what differs; the empty list when the dataset is as declared."""
    wanted = declared(target.name)
    if not find_dataset(target):
        return [Change("", "create", "dataset"), *(c for w in wanted for c in differences(w, None))]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(lambda w: read_resource(target, w["tableId"]), wanted))
    changes = [c for w, f in zip(wanted, found, strict=True) for c in differences(w, f)]
    if not any(c.about == "create" and c.table == STATE.name for c in changes) and not _seeded(target):
        changes.append(Change(STATE.name, "seed", "put in its row"))
    return changes


def apply(target: Target, location: str | None = None) -> list[Change]:
    """Make the additive changes.

    Args:
        target: the dataset.
        location: where to make it when it is not there.

    Returns:
        What was changed.

    Raises:
        BigQueryError: a breaking change is needed; nothing was changed.
    """
    done: list[Change] = []
    for _ in range(_ROUNDS):
        changes = plan(target)
        refused = [c for c in changes if c.breaking]
        if refused:
            raise BigQueryError(refusal(target, refused))
        if not changes:
            return done
        done += [c for c in changes if c not in done]
        _make(target, changes, location)
    left = "; ".join(f"{c.table}: {c.detail}" for c in plan(target))
    raise BigQueryError(f"{target.name} still differs after {_ROUNDS} rounds: {left}; does somebody else change it?")


def refusal(target: Target, refused: list[Change]) -> str:
    """Tell what is refused, why, and the way."""
    lines = [f"{target.name} needs changes that are not additive; nothing was changed"]
    for change in refused:
        lines += [f"  {change.table}: {change.detail}", f"    way: {change.way}"]
    return "\n".join(lines)


def _make(target: Target, changes: list[Change], location: str | None) -> None:
    by_table: dict[str, set[str]] = defaultdict(set)
    for change in changes:
        by_table[change.table].add(change.about)
    if "" in by_table:
        _make_dataset(target, location)
    for wanted in declared(target.name):
        about = by_table.get(wanted["tableId"], set())
        if "create" in about:
            _create(target, wanted)
        elif about - {"seed"}:
            _patch(target, wanted, about)
    if not _seeded(target):
        _seed(target)


def _make_dataset(target: Target, location: str | None) -> None:
    dataset = bigquery.Dataset(target.name)
    dataset.description, dataset.labels = ABOUT, dict([MANAGED_BY])
    if location is not None:
        dataset.location = location
    with contextlib.suppress(exceptions.Conflict):  # made by another apply, or by an attempt whose answer was lost
        target.call(
            f"create {target.name}", lambda: target.client.create_dataset(dataset, retry=None, timeout=target.seconds)
        )


def _resource(target: Target, wanted: dict[str, Any]) -> Any:
    reference = {"projectId": target.project, "datasetId": target.dataset, "tableId": wanted["tableId"]}
    made = {k: v for k, v in wanted.items() if k not in ("tableId", "type")}
    if wanted["type"] == "VIEW":
        del made["schema"]  # BigQuery finds it from the query; descriptions come with the next round
    return bigquery.Table.from_api_repr({**made, "tableReference": reference})


def _create(target: Target, wanted: dict[str, Any]) -> None:
    table = _resource(target, wanted)
    with contextlib.suppress(exceptions.Conflict):  # the next round compares it
        target.call(
            f"create {target.table(wanted['tableId'])}",
            lambda: target.client.create_table(table, retry=None, timeout=target.seconds),
        )


def _patch(target: Target, wanted: dict[str, Any], about: set[str]) -> None:
    name = target.table(wanted["tableId"])
    try:
        # With the etag of what it was compared with, so that a change in between is seen.
        table = target.call(
            f"look at {name}", lambda: target.client.get_table(name, retry=None, timeout=target.seconds)
        )
        old = {field.name: field for field in table.schema}
        ours = [bigquery.SchemaField.from_api_repr(f) for f in wanted["schema"]["fields"]]
        if wanted["type"] == "TABLE":
            # In the order of the table, with what is not declared: an update must name every column.
            by_name = {field.name: field for field in ours}
            kept = [by_name.pop(column, field) for column, field in old.items()]
            table.schema = [*kept, *by_name.values()]
        else:
            table.schema = ours
            table.view_query = wanted["view"]["query"]
        table.description = wanted["description"]
        table.labels = {**table.labels, **wanted["labels"]}
        if "partitioning" in about:
            table.time_partitioning = bigquery.TimePartitioning.from_api_repr(wanted["timePartitioning"])
        if "clustering" in about:
            table.clustering_fields = wanted.get("clustering", {}).get("fields")
        table.expires = None
        # A view's columns follow its query: they are described in the next round.
        fields = sorted({PATCHED[a] for a in about if not (a == "schema" and "view" in about)})
        target.call(
            f"change {', '.join(sorted(about))} of {name}",
            lambda: target.client.update_table(table, fields, retry=None, timeout=target.seconds),
        )
    except (exceptions.PreconditionFailed, exceptions.NotFound):
        pass  # changed meanwhile, or by an attempt whose answer was lost: the next round looks again


def _seeded(target: Target) -> bool:
    table = target.call(
        f"look at {target.table(STATE.name)}",
        lambda: target.client.get_table(target.table(STATE.name), retry=None, timeout=target.seconds),
    )
    return bool(table.num_rows)


def _seed(target: Target) -> None:
    """Put the one row into the state; WRITE_EMPTY lets one of several do it."""
    name = target.table(STATE.name)
    config = bigquery.LoadJobConfig(
        source_format="NEWLINE_DELIMITED_JSON", write_disposition="WRITE_EMPTY", create_disposition="CREATE_NEVER",
        schema=[bigquery.SchemaField.from_api_repr(f) for f in bigquery_schema(STATE)],
    )  # fmt: skip
    row = json.dumps({"generation": 0, "run_id": None, "as_of": None, "loaded_at": None}).encode() + b"\n"

    def put() -> Any:
        if _seeded(target):
            return None
        job = target.client.load_table_from_file(
            io.BytesIO(row), name, size=len(row), job_config=config, job_id=f"flowfacts_seed_{uuid.uuid4().hex}",
            num_retries=0, timeout=target.seconds,
        )  # fmt: skip
        return job.result(retry=None, timeout=target.seconds)

    try:
        target.call(f"put the first row into {name}", put)
    except (BigQueryError, exceptions.Conflict):
        if not _seeded(target):  # else another apply was faster
            raise
