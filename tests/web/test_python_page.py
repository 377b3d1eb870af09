"""The page for scripts: runs them with and without NumPy, shows what they print, and stops them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from wasmkiln.devserver.site import Site

from tests.web.conftest import serving
from tests.web.models import small_model
from tests.web.python_lab import NUMPY
from tests.web.tab import Tab
from tests.web.test_layout import CONTRAST

WITHOUT_NUMPY = """
import struct
from wasmkiln import handles
handle = handles.load("model.onnx")
x = struct.pack("<6f", -2, -1, 0, 1, 2, 3)
print(struct.unpack("<6f", handles.predict(handle, {"x": x})["y"]))
"""


@pytest.fixture(scope="module")
def numpy_site(site_files: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The site of a Pyodide that has NumPy beside it."""
    if not NUMPY.is_file():
        pytest.skip("NumPy for Pyodide, which its CDN has, is not beside this checkout")
    lock = json.loads(site_files.files["/pyodide/pyodide-lock.json"].read_text("utf-8"))
    digest = hashlib.sha256(NUMPY.read_bytes()).hexdigest()
    lock["packages"]["numpy"].update(file_name=NUMPY.name, version="2.4.3", sha256=digest)
    path = tmp_path_factory.mktemp("pyodide") / "pyodide-lock.json"
    path.write_text(json.dumps(lock), "utf-8")
    more = {"/pyodide/pyodide-lock.json": path, f"/pyodide/{NUMPY.name}": NUMPY}
    files = {**site_files.files, **more}
    with serving(dataclasses.replace(site_files, files=files), isolated=True) as url:
        yield url


@pytest.fixture
def offline(page: Page, site: str) -> Tab:
    """The page of a server without NumPy, where the CDN is out of reach."""
    page.context.route("https://cdn.jsdelivr.net/**", lambda route: route.abort())
    return Tab.open(page, site + "python.html")


def run(tab: Tab, code: str | None = None) -> str:
    """Run a script, by default the one that is there; what it printed."""
    if code is not None:
        tab.page.fill("#script", code)
    tab.page.click("#run")
    tab.settled()
    return tab.text("output")


def test_the_script_that_is_there_runs(page: Page, numpy_site: str) -> None:
    requests: list[Request] = []
    page.context.on("request", lambda request: requests.append(request))
    tab = Tab.open(page, numpy_site + "python.html")
    lines = run(tab).splitlines()
    assert tab.state() == "ready", tab.alert()
    assert lines[0] == "input  image tensor(float) ['N', 3, 224, 224]"
    assert all(line.endswith(" ms") for line in lines[2:5])
    assert lines[5] == "(1, 1000) float32"
    model = {"name": "mine.onnx", "mimeType": "", "buffer": small_model(0.5)}
    page.set_input_files("#model-file", model)  # type: ignore[arg-type]
    assert tab.text("model-name") == f"mine.onnx, {len(small_model(0.5))} bytes"
    assert run(tab).splitlines()[-1] == "(2, 3) float32"
    assert [r.url for r in requests if not r.url.startswith(numpy_site)] == []


def test_without_numpy_it_says_so_and_runs_what_needs_none(offline: Tab) -> None:
    run(offline)
    assert offline.state() == "error"
    assert offline.error_class() == "DownloadError"
    assert offline.alert().startswith(
        "The script failed: numpy is not on this server, and https://cdn.jsdelivr.net/pyodide/v314"
    )
    model = {"name": "mine.onnx", "mimeType": "", "buffer": small_model(0.5)}
    offline.page.set_input_files("#model-file", model)  # type: ignore[arg-type]
    printed = run(offline, WITHOUT_NUMPY)
    assert offline.state() == "ready", offline.alert()
    assert "numpy is not on this server" in printed
    assert printed.splitlines()[-1] == "(0.0, 0.0, 0.5, 1.5, 2.5, 3.5)"


def test_exceptions_and_endless_scripts_leave_the_page_at_work(offline: Tab) -> None:
    printed = run(offline, "import sys\ndef f():\n    1 / 0\nprint('before')\nf()\n")
    assert printed.splitlines()[:3] == [
        "before",
        "Traceback (most recent call last):",
        '  File "script.py", line 5, in <module>',
    ]
    assert offline.error_class() == "ScriptError"
    assert offline.alert() == "The script failed: ZeroDivisionError: division by zero"
    run(offline, "print('x')\n)")
    assert offline.alert() == "The script failed: SyntaxError: unmatched ')' (script.py, line 2)"
    ended = run(offline, "import sys\nprint('f' in globals(), file=sys.stderr)\nsys.exit()")
    assert (ended, offline.state()) == ("False\n", "ready")
    offline.page.fill("#script", "print('on it')\nwhile True: pass")
    offline.page.click("#run")
    expect(offline.page.locator("#output")).to_have_text("on it\n", timeout=60_000)
    offline.page.click("#cancel")
    assert offline.settled() == "error"
    assert offline.alert() == "The script was cancelled."
    assert run(offline, "import asyncio\nawait asyncio.sleep(0)\nprint('again')") == "again\n"


def test_it_works_under_a_sub_path(page: Page, site_files: Site, tmp_path: Path) -> None:
    web = site_files.static
    static = {f"/{f.relative_to(web).as_posix()}": f for f in web.rglob("*") if f.is_file()}
    moved = {f"/some/folder{url}": file for url, file in {**static, **site_files.files}.items()}
    with serving(Site(tmp_path, moved), isolated=False) as url:
        tab = Tab.open(page, f"{url}some/folder/python.html")
        assert run(tab, "print('here')") == "here\n"


def test_much_output_keeps_its_end(offline: Tab) -> None:
    printed = run(offline, "for i in range(50_000): print(i)\n")
    assert printed.startswith("…") and printed.endswith("\n49999\n")
    assert 50_000 < len(printed) <= 200_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_small_phone_and_can_be_read(browser: Browser, site: str, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 320, "height": 640},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    tab = Tab.open(context.new_page(), site + "python.html")
    run(tab, f"print('long-' * 99)\nraise ValueError('{'long-' * 99}')")
    assert tab.state() == "error"
    tab.expect_no_sideways_scroll()
    assert tab.page.evaluate(CONTRAST) == []
    for button in tab.page.locator("button:visible, .button:visible").all():
        box = button.bounding_box()
        assert box is not None and min(box["width"], box["height"]) >= 44
    context.close()


def test_the_keyboard_runs_it_and_the_main_page_leads_to_it(page: Page, site: str) -> None:
    page.goto(site)
    page.click("footer a")
    tab = Tab(page)
    assert tab.settled() == "ready"
    assert page.url == site + "python.html"
    assert f'index_urls="{site}simple"' in page.locator("footer").inner_text()
    page.get_by_label("Script", exact=True).fill("print(6 * 7)")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("log", name="Output")).to_have_text("42\n")
