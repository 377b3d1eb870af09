"""A module of the page as the linker takes it: what it imports and exports, and its code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from posixpath import dirname, join, normpath

from ..record import record
from .scan import ScanError, masked, uncommented

__all__ = ["LinkError", "Script", "parse", "variable"]

# Of code without comments, where texts are blank.
_FORMS = {
    "named": r"import\s+{(?P<names>[^}]*)}\s+from\s+'(?P<from> +)';",
    "whole": r"import\s+\*\s+as\s+(?P<alias>[\w$]+)\s+from\s+'(?P<of> +)';",
    "run": r"import\s+'(?P<ran> +)';",
    "late": r"import\('(?P<path> +)'\)",
    "computed": r"import\((?=\s*[\w$`])",
    "url": r"import\.meta\.url\b",
    "declared": r"export\s+(?=(?:async\s+)?(?:function|class|const)\b\s*\*?\s*(?P<name>[\w$]+))",
    "again": r"export\s+{(?P<others>[^}]*)}\s+from\s+'(?P<source> +)';",
    "listed": r"export\s+{(?P<list>[^}]*)};",
    "unknown": r"(?:import|export)\b",
}
_FORM = re.compile(rf"(?<![\w$.])(?:{'|'.join(f'(?P<{k}>{v})' for k, v in _FORMS.items())})")
_ITEM = re.compile(r"([\w$]+)(?:\s+as\s+([\w$]+))?")
_TAKEN = re.compile(r"(?<![\w$.])\$[a-z]\w*")


class LinkError(ValueError):
    """What can't be linked: the module, its code that is meant, and why."""


@record
class Script:
    """A module in parts, in which other modules go by their paths below the root.

    imports: modules that it imports, in their order, and the names that it wants of each.
    late: modules that it imports by `import()`.
    exports: what each name that it exports is called in its code.
    body: its code, in which `$errors()` is what errors.js exports, `$late('page/app.js')` a promise
    of what app.js exports, and `$url('errors.js')` the address of errors.js.
    """

    name: str
    imports: Mapping[str, tuple[str, ...]]
    late: tuple[str, ...]
    exports: Mapping[str, str]
    body: str


def variable(name: str) -> str:
    """What a module is called in code."""
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))


def parse(name: str, source: str) -> Script:
    """Take a module apart. Raises LinkError for what is not known here.

    name: its path below the root, as `page/app.js`.
    """
    try:
        code = uncommented(source)
        parser = _Parser(name, code, masked(code))
    except ScanError as error:
        raise LinkError(f"{name}: {error}") from None
    return parser.script()


class _Parser:
    """What was found of a module so far."""

    def __init__(self, name: str, code: str, mask: str) -> None:
        self.name, self.code, self.mask = name, code, mask
        self.head: list[str] = []  # what imports become
        self.imports: dict[str, tuple[str, ...]] = {}
        self.late: list[str] = []
        self.exports: dict[str, str] = {}

    def script(self) -> Script:
        if taken := _TAKEN.search(self.mask):
            raise LinkError(f"{self.name}: {taken.group()} is a name that linking gives")
        parts, at = [], 0
        for form in _FORM.finditer(self.mask):
            parts += [self.code[at : form.start()], self.replaced(form)]
            at = form.end()
        body = "".join((*self.head, *parts, self.code[at:]))
        return Script(self.name, self.imports, tuple(self.late), self.exports, body)

    def replaced(self, form: re.Match[str]) -> str:
        """What a form becomes in its place."""
        match form.lastgroup:
            case "named":
                pairs = _ITEM.findall(form["names"])
                pattern = ", ".join(f"{old}: {new}" if new else old for old, new in pairs)
                self.take(form, "from", [old for old, _ in pairs], f"const {{ {pattern} }} = ")
            case "whole":
                self.take(form, "of", [], f"const {form['alias']} = ")
            case "run":
                self.take(form, "ran", [], "")
            case "again":
                pairs = _ITEM.findall(form["others"])
                other = variable(self.take(form, "source", [old for old, _ in pairs], ""))
                self.exports |= {new or old: f"{other}().{old}" for old, new in pairs}
            case "listed":
                self.exports |= {new or old: old for old, new in _ITEM.findall(form["list"])}
            case "declared":
                self.exports[form["name"]] = form["name"]
            case "late":
                self.late.append(self.path(form, "path"))
                return f"$late('{self.late[-1]}')"
            case "url":
                return f"$url('{self.name}')"
            case "computed":
                return form.group()
            case _:
                line = self.code[form.start() :].partition("\n")[0]
                raise LinkError(f"{self.name}: `{line}` is of a form that is not linked")
        return ""

    def take(self, form: re.Match[str], group: str, names: list[str], before: str) -> str:
        """Import a module; gives its name."""
        other = self.path(form, group)
        self.imports[other] = (*self.imports.get(other, ()), *names)
        self.head.append(f"{before}{variable(other)}();\n")
        return other

    def path(self, form: re.Match[str], group: str) -> str:
        """The module that a relative path means."""
        path = self.code[form.start(group) : form.end(group)]
        if not path.startswith("."):
            raise LinkError(f"{self.name}: '{path}' is not a path below the root")
        return normpath(join(dirname(self.name), path))
