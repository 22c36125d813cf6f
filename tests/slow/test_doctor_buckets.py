"""`flowfacts doctor` on `gs://`, for which Beam tries a refused call again and again."""

import gzip

from tests.emulators.storage_proxy import UPLOAD, Fault
from tests.integration.test_doctor import LINE, TODAY, child, failed, of, storage, storage_server

__all__ = ["storage", "storage_server"]  # fixtures


def test_an_input_and_an_output_in_buckets(storage):
    """In a process of its own, for Beam never closes its connections."""
    emulator, running_proxy, bucket = storage
    emulator.put(bucket, f"in/{TODAY}/a.ndjson.gz", gzip.compress(LINE))
    words = ("--input", f"gs://{bucket}/in", "--output", f"gs://{bucket}/out", "--clock-url", emulator.url)
    code, found = child(*words)
    assert (code, failed(found)) == (0, [])
    assert [s for s, _ in of(found, "input")] == ["ok", "ok"]
    assert of(found, "output") == [("ok", f"gs://{bucket}/out: written, read, renamed, listed and deleted an object")]
    assert list(emulator.objects(bucket)) == [f"in/{TODAY}/a.ndjson.gz"]
    running_proxy.faults = [Fault(UPLOAD, times=99, status=403)]
    code, found = child(*words)
    assert code == 1
    assert [t[0] for t in failed(found)] == ["output"]
    assert "roles/storage.objectUser" in failed(found)[0][2]
