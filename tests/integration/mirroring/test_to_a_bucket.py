"""Mirrors whose destination is a bucket; see `test_mirror.py`."""

import gzip
import os
import signal
import uuid

from pipelines.lock import only_run
from tests.emulators.storage_proxy import DOWNLOAD, UPLOAD, Fault
from tests.mirrors import LOCK, day, files_in, noise


def test_from_bucket_to_bucket(emulator, proxy, bucket, mirror):
    objects = {f"{day(2)}/a.ndjson.gz": noise(9_000_000), f"{day(1)}/b.ndjson.gz": gzip.compress(b"b", mtime=0)}
    for name, data in objects.items():
        emulator.put(bucket, f"export/{name}", data)
    own = f"b-{uuid.uuid4().hex}"
    emulator.make_bucket(own)
    emulator.put(own, f"raw-of-another/{day(2)}/a.ndjson.gz", b"not ours")
    emulator.put(own, f"raw/{day(1)}/b.ndjson.gz", b"an old one")
    proxy.faults = [
        Fault(DOWNLOAD, "a.ndjson.gz", cut_after=5_000_000),
        Fault(DOWNLOAD, "b.ndjson.gz", corrupt=3),
        Fault(UPLOAD, "b.ndjson.gz", status=503),
    ]
    code, told, err = mirror(to=f"gs://{own}/raw", source=f"{bucket}/export")
    assert (code, err, told["copied"]) == (0, "", 2)
    assert proxy.sent("a.ndjson.gz") == 9_000_000
    others = {f"raw-of-another/{day(2)}/a.ndjson.gz": b"not ours"}
    assert emulator.objects(own) == {**others, **{f"raw/{n}": data for n, data in objects.items()}}
    proxy.calls.clear()
    code, told, _ = mirror(to=f"gs://{own}/raw/", source=f"{bucket}/export")
    assert (code, told["copied"], told["skipped"]) == (0, 0, 2)
    assert [c for c in proxy.downloads() if c.bucket == bucket] == []


def test_an_upload_that_arrives_wrong_is_not_seen(emulator, proxy, bucket, mirror):
    emulator.put(bucket, f"{day(1)}/a.ndjson.gz", noise(1000))
    own = f"b-{uuid.uuid4().hex}"
    emulator.make_bucket(own)
    proxy.faults = [Fault(UPLOAD, "a.ndjson.gz", corrupt=-200)]  # refused, for its checksum was told
    assert mirror(to=f"gs://{own}")[0] == 0
    assert emulator.objects(own) == {f"{day(1)}/a.ndjson.gz": noise(1000)}
    emulator.put(bucket, f"{day(1)}/a.ndjson.gz", noise(1000, 1))
    proxy.faults = [Fault(UPLOAD, "a.ndjson.gz", times=3, corrupt=-200)]
    code, told, _ = mirror(to=f"gs://{own}")
    assert code == 1
    assert told["failed"][0]["reason"].startswith("wrong bytes 3 times: CRC32C is refused by the bucket, expected ")
    assert emulator.objects(own) == {f"{day(1)}/a.ndjson.gz": noise(1000)}
    code, told, err = mirror(to="gs://no-such-bucket-at-all")
    assert code == 2
    assert "gs://no-such-bucket-at-all can't be" in err
    proxy.faults = [Fault(UPLOAD, "a.ndjson.gz", times=3, status=403)]
    code, told, _ = mirror(to=f"gs://{own}")
    assert code == 1
    assert "the credentials of the environment (not the key) need" in told["problem"]
    proxy.reset()
    assert mirror(to=f"gs://{own}")[0] == 0


def test_one_mirror_at_a_time_on_a_bucket(emulator, bucket, mirror):
    emulator.put(bucket, f"{day(1)}/a.ndjson.gz", b"1")
    own = f"b-{uuid.uuid4().hex}"
    emulator.make_bucket(own)
    with only_run(f"gs://{own}/raw"):
        code, _, err = mirror(to=f"gs://{own}/raw")
        assert code == 5
        assert f"another run works on gs://{own}/raw" in err
    assert mirror(to=f"gs://{own}/raw")[0] == 0
    assert list(emulator.objects(own)) == [f"raw/{day(1)}/a.ndjson.gz"]


def test_a_signal_ends_it_and_leaves_no_lock(emulator, proxy, bucket, mirror, to):
    for n in range(9):
        emulator.put(bucket, f"{day(1)}/{n}.ndjson.gz", noise(1000, n))
    own = f"b-{uuid.uuid4().hex}"
    emulator.make_bucket(own)
    for target in (f"gs://{own}/raw", to):
        proxy.faults = [Fault(DOWNLOAD, "4.ndjson.gz", before=lambda: os.kill(os.getpid(), signal.SIGTERM))]
        code, told, err = mirror("--workers", "1", to=target)
        assert (code, told) == (130, None)
        assert "interrupted" in err
    assert f"raw/{LOCK}" not in emulator.objects(own)
    copies = files_in(to)
    assert {p.split("/")[1] for p in copies} >= {f"{n}.ndjson.gz" for n in range(4)}
    code, told, _ = mirror()
    assert (code, told["copied"] + told["skipped"], told["digested"]) == (0, 9, 0)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
