"""The HTTP server of the page: files of a `Site` with the headers that isolate and confine it."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader
from pathlib import Path
from urllib.parse import unquote

from wasmkiln.devserver.compress import COMPRESSIBLE, ENCODINGS, gzip_bytes
from wasmkiln.devserver.headers import (
    ISOLATION_HEADERS,
    SCRIPT_WORKER,
    SCRIPT_WORKER_HEADERS,
    SECURITY_HEADERS,
    SHARED_HEADERS,
)
from wasmkiln.devserver.negotiate import (
    RangeNotSatisfiableError,
    accepted_encodings,
    matches_etag,
    parse_range,
)
from wasmkiln.devserver.package_index import Page
from wasmkiln.devserver.precache import NAME as PRECACHE
from wasmkiln.devserver.precache import page_files, precache_script
from wasmkiln.devserver.site import Site

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".whl": "application/zip",
    ".zip": "application/zip",
}
HOST = re.compile(r"[\w.-]+(:\d+)?|\[[\da-fA-F:.]+\](:\d+)?", re.ASCII)
COMPRESSED_IN_MEMORY = 1 << 20  # Larger files have a compressed twin on disk, or go as they are.


@dataclass(frozen=True, slots=True)
class Body:
    """What a response carries: bytes or an open file, `size` bytes of it, ETag and encoding."""

    source: bytes | BufferedReader
    size: int
    etag: str
    encoding: str | None = None


class SiteServer(ThreadingHTTPServer):
    """Serves a site on `host:port` (port 0: any free one), a thread for each connection."""

    daemon_threads = True
    # On Windows the option would let a second server take a port that is in use.
    allow_reuse_address = os.name != "nt"
    request_queue_size = 64

    def __init__(
        self,
        site: Site,
        host: str,
        port: int,
        *,
        isolated: bool = True,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self.site = site
        self.headers = {**SECURITY_HEADERS, **(ISOLATION_HEADERS if isolated else {})}
        self.log = log
        self.memo = _Memo()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), SiteHandler)

    @property
    def url(self) -> str:
        """The address to open, for a server on all interfaces by way of the loopback one."""
        host = str(self.server_address[0])
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_address[1]}/"

    def precache(self) -> Page:
        """The service worker's list of files as they are now."""

        def digest(path: Path) -> str:
            with path.open("rb") as file:
                return self.memo.etag(path, file).strip('"')

        files = page_files(self.site)
        script = precache_script(files, digest, self.headers, revalidate=True)
        return Page(CONTENT_TYPES[".js"], script)

    def server_bind(self) -> None:
        """Bind without HTTPServer's look-up of the host's full name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over browsers that hang up; report anything else."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class SiteHandler(BaseHTTPRequestHandler):
    """Answers GET and HEAD for the files of the server's site."""

    server: SiteServer
    protocol_version = "HTTP/1.1"
    server_version = "wasmkiln"
    sys_version = ""
    timeout = 60  # Seconds that a connection may be idle.

    def do_GET(self) -> None:
        """Answer with the file."""
        self._serve(with_body=True)

    def do_HEAD(self) -> None:
        """Answer as GET would, without the body."""
        self._serve(with_body=False)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Stand in for the `do_…` of every other method."""
        if name.startswith("do_"):
            return self._refuse_method
        raise AttributeError(name)

    def _refuse_method(self) -> None:
        self.close_connection = True  # A body may follow, which nobody reads.
        self._text(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD"})

    def _serve(self, with_body: bool) -> None:
        segments = self._segments()
        page = self._index_page(segments)
        if page is not None:
            self._send_made(page, with_body, {**SHARED_HEADERS, "Vary": "Accept"})
            return
        if segments == (PRECACHE,):
            self._send_made(self.server.precache(), with_body, {})
            return
        path = self.server.site.find(segments) if segments is not None else None
        try:
            file = path.open("rb") if path is not None else None
        except OSError:
            file = None
        if path is None or file is None:
            self._text(HTTPStatus.NOT_FOUND)
            return
        with file:
            body = self._choose_body(path, file)
            try:
                self._send(path, body, with_body)
            finally:
                if not isinstance(body.source, bytes):
                    body.source.close()

    def _segments(self) -> tuple[str, ...] | None:
        """The decoded parts of the URL's path; None where it isn't one."""
        target = self.path.split("?", 1)[0].split("#", 1)[0]
        if not target.startswith("/"):
            return None
        try:
            decoded = [unquote(part, errors="strict") for part in target[1:].split("/")]
        except UnicodeDecodeError:
            return None
        return () if decoded == [""] else tuple(decoded)

    def _index_page(self, segments: tuple[str, ...] | None) -> Page | None:
        index = self.server.site.index
        if index is None or segments is None:
            return None
        host = self.headers.get("Host", "")
        origin = f"http://{host}" if HOST.fullmatch(host) else self.server.url.rstrip("/")
        return index.page(segments, origin, self.headers.get("Accept", ""))

    def _send_made(self, page: Page, with_body: bool, headers: dict[str, str]) -> None:
        etag = f'"{hashlib.sha256(page.content).hexdigest()[:32]}"'
        headers = {**headers, "ETag": etag, "Cache-Control": "no-cache"}
        if matches_etag(self.headers.get("If-None-Match"), etag):
            self._head(HTTPStatus.NOT_MODIFIED, headers)
            return
        headers |= {"Content-Type": page.kind, "Content-Length": str(len(page.content))}
        self._head(HTTPStatus.OK, headers)
        if with_body:
            self.wfile.write(page.content)

    def _choose_body(self, path: Path, file: BufferedReader) -> Body:
        """The file as it is, or a compressed twin of it that the client accepts."""
        etag = self.server.memo.etag(path, file)
        size = os.fstat(file.fileno()).st_size
        if path.suffix in COMPRESSIBLE and "Range" not in self.headers:
            accepted = accepted_encodings(self.headers.get("Accept-Encoding", ""))
            for encoding, suffix in ENCODINGS.items():
                if encoding not in accepted:
                    continue
                twin_etag = f'{etag[:-1]}-{suffix[1:]}"'
                twin = path.with_name(path.name + suffix)
                # Twins are made beside what is in the cache, never in web/.
                if not path.is_relative_to(self.server.site.static) and twin.is_file():
                    return Body(twin.open("rb"), twin.stat().st_size, twin_etag, encoding)
                if encoding == "gzip" and size <= COMPRESSED_IN_MEMORY:
                    content = self.server.memo.gzipped(etag, file)
                    return Body(content, len(content), twin_etag, encoding)
        return Body(file, size, etag)

    def _send(self, path: Path, body: Body, with_body: bool) -> None:
        headers = {"ETag": body.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        index = self.server.site.index
        if index is not None and path.name == index.filename:
            headers |= SHARED_HEADERS
        if path.name == SCRIPT_WORKER:
            headers |= SCRIPT_WORKER_HEADERS
        if matches_etag(self.headers.get("If-None-Match"), body.etag):
            self._head(HTTPStatus.NOT_MODIFIED, headers)
            return
        headers["Content-Type"] = CONTENT_TYPES.get(path.suffix.lower(), "application/octet-stream")
        headers["Accept-Ranges"] = "bytes"
        if body.encoding:
            headers["Content-Encoding"] = body.encoding
        status, first, last = HTTPStatus.OK, 0, body.size - 1
        try:
            wanted = self._wanted_range(body)
        except RangeNotSatisfiableError:
            self._text(
                HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                {"Content-Range": f"bytes */{body.size}"},
            )
            return
        if wanted is not None:
            status, (first, last) = HTTPStatus.PARTIAL_CONTENT, wanted
            headers["Content-Range"] = f"bytes {first}-{last}/{body.size}"
        headers["Content-Length"] = str(last - first + 1)
        self._head(status, headers)
        if with_body:
            self._send_bytes(body.source, first, last - first + 1)

    def _wanted_range(self, body: Body) -> tuple[int, int] | None:
        condition = self.headers.get("If-Range")
        if condition is not None and condition != body.etag:
            return None
        return parse_range(self.headers.get("Range"), body.size)

    def _send_bytes(self, source: bytes | BufferedReader, first: int, count: int) -> None:
        if isinstance(source, bytes):
            self.wfile.write(source[first : first + count])
        elif count:
            self.connection.sendfile(source, first, count)

    def _text(self, status: HTTPStatus, headers: dict[str, str] | None = None) -> None:
        """A plain-text answer that says no more than its status."""
        text = f"{status.value} {status.phrase}\n".encode()
        plain = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(text))}
        self._head(status, {**plain, "Cache-Control": "no-store", **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(text)

    def _head(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        self.send_header("Date", formatdate(usegmt=True))
        for name, value in {**self.server.headers, **headers}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        if self.server.log is not None:
            # First, so that who has the answer can count on the line.
            self.server.log(f"{self.command} {self.path!r} {status.value}")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Drop what the base class would print; requests are logged with their answer."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that isn't proper HTTP."""
        self.close_connection = True
        # A request line that couldn't be read leaves neither of these behind.
        self.command, self.path = getattr(self, "command", None) or "?", "?"
        self._text(HTTPStatus(code))


class _Memo:
    """ETags and gzipped small files, each worked out once for a state of the file."""

    LIMIT = 1000  # Entries: more than the page has files, times a few edits of each.

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._etags: dict[tuple[str, int, int], str] = {}
        self._gzipped: dict[str, bytes] = {}

    def etag(self, path: Path, file: BufferedReader) -> str:
        """A strong ETag: the start of the content's SHA-256. Leaves the file at its start."""
        state = os.fstat(file.fileno())
        key = (str(path), state.st_mtime_ns, state.st_size)
        known = self._etags.get(key)
        if known is None:
            known = f'"{hashlib.file_digest(file, "sha256").hexdigest()[:32]}"'
            file.seek(0)
            with self._lock:
                self._make_room()
                self._etags[key] = known
        return known

    def gzipped(self, etag: str, file: BufferedReader) -> bytes:
        """The file's content in gzip's format."""
        known = self._gzipped.get(etag)
        if known is None:
            known = gzip_bytes(file.read())
            with self._lock:
                self._gzipped[etag] = known
        return known

    def _make_room(self) -> None:
        if len(self._etags) >= self.LIMIT:
            self._etags.clear()
            self._gzipped.clear()
