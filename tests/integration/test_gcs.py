"""Files, datasets and the whole batch job on `gs://`, against an emulator that is a server of its own.

Beam talks to it over a socket with Google's own client, as it would to Cloud Storage.
"""

import gzip
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from apache_beam.internal.gcp import auth
from apache_beam.io.filesystems import FileSystems

from pipelines.cli import main
from pipelines.datasets import clean, paths_of, read_bytes, read_manifest, write_bytes, write_manifest, write_part
from pipelines.exports import LineReader, NoInputError, discover, mark_repeats
from transforms.columns import to_table

EXAMPLES = Path(__file__).parent.parent / "golden" / "payload_examples" / "export_lines.ndjson"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    port = free_port()
    folder = tmp_path_factory.mktemp("gcs")
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--host", "127.0.0.1", "--port", str(port)]
    # The emulator's own words go to a file: a pipe that nobody reads would stop it when it is full.
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--in-memory"], cwd=folder, stdout=log, stderr=log,
            env={**os.environ, "STORAGE_BASE": str(folder), "STORAGE_DIR": "gcs"},
        )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(url, process, folder / "log")
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


def wait_for(url, process, log):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the emulator ended at once: {log.read_text()}")
        try:
            urllib.request.urlopen(f"{url}/storage/v1/b?project=p", timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the emulator does not answer at {url}: {log.read_text()}")


@pytest.fixture
def bucket(server, monkeypatch):
    """A new bucket, and Beam told to use the emulator without looking for credentials."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    monkeypatch.setattr(auth._Credentials, "_credentials_init", True)
    monkeypatch.setattr(auth._Credentials, "_credentials", None)
    name = f"b-{uuid.uuid4().hex}"
    request = urllib.request.Request(
        f"{server}/storage/v1/b?project=p",
        data=json.dumps({"name": name}).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()
    return f"gs://{name}"


def names_in(folder):
    (match,) = FileSystems.match([f"{folder}/**"])
    return sorted(meta.path[len(folder) + 1 :] for meta in match.metadata_list)


def read(file, **options):
    reader = LineReader(file, **options)
    return [line for _, chunk in reader for line in chunk], reader.report


def table(run_id):
    row = {
        "path": "a", "day": None, "bytes": 1, "lines": 1, "digest": "d", "complete": True, "repeat_of": None,
        "run_id": run_id, "modified_at": None,
    }  # fmt: skip
    return to_table("input_file", [row])


def test_discovers_days_ranges_and_repeats(bucket):
    for name, data in {
        "export/2026-06-02/b.ndjson.gz": gzip.compress(b"{}\n", mtime=0),
        "export/2026-06-01/a.ndjson.gz": gzip.compress(b"{}\n", mtime=0),
        "export/2026-06-01/.hidden.ndjson": b"x",
        "export/2026-06-01/deep/c.ndjson": b"x",
        "export/loose.ndjson": b"x",
        "export-old/2026-06-01/z.ndjson": b"x",
    }.items():
        write_bytes(f"{bucket}/{name}", data)
    found = mark_repeats(discover(f"{bucket}/export/"))
    assert [(f.name, f.day, f.repeat_of) for f in found] == [
        ("2026-06-01/a.ndjson.gz", "2026-06-01", None),
        ("2026-06-02/b.ndjson.gz", "2026-06-02", "2026-06-01/a.ndjson.gz"),
    ]
    assert [f.day for f in discover(f"{bucket}/export", "2026-06-02", None)] == ["2026-06-02"]
    with pytest.raises(NoInputError):
        discover(f"{bucket}/nothing")


def test_reads_whole_and_cut_files(bucket):
    data = b"".join(b'{"n":%d,"t":"%s"}\n' % (i, os.urandom(20).hex().encode()) for i in range(30_000))
    stored = gzip.compress(data)
    write_bytes(f"{bucket}/in/a.ndjson.gz", stored)
    write_bytes(f"{bucket}/in/b.ndjson.gz", stored[:-4])
    write_bytes(f"{bucket}/in/c.ndjson.gz", b"")
    write_bytes(f"{bucket}/in/d.ndjson", b"a\r\n\nb")
    whole, cut, empty, plain = (read(f) for f in discover(f"{bucket}/in"))
    assert whole[0] == data.split(b"\n")[:-1]
    assert whole[1].complete
    assert whole[1].bytes_stored == len(stored)
    assert not cut[1].complete
    assert cut[0] == whole[0]
    assert (empty[0], empty[1].complete) == ([], True)
    assert plain[0] == [b"a", b"", b"b"]


def test_a_compressed_object_is_read_as_it_is_stored(server, bucket):
    # `Content-Encoding: gzip` makes Cloud Storage inflate on the way, which would hide a cut.
    stored = gzip.compress(b"a\nb\n", mtime=0)[:-3]
    boundary = "part"
    body = b"\r\n".join(
        [
            b"--part", b"Content-Type: application/json", b"",
            json.dumps({"name": "in/a.ndjson.gz", "contentEncoding": "gzip"}).encode(),
            b"--part", b"Content-Type: application/x-ndjson", b"", stored, b"--part--", b"",
        ]
    )  # fmt: skip
    request = urllib.request.Request(
        f"{server}/upload/storage/v1/b/{bucket[5:]}/o?uploadType=multipart",
        data=body,
        headers={"Content-Type": f"multipart/related; boundary={boundary}"},
    )
    urllib.request.urlopen(request, timeout=10).close()
    (file,) = discover(f"{bucket}/in")
    report = read(file)[1]
    assert not report.complete
    assert report.bytes_stored == len(stored)


def test_publishes_and_cleans(bucket, tmp_path):
    out = f"{bucket}/facts-of-a-tenant"
    assert read_manifest(out) is None
    old = write_part(out, "input_file", "books", table("r1"))
    write_manifest(out, {"run": {"run_id": "r1"}}, [old])
    before = read_manifest(out)
    assert paths_of(before) == {old.path}
    write_bytes(f"{out}/facts/input_file/b-killed.parquet", b"of a killed run")
    write_bytes(f"{out}/.outcome-r0.json", b"of a killed run")
    write_bytes(f"{out}/notes.txt", b"of somebody else")
    new = write_part(out, "input_file", "books", table("r2"))
    assert write_part(out, "input_file", "books", table("r2")) == new
    write_manifest(out, {"run": {"run_id": "r2"}}, [new])
    clean(out, before, read_manifest(out))
    assert names_in(out) == [new.path, "manifest.json", "notes.txt"]
    (tmp_path / "part").write_bytes(read_bytes(f"{out}/{new.path}"))
    assert pq.read_table(tmp_path / "part").to_pylist()[0]["run_id"] == "r2"


def test_a_manifest_is_replaced_without_a_moment_between(bucket, monkeypatch):
    write_manifest(f"{bucket}/o", {"run": {"run_id": "r1"}}, [])
    monkeypatch.setattr(FileSystems, "delete", lambda paths: pytest.fail("a reader would find nothing"))
    write_manifest(f"{bucket}/o", {"run": {"run_id": "r2"}}, [])
    assert read_manifest(f"{bucket}/o")["run"]["run_id"] == "r2"


def test_the_batch_job_from_bucket_to_bucket(bucket, tmp_path, capsys):
    lines = EXAMPLES.read_bytes().splitlines(keepends=True)
    for i in (0, 1):
        write_bytes(f"{bucket}/in/2026-06-17/part-{i}.ndjson.gz", gzip.compress(b"".join(lines[i::2])))
        (tmp_path / "in" / "2026-06-17").mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / "2026-06-17" / f"part-{i}.ndjson.gz").write_bytes(gzip.compress(b"".join(lines[i::2])))
    command = ["batch", "--buckets", "2", "--json"]
    for _ in range(2):
        assert main([*command, "--input", f"{bucket}/in", "--output", f"{bucket}/out"]) == 0
        result = json.loads(capsys.readouterr().out)
        assert result["run"]["balanced"] is True
        assert "warehouse" not in result
        manifest = read_manifest(f"{bucket}/out")
        assert set(names_in(f"{bucket}/out")) == paths_of(manifest) | {"manifest.json"}
    # The same files on a disk give the same facts, to the byte.
    assert main([*command, "--input", str(tmp_path / "in"), "--output", str(tmp_path / "out")]) == 0
    here, there = (
        {(p.split("/")[-2], p.rsplit("-", 1)[-1]) for p in paths_of(read_manifest(o)) if "/books-" not in p}
        for o in (str(tmp_path / "out"), f"{bucket}/out")
    )
    assert here == there
