"""From an empty machine to answers, and to alerts: every job as it is run for real, with emulators for every service.

One configuration file names everything, and every command takes its options from there. The platform is a stand-in that
publishes an event only where it has a subscription for it; the vendor's bucket, Pub/Sub and BigQuery are emulators on
real sockets. What comes out at the end is compared with the truth that the simulator has drawn.
"""

from __future__ import annotations

import gzip
import json
import operator
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.pubsub_v1.types import PubsubMessage

from pipelines import cli
from pipelines.simulator.publish import lines_of, message_of
from pipelines.simulator.run import Plan, simulate
from schemas.event_types import EVENT_TYPES
from schemas.signals import LIMITS, METRICS, NAMESPACE
from tests import truth
from tests.emulators import bigquery, pubsub
from tests.emulators.platform_api import KEY, PASSWORD, USER, PlatformApi, platform_api
from tests.emulators.storage import StorageEmulator, storage_emulator
from tests.emulators.storage_proxy import DOWNLOAD, Fault, StorageProxy, storage_proxy
from tests.serving import dashboard

DAYS = 3
START = datetime.now(UTC).date() - timedelta(days=DAYS)
TOPIC = f"{pubsub.PROJECT}/topics/flowfacts"
LANDING, STREAMING = (f"{pubsub.PROJECT}/subscriptions/{n}" for n in ("landing", "streaming"))
DATASET = f"{bigquery.PROJECT}.story"
ALL = ("order_flow", "order_leg", "order_parcel", "inbound_flow", "inbound_receipt", "stow_flow", "flow_interval")


@dataclass
class World:
    """Everything outside of flowfacts."""

    folder: Path
    platform: PlatformApi
    vendor: StorageEmulator
    proxy: StorageProxy
    pubsub: pubsub.Emulator
    bigquery: bigquery.Emulator
    tenant: Path
    drawn: dict[str, Any]
    lines: list[dict[str, Any]] = field(default_factory=list)

    def deliver(self) -> int:
        """Let the platform publish the events of the tenant: those that somebody has subscribed to."""
        sent: dict[str, list[PubsubMessage]] = {}
        for line in lines_of(self.tenant / "export"):
            at, body = message_of(line)
            message = json.loads(body)
            message["event"] = public_name(message["event"])
            stamp = Timestamp()
            stamp.FromMicroseconds(round(at * 1e6))
            for topic in self.platform.targets(message["event"]):
                data = json.dumps(message).encode()
                sent.setdefault(topic, []).append(PubsubMessage(data=data, publish_time=stamp))
        for topic, messages in sent.items():
            self.pubsub.publish(topic, messages)
        return sum(map(len, sent.values()))

    def export(self, day: str) -> None:
        """Let the vendor write the export of a day into its bucket."""
        for file in sorted((self.tenant / "export" / day).rglob("*")):
            if file.is_file():
                name = file.relative_to(self.tenant / "export").as_posix()
                self.vendor.put("vendor", f"tenant/{name}", file.read_bytes())


def public_name(name: str) -> str:
    """Spell the name of an export line as the platform spells its events."""
    found = re.sub(r"_event-v\d+$", "", name).replace("-", "_").upper()
    aliases = {a: e.name for e in EVENT_TYPES for a in (e.name, *e.aliases)}
    return aliases.get(found, aliases.get(f"{found}_EVENT", found))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("story")
    drawn = simulate(Plan(folder / "tenant", DAYS, 25, 11, "none", START.isoformat(), 1))
    with ExitStack() as stack:
        places = [folder / n for n in ("gcs", "pubsub", "bigquery", "work")]
        for place in places:
            place.mkdir()
        platform = stack.enter_context(platform_api())
        vendor = stack.enter_context(storage_emulator(places[0]))
        proxy = stack.enter_context(storage_proxy(vendor.url))
        messages = stack.enter_context(pubsub.running(pubsub.OWN, places[1], "--keep-publish-time"))
        warehouse = stack.enter_context(bigquery.running(places[2]))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        vendor.make_bucket("vendor")
        messages.publisher.create_topic(request={"name": TOPIC})
        for name in (LANDING, STREAMING):
            messages.subscriber.create_subscription(request={"name": name, "topic": TOPIC, "ack_deadline_seconds": 60})
        for name, value in {
            "STORAGE_EMULATOR_HOST": proxy.url, "PUBSUB_EMULATOR_HOST": messages.host, "GOOGLE_CLOUD_PROJECT": "p",
            "BIGQUERY_EMULATOR_HOST": warehouse.url, "FIREBASE_AUTH_EMULATOR_HOST": platform.host,
            "FLOWFACTS_API_KEY": KEY, "FLOWFACTS_API_USER": USER, "FLOWFACTS_API_PASSWORD": PASSWORD,
        }.items():  # fmt: skip
            patch.setenv(name, value)
        patch.chdir(places[3])
        Path("flowfacts.toml").write_text(CONFIGURATION.format(base_url=platform.url))
        yield World(places[3], platform, vendor, proxy, messages, warehouse, folder / "tenant", drawn)


CONFIGURATION = f"""\
[common]
input = "export"
output = "facts"

[subscribe]
base-url = "{{base_url}}"
project = "test-project"
topic = "flowfacts"

[mirror]
bucket = "vendor/tenant"
to = "export"

[batch]
bigquery = "{DATASET}"
workers = 1

[bigquery]
dataset = "{DATASET}"

[land]
subscription = "{LANDING}"
to = "landed"
idle-exit = 5

[stream]
subscription = "{STREAMING}"
output = "live"
flush-seconds = 0.5
patience-seconds = 0.5
publish-seconds = 0.5
idle-exit = 15

[doctor]
clock-url = "{{base_url}}"
"""


@pytest.fixture
def run(world: World, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command in this process, with nothing but what is typed and the configuration."""

    def go(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = cli.main(list(words))
        out, err = capsys.readouterr()
        for secret in (KEY, USER, PASSWORD):
            assert secret not in out + err
        if "--log" in words:
            world.lines.append(json.loads(out.splitlines()[-1]))
        go.err = err  # type: ignore[attr-defined]
        return code, out

    return go


def rows(out: str) -> list[dict[str, Any]]:
    """Read the answer to a question, an object a line."""
    return [json.loads(line) for line in out.splitlines()]


def test_1_set_up(world: World, run: Any) -> None:
    """The doctor says what is missing; what it says to do, mends it."""
    assert run("config", "check")[0] == 0
    code, out = run("doctor", "--json")
    assert code == 1
    fixes = {f["area"]: f["fix"] for f in json.loads(out)["findings"] if f["state"] == "fail"}
    assert set(fixes) == {"dataset", "input"}
    assert run("subscribe")[0] == 6
    assert run("subscribe", "--apply")[0] == 0
    assert run("subscribe")[0] == 0
    assert run(*fixes["dataset"].split()[1:])[0] == 0
    assert run("bigquery", "plan")[0] == 0
    code, out = run("doctor", "--json")
    left = [(f["area"], f["found"]) for f in json.loads(out)["findings"] if f["state"] == "fail"]
    assert [area for area, _ in left] == ["input"]  # nothing was mirrored yet


def test_2_every_day_the_schedule_mirrors_computes_loads_and_looks(world: World, run: Any) -> None:
    """Three days by a timer that is simulated; on each the vendor has written one more."""
    days = sorted(p.name for p in (world.tenant / "export").iterdir())
    assert len(days) >= DAYS
    for n, day in enumerate(days):
        world.export(day)
        assert run("mirror", "--log", "--quiet")[0] == 0
        assert run("batch", "--log", "--quiet")[0] == 0
        code, out = run("status", "--json")
        found = json.loads(out)
        assert (code, found["attention"]) == (0, [])
        assert [d["day"] for d in found["days"]] == days[: n + 1]
        assert all(d["closed"] for d in found["days"][:-1])
    assert run("batch", "--quiet")[0] == 0  # an hour later, when nothing is due
    assert run("doctor")[0] == 0
    assert truth.compare(world.tenant / "truth", Path("facts/warehouse.duckdb")) == []


def test_3_the_dataset_answers_as_the_embedded_warehouse_does(run: Any) -> None:
    with duckdb.connect("facts/warehouse.duckdb", read_only=True) as con:
        for relation in ALL:
            (count,) = con.execute(f"SELECT count(*) FROM {relation}").fetchall()[0]
            code, out = run("query", f"SELECT COUNT(*) AS n FROM {relation}", "--dataset", DATASET, "--format", "json")
            assert (code, rows(out)) == (0, [{"n": count}]), relation
            assert count > 0
    asked = "SELECT day, SUM(orders) AS n FROM daily_orders WHERE day >= '2020-01-01' GROUP BY day ORDER BY day"
    answers = [
        rows(run("query", asked, *where, "--format", "json")[1])
        for where in (("--dataset", DATASET), ("--output", "facts"))
    ]
    assert answers[0] == answers[1]
    assert sum(row["n"] for row in answers[0]) > 0


def test_4_what_is_subscribed_to_lands_and_streams_and_both_give_the_facts_of_the_export(
    world: World, run: Any
) -> None:
    published = world.deliver()
    assert published > 1000
    streaming = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "stream", "--as-of", as_of(), "--json"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert run("land", "--quiet")[0] == 0
        words = ("--input", "landed", "--output", "landed-facts", "--as-of", as_of(), "--quiet")
        code = cli.main(["--config", os.devnull, "batch", *words, "--workers", "1"])
        assert code == 0
        out, err = streaming.communicate(timeout=150)
        assert streaming.returncode == 0, err
        assert json.loads(out.splitlines()[-1])["messages_accepted"] == published
    finally:
        streaming.kill()
        streaming.communicate()
    with duckdb.connect("facts/warehouse.duckdb", read_only=True) as con:
        con.execute("ATTACH 'landed-facts/warehouse.duckdb' AS landed (READ_ONLY)")
        for relation in ALL:
            for one, other in ((relation, f"landed.{relation}"), (f"landed.{relation}", relation)):
                assert con.execute(f"SELECT * FROM {one} EXCEPT ALL SELECT * FROM {other} LIMIT 3").fetchall() == [], (
                    relation
                )
    assert run("compare", "--live", "live", "--settled", "landed-facts", "--json")[0] == 0


def as_of() -> str:
    told: str = json.loads(Path("facts/manifest.json").read_text())["as_of"]
    return told


def test_5_the_pages_and_the_terminal_answer(world: World, run: Any) -> None:
    with duckdb.connect(str(world.folder / "facts" / "warehouse.duckdb"), read_only=True) as con:
        ((order,),) = con.execute(
            "SELECT tenant_order_id FROM order_flow WHERE outcome = 'fulfilled' ORDER BY 1 LIMIT 1"
        ).fetchall()
    with dashboard("--output", str(world.folder / "facts")) as url:
        for page in ("overview", "orders", "stages", "quality"):
            with urllib.request.urlopen(f"{url}/{page}", timeout=60) as answer:
                assert answer.status == 200
                assert re.search(r'class="value">\s*[\d,.]+', answer.read().decode()), page
    code, out = run("explain", order, "--json")
    assert code == 0
    assert json.loads(out.splitlines()[0])["flow"] == "order"


# --- What goes wrong is seen: exit codes, JSON, and the alerts that are declared for log lines ---


def alerts(lines: list[dict[str, Any]]) -> set[str]:
    """Tell which of the declared metrics count one of the lines, by the words of the declaration alone."""
    return {
        m.name for m in METRICS if m.value is None and m.tests and any(_counts(m, line[NAMESPACE]) for line in lines)
    }


def _counts(metric: Any, fields: dict[str, Any]) -> bool:
    if fields["signal"] not in metric.signals:
        return False
    for test in metric.tests:
        value = fields.get(test.field)
        wanted = LIMITS[test.value.strip("{}")][0] if str(test.value).startswith("{") else test.value
        if value is None:
            return False
        if test.operator == "in":
            held = str(value) in str(wanted).split()
        else:
            held = {">": operator.gt, "<": operator.lt, "<=": operator.le, "=": operator.eq}[test.operator](
                value, wanted
            )
        if not held:
            return False
    return True


@pytest.fixture
def copy(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work on a copy of input and output, without BigQuery; the lines of the days without trouble raised nothing."""
    assert world.lines
    assert alerts(world.lines) == set()
    world.lines.clear()
    for name in ("export", "facts"):
        shutil.copytree(world.folder / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    Path("flowfacts.toml").write_text('[common]\ninput = "export"\noutput = "facts"\n[batch]\nworkers = 1\n')
    yield tmp_path
    world.lines[:] = [{NAMESPACE: {"signal": "batch"}}]


def new_day(ago: int, data: bytes, name: str = "a.ndjson.gz") -> str:
    day = (datetime.now(UTC).date() - timedelta(days=ago)).isoformat()
    Path("export", day).mkdir(exist_ok=True)
    Path("export", day, name).write_bytes(data)
    return day


def some_lines(world: World, count: int) -> bytes:
    """Give lines that no file has yet: those of the tenant, under other event ids."""
    lines = [text for text, _ in zip(lines_of(world.tenant / "export"), range(count), strict=False)]
    return b"\n".join(lines) + b"\n\n"


def test_6_a_cut_file(world: World, run: Any, copy: Path) -> None:
    day = new_day(0, gzip.compress(some_lines(world, 200))[:-20], "z.ndjson.gz")
    assert run("batch", "--log", "--quiet")[0] == 3
    code, _ = run("status", "--log", "--quiet")
    assert code == 3
    assert alerts(world.lines) == {"days_cut"}
    code, out = run("status", "--json")
    assert any(day in line for line in json.loads(out)["attention"])


def test_7_a_shape_that_nobody_knows(world: World, run: Any, copy: Path) -> None:
    new_day(0, gzip.compress(some_lines(world, 50) + b"{broken\n" * 100), "z.ndjson.gz")
    assert run("batch", "--log", "--quiet")[0] == 0
    assert run("status", "--log", "--quiet")[0] == 3
    assert "batch_dead" in alerts(world.lines)
    _, out = run("query", "SELECT reason, COUNT(*) AS n FROM dead_letter GROUP BY reason", "--format", "json")
    assert rows(out) == [{"n": 100, "reason": "invalid_json"}]


def test_8_days_that_nobody_reads(world: World, run: Any, copy: Path) -> None:
    """The batch job does not run any more; the source is about to delete what it has."""
    new_day(3, gzip.compress(some_lines(world, 50)), "z.ndjson.gz")
    new_day(80, gzip.compress(some_lines(world, 60)), "z.ndjson.gz")
    code, _ = run("status", "--log", "--quiet")
    assert code == 3
    assert {"days_late", "files_missing", "source_deletes"} <= alerts(world.lines)
    told = json.loads(run("status", "--json")[1])["attention"]
    assert any("the source deletes them in" in line for line in told)


def test_9_a_run_that_can_not_write_and_a_mirror_that_may_not_read(world: World, run: Any, copy: Path) -> None:
    new_day(0, gzip.compress(some_lines(world, 50) + b" \n"), "z.ndjson.gz")
    before = Path("facts/manifest.json").read_bytes()
    shutil.rmtree("facts/event_log")
    Path("facts/event_log").write_text("no folder")
    assert run("batch", "--log", "--quiet")[0] == 1
    assert alerts(world.lines) == {"jobs_failed"}
    assert Path("facts/manifest.json").read_bytes() == before
    world.lines.clear()
    world.proxy.faults = [Fault(DOWNLOAD, times=99, status=403)]
    code, _ = run("mirror", "--bucket", "vendor/tenant", "--to", "fresh", "--give-up", "1", "--log", "--quiet")
    world.proxy.reset()
    assert (code, "needs storage.objects.get" in run.err) == (2, True)
    assert "jobs_failed" in alerts(world.lines)


def test_10_a_subscription_that_somebody_removed_and_a_clock_that_runs_away(
    world: World, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = next(k for k, r in world.platform.rows.items() if r["event"] == "PICK_JOB_CREATED")
    kept = world.platform.rows.pop(gone)
    world.platform.skew = 400
    try:
        assert run("subscribe")[0] == 6
        code, out = run("doctor", "--json")
        found = json.loads(out)["findings"]
        assert code == 1
        assert [f["area"] for f in found if f["state"] == "fail"] == ["clock"]
        assert any("70 of 71 events" in f["found"] for f in found if f["state"] == "warn")
    finally:
        world.platform.skew = 0
    assert run("subscribe", "--apply")[0] == 0
    assert kept["event"] in {r["event"] for r in world.platform.rows.values()}
