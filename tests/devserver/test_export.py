"""The files of the page for static hosts."""

from __future__ import annotations

from pathlib import Path

import pytest
from wasmkiln.devserver.export import headers_file
from wasmkiln.devserver.headers import CONTENT_SECURITY_POLICY

CSP = "Content-Security-Policy"
URLS = ["index.html", "python.html", "index.js", "compute.worker.js", "page/python.worker.js"]


def headers_of(path: str) -> dict[str, list[str]]:
    """What a host that reads the file sends with the answer to a path: the rules add up."""
    sent: dict[str, list[str]] = {}
    applies = False
    for line in headers_file({url: Path(url) for url in URLS}).splitlines():
        if line.startswith("/"):
            applies = line in ("/*", path)
        elif line and applies:
            name, value = line.strip().split(": ", 1)
            sent.setdefault(name, []).append(value)
    return sent


@pytest.mark.parametrize("path", ["/", "/index.html", "/python.html", "/python"])
def test_each_address_of_a_page_has_one_policy(path: str) -> None:
    # Cloudflare Pages and Netlify send /python.html on to /python.
    assert headers_of(path)[CSP] == [CONTENT_SECURITY_POLICY]


@pytest.mark.parametrize("path", ["/compute.worker.js", "/page/python.worker.js"])
def test_each_worker_has_one_policy(path: str) -> None:
    (policy,) = headers_of(path)[CSP]
    assert "'wasm-unsafe-eval'" in policy


@pytest.mark.parametrize("path", ["/", "/index.js", "/models/any.onnx"])
def test_everything_is_isolated(path: str) -> None:
    sent = headers_of(path)
    assert sent["Cross-Origin-Opener-Policy"] == ["same-origin"]
    assert sent["Cross-Origin-Embedder-Policy"] == ["require-corp"]
    assert (CSP in sent) == (path == "/")
