"""What a pack compiles to: damaged on disk it is made anew, and gives the same answers."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridgov.pack.city import load_city
from gridgov.pack.compiled import CACHE_VARIABLE, _keep, _say_unkept
from gridgov.pack.kept import SUFFIX, is_whole, sign_part
from tests.gridgov.packs import TOML, write_pack


def flip(file: Path, chance: np.random.Generator) -> bytes:
    """Flip one bit and return what stood there."""
    data = file.read_bytes()
    damaged = bytearray(data)
    place = chance.integers(8 * len(data))
    damaged[place // 8] ^= 1 << place % 8
    file.write_bytes(damaged)
    return data


def ask(pack: Path) -> list[str]:
    """Return where points and addresses lie and what the check says: all that a pack compiles to."""
    city = load_city(pack)
    chance = np.random.default_rng(0)
    west, south, east, north = city.extent.bounds
    judged = city.territory.judge(
        chance.uniform(west, east, 300), chance.uniform(south, north, 300)
    )
    asked = pd.Series([f"{name}12号" for name in city.streets["name"].head(20)], dtype="str")
    found = city.geocoder.locate(asked)
    return [pd.DataFrame(judged).to_json(), pd.DataFrame(found).to_json(), repr(city.problems)]


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return write_pack(tmp_path_factory.mktemp("kept") / "city", TOML)


def test_a_damaged_part_is_made_anew(pack, tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    expected = ask(pack)
    files = sorted(one for one in tmp_path.rglob("*") if one.is_file())
    assert {"gazetteer.bin", "territory.json"} & {one.name for one in files}
    assert sum(one.name.endswith(SUFFIX) for one in files) == 3
    chance = np.random.default_rng(0)
    whole = [flip(file, chance) for file in files]
    assert ask(pack) == expected
    assert [file.read_bytes() for file in files if file.suffix == SUFFIX] == [
        data for file, data in zip(files, whole, strict=True) if file.suffix == SUFFIX
    ]


def test_no_flipped_bit_is_overlooked(tmp_path):
    part, chance = tmp_path / "part", np.random.default_rng(1)
    (part / "inner").mkdir(parents=True)
    (part / "a.json").write_text('{"facts": 1}')
    (part / "inner" / "b.npy").write_bytes(bytes(range(256)) * 20)
    assert not is_whole(part)
    sign_part(part)
    assert is_whole(part)
    for file in (part / "a.json", part / "inner" / "b.npy", tmp_path / f"part{SUFFIX}"):
        for _ in range(40):
            data = flip(file, chance)
            assert not is_whole(part)
            file.write_bytes(data)
    assert is_whole(part)
    (part / "more").write_bytes(b"")
    assert not is_whole(part)


def test_a_store_that_cannot_be_written_is_told_once(tmp_path, caplog):
    _say_unkept.cache_clear()
    (tmp_path / "taken").write_text("a file where the folder should be")
    place = tmp_path / "taken" / "pack" / "part"
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert _keep(place, load=Path.read_text, make=lambda: "made", save=_write) == "made"
    told = [one for one in caplog.records if CACHE_VARIABLE in one.getMessage()]
    assert len(told) == 1
    assert str(tmp_path / "taken") in told[0].getMessage()


def _write(text: str, path: Path) -> None:
    path.write_text(text)


def test_what_is_whole_is_read_and_not_made(tmp_path):
    place = tmp_path / "store" / "part"
    for made, expected in (("first", "first"), ("second", "first")):
        found = _keep(place, load=Path.read_text, make=lambda made=made: made, save=_write)
        assert found == expected
    place.write_text("firsT")
    assert _keep(place, load=Path.read_text, make=lambda: "third", save=_write) == "third"
