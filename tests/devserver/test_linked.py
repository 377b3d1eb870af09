"""Linked files of the page: which there are, and that they follow their modules."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from wasmkiln.devserver.linked import ENTRIES
from wasmkiln.devserver.precache import page_files
from wasmkiln.devserver.site import Site

WEB = Path(__file__).resolve().parents[2] / "web"
WORKER = re.compile(r"new Worker\(new URL\('([^']+)'")
SCRIPT = re.compile(r'<script[^>]* src="([^"]+)"')


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site of two modules."""
    web = tmp_path / "web"
    (web / "page").mkdir(parents=True)
    (web / "page" / "start.js").write_text("import { b } from '../b.js';\nb();\n")
    (web / "b.js").write_text("// b\nexport function b() {}\n")
    return Site(web, {}, None, tmp_path / "lean")


def text(site: Site, name: str) -> str:
    path = site.find(tuple(name.split("/")))
    assert path is not None
    return path.read_text("utf-8")


def test_every_script_and_worker_of_the_page_is_linked() -> None:
    """What is not would be one more run of modules, or a file for each of them."""
    found = set()
    for path in [*WEB.glob("*.js"), *WEB.glob("page/**/*.js"), *WEB.glob("*.html")]:
        source = path.read_text("utf-8")
        for name in WORKER.findall(source) + SCRIPT.findall(source):
            found.add((path.parent / name).resolve().relative_to(WEB).as_posix())
    assert found == ENTRIES.keys()


def test_linked_files_take_the_place_of_their_first_modules(site: Site) -> None:
    assert site.linked() == ["page/start.js", "page/late.js"]
    assert "function b() {}" in text(site, "page/start.js")
    assert text(site, "page/late.js").startswith("import { modules as $first } from './start.js'")
    assert text(site, "b.js") == "\nexport function b() {}\n"
    assert page_files(site).keys() == {"b.js", "page/late.js", "page/start.js"}


def test_they_are_made_anew_when_a_module_changes(site: Site, tmp_path: Path) -> None:
    before = site.find(("page", "start.js"))
    assert before is not None
    stamp = before.stat().st_mtime_ns
    assert site.find(("page", "start.js")) == before and before.stat().st_mtime_ns == stamp
    (site.static / "b.js").write_text("export function b() { return 1; }\n")
    assert "return 1" in text(site, "page/start.js")
    (site.static / "b.js").write_text("export function b() { return 2; }\n")
    os.utime(site.static / "b.js", ns=(1, 1))
    assert "return 2" in text(site, "page/start.js")
    other = tmp_path / "other.js"
    other.write_text("export const b = () => 'other';\n")
    replaced = Site(site.static, {"/b.js": other}, None, site.lean)
    assert "other" in text(replaced, "page/start.js")


def test_without_a_folder_for_copies_modules_are_served_as_they_are(site: Site) -> None:
    plain = Site(site.static)
    assert plain.linked() == []
    assert text(plain, "page/start.js").startswith("import { b }")
    assert plain.find(("page", "late.js")) is None
