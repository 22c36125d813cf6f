"""The embedded warehouse: `warehouse.duckdb` with every relation of the contract by its name.

Each relation is a view over two tables: rows that the next run may replace, and rows that stay. The file knows which
parts it holds, so that a run copies it and brings the copy up to date: the cost follows what has changed, not the
history. Whenever that can't be trusted (another layout, a count that is not the manifest's), it is built from nothing.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import duckdb

from pipelines.datasets import Part, parts_of
from pipelines.state import STAYING, group_of
from pipelines.storage_errors import writing
from schemas.derive import duckdb_columns, duckdb_comments
from schemas.tables import TABLES, Table

FILE = "warehouse.duckdb"

_VIEWS = Path(__file__).with_name("embedded_views.sql")  # written by `pipelines.dialect`

_log = logging.getLogger(__name__)

STRETCHES = "flowfacts.stretch"
"""The view with what the file keeps of the order beside each of its stretches: the contract has it with the order only,
and to find the orders of ten million stretches takes longer than a page should."""

OF_ORDER = ("channel", "outcome")

_ORDERS, _INTERVALS = "order_flow", "flow_interval"

_WASTE = 0.5
"""Share of deleted rows from which the file is built anew, to give their space back."""


@cache
def _ddl() -> str:
    """Write the statements that make an empty warehouse."""
    made = ["CREATE SCHEMA flowfacts;"]
    for table in TABLES:
        names = ", ".join(f'"{c.name}"' for c in table.columns)
        columns = duckdb_columns(table) + "".join(f",\n  {name} VARCHAR" for name in _beside(table))
        made.append(f'CREATE TABLE flowfacts."{table.name}_moving" (\n{columns});')
        made.append(f'CREATE TABLE flowfacts."{table.name}_staying" (\n{columns},\n  part INTEGER NOT NULL);')
        made += [f'CREATE VIEW "{table.name}" AS {_both(table, names)};', duckdb_comments(table, "VIEW")]
        if _beside(table):
            more = ", ".join((names, *(f"order_{name} AS {name}" for name in OF_ORDER)))
            made.append(f"CREATE VIEW {STRETCHES} AS {_both(table, more)};")
    made.append(_VIEWS.read_text())
    made.append("CREATE TABLE flowfacts.part (id INTEGER, relation VARCHAR, path VARCHAR);")
    return "\n".join(made)


def _both(table: Table, names: str) -> str:
    kinds = ("moving", "staying")
    return " UNION ALL ".join(f'SELECT {names} FROM flowfacts."{table.name}_{kind}"' for kind in kinds)


def _beside(table: Table) -> tuple[str, ...]:
    """Name the columns that the file keeps beside those of the contract."""
    return tuple(f"order_{name}" for name in OF_ORDER) if table.name == _INTERVALS else ()


@cache
def _layout() -> str:
    """Give what a file of this layout says of itself."""
    return blake2b(_ddl().encode(), digest_size=8).hexdigest()


_empty: dict[str, bytes] = {}
"""An empty warehouse by its layout: to bind the views takes a second, which a process that builds many spends once."""


def _begin(fresh: Path) -> None:
    """Make an empty warehouse."""
    if _layout() in _empty:
        fresh.write_bytes(_empty[_layout()])
        return
    with _open(fresh) as con:
        con.execute(_ddl())
        con.execute("CREATE TABLE flowfacts.about AS SELECT ? AS layout, 0::BIGINT AS deleted", [_layout()])
    _empty[_layout()] = fresh.read_bytes()


class WarehouseError(Exception):
    """The file is not what the manifest tells; the message says how."""


def build(output: str, manifest: dict[str, Any], *, whole: bool = False) -> Path:
    """Bring a copy of the warehouse up to the published state and put it in its place in one step.

    Args:
        output: local output folder.
        manifest: the published state.
        whole: build it from nothing, so that no byte of what was in it before stays.
    """
    folder = Path(output)
    target, fresh = folder / FILE, folder / f".{FILE}.building"
    with writing(str(target)):
        try:
            _build(folder, manifest, target, fresh, whole=whole)
        except duckdb.IOException as err:
            if "space" in str(err) or "File too large" in str(err):
                raise OSError(errno.ENOSPC, str(err).splitlines()[0]) from err
            raise
        finally:
            _sweep(fresh)
    return target


def is_current(output: str, manifest: dict[str, Any]) -> bool:
    """Say whether the file holds the parts of the published state."""
    file = Path(output) / FILE
    if not file.exists() or _log_of(file).exists():
        return False
    try:
        with duckdb.connect(str(file), read_only=True) as con:
            ((layout,),) = con.execute("SELECT layout FROM flowfacts.about").fetchall()
            held = {path for (path,) in con.execute("SELECT path FROM flowfacts.part").fetchall()}
    except duckdb.Error:
        return False
    relations = {t.name for t in TABLES}
    return layout == _layout() and held == {p.path for p in parts_of(manifest) if p.relation in relations}


def _build(folder: Path, manifest: dict[str, Any], target: Path, fresh: Path, *, whole: bool) -> None:
    _sweep(fresh)
    try:
        if whole:
            raise WarehouseError("asked for")
        _update(folder, manifest, target, fresh)
    except (WarehouseError, duckdb.Error) as err:
        _log.info("building %s from nothing: %s", target, err)
        _sweep(fresh)
        _begin(fresh)
        with _open(fresh) as con:
            _apply(con, folder, manifest)
            _check(con, parts_of(manifest))
            con.execute("CHECKPOINT")
    # The log of a writer that crashed belongs to the file that goes; DuckDB would refuse to open the new one with it.
    _log_of(target).unlink(missing_ok=True)
    os.replace(fresh, target)


def _sweep(fresh: Path) -> None:
    for leftover in (fresh, _log_of(fresh)):
        leftover.unlink(missing_ok=True)
    shutil.rmtree(fresh.with_name(fresh.name + ".tmp"), ignore_errors=True)  # where DuckDB spills


@contextlib.contextmanager
def _open(file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(file)) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET preserve_insertion_order = false")
        yield con


def _update(folder: Path, manifest: dict[str, Any], target: Path, fresh: Path) -> None:
    """Copy the file and change what has changed.

    Raises:
        WarehouseError: it must be built from nothing.
    """
    if not target.exists() or _log_of(target).exists():
        raise WarehouseError("there is none, or its writer crashed")
    shutil.copyfile(target, fresh)
    with _open(fresh) as con:
        if con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'about'").fetchall() != [(1,)]:
            raise WarehouseError("it has another layout")
        ((layout, deleted),) = con.execute("SELECT layout, deleted FROM flowfacts.about").fetchall()
        if layout != _layout():
            raise WarehouseError("it has another layout")
        con.execute("BEGIN")
        deleted += _apply(con, folder, manifest)
        con.execute("UPDATE flowfacts.about SET deleted = ?", [deleted])
        con.execute("COMMIT")
        rows = _check(con, parts_of(manifest))
        if deleted > _WASTE * rows:
            raise WarehouseError(f"{deleted} deleted rows beside {rows}")
        con.execute("CHECKPOINT")


def _check(con: duckdb.DuckDBPyConnection, parts: list[Part]) -> int:
    """Check the rows of every relation against the manifest, and give how many there are."""
    total = 0
    for table in TABLES:
        ((found,),) = con.execute(f'SELECT count(*) FROM "{table.name}"').fetchall()
        wanted = sum(p.rows for p in parts if p.relation == table.name)
        if found != wanted:
            raise WarehouseError(f"{found} rows of {table.name}, the manifest tells {wanted}")
        total += found
    return total


def _apply(con: duckdb.DuckDBPyConnection, folder: Path, manifest: dict[str, Any]) -> int:
    """Make the file hold the parts of the manifest; give how many rows were deleted from those that stay."""
    parts = parts_of(manifest)
    _rename(con, manifest.get("merged", {}))
    held: dict[str, list[int]] = {}
    for number, path in con.execute("SELECT id, path FROM flowfacts.part").fetchall():
        held.setdefault(path, []).append(number)
    for path in _in_doubt(parts, held.keys()):
        held[f"in doubt: {path}"] = held.pop(path)
    named = {p.path for p in parts}
    gone = [number for path, numbers in held.items() if path not in named for number in numbers]
    loader = _Loader(con, folder, parts, max((n for numbers in held.values() for n in numbers), default=0))
    deleted, moved = 0, set()
    for table in TABLES:
        mine = [p for p in parts if p.relation == table.name]
        moving = {p.path for p in mine if p.tier not in STAYING}
        before = con.execute("SELECT path FROM flowfacts.part WHERE relation = ?", [_moving(table)]).fetchall()
        if moving != {path for (path,) in before} or (_beside(table) and _ORDERS in moved):
            moved.add(table.name)
            con.execute(f'TRUNCATE flowfacts."{_moving(table)}"')  # gives the space back, as DELETE does not
            con.execute("DELETE FROM flowfacts.part WHERE relation = ?", [_moving(table)])
            loader.load(table, _moving(table), [p for p in mine if p.path in moving])
        if gone:
            ((n,),) = con.execute(
                f'DELETE FROM flowfacts."{table.name}_staying" WHERE part IN (SELECT unnest(?))', [gone]
            ).fetchall()
            deleted += n
        loader.load(table, f"{table.name}_staying", [p for p in mine if p.tier in STAYING and p.path not in held])
    if gone:
        con.execute("DELETE FROM flowfacts.part WHERE id IN (SELECT unnest(?))", [gone])
    return deleted


def _group(part: Part) -> Any:
    """Give what the parts with all rows of some flows have in common."""
    return group_of(part) if part.tier in STAYING else part.tier


def _in_doubt(parts: Sequence[Part], held: Collection[str]) -> list[str]:
    """List the parts with stretches that the file holds, but nothing of the orders of their group: these may be others.

    A run can add its own settled orders to the group of what it has merged; of that the file holds the orders, too.
    """
    orders = [p for p in parts if p.relation == _ORDERS and p.tier in STAYING]
    fresh = {_group(p) for p in orders if p.path not in held} - {_group(p) for p in orders if p.path in held}
    return [p.path for p in parts if p.relation == _INTERVALS and p.path in held and _group(p) in fresh]


def _rename(con: duckdb.DuckDBPyConnection, merged: dict[str, list[str]]) -> None:
    """Give the rows of merged parts to the part that they were merged into; none is read or written again."""
    held = {path for (path,) in con.execute("SELECT path FROM flowfacts.part").fetchall()}
    for path, sources in merged.items():
        if path not in held and held.issuperset(sources):
            con.execute("UPDATE flowfacts.part SET path = ? WHERE path IN (SELECT unnest(?))", [path, sources])


def _moving(table: Table) -> str:
    return f"{table.name}_moving"


@dataclass(slots=True)
class _Loader:
    """Inserts rows of the parts of a manifest.

    Attributes:
        con, folder, parts: the warehouse, the output, all parts of the manifest.
        last: the highest number of a part so far.
    """

    con: duckdb.DuckDBPyConnection
    folder: Path
    parts: Sequence[Part]
    last: int

    def load(self, table: Table, name: str, parts: Sequence[Part]) -> None:
        """Insert the rows of some parts of a relation, and number the parts."""
        if not parts:
            return
        paths = sorted(p.path for p in parts)
        files, numbers = [str(self.folder / path) for path in paths], [self.last + n for n in range(1, len(paths) + 1)]
        self.con.execute("INSERT INTO flowfacts.part SELECT unnest(?), ?, unnest(?)", [numbers, name, paths])
        self.last = numbers[-1]
        columns = [f'r."{c.name}"' for c in table.columns]
        joins, bound = "", list[Sequence[str | int]]([[_literal(f) for f in files]])
        if _beside(table):
            groups = {_group(p) for p in parts}
            orders = [p.path for p in self.parts if p.relation == _ORDERS and _group(p) in groups]
            columns += [f"o.{column}" if orders else "NULL" for column in OF_ORDER]
            if orders:
                joins = " LEFT JOIN read_parquet(?) o ON r.flow = 'order' AND o.flow_id = r.flow_id"
                bound.append([_literal(str(self.folder / path)) for path in orders])
        if name.endswith("_staying"):
            columns.append("n.id")
            joins += " JOIN (SELECT unnest(?) AS file, unnest(?) AS id) n ON n.file = r.filename"
            bound += [files, numbers]
        rows = f"SELECT {', '.join(columns)} FROM read_parquet(?, filename = true) r{joins}"
        self.con.execute(f'INSERT INTO flowfacts."{name}" {rows}', bound)


def _log_of(file: Path) -> Path:
    return file.with_name(file.name + ".wal")


def _literal(path: str) -> str:
    """Write a path so that DuckDB does not take it for a pattern."""
    return re.sub(r"([\[*?])", r"[\1]", path)
