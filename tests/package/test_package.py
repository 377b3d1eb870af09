"""What the tarball holds, and its types under strict TypeScript."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
import wasmkiln

from tests.package.conftest import command
from tests.shared import ROOT

STRICT = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2022", "--types", ""]
LIBRARIES = ("esnext,dom,dom.iterable", "es2022,dom,dom.iterable,dom.asynciterable")


def test_what_is_packed(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        sizes = {m.name.removeprefix("package/"): m.size for m in archive.getmembers()}
    assert {"package.json", "README.md", "LICENSE", "index.js", "types/index.d.ts"} <= sizes.keys()
    assert sizes["wheel/wasmkiln.zip"] > 500_000
    page = ("page/", "samples/", "docs/", "models/", "node_modules/", "tsconfig", "sw.js")
    assert not [name for name in sizes if name.startswith(page) or name.endswith(".html")]
    print(f"tarball: {tarball.stat().st_size:,} bytes, {sum(sizes.values()):,} unpacked")
    assert tarball.stat().st_size < 3_000_000


def test_packing_leaves_nothing_behind(sources: Path, tarball: Path) -> None:
    names = ("types", "wheel", "LICENSE")
    assert not [name for name in names if (sources / "web" / name).exists()]


def test_versions_agree(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        description = archive.extractfile("package/package.json")
        assert description is not None
        package = json.load(description)
    assert package["version"] == wasmkiln.__version__
    assert f"VERSION = '{wasmkiln.__version__}'" in (ROOT / "web" / "env.js").read_text("utf-8")
    assert "dependencies" not in package


@pytest.mark.parametrize("library", LIBRARIES)
def test_right_use_compiles_and_wrong_use_does_not(app: Path, library: str) -> None:
    compiler = [str(app / "node_modules" / ".bin" / "tsc"), *STRICT, "--lib", library]
    command([*compiler, "types-right.ts", "types-wrong.ts"], app)
