"""The loader that goes with a bundle: modules of the page linked into one file, and what is by it.

The modules stay what they are, each in a function of its own; comments are left out. The loader's
workers are the same file, which sees by its name what it is for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any

from .._version import __version__

__all__ = ["FOLDER", "link_loader", "loader_files", "modules", "templates", "web_folder"]

FOLDER = "standalone"
PUBLIC = ("load", "Model")
ENTRY, WORKER = f"{FOLDER}/model.js", "compute.worker.js"

# What loads that which the compiler gives, and saves it: no bundle needs that.
UNNEEDED = ("load-artifact.js", "save-bundle.js")

_IMPORT = re.compile(r"^(?:import|export) \{([^}]*)\} from '(\.{1,2}/[\w./-]+)';\n", re.M)
_LATE_IMPORT = re.compile(r"\bimport\('(\.{1,2}/[\w./-]+)'\)(?!\.)")
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.M)
_BLOCK = r"/\*(?:(?!\*/).)*\*/"
_COMMENT = re.compile(
    rf"^[ \t]*{_BLOCK}[ \t]*\n|^[ \t]*//[^\n]*\n|/\*\* @\w+ [^\n]*?\*/ ?", re.M | re.S
)
_TRAILING = re.compile(r"(?<=[;,{]) // [^'`\"\n]*$", re.M)
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


def modules(web: Path) -> dict[str, str]:
    """The sources that the loader consists of, each after those that it imports, uncommented."""
    found: dict[str, str] = {}

    def visit(name: str) -> None:
        if name in found or name in UNNEEDED:
            return
        source = _TRAILING.sub("", _COMMENT.sub("", (web / name).read_text("utf-8")))
        for path in (*(path for _, path in _IMPORT.findall(source)), *_LATE_IMPORT.findall(source)):
            visit(_resolve(name, path))
        found[name] = source

    visit(WORKER)
    visit(ENTRY)
    imported = {n for source in found.values() for n in _imported(source)} | set(PUBLIC)
    return {name: _needed(source, imported) for name, source in found.items()}


def _imported(source: str) -> list[str]:
    """The names that a module imports from others."""
    names = " ".join(names for names, _ in _IMPORT.findall(source))
    return re.findall(r"\w+", names) + re.findall(r"\bimport\('[^']*'\)\)\.(\w+)", source)


def _needed(source: str, imported: Collection[str]) -> str:
    """A module without the functions that it exports to no other, and doesn't use."""
    for function in re.findall(r"^export (?:async )?function (\w+)", source, re.M):
        uses = re.findall(rf"(?<![.'\w]){function}\b", source)  # not those of a method or a text
        if function not in imported and len(uses) == 1:
            text = rf"^export (?:async )?function {function}\b.*?^}}\n"
            source = re.sub(text, "", source, flags=re.M | re.S)
    return source


def link_loader(web: Path) -> str:
    """The loader's one file."""
    sources = modules(web)
    imported = {n for source in sources.values() for n in _imported(source)} | set(PUBLIC)
    parts = [_linked(name, source, imported) for name, source in sources.items()]
    named = f"[globalThis.name, globalThis.process?.argv[2]].includes('{WORKER}')"
    return "".join(
        (
            f"// The loader of wasmkiln {__version__} (Apache-2.0).\n",
            *(f"const {_variable(name)} = {{}};\n" for name in UNNEEDED),
            *parts,
            f"if (typeof document === 'undefined' && {named}) {_variable(WORKER)}();\n",
            f"export const {{ {', '.join(PUBLIC)} }} = {_variable(ENTRY)}();\n",
        )
    )


def _linked(name: str, source: str, imported: Collection[str]) -> str:
    """A module as a variable that holds what it exports; the two that run later, as a function."""
    exports = [export for export in _EXPORT.findall(source) if export in imported]
    source = _IMPORT.sub(lambda m: _destructured(m[1], _resolve(name, m[2])), source)
    source = _LATE_IMPORT.sub(lambda m: f"({_variable(_resolve(name, m[1]))})", source)
    # The worker's script is this one.
    source = source.replace(f"'./{WORKER}', import.meta.url", "import.meta.url")
    source = source.replace("new URL(name, here)", "new URL(here)")
    source = _SPACE.sub("\n", _EXPORT.sub("", source)).strip()
    function = f"() => {{\n{source}\nreturn {{ {', '.join(exports)} }};\n}}"
    is_late = name in (ENTRY, WORKER)
    return f"const {_variable(name)} = {function if is_late else f'({function})()'};\n"


def _destructured(names: str, module: str) -> str:
    """An import as a declaration: `a as b` is `a: b` there."""
    pattern = re.sub(r"(\w+) as (\w+)", r"\1: \2", names.strip().rstrip(","))
    return f"const {{ {pattern} }} = {_variable(module)};\n"


def _resolve(importer: str, path: str) -> str:
    return normpath(join(dirname(importer), path))


def _variable(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))


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
