"""The key of the source: a service-account key from a file, an environment variable or Secret Manager.

What is in a key never leaves this module but inside the credentials that are made of it. Errors say where the key was
looked for and what was expected, and are raised without their cause, whose text might quote it.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from typing import Any, Final

from pipelines.mirroring.errors import MirrorError, words
from pipelines.mirroring.options import MirrorOptions

SECRETS: Final = "https://secretmanager.googleapis.com"
_SCOPES: Final = ["https://www.googleapis.com/auth/devstorage.read_only"]
_FIELDS: Final = ("client_email", "private_key", "token_uri")
_MOST_BYTES: Final = 64 << 10
_EXPECTED: Final = (
    'expected the JSON of a service-account key ("type": "service_account", with client_email, private_key and '
    "token_uri)"
)


def source_credentials(options: MirrorOptions) -> Any | None:
    """Give the credentials for the source; None for those of the environment.

    With `STORAGE_EMULATOR_HOST` they are anonymous, as the client library has it; a key is checked all the same.

    Raises:
        MirrorError: there is no key where it should be, or it is none.
    """
    found = _find(options)
    credentials = None if found is None else _make(*found)
    if os.environ.get("STORAGE_EMULATOR_HOST"):
        from google.auth.credentials import AnonymousCredentials

        return AnonymousCredentials()
    return credentials


def _find(options: MirrorOptions) -> tuple[str, bytes] | None:
    """Give where the key is, in words, and its bytes."""
    if options.key is not None:
        where = f"the key file {options.key}"
        try:
            with open(options.key, "rb") as file:
                return where, file.read(_MOST_BYTES + 1)
        except OSError as err:
            raise MirrorError(f"{where} can't be read: {err.strerror}; {_EXPECTED}") from None
    if options.key_env is not None:
        value = os.environ.get(options.key_env)
        if not value:
            raise MirrorError(f"the environment variable {options.key_env} is not set; {_EXPECTED}")
        return f"the environment variable {options.key_env}", value.encode(errors="replace")
    if options.key_secret is not None:
        return f"the secret {options.key_secret}", read_secret(options.key_secret, default_session(), SECRETS)
    return None


def _make(where: str, data: bytes) -> Any:
    from google.oauth2 import service_account

    try:
        found = json.loads(data) if len(data) <= _MOST_BYTES else None
    except ValueError:
        raise MirrorError(f"{where} holds no JSON; {_EXPECTED}") from None
    # Other types of credentials may name a program to be run or another host to be asked; none is a vendor's key.
    if not isinstance(found, dict) or found.get("type") != "service_account":
        raise MirrorError(f"{where} holds no service-account key; {_EXPECTED}")
    missing = [field for field in _FIELDS if not isinstance(found.get(field), str) or not found[field]]
    if missing:
        raise MirrorError(f"{where} has no {' and no '.join(missing)}; {_EXPECTED}")
    try:
        return service_account.Credentials.from_service_account_info(found, scopes=_SCOPES)
    except Exception:  # noqa: BLE001 whatever a parser says of a private key is not to be told
        raise MirrorError(f"the private_key in {where} can't be read (cut, or not PEM); {_EXPECTED}") from None


def default_session() -> Any:
    """Give a session with the credentials of the environment.

    Raises:
        MirrorError: there are none.
    """
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import AuthorizedSession

    try:
        credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    except GoogleAuthError as err:
        raise MirrorError(
            "no credentials for Secret Manager: run gcloud auth application-default login, or run as a service account "
            f"({words(err)})"
        ) from None
    return AuthorizedSession(credentials)


def read_secret(name: str, session: Any, service: str) -> bytes:
    """Read a version of a secret.

    Args:
        name: `projects/P/secrets/S/versions/V`.
        session: a session of `requests` that authorizes its calls.
        service: address of the service, `https://...`.

    Raises:
        MirrorError: it can't be read.
    """
    from google.auth.exceptions import GoogleAuthError
    from requests import RequestException

    try:
        answer = session.get(f"{service}/v1/{name}:access", timeout=30, allow_redirects=False)
    except (RequestException, GoogleAuthError) as err:
        raise MirrorError(f"Secret Manager can't be reached for {name}: {words(err)}") from None
    if answer.status_code != 200:
        why = {
            403: "no permission: it takes secretmanager.versions.access (role roles/secretmanager.secretAccessor)",
            404: "no such secret or version",
            401: "the credentials of the environment are not accepted",
        }.get(answer.status_code, "disabled, destroyed, or out of order")
        raise MirrorError(f"the secret {name} can't be read ({answer.status_code}): {why}")
    try:
        return base64.b64decode(answer.json()["payload"]["data"], validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise MirrorError(f"Secret Manager gives no payload for {name}") from None
