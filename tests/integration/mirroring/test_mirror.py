"""Mirrors against an emulator of Cloud Storage that is a server of its own, behind a proxy that injects faults.

The client library talks to the proxy over a socket, as it would to Cloud Storage; every byte that is sent is counted.
"""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.lock import only_run
from pipelines.mirroring.ledger import FILE as LEDGER
from tests.emulators.storage_proxy import DOWNLOAD, LIST, LOOK, Fault
from tests.mirrors import LOCK, TODAY, day, files_in, noise

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "tests" / "golden" / "payload_examples" / "export_lines.ndjson"


def test_a_fresh_copy_is_the_same_to_the_byte_and_a_second_run_reads_nothing(emulator, proxy, bucket, mirror, to):
    objects = {
        f"{day(2)}/a.ndjson.gz": gzip.compress(noise(300_000), mtime=0),
        f"{day(2)}/b.ndjson.gz": b"",
        f"{day(1)}/a b+%2Fü.ndjson.gz": noise(1000, 1),
        f"{day(1)}/deeper/c.ndjson.gz": noise(10, 2),
    }
    for name, data in objects.items():
        emulator.put(bucket, f"x/{name}", data)
    for name in ("x/loose.ndjson.gz", f"x/{day(1)}/.hidden", f"y/{day(1)}/a.ndjson.gz", f"x/x/{day(1)}/z"):
        emulator.put(bucket, name, b"1")
    proxy.page = 3
    code, told, err = mirror(source=f"gs://{bucket}/x/")
    assert (code, err) == (0, "")
    assert files_in(to) == objects
    size = sum(map(len, objects.values()))
    assert told["source"] == f"gs://{bucket}/x"
    assert (told["days"], told["objects"], told["copied"], told["skipped"], told["ignored"]) == (2, 4, 4, 0, 3)
    assert (told["copied_bytes"], told["fetched_bytes"], told["exit_code"]) == (size, size, 0)
    assert told["next_to_expire"]["day"] == day(2)
    assert told["next_to_expire"]["days_left"] == 88
    assert told["expiring"] == []
    assert sum(c.kind == LIST for c in proxy.calls) == 3  # 7 objects below x/
    assert set(os.listdir(to)) == {LEDGER, LOCK, day(1), day(2)}

    before = {p: p.stat().st_mtime_ns for p in to.rglob("*.gz")}
    proxy.calls.clear()
    code, told, _ = mirror(source=f"{bucket}/x")
    assert (code, told["copied"], told["skipped"], told["digested"], told["fetched_bytes"]) == (0, 0, 4, 0, 0)
    assert {c.kind for c in proxy.calls} == {LIST}
    assert {p: p.stat().st_mtime_ns for p in to.rglob("*.gz")} == before


def test_without_its_ledger_it_digests_and_downloads_nothing(emulator, proxy, bucket, mirror, to):
    for n in range(3):
        emulator.put(bucket, f"{day(1)}/{n}.ndjson.gz", noise(5000, n))
    assert mirror()[0] == 0
    proxy.calls.clear()
    for spoil in (lambda: (to / LEDGER).unlink(), lambda: (to / LEDGER).write_text('{"format": 1, "obj')):
        spoil()
        code, told, _ = mirror()
        assert (code, told["copied"], told["skipped"], told["digested"]) == (0, 0, 3, 3)
        code, told, _ = mirror()
        assert (told["skipped"], told["digested"]) == (3, 0)
    code, told, _ = mirror("--verify")
    assert (code, told["skipped"], told["digested"]) == (0, 3, 3)
    assert proxy.downloads() == []


def test_verify_finds_a_byte_that_has_turned(emulator, bucket, mirror, to):
    emulator.put(bucket, f"{day(1)}/a.ndjson.gz", b"good bytes")
    assert mirror()[0] == 0
    path = to / day(1) / "a.ndjson.gz"
    at = path.stat().st_mtime_ns
    path.write_bytes(b"good bytez")
    os.utime(path, ns=(at, at))  # as a disk does it: neither size nor time have changed
    assert mirror()[1]["copied"] == 0
    code, told, _ = mirror("--verify")
    assert (code, told["copied"]) == (0, 1)
    assert path.read_bytes() == b"good bytes"


def test_a_cut_connection_is_resumed_in_the_same_run(emulator, proxy, bucket, mirror, to):
    data = noise(2_000_000)
    emulator.put(bucket, f"{day(1)}/a.ndjson.gz", data)
    proxy.faults = [
        Fault(DOWNLOAD, cut_after=700_000),
        Fault(DOWNLOAD, status=503),
        Fault(DOWNLOAD, status=429),
        Fault(DOWNLOAD, cut_after=700_000),
    ]
    code, told, err = mirror()
    assert (code, err) == (0, "")
    assert files_in(to) == {f"{day(1)}/a.ndjson.gz": data}
    assert [(c.range, c.status) for c in proxy.downloads()] == [
        (None, 200), ("bytes=700000-", 503), ("bytes=700000-", 429), ("bytes=700000-", 206), ("bytes=1400000-", 206),
    ]  # fmt: skip
    assert proxy.sent() == told["fetched_bytes"] == len(data)


def test_what_a_failed_run_has_left_is_gone_on_with(emulator, proxy, bucket, mirror, to):
    data = noise(1_000_000)
    about = emulator.put(bucket, f"{day(1)}/a.ndjson.gz", data)
    emulator.put(bucket, f"{day(1)}/b.ndjson.gz", b"b")
    proxy.faults = [Fault(DOWNLOAD, "a.ndjson.gz", cut_after=600_000), Fault(DOWNLOAD, "a.ndjson.gz", 99, status=503)]
    code, told, err = mirror("--give-up", "0.2")
    assert code == 1
    assert told["copied"] == 1
    assert told["failed"] == [
        {"name": f"{day(1)}/a.ndjson.gz", "reason": "it can't be read for 0.2 s (503 ServiceUnavailable)"}
    ]
    assert f"flowfacts mirror: failed {day(1)}/a.ndjson.gz: it can't be read" in err
    partial = f"{day(1)}/.a.ndjson.gz.{about['generation']}.partial"
    assert files_in(to) == {partial: data[:600_000], f"{day(1)}/b.ndjson.gz": b"b"}

    proxy.reset()
    code, told, _ = mirror()
    assert (code, told["copied"], told["skipped"]) == (0, 1, 1)
    assert (told["resumed_bytes"], told["fetched_bytes"], proxy.sent()) == (600_000, 400_000, 400_000)
    assert files_in(to) == {f"{day(1)}/a.ndjson.gz": data, f"{day(1)}/b.ndjson.gz": b"b"}


def test_a_killed_process_leaves_what_the_next_one_goes_on_with(emulator, proxy, bucket, mirror, to):
    data = noise(3_000_000)
    emulator.put(bucket, f"{day(2)}/a.ndjson.gz", b"a")
    emulator.put(bucket, f"{day(1)}/b.ndjson.gz", data)
    came = 244 * 8192  # the client library writes so many bytes at a time
    proxy.faults = [Fault(DOWNLOAD, "b.ndjson.gz", hang_after=came)]
    command = [sys.executable, "-m", "pipelines.cli", "mirror", "--bucket", bucket, "--to", str(to)]
    process = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        first = to / day(2) / "a.ndjson.gz"
        while not first.exists() or not any(p.stat().st_size == came for p in to.glob("*/.b.ndjson.gz.*.partial")):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        # A second mirror is turned away while the first one lives, and changes nothing.
        code, _, err = mirror()
        assert code == 5
        assert "another run works on" in err
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)
    assert first.read_bytes() == b"a"
    assert not (to / day(1) / "b.ndjson.gz").exists()

    proxy.reset()
    code, told, _ = mirror()
    assert (code, told["copied"], told["skipped"]) == (0, 1, 1)
    assert (told["resumed_bytes"], proxy.sent()) == (came, len(data) - came)
    assert files_in(to) == {f"{day(2)}/a.ndjson.gz": b"a", f"{day(1)}/b.ndjson.gz": data}


def test_a_wrong_byte_is_found_and_fetched_again(emulator, proxy, bucket, mirror, to):
    data = noise(100_000)
    emulator.put(bucket, f"{day(1)}/a.ndjson.gz", data)
    proxy.faults = [Fault(DOWNLOAD, corrupt=50_000)]
    code, told, _ = mirror()
    assert (code, told["copied"], told["fetched_bytes"]) == (0, 1, 200_000)
    assert files_in(to) == {f"{day(1)}/a.ndjson.gz": data}


def test_bytes_that_stay_wrong_are_never_seen(emulator, proxy, bucket, mirror, to):
    about = emulator.put(bucket, f"{day(1)}/a.ndjson.gz", noise(1000))
    emulator.put(bucket, f"{day(1)}/b.ndjson.gz", b"b")
    proxy.faults = [Fault(DOWNLOAD, "a.ndjson.gz", times=3, corrupt=1)]
    code, told, err = mirror()
    assert code == 1
    (failed,) = told["failed"]
    assert failed["name"] == f"{day(1)}/a.ndjson.gz"
    assert failed["reason"].startswith("wrong bytes 3 times: CRC32C is ")
    assert failed["reason"].endswith(f", expected {about['crc32c']}")
    assert about["crc32c"] in err
    assert files_in(to) == {f"{day(1)}/b.ndjson.gz": b"b"}
    assert mirror()[0] == 0


def test_a_wrong_partial_costs_one_more_download(emulator, bucket, mirror, to, proxy):
    data = noise(1000)
    generation = emulator.put(bucket, f"{day(1)}/a.ndjson.gz", data)["generation"]
    (to / day(1)).mkdir(parents=True)
    (to / day(1) / f".a.ndjson.gz.{generation}.partial").write_bytes(b"\0" * 400)  # as after a power cut
    (to / day(1) / ".a.ndjson.gz.1.partial").write_bytes(b"of a former generation")
    (to / day(1) / ".gone.ndjson.gz.1.partial").write_bytes(b"of an object that is gone")
    code, told, _ = mirror()
    assert (code, told["copied"], told["resumed_bytes"]) == (0, 1, 0)
    assert [c.range for c in proxy.downloads()] == ["bytes=400-", None]
    assert files_in(to) == {f"{day(1)}/a.ndjson.gz": data}


def test_an_object_that_is_replaced_meanwhile_is_taken_as_it_is_now(emulator, proxy, bucket, mirror, to):
    name = f"{day(1)}/a.ndjson.gz"
    emulator.put(bucket, name, noise(500_000, 1))
    fresh = noise(400_000, 2)
    proxy.faults = [
        Fault(DOWNLOAD, cut_after=300_000),
        Fault(DOWNLOAD, before=lambda: emulator.put(bucket, name, fresh)),
    ]
    code, told, _ = mirror()
    assert (code, told["copied"], told["replaced"]) == (0, 1, 1)
    assert told["copied_bytes"] == 400_000
    assert files_in(to) == {name: fresh}
    assert [c.status for c in proxy.downloads()] == [200, 412, 200]
    # ... and between two runs.
    emulator.put(bucket, name, b"newest")
    assert mirror()[1]["copied"] == 1
    assert files_in(to) == {name: b"newest"}
    assert mirror()[1]["copied"] == 0


def test_an_object_that_vanishes_is_told_of_and_no_failure(emulator, proxy, bucket, mirror, to):
    name = f"{day(1)}/a.ndjson.gz"
    for n in (name, f"{day(1)}/b.ndjson.gz", f"{day(1)}/c.ndjson.gz"):
        emulator.put(bucket, n, noise(1000))
    proxy.faults = [
        Fault(DOWNLOAD, "a.ndjson.gz", before=lambda: emulator.delete(bucket, name)),
        Fault(DOWNLOAD, "c.ndjson.gz", status=412),
        Fault(LOOK, "c.ndjson.gz", status=404),
    ]
    code, told, err = mirror()
    assert (code, told["copied"], told["gone"]) == (0, 1, [name, f"{day(1)}/c.ndjson.gz"])
    assert f"gone {name}" in err
    assert set(files_in(to)) == {f"{day(1)}/b.ndjson.gz"}


HOSTILE = {
    f"{day(1)}/../../escaped": "empty part",
    f"{day(1)}/../{day(2)}/other": "empty part",
    f"{day(1)}/./a": "empty part",
    f"{day(1)}//etc/passwd": "empty part",
    f"{day(1)}/..": "empty part",
    f"{day(1)}/a\nb.ndjson.gz": "control",
    f"{day(1)}/a\x1b[2J.ndjson.gz": "control",
    f"{day(1)}/a\u202eb.ndjson.gz": "control",
    f"{day(1)}/a\ud800b.ndjson.gz": "control",
    f"{day(1)}/a\x00b.ndjson.gz": "control",
    f"{day(1)}/full/": "ends in /",
    f"{day(1)}/*.ndjson.gz": "pattern",
    f"{day(1)}/[ab].ndjson.gz": "pattern",
    f"{day(1)}/a?.ndjson.gz": "pattern",
    f"{day(1)}/GOOD.ndjson.gz": "only by case",
    f"{day(1)}/good.ndjson.gz/inner/": "ends in /",
    f"{day(1)}/{'n' * 240}.gz": "longer than",
    "2026-02-30/a.ndjson.gz": "no day",
}
IGNORED = ("/etc/passwd", "../../escaped", "~/.ssh/authorized_keys", f"{day(1)}/", "2026-1-1/a", f"{day(1)}")


def test_hostile_names_never_leave_the_destination(emulator, proxy, bucket, mirror, tmp_path):
    emulator.put(bucket, f"{day(1)}/good.ndjson.gz", b"good")
    proxy.extra[bucket] = [
        {"name": n, "generation": f"{9 * 10**18}", "size": "4" if n != f"{day(1)}/" else "0", "crc32c": "AAAAAA=="}
        for n in (*HOSTILE, *IGNORED)
    ]
    to = tmp_path / "deep" / "er" / "to"
    code, told, err = mirror(to=to)
    assert code == 1
    assert (told["copied"], told["ignored"], told["failed"]) == (1, len(IGNORED), [])
    assert {p["name"] for p in told["refused"]} == set(HOSTILE)
    for problem in told["refused"]:
        assert HOSTILE[problem["name"]] in problem["reason"]
    assert files_in(tmp_path) == {f"deep/er/to/{day(1)}/good.ndjson.gz": b"good"}
    assert [c.name for c in proxy.downloads()] == [f"{day(1)}/good.ndjson.gz"]
    assert len(err.splitlines()) == len(HOSTILE)  # a line each, whatever is in the name
    assert "\x1b" not in err
    assert "\u202e" not in err


def test_a_name_that_is_a_file_and_a_folder(emulator, bucket, mirror, to):
    emulator.put(bucket, f"{day(1)}/A", b"file")
    emulator.put(bucket, f"{day(1)}/a/b", b"inner")
    code, told, _ = mirror()
    assert (code, [p["name"] for p in told["refused"]]) == (1, [f"{day(1)}/A"])
    assert files_in(to) == {f"{day(1)}/a/b": b"inner"}


def test_a_day_that_is_not_mirrored_is_told_of_before_it_is_deleted(emulator, proxy, bucket, mirror, to):
    for ago in (92, 89, 77, 75, 1):
        emulator.put(bucket, f"{day(ago)}/a.ndjson.gz", b"1")
        emulator.put(bucket, f"{day(ago)}/b.ndjson.gz", b"2")
    code, told, err = mirror("--dry-run", "--warn-days", "13")
    assert (code, told["dry_run"], told["copied"], told["copied_bytes"]) == (0, True, 10, 10)
    assert [(e["day"], e["days_left"], e["missing"]) for e in told["expiring"]] == [
        (day(92), -2, 2), (day(89), 1, 2), (day(77), 13, 2),
    ]  # fmt: skip
    assert told["expiring"][1]["deleted_on"] == (TODAY + timedelta(days=1)).isoformat()
    assert f"about to be lost: 2 objects of {day(89)} are not mirrored; the source deletes it in 1 days" in err
    assert f"{day(92)} are not mirrored; the source deletes it any moment" in err
    assert not to.exists()
    proxy.faults = [Fault(DOWNLOAD, f"{day(77)}/b.ndjson.gz", times=99, status=403)]
    code, told, _ = mirror()
    assert (code, told["copied"]) == (1, 9)
    assert "storage.objects.get" in told["failed"][0]["reason"]
    assert [(e["day"], e["missing"]) for e in told["expiring"]] == [(day(77), 1)]
    assert mirror("--keep-days", "95")[1]["next_to_expire"]["days_left"] == 3


def test_only_the_days_that_are_asked_for(emulator, proxy, bucket, mirror, to):
    for ago in (5, 4, 3, 2):
        emulator.put(bucket, f"p/{day(ago)}/a.ndjson.gz", b"1")
    code, told, _ = mirror("--from-day", day(4), "--to-day", day(3), source=f"{bucket}/p")
    assert (code, told["days"], told["copied"], told["ignored"]) == (0, 2, 2, 0)
    assert set(files_in(to)) == {f"{day(4)}/a.ndjson.gz", f"{day(3)}/a.ndjson.gz"}
    # What a run of other days knows is not forgotten.
    assert mirror("--from-day", day(2), source=f"{bucket}/p")[1]["copied"] == 1
    code, told, _ = mirror(source=f"{bucket}/p")
    assert (told["copied"], told["skipped"], told["digested"]) == (1, 3, 0)
    assert mirror("--to-day", "2020-01-01", source=f"{bucket}/p")[0] == 0


def test_a_compressed_object_comes_as_it_is_stored(emulator, bucket, mirror, to):
    stored = gzip.compress(b"a\nb\n" * 1000, mtime=0)
    emulator.put(bucket, f"{day(1)}/a.ndjson.gz", stored, content_encoding="gzip")
    assert mirror()[0] == 0
    assert files_in(to) == {f"{day(1)}/a.ndjson.gz": stored}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(LIST, times=9, status=403), ["no permission to list", "storage.objects.list", "storage.objects.get"]),
        (Fault(LIST, times=9, status=401), ["no permission to list", "storage.objects.list"]),
        (Fault(LIST, times=9, status=404), ["there is no bucket gs://b-"]),
        (Fault(LIST, times=99, status=503), ["can't be listed (503 ServiceUnavailable)"]),
        (Fault(DOWNLOAD, times=99, status=403), ["no permission to read", "storage.objects.get"]),
    ],
)
def test_a_source_that_cannot_be_used(emulator, proxy, bucket, mirror, fault, words):
    for n in range(9):
        emulator.put(bucket, f"{day(1)}/{n}.ndjson.gz", b"1")
    proxy.faults = [fault]
    code, told, err = mirror("--give-up", "0.3")
    assert (code, told) == (2, None)
    assert all(word in err for word in words), err
    assert "who@example.com" not in err  # the answer's own words may name the account of the key
    assert len(err.splitlines()) == 1


def test_no_network_at_the_start_and_midway(emulator, proxy, bucket, mirror, monkeypatch):
    for n in range(12):
        emulator.put(bucket, f"{day(1)}/{n:02}.ndjson.gz", b"1")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    code, _, err = mirror("--give-up", "0.2")
    assert code == 2
    assert f"Cloud Storage can't be reached to list gs://{bucket}" in err
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", proxy.url)
    proxy.faults = [Fault(DOWNLOAD, f"{n:02}.ndjson.gz", times=99, cut_after=0) for n in range(3, 12)]
    code, told, err = mirror("--give-up", "0.1", "--workers", "2")
    assert (code, told["copied"]) == (1, 3)
    assert told["problem"].startswith(f"gs://{bucket} can't be read for 0.1 s")
    assert told["not_tried"] >= 5
    assert "what was copied stays, run again to go on" in err
    proxy.reset()
    assert mirror()[1]["copied"] == 9


def test_a_bucket_without_days_and_bad_destinations(emulator, bucket, mirror, tmp_path):
    emulator.put(bucket, "export/loose.ndjson.gz", b"1")
    code, _, err = mirror()
    assert code == 2
    assert f"there are no day folders YYYY-MM-DD in gs://{bucket} (1 other objects); check the prefix" in err
    emulator.put(bucket, f"{day(1)}/a.ndjson.gz", b"1")
    (tmp_path / "file").write_text("")
    code, _, err = mirror(to=tmp_path / "file")
    assert code == 2
    assert "can't be used" in err
    assert mirror()[0] == 0
    other = f"b-{uuid.uuid4().hex}"
    emulator.make_bucket(other)
    emulator.put(other, f"{day(1)}/a.ndjson.gz", b"2")
    code, _, err = mirror(source=other)
    assert code == 2
    assert f"is a mirror of gs://{bucket}, not of gs://{other}" in err


def test_a_destination_that_cannot_be_written(emulator, bucket, mirror, to):
    emulator.put(bucket, f"{day(1)}/a.ndjson.gz", b"1")
    to.mkdir()
    (to / day(1)).write_text("a file where the day's folder should be")
    code, told, err = mirror()
    assert (code, told["copied"], told["not_tried"]) == (1, 0, 1)
    assert f"{to} can't be written to" in told["problem"]
    assert "ended early" in err


def test_one_mirror_at_a_time(emulator, bucket, mirror, to):
    emulator.put(bucket, f"{day(1)}/a.ndjson.gz", b"1")
    with only_run(str(to)):
        code, told, err = mirror()
        assert (code, told) == (5, None)
        assert f"another run works on {to}" in err
        assert files_in(to) == {}
        assert mirror("--dry-run")[0] == 0
    assert mirror()[0] == 0


def test_the_batch_job_reads_the_mirror(emulator, bucket, mirror, to, tmp_path, capsys):
    lines = EXAMPLES.read_bytes().splitlines(keepends=True)
    for i in (0, 1):
        emulator.put(bucket, f"2026-06-1{i + 6}/part-{i}.ndjson.gz", gzip.compress(b"".join(lines[i::2])))
    assert mirror()[0] == 0
    (to / "2026-06-17" / ".part-9.ndjson.gz.12.partial").write_bytes(b"under way")
    command = ["batch", "--input", str(to), "--output", str(tmp_path / "facts"), "--buckets", "1", "--workers", "1"]
    assert main([*command, "--json"]) == 0
    run = json.loads(capsys.readouterr().out)["run"]
    assert run["balanced"] is True
    assert run["lines_read"] == len(lines)


def test_the_summary_is_told_in_words(emulator, bucket, to, capsys):
    emulator.put(bucket, f"{day(1)}/a.ndjson.gz", noise(200_000))
    assert main(["mirror", "--bucket", bucket, "--to", str(to)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines()[:2] == [
        f"gs://{bucket} -> {to}",
        "  1 days, 1 objects; 1 copied (0.2 MB), 0 there already",
    ]
    end = (TODAY + timedelta(days=89)).isoformat()
    assert out.splitlines()[3] == f"  next folder that the source deletes: {day(1)} on {end}"
    assert main(["mirror", "--bucket", bucket, "--to", str(to), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
