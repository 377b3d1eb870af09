"""Chromium for tests and benchmarks: the one that is there, else one that gets installed.

Playwright's own comes first, then the system's. Where there is none, `playwright install` is
tried, then apt as root; if nothing helps, the error says what to type. No test is ever skipped.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SYSTEM_PATHS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
)
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
INSTALL_TIMEOUT = 600
ADVICE = (
    "No Chromium was found and none could be installed. Do one of these, then run again:\n"
    "  python -m playwright install --with-deps chromium\n"
    "  apt-get install chromium      (Debian; as root)\n"
    "  dnf install chromium          (Fedora; as root)\n"
    "  brew install --cask chromium  (macOS)"
)


class LaunchOptions(TypedDict):
    """Keyword arguments of Playwright's `chromium.launch`."""

    executable_path: str
    headless: bool
    args: list[str]


def chromium_launch_options(playwright: Playwright) -> LaunchOptions:
    """How to launch Chromium here, headless: `playwright.chromium.launch(**options)`."""
    args = list(FLAGS)
    if is_root():
        args.append("--no-sandbox")  # Chromium refuses to run its sandbox as root.
    executable = find_or_install(playwright.chromium.executable_path)
    return {"executable_path": executable, "headless": True, "args": args}


@functools.cache
def find_or_install(playwrights_own: str) -> str:
    """The path of a Chromium that runs."""
    found = find_chromium(playwrights_own)
    if found is not None:
        return found
    failures = []
    for command in install_commands():
        print("No Chromium yet:", " ".join(command), file=sys.stderr, flush=True)
        failure = _run(command)
        if failure:
            failures.append(f"{' '.join(command)}: {failure}")
        found = find_chromium(playwrights_own)
        if found is not None:
            return found
    raise RuntimeError("\n".join((ADVICE, "What was tried:", *failures)))


def find_chromium(playwrights_own: str) -> str | None:
    """The first Chromium that is installed and starts; Playwright's own before the system's."""
    candidates = [playwrights_own, *(shutil.which(name) for name in SYSTEM_NAMES), *SYSTEM_PATHS]
    for candidate in candidates:
        # Started, because one without its shared libraries is there and yet of no use.
        if candidate and Path(candidate).exists() and not _run([candidate, "--version"]):
            return candidate
    return None


def install_commands() -> list[list[str]]:
    """What may bring a Chromium here, in the order to try."""
    apt = shutil.which("apt-get")
    as_root = is_root() and apt is not None
    with_dependencies = ["--with-deps"] if as_root else []
    commands = [[sys.executable, "-m", "playwright", "install", *with_dependencies, "chromium"]]
    if as_root and apt is not None:
        commands.append([apt, "update"])
        commands.append([apt, "install", "-y", "--no-install-recommends", "chromium"])
    return commands


def is_root() -> bool:
    """Whether this process runs as root; never on Windows."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _run(command: list[str]) -> str:
    """Why the command failed; '' where it succeeded."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=INSTALL_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = done.stdout.decode(errors="replace").strip().splitlines()
    return "" if done.returncode == 0 else (lines[-1] if lines else f"status {done.returncode}")
