"""The list of the page's files that its service worker keeps, with their hashes: `precache.js`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from wasmkiln.devserver.headers import SCRIPT_WORKER, SCRIPT_WORKER_HEADERS
from wasmkiln.devserver.site import Site

NAME = "precache.js"
WORKER = "sw.js"
HASH_DIGITS = 32  # of SHA-256 in hexadecimal
KINDS = frozenset({".css", ".html", ".jpg", ".js", ".png", ".svg", ".webmanifest"})
NOT_PAGE = ("docs", "node_modules")
# What was made or fetched for the page. Wheels are for Python in other pages.
MADE = ("/models/", "/pyodide/", "/wheel/")
NOT_KEPT = (".whl", ".gz", ".br")


def page_files(site: Site) -> dict[str, Path]:
    """The files of the page by their path below it, those needed first coming first."""
    names = set(site.linked())
    for path in site.static.rglob("*"):
        parts = path.relative_to(site.static).parts
        hidden = parts[0] in NOT_PAGE or any(part.startswith(".") for part in parts)
        if path.suffix in KINDS and not hidden and path.is_file():
            names.add("/".join(parts))
    found = ((name, site.find(tuple(name.split("/")))) for name in sorted(names - {WORKER, NAME}))
    shell = {name: path for name, path in found if path is not None}
    made = {
        url[1:]: path
        for url, path in site.files.items()
        if url.startswith(MADE) and not url.endswith(NOT_KEPT)
    }
    return {**shell, **dict(sorted(made.items(), key=lambda item: item[1].stat().st_size))}


def precache_script(
    files: Mapping[str, Path],
    digest: Callable[[Path], str],
    headers: Mapping[str, str],
    *,
    revalidate: bool,
) -> bytes:
    """The script that gives the service worker its list.

    digest: the first HASH_DIGITS of a file's SHA-256. headers: what goes with every file.
    revalidate: whether the worker asks the server at each visit for what has changed.
    """
    special = [url for url in files if url.rpartition("/")[2] == SCRIPT_WORKER]
    site = {
        "revalidate": revalidate,
        "headers": dict(headers),
        "special": {url: SCRIPT_WORKER_HEADERS for url in special},
        "files": {url: [digest(path), path.stat().st_size] for url, path in files.items()},
    }
    version = hashlib.sha256(json.dumps(site).encode()).hexdigest()[:16]
    text = json.dumps({"version": version, **site}, indent=1)
    return f"// The files of this version of the page.\nself.site = {text};\n".encode()


def file_digest(path: Path) -> str:
    """The first digits of a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:HASH_DIGITS]
