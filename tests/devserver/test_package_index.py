"""The package index: in each form that installers ask for, for every origin, and pip installs."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from wasmkiln.devserver.package_index import PackageIndex
from wasmkiln.devserver.progress import Progress
from wasmkiln.devserver.server import SiteServer
from wasmkiln.devserver.site import Site
from wasmkiln.devserver.wheel import WHEEL_NAME, ensure_wheel

from tests.devserver.serving import ask, running
from tests.shared import ROOT

JSON = "application/vnd.pypi.simple.v1+json"
PIP = f"{JSON}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
MICROPIP = f"{JSON}, */*;q=0.01"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, _ = ensure_wheel(ROOT, tmp_path_factory.mktemp("cache"), Progress(io.StringIO()))
    return path


@pytest.fixture(scope="module")
def url(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    index = PackageIndex.of(wheel)
    site = Site(tmp_path_factory.mktemp("web"), {index.url: wheel}, index)
    with running(SiteServer(site, "127.0.0.1", 0)) as address:
        yield address


@pytest.mark.parametrize("accept", [PIP, MICROPIP])
@pytest.mark.parametrize("target", ["/simple/wasmkiln/", "/simple/wasmkiln"])
def test_installers_get_json_with_a_whole_url(
    url: str, wheel: Path, accept: str, target: str
) -> None:
    answer = ask(url, target, Accept=accept)
    assert (answer.status, answer.headers["content-type"]) == (200, JSON)
    assert json.loads(answer.body) == {
        "meta": {"api-version": "1.1"},
        "name": "wasmkiln",
        "versions": ["0.1.0"],
        "files": [
            {
                "filename": WHEEL_NAME,
                "url": f"{url}wheel/{WHEEL_NAME}",
                "hashes": {"sha256": hashlib.sha256(wheel.read_bytes()).hexdigest()},
                "requires-python": ">=3.11",
                "size": wheel.stat().st_size,
            }
        ],
    }
    assert ask(url, f"/wheel/{WHEEL_NAME}").body == wheel.read_bytes()


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (BROWSER, "text/html"),
        ("*/*", "text/html"),
        ("", "text/html"),
        ("application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.v1+html"),
    ],
)
def test_others_get_html(url: str, wheel: Path, accept: str, kind: str) -> None:
    answer = ask(url, "/simple/wasmkiln/", Accept=accept)
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    link = f'<a href="/wheel/{WHEEL_NAME}#sha256={digest}" data-requires-python="&gt;=3.11">'
    assert link in answer.body.decode()
    assert f">{WHEEL_NAME}</a>" in answer.body.decode()


def test_the_root_lists_the_project(url: str) -> None:
    listed = json.loads(ask(url, "/simple/", Accept=JSON).body)
    assert listed == {"meta": {"api-version": "1.1"}, "projects": [{"name": "wasmkiln"}]}
    assert b'<a href="/simple/wasmkiln/">wasmkiln</a>' in ask(url, "/simple/").body


@pytest.mark.parametrize("target", ["/simple/other/", "/simple/wasmkiln/x", "/simple//wasmkiln/"])
def test_there_is_no_other_project(url: str, target: str) -> None:
    assert ask(url, target).status == 404


@pytest.mark.parametrize("target", ["/simple/", "/simple/wasmkiln/", f"/wheel/{WHEEL_NAME}"])
def test_every_origin_may_read_it(url: str, target: str) -> None:
    headers = ask(url, target).headers
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cross-origin-resource-policy"] == "cross-origin"


def test_no_origin_may_read_anything_else(url: str) -> None:
    headers = ask(url, "/index.html").headers
    assert "access-control-allow-origin" not in headers
    assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("host", "origin"),
    [("example.org:81", "http://example.org:81"), ("[::1]:8000", "http://[::1]:8000")],
)
def test_urls_name_the_host_that_was_asked(url: str, host: str, origin: str) -> None:
    answer = ask(url, "/simple/wasmkiln/", Accept=JSON, Host=host)
    assert json.loads(answer.body)["files"][0]["url"] == f"{origin}/wheel/{WHEEL_NAME}"


def test_a_host_that_is_none_is_not_repeated(url: str) -> None:
    answer = ask(url, "/simple/wasmkiln/", Accept=JSON, Host='evil"/path?')
    assert json.loads(answer.body)["files"][0]["url"] == f"{url}wheel/{WHEEL_NAME}"


def test_an_etag_saves_the_second_transfer(url: str) -> None:
    first = ask(url, "/simple/wasmkiln/", Accept=JSON)
    assert first.headers["vary"] == "Accept"
    again = ask(url, "/simple/wasmkiln/", Accept=JSON, If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_pip_takes_it(url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--isolated", "--no-input", "--quiet"]
    command += ["--disable-pip-version-check", "--index-url", f"{url}simple", "--dest"]
    subprocess.run([*command, str(tmp_path), "wasmkiln"], check=True, capture_output=True)
    assert [path.name for path in tmp_path.iterdir()] == [WHEEL_NAME]
