"""An image of Python's memory, made once by Node, in which the compiler is imported already.

With it the page's Python needs not start: Pyodide can go on from a snapshot. That is not yet part
of its documented interface, but here its version is pinned; where anything is wrong with the image,
the page starts Python as usual.

The file holds only what differs from memory as the interpreter's own WebAssembly fills it: four
bytes with the length of what follows, a description (JSON), and the pieces one after the other.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wasmkiln.devserver.bytecode import TIMEOUT, failure_in_words
from wasmkiln.devserver.download import write_atomically
from wasmkiln.devserver.progress import Progress
from wasmkiln.devserver.pyodide_core import VERSION

NAME = "python.image"
BLOCK = 1024  # bytes: what is alike in two memories is found in such pieces
SCRIPT = Path(__file__).with_name("image.mjs")
PRELOAD = Path(__file__).with_name("preload.py")
LENGTH_BYTES = 4


def ensure_image(
    root: Path, core: Path, library: Path, package: Path, cache: Path, progress: Progress
) -> Path | None:
    """The image, made unless what it is made from is unchanged; None where it can't be made.

    library, package: the zip files that the page gets, whose places the image remembers.
    """
    start = root / "web" / "python-start.js"
    key = _key(library, package, start, SCRIPT, PRELOAD, Path(__file__))
    target = cache / "image" / NAME
    if _key_of(target) == key:
        return target
    node = shutil.which("node")
    if node is None:
        return None
    progress.begin("Image of Python's memory")
    task = {
        "core": str(core),
        "library": str(library),
        "archive": str(package),
        "start": str(start),
        "preload": str(PRELOAD),
    }
    try:
        with TemporaryDirectory() as folder:
            snapshot = _snapshot(node, task, Path(folder) / "snapshot")
        content = pack(snapshot, (core / "pyodide.asm.wasm").read_bytes(), key)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        progress.end(f"not made, so the page starts slower ({failure_in_words(error)})")
        return None
    write_atomically(target, content)
    progress.end(f"{len(content) / 1e6:.1f} MB")
    return target


def pack(snapshot: bytes, interpreter: bytes, key: str) -> bytes:
    """The image of a snapshot, for memory that the interpreter's module has filled.

    Raises ValueError for what is no snapshot, or no such module.
    """
    start = int.from_bytes(snapshot[4:8], "little")  # Pyodide's own header is before the memory.
    memory = memoryview(snapshot)[start:]
    if not 48 <= start < len(snapshot) or len(memory) % BLOCK:
        raise ValueError("Pyodide's snapshot has an unknown form")
    filled = bytearray(len(memory))
    for offset, content in data_segments(interpreter):
        if offset + len(content) > len(filled):
            raise ValueError("the interpreter's data are larger than its memory")
        filled[offset : offset + len(content)] = content
    runs = list(_different(memory, memoryview(filled)))
    body = b"".join(memory[offset : offset + size] for offset, size in runs)
    description = {
        "key": key,
        "pyodide": VERSION,
        "head": base64.b64encode(snapshot[:start]).decode(),
        "memory": len(memory),
        "runs": runs,
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    text = json.dumps(description).encode()
    return len(text).to_bytes(LENGTH_BYTES, "little") + text + body


def data_segments(module: bytes) -> Iterator[tuple[int, bytes]]:
    """Address and content of each data segment of a WebAssembly module.

    Raises ValueError where an address is not a constant.
    """
    at, end = _section(module, 11)
    count, at = _leb(module, at)
    for _ in range(count):
        if module[at : at + 2] != b"\0\x41":  # memory 0, i32.const
            raise ValueError("a data segment has no constant address")
        offset, at = _leb(module, at + 2)
        size, at = _leb(module, at + 1)  # after the expression's end
        yield offset, module[at : at + size]
        at += size
    if at != end:
        raise ValueError("the data section has an unknown form")


def _different(memory: memoryview, filled: memoryview) -> Iterator[tuple[int, int]]:
    """Where two memories differ: offset and size of each run of blocks."""
    first: int | None = None
    for offset in range(0, len(memory), BLOCK):
        differs = memory[offset : offset + BLOCK] != filled[offset : offset + BLOCK]
        if differs and first is None:
            first = offset
        elif not differs and first is not None:
            yield first, offset - first
            first = None
    if first is not None:
        yield first, len(memory) - first


def _section(module: bytes, wanted: int) -> tuple[int, int]:
    """Where a section's content begins and ends."""
    at = 8
    while at < len(module):
        number = module[at]
        size, at = _leb(module, at + 1)
        if number == wanted:
            return at, at + size
        at += size
    raise ValueError(f"the module has no section {wanted}")


def _leb(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number, and where it ends. Addresses here are below 2 ** 30."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _snapshot(node: str, task: Mapping[str, str], target: Path) -> bytes:
    command = [node, str(SCRIPT), json.dumps({**task, "target": str(target)})]
    subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=True)
    return target.read_bytes()


def _key(*files: Path) -> str:
    """A hash of all that decides the image's content."""
    whole = hashlib.sha256(VERSION.encode())
    for file in files:
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def _key_of(image: Path) -> str | None:
    """The key that an image was made with."""
    try:
        with image.open("rb") as file:
            length = int.from_bytes(file.read(LENGTH_BYTES), "little")
            description: dict[str, Any] = json.loads(file.read(length))
        return str(description["key"])
    except (OSError, ValueError, KeyError):
        return None
