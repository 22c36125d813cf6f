"""An HTTP proxy that stands between a client and a server and lets things go wrong, in this process.

A fault happens to one request; `*_after` means that the server has acted and the client is not told so.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

DROPPED, DROPPED_AFTER, STALLED_AFTER = "dropped", "dropped_after", "stalled_after"
FAULTS = (DROPPED, DROPPED_AFTER, STALLED_AFTER, "429", "500", "503", "503_after")
_REASONS = {403: "accessDenied", 429: "rateLimitExceeded", 500: "internalError", 503: "backendError"}

Choice = Callable[[int, str, str], str | None]
"""Number of the request from 0, method and path -> its fault, None for none."""


class Proxy:
    """A running proxy.

    Attributes:
        url: its address.
        choose: says what happens to a request; may be replaced at any time.
        seen: method and path of every request.
        faults: how many were let go wrong.
    """

    def __init__(self, server: str, stall: float) -> None:
        self.server = urlsplit(server).netloc
        self.stall = stall
        self.choose: Choice = lambda number, method, path: None
        self.seen: list[tuple[str, str]] = []
        self.faults = 0
        self.lock = threading.Lock()
        self.url = ""

    def watch(self, choose: Choice) -> None:
        """Begin to count anew, with other faults."""
        with self.lock:
            self.choose, self.seen, self.faults = choose, [], 0

    def next_fault(self, method: str, path: str) -> str | None:
        """Note a request and choose its fault."""
        with self.lock:
            fault = self.choose(len(self.seen), method, path)
            self.seen.append((method, path))
            self.faults += fault is not None
            return fault


@contextlib.contextmanager
def proxy(server: str, stall: float) -> Iterator[Proxy]:
    """Run a proxy before a server; a stalled answer is held back for `stall` seconds."""
    made = Proxy(server, stall)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = made.next_fault(self.command, self.path)
            if fault == DROPPED:
                return self.drop()
            if fault is not None and fault.isdigit():
                return self.refuse(int(fault))
            status, headers, content = self.forward(body)
            if fault == STALLED_AFTER:
                time.sleep(made.stall)
            if fault in (DROPPED_AFTER, STALLED_AFTER):
                return self.drop()
            if fault is not None:
                return self.refuse(int(fault.split("_")[0]))
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            inner = http.client.HTTPConnection(made.server, timeout=60)
            try:
                inner.request(self.command, self.path, body, dict(self.headers.items()))
                got = inner.getresponse()
                return got.status, got.getheaders(), got.read()
            finally:
                inner.close()

        def refuse(self, code: int) -> None:
            about = {"code": code, "message": "let go wrong", "errors": [{"reason": _REASONS[code]}]}
            content = json.dumps({"error": about}).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def drop(self) -> None:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *words: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *words: Any) -> None:
            pass  # a client that has given up

    server_ = Server(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server_.server_port}"
    thread = threading.Thread(target=server_.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server_.shutdown()
        server_.server_close()
        thread.join()
