"""What is subscribed to, and where it goes; checked before anything is called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from pipelines.options import OptionError
from schemas.catalogue import Flow
from schemas.event_types import EVENT_TYPES

PREFIX: Final = "flowfacts"
FLOWS: Final = tuple(f.value for f in Flow if f is not Flow.NONE)

_PROJECT = re.compile(r"^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$")
_TOPIC = re.compile(r"^(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}$")
_SECRET = re.compile(r"^projects/[a-z0-9:.-]+/secrets/[A-Za-z0-9_-]+/versions/[A-Za-z0-9_-]+$")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")


@dataclass(frozen=True, slots=True)
class SubscribeOptions:
    """What is asked for.

    Attributes:
        base_url: address of the platform's API, without a path.
        project, topic: where the platform publishes.
        prefix: what the names of our own subscriptions begin with.
        flows: whose events; all flows when empty.
        facilities, facility_groups: only events of these; all when empty.
        credentials: file with credentials.
        credentials_secret: the same in Secret Manager.
    """

    base_url: str
    project: str
    topic: str
    prefix: str = PREFIX
    flows: tuple[str, ...] = ()
    facilities: tuple[str, ...] = ()
    facility_groups: tuple[str, ...] = ()
    credentials: str | None = None
    credentials_secret: str | None = None

    def events(self) -> list[str]:
        """List the names of the events that are wanted, in the order of the catalogue."""
        flows = self.flows or FLOWS
        return [e.name for e in EVENT_TYPES if e.flow.value in flows]

    def contexts(self) -> list[dict[str, object]]:
        """Give what a subscription is limited to, in the words of the API; empty for no limit."""
        both = (("FACILITY", self.facilities), ("FACILITY_GROUP", self.facility_groups))
        return [{"type": kind, "values": sorted(values)} for kind, values in both if values]

    def check(self) -> None:
        """Check what can be checked without a call.

        Raises:
            OptionError: an argument can't be used.
        """
        check_base_url(self.base_url)
        if not _PROJECT.match(self.project):
            raise OptionError(f"--project is {self.project!r}, expected the id of a Google Cloud project")
        if not _TOPIC.match(self.topic):
            raise OptionError(
                f"--topic is {self.topic!r}, expected the id of a topic of {self.project}, without projects/…/topics/"
            )
        if not _NAME.match(self.prefix):
            raise OptionError(f"--name-prefix is {self.prefix!r}, expected letters, digits, dots and dashes")
        if self.credentials is not None and (not self.credentials.strip() or "{" in self.credentials):
            raise OptionError("--credentials expects the path of a file, not the credentials themselves")
        if self.credentials is not None and self.credentials_secret is not None:
            raise OptionError("only one of --credentials and --credentials-secret can be given")
        if self.credentials_secret is not None and not _SECRET.match(self.credentials_secret):
            raise OptionError(
                "--credentials-secret expects projects/PROJECT/secrets/SECRET/versions/VERSION (or latest)"
            )


def check_base_url(url: str) -> None:
    """Check the address of the platform's API.

    Raises:
        OptionError: it can't be used; a password in it is not quoted.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise OptionError("--base-url has credentials in it, expected https://TENANT.api.fulfillmenttools.com")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise OptionError(f"--base-url is {url!r}, expected https://TENANT.api.fulfillmenttools.com")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise OptionError(f"--base-url is {url!r}, expected https: a token would go over the wire in the open")
