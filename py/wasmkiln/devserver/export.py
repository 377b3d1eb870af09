"""The whole page as static files, for any host: `wasmkiln site -o dist/`.

Hosts that can't send headers get those of the page by a meta element and by its service worker.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wasmkiln.devserver.compress import ensure_compressed
from wasmkiln.devserver.headers import (
    CONTENT_SECURITY_POLICY,
    ISOLATION_HEADERS,
    SCRIPT_WORKER,
    SCRIPT_WORKER_HEADERS,
    SECURITY_HEADERS,
)
from wasmkiln.devserver.precache import NAME as PRECACHE
from wasmkiln.devserver.precache import WORKER, file_digest, page_files, precache_script
from wasmkiln.devserver.progress import Progress
from wasmkiln.devserver.site import Site

HEADERS = {**SECURITY_HEADERS, **ISOLATION_HEADERS}
CSP = "Content-Security-Policy"
HEAD = '<meta charset="utf-8" />'
# A meta element can't forbid framing; browsers complain of the attempt.
META_POLICY = "; ".join(
    part for part in CONTENT_SECURITY_POLICY.split("; ") if not part.startswith("frame-ancestors")
)
META = f"""{HEAD}
    <meta http-equiv="Content-Security-Policy" content="{META_POLICY}" />
    <meta name="isolation" content="service-worker" />"""


class ExportError(Exception):
    """The page can't be written there."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: how many files, and their bytes."""

    files: int
    size: int


def export_site(site: Site, out: Path, progress: Progress, *, twins: bool = False) -> Exported:
    """Write the page into a folder that is empty, missing, or was written by this before.

    twins: also write FILE.gz (and FILE.br where brotli is installed) for hosts that send these.
    """
    files = page_files(site)
    _make_empty(out)
    written = {url: _copy(path, out / url) for url, path in files.items()}
    _copy(site.static / WORKER, out / WORKER)
    script = precache_script(written, file_digest, HEADERS, revalidate=False)
    (out / PRECACHE).write_bytes(script)
    (out / "_headers").write_text(headers_file(written), "utf-8")
    (out / ".nojekyll").touch()  # GitHub Pages would leave out files whose names begin with _.
    if twins:
        ensure_compressed(written.values(), progress)
    everything = [path for path in out.rglob("*") if path.is_file()]
    return Exported(len(everything), sum(path.stat().st_size for path in everything))


def headers_file(urls: Mapping[str, Path]) -> str:
    """`_headers` for hosts that read it (Netlify, Cloudflare Pages), if the page is at their root.

    Rules add up, so that the policies, which differ, stand with single files.
    """
    common = {name: value for name, value in HEADERS.items() if name != CSP}
    rules = [_rule("/*", common), _rule("/", {CSP: CONTENT_SECURITY_POLICY})]
    for url in urls:
        if url.endswith(SCRIPT_WORKER):
            rules.append(_rule(f"/{url}", SCRIPT_WORKER_HEADERS))
        elif url.endswith((".html", ".worker.js")):
            # These hosts send /python.html on to /python.
            paths = dict.fromkeys([url, url.removesuffix(".html")])
            rules += [_rule(f"/{path}", {CSP: CONTENT_SECURITY_POLICY}) for path in paths]
    return "\n".join(rules)


def _rule(path: str, headers: Mapping[str, str]) -> str:
    return "\n".join([path, *(f"  {name}: {value}" for name, value in headers.items()), ""])


def _copy(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix != ".html":
        return Path(shutil.copyfile(source, target))
    text = source.read_text("utf-8")
    if text.count(HEAD) != 1:
        raise ExportError(f"{source} has no {HEAD}, after which the policy would go")
    target.write_text(text.replace(HEAD, META), "utf-8")
    return target


def _make_empty(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise ExportError(f"{out} is not a folder")
    out.mkdir(parents=True, exist_ok=True)
    content = list(out.iterdir())
    if not content:
        return
    if not (out / PRECACHE).is_file() or not (out / WORKER).is_file():
        raise ExportError(f"{out} holds something else; give an empty folder, or a new one")
    for path in content:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
