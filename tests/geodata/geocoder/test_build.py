"""The index: numbers along roads, names alike, areas as evidence, the file."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.address.lexicon import encode_names
from geodata.gazetteer import GazetteerFileError, GazetteerSource
from geodata.gazetteer.grams import find_alike, get_sounds, make_alike, make_grams
from geodata.gazetteer.house_numbers import (
    DEFAULT_MODEL,
    MOST_KNOWN,
    find_nearest_numbers,
    predict_position,
)
from geodata.gazetteer.other_names import (
    make_place_names,
    make_way_names,
    weigh_area_names,
)
from geodata.gazetteer.places import Areas
from geodata.gazetteer.postings import BARE, OTHER, OWN
from geodata.geocoder import Gazetteer, Geocoder, make_gazetteer
from geodata.geocoder.geometry import find_distance_to_area, is_inside
from tests.geodata import toy_town


@pytest.fixture(scope="module")
def gazetteer():
    return make_gazetteer(toy_town.make_sources(), extent=toy_town.EXTENT)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 300), min_size=0, max_size=MOST_KNOWN, unique=True),
    st.integers(1, 300),
    st.integers(0, 99),
)
def test_numbers_follow_the_textbook_gaussian_process(numbers, wanted, seed):
    numbers = np.sort(np.array(numbers, dtype=float))
    values = np.random.default_rng(seed).normal(500, 300, len(numbers))
    m = DEFAULT_MODEL

    def covariance(a, b):
        side = m.side * (a[:, None] % 2 == b[None, :] % 2)
        walk = (m.walk + side) * np.minimum.outer(a, b)
        return m.offset_var + m.slope_var * np.outer(a, b) + walk

    at = np.array([float(wanted)])
    cross = covariance(at, numbers)
    gain = cross @ np.linalg.inv(covariance(numbers, numbers) + m.noise * np.eye(len(numbers)))
    mean = m.offset + m.slope * wanted + gain @ (values - m.offset - m.slope * numbers)
    variance = covariance(at, at) - gain @ cross.T
    found = predict_position(numbers, values, float(wanted), m)
    assert found[0] == pytest.approx(mean[0], rel=1e-6, abs=1e-3)
    assert found[1] == pytest.approx(variance[0, 0], rel=1e-5, abs=1e-2)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 99), unique=True, max_size=20), st.integers(1, 99))
def test_nearest_numbers_are_the_nearest(numbers, wanted):
    numbers = np.sort(np.array(numbers, dtype=np.int32))
    low, high = find_nearest_numbers(numbers, wanted, 4)
    away = np.abs(numbers - wanted)
    assert sorted(away[low:high]) == sorted(away)[:4]


def test_alike_names_by_brute_force():
    names = sorted(["东总布胡同", "西总布胡同", "东四北大街", "内务部街", "总部基地", "北总布胡同"])
    codes, start = encode_names(names)
    grams = make_grams(codes, start, np.ones(len(names), dtype=bool))
    sounds = get_sounds()

    def list_grams(text):
        heard = [0xFFFF, *(int(sounds[ord(c)]) for c in text)]
        return set(itertools.pairwise(heard))

    count = {}
    for name in names:
        for gram in list_grams(name):
            count[gram] = count.get(gram, 0) + 1
    rarity = {gram: np.log((len(names) + 1) / (n + 0.5)) for gram, n in count.items()}
    query = "东总部胡同"
    new = np.log(len(names) + 1.0)

    def norm(text):
        return np.sqrt(sum(rarity.get(gram, new) ** 2 for gram in list_grams(text)))

    wanted = {}
    for name in names:
        shared = sum(rarity[gram] ** 2 for gram in list_grams(name) & list_grams(query))
        if (likeness := shared / (norm(name) * norm(query))) >= 0.3:
            wanted[name] = likeness
    alike = make_alike(len(names))
    find_alike(grams, encode_names([query])[0], 0.3, alike)
    found = {names[alike.name[i]]: float(alike.likeness[i]) for i in range(alike.size[0])}
    assert found == pytest.approx(wanted, rel=1e-5)
    assert next(iter(found)) == "东总布胡同"  # 部 and 布 sound the same
    assert found["东总布胡同"] == pytest.approx(1.0)
    assert not alike.total.any()


@settings(max_examples=60, deadline=None)
@given(st.floats(-150, 150), st.floats(-150, 150))
def test_areas_measure_like_shapely(x, y):
    polygon = shapely.Polygon([(0, 0), (100, 10), (80, 90), (40, 40), (10, 95)])
    xy = shapely.get_coordinates(polygon).astype(np.float32)
    one = np.zeros(1, np.float32)
    edges = [part.copy() for part in (*xy[:-1].T, *xy[1:].T)]
    areas = Areas(np.zeros(1, np.uint8), one, one, one, np.array([0, len(xy) - 1]), *edges)
    point = shapely.Point(x, y)
    away, bx, by = find_distance_to_area(areas, 0, x, y)
    assert away == pytest.approx(polygon.distance(point), abs=1e-4)
    if polygon.boundary.distance(point) > 1e-3:
        assert is_inside(areas, 0, x, y) == polygon.contains(point)
        assert polygon.boundary.distance(shapely.Point(bx, by)) < 1e-3


def test_a_saved_index_answers_the_same(gazetteer, tmp_path):
    path = tmp_path / "town.gaz"
    gazetteer.save(path)
    loaded = Gazetteer.load(path)
    asked = pd.Series(
        ["长安胡同33号", "花园小区3号楼", "东门街道", "无此路5号", "中轴大街与丰收路路口"]
    )
    pd.testing.assert_frame_equal(Geocoder(loaded).locate(asked), Geocoder(gazetteer).locate(asked))
    assert loaded.meta == gazetteer.meta
    assert list(tmp_path.iterdir()) == [path]


def spoil(path, how):
    data = bytearray(path.read_bytes())
    if how == "flip":
        data[-200] ^= 0xFF
    elif how == "cut":
        data = data[: len(data) // 2]
    elif how == "magic":
        data[:4] = b"ABCD"
    else:
        length = int.from_bytes(data[8:16], "little")
        header = json.loads(data[16 : 16 + length])
        text = json.dumps({**header, "version": 999}, ensure_ascii=False).encode()
        data[16 : 16 + length] = text.ljust(length)[:length]
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("flip", "digest"),
        ("cut", "cut short"),
        ("magic", "no gazetteer"),
        ("version", "version 999"),
    ],
)
def test_spoilt_files_are_refused(gazetteer, tmp_path, how, says):
    path = tmp_path / "town.gaz"
    gazetteer.save(path)
    spoil(path, how)
    with pytest.raises(GazetteerFileError, match=says):
        Gazetteer.load(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(GazetteerFileError, match="cannot be read"):
        Gazetteer.load(tmp_path / "none.gaz")


def test_same_sources_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        make_gazetteer(toy_town.make_sources(), extent=toy_town.EXTENT).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_rows_outside_the_extent_are_left_out():
    frame = pd.DataFrame(
        {"name": ["城里的楼", "海上的塔"], "lon": [116.4, 121.0], "lat": [39.9, 31.0]}
    )
    source = GazetteerSource(frame=frame, kind="place", name="places")
    built = make_gazetteer([source], extent=toy_town.EXTENT)
    assert "城里的楼" in built.names.to_pylist()
    assert "海上的塔" not in built.names.to_pylist()


def test_an_empty_gazetteer_places_nothing():
    answer = Geocoder(make_gazetteer([])).locate(pd.Series(["长安胡同33号"]))
    assert answer["lon"].isna().all()


def test_spoken_names():
    assert {"来广营乡", "来广营镇", "来广营"} <= set(weigh_area_names("来广营地区", "street", []))
    assert "崇外街道" in weigh_area_names("崇文门外街道", "street", [])
    assert "体育馆街道" in weigh_area_names("体育馆路街道", "street", [])
    assert list(weigh_area_names("朝阳区", "district", []))[-1] == "朝阳"
    assert weigh_area_names("西营村村委会", "community", []) == {
        "西营村村委会": OWN,
        "西营村": OWN,
        "西营社区": OTHER,
        "西营社区居委会": OTHER,
        "西营小区": BARE,
        "西营": BARE,
    }
    assert weigh_area_names("来广营地区", "street", [])["来广营乡"] == OTHER
    assert weigh_area_names("平安里", "street", [])["平安里"] == OWN
    assert set(make_way_names("草厂七条", [])) == {"草厂七条", "草厂七条胡同"}
    assert "安外大街" in make_way_names("安定门外大街", [])
    assert make_place_names("东环广场地下停车场") == ["东环广场地下停车场", "东环广场"]


def test_a_gazetteer_of_numbers_alone_can_be_built():
    numbers = pd.DataFrame(
        {"address": ["安定路1号", "安定路9号"], "lon": [116.4, 116.41], "lat": [39.9, 39.9]}
    )
    made = make_gazetteer([GazetteerSource(frame=numbers, kind="address", name="numbers")])
    answer = Geocoder(made).locate(pd.Series(["安定路5号"], dtype="str"))
    assert answer["lon"].between(116.4, 116.41).all()
