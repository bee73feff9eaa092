"""Files: whole or not at all; whatever is damaged ends in a message, never in another error."""

import random

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geodata.errors import GeodataError, InvalidDataError
from geodata.files import read_layer, read_points, read_table, write_layer, write_table
from geodata.paths import check_file, read_bytes, replace_file

KINDS = [
    "a.gpkg",
    "a.geojson",
    "a.parquet",
    "a.shp",
    "a.dbf",
    "a.prj",
    "t.csv",
    "t.xlsx",
    "t.parquet",
]
PIECES = [b'"', b",", b"\n", b"\0", b"null", b"1e999", b"NaN", b"[]", b"{}", b"\xff", b"-"]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    squares = [shapely.box(116, 39, 117, 40), shapely.box(117, 39, 118, 40)]
    areas = gpd.GeoDataFrame(
        {"code": ["1", "2"], "name": ["东华门", None]}, geometry=squares, crs=4326
    )
    for ending in ("gpkg", "geojson", "parquet"):
        write_layer(areas, folder / f"a.{ending}")
    areas.to_file(folder / "a.shp")
    table = pd.DataFrame(
        {"no": ["1", "2"] * 20, "lon": [116.1, None] * 20, "lat": [39.1, 39.2] * 20}
    )
    table["text"] = ["路灯,不亮\n", 'a"b'] * 20
    for ending in ("csv", "xlsx", "parquet"):
        write_table(table, folder / f"t.{ending}")
    return folder


def damage(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 3, 20])):
        at = rng.randrange(len(data))
        match rng.randrange(4):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                del data[at : at + rng.choice([1, 5, 100])]
            case 2:
                data[at:at] = rng.choice(PIECES)
            case _:
                del data[at:]
        data = data or bytearray(b"x")
    return bytes(data)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_end_in_a_message(sound, tmp_path, kind):
    rng = random.Random(kind)  # noqa: S311 - damage, not secrets
    for file in sound.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    target = tmp_path / ("a.shp" if kind in {"a.dbf", "a.prj"} else kind)
    told = 0
    for _ in range(25):
        (tmp_path / kind).write_bytes(damage((sound / kind).read_bytes(), rng))
        for read, options in (
            (read_layer, {"datum": "GCJ-02", "code": "code"}),
            (read_points, {"datum": "WGS84"}),
            (read_table, {}),
        ):
            try:
                _, problems = read(target, **options)
            except InvalidDataError as error:
                problems = error.problems
            told += bool(problems)
            assert all(problem.problem and problem.file for problem in problems)
    assert told > 0


def test_checks_before_reading(tmp_path):
    (tmp_path / "empty.csv").touch()
    with pytest.raises(InvalidDataError, match="is empty"):
        check_file(tmp_path / "empty.csv")
    with pytest.raises(InvalidDataError, match="is a folder"):
        read_bytes(tmp_path)
    with pytest.raises(InvalidDataError, match=r"the folder .* does not exist either"):
        check_file(tmp_path / "none" / "a.csv")


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "a.txt"
    with replace_file(path) as aside:
        aside.write_text("1")
        assert not path.exists()
    assert path.read_text() == "1"
    with pytest.raises(KeyError), replace_file(path) as aside:
        aside.write_text("half")
        raise KeyError
    assert path.read_text() == "1"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(GeodataError, match="cannot be written"),
        replace_file(tmp_path / "file" / "a"),
    ):
        pass
    with pytest.raises(GeodataError, match="is a folder"), replace_file(tmp_path):
        pass
