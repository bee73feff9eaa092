"""Time of generating the sample city, by stage: python benchmarks/sample.py [APPEALS ...]."""

import sys
import tempfile
from pathlib import Path

from gridgov.sample.writer import write_sample


def main(sizes: list[int]) -> None:
    for appeals in sizes:
        with tempfile.TemporaryDirectory() as folder:
            seconds = write_sample(Path(folder) / "city", appeals=appeals)["seconds"]
        stages = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
        print(f"{appeals:>9,} appeals: {sum(seconds.values()):5.1f} s  ({stages})")


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or [200_000, 1_000_000])
