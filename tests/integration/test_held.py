"""When a reader on an engine acknowledges: over gRPC, against the small Pub/Sub server."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from pipelines.landing import subscription as landing
from pipelines.live.held import Held
from pipelines.live.receipts import KEPT, Receipts, receipt_path, write_receipt
from pipelines.live.store import prepare, publish
from tests.emulators.pubsub import OWN, Emulator, running


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(OWN, tmp_path_factory.mktemp("pubsub")) as found:
        yield found


class Told:
    """Says what is durable."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def new(self) -> list[str]:
        told, self.ids = self.ids, []
        return told


@pytest.fixture
def reader(emulator: Emulator, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", emulator.host)
    topic, subscription = emulator.create()
    told = Told()
    return Reader(emulator, topic, subscription, told, Held(landing.connect(), subscription, told))


class Reader:
    def __init__(self, emulator, topic, subscription, told, held):
        self.emulator, self.topic, self.subscription, self.told, self.held = emulator, topic, subscription, told, held

    def pulled(self, *bodies: bytes) -> list[str]:
        self.emulator.publish(self.topic, list(bodies))
        found: list[str] = []
        while len(found) < len(bodies):
            found += [m.message_id for m in self.held.pull()]
        return found

    def delivered_again(self) -> int:
        self.emulator.expire_leases()
        return len(self.emulator.pull(self.subscription, wait=0.5))


def test_what_is_durable_and_committed_by_a_later_bundle_is_acknowledged(reader):
    ids = reader.pulled(b"a", b"b")
    reader.told.ids = list(ids)
    reader.held.committing(ids)()
    reader.held.tend()
    assert len(reader.held) == 2  # committed once: it may have ended after the checkpoint was taken
    reader.held.committing([])()
    reader.held.tend()
    assert len(reader.held) == 0
    assert reader.delivered_again() == 0


def test_a_bundle_that_began_before_the_first_was_committed_shows_nothing(reader):
    ids = reader.pulled(b"a")
    reader.told.ids = list(ids)
    first, second = reader.held.committing(ids), reader.held.committing([])
    first()
    second()  # the same checkpoint may have completed both
    reader.held.tend()
    assert len(reader.held) == 1
    assert reader.delivered_again() == 1


def test_what_is_committed_and_not_in_the_log_is_not_acknowledged(reader):
    ids = reader.pulled(b"a", b"b")
    reader.told.ids = ids[:1]
    reader.held.committing(ids)()
    reader.held.committing([])()
    reader.held.tend()
    assert len(reader.held) == 1
    assert reader.delivered_again() == 1


def test_a_message_that_is_delivered_again_is_acknowledged_by_its_newest_delivery(reader):
    ids = reader.pulled(b"a")
    reader.emulator.expire_leases()
    assert [m.message_id for m in reader.held.pull()] == ids
    reader.told.ids = list(ids)
    reader.held.committing(ids)()
    reader.held.committing([])()
    reader.held.tend()
    assert (len(reader.held), reader.delivered_again()) == (0, 0)


def test_leases_last_while_they_are_tended(emulator, monkeypatch):
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", emulator.host)
    topic, subscription = emulator.create()
    held = Held(landing.connect(), subscription, Told(), lease=2)
    emulator.publish(topic, [b"a"])
    while not held.pull():
        pass
    until = time.monotonic() + 3.0
    while time.monotonic() < until:
        held.tend()
        time.sleep(0.2)
    assert emulator.pull(subscription, wait=0.3) == []
    assert len(emulator.pull(subscription, wait=4.0)) == 1


def test_receipts_count_when_their_publication_is_visible_and_are_read_once(tmp_path):
    out = str(tmp_path)
    prepare(out, 1)
    publish(out, 0, 1, {}, before=lambda n: write_receipt(out, 0, 1, n, {"before"}))
    receipts = Receipts(out, 1)
    write_receipt(out, 0, 1, 2, {"lost"})  # its publication fails, and is made again
    assert list(receipts.new()) == []
    publish(out, 0, 1, {}, before=lambda n: write_receipt(out, 0, 1, n, {"a", "b"}))
    publish(out, 0, 1, {})  # by a job without receipts
    publish(out, 0, 1, {}, before=lambda n: write_receipt(out, 0, 1, n, {"c"}))
    assert list(receipts.new()) == ["a", "b", "c"]
    assert list(receipts.new()) == []


def test_old_receipts_are_deleted(tmp_path):
    out = str(tmp_path)
    write_receipt(out, 0, 1, 1, {"a"})
    write_receipt(out, 0, 1, KEPT, {"b"})
    write_receipt(out, 0, 1, KEPT + 1, {"c"})
    there = sorted(p.name for p in (tmp_path / "live" / "receipts").iterdir())
    assert there == [receipt_path("", 0, 1, n).rsplit("/", 1)[-1] for n in (KEPT, KEPT + 1)]
