"""The wheel of wasmkiln, written with the standard library, for the page to load.

It holds the same files as the one that `pip wheel` makes (a test compares them), but needs nothing
installed. The same sources and the same zlib give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tomllib
import zipfile
from pathlib import Path
from typing import TypedDict

from wasmkiln import __version__
from wasmkiln.devserver.download import write_atomically
from wasmkiln.devserver.progress import Progress

WHEEL_NAME = f"wasmkiln-{__version__}-py3-none-any.whl"
INFO_NAME = "wasmkiln.json"
EXCLUDED = ("devserver",)  # As in pyproject.toml.
EPOCH = (1980, 1, 1, 0, 0, 0)  # The earliest date that zip knows.


class WheelInfo(TypedDict):
    """What the page is told of the wheel, and the hash of the sources that it was made from."""

    version: str
    sha256: str
    bytes: int
    files: list[str]
    sources: str


def ensure_wheel(root: Path, cache: Path, progress: Progress) -> tuple[Path, Path]:
    """The wheel and its description (JSON), built unless no source has changed."""
    files = wheel_files(root)
    sources = _hash_of(files)
    wheel, info = cache / "wheel" / WHEEL_NAME, cache / "wheel" / INFO_NAME
    if not _is_current(wheel, info, sources):
        progress.begin(WHEEL_NAME)
        content = build_wheel(files)
        description = WheelInfo(
            version=__version__,
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
            files=sorted(files),
            sources=sources,
        )
        write_atomically(wheel, content)
        write_atomically(info, json.dumps(description, indent=1).encode())
        progress.end(f"{len(content) / 1e3:.0f} kB")
    return wheel, info


def wheel_files(root: Path) -> dict[str, bytes]:
    """Path in the wheel → content, of the package and its metadata, without RECORD."""
    package = root / "py" / "wasmkiln"
    files = {}
    for path in sorted(package.rglob("*")):
        parts = path.relative_to(package).parts
        if parts[0] in EXCLUDED or "__pycache__" in parts or not path.is_file():
            continue
        files["/".join(("wasmkiln", *parts))] = path.read_bytes()
    settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    project = settings["project"]
    included = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for source, name in included.items():
        files[name] = (root / source).read_bytes()
    scripts = "".join(f"{name} = {target}\n" for name, target in project["scripts"].items())
    extra = "native"  # The others are for working on the project.
    requires = "".join(
        f"Requires-Dist: {_with_extra(needed, extra)}\n"
        for needed in sorted(project["optional-dependencies"][extra])
    )
    metadata = (
        f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {__version__}\n"
        f"Summary: {project['description']}\nLicense-Expression: {project['license']}\n"
        f"License-File: LICENSE\nRequires-Python: {project['requires-python']}\n"
        f"Provides-Extra: {extra}\n{requires}"
    )
    wheel = "Wheel-Version: 1.0\nGenerator: wasmkiln\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    info = f"wasmkiln-{__version__}.dist-info"
    return {
        **files,
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": wheel.encode(),
        f"{info}/entry_points.txt": f"[console_scripts]\n{scripts}".encode(),
        f"{info}/licenses/LICENSE": (root / "LICENSE").read_bytes(),
    }


def build_wheel(files: dict[str, bytes]) -> bytes:
    """The wheel with these files and their RECORD."""
    record = f"wasmkiln-{__version__}.dist-info/RECORD"
    rows = "".join(f"{name},{_digest(content)},{len(content)}\n" for name, content in files.items())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in {**files, record: f"{rows}{record},,\n".encode()}.items():
            member = zipfile.ZipInfo(name, EPOCH)
            member.create_system = 3  # Unix on every machine, as the mode below is Unix's.
            member.external_attr = 0o100644 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return buffer.getvalue()


def _with_extra(requirement: str, extra: str) -> str:
    """The requirement as metadata have it: under the condition that the extra is asked for."""
    name, _, marker = requirement.partition(";")
    condition = f"extra == '{extra}'"
    return f"{name.strip()}; {f'({marker.strip()}) and ' if marker else ''}{condition}"


def _is_current(wheel: Path, info: Path, sources: str) -> bool:
    try:
        description: WheelInfo = json.loads(info.read_text("utf-8"))
        content = wheel.read_bytes()
    except (OSError, ValueError):
        return False
    return (description["sources"], description["sha256"]) == (
        sources,
        hashlib.sha256(content).hexdigest(),
    )


def _hash_of(files: dict[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name, content in sorted(files.items()):
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()


def _digest(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()
    return "sha256=" + digest.rstrip("=")
