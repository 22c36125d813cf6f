"""A stand-in of the platform's API: subscriptions, and the sign-in before them, on a real socket.

Made from the shapes of the vendor's OpenAPI description and of its public client libraries. It is strict where the
description is: a body with an unknown event, without a name, with another target than it knows is refused, an event has
at most five subscriptions, an id token ends. It lets calls go wrong as told.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from schemas.event_types import EVENT_TYPES

KEY, USER, PASSWORD = "AIza-key-of-the-stand-in-0123456789", "robot@tenant.example", "correct horse battery"
EVENTS = {e.name for e in EVENT_TYPES}
MOST = 5

Choice = Callable[[int, str, str], str | None]
"""Number of the call from 0, method and path -> its fault: a status, `dropped`, or either with `_after`."""


@dataclass
class PlatformApi:
    """A running stand-in.

    Attributes:
        url: base URL of the API; `host` is what FIREBASE_AUTH_EMULATOR_HOST must be.
        rows: the subscriptions, by id, in the order of their making.
        choose: what goes wrong; may be replaced at any time.
        seen: method and path of every call, without the query.
        unique_names: refuse a second subscription of the same name.
        expires_in: seconds for which a token holds, as it says.
        forbidden: refuse everybody.
        skew: seconds by which its clock is ahead.
        retry_after: what a 429 asks for.
    """

    url: str = ""
    host: str = ""
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    choose: Choice = lambda number, method, path: None
    seen: list[tuple[str, str]] = field(default_factory=list)
    unique_names: bool = False
    expires_in: float = 3600
    forbidden: bool = False
    skew: float = 0.0
    retry_after: str | None = None
    page_limit: int = 250
    tokens: dict[str, float] = field(default_factory=dict)
    refreshed: int = 0
    signed_in: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def put(self, name: str, event: str, target: dict[str, Any] | None = None, **more: Any) -> str:
        """Add a subscription as somebody else would."""
        key = uuid.uuid4().hex
        self.rows[key] = {"id": key, "name": name, "event": event, "target": target, **more}
        return key

    def revoke(self) -> None:
        """Let every token end."""
        self.tokens.clear()

    def targets(self, event: str) -> list[str]:
        """Give the topics to which an event is published."""
        found = [r["target"] for r in self.rows.values() if r["event"] == event and r["target"]]
        return [f"projects/{t['projectId']}/topics/{t['topicId']}" for t in found if "topicId" in t]

    def reset(self) -> None:
        """Forget everything."""
        fresh = PlatformApi(self.url, self.host)
        for name in ("rows", "choose", "seen", "unique_names", "expires_in", "forbidden", "skew", "retry_after",
                     "page_limit", "tokens", "refreshed", "signed_in"):  # fmt: skip
            setattr(self, name, getattr(fresh, name))

    def problem_of(self, body: Any) -> tuple[int, str] | None:
        """Say why a subscription can't be made."""
        if not isinstance(body, dict) or not isinstance(body.get("name"), str) or not body["name"]:
            return 400, "name is required"
        if body.get("event") not in EVENTS:
            return 400, f"event {body.get('event')} is not known"
        target = body.get("target")
        if not isinstance(target, dict) or target.get("type") != "GOOGLE_CLOUD_PUB_SUB":
            return 400, "target is required"
        if set(target) != {"type", "projectId", "topicId"} or not all(
            isinstance(v, str) and v for v in target.values()
        ):
            return 400, "target needs projectId and topicId"
        if set(body) - {"name", "event", "target", "contexts"}:
            return 400, "unknown property"
        for context in body.get("contexts", []):
            if set(context) != {"type", "values"} or context["type"] not in ("FACILITY", "FACILITY_GROUP"):
                return 400, "contexts need type and values"
        if sum(r["event"] == body["event"] for r in self.rows.values()) >= MOST:
            return 409, f"at most {MOST} subscriptions for {body['event']}"
        if self.unique_names and any(r["name"] == body["name"] for r in self.rows.values()):
            return 409, f"a subscription named {body['name']} exists"
        return None

    def new_token(self) -> str:
        """Make a token that holds for its time."""
        token = f"eyJ-{uuid.uuid4().hex}"
        self.tokens[token] = time.monotonic() + self.expires_in
        return token


def _handler(api: PlatformApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate((timestamp or time.time()) + api.skew, usegmt=True)

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            where = urlsplit(self.path)
            with api.lock:
                fault = api.choose(len(api.seen), self.command, where.path)
                api.seen.append((self.command, where.path))
                if fault and not fault.endswith("_after"):
                    return self.fail(fault)
                status, found = self.act(where.path, parse_qs(where.query), body)
            if fault:
                return self.fail(fault.removesuffix("_after"))
            self.say(status, found)

        do_GET = do_POST = do_DELETE = answer

        def act(self, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
            if path == "/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword":
                return self.sign_in(query, json.loads(body))
            if path == "/securetoken.googleapis.com/v1/token":
                return self.renew(query, {k: v[0] for k, v in parse_qs(body.decode()).items()})
            if path != "/api/subscriptions" and not path.startswith("/api/subscriptions/"):
                return 404, [{"summary": "not found"}]
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            if api.tokens.get(token, 0) < time.monotonic():
                return 401, [{"summary": f"token {token} is not valid"}]
            if api.forbidden:
                return 403, [{"summary": "missing permission SUBSCRIPTION_READ"}]
            if self.command == "GET":
                return self.page(query)
            if self.command == "POST":
                made = json.loads(body)
                problem = api.problem_of(made)
                if problem:
                    return problem[0], [{"summary": problem[1]}]
                key = uuid.uuid4().hex
                api.rows[key] = {"id": key, "created": "2026-06-01T00:00:00Z", **made}
                return 201, api.rows[key]
            gone = api.rows.pop(path.rsplit("/", 1)[1], None)
            return (200, gone) if gone else (404, [{"summary": "no such subscription"}])

        def page(self, query: dict[str, list[str]]) -> tuple[int, Any]:
            keys = list(api.rows)
            after = query.get("startAfterId", [None])[0]
            if after is not None and after not in keys:
                return 400, [{"summary": "startAfterId is not known"}]
            start = 0 if after is None else keys.index(after) + 1
            size = min(int(query.get("size", ["25"])[0]), api.page_limit)
            shown = [api.rows[k] for k in keys[start : start + size]]
            return 200, {"subscriptions": shown, "total": len(keys)}

        def sign_in(self, query: dict[str, list[str]], body: dict[str, Any]) -> tuple[int, Any]:
            if query.get("key") != [KEY]:
                return 400, {"error": {"message": f"API key not valid: {query.get('key')}"}}
            if (body.get("email"), body.get("password")) != (USER, PASSWORD):
                return 400, {"error": {"message": "INVALID_LOGIN_CREDENTIALS"}}
            api.signed_in += 1
            return 200, {"idToken": api.new_token(), "refreshToken": "refresh-me", "expiresIn": str(api.expires_in)}

        def renew(self, query: dict[str, list[str]], body: dict[str, str]) -> tuple[int, Any]:
            if query.get("key") != [KEY] or body != {"grant_type": "refresh_token", "refresh_token": "refresh-me"}:
                return 400, {"error": {"message": "INVALID_REFRESH_TOKEN"}}
            api.refreshed += 1
            made = {"id_token": api.new_token(), "refresh_token": "refresh-me", "expires_in": str(api.expires_in)}
            return 200, made

        def say(self, status: int, found: Any) -> None:
            content = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if status == 429 and api.retry_after is not None:
                self.send_header("Retry-After", api.retry_after)
            self.end_headers()
            self.wfile.write(content)

        def fail(self, fault: str) -> None:
            if fault.isdigit():
                return self.say(int(fault), [{"summary": "let go wrong"}])
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *words: Any) -> None:
            pass

    return Handler


@contextlib.contextmanager
def platform_api() -> Iterator[PlatformApi]:
    """Run a stand-in."""
    api = PlatformApi()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api))
    server.daemon_threads = True
    api.host = f"127.0.0.1:{server.server_port}"
    api.url = f"http://{api.host}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
