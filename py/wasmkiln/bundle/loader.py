"""The loader that goes with a bundle: modules of the page linked into one file, and what is by it.

The loader's workers are the same file, which sees by its name what it is for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .._version import __version__
from . import linker
from .linker import definitions, variable

__all__ = ["FOLDER", "link_loader", "loader_files", "modules", "templates", "web_folder"]

FOLDER = "standalone"
PUBLIC = ("load", "Model")
ENTRY, WORKER = f"{FOLDER}/model.js", "compute.worker.js"

# What loads that which the compiler gives, and saves it: no bundle needs that.
UNNEEDED = ("load-artifact.js", "save-bundle.js")

_ARRAYS = {"float16": "Uint16Array", "bfloat16": "Uint16Array", "bool": "Uint8Array"}


def web_folder() -> Path:
    """Where the page's modules are: in an installed package, or in the source tree."""
    installed = Path(__file__).with_name("web")
    return installed if installed.is_dir() else Path(__file__).parents[3] / "web"


def templates() -> dict[str, str]:
    """What goes with every bundle, by file name: the loader, and texts with {{fields}}."""
    folder = web_folder() / FOLDER
    names = ("index.html", "model.d.ts", "README.txt")
    texts = {n: (folder / f"{n.removesuffix('.txt')}.txt").read_text("utf-8") for n in names}
    return {"model.js": link_loader(web_folder()), **texts}


def loader_files(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The loader, its types, an example and a readme, by file name. `standalone/pack.js` does so.

    manifest: of the bundle.
    """
    fields = {
        "name": re.sub(r"[<>&*]", "", manifest["name"]),
        "inputs": "\n".join(_input_types(manifest["inputs"])),
        "outputs": "\n".join(_output_types(manifest["outputs"])),
    }
    files = templates()
    for name in files.keys() - {"model.js"}:
        for field, value in fields.items():
            files[name] = files[name].replace(f"{{{{{field}}}}}", value)
    return files


def modules(web: Path) -> dict[str, str]:
    """The sources that the loader consists of, each after those that it imports, uncommented."""
    sources = linker.modules(web, (WORKER, ENTRY), PUBLIC, UNNEEDED)
    # The worker's script is the loader's.
    here = (
        (f"'./{WORKER}', import.meta.url", "import.meta.url"),
        ("new URL(name, here)", "new URL(here)"),
    )
    for name, source in sources.items():
        for old, new in here:
            source = source.replace(old, new)
        sources[name] = source
    return sources


def link_loader(web: Path) -> str:
    """The loader's one file."""
    named = f"[globalThis.name, globalThis.process?.argv[2]].includes('{WORKER}')"
    return "".join(
        (
            f"// The loader of wasmkiln {__version__} (Apache-2.0).\n",
            *(f"const {variable(name)} = {{}};\n" for name in UNNEEDED),
            definitions(modules(web), PUBLIC, (ENTRY, WORKER)),
            f"if (typeof document === 'undefined' && {named}) {variable(WORKER)}();\n",
            f"export const {{ {', '.join(PUBLIC)} }} = {variable(ENTRY)}();\n",
        )
    )


def _input_types(inputs: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line of TypeScript for each input; dims are needed where there are several shapes."""
    fixed = all(_is_fixed(signature) for signature in inputs)
    return [
        f"  {json.dumps(s['name'])}: {f'{array} | ' if fixed else ''}"
        f"{{ data: {array}; dims: {_dims(s)} }};"
        for s in inputs
        for array in [_array(s["dtype"])]
    ]


def _output_types(outputs: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line of TypeScript for each output."""
    return [
        f"  {json.dumps(s['name'])}: "
        f"{{ type: {json.dumps(s['dtype'])}; data: {_array(s['dtype'])}; dims: {_dims(s)} }};"
        for s in outputs
    ]


def _is_fixed(signature: Mapping[str, Any]) -> bool:
    shape = signature["shape"]
    return shape is not None and all(isinstance(size, int) for size in shape)


def _dims(signature: Mapping[str, Any]) -> str:
    shape = signature["shape"]
    if shape is None:
        return "readonly number[]"
    sizes = (str(size) if isinstance(size, int) else "number" for size in shape)
    return f"readonly [{', '.join(sizes)}]"


def _array(dtype: str) -> str:
    """The class of JavaScript's that holds values of a dtype."""
    if dtype in _ARRAYS:
        return _ARRAYS[dtype]
    big = "Big" if dtype in ("int64", "uint64") else ""
    return f"{big}{dtype[0].upper()}{dtype[1:]}Array"
