"""Links modules of the page into one file, for what should start without asking for each of them.

The modules stay what they are, each in a function of its own; comments are left out. It relies on
our way of writing modules: an import takes one line, and a function ends in a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from posixpath import dirname, join, normpath

__all__ = ["definitions", "link_worker", "modules", "variable"]

_IMPORT = re.compile(r"^(?:import|export) \{([^}]*)\} from '(\.{1,2}/[\w./-]+)';\n", re.M)
_LATE_IMPORT = re.compile(r"\bimport\('(\.{1,2}/[\w./-]+)'\)(?!\.)")
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.M)
_BLOCK = r"/\*(?:(?!\*/).)*\*/"
_COMMENT = re.compile(
    rf"^[ \t]*{_BLOCK}[ \t]*\n|^[ \t]*//[^\n]*\n|/\*\* @\w+ [^\n]*?\*/ ?", re.M | re.S
)
_TRAILING = re.compile(r"(?<=[;,{]) // [^'`\"\n]*$", re.M)
_SPACE = re.compile(r"\s*\n\s*")  # no line of ours is within a text


def modules(
    web: Path, entries: Collection[str], public: Collection[str] = (), without: Collection[str] = ()
) -> dict[str, str]:
    """The sources that entries consist of, each after those that it imports, uncommented.

    public: what they export to others than themselves. without: modules to leave out.
    """
    found: dict[str, str] = {}

    def visit(name: str) -> None:
        if name in found or name in without:
            return
        source = _TRAILING.sub("", _COMMENT.sub("", (web / name).read_text("utf-8")))
        for path in (*(path for _, path in _IMPORT.findall(source)), *_LATE_IMPORT.findall(source)):
            visit(_resolve(name, path))
        found[name] = source

    for entry in entries:
        visit(entry)
    imported = _all_imported(found) | set(public)
    return {name: _needed(source, imported) for name, source in found.items()}


def definitions(
    sources: Mapping[str, str], public: Collection[str] = (), late: Collection[str] = ()
) -> str:
    """Each module as a variable that holds what it exports; the late ones as a function."""
    imported = _all_imported(sources) | set(public)
    return "".join(_linked(n, source, imported, n in late) for n, source in sources.items())


def link_worker(web: Path, worker: str) -> str:
    """A worker's module with all that it imports."""
    return definitions(modules(web, (worker,)))


def _all_imported(sources: Mapping[str, str]) -> set[str]:
    return {name for source in sources.values() for name in _imported(source)}


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


def _linked(name: str, source: str, imported: Collection[str], is_late: bool) -> str:
    exports = [export for export in _EXPORT.findall(source) if export in imported]
    source = _IMPORT.sub(lambda m: _destructured(m[1], _resolve(name, m[2])), source)
    source = _LATE_IMPORT.sub(lambda m: f"({variable(_resolve(name, m[1]))})", source)
    source = _SPACE.sub("\n", _EXPORT.sub("", source)).strip()
    function = f"() => {{\n{source}\nreturn {{ {', '.join(exports)} }};\n}}"
    return f"const {variable(name)} = {function if is_late else f'({function})()'};\n"


def _destructured(names: str, module: str) -> str:
    """An import as a declaration: `a as b` is `a: b` there."""
    pattern = re.sub(r"(\w+) as (\w+)", r"\1: \2", names.strip().rstrip(","))
    return f"const {{ {pattern} }} = {variable(module)};\n"


def _resolve(importer: str, path: str) -> str:
    return normpath(join(dirname(importer), path))


def variable(name: str) -> str:
    """What holds a module's exports."""
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))
