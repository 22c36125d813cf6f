"""The parts of a mirror that need no server: names, keys, options, the ledger, expiry, copying."""

import base64
import json
import os
import subprocess
import sys
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path, PurePosixPath

import google_crc32c
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli import main
from pipelines.exports import discover
from pipelines.mirroring import copying
from pipelines.mirroring.copying import Copier, UnreachableError
from pipelines.mirroring.destination import Found, Stop
from pipelines.mirroring.errors import (
    DestinationError,
    MirrorError,
    ObjectError,
    PassingError,
    ReplacedError,
    SourceGoneError,
    StoppedError,
    words,
)
from pipelines.mirroring.expiry import expiry
from pipelines.mirroring.folder import Folder
from pipelines.mirroring.keys import read_secret, source_credentials
from pipelines.mirroring.ledger import FILE, Entry, Ledger
from pipelines.mirroring.objects import Problem, SourceObject, shown, sort_objects
from pipelines.mirroring.opening import open_destination
from pipelines.mirroring.options import MirrorOptions, Place
from pipelines.mirroring.status import Report, as_errors, as_json, as_text, bar
from tests.strategies import examples

ROOT = Path(__file__).parents[3]
DAY = "2026-06-17"


def crc(data):
    return base64.b64encode(google_crc32c.Checksum(data).digest()).decode()


def thing(name, data=b"1", generation=1):
    return SourceObject(name, generation, len(data), crc(data))


def options(to="to", **more):
    return MirrorOptions("bucket", str(to), **more)


# Names


_pieces = st.sampled_from(["..", ".", "", "a", "A", "é", "e\u0301", "*", "\n", "\\", "~", ".hidden", "x" * 300, "a.gz"])
_names = st.lists(_pieces | st.text(max_size=5), min_size=1, max_size=5).map("/".join)


@examples(500)
@given(st.lists(_names.map(lambda n: f"{DAY}/{n}") | _names, max_size=8, unique=True))
def test_an_accepted_name_is_a_file_below_its_day(names):
    found = sort_objects([thing(n, generation=i) for i, n in enumerate(names)], lambda _: False)
    accepted = [o.name for o in found.accepted]
    assert len(accepted) + len(found.refused) + found.ignored == len(names)
    for name in accepted:
        path = PurePosixPath(name)
        assert os.path.normpath(name) == name == str(path)
        assert path.parts[0] == DAY
        assert len(path.parts) > 1
        assert not any(part.startswith(".") for part in path.parts)
        assert name.isprintable()
        assert not set("*?[]\\") & set(name)
    # No two of them are one file anywhere, and none is the folder of another.
    folded = [n.casefold() for n in accepted]
    assert len(set(folded)) == len(folded)
    assert not any(a != b and b.startswith(f"{a}/") for a in folded for b in folded)


def test_of_names_that_differ_by_case_the_one_that_is_there_stays():
    both = [thing(f"{DAY}/a.gz", generation=2), thing(f"{DAY}/A.gz", generation=1)]
    assert [o.name for o in sort_objects(both, lambda _: False).accepted] == [f"{DAY}/A.gz"]
    found = sort_objects(both, lambda name: name == f"{DAY}/a.gz")
    assert [o.name for o in found.accepted] == [f"{DAY}/a.gz"]
    assert [p.name for p in found.refused] == [f"{DAY}/A.gz"]
    composed = [thing(f"{DAY}/\u00e9"), thing(f"{DAY}/e\u0301")]
    assert len(sort_objects(composed, lambda _: False).accepted) == 1


def test_shown_names_are_one_short_line():
    assert shown("a\r\n\x1b[31m") == "a\\r\\n\\x1b[31m"
    assert shown("ü b") == "ü b"
    assert len(shown("\x00" * 1000)) == 123


# Options and key


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("b-1.x", Place("b-1.x", "")),
        ("gs://bucket", Place("bucket", "")),
        ("gs://bucket/", Place("bucket", "")),
        ("bucket/a/b/", Place("bucket", "a/b/")),
    ],
)
def test_a_place_in_a_bucket(value, place):
    assert Place.parse("--bucket", value) == place
    assert str(place) in f"gs://{value.removeprefix('gs://')}"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"bucket": ""}, "--bucket is '', expected gs://BUCKET or gs://BUCKET/PREFIX"),
        ({"bucket": "s3://bucket"}, "--bucket is 's3://bucket', expected"),
        ({"bucket": "Bucket"}, "--bucket is 'Bucket'"),
        ({"bucket": "bucket/a\nb"}, "--bucket is 'bucket/a\\nb'"),
        ({"to": " "}, "--to is empty"),
        ({"to": "s3://x"}, "--to is s3://x, expected a local folder or gs://bucket/folder"),
        ({"to": "gs://"}, "--to is 'gs://'"),
        ({"to": "gs://bucket/"}, "--to is the source itself, gs://bucket"),
        ({"key": "a", "key_env": "B"}, "only one of --key, --key-secret and --key-env"),
        ({"from_day": "2026-6-1"}, "--from-day is '2026-6-1', expected a day YYYY-MM-DD"),
        ({"to_day": "2026-02-30"}, "--to-day is '2026-02-30'"),
        ({"from_day": "2026-06-02", "to_day": "2026-06-01"}, "--from-day 2026-06-02 is after --to-day 2026-06-01"),
        ({"workers": 0}, "--workers is 0, expected a number from 1 to 64"),
        ({"keep_days": 0}, "--keep-days is 0"),
        ({"warn_days": -1}, "--warn-days is -1"),
        ({"give_up": float("nan")}, "--give-up is nan"),
    ],
)
def test_options_that_cannot_be_used(more, message):
    with pytest.raises(MirrorError) as err:
        MirrorOptions(**{"bucket": "bucket", "to": "to", **more}).check()
    assert message in str(err.value)


def test_the_command_ends_with_2_before_any_call(capsys):
    assert main(["mirror", "--bucket", "b/", "--to", "x", "--workers", "99"]) == 2
    assert "flowfacts mirror: --bucket is 'b/'" in capsys.readouterr().err


SECRET = "s3cr3t-fragment"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no JSON"),
        (SECRET, "holds no JSON"),
        (f'{{"private_key": "{SECRET}', "holds no JSON"),
        (json.dumps([SECRET]), "holds no service-account key"),
        (json.dumps({"type": SECRET}), "holds no service-account key"),
        (json.dumps({"type": "service_account", "private_key": SECRET}), "has no client_email and no token_uri"),
        (
            json.dumps({"type": "service_account", "private_key": SECRET, "client_email": SECRET, "token_uri": SECRET}),
            "the private_key in the key file",
        ),
        (json.dumps({"type": "service_account", "x": "y" * 70_000}), "holds no service-account key"),
    ],
)
def test_a_broken_key_is_named_and_not_quoted(tmp_path, content, message):
    path = tmp_path / "key.json"
    path.write_text(content)
    with pytest.raises(MirrorError) as err:
        source_credentials(options(key=str(path)))
    assert message in str(err.value)
    assert str(path) in str(err.value)
    assert "expected the JSON of a service-account key" in str(err.value)
    assert SECRET not in str(err.value)
    # Nor does a traceback show a cause that might quote it.
    assert err.value.__suppress_context__ or err.value.__context__ is None


def test_without_a_key_the_environment_is_asked(monkeypatch):
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    assert source_credentials(options()) is None


class _Secrets(BaseHTTPRequestHandler):
    answers: dict[str, tuple[int, bytes]] = {}  # noqa: RUF012

    def do_GET(self):
        status, body = self.answers[self.path]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def secrets():
    with HTTPServer(("127.0.0.1", 0), _Secrets) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_key_in_secret_manager(secrets):
    name = "projects/p/secrets/s/versions/latest"
    path = f"/v1/{name}:access"
    with requests.Session() as session:
        _Secrets.answers = {path: (200, json.dumps({"payload": {"data": "c2VjcmV0"}}).encode())}
        assert read_secret(name, session, secrets) == b"secret"
        for status, body, message in (
            (403, SECRET.encode(), "secretmanager.versions.access"),
            (404, SECRET.encode(), "no such secret or version"),
            (302, SECRET.encode(), "disabled, destroyed, or out of order"),
            (200, SECRET.encode(), "gives no payload"),
            (200, json.dumps({"payload": {"data": SECRET + "!"}}).encode(), "gives no payload"),
        ):
            _Secrets.answers = {path: (status, body)}
            with pytest.raises(MirrorError) as err:
                read_secret(name, session, secrets)
            assert message in str(err.value)
            assert name in str(err.value)
            assert SECRET not in str(err.value)
        with pytest.raises(MirrorError, match="Secret Manager can't be reached for projects/p"):
            read_secret(name, session, "http://127.0.0.1:9")


# Ledger and folder


def test_the_ledger_is_written_whole_and_read_again(tmp_path):
    folder = str(tmp_path)
    ledger = Ledger(folder, "gs://b")
    ledger.save()
    assert os.listdir(folder) == []  # nothing has changed
    entry = Entry(5, 3, "AAAAAA==", 17)
    ledger.put(f"{DAY}/ü", entry)
    ledger.put("2026-06-18/a", entry)
    ledger.save()
    assert os.listdir(folder) == [FILE]
    again = Ledger(folder, "gs://b")
    assert again.get(f"{DAY}/ü") == entry
    again.keep(lambda name: name.startswith(DAY))
    again.save()
    assert Ledger(folder, "gs://b").get("2026-06-18/a") is None
    with pytest.raises(MirrorError, match="is a mirror of gs://b, not of gs://c"):
        Ledger(folder, "gs://c")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 1, "source": "gs://b", "objects": {"a": [1]}}', "\0"])
def test_a_ledger_that_cannot_be_read_is_none(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    assert Ledger(str(tmp_path), "gs://b").get("a") is None
    (tmp_path / FILE).write_text('{"format": 99, "source": "gs://elsewhere", "objects": {"a": [1, 2, "x", 3]}}')
    assert Ledger(str(tmp_path), "gs://b").get("a") is None


def test_a_copy_under_way_is_hidden_from_the_batch_job(tmp_path):
    folder = Folder(options(tmp_path), Stop())
    obj = thing(f"{DAY}/a.ndjson.gz", b"0123")
    with_bytes = folder.open(obj)
    with_bytes.write(b"01")
    with_bytes.close()
    with_bytes.close()
    assert folder.find(obj) is Found.MISSING
    (tmp_path / DAY / "z.ndjson").write_bytes(b"{}")
    assert [f.name for f in discover(str(tmp_path))] == [f"{DAY}/z.ndjson"]
    again = folder.open(obj)
    assert (again.size, again.digest()) == (2, crc(b"01"))
    again.write(b"23")
    assert again.publish() == obj.crc32c
    again.close()
    assert folder.find(obj) is Found.SAME
    assert [f.name for f in discover(str(tmp_path))] == [f"{DAY}/a.ndjson.gz", f"{DAY}/z.ndjson"]
    folder.save()
    assert Folder(options(tmp_path), Stop()).find(obj) is Found.SAME
    assert Folder(options(tmp_path, verify=True), Stop()).find(obj) is Found.DIGESTED
    assert folder.find(thing(obj.name, b"0124")) is Found.OTHER
    assert folder.find(thing(obj.name, b"01234")) is Found.OTHER


def test_a_partial_that_is_a_link_is_not_followed(tmp_path):
    obj = thing(f"{DAY}/a", b"0123")
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / "to" / DAY).mkdir(parents=True)
    (tmp_path / "to" / DAY / ".a.1.partial").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DestinationError, match="can't be written to"):
        Folder(options(tmp_path / "to"), Stop()).open(obj)


# Copying


class FakeSource:
    """Gives what a list says, one entry a read: bytes to send, or an error to raise afterwards."""

    def __init__(self, *steps, fresh=None):
        self.steps, self.fresh, self.starts = list(steps), fresh, []

    def look(self, name):
        if self.fresh is None:
            raise SourceGoneError
        return self.fresh

    def read(self, obj, start, sink):
        self.starts.append((obj.generation, start))
        step = self.steps.pop(0)
        for part in step if isinstance(step, tuple) else (step,):
            if isinstance(part, Exception):
                raise part
            sink.write(part)


@pytest.fixture
def no_waits(monkeypatch):
    monkeypatch.setattr(copying, "_FIRST_WAIT", 0.001)


def copier(source, folder, stop=None, give_up=5.0):
    return Copier(source, folder, stop or Stop(), give_up, lambda count: None)


@pytest.fixture
def folder(tmp_path, no_waits):
    return Folder(options(tmp_path / "to"), Stop())


OBJ = thing(f"{DAY}/a", b"0123456789")


def copies(tmp_path):
    return {p.name: p.read_bytes() for p in (tmp_path / "to" / DAY).iterdir()}


def test_goes_on_where_it_was_cut(tmp_path, folder):
    source = FakeSource((b"012", PassingError("cut")), PassingError("busy"), b"34", b"56789")
    assert copier(source, folder).copy(OBJ).obj == OBJ
    assert source.starts == [(1, 0), (1, 3), (1, 3), (1, 5)]
    assert copies(tmp_path) == {"a": b"0123456789"}


def test_more_bytes_than_the_object_has_are_not_kept(tmp_path, folder):
    source = FakeSource(b"0123456789" * 1000, b"x" * 10, b"0123456789")
    copier(source, folder).copy(OBJ)
    assert source.starts == [(1, 0)] * 3
    assert copies(tmp_path) == {"a": b"0123456789"}


def test_wrong_bytes_are_given_up_and_not_left(tmp_path, folder):
    with pytest.raises(ObjectError) as err:
        copier(FakeSource(*[b"x" * 10] * 3), folder).copy(OBJ)
    assert str(err.value) == f"wrong bytes 3 times: CRC32C is {crc(b'x' * 10)}, expected {OBJ.crc32c}"
    assert copies(tmp_path) == {}


def test_what_has_come_stays_when_it_is_given_up_or_stopped(tmp_path, folder):
    with pytest.raises(UnreachableError, match=r"it can't be read for 0 s \(busy\)"):
        copier(FakeSource((b"0123", PassingError("busy"))), folder, give_up=0).copy(OBJ)
    assert copies(tmp_path) == {".a.1.partial": b"0123"}
    stop = Stop()
    stop.set()
    with pytest.raises(StoppedError):
        copier(FakeSource(PassingError("busy")), folder, stop).copy(OBJ)
    assert copies(tmp_path) == {".a.1.partial": b"0123"}
    source = FakeSource(b"456789")
    assert copier(source, folder).copy(OBJ).resumed == 4
    assert source.starts == [(1, 4)]


def test_a_replaced_object_begins_again(tmp_path, folder):
    fresh = thing(OBJ.name, b"new", generation=2)
    source = FakeSource((b"0123", ReplacedError()), b"new", fresh=fresh)
    done = copier(source, folder).copy(OBJ)
    assert (done.obj, done.replaced, done.resumed) == (fresh, True, 0)
    assert copies(tmp_path) == {"a": b"new"}
    with pytest.raises(SourceGoneError):
        copier(FakeSource((b"0123", ReplacedError())), folder).copy(OBJ)
    assert copies(tmp_path) == {"a": b"new"}
    with pytest.raises(ObjectError, match="it was replaced 11 times"):
        copier(FakeSource(*[ReplacedError()] * 11, fresh=OBJ), folder).copy(OBJ)


def test_an_empty_object_needs_no_read(tmp_path, folder):
    empty = thing(f"{DAY}/empty", b"")
    copier(FakeSource(), folder).copy(empty)
    assert copies(tmp_path) == {"empty": b""}


def test_a_copy_that_only_lacks_its_name_is_not_read_again(tmp_path, folder):
    whole = folder.open(OBJ)
    whole.write(b"0123456789")
    whole.close()
    assert copier(FakeSource(), folder).copy(OBJ).resumed == 10
    assert copies(tmp_path) == {"a": b"0123456789"}


def test_an_error_is_named_by_its_code_only():
    from google.api_core.exceptions import Forbidden

    assert words(Forbidden("reader@vendor.example is refused")) == "403 Forbidden"
    assert words(ValueError("secret")) == "ValueError"


# Expiry and words


def test_days_left():
    found = expiry({"2026-06-02": 0, "2026-03-19": 2, "2026-03-18": 1}, date(2026, 6, 16), 90)
    assert [(e.day, e.deleted_on, e.days_left, e.missing) for e in found] == [
        ("2026-03-18", "2026-06-16", 0, 1), ("2026-03-19", "2026-06-17", 1, 2), ("2026-06-02", "2026-08-31", 76, 0),
    ]  # fmt: skip


def test_many_problems_are_counted():
    report = Report("gs://b", "to", False, refused=[Problem(f"{n:03}", "why") for n in range(100)])
    report.expiring = expiry({"2026-03-18": 1}, date(2026, 6, 16), 90)
    lines = as_errors(report)
    assert len(lines) == 22
    assert lines[0] == "refused 000: why"
    assert lines[20] == "... and 80 more refused"
    assert lines[21].endswith("of 2026-03-18 are not mirrored; the source deletes it any moment (since 2026-06-16)")
    assert report.exit_code == 1
    assert "100 refused" in as_text(report)


def test_nothing_of_it_loads_beam():
    code = "import sys, pipelines.mirror, pipelines.mirroring.folder, pipelines.mirroring.own_bucket as _; "
    check = "sys.exit('apache_beam' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code + check], cwd=ROOT, check=False).returncode == 0


def test_the_bar_takes_what_it_is_told(capsys):
    for show in (True, False):
        with bar(show, 2, 100) as shown_bar:
            shown_bar.add(30)
            shown_bar.done(60, 30)
            shown_bar.done(40, 0)
    out, err = capsys.readouterr()
    assert out == ""
    assert "2/2 files" in err or err.strip() == ""  # only a terminal is drawn on


def test_the_json_has_everything():
    report = Report("gs://b", "to", True, failed=[Problem("a\n", "why")], fetched_bytes=10, seconds=2.0)
    report.next_to_expire = expiry({"2026-03-18": 1}, date(2026, 6, 16), 90)[0]
    told = json.loads(as_json(report))
    assert told["failed"] == [{"name": "a\n", "reason": "why"}]
    assert told["next_to_expire"] == {
        "day": "2026-03-18", "deleted_on": "2026-06-16", "days_left": 0, "missing": 1,
    }  # fmt: skip
    assert (told["bytes_per_second"], told["exit_code"], told["problem"]) == (5, 1, None)


def test_a_local_destination_is_opened_without_a_cloud_client_of_its_own(tmp_path):
    assert isinstance(open_destination(options(tmp_path / "to"), Stop()), Folder)
    assert not (tmp_path / "to").exists()
