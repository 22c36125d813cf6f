"""Which looks are taken: what the command line names, else what the configuration gives to the other commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Final

from pipelines.doctoring import cloud, machine, storage
from pipelines.doctoring.findings import Finding, looked
from pipelines.settings.declared import all_options
from pipelines.settings.effective import settings_of
from pipelines.settings.file import find, load

GOOGLE: Final = "https://www.googleapis.com/"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at; what is None is not.

    Attributes:
        input, output: folders.
        subscription: `projects/P/subscriptions/S`.
        bigquery: PROJECT.DATASET.
        bucket, key, key_secret, key_env: the vendor's bucket and its key, as of `mirror`.
        base_url, project, topic, credentials, credentials_secret: the platform's API, as of `subscribe`.
        clock_url: server to compare the clock with.
    """

    input: str | None = None
    output: str | None = None
    subscription: str | None = None
    bigquery: str | None = None
    bucket: str | None = None
    key: str | None = None
    key_secret: str | None = None
    key_env: str | None = None
    base_url: str | None = None
    project: str | None = None
    topic: str | None = None
    credentials: str | None = None
    credentials_secret: str | None = None
    clock_url: str | None = None


_SOURCES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "input": (("batch", "input"), ("mirror", "to"), ("land", "to")),
    "output": (("batch", "output"), ("stream", "output")),
    "subscription": (("land", "subscription"), ("stream", "subscription")),
    "bigquery": (("batch", "bigquery"), ("bigquery load", "to"), ("bigquery apply", "dataset")),
    **{n: (("mirror", n.replace("_", "-")),) for n in ("bucket", "key", "key_secret", "key_env")},
    **{
        n: (("subscribe", n.replace("_", "-")),)
        for n in ("base_url", "project", "topic", "credentials", "credentials_secret")
    },
}
"""Where a subject comes from when the command line does not name it: options of other commands."""


def completed(given: Subject, named: str | None, environ: Mapping[str, str]) -> Subject:
    """Add what the configuration gives to the commands that will run."""
    file = load(find(named, environ))
    known = all_options()
    values = {}
    for field in fields(Subject):
        value = getattr(given, field.name)
        for command, option in _SOURCES.get(field.name, ()):
            if value is not None:
                break
            settings, _ = settings_of([o for o in known[command] if o.name == option], file, environ)
            value = next((s.value for s in settings if s.level and s.value), None)
        values[field.name] = value
    return Subject(**values)


def examine(subject: Subject, named: str | None, environ: Mapping[str, str]) -> Iterator[list[Finding]]:
    """Take all looks, one after the other."""
    yield looked("python", machine.versions)
    yield looked("machine", machine.memory)
    yield looked("configuration", lambda: machine.configuration(named, environ))
    yield looked("temporary files", machine.temporary)
    s = subject
    cloudy = s.subscription or s.bigquery or any(p and p.startswith("gs://") for p in (s.input, s.output))
    if cloudy:
        yield looked("credentials", lambda: cloud.credentials(environ))
    clock_url = s.clock_url or s.base_url or (GOOGLE if cloudy or s.bucket else None)
    if clock_url is not None:
        yield looked("clock", lambda: machine.clock(clock_url))
    if s.base_url is not None:
        url = s.base_url
        yield looked("platform", lambda: cloud.platform(url, s.project, s.topic, s.credentials, s.credentials_secret))
    if s.bucket is not None:
        bucket = s.bucket
        yield looked("vendor bucket", lambda: storage.mirrored(bucket, s.key, s.key_secret, s.key_env))
    if s.subscription is not None:
        name = s.subscription
        yield looked("subscription", lambda: cloud.subscription(name))
    if s.input is not None:
        source = s.input
        yield looked("input", lambda: storage.readable(source))
    if s.output is not None:
        output = s.output
        yield looked("output", lambda: storage.writable(output))
    if s.bigquery is not None:
        dataset = s.bigquery
        yield looked("dataset", lambda: cloud.dataset(dataset))
