"""The scan statistic on a city of 343 areas and 365 days: seconds, and SaTScan's answers where they are known.

    python -m benchmarks.scan [--replicates 999] [--repeats 3] [--threads 2]

SaTScan 10.3.2 takes 14.2 s prospective and 334 s retrospective on the same files and two threads.
"""

import argparse
import json
import statistics
import time
from datetime import date
from pathlib import Path

from planner.scan import ScanModel, ScanOptions, TimeUnit, read_scan_input, scan

SAMPLES = Path(__file__).parents[2] / "shared" / "data" / "scan"
SATSCAN_S = {"prospective": 14.2, "retrospective": 334.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=999)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    data = read_scan_input(
        cases=SAMPLES / "synth.cas",
        places=SAMPLES / "synth.geo",
        population=SAMPLES / "synth.pop",
        model=ScanModel.POISSON,
        start=date(2023, 1, 1),
        end=date(2023, 12, 31),
        unit=TimeUnit.DAY,
    )
    # Compiled code is loaded before anything is timed.
    for is_prospective in (True, False):
        few = ScanOptions(
            is_prospective=is_prospective, max_duration=2, max_share=0.02, replicates=2
        )
        scan(data, few)
    known = json.loads((SAMPLES / "satscan_answers.json").read_text("utf-8"))["synth_prosp25"]
    for name, seconds in SATSCAN_S.items():
        options = ScanOptions(
            is_prospective=name == "prospective",
            max_share=0.25,
            max_duration=30,
            replicates=args.replicates,
            threads=args.threads,
        )
        spent = []
        for _ in range(args.repeats if name == "prospective" else 1):
            began = time.perf_counter()
            clusters = scan(data, options)
            spent.append(time.perf_counter() - began)
        took = statistics.median(spent)
        print(
            f"{name:13s} {took:6.2f} s (SaTScan {seconds} s, {seconds / took:.0f}x), {len(clusters)} clusters, "
            f"first: {len(clusters['locations'].iloc[0])} places, llr {clusters['llr'].iloc[0]:.6f}, "
            f"p {clusters['p_value'].iloc[0]:.3f}"
        )
        if name == "prospective":
            off = max(
                abs(row["llr"] - wanted["llr"])
                for row, wanted in zip(clusters.to_dict("records"), known["clusters"], strict=False)
            )
            print(f"{'':13s} against SaTScan's clusters: largest difference of the ratio {off:.1e}")


if __name__ == "__main__":
    main()
