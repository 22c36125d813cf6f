"""The lines of `--log`: what a log collector gets of real runs, and which alerts injected faults raise."""

import gzip
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from pipelines import running
from pipelines.cli import main
from schemas.signals import ALERTS, COMMON, LIMITS, METRICS, NAMESPACE, SIGNALS
from tests.emulators.pubsub import OWN
from tests.emulators.pubsub import running as pubsub
from tests.emulators.storage import storage_emulator
from tests.log_filters import alerts, matching

NOW = datetime.now(UTC)


def logged(capsys, *words):
    """Run a command with --log; gives its exit code and its lines."""
    capsys.readouterr()
    code = main([*map(str, words), "--log"])
    return code, capsys.readouterr().out.splitlines()


def fields(line):
    return json.loads(line)[NAMESPACE]


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    """Yesterday and today of a small tenant without faults."""
    folder = tmp_path_factory.mktemp("signals") / "tenant"
    start = f"{NOW - timedelta(days=1):%Y-%m-%d}"
    words = ["simulate", "--output", str(folder), "--days", "2", "--orders-per-day", "4", "--start", start]
    assert main([*words, "--workers", "1"]) == 0
    return folder / "export"


@pytest.fixture(scope="module")
def facts(tenant, tmp_path_factory):
    out = tmp_path_factory.mktemp("signals") / "facts"
    assert main(["batch", "--input", str(tenant), "--output", str(out), "--quiet", "--workers", "1"]) == 0
    return out


def one(tmp_path, *, day=None, lines=3, cut=False, bad=0):
    """Write an export of one file; gives its folder."""
    day = day or f"{NOW - timedelta(days=1):%Y-%m-%d}"
    body = b"".join(
        b'{"id":"%s","eventName":"FACILITY_CREATED","payload":{"id":"f"},"created":"%sT08:00:00Z"}\n'
        % (uuid.uuid4().hex.encode(), day.encode())
        for _ in range(lines)
    )
    packed = gzip.compress(body + b"nonsense\n" * bad)
    folder = tmp_path / "export" / day
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{uuid.uuid4().hex}.ndjson.gz").write_bytes(packed[: len(packed) - 6] if cut else packed)
    return tmp_path / "export"


def test_a_healthy_day_is_told_whole_and_raises_no_alert(tenant, tmp_path, capsys):
    out = tmp_path / "facts"
    code, (line,) = logged(capsys, "batch", "--input", tenant, "--output", out, "--workers", 1)
    told = json.loads(line)
    assert (code, told["severity"]) == (0, "INFO")
    assert told.keys() == {"time", "severity", "message", NAMESPACE}
    assert fields(line).keys() == {f.name for f in (*COMMON, *SIGNALS["batch"])}
    written = sum(len(gzip.decompress(f.read_bytes()).splitlines()) for f in tenant.rglob("*.gz"))
    assert fields(line)["lines_read"] == written > 100
    assert alerts(line) == set()
    assert matching(line) == {"dead_letter_rate", "batch_seconds", "events_accepted"}
    code, (line,) = logged(capsys, "batch", "--input", tenant, "--output", out, "--workers", 1)
    assert fields(line)["nothing_due"] is True
    assert matching(line) == set()  # what was told once is not measured twice
    code, (line,) = logged(capsys, "status", "--input", tenant, "--output", out)
    assert alerts(line) == set()
    assert fields(line).keys() == {f.name for f in (*COMMON, *SIGNALS["status"])} - {"days_left"}
    assert fields(line)["completeness"] == 1


def test_old_facts_raise_the_alert_of_freshness(facts, capsys):
    _, (line,) = logged(capsys, "status", "--output", facts)
    age = fields(line)["facts_age_hours"]
    assert "facts_stale" not in alerts(line, freshness_hours=age)
    assert "facts_stale" in alerts(line, freshness_hours=age - 0.01)


def test_a_day_that_nobody_reads_raises_the_alerts_of_completeness(tmp_path, capsys):
    source = one(tmp_path, day="2026-06-01")
    logged(capsys, "batch", "--input", source, "--output", tmp_path / "facts", "--workers", 1)
    one(tmp_path, day="2026-06-02")
    code, (line,) = logged(capsys, "status", "--input", source, "--output", tmp_path / "facts", "--source-days", 9999)
    assert (code, json.loads(line)["severity"]) == (3, "WARNING")
    assert alerts(line) == {"days_late", "files_missing", "facts_stale"}
    assert (fields(line)["days_late"], fields(line)["files_unread"], fields(line)["completeness"]) == (1, 1, 0.5)


def test_a_source_that_soon_deletes_raises_its_alert(tmp_path, capsys):
    source = one(tmp_path)
    logged(capsys, "batch", "--input", source, "--output", tmp_path / "facts", "--workers", 1)
    one(tmp_path)
    words = ("status", "--input", source, "--output", tmp_path / "facts", "--source-days")
    _, (line,) = logged(capsys, *words, 20)
    assert "source_deletes" not in alerts(line)
    _, (line,) = logged(capsys, *words, 12)
    assert "source_deletes" in alerts(line)


def test_a_cut_file_raises_its_alert(tmp_path, capsys):
    source = one(tmp_path, cut=True)
    one(tmp_path)
    code, (line,) = logged(capsys, "batch", "--input", source, "--output", tmp_path / "facts", "--workers", 1)
    assert (code, json.loads(line)["severity"], fields(line)["files_incomplete"]) == (3, "WARNING", 1)
    assert alerts(line) == set()  # it may still come whole; the status looks again
    _, (line,) = logged(capsys, "status", "--input", source, "--output", tmp_path / "facts")
    assert "days_cut" in alerts(line)


def test_dead_letters_raise_their_alert_from_the_limit_on(tmp_path, capsys):
    source = one(tmp_path, lines=98, bad=2)
    code, (line,) = logged(capsys, "batch", "--input", source, "--output", tmp_path / "facts", "--workers", 1)
    assert (code, fields(line)["dead_letters"], fields(line)["dead_letter_rate"]) == (0, 2, 0.02)
    assert alerts(line) == {"dead_letter_rate"}
    assert alerts(line, dead_letter_rate=0.02) == set()
    assert "nonsense" not in line


def test_books_that_do_not_balance_raise_their_alert(tmp_path, capsys, monkeypatch):
    real = running.run_pipeline

    def loses(job, **asked):
        outcome = real(job, **asked)
        outcome.counts["lines_accepted"] -= 1
        return outcome

    monkeypatch.setattr(running, "run_pipeline", loses)
    code, (line,) = logged(capsys, "batch", "--input", one(tmp_path), "--output", tmp_path / "facts", "--workers", 1)
    assert (code, json.loads(line)["severity"]) == (4, "CRITICAL")
    assert alerts(line) == {"batch_unbalanced"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("batch", "--input", "{tmp}/nothing", "--output", "{tmp}/facts"), 2),
        (("status", "--output", "{tmp}/nothing"), 2),
        (("mirror", "--bucket", "b", "--key", "{tmp}/no-key.json", "--to", "{tmp}/export"), 2),
        (("land", "--subscription", "wrong", "--to", "{tmp}/export"), 2),
    ],
)
def test_a_job_that_fails_tells_so_in_a_line(words, code, tmp_path, capsys):
    found, lines = logged(capsys, *(w.format(tmp=tmp_path) for w in words))
    assert found == code
    assert json.loads(lines[-1])["severity"] == "ERROR"
    assert fields(lines[-1])["exit_code"] == code
    assert alerts(lines[-1]) == {"jobs_failed"}


def test_a_run_that_finds_the_lock_held_is_no_failure(facts, tenant, capsys):
    from pipelines.lock import only_run

    with only_run(str(facts)):
        code, (line,) = logged(capsys, "batch", "--input", tenant, "--output", facts)
    assert (code, json.loads(line)["severity"]) == (5, "NOTICE")
    assert alerts(line) == set()


def test_a_landing_tells_all_its_fields(tmp_path, capsys, monkeypatch):
    with pubsub(OWN, tmp_path, "--pull-wait", "0.2") as emulator:
        topic, subscription = emulator.create()
        emulator.publish(topic, [b'{"event":"FACILITY_CREATED","eventId":"1","payload":{"id":"f"}}'])
        for name, value in emulator.environment().items():
            monkeypatch.setenv(name, value)
        words = ("land", "--subscription", subscription, "--to", tmp_path / "landed", "--idle-exit", 1)
        code, lines = logged(capsys, *words, "--status-every", 0.2)
    assert code == 0
    last = fields(lines[-2])
    assert last.keys() == {f.name for f in (*COMMON, *SIGNALS["land"])} - {"exit_code"}
    assert (last["received"], last["landed"], last["healthy"]) == (1, 1, True)
    assert fields(lines[-1])["exit_code"] == 0
    assert set().union(*map(alerts, lines)) == set()
    held = [x for x in lines[:-1] if fields(x)["oldest_unacked_seconds"] > 0.1]
    assert "landing_stuck" in alerts(held[0], backlog_seconds=0.1)


def test_a_mirror_tells_all_its_fields(tmp_path, capsys, monkeypatch):
    with storage_emulator(tmp_path) as emulator:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
        bucket = f"b-{uuid.uuid4().hex}"
        emulator.make_bucket(bucket)
        old = f"{NOW - timedelta(days=80):%Y-%m-%d}"
        emulator.put(bucket, f"{old}/a.ndjson", b"{}\n")
        words = ("mirror", "--bucket", bucket, "--to", tmp_path / "export")
        _, (line,) = logged(capsys, *words, "--dry-run")
        assert fields(line).keys() == {f.name for f in (*COMMON, *SIGNALS["mirror"])}
        assert fields(line)["days_left"] == 10
        assert alerts(line) == {"source_deletes"}
        code, (line,) = logged(capsys, *words)
        assert (code, fields(line)["copied"], alerts(line)) == (0, 1, set())


def test_what_is_declared_fits_together():
    metrics = {m.name: m for m in METRICS}
    for metric in METRICS:
        for signal in metric.signals:
            known = {f.name for f in (*COMMON, *SIGNALS[signal])}
            assert {t.field for t in metric.tests} | ({metric.value} - {None}) <= known, metric
    assert {a.metric for a in ALERTS} <= {m.name for m in METRICS if m.value is None}
    asked = {str(t.value).strip("{}") for m in METRICS for t in m.tests if str(t.value).startswith("{")}
    assert asked == set(LIMITS)
    assert set(metrics["jobs_failed"].signals) == set(SIGNALS)
