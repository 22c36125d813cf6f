"""`flowfacts land` to a bucket of the Cloud Storage emulator."""

from __future__ import annotations

import collections
import gzip
import json
from collections.abc import Iterator

import pytest

from tests.emulators.storage import StorageEmulator, storage_emulator
from tests.landing import DAY, events


@pytest.fixture(scope="module")
def storage(tmp_path_factory) -> Iterator[StorageEmulator]:
    with storage_emulator(tmp_path_factory.mktemp("gcs")) as running:
        running.make_bucket("bucket")
        yield running


def test_objects_of_a_bucket_appear_whole_and_before_the_acknowledgement(own, storage, land, tmp_path):
    topic, subscription = own.create()
    ids = own.publish(topic, events(300, size=4000))
    environment = {"STORAGE_EMULATOR_HOST": storage.url, "GOOGLE_CLOUD_PROJECT": "p"}
    options = ("--max-file-mb", "0.5", "--idle-exit", "0.6")
    landing = land(own, subscription, "gs://bucket/raw/", *options, environment=environment)
    assert landing.end() == (0, "")
    objects = storage.objects("bucket")
    assert sorted(objects) == sorted(f["path"].removeprefix("gs://bucket/") for f in landing.files)
    assert all(n.startswith(f"raw/{DAY}/2") and n.endswith(".ndjson.gz") for n in objects)
    assert len(objects) >= 3
    found = collections.Counter(
        json.loads(line)["messageId"] for data in objects.values() for line in gzip.decompress(data).splitlines()
    )
    assert found == collections.Counter(ids)
    assert landing.last["acknowledged"] == len(ids)


def test_a_bucket_that_is_missing_acknowledges_nothing(own, storage, land, tmp_path):
    topic, subscription = own.create()
    ids = own.publish(topic, events(20))
    environment = {"STORAGE_EMULATOR_HOST": storage.url, "GOOGLE_CLOUD_PROJECT": "p"}
    landing = land(
        own, subscription, "gs://nothing/raw", "--max-file-age", "0.2", "--give-up", "0.5", environment=environment
    )
    code, err = landing.end()
    assert code == 1
    assert "gs://nothing/raw" in err
    assert landing.last["acknowledged"] == 0
    assert {m.message.message_id for m in own.pull(subscription)} == set(ids)
