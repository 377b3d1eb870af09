"""npm packages that some tests need, each set pinned by a lock file in the tests' own folder."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

__all__ = ["installed"]


def installed(folder: Path) -> Path:
    """The folder's node_modules, installed if they are missing or not those of the lock file.

    Skips the test where there is no npm.
    """
    modules, lock = folder / "node_modules", folder / "package-lock.json"
    done = modules / ".package-lock.json"
    if done.exists() and done.stat().st_mtime >= lock.stat().st_mtime:
        return modules
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"npm is not installed, which would bring what {folder / 'package.json'} lists")
    command = [npm, "ci", "--no-audit", "--no-fund", "--prefix", str(folder)]
    done_process = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done_process.returncode == 0, f"{' '.join(command)}: {done_process.stderr}"
    return modules
