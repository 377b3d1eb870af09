"""Finding a Chromium: Playwright's, the system's, an installed one, or an error that says how."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import browser


class Machine:
    """A machine on which these programs start; installing by a command may add one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.folder = folder
        self.broken: set[str] = set()
        self.brings: dict[str, str] = {}
        self.commands: list[str] = []
        monkeypatch.setattr(browser, "_run", self.run)
        monkeypatch.setattr(browser, "SYSTEM_PATHS", ())
        monkeypatch.setattr(browser, "is_root", lambda: True)
        monkeypatch.setattr("shutil.which", self.which)

    def which(self, name: str) -> str | None:
        path = self.folder / name
        return str(path) if path.exists() or name == "apt-get" else None

    def install(self, name: str) -> str:
        (self.folder / name).touch()
        return str(self.folder / name)

    def run(self, command: list[str]) -> str:
        if command[-1] == "--version":
            return "libnss3.so is missing" if Path(command[0]).name in self.broken else ""
        line = " ".join(command)
        self.commands.append(line)
        for part, name in self.brings.items():
            if part in line:
                self.install(name)
                return ""
        return "no network"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Machine]:
    browser.find_or_install.cache_clear()
    yield Machine(monkeypatch, tmp_path)
    browser.find_or_install.cache_clear()


def test_playwrights_own_comes_before_the_systems(machine: Machine) -> None:
    own, _ = machine.install("own"), machine.install("chromium")
    assert browser.find_or_install(own) == own
    assert machine.commands == []


def test_one_that_does_not_start_is_passed_over(machine: Machine) -> None:
    own, system = machine.install("own"), machine.install("google-chrome")
    machine.broken = {"own"}
    assert browser.find_or_install(own) == system


def test_playwright_is_asked_to_install_one(machine: Machine) -> None:
    machine.brings = {"playwright install": "own"}
    own = str(machine.folder / "own")
    assert browser.find_or_install(own) == own
    assert len(machine.commands) == 1 and machine.commands[0].endswith("chromium")


def test_then_apt_is(machine: Machine) -> None:
    machine.brings = {"install -y --no-install-recommends chromium": "chromium"}
    assert browser.find_or_install("/none") == str(machine.folder / "chromium")
    assert [c.rsplit("/", 1)[-1].split()[1] for c in machine.commands[1:]] == ["update", "install"]


def test_without_any_the_error_says_what_to_type(machine: Machine) -> None:
    with pytest.raises(RuntimeError) as caught:
        browser.find_or_install("/none")
    message = str(caught.value)
    assert "python -m playwright install --with-deps chromium" in message
    assert "apt-get install chromium" in message and message.count("no network") == 3
