"""A proxy before the Cloud Storage emulator, on real sockets, which injects faults and keeps a record.

It also adds what the emulator lacks and the service has: preconditions on the generation of downloads and uploads, the
bounds of a listing, pages of a listing, and names that the emulator refuses to hold.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LIST, DOWNLOAD, LOOK, UPLOAD = "list", "download", "look", "upload"
_DROPPED = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@dataclass
class Fault:
    """What is done to requests.

    Attributes:
        kind: LIST, DOWNLOAD, LOOK or UPLOAD.
        name: end of the object's name; empty for all.
        times: how often.
        status: answer this instead.
        cut_after: hang up after so many bytes of the body.
        hang_after: send so many bytes of the body, then nothing until the proxy ends.
        corrupt: spoil the byte at this place of the body: the answer's, or of an upload the request's.
        before: called before the request is passed on.
    """

    kind: str
    name: str = ""
    times: int = 1
    status: int | None = None
    cut_after: int | None = None
    hang_after: int | None = None
    corrupt: int | None = None
    before: Callable[[], object] | None = None


@dataclass(frozen=True)
class Call:
    """A request that came: its kind, bucket and object, its range, the answer's status and bytes of body sent."""

    kind: str
    bucket: str
    name: str
    range: str | None
    status: int
    sent: int


@dataclass
class StorageProxy:
    """A running proxy.

    Attributes:
        url: what STORAGE_EMULATOR_HOST must be.
        faults: faults that are still to be injected.
        calls: requests so far.
        extra: items that listings have besides, by bucket.
        page: items on a page of a listing.
        answer: body of answers that a fault makes.
    """

    url: str
    upstream: str
    faults: list[Fault] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    extra: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    page: int = 1000
    answer: bytes = b'{"error": {"code": 0, "message": "who@example.com is refused"}}'
    ended: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    deciding: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        self.faults, self.calls, self.extra, self.page = [], [], {}, 1000

    def sent(self, name: str = "") -> int:
        """Give the bytes of content that were sent for the objects whose names end so."""
        return sum(c.sent for c in self.calls if c.kind == DOWNLOAD and c.name.endswith(name) and c.status < 300)

    def downloads(self, name: str = "") -> list[Call]:
        return [c for c in self.calls if c.kind == DOWNLOAD and c.name.endswith(name)]

    def take(self, kind: str, name: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.kind == kind and name.endswith(fault.name) and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None


@contextmanager
def storage_proxy(upstream: str) -> Iterator[StorageProxy]:
    """Run a proxy before the emulator at `upstream`."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.proxy = proxy = StorageProxy(f"http://127.0.0.1:{server.server_address[1]}", upstream)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client may hold its connection open for longer than the test lasts
    proxy: StorageProxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 60

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET

    def _handle(self) -> None:
        body = self._body()
        proxy = self.server.proxy
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        kind, bucket, name = _sort(self.command, url.path, query, body)
        fault = proxy.take(kind, name)
        if fault is not None and fault.before is not None:
            fault.before()
        if fault is not None and fault.corrupt is not None and kind == UPLOAD:
            body = _spoiled(body, fault.corrupt)
        status, headers, data = 0, {}, b""
        if fault is not None and fault.status is not None:
            status, headers, data = fault.status, {"Content-Type": "application/json"}, proxy.answer
        else:
            with proxy.deciding if "ifGenerationMatch" in query else nullcontext():  # as one step, as the service does
                if failed := self._precondition(kind, bucket, name, query):
                    status, headers, data = failed, {"Content-Type": "application/json"}, b"{}"
                else:
                    status, headers, data = self._forward(self.command, self.path, dict(self.headers), body)
            if kind == LIST and status == 200:
                data = self._listing(bucket, query, data)
        if fault is not None and fault.corrupt is not None and kind != UPLOAD:
            data = _spoiled(data, fault.corrupt)
        self._send(kind, bucket, name, status, headers, data, fault)

    def _body(self) -> bytes:
        if (self.headers.get("Transfer-Encoding") or "").lower() == "chunked":
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _forward(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Pass a request on; with the client's Host, so that addresses in the answer lead here."""
        upstream = urllib.parse.urlsplit(self.server.proxy.upstream)
        connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=30)
        try:
            kept = {k: v for k, v in headers.items() if k.lower() not in _DROPPED}
            connection.request(method, path, body, {**kept, "Content-Length": str(len(body))})
            answer = connection.getresponse()
            data = answer.read()
            return answer.status, {k: v for k, v in answer.getheaders() if k.lower() not in _DROPPED}, data
        finally:
            connection.close()

    def _precondition(self, kind: str, bucket: str, name: str, query: dict[str, str]) -> int | None:
        wanted = query.get("ifGenerationMatch")
        if wanted is None or kind not in (DOWNLOAD, UPLOAD) or "upload_id" in query:
            return None
        path = f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(name, safe='')}"
        status, _, data = self._forward("GET", path, {}, b"")
        there = json.loads(data)["generation"] if status == 200 else "0"
        if kind == DOWNLOAD and there == "0":
            return 404
        return None if there == wanted else 412

    def _listing(self, bucket: str, query: dict[str, str], data: bytes) -> bytes:
        proxy = self.server.proxy
        items = json.loads(data).get("items", [])
        prefix = query.get("prefix", "")
        items += [i for i in proxy.extra.get(bucket, []) if i["name"].startswith(prefix)]
        items.sort(key=lambda i: i["name"].encode(errors="surrogatepass"))
        low, high = query.get("startOffset", ""), query.get("endOffset")
        items = [i for i in items if i["name"] >= low and (high is None or i["name"] < high)]
        start = int(query.get("pageToken") or 0)
        more = {"nextPageToken": str(start + proxy.page)} if len(items) > start + proxy.page else {}
        return json.dumps({"kind": "storage#objects", "items": items[start : start + proxy.page], **more}).encode()

    def _send(
        self, kind: str, bucket: str, name: str, status: int, headers: dict[str, str], data: bytes, fault: Fault | None
    ) -> None:
        cut, hang = (None, None) if fault is None else (fault.cut_after, fault.hang_after)
        end = next((n for n in (cut, hang) if n is not None), len(data))
        # Recorded first: the client may ask for the record as soon as it has the last byte.
        ranged = self.headers.get("Range")
        self.server.proxy.calls.append(Call(kind, bucket, name, ranged, status, min(end, len(data))))
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:end])
        self.wfile.flush()
        if hang is not None:
            self.server.proxy.ended.wait(60)
        if cut is not None:
            # A reset, not an orderly end, once what was sent is read.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 2))
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True


def _spoiled(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]


def _sort(method: str, path: str, query: dict[str, str], body: bytes) -> tuple[str, str, str]:
    """Give the kind of a request, its bucket and its object."""
    parts = path.split("/")
    bucket = parts[parts.index("b") + 1] if "b" in parts else ""
    name = ""
    if "o" in parts:
        name = urllib.parse.unquote("/".join(parts[parts.index("o") + 1 :]))
    if path.startswith("/upload/"):
        named = query.get("name")
        if named is None and (at := body.find(b'"name": "')) >= 0:
            named = json.loads(body[at + 8 : body.index(b'"', at + 9) + 1])
        return UPLOAD, bucket, named or ""
    if path.startswith("/download/") or query.get("alt") == "media":
        return DOWNLOAD, bucket, name
    if method == "GET" and name:
        return LOOK, bucket, name
    return (LIST if method == "GET" and path.endswith("/o") else method.lower()), bucket, name
