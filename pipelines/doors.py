"""Doors to a warehouse for programs: questions with bound parameters, read-only, answered as rows.

A question is BigQuery's SQL with `@name` parameters and is always a constant of the code; what a person typed reaches
the warehouse as a parameter only. The embedded warehouse may be replaced by a newer run at any time: its door notices
before the next question, forgets what it remembered and goes on with the new file.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import duckdb

from pipelines.dialect import to_duckdb
from pipelines.options import OptionError
from pipelines.warehouse import FILE, STRETCHES

Parameter = str | int | float | bool | datetime | date
Rows = list[dict[str, Any]]

_REMEMBERED = 512
_FRESH_SECONDS = 300
_REPLACED_SECONDS = 60
_CHUNK = 5_000


class DoorError(Exception):
    """The warehouse can't be asked just now; the message says what to do."""


class Door(Protocol):
    """A warehouse that answers questions."""

    @property
    def name(self) -> str:
        """Give what people know the warehouse by."""
        ...

    @property
    def stretches(self) -> str | None:
        """Name what has `flow_interval` with channel and outcome of the order; None where only a join does."""
        ...

    def ask(self, sql: str, **parameters: Parameter) -> Rows:
        """Ask; the same question of the same state is answered from memory.

        Raises:
            DoorError: it can't be asked.
        """
        ...

    def stream(self, sql: str, **parameters: Parameter) -> Iterator[dict[str, Any]]:
        """Ask a question with a long answer, and give its rows one by one; nothing is remembered."""
        ...

    def close(self) -> None:
        """Let go of the warehouse."""
        ...


class _Memory:
    """The newest answers, by question and parameters."""

    def __init__(self) -> None:
        self._held: OrderedDict[Any, tuple[float, Rows]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any, seconds: float | None = None) -> Rows | None:
        with self._lock:
            found = self._held.get(key)
            if found is None or (seconds is not None and time.monotonic() - found[0] > seconds):
                return None
            self._held.move_to_end(key)
            return found[1]

    def put(self, key: Any, rows: Rows) -> None:
        with self._lock:
            self._held[key] = (time.monotonic(), rows)
            while len(self._held) > _REMEMBERED:
                self._held.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._held.clear()


@lru_cache(maxsize=1024)
def _translated(sql: str) -> str:
    return to_duckdb(sql)


class EmbeddedDoor:
    """The embedded warehouse, opened read-only and without access to any other file.

    DuckDB keeps one instance of a file in a process as long as anything uses it. So a door that follows its file lets
    go of the old one between two questions, and only when none is being answered.

    Args:
        place: output folder, or `warehouse.duckdb`.
        follow: whether to go on with a newer file when it is replaced; else all answers are of one state.

    Raises:
        OptionError: there is no such file.
    """

    def __init__(self, place: str, *, follow: bool = False) -> None:
        self.file = Path(place) / FILE if Path(place).is_dir() else Path(place)
        if not self.file.is_file():
            raise OptionError(f"{self.file} is not there, expected the output of flowfacts batch")
        self._follow = follow
        self._idle = threading.Condition()
        self._busy = 0
        self._memory = _Memory()
        self._con: duckdb.DuckDBPyConnection | None = None
        self._seen: tuple[int, int, int] | None = None
        self._stretches: str | None = None

    @property
    def name(self) -> str:
        """Give the name of the folder; a page needs no more of the machine's paths."""
        return self.file.resolve().parent.name

    @property
    def stretches(self) -> str | None:
        """Name the view of the file; see `Door.stretches`."""
        with self._asking():
            return self._stretches

    @contextmanager
    def _asking(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, Any]]:
        """Give a cursor, and the state of the file that it sees; the file stays open meanwhile."""
        with self._idle:
            cursor, seen = self._open().cursor(), self._seen
            self._busy += 1
        try:
            yield cursor, seen
        finally:
            cursor.close()
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._con is not None and not self._follow:
            return self._con
        try:
            stat = self.file.stat()
        except OSError as err:
            raise DoorError("the warehouse is gone; run flowfacts batch again, this page heals by itself") from err
        seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if self._con is not None and seen == self._seen:
            return self._con
        if not self._idle.wait_for(lambda: self._busy == 0, timeout=_REPLACED_SECONDS):
            raise DoorError("the warehouse was replaced, and a download of the old one still runs; try again soon")
        self.close()
        config: dict[str, Any] = {"enable_external_access": "false", "autoinstall_known_extensions": "false"}
        try:
            with ExitStack() as undo:
                con = undo.enter_context(duckdb.connect(str(self.file), read_only=True, config=config))
                con.execute("SET GLOBAL TimeZone = 'UTC'")
                named = "SELECT 1 FROM duckdb_views() WHERE schema_name || '.' || view_name = ?"
                there = con.execute(named, [STRETCHES]).fetchone()
                undo.pop_all()
        except duckdb.Error as err:
            raise DoorError(
                "the warehouse can't be opened: it is not whole, or a writer has it; try again in a moment, or build "
                "it anew with flowfacts batch"
            ) from err
        self._con, self._seen = con, seen
        self._stretches = STRETCHES if there else None  # a file of an earlier version has none
        return con

    def ask(self, sql: str, **parameters: Parameter) -> Rows:
        """Ask; see `Door.ask`."""
        with self._asking() as (cursor, seen):
            key = (seen, sql, tuple(sorted(parameters.items())))
            found = self._memory.get(key)
            if found is None:
                found = list(self._rows(cursor, sql, parameters))
                self._memory.put(key, found)
            return found

    def stream(self, sql: str, **parameters: Parameter) -> Iterator[dict[str, Any]]:
        """Ask; see `Door.stream`."""
        with self._asking() as (cursor, _):
            yield from self._rows(cursor, sql, parameters)

    @staticmethod
    def _rows(
        cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Parameter]
    ) -> Iterator[dict[str, Any]]:
        try:
            answer = cursor.execute(_translated(sql), dict(parameters) or None)
            names = [d[0] for d in answer.description or ()]
            while chunk := answer.fetchmany(_CHUNK):
                for row in chunk:
                    yield {n: _utc(v) for n, v in zip(names, row, strict=True)}
        except duckdb.Error as err:
            raise DoorError("the warehouse did not answer: " + str(err).splitlines()[0][:300]) from err

    def close(self) -> None:
        """Let go of the file."""
        with self._idle:
            if self._con is not None:
                self._con.close()
            self._con = None
            self._memory.clear()


class DatasetDoor:
    """A BigQuery dataset; what it answered is good for five minutes, for every question costs."""

    def __init__(self, target: Any) -> None:
        self.target = target
        self._memory = _Memory()

    @property
    def name(self) -> str:
        """Give PROJECT.DATASET."""
        return str(self.target.name)

    @property
    def stretches(self) -> None:
        """Have none; see `Door.stretches`."""
        return None

    def ask(self, sql: str, **parameters: Parameter) -> Rows:
        """Ask; see `Door.ask`."""
        key = (sql, tuple(sorted(parameters.items())))
        found = self._memory.get(key, _FRESH_SECONDS)
        if found is None:
            found = list(self.stream(sql, **parameters))
            self._memory.put(key, found)
        return found

    def stream(self, sql: str, **parameters: Parameter) -> Iterator[dict[str, Any]]:
        """Ask; see `Door.stream`."""
        from google.api_core import exceptions
        from google.cloud import bigquery

        from pipelines.bigquery.client import BigQueryError

        bound = [bigquery.ScalarQueryParameter(k, _bigquery_type(v), v) for k, v in parameters.items()]
        config = bigquery.QueryJobConfig(default_dataset=self.target.name, query_parameters=bound)

        def once() -> Any:
            job = self.target.client.query(sql, job_config=config, retry=None, job_retry=None)
            return job.result(retry=None, job_retry=None, timeout=max(self.target.seconds, 600.0), page_size=_CHUNK)

        try:
            for row in self.target.call("ask", once):
                yield {n: _utc(v) for n, v in row.items()}
        except (BigQueryError, exceptions.GoogleAPICallError) as err:
            raise DoorError("the dataset did not answer: " + " ".join(str(err).split())[:300]) from err

    def close(self) -> None:
        """Close the client."""
        self.target.client.close()


@contextmanager
def opened(output: str | None, dataset: str | None, *, follow: bool = False) -> Iterator[Door]:
    """Open the one door that was asked for, and close it.

    Args:
        output: output folder or `warehouse.duckdb`.
        dataset: PROJECT.DATASET.
        follow: see `EmbeddedDoor`.

    Raises:
        OptionError: there is no such warehouse.
    """
    door: Door
    if dataset is not None:
        from pipelines.bigquery.client import connect

        door = DatasetDoor(connect("--bigquery", dataset))
    else:
        door = EmbeddedDoor(output or ".", follow=follow)
    try:
        yield door
    finally:
        door.close()


def _bigquery_type(value: Parameter) -> str:
    if isinstance(value, bool):
        return "BOOL"
    if isinstance(value, datetime):
        return "TIMESTAMP"
    if isinstance(value, date):
        return "DATE"
    return {str: "STRING", int: "INT64", float: "FLOAT64"}[type(value)]


def _utc(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value
