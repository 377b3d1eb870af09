"""The server: headers, conditional and partial answers, encodings, and what it never gives out."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from wasmkiln.devserver.server import SiteServer
from wasmkiln.devserver.site import Site

from tests.devserver.serving import Answer, ask, running

SCRIPT = b"export const answer = 42;\n" * 100
PAGE = b"<!doctype html><title>page</title>"
CORE = b"\0asm" + bytes(5000)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    web, cache = tmp_path / "web", tmp_path / "cache"
    for folder in (web / "view", web / "empty", cache):
        folder.mkdir(parents=True)
    (web / "index.html").write_bytes(PAGE)
    (web / "view" / "app.js").write_bytes(SCRIPT)
    (web / "a b.txt").write_text("spaces")
    (web / ".hidden").write_text("secret")
    (tmp_path / "outside.txt").write_text("secret")
    (web / "link.txt").symlink_to(tmp_path / "outside.txt")
    (web / "inner.txt").symlink_to(web / "a b.txt")
    (cache / "core.wasm").write_bytes(CORE)
    (cache / "core.wasm.gz").write_bytes(gzip.compress(CORE, 9))
    (cache / "model.onnx").write_bytes(bytes(range(256)) * 64)
    files = {"/pyodide/core.wasm": cache / "core.wasm", "/models/m.onnx": cache / "model.onnx"}
    files["/models/gone.onnx"] = cache / "gone.onnx"
    return Site(web, files)


@pytest.fixture
def url(site: Site) -> Iterator[str]:
    with running(SiteServer(site, "127.0.0.1", 0)) as address:
        yield address


@pytest.mark.parametrize(
    ("target", "body", "kind"),
    [
        ("/", PAGE, "text/html; charset=utf-8"),
        ("/index.html", PAGE, "text/html; charset=utf-8"),
        ("/?x=/../..", PAGE, "text/html; charset=utf-8"),
        ("/view/app.js", SCRIPT, "text/javascript; charset=utf-8"),
        ("/view/%61pp.js?v=1", SCRIPT, "text/javascript; charset=utf-8"),
        ("/a%20b.txt", b"spaces", "text/plain; charset=utf-8"),
        ("/inner.txt", b"spaces", "text/plain; charset=utf-8"),
        ("/pyodide/core.wasm", CORE, "application/wasm"),
        ("/models/m.onnx", bytes(range(256)) * 64, "application/octet-stream"),
    ],
)
def test_files_come_with_their_type(url: str, target: str, body: bytes, kind: str) -> None:
    answer = ask(url, target)
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["content-type"] == kind
    assert answer.headers["content-length"] == str(len(body))
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("target", ["/", "/nothing", "/pyodide/core.wasm"])
def test_every_answer_isolates_and_confines_the_page(url: str, target: str) -> None:
    headers = ask(url, target).headers
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-embedder-policy"] == "require-corp"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"].split("; ")
    assert "default-src 'self'" in policy and "script-src 'self' 'wasm-unsafe-eval'" in policy
    assert "'unsafe-eval'" not in headers["content-security-policy"]
    assert "http" not in headers["content-security-policy"]


def test_only_the_worker_for_scripts_reaches_pyodides_packages(url: str, site: Site) -> None:
    (site.static / "python.worker.js").write_bytes(SCRIPT)
    policies = {
        target: ask(url, target).headers["content-security-policy"].split("; ")
        for target in ("/python.worker.js", "/view/app.js")
    }
    wide = policies["/python.worker.js"]
    assert "connect-src 'self' https://cdn.jsdelivr.net" in wide
    assert [p for p in wide if "jsdelivr" in p] == ["connect-src 'self' https://cdn.jsdelivr.net"]
    assert set(policies["/view/app.js"]) - set(wide) == {"connect-src 'self'"}


def test_without_isolation_only_these_two_headers_go(site: Site) -> None:
    with running(SiteServer(site, "127.0.0.1", 0, isolated=False)) as url:
        headers = ask(url, "/").headers
    assert "cross-origin-opener-policy" not in headers
    assert "cross-origin-embedder-policy" not in headers
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "content-security-policy" in headers


@pytest.mark.parametrize(
    "target",
    [
        "/../outside.txt",
        "/view/../../outside.txt",
        "/%2e%2e/outside.txt",
        "/..%2foutside.txt",
        "/..%5coutside.txt",
        "/..\\outside.txt",
        "/%2fetc/passwd",
        "//etc/passwd",
        "/view//app.js",
        "/view/./app.js",
        "/view/app.js/",
        "/link.txt",
        "/.hidden",
        "/view/%00",
        "/index.html%00.txt",
        "/C:/Windows/win.ini",
        "/index.html::$DATA",
        "/%ff",
        "/%c0%ae%c0%ae/outside.txt",
        "/" + "a" * 5000,
        "/view",
        "/view/",
        "/empty/",
        "/models",
        "/models/",
        "/models/gone.onnx",
        "/pyodide/core.wasm.gz",
        "/nothing",
        "*",
        "http://127.0.0.1/index.html",
    ],
)
def test_nothing_else_is_given_out(url: str, target: str) -> None:
    answer = ask(url, target)
    assert (answer.status, answer.body) == (404, b"404 Not Found\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_refused(url: str, method: str) -> None:
    answer = ask(url, "/", method)
    assert (answer.status, answer.body) == (405, b"405 Method Not Allowed\n")
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("request_line", "status"),
    [(b"nonsense\r\n\r\n", b"400"), (b"GET / HTTP/9.9\r\n\r\n", b"505")],
)
def test_what_is_not_http_gets_a_plain_error(url: str, request_line: bytes, status: bytes) -> None:
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port or 0), timeout=60) as connection:
        connection.sendall(request_line)
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
    assert status in answer and b"<html" not in answer and b"Traceback" not in answer


def test_head_is_get_without_the_body(url: str) -> None:
    got, head = ask(url, "/view/app.js"), ask(url, "/view/app.js", "HEAD")
    changing = {"date"}
    assert head.body == b"" and head.status == 200
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in got.headers.items() if k not in changing
    }
    assert ask(url, "/nothing", "HEAD").body == b""


def test_an_etag_saves_the_second_transfer_until_the_file_changes(url: str, site: Site) -> None:
    etag = ask(url, "/").headers["etag"]
    again = ask(url, "/", If_None_Match=f'"other", {etag}')
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == etag and "content-length" not in again.headers
    (site.static / "index.html").write_bytes(PAGE + b"<p>changed")
    changed = ask(url, "/", If_None_Match=etag)
    assert (changed.status, changed.body) == (200, PAGE + b"<p>changed")


@pytest.mark.parametrize(
    ("target", "plain"), [("/view/app.js", SCRIPT), ("/pyodide/core.wasm", CORE)]
)
def test_text_and_wasm_are_compressed_for_who_takes_it(url: str, target: str, plain: bytes) -> None:
    packed, whole = ask(url, target, Accept_Encoding="deflate, gzip"), ask(url, target)
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain
    assert len(packed.body) == int(packed.headers["content-length"]) < len(plain)
    assert packed.headers["vary"] == whole.headers["vary"] == "Accept-Encoding"
    assert packed.headers["etag"] != whole.headers["etag"]
    assert whole.body == plain and "content-encoding" not in whole.headers
    refused = ask(url, target, Accept_Encoding="gzip;q=0")
    assert refused.body == plain and "content-encoding" not in refused.headers
    not_modified = ask(url, target, Accept_Encoding="gzip", If_None_Match=packed.headers["etag"])
    assert not_modified.status == 304


def test_what_is_compressed_already_goes_as_it_is(url: str) -> None:
    assert "content-encoding" not in ask(url, "/models/m.onnx", Accept_Encoding="gzip").headers


def test_a_range_is_served_of_the_plain_file(url: str) -> None:
    answer = ask(url, "/pyodide/core.wasm", Range="bytes=1-3", Accept_Encoding="gzip")
    assert (answer.status, answer.body) == (206, b"asm")
    assert answer.headers["content-range"] == f"bytes 1-3/{len(CORE)}"
    assert "content-encoding" not in answer.headers
    tail = ask(url, "/models/m.onnx", Range="bytes=-2")
    assert (tail.status, tail.body) == (206, b"\xfe\xff")
    beyond = ask(url, "/models/m.onnx", Range="bytes=99999-")
    assert beyond.status == 416 and beyond.headers["content-range"] == "bytes */16384"


def test_if_range_gives_the_whole_of_a_changed_file(url: str) -> None:
    etag = ask(url, "/models/m.onnx").headers["etag"]
    same = ask(url, "/models/m.onnx", Range="bytes=0-0", If_Range=etag)
    other = ask(url, "/models/m.onnx", Range="bytes=0-0", If_Range='"old"')
    assert (same.status, other.status) == (206, 200)
    assert (len(same.body), len(other.body)) == (1, 16384)


def test_an_empty_file_has_an_empty_body(url: str, site: Site) -> None:
    (site.static / "empty.txt").write_bytes(b"")
    answer = ask(url, "/empty.txt")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")


def test_many_connections_are_served_at_once(url: str) -> None:
    # Every thread opens its connection before any of them asks: a serial server would hang here.
    barrier = threading.Barrier(16, timeout=60)
    answers: list[Answer] = []

    def client() -> None:
        place = urlsplit(url)
        with socket.create_connection((place.hostname, place.port or 0), timeout=60):
            barrier.wait()
            answers.append(ask(url, "/view/app.js", Accept_Encoding="gzip"))
            barrier.wait()

    threads = [threading.Thread(target=client) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [gzip.decompress(answer.body) for answer in answers] == [SCRIPT] * 16


def test_a_browser_that_hangs_up_is_not_reported(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    (site.static / "large.bin").write_bytes(bytes(20_000_000))
    with running(SiteServer(site, "127.0.0.1", 0)) as url:
        place = urlsplit(url)
        connection = socket.create_connection((place.hostname, place.port or 0), timeout=60)
        connection.sendall(b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.recv(100)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        assert ask(url, "/").status == 200
    assert capfd.readouterr() == ("", "")


def test_requests_are_logged_when_asked_for(site: Site) -> None:
    lines: list[str] = []
    with running(SiteServer(site, "127.0.0.1", 0, log=lines.append)) as url:
        ask(url, "/nothing%0a")
        ask(url, "/")
    assert lines == ["GET '/nothing%0a' 404", "GET '/' 200"]
