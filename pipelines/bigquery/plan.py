"""What differs between a dataset and its declaration: pure comparison of `Table` resources.

A change is *additive* when rows and readers keep what they have. A *breaking* one is refused: BigQuery can't make it in
place, or a dashboard would break. All rows of a dataset come from Parquet, so that the way out is always the same: a
new dataset, or the table dropped, and the load again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.dataset import MANAGED_BY, stored_tables
from schemas.views import views

_LEGACY = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
"""Names by which BigQuery's interface answers for types that were declared by their SQL name."""

PATCHED = {
    "schema": "schema",
    "description": "description",
    "labels": "labels",
    "partitioning": "time_partitioning",
    "clustering": "clustering_fields",
    "expiry": "expires",
    "view": "view_query",
}
"""What a change is about -> the attribute of the client's `Table` that carries it."""


@dataclass(frozen=True, slots=True)
class Change:
    """A difference between the dataset and the declaration.

    Attributes:
        table: table or view, the empty text for the dataset itself.
        about: `create`, or a key of `PATCHED`.
        detail: what differs, found and declared.
        way: what to do about a breaking one, None for an additive one.
    """

    table: str
    about: str
    detail: str
    way: str | None = None

    @property
    def breaking(self) -> bool:
        """Say whether it is refused."""
        return self.way is not None


def declared(dataset: str) -> list[dict[str, Any]]:
    """List the resources that a dataset must have, in the order of their creation."""
    return [*(t.resource() for t in stored_tables()), *(v.resource(dataset) for v in views())]


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any] | None) -> list[Change]:
    """Compare a table or view with its declaration.

    Args:
        wanted: the declared resource.
        found: the resource of the dataset, None when there is none.
    """
    name = wanted["tableId"]
    if found is None:
        return [Change(name, "create", _told(wanted))]
    kind = found.get("type", "TABLE")
    if kind != wanted["type"]:
        way = f"rename or drop {name}, or give another dataset, and apply again"
        return [Change(name, "type", f"is a {kind}, declared as a {wanted['type']}", way)]
    if (found.get("labels") or {}).get(MANAGED_BY[0]) != MANAGED_BY[1]:
        way = (
            f"give another dataset; or, if {name} is yours to hand over, label it {MANAGED_BY[0]}:{MANAGED_BY[1]} and "
            "apply again"
        )
        return [Change(name, "labels", f"was not made by flowfacts: it has no label {MANAGED_BY[0]}", way)]
    return [
        *_columns(name, wanted["schema"]["fields"], (found.get("schema") or {}).get("fields", []), wanted["type"]),
        *_layout(name, wanted, found),
        *_words(name, wanted, found),
    ]


def _told(wanted: Mapping[str, Any]) -> str:
    count = f"{len(wanted['schema']['fields'])} columns"
    if wanted["type"] == "VIEW":
        return f"view, {count}"
    day = wanted.get("timePartitioning", {}).get("field")
    cluster = wanted.get("clustering", {}).get("fields", [])
    told = [
        f"table, {count}",
        *([f"by day of {day}"] if day else []),
        *([f"by {', '.join(cluster)}"] if cluster else []),
    ]
    return ", ".join(told)


def _columns(
    name: str, wanted: Iterable[Mapping[str, Any]], found: Iterable[Mapping[str, Any]], kind: str
) -> list[Change]:
    there = {f["name"].lower(): f for f in found}
    changes: list[Change] = []
    fresh: list[str] = []
    described: list[str] = []
    for field in wanted:
        old = there.pop(field["name"], None)
        if old is None:
            fresh.append(f"{field['name']} {field['type']}")
            if field["mode"] == "REQUIRED" and kind == "TABLE":
                changes.append(Change(name, "schema", f"the new column {field['name']} is REQUIRED", _again(name)))
            continue
        if kind == "TABLE":
            changes += _column(name, field, old)
        if (old.get("description") or "") != field["description"]:
            described.append(field["name"])
    if fresh:
        changes.append(Change(name, "schema", f"add {', '.join(fresh)}"))
    if described:
        changes.append(Change(name, "schema", f"describe {_some(described)}"))
    if kind == "TABLE":
        # Kept as they are: somebody may read them, and a load names its columns.
        required = sorted(f["name"] for f in there.values() if f.get("mode") == "REQUIRED")
        if required:
            way = f"ALTER TABLE {name} ALTER COLUMN {required[0]} DROP NOT NULL, or drop the column, and apply again"
            changes.append(Change(name, "schema", f"{_some(required)}: REQUIRED, but not declared", way))
    return changes


def _column(name: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[Change]:
    column = wanted["name"]
    old_type, old_mode = _LEGACY.get(found["type"], found["type"]), found.get("mode") or "NULLABLE"
    if old_type != wanted["type"]:
        return [Change(name, "schema", f"{column} is {old_type}, declared {wanted['type']}", _again(name))]
    if old_mode == wanted["mode"]:
        return []
    told = f"{column} is {old_mode}, declared {wanted['mode']}"
    additive = (old_mode, wanted["mode"]) == ("REQUIRED", "NULLABLE")
    return [Change(name, "schema", told, None if additive else _again(name))]


def _layout(name: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[Change]:
    changes: list[Change] = []
    ours, theirs = wanted.get("timePartitioning", {}), found.get("timePartitioning") or {}
    if (ours.get("type"), ours.get("field")) != (
        theirs.get("type"),
        theirs.get("field"),
    ) or "rangePartitioning" in found:
        told = f"partitioned by {theirs.get('field', 'nothing')}, declared by the day of {ours.get('field', 'nothing')}"
        changes.append(Change(name, "partitioning", told, _again(name)))
    elif _days(theirs) != _days(ours):
        told = f"partitions expire {_after(_days(theirs))}, declared {_after(_days(ours))}"
        changes.append(Change(name, "partitioning", told))
    if found.get("expirationTime"):
        changes.append(Change(name, "expiry", "the table expires, declared never"))
    old = (found.get("clustering") or {}).get("fields", [])
    new = wanted.get("clustering", {}).get("fields", [])
    if list(old) != list(new):
        told = f"clustered by {', '.join(old) or 'nothing'}, declared by {', '.join(new) or 'nothing'}"
        changes.append(Change(name, "clustering", told))
    return changes


def _days(partitioning: Mapping[str, Any]) -> float | None:
    return int(partitioning.get("expirationMs") or 0) / 86_400_000 or None


def _after(days: float | None) -> str:
    return "never" if days is None else f"after {days:g} days"


def _words(name: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[Change]:
    changes: list[Change] = []
    if (found.get("description") or "") != wanted["description"]:
        changes.append(Change(name, "description", f"describe: {wanted['description']}"))
    labels = found.get("labels") or {}
    missing = [f"{k}:{v}" for k, v in wanted["labels"].items() if labels.get(k) != v]  # others may be anybody's
    if missing:
        changes.append(Change(name, "labels", f"label {', '.join(missing)}"))
    if wanted["type"] == "VIEW" and (found.get("view") or {}).get("query") != wanted["view"]["query"]:
        changes.append(Change(name, "view", "another query"))
    return changes


def _again(name: str) -> str:
    return (
        f"apply and load into a new dataset and switch the readers over; or drop {name}, apply, and load with "
        "--replace: all rows come from the Parquet parts"
    )


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more columns" if len(names) > 3 else "")
