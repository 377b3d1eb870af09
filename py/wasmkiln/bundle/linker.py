"""ES modules linked into one or two files, so that a page asks for few: each module stays a scope.

    const $errors = $once((() => {
    class ImageError extends Error {}
    return { ImageError };
    }));
    const $image = $once((() => {
    const { ImageError } = $errors();
    …

A module is run once, after those that it imports, in their order, as engines do. What only an
`import()` leads to goes into the second file, and is run when that asks for it. `import.meta.url`
is what it was. What engines would follow but this doesn't is a LinkError: cycles, defaults, and
`export let`, whose importers would see it change. An `import()` of a computed address stays as it
is, so that has to be an absolute one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from posixpath import dirname, relpath

from .script import LinkError, Script, parse, variable

__all__ = ["ONCE", "link", "ordered", "scope", "table"]

Find = Callable[[str], Script]

# The brackets around what `$once` is given tell engines to compile it now, as it will be run.
ONCE = """const $once = (run) => {
let exported;
return () => (exported ??= run());
};
"""


def link(entry: str, read: Callable[[str], str], late: str | None = None) -> dict[str, str]:
    """The linked files by name: `entry`, and `late` if that is given.

    entry: a module's name, its path below the root, which the file takes the place of.
    read: gives the source of a module.
    late: the name of a file for what only an `import()` leads to.

    The entry exports what its module does; where there is a late file, both export `modules`
    instead: functions that give what each module exports, by name. Raises LinkError.
    """
    found: dict[str, Script] = {}

    def find(name: str) -> Script:
        if name not in found:
            found[name] = parse(name, read(name))
        return found[name]

    first = ordered([entry], find)
    if late is None:
        if (asking := next((script for script in first if script.late), None)) is not None:
            raise LinkError(f"{asking.name}: there is no file for {asking.late[0]}")
        return {entry: "".join((_head(entry), *map(scope, first), _exports(first[-1])))}
    then = _late(first, find)
    return {entry: _first_file(entry, late, first), late: _late_file(entry, late, first, then)}


def ordered(entries: Iterable[str], find: Find, known: Iterable[str] = ()) -> list[Script]:
    """Some modules and all that they import, each after those that it imports.

    known: modules to leave out. Raises LinkError where modules import each other, or what isn't
    exported.
    """
    seen, made = set(known), list[Script]()

    def visit(name: str, importers: tuple[str, ...]) -> None:
        if name in importers:
            raise LinkError(f"modules import each other: {' → '.join((*importers, name))}")
        if name in seen:
            return
        script = find(name)
        for other, names in script.imports.items():
            visit(other, (*importers, name))
            if missing := set(names) - set(find(other).exports):
                raise LinkError(f"{name}: {other} does not export {', '.join(sorted(missing))}")
        seen.add(name)
        made.append(script)

    for entry in entries:
        visit(entry, ())
    return made


def scope(script: Script) -> str:
    """A module as a function that runs it, at the first call, and gives what it exports."""
    pairs = (n if n == of else f"{n}: {of}" for n, of in script.exports.items())
    body = f"{script.body}return {{ {', '.join(pairs)} }};\n"
    return f"const {variable(script.name)} = $once((() => {{\n{body}}}));\n"


def table(scripts: Iterable[Script]) -> str:
    """`modules`: the functions of modules by name."""
    rows = "".join(f"'{script.name}': {variable(script.name)},\n" for script in scripts)
    return f"const modules = {{\n{rows}}};\n"


def _late(first: Sequence[Script], find: Find) -> list[Script]:
    """What an `import()` leads to, of the first modules and of these themselves."""
    known, made = [script.name for script in first], list[Script]()
    asking = first
    while asking:
        new = ordered([name for script in asking for name in script.late], find, known)
        known += [script.name for script in new]
        made += new
        asking = new
    return made


def _first_file(entry: str, late: str, first: Sequence[Script]) -> str:
    other = f"(await import('{_path(late, entry)}')).modules"
    ask = f"const $late = async (name) => (modules[name] ?? {other}[name])();\n"
    run = f"{variable(entry)}();\n"
    return "".join((_head(entry), ask, *map(scope, first), f"export {table(first)}", run))


def _late_file(entry: str, late: str, first: Sequence[Script], then: Sequence[Script]) -> str:
    imported = f"import {{ modules as $first }} from '{_path(entry, late)}';\n"
    ask = "const $late = async (name) => (modules[name] ?? $first[name])();\n"
    wanted = {name for script in then for name in script.imports}
    known = [f"const {variable(s.name)} = $first['{s.name}'];\n" for s in first if s.name in wanted]
    return "".join((imported, _head(late), ask, *known, *map(scope, then), f"export {table(then)}"))


def _head(file: str) -> str:
    root = _path(".", file) + "/"
    return f"const $url = (path) => new URL(`{root}${{path}}`, import.meta.url).href;\n{ONCE}"


def _exports(entry: Script) -> str:
    names = ", ".join(entry.exports)
    return f"export const {{ {names} }} = {variable(entry.name)}();\n"


def _path(to: str, file: str) -> str:
    """A path as a file's import has it."""
    path = relpath(to, dirname(file) or ".")
    return path if path.startswith(".") else f"./{path}"
