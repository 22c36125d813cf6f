"""How two states of an output differ: rows that are new, gone and changed, and in which columns."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from pipelines.datasets import Part, is_local, read_bytes
from pipelines.storage_errors import StorageError
from schemas.derive import duckdb_columns
from schemas.tables import FACT_TABLES, Table

_SIDES = ("old", "new")


@dataclass(slots=True)
class Difference:
    """How one relation differs.

    Attributes:
        relation: name of the relation.
        rows: rows now.
        added, gone, changed: rows; where a relation has no key, a changed row is one gone and one added.
        columns: changed rows by column.
        before: rows that differ but belong to flows without an event since the day that was asked for.
    """

    relation: str
    rows: int
    added: int = 0
    gone: int = 0
    changed: int = 0
    columns: dict[str, int] = field(default_factory=dict)
    before: int = 0

    @property
    def same(self) -> bool:
        """Say whether there is no difference."""
        return not (self.added or self.gone or self.changed or self.before)

    def told(self) -> dict[str, Any]:
        """Give it for JSON."""
        return asdict(self)


def compare_parts(output: str, old: Iterable[Part], new: Iterable[Part], since: str | None = None) -> list[Difference]:
    """Compare two sets of parts, relation by relation.

    Args:
        output: output folder.
        old: parts of the one state.
        new: parts of the other.
        since: a day; differences of flows without an event recorded on it or later are counted apart.
    """
    sides = dict(zip(_SIDES, (list(old), list(new)), strict=True))
    with (
        tempfile.TemporaryDirectory(prefix="flowfacts-") as folder,
        duckdb.connect(f"{folder}/difference.duckdb") as con,
    ):
        con.execute("SET TimeZone = 'UTC'")
        for table in FACT_TABLES:
            for side, parts in sides.items():
                mine = [p for p in parts if p.relation == table.name]
                con.execute(f'CREATE SCHEMA IF NOT EXISTS "{side}"')
                con.execute(f'CREATE TABLE "{side}"."{table.name}" (\n{duckdb_columns(table)})')
                if mine:
                    files = [_file(output, p, Path(folder)) for p in mine]
                    names = ", ".join(f'"{c.name}"' for c in table.columns)
                    con.execute(f'INSERT INTO "{side}"."{table.name}" SELECT {names} FROM read_parquet(?)', [files])
        if since is not None:
            con.execute(
                "CREATE TABLE recent AS SELECT DISTINCT flow, flow_id FROM "
                "(SELECT flow, flow_id, recorded_at FROM old.flow_event UNION ALL "
                "SELECT flow, flow_id, recorded_at FROM new.flow_event) WHERE flow_id IS NOT NULL AND recorded_at >= ?",
                [f"{since}T00:00:00Z"],
            )
        return [_compare(con, table, since is None) for table in FACT_TABLES]


def is_whole(output: str, part: Part) -> bool:
    """Say whether a part is there as it was written; one that somebody has deleted or damaged has no rows."""
    try:
        data = read_bytes(f"{output.rstrip('/')}/{part.path}")
    except StorageError:
        return False
    return hashlib.blake2b(data, digest_size=16).hexdigest() == part.digest


def _file(output: str, part: Part, folder: Path) -> str:
    """Give the path of a part for DuckDB, which takes brackets for a pattern; remote parts are copied."""
    path = f"{output.rstrip('/')}/{part.path}"
    if not is_local(path):
        path = str(folder / part.path.replace("/", "-"))
        Path(path).write_bytes(read_bytes(f"{output.rstrip('/')}/{part.path}"))
    return re.sub(r"([\[*?])", r"[\1]", path)


def _compare(con: duckdb.DuckDBPyConnection, table: Table, all_recent: bool) -> Difference:
    ((rows,),) = con.execute(f'SELECT count(*) FROM new."{table.name}"').fetchall()
    key = [c.name for c in table.columns if c.key]
    ((doubles,),) = con.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM new.{table.name} GROUP BY {', '.join(key)} HAVING count(*) > 1 UNION ALL "
        f"SELECT 1 FROM old.{table.name} GROUP BY {', '.join(key)} HAVING count(*) > 1)"
        if key
        else "SELECT 1"
    ).fetchall()
    recent = "TRUE" if all_recent else _recent(table)
    return _as_rows(con, table, recent, rows) if doubles or not key else _by_key(con, table, recent, key, rows)


def _recent(table: Table) -> str:
    """Write the condition that a row belongs to a flow with a recent event; rows without a flow always count."""
    names = {c.name for c in table.columns}
    flow = "flow" if "flow" in names else f"'{table.name.split('_', 1)[0]}'"
    return f"(flow_id IS NULL OR ({flow}, flow_id) IN (SELECT (flow, flow_id) FROM recent))"


def _as_rows(con: duckdb.DuckDBPyConnection, table: Table, recent: str, rows: int) -> Difference:
    found = Difference(table.name, rows)
    for side, other, name in (("new", "old", "added"), ("old", "new", "gone")):
        ((here, all_of_them),) = con.execute(
            f"SELECT count(*) FILTER (WHERE {recent}), count(*) FROM "
            f"(SELECT * FROM {side}.{table.name} EXCEPT ALL SELECT * FROM {other}.{table.name})"
        ).fetchall()
        setattr(found, name, here)
        found.before += all_of_them - here
    return found


def _by_key(con: duckdb.DuckDBPyConnection, table: Table, recent: str, key: list[str], rows: int) -> Difference:
    found = Difference(table.name, rows)
    using = ", ".join(key)
    for side, other, name in (("new", "old", "added"), ("old", "new", "gone")):
        ((here, all_of_them),) = con.execute(
            f"SELECT count(*) FILTER (WHERE {recent}), count(*) FROM "
            f"(SELECT * FROM {side}.{table.name} ANTI JOIN {other}.{table.name} USING ({using}))"
        ).fetchall()
        setattr(found, name, here)
        found.before += all_of_them - here
    others = [c.name for c in table.columns if c.name not in key]
    changed = {c: f'n."{c}" IS DISTINCT FROM o."{c}"' for c in others}
    anything = " OR ".join(changed.values())
    counts = ", ".join(f"count(*) FILTER (WHERE recent AND {c})" for c in changed.values())
    flow = "flow_id" if "flow_id" in key else 'n."flow_id" AS flow_id'
    kind = ', n."flow" AS flow' if "flow" in {c.name for c in table.columns} and "flow" not in key else ""
    row = con.execute(
        f"SELECT count(*) FILTER (WHERE recent), count(*) FILTER (WHERE NOT recent), {counts} FROM ("
        f"SELECT n, o, {recent} AS recent FROM (SELECT n, o, {flow}{kind} FROM new.{table.name} n "
        f"JOIN old.{table.name} o USING ({using}) WHERE {anything}))"
    ).fetchone()
    assert row is not None
    found.changed = row[0]
    found.before += row[1]
    found.columns = {c: n for c, n in zip(others, row[2:], strict=True) if n}
    return found
