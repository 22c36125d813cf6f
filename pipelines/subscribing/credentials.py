"""The credentials of the platform's API: found, and turned into a token that is refreshed before it ends.

The platform signs in by Google's Identity Platform: an API key, a user and a password give an id token of an hour and a
refresh token. What is secret leaves this module in a request only. Errors name where it was looked for; those of the
HTTP library are never quoted, because they hold the address, and the address holds the API key.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import requests

from pipelines.mirroring.errors import MirrorError, words
from pipelines.options import OptionError
from pipelines.subscribing.options import SubscribeOptions

KEY, USER, PASSWORD, TOKEN = "FLOWFACTS_API_KEY", "FLOWFACTS_API_USER", "FLOWFACTS_API_PASSWORD", "FLOWFACTS_API_TOKEN"
EMULATOR: Final = "FIREBASE_AUTH_EMULATOR_HOST"
"""Variable with the address of an emulator of Identity Platform, as Google's libraries know it."""

_FIELDS: Final = ("apiKey", "user", "password")
_MOST_BYTES: Final = 16 << 10
_EARLY: Final = 60.0
"""Seconds before its end at which a token is refreshed."""

EXPECTED: Final = (
    f"expected {KEY}, {USER} and {PASSWORD} in the environment, or a JSON object with apiKey, user and password in "
    "--credentials FILE or --credentials-secret NAME"
)


class SignInError(Exception):
    """The platform does not take the credentials, or can't be asked; the message says what to do.

    Attributes:
        passing: it may work in a while.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


@dataclass(frozen=True, slots=True)
class Credentials:
    """What it takes to sign in; never shown."""

    api_key: str = field(default="", repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str | None = field(default=None, repr=False)

    def secrets(self) -> list[str]:
        """List what must never be shown."""
        return [s for s in (self.api_key, self.user, self.password, self.token or "") if s]


def find(options: SubscribeOptions, environ: Mapping[str, str]) -> Credentials:
    """Find the credentials: in the named file or secret, else in the environment.

    Raises:
        OptionError: there are none, or they are none.
    """
    if options.credentials is not None:
        where = f"the file {options.credentials}"
        try:
            with open(options.credentials, "rb") as file:
                return _parse(where, file.read(_MOST_BYTES + 1))
        except OSError as err:
            raise OptionError(f"{where} can't be read: {err.strerror}; {EXPECTED}") from None
    if options.credentials_secret is not None:
        from pipelines.mirroring.keys import SECRETS, default_session, read_secret

        try:
            data = read_secret(options.credentials_secret, default_session(), SECRETS)
        except MirrorError as err:
            raise OptionError(str(err)) from None
        return _parse(f"the secret {options.credentials_secret}", data)
    if environ.get(TOKEN):
        return Credentials(token=environ[TOKEN])
    missing = [name for name in (KEY, USER, PASSWORD) if not environ.get(name)]
    if missing:
        raise OptionError(f"no credentials of the platform: {', '.join(missing)} not set; {EXPECTED}")
    return Credentials(environ[KEY], environ[USER], environ[PASSWORD])


def _parse(where: str, data: bytes) -> Credentials:
    try:
        found = json.loads(data) if len(data) <= _MOST_BYTES else None
    except ValueError:
        raise OptionError(f"{where} holds no JSON; {EXPECTED}") from None
    if not isinstance(found, dict):
        raise OptionError(f"{where} holds no JSON object; {EXPECTED}")
    missing = [name for name in _FIELDS if not isinstance(found.get(name), str) or not found[name]]
    if missing:
        raise OptionError(f"{where} has no {' and no '.join(missing)}; {EXPECTED}")
    return Credentials(found["apiKey"], found["user"], found["password"])


@dataclass(slots=True)
class Token:
    """An id token, which is fetched when it is needed and refreshed before it ends."""

    credentials: Credentials = field(repr=False)
    session: requests.Session = field(repr=False)
    seconds: float = 30.0
    _id: str | None = field(default=None, repr=False)
    _refresh: str | None = field(default=None, repr=False)
    _until: float = 0.0

    def get(self) -> str:
        """Give a token that holds.

        Raises:
            SignInError: there is none to be had.
        """
        if self.credentials.token is not None:
            return self.credentials.token
        if self._id is None:
            self._sign_in()
        elif time.monotonic() > self._until - _EARLY:
            self._renew()
        assert self._id is not None
        return self._id

    def spoil(self) -> bool:
        """Note that the platform refuses the token; say whether another one can be had."""
        self._until = 0.0
        return self.credentials.token is None

    def _sign_in(self) -> None:
        body = {"email": self.credentials.user, "password": self.credentials.password, "returnSecureToken": True}
        answer = self._post("identitytoolkit.googleapis.com/v1/accounts:signInWithPassword", json=body)
        self._take(answer, "idToken", "refreshToken", "expiresIn")

    def _renew(self) -> None:
        """Use the refresh token; when that is refused, sign in again."""
        body = {"grant_type": "refresh_token", "refresh_token": self._refresh}
        try:
            answer = self._post("securetoken.googleapis.com/v1/token", data=body)
        except SignInError as err:
            if err.passing:
                raise
            return self._sign_in()
        self._take(answer, "id_token", "refresh_token", "expires_in")

    def _take(self, answer: Mapping[str, Any], token: str, refresh: str, seconds: str) -> None:
        try:
            self._id, self._refresh = str(answer[token]), str(answer[refresh])
            self._until = time.monotonic() + float(answer[seconds])
        except (KeyError, TypeError, ValueError):
            raise SignInError("the sign-in gives an answer without a token", passing=True) from None

    def _post(self, path: str, **body: Any) -> Mapping[str, Any]:
        emulator = os.environ.get(EMULATOR)
        url = f"http://{emulator}/{path}" if emulator else f"https://{path}"
        try:
            answer = self.session.post(
                url, params={"key": self.credentials.api_key}, timeout=self.seconds, allow_redirects=False, **body
            )
        except requests.RequestException as err:
            host = (emulator or path).split("/")[0]
            raise SignInError(f"the sign-in can't be reached at {host}: {words(err)}", passing=True) from None
        if answer.status_code == 200:
            try:
                found: Mapping[str, Any] = answer.json()
            except ValueError:
                raise SignInError("the sign-in gives an answer that is no JSON", passing=True) from None
            return found
        if answer.status_code == 429 or answer.status_code >= 500:
            raise SignInError(f"the sign-in is out of order ({answer.status_code})", passing=True)
        raise SignInError(f"the platform does not take the credentials ({answer.status_code}): {_why(answer)}")


_REASONS: Final = {
    "INVALID_PASSWORD": "the password is wrong",
    "INVALID_LOGIN_CREDENTIALS": "user or password is wrong",
    "EMAIL_NOT_FOUND": "there is no such user",
    "USER_DISABLED": "the user is disabled",
    "TOO_MANY_ATTEMPTS_TRY_LATER": "too many attempts: try again later",
    "API_KEY_INVALID": "the API key is wrong",
}


def _why(answer: requests.Response) -> str:
    """Say why a sign-in was refused, by the words that are known; other words may quote what was sent."""
    text = answer.text[:2000]
    told = [words for code, words in _REASONS.items() if code in text]
    if not told and "API key not valid" in text:
        told = [_REASONS["API_KEY_INVALID"]]
    return told[0] if told else f"check {KEY}, {USER} and {PASSWORD}, or the file or secret that holds them"
