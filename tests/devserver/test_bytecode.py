"""Bytecode in the page's zip files: what goes in, when it is made anew, and how it may fail."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from wasmkiln.devserver.bytecode import ensure_bytecode
from wasmkiln.devserver.bytecode_zip import compile_zip
from wasmkiln.devserver.progress import Progress


def make_zip(path: Path, **modules: str) -> Path:
    """A zip file of modules, by their names and sources, and a text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, source in modules.items():
            archive.writestr(f"{name}.py", source)
        archive.writestr("notes.txt", "as it is")
    return path


def test_compiled_modules_import_and_tell_where_they_lie(tmp_path: Path) -> None:
    source = make_zip(tmp_path / "source.zip", kiln="def where(): return where.__code__")
    target = tmp_path / "target.zip"
    compile_zip(str(source), str(target), "/lib/target.zip")
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == ["kiln.pyc", "notes.txt"]
        assert archive.read("notes.txt") == b"as it is"
    command = "import sys, kiln; print(kiln.where().co_filename)"
    code = f"import sys; sys.path.insert(0, {str(target)!r}); {command}"
    output = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert output.strip() == "/lib/target.zip/kiln.py"


def test_modules_that_were_not_imported_may_stay_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_zip(tmp_path / "source.zip", used_kiln="x = 1", other_kiln="x = 2")
    monkeypatch.syspath_prepend(str(source))
    __import__("used_kiln")
    compile_zip(str(source), str(tmp_path / "target.zip"), str(source), imported_only=True)
    with zipfile.ZipFile(tmp_path / "target.zip") as archive:
        assert archive.namelist() == ["used_kiln.pyc", "other_kiln.py", "notes.txt"]


class Bench:
    """A core and a wheel, and a Node that does as it is told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.output = io.StringIO()
        self.runs: list[list[str]] = []
        self.wheel = make_zip(folder / "wheel.whl", kiln="x = 1")
        make_zip(folder / "core" / "python_stdlib.zip", abc="x = 1")
        self.do: Callable[[dict[str, str]], None] = self.compile
        monkeypatch.setattr("shutil.which", lambda name: "node")
        monkeypatch.setattr(subprocess, "run", self.run)

    def run(self, command: list[str], **options: object) -> None:
        task = json.loads(command[2])
        self.runs.append([Path(job["source"]).name for job in task["jobs"]])
        for job in task["jobs"]:
            self.do(job)

    def compile(self, job: dict[str, str]) -> None:
        compile_zip(job["source"], job["target"], job["path"], comment=job["comment"])

    def ensure(self) -> tuple[Path, Path]:
        progress = Progress(self.output)
        return ensure_bytecode(self.folder / "core", self.wheel, self.folder / "cache", progress)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_bytecode_is_made_once_and_follows_the_sources(bench: Bench) -> None:
    made = bench.ensure()
    assert [path.name for path in made] == ["python314.zip", "wasmkiln.zip"]
    assert bench.ensure() == made
    assert bench.runs == [["python_stdlib.zip", "wheel.whl"]]
    make_zip(bench.wheel, kiln="x = 2")
    assert bench.ensure() == made
    assert bench.runs[1:] == [["wheel.whl"]]
    with zipfile.ZipFile(made[1]) as archive:
        assert archive.namelist() == ["kiln.pyc", "notes.txt"]


def test_without_node_the_page_gets_the_sources(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert bench.ensure() == (bench.folder / "core" / "python_stdlib.zip", bench.wheel)
    assert bench.output.getvalue() == ""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            subprocess.CalledProcessError(1, "node", stderr="at x:1\nTypeError: too old\n  at y"),
            "TypeError: too old",
        ),
        (FileNotFoundError("no node"), "no node"),
    ],
)
def test_a_failing_node_is_told_and_does_no_harm(bench: Bench, error: Exception, told: str) -> None:
    def fail(job: dict[str, str]) -> None:
        raise error

    bench.do = fail
    assert bench.ensure() == (bench.folder / "core" / "python_stdlib.zip", bench.wheel)
    assert f"not made, so the page starts slower ({told})" in bench.output.getvalue()
    bench.do = bench.compile
    assert bench.ensure()[1].name == "wasmkiln.zip"
