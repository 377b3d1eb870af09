"""python -m bench differential: random models here and in native onnxruntime, as many as wanted.

Each case has a seed of its own, by which `--only SEED` draws it again. A model whose outputs
differ is saved with its inputs.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from time import perf_counter

import numpy as np
import onnx
from wasmkiln.options import CompileOptions

from tests.differential.compare import FAMILIES, compare, draw
from tests.differential.draw import Case

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Print failures as they come, then the counts; 1 if there are any."""
    parser = argparse.ArgumentParser(prog="python -m bench differential", description=__doc__)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument(
        "--seed", type=int, default=0, help="of the first case; the others count up"
    )
    parser.add_argument("--only", type=int, nargs="*", help="seeds of single cases")
    parser.add_argument("--family", nargs="*", choices=sorted(FAMILIES), default=sorted(FAMILIES))
    parser.add_argument("--out", type=Path, default=Path("test-results/differential"))
    parser.add_argument("--verbose", action="store_true", help="show what is refused as well")
    args = parser.parse_args(argv)
    seeds = args.only or range(args.seed, args.seed + args.cases)
    start = perf_counter()
    verdicts: Counter[str] = Counter()
    for seed in seeds:
        family = args.family[seed % len(args.family)]
        case, options = draw(family, Random(seed))
        outcome = compare(case, CompileOptions(), options)
        verdicts[outcome.verdict] += 1
        if outcome.verdict == "different":
            path = _save(case, args.out / f"{family}-{seed}")
            print(f"DIFFERENT {family}, seed {seed}, {path}\n{outcome.message[:900]}\n")
        elif args.verbose or outcome.verdict == "unsupported":
            print(f"{outcome.verdict} {family}, seed {seed}: {outcome.message[:300]}")
    counts = ", ".join(f"{n} {verdict}" for verdict, n in sorted(verdicts.items()))
    print(f"{counts}, of {len(seeds)} cases in {perf_counter() - start:.0f} s")
    return 1 if verdicts["different"] else 0


def _save(case: Case, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(case.model, path.with_suffix(".onnx"))
    np.savez(path.with_suffix(".npz"), **case.feeds)  # type: ignore[arg-type]
    return path.with_suffix(".onnx")
