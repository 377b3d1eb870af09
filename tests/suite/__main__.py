"""Runs the whole suite and counts what passes: `python -m tests.suite [OPTIONS] [NAME...]`.

--table prints the counts by kind of test, and by operator where any of its tests does not pass.
--update rewrites xfail.txt. It refuses to while anything is wrong. NAME: only tests whose names
contain one of these words.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from time import perf_counter

from tests.suite.cases import KINDS, Case, cases
from tests.suite.outcome import run
from tests.suite.xfail import reason, write_xfail


def main() -> int:
    """Print what isn't passed, then the summary; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.suite", description=__doc__)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    chosen = [c for n, c in cases().items() if not args.names or any(w in n for w in args.names)]
    warnings.simplefilter("ignore")
    start = perf_counter()
    verdicts: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    tables: dict[str, Counter[str]] = {}
    for case in chosen:
        outcome = run(case)
        verdicts[outcome.verdict] += 1
        for group in (case.kind, operator(case)):
            tables.setdefault(group, Counter())[outcome.verdict] += 1
        if outcome.verdict in ("unsupported", "random"):
            reasons[case.name] = reason(outcome.message)
        elif outcome.verdict == "wrong":
            print(f"WRONG {case.name}: {outcome.message[:600]}")
    if args.names:
        for name, why in reasons.items():
            print(f"{name} — {why}")
    else:
        for why, count in Counter(reasons.values()).most_common():
            print(f"{count:5} {why}")
    if args.table:
        print_table(tables)
    summary = ", ".join(f"{verdicts[v]} {v}" for v in ("passed", "unsupported", "random", "wrong"))
    print(f"{summary}, of {len(chosen)} in {perf_counter() - start:.0f} s")
    if args.update and not args.names and not verdicts["wrong"]:
        write_xfail(reasons)
    return 1 if verdicts["wrong"] else 0


def operator(case: Case) -> str:
    """The operator that a node test is about; '' for other tests."""
    if case.kind != "node":
        return ""
    names = [node.op_type for node in case.model().graph.node]
    about = case.name.removeprefix("test_").replace("_", "")
    return max((n for n in names if about.startswith(n.lower())), key=len, default=names[0])


def print_table(tables: dict[str, Counter[str]]) -> None:
    """The kinds, then the operators of which not every test passes."""
    print("| | tests | passed | refused | random | wrong |\n|---|--:|--:|--:|--:|--:|")
    for group in (*KINDS, *sorted(set(tables) - {*KINDS, ""})):
        counts = tables.get(group, Counter())
        if group in KINDS or counts["passed"] < counts.total():
            cells = [counts[v] for v in ("passed", "unsupported", "random", "wrong")]
            print(f"| {group} | {' | '.join(map(str, (counts.total(), *cells)))} |")
    every = [c for g, c in tables.items() if g and g not in KINDS]
    whole = sum(c["passed"] == c.total() for c in every)
    print(f"{whole} of {len(every)} operators pass all of their node tests")


if __name__ == "__main__":
    sys.exit(main())
