"""Function builder: locals, statements and structured control over the values of asm.py.

    f = m.function("scale", (i32, i32, f32), ())
    p, n, factor = f.params
    i = f.local(i32, "i")
    with f.for_range(i, 0, n):
        f.f32_store(p + 4 * i, w.f32_load(p + 4 * i) * factor)

Statements are emitted in the order of the calls. Control is a `with` block that yields its label:

    with f.block() as done:
        with f.loop() as again:
            f.br_if(done, cond)
            f.br(again)
    with f.if_(cond):
        ...
    with f.else_():
        ...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from . import asm as w
from .isa import ValType, uleb
from .val import AsmError, Operand, Val, coerce

if TYPE_CHECKING:
    from .module import Module

_END, _ELSE = b"\x0b", b"\x05"


class Local(Val):
    """A local variable or parameter; as a value, it reads the variable when the code runs."""

    __slots__ = ("index", "name")

    def __init__(self, type: ValType, index: int, name: str) -> None:
        super().__init__(type, b"\x20" + uleb(index))
        self.index = index
        self.name = name


class Label:
    """The target of a branch: the end of a block or an if, the start of a loop."""

    __slots__ = ("depth",)

    def __init__(self, depth: int) -> None:
        self.depth = depth


class Function:
    """A function under construction; made by `Module.function`."""

    def __init__(
        self,
        module: Module,
        name: str,
        index: int,
        params: Sequence[ValType],
        results: Sequence[ValType],
    ) -> None:
        self.module = module
        self.name = name
        self.index = index
        self.signature = (tuple(params), tuple(results))
        self.params = tuple(Local(t, i, f"p{i}") for i, t in enumerate(params))
        self.locals: list[Local] = []
        self._free: list[Local] = []
        self._code = bytearray()
        self._depth = 0
        self._else_at = -1

    # locals

    def param(self, index: int) -> Local:
        """The parameter at `index`."""
        return self.params[index]

    def local(self, type: ValType, name: str = "") -> Local:
        """Take a local variable; it is zero only if no freed one of its type could be reused."""
        for i in range(len(self._free) - 1, -1, -1):
            if self._free[i].type is type:
                return self._free.pop(i)
        made = Local(type, len(self.params) + len(self.locals), name)
        self.locals.append(made)
        return made

    def let(self, value: Operand, name: str = "") -> Local:
        """Put a value into a fresh local, so that it is evaluated once. A Python int is an i32."""
        if not isinstance(value, Val):
            value = w.i32_const(value) if type(value) is int else w.f32_const(value)
        if value.type is None:
            raise AsmError(f"{self.name}: a statement can't be kept in a local")
        made = self.local(value.type, name)
        self.set(made, value)
        return made

    def free(self, *locals: Local) -> None:
        """Give locals back for reuse; their values must not be read afterwards."""
        self._free.extend(locals)

    def set(self, local: Local, value: Operand) -> None:
        """local = value"""
        self._code += self._into(local, value) + b"\x21" + uleb(local.index)

    def tee(self, local: Local, value: Operand) -> Val:
        """local = value, as a value (like Python's `:=`)."""
        return Val(local.type, self._into(local, value) + b"\x22" + uleb(local.index))

    def add_to(self, local: Local, value: Operand) -> None:
        """local += value"""
        self.set(local, local + value)

    def _into(self, local: Local, value: Operand) -> bytes:
        if isinstance(value, Val) and value.type is local.type:
            return value.code
        assert local.type is not None
        return coerce(value, local.type, f"{self.name}: set {local.name or local.index}").code

    # statements

    def emit(self, statement: Val) -> None:
        """Emit a statement, such as a store."""
        if statement.type is not None:
            raise AsmError(f"{self.name}: a value of {statement.type} would be left on the stack")
        self._code += statement.code

    def drop(self, value: Val) -> None:
        """Evaluate a value for its effect only."""
        if value.type is None:
            raise AsmError(f"{self.name}: a statement has nothing to drop")
        self._code += value.code + b"\x1a"

    def return_(self, *values: Operand) -> None:
        """Leave the function with its results; also the way to give the result at its end."""
        self._code += self._results(values) + b"\x0f"

    def _results(self, values: Sequence[Operand]) -> bytes:
        results = self.signature[1]
        if len(values) != len(results):
            raise AsmError(f"{self.name}: returns {len(results)} values, got {len(values)}")
        pairs = zip(values, results, strict=True)
        return b"".join(
            coerce(v, t, f"{self.name}: return", i).code for i, (v, t) in enumerate(pairs)
        )

    def unreachable(self) -> None:
        """Trap."""
        self._code += b"\x00"

    def call(self, function: Function, *args: Operand) -> Val:
        """Call: emitted at once if the function gives nothing, else a value to be used."""
        code = _arguments(function.name, function.signature[0], args)
        return self._called(code + b"\x10" + uleb(function.index), function.signature[1])

    def call_indirect(
        self,
        signature: tuple[Sequence[ValType], Sequence[ValType]],
        index: Operand,
        *args: Operand,
    ) -> Val:
        """Call the function at `index` of the table, which must have this signature."""
        self.module.calls_table = True
        code = _arguments("call_indirect", signature[0], args)
        code += coerce(index, w.i32, "call_indirect: index").code + b"\x11"
        code += uleb(self.module.type_index(*signature)) + b"\x00"
        return self._called(code, signature[1])

    def _called(self, code: bytes, results: Sequence[ValType]) -> Val:
        if results:
            return Val(results[0], code)
        self._code += code
        return Val(None, b"")

    def i32_store(self, addr: Operand, value: Operand, offset: int = 0) -> None:
        """Store an i32."""
        self._code += w.i32_store(addr, value, offset=offset).code

    def i32_store8(self, addr: Operand, value: Operand, offset: int = 0) -> None:
        """Store the low byte of an i32."""
        self._code += w.i32_store8(addr, value, offset=offset).code

    def i32_store16(self, addr: Operand, value: Operand, offset: int = 0) -> None:
        """Store the low half of an i32."""
        self._code += w.i32_store16(addr, value, offset=offset).code

    def i64_store(self, addr: Operand, value: Operand, offset: int = 0) -> None:
        """Store an i64."""
        self._code += w.i64_store(addr, value, offset=offset).code

    def f32_store(self, addr: Operand, value: Operand, offset: int = 0) -> None:
        """Store an f32."""
        self._code += w.f32_store(addr, value, offset=offset).code

    def f64_store(self, addr: Operand, value: Operand, offset: int = 0) -> None:
        """Store an f64."""
        self._code += w.f64_store(addr, value, offset=offset).code

    def v128_store(self, addr: Operand, value: Val, offset: int = 0) -> None:
        """Store a vector."""
        self._code += w.v128_store(addr, value, offset=offset).code

    # control

    @contextmanager
    def block(self) -> Iterator[Label]:
        """A block; its label is its end."""
        yield self._open(b"\x02\x40")
        self._close()

    @contextmanager
    def loop(self) -> Iterator[Label]:
        """A loop; its label is its start, and it ends unless a branch goes back there."""
        yield self._open(b"\x03\x40")
        self._close()

    @contextmanager
    def if_(self, cond: Operand) -> Iterator[Label]:
        """Run the body if `cond` is not zero; the label is the end."""
        yield self._open(coerce(cond, w.i32, f"{self.name}: if").code + b"\x04\x40")
        self._close()
        self._else_at = len(self._code)

    @contextmanager
    def else_(self) -> Iterator[Label]:
        """The other branch of the `if_` that has just been closed."""
        if self._else_at != len(self._code):
            raise AsmError(f"{self.name}: else_ must follow its if_ at once")
        del self._code[-1:]
        yield self._open(_ELSE)
        self._close()

    def _open(self, code: bytes) -> Label:
        self._code += code
        self._depth += 1
        return Label(self._depth)

    def _close(self) -> None:
        self._depth -= 1
        self._code += _END

    def br(self, label: Label) -> None:
        """Branch."""
        self._code += b"\x0c" + self._distance(label)

    def br_if(self, label: Label, cond: Operand) -> None:
        """Branch if `cond` is not zero."""
        code = coerce(cond, w.i32, f"{self.name}: br_if").code
        self._code += code + b"\x0d" + self._distance(label)

    def _distance(self, label: Label) -> bytes:
        if label.depth > self._depth:
            raise AsmError(f"{self.name}: branch to a label that is closed")
        return uleb(self._depth - label.depth)

    @contextmanager
    def for_range(
        self, i: Local, start: Operand, stop: Operand, step: Operand = 1, signed: bool = True
    ) -> Iterator[Label]:
        """Count `i` from `start` while it is below `stop` (above, for a negative constant `step`).

        The label leaves the loop. `stop` and `step` are evaluated at each turn: give constants or
        locals.
        The comparison is signed, so that `n - 3` may be negative; `signed=False` is for addresses.
        """
        stop = coerce(stop, w.i32, f"{self.name}: stop")
        start = coerce(start, w.i32, f"{self.name}: start")
        step = coerce(step, w.i32, f"{self.name}: step")

        def more(value: Val) -> Val:
            if (step.const() or 1) < 0:
                return value.gt_s(stop) if signed else value > stop
            return value.lt_s(stop) if signed else value < stop

        first, last = start.const(), stop.const()
        if first is not None and last is not None and step.const() == 1 and first < last:
            self.set(i, start)
            opening = b"\x02\x40"  # at least one turn is certain
        else:
            opening = more(self.tee(i, start)).code + b"\x04\x40"
        done = self._open(opening)
        with self.loop() as again:
            yield done
            self.br_if(again, more(self.tee(i, i + step)))
        self._close()

    @contextmanager
    def while_(self, cond: Val) -> Iterator[Label]:
        """Repeat the body while `cond` is not zero; the label leaves the loop."""
        with self.if_(cond) as done, self.loop() as again:
            yield done
            self.br_if(again, cond)

    def body(self) -> bytes:
        """The entry of the code section: size, locals, code."""
        if self._depth:
            raise AsmError(f"{self.name}: {self._depth} blocks are still open")
        runs: list[tuple[ValType | None, int]] = []
        for local in self.locals:
            if runs and runs[-1][0] is local.type:
                runs[-1] = (local.type, runs[-1][1] + 1)
            else:
                runs.append((local.type, 1))
        code = (
            uleb(len(runs)) + b"".join(uleb(n) + t.byte for t, n in runs if t) + self._code + _END
        )
        return uleb(len(code)) + code


def _arguments(name: str, types: Sequence[ValType], args: Sequence[Operand]) -> bytes:
    if len(args) != len(types):
        raise AsmError(f"{name}: takes {len(types)} arguments, got {len(args)}")
    pairs = zip(args, types, strict=True)
    return b"".join(coerce(a, t, name, i).code for i, (a, t) in enumerate(pairs))
