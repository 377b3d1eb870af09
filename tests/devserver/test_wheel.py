"""The wheel for the page: the same files as hatchling's, the same bytes each time, loadable."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from wasmkiln.devserver.progress import Progress
from wasmkiln.devserver.wheel import build_wheel, ensure_wheel, wheel_files

from tests.shared import ROOT

INFO = "wasmkiln-0.1.0.dist-info"


def members(wheel: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def copy_of_the_project(folder: Path) -> Path:
    """A project of two modules, with this one's metadata."""
    package = folder / "py" / "wasmkiln"
    (package / "devserver").mkdir(parents=True)
    (package / "__pycache__").mkdir()
    (package / "__init__.py").write_text("ANSWER = 42\n")
    (package / "py.typed").touch()
    (package / "devserver" / "__init__.py").write_text("")
    (package / "__pycache__" / "__init__.cpython-311.pyc").write_bytes(b"compiled")
    for name in ("pyproject.toml", "LICENSE"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    (folder / "web").symlink_to(ROOT / "web")
    return folder


@pytest.fixture(scope="module")
def ours() -> dict[str, bytes]:
    return members(build_wheel(wheel_files(ROOT)))


@pytest.fixture(scope="module")
def hatchlings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return members(wheel.read_bytes())


def test_it_holds_the_same_files_as_the_packaged_one(
    ours: dict[str, bytes], hatchlings: dict[str, bytes]
) -> None:
    assert sorted(ours) == sorted(hatchlings)
    written_by_each = {f"{INFO}/{name}" for name in ("METADATA", "WHEEL", "RECORD")}
    for name in set(ours) - written_by_each:
        assert ours[name].strip() == hatchlings[name].strip(), name


def test_its_metadata_agree_with_the_packaged_ones(
    ours: dict[str, bytes], hatchlings: dict[str, bytes]
) -> None:
    theirs = hatchlings[f"{INFO}/METADATA"].decode().splitlines()
    for line in ours[f"{INFO}/METADATA"].decode().splitlines():
        assert line.startswith("Metadata-Version") or line in theirs


def test_it_leaves_out_the_server_and_compiled_files(ours: dict[str, bytes]) -> None:
    assert "wasmkiln/__init__.py" in ours and "wasmkiln/py.typed" in ours
    assert not [name for name in ours if "devserver" in name or "__pycache__" in name]


def test_record_lists_every_file(ours: dict[str, bytes]) -> None:
    rows = [line.split(",") for line in ours[f"{INFO}/RECORD"].decode().splitlines()]
    assert sorted(row[0] for row in rows) == sorted(ours)
    assert all(int(size) == len(ours[name]) for name, _, size in rows if size)


def test_python_can_import_it(tmp_path: Path) -> None:
    wheel = tmp_path / "wasmkiln-0.1.0-py3-none-any.whl"
    wheel.write_bytes(build_wheel(wheel_files(ROOT)))
    code = (
        f"import sys; sys.path.insert(0, {str(wheel)!r}); import wasmkiln; print(wasmkiln.__file__)"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(wheel))


def test_it_is_built_again_only_when_a_source_changes(tmp_path: Path) -> None:
    root, cache = copy_of_the_project(tmp_path / "project"), tmp_path / "cache"
    output = io.StringIO()
    progress = Progress(output)
    wheel, info = ensure_wheel(root, cache, progress)
    first, built = wheel.read_bytes(), output.getvalue()
    assert ensure_wheel(root, cache, progress) == (wheel, info)
    assert output.getvalue() == built
    (root / "py" / "wasmkiln" / "__init__.py").write_text("ANSWER = 43\n")
    ensure_wheel(root, cache, progress)
    assert output.getvalue() != built
    assert members(wheel.read_bytes())["wasmkiln/__init__.py"] == b"ANSWER = 43\n"
    (root / "py" / "wasmkiln" / "__init__.py").write_text("ANSWER = 42\n")
    ensure_wheel(root, cache, progress)
    assert wheel.read_bytes() == first


@pytest.mark.parametrize("damage", ["wheel", "info"])
def test_a_damaged_wheel_is_built_again(tmp_path: Path, damage: str) -> None:
    root, cache = copy_of_the_project(tmp_path / "project"), tmp_path / "cache"
    progress = Progress(io.StringIO())
    wheel, info = ensure_wheel(root, cache, progress)
    before = wheel.read_bytes(), info.read_bytes()
    (wheel if damage == "wheel" else info).write_bytes(b"{")
    ensure_wheel(root, cache, progress)
    assert (wheel.read_bytes(), info.read_bytes()) == before


def test_its_description_is_what_the_page_reads(tmp_path: Path) -> None:
    root = copy_of_the_project(tmp_path / "project")
    wheel, info = ensure_wheel(root, tmp_path / "cache", Progress(io.StringIO()))
    described = json.loads(info.read_text())
    assert described["version"] == "0.1.0"
    assert described["bytes"] == wheel.stat().st_size
    assert "wasmkiln/__init__.py" in described["files"]
