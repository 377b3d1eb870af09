"""Module builder: types, the imported memory, functions, the kernel table, exports and names.

    m = Module(pages=16)
    f = m.function("answer", (), (i32,), export=True)
    f.return_(42)
    wasm = m.build()

Equal calls build equal bytes, in CPython and in Pyodide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .function import Function
from .isa import ValType, uleb
from .val import AsmError

_MAGIC = b"\0asm\1\0\0\0"


class Module:
    """A module that imports its memory as `env.memory` and defines functions."""

    def __init__(self, pages: int = 1, max_pages: int | None = None, shared: bool = False) -> None:
        """A shared memory is imported with its maximum, `pages` unless `max_pages` says more."""
        self.pages = pages
        self.max_pages = pages if max_pages is None and shared else max_pages
        self.shared = shared
        self.functions: list[Function] = []
        self._types: dict[bytes, int] = {}
        self._table: dict[int, int] = {}
        self.calls_table = False  # whether any function uses call_indirect
        self._exports: list[tuple[str, int]] = []
        self._shared: dict[str, Function] = {}

    def type_index(self, params: Sequence[ValType], results: Sequence[ValType]) -> int:
        """The index of a function type, adding it when it is new."""
        code = b"\x60" + _vector([t.byte for t in params]) + _vector([t.byte for t in results])
        return self._types.setdefault(code, len(self._types))

    def function(
        self,
        name: str,
        params: Sequence[ValType] = (),
        results: Sequence[ValType] = (),
        export: bool = False,
    ) -> Function:
        """Start a function; it takes the next index."""
        if len(results) > 1:
            raise AsmError(f"{name}: a function gives at most one result")
        f = Function(self, name, len(self.functions), params, results)
        self.functions.append(f)
        if export:
            self.export(f)
        return f

    def once(self, name: str, make: Callable[[], Function]) -> Function:
        """Give the internal function of this name, made when it is first asked for."""
        found = self._shared.get(name)
        if found is None:
            found = self._shared[name] = make()
        return found

    def export(self, function: Function, name: str | None = None) -> None:
        """Export a function, under its own name unless another is given."""
        self._exports.append((name or function.name, function.index))

    def table_index(self, function: Function) -> int:
        """The function's place in the module's table, for `call_indirect`."""
        return self._table.setdefault(function.index, len(self._table))

    def build(self, names: bool = True) -> bytes:
        """Give the binary module; `names` adds the section that names functions in stack traces."""
        bodies = _vector([f.body() for f in self.functions])
        declared = _vector([uleb(self.type_index(*f.signature)) for f in self.functions])
        size = len(self._table)
        out = _MAGIC + _section(1, _vector(list(self._types)))
        out += _section(2, _vector([_name("env") + _name("memory") + b"\x02" + self._limits()]))
        out += _section(3, declared)
        if size or self.calls_table:
            out += _section(4, _vector([b"\x70\x01" + uleb(size) + uleb(size)]))
        out += _section(7, _vector([_name(n) + b"\0" + uleb(i) for n, i in self._exports]))
        if size:
            offset = b"\0\x41\0\x0b"  # active, table 0, at i32.const 0
            out += _section(9, _vector([offset + _vector([uleb(i) for i in self._table])]))
        out += _section(10, bodies)
        if names:
            named = _vector([uleb(f.index) + _name(f.name) for f in self.functions])
            out += _section(0, _name("name") + _section(1, named))
        return out

    def _limits(self) -> bytes:
        if self.max_pages is None:
            return b"\x00" + uleb(self.pages)
        return bytes((3 if self.shared else 1,)) + uleb(self.pages) + uleb(self.max_pages)


def _vector(items: Sequence[bytes]) -> bytes:
    return uleb(len(items)) + b"".join(items)


def _section(number: int, body: bytes) -> bytes:
    return bytes((number,)) + uleb(len(body)) + body


def _name(text: str) -> bytes:
    raw = text.encode()
    return uleb(len(raw)) + raw
