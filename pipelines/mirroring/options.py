"""What a mirror is asked for; checked before anything is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from pipelines.mirroring.errors import MirrorError

_BUCKET: Final = re.compile(r"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$")
_SECRET: Final = re.compile(r"^projects/[a-z0-9:.-]+/secrets/[A-Za-z0-9_-]+/versions/[A-Za-z0-9_-]+$")
_VARIABLE: Final = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_DAY: Final = re.compile(r"^\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder in a bucket.

    Attributes:
        bucket: its name.
        prefix: what the names of the objects in the folder begin with: empty, or ending in `/`.
    """

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"gs://{self.bucket}/{self.prefix}".rstrip("/")

    @classmethod
    def parse(cls, option: str, value: str) -> Place:
        """Read `BUCKET[/PREFIX]`, with or without `gs://`.

        Raises:
            MirrorError: it is neither; the message names the option.
        """
        bucket, _, prefix = value.removeprefix("gs://").partition("/")
        if not _BUCKET.match(bucket) or not value.isprintable():
            raise MirrorError(f"{option} is {value!r}, expected gs://BUCKET or gs://BUCKET/PREFIX")
        prefix = prefix.rstrip("/")
        return cls(bucket, f"{prefix}/" if prefix else "")


@dataclass(frozen=True, slots=True)
class MirrorOptions:
    """One mirror.

    Attributes:
        bucket: source, `BUCKET[/PREFIX]` with or without `gs://`.
        to: local folder, or `gs://bucket[/prefix]`.
        key: file with a service-account key, which is for the source only.
        key_secret: the same in Secret Manager, `projects/P/secrets/S/versions/V`.
        key_env: the same in an environment variable, by its name.
        from_day, to_day: first and last day folder; None for no bound.
        workers: objects that are copied at a time.
        keep_days: days for which the source keeps a folder.
        warn_days: days left at which a folder that is not mirrored is told of.
        give_up: seconds without a byte after which an object is given up.
        verify: compute the checksums of all that is there, instead of trusting the ledger.
        dry_run: look, and copy nothing.
    """

    bucket: str
    to: str
    key: str | None = None
    key_secret: str | None = None
    key_env: str | None = None
    from_day: str | None = None
    to_day: str | None = None
    workers: int = 4
    keep_days: int = 90
    warn_days: int = 14
    give_up: float = 120
    verify: bool = False
    dry_run: bool = False

    @property
    def source(self) -> Place:
        """The source."""
        return Place.parse("--bucket", self.bucket)

    @property
    def target(self) -> Place | None:
        """The destination in a bucket; None when it is a local folder."""
        return Place.parse("--to", self.to) if self.to.startswith("gs://") else None

    def within(self, day: str) -> bool:
        """Say whether a day is asked for."""
        return (self.from_day or "") <= day <= (self.to_day or "9999-99-99")

    def check(self) -> None:
        """Check what can be checked without a call.

        Raises:
            MirrorError: an argument can't be used.
        """
        source = self.source
        self._check_key()
        if not self.to.strip():  # an unset variable of a script; the empty path would become the root folder
            raise MirrorError("--to is empty, expected a folder or gs://bucket/folder")
        if "://" in self.to and not self.to.startswith("gs://"):
            raise MirrorError(f"--to is {self.to}, expected a local folder or gs://bucket/folder")
        if self.target == source:
            raise MirrorError(f"--to is the source itself, {source}")
        for name, day in (("--from-day", self.from_day), ("--to-day", self.to_day)):
            if day is not None and not is_day(day):
                raise MirrorError(f"{name} is {day!r}, expected a day YYYY-MM-DD")
        if self.from_day and self.to_day and self.from_day > self.to_day:
            raise MirrorError(f"--from-day {self.from_day} is after --to-day {self.to_day}")
        for name, value, least, most in (
            ("--workers", self.workers, 1, 64),
            ("--keep-days", self.keep_days, 1, 36_500),
            ("--warn-days", self.warn_days, 0, 36_500),
            ("--give-up", self.give_up, 0, 86_400),
        ):
            if not least <= value <= most:
                raise MirrorError(f"{name} is {value:g}, expected a number from {least:,} to {most:,}")

    def _check_key(self) -> None:
        """Check how the key is given; never quotes a value, for it may be the key itself, given by mistake."""
        given = [v for v in (self.key, self.key_secret, self.key_env) if v is not None]
        if len(given) > 1:
            raise MirrorError("only one of --key, --key-secret and --key-env can be given")
        if self.key is not None and (not self.key.strip() or "{" in self.key or not self.key.isprintable()):
            raise MirrorError("--key expects the path of a file, not the key itself")
        if self.key_secret is not None and not _SECRET.match(self.key_secret):
            raise MirrorError("--key-secret expects projects/PROJECT/secrets/SECRET/versions/VERSION (or latest)")
        if self.key_env is not None and not _VARIABLE.match(self.key_env):
            raise MirrorError("--key-env expects the name of an environment variable, not the key itself")


def is_day(text: str) -> bool:
    """Say whether a text is a day `YYYY-MM-DD` of the calendar."""
    if not _DAY.match(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
