"""The one transaction of a load, as BigQuery SQL: everything changes for readers at its COMMIT, or nothing does.

It begins with a check that the dataset is still at the generation that the load was planned for, and changes the one
row that says so: of two loads at once BigQuery cancels one, or its check fails, and it plans again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from pipelines.bigquery.parts import Held, Step, Unit, part_id
from schemas.dataset import LOAD, PART, PART_ID, STATE, Kind, index_of, stored_name, stored_tables
from schemas.live import index_columns
from schemas.tables import FACT_TABLES, Type

MOVED = "flowfacts: another load was faster"
"""What the script fails with when the generation is another one."""

_DAY_COLUMNS = {table.name: table.day_column for table in stored_tables()}
_COLUMNS = {table.name: table.table.columns for table in stored_tables()}
_MOST_BYTES = 900_000
"""BigQuery takes a query of a mebibyte; longer ones are refused here, with a way."""


class TooLongError(Exception):
    """A load has too many parts for one transaction; the message says what to do."""


def commit_script(
    dataset: str,
    generation: int,
    step: Step,
    units: Collection[Unit],
    spans: Mapping[str, Held],
    about: Mapping[str, str | None],
) -> str:
    """Write the transaction.

    Args:
        dataset: PROJECT.DATASET.
        generation: what the dataset is at.
        step: what changes.
        units: where the rows that come are staged.
        spans: by path, what is written into the book for a part that comes.
        about: `run_id`, `as_of` (RFC 3339 or None) and `code_version` of the run.

    Raises:
        TooLongError: it has more parts than a script can name.
    """
    lines = [
        "BEGIN TRANSACTION;",
        f"SELECT IF((SELECT SUM(generation) FROM `{dataset}.{STATE.name}`) = {generation}, 1, ERROR({_text(MOVED)}));",
        f"UPDATE `{dataset}.{STATE.name}` SET generation = {generation + 1}, run_id = {_text(about['run_id'])},"
        f" as_of = {_time(about['as_of'])}, loaded_at = CURRENT_TIMESTAMP() WHERE TRUE;",
        *_renames(dataset, step),
        *_deletes(dataset, step),
        *_inserts(dataset, units),
        *_index(dataset, step, units),
        *_book(dataset, generation + 1, step, spans),
        f"INSERT INTO `{dataset}.{LOAD.name}` ({_names(LOAD.name)}) SELECT {generation + 1}, {_text(about['run_id'])},"
        f" CURRENT_TIMESTAMP(), {sum(map(len, step.fresh.values()))}, {len(step.gone)}, {step.rows_added},"
        f" {step.rows_removed}, {_text(about['code_version'])};",
        "COMMIT TRANSACTION;",
    ]
    script = "\n".join(lines) + "\n"
    if len(script.encode()) > _MOST_BYTES:
        raise TooLongError(
            f"the load has {sum(map(len, step.fresh.values())):,} parts, too many for one transaction; copy the output "
            "to a local folder and load it from there, where one job loads all parts of a table"
        )
    return script


def _renames(dataset: str, step: Step) -> list[str]:
    by_new: dict[str, list[str]] = defaultdict(list)
    for old, new in step.renamed.items():
        by_new[new].append(old)
    return [
        f"UPDATE `{dataset}.{PART.name}` SET path = {_text(new)} WHERE path IN ({', '.join(map(_text, sorted(old)))});"
        for new, old in sorted(by_new.items())
    ]


def _deletes(dataset: str, step: Step) -> list[str]:
    by_table: dict[str, list[Held]] = defaultdict(list)
    for one in step.gone:
        by_table[one.stored_in].append(one)
    lines: list[str] = []
    for name, parts in sorted(by_table.items()):
        table = f"`{dataset}.{name}`"
        if name in step.emptied:
            lines.append(f"TRUNCATE TABLE {table};")  # costs nothing, where DELETE reads the table
            continue
        column = _DAY_COLUMNS[name]
        which = f"part_id IN ({', '.join(str(p.part_id) for p in parts)})"
        if column is None:
            lines.append(f"DELETE FROM {table} WHERE {which};")
            continue
        # With constants on the partitioning column, so that only those days are read and written again.
        dated = [(p.first_at, p.last_at) for p in parts if p.first_at is not None and p.last_at is not None]
        if dated:
            first, last = min(a for a, _ in dated), max(b for _, b in dated)
            span = f"{column} >= {_instant(first)} AND {column} <= {_instant(last)}"
            lines.append(f"DELETE FROM {table} WHERE {span} AND {which};")
        if any(p.undated for p in parts):
            lines.append(f"DELETE FROM {table} WHERE {column} IS NULL AND {which};")
    if step.gone:
        ids = ", ".join(str(p.part_id) for p in step.gone)
        lines.append(f"DELETE FROM `{dataset}.{PART.name}` WHERE part_id IN ({ids});")
    return lines


def _inserts(dataset: str, units: Iterable[Unit]) -> list[str]:
    by_table: dict[str, list[str]] = defaultdict(list)
    for unit in units:
        names = _names(unit.stored_in)
        if not unit.numbered:
            names = f"{part_id(unit.parts[0].path)}, {names.removeprefix(f'{PART_ID.name}, ')}"
        by_table[unit.stored_in].append(f"SELECT {names} FROM `{dataset}.{unit.staging}`")
    return [
        f"INSERT INTO `{dataset}.{name}` ({_names(name)})\n" + "\nUNION ALL\n".join(selects) + ";"
        for name, selects in sorted(by_table.items())
    ]


def _index(dataset: str, step: Step, units: Collection[Unit]) -> list[str]:
    """Write what the views must know of the settled half to choose between it and the live one (`schemas.live`)."""
    lines: list[str] = []
    for kind in (Kind.OPEN, Kind.SETTLED):
        index = index_of(kind)
        indexed = {stored_name(t.name, kind) for t in FACT_TABLES if index_columns(t.name) is not None}
        gone = [one.part_id for one in step.gone if one.stored_in in indexed]
        if gone and indexed <= step.emptied:
            lines.append(f"TRUNCATE TABLE `{dataset}.{index.name}`;")
        elif gone:
            lines.append(f"DELETE FROM `{dataset}.{index.name}` WHERE part_id IN ({', '.join(map(str, gone))});")
        selects = []
        for unit in units:
            columns = index_columns(unit.relation)
            if columns is not None and unit.stored_in in indexed:
                part = PART_ID.name if unit.numbered else str(part_id(unit.parts[0].path))
                at = ", CURRENT_TIMESTAMP()" if kind is Kind.SETTLED else ""
                selects.append(f"SELECT {part}, {columns}{at} FROM `{dataset}.{unit.staging}`")
        if selects:
            into = f"`{dataset}.{index.name}` ({_names(index.name)})"
            lines.append(f"INSERT INTO {into}\n" + "\nUNION ALL\n".join(selects) + ";")
    return lines


def _book(dataset: str, generation: int, step: Step, spans: Mapping[str, Held]) -> list[str]:
    rows = [
        f"({h.part_id}, {_text(h.stored_in)}, {_text(h.path)}, {h.row_count}, {_instant(h.first_at)},"
        f" {_instant(h.last_at)}, {h.undated}, {generation})"
        for h in (spans[p.path] for parts in step.fresh.values() for p in parts)
    ]
    if not rows:
        return []
    return [f"INSERT INTO `{dataset}.{PART.name}` ({_names(PART.name)}) VALUES\n" + ",\n".join(rows) + ";"]


def _names(table: str) -> str:
    return ", ".join(c.name for c in _COLUMNS[table])


def _text(value: str | None) -> str:
    if value is None:
        return "CAST(NULL AS STRING)"
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def _time(value: str | None) -> str:
    return f"CAST(NULL AS {Type.TIMESTAMP})" if value is None else f"TIMESTAMP {_text(value)}"


def _instant(value: datetime | None) -> str:
    return _time(None if value is None else value.astimezone(UTC).isoformat(" ", "microseconds"))
