"""Compiled code on disk: whatever is damaged, or made from something else, is compiled anew and never run."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from geodata.kernels.keeping import SUFFIX, read_kept, write_kept

ROOT = Path(__file__).resolve().parents[3]

TABLE = "FACTOR = 3\n"
INNER = """
from geodata.kernels import inner_kernel
from rooms import table

@inner_kernel
def weigh(one):
    return one * table.FACTOR + 1
"""
OUTER = """
import sys
from typing import NamedTuple
import numpy as np
from geodata.kernels import borrow, freeze, kernel
from rooms.inner import weigh

class Pair(NamedTuple):
    left: np.ndarray
    right: np.ndarray

@kernel
def add_up(pair, count):
    if count < 0:
        raise ValueError("a count is not negative")
    total = 0.0
    for i in range(count):
        total += weigh(pair.left[i]) - pair.right[i]
    return total

@kernel
def add_lent(pair, count):
    return add_up(borrow(pair), count)

if __name__ == "__main__":
    from rooms.outer import Pair, add_lent
    pair = freeze(Pair(np.arange(5.0), np.full(5, 0.5)))
    try:
        add_lent(pair, -1)
    except ValueError as error:
        print(error)
    print(add_lent(pair, 5), sum(add_lent.stats.cache_hits.values()))
"""


@pytest.fixture
def rooms(tmp_path):
    """Two rooms with a kernel each, and a table."""
    folder = tmp_path / "rooms"
    folder.mkdir()
    for name, text in (("__init__", ""), ("table", TABLE), ("inner", INNER), ("outer", OUTER)):
        (folder / f"{name}.py").write_text(text, "utf-8")
    return folder


def answer(rooms: Path) -> tuple[float, int]:
    """Return what a fresh process answers, and how many kernels it had not to compile."""
    environment = os.environ | {
        "PYTHONPATH": f"{rooms.parent}{os.pathsep}{ROOT}",
        "NUMBA_CACHE_DIR": str(rooms.parent / "kept"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "rooms.outer"],
        env=environment,
        cwd=rooms.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("a count is not negative\n")
    total, hits = done.stdout.split()[-2:]
    return float(total), int(hits)


def list_kept(rooms: Path) -> list[Path]:
    return sorted((rooms.parent / "kept").rglob(f"*{SUFFIX}"))


def edit(file: Path, old: str, new: str) -> None:
    """Change a file so that its time and size stay as they are."""
    before = file.stat()
    text = file.read_text("utf-8")
    assert text.count(old) == 1
    assert len(old) == len(new)
    file.write_text(text.replace(old, new), "utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def flip(data: bytes, place: int) -> bytes:
    damaged = bytearray(data)
    damaged[place // 8] ^= 1 << place % 8
    return bytes(damaged)


PLAIN = sum(3 * one + 1 - 0.5 for one in range(5))


@pytest.mark.slow
def test_kept_code_is_used_and_damaged_code_is_compiled_anew(rooms):
    assert answer(rooms) == (PLAIN, 0)
    assert answer(rooms) == (PLAIN, 1)
    files = list_kept(rooms)
    assert len(files) == 3
    whole = [file.read_bytes() for file in files]
    chance = np.random.default_rng(0)
    for file, data in zip(files, whole, strict=True):
        file.write_bytes(flip(data, chance.integers(8 * len(data))))
    assert answer(rooms) == (PLAIN, 0)
    assert answer(rooms) == (PLAIN, 1)  # and written over
    for file, data in zip(files, whole, strict=True):
        file.write_bytes(data[: chance.integers(len(data))])
    assert answer(rooms) == (PLAIN, 0)
    for file in files:
        file.write_bytes(b"")
    assert answer(rooms) == (PLAIN, 0)


@pytest.mark.slow
def test_a_change_in_another_room_is_noticed_whatever_its_time_and_size(rooms):
    assert answer(rooms) == (PLAIN, 0)
    edit(rooms / "table.py", "3", "4")
    assert answer(rooms) == (sum(4 * one + 1 - 0.5 for one in range(5)), 0)
    edit(rooms / "inner.py", "+ 1", "+ 2")
    assert answer(rooms) == (sum(4 * one + 2 - 0.5 for one in range(5)), 0)
    text = (rooms / "inner.py").read_text("utf-8")
    (rooms / "inner.py").write_text(f"# says the same\n{text}", "utf-8")
    assert answer(rooms)[1] == 1
    assert len(list_kept(rooms)) == 3  # and nothing is left of earlier texts


@pytest.mark.slow
def test_fields_in_another_order_are_another_type(rooms):
    assert answer(rooms) == (PLAIN, 0)
    edit(
        rooms / "outer.py",
        "    left: np.ndarray\n    right: np.ndarray\n",
        "    right: np.ndarray\n    left: np.ndarray\n",
    )
    swapped = sum(3 * 0.5 + 1 - one for one in range(5))
    assert answer(rooms) == (swapped, 0)


@pytest.mark.slow
def test_a_file_under_another_name_is_not_taken(rooms):
    assert answer(rooms) == (PLAIN, 0)
    files = {file.name.partition("-")[0]: file for file in list_kept(rooms)}
    files["outer.add_lent"].write_bytes(files["outer.add_up"].read_bytes())
    assert answer(rooms) == (PLAIN, 0)


def test_what_is_written_is_read_under_its_own_key_alone(tmp_path):
    file, payload = tmp_path / "one.kernel", bytes(range(256)) * 40
    write_kept(file, "key", payload)
    assert read_kept(file, "key") == payload
    assert read_kept(file, "other key") is None
    assert read_kept(tmp_path / "none.kernel", "key") is None
    data, chance = file.read_bytes(), np.random.default_rng(2)
    for place in [*range(8 * 60), *(chance.integers(8 * len(data)) for _ in range(400))]:
        file.write_bytes(flip(data, place))
        assert read_kept(file, "key") is None
    assert [one.name for one in tmp_path.iterdir()] == ["one.kernel"]


def test_a_folder_that_cannot_be_written_keeps_nothing_and_stops_nothing(tmp_path):
    write_kept(tmp_path / "missing" / "one.kernel", "key", b"code")
    assert not (tmp_path / "missing").exists()
