"""How far a peer computes the same facts: its cells against those of flowfacts, by key."""

from __future__ import annotations

from pathlib import Path

import duckdb

from schemas.tables import BY_NAME, Type

KEYS = {
    "order_flow": "flow_id",
    "order_leg": "leg_id",
    "order_parcel": "parcel_id",
    "inbound_flow": "flow_id",
    "inbound_receipt": "receipt_id",
    "stow_flow": "flow_id",
}


def agreement(warehouse: Path, peer: Path) -> tuple[int, int, str]:
    """Compare the Parquet files of a peer with a warehouse of flowfacts.

    Returns:
        Cells that are the same, cells compared, and in words what differs.
    """
    same = compared = 0
    missing: list[str] = []
    differs: dict[str, int] = {}
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"ATTACH '{warehouse}' AS ours (READ_ONLY)")
        for relation, key in KEYS.items():
            con.execute(f"CREATE OR REPLACE TEMP TABLE theirs AS FROM read_parquet('{peer}/{relation}/*.parquet')")
            found = {c[0] for c in con.execute("DESCRIBE theirs").fetchall()}
            columns = [c for c in BY_NAME[relation].columns if c.name != key]
            tests = ", ".join(_same(c.name, c.type) if c.name in found else "0" for c in columns)
            rows, alone, *equal = con.execute(
                f"SELECT count(*), count(*) - count(t.{key}), {tests} "
                f"FROM ours.{relation} o LEFT JOIN theirs t USING ({key})"
            ).fetchone() or (0, 0)
            compared += rows * len(columns)
            same += sum(equal)
            if alone:
                missing.append(f"{alone} rows of {relation} missing")
            for column, n in zip(columns, equal, strict=True):
                if rows - alone - n:
                    differs[f"{relation}.{column.name}"] = rows - alone - n
    most = sorted(differs, key=lambda name: -differs[name])[:4]
    rest = [f"{len(differs) - 4} more columns"] if len(differs) > 4 else []
    return same, compared, ", ".join([*missing, *(f"{name} {differs[name]}" for name in most), *rest]) or "nothing"


def _same(name: str, logical: Type) -> str:
    o, t = f'o."{name}"', f't."{name}"'
    alike = f"{o} IS NOT DISTINCT FROM {t}"
    if logical is Type.FLOAT64:  # sums in another order differ in the last digits
        alike = f"({alike} OR coalesce(abs({o} - {t}) <= 1e-6, false))"
    return f"count(*) FILTER (t.rowid IS NOT NULL AND {alike})"
