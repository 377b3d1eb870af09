"""What an operator is, and the registry that finds one by domain, name and opset version.

An operator is an immutable class whose annotated fields are its attributes. It gives `infer` and
one way to become code: `expr` (see elementwise), `expand` (into other operators), `lower` (kernel
calls), or, with `on_host`, `evaluate` (in Python, between compiled segments). For the others
`evaluate` computes small constants in plain Python, so that shape arithmetic folds away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

from ..errors import InvalidModelError, UnsupportedOperatorError
from ..ir.types import TensorType
from .families import FAMILIES, family_of

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder
    from ..program.lowering import Lowering
    from ..program.program import Slot

__all__ = [
    "INTERNAL", "MICROSOFT", "Attribute", "CallGraph", "Op", "consuming", "create", "lookup",
    "register", "registered",
]  # fmt: skip

INTERNAL = "wasmkiln"  # domain of operators that only passes make
MICROSOFT = "com.microsoft"  # domain of onnxruntime's own operators

CallGraph = Callable[..., Sequence[str]]
Attribute = Any  # int | float | str | bytes | Const | Graph | tuples of these
_Required = object()


@dataclass_transform(frozen_default=True)
class Op:
    """An operator with its attributes. Equal attributes make equal operators.

    op_type, domain, since: set by `register`. A field named `n_outputs` receives the number of
    outputs that the model's node has. Fields whose default is a bool take ONNX's 0 and 1.
    """

    on_host: ClassVar[bool] = False  # whether `evaluate` is the only way to compute it
    calls_graphs: ClassVar[bool] = False  # whether `inline` replaces it while types are inferred
    moves_only: ClassVar[bool] = False  # whether any dtype will do, as nothing is computed
    takes_narrow: ClassVar[bool] = False  # whether inputs may be of a dtype in ir.dtype.NARROW
    op_type: ClassVar[str] = ""
    domain: ClassVar[str] = ""
    since: ClassVar[int] = 1
    fields: ClassVar[Mapping[str, Any]] = {}
    _values: ClassVar[Any] = type

    def __init_subclass__(cls) -> None:
        """Collect the fields; generated constructors would cost start-up time in a browser."""
        own = cls.__annotations__
        fields = dict(cls.fields)
        for name, annotation in own.items():
            if "ClassVar" not in str(annotation):
                fields[name] = cls.__dict__.get(name, _Required)
        cls.fields = fields
        cls._values = attrgetter(*fields) if fields else type

    def __init__(self, **attributes: Attribute) -> None:
        for name, default in self.fields.items():
            value = attributes.pop(name, default)
            if value is _Required:
                raise TypeError(f"{self.op_type}: attribute '{name}' is required")
            object.__setattr__(self, name, value)
        if attributes:
            raise TypeError(f"{self.op_type}: unknown attribute '{next(iter(attributes))}'")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{self.op_type} is immutable; cannot set {name}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and bool(self._values(self) == self._values(other))

    def __hash__(self) -> int:
        return hash((type(self), self._values(self)))

    def __repr__(self) -> str:
        shown = (
            f"{name}={value!r}"
            for name, default in self.fields.items()
            if (value := getattr(self, name)) != default
        )
        return f"{self.op_type}({', '.join(shown)})"

    def with_(self, **changes: Attribute) -> Op:
        """The same operator with some attributes changed."""
        return type(self)(**{name: getattr(self, name) for name in self.fields} | changes)

    # The interface. The signatures of overriding methods name their inputs; None is an absent one.

    infer: Callable[..., tuple[TensorType, ...]]
    """infer(self, x: TensorType, ...) -> types of all outputs. Raises ShapeError without naming
    the node, which the caller adds."""

    evaluate: Callable[..., tuple[Any, ...] | None] = lambda self, *inputs: None
    """evaluate(self, x: Const | None, ...) -> the outputs for inline constants, or None where plain
    Python should not compute them. Of an operator on the host the values may be any `Value`."""

    def expand(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Add simpler nodes to `g` and return the names of the outputs; None: stays as it is.

        Absent inputs are ''. `g.type(name)` gives concrete types.
        """
        return None

    def inline(self, g: GraphBuilder, call: CallGraph, *inputs: str) -> tuple[str, ...]:
        """Like expand, but always, and early: for operators with graphs among their attributes.

        Only operators of ONNX compute anything, as halves are promoted afterwards.
        `call(graph, *inputs)` adds the nodes of such a graph and gives its outputs.
        """
        raise NotImplementedError

    def select(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Like expand, but late, after layout and fusion: choose kernels and pack weights."""
        return None

    def parts(self, g: GraphBuilder, *inputs: str) -> tuple[str, ...] | None:
        """Like expand, but before types are known: into parts of which some run on the host."""
        return None

    def lower(
        self, lw: Lowering, inputs: tuple[Slot | None, ...], outputs: tuple[Slot, ...]
    ) -> None:
        """Add the kernel calls that compute the outputs."""
        raise NotImplementedError

    def view(self, *inputs: TensorType | None) -> int | None:
        """Where the only output lies inside the first input's memory, in bytes; None: elsewhere."""
        return None

    def writes_apart(self, out: TensorType, *inputs: TensorType | None) -> bool:
        """Whether `lower` heeds the pitch of its only output's slot."""
        return False

    @classmethod
    def may_view(cls) -> bool:
        """Whether `view` can give an offset."""
        return cls.view is not Op.view

    @classmethod
    def can_lower(cls) -> bool:
        """Whether the operator has kernels of its own."""
        return cls.lower is not Op.lower

    @classmethod
    def arity(cls) -> tuple[int, int]:
        """The least and the most inputs, read off the signature of infer."""
        code = cls.infer.__code__
        most = code.co_argcount - 1
        least = most - len(cls.infer.__defaults__ or ())
        return least, 1 << 30 if code.co_flags & 4 else most  # 4: has *args

    @classmethod
    def needs_all(cls) -> bool:
        """Whether no input may be absent, as the annotation of a variable number of them says."""
        code = cls.infer.__code__
        last = code.co_varnames[code.co_argcount] if code.co_flags & 4 else ""
        return bool(last) and "None" not in str(cls.infer.__annotations__.get(last, "None"))

    @classmethod
    def may_lack(cls, index: int) -> bool:
        """Whether an input may be absent in front of others, as the annotations of infer say."""
        code = cls.infer.__code__
        if index + 1 >= code.co_argcount:
            return False
        return "None" in str(cls.infer.__annotations__.get(code.co_varnames[index + 1], ""))

    def is_pure(self) -> bool:
        """Whether equal inputs give equal outputs (random operators are not)."""
        return True

    def cost(self, inputs: tuple[TensorType | None, ...], outputs: tuple[TensorType, ...]) -> int:
        """Multiply-accumulate operations of one run; 0 for all but matrix products and the like."""
        return 0


OpClass = TypeVar("OpClass", bound=type[Op])
_REGISTRY: dict[tuple[str, str], list[type[Op]]] = {}


def register(op_type: str, since: int = 1, domain: str = "") -> Callable[[OpClass], OpClass]:
    """Register a class as the meaning of `op_type` from opset `since` on."""

    def add(cls: OpClass) -> OpClass:
        cls.op_type, cls.domain, cls.since = op_type, domain, since
        versions = _REGISTRY.setdefault((domain, op_type), [])
        versions.append(cls)
        versions.sort(key=lambda c: c.since)
        return cls

    return add


def consuming(*classes: type[Op]) -> None:
    """Register operators also as of opset 1, which named inputs whose memory may be taken."""
    for cls in classes:
        body = {
            "__doc__": cls.__doc__,
            "__module__": cls.__module__,
            "__annotations__": {"consumed_inputs": "tuple[int, ...]"},
            "consumed_inputs": (),
        }
        register(cls.op_type, 1, cls.domain)(type(f"{cls.op_type}1", (cls,), body))


def registered() -> Iterator[type[Op]]:
    """All operator classes there are."""
    for family in FAMILIES:
        import_module(f".{family}", __package__)
    for versions in _REGISTRY.values():
        yield from versions


def lookup(domain: str, op_type: str, opset: int) -> type[Op] | None:
    """The class for an operator at an opset version; None if it is unknown there.

    Imports the operator's family.
    """
    key = "" if domain == "ai.onnx" else domain, op_type
    if key not in _REGISTRY and (family := family_of(*key)):
        import_module(f".{family}", __package__)
    found = None
    for cls in _REGISTRY.get(key, ()):
        if cls.since <= opset:
            found = cls
    return found


def create(
    domain: str, op_type: str, opset: int, attributes: Mapping[str, Attribute], n_outputs: int = 1
) -> Op:
    """The operator of a model's node; the message of an error lacks the node's name.

    Raises UnsupportedOperatorError for unknown operators and attributes, InvalidModelError for
    missing ones.
    """
    cls = lookup(domain, op_type, opset)
    title = f"{domain + '.' if domain else ''}{op_type}"
    if cls is None:
        raise UnsupportedOperatorError(f"{title} (opset {opset}) is not supported")
    values: dict[str, Attribute] = {}
    for name, value in attributes.items():
        if name not in cls.fields:
            raise UnsupportedOperatorError(
                f"{title} (opset {opset}): attribute '{name}' is not supported"
            )
        values[name] = bool(value) if isinstance(cls.fields[name], bool) else value
    if "n_outputs" in cls.fields:
        values["n_outputs"] = n_outputs
    try:
        return cls(**values)
    except TypeError as error:
        raise InvalidModelError(f"{title} (opset {opset}): {error}") from None
