"""The loader: one small file, typed, from the modules that the page has and the wheel brings."""

from __future__ import annotations

import gzip
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from wasmkiln.bundle.loader import (
    FOLDER,
    UNNEEDED,
    link_loader,
    loader_files,
    modules,
    web_folder,
)

from tests.shared import ROOT

TSC = ROOT / "tests" / "web" / "node_modules" / ".bin" / "tsc"
MOST_BYTES = 15_000  # compressed

SIGNATURE = {
    "name": "net",
    "inputs": [
        {"name": "image", "dtype": "float32", "shape": [1, 3]},
        {"name": "a b", "dtype": "int64", "shape": [2]},
    ],
    "outputs": [{"name": "y", "dtype": "uint8", "shape": [1, "n"]}],
}
USE = """
import { load } from './model.js';
const model = await load('./', { threads: 1 });
const { y } = await model.run({ image: new Float32Array(3), 'a b': new BigInt64Array(2) });
const bytes: Uint8Array = y.data;
const rows: 1 = y.dims[0];
const n: number = y.dims[1];
console.log(bytes, rows, n);
model.release();
"""


def test_it_is_small() -> None:
    assert len(gzip.compress(link_loader(web_folder()).encode(), 9)) <= MOST_BYTES


def test_its_modules_are_in_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    names = [
        *({script.name for script in modules(ROOT / "web")} - UNNEEDED.keys()),
        *(f"{FOLDER}/{n}.txt" for n in ("index.html", "model.d.ts", "README")),
    ]
    assert included == {f"web/{name}": f"wasmkiln/bundle/web/{name}" for name in names}


def check_types(folder: Path, use: str) -> str:
    """What the TypeScript compiler says of a use of the loader, '' if nothing."""
    assert TSC.exists(), "run `npm ci` in tests/web"
    for name, text in loader_files(SIGNATURE).items():
        (folder / name).write_text(text, "utf-8")
    (folder / "use.ts").write_text(use, "utf-8")
    options = "--noEmit --strict --target es2022 --module es2022 --moduleResolution bundler"
    more = ["--lib", "es2023,dom", "--types", "", "use.ts"]
    command = ["node", str(TSC.resolve()), *options.split(), *more]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.stdout


def test_its_types_know_the_model(tmp_path: Path) -> None:
    assert check_types(tmp_path, USE) == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("image: new Float32Array(3)", "image: new Int8Array(3)"), "Int8Array"),
        (("'a b'", "ab"), "'ab' does not exist"),
        (("{ y }", "{ z }"), "'z' does not exist"),
        (("rows: 1", "rows: 2"), "'1' is not assignable"),
    ],
)
def test_wrong_uses_are_found(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert message in check_types(tmp_path, USE.replace(*change))


def test_several_sizes_need_dims(tmp_path: Path) -> None:
    several: dict[str, Any] = {
        **SIGNATURE,
        "inputs": [{"name": "x", "dtype": "float32", "shape": ["n", 3]}],
    }
    types = loader_files(several)["model.d.ts"]
    assert '"x": { data: Float32Array; dims: readonly [number, 3] };' in types
