"""The dashboard as a process: its figures are those of SQL, and what comes from outside does no harm."""

from __future__ import annotations

import copy
import csv
import io
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from contextlib import closing

import duckdb
import pytest

from pipelines.cli import main
from pipelines.dashboard.filters import choices, read
from pipelines.dashboard.pages import stages
from pipelines.dashboard.words import UNKNOWN
from pipelines.datasets import parts_of, read_manifest
from pipelines.doors import EmbeddedDoor
from pipelines.state import EVENT_LOG, read_table
from pipelines.summary import humane
from schemas.vocabulary import DEADLINE_DAYS
from tests.serving import dashboard
from transforms.clock import parse_time
from transforms.event_log import events_in
from transforms.project import project_all
from transforms.rows import Settings

PAGES = ("overview", "orders", "time", "stages", "wip", "inbound", "stow", "carriers", "quality", "explorer")
HOSTILE = (
    "'",
    '"',
    "' OR 1=1 --",
    "'; DROP TABLE order_flow; --",
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "%00",
    "\x00",
    "x" * 3000,
    "{{7*7}}",
    "read_csv('/etc/passwd')",
    "☃",
    "-1",
    "NaN",
    "$since",
    "@since",
)


@pytest.fixture(scope="module")
def url(facts):
    with dashboard("--output", str(facts)) as address:
        yield address


def get(address, **headers):
    """Ask for a page; gives its status, its headers and its text."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as err:
        with err:
            return err.code, err.headers, err.read().decode()


def tiles(html):
    """Give the figures of a page by their keys."""
    return dict(re.findall(r'data-tile="(\w+)".*?class="value">(.*?)</div>', html))


def ask(facts, sql):
    with duckdb.connect(str(facts / "warehouse.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return con.execute(sql).fetchall()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_answers_and_forbids_what_is_not_its_own(url, page):
    status, headers, html = get(f"{url}/{page}")
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', html)
    assert "<script>" not in html


def test_the_figures_are_those_of_sql(url, facts):
    (facility,), *_ = ask(
        facts, "SELECT facility_ref FROM order_flow GROUP BY 1 HAVING facility_ref IS NOT NULL ORDER BY count(*) DESC"
    )
    of = f"facility={facility}&channel=SHIPPING"
    cases = {
        "from=2026-06-01": "true",
        "from=2026-06-02&to=2026-06-02": "started_at::DATE = '2026-06-02'",
        f"from=2026-06-01&{of}": f"facility_ref = '{facility}' AND channel = 'SHIPPING'",
        "from=2026-06-01&facility=none": "facility_ref IS NULL",
        "from=2026-06-01&outcome=cancelled": "outcome = 'cancelled'",
    }
    for query, where in cases.items():
        shown = tiles(get(f"{url}/overview?{query}")[2])
        ((orders, fulfilled, cancelled, on_time, judged),) = ask(
            facts,
            "SELECT count(*), count_if(outcome = 'fulfilled'), count_if(outcome = 'cancelled'), count_if(on_time), "
            f"count(on_time) FROM order_flow WHERE started_at >= '2026-06-01' AND {where}",
        )
        assert shown["orders"] == f"{orders:,}", query
        assert shown["fulfilled"] == f"{fulfilled:,}"
        assert shown["cancelled"] == f"{cancelled:,}"
        assert shown["on_time"] == (f"{100 * on_time / judged:.1f} %" if judged else UNKNOWN)
    shown = tiles(get(f"{url}/inbound?from=2026-06-01")[2])
    assert (
        shown["processes"]
        == f"{ask(facts, 'SELECT count(*) FROM inbound_flow WHERE started_at >= DATE $$2026-06-01$$')[0][0]:,}"
    )
    assert (
        tiles(get(f"{url}/carriers?from=2026-06-01")[2])["parcels"]
        == f"{ask(facts, 'SELECT count(*) FROM order_parcel WHERE parcel_created_at >= DATE $$2026-06-01$$')[0][0]:,}"
    )


def test_work_in_progress_is_that_of_the_contract_at_any_instant(url, facts):
    for flow, at in (
        ("order", "2026-06-02T12:00:00Z"),
        ("order", "2026-06-01T05:00:00Z"),
        ("stow", "2026-06-02T09:00:00Z"),
    ):
        shown = tiles(get(f"{url}/wip?from=2026-06-01&flow={flow}&at={at}")[2])
        ((there,),) = ask(
            facts,
            f"SELECT count(*) FROM flow_interval WHERE flow = '{flow}' AND started_at <= '{at}' "
            f"AND (ended_at IS NULL OR ended_at > '{at}')",
        )
        assert shown["wip"] == f"{there:,}"


def test_the_hours_of_work_in_progress_end_in_the_same_numbers(url, facts):
    _, _, text = get(f"{url}/download/wip/hours.csv?from=2026-06-01&flow=order")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[-1]["at"] == "Jun 5 00:00"
    for row in rows[10::13]:
        day, hour = re.fullmatch(r"Jun (\d+) (\d+):00", row["at"]).groups()
        # An hour's end belongs to the next hour: what begins on the stroke is counted there.
        at = f"2026-06-{int(day):02d} {hour}:00:00"
        ((there,),) = ask(
            facts,
            f"SELECT count(*) FROM flow_interval WHERE flow = 'order' AND started_at < TIMESTAMPTZ '{at}+00' "
            f"AND (ended_at IS NULL OR ended_at >= TIMESTAMPTZ '{at}+00')",
        )
        assert sum(int(float(row[k])) for k in ("working", "waiting", "paused", "blocked")) == there


def test_percentiles_are_within_their_bound_of_the_exact_ones(url, facts):
    _, _, text = get(f"{url}/download/overview/cycle.csv?from=2026-06-01")
    shown = {r["day"]: r for r in csv.DictReader(io.StringIO(text))}
    exact = ask(
        facts,
        "SELECT started_at::DATE, quantile_disc(order_cycle_seconds, [0.5, 0.9, 0.99]) FROM order_flow "
        "WHERE started_at >= '2026-06-01' AND order_cycle_seconds IS NOT NULL GROUP BY 1",
    )
    assert len(exact) >= 2
    for day, values in exact:
        for name, value in zip(("median", "p90", "p99"), values, strict=True):
            assert float(shown[str(day)][f"{name}_seconds"]) == pytest.approx(value, rel=0.0101)


def test_the_cycle_times_of_all_orders_and_of_a_facility_are_the_exact_ones_within_their_bound(url, facts):
    exact = (
        "count(*), count_if(outcome = 'fulfilled'), count_if(outcome = 'open'), quantile_disc(order_cycle_seconds, "
        "[0.5, 0.9, 0.95, 0.99]) FROM order_flow WHERE started_at >= '2026-06-01'"
    )
    ((_, _, _, values),) = ask(facts, f"SELECT {exact}")
    html = get(f"{url}/overview?from=2026-06-01")[2]
    median, others = re.search(
        r'data-tile="cycle_p50".*?class="value">(.*?)</div><div class="sub">(.*?)</div>', html
    ).groups()
    written = [median, *others.split(", ")]
    for name, text, value in zip(("", "p90 ", "p95 ", "p99 "), written, values, strict=True):
        assert text in {name + humane(value * (1 + n / 10_000)) for n in range(-101, 102)}
    _, _, text = get(f"{url}/download/overview/facilities.csv?from=2026-06-01")
    table = {r["facility_ref"]: r for r in csv.DictReader(io.StringIO(text))}
    rows = ask(facts, f"SELECT coalesce(facility_ref, 'several or none yet'), {exact} GROUP BY 1")
    assert table.keys() == {facility for facility, *_ in rows}
    for facility, orders, fulfilled, still, values in rows:
        row = table[facility]
        assert [int(row[n]) for n in ("orders", "fulfilled", "open")] == [orders, fulfilled, still]
        found = [float(row[n]) for n in ("p50_seconds", "p90_seconds")]
        assert found == pytest.approx(values[:2], rel=0.0101)


def test_stage_hours_are_those_of_the_intervals(url, facts):
    for flow in ("order", "inbound", "stow"):
        _, _, text = get(f"{url}/download/stages/hours.csv?from=2026-06-01&flow={flow}")
        shown = {
            (r["stage"], r["kind"]): (int(r["stretches"]), float(r["hours"])) for r in csv.DictReader(io.StringIO(text))
        }
        rows = ask(
            facts,
            f"SELECT stage, kind, count(*), sum(seconds) / 3600 FROM flow_interval WHERE flow = '{flow}' "
            "AND started_at >= '2026-06-01' AND seconds IS NOT NULL GROUP BY ALL",
        )
        assert {k: n for k, (n, _) in shown.items()} == {(s, k): n for s, k, n, _ in rows}
        for stage, kind, _, hours in rows:
            assert shown[stage, kind][1] == pytest.approx(hours)


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("from=2026-06-01", "i.started_at >= '2026-06-01'"),
        ("from=2026-06-01&outcome=fulfilled", "i.started_at >= '2026-06-01' AND o.outcome = 'fulfilled'"),
    ],
)
def test_the_lengths_of_a_stage_are_those_of_its_intervals(url, facts, query, where):
    rows_of = (
        f"flow_interval AS i LEFT JOIN order_flow AS o ON o.flow_id = i.flow_id WHERE i.flow = 'order' AND {where}"
    )
    tables = (
        ("stage_days", "day", "i.started_at::DATE", "median"),
        ("stage_places", "facility_ref", "coalesce(i.facility_ref, 'none')", "p50"),
    )
    for stage, (table, key, column, middle) in itertools.product(("pick", "pick_queue"), tables):
        _, _, text = get(f"{url}/download/stages/{table}.csv?{query}&stage={stage}")
        names = [f"{p}_seconds" for p in (middle, "p90", "p99")]
        shown = {r[key]: r for r in csv.DictReader(io.StringIO(text)) if r["p90_seconds"]}
        rows = ask(
            facts,
            f"SELECT {column}, count(*), quantile_disc(seconds, [0.5, 0.9, 0.99]) FROM {rows_of} AND stage = '{stage}' "
            "AND seconds IS NOT NULL GROUP BY 1",
        )
        assert shown.keys() == {str(value) for value, *_ in rows} != set()
        for value, stretches, exact in rows:
            found = shown[str(value)]
            assert int(found.get("stretches", stretches)) == stretches
            assert [float(found[n]) for n in names] == pytest.approx(exact, rel=0.0101)


def test_stages_can_be_narrowed_to_the_orders_of_a_channel_and_an_outcome(url, facts):
    for channel, outcome in (("SHIPPING", "cancelled"), ("COLLECT", "fulfilled"), ("SHIPPING", "fulfilled")):
        _, _, text = get(f"{url}/download/stages/hours.csv?from=2026-06-02&channel={channel}&outcome={outcome}")
        shown = {(r["stage"], r["kind"]): int(r["stretches"]) for r in csv.DictReader(io.StringIO(text))}
        rows = ask(
            facts,
            "SELECT stage, kind, count(*) FROM flow_interval AS i JOIN order_flow AS o ON o.flow_id = i.flow_id "
            f"WHERE i.flow = 'order' AND i.started_at >= '2026-06-02' AND seconds IS NOT NULL "
            f"AND o.channel = '{channel}' AND o.outcome = '{outcome}' GROUP BY ALL",
        )
        assert shown == {(stage, kind): n for stage, kind, n in rows}
        assert shown


def test_a_file_of_an_earlier_version_gives_the_same_stages(facts, tmp_path):
    """Such a file does not keep channel and outcome beside the stretches."""
    older = tmp_path / "warehouse.duckdb"
    shutil.copy(facts / "warehouse.duckdb", older)
    with duckdb.connect(str(older)) as con:
        con.execute("DROP VIEW flowfacts.stretch")
    tables = []
    for door in (EmbeddedDoor(str(facts)), EmbeddedDoor(str(older))):
        f = read({"outcome": "fulfilled", "channel": "SHIPPING"}, choices(door), {})
        tables.append([(p.key, [*p.table.rows]) for p in stages.build(door, f).panels])
        door.close()
    for (key, rows), (other, others) in zip(*tables, strict=True):
        assert key == other
        assert [[*r.values()] for r in rows] == [pytest.approx([*r.values()]) for r in others] != []


PARTS = ("working", "waiting", "paused", "blocked", "site_closed")


def test_time_and_slack_are_those_of_the_views(url, facts):
    """The page adds up relations and a view by itself; the views are the other way to the same numbers."""
    for query, where in (
        ("from=2026-06-01", "started_at >= '2026-06-01'"),
        ("from=2026-06-02&to=2026-06-02", "started_at::DATE = '2026-06-02'"),
        ("from=2026-06-01&channel=COLLECT", "started_at >= '2026-06-01' AND channel = 'COLLECT'"),
        ("from=2026-06-01&outcome=open", "started_at >= '2026-06-01' AND outcome = 'open'"),
    ):
        sums = ", ".join(f"sum({p}_seconds) / 3600" for p in (*PARTS, "slack_used", "slack_late"))
        expected = {
            s: rest for s, *rest in ask(facts, f"SELECT stage, {sums} FROM order_slack WHERE {where} GROUP BY 1")
        }
        _, _, text = get(f"{url}/download/time/split.csv?{query}")
        shown = {r["stage"]: [float(r[p]) for p in PARTS] for r in csv.DictReader(io.StringIO(text))}
        assert shown == {s: pytest.approx(x[:5]) for s, x in expected.items() if sum(x[:5]) > 0}
        _, _, text = get(f"{url}/download/time/slack.csv?{query}")
        slack = {r["stage"]: [float(r["used"]), float(r["late"])] for r in csv.DictReader(io.StringIO(text))}
        assert slack == {s: pytest.approx(x[5:]) for s, x in expected.items() if x[5] or x[6]}
        ((hours, closed),) = ask(
            facts, f"SELECT sum(order_seconds) / 3600, sum(site_closed_seconds) / 3600 FROM order_split WHERE {where}"
        )
        figures = tiles(get(f"{url}/time?{query}")[2])
        assert figures["hours"] == f"{hours:,.0f} h"
        assert figures["site_closed"] == f"{100 * closed / hours:.1f} %"
    ((late, running),) = ask(
        facts,
        """SELECT count_if(target_at < as_of), count(*) FROM order_flow, (SELECT max(as_of) AS as_of FROM pipeline_run)
        WHERE outcome = 'open' AND target_at IS NOT NULL AND NOT (channel IS NOT DISTINCT FROM 'COLLECT'
        AND first_handover_created_at IS NOT NULL) AND started_at >= '2026-06-01'""",
    )
    assert tiles(get(f"{url}/time?from=2026-06-01")[2])["late"] == f"{late:,}" != "0"
    assert len(get(f"{url}/download/time/due.csv?from=2026-06-01")[2].splitlines()) == running + 1


def test_the_explorer_and_explain_tell_where_the_time_of_an_order_went(url, facts, capsys):
    ((number, flow_id, left),) = ask(
        facts,
        "SELECT tenant_order_id, flow_id, slack_left_seconds FROM order_flow JOIN order_split USING (flow_id) "
        "WHERE order_flow.outcome = 'fulfilled' AND lateness_seconds > 0 AND tenant_order_id IS NOT NULL LIMIT 1",
    )
    rows = ask(facts, f"SELECT stage, stage_seconds, site_closed_seconds FROM order_slack WHERE flow_id = '{flow_id}'")
    html = get(f"{url}/explorer?q={number}")[2]
    shown = dict(re.findall(r'data-stage="(\w+)".*?title="([\d.]+) s"', html))
    assert shown == {stage: f"{seconds:.6f}" for stage, seconds, _ in rows}
    assert "late" in html.split('data-panel="ledger"')[1][:900]
    assert main(["explain", number, "--output", str(facts), "--json"]) == 0
    (told,) = [d for d in map(json.loads, capsys.readouterr().out.splitlines()) if d["row"]["flow_id"] == flow_id]
    assert {r["stage"]: r["site_closed_seconds"] for r in told["ledger"]} == {s: c for s, _, c in rows}
    assert told["ledger"][0]["slack_left_seconds"] == left < 0
    assert main(["explain", number, "--output", str(facts)]) == 0
    assert "over its target" in capsys.readouterr().out


def test_times_are_told_in_the_zone_of_the_facility(facts, tmp_path):
    """Two facilities in two zones; a row without a facility in that of the others."""
    file = tmp_path / "warehouse.duckdb"
    shutil.copy(facts / "warehouse.duckdb", file)
    (far, near), *_ = ask(
        facts, "SELECT min(facility_ref), max(facility_ref) FROM order_flow WHERE facility_ref IS NOT NULL"
    )
    with duckdb.connect(str(file)) as con:
        con.execute("DELETE FROM flowfacts.facility_calendar_moving")  # where the rows of the run lie
        assert con.execute("SELECT count(*) FROM facility_calendar").fetchall() == [(0,)]
        con.execute(
            "INSERT INTO flowfacts.facility_calendar_staying VALUES (?, 'a', 'Asia/Tokyo', false, 1), "
            "(?, 'b', 'Europe/London', false, 1), ('*', 'c', 'America/New_York', true, 1)",
            [far, near],
        )
    order = "SELECT flow_id, strftime(started_at {}, '%Y-%m-%d %H:%M:%S') FROM order_flow WHERE facility_ref {} LIMIT 1"
    with dashboard("--warehouse", str(file)) as address:
        for where, zone in (
            (f"= '{far}'", "Asia/Tokyo"),
            (f"= '{near}'", "Europe/London"),
            ("IS NULL", "America/New_York"),
        ):
            ((flow_id, local),) = ask(facts, order.format(f"AT TIME ZONE '{zone}'", where))
            html = get(f"{address}/explorer?q={flow_id}")[2]
            assert f">{local}</time>" in html
            assert f"times are local ({zone})" in html
        html = get(f"{address}/wip?from=2026-06-01&facility={far}&at=2026-06-02T20:00:00Z")[2]
        assert "Wed 2026-06-03 05:00" in html
    with dashboard("--warehouse", str(file), "--zone", "Pacific/Auckland") as address:
        assert "times are local (Pacific/Auckland)" in get(f"{address}/explorer?q={flow_id}")[2]


def test_work_in_progress_is_what_a_replay_of_the_events_up_to_the_instant_gives(url, facts):
    """A tenant whose last event is at the instant has as much in progress as the page tells of the past."""
    events = [
        e
        for part in parts_of(read_manifest(str(facts)))
        if part.relation == EVENT_LOG
        for e in events_in(read_table(str(facts), part))
    ]
    deadlines = {flow: days * 86_400_000_000 for flow, days in DEADLINE_DAYS.items()}
    for text in ("2026-06-01T09:00:00Z", "2026-06-02T06:00:00Z", "2026-06-02T16:00:00Z", "2026-06-03T12:00:00Z"):
        at = parse_time(text)
        rows, _, _ = project_all([copy.copy(e) for e in events if e.event_at <= at], Settings(at, deadlines))
        for flow in ("order", "inbound", "stow"):
            there = Counter(
                i[6] for i in rows.flow_interval if i[0] == flow and i[7] <= at and (i[8] is None or i[8] > at)
            )
            shown = tiles(get(f"{url}/wip?from=2026-06-01&flow={flow}&at={text}")[2])
            assert shown["wip"] == f"{sum(there.values()):,}", (flow, text)
            assert shown["idle"] == f"{sum(n for kind, n in there.items() if kind != 'working'):,}", (flow, text)


def test_a_download_has_all_rows(url, facts):
    status, headers, text = get(f"{url}/download/orders/list.csv?from=2026-06-01")
    assert status == 200
    assert headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    ((orders,),) = ask(facts, "SELECT count(*) FROM order_flow WHERE started_at >= '2026-06-01'")
    assert len(rows) == orders > 100
    assert {r["outcome"] for r in rows} >= {"fulfilled", "cancelled"}
    assert all(r["started_at"].endswith("Z") for r in rows)


@pytest.mark.parametrize("bad", HOSTILE)
def test_hostile_words_do_no_harm(url, facts, bad):
    word = urllib.parse.quote(bad)
    before = ask(facts, "SELECT count(*) FROM order_flow")
    for address in (
        f"/explorer?q={word}",
        f"/explorer?q=x&flow_id={word}",
        f"/explorer.json?q={word}",
        f"/overview?facility={word}&channel={word}&outcome={word}&from={word}&to={word}",
        f"/wip?at={word}&flow={word}",
        f"/stages?stage={word}&flow={word}",
        f"/download/orders/{word}.csv",
        f"/download/{word}/list.csv",
        f"/{word}",
        f"/static/{word}",
    ):
        status, _, html = get(url + address)
        assert status in (200, 404, 414), address
        assert "<script>alert" not in html
        assert "root:" not in html
        assert "Traceback" not in html
    assert ask(facts, "SELECT count(*) FROM order_flow") == before
    assert tiles(get(f"{url}/overview?from=2026-06-01&facility={word}")[2]) == tiles(
        get(f"{url}/overview?from=2026-06-01")[2]
    )


def test_files_can_not_be_read_through_static(url):
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fserve.py", "//etc/passwd"):
        assert get(url + path)[0] in (400, 404)


def test_it_answers_to_its_own_name_only_and_reads_only(url):
    assert get(f"{url}/overview", Host="evil.example")[0] == 400
    request = urllib.request.Request(f"{url}/overview", data=b"x=1", method="POST")
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=10)
    assert error.value.code == 405
    error.value.close()


def test_it_listens_on_loopback(url):
    port = int(url.rsplit(":", 1)[1])
    with open("/proc/net/tcp", encoding="ascii") as table:
        addresses = {line.split()[1] for line in table if f":{port:04X} " in line and line.split()[3] == "0A"}
    assert addresses == {f"0100007F:{port:04X}"}


def test_it_says_so_when_it_is_open_to_others(facts):
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pipelines.cli",
            "dashboard",
            "--output",
            str(facts),
            "--port",
            "0",
            "--host",
            "0.0.0.0",
        ],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert "http://" in process.stdout.readline()
        process.terminate()
        assert "everybody who reaches it" in process.stderr.read()


def test_it_heals_when_the_warehouse_is_replaced(facts, tmp_path):
    file = tmp_path / "warehouse.duckdb"
    shutil.copy(facts / "warehouse.duckdb", file)
    with dashboard("--warehouse", str(file)) as address:
        before = tiles(get(f"{address}/overview?from=2026-06-01")[2])
        fresh = tmp_path / "fresh"
        shutil.copy(file, fresh)
        with duckdb.connect(str(fresh)) as con:
            con.execute("DELETE FROM flowfacts.order_flow_moving WHERE outcome = 'cancelled'")
            con.execute("DELETE FROM flowfacts.order_flow_staying WHERE outcome = 'cancelled'")
        os.replace(fresh, file)
        after = tiles(get(f"{address}/overview?from=2026-06-01")[2])
        assert before["cancelled"] != "0"
        assert after["cancelled"] == "0"
        file.write_bytes(b"no database")
        status, _, html = get(f"{address}/overview")
        assert status == 503
        assert "it is not whole" in html
        file.unlink()
        assert get(f"{address}/overview")[0] == 503
        shutil.copy(facts / "warehouse.duckdb", file)
        assert tiles(get(f"{address}/overview?from=2026-06-01")[2]) == before


def test_a_download_goes_on_while_the_warehouse_is_replaced(facts, tmp_path):
    file = tmp_path / "warehouse.duckdb"
    shutil.copy(facts / "warehouse.duckdb", file)
    door = EmbeddedDoor(str(file), follow=True)
    ((events,),) = ask(facts, "SELECT count(*) FROM flow_event")
    rows = door.stream("SELECT event_id FROM flow_event")
    next(rows)
    (tmp_path / "fresh").write_bytes(file.read_bytes())
    os.replace(tmp_path / "fresh", file)
    counted = []
    waiting = threading.Thread(target=lambda: counted.append(door.ask("SELECT COUNT(*) AS n FROM flow_event")))
    waiting.start()  # waits for the download, and then asks the new file
    assert 1 + sum(1 for _ in rows) == events
    waiting.join(timeout=30)
    assert counted == [[{"n": events}]]
    door.close()


def test_an_empty_warehouse_says_what_to_do(tmp_path):
    from pipelines.datasets import read_manifest, write_manifest
    from pipelines.warehouse import build

    write_manifest(str(tmp_path), {"run": {"run_id": "r1"}, "as_of": None}, (), ())
    build(str(tmp_path), read_manifest(str(tmp_path)))
    with dashboard("--output", str(tmp_path)) as address:
        for page in PAGES:
            status, _, html = get(f"{address}/{page}")
            assert status == 200, page
            assert "warehouse is empty" in html or page == "explorer"


def test_a_taken_port_and_a_wrong_zone_are_bad_arguments(facts, capsys):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["dashboard", "--output", str(facts), "--port", port]) == 2
    assert "--port" in capsys.readouterr().err
    assert main(["dashboard", "--output", str(facts), "--zone", "Nowhere/Land"]) == 2
    assert "time zone" in capsys.readouterr().err


def test_a_report_is_one_file_that_needs_nothing(facts, tmp_path, capsys):
    to = tmp_path / "report.html"
    words = ["report", "--output", str(to), "--warehouse", str(facts)]
    assert main([*words, "--from", "2026-06-02", "--to", "2026-06-02"]) == 0
    html = to.read_text(encoding="utf-8")
    assert not re.findall(r"<(?:script|link|img|iframe)|(?:src|href)=|url\(|@import", html)
    ((orders,),) = ask(facts, "SELECT count(*) FROM order_flow WHERE started_at::DATE = '2026-06-02'")
    assert tiles(html)["orders"] == f"{orders:,}"
    assert html.count("<svg") > 20
    assert main([*words, "--from", "2030-01-01"]) == 2
    assert main([*words, "--from", "yesterday"]) == 2
    assert main([*words, "--facility", "' OR 1=1"]) == 2
    assert "the warehouse has 2026" in capsys.readouterr().err


def test_the_other_commands_do_not_load_the_web_framework():
    code = (
        "import sys; from pipelines.cli import main\n"
        "try:\n main(['explain', '--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('starlette', 'uvicorn', 'jinja2', 'duckdb') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
