"""The command line: `wasmkiln inspect model.onnx`, `wasmkiln compile model.onnx -o out/`."""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import Counter
from collections.abc import Sequence

from . import __version__, site_command
from .bundle.command import add_compile, compile_command
from .compiler import Compiled, Observe, compile_graph
from .engine.runner import Runner
from .errors import UnsupportedOperatorError, WasmkilnError, error_name
from .host import default_host
from .ir.graph import Graph
from .ir.text import graph_text
from .onnx.load import Model, load
from .options import CompileOptions
from .report import ReportRow

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, or 1 after an error of ours, 2 for wrong use."""
    arguments = _parser().parse_args(argv)
    if arguments.command == "site":
        return site_command.run(arguments)
    try:
        if arguments.command == "compile":
            compile_command(arguments)
            return 0
        model = load(arguments.model)
        options = CompileOptions(
            simd=arguments.simd,
            threads=arguments.threads,
            dims=dict(arguments.dim),
            shapes=dict(arguments.shape),
            fuse=not arguments.no_fuse,
            channels_last=not arguments.no_channels_last,
        )
        observe = _print_graph if arguments.passes else None
        compiled = _compiled(model, options, observe)
    except (WasmkilnError, OSError) as error:
        name = error_name(error) if isinstance(error, WasmkilnError) else type(error).__name__
        print(f"wasmkiln: {name}: {error}", file=sys.stderr)
        return 1
    if isinstance(compiled, Runner):
        _print_parts(model, compiled, arguments.json)
    elif arguments.json:
        print(json.dumps(_facts(model, compiled), indent=2))
    elif not arguments.passes:
        _print_inspection(model, compiled)
    return 0


def _compiled(model: Model, options: CompileOptions, observe: Observe | None) -> Compiled | Runner:
    """The compiled model, or what runs it in parts where it can't be compiled as a whole."""
    try:
        return compile_graph(model, options, observe)
    except UnsupportedOperatorError as error:
        runner = Runner(model, options, default_host())
        runner.prepare()
        try:
            runner.compiled()
        except UnsupportedOperatorError:
            return runner
        raise error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wasmkiln", description="Compile ONNX to WebAssembly.")
    parser.add_argument("--version", action="version", version=f"wasmkiln {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    add_compile(commands)
    inspect = commands.add_parser(
        "inspect", help="show how each node of a model runs, and what the whole needs"
    )
    inspect.add_argument("model", help="an ONNX file")
    inspect.add_argument("--passes", action="store_true", help="print the graph after each pass")
    inspect.add_argument("--json", action="store_true", help="print JSON instead of tables")
    inspect.add_argument(
        "--dim", type=_dim, action="append", default=[], metavar="NAME=N",
        help="size of a symbolic dimension (1 if not given)",
    )  # fmt: skip
    inspect.add_argument(
        "--shape", type=_shape, action="append", default=[], metavar="INPUT=N,N,...",
        help="whole shape of an input",
    )  # fmt: skip
    inspect.add_argument("--simd", choices=("relaxed", "baseline"), default="relaxed")
    inspect.add_argument("--threads", type=int, default=1)
    inspect.add_argument("--no-fuse", action="store_true", help="leave operators unfused")
    inspect.add_argument("--no-channels-last", action="store_true", help="keep NCHW inside")
    site = commands.add_parser("site", help="write the page as static files, for any host")
    site_command.add_arguments(site)
    return parser


def _dim(text: str) -> tuple[str, int]:
    name, _, size = text.rpartition("=")
    if not name or not size.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=N")
    return name, int(size)


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    name, _, sizes = text.rpartition("=")
    dims = sizes.split(",") if sizes else []
    if not name or not all(d.isdigit() for d in dims):
        raise argparse.ArgumentTypeError(f"'{text}' is not INPUT=N,N,...")
    return name, tuple(map(int, dims))


def _print_graph(name: str, graph: Graph) -> None:
    print(f"=== after {name}: {len(graph.nodes)} nodes\n{graph_text(graph)}")


def _facts(model: Model, compiled: Compiled) -> dict[str, object]:
    artifact = compiled.artifact
    return {
        "opsets": dict(model.opsets),
        "producer": model.producer,
        "artifact": {
            **artifact.meta(),
            "segments": len(artifact.segments),
            "copies": len(artifact.copies),
        },
        "codeBytes": len(artifact.code),
        "codeBytesGzip": len(gzip.compress(artifact.code, mtime=0)),
        "memoryBytes": artifact.pages * 65536,
        "timings": {phase: round(1e3 * s, 2) for phase, s in compiled.timings.items()},
        "nodes": [row.as_dict() for row in compiled.report],
        **compiled.explain(),
    }


def _print_parts(model: Model, runner: Runner, as_json: bool) -> None:
    """How the nodes of a model run that needs Python between its compiled parts."""
    rows = runner.report()
    if as_json:
        facts = {"opsets": dict(model.opsets), "producer": model.producer}
        print(json.dumps(facts | {"nodes": [row.as_dict() for row in rows]}, indent=2))
        return
    _print_model(model)
    for name, declared in model.graph.inputs.items():
        print(f"input     {name}: {declared}")
    for name, declared in model.outputs.items():
        print(f"output    {name}: {declared}")
    _print_rows(rows)
    print("parts     compiled when it is known what goes in, with the host's nodes between them")


def _print_model(model: Model) -> None:
    opsets = ", ".join(f"{domain or 'ai.onnx'} {v}" for domain, v in model.opsets.items())
    print(f"opset     {opsets}; produced by {model.producer or 'unknown'}")


def _print_rows(report: Sequence[ReportRow]) -> None:
    rows = [(_short(r.node), r.op, r.how, ", ".join(r.kernels)) for r in report]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    print()
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        print("  ".join(cells), row[3])
    counts = Counter(r.how for r in report)
    print()
    print(f"nodes     {len(rows)}: " + ", ".join(f"{n} {how}" for how, n in counts.most_common()))


def _short(name: str) -> str:
    """A name of at most 48 characters: converters make some of hundreds."""
    return name if len(name) <= 48 else f"{name[:20]}…{name[-27:]}"


def _print_inspection(model: Model, compiled: Compiled) -> None:
    artifact = compiled.artifact
    _print_model(model)
    for b in artifact.inputs:
        print(f"input     {b.name}: {b.type}")
    for b in artifact.outputs:
        print(f"output    {b.name}: {b.type}")
    _print_rows(compiled.report)
    kernels = {k for r in compiled.report for k in r.kernels}
    print(f"kernels   {len(kernels)} distinct, {artifact.main.steps} steps a run")
    packed = len(gzip.compress(artifact.code, mtime=0))
    print(f"code      {len(artifact.code):,} bytes ({packed:,} gzip), {artifact.simd} SIMD")
    print(f"weights   {artifact.weight_bytes:,} bytes")
    print(f"arena     {artifact.arena_bytes:,} bytes")
    print(f"memory    {artifact.pages * 65536:,} bytes in all, for {artifact.threads} thread(s)")
    print(f"MACs      {artifact.macs:,}")
    laps = ", ".join(f"{phase} {1e3 * s:.1f} ms" for phase, s in compiled.timings.items())
    print(f"compiled  {laps}")


if __name__ == "__main__":
    sys.exit(main())
