"""Calls to the platform's REST API: signed, repeated while they fail for a moment, and told in words when they don't.

What is safe to repeat is repeated here. Making a subscription is not: when its answer is lost, nobody knows whether it
was made. Then `UnsureError` is raised, and the caller looks.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import requests

from pipelines.mirroring.errors import words
from pipelines.subscribing.credentials import Credentials, SignInError, Token

PATH: Final = "/api/subscriptions"
PAGE: Final = 100
_MOST_PAGES: Final = 1000
_FIRST_WAIT = 1.0

_log = logging.getLogger(__name__)


class PlatformError(Exception):
    """The platform refuses something for good, or for too long; the message says what, why, and what to do."""


class UnsureError(Exception):
    """The answer of a call was lost: it may have been carried out."""


class ConflictError(Exception):
    """The platform says that what is asked for is in conflict with what it has."""


@dataclass(slots=True)
class Platform:
    """The platform's API.

    Attributes:
        base_url: its address.
        token: signs the calls.
        attempts: how often a call is tried.
        pause: seconds before the second attempt; each further one waits up to twice as long, at most a minute.
        seconds: time that a call may take.
        retries: how many attempts have failed so far.
    """

    base_url: str
    token: Token
    session: requests.Session = field(repr=False)
    attempts: int = 6
    pause: float = field(default_factory=lambda: _FIRST_WAIT)
    seconds: float = 30.0
    retries: int = 0
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def connect(cls, base_url: str, credentials: Credentials) -> Platform:
        """Make one; nothing is called yet."""
        session = requests.Session()
        session.trust_env = True
        return cls(base_url.rstrip("/"), Token(credentials, session), session)

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    def subscriptions(self) -> list[dict[str, Any]]:
        """List all subscriptions of the tenant, page by page.

        Raises:
            PlatformError: it can't be done.
        """
        found: dict[str, dict[str, Any]] = {}
        after: str | None = None
        for _ in range(_MOST_PAGES):
            params = {"size": str(PAGE), **({"startAfterId": after} if after is not None else {})}
            page = self._call("list the subscriptions", "GET", PATH, params=params).json()
            items = page.get("subscriptions") if isinstance(page, dict) else None
            if not isinstance(items, list) or not all(isinstance(i, dict) and "id" in i for i in items):
                raise PlatformError(
                    f"{self.base_url}{PATH} answers with something else than subscriptions; is --base-url right?"
                )
            new = [i for i in items if i["id"] not in found]
            if not new:  # a short page need not be the last one
                return list(found.values())
            found |= {i["id"]: i for i in new}
            after = items[-1]["id"]
        raise PlatformError(f"more than {_MOST_PAGES * PAGE:,} subscriptions, or pages that do not end")

    def create(self, body: dict[str, Any]) -> None:
        """Make a subscription.

        Raises:
            ConflictError: there is one already, or one too many.
            UnsureError: the answer was lost.
            PlatformError: it can't be done.
        """
        self._call(f"subscribe to {body['event']}", "POST", PATH, once=True, json=body)

    def delete(self, subscription: str, name: str) -> None:
        """Remove a subscription; one that is gone is fine.

        Raises:
            PlatformError: it can't be done.
        """
        path = f"{PATH}/{quote(subscription, safe='')}"
        self._call(f"remove the subscription {name}", "DELETE", path, fine=(404,))

    def _call(
        self, what: str, method: str, path: str, *, once: bool = False, fine: tuple[int, ...] = (), **sent: Any
    ) -> requests.Response:
        renewed = False
        last = ""
        for attempt in range(1, self.attempts + 1):
            wait = random.uniform(0.5, 1.0) * min(60.0, self.pause * 2 ** (attempt - 1))
            try:
                head = {"Authorization": f"Bearer {self.token.get()}", "Accept": "application/json"}
                answer = self.session.request(
                    method, f"{self.base_url}{path}", headers=head, timeout=self.seconds, allow_redirects=False, **sent
                )
            except SignInError as err:
                if not err.passing:
                    raise PlatformError(f"could not {what}: {err}") from None
                last = str(err)
            except requests.RequestException as err:
                last = f"{self.base_url} can't be reached: {words(err)}"
                if once and not isinstance(err, requests.exceptions.ConnectTimeout):
                    raise UnsureError(last) from None
            else:
                code = answer.status_code
                if code < 300 or code in fine:
                    return answer
                if code == 401 and not renewed and self.token.spoil():
                    renewed = True
                    continue
                if code == 409:
                    raise ConflictError(self._told(answer))
                if code != 429 and code < 500:
                    raise PlatformError(f"could not {what} ({code}): {self._advice(code, answer)}")
                last = f"the platform answers {code}"
                if code >= 500 and once:
                    raise UnsureError(last)
                wait = max(wait, _asked_for(answer))
            self.retries += 1
            _log.info("%s: %s, attempt %d of %d", what, last, attempt, self.attempts)
            if attempt < self.attempts:
                self.sleep(wait)
        raise PlatformError(f"could not {what} in {self.attempts} attempts: {last}; run it again later")

    def _advice(self, code: int, answer: requests.Response) -> str:
        if 300 <= code < 400:
            return "the address leads elsewhere, expected https://TENANT.api.fulfillmenttools.com; is --base-url right?"
        told = self._told(answer)
        known = {
            401: "the platform does not take the token; is the user one of this tenant?",
            403: "no permission: the user needs the platform's permission to read and write subscriptions",
            404: "nothing is there; is --base-url right?",
        }
        return f"{known[code]} ({told})" if code in known else told

    def _told(self, answer: requests.Response) -> str:
        """Give what the platform says of an error, without anything secret."""
        try:
            found = answer.json()
        except ValueError:
            return "no reason given"
        errors = found if isinstance(found, list) else [found]
        told = "; ".join(str(e.get("summary", "")) for e in errors if isinstance(e, dict) and e.get("summary"))
        for secret in (*self.token.credentials.secrets(), self.token._id or ""):
            if secret:
                told = told.replace(secret, "(hidden)")
        return "".join(c for c in told if c.isprintable())[:300] or "no reason given"


def _asked_for(answer: requests.Response) -> float:
    """Give the seconds for which the platform asks to wait, at most a minute."""
    try:
        return min(60.0, max(0.0, float(answer.headers.get("Retry-After", "0"))))
    except ValueError:
        return 0.0
