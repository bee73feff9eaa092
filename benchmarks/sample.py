"""Time of generating the sample city, by stage: python -m benchmarks.sample [APPEALS ...].

Processor time of the whole (other programs on the machine do not change it), the clock's of each stage.
"""

import sys
import tempfile
import time
from pathlib import Path

from gridgov.sample.writer import write_sample


def main(sizes: list[int]) -> None:
    for appeals in sizes:
        with tempfile.TemporaryDirectory() as folder:
            before = time.process_time()
            seconds = write_sample(Path(folder) / "city", appeals=appeals)["seconds"]
            used = time.process_time() - before
        stages = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
        print(
            f"{appeals:>9,} appeals: {used:5.1f} s of processor time, {sum(seconds.values()):5.1f} s  ({stages})"
        )


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or [200_000, 1_000_000])
