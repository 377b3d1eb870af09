"""python -m bench: wasmkiln beside its peers.

Also `bench micro`, `start`, `compile`, `summary` and `agreement`, and the long runs of two tests:
`differential` and `hostile`.
"""

from __future__ import annotations

import sys


def main(argv: list[str]) -> int:
    """Run the command that is named first, else the comparison; returns the exit status."""
    command = argv[0] if argv else ""
    if command == "micro":
        from bench import micro

        return micro.main(argv[1:])
    if command == "start":
        from bench import start

        return start.main(argv[1:])
    if command == "compile":
        from bench import compile as compiling

        return compiling.main(argv[1:])
    if command == "summary":
        from bench import summary

        return summary.main(argv[1:])
    if command == "differential":
        from bench import differential

        return differential.main(argv[1:])
    if command == "hostile":
        from bench import hostile

        return hostile.main(argv[1:])
    if command == "agreement":
        from bench import agreement

        return agreement.main(argv[1:])
    from bench import compare

    return compare.main(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
