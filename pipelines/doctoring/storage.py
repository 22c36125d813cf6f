"""Folders of the job: an input to be read, an output to be written, a vendor's bucket to be listed."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime

from pipelines.doctoring.findings import Finding, fail, ok, warn
from pipelines.doctoring.machine import disk

VIEWER = "give the service account roles/storage.objectViewer on the bucket"
ASK = "ask the vendor for the name of the bucket and a key that may read it"
USER = "give the service account roles/storage.objectUser on the bucket"


def readable(folder: str) -> Iterator[Finding]:
    """List an input and read the newest of its files."""
    from pipelines.exports import LineReader, NoInputError, discover

    try:
        files = discover(folder)
    except NoInputError as err:
        fix = VIEWER if "://" in folder else "name the folder with the day folders YYYY-MM-DD"
        yield fail("input", str(err), fix)
        return
    days = sorted({f.day for f in files if f.day})
    told = f"{len(files):,} files in {len(days):,} day folders, {sum(f.size for f in files) / 1e6:,.1f} MB"
    yield ok("input", f"{folder}: {told}")
    newest = max(files, key=lambda f: (f.day or "", f.path))
    reader = LineReader(newest)
    lines = sum(len([x for x in chunk if x]) for _, chunk in itertools.islice(reader, 1))
    if lines:
        yield ok("input", f"{newest.name} can be read")
    elif reader.report.problem:
        yield warn("input", f"{newest.name}: {reader.report.problem}", "the batch job leaves it out until it is whole")
    else:
        yield warn("input", f"{newest.name} has no line", "look at what writes it")
    if days:
        age = (datetime.now(UTC).date() - date.fromisoformat(days[-1])).days
        if age > 2:
            yield warn("input", f"the newest day folder is {days[-1]}, {age} days old", "look at the mirror")


def writable(folder: str) -> Iterator[Finding]:
    """Write to an output as the job does."""
    if "://" not in folder:
        yield from disk("output", folder)
        return
    from apache_beam.io.filesystems import FileSystems

    probe = f"{folder.rstrip('/')}/.flowfacts-doctor-{uuid.uuid4().hex}"
    moved = f"{probe}-renamed"
    step = "write"
    try:
        with FileSystems.create(probe, "application/octet-stream") as file:
            file.write(b"flowfacts")
        step = "read"
        with FileSystems.open(probe) as file:
            if file.read() != b"flowfacts":
                yield fail("output", f"{folder} gives back something else than was written", "name another bucket")
                return
        step = "rename"
        FileSystems.rename([probe], [moved])
        step = "list"
        if not FileSystems.match([moved])[0].metadata_list:
            yield fail("output", f"{folder} does not list what was written", USER)
            return
        step = "delete"
        FileSystems.delete([moved])
        yield ok("output", f"{folder}: written, read, renamed, listed and deleted an object")
    except Exception as err:  # noqa: BLE001 Beam wraps whatever the service says into errors of its own
        text = " ".join(str(err).split())[:200]
        fix = "make the bucket first (deploy/terraform does)" if "404" in text or "NotFound" in text else USER
        yield fail("output", f"can't {step} an object in {folder}: {text}", fix)


def mirrored(bucket: str, key: str | None, key_secret: str | None, key_env: str | None) -> Iterator[Finding]:
    """List the vendor's bucket with its key and read a little of it."""
    from pipelines.mirroring.errors import DeniedError, MirrorError, ObjectError, PassingError, SourceGoneError
    from pipelines.mirroring.keys import source_credentials
    from pipelines.mirroring.options import MirrorOptions
    from pipelines.mirroring.source import Source

    options = MirrorOptions(bucket, os.devnull, key=key, key_secret=key_secret, key_env=key_env, give_up=10)
    try:
        options.check()
        source = Source(options, source_credentials(options))
    except MirrorError as err:
        yield fail("vendor bucket", str(err), ASK)
        return
    with contextlib.closing(source):
        try:
            objects = list(itertools.islice(source.list(), 1000))
        except MirrorError as err:
            yield fail("vendor bucket", str(err), ASK)
            return
        if not objects:
            yield warn("vendor bucket", f"{options.source} is empty", "ask the vendor whether the export is on")
            return
        yield ok("vendor bucket", f"{options.source} can be listed: {len(objects):,} objects looked at")
        smallest = min(objects, key=lambda o: o.size)
        try:
            source.read(smallest, 0, io.BytesIO())
            yield ok("vendor bucket", f"{smallest.name} can be read")
        except (DeniedError, ObjectError) as err:
            yield fail("vendor bucket", f"{smallest.name}: {err}", "ask the vendor for storage.objects.get")
        except (PassingError, SourceGoneError) as err:
            yield warn("vendor bucket", f"{smallest.name} could not be read just now ({err})", "run doctor again")
