"""`wasmkiln compile model.onnx -o out/`: a folder that a web page can run the model from."""

from __future__ import annotations

import argparse
import gzip
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..errors import InvalidInputError
from ..onnx.load import Model, load
from ..options import MAX_THREADS
from .build import SHARD_BYTES, Bundle, BundleOptions, build_bundle
from .loader import loader_files
from .sizes import find_symbol, parse_sizes

__all__ = ["add_compile", "compile_command"]

LEAST_SHARD = 1 << 16

T = TypeVar("T")
_LEVELS: Mapping[str, Any] = {
    "both": ("relaxed", "baseline"),
    "relaxed": ("relaxed",),
    "baseline": ("baseline",),
}


def add_compile(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "compile", help="write a folder from which a web page runs the model, without Python"
    )
    add = parser.add_argument
    add("model", help="an ONNX file")
    add("-o", "--output", type=Path, required=True, metavar="FOLDER", help="made if need be")
    add("--name", help="what the model is called (the file's name if not given)")
    add(
        "--optimize-for", choices=("speed", "size"), default="speed",
        help="size leaves out what only serves speed or debugging",
    )  # fmt: skip
    sizes = "one or several: 8, 1,8, 16..512, 16..512:16"
    add("--batch", type=_parsed(parse_sizes), metavar="SIZES", help=f"sizes of the batch: {sizes}")
    add("--sequence", type=_parsed(parse_sizes), metavar="SIZES", help="lengths of the sequence")
    add(
        "--dim", type=_parsed(_dim), action="append", default=[], metavar="NAME=SIZES",
        help="sizes of a symbolic dimension (1 if not given)",
    )  # fmt: skip
    add(
        "--simd", choices=_LEVELS, default="both",
        help="code for browsers with relaxed SIMD, for all others, or both (the default)",
    )  # fmt: skip
    add(
        "--weights", choices=("f32", "f16"), default="f32",
        help="f16 stores large constants in half the bytes; they are widened when it is loaded",
    )  # fmt: skip
    add(
        "--shard", type=_parsed(_shard), default=SHARD_BYTES, metavar="BYTES",
        help="the most in a file of weights, a multiple of 64 (16 MiB if not given)",
    )  # fmt: skip
    add(
        "--threads", type=_parsed(_threads), default=MAX_THREADS, metavar="N",
        help=f"the most threads that may run it ({MAX_THREADS} if not given)",
    )  # fmt: skip


def compile_command(arguments: argparse.Namespace) -> None:
    """Compile, write and say what was written."""
    model = load(arguments.model)
    options = BundleOptions(
        name=arguments.name or Path(arguments.model).stem,
        sizes=_sizes(model, arguments),
        simd=_LEVELS[arguments.simd],
        threads=arguments.threads,
        half=arguments.weights == "f16",
        shard_bytes=arguments.shard,
        small=arguments.optimize_for == "size",
    )
    bundle = build_bundle(model, options, observe=_show_progress)
    extra = {name: text.encode() for name, text in loader_files(bundle.manifest).items()}
    bundle.write(arguments.output)
    for name, data in extra.items():
        (arguments.output / name).write_bytes(data)
    _print_files(arguments.output, bundle, extra)


def _sizes(model: Model, arguments: argparse.Namespace) -> dict[str, Sequence[int]]:
    """Sizes by symbol. InvalidInputError for a symbol that the model doesn't have."""
    inputs = model.graph.inputs
    known = list(dict.fromkeys(s for t in inputs.values() for s in t.symbols))
    sizes: dict[str, Sequence[int]] = {}
    for what in ("batch", "sequence"):
        if (given := getattr(arguments, what)) is not None:
            sizes[find_symbol(inputs, what)] = given
    for name, given in arguments.dim:
        if name not in known:
            raise InvalidInputError(
                f"--dim: no input has a dimension '{name}'; there are {', '.join(known) or 'none'}"
            )
        sizes[name] = given
    left = [name for name in known if name not in sizes]
    if left:
        print(f"sizes     {', '.join(left)} = 1; --dim NAME=SIZES gives others", file=sys.stderr)
    return {name: sizes[name] for name in known if name in sizes}


def _print_files(folder: Path, bundle: Bundle, extra: Mapping[str, bytes]) -> None:
    files = {**bundle.all_files(), **extra}
    for name, data in files.items():
        heavy = name.startswith("weights-")
        packed = "" if heavy else f"  ({len(gzip.compress(data, mtime=0)):,} gzip)"
        print(f"{name:20}{len(data):>13,} bytes{packed}")
    manifest = bundle.manifest
    for what in ("inputs", "outputs"):
        for s in manifest[what]:
            shape = "" if s["shape"] is None else ",".join(map(str, s["shape"]))
            print(f"{what[:-1]:10}{s['name']}: {s['dtype']}[{shape}]")
    print(f"{'memory':10}{manifest['weightBytes'] + manifest['arenaBytes']:,} bytes")
    print(f"{'integrity':10}sha256-{bundle.digest()}")
    print(f"Serve {folder}/ and open index.html, or read README.txt.")


def _show_progress(done: int, all: int) -> None:
    if all > 1:
        end = "\n" if done == all else ""
        print(f"\rplans     {done} of {all}", end=end, file=sys.stderr, flush=True)


def _parsed(parse: Callable[[str], T]) -> Callable[[str], T]:
    """A parser of arguments whose errors are argparse's."""

    def parsed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"'{text}': {error}") from None

    return parsed


def _dim(text: str) -> tuple[str, tuple[int, ...]]:
    name, equals, sizes = text.rpartition("=")
    if not equals or not name:
        raise ValueError("NAME=SIZES is expected")
    return name, parse_sizes(sizes)


def _shard(text: str) -> int:
    nbytes = int(text)
    if nbytes < LEAST_SHARD or nbytes % 64:
        raise ValueError(f"a multiple of 64, at least {LEAST_SHARD:,}, is expected")
    return nbytes


def _threads(text: str) -> int:
    threads = int(text)
    if not 1 <= threads <= 64:
        raise ValueError("a number from 1 to 64 is expected")
    return threads
