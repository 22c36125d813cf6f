"""What DuckDB's planner tells of a question: which tables it reads, and what filters them before anything else does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb


def nodes(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Give every step of the plan of a query, with the filters and projections right above it."""
    ((_, plan),) = con.execute(f"EXPLAIN (FORMAT json) {query}").fetchall()

    def walk(node: dict[str, Any], above: str) -> Iterator[tuple[dict[str, Any], str]]:
        yield node, above
        passed = f"{above} {node['extra_info'].get('Expression', '')}"
        for child in node["children"]:
            yield from walk(child, passed if str(node["name"]).strip() in ("FILTER", "PROJECTION", "UNION") else "")

    for root in json.loads(plan):
        yield from walk(root, "")


def scans(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[str, str]]:
    """Give each table that a query reads, with what filters it before anything else does."""
    for node, above in nodes(con, query):
        if str(node["name"]).strip() in ("SEQ_SCAN", "TABLE_SCAN"):
            about = node["extra_info"]
            yield str(about["Table"]).rsplit(".", 1)[-1], f"{about.get('Filters', '')} {above}"
