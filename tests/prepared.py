"""What several tests need on disk, made by whichever process comes first while the others wait.

Tests may run in several processes that share this checkout; the files lie in .cache/ and in the
node_modules beside each lock file.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from wasmkiln.devserver import default_model, site
from wasmkiln.devserver.download import Artefact, fetch_by_command
from wasmkiln.devserver.progress import Progress

from tests import browser
from tests.shared import ROOT

__all__ = ["CACHE", "chromium", "default_model_file", "node_modules", "page_site", "pypi_wheel"]

CACHE = ROOT / ".cache"
NPM_TIMEOUT = 280  # seconds; a test is ended after 300

# One for all, as one may need what another makes.
_LOCK = FileLock(CACHE / "locks" / "tests.lock")


def page_site() -> site.Site:
    """The page's files; what is missing is fetched and made, the wheel from the sources here."""
    with _alone():
        return site.prepare(ROOT, CACHE, _progress())


def default_model_file() -> Path:
    """The default model as ONNX."""
    with _alone():
        return default_model.ensure_model(CACHE, _progress())


def pypi_wheel(wheel: Artefact, requirement: str, python: str) -> Path:
    """A pinned wheel from PyPI, for this version of Python."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--dest"]
    command += ["{into}", "--disable-pip-version-check", "--only-binary=:all:", "--quiet"]
    command += [f"--python-version={python}", requirement]
    with _alone():
        return fetch_by_command(wheel, command, CACHE / "downloads", _progress())


def chromium(playwrights_own: str) -> str:
    """The path of a Chromium that runs, installed if there is none."""
    with _alone():
        return browser.find_or_install(playwrights_own)


def node_modules(folder: Path) -> Path:
    """The folder's node_modules, installed if they are missing or not those of its lock file.

    Skips the test where there is no npm.
    """
    modules, lock = folder / "node_modules", folder / "package-lock.json"
    installed = modules / ".package-lock.json"  # npm writes it last
    with _alone():
        if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
            return modules
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip(f"no npm to install what {folder / 'package.json'} lists")
        command = [npm, "ci", "--no-audit", "--no-fund", "--prefix", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=NPM_TIMEOUT)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return modules


def _alone() -> FileLock:
    Path(_LOCK.lock_file).parent.mkdir(parents=True, exist_ok=True)
    return _LOCK


def _progress() -> Progress:
    return Progress(sys.stderr, live=False)
