"""Runs the whole suite and counts what passes: `python -m tests.suite [--update] [NAME...]`.

--update rewrites xfail.txt. It refuses to while anything is wrong. NAME: only tests whose names
contain one of these words.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from time import perf_counter

from tests.suite.cases import cases
from tests.suite.outcome import run
from tests.suite.xfail import reason, write_xfail


def main() -> int:
    """Print what isn't passed, then the summary; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.suite", description=__doc__)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    chosen = [c for n, c in cases().items() if not args.names or any(w in n for w in args.names)]
    warnings.simplefilter("ignore")
    start = perf_counter()
    verdicts: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    for case in chosen:
        outcome = run(case)
        verdicts[outcome.verdict] += 1
        if outcome.verdict == "unsupported":
            reasons[case.name] = reason(outcome.message)
        elif outcome.verdict == "wrong":
            print(f"WRONG {case.name}: {outcome.message[:600]}")
    if args.names:
        for name, why in reasons.items():
            print(f"{name} — {why}")
    else:
        for why, count in Counter(reasons.values()).most_common():
            print(f"{count:5} {why}")
    summary = ", ".join(f"{verdicts[v]} {v}" for v in ("passed", "unsupported", "wrong"))
    print(f"{summary}, of {len(chosen)} in {perf_counter() - start:.0f} s")
    if args.update and not args.names and not verdicts["wrong"]:
        write_xfail(reasons)
    return 1 if verdicts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
