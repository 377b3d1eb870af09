"""python -m bench hostile: bombs and damaged models, each tried in a process with limits.

Only results and errors of the package's own may come out, in ten seconds and a gigabyte. A model
that does worse is saved.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from tests.hostile.cases import cases, mutation
from tests.hostile.pool import try_all

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Print failures as they come, then what came out how often; 1 if anything was bad."""
    parser = argparse.ArgumentParser(prog="python -m bench hostile", description=__doc__)
    parser.add_argument("--cases", type=int, default=2809)
    parser.add_argument("--seed", type=int, default=0, help="of the first damaged model")
    parser.add_argument("--only", type=int, nargs="*", help="serial numbers of damaged models")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("test-results/hostile"))
    args = parser.parse_args(argv)
    chosen = map(mutation, args.only) if args.only else cases(args.cases, args.seed)
    start = perf_counter()
    results: Counter[str] = Counter()
    bad, slowest, largest = 0, 0.0, 0
    for verdict in try_all(chosen, args.workers):
        results[verdict.result] += 1
        slowest, largest = max(slowest, verdict.seconds), max(largest, verdict.growth)
        if verdict.bad:
            bad += 1
            args.out.mkdir(parents=True, exist_ok=True)
            path = args.out / f"{verdict.case.name.replace(' ', '-')}.onnx"
            path.write_bytes(verdict.case.data)
            print(f"BAD {verdict.case.name}: {verdict.result}, {path}\n{verdict.message}\n")
        elif args.only:
            print(f"{verdict.case.name}: {verdict.result} {verdict.message}")
    for result, count in results.most_common():
        print(f"{count:6} {result}")
    print(
        f"{bad} bad of {results.total()} cases in {perf_counter() - start:.0f} s; "
        f"at most {slowest:.1f} s and {largest >> 20} MB each"
    )
    return 1 if bad else 0
