"""Flipped bits in every file that a city's compiled code and compiled pack are kept in.

Run: ``python -P benchmarks/damaged_caches.py [CITY] [--flips 40] [--runs 3]``. A first process fills an empty cache.
Each of its files is then damaged in `flips` places, one at a time, and read as the program reads: it must be refused.
At last `runs` processes start on a cache in which every file has one flipped bit: they must end as they should, with
the answers of the first. Exit 0: nothing was taken that was damaged. Goal: all refused.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from geodata.kernels import keeping
from gridgov.pack.city import load_city
from gridgov.pack.kept import SUFFIX, is_whole
from gridgov.sample.writer import FEWEST_APPEALS, write_sample

CHILD = "--child"


def answer(pack: Path) -> str:
    """Return where points and addresses of a city lie: all kernels and parts of the pack are asked for it."""
    city, chance = load_city(pack), np.random.default_rng(0)
    west, south, east, north = city.extent.bounds
    judged = city.territory.judge(
        chance.uniform(west, east, 300), chance.uniform(south, north, 300)
    )
    asked = pd.Series([f"{name}12号" for name in city.streets["name"].head(20)], dtype="str")
    found = city.geocoder.locate(asked)
    return pd.DataFrame(judged).to_json() + pd.DataFrame(found).to_json()


def try_kernels(flips: int, chance: np.random.Generator) -> dict[str, int]:
    """Wrap the reader of compiled code so that each file it reads is read damaged too; return the counts."""
    counts, read = {"files": 0, "flips": 0, "taken": 0}, keeping.read_kept

    def read_both(file: Path, key: str) -> bytes | None:
        whole = read(file, key)
        if whole is not None:
            counts["files"] += 1
            for taken in (read(one, key) is not None for one in damage(file, flips, chance)):
                counts["flips"] += 1
                counts["taken"] += taken
        return whole

    keeping.read_kept = read_both
    return counts


def damage(file: Path, flips: int, chance: np.random.Generator) -> Iterator[Path]:
    """Give the file with one flipped bit, `flips` times; it is whole again afterwards."""
    data = file.read_bytes()
    for place in chance.integers(8 * len(data), size=flips):
        broken = bytearray(data)
        broken[place // 8] ^= 1 << int(place % 8)
        file.write_bytes(broken)
        yield file
    file.write_bytes(data)


def try_parts(cache: Path, flips: int, chance: np.random.Generator) -> dict[str, int]:
    """Damage each file of the compiled pack and ask whether its part is whole; return the counts."""
    counts = {"files": 0, "flips": 0, "taken": 0}
    for checksum in sorted(cache.rglob(f"*{SUFFIX}")):
        part = checksum.with_name(checksum.name.removesuffix(SUFFIX))
        inside = [one for one in part.rglob("*") if one.is_file()] if part.is_dir() else [part]
        for file in [checksum, *inside]:
            if not file.stat().st_size:
                continue
            counts["files"] += 1
            for _ in damage(file, flips, chance):
                counts["flips"] += 1
                counts["taken"] += is_whole(part)
    return counts


def run_child(pack: Path, folder: Path, flips: int = 0) -> dict[str, Any]:
    """Run a process of its own on the caches in a folder; return what it says."""
    environ = os.environ | {
        "GRIDGOV_CACHE": str(folder / "parts"),
        "NUMBA_CACHE_DIR": str(folder / "kernels"),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    words = [sys.executable, "-P", __file__, str(pack), CHILD, "--flips", str(flips)]
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"answer": f"exit {done.returncode}", "kernels": {}}
    return json.loads(done.stdout)


def main() -> int:
    """Fill a cache, damage it, and print what was refused and what was answered."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("city", nargs="?", type=Path)
    parser.add_argument("--flips", type=int, default=40)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(CHILD, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    chance = np.random.default_rng(0)
    if options.child:
        counts = try_kernels(options.flips, chance) if options.flips else {}
        said = answer(options.city)
        print(json.dumps({"answer": said, "kernels": counts}))
        return 0
    with tempfile.TemporaryDirectory(prefix="damaged.") as name:
        folder = Path(name)
        pack = options.city or folder / "city"
        if options.city is None:
            write_sample(pack, appeals=FEWEST_APPEALS)
        first = run_child(pack, folder)
        kernels = run_child(pack, folder, options.flips)["kernels"]
        parts = try_parts(folder / "parts", options.flips, chance)
        same = 0
        for _ in range(options.runs):
            for file in sorted(one for one in folder.glob("[kp]*/**/*") if one.is_file()):
                if file.stat().st_size:
                    next(damage(file, 1, chance))  # stopped before it is made whole again
            same += run_child(pack, folder)["answer"] == first["answer"]
    print(
        f"compiled code: {kernels['files']} files, {kernels['flips']} flips, {kernels['taken']} taken"
    )
    print(f"compiled pack: {parts['files']} files, {parts['flips']} flips, {parts['taken']} taken")
    print(f"processes on damaged caches: {same} of {options.runs} with the same answers")
    sound = first["answer"].startswith("{") and kernels["files"] and parts["files"]
    return 0 if sound and not kernels["taken"] + parts["taken"] and same == options.runs else 1


if __name__ == "__main__":
    sys.exit(main())
