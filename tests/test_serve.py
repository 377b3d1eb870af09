"""`python serve.py`: the command line, the address it listens on, and how it starts and stops."""

from __future__ import annotations

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest
from wasmkiln.devserver.download import Artefact
from wasmkiln.devserver.progress import Progress
from wasmkiln.devserver.pyodide_core import FILES
from wasmkiln.devserver.site import Site, prepare
from wasmkiln.devserver.wheel import WHEEL_NAME

import serve
from models import manifest
from tests.prepared import CACHE, page_site
from tests.shared import ROOT

PAGE = b"<!doctype html>"
PATIENCE = 90  # seconds; other tests may keep the machine busy


@pytest.fixture(scope="module")
def site() -> Site:
    return page_site()


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "serve.py", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def times(site: Site) -> dict[Path, int]:
    """When each file of the site changed, and each that lies beside one, such as its twins."""
    folders = {path.parent for path in site.files.values()}
    files = [path for folder in folders for path in folder.iterdir() if path.is_file()]
    return {path: path.stat().st_mtime_ns for path in files}


def test_everything_the_page_needs_is_there_by_its_url(site: Site) -> None:
    entry = manifest.entry(manifest.load()["default"])
    pinned = {f"/pyodide/{file.name}": file for file in FILES}
    pinned[f"/{entry['url']}"] = Artefact(entry["file"], entry["bytes"], entry["sha256"])
    del pinned["/pyodide/python_stdlib.zip"]  # may be bytecode made from the pinned file
    for url, file in pinned.items():
        assert file.is_at(site.files[url]), url
    others = {"/pyodide/python_stdlib.zip", "/wheel/wasmkiln.zip"}
    others |= {"/wheel/wasmkiln.whl", f"/wheel/{WHEEL_NAME}", "/wheel/wasmkiln.json"}
    others |= {"/wheel/standalone.json"}
    others |= {"/models/manifest.json", f"/{entry['labels']}"}
    others |= {"/wheel/python.image"} if shutil.which("node") else set()
    assert set(site.files) == set(pinned) | others
    assert all(path.is_file() for path in site.files.values())


@pytest.mark.skipif(shutil.which("node") is None, reason="Node makes the bytecode")
def test_python_starts_from_bytecode(site: Site) -> None:
    with zipfile.ZipFile(site.files["/pyodide/python_stdlib.zip"]) as library:
        names = set(library.namelist())
    assert {"asyncio/base_events.pyc", "typing.pyc", "pyodide/ffi/__init__.pyc"} <= names
    assert "typing.py" not in names
    assert "pydoc.py" in names  # rarely needed, and smaller as source
    with zipfile.ZipFile(site.files["/wheel/wasmkiln.zip"]) as package:
        assert not [name for name in package.namelist() if name.endswith(".py")]


def test_a_second_preparation_does_nothing(site: Site) -> None:
    before = times(site)
    output = io.StringIO()
    assert prepare(ROOT, CACHE, Progress(output)) == site
    assert output.getvalue() == ""
    assert times(site) == before


def test_it_serves_and_ends_quietly_on_interrupt(site: Site) -> None:
    process = start("--port", "0")
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Open http://127.0.0.1:")
        with urllib.request.urlopen(line.split()[1], timeout=PATIENCE) as response:
            assert response.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
            assert response.read().lower().startswith(PAGE)
    finally:
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE)
    assert (output, errors.strip(), process.returncode) == ("", "", 0)


def test_no_isolation_is_an_option(site: Site) -> None:
    process = start("--port", "0", "--no-isolation", "--verbose")
    try:
        assert process.stdout is not None
        with urllib.request.urlopen(
            process.stdout.readline().split()[1], timeout=PATIENCE
        ) as response:
            assert "Cross-Origin-Embedder-Policy" not in response.headers
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert errors.strip() == "GET '/' 200"


def test_a_port_in_use_is_explained(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = start("--port", port)
        output, errors = done.communicate(timeout=PATIENCE)
    assert (done.returncode, output) == (2, "")
    assert errors == (
        f"Port {port} of 127.0.0.1 is in use, maybe by another serve.py. "
        "Choose another with --port, or --port 0 for any free one.\n"
    )


def test_an_address_of_another_machine_is_explained(site: Site) -> None:
    process = start("--host", "192.0.2.1", "--port", "0")
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert errors.startswith("Cannot listen on 192.0.2.1 port 0: ")


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        serve.parse_arguments(["--port", port])
    assert "--port" in capsys.readouterr().err


def test_it_starts_with_nothing_but_the_standard_library(site: Site) -> None:
    # -I and -S: no site-packages, no environment, as on a machine where nothing is installed.
    command = [sys.executable, "-I", "-S", str(ROOT / "serve.py"), "--prepare-only"]
    done = subprocess.run(command, cwd=Path("/"), capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
