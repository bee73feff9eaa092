"""The figures of the statistics, each part by a command: ``python -m benchmarks.statistics PART [options]``.

    .venv/bin/python -m benchmarks.statistics counts
    .venv/bin/python -m benchmarks.statistics surges --seeds 1 2 3

A part PART is the module ``benchmarks/statistics_PART.py``; its ``main`` takes the arguments that follow.
"""

import importlib
import sys
from pathlib import Path

PREFIX = "statistics_"


def find_parts() -> list[str]:
    """Return the names of the parts that exist."""
    return sorted(
        path.stem.removeprefix(PREFIX) for path in Path(__file__).parent.glob(f"{PREFIX}*.py")
    )


def main(arguments: list[str]) -> int:
    """Run a part; return the exit code."""
    parts = find_parts()
    if not arguments or arguments[0] not in parts:
        print(__doc__, file=sys.stderr)
        print(f"parts: {', '.join(parts)}", file=sys.stderr)
        return 2
    part = importlib.import_module(f"benchmarks.{PREFIX}{arguments[0]}")
    part.main(arguments[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
