"""The stream's BigQuery sink: revisions as rows of the append-only live tables (`schemas.live`).

One interface, two ways into a table: the Storage Write API (`pipelines.live.appending`), and the plain insert path
(`pipelines.live.inserting`) where gRPC does not reach. Both may write a publication again after a failure; the
views take each row once. The index of revisions goes last and only for revisions whose rows are all in, so that no
half of a flow is ever shown: of a revision that is refused, the one before stays.
"""

from __future__ import annotations

import os
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
from google.api_core import exceptions

from pipelines.bigquery.client import EMULATOR, BigQueryError, Target, connect
from pipelines.live.tables import FLOW_REVISION
from schemas.live import LIVE_AT, REVISION, live_name
from schemas.tables import FACT_TABLES

STORAGE_WRITE, INSERT_ALL = "storage-write", "insert-all"
WAYS = (STORAGE_WRITE, INSERT_ALL)

STORAGE_EMULATOR = "BIGQUERY_STORAGE_EMULATOR_HOST"
"""Variable with the gRPC address of an emulator; beside `BIGQUERY_EMULATOR_HOST`, which is for its REST address."""

_OPTION = "--bigquery"

Refused = tuple[str, str]
"""`(flow key, what BigQuery said)`."""


class Way(Protocol):
    """A way into a table."""

    def put(self, table: str, rows: pa.Table) -> dict[int, str]:
        """Put rows into a table, all but those that are refused; gives the reason by their place.

        Raises:
            exceptions.NotFound: the table is not there.
            BigQueryError: it can't be done.
        """
        ...


def way_of(target: Target, name: str | None) -> Way:
    """Make the way into a dataset; None takes the Storage Write API, where it can be reached."""
    if name is None:
        reached = not os.environ.get(EMULATOR) or os.environ.get(STORAGE_EMULATOR)
        name = STORAGE_WRITE if reached else INSERT_ALL
    if name == STORAGE_WRITE:
        from pipelines.live.appending import Appends

        return Appends(target, os.environ.get(STORAGE_EMULATOR))
    from pipelines.live.inserting import Inserts

    return Inserts(target)


def check(target: Target) -> None:
    """Make sure that the dataset has live tables.

    Raises:
        BigQueryError: it has not, or it can't be asked.
    """
    name = target.table(REVISION.name)
    try:
        target.call(f"look at {name}", lambda: target.client.get_table(name, retry=None, timeout=target.seconds))
    except exceptions.NotFound as err:
        raise BigQueryError(f"{name} is not there: run flowfacts bigquery apply --dataset {target.name}") from err


class LiveTables:
    """Writes publications into a dataset; travels to the workers by its name.

    Args:
        dataset: PROJECT.DATASET.
        way: one of `WAYS`; None chooses.
        target: how to reach it; by default as the environment says.
    """

    def __init__(self, dataset: str, way: str | None = None, target: Target | None = None) -> None:
        self.dataset, self.way, self._target = dataset, way, target
        self._open: Way | None = None

    def __reduce__(self) -> tuple[type[LiveTables], tuple[str, str | None]]:
        """Travel without the client."""
        return LiveTables, (self.dataset, self.way)

    def write(self, tables: dict[str, pa.Table]) -> list[Refused]:
        """Write what a publication shows; gives the revisions that were refused.

        Raises:
            BigQueryError: it can't be done at all; nothing of it is shown, and it can be written again.
        """
        if self._target is None:
            self._target = connect(_OPTION, self.dataset)
        if self._open is None:
            self._open = way_of(self._target, self.way)
        refused: dict[tuple[str, str, int], str] = {}
        for name in (*(t.name for t in FACT_TABLES), FLOW_REVISION):
            rows = tables.get(name)
            if rows is None:
                continue
            if refused:
                rows = rows.filter(pa.array([r not in refused for r in _revisions(rows)], pa.bool_()))
            keys = _revisions(rows)
            for place, why in self._put(live_name(name), _dated(rows)).items():
                refused.setdefault(keys[place], f"{name}: {why}")
        return [(key, why) for (_, key, _), why in sorted(refused.items())]

    def _put(self, table: str, rows: pa.Table) -> dict[int, str]:
        assert self._target is not None
        assert self._open is not None
        if not rows.num_rows:
            return {}
        try:
            return self._open.put(table, rows)
        except exceptions.NotFound as err:
            raise BigQueryError(
                f"{self._target.table(table)} is not there; what has come is kept and not acknowledged: run flowfacts "
                f"bigquery apply --dataset {self._target.name}, and start the job again"
            ) from err


def _revisions(rows: pa.Table) -> list[tuple[str, str, int]]:
    return list(zip(*(rows.column(n).to_pylist() for n in ("live_flow", "live_key", "live_revision")), strict=True))


def _dated(rows: pa.Table) -> pa.Table:
    """Add the time of the revision, by whose day the live tables are partitioned."""
    at = pc.cast(rows.column("live_revision"), pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    place = rows.schema.get_field_index("live_revision") + 1
    return rows.add_column(place, pa.field(LIVE_AT.name, pa.timestamp("us", "UTC")), at)
