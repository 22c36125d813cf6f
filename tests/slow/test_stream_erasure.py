"""What is erased is nowhere in the live half of an output either, and the stream does not bring it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.cli import main
from pipelines.live.reader import newest_rows
from tests.live import wrong_rows
from tests.traces import places
from tests.wire import Wire, bodies
from transforms.decode import Decoder
from transforms.event import Rejection


def order_rows(wire: Wire, flow: str) -> list[dict[str, Any]]:
    rows = newest_rows(str(wire.live))["order_flow"]
    found: list[dict[str, Any]] = rows.filter(pa.compute.equal(rows.column("flow_id"), flow)).to_pylist()
    return found


def an_order(wire: Wire) -> tuple[str, str]:
    """An order whose number stands in as many kinds of files as can be."""
    rows = newest_rows(str(wire.live))["order_flow"].to_pylist()
    numbered = [(r["flow_id"], r["tenant_order_id"]) for r in rows if r["tenant_order_id"] is not None]
    return max(numbered, key=lambda n: len({p.split("/")[1] for p in places(wire.live, n[1])}))


def erase(wire: Wire, *words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["erase", "--output", str(wire.live), *words, "--json"])
    out = capsys.readouterr().out
    return code, json.loads(out) if out else {}


def decodes(body: bytes) -> bool:
    return not isinstance(Decoder().message(body, 0, "m", "m"), Rejection)


def test_an_erased_order_is_nowhere_in_the_live_half_and_does_not_come_back(
    wire: Wire, export: Path, capsys: pytest.CaptureFixture[str]
):
    every = bodies(export)
    wire.publish([*every, b'{"broken'])
    wire.stream("--quiet-seconds", "1", "--idle-exit", "5")
    flow, number = an_order(wire)
    wire.publish([b'{"no id": "' + number.encode() + b'"}'])  # its raw bytes are a dead letter
    wire.stream("--idle-exit", "5")
    there = {p.split("/")[1] for p in places(wire.live, number)}
    assert there >= {"order_flow", "event_log", "closed_flow", "dead_letter_raw"}
    before = newest_rows(str(wire.live))
    with wire.streaming() as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert erase(wire, "--process", flow, capsys=capsys)[0] == 5
    code, told = erase(wire, "--process", flow, capsys=capsys)
    assert (code, told["flows"], told["found_in"]) == (0, [flow], [])
    assert told["dead_letters_emptied"] > 0
    assert places(wire.live, number) == []
    (row,) = order_rows(wire, flow)
    pseudonym = row["tenant_order_id"]
    assert pseudonym.startswith("erased-")
    for relation, rows in newest_rows(str(wire.live)).items():  # nothing else has changed
        assert _ordered(rows).equals(_ordered(before[relation]))
    # All that decodes again, and one more event of the order: the job begins from the log, and replaces what arrives.
    late: dict[str, Any] = {"eventId": "late", "event": "ORDER_MODIFIED"}
    late["payload"] = {"id": "o", "processId": flow, "tenantOrderId": number, "version": 99, "status": "OPEN"}
    assert decodes(json.dumps(late).encode())
    wire.publish([*filter(decodes, every), json.dumps(late).encode()])
    wire.stream("--idle-exit", "5")
    assert places(wire.live, number) == []
    (row,) = order_rows(wire, flow)
    assert row["tenant_order_id"] == pseudonym
    settled = wire.batch()
    with duckdb.connect(str(settled / "warehouse.duckdb")) as con:
        assert con.execute("SELECT tenant_order_id FROM order_flow WHERE flow_id = ?", [flow]).fetchall() == [(number,)]
    wrong = wrong_rows(wire.live, settled)
    assert wrong.keys() == {"order_flow"}, "but for the number, the facts are those of the same messages"


def _ordered(rows: pa.Table) -> pa.Table:
    names = [n for n in rows.column_names if n != "tenant_order_id"]
    plain = [n for n in names if n in ("flow_id", "leg_id", "parcel_id", "event_id", "source", "stage", "started_at")]
    return rows.select(names).sort_by([(n, "ascending") for n in plain])
