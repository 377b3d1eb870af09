"""The loader that goes with a bundle: modules of the page linked into one file, and what is by it.

The loader's workers are the same file, which sees by its name what it is for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from .._version import __version__
from ..record import replace
from .linker import ONCE, ordered, scope, table
from .scan import uncommented
from .script import Script, parse, variable

__all__ = ["FOLDER", "link_loader", "loader_files", "modules", "templates", "web_folder"]

FOLDER = "standalone"
PUBLIC = ("load", "Model")
ENTRY, WORKER = f"{FOLDER}/model.js", "compute.worker.js"

# What loads that which the compiler gives, and saves it: no bundle needs that. With its export.
UNNEEDED = {"load-artifact.js": "loadArtifact", "save-bundle.js": "saveBundle"}

_SPACE = re.compile(r"\s*\n\s*")  # no line of ours is within a text

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


def modules(web: Path) -> list[Script]:
    """The modules that the loader consists of, each after those that it imports."""
    sources: dict[str, str] = {}

    def find(name: str) -> Script:
        if name in UNNEEDED:
            return Script(name, {}, (), {UNNEEDED[name]: "undefined"}, "")
        sources[name] = uncommented((web / name).read_text("utf-8"))
        return parse(name, sources[name])

    found: list[Script] = []
    asking: tuple[str, ...] = (WORKER, ENTRY)
    while asking:
        new = ordered(asking, find, [script.name for script in found])
        found += new
        asking = tuple(name for script in new for name in script.late)
    used = {name for script in found for name in _used(script)} | set(PUBLIC)
    return [_lean(s, sources[s.name], used) if s.name in sources else s for s in found]


def _used(script: Script) -> list[str]:
    """The names that a module takes from others."""
    late = re.findall(r"\$late\('[^']*'\)\)\.(\w+)", script.body)
    return [*(name for names in script.imports.values() for name in names), *late]


def _lean(script: Script, source: str, used: Collection[str]) -> Script:
    """A module without the exports that no other uses, nor their functions if it doesn't either."""
    for function in re.findall(r"^export (?:async )?function (\w+)", source, re.M):
        uses = re.findall(rf"(?<![.'\w]){function}\b", source)  # not those of a method or a text
        if function not in used and len(uses) == 1:
            text = rf"^export (?:async )?function {function}\b.*?^}}\n"
            source = re.sub(text, "", source, flags=re.M | re.S)
    script = parse(script.name, source)
    exports = {name: of for name, of in script.exports.items() if name in used}
    # The worker's script is this one.
    body = re.sub(rf"'\./{WORKER}', (?=\$url)", "", script.body)
    body = body.replace("new URL(name, here)", "new URL(here)")
    return replace(script, exports=exports, body=_SPACE.sub("\n", body))


def link_loader(web: Path) -> str:
    """The loader's one file."""
    scripts = modules(web)
    late = [script for script in scripts if any(script.name in s.late for s in scripts)]
    is_worker = (
        "typeof document === 'undefined' && "
        f"[globalThis.name, globalThis.process?.argv[2]].includes('{WORKER}')"
    )
    return "".join(
        (
            f"// The loader of wasmkiln {__version__} (Apache-2.0).\n",
            "const $url = () => import.meta.url;\n",
            "const $late = async (name) => modules[name]();\n",
            ONCE,
            *map(scope, scripts),
            table(late),
            f"if ({is_worker}) {variable(WORKER)}();\n",
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
