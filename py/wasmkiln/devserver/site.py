"""Every file of the page by its URL: static ones from web/, and those that were made or fetched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wasmkiln.bundle.loader import templates
from wasmkiln.devserver.bytecode import ensure_bytecode
from wasmkiln.devserver.compress import QUICK, ensure_compressed
from wasmkiln.devserver.default_model import ensure_model
from wasmkiln.devserver.download import write_changed
from wasmkiln.devserver.image import ensure_image
from wasmkiln.devserver.lean import LEAN, lean_copy
from wasmkiln.devserver.linked import LINKED, linked_copy
from wasmkiln.devserver.package_index import PackageIndex
from wasmkiln.devserver.progress import Progress
from wasmkiln.devserver.pyodide_core import FILES, ensure_core
from wasmkiln.devserver.wheel import ensure_wheel


@dataclass(frozen=True, slots=True)
class Site:
    """A folder of static files, and single files (each by its URL path) that go before it.

    index: what installers are told of our wheel, if they are.
    lean: a folder, of this site alone, for copies of static files without comments and for linked
    modules, which then are given out.
    """

    static: Path
    files: Mapping[str, Path] = field(default_factory=dict)
    index: PackageIndex | None = None
    lean: Path | None = None

    def find(self, segments: tuple[str, ...]) -> Path | None:
        """The file for a URL path's decoded segments; None where there's none to be given out."""
        if any(not _is_plain(segment) for segment in segments):
            return None
        name = "/".join(segments)
        mapped = self.files.get(f"/{name}")
        if mapped is not None:
            return mapped
        if self.lean is not None and self._is_linked(name):
            return linked_copy(name, self._module, self.lean / "linked")
        root = self.static.resolve()
        try:
            path = root.joinpath(*segments or ("index.html",)).resolve(strict=True)
        except (OSError, ValueError):
            return None
        return self.given(path) if path.is_relative_to(root) and path.is_file() else None

    def linked(self) -> list[str]:
        """The names of the files that are given out linked."""
        return [name for name in LINKED if self.lean is not None and self._is_linked(name)]

    def _is_linked(self, name: str) -> bool:
        return name in LINKED and (self.static / LINKED[name]).is_file()

    def _module(self, name: str) -> Path:
        return self.files.get(f"/{name}") or self.static / name

    def given(self, path: Path) -> Path:
        """What is given out for a static file: itself, or its lean copy."""
        if self.lean is None or path.suffix not in LEAN:
            return path
        return lean_copy(path, self.lean / path.relative_to(self.static.resolve()))


def prepare(root: Path, cache: Path, progress: Progress) -> Site:
    """Make and fetch what is missing; the site that stands then."""
    core = ensure_core(cache, progress)
    wheel, wheel_info = ensure_wheel(root, cache, progress)
    library, package = ensure_bytecode(core, wheel, cache, progress)
    image = ensure_image(root, core, library, package, cache, progress)
    model = ensure_model(cache, progress)
    index = PackageIndex.of(wheel)
    standalone = cache / "wheel" / "standalone.json"
    write_changed(standalone, json.dumps(templates()).encode())
    files = {
        **pyodide_files(core),
        "/pyodide/python_stdlib.zip": library,
        "/wheel/wasmkiln.zip": package,
        **({f"/wheel/{image.name}": image} if image else {}),
        "/wheel/wasmkiln.whl": wheel,
        index.url: wheel,
        "/wheel/wasmkiln.json": wheel_info,
        "/wheel/standalone.json": standalone,
        "/models/manifest.json": root / "models" / "manifest.json",
        "/models/imagenet_classes.json": root / "models" / "imagenet_classes.json",
        f"/models/{model.name}": model,
    }
    ensure_compressed([core / file.name for file in FILES], progress)
    ensure_compressed([image] if image else [], progress, QUICK)
    return Site(root / "web", files, index, cache / "lean" / "2")  # the way of making them


def pyodide_files(core: Path) -> dict[str, Path]:
    """Pyodide's core by URL path, and the packages that lie with it, for use without its CDN."""
    names = [file.name for file in FILES] + sorted(wheel.name for wheel in core.glob("*.whl"))
    return {f"/pyodide/{name}": core / name for name in names}


def _is_plain(segment: str) -> bool:
    """Whether a decoded segment names a visible file or folder and nothing else on any system."""
    return bool(segment) and segment[0] != "." and not any(c in segment for c in '\0\\/:*?"<>|')
