"""The image of Python's memory: what goes in, when it is made anew, and how it may fail."""

from __future__ import annotations

import ast
import io
import json
import subprocess
from pathlib import Path

import pytest
from wasmkiln.devserver.image import BLOCK, data_segments, ensure_image, pack
from wasmkiln.devserver.preload import LATE, wanted
from wasmkiln.devserver.progress import Progress

from tests.shared import ROOT

PACKAGE = ROOT / "py" / "wasmkiln"
# A module with a section of types, and two data segments: "kiln" at 8, "n" at 200.
MODULE = bytes.fromhex(
    "0061736d 01000000 0104 01600000 0b11 02 0041080b046b696c6e 0041c8010b016e".replace(" ", "")
)
HEADER = 64
SIZE = 4 * BLOCK


def memory_of(module: bytes) -> bytearray:
    """Memory as a module fills it."""
    memory = bytearray(SIZE)
    for offset, content in data_segments(module):
        memory[offset : offset + len(content)] = content
    return memory


def snapshot_of(memory: bytes) -> bytes:
    """What Pyodide makes of memory."""
    head = b"wkmg" + HEADER.to_bytes(4, "little")
    return head.ljust(HEADER, b"\7") + memory


def unpack(image: bytes, module: bytes) -> bytes:
    """The memory that the page makes of an image."""
    length = int.from_bytes(image[:4], "little")
    description = json.loads(image[4 : 4 + length])
    memory, at = memory_of(module), 4 + length
    for offset, size in description["runs"]:
        memory[offset : offset + size] = image[at : at + size]
        at += size
    assert at == len(image)
    return bytes(memory)


def test_data_segments_are_read() -> None:
    assert list(data_segments(MODULE)) == [(8, b"kiln"), (200, b"n")]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {0: 1},
        {8: 0},  # what the module fills may be zero in the snapshot
        {BLOCK: 1, 2 * BLOCK - 1: 2},
        {2 * BLOCK: 1, 3 * BLOCK: 1},  # two blocks, one run, up to the end
    ],
)
def test_an_image_gives_the_snapshots_memory(changes: dict[int, int]) -> None:
    memory = memory_of(MODULE)
    for offset, value in changes.items():
        memory[offset] = value
    image = pack(snapshot_of(bytes(memory)), MODULE, "key")
    assert unpack(image, MODULE) == bytes(memory)
    blocks = {offset // BLOCK for offset in changes}
    length = int.from_bytes(image[:4], "little")
    assert len(image) == 4 + length + BLOCK * len(blocks)


@pytest.mark.parametrize(
    ("snapshot", "module"),
    [
        (b"", MODULE),
        (snapshot_of(bytes(SIZE - 1)), MODULE),
        (snapshot_of(bytes(0)), MODULE),
        (snapshot_of(bytes(SIZE)), MODULE[:8]),
        (snapshot_of(bytes(SIZE)), MODULE.replace(b"\0\x41\x08", b"\0\x23\x08")),
    ],
)
def test_what_is_no_snapshot_is_refused(snapshot: bytes, module: bytes) -> None:
    with pytest.raises(ValueError):
        pack(snapshot, module, "key")


def test_late_imports_are_known() -> None:
    """Whatever the package imports within functions is in the image, or is for Python elsewhere."""
    found = set()
    for path in wanted_files():
        tree = ast.parse(path.read_text("utf-8"))
        top = set(tree.body)
        for node in ast.walk(tree):
            if node in top or not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            if isinstance(node, ast.ImportFrom):
                found |= {node.module} if node.level == 0 else set()
            else:
                found |= {alias.name for alias in node.names}
    elsewhere = {"PIL", "numpy", "collections.abc"}
    assert {name for name in found if name} - elsewhere == set(LATE)


def wanted_files() -> list[Path]:
    """The sources of what the image holds of the package."""
    names = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        if parts[1] != "devserver" and parts[-1] != "__init__":
            names[".".join(parts)] = path
    return [names[name] for name in wanted(list(names))]


class Bench:
    """What an image is made from, and a Node that makes a snapshot."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.output = io.StringIO()
        self.runs = 0
        self.error: Exception | None = None
        (folder / "web").mkdir()
        (folder / "core").mkdir()
        (folder / "web" / "python-start.js").write_text("// start")
        (folder / "core" / "pyodide.asm.wasm").write_bytes(MODULE)
        (folder / "library.zip").write_bytes(b"library")
        (folder / "package.zip").write_bytes(b"package")
        monkeypatch.setattr("shutil.which", lambda name: "node")
        monkeypatch.setattr(subprocess, "run", self.run)

    def run(self, command: list[str], **options: object) -> None:
        self.runs += 1
        if self.error:
            raise self.error
        Path(json.loads(command[2])["target"]).write_bytes(snapshot_of(bytes(SIZE)))

    def ensure(self) -> Path | None:
        library, package = self.folder / "library.zip", self.folder / "package.zip"
        core, cache = self.folder / "core", self.folder / "cache"
        return ensure_image(self.folder, core, library, package, cache, Progress(self.output))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_the_image_is_made_once_and_follows_its_sources(bench: Bench) -> None:
    made = bench.ensure()
    assert made is not None
    assert unpack(made.read_bytes(), MODULE) == bytes(SIZE)
    assert bench.ensure() == made
    assert bench.runs == 1
    (bench.folder / "package.zip").write_bytes(b"another")
    assert bench.ensure() == made
    assert bench.runs == 2


def test_without_node_there_is_no_image(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert bench.ensure() is None
    assert bench.output.getvalue() == ""


def test_an_outdated_image_is_not_given_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bench.ensure() is not None
    (bench.folder / "package.zip").write_bytes(b"another")
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert bench.ensure() is None


def test_a_failing_node_is_told_and_does_no_harm(bench: Bench) -> None:
    bench.error = subprocess.CalledProcessError(1, "node", stderr="TypeError: too old\n")
    assert bench.ensure() is None
    assert "not made, so the page starts slower (TypeError: too old)" in bench.output.getvalue()
    bench.error = None
    assert bench.ensure() is not None
